"""A door that speaks the Realtime protocol, whatever carries its events: websocket, data channel, sideband."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

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
from realtime.wire.session_types import Json
from realtime.wire.state import WireState
from scheduler.commands import Command, EndCall, TellTimeout
from scheduler.events import Event, OutputCleared, ResponseCancelled, ResponseRequested
from scheduler.pcm import WordTime

logger = logging.getLogger(__name__)

HEAR_SECONDS = 1.0
"""Longer audio is handed over in pieces, so that other sessions get their turn."""


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """What the client asked for when it connected. ``session``: settings its client secret carries."""

    model: str | None = None
    transcription: bool = False
    extensions: bool = False
    beta: bool = False
    session: Json | None = None


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
        self.end_reason = ""
        self._send = send
        self._beta = options.beta
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
        self.state = WireState(session, new_id, new_id("conv"))
        self.mapper = WireMapper(self.state)
        self._inbound = Inbound(self.state, self.mapper)
        self._session: SessionPort | None = None

    # --- to the client --------------------------------------------------------------------------------

    def greet(self, session: SessionPort) -> None:
        """The session is there: tell the client so."""
        self._session = session
        self.state.unread_items = lambda: session.unread_items
        self.state.floor = lambda: session.floor.value
        self._tell([self.state.event("session.created", session=self.state.session.echo())])
        if self._beta:
            conversation = {"id": self.state.conversation_id, "object": "realtime.conversation"}
            self._tell([self.state.event("conversation.created", conversation=conversation)])

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
        """Audio leaves, in the session's output format."""
        self._tell(self.mapper.audio(utterance_id, data, words))

    def tell_error(self, error: WireError) -> None:
        self._tell(list(self._inbound.refuse(error).events))

    def close(self) -> None:
        """The call is over, however: running responses get their end."""
        self._tell(self.mapper.close())

    def _tell(self, events: list[Json] | tuple[Json, ...]) -> None:
        for event in events:
            if event["type"] == "error":
                self._metrics.client_errors.labels(event["error"]["code"]).inc()
            translated = to_beta(event) if self._beta else event
            if translated is not None:
                self._send(translated)

    # --- from the client ------------------------------------------------------------------------------

    async def receive(self, frame: str | bytes) -> None:
        """One frame of the client's: answered, and carried out before the next is looked at."""
        outcome = self._take(frame)
        self._tell(outcome.events)
        for intent in outcome.intents:
            await self._carry_out(intent)

    def _take(self, frame: str | bytes) -> Outcome:
        try:
            event = parse(frame)
        except WireError as error:
            return self._inbound.refuse(error)
        return self._inbound.take(from_beta(event) if self._beta else event)

    async def _carry_out(self, intent: Intent) -> None:
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
                    self.tell_error(WireError(message, "tool_cancel_not_active", "call_id", event_id))
            case _:
                assert_never(intent)

    async def _hear(self, session: SessionPort, data: bytes) -> None:
        audio_format = self.state.session.input_format
        step = round(HEAR_SECONDS * RATES_HZ[audio_format]) * SAMPLE_BYTES[audio_format]
        for start in range(0, len(data), step):
            if start:
                await asyncio.sleep(0)  # between pieces of one large event, let other sessions run
            await session.hear(decode(audio_format, data[start : start + step]))
