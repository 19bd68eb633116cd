"""flite: small English voices that need no download and less than a thirtieth of one core.

All flite voices of a process share one worker thread, because libflite keeps global state. Sentences take
turns phrase by phrase, so that a long one does not keep the others waiting; closing a sentence's iterator
stops its rendering at the next piece of audio (some 3 ms), and one that waits never begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scheduler.errors import SettingsError, VoiceError
from scheduler.pcm import Pcm, SpeechChunk, WordTime
from tts.alignment import Span, align, estimate_spans
from tts.engines.flite_library import SAMPLE_RATES_HZ, FliteLibrary
from tts.engines.plain_words import plain_phrases
from tts.speakable import SpokenToken, split_source

PART_CHARACTERS = 1000
"""A longer text is looked at part by part."""
LEAD_IN_SECONDS = 0.02
"""Silence kept before the first word; flite begins with 0.2 s of it, which the caller would wait for."""
PAUSE_AFTER_SECONDS = 0.15
"""Silence kept after the last word of a phrase."""


@lru_cache(maxsize=1)
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="flite")


@lru_cache
def _library(voice_name: str) -> FliteLibrary:
    """Loaded once per process; only ever called in the worker."""
    return FliteLibrary(voice_name)


class FliteVoice:
    """One of flite's voices (``SAMPLE_RATES_HZ`` names them)."""

    def __init__(self, voice_name: str = "slt") -> None:
        if voice_name not in SAMPLE_RATES_HZ:
            raise SettingsError(f"flite has no voice {voice_name!r}; it has {', '.join(SAMPLE_RATES_HZ)}.")
        self._voice_name = voice_name

    @property
    def name(self) -> str:
        return f"flite:{self._voice_name}"

    @property
    def simulated(self) -> bool:
        return False

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATES_HZ[self._voice_name]

    async def warm_up(self) -> None:
        """Load the voice and render a word, so that the first sentence needs no lexicon from disk."""
        async for _ in self.speak("Hello."):
            pass

    async def close(self) -> None:
        """Nothing is held: the library stays loaded as long as the process lives."""

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        """See ``Voice.speak``. The text is made speakable in the worker, a part at a time."""
        loop = asyncio.get_running_loop()
        at_seconds = 0.0
        unsaid: tuple[SpokenToken, ...] = ()
        for part in split_source(text, PART_CHARACTERS):
            for phrase in await loop.run_in_executor(_worker(), plain_phrases, part):
                tokens = unsaid + phrase
                if not any(token.spoken for token in tokens):
                    unsaid = tokens
                    continue
                unsaid = ()
                rendering = _Rendering(self._voice_name, tokens, at_seconds)
                try:
                    async for chunk in rendering.chunks():
                        at_seconds += chunk.pcm.duration_seconds
                        yield chunk
                finally:
                    rendering.stop()
        if unsaid and at_seconds > 0:
            rest = WordTime("".join(token.source for token in unsaid), at_seconds, at_seconds)
            yield SpeechChunk(Pcm.silence(0.0, self.sample_rate_hz), (rest,))


class _Rendering:
    """One phrase on its way through the worker. Its audio waits in a queue that holds at most this phrase."""

    def __init__(self, voice_name: str, tokens: Sequence[SpokenToken], at_seconds: float) -> None:
        self._voice_name = voice_name
        self._tokens = tokens
        self._at_seconds = at_seconds
        self._rate = SAMPLE_RATES_HZ[voice_name]
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[SpeechChunk | Exception | None] = asyncio.Queue()
        self._stopped = False
        self._words: tuple[WordTime, ...] | None = None
        self._words_given = 0
        self._first_sample = 0
        self._last_sample = 0
        self._position = 0

    async def chunks(self) -> AsyncIterator[SpeechChunk]:
        self._loop.run_in_executor(_worker(), self._render)
        while (item := await self._queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def stop(self) -> None:
        self._stopped = True

    # --- in the worker ----------------------------------------------------------------------------

    def _render(self) -> None:
        if self._stopped:
            return
        try:
            _library(self._voice_name).synthesize(" ".join(t.spoken for t in self._tokens if t.spoken), self._take)
        except (VoiceError, SettingsError) as error:
            self._give(error)
        except Exception as error:  # noqa: BLE001  the edge of an engine
            self._give(VoiceError(f"flite failed: {error}"))
        self._give(None)

    def _give(self, item: SpeechChunk | Exception | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # the session's loop is closed
            self._stopped = True

    def _take(self, samples: NDArray[np.int16], spans: tuple[Span, ...]) -> bool:
        if self._words is None:
            self._words = self._place_words(spans)
        start = self._position
        self._position += len(samples)
        kept = samples[max(0, self._first_sample - start) : max(0, self._last_sample - start)]
        if len(kept):
            self._give(SpeechChunk(Pcm(kept, self._rate), self._words_until(self._position)))
        return not self._stopped and self._position < self._last_sample

    def _place_words(self, spans: tuple[Span, ...]) -> tuple[WordTime, ...]:
        words = [word for token in self._tokens for word in token.words]
        if len(spans) != len(words):
            first, last = (spans[0].start_seconds, spans[-1].end_seconds) if spans else (0.0, len(words) * 0.3)
            spans = estimate_spans(words, first, last)
        first_second = max(0.0, spans[0].start_seconds - LEAD_IN_SECONDS)
        self._first_sample = round(first_second * self._rate)
        self._last_sample = round((spans[-1].end_seconds + PAUSE_AFTER_SECONDS) * self._rate)
        shift = self._at_seconds - self._first_sample / self._rate
        return align(self._tokens, [Span(span.start_seconds + shift, span.end_seconds + shift) for span in spans])

    def _words_until(self, position: int) -> tuple[WordTime, ...]:
        """The words not yet given that start before a position in the untrimmed audio."""
        assert self._words is not None
        until_seconds = self._at_seconds + (position - self._first_sample) / self._rate
        first = self._words_given
        while self._words_given < len(self._words) and (
            self._words[self._words_given].start_seconds < until_seconds or position >= self._last_sample
        ):
            self._words_given += 1
        return self._words[first : self._words_given]
