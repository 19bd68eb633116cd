"""The same words and backchannels, spoken by flite: real audio, for voice detectors and recognisers that are no simulation."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from bench.barge_in_sounds import BACKCHANNELS, RATE_HZ, WORDS, Kind, Sound
from scheduler.pcm import WordTime
from tts.registry import make_voice

VOICE = "flite:rms"
HUMS = ("mm-hm", "uh-huh", "mm")
"""flite spells these."""
LOUD = 300


def spoken() -> list[Sound]:
    """Words and backchannels. Blocks until all are rendered. Raises ``SettingsError`` where flite is missing."""
    texts = [(Kind.WORDS, text) for text in WORDS]
    texts += [(Kind.BACKCHANNEL, text) for text in BACKCHANNELS if text not in HUMS]
    return asyncio.run(_render(texts))


async def _render(texts: list[tuple[Kind, str]]) -> list[Sound]:
    voice = make_voice(VOICE)
    await voice.warm_up()
    sounds = []
    for kind, text in texts:
        chunks = [chunk async for chunk in voice.speak(text)]
        samples = np.concatenate([chunk.pcm.samples for chunk in chunks])
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
        first, last = int(loud[0]), int(loud[-1]) + 1
        words = [_earlier(word, first / RATE_HZ) for chunk in chunks for word in chunk.words]
        sounds.append(Sound(kind, text, samples[first:last], tuple(words)))
    await voice.close()
    return sounds


def _earlier(word: WordTime, seconds: float) -> WordTime:
    start, end = max(0.0, word.start_seconds - seconds), max(0.0, word.end_seconds - seconds)
    return replace(word, text=word.text.strip(), start_seconds=start, end_seconds=end, confidence=0.9)
