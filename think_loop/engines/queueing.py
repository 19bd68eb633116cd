"""A simulated engine with one accelerator for all: streams share a batch and queue for it. For tests and benchmarks.

What ``simulated`` lacks: here one session's thinking costs the others time. The batch has ``max_running`` places (vLLM:
``--max-num-seqs``). A stream waits until it has a place and nobody else's prompt is being read, its prompt is read in
``prefill_seconds``, then it writes, each token taking a step that grows with the batch. A step that has begun is not
interrupted: a stream that is closed frees its place at once, but the reading of its prompt goes on to its end. Reading
and writing do not slow each other down.

It waits on the timers of the event loop only, so virtual time works.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from dataclasses import dataclass

from scheduler.tasks import closing_stream
from think_loop.engines.simulated import Script, SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Finished, Piece, Prompt


@dataclass(frozen=True, slots=True)
class QueueingModelSettings:
    seed: int = 0
    max_running: int = 32
    prefill_seconds: float = 0.03
    """What one prompt keeps the accelerator busy for: a turn behind a cached prefix, one step of a model of 8 x 10^9
    parameters or so."""
    overhead_seconds: float = 0.03
    """Before the queue, and in parallel: network, chat template, tokenizer."""
    step_seconds: float = 0.02
    """One token of a stream that is alone."""
    step_growth: float = 0.01
    """Each further stream makes the step longer by this share of ``step_seconds``."""
    knows_priority: bool = True
    """Whether who waits is ordered by ``Prompt.priority`` (vLLM: ``--scheduling-policy priority``), or only by arrival."""
    first_sentence_tokens: int = 6
    sentences: int = 3
    sentence_tokens: int = 12
    reasoning_tokens: int = 0


@dataclass(slots=True, eq=False)
class _Request:
    priority: int
    arrival: int
    scheduled: asyncio.Future[None]

    def __lt__(self, other: _Request) -> bool:
        return (self.priority, self.arrival) < (other.priority, other.arrival)


class QueueingModel:
    """Answers as ``SimulatedModel`` does, at the pace of a busy engine."""

    name = "queueing"
    simulated = True

    def __init__(self, settings: QueueingModelSettings | None = None, script: Script | None = None) -> None:
        self._settings = settings or QueueingModelSettings()
        self._writer = SimulatedModel(_without_delays(self._settings), script)
        self._waiting: list[_Request] = []
        self._arrivals = 0
        self._running = 0
        self._reading = False

    @property
    def running(self) -> int:
        """Streams that have a place in the batch."""
        return self._running

    @property
    def waiting(self) -> int:
        """Streams that have none."""
        return sum(not request.scheduled.cancelled() for request in self._waiting)

    async def warm_up(self) -> None:
        return

    async def close(self) -> None:
        return

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """See ``LanguageModel.generate``. Closing the iterator frees its place."""
        settings = self._settings
        await asyncio.sleep(settings.overhead_seconds)
        await self._place(prompt.priority)
        try:
            await asyncio.sleep(settings.prefill_seconds)
            delay_seconds = 0.0  # reading the prompt yields the first token
            async with closing_stream(self._writer.generate(prompt)) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, Finished):
                        await asyncio.sleep(delay_seconds)
                        delay_seconds = self._step_seconds()
                    yield piece
        finally:
            self._running -= 1
            self._schedule()

    async def _place(self, priority: int) -> None:
        """Wait for a place and for the turn to have the prompt read. Cancelled, it leaves nothing behind."""
        self._arrivals += 1
        scheduled = asyncio.get_running_loop().create_future()
        request = _Request(priority if self._settings.knows_priority else 0, self._arrivals, scheduled)
        heapq.heappush(self._waiting, request)
        self._schedule()
        try:
            await scheduled
        except asyncio.CancelledError:
            if not scheduled.cancelled():  # it got its place in the moment it was cancelled
                self._running -= 1
                self._schedule()
            raise

    def _schedule(self) -> None:
        """Give the next one its place, if there is one and no prompt is being read."""
        while self._waiting and self._waiting[0].scheduled.cancelled():
            heapq.heappop(self._waiting)
        if not self._waiting or self._reading or self._running >= self._settings.max_running:
            return
        request = heapq.heappop(self._waiting)
        self._running += 1
        self._reading = True
        asyncio.get_running_loop().call_later(self._settings.prefill_seconds, self._read)
        request.scheduled.set_result(None)

    def _read(self) -> None:
        self._reading = False
        self._schedule()

    def _step_seconds(self) -> float:
        return self._settings.step_seconds * (1 + self._settings.step_growth * (self._running - 1))


def _without_delays(settings: QueueingModelSettings) -> SimulatedModelSettings:
    return SimulatedModelSettings(
        seed=settings.seed,
        first_token_seconds=0.0,
        tokens_per_second=float("inf"),
        jitter=0.0,
        first_sentence_tokens=settings.first_sentence_tokens,
        sentences=settings.sentences,
        sentence_tokens=settings.sentence_tokens,
        reasoning_tokens=settings.reasoning_tokens,
    )
