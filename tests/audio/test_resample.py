"""Live resampling: no drift, no clicks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.resample import Resampler, resample_recording
from scheduler.pcm import Pcm

RATES = [8000, 11025, 16000, 22050, 24000, 44100, 48000]


def sine(rate: int, seconds: float, hz: float = 440.0) -> np.ndarray:
    return (10_000 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


def stream(samples: np.ndarray, source: int, target: int, block: int) -> np.ndarray:
    resampler = Resampler(source, target)
    pieces = [resampler.process(Pcm(samples[at : at + block], source)) for at in range(0, len(samples), block)]
    return np.concatenate([piece.samples for piece in [*pieces, resampler.flush()]])


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("target", [8000, 16000, 24000, 48000])
def test_three_minutes_drift_by_no_sample(source: int, target: int) -> None:
    out = stream(np.zeros(source * 180, np.int16), source, target, source // 50)
    assert len(out) == target * 180


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(RATES), st.lists(st.integers(1, 3000), min_size=1, max_size=40))
def test_odd_blocks_give_the_same_count(source: int, blocks: list[int]) -> None:
    resampler = Resampler(source, 16000)
    out = sum(len(resampler.process(Pcm(np.zeros(size, np.int16), source)).samples) for size in blocks)
    out += len(resampler.flush().samples)
    assert out == round(sum(blocks) * 16000 / source)


@pytest.mark.parametrize("source", [8000, 24000, 44100, 48000])
def test_no_click_at_block_borders(source: int) -> None:
    whole = stream(sine(source, 1.0), source, 16000, 10**9)
    blocks = stream(sine(source, 1.0), source, 16000, source // 97)
    assert np.max(np.abs(whole.astype(int) - blocks.astype(int))) <= 2
    middle = blocks[200:-200].astype(int)
    steepest = 10_000 * 2 * np.pi * 440 / 16000
    assert np.max(np.abs(np.diff(middle))) < steepest * 1.05


def test_equal_rates_pass_untouched() -> None:
    pcm = Pcm(sine(16000, 0.1), 16000)
    assert Resampler(16000, 16000).process(pcm) is pcm


def test_the_wrong_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="24000"):
        Resampler(24000, 16000).process(Pcm.silence(0.1, 16000))


def test_a_recording_keeps_its_tone() -> None:
    out = resample_recording(sine(44100, 1.0), 44100, 16000)
    assert len(out) == 16000
    spectrum = np.abs(np.fft.rfft(out))
    assert np.argmax(spectrum) == 440
