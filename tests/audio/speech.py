"""Spoken sentences for tests, by the flite command."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray


@cache
def flite_speech(text: str, voice: str = "rms") -> NDArray[np.int16]:
    """16 kHz int16. Callers skip their tests where flite is missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000
    return np.asarray(samples, np.int16)
