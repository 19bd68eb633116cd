"""Pure: how much of what the microphone hears is the agent's own voice come back.

For lines that do not cancel echo themselves (browsers and phones do). What is being played is kept with the time at
which it sounds. The last 64 ms of the microphone are compared with the reference at every delay up to half a second;
the square of the highest normalised correlation is the share of their energy that one delay and one gain explain.
Nothing is learned, so it works from the first word on, and whatever the delay does. Echo without anything else scores
0.7 to 0.95, less with reverberation and noise; a talker as loud as the echo soon brings it under 0.4. What it
withstands, in dB, is measured by ``bench/echo.py`` and written down in ``docs/endpointing.md``.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from audio.resample import Resampler
from scheduler.pcm import Pcm

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 1024
"""64 ms: short, since a fast change of sound spoils a long window whole, and a talker is to be heard soon."""
SMOOTHED_CHUNKS = 4
"""The share is the mean of this many windows, one for each chunk of the microphone, weighted by energy: single ones
vary, and where the echo dies away into noise its last loud part counts (voice detectors lag there). tuned"""
LONGEST_DELAY_SAMPLES = 8000
EARLY_SAMPLES = 512
"""What is said to sound later than it does, by up to 32 ms, is found too."""
HISTORY_SAMPLES = WINDOW_SAMPLES + LONGEST_DELAY_SAMPLES
CAPACITY_SAMPLES = 1 << 16
"""About 4 s: the history and 3.4 s ahead. What is announced further ahead is not kept."""
QUIET_PEAK = 30.0
"""Under this (-61 dB of full scale) there is nothing to be heard back, or nothing heard."""
STRAY_SECONDS = 0.02
"""Blocks that follow one another this closely are one stream, at the times of its first."""
ECHO_SHARE = 0.4
"""From this share on, voice is the agent's own; tuned on ``bench/echo.py``."""
ECHO_SHARE_IN_SPEECH = 0.65
"""The same while somebody speaks: two voices of like pitch explain one another up to 0.6 for a moment, and their speech
is not to fall apart."""


class EchoReference:
    def __init__(self) -> None:
        self._played = np.zeros(CAPACITY_SAMPLES, np.float32)
        """A ring: the sample that sounds at position ``p`` stands at ``p % CAPACITY_SAMPLES``."""
        self._heard = np.zeros(WINDOW_SAMPLES, np.float32)
        self._shares: deque[tuple[float, float]] = deque(maxlen=SMOOTHED_CHUNKS)
        """And the energy of their windows."""
        self._position = 0
        """End of what the microphone heard."""
        self._resampler: Resampler | None = None
        self._stream_end_seconds = 0.0
        self._write_position = 0

    def play(self, pcm: Pcm, sounds_at_seconds: float) -> None:
        """``pcm``, at any rate, sounds at this audio time. Blocks come in order; a later word on a time counts."""
        strays = abs(sounds_at_seconds - self._stream_end_seconds) > STRAY_SECONDS
        if self._resampler is None or strays or self._resampler.source_rate_hz != pcm.sample_rate_hz:
            self._resampler = Resampler(pcm.sample_rate_hz, SAMPLE_RATE_HZ)
            self._write_position = round(sounds_at_seconds * SAMPLE_RATE_HZ)
            self._stream_end_seconds = sounds_at_seconds
        samples = self._resampler.process(pcm).samples
        self._write(self._write_position, samples)
        self._write_position += len(samples)
        self._stream_end_seconds += pcm.duration_seconds

    def hear(self, chunk: NDArray[np.int16], at_seconds: float) -> None:
        """The microphone's next chunk (int16, 16 kHz), which began at this audio time. Takes about 0.6 ms, less than
        0.1 ms while nothing is played."""
        position = round(at_seconds * SAMPLE_RATE_HZ)
        if position != self._position:
            self._heard[:] = 0.0
            self._shares.clear()
        self._advance(position + len(chunk))
        self._heard = np.concatenate([self._heard, chunk.astype(np.float32)])[-WINDOW_SAMPLES:]
        self._shares.append((self._share(), float(np.mean(np.square(self._heard))) + 1.0))

    @property
    def explained(self) -> float:
        """0 to 1: the share of the energy of the last 0.1 s or so that the reference explains."""
        energy = sum(energy for _, energy in self._shares)
        return sum(share * energy for share, energy in self._shares) / energy if energy else 0.0

    def _share(self) -> float:
        played = self._read(self._position - HISTORY_SAMPLES, HISTORY_SAMPLES + EARLY_SAMPLES)
        if np.max(np.abs(played)) < QUIET_PEAK or np.max(np.abs(self._heard)) < QUIET_PEAK:
            return 0.0
        return highest_correlation(played, self._heard)

    # --- the ring ---

    def _advance(self, position: int) -> None:
        """The microphone is here now: what sounded too long ago is forgotten."""
        passed = min(max(0, position - self._position), CAPACITY_SAMPLES)
        self._played[self._places(self._position - HISTORY_SAMPLES, passed)] = 0.0
        self._position = position

    def _write(self, start: int, samples: NDArray[np.int16]) -> None:
        first = self._position - HISTORY_SAMPLES
        kept = samples[max(0, first - start) : max(0, first + CAPACITY_SAMPLES - start)]
        self._played[self._places(max(start, first), len(kept))] = kept

    def _read(self, start: int, count: int) -> NDArray[np.float32]:
        return self._played[self._places(start, count)]

    @staticmethod
    def _places(start: int, count: int) -> NDArray[np.int64]:
        return np.arange(start, start + count) % CAPACITY_SAMPLES


def highest_correlation(played: NDArray[np.float32], heard: NDArray[np.float32]) -> float:
    """The highest squared normalised correlation of ``heard`` with any equally long piece of ``played``, 0 to 1."""
    size = 1 << (len(played) + len(heard) - 1).bit_length()
    spectrum = np.fft.rfft(played, size) * np.conj(np.fft.rfft(heard, size))
    products = np.fft.irfft(spectrum, size)[: len(played) - len(heard) + 1].astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(np.square(played, dtype=np.float64))])
    energies = sums[len(heard) :] - sums[: -len(heard)]
    own = float(np.sum(np.square(heard, dtype=np.float64)))
    floor = 1e-4 * float(energies.max()) + 1.0  # pieces this faint explain nothing but rounding errors
    return min(1.0, float(np.max(np.square(products) / (np.maximum(energies, floor) * (own + 1.0)))))
