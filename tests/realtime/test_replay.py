"""Replaying a journal shows where the conductor decides otherwise than it did."""

from __future__ import annotations

from typing import Any

from realtime.replay import describe, replay, steps
from scheduler.commands import Command, Duck, EndCall, OpenTurn
from scheduler.events import Event, SpeechStarted, SpeechStopped

ENTRIES: list[tuple[float, Event | Command]] = [
    (0.5, SpeechStarted(0.4)),
    (0.5, OpenTurn("turn_1", 0.4)),
    (0.9, SpeechStopped(0.8)),
    (2.0, SpeechStarted(1.9)),
    (2.0, OpenTurn("turn_2", 1.9)),
    (2.0, Duck("utterance_1", -9.0)),
]


def count_turns(state: int, event: Event, now: float) -> tuple[int, tuple[Command, ...]]:
    match event:
        case SpeechStarted(audio_seconds):
            commands: tuple[Command, ...] = (OpenTurn(f"turn_{state + 1}", audio_seconds),)
            return state + 1, (*commands, Duck("utterance_1", -9.0)) if state else commands
        case _:
            return state, ()


def test_commands_belong_to_the_event_before_them() -> None:
    assert [(step.number, step.at, len(step.commands)) for step in steps(ENTRIES)] == [
        (1, 0.5, 1),
        (2, 0.9, 0),
        (3, 2.0, 2),
    ]


def test_the_same_decisions_give_no_difference() -> None:
    assert replay(ENTRIES, 0, count_turns) == []


def test_the_order_of_commands_counts() -> None:
    swapped = [*ENTRIES[:4], ENTRIES[5], ENTRIES[4]]
    (difference,) = replay(swapped, 0, count_turns)
    assert difference.step.number == 3


def test_a_difference_tells_then_and_now() -> None:
    def closes(state: Any, event: Event, now: float) -> tuple[Any, tuple[Command, ...]]:
        return state, (EndCall("tired"),) if isinstance(event, SpeechStopped) else ()

    differences = replay(ENTRIES, None, closes)
    assert len(differences) == 3
    text = describe(differences[1])
    assert "at 0.900 s, event 2: SpeechStopped" in text
    assert "then:\n    nothing\n  now:\n    EndCall(reason='tired')" in text


def test_an_empty_journal_has_no_steps() -> None:
    assert list(steps([])) == []
