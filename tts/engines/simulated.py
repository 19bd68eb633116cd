"""A simulated voice: a tone per word at a steady rate, its delays on the loop's clock, so that virtual time works.

Always labelled as simulated. The pitch of each word is drawn from a seed, so that every run sounds the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from scheduler.pcm import Pcm, SpeechChunk
from tts.alignment import Span, align
from tts.engines.plain_words import plain_phrases
from tts.speakable import SpokenToken, split_source

FIRST_BYTE_SECONDS = 0.1
CHARACTERS_PER_SECOND = 15.0
"""About 150 words a minute."""
REAL_TIME_FACTOR = 0.05
"""Seconds of work for a second of audio, after the first byte."""
CHUNK_SECONDS = 0.1
GAP_SECONDS = 0.03
"""Silence at the end of each word, so that words can be found in the audio."""
_PART_CHARACTERS = 1000
_LEVEL = 6000
_FADE_SECONDS = 0.005


class SimulatedVoice:
    """``seed`` chooses the pitches; two voices with the same seed render the same samples."""

    def __init__(self, seed: int = 0, *, sample_rate_hz: int = 16000) -> None:
        self._seed = seed
        self._rate = sample_rate_hz

    @property
    def name(self) -> str:
        return f"simulated:{self._seed}"

    @property
    def simulated(self) -> bool:
        return True

    @property
    def sample_rate_hz(self) -> int:
        return self._rate

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing is held."""

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        """See ``Voice.speak``."""
        pitches = random.Random(self._seed)
        at_seconds = 0.0
        for part in split_source(text, _PART_CHARACTERS):
            tokens = [token for phrase in plain_phrases(part) for token in phrase]
            if not any(token.spoken for token in tokens):
                continue
            if at_seconds == 0.0:
                await asyncio.sleep(FIRST_BYTE_SECONDS)
            async for chunk in self._render(tokens, at_seconds, pitches):
                at_seconds += chunk.pcm.duration_seconds
                yield chunk

    async def _render(
        self, tokens: list[SpokenToken], at_seconds: float, pitches: random.Random
    ) -> AsyncIterator[SpeechChunk]:
        spans, pieces = self._words(tokens, pitches)
        samples = np.concatenate(pieces)
        words = align(tokens, [Span(at_seconds + s.start_seconds, at_seconds + s.end_seconds) for s in spans])
        step = round(CHUNK_SECONDS * self._rate)
        for start in range(0, len(samples), step):
            block = samples[start : start + step]
            first, last = at_seconds + start / self._rate, at_seconds + (start + step) / self._rate
            begun = tuple(word for word in words if first <= word.start_seconds < last)
            yield SpeechChunk(Pcm(block, self._rate), begun)
            await asyncio.sleep(len(block) / self._rate * REAL_TIME_FACTOR)

    def _words(self, tokens: list[SpokenToken], pitches: random.Random) -> tuple[list[Span], list[NDArray[np.int16]]]:
        spans: list[Span] = []
        pieces: list[NDArray[np.int16]] = []
        done = 0
        for word in (word for token in tokens for word in token.words):
            length = round((len(word) + 1) / CHARACTERS_PER_SECOND * self._rate)
            piece = self._tone(length, pitches.uniform(150, 400))
            spans.append(Span(done / self._rate, (done + length) / self._rate))
            pieces.append(piece)
            done += length
        return spans, pieces

    def _tone(self, length: int, pitch_hz: float) -> NDArray[np.int16]:
        sounding = max(1, length - round(GAP_SECONDS * self._rate))
        at = np.arange(sounding)
        fade = np.minimum(1.0, np.minimum(at, at[::-1]) / (_FADE_SECONDS * self._rate))
        tone = _LEVEL * fade * np.sin(2 * np.pi * pitch_hz * at / self._rate)
        return np.concatenate([tone, np.zeros(length - sounding)]).astype(np.int16)
