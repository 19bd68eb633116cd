"""Pure: click-free changes of level: ramps while ducking, fades where speech is cut off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DUCK_RAMP_SECONDS = 0.02
"""A change of level takes this long. Below about 20 ms it clicks, above 60 ms ducking is felt as late; of the 120 ms in
which the agent gives way, hearing the user and the line take most."""
FADE_OUT_SECONDS = 0.02
"""Length of the fade before a cut."""


def db_to_amplitude(gain_db: float) -> float:
    return float(10.0 ** (gain_db / 20.0))


def fade_out(samples: NDArray[np.int16], fade_samples: int) -> NDArray[np.int16]:
    """The block with its last ``fade_samples`` brought to zero along a raised cosine.

    A block shorter than the fade is faded over its whole length.
    """
    return _scaled_tail(samples, min(fade_samples, len(samples)), total=min(fade_samples, len(samples)))


def fade_part(samples: NDArray[np.int16], remaining_samples: int, fade_samples: int) -> NDArray[np.int16]:
    """A block of a stream that ends ``remaining_samples`` after the block's *end*, with its share of the fade.

    The fade covers the stream's last ``fade_samples``; blocks may be cut anywhere within it.
    """
    share = min(len(samples), max(0, fade_samples - remaining_samples))
    return _scaled_tail(samples, share, total=fade_samples, remaining=remaining_samples)


def _scaled_tail(samples: NDArray[np.int16], share: int, *, total: int, remaining: int = 0) -> NDArray[np.int16]:
    if share <= 0:
        return samples
    left = remaining + np.arange(share, 0, -1, dtype=np.float32)
    curve = 0.5 - 0.5 * np.cos(np.pi * (left - 1) / total)
    faded = samples.copy()
    faded[-share:] = np.rint(samples[-share:] * curve).astype(np.int16)
    return faded


class GainRamp:
    """A level that moves to its target along a straight line of amplitude, from block to block.

    ``ramp_seconds`` is the time of one change; a new target in mid-ramp starts from where the level is.
    """

    def __init__(self, sample_rate_hz: int, ramp_seconds: float = DUCK_RAMP_SECONDS) -> None:
        self._ramp_samples = max(1, round(ramp_seconds * sample_rate_hz))
        self._amplitude = 1.0
        self._target = 1.0
        self._step = 0.0

    @property
    def amplitude(self) -> float:
        """The present level, 1.0 for unchanged."""
        return self._amplitude

    def set_gain(self, gain_db: float) -> None:
        """Move to ``gain_db``. Gains above 0 dB are taken as 0 dB: what is full scale already would clip."""
        self._target = db_to_amplitude(min(0.0, gain_db))
        self._step = (self._target - self._amplitude) / self._ramp_samples

    def restart(self) -> None:
        """Begin again in silence, on the way to the level that is wanted."""
        self._amplitude = 0.0
        self._step = self._target / self._ramp_samples

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """int16 ``[n]`` in, int16 ``[n]`` out; the block itself when the level is 1."""
        if self._amplitude == self._target:
            if self._target == 1.0:
                return samples
            return _scaled(samples, np.full(len(samples), self._target))
        levels = self._amplitude + self._step * np.arange(1, len(samples) + 1)
        low, high = sorted((self._amplitude, self._target))
        levels = np.clip(levels, low, high)
        if len(samples):
            self._amplitude = float(levels[-1])
        if abs(self._amplitude - self._target) < 1e-6:
            self._amplitude = self._target
        return _scaled(samples, levels)


def _scaled(samples: NDArray[np.int16], levels: NDArray[np.float64]) -> NDArray[np.int16]:
    scaled: NDArray[np.int16] = np.rint(samples * levels).astype(np.int16)
    return scaled
