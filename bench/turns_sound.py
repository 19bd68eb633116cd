"""What the caller's microphone hears: babble for words, or flite's speech, noises and silence. int16, mono, 16 kHz."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, assert_never

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.babble import babble
from bench.hear import speak_flite
from bench.turns_script import SOUND_SECONDS, Part, Silent, Sound, Voiced, part_seconds

RATE_HZ = 16_000
Samples = NDArray[np.int16]
HUM_PHONES = "ax m hh ah m"
"""A listener's "mm-hm": as text flite would spell it."""
Speech = Literal["babble", "flite"]


def rendered_parts(parts: tuple[Part, ...], rate: float, speech: Speech) -> list[Samples]:
    """One for each. Babble lasts as long as the script says; flite's speech, of words it can read, takes its own time."""
    return [_rendered_part(part, rate, speech) for part in parts]


def _rendered_part(part: Part, rate: float, speech: Speech) -> Samples:
    match part:
        case Silent(seconds):
            return np.zeros(round(seconds * RATE_HZ), np.int16)
        case Sound(name):
            return sound(name)
        case Voiced(words) if speech == "flite" and "".join(words).isascii():
            return flite(" ".join(words), rate)
        case Voiced():
            return voiced(part_seconds(part, rate))
        case _:
            assert_never(part)


def voiced(seconds: float) -> Samples:
    """Loud from its first sample to its last: it begins and ends in the middle of a syllable."""
    middle = RATE_HZ // 8
    samples = babble(seconds + 0.25, RATE_HZ)[middle : middle + round(seconds * RATE_HZ)]
    fade = np.minimum(1.0, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / 80)
    return np.asarray(samples * fade, np.int16)


@cache
def flite(text: str, rate: float) -> Samples:
    """Without the silence around it. ``rate`` is left out: flite has one."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        samples = _flite_phones(HUM_PHONES, path) if text == "mm-hm" else speak_flite("rms", text, path).samples
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return np.asarray(samples[loud[0] : loud[-1] + 1], np.int16)


def _flite_phones(phones: str, path: Path) -> Samples:
    subprocess.run(["flite", "-voice", "rms", "-p", phones, "-o", str(path)], check=True)
    samples: Samples
    samples, _ = soundfile.read(path, dtype="int16")
    return samples


@cache
def sound(name: str) -> Samples:
    """One of ``SOUND_SECONDS``; equal for equal names."""
    seconds = SOUND_SECONDS[name]
    count = round(seconds * RATE_HZ)
    match name:
        case "cough":
            return _shaped(_noise(count, 300, 2500), seconds / 3, 0.4)
        case "slam":
            return _shaped(_noise(count, 20, 200), 0.08, 0.8)
        case "burst":
            return _shaped(_noise(count, 200, 5000), 10.0, 0.2)
        case "click":
            return _shaped(_noise(count, 1000, 6000), 0.01, 0.5)
        case "laugh":
            return np.concatenate([_shaped(_noise(count // 4, 300, 2500), 0.05, 0.3) for _ in range(4)])
        case "hum" | "long_hum":
            return _hum(seconds)
        case "siren":
            at = np.arange(count) / RATE_HZ
            return np.asarray(6000 * np.sin(2 * np.pi * (700 + 200 * np.sin(2 * np.pi * at)) * at), np.int16)
        case "typing":
            return np.concatenate([_shaped(_noise(count // 8, 1000, 6000), 0.008, 0.2) for _ in range(8)])
        case _:
            raise ValueError(name)


def _noise(count: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    return np.fft.irfft(spectrum / (1 + (hz / high_hz) ** 4) * (1 - 1 / (1 + (hz / low_hz) ** 4)), count)


def _shaped(noise: NDArray[np.float64], fall_seconds: float, peak: float) -> Samples:
    """Rises in 5 ms and dies away."""
    at = np.arange(len(noise)) / RATE_HZ
    shaped = noise * np.minimum(at / 0.005, 1) * np.exp(-at / fall_seconds)
    return np.asarray(shaped / np.abs(shaped).max() * peak * 32767, np.int16)


def _hum(seconds: float) -> Samples:
    """A closed mouth: the pitch and its first overtones, dying away upwards."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 125 * number * at) / number**2 for number in range(1, 5))
    fade = np.minimum(1.0, np.minimum(at, at[::-1]) / 0.03)
    return np.asarray(5000 * tone * fade, np.int16)
