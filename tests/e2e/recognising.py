"""What was said, by its sound: audio of the agent is recognised again, by the recogniser that the server uses, too."""

from __future__ import annotations

import asyncio

import numpy as np

from audio.asr.registry import make_recognizer
from audio.asr.transcribe import transcribe
from realtime.talk import RATE_HZ
from scheduler.pcm import Pcm
from tests.e2e.sounds import Samples

PAUSE_SECONDS = 1.2
"""Longer silences part one answer from the next; the offline brain pauses less while it counts."""
_FRAME = RATE_HZ // 100
_LOUD = 180
"""-45 dBFS."""


def pieces(samples: Samples) -> list[Samples]:
    """The stretches of sound, each with 0.3 s of silence around it, which the recogniser needs."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > _LOUD)
    if not len(loud):
        return []
    starts = [loud[0], *loud[1:][np.diff(loud) > PAUSE_SECONDS * 100]]
    ends = [*loud[:-1][np.diff(loud) > PAUSE_SECONDS * 100], loud[-1]]
    around = np.zeros(round(0.3 * RATE_HZ), np.int16)
    spans = zip(starts, ends, strict=True)
    return [np.concatenate([around, samples[a * _FRAME : (b + 1) * _FRAME], around]) for a, b in spans]


async def recognised_in(*sounds: Samples) -> list[str]:
    """The words of each."""
    recognizer = make_recognizer("pocketsphinx")
    await recognizer.warm_up()
    try:
        return [await transcribe(recognizer, Pcm(sound, RATE_HZ)) for sound in sounds]
    finally:
        await recognizer.close()


def recognised(*sounds: Samples) -> list[str]:
    return asyncio.run(recognised_in(*sounds))


def word_errors(reference: str, heard: str) -> float:
    """Word error rate: edit distance over the number of words that were said."""
    said, got = reference.lower().split(), heard.lower().split()
    row = list(range(len(got) + 1))
    for i, word in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1] / len(said)


def missed_words(said: str, heard: str) -> int:
    """How many of the words said are not found, in their order, in what was heard.

    The recogniser takes one short word for another now and then ("far" for "four"), with the same voice and the same
    text: what is around it in the recording decides. So a test of what was said allows it one word.
    """
    row = [0] * (len(heard.split()) + 1)
    for word in said.split():
        previous = 0
        for j, other in enumerate(heard.split(), 1):
            previous, row[j] = row[j], previous + 1 if word == other else max(row[j], row[j - 1])
    return len(said.split()) - row[-1]
