"""Pure: the ``stretto.*`` events, which show what the standard protocol keeps inside. Sent only on request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from realtime.wire.session_types import Json
from realtime.wire.state import WireState
from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.pcm import WordTime, join_words

_NOT_TOLD = (ev.PauseGrew, ev.DeadlineReached, ev.SessionConfigured, ev.ThoughtGrown, ev.WordsWritten)
"""Too frequent for the timeline, or told by an event of their own."""


def extension_events(
    state: WireState, at: float, happened: Event | Command, response_of: Callable[[str], str | None]
) -> list[Json]:
    """``response_of``: the running response of a think, if any. ``at``: session time in seconds."""
    events = _named(state, happened, response_of)
    if not isinstance(happened, _NOT_TOLD):
        told = {"at_seconds": round(at, 3), "name": type(happened).__name__, "fields": _plain_fields(happened)}
        events.append(state.event("stretto.timeline", **told))
    return events


def _named(state: WireState, happened: Event | Command, response_of: Callable[[str], str | None]) -> list[Json]:
    match happened:
        case ev.ThoughtGrown(think_id, text):
            return [_of_think(state, "stretto.thought.delta", think_id, response_of, delta=text)]
        case ev.SilenceChosen(think_id, reason):
            return [_of_think(state, "stretto.silence", think_id, response_of, reason=reason)]
        case ev.TranscriptRevised(segment, stable, tentative, is_final):
            words = {"stable": join_words(stable), "tentative": join_words(tentative)}
            return [state.event("stretto.heard", segment=segment, **words, is_final=is_final)]
        case do.EndTurn(turn_id, outcome, reason):
            return [state.event("stretto.turn", turn_id=turn_id, outcome=outcome.value, reason=reason)]
        case _:
            return []


def _of_think(
    state: WireState, kind: str, think_id: str, response_of: Callable[[str], str | None], **more: str
) -> Json:
    """The response's id is left out where the think has none (any more)."""
    response_id = response_of(think_id)
    where = {"response_id": response_id} if response_id else {}
    return state.event(kind, think_id=think_id, **where, **more)


def _plain_fields(happened: Event | Command) -> Json:
    named = {field.name: _plain(getattr(happened, field.name)) for field in fields(happened)}
    return {name: value for name, value in named.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, WordTime):
        return {"text": value.text, "start_seconds": value.start_seconds, "end_seconds": value.end_seconds}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
