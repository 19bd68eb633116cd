"""What the parts of a simulated world see of it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from scheduler.events import Event
from scheduler.policy import TurnMode


class Surroundings(Protocol):
    @property
    def random(self) -> Random: ...

    @property
    def now(self) -> float: ...

    @property
    def mode(self) -> TurnMode:
        """How turns are found, as the conductor knows it."""
        ...

    def after(self, seconds: float, act: Callable[[], None]) -> None: ...

    def publish(self, event: Event) -> None: ...

    def rest_of(self, text: str) -> str:
        """What the user is about to say after ``text``; ``""`` where nobody can tell."""
        ...

    def may_act(self, think_id: str) -> bool:
        """Whether side effects of this stream are allowed."""
        ...


def chance(random: Random, probability: float) -> bool:
    return random.random() < probability
