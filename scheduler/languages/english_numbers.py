"""Pure: English numbers, spoken or written, in one form: whole numbers in digits, ordinals as "5th"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.languages.digits import (
    FULL_HOUR,
    begins_with_digit,
    digit_words,
    is_number,
    is_plain,
    joined_digits,
    units_behind,
)
from scheduler.words import word_set

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ADDENDS = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * ten for ten, word in enumerate(_TENS, start=2)
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_MULTIPLIERS = _SCALES.keys() | {"hundred"}
_IRREGULAR = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
_ORDINALS = (
    {word + "th": value for word, value in _ADDENDS.items() if value < 20}
    | {word[:-1] + "ieth": _ADDENDS[word] for word in _TENS}
    | _IRREGULAR
)
_ZEROS = word_set("oh o")
_ORDINAL_ENDINGS = ("st", "nd", "rd", "th")
_SYMBOLS = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees", "%": "percent"}
_SPOKEN_CENTURIES = (19, 20)
"""With these a pair of numbers is a year ("nineteen eighty four"). Other pairs may be a time or a price."""

MONTHS = word_set("january february march april may june july august september october november december")
NUMBER_WORDS = frozenset(_ADDENDS) | frozenset(_ORDINALS)
_BEGINNINGS = NUMBER_WORDS | _ZEROS | {"a"}


@dataclass(slots=True)
class _Sum:
    """A number being read word by word."""

    total: int = 0
    group: int = 0
    room: int = 100
    """Only less than this can be added next."""
    scale: int = 10**12
    hundreds: bool = False
    started: bool = False
    ordinal: bool = False

    @property
    def value(self) -> int:
        return self.total + self.group

    def takes(self, word: str) -> bool:
        """Reads one more word, or tells that it belongs to no number that began like this."""
        if self.ordinal:
            return False
        if (value := _ADDENDS.get(word)) is not None:
            return self._add(value)
        if (value := _ORDINALS.get(word)) is not None:
            self.ordinal = self._add(value)
            return self.ordinal
        return self._multiply(word)

    def _add(self, value: int) -> bool:
        if value >= self.room or (value == 0 and self.started):
            return False
        self.group += value
        self.room = 10 if value >= 20 else 0
        self.started = True
        return True

    def _multiply(self, word: str) -> bool:
        if word == "hundred" and 0 < self.group < 100 and not self.hundreds:
            self.group, self.room, self.hundreds = 100 * self.group, 100, True
            return True
        scale = _SCALES.get(word, 0)
        if not scale or not self.group or scale >= self.scale:
            return False
        self.total, self.group = self.total + self.group * scale, 0
        self.room, self.scale, self.hundreds = 100, scale, False
        return True


def read_numbers(words: Sequence[str]) -> list[str]:
    """``words`` with their numbers in one form, punctuation marks kept. Spoken and written numbers that differ in
    value stay different."""
    out: list[str] = []
    at = 0
    while at < len(words):
        if words[at] in _BEGINNINGS or begins_with_digit(words[at]):
            pieces, at = _next(words, at, out)
            out += pieces
        else:
            out.append(words[at])
            at += 1
    return _in_one_form(out)


def _next(words: Sequence[str], at: int, before: Sequence[str]) -> tuple[list[str], int]:
    word = words[at]
    behind = words[at + 1] if at + 1 < len(words) else ""
    if begins_with_digit(word):
        return _written(words, at)
    if word in NUMBER_WORDS or (word == "a" and behind in _MULTIPLIERS):
        return _spoken(words, at)
    if word in _ZEROS and _is_zero(word, before[-1] if before else "", behind):
        return ["0"], at + 1
    return [word], at + 1


def _is_zero(word: str, before: str, behind: str) -> bool:
    """ "oh" next to a number is taken as zero, at worst wrongly ("oh, two"): what stays is never dismissed."""
    after_number = before != "" and is_number(before)
    return after_number or (word == "oh" and behind != "" and (begins_with_digit(behind) or behind in NUMBER_WORDS))


def _written(words: Sequence[str], at: int) -> tuple[list[str], int]:
    word = words[at]
    if word.endswith(_ORDINAL_ENDINGS):
        return [word[:-2].replace(",", "") + "th"], at + 1
    pieces = digit_words(word)
    if len(pieces) > 1 or not is_plain(pieces[0]) or (pieces[0][0] == "0" and len(pieces[0]) > 1):
        return pieces, at + 1
    value = int(pieces[0])
    read, end = _rest(words, at + 1, _Sum(group=value, room=0, hundreds=value >= 100, started=True))
    return (pieces, at + 1) if _is_more_than_one(words, end) else (read, end)


def _spoken(words: Sequence[str], at: int) -> tuple[list[str], int]:
    number = _Sum()
    number.takes("one" if words[at] == "a" else words[at])
    pieces, end = _rest(words, at + 1, number)
    if _is_more_than_one(words, end):
        return list(words[at:end]), end
    if pieces == [str(number.value)] and number.value in _SPOKEN_CENTURIES and end < len(words):
        year = _Sum()
        if year.takes(words[end]) and not year.ordinal:
            rest, after = _rest(words, end + 1, year)
            if 10 <= year.value < 100 and rest == [str(year.value)]:
                return [str(100 * number.value + year.value)], after
    return pieces, end


def _rest(words: Sequence[str], at: int, number: _Sum) -> tuple[list[str], int]:
    """Reads on in a number that has begun."""
    while at < len(words):
        if words[at] == "and" and number.room == 100 and at + 1 < len(words) and _is_small(words[at + 1]):
            at += 1
        if not number.takes(words[at]):
            break
        at += 1
    if number.ordinal:
        return [f"{number.value}th"], at
    fraction = _fraction(words, at)
    return [f"{number.value}.{fraction}" if fraction else str(number.value)], at + bool(fraction) + len(fraction)


def _is_more_than_one(words: Sequence[str], end: int) -> bool:
    """Whether the number goes on as none does: it was two ("two hundred and three hundred"), and stays as spoken."""
    return end < len(words) and words[end] in _MULTIPLIERS


def _is_small(word: str) -> bool:
    return (_ADDENDS.get(word) or _ORDINALS.get(word) or 0) > 0


def _fraction(words: Sequence[str], at: int) -> str:
    """The digits that are spoken behind "point"."""
    if at >= len(words) or words[at] != "point":
        return ""
    digits = ""
    for word in words[at + 1 :]:
        digit = "0" if word == "oh" else str(_ADDENDS.get(word, word))
        if len(digit) != 1 or not begins_with_digit(digit):
            break
        digits += digit
    return digits


def _in_one_form(words: list[str]) -> list[str]:
    words = units_behind(joined_digits(words), _SYMBOLS)
    return _telephone_numbers(_dates(_hours(words)))


def _hours(words: list[str]) -> list[str]:
    """ "5:00 pm" as "5 pm"."""
    if FULL_HOUR not in words:
        return words
    return [
        word for at, word in enumerate(words) if word != FULL_HOUR or words[at + 1 : at + 2] not in (["am"], ["pm"])
    ]


def _dates(words: list[str]) -> list[str]:
    """ "May 5th" as "May 5"."""
    if MONTHS.isdisjoint(words):
        return words
    return [
        word[:-2] if at and begins_with_digit(word) and word[-2:] == "th" and words[at - 1] in MONTHS else word
        for at, word in enumerate(words)
    ]


def _telephone_numbers(words: list[str]) -> list[str]:
    """ "555-1212" as one number, as it is when read out."""
    if "-" not in words:
        return words
    out: list[str] = []
    for word in words:
        is_last_group = len(word) == 4 and is_plain(word)
        if is_last_group and len(out) > 1 and out[-1] == "-" and len(out[-2]) == 3 and is_plain(out[-2]):
            out.pop()
            out[-1] += word
        else:
            out.append(word)
    return out
