"""Both sides of a call as one stereo WAV: left the caller, right the agent. Only where the settings ask for it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from realtime.private_files import create_private
from realtime.stereo import AGENT, CALLER, Side, StereoTimeline
from scheduler.clock import Clock
from scheduler.pcm import Pcm

logger = logging.getLogger(__name__)

RATE_HZ = 24_000
WRITE_SECONDS = 1.0
SETTLE_SECONDS = 3.0
"""What is younger than this is not written yet: the agent's audio is sent up to a second ahead of its time."""
MAX_WAITING_SECONDS = 60.0
"""Bound of what waits for the disk. Overflow policy: the recording ends, the call goes on."""


class Recording:
    """``heard`` and ``said`` only queue; ``run`` writes once a second. A disk that fails ends the recording only."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._timeline = StereoTimeline(RATE_HZ)
        self._resamplers: dict[tuple[Side, int], soxr.ResampleStream] = {}
        self._written_seconds = 0.0
        self._failed = False

    def heard(self, at: float, pcm: Pcm) -> None:
        """The caller's audio, its first sample sounding at ``at`` (seconds on the recording's clock)."""
        self._add(CALLER, at, pcm)

    def said(self, at: float, pcm: Pcm) -> None:
        """The agent's audio, as the caller hears it."""
        self._add(AGENT, at, pcm)

    def _add(self, side: Side, at: float, pcm: Pcm) -> None:
        if at > self._written_seconds + MAX_WAITING_SECONDS:
            self._fail("the disk is too slow")
        if not self._failed:
            self._timeline.add(side, at, self._resampled(side, pcm))

    def _resampled(self, side: Side, pcm: Pcm) -> NDArray[np.int16]:
        if pcm.sample_rate_hz == RATE_HZ:
            return pcm.samples
        key = (side, pcm.sample_rate_hz)
        if key not in self._resamplers:
            self._resamplers[key] = soxr.ResampleStream(pcm.sample_rate_hz, RATE_HZ, 1, dtype="int16", quality="MQ")
        return np.asarray(self._resamplers[key].resample_chunk(pcm.samples), np.int16)

    async def run(self) -> None:
        """Write until cancelled; then write what is left."""
        try:
            create_private(self.path)
            file = soundfile.SoundFile(self.path, "w", RATE_HZ, 2, subtype="PCM_16")
        except (OSError, soundfile.LibsndfileError) as error:
            self._fail(str(error))
            return
        with file:
            try:
                while not self._failed:
                    await asyncio.sleep(WRITE_SECONDS)
                    self._write(file, self._timeline.take(self._settled_seconds()))
            finally:
                self._write(file, self._timeline.take_all())

    def _settled_seconds(self) -> float:
        """By the clock, not by what came: a long silence is written as it passes, and never waits in memory."""
        return max(self._clock.now() - SETTLE_SECONDS, 0.0)

    def _write(self, file: soundfile.SoundFile, stereo: NDArray[np.int16]) -> None:
        """A second of audio is 96 kB: less than a millisecond into the page cache."""
        try:
            file.write(stereo)
            self._written_seconds += len(stereo) / RATE_HZ
        except (OSError, soundfile.LibsndfileError) as error:
            self._fail(str(error))

    def _fail(self, why: str) -> None:
        if not self._failed:
            logger.error("the recording %s ends here: %s", self.path.name, why)
        self._failed = True
