"""The ears' second stage: carries segments to the recogniser, and its words to the bus.

Runs behind voice detection, by at most ``LEAD_SECONDS`` of audio, so that a recogniser that is slow for a
moment does not make the agent miss a barge-in. Whatever happens, every segment that was begun gets exactly
one final revision: from the recogniser; or with the best words known when it crashed, stalled or said
nothing for ``final_seconds``; or without words when it was thrown away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.asr.recognizer import Hypothesis, Recognizer, RecognizerStream
from scheduler.errors import RecognizerError
from scheduler.events import EarsFailed, Event, InputCleared, InputCommitted, TranscriptRevised
from scheduler.pcm import Pcm, WordTime
from scheduler.tasks import clean_up, engine_edge

log = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 16_000
LEAD_SECONDS = 5.0
OPEN_SECONDS = 20.0
FRUITLESS_TRIES = 3
REOPEN_PAUSE_SECONDS = 1.0
"""An engine that just failed to open is left alone this long."""


@dataclass(frozen=True, slots=True)
class _Begin:
    at_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Audio:
    samples: NDArray[np.int16]
    at_seconds: float


@dataclass(frozen=True, slots=True)
class _Finish:
    pass


@dataclass(frozen=True, slots=True)
class _Commit:
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class _Clear:
    pass


@dataclass(frozen=True, slots=True)
class _Language:
    language: str | None


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


_Action = _Begin | _Audio | _Finish | _Commit | _Clear | _Language | _Stop


@dataclass(slots=True)
class _Pending:
    """A segment without its final yet, and what is known of its words."""

    words: tuple[WordTime, ...] = ()
    timer: asyncio.TimerHandle | None = None


class Recognition:
    def __init__(
        self,
        publish: Callable[[Event], None],
        recognizer: Recognizer,
        language: str | None,
        *,
        final_seconds: float,
        stall_seconds: float,
    ) -> None:
        self._publish = publish
        self._recognizer = recognizer
        self._language = language
        self._language_changed = False
        """The stream is still one of another language."""
        self._final_seconds = final_seconds
        self._stall_seconds = stall_seconds
        self._actions: deque[_Action] = deque()
        self._waiting_seconds = 0.0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._stream: RecognizerStream | None = None
        self._stream_changed = asyncio.Event()
        self._replacing = asyncio.Lock()
        self._reopen_at = 0.0
        self._wanted = False
        """Between begin and finish, as voice detection sees it."""
        self._current: int | None = None
        """The segment that is open at the recogniser; ``None`` while ``_wanted``: it was lost, or is unheard."""
        self._pending: dict[int, _Pending] = {}
        self._next_segment = 0
        self._uncommitted_segment: int | None = None
        self._working = False
        self._fruitless = 0
        """How often in a row reading a stream ended without a hypothesis."""

    # --- for voice detection; in audio order ---

    async def begin(self, at_seconds: float) -> None:
        self._put(_Begin(at_seconds))

    async def feed(self, samples: NDArray[np.int16], at_seconds: float) -> None:
        """Waits while the recogniser is ``LEAD_SECONDS`` behind."""
        while self._waiting_seconds > LEAD_SECONDS:
            self._room.clear()
            await self._room.wait()
        self._waiting_seconds += len(samples) / SAMPLE_RATE_HZ
        self._put(_Audio(samples, at_seconds))

    async def finish(self) -> None:
        self._put(_Finish())

    async def commit(self, start_seconds: float, end_seconds: float) -> None:
        self._put(_Commit(start_seconds, end_seconds))

    async def clear(self) -> None:
        """What is open is thrown away."""
        self._put(_Clear())

    async def set_language(self, language: str | None) -> None:
        """From the next segment on."""
        self._put(_Language(language))

    async def stop(self) -> None:
        """``run`` ends when all is done."""
        self._put(_Stop())

    @property
    def idle(self) -> bool:
        return not self._actions and not self._pending and not self._working

    def _put(self, action: _Action) -> None:
        self._actions.append(action)
        self._changed.set()

    # --- carrying ---

    async def run(self) -> None:
        """Until ``stop``."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._replace(None)
                reader = group.create_task(self._read())
                await self._carry()
                await self._settle()
                reader.cancel()
        finally:
            for pending in self._pending.values():
                _cancel(pending.timer)
            if self._stream is not None:
                await clean_up(self._stream.close())

    async def _carry(self) -> None:
        while True:
            while not self._actions:
                self._changed.clear()
                await self._changed.wait()
            action = self._actions.popleft()
            if isinstance(action, _Stop):
                return
            self._working = True
            try:
                await self._do(action)
            finally:
                self._working = False

    async def _settle(self) -> None:
        while self._pending:
            self._changed.clear()
            await self._changed.wait()

    async def _do(self, action: _Action) -> None:
        match action:
            case _Begin(at_seconds):
                self._wanted = True
                await self._open_segment(at_seconds)
            case _Audio(samples, at_seconds):
                self._waiting_seconds -= len(samples) / SAMPLE_RATE_HZ
                self._room.set()
                await self._feed(samples, at_seconds)
            case _Finish():
                await self._close_segment()
            case _Commit(start_seconds, end_seconds):
                await self._close_segment()
                self._tell_commit(start_seconds, end_seconds)
            case _Clear():
                if self._current is not None:
                    self._finalize(self._current, ())
                await self._close_segment()
                self._uncommitted_segment = None
                self._publish(InputCleared())
            case _Language(language):
                self._language_changed = self._language_changed or language != self._language
                self._language = language
                await self._change_language()

    async def _change_language(self) -> None:
        """A fresh stream, as soon as no segment is open or awaits its final from the old one."""
        if self._language_changed and not self._pending and self._stream is not None:
            self._language_changed = False
            await self._replace(None, self._stream)

    async def _open_segment(self, at_seconds: float) -> None:
        await self._change_language()
        number = self._number_segment()
        if self._stream is None:
            await self._replace("there is no recogniser")
        if (stream := self._stream) is None:
            return  # told and finalized by _replace; the rest of this speech is not heard
        if number not in self._pending:  # lost and finalized together with the stream before
            number = self._number_segment()
        self._current = number
        await self._guard(stream, stream.begin(number, at_seconds))

    def _number_segment(self) -> int:
        number = self._next_segment
        self._next_segment += 1
        self._uncommitted_segment = number
        self._pending[number] = _Pending()
        return number

    async def _feed(self, samples: NDArray[np.int16], at_seconds: float) -> None:
        if not self._wanted:
            return
        if self._current is None and self._stream is not None:
            await self._open_segment(at_seconds)  # what was open was lost: what is said from here on is a new one
        if self._current is not None and (stream := self._stream) is not None:
            await self._guard(stream, stream.feed(Pcm(samples, SAMPLE_RATE_HZ)))

    async def _close_segment(self) -> None:
        self._wanted = False
        number, self._current = self._current, None
        if number is None or (stream := self._stream) is None:
            return
        await self._guard(stream, stream.finish())
        if (pending := self._pending.get(number)) is not None:
            loop = asyncio.get_running_loop()
            pending.timer = loop.call_later(self._final_seconds, self._give_up, number)

    def _tell_commit(self, start_seconds: float, end_seconds: float) -> None:
        number, self._uncommitted_segment = self._uncommitted_segment, None
        if number is not None:
            self._publish(InputCommitted(number, start_seconds, end_seconds))
            return
        number = self._number_segment()
        self._uncommitted_segment = None
        self._publish(InputCommitted(number, start_seconds, end_seconds))
        self._finalize(number, ())

    # --- words ---

    async def _read(self) -> None:
        while True:
            while (stream := self._stream) is None:
                self._stream_changed.clear()
                await self._stream_changed.wait()
            self._fruitless += 1
            try:
                with engine_edge():
                    async for hypothesis in stream.hypotheses():
                        self._fruitless = 0
                        self._take(hypothesis)
                await self._replace("the recogniser ended its stream", stream)
            except RecognizerError as error:  # told once, and repaired by the engine
                self._lose(str(error), recovered=True)
            except Exception as error:  # noqa: BLE001 the edge of an engine
                await self._replace(f"{type(error).__name__}: {error}", stream)
            if self._fruitless > FRUITLESS_TRIES:
                await asyncio.sleep(REOPEN_PAUSE_SECONDS)

    def _take(self, hypothesis: Hypothesis) -> None:
        pending = self._pending.get(hypothesis.segment)
        if pending is None:
            return  # its final was given already
        words = hypothesis.stable + hypothesis.tentative
        if hypothesis.is_final:
            self._finalize(hypothesis.segment, words)
        else:
            pending.words = words
            self._publish(TranscriptRevised(hypothesis.segment, hypothesis.stable, hypothesis.tentative))

    def _finalize(self, number: int, words: tuple[WordTime, ...]) -> None:
        pending = self._pending.pop(number, None)
        if pending is not None:
            _cancel(pending.timer)
            self._publish(TranscriptRevised(number, words, is_final=True))
            self._changed.set()

    def _give_up(self, number: int) -> None:
        if (pending := self._pending.get(number)) is not None:
            log.warning("%s gave no final for %g s", self._recognizer.name, self._final_seconds)
            self._finalize(number, pending.words)

    # --- failures ---

    async def _guard(self, stream: RecognizerStream, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(self._stall_seconds):
                with engine_edge():
                    await work
        except TimeoutError:
            await self._replace(f"the recogniser took no audio for {self._stall_seconds:g} s", stream)
        except Exception as error:  # noqa: BLE001 the edge of an engine
            await self._replace(f"{type(error).__name__}: {error}", stream)

    def _lose(self, message: str, *, recovered: bool) -> None:
        """What the recogniser had in hand is lost; idle, nobody needs to know but the log."""
        log.warning("ears: %s (%s)", message, "recovered" if recovered else "not recovered")
        self._current = None
        if self._pending:
            self._publish(EarsFailed(message, recovered))
        for number in sorted(self._pending):
            self._finalize(number, self._pending[number].words)

    async def _replace(self, reason: str | None, broken: RecognizerStream | None = None) -> None:
        """A fresh stream instead of ``broken``. ``reason``: ``None`` for the first one."""
        async with self._replacing:
            if self._stream is not broken:
                return  # somebody else did
            self._stream = None
            if broken is not None:
                await clean_up(broken.close())
            self._stream = await self._open_stream()
            self._stream_changed.set()
            if reason is not None and not (broken is None and self._stream is not None):
                self._lose(reason, recovered=self._stream is not None)

    async def _open_stream(self) -> RecognizerStream | None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._reopen_at:
            return None
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                with engine_edge():
                    return await self._recognizer.open(language=self._language)
        except Exception as error:  # noqa: BLE001 the edge of an engine
            log.warning("ears: %s can't be opened: %s", self._recognizer.name, error or type(error).__name__)
            self._reopen_at = loop.time() + REOPEN_PAUSE_SECONDS
            return None


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
