"""Pure: numbers that are written in digits, in the forms recognisers write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from scheduler.languages.pack import MARK

MAX_DIGITS = 15
"""Longer numbers are compared digit by digit and never computed with."""

_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"([0-9]*)\.([0-9]+)")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_PIECES = re.compile(r"[0-9]+|[.,:]")
_SINGLE = frozenset("0123456789")
_READ_OUT_FROM = 4
"""So many single digits in a row are one number read out ("five five five one"). Fewer may be a list."""

FULL_HOUR = "00"


def begins_with_digit(word: str) -> bool:
    return "0" <= word[0] <= "9"


def is_number(word: str) -> bool:
    """Whether it is a cardinal in digits, with or without a fraction."""
    return begins_with_digit(word) and "0" <= word[-1] <= "9"


def is_plain(word: str) -> bool:
    """Whether it is a whole number that can be computed with."""
    return len(word) <= MAX_DIGITS and word.isascii() and word.isdecimal()


def digit_words(token: str, point: str = "") -> list[str]:
    """One written number as words: "1,500" is 1500, "5:30" is 5 30 and "5:00" is 5 and ``FULL_HOUR``.

    With ``point`` the clock's colon and the decimal point are that word, and a fraction is read digit by digit.
    """
    if _GROUPED.fullmatch(token):
        token = token.replace(",", "")
    if clock := _CLOCK.fullmatch(token):
        return [clock[1], *([point] if point else []), *_minutes(clock[2], point)]
    if decimal := _DECIMAL.fullmatch(token):
        whole = decimal[1] or "0"
        return [whole, point, *decimal[2]] if point else [f"{whole}.{decimal[2]}"]
    return [MARK if piece == "," else piece for piece in _PIECES.findall(token)]


def _minutes(minutes: str, point: str) -> list[str]:
    if minutes == FULL_HOUR:
        return [] if point else [FULL_HOUR]
    return list(minutes) if minutes[0] == "0" else [minutes]


def joined_digits(words: Sequence[str]) -> list[str]:
    """``words`` with single digits that are read out one by one as one number."""
    if sum([word in _SINGLE for word in words]) < _READ_OUT_FROM:
        return list(words)
    out: list[str] = []
    run: list[str] = []
    for word in (*words, ""):
        if word in _SINGLE or (run and word == MARK):
            run.append(word)
            continue
        if run:
            out += _joined(run)
            run = []
        out.append(word)
    return out[:-1]


def _joined(run: list[str]) -> list[str]:
    digits = [word for word in run if word != MARK]
    if len(digits) < _READ_OUT_FROM:
        return run
    return ["".join(digits), MARK] if run[-1] == MARK else ["".join(digits)]


def units_behind(words: Sequence[str], units: Mapping[str, str]) -> list[str]:
    """``words`` with units that are written before their number behind it ("$5" is 5 dollars)."""
    out = list(words)
    if units.keys().isdisjoint(out):
        return out
    for at in range(len(out)):
        if out[at] in units:
            unit = units[out[at]]
            if at + 1 < len(out) and begins_with_digit(out[at + 1]):
                out[at], out[at + 1] = out[at + 1], unit
            else:
                out[at] = unit
    return out
