"""Pure: who knows the time. Seconds since the session began, as a float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since this clock began; never goes back."""
        ...


class SourceClock:
    """A clock over a monotonic source (``loop.time`` in a session), zero at its making."""

    def __init__(self, source: Callable[[], float]) -> None:
        self._source = source
        self._origin = source()

    def now(self) -> float:
        return self._source() - self._origin


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, at: float = 0.0) -> None:
        self._at = at

    def now(self) -> float:
        return self._at

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not go back")
        self._at += seconds
