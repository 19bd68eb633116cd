"""Numbers, sums and units of the offline brain against plain arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from think_loop.engines.offline.calculate import calculate
from think_loop.engines.offline.evaluate import CalculationError
from think_loop.engines.offline.heard import hear, with_digits
from think_loop.engines.offline.numbers import is_exact, spoken_number
from think_loop.engines.offline.skills.timers import seconds_in
from think_loop.engines.offline.skills.units import UNITS, convert_units

WORDS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}


def recognised(number: int) -> str:
    """A number as a recogniser writes it."""
    return str(num2words(number)).replace("-", " ").replace(",", "")


@given(st.integers(0, 10**9))
def test_spelled_numbers_are_read(number: int) -> None:
    assert with_digits(recognised(number)) == str(number)


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("two and a half", "2.5"),
        ("point five", "0.5"),
        ("a hundred", "100"),
        ("two point five million", "2500000"),
        ("two dozen", "24"),
        ("hold on a second", "hold on a second"),
        ("three point one four", "3.14"),
    ],
)
def test_numbers_in_other_words(words: str, digits: str) -> None:
    assert with_digits(words) == digits


SUMS = st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.integers(0, 9999)), min_size=1, max_size=6)


@given(st.integers(0, 9999), SUMS, st.booleans())
def test_sums_are_right(first: int, rest: list[tuple[str, int]], spelled: bool) -> None:
    say = recognised if spelled else str
    text = "what is " + say(first) + "".join(f" {operator} {say(number)}" for operator, number in rest)
    python = f"Fraction({first})" + "".join(f" {WORDS[operator]} Fraction({number})" for operator, number in rest)
    try:
        expected = eval(python)  # our own generated text
    except ZeroDivisionError:
        with pytest.raises(CalculationError):
            calculate(hear(text).numbers, None)
        return
    done = calculate(hear(text).numbers, None)
    assert done is not None
    assert done.value == expected


@given(
    st.integers(-500, 500),
    st.sampled_from(["double that", "half of it", "add seven to that", "and then times three", "square it"]),
)
def test_sums_go_on_from_the_last_one(last: int, text: str) -> None:
    done = calculate(hear(text).numbers, Fraction(last))
    expected = {
        "double that": Fraction(2 * last),
        "half of it": Fraction(last, 2),
        "add seven to that": Fraction(last + 7),
        "and then times three": Fraction(3 * last),
        "square it": Fraction(last * last),
    }[text]
    assert done is not None
    assert done.value == expected


@given(st.integers(0, 10**6))
def test_roots_of_squares_are_exact(number: int) -> None:
    done = calculate(f"square root of {number * number}", None)
    assert done is not None
    assert done.value == number


@given(st.fractions(min_value=-(10**14), max_value=10**14))
def test_spoken_numbers_are_close_and_exact_ones_exact(value: Fraction) -> None:
    spoken = Fraction(spoken_number(value).replace("minus ", "-"))
    assert abs(spoken - value) <= abs(value) / 200 + Fraction(1, 10**11)
    assert (spoken == value) is is_exact(value)


@pytest.mark.parametrize(
    ("value", "spoken"),
    [
        (0, "0"),
        (-3, "minus 3"),
        (10**15, "1 times 10 to the power of 15"),
        (10**22 - 1, "1 times 10 to the power of 22"),
    ],
)
def test_spoken_numbers(value: int, spoken: str) -> None:
    assert spoken_number(Fraction(value)) == spoken


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.integers(-1000, 1000))
def test_units_convert_there_and_back(source: str, target: str, value: int) -> None:
    if UNITS[source].kind != UNITS[target].kind:
        target = next(name for name in reversed(UNITS) if UNITS[name].kind == UNITS[source].kind)
    there = convert_units(Fraction(value), UNITS[source], UNITS[target])
    assert convert_units(there, UNITS[target], UNITS[source]) == value


@given(st.integers(1, 23), st.integers(1, 59), st.integers(1, 59))
def test_spans_of_time_add_up(hours: int, minutes: int, seconds: int) -> None:
    text = f"{recognised(hours)} hours {recognised(minutes)} minutes and {recognised(seconds)} seconds"
    assert seconds_in(with_digits(text)) == 3600 * hours + 60 * minutes + seconds
