"""A simulated recogniser: it knows beforehand what will be said. For tests and benches, and labelled so.

Its delays are timers on the loop, so it runs in virtual time too.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from audio.asr.recognizer import Hypothesis
from scheduler.errors import RecognizerError
from scheduler.pcm import Pcm, WordTime

DEFAULT_SCRIPT = ("hello there", "what time is it", "tell me a story about the sea", "thank you")


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """``revision_probability``: of a partial's last word being heard wrong at first (pocketsphinx rewrites
    earlier words in 20 % of its updates). ``words_per_second``: used for partials of plain text; the final
    spreads the words over the segment evenly."""

    partial_seconds: float = 0.2
    partial_lag_seconds: float = 0.15
    final_lag_seconds: float = 0.15
    words_per_second: float = 3.0
    revision_probability: float = 0.2
    tentative_words: int = 2
    seed: int = 0


Utterance = str | tuple[WordTime, ...]
"""Plain text, or words with times from the segment's start."""


class SimulatedStream:
    def __init__(self, script: Sequence[Utterance], settings: SimulatedSettings, seed: int) -> None:
        self._script = script
        self._settings = settings
        self._random = random.Random(seed)
        self._due: list[tuple[float, int, Hypothesis]] = []
        self._changed = asyncio.Event()
        self._closed = False
        self._count = 0
        self._spoken = 0
        self._segment: int | None = None
        self._start_seconds = 0.0
        self._seconds = 0.0
        self._next_partial_seconds = 0.0

    async def begin(self, segment: int, start_seconds: float) -> None:
        self._segment, self._start_seconds = segment, start_seconds
        self._seconds = 0.0
        self._next_partial_seconds = self._settings.partial_seconds

    async def feed(self, pcm: Pcm) -> None:
        if self._segment is None:
            raise RecognizerError("audio came outside of a segment")
        self._seconds += pcm.duration_seconds
        while self._seconds >= self._next_partial_seconds:
            self._partial(self._segment, self._next_partial_seconds)
            self._next_partial_seconds += self._settings.partial_seconds

    async def finish(self) -> None:
        if self._segment is None:
            raise RecognizerError("no segment is open")
        words = self._shifted(_timed(self._utterance(), self._seconds))
        self._schedule(Hypothesis(self._segment, words, (), is_final=True), self._settings.final_lag_seconds)
        self._segment = None
        self._spoken += 1

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        loop = asyncio.get_running_loop()
        while not self._closed:
            now = loop.time()
            if self._due and self._due[0][0] <= now:
                yield heapq.heappop(self._due)[2]
                continue
            self._changed.clear()
            try:
                async with asyncio.timeout_at(self._due[0][0] if self._due else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        self._closed = True
        self._changed.set()

    def _utterance(self) -> Utterance:
        return self._script[self._spoken % len(self._script)] if self._script else ""

    def _partial(self, segment: int, at_seconds: float) -> None:
        utterance = self._utterance()
        length = len(utterance.split()) / self._settings.words_per_second if isinstance(utterance, str) else 0.0
        words = self._shifted(tuple(word for word in _timed(utterance, length) if word.end_seconds <= at_seconds))
        if not words:
            return
        split = max(0, len(words) - self._settings.tentative_words)
        stable, tentative = words[:split], words[split:]
        if tentative and self._random.random() < self._settings.revision_probability:
            tentative = (*tentative[:-1], _misheard(tentative[-1]))
        self._schedule(Hypothesis(segment, stable, tentative, is_final=False), self._settings.partial_lag_seconds)

    def _shifted(self, words: tuple[WordTime, ...]) -> tuple[WordTime, ...]:
        start = self._start_seconds
        return tuple(
            WordTime(word.text, start + word.start_seconds, start + word.end_seconds, word.confidence) for word in words
        )

    def _schedule(self, hypothesis: Hypothesis, delay_seconds: float) -> None:
        self._count += 1
        due_at = asyncio.get_running_loop().time() + delay_seconds
        heapq.heappush(self._due, (due_at, self._count, hypothesis))
        self._changed.set()


class SimulatedRecognizer:
    """``script``: what is said, one utterance per segment, over and over; each stream begins at the first."""

    def __init__(self, script: Sequence[Utterance] = DEFAULT_SCRIPT, settings: SimulatedSettings | None = None) -> None:
        self._script = tuple(script)
        self._settings = settings or SimulatedSettings()
        self._streams = 0

    @property
    def name(self) -> str:
        return "simulated"

    @property
    def simulated(self) -> bool:
        return True

    def knows_language(self, language: str) -> bool:
        return True

    async def warm_up(self) -> None:
        pass

    async def open(self, *, language: str | None = None) -> SimulatedStream:
        self._streams += 1
        return SimulatedStream(self._script, self._settings, self._settings.seed * 10_007 + self._streams)

    async def close(self) -> None:
        pass


def _timed(utterance: Utterance, seconds: float) -> tuple[WordTime, ...]:
    """The words with times from the segment's start; plain text is spread evenly over ``seconds``."""
    if not isinstance(utterance, str):
        return utterance
    texts = utterance.split()
    step = seconds / len(texts) if texts else 0.0
    return tuple(WordTime(text, index * step, (index + 1) * step, 0.9) for index, text in enumerate(texts))


def _misheard(word: WordTime) -> WordTime:
    """As if its end had not been heard."""
    return WordTime(word.text[: max(1, len(word.text) // 2)], word.start_seconds, word.end_seconds, 0.3)
