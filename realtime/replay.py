"""Pure: feeds a journal's events to the conductor again and compares what it orders now with what it ordered then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from scheduler.commands import Command
from scheduler.events import Event

State = TypeVar("State")
Decide = Callable[[State, Event, float], tuple[State, tuple[Command, ...]]]
Entry = tuple[float, Event | Command]


@dataclass(frozen=True, slots=True)
class Step:
    """One event and the commands that followed it. ``number``: counts the events from 1."""

    number: int
    at: float
    event: Event
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """An event to which the conductor now answers otherwise."""

    step: Step
    now: tuple[Command, ...]


def steps(entries: Iterable[Entry]) -> Iterator[Step]:
    """A journal's entries, each event with the commands written behind it."""
    number, pending = 0, None
    commands: list[Command] = []
    for at, happened in entries:
        if isinstance(happened, Command):
            commands.append(happened)
            continue
        if pending is not None:
            yield Step(number, *pending, tuple(commands))
        number, pending, commands = number + 1, (at, happened), []
    if pending is not None:
        yield Step(number, *pending, tuple(commands))


def replay(entries: Iterable[Entry], initial: Any, decide: Decide[Any]) -> list[Difference]:
    """All differences. What follows the first one may only be its consequence."""
    state, differences = initial, []
    for step in steps(entries):
        state, commands = decide(state, step.event, step.at)
        if commands != step.commands:
            differences.append(Difference(step, commands))
    return differences


def describe(difference: Difference) -> str:
    """For a person to read, in a few lines."""
    step = difference.step
    then, now = (
        [f"    {command}" for command in commands] or ["    nothing"] for commands in (step.commands, difference.now)
    )
    return "\n".join([f"at {step.at:.3f} s, event {step.number}: {step.event}", "  then:", *then, "  now:", *now])
