"""What the fault tests share: a caller made of tones, engines that break on request, a session in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from audio.asr.recognizer import Recognizer
from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings
from audio.loopback import RecordingTransport
from realtime.server import Engines
from realtime.session import Session, make_session
from realtime.settings import Settings
from realtime.wire.session_port import SessionConfig
from scheduler import virtual_time
from scheduler.commands import Command, EndCall, EndTurn, Hold, Release, Speak, TellTimeout
from scheduler.events import CallEnding, Event
from scheduler.pcm import Pcm
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import LanguageModel, Words
from tts.engines.simulated import SimulatedVoice
from tts.voice import Voice

T = TypeVar("T")

RATE_HZ = 24_000
ANSWER = "Yes, of course."
QUESTION = "what time is it"


def simulated_settings(**sections: Any) -> Settings:
    """Simulated engines and the cheap voice detector."""
    engines = {"asr": "simulated", "llm": "simulated", "tts": "simulated", "vad": "energy"}
    return Settings.model_validate({**sections, "engines": engines | sections.get("engines", {})})


def simulated_engines(
    *, recognizer: Recognizer | None = None, model: LanguageModel | None = None, voice: Voice | None = None
) -> Engines:
    """Whatever is said is heard as ``QUESTION`` and answered by ``ANSWER``."""
    steady = SimulatedSettings(revision_probability=0.0)
    return Engines(
        recognizer or SimulatedRecognizer((QUESTION,), steady),
        model or SimulatedModel(SimulatedModelSettings(jitter=0.0), lambda _: [Words(ANSWER)]),
        voice or SimulatedVoice(),
    )


def tone(seconds: float, rate_hz: int = RATE_HZ) -> Pcm:
    """Loud enough for voice detection."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return Pcm((8000 * np.sin(2 * np.pi * 200 * at)).astype(np.int16), rate_hz)


def quiet(seconds: float, rate_hz: int = RATE_HZ) -> Pcm:
    return Pcm.silence(seconds, rate_hz)


@dataclass
class Watcher:
    """A door that only watches."""

    seen: list[tuple[float, Event | Command]] = field(default_factory=list)
    ended: str | None = None
    unread: list[str] = field(default_factory=list)
    """Items of the client whose audio could not be recognised."""
    on_observe: Callable[[Event | Command], None] = lambda _: None

    def observe(self, at: float, happened: Event | Command) -> None:
        self.seen.append((at, happened))
        self.on_observe(happened)

    def handle(self, command: EndCall | TellTimeout) -> None:
        if isinstance(command, EndCall):
            self.ended = command.reason

    def item_unread(self, item_id: str) -> None:
        self.unread.append(item_id)

    def of(self, kind: type[T]) -> list[T]:
        return [happened for _, happened in self.seen if isinstance(happened, kind)]

    @property
    def outcomes(self) -> list[str]:
        return [turn.outcome.value for turn in self.of(EndTurn)]

    @property
    def said(self) -> list[str]:
        """The sentences that could sound: not those of drafts that were held back and thrown away."""
        held = {each.utterance_id for each in self.of(Hold)} - {each.utterance_id for each in self.of(Release)}
        return [sentence.text for sentence in self.of(Speak) if sentence.utterance_id not in held]


@dataclass
class Call:
    """One session and its line. Use with ``calling``."""

    session: Session
    line: RecordingTransport
    door: Watcher

    async def speak(self, *blocks: Pcm, block_seconds: float = 0.1) -> None:
        """At the pace of a microphone."""
        for block in blocks:
            step = round(block_seconds * block.sample_rate_hz)
            for at in range(0, len(block.samples), step):
                await self.session.hear(Pcm(block.samples[at : at + step], block.sample_rate_hz))
                await asyncio.sleep(block_seconds)  # the pace of a microphone; virtual time

    async def ask(self, listen_seconds: float = 6.0) -> None:
        """One question, and silence while the answer is heard."""
        await self.speak(tone(1.0), quiet(listen_seconds))

    async def upload(self, *blocks: Pcm) -> None:
        """All at once."""
        for block in blocks:
            await self.session.hear(block)


@contextlib.asynccontextmanager
async def calling(
    engines: Engines | None = None, settings: Settings | None = None, config: SessionConfig | None = None
) -> AsyncIterator[Call]:
    """A session that runs. It is hung up when the block is left."""
    settings = settings or simulated_settings()
    line, door = RecordingTransport(position="estimated"), Watcher()
    session = make_session(
        session_id="sess_test",
        door=door,
        transport=line,
        config=config or SessionConfig(settings.turn_detection),
        engines=engines or simulated_engines(),
        settings=settings,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run(), name="session")
        yield Call(session, line, door)
        session.publish(CallEnding("hung up"))


def in_virtual_time(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return virtual_time.run(main)
