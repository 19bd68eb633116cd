"""Pure: Chinese numerals, in characters or digits, in one form: digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.languages.digits import begins_with_digit, digit_words, is_plain, joined_digits, units_behind

_DIGITS = {numeral: value for value, numeral in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_TELEPHONE_ONE = "幺"
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_SCALES = _UNITS | _MYRIADS
_PAIR = frozenset("两兩")
_COUNTED = frozenset("个個位点點张張间間天年杯份件块塊本台人周週小分百千万萬亿億")
"""Before these "两" is the number two. Elsewhere it may be another word ("两手" is not "二手"), and "两次" is not
"二次"."""
PERCENT = "百分之"


@dataclass(slots=True)
class _Sum:
    """A number being read character by character."""

    total: int = 0
    section: int = 0
    digit: int | None = None
    unit: int = 10**4
    """The last unit within the section."""
    before_digit: int = 0
    """The unit directly before the last digit: "一百五" is 150."""
    myriad: int = 10**9

    def takes(self, word: str) -> bool:
        if word in _UNITS:
            return self._takes_unit(_UNITS[word])
        if word in _MYRIADS:
            return self._takes_myriad(_MYRIADS[word])
        return self._takes_digit(_DIGITS[word] if word in _DIGITS else int(word))

    def _takes_digit(self, value: int) -> bool:
        if self.digit or value >= self.unit:  # a second digit: "二三十" is an estimate
            return False
        if value == 0:
            self.before_digit = 0
            return self.digit is None
        self.digit = value
        return True

    def _takes_unit(self, unit: int) -> bool:
        if unit >= self.unit or (not self.digit and (unit != 10 or self.section)):
            return False
        self.section += (self.digit or 1) * unit
        self.unit = self.before_digit = unit
        self.digit = None
        return True

    def _takes_myriad(self, unit: int) -> bool:
        section = self.section + (self.digit or 0)
        if unit >= self.myriad or not section:
            return False
        self.total += section * unit
        self.section, self.digit, self.unit = 0, None, 10**4
        self.myriad = self.before_digit = unit
        return True

    @property
    def value(self) -> int:
        last = self.digit or 0
        if last < 10 and self.before_digit >= 100:
            last *= self.before_digit // 10
        return self.total + self.section + last


def read_numbers(words: Sequence[str]) -> list[str]:
    """``words`` (each character one) with their numbers in digits. What is no well-formed numeral stays as it is."""
    out: list[str] = []
    at = 0
    while at < len(words):
        end = _end_of_numeral(words, at)
        if end > at:
            out += _numeral(words[at:end])
        elif begins_with_digit(words[at]):
            out += digit_words(words[at], point="点")
        else:
            out.append(words[at])
        at = max(end, at + 1)
    return units_behind(joined_digits(out), {PERCENT: "%"})


def _end_of_numeral(words: Sequence[str], at: int) -> int:
    """Where the numeral ends that begins at ``at``; ``at`` itself where none does."""
    start = at
    while at < len(words) and _belongs(words, at, start):
        at += 1
    return at


def _belongs(words: Sequence[str], at: int, start: int) -> bool:
    word = words[at]
    behind = words[at + 1] if at + 1 < len(words) else ""
    if is_plain(word):
        return behind in _SCALES or (at > start and words[at - 1] in _SCALES)
    if word in _PAIR:
        return behind in _COUNTED
    return word in _DIGITS or word in _SCALES or word == _TELEPHONE_ONE


def _numeral(words: Sequence[str]) -> list[str]:
    if not any(word in _SCALES for word in words):
        return _read_out(words)
    number = _Sum()
    unfinished = _DIGITS.get(words[-1]) == 0
    if unfinished or _TELEPHONE_ONE in words or not all(number.takes(word) for word in words):
        return list(words)
    return [str(number.value)]


def _read_out(words: Sequence[str]) -> list[str]:
    if _TELEPHONE_ONE in words and len(words) < 3:
        return list(words)
    return [str(_DIGITS.get(word, 1)) for word in words]
