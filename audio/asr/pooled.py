"""A recogniser stream whose engine lives in a pool of worker processes.

What the child must understand: ``Begin``, 16 kHz int16 audio as ``bytes``, and ``Finish``; it answers with
``Hypothesis``. A ``Begin`` while a segment is open drops that segment. When the child dies, a stream on
another (or its replacement) is opened, and then ``hypotheses`` raises ``RecognizerError`` once; audio of
the segment that was open is lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from audio.asr.recognizer import Hypothesis
from scheduler.errors import RecognizerError, WorkerError
from scheduler.pcm import Pcm
from scheduler.workers import WorkerPool, WorkerStream

BLOCK_SAMPLES = 3200
"""Audio travels in blocks of at most 200 ms, so that a busy child hears of a cancellation soon."""


@dataclass(frozen=True, slots=True)
class Open:
    language: str | None


@dataclass(frozen=True, slots=True)
class Begin:
    segment: int
    start_seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    pass


class PooledStream:
    def __init__(self, pool: WorkerPool, worker: WorkerStream, opening: Open) -> None:
        self._pool = pool
        self._worker = worker
        self._opening = opening
        self._broken: str | None = None
        self._closed = False

    @classmethod
    async def open(cls, pool: WorkerPool, opening: Open) -> PooledStream:
        try:
            return cls(pool, await pool.open(opening), opening)
        except WorkerError as error:
            raise RecognizerError(str(error)) from error

    @property
    def process_id(self) -> int | None:
        return self._worker.process_id

    async def begin(self, segment: int, start_seconds: float) -> None:
        await self._send(Begin(segment, start_seconds))

    async def feed(self, pcm: Pcm) -> None:
        for start in range(0, len(pcm.samples), BLOCK_SAMPLES):
            await self._send(pcm.samples[start : start + BLOCK_SAMPLES].tobytes())

    async def finish(self) -> None:
        await self._send(Finish())

    async def _send(self, message: object) -> None:
        if self._broken is not None:
            raise RecognizerError(self._broken)
        try:
            await self._worker.send(message)
        except WorkerError:
            return  # the reader of ``hypotheses`` meets the same error, repairs the stream and tells

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        """See ``RecognizerStream``. Ends when the stream is closed or can't be repaired."""
        try:
            async for hypothesis in self._worker:
                yield hypothesis
        except WorkerError as error:
            if self._closed:
                return
            await self._repair()
            if self._broken is None:
                raise RecognizerError(f"the recogniser's process failed and was replaced: {error}") from error

    async def _repair(self) -> None:
        await self._worker.close()
        try:
            fresh = await self._pool.open(self._opening)
        except WorkerError as error:
            self._broken = str(error)
            return
        self._worker = fresh
        if self._closed:  # in the meantime
            await fresh.close()

    async def close(self) -> None:
        self._closed = True
        await self._worker.close()
