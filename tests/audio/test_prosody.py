"""Prosody, on voices made of harmonics whose pitch, length and loudness are known."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from audio.prosody import measure, probability_of_end
from scheduler.pcm import Pcm

RATE_HZ = 16_000


def syllables(*pitches_hz: tuple[float, float], seconds: float = 0.2, last_seconds: float = 0.2) -> Pcm:
    """One syllable for each pair of pitches, at its beginning and end; 200 ms of silence after."""
    lengths = [seconds] * (len(pitches_hz) - 1) + [last_seconds]
    sound = np.concatenate([syllable(*pair, length) for pair, length in zip(pitches_hz, lengths, strict=True)])
    return Pcm(np.concatenate([sound, np.zeros(RATE_HZ // 5)]).astype(np.int16), RATE_HZ)


def syllable(from_hz: float, to_hz: float, seconds: float) -> NDArray[np.float64]:
    pitch = np.linspace(from_hz, to_hz, round(seconds * RATE_HZ))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    voice = sum(np.sin(order * phase) / order for order in range(1, 8))
    return np.asarray(4000 * voice * (0.1 + np.sin(np.linspace(0, np.pi, len(pitch)))))


@pytest.mark.parametrize("pitch_hz", [80.0, 120.0, 200.0, 330.0])
def test_a_level_voice_ends_on_its_own_pitch(pitch_hz: float) -> None:
    prosody = measure(syllables(*[(pitch_hz, pitch_hz)] * 6))
    assert prosody is not None
    assert prosody.final_semitones == pytest.approx(0.0, abs=0.2)
    assert prosody.final_length_seconds == pytest.approx(0.2, abs=0.06)


def test_a_fall_of_an_interval_is_measured_in_semitones() -> None:
    prosody = measure(syllables(*[(200.0, 200.0)] * 6, (150.0, 150.0)))
    assert prosody is not None
    assert prosody.final_semitones == pytest.approx(12 * np.log2(150 / 200), abs=0.3)


def test_a_last_syllable_drawn_out_is_measured() -> None:
    prosody = measure(syllables(*[(150.0, 150.0)] * 5, last_seconds=0.45))
    assert prosody is not None
    assert prosody.final_length_seconds == pytest.approx(0.45, abs=0.1)


def test_a_long_fall_sounds_more_like_an_end_than_a_short_level_syllable() -> None:
    fall = syllables(*[(160.0, 150.0)] * 5, (130.0, 100.0), last_seconds=0.4)
    level = syllables(*[(150.0, 150.0)] * 5, (150.0, 160.0), last_seconds=0.15)
    assert probability_of_end(fall) > 0.6
    assert probability_of_end(level) < 0.45


def test_loudness_and_the_length_of_the_pause_do_not_matter() -> None:
    spoken = syllables(*[(160.0, 150.0)] * 5, (130.0, 100.0))
    soft = Pcm(spoken.samples // 8, RATE_HZ)
    late = Pcm(np.concatenate([spoken.samples, np.zeros(RATE_HZ // 2, np.int16)]), RATE_HZ)
    for other in (soft, late):
        assert probability_of_end(other) == pytest.approx(probability_of_end(spoken), abs=0.05)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 2.0])
def test_without_speech_nothing_is_known(seconds: float) -> None:
    assert probability_of_end(Pcm.silence(seconds, RATE_HZ)) == 0.5


@given(arrays(np.int16, st.integers(0, 6000)))
def test_any_audio_has_a_probability(samples: NDArray[np.int16]) -> None:
    assert 0.0 <= probability_of_end(Pcm(samples, RATE_HZ)) <= 1.0


def test_it_is_cheap() -> None:
    audio = syllables(*[(160.0, 150.0)] * 10)
    costs = []
    for _ in range(20):
        began_at = time.process_time()
        probability_of_end(audio)
        costs.append(time.process_time() - began_at)
    assert min(costs) < 0.02  # 2 to 5 ms; the rest is for a busy machine
