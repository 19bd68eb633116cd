"""Pure: both sides of a call laid side by side on the wall clock: left the caller, right the agent."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

CALLER: Literal[0] = 0
AGENT: Literal[1] = 1
Side = Literal[0, 1]

JOIN_WITHIN_SECONDS = 0.06
"""A block that comes this close after the one before is joined to it: arrival jitter must not tear speech."""


class StereoTimeline:
    """Collects blocks of both sides with the times at which they sound, and gives stereo audio.

    Blocks of one side come in order of time; one that overlaps the one before is put behind it.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._taken = 0
        self._waiting: tuple[list[NDArray[np.int16]], list[NDArray[np.int16]]] = ([], [])
        self._ends = [0, 0]

    def add(self, side: Side, at_seconds: float, samples: NDArray[np.int16]) -> None:
        """``samples``: int16 [n] at the timeline's rate, sounding from ``at_seconds`` on."""
        gap = round(at_seconds * self.sample_rate_hz) - self._ends[side]
        if gap > JOIN_WITHIN_SECONDS * self.sample_rate_hz or (self._ends[side] == 0 and gap > 0):
            self._append(side, np.zeros(gap, np.int16))
        self._append(side, samples)

    def _append(self, side: Side, samples: NDArray[np.int16]) -> None:
        self._waiting[side].append(samples)
        self._ends[side] += len(samples)

    def end_seconds(self, side: Side) -> float:
        """Where the last block of this side ends."""
        return self._ends[side] / self.sample_rate_hz

    @property
    def begin_seconds(self) -> float:
        """Where what is kept begins."""
        return self._taken / self.sample_rate_hz

    def drop(self, until_seconds: float) -> None:
        """Forget what comes before ``until_seconds``, without a copy of what stays."""
        until = max(round(until_seconds * self.sample_rate_hz), self._taken)
        for side in (CALLER, AGENT):
            self._drop_side(side, until - self._taken)
            self._ends[side] = max(self._ends[side], until)
        self._taken = until

    def _drop_side(self, side: Side, count: int) -> None:
        waiting, blocks = self._waiting[side], 0
        while blocks < len(waiting) and len(waiting[blocks]) <= count:
            count -= len(waiting[blocks])
            blocks += 1
        del waiting[:blocks]
        if count and waiting:
            waiting[0] = waiting[0][count:].copy()  # a view would keep all of it

    def take(self, until_seconds: float) -> NDArray[np.int16]:
        """What comes next, up to ``until_seconds``, as int16 [n, 2]; silence where a side had nothing."""
        until = max(round(until_seconds * self.sample_rate_hz), self._taken)
        count = until - self._taken
        stereo = np.stack([self._take_side(CALLER, count), self._take_side(AGENT, count)], axis=1)
        self._taken = until
        return stereo

    def _take_side(self, side: Side, count: int) -> NDArray[np.int16]:
        waiting = np.concatenate([np.zeros(0, np.int16), *self._waiting[side]])
        taken, left = waiting[:count], waiting[count:]
        self._waiting[side][:] = [left] if len(left) else []
        missing = count - len(taken)
        if missing:
            self._ends[side] = self._taken + count
        return np.concatenate([taken, np.zeros(missing, np.int16)])

    def take_all(self) -> NDArray[np.int16]:
        """All that is left of both sides, int16 [n, 2]."""
        return self.take(max(self.end_seconds(CALLER), self.end_seconds(AGENT)))
