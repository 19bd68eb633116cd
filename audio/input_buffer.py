"""Pure: what was heard and not yet worked on, in order: audio, marks of what the client did, and gaps.

Bounded by seconds of audio: when it is full, the oldest audio goes and a gap of its length stays in its
place, so that audio time stays true. Marks are bounded by number: a mark too many is refused.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from scheduler.pcm import Pcm

Mark = TypeVar("Mark")

SMALLEST_BLOCK_SECONDS = 0.02
"""Smaller blocks are joined with the one before, so that a client can't fill memory with tiny ones."""
MOST_MARKS = 1000


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that was dropped: to be counted, not heard."""

    seconds: float


class InputBuffer(Generic[Mark]):
    def __init__(self, longest_seconds: float) -> None:
        self._items: deque[Pcm | Gap | Mark] = deque()
        self._longest_seconds = longest_seconds
        self._marks = 0
        self.audio_seconds = 0.0
        """Of audio that waits here; gaps not counted."""
        self.dropped_seconds = 0.0
        """Of audio dropped so far."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_marks(self) -> bool:
        return self._marks > 0

    def put_audio(self, pcm: Pcm) -> bool:
        """Append audio. ``False``: older audio had to go."""
        if len(pcm.samples) == 0:
            return True
        self.audio_seconds += pcm.duration_seconds
        self._append(pcm)
        dropped = False
        while self.audio_seconds > self._longest_seconds:
            self._drop_oldest()
            dropped = True
        return not dropped

    def put_mark(self, mark: Mark) -> bool:
        """Append a mark. ``False``: refused, there are ``MOST_MARKS`` already."""
        if self._marks >= MOST_MARKS:
            return False
        self._marks += 1
        self._items.append(mark)
        return True

    def take(self) -> Pcm | Gap | Mark:
        """The oldest item. ``IndexError`` when there is none."""
        item = self._items.popleft()
        if isinstance(item, Pcm):
            self.audio_seconds = max(0.0, self.audio_seconds - item.duration_seconds)
        elif not isinstance(item, Gap):
            self._marks -= 1
        return item

    def _append(self, pcm: Pcm) -> None:
        last = self._items[-1] if self._items else None
        if (
            isinstance(last, Pcm)
            and last.sample_rate_hz == pcm.sample_rate_hz
            and last.duration_seconds < SMALLEST_BLOCK_SECONDS
        ):
            self._items[-1] = Pcm(np.concatenate([last.samples, pcm.samples]), pcm.sample_rate_hz)
        else:
            self._items.append(pcm)

    def _drop_oldest(self) -> None:
        passed: list[Pcm | Gap | Mark] = []
        item = self._items.popleft()
        while not isinstance(item, Pcm):
            passed.append(item)
            item = self._items.popleft()
        seconds = item.duration_seconds
        self.audio_seconds = max(0.0, self.audio_seconds - seconds)
        self.dropped_seconds += seconds
        before = passed[-1] if passed else None
        if isinstance(before, Gap):
            seconds += before.seconds
            passed.pop()
        self._items.appendleft(Gap(seconds))
        self._items.extendleft(reversed(passed))
