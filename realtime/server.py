"""The program without its sockets: engines, keys, and the sessions that run."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from audio.asr.recognizer import Recognizer
from audio.end_of_turn.model import EndOfTurnModel
from audio.transport import AudioTransport
from realtime.keys import Keys
from realtime.metrics import Metrics
from realtime.settings import Settings
from realtime.voices import VoiceBook
from realtime.wire.session_port import Door, SessionConfig, SessionPort
from realtime.wire.session_state import SessionDefaults
from scheduler.errors import StrettoError
from scheduler.events import CallEnding
from think_loop.admission import Admission
from think_loop.language_model import LanguageModel
from think_loop.tools import Tool
from tts.clips import ClipBook
from tts.registry import voice_names
from tts.voice import Voice

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engines:
    """What all sessions of the process share."""

    recognizer: Recognizer
    language_model: LanguageModel
    voice: Voice
    voices: VoiceBook = field(default_factory=VoiceBook)
    tools: tuple[Tool, ...] = ()
    """Tools of one's own, beside the session's timers; ``think_loop.tool_loading.checked_tools`` checks them."""

    end_of_turn: EndOfTurnModel | None = None
    admission: Admission = field(default_factory=Admission)
    """Who may think when: one for the language model."""
    clips_folder: Path | None = None
    """Where clips are kept between runs; ``None``: nowhere."""
    _clips: dict[str, ClipBook] = field(default_factory=dict)

    def clips_of(self, voice: Voice) -> ClipBook:
        """The short texts that this voice has rendered ahead. Those of a simulated one are never kept between runs."""
        if voice.name not in self._clips:
            self._clips[voice.name] = ClipBook(voice, None if voice.simulated else self.clips_folder)
        return self._clips[voice.name]

    def by_kind(self) -> dict[str, Recognizer | LanguageModel | Voice | EndOfTurnModel]:
        engines: dict[str, Recognizer | LanguageModel | Voice | EndOfTurnModel]
        engines = {"asr": self.recognizer, "llm": self.language_model, "tts": self.voice}
        return engines if self.end_of_turn is None else engines | {"turn_end": self.end_of_turn}


class SessionFactory(Protocol):
    """Makes a session; nothing of it runs before ``SessionPort.run``."""

    def __call__(
        self,
        *,
        session_id: str,
        door: Door,
        transport: AudioTransport,
        config: SessionConfig,
        engines: Engines,
        settings: Settings,
    ) -> SessionPort: ...


class NoRoomError(StrettoError):
    """No further session can be opened now. ``reason``: for the metrics."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class _Call:
    session: SessionPort
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Server:
    """Warm engines and running sessions. One per process is usual; nothing here is global."""

    def __init__(
        self,
        settings: Settings,
        engines: Engines,
        make_session: SessionFactory,
        *,
        keys: Keys | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.settings = settings
        self.engines = engines
        self.keys = keys or Keys(settings.server.api_keys)
        self.metrics = metrics or Metrics()
        self._make_session = make_session
        self._calls: dict[str, _Call] = {}
        self._warm: set[str] = set()
        self._warming = asyncio.Lock()
        self._stopping = False
        self._force_close = asyncio.Event()

    # --- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Warm all engines, at the same time. May be called twice. Raises the engines' errors."""
        try:
            async with self._warming, asyncio.TaskGroup() as tasks:
                for kind in self.engines.by_kind():
                    if kind not in self._warm:
                        tasks.create_task(self._warm_up(kind))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _warm_up(self, kind: str) -> None:
        engine = self.engines.by_kind()[kind]
        await engine.warm_up()
        self._warm.add(kind)
        logger.info("%s is warm: %s", kind, engine.name)

    async def stop(self, grace_seconds: float | None = None) -> None:
        """Take no more calls, tell the running ones, wait for them at most ``grace_seconds``, close the engines."""
        self._stopping = True
        grace = self.settings.server.shutdown_grace_seconds if grace_seconds is None else grace_seconds
        calls = list(self._calls.values())
        for call in calls:
            call.session.publish(
                CallEnding("the server is being shut down", self.settings.policy.phrases.farewell_shutdown)
            )
        if calls:
            logger.info("waiting up to %.0f s for %d calls to end", grace, len(calls))
            await self._wait_for(calls, grace)
        self._force_close.set()
        await self._wait_for(list(self._calls.values()), 2.0)
        for engine in self.engines.by_kind().values():
            await engine.close()
        await self.engines.voices.close()
        self._warm.clear()

    async def _wait_for(self, calls: list[_Call], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                for call in calls:
                    await call.ended.wait()
        except TimeoutError:
            logger.warning("%d calls are closed before their end", len(self._calls))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """``async with server.running():`` for the lifespan of an application that mounts this one."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def must_close(self) -> None:
        """Returns when calls are to be closed at once: the time of grace is over."""
        await self._force_close.wait()

    # --- sessions -------------------------------------------------------------------------------------

    @property
    def session_count(self) -> int:
        return len(self._calls)

    @property
    def is_warm(self) -> bool:
        return self._warm == set(self.engines.by_kind())

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def check_room(self) -> None:
        """Raises ``NoRoomError`` when no further session can be opened."""
        if self._stopping:
            raise NoRoomError("The server is being shut down.", "stopping")
        if len(self._calls) >= self.settings.server.max_sessions:
            raise NoRoomError(
                f"All {self.settings.server.max_sessions} lines of this server are in use; try again later.", "full"
            )

    @asynccontextmanager
    async def open_session(
        self, session_id: str, door: Door, transport: AudioTransport, config: SessionConfig
    ) -> AsyncIterator[SessionPort]:
        """The session is counted, and told of a shutdown, until the block is left. Raises ``NoRoomError``."""
        self.check_room()
        session = self._make_session(
            session_id=session_id,
            door=door,
            transport=transport,
            config=config,
            engines=self.engines,
            settings=self.settings,
        )
        call = self._calls[session_id] = _Call(session)
        self.metrics.sessions.inc()
        self.metrics.sessions_opened.inc()
        try:
            yield session
        finally:
            del self._calls[session_id]
            call.ended.set()
            self.metrics.sessions.dec()
            self.metrics.bus_coalesced.inc(session.coalesced)
            self.metrics.epochs.inc(session.epochs)

    def defaults(self) -> SessionDefaults:
        """What a session is before its client says anything."""
        return SessionDefaults(
            instructions=self.settings.agent.instructions,
            turn_detection=self.settings.turn_detection,
            voice=self.engines.voice.name,
            model=self.engines.language_model.name,
            language=self.settings.agent.language,
        )

    def health(self) -> dict[str, object]:
        """For ``GET /health``."""
        engines = {
            kind: {"name": engine.name, "warm": kind in self._warm, "simulated": engine.simulated}
            for kind, engine in self.engines.by_kind().items()
        }
        status = "stopping" if self._stopping else "ok" if self.is_warm else "warming"
        return {
            "status": status,
            "engines": engines,
            "voices": list(voice_names(self.engines.voice.name)),
            "sessions": self.session_count,
            "has_room": self.session_count < self.settings.server.max_sessions,
            "key_required": self.keys.required,
        }


def new_id(prefix: str) -> str:
    """A name for the wire: ``item_`` and 21 characters nobody can guess."""
    return f"{prefix}_{secrets.token_urlsafe(16)[:21]}"
