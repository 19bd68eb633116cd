"""Pure: how much the end of what was said sounds like the end of a turn: pitch, length and loudness of its last part.

What phonetics knows of turn ends (Duncan 1972; Gravano & Hirschberg 2011, "Turn-taking cues in task-oriented
dialogue"): pitch falls to the bottom of the speaker's range (or rises far, in a question), the last syllable is
drawn out, loudness decays; a turn that goes on keeps its pitch level. How well this tells ends from word gaps, and
where it does not, is measured by ``bench/endpointing.py`` and written down in ``docs/endpointing.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.pcm import Pcm

SAMPLE_RATE_HZ = 16_000
WINDOW_SECONDS = 1.5
HOP_SECONDS = 0.01
PITCH_RATE_HZ = 8000
FRAME_SAMPLES = 320
"""40 ms at 8 kHz: three periods of the lowest pitch."""
HOP_SAMPLES = 80
LOWEST_HZ, HIGHEST_HZ = 65.0, 400.0
VOICED_CORRELATION = 0.5
"""A frame is voiced from this normalised autocorrelation on (Boersma 1993 takes 0.45)."""
OCTAVE_COST = 0.9
"""The shortest period that correlates this well, against the best, is the pitch: its multiples always do."""
QUIET_DB = 30.0
"""Frames this far under the loudest are pause."""
LOWEST_DBFS = -55.0
LONGEST_PAUSE_SECONDS = 1.0
"""A pause at the end of the audio may be as long as this."""
FEWEST_FRAMES = 10
FINAL_FRAMES = 8
SYLLABLE_DB = 15.0
"""A syllable's top is at most this much softer than the loudest one."""
DIP_DB = 3.0
"""So far does loudness fall between two syllables."""

BIAS, PER_SEMITONE, PER_SECOND = -1.034, -0.467, 1.598
"""Logistic regression on flite's voices alone (ends of sentences against word gaps and pauses inside them), judged on
human speech."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """Of the last 1.5 s of speech. ``final_semitones``: pitch of its last voiced 80 ms against its median.
    ``final_length_seconds``: from the onset of the last syllable (the dip of loudness before it) to the end."""

    final_semitones: float
    final_length_seconds: float


def probability_of_end(audio: Pcm) -> float:
    """0 to 1, that the turn is over, as if every second pause were a turn's end; 0.5 when there is too little speech.

    ``audio``: 16 kHz. What counts is the last 1.5 s before the pause at its end. Takes 2 to 5 ms.
    """
    prosody = measure(audio)
    if prosody is None:
        return 0.5
    score = BIAS + PER_SEMITONE * prosody.final_semitones + PER_SECOND * prosody.final_length_seconds
    return 1.0 / (1.0 + math.exp(-score))


def measure(audio: Pcm) -> Prosody | None:
    """``None``: too little speech, or none with a pitch."""
    samples = audio.samples[-round((WINDOW_SECONDS + LONGEST_PAUSE_SECONDS) * SAMPLE_RATE_HZ) :]
    frames = _frames(samples.astype(np.float32) / 32768.0)
    levels_db = 10.0 * np.log10(np.mean(np.square(frames), axis=1) + 1e-10)
    speech = levels_db > max(float(levels_db.max()) - QUIET_DB, LOWEST_DBFS)
    if speech.sum() < FEWEST_FRAMES:
        return None
    end = int(np.flatnonzero(speech)[-1]) + 1
    window = slice(max(0, end - round(WINDOW_SECONDS / HOP_SECONDS)), end)
    semitones = _semitones(frames[window], speech[window])
    if len(semitones) < FEWEST_FRAMES:
        return None
    final = float(np.median(semitones[-FINAL_FRAMES:]) - np.median(semitones))
    return Prosody(final, _final_length_seconds(levels_db[window]))


def _semitones(frames: NDArray[np.float32], speech: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pitch of the voiced frames of speech, without those an octave away from the rest (errors, creaks)."""
    pitches_hz = _pitches_hz(frames[speech])
    semitones = 12.0 * np.log2(pitches_hz[pitches_hz > 0.0])
    return semitones[np.abs(semitones - np.median(semitones)) < 12.0] if len(semitones) else semitones


def _frames(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shape ``[frames, 320]``, at 8 kHz, every 10 ms."""
    even = samples[: len(samples) // 2 * 2]
    halved = 0.5 * (even[::2] + even[1::2])
    if len(halved) < FRAME_SAMPLES:
        halved = np.pad(halved, (FRAME_SAMPLES - len(halved), 0))
    return np.lib.stride_tricks.sliding_window_view(halved, FRAME_SAMPLES)[::HOP_SAMPLES]


def _pitches_hz(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shape ``[frames]``; 0 where there is no pitch. Autocorrelation over that of the window (Boersma 1993)."""
    shortest, longest = int(PITCH_RATE_HZ / HIGHEST_HZ), int(PITCH_RATE_HZ / LOWEST_HZ)
    correlation = _normal_autocorrelation(frames)[:, shortest - 1 : longest + 2]
    before, here, after = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    peaks = np.where((here >= before) & (here > after), here, 0.0)
    best = peaks.max(axis=1)
    first = np.argmax(peaks >= OCTAVE_COST * best[:, np.newaxis], axis=1)
    rows = np.arange(len(peaks))
    lags = shortest + first + _vertex(before[rows, first], here[rows, first], after[rows, first])
    return np.where(best >= VOICED_CORRELATION, PITCH_RATE_HZ / lags, 0.0)


def _vertex(before: NDArray[np.float64], top: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the parabola through three points has its top, from the middle one: -0.5 to 0.5."""
    bend = np.minimum(before - 2 * top + after, -1e-9)
    return np.clip(0.5 * (before - after) / bend, -0.5, 0.5)


def _normal_autocorrelation(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    window = np.hanning(FRAME_SAMPLES + 2)[1:-1]
    correlation = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window)
    own = _autocorrelation(window[np.newaxis])
    return np.asarray(correlation / (correlation[:, :1] + 1e-9) / (own / own[0, 0]))


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Up to half a frame."""
    spectrum = np.fft.rfft(frames, 512, axis=1)
    return np.fft.irfft(np.square(np.abs(spectrum)), 512, axis=1)[:, : FRAME_SAMPLES // 2]


def _final_length_seconds(levels_db: NDArray[np.float64]) -> float:
    smooth = np.convolve(levels_db, np.full(5, 0.2), mode="same")
    inner = smooth[1:-1]
    tops = (inner >= smooth[:-2]) & (inner > smooth[2:]) & (inner > smooth.max() - SYLLABLE_DB)
    last = int(np.flatnonzero(tops)[-1]) + 1 if tops.any() else len(smooth) - 1
    dips = np.flatnonzero(smooth[:last] < smooth[last] - DIP_DB)
    onset = int(dips[-1]) if len(dips) else 0
    return (len(levels_db) - onset) * HOP_SECONDS
