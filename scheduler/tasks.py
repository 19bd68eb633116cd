"""Cancelling, waiting and cleaning up without losing anybody's cancellation."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

from scheduler.errors import EngineError

T = TypeVar("T")

CLEAN_UP_SECONDS = 2.0
"""How long cleaning up may take before it is left behind."""


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and wait until they are done.

    Waiting with ``asyncio.wait`` keeps the caller's own cancellation apart from that of the tasks
    (awaiting the task itself would swallow it). Exceptions of the tasks are marked as retrieved.
    """
    for task in tasks:
        task.cancel()
    waiting = [task for task in tasks if not task.done()]
    if waiting:
        await asyncio.wait(waiting)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()


def being_cancelled() -> bool:
    """Whether somebody has cancelled this task. If not, a ``CancelledError`` comes from something that it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def engine_edge() -> Iterator[None]:
    """Around awaiting an engine: a ``CancelledError`` of its own, such as of a request that it shares with others and
    that was given up, becomes an ``EngineError``. As it is, it would end this task, and no task group would tell."""
    try:
        yield
    except asyncio.CancelledError as error:
        if being_cancelled():
            raise
        raise EngineError("what the engine awaited was cancelled") from error


TICK_SECONDS = 0.005
"""Waits that may take a little longer end at multiples of this: so that those of many sessions wake the process
together. Waking it costs more than what is done then."""


async def wait_for_event(event: asyncio.Event, seconds: float | None, *, tick_seconds: float = 0.0) -> None:
    """Until the event is set; after ``seconds`` it is set here, with ``tick_seconds`` at the next multiple of that.

    A timer costs half of what ``asyncio.timeout`` does.
    """
    if seconds is None:
        await event.wait()
        return
    loop = asyncio.get_running_loop()
    at = loop.time() + seconds
    timer = loop.call_at(math.ceil(at / tick_seconds) * tick_seconds if tick_seconds else at, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


async def clean_up(work: Coroutine[Any, Any, object], seconds: float = CLEAN_UP_SECONDS) -> None:
    """Run ``work`` to its end even if the caller is being cancelled, but no longer than ``seconds``.

    For ``finally`` blocks. The caller's cancellation is raised again afterwards; one of the work's own ends the work.
    """
    task = asyncio.ensure_future(asyncio.wait_for(work, seconds))
    try:
        await asyncio.shield(task)
    except TimeoutError:
        return
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        if task.done() and not task.cancelled():
            task.exception()
        if being_cancelled():
            raise


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


@asynccontextmanager
async def closing_stream(stream: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Iterate an async iterator and close it, however the block is left, so that its engine stops its work."""
    try:
        yield stream
    finally:
        if isinstance(stream, _Closable):
            await clean_up(stream.aclose())


class Background:
    """One task that outlives the call which started it.

    Only for engines, which are warmed up in one place and closed in another, and so have no task group
    to live in. ``work`` must handle its own failures; one that escapes is logged as a bug.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> None:
        self._work = work
        self._name = name
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Start it, if it isn't running."""
        if not self.running:
            self._task = asyncio.get_running_loop().create_task(self._work(), name=self._name)
            self._task.add_done_callback(_log_failure)

    async def stop(self) -> None:
        """Cancel it and wait until it has cleaned up."""
        if self._task is not None:
            await cancel_and_wait(self._task)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logging.getLogger(__name__).error("%s ended by a bug", task.get_name(), exc_info=error)
