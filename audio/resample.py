"""Sample rate conversion: PyAV for live audio (about 1 ms held back), soxr for whole recordings.

Live audio keeps its count: after ``flush`` exactly ``round(samples in * target / source)`` samples came out.
"""

from __future__ import annotations

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from scheduler.pcm import Pcm

LONGEST_BLOCK_SECONDS = 1.0
"""Larger blocks are converted in pieces, so that one call stays short in memory."""


class Resampler:
    """Streaming conversion of mono int16 from one rate to another; equal rates pass through untouched."""

    def __init__(self, source_rate_hz: int, target_rate_hz: int) -> None:
        if source_rate_hz <= 0 or target_rate_hz <= 0:
            raise ValueError(f"sample rates must be above 0 Hz, not {source_rate_hz} and {target_rate_hz}")
        self.source_rate_hz = source_rate_hz
        self.target_rate_hz = target_rate_hz
        self._converter: av.AudioResampler | None = None
        self._samples_in = 0
        self._samples_out = 0

    def process(self, pcm: Pcm) -> Pcm:
        """Convert the next block. Raises ``ValueError`` if it isn't at ``source_rate_hz``."""
        if pcm.sample_rate_hz != self.source_rate_hz:
            raise ValueError(f"expected {self.source_rate_hz} Hz, got {pcm.sample_rate_hz} Hz")
        if self.source_rate_hz == self.target_rate_hz:
            return pcm
        step = round(LONGEST_BLOCK_SECONDS * self.source_rate_hz)
        pieces = [self._convert(pcm.samples[at : at + step]) for at in range(0, len(pcm.samples), step)]
        return self._made(pieces)

    def flush(self) -> Pcm:
        """What was held back. Afterwards a new stream may begin."""
        if self._converter is None:
            return self._made([])
        wanted = round(self._samples_in * self.target_rate_hz / self.source_rate_hz) - self._samples_out
        pieces = [frame.to_ndarray()[0] for frame in self._converter.resample(None)]
        rest = np.concatenate([*pieces, np.zeros(max(0, wanted), np.int16)])[: max(0, wanted)]
        self._converter, self._samples_in, self._samples_out = None, 0, 0
        return Pcm(rest.astype(np.int16, copy=False), self.target_rate_hz)

    def _convert(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if self._converter is None:
            self._converter = av.AudioResampler(format="s16", layout="mono", rate=self.target_rate_hz)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.source_rate_hz
        frame.pts = self._samples_in
        self._samples_in += len(samples)
        pieces = [converted.to_ndarray()[0] for converted in self._converter.resample(frame)]
        out = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        self._samples_out += len(out)
        return out

    def _made(self, pieces: list[NDArray[np.int16]]) -> Pcm:
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        return Pcm(samples.astype(np.int16, copy=False), self.target_rate_hz)


def resample_recording(samples: NDArray[np.int16], source_rate_hz: int, target_rate_hz: int) -> NDArray[np.int16]:
    """A whole recording, int16 of shape ``[n]``, by soxr at high quality."""
    if source_rate_hz == target_rate_hz:
        return samples
    converted: NDArray[np.int16] = soxr.resample(samples, source_rate_hz, target_rate_hz, quality="HQ")
    return converted
