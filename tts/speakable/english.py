"""Pure: numbers, dates, amounts and signs in English words."""

from __future__ import annotations

from functools import lru_cache

from num2words import num2words

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
CURRENCIES = {
    "$": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
    "¥": ("yen", ""),
    "₹": ("rupee", "paisa"),
    "USD": ("dollar", "cent"),
    "EUR": ("euro", "cent"),
    "GBP": ("pound", "penny"),
    "JPY": ("yen", ""),
    "CHF": ("franc", "centime"),
}
_PLURALS = {"yen": "yen", "penny": "pence", "paisa": "paise", "foot": "feet", "hertz": "hertz", "inch": "inches"}
_PLURALS |= {"kilohertz": "kilohertz", "megahertz": "megahertz", "gigahertz": "gigahertz", "percent": "percent"}
MAGNITUDES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "B": "billion",
    "bn": "billion",
    "T": "trillion",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
}
UNITS = {
    "km/h": "kilometer per hour",
    "kph": "kilometer per hour",
    "mph": "mile per hour",
    "m/s": "meter per second",
    "km²": "square kilometer",
    "m²": "square meter",
    "m³": "cubic meter",
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "mi": "mile",
    "ft": "foot",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "l": "liter",
    "L": "liter",
    "ml": "milliliter",
    "mL": "milliliter",
    "s": "second",
    "sec": "second",
    "ms": "millisecond",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "B": "byte",
    "KB": "kilobyte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "W": "watt",
    "kW": "kilowatt",
    "kWh": "kilowatt hour",
    "V": "volt",
    "px": "pixel",
    "°C": "degree Celsius",
    "°F": "degree Fahrenheit",
    "° C": "degree Celsius",
    "° F": "degree Fahrenheit",
    "°": "degree",
    "%": "percent",
}
ABBREVIATIONS = {
    "dr.": "doctor",
    "mr.": "mister",
    "mrs.": "missus",
    "ms.": "miz",
    "prof.": "professor",
    "st.": "saint",
    "jr.": "junior",
    "sr.": "senior",
    "vs.": "versus",
    "etc.": "et cetera",
    "approx.": "approximately",
    "dept.": "department",
    "est.": "established",
    "inc.": "incorporated",
    "ltd.": "limited",
    "no.": "number",
    "fig.": "figure",
    "e.g.": "for example",
    "i.e.": "that is",
    "a.m.": "a m",
    "p.m.": "p m",
}
SIGNS = {
    "×": "times",
    "·": "times",
    "*": "times",
    "÷": "divided by",
    "+": "plus",
    "−": "minus",
    "=": "equals",
    "<": "less than",
    ">": "greater than",
    "≤": "at most",
    "≥": "at least",
    "≈": "about",
    "≠": "is not",
    "±": "plus or minus",
    "√": "the square root of",
    "^": "to the power of",
    "²": "squared",
    "³": "cubed",
    "½": "and a half",
    "¼": "and a quarter",
    "¾": "and three quarters",
    "⅓": "and a third",
    "⅔": "and two thirds",
    "°": "degrees",
    "%": "percent",
    "¢": "cents",
    "&": "and",
    "@": "at",
    "→": "to",
    "<=": "at most",
    ">=": "at least",
    "==": "equals",
    "!=": "is not",
    "->": "to",
    "=>": "to",
}
_FRACTIONS = {2: "half", 3: "third", 4: "quarter"}
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LONGEST_NUMBER = 15
"""Longer runs of digits are read digit by digit: nobody follows quadrillions."""


@lru_cache(maxsize=2048)
def cardinal(number: int) -> str:
    return _plain(num2words(number))


@lru_cache(maxsize=512)
def ordinal(number: int) -> str:
    return _plain(num2words(number, to="ordinal"))


@lru_cache(maxsize=512)
def year(number: int) -> str:
    return _plain(num2words(number, to="year"))


def _plain(words: str) -> str:
    return words.replace(",", "").replace("-", " ")


def digits(text: str) -> str:
    return " ".join(_DIGITS[int(char)] for char in text if char.isascii() and char.isdigit())


def decimal(text: str) -> str:
    """``1,234.50`` in words; long numbers and those with leading zeros digit by digit."""
    whole, _, fraction = text.replace(",", "").partition(".")
    if len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        said = digits(whole)
    else:
        said = cardinal(int(whole or "0"))
    return f"{said} point {digits(fraction)}" if fraction else said


def plural(noun: str, count: str) -> str:
    """``noun`` as it follows the number ``count``: "kilometer per hour" becomes "kilometers per hour"."""
    if count.replace(",", "") == "1":
        return noun
    head, separator, rest = noun.partition(" per ")
    before, _, last = head.rpartition(" ")
    if before == "degree":
        return f"degrees {last}"
    last = _PLURALS.get(last, last + "s")
    return f"{before} {last}".strip() + separator + rest


def measure(number: str, unit: str) -> str:
    return f"{decimal(number)} {plural(UNITS[unit], number)}"


def money(sign: str, number: str, magnitude: str) -> str:
    """``$3.50``: three dollars and fifty cents; ``$2.5 million``: two point five million dollars."""
    main, part = CURRENCIES[sign]
    if magnitude:
        return f"{decimal(number)} {MAGNITUDES[magnitude]} {plural(main, '2')}"
    whole, _, fraction = number.replace(",", "").partition(".")
    if len(fraction) != 2 or not part:
        return f"{decimal(number)} {plural(main, number)}"
    cents = f"{cardinal(int(fraction))} {plural(part, str(int(fraction)))}"
    if int(whole) == 0 and int(fraction):
        return cents
    said = f"{decimal(whole)} {plural(main, whole)}"
    return f"{said} and {cents}" if int(fraction) else said


def date(day: int | None, month: int | None, in_year: int | None) -> str:
    parts = []
    if month is not None and 1 <= month <= 12:
        parts.append(MONTHS[month - 1])
    if day is not None:
        parts.append(ordinal(day))
    if in_year is not None:
        parts.append(year(in_year))
    return " ".join(parts)


def clock(hours: int, minutes: int | None, seconds: int | None, half: str) -> str:
    """``half``: "a" or "p" for the half of the day, "" for none."""
    said = cardinal(hours)
    if minutes:
        said += f" oh {cardinal(minutes)}" if minutes < 10 else f" {cardinal(minutes)}"
    elif minutes == 0 and not half:
        said += " o'clock" if 1 <= hours <= 12 else " hundred"
    if seconds:
        said += f" and {cardinal(seconds)} {plural('second', str(seconds))}"
    return f"{said} {half} m" if half else said


def fraction(above: int, below: int) -> str:
    if (above, below) == (24, 7):
        return "twenty four seven"
    if not 2 <= below <= 20 or above >= below:
        return f"{cardinal(above)} over {cardinal(below)}"
    part = _FRACTIONS.get(below) or ordinal(below)
    if above == 1:
        return f"one {part}"
    return f"{cardinal(above)} {'halves' if part == 'half' else part + 's'}"


def phone(text: str) -> str:
    """Digits group by group, with a short pause between groups."""
    groups = "".join(char if char.isdigit() or char == "+" else " " for char in text).replace("+", " + ").split()
    return ", ".join("plus" if group == "+" else digits(group) for group in groups).replace("plus, ", "plus ")


def address(text: str) -> str:
    """An e-mail address or the host of a link, as one reads it to somebody."""
    said = text.replace("@", " at ").replace(".", " dot ").replace("-", " dash ").replace("_", " underscore ")
    return " ".join(_letters_and_digits(said.replace("+", " plus ").replace("/", " slash ").replace("%", " percent ")))


def _letters_and_digits(text: str) -> list[str]:
    words: list[str] = []
    for word in text.split():
        run = ""
        for char in word:
            if run and char.isdigit() != run[-1].isdigit():
                words.append(digits(run) if run.isdigit() else run)
                run = ""
            run += char if char.isascii() and char.isalnum() else ""
        if run:
            words.append(digits(run) if run.isdigit() else run)
    return words
