"""Pure: the first moment of any sound on a line, long before it is known whether it is voice.

Voice detection needs two or three chunks of 32 ms, and the agent shall be softer 120 ms after the user began. So a
sound is told as soon as it has lasted for 20 ms; what it is, others find out.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scheduler.pcm import Pcm

FRAME_SECONDS = 0.01
ONSET_FRAMES = 2
"""A click is shorter than 20 ms."""
QUIET_FRAMES = 10
"""A sound is a new one after so much quiet: within words there are gaps of up to 0.1 s."""
MARGIN_DB = 12.0
LOWEST_FLOOR_DB = -60.0
FLOOR_RISES_DB_PER_SECOND = 3.0
"""As ``vad.EnergyDetector``."""
FULL_SCALE = 32768.0


class SoundWatch:
    """Fed with blocks of any length and rate, in order. Quiet rooms and lines are assumed to begin with."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._rate_hz = 0
        self._floor_db = LOWEST_FLOOR_DB
        self._loud_frames = 0
        self._quiet_frames = QUIET_FRAMES
        self._told = False
        """Of the sound that is going on."""

    def hear(self, pcm: Pcm) -> float | None:
        """Seconds since its onset, when a sound has just begun."""
        frame = round(FRAME_SECONDS * pcm.sample_rate_hz)
        if pcm.sample_rate_hz != self._rate_hz:
            self._rest, self._rate_hz = self._rest[:0], pcm.sample_rate_hz
        samples = np.concatenate([self._rest, pcm.samples]) if len(self._rest) else pcm.samples
        whole = len(samples) - len(samples) % frame
        self._rest = samples[whole:]
        if whole == 0:
            return None
        began: float | None = None
        levels_db = self._levels_dbfs(samples[:whole].reshape(-1, frame))
        for index, level_db in enumerate(levels_db):
            if self._begins(level_db):
                began = (len(levels_db) - index - 1 + ONSET_FRAMES) * FRAME_SECONDS + len(self._rest) / self._rate_hz
        return began

    def _levels_dbfs(self, frames: NDArray[np.int16]) -> list[float]:
        """Of each row. Where none of them can be loud, all of them together: most of a call is silence."""
        count, values = len(frames), frames.astype(np.float32)
        together_db = _level_dbfs(values.reshape(-1))
        if together_db + 10.0 * math.log10(count) < self._floor_db + MARGIN_DB:
            return [together_db] * count
        return [_level_dbfs(row) for row in values]

    def _begins(self, level_db: float) -> bool:
        """Whether this frame makes it a sound."""
        self._floor_db = max(LOWEST_FLOOR_DB, min(level_db, self._floor_db + FLOOR_RISES_DB_PER_SECOND * FRAME_SECONDS))
        if level_db < self._floor_db + MARGIN_DB:
            self._loud_frames = 0
            self._quiet_frames += 1
            self._told = self._told and self._quiet_frames < QUIET_FRAMES
            return False
        self._loud_frames += 1
        if self._loud_frames < ONSET_FRAMES:
            return False
        self._quiet_frames = 0
        began, self._told = not self._told, True
        return began


def _level_dbfs(values: NDArray[np.float32]) -> float:
    """Not by numpy's means and logarithms: of the few frames of a block they cost three times as much."""
    return 10.0 * math.log10(float(np.dot(values, values)) / (len(values) * FULL_SCALE**2) + 1e-12)
