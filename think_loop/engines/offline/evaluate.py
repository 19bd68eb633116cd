"""Pure: the exact value of a sum that stands in infix order. Its size is bounded."""

from __future__ import annotations

import math
from fractions import Fraction

_LARGEST_EXPONENT = 1000
_LARGEST_BITS = 4000

PREFIXES = {"sqrt": "the square root of", "cbrt": "the cube root of"}
"""Roots, and how they are said."""


class CalculationError(Exception):
    """A sum that can't be done; the text is a sentence to be said."""


def evaluate(tokens: list[str] | tuple[str, ...]) -> Fraction:
    """The value of a sum in infix order. Raises ``CalculationError``."""
    reader = _Reader(list(tokens))
    return reader.sum()


class _Reader:
    """Recursive descent: sum < product < prefix < power."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0

    def _peek(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def sum(self) -> Fraction:
        value = self._product()
        while self._peek() in ("plus", "minus"):
            value = value + self._product() if self._take() == "plus" else value - self._product()
        return value

    def _product(self) -> Fraction:
        value = self._prefixed()
        while self._peek() in ("times", "/", "%of"):
            operator, right = self._take(), self._prefixed()
            if operator == "/":
                if right == 0:
                    raise CalculationError("Nothing can be divided by zero, I'm afraid.")
                value /= right
            else:
                value *= right if operator == "times" else right / 100
        return value

    def _prefixed(self) -> Fraction:
        token = self._peek()
        if token in PREFIXES:
            self._take()
            return _root(self._prefixed(), 2 if token == "sqrt" else 3)
        value = Fraction(self._take())
        if self._peek() == "^":
            self._take()
            return _power(value, self._prefixed())
        return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        if base < 0:
            raise CalculationError("That power has no real value.")
        try:
            return Fraction(float(base) ** float(exponent))
        except (OverflowError, ZeroDivisionError) as error:
            raise CalculationError("That number is too large for me.") from error
    if base == 0 and exponent < 0:
        raise CalculationError("Nothing can be divided by zero, I'm afraid.")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) > _LARGEST_EXPONENT or bits * abs(exponent) > _LARGEST_BITS:
        raise CalculationError("That number is too large for me.")
    return Fraction(base ** int(exponent))


def _root(value: Fraction, degree: int) -> Fraction:
    if value < 0 and degree == 2:
        raise CalculationError("The square root of a negative number is not a real number.")
    size = abs(value)
    top, bottom = _whole_root(size.numerator, degree), _whole_root(size.denominator, degree)
    if top**degree == size.numerator and bottom**degree == size.denominator:
        root = Fraction(top, bottom)
    else:
        try:
            root = Fraction(float(size) ** (1 / degree))
        except OverflowError as error:
            raise CalculationError("That number is too large for me.") from error
    return root if value >= 0 else -root


def _whole_root(value: int, degree: int) -> int:
    if degree == 2:
        return math.isqrt(value)
    try:
        return round(math.pow(value, 1 / degree))
    except OverflowError:
        return 0
