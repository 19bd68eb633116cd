"""A session that follows a script instead of engines, so that the door alone is under test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

from audio.asr.recognizer import RecognizerStream
from audio.transport import AudioTransport
from realtime.server import Engines, Server
from realtime.settings import Settings
from realtime.wire.session_port import Door, Item, MessageItem, Place, ResponseParams, SessionConfig
from scheduler import commands as do
from scheduler import events as ev
from scheduler.events import Event
from scheduler.floor import Floor
from scheduler.pcm import Pcm, SpeechChunk, WordTime


class FakeEngine:
    """Recogniser, language model and voice in one; none is ever asked."""

    name = "fake"
    simulated = True
    sample_rate_hz = 24_000

    def knows_language(self, language: str) -> bool:
        return True

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def open(self, *, language: str | None = None) -> RecognizerStream:
        raise NotImplementedError

    def generate(self, prompt: Any) -> AsyncIterator[Any]:
        raise NotImplementedError

    def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        raise NotImplementedError


class FakeSession:
    """Answers each request with "Hi there." (spoken: 0.2 s), after a message about the weather with a call of the tool
    ``weather``, and each commit with a turn. ``asked`` keeps every call."""

    def __init__(
        self,
        *,
        session_id: str,
        door: Door,
        transport: AudioTransport,
        config: SessionConfig,
        engines: Engines,
        settings: Settings,
    ) -> None:
        self.session_id = session_id
        self.coalesced = 2
        self.epochs = 1
        self.floor = Floor.RESTING
        self.unread_items = 0
        self.asked: list[tuple[str, Any]] = []
        self.heard_seconds = 0.0
        self._door = door
        self._transport = transport
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._count = 0
        self._calls_tool = False

    def begin_long_answer(self) -> None:
        """An answer that is being spoken: 0.6 s have left, more would come."""
        self._door.observe(0.0, do.Think("long", do.Purpose.ANSWER))
        self._door.observe(0.0, do.Speak("u_long", 0, "Once upon a time.", "long"))

    async def send_of_long_answer(self) -> None:
        words = (WordTime("Once", 0.0, 0.3), WordTime(" upon", 0.3, 0.6))
        await self._transport.send("u_long", Pcm.silence(0.6, self._transport.sample_rate_hz), words)

    def barge_in(self) -> None:
        for fact in (do.OpenTurn("t_in", 2.0), do.StopThinking("long"), do.StopSpeaking("u_long", 0.2, "barge_in")):
            self._door.observe(0.0, fact)

    async def run(self) -> None:
        self._door.observe(0.0, ev.CallStarted())
        while True:
            event = await self._inbox.get()
            self._door.observe(0.0, event)
            match event:
                case ev.ResponseRequested(request_id, audible, in_conversation):
                    await self._answer(request_id, audible, in_conversation)
                case ev.InputCommitted():
                    self._turn()
                case ev.CallEnding(reason):
                    self._door.observe(0.0, do.EndCall(reason))
                    self._door.handle(do.EndCall(reason))
                case ev.InputCleared():
                    raise ValueError("a bug, on request")
                case _:
                    pass

    def _turn(self) -> None:
        self._count += 1
        name = f"t{self._count}"
        commit = do.CommitTurn(name, "hello", 0.0, self.heard_seconds, True, (self._count,), by_hand=True)
        self._door.observe(0.0, commit)

    async def _answer(self, request_id: str, audible: bool, in_conversation: bool) -> None:
        self._count += 1
        think, utterance = f"k{self._count}", f"u{self._count}"
        begin = do.Think(think, do.Purpose.ANSWER, None, request_id, None, audible, in_conversation)
        self._door.observe(0.0, begin)
        if self._calls_tool:
            self._calls_tool = False
            self._door.observe(0.0, ev.ToolCalled(think, "call_1", "weather", '{"city": "Oslo"}', by_client=True))
            self._door.observe(0.0, ev.ThinkEnded(think, ev.ThinkEnding.TOOLS))
            return
        self._door.observe(0.0, ev.WordsWritten(think, "Hi there."))
        if audible:
            self._door.observe(0.0, do.Speak(utterance, 0, "Hi there.", think))
            words = (WordTime("Hi", 0.0, 0.1), WordTime(" there.", 0.1, 0.2))
            await self._transport.send(utterance, Pcm.silence(0.2, self._transport.sample_rate_hz), words)
        self._door.observe(0.0, ev.ThinkEnded(think, ev.ThinkEnding.DONE, "", 3, 2))
        if audible:
            self._door.observe(0.0, ev.PlayoutSent(utterance, 0.2))

    async def hear(self, pcm: Pcm) -> None:
        self.heard_seconds += pcm.duration_seconds

    async def commit_input(self) -> None:
        self.publish(ev.InputCommitted(0, 0.0, self.heard_seconds))

    async def clear_input(self) -> None:
        self.publish(ev.InputCleared())

    def configure(self, config: SessionConfig) -> None:
        self.asked.append(("configure", config))

    def publish(self, event: Event) -> None:
        self._inbox.put_nowait(event)

    def register_response(self, request_id: str, params: ResponseParams) -> None:
        self.asked.append(("response", params))

    def insert_item(self, item: Item, after: Place | Literal["root"] | None) -> None:
        self.asked.append(("item", item))
        self._calls_tool = isinstance(item, MessageItem) and "weather" in item.text

    def cancel_tool(self, call_id: str) -> bool:
        self.asked.append(("cancel_tool", call_id))
        return call_id == "call_running"

    def delete_item(self, place: Place) -> None:
        self.asked.append(("delete", place))

    def truncate(self, utterance_id: str, heard_seconds: float) -> None:
        self.asked.append(("truncate", (utterance_id, heard_seconds)))


def fake_server(webrtc: dict[str, Any] | None = None, **server_settings: Any) -> tuple[Server, list[FakeSession]]:
    """A server of fake sessions, and the sessions it opens."""
    sessions: list[FakeSession] = []

    def make(**parts: Any) -> FakeSession:
        sessions.append(FakeSession(**parts))
        return sessions[-1]

    engine = FakeEngine()
    settings = Settings.model_validate({"server": server_settings, "webrtc": webrtc or {}})
    return Server(settings, Engines(engine, engine, engine), make), sessions
