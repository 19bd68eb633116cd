"""When a sound begins, before it is known what it is."""

from __future__ import annotations

import numpy as np
import pytest

from audio.sound_watch import SoundWatch
from scheduler.pcm import Pcm

RATE_HZ = 16_000


def tone(seconds: float, level: float = 6000.0) -> np.ndarray:
    at = np.arange(round(seconds * RATE_HZ))
    return np.asarray(level * np.sin(2 * np.pi * 300 * at / RATE_HZ), np.int16)


def quiet(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 10, round(seconds * RATE_HZ)).astype(np.int16)


def told(*parts: np.ndarray, block: int = 320) -> list[float]:
    """When a sound was told, less how long ago it had begun: its onset."""
    watch, onsets = SoundWatch(), []
    samples = np.concatenate(parts)
    for at in range(0, len(samples), block):
        pcm = Pcm(samples[at : at + block], RATE_HZ)
        if (sounded := watch.hear(pcm)) is not None:
            onsets.append((at + len(pcm.samples)) / RATE_HZ - sounded)
    return onsets


@pytest.mark.parametrize("block", [80, 320, 777, 1600])
def test_a_sound_is_told_once_with_its_onset(block: int) -> None:
    (onset,) = told(quiet(0.505), tone(0.5), quiet(0.3), block=block)
    assert onset == pytest.approx(0.505, abs=0.011)


def test_it_is_known_after_20_ms() -> None:
    watch = SoundWatch()
    assert watch.hear(Pcm(quiet(0.5), RATE_HZ)) is None
    assert watch.hear(Pcm(tone(0.02), RATE_HZ)) == pytest.approx(0.02)


def test_a_click_is_no_sound_and_gaps_in_words_make_no_new_ones() -> None:
    assert not told(quiet(0.5), tone(0.005), quiet(0.5))
    assert len(told(quiet(0.5), tone(0.2), quiet(0.06), tone(0.2), quiet(0.5))) == 1
    assert len(told(quiet(0.5), tone(0.2), quiet(0.3), tone(0.2), quiet(0.5))) == 2


def test_steady_noise_is_a_sound_only_when_it_begins() -> None:
    assert len(told(quiet(0.5), quiet(20) * 30)) == 1


def test_the_rate_may_change() -> None:
    watch = SoundWatch()
    watch.hear(Pcm(quiet(0.105), RATE_HZ))
    assert watch.hear(Pcm(tone(0.1), 8000)) is not None
