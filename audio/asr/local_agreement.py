"""Pure: LocalAgreement-2, which turns a recogniser of whole recordings into a streaming one.

Machacek, Dabre, Bojar 2023, "Turning Whisper into a real-time transcription system": the growing audio is
decoded again and again, and the longest prefix on which two runs in a row agree is settled for good.
"""

from __future__ import annotations

from scheduler.pcm import WordTime, join_words

OVERLAP_SECONDS = 0.1
"""A decoded word that begins this much before the last settled one ended is new."""
LONGEST_OVERLAP_WORDS = 5


class LocalAgreement:
    """The words of one segment: those settled, and the last run's others."""

    def __init__(self) -> None:
        self.stable: tuple[WordTime, ...] = ()
        self.tentative: tuple[WordTime, ...] = ()

    def update(self, words: tuple[WordTime, ...]) -> None:
        """Another run over the audio has given ``words`` (times as of all runs)."""
        fresh = self._after_stable(words)
        agreed = 0
        while agreed < min(len(fresh), len(self.tentative)) and _same(fresh[agreed], self.tentative[agreed]):
            agreed += 1
        self.stable += fresh[:agreed]
        self.tentative = fresh[agreed:]

    def finish(self, words: tuple[WordTime, ...]) -> tuple[WordTime, ...]:
        """The last run: all words of the segment."""
        self.stable += self._after_stable(words)
        self.tentative = ()
        return self.stable

    def prompt(self, longest_characters: int = 200) -> str:
        """The end of what is settled, for the decoder to go on from."""
        return join_words(self.stable)[-longest_characters:]

    def _after_stable(self, words: tuple[WordTime, ...]) -> tuple[WordTime, ...]:
        if not self.stable:
            return words
        end = self.stable[-1].end_seconds - OVERLAP_SECONDS
        fresh = tuple(word for word in words if word.start_seconds >= end)
        return fresh[self._overlap(fresh) :]

    def _overlap(self, fresh: tuple[WordTime, ...]) -> int:
        """How many first words of ``fresh`` only repeat the last settled ones."""
        for count in range(min(LONGEST_OVERLAP_WORDS, len(fresh), len(self.stable)), 0, -1):
            pairs = zip(self.stable[-count:], fresh[:count], strict=True)
            if all(_same(old, new) for old, new in pairs) and fresh[0].start_seconds < self.stable[-1].end_seconds:
                return count
        return 0


def _same(first: WordTime, second: WordTime) -> bool:
    return first.text.strip(".,!?;:").casefold() == second.text.strip(".,!?;:").casefold()
