"""An asyncio event loop whose time jumps to the next timer whenever every task waits.

An hour of talk passes in a moment, and always in the same order. The idea is trio's
``MockClock(autojump_threshold=0)``. Only for code that waits on timers and on other tasks: threads,
processes and sockets live in real time and are not waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _NoWaitSelector(selectors.DefaultSelector):
    """Never waits: it moves its loop's time on by what it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("deadlock: every task is blocked and no timer is set")
        if not ready and timeout is not None and timeout > 0:
            self.virtual_now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual_selector = _NoWaitSelector()
        super().__init__(self._virtual_selector)

    def time(self) -> float:
        return self._virtual_selector.virtual_now


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``main()`` on a virtual-time loop. A deadlock raises ``RuntimeError`` instead of hanging."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())
