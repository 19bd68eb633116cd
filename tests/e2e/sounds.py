"""What callers send: synthetic speech, noises that are no speech, recordings of people. All int16 [n] at 24 kHz."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from realtime.talk import RATE_HZ, read_recording
from tests.audio.speech import flite_speech

Samples = NDArray[np.int16]


@cache
def speech(text: str, voice: str = "rms") -> Samples:
    """flite's ``rms`` is a voice that pocketsphinx understands well: 4 % word errors."""
    spoken = flite_speech(text, voice)
    return np.asarray(soxr.resample(spoken, 16_000, RATE_HZ), np.int16)


@cache
def phones(names: str, voice: str = "rms") -> Samples:
    """Sounds that are no words, as phones of flite's voices; without silence around them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        subprocess.run(["flite", "-voice", voice, "-p", names, "-o", str(path)], check=True)
        return trimmed(read_recording(path))


def mm_hm(voice: str = "slt") -> Samples:
    """A listener's hum of 0.4 s. As text flite would spell "mm-hm".

    Heard 90 times, ``slt``'s was never taken for words that say something: pocketsphinx makes "and on" or "and hum" of
    it. ``rms``'s is at the edge: now and then it is "the bottom", or, spoken faster, "but i'm" for a moment.
    """
    return phones("ax m hh ah m", voice)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def trimmed(samples: Samples) -> Samples:
    """Without the silence that voices put around their speech, so that a pause is as long as the test says."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return samples[loud[0] : loud[-1] + 1]


def cough(seconds: float = 0.25, peak: float = 0.5) -> Samples:
    """A burst of noise, mostly from 300 to 2,500 Hz, that rises in 10 ms and dies away: the explosive phase of a
    cough lasts 0.1 to 0.3 s and is noise without pitch (Korpáš 1996)."""
    noise = np.random.default_rng(5).standard_normal(round(seconds * RATE_HZ))
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(len(noise), 1 / RATE_HZ)
    spectrum *= 1 / (1 + (hz / 2500) ** 4) * (1 - 1 / (1 + (hz / 300) ** 4))
    return _decaying(np.fft.irfft(spectrum, len(noise)), rise_seconds=0.01, fall_seconds=seconds / 3, peak=peak)


def door_slam(peak: float = 0.9) -> Samples:
    """A click with energy below 200 Hz, gone after 300 ms."""
    noise = np.random.default_rng(6).standard_normal(round(0.4 * RATE_HZ))
    spectrum = np.fft.rfft(noise) / (1 + (np.fft.rfftfreq(len(noise), 1 / RATE_HZ) / 200) ** 2)
    return _decaying(np.fft.irfft(spectrum, len(noise)), rise_seconds=0.002, fall_seconds=0.06, peak=peak)


def _decaying(sound: NDArray[np.float64], *, rise_seconds: float, fall_seconds: float, peak: float) -> Samples:
    seconds = np.arange(len(sound)) / RATE_HZ
    shaped = sound * np.minimum(seconds / rise_seconds, 1) * np.exp(-seconds / fall_seconds)
    return np.asarray(shaped / np.abs(shaped).max() * peak * 32767, np.int16)


def human_recording(name: str) -> tuple[Samples, str]:
    """A clip of ``STRETTO_SPEECH_DIR`` and its words; the test is skipped where there is none."""
    folder = os.environ.get("STRETTO_SPEECH_DIR", "")
    if not folder or not (Path(folder) / name).is_file():
        pytest.skip("set STRETTO_SPEECH_DIR to a folder of recordings with transcripts.tsv")
    lines = (Path(folder) / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
    transcripts = dict(line.split("\t", 1) for line in lines if "\t" in line)
    return read_recording(Path(folder) / name), transcripts[name]


def write_wav(path: Path, samples: Samples) -> Path:
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return path
