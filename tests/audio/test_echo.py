"""The agent's own voice does not count as the caller's; a caller who talks over it is heard all the same."""

from __future__ import annotations

import os
import shutil
from functools import cache

import numpy as np
import pytest

from audio.echo import ECHO_SHARE, EchoReference, highest_correlation
from bench.echo import Line, Signal, from_onset, returned, speech_starts, talked_over
from bench.hear import human_recordings
from scheduler.pcm import Pcm
from tests.audio.speech import flite_speech

RATE_HZ = 16_000
CHUNK = 512
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def noise(seconds: float, seed: int, level: float = 3000.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE_HZ)).astype(np.int16)


def shares(reference: EchoReference, microphone: np.ndarray, *, start: int = 0) -> list[float]:
    found = []
    for at in range(0, len(microphone) - CHUNK + 1, CHUNK):
        reference.hear(microphone[at : at + CHUNK], (start + at) / RATE_HZ)
        found.append(reference.explained)
    return found


# --- the comparison itself ---


@pytest.mark.parametrize("delay_seconds", [-0.03, 0.0, 0.05, 0.3, 0.5])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000])
def test_what_was_played_is_found_again_at_any_delay_and_rate(delay_seconds: float, rate_hz: int) -> None:
    sounds_at = 1.0 - delay_seconds
    played = Pcm(noise(1.0, 1)[:: RATE_HZ // rate_hz] if rate_hz < RATE_HZ else noise(rate_hz / RATE_HZ, 1), rate_hz)
    reference = EchoReference()
    heard = EchoReference()  # resamples as the line would
    step = rate_hz // 50
    for at in range(0, len(played.samples), step):
        block = Pcm(played.samples[at : at + step], rate_hz)
        reference.play(block, sounds_at + at / rate_hz)
        heard.play(block, 1.0 + at / rate_hz)
    microphone = np.concatenate([np.zeros(RATE_HZ), 0.1 * heard._read(RATE_HZ, RATE_HZ)]).astype(np.int16)
    found = shares(reference, microphone)
    assert max(found[:30]) == 0.0, "nobody spoke"
    assert min(found[38:60]) > 0.95


def test_other_sound_is_not_explained() -> None:
    reference = EchoReference()
    reference.play(Pcm(noise(2.0, 1), RATE_HZ), 0.0)
    assert max(shares(reference, noise(2.0, 2))) < 0.2


def test_without_anything_played_nothing_is_explained() -> None:
    assert max(shares(EchoReference(), noise(1.0, 1))) == 0.0


def test_what_sounded_long_ago_is_forgotten() -> None:
    reference = EchoReference()
    samples = noise(1.0, 1)
    reference.play(Pcm(samples, RATE_HZ), 0.0)
    microphone = np.concatenate([np.zeros(3 * RATE_HZ, np.int16), samples])
    assert max(shares(reference, microphone)) == 0.0


def test_the_microphone_may_jump_and_the_reference_too() -> None:
    reference = EchoReference()
    samples = noise(1.0, 1)
    reference.hear(samples[:CHUNK], 0.0)
    reference.hear(samples[:CHUNK], 50.0)  # by hand in the meantime: nothing was compared
    reference.play(Pcm(samples, RATE_HZ), 51.0)
    found = shares(reference, np.concatenate([np.zeros(RATE_HZ * 105 // 100, np.int16), samples]), start=50 * RATE_HZ)
    assert max(found[40:]) > 0.95
    reference.play(Pcm(noise(1.0, 3), RATE_HZ), 20.0)  # too late to matter
    reference.play(Pcm(noise(10.0, 3), RATE_HZ), 52.0)  # longer than is kept
    assert 0.0 <= reference.explained <= 1.0


def test_a_talker_as_loud_as_the_echo_is_not_explained() -> None:
    echo, talker = noise(0.064, 1).astype(np.float32), noise(0.064, 2).astype(np.float32)
    assert highest_correlation(echo, echo) > 0.99
    assert highest_correlation(echo, echo + talker) == pytest.approx(0.5, abs=0.1)
    assert highest_correlation(np.zeros_like(echo), talker) == 0.0
    assert highest_correlation(echo, np.zeros_like(talker)) == 0.0
    assert highest_correlation(echo, talker) < ECHO_SHARE


# --- through the ears ---


@cache
def agent() -> Signal:
    around = np.zeros(RATE_HZ // 2)
    speech = flite_speech("the train leaves at half past seven from platform three", "slt") / 32768.0
    return np.concatenate([around, speech, around])


def talkers() -> list[Signal]:
    """Another voice of flite, and human ones where there are recordings."""
    human = (
        [one.pcm.samples / 32768.0 for one in human_recordings()[:2]] if os.environ.get("STRETTO_SPEECH_DIR") else []
    )
    return [from_onset(one) for one in (*human, flite_speech("excuse me, is there an earlier one", "rms") / 32768.0)]


@needs_flite
@pytest.mark.parametrize("delay_seconds", [0.05, 0.15, 0.3])
@pytest.mark.parametrize("echo_db", [-6.0, -12.0, -20.0])
def test_the_agents_echo_is_no_speech(echo_db: float, delay_seconds: float) -> None:
    assert speech_starts(agent(), returned(agent(), Line(delay_seconds, echo_db)), "silero") == []


@needs_flite
@pytest.mark.parametrize("detector", ["silero", "energy"])
def test_without_its_reference_it_would_be(detector: str) -> None:
    heard = returned(agent(), Line())
    assert speech_starts(agent(), heard, detector, reference=False)
    assert speech_starts(agent(), heard, detector) == []


@needs_flite
@pytest.mark.parametrize(("moment_seconds", "detector"), [(0.9, "silero"), (1.6, "energy"), (2.3, "silero")])
def test_a_talker_as_loud_as_the_echo_is_heard_within_300_ms(moment_seconds: float, detector: str) -> None:
    echo = returned(agent(), Line())
    for talker in talkers():
        starts = speech_starts(agent(), talked_over(echo, talker, moment_seconds, 0.0, echo), detector)
        assert starts
        assert moment_seconds < starts[0] <= moment_seconds + 0.3


@needs_flite
def test_with_a_headset_nothing_changes() -> None:
    for talker in talkers():
        room = len(agent()) - RATE_HZ
        microphone = np.concatenate([np.zeros(RATE_HZ), talker, np.zeros(room)])[: len(agent())]
        starts = speech_starts(agent(), microphone, "silero")
        assert starts[0] == pytest.approx(speech_starts(agent(), microphone, "silero", reference=False)[0], abs=0.15)
        assert len(starts) <= 2
