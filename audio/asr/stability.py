"""Pure: which words of a growing hypothesis will stay.

A word is stable when it stood at the same place in the last ``updates`` hypotheses and ended at least
``age_seconds`` ago; once stable it stays for good. Measured with pocketsphinx on fifteen human recordings:
of the words that survived four updates, the search itself took none back, but its last pass (best path
through the lattice) would have changed one in nine, while that pass lowers word errors from 37.9 % to
33.7 %. So words are held back long enough for most phrases to reach that pass untouched.
"""

from __future__ import annotations

from collections import deque

from scheduler.pcm import WordTime


class StablePrefix:
    """Splits the hypotheses of one segment into stable and tentative words."""

    def __init__(self, *, updates: int = 4, age_seconds: float = 2.0) -> None:
        self._recent: deque[tuple[WordTime, ...]] = deque(maxlen=updates)
        self._age_seconds = age_seconds
        self._stable: tuple[WordTime, ...] = ()

    def update(
        self, words: tuple[WordTime, ...], now_seconds: float
    ) -> tuple[tuple[WordTime, ...], tuple[WordTime, ...]]:
        """A new hypothesis at this audio time. Returns (stable, tentative)."""
        self._recent.append(words)
        if len(self._recent) == self._recent.maxlen:
            self._grow(words, now_seconds - self._age_seconds)
        return self._stable, self._after_stable(words)

    def finish(self, words: tuple[WordTime, ...]) -> tuple[WordTime, ...]:
        """The final words: what was stable, and of ``words`` what comes after it."""
        return self._stable + self._after_stable(words)

    def _grow(self, words: tuple[WordTime, ...], settled_at: float) -> None:
        position = len(self._stable)
        if _texts(words[:position]) != _texts(self._stable):
            return
        while position < len(words) and words[position].end_seconds <= settled_at and self._agreed(position):
            position += 1
        self._stable += words[len(self._stable) : position]

    def _agreed(self, position: int) -> bool:
        return len({_texts(words[: position + 1]) for words in self._recent}) == 1

    def _after_stable(self, words: tuple[WordTime, ...]) -> tuple[WordTime, ...]:
        """By time and not by count, since a rewrite may have merged or split stable words."""
        if not self._stable:
            return words
        end = self._stable[-1].end_seconds
        return tuple(word for word in words if (word.start_seconds + word.end_seconds) / 2 > end)


def _texts(words: tuple[WordTime, ...]) -> tuple[str, ...]:
    return tuple(word.text for word in words)
