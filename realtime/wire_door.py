"""A door that speaks the Realtime protocol, whatever carries its events: websocket, data channel, sideband."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from realtime.console import Console
from realtime.metrics import Metrics, SessionMeter
from realtime.server import new_id
from realtime.wire import intents as want
from realtime.wire.audio_format import RATES_HZ, SAMPLE_BYTES, decode
from realtime.wire.beta import from_beta, to_beta
from realtime.wire.errors import WireError
from realtime.wire.inbound import Inbound, Outcome, parse
from realtime.wire.intents import Intent
from realtime.wire.mapper import WireMapper
from realtime.wire.session_port import SessionPort
from realtime.wire.session_state import SessionDefaults, SessionState
from realtime.wire.session_types import Json, StrettoSettings
from realtime.wire.state import WireState
from scheduler.commands import Command, EndCall, TellTimeout
from scheduler.events import Event, OutputCleared, ResponseCancelled, ResponseRequested
from scheduler.pcm import Pcm, WordTime

logger = logging.getLogger(__name__)

HEAR_SECONDS = 1.0
"""Longer audio is handed over in pieces, so that other sessions get their turn."""

_ANSWERS = frozenset({"error", "conversation.item.retrieved"})
"""What concerns only the one who sent the event that it answers."""


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """What the client asked for when it connected. ``session``: settings its client secret carries. ``media``: sound
    travels beside the events (WebRTC, SIP), none of it in them."""

    model: str | None = None
    transcription: bool = False
    extensions: bool = False
    beta: bool = False
    session: Json | None = None
    media: bool = False


@dataclass(eq=False, slots=True)
class Listener:
    """One who is told the events of a call, and may send some: its client, or a sideband.

    ``send`` takes one server event and never waits. ``extensions``: ``stretto.*`` events are sent; ``None``: as the
    session's own settings say, which are the client's.
    """

    send: Callable[[Json], None]
    beta: bool = False
    extensions: bool | None = None


class WireDoor:
    """``send`` takes one server event and never waits. Raises ``WireError`` if ``options.session`` is no good."""

    def __init__(
        self,
        session_id: str,
        defaults: SessionDefaults,
        options: DoorOptions,
        *,
        send: Callable[[Json], None],
        metrics: Metrics,
    ) -> None:
        self.session_id = session_id
        self.ended = asyncio.Event()
        """The kernel has closed the call (``EndCall``)."""
        self.closed = asyncio.Event()
        """The call is over, and nothing more will be told."""
        self.end_reason = ""
        self.client = Listener(send, options.beta)
        self.sidebands: list[Listener] = []
        self._metrics = metrics
        self._meter = SessionMeter(metrics)
        self.console = Console(session_id)
        session = SessionState(
            session_id,
            defaults,
            transcription=options.transcription,
            model=options.model,
            extensions=options.extensions,
        )
        if options.session:
            session.update(options.session, may_change_type=True)
        self.state = WireState(session, new_id, new_id("conv"), media=options.media)
        self.mapper = WireMapper(self.state)
        self._inbound = Inbound(self.state, self.mapper)
        self._session: SessionPort | None = None

    # --- to the client --------------------------------------------------------------------------------

    def greet(self, session: SessionPort) -> None:
        """The session is there: tell the client so."""
        self._session = session
        self.state.unread_items = lambda: session.unread_items
        self.state.floor = lambda: session.floor.value
        self._welcome(self.client)

    def attach(self, sideband: Listener) -> None:
        """It hears, from now on, what the client hears; first of the session as it stands. Only once there is one."""
        self.sidebands.append(sideband)
        self._watch()
        self._welcome(sideband)

    def detach(self, sideband: Listener) -> None:
        """It has gone, which the call does not notice. May be called twice."""
        if sideband in self.sidebands:
            self.sidebands.remove(sideband)
            self._watch()

    def _watch(self) -> None:
        self.state.watched = any(sideband.extensions for sideband in self.sidebands)

    def _welcome(self, listener: Listener) -> None:
        self._tell([self.state.event("session.created", session=self.state.session.echo())], listener)
        if listener.beta:
            conversation = {"id": self.state.conversation_id, "object": "realtime.conversation"}
            self._tell([self.state.event("conversation.created", conversation=conversation)], listener)

    def observe(self, at: float, happened: Event | Command) -> None:
        self._tell(self.mapper.observe(at, happened))
        self._meter.observe(at, happened)
        self.console.observe(at, happened)

    def handle(self, command: EndCall | TellTimeout) -> None:
        if isinstance(command, EndCall):
            self.end_reason = command.reason
            self.ended.set()

    def item_unread(self, item_id: str) -> None:
        self._tell(self.mapper.item_unread(item_id))

    def audio(self, utterance_id: str, data: bytes, words: tuple[WordTime, ...]) -> None:
        """Audio leaves within the events, in the session's output format."""
        self._tell(self.mapper.audio(utterance_id, data, words))

    def audio_left(self, utterance_id: str, seconds: float, words: tuple[WordTime, ...]) -> None:
        """Audio leaves on the media line; its words are told. Of what is no utterance (a clip) nothing is."""
        self._tell(self.mapper.audio_left(utterance_id, seconds, words))

    def tell_error(self, error: WireError, to: Listener | None = None) -> None:
        """``to=None``: it concerns all."""
        self._tell(self._inbound.refuse(error).events, to)

    async def guarded(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether ``work`` for this call came to its end without a bug. A bug ends this call alone, is told and counted."""
        try:
            await work
        except Exception as error:
            logger.error("call %s failed", self.session_id, exc_info=error)
            self._metrics.sessions_failed.inc()
            message = "The session failed by an error of the server and is closed."
            self.tell_error(WireError(message, "session_failed", kind="server_error"))
            return False
        return True

    def close(self) -> None:
        """The call is over, however: running responses get their end."""
        self._tell(self.mapper.close())
        self.closed.set()

    def _tell(self, events: Sequence[Json], to: Listener | None = None) -> None:
        """To one, or to all who listen."""
        for event in events:
            if event["type"] == "error":
                self._metrics.client_errors.labels(event["error"]["code"]).inc()
            for listener in [to] if to else [self.client, *self.sidebands]:
                self._tell_one(listener, event)

    def _tell_one(self, listener: Listener, event: Json) -> None:
        if event["type"].startswith("stretto.") and not self._wants_extensions(listener):
            return
        translated = to_beta(event) if listener.beta else event
        if translated is not None:
            listener.send(translated)

    def _wants_extensions(self, listener: Listener) -> bool:
        return self.state.session.wants_extensions if listener.extensions is None else listener.extensions

    # --- from the client ------------------------------------------------------------------------------

    async def hear(self, pcm: Pcm) -> None:
        """Sound of a media line, mono, always of the same rate. May wait a little while the ears are behind."""
        if self._session is None:
            raise RuntimeError("the door has no session yet")
        self.state.clock.appended_seconds += pcm.duration_seconds
        await self._session.hear(pcm)

    async def receive(self, frame: str | bytes, source: Listener | None = None) -> None:
        """One frame of the client's, or of a sideband's: answered, and carried out before its next is looked at."""
        source = source or self.client
        outcome = self._take(frame, source)
        for event in outcome.events:
            self._tell([event], source if event["type"] in _ANSWERS else None)
        for intent in outcome.intents:
            await self._carry_out(intent, source)

    def _take(self, frame: str | bytes, source: Listener) -> Outcome:
        try:
            event = parse(frame)
        except WireError as error:
            return self._inbound.refuse(error)
        event = from_beta(event) if source.beta else event
        if source is self.client:
            return self._inbound.take(event)
        event, wants_extensions = _of_sideband(event)
        outcome = self._inbound.take(event)
        if wants_extensions is not None and not any(told["type"] == "error" for told in outcome.events):
            source.extensions = wants_extensions
            self._watch()
        return outcome

    async def _carry_out(self, intent: Intent, source: Listener) -> None:
        session = self._session
        if session is None:
            raise RuntimeError("the door has no session yet")
        match intent:
            case want.AppendAudio(data):
                await self._hear(session, data)
            case want.CommitInput():
                await session.commit_input()
            case want.ClearInput():
                await session.clear_input()
            case want.ClearOutput():
                session.publish(OutputCleared())
            case want.Configure(config):
                session.configure(config)
            case want.CreateItem(item, after):
                session.insert_item(item, after)
            case want.DeleteItem(place):
                session.delete_item(place)
            case want.Truncate(utterance_id, heard_seconds):
                session.truncate(utterance_id, heard_seconds)
            case want.Respond(request_id, params):
                session.register_response(request_id, params)
                session.publish(ResponseRequested(request_id, params.audible, params.in_conversation))
            case want.Cancel(think_id):
                session.publish(ResponseCancelled(think_id))
            case want.CancelTool(call_id, event_id):
                if not session.cancel_tool(call_id):
                    message = "Cancellation failed: no tool of the server runs for this call."
                    self.tell_error(WireError(message, "tool_cancel_not_active", "call_id", event_id), source)
            case _:
                assert_never(intent)

    async def _hear(self, session: SessionPort, data: bytes) -> None:
        audio_format = self.state.session.input_format
        step = round(HEAR_SECONDS * RATES_HZ[audio_format]) * SAMPLE_BYTES[audio_format]
        for start in range(0, len(data), step):
            if start:
                await asyncio.sleep(0)  # between pieces of one large event, let other sessions run
            await session.hear(decode(audio_format, data[start : start + step]))


def _of_sideband(event: Json) -> tuple[Json, bool | None]:
    """Which extension events a sideband gets is its own setting, and none of the client's session: (the rest of its
    event, what it wants; ``None``: it says nothing of that)."""
    session = event.get("session")
    if event.get("type") != "session.update" or not isinstance(session, dict) or "stretto" not in session:
        return event, None
    own = dict.fromkeys(StrettoSettings.model_fields) if session["stretto"] is None else session["stretto"]
    if not isinstance(own, dict) or "events" not in own or not isinstance(own["events"], bool | None):
        return event, None  # what is wrong with it is told
    rest = {name: value for name, value in own.items() if name != "events"}
    return event | {"session": session | {"stretto": rest}}, bool(own["events"])
