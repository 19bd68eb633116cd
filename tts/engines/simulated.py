"""A simulated voice: a tone per word at a steady rate, its delays on the loop's clock, so that virtual time works.

With ``streaming`` it speaks while its text is being written: the first sound comes ``first_byte_seconds`` after the
first text, with the words that are whole by then, or the piece of a word that is there.

Always labelled as simulated. The pitch of each word is drawn from a seed, so that every run sounds the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from scheduler.pcm import Pcm, SpeechChunk, WordTime
from tts.alignment import Span, align
from tts.engines.plain_words import plain_phrases
from tts.speakable import SpokenToken, split_source
from tts.text_feed import TextFeed

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

    def __init__(
        self,
        seed: int = 0,
        *,
        sample_rate_hz: int = 16000,
        streaming: bool = False,
        first_byte_seconds: float = FIRST_BYTE_SECONDS,
    ) -> None:
        self._seed = seed
        self._rate = sample_rate_hz
        self._streaming = streaming
        self._first_byte_seconds = first_byte_seconds

    @property
    def name(self) -> str:
        if not self._streaming:
            return f"simulated:{self._seed}"
        return f"simulated:streaming:{self._seed}" if self._seed else "simulated:streaming"

    @property
    def simulated(self) -> bool:
        return True

    @property
    def streaming(self) -> bool:
        return self._streaming

    @property
    def sample_rate_hz(self) -> int:
        return self._rate

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing is held."""

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        """See ``Voice.speak``."""
        rendering = _Rendering(self._seed, self._rate)
        if _is_spoken(text):
            await asyncio.sleep(self._first_byte_seconds)
        async for chunk in rendering.say(text):
            yield chunk
        for chunk in rendering.rest():
            yield chunk

    async def speak_stream(self, text: AsyncIterator[str]) -> AsyncIterator[SpeechChunk]:
        """See ``StreamingVoice.speak_stream``."""
        rendering = _Rendering(self._seed, self._rate)
        async with TextFeed(text) as feed:
            async for piece in self._as_written(feed):
                async for chunk in rendering.say(piece):
                    yield chunk
        for chunk in rendering.rest():
            yield chunk

    async def _as_written(self, feed: TextFeed) -> AsyncIterator[str]:
        """What is there after the time to first byte, then whole words."""
        while not feed.ended and not _is_spoken(feed.waiting):
            await feed.more()
        if _is_spoken(feed.waiting):
            await asyncio.sleep(self._first_byte_seconds)
            yield feed.take_words() or feed.take_all()
        while True:
            if words := feed.take_words():
                yield words
            elif feed.ended:
                return
            else:
                await feed.more()


def _is_spoken(text: str) -> bool:
    phrases = (phrase for part in split_source(text, _PART_CHARACTERS) for phrase in plain_phrases(part))
    return any(token.spoken for phrase in phrases for token in phrase)


class _Rendering:
    """One sentence, said piece by piece."""

    def __init__(self, seed: int, rate: int) -> None:
        self._pitches = random.Random(seed)
        self._rate = rate
        self._at_seconds = 0.0
        self._unsaid = ""
        """Source that is not said, until a word comes that it can belong to."""

    async def say(self, text: str) -> AsyncIterator[SpeechChunk]:
        """Audio in blocks, each followed by the time its rendering takes."""
        for part in split_source(text, _PART_CHARACTERS):
            async for chunk in self._say_part(part):
                yield chunk

    async def _say_part(self, part: str) -> AsyncIterator[SpeechChunk]:
        text = self._unsaid + part
        tokens = [token for phrase in plain_phrases(text) for token in phrase]
        if not any(token.spoken for token in tokens):
            self._unsaid = text
            return
        self._unsaid = ""
        async for chunk in self._render(tokens):
            yield chunk

    def rest(self) -> tuple[SpeechChunk, ...]:
        """Source behind the last word that is not said, if a word was said."""
        if not self._unsaid or not self._at_seconds:
            return ()
        word = WordTime(self._unsaid, self._at_seconds, self._at_seconds)
        return (SpeechChunk(Pcm.silence(0.0, self._rate), (word,)),)

    async def _render(self, tokens: list[SpokenToken]) -> AsyncIterator[SpeechChunk]:
        spans, pieces = self._words(tokens)
        samples = np.concatenate(pieces)
        at = self._at_seconds
        self._at_seconds += len(samples) / self._rate
        words = align(tokens, [Span(at + s.start_seconds, at + s.end_seconds) for s in spans])
        step = round(CHUNK_SECONDS * self._rate)
        for start in range(0, len(samples), step):
            block = samples[start : start + step]
            first, last = at + start / self._rate, at + (start + step) / self._rate
            begun = tuple(word for word in words if first <= word.start_seconds < last)
            yield SpeechChunk(Pcm(block, self._rate), begun)
            await asyncio.sleep(len(block) / self._rate * REAL_TIME_FACTOR)

    def _words(self, tokens: list[SpokenToken]) -> tuple[list[Span], list[NDArray[np.int16]]]:
        spans: list[Span] = []
        pieces: list[NDArray[np.int16]] = []
        done = 0
        for word in (word for token in tokens for word in token.words):
            length = round((len(word) + 1) / CHARACTERS_PER_SECOND * self._rate)
            piece = self._tone(length, self._pitches.uniform(150, 400))
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
