"""Pure: what the offline brain makes of a turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Ponder:
    """Think ``thought`` for ``seconds`` before going on."""

    thought: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Call a tool; it ends the reply."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quiet:
    reason: str


Step = Say | Ponder | Call | Quiet


@dataclass(frozen=True, slots=True)
class Calculation:
    """A sum that was done: its tokens (numbers and operators) and its value."""

    tokens: tuple[str, ...]
    value: Fraction
    before: Fraction | None = None
    """What "that" stood for in it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``calculation``, ``facts`` and ``understood`` are what later turns may build on."""

    steps: tuple[Step, ...]
    calculation: Calculation | None = None
    facts: dict[str, str] = field(default_factory=dict)
    """Newly told facts; the value ``""`` forgets one."""
    understood: bool = True


def say(text: str, *, calculation: Calculation | None = None, facts: dict[str, str] | None = None) -> Reply:
    return Reply((Say(text),), calculation=calculation, facts=facts or {})
