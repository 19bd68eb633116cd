"""Pure: numbers as the offline brain says them."""

from __future__ import annotations

from fractions import Fraction

LARGEST_SPOKEN = 10**15


def spoken_number(value: Fraction) -> str:
    """Digits that a voice reads well: whole numbers in full, short decimals exactly, others rounded (see ``is_exact``)."""
    if abs(value) >= LARGEST_SPOKEN:
        return _scientific(value)
    if value.denominator == 1:
        return _signed(value, str(abs(value.numerator)))
    places = _decimal_places(value)
    whole, rest = divmod(round(abs(value) * 10**places), 10**places)
    text = f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
    return _signed(value, text) if text != "0" else "0"


def is_exact(value: Fraction) -> bool:
    """Whether ``spoken_number`` says the value itself, not a rounded one."""
    return abs(value) < LARGEST_SPOKEN and round(value, _decimal_places(value)) == value


def _decimal_places(value: Fraction) -> int:
    """Up to four places if they are exact, else two; small numbers keep three digits that count."""
    if round(value, 4) == value:
        return 4
    places, size = 2, abs(value)
    while size and size < 1 and places < 12:
        size *= 10
        places += 1
    return places


def _signed(value: Fraction, text: str) -> str:
    return f"minus {text}" if value < 0 else text


def _scientific(value: Fraction) -> str:
    exponent = len(str(abs(value.numerator) // value.denominator)) - 1
    mantissa = f"{float(abs(value) / 10**exponent):.2f}".rstrip("0").rstrip(".")
    if mantissa == "10":
        mantissa, exponent = "1", exponent + 1
    return _signed(value, f"{mantissa} times 10 to the power of {exponent}")
