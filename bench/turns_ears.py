"""A simulated recogniser that knows when which word is said, whatever segments voice detection makes of it.

``audio.asr.simulated`` takes its script segment by segment; a scene with pauses and coughs does not know beforehand how
many there will be. Delays are as in the common work (``bench.duel_scenes``). Works in real and in virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from audio.asr.recognizer import Hypothesis
from bench.duel_scenes import FINAL_LAG_SECONDS, PARTIAL_LAG_SECONDS, PARTIAL_SECONDS
from bench.turns_script import Heard
from scheduler.errors import RecognizerError
from scheduler.pcm import Pcm, WordTime

TENTATIVE_WORDS = 2
SLACK_SECONDS = 0.02
"""A word that ends so much after the audio has ended with it."""


@dataclass(slots=True)
class Timeline:
    """All that is said in a call: words in audio time."""

    words: list[Heard] = field(default_factory=list)

    def add(self, words: Sequence[Heard], at_seconds: float) -> None:
        for heard in words:
            self.words.append(replace(heard, word=_shifted(heard.word, at_seconds)))
        self.words.sort(key=lambda heard: heard.word.start_seconds)

    def between(self, start_seconds: float, end_seconds: float) -> list[Heard]:
        """Words of which more than half is there, and that have ended. What is said drowns the echo that comes with it."""
        inside = [
            heard
            for heard in self.words
            if heard.word.start_seconds + heard.word.end_seconds >= 2 * start_seconds
            and heard.word.end_seconds <= end_seconds + SLACK_SECONDS
        ]
        return [heard for heard in inside if not (heard.by_sound and self._drowned(heard.word))]

    def _drowned(self, word: WordTime) -> bool:
        return any(
            not other.by_sound
            and other.word.start_seconds < word.end_seconds
            and word.start_seconds < other.word.end_seconds
            for other in self.words
        )


def _shifted(word: WordTime, by_seconds: float) -> WordTime:
    return replace(word, start_seconds=word.start_seconds + by_seconds, end_seconds=word.end_seconds + by_seconds)


@dataclass(slots=True)
class _Segment:
    """``position_seconds``: audio time up to which it was heard. ``settled``: words that are told as certain."""

    number: int
    start_seconds: float
    position_seconds: float
    next_partial_seconds: float
    clock_offset: float = float("inf")
    """Loop time less audio time, where audio arrived with the least delay."""
    settled: int = 0
    settling_at: float | None = None
    over: bool = False


class TimelineStream:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._told: asyncio.Queue[Hypothesis | None] = asyncio.Queue()
        self._segment: _Segment | None = None

    async def begin(self, segment: int, start_seconds: float) -> None:
        self._segment = _Segment(segment, start_seconds, start_seconds, start_seconds + PARTIAL_SECONDS)

    async def feed(self, pcm: Pcm) -> None:
        segment = self._segment
        if segment is None:
            raise RecognizerError("audio came outside of a segment")
        loop = asyncio.get_running_loop()
        segment.position_seconds += pcm.duration_seconds
        segment.clock_offset = min(segment.clock_offset, loop.time() - segment.position_seconds)
        while segment.next_partial_seconds <= segment.position_seconds:
            at = segment.clock_offset + segment.next_partial_seconds + PARTIAL_LAG_SECONDS
            loop.call_at(at, self._tell_partial, segment, segment.next_partial_seconds)
            segment.next_partial_seconds += PARTIAL_SECONDS
        self._plan_to_settle(segment, loop)

    def _plan_to_settle(self, segment: _Segment, loop: asyncio.AbstractEventLoop) -> None:
        """When nothing is said after the last word, all of them are certain after the lag."""
        words = self._timeline.between(segment.start_seconds, segment.position_seconds)
        if not words or len(words) <= segment.settled:
            return
        end = words[-1].word.end_seconds
        goes_on = any(
            end - SLACK_SECONDS <= each.word.start_seconds < end + SLACK_SECONDS for each in self._timeline.words
        )
        if goes_on or segment.settling_at == end:
            return
        segment.settling_at = end
        loop.call_at(segment.clock_offset + end + FINAL_LAG_SECONDS, self._settle, segment, end)

    async def finish(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            raise RecognizerError("no segment is open")
        loop = asyncio.get_running_loop()
        words = self._timeline.between(segment.start_seconds, segment.position_seconds)
        end = words[-1].word.end_seconds if words else segment.position_seconds
        at = max(loop.time(), segment.clock_offset + end + FINAL_LAG_SECONDS)
        loop.call_at(at, self._tell_final, segment)

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (hypothesis := await self._told.get()) is not None:
            yield hypothesis

    async def close(self) -> None:
        self._told.put_nowait(None)

    # --- what is told ---

    def _tell_partial(self, segment: _Segment, until_seconds: float) -> None:
        words = self._timeline.between(segment.start_seconds, until_seconds)
        if segment.over or len(words) <= segment.settled:
            return
        certain = max(segment.settled, len(words) - TENTATIVE_WORDS)
        segment.settled = certain
        tentative = tuple(_first_heard(heard) for heard in words[certain:])
        self._told.put_nowait(Hypothesis(segment.number, _certain(words[:certain]), tentative, is_final=False))

    def _settle(self, segment: _Segment, until_seconds: float) -> None:
        words = self._timeline.between(segment.start_seconds, until_seconds)
        if not segment.over and len(words) > segment.settled:
            segment.settled = len(words)
            self._told.put_nowait(Hypothesis(segment.number, _certain(words), (), is_final=False))

    def _tell_final(self, segment: _Segment) -> None:
        segment.over = True
        words = self._timeline.between(segment.start_seconds, segment.position_seconds)
        self._told.put_nowait(Hypothesis(segment.number, _certain(words), (), is_final=True))


def _certain(words: Sequence[Heard]) -> tuple[WordTime, ...]:
    return tuple(heard.word for heard in words)


def _first_heard(heard: Heard) -> WordTime:
    return replace(heard.word, text=heard.misheard, confidence=0.4) if heard.misheard else heard.word


class TimelineRecognizer:
    """Hears what stands in ``timeline``, of one session."""

    name = "simulated:timeline"
    simulated = True

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def knows_language(self, language: str) -> bool:
        return True

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def open(self, *, language: str | None = None) -> TimelineStream:
        return TimelineStream(self._timeline)

    async def close(self) -> None:
        """Nothing is held."""
