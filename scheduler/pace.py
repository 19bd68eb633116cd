"""Pure: how fast the engines of this session are, as running medians of what they just did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

KEPT = 15
"""Measurements behind each median: enough for a steady one, few enough to follow an engine that grows slow."""
EXPECTED_WORDS_SECONDS = 0.3
EXPECTED_VOICE_SECONDS = 0.15
"""Taken before anything was measured: small models and voices on a GPU, so that the first turn gets no filler."""
LATE_FACTOR = 1.5
LATE_MARGIN_SECONDS = 0.2
"""Of a few measurements the 95th percentile is little more than the largest: a first token is late when it is later
than that, and clearly later than the median. tuned"""


@dataclass(frozen=True, slots=True)
class Pace:
    """``words``: seconds from the order to think to the first words, ``voice``: from words to their first audio."""

    words: tuple[float, ...] = ()
    voice: tuple[float, ...] = ()

    def with_words(self, seconds: float) -> Pace:
        return replace(self, words=(*self.words, seconds)[-KEPT:])

    def without_words(self, seconds: float) -> Pace:
        """As if this had not been measured."""
        kept = list(self.words)
        if seconds in kept:
            kept.remove(seconds)
        return replace(self, words=tuple(kept))

    def with_voice(self, seconds: float) -> Pace:
        return replace(self, voice=(*self.voice, seconds)[-KEPT:])

    @property
    def words_seconds(self) -> float:
        return median(self.words) if self.words else EXPECTED_WORDS_SECONDS

    @property
    def voice_seconds(self) -> float:
        return median(self.voice) if self.voice else EXPECTED_VOICE_SECONDS

    @property
    def late_words_seconds(self) -> float:
        """First words that take longer than this are late."""
        ordered = sorted(self.words)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))] if ordered else 0.0
        return max(min(p95, LATE_FACTOR * self.words_seconds), self.words_seconds + LATE_MARGIN_SECONDS)
