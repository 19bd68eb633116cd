"""Pure: who has the floor, and how it may pass. The table is walked by a test and drawn in the docs."""

from __future__ import annotations

from enum import StrEnum

from scheduler.errors import IllegalFloorTransitionError


class Floor(StrEnum):
    LISTENING = "listening"
    """The user speaks."""
    PAUSED = "paused"
    """The user has stopped; the turn may go on."""
    COMMITTED = "committed"
    """The agent is to speak; nothing sounds yet."""
    SPEAKING = "speaking"
    """The agent sounds."""
    OVERLAP = "overlap"
    """Both sound."""
    RESTING = "resting"
    """Nobody: all is said, or silence was chosen."""


_L, _P, _C, _S, _O, _R = Floor

TRANSITIONS: dict[tuple[Floor, Floor], str] = {
    (_R, _L): "the user begins",
    (_R, _P): "the client commits, and the transcript is awaited",
    (_R, _C): "the agent is to speak: opening, report, nudge, the client's request or commit",
    (_L, _P): "the user pauses",
    (_L, _C): "the client commits, or what was heard was no turn and an answer waits",
    (_L, _O): "an answer sounds while the user speaks (asked for by the client)",
    (_L, _R): "the input was cleared, or the call ends",
    (_P, _L): "the user goes on",
    (_P, _C): "the turn is over",
    (_P, _S): "an answer sounds while the turn is open (asked for by the client)",
    (_P, _R): "what was heard was no turn",
    (_C, _L): "the user goes on, or begins anew",
    (_C, _P): "the client commits, and the transcript is awaited",
    (_C, _S): "first sound",
    (_C, _R): "silence chosen, cancelled, failed without a voice",
    (_S, _O): "the user makes a sound",
    (_S, _L): "any speech interrupts (server_vad), or the user goes on at once",
    (_S, _P): "words of a sound that had ended interrupt",
    (_S, _C): "all is heard, and more is being thought",
    (_S, _R): "all is said and heard",
    (_O, _S): "the sound was no interruption",
    (_O, _L): "interrupted, or the agent has finished while the user speaks",
    (_O, _P): "interrupted by words of a sound that has ended, or the agent has finished before it was judged",
    (_O, _C): "the client commits or asks while both sound and the agent is stopped",
    (_O, _R): "the agent has finished, and the sound was no turn",
}
"""Every legal transition and what it means. Staying where one is, is no transition."""


def as_mermaid() -> str:
    """The table as a mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2", f"    [*] --> {Floor.RESTING}"]
    lines += [f"    {source} --> {target}: {meaning}" for (source, target), meaning in TRANSITIONS.items()]
    return "\n".join(lines)


def move(current: Floor, target: Floor) -> Floor:
    """``target``, if the table holds the way from ``current``; else ``IllegalFloorTransitionError``."""
    if current is not target and (current, target) not in TRANSITIONS:
        raise IllegalFloorTransitionError(f"the floor can't pass from {current} to {target}")
    return target
