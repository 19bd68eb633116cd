"""One clear line in the terminal for each call and turn. Words of the caller are shown only at debug level."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeVar

from realtime.drafts import Ahead, DraftWatch, Fate
from realtime.fillers import SubstanceWatch
from scheduler import commands as do
from scheduler import events as was
from scheduler.commands import Command, Purpose, SpeakSource, TurnOutcome
from scheduler.events import Event

logger = logging.getLogger("stretto")

_Value = TypeVar("_Value")

REMEMBERED = 64
"""Thinks, utterances and turns with drafts; those of turns that are over are forgotten at once."""


@dataclass(slots=True)
class _OpenTurn:
    number: int
    committed_at: float | None = None
    waited_seconds: float = 0.0
    """From the end of speech to the commit, as far as the wall clock tells."""
    first_sound_at: float | None = None
    substance_at: float | None = None
    transcript: str = ""
    fillers: int = 0


class Console:
    """Watches one session; ``observe`` is its sync tap. Logs to the logger ``stretto``."""

    def __init__(self, session_id: str) -> None:
        self._name = session_id
        self._count = 0
        self._requests = 0
        """Answers that the client asked for, as to a text that was typed."""
        self._speech_end_at: float | None = None
        self._turns: dict[str, _OpenTurn] = {}
        self._turn_of_think: dict[str, str] = {}
        self._think_of_utterance: dict[str, str] = {}
        self._substance = SubstanceWatch()
        self._watch = DraftWatch()
        self._drafts: dict[str, list[Ahead]] = {}
        """Those begun for a turn."""

    def observe(self, at: float, happened: Event | Command) -> None:
        substance_at = self._substance.observe(at, happened)
        for ahead in self._watch.observe(happened):
            self._ahead_changed(ahead)
        match happened:
            case was.CallStarted():
                logger.info("call %s opened", self._name)
            case was.ResponseRequested(in_conversation=True):
                self._requests += 1
            case was.SpeechStopped(_, silence_seconds):
                self._speech_end_at = at - silence_seconds
            case do.Think(think_id, _, turn_id) if turn_id is not None:
                _remember(self._turn_of_think, think_id, turn_id)
            case do.Speak(utterance_id, _, _, think_id, source) if think_id in self._turn_of_think:
                _remember(self._think_of_utterance, utterance_id, think_id)
                if turn := self._turn_of(utterance_id):
                    turn.fillers += source is SpeakSource.FILLER
            case do.CommitTurn(turn_id, transcript):
                self._commit(at, turn_id, transcript)
            case was.PlayoutStarted(utterance_id):
                self._first_sound(at, utterance_id)
            case do.EndTurn(turn_id, outcome, reason):
                self._end_turn(at, turn_id, outcome, reason)
            case was.EarsFailed(message) | was.VoiceFailed(message=message):
                logger.warning("call %s: %s", self._name, message)
            case was.ThinkEnded(ending=was.ThinkEnding.FAILED, message=message):
                logger.warning("call %s: %s", self._name, message)
            case _:
                pass
        if substance_at is not None:
            self._first_substance(substance_at, happened)

    def _ahead_changed(self, ahead: Ahead) -> None:
        if ahead.fate is Fate.OPEN and ahead.think.purpose is Purpose.DRAFT and ahead.think.turn_id is not None:
            drafts = [*self._drafts.get(ahead.think.turn_id, []), ahead]
            _remember(self._drafts, ahead.think.turn_id, drafts)

    def closed(self, at: float, reason: str = "") -> None:
        """The call is over; ``at``: its length in seconds."""
        why = f" ({reason})" if reason else ""
        counts = _count(self._count, "turn")
        counts += f", {_count(self._requests, 'request')}" if self._requests else ""
        logger.info("call %s closed after %.1f s, %s%s", self._name, at, counts, why)

    def _commit(self, at: float, turn_id: str, transcript: str) -> None:
        self._count += 1
        waited = max(at - self._speech_end_at, 0.0) if self._speech_end_at is not None else 0.0
        self._turns[turn_id] = _OpenTurn(self._count, at, waited, transcript=transcript)

    def _turn_of(self, utterance_id: str) -> _OpenTurn | None:
        turn_id = self._turn_of_think.get(self._think_of_utterance.get(utterance_id, ""), "")
        return self._turns.get(turn_id)

    def _first_sound(self, at: float, utterance_id: str) -> None:
        turn = self._turn_of(utterance_id)
        if turn is not None and turn.first_sound_at is None:
            turn.first_sound_at = at

    def _first_substance(self, at: float, happened: Event | Command) -> None:
        turn = self._turn_of(getattr(happened, "utterance_id", ""))
        if turn is not None and turn.substance_at is None:
            turn.substance_at = at

    def _end_turn(self, at: float, turn_id: str, outcome: TurnOutcome, reason: str) -> None:
        turn = self._turns.pop(turn_id, None) or _OpenTurn(0)
        which = f"turn {turn.number}" if turn.number else "a turn that was not over"
        parts = [f"call {self._name}, {which}: {outcome.value}"]
        if reason and outcome is not TurnOutcome.SILENT:  # a model's reason may quote the caller
            parts.append(f"({reason})")
        if turn.committed_at is not None and turn.first_sound_at is not None:
            parts.append(f"{_waits(turn)} after the end of speech, done in {at - turn.committed_at:.1f} s")
        parts += _ahead(self._drafts.pop(turn_id, []))
        logger.info("%s", " ".join(parts))
        logger.debug("call %s, turn %s heard: %s (%s)", self._name, turn_id, turn.transcript, reason)
        self._forget(turn_id)

    def _forget(self, turn_id: str) -> None:
        gone = {think_id for think_id, turn in self._turn_of_think.items() if turn == turn_id}
        self._turn_of_think = {think: turn for think, turn in self._turn_of_think.items() if think not in gone}
        self._think_of_utterance = {u: think for u, think in self._think_of_utterance.items() if think not in gone}


def _waits(turn: _OpenTurn) -> str:
    """Behind a filler, the answer's own words are told apart from the first sound."""
    speech_ended_at = (turn.committed_at or 0.0) - turn.waited_seconds
    sound = f"first sound {((turn.first_sound_at or 0.0) - speech_ended_at) * 1000:.0f} ms"
    if not turn.fillers or turn.substance_at is None:
        return sound
    return f"{sound} ({_count(turn.fillers, 'filler')}), first substance {(turn.substance_at - speech_ended_at) * 1000:.0f} ms"


def _ahead(drafts: list[Ahead]) -> list[str]:
    if not drafts:
        return []
    served = any(draft.fate in (Fate.PROMOTED, Fate.VERIFIED) for draft in drafts)
    return [f"[{'from a draft' if served else 'no draft held'}, {_count(len(drafts), 'draft')} begun]"]


def _remember(memory: dict[str, _Value], name: str, value: _Value) -> None:
    """Drafts of a sound that became no turn are never called off by name: the oldest are forgotten."""
    memory[name] = value
    while len(memory) > REMEMBERED:
        del memory[next(iter(memory))]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
