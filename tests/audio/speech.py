"""Spoken sentences for tests, by the flite command."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.resample import resample_recording


@cache
def flite_speech(text: str, voice: str = "rms") -> NDArray[np.int16]:
    """16 kHz int16. Callers skip their tests where flite is missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000
    return np.asarray(samples, np.int16)


@cache
def speech_at_24_khz() -> NDArray[np.int16]:
    """Some seconds of a person where ``STRETTO_SPEECH_DIR`` has recordings, else of flite; skips where neither is."""
    folder = os.environ.get("STRETTO_SPEECH_DIR", "")
    if folder and (path := Path(folder) / "lj0001.wav").exists():
        samples, rate_hz = soundfile.read(path, dtype="int16")
        return resample_recording(samples, rate_hz, 24_000)
    if shutil.which("flite") is None:
        pytest.skip("needs flite or recorded speech")
    sentence = "The quick brown fox jumps over the lazy dog, and then again."
    return resample_recording(flite_speech(sentence), 16_000, 24_000)
