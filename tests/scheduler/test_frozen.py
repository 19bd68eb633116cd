from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from scheduler.frozen import changed
from scheduler.policy import Policy
from scheduler.state import State


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2


def test_a_changed_copy_is_what_the_standard_library_makes() -> None:
    state = State(policy=Policy())
    assert changed(state, counter=3) == replace(state, counter=3)
    assert state.counter == 0


def test_what_is_not_named_stays() -> None:
    point = Point(1)
    assert changed(point, x=5) == Point(5, 2)
    assert changed(point) == point
    assert changed(point) is not point


def test_a_field_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TypeError, match="Point has no field 'z'"):
        changed(Point(1), z=1)  # type: ignore[call-arg]
