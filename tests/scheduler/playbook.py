"""Conversations with the conductor that read as dialogues, after mitmproxy's ``Playbook``.

::

    talk = Playbook()
    talk.at(0.0) >> SpeechStarted(0.0)
    talk << OpenTurn("turn_0", 0.0)

``>>`` lets an event happen at the time told by ``at``; what is due before is rung first, at its time.
``<<`` expects the next command that was given. Every command must be expected: what is left over when the next
event happens, or when ``done`` is called, fails the test with the dialogue so far. ``...`` expects nothing in
particular and skips what is left, ``quiet`` expects nothing at all up to a time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import fields, replace
from types import EllipsisType
from typing import Any, TypeVar

from scheduler.commands import Command
from scheduler.conductor import decide, initial_state
from scheduler.events import DeadlineReached, Event, SessionConfigured
from scheduler.floor import Floor
from scheduler.pcm import WordTime
from scheduler.policy import BALANCED, Policy, TurnDetection
from scheduler.state import State

C = TypeVar("C", bound=Command)


def words(text: str, start_seconds: float = 0.0, confidence: float | None = None) -> tuple[WordTime, ...]:
    """Recognised words, a third of a second each."""
    return tuple(
        WordTime(word, start_seconds + number / 3, start_seconds + (number + 1) / 3, confidence)
        for number, word in enumerate(text.split())
    )


NOTHING_AHEAD = replace(BALANCED, drafts=False, notes=False, fillers=False, afterthoughts=False)
"""Only what every turn has: nothing is thought before it is over, or after, and no wait is filled."""


class Playbook:
    def __init__(
        self, policy: Policy = NOTHING_AHEAD, detection: TurnDetection | None = None, *, audible: bool = True
    ) -> None:
        self.state: State = initial_state(policy, detection)
        self.now = 0.0
        self._script: list[str] = []
        self._waiting: deque[tuple[float, Command]] = deque()
        if not audible:
            self >> SessionConfigured(policy, self.state.turn_detection, audible=False)

    # --- events ---------------------------------------------------------------------------------------

    def at(self, seconds: float) -> Playbook:
        """Move the clock; alarms that are due ring on the way, and their commands stay to be expected."""
        assert seconds >= self.now - 1e-9, "time does not go back"
        self._nothing_left()
        while (deadline := self.state.deadline) is not None and deadline <= seconds + 1e-9:
            self.now = max(self.now, deadline)
            self._happen(DeadlineReached())
            after = self.state.deadline
            assert after is None or after > self.now, f"an alarm stays due: {self.state.alarms}\n{self}"
        self.now = max(self.now, seconds)
        return self

    def wait(self, seconds: float) -> Playbook:
        return self.at(self.now + seconds)

    def __rshift__(self, event: Event) -> Playbook:
        self._nothing_left()
        self._happen(event)
        return self

    def _happen(self, event: Event) -> None:
        self._script.append(f"{self.now:8.3f} >> {event}")
        before = self.state
        self.state, commands = decide(before, event, self.now)
        for command in commands:
            self._waiting.append((self.now, command))
            self._script.append(f"{self.now:8.3f} << {command}")

    # --- commands -------------------------------------------------------------------------------------

    def __lshift__(self, expected: Command | EllipsisType) -> Playbook:
        if isinstance(expected, EllipsisType):
            self._waiting.clear()
            return self
        assert self._waiting, f"expected {expected}, but nothing was ordered\n{self}"
        at, given = self._waiting.popleft()
        assert given == expected, f"at {at:.3f}\n  expected {expected}\n  got      {given}\n{self}"
        return self

    def expect(self, kind: type[C], at: float | None = None, **known: Any) -> C:
        """The next command is of this kind, has these fields, and was given at this time."""
        assert self._waiting, f"expected {kind.__name__}{known}, but nothing was ordered\n{self}"
        given_at, given = self._waiting.popleft()
        assert isinstance(given, kind), f"expected {kind.__name__}{known}\n  got {given}\n{self}"
        found = {field.name: getattr(given, field.name) for field in fields(given) if field.name in known}
        assert found == known, f"expected {kind.__name__}{known}\n  got {given}\n{self}"
        assert at is None or abs(given_at - at) < 1e-6, f"expected {given} at {at}, it came at {given_at:.3f}\n{self}"
        return given

    def quiet(self, until: float) -> Playbook:
        """Nothing is ordered up to this time."""
        self.at(until)
        self._nothing_left()
        return self

    def _nothing_left(self) -> None:
        left = "\n".join(f"  {at:.3f} {command}" for at, command in self._waiting)
        assert not self._waiting, f"nobody expected\n{left}\n{self}"

    def done(self, floor: Floor = Floor.RESTING) -> None:
        """Everything was expected, and this is who has the floor now."""
        self._nothing_left()
        assert self.state.floor is floor, f"the floor is {self.state.floor}, not {floor}\n{self}"

    def __str__(self) -> str:
        return "the dialogue so far:\n" + "\n".join(self._script)


def configured(policy: Policy = NOTHING_AHEAD, **changes: Any) -> Policy:
    return replace(policy, name="custom", **changes)
