"""Pure: a made-up talker that voice detection takes for speech, for benches and tests without recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FORMANTS = (
    ((700, 120, 1.0), (1200, 150, 0.5), (2600, 200, 0.2)),
    ((300, 90, 1.0), (2300, 180, 0.4), (3000, 220, 0.2)),
)
"""Of "ah" and "ee": centre and width in Hz, and level. Rounded from Peterson and Barney's men (1952)."""
_PITCH_HZ = 120.0
_SYLLABLES_HZ = 4.0
_LEVEL = 9000


def babble(seconds: float, sample_rate_hz: int = 24_000, between: float = 0.0) -> NDArray[np.int16]:
    """Two vowels in turn, four syllables a second, at a pitch that sways. int16, mono; equal for equal arguments.
    ``between``: the level between two syllables, as a share of the highest."""
    at = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    phase = 2 * np.pi * np.cumsum(_PITCH_HZ + 15 * np.sin(2 * np.pi * 0.7 * at)) / sample_rate_hz
    second = 0.5 + 0.5 * np.sin(np.pi * _SYLLABLES_HZ * at)
    sound = sum(
        ((1 - second) * _level(number, 0) + second * _level(number, 1)) * np.sin(number * phase)
        for number in range(1, 30)
    )
    sound = sound * (between + (1 - between) * (0.5 - 0.5 * np.cos(2 * np.pi * _SYLLABLES_HZ * at)))
    return np.asarray(_LEVEL * sound / np.max(np.abs(sound)), np.int16)


def _level(harmonic: int, vowel: int) -> float:
    """Of this harmonic of the pitch in this vowel."""
    hz = harmonic * _PITCH_HZ
    return float(sum(level * np.exp(-(((hz - centre) / width) ** 2)) for centre, width, level in _FORMANTS[vowel]))
