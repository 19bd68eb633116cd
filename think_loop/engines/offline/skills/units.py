"""Pure: converts units of length, weight, volume, speed, time and temperature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from think_loop.engines.offline.numbers import is_exact, spoken_number
from think_loop.engines.offline.reply import Calculation, Reply, say
from think_loop.engines.offline.talk import Scene, intent


@dataclass(frozen=True, slots=True)
class Unit:
    """``factor``: how many of the dimension's base unit one is; ``offset`` is added afterwards (temperatures)."""

    kind: str
    singular: str
    plural: str
    factor: Fraction
    offset: Fraction = Fraction(0)

    def named(self, value: Fraction) -> str:
        return self.singular if value == 1 else self.plural


def _unit(kind: str, names: str, factor: str, offset: str = "0") -> dict[str, Unit]:
    """``names``: singular, plural, and other spellings."""
    singular, plural, *others = names.split("|")
    unit = Unit(kind, singular, plural, Fraction(factor), Fraction(offset))
    return dict.fromkeys((singular, plural, *others), unit)


# The inch, pound and gallon are exact by the international yard and pound agreement of 1959.
UNITS: dict[str, Unit] = {
    **_unit("length", "millimeter|millimeters|millimetre|millimetres|mm", "0.001"),
    **_unit("length", "centimeter|centimeters|centimetre|centimetres|cm", "0.01"),
    **_unit("length", "meter|meters|metre|metres|m", "1"),
    **_unit("length", "kilometer|kilometers|kilometre|kilometres|km|kilo meters|kilo metres", "1000"),
    **_unit("length", "inch|inches", "0.0254"),
    **_unit("length", "foot|feet|ft", "0.3048"),
    **_unit("length", "yard|yards", "0.9144"),
    **_unit("length", "mile|miles", "1609.344"),
    **_unit("weight", "gram|grams|gramme|grammes|g", "1"),
    **_unit("weight", "kilogram|kilograms|kilo|kilos|kg|kilo grams", "1000"),
    **_unit("weight", "ton|tons|tonne|tonnes", "1000000"),
    **_unit("weight", "ounce|ounces|oz", "28.349523125"),
    **_unit("weight", "pound|pounds|lb|lbs", "453.59237"),
    **_unit("weight", "stone|stones", "6350.29318"),
    **_unit("volume", "milliliter|milliliters|millilitre|millilitres|ml", "0.001"),
    **_unit("volume", "liter|liters|litre|litres|l", "1"),
    **_unit("volume", "gallon|gallons", "3.785411784"),
    **_unit("volume", "quart|quarts", "0.946352946"),
    **_unit("volume", "pint|pints", "0.473176473"),
    **_unit("volume", "cup|cups", "0.2365882365"),
    **_unit("volume", "tablespoon|tablespoons", "0.01478676478125"),
    **_unit("volume", "teaspoon|teaspoons", "0.00492892159375"),
    **_unit("speed", "kilometer per hour|kilometers per hour|kilometres per hour|kilometers an hour|km h|kph", "1"),
    **_unit("speed", "mile per hour|miles per hour|miles an hour|mph", "1.609344"),
    **_unit("speed", "meter per second|meters per second|metres per second", "3.6"),
    **_unit("speed", "knot|knots", "1.852"),
    **_unit("time", "millisecond|milliseconds", "0.001"),
    **_unit("time", "second|seconds|sec|secs", "1"),
    **_unit("time", "minute|minutes|min|mins", "60"),
    **_unit("time", "hour|hours", "3600"),
    **_unit("time", "day|days", "86400"),
    **_unit("time", "week|weeks", "604800"),
    **_unit("time", "year|years", "31536000"),
    **_unit("temperature", "degree Celsius|degrees Celsius|celsius|degrees celsius|degree celsius|centigrade|c", "1"),
    **_unit(
        "temperature",
        "degree Fahrenheit|degrees Fahrenheit|fahrenheit|degrees fahrenheit|degree fahrenheit|f",
        "5/9",
        "-160/9",
    ),
    **_unit("temperature", "kelvin|kelvin|kelvins", "1", "-273.15"),
}
_NAMES = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_AMOUNT = r"(?:(-?\d+(?:\.\d+)?)|an?|1|the)"
_FROM_TO = re.compile(
    rf"{_AMOUNT} ({_NAMES}) (?:to|in|into|and|is|are|as|than|equals?|converted to|(?:is|are) in)(?: the)? (?:how many )?({_NAMES})\b"
)
_HOW_MANY = re.compile(
    rf"\bhow (?:many|much) ({_NAMES}) (?:\w+ ){{0,3}}?(?:in|and|makes?|for|is|are) {_AMOUNT}? ?({_NAMES})\b"
)


def convert(scene: Scene) -> Reply | None:
    text = re.sub(r"\bminus (?=\d)", "-", scene.heard.numbers)
    if found := _FROM_TO.search(text):
        amount, source, target = found[1], UNITS[found[2]], UNITS[found[3]]
    elif found := _HOW_MANY.search(text):
        amount, source, target = found[2], UNITS[found[3]], UNITS[found[1]]
    else:
        return None
    value = Fraction(amount) if amount else Fraction(1)
    if source.kind != target.kind:
        if not re.search(r"\bconvert\b|\bhow (?:many|much)\b", scene.heard.core):
            return None
        return say(
            f"{source.plural.capitalize()} measure {source.kind} and {target.plural} measure {target.kind}, so that can't be converted."
        )
    result = convert_units(value, source, target)
    is_word = "is" if is_exact(result) else "is about"
    sentence = f"{spoken_number(value)} {source.named(value)} {is_word} {spoken_number(result)} {target.named(result)}."
    return say(sentence[0].upper() + sentence[1:], calculation=Calculation((str(float(result)),), result))


def convert_units(value: Fraction, source: Unit, target: Unit) -> Fraction:
    return (value * source.factor + source.offset - target.offset) / target.factor


INTENTS = (intent("units", rf"\b(?:{_NAMES})\b", convert),)
