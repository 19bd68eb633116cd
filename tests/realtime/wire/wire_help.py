"""A wire without socket or engines: kernel facts in, server events out, each held against the openai package."""

from __future__ import annotations

from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from realtime.wire.ids import counting_ids
from realtime.wire.inbound import Inbound, Outcome
from realtime.wire.mapper import WireMapper
from realtime.wire.session_state import SessionDefaults, SessionState
from realtime.wire.state import WireState
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.pcm import WordTime
from scheduler.policy import TurnDetection

OFFICIAL: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
DEFAULTS = SessionDefaults(instructions="Be brief.", turn_detection=TurnDetection(), voice="slt")

NULLABLE = {
    *("previous_item_id", "transcript", "metadata", "status_details", "conversation_id"),
    *("code", "param", "event_id", "transcription", "noise_reduction", "turn_detection", "idle_timeout_ms", "tracing"),
}


THE_CLIENTS_OWN = {"parameters", "tracing", "metadata"}


def nulls(value: Any) -> list[str]:
    """Names of fields that hold null, except inside values that are echoed as they came."""
    if isinstance(value, dict):
        empty = [key for key, inner in value.items() if inner is None]
        return empty + [name for key, inner in value.items() if key not in THE_CLIENTS_OWN for name in nulls(inner)]
    return [name for inner in value for name in nulls(inner)] if isinstance(value, list) else []


def held_against_official(event: dict[str, Any]) -> dict[str, Any]:
    if not event["type"].startswith("stretto."):
        parsed = OFFICIAL.validate_python(event)
        assert parsed.type == event["type"], f"{event['type']} was taken for {type(parsed).__name__}"
    assert event["event_id"]
    assert set(nulls(event)) <= NULLABLE, nulls(event)
    return event


def words(*texts: str) -> tuple[WordTime, ...]:
    return tuple(WordTime(text, index * 0.3, index * 0.3 + 0.3) for index, text in enumerate(texts))


class Wire:
    """One session's wire; keeps everything it sent in ``log``."""

    def __init__(self, *, transcription: bool = False, extensions: bool = False, media: bool = False) -> None:
        session = SessionState("sess_1", DEFAULTS, transcription=transcription, extensions=extensions)
        self.state = WireState(session, counting_ids(), "conv_1", media=media)
        self.mapper = WireMapper(self.state)
        self.inbound = Inbound(self.state, self.mapper)
        self.log: list[dict[str, Any]] = []

    def happens(self, *facts: Event | Command) -> list[dict[str, Any]]:
        events = [event for fact in facts for event in self.mapper.observe(0.0, fact)]
        return self._keep(events)

    def sounds(self, utterance_id: str, *texts: str, seconds: float = 0.04) -> list[dict[str, Any]]:
        if self.state.media:
            return self._keep(self.mapper.audio_left(utterance_id, seconds, words(*texts)))
        data = bytes(round(seconds * 24000) * 2)
        return self._keep(self.mapper.audio(utterance_id, data, words(*texts)))

    def receives(self, **event: Any) -> Outcome:
        outcome = self.inbound.take(event)
        self._keep(list(outcome.events))
        return outcome

    def _keep(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.log += [held_against_official(event) for event in events]
        return events


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]
