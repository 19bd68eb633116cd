"""A simulated recogniser: it knows beforehand what will be said. For tests and benches, and labelled so.

Its delays are timers on the loop, so it runs in virtual time too. They count from when the audio sounded, not from
when it was fed: audio that comes in blocks arrives up to a block late, and the block that waited least tells how the
clock and the audio stand to one another.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from audio.asr.recognizer import Hypothesis
from audio.loudness import loud_span_seconds
from scheduler.errors import RecognizerError
from scheduler.pcm import Pcm, WordTime

DEFAULT_SCRIPT = ("hello there", "what time is it", "tell me a story about the sea", "thank you")


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """``final_lag_seconds``: from the true end of voice in the audio until all words are stable.
    ``revision_probability``: of a partial's last word being heard wrong at first (pocketsphinx rewrites earlier words
    in 20 % of its updates). ``words_per_second``: used for partials of plain text; the final spreads the words over
    the voice evenly. ``voice_gate_dbfs``: what is louder is voice."""

    partial_seconds: float = 0.2
    partial_lag_seconds: float = 0.15
    final_lag_seconds: float = 0.15
    words_per_second: float = 3.0
    revision_probability: float = 0.0
    tentative_words: int = 2
    voice_gate_dbfs: float = -45.0
    seed: int = 0


EAGER = SimulatedSettings(final_lag_seconds=0.1)
"""An eager recogniser, as in the common work of the benches."""

Utterance = str | tuple[WordTime, ...]
"""Plain text, or words with times from the first voice in the segment."""


WORD_SLACK_SECONDS = 0.05
"""A word that ends this much after the voice around it, by the script, has ended with it."""
ONSET_SLACK_SECONDS = 0.005
"""Voice begins softly: its onset may be found this late, and all words with it."""
FOREVER = float("inf")


@dataclass(slots=True)
class _Segment:
    """One segment. All times are seconds from its start, but ``clock_offset``."""

    number: int
    start_seconds: float
    utterance: Utterance
    settings: SimulatedSettings
    next_partial_seconds: float
    fed_seconds: float = 0.0
    onset_seconds: float | None = None
    voice_end_seconds: float = 0.0
    clock_offset: float = float("inf")
    """Loop time less time in the segment, where audio arrived with the least delay."""
    settled_seconds: float = 0.0
    """End of the voice whose words have all been told."""
    told: tuple[WordTime, ...] = ()
    """Stable words: they stay as they are."""
    final_told: bool = False

    @property
    def settles_at(self) -> float | None:
        """When voice will have been over for so long that its words are all known; ``None``: they are told."""
        if self.voice_end_seconds <= self.settled_seconds:
            return None
        return self.clock_offset + self.voice_end_seconds + self.settings.final_lag_seconds

    def known(self, until_seconds: float) -> tuple[WordTime, ...]:
        """The words that have ended by then."""
        onset = self.onset_seconds or 0.0
        if isinstance(self.utterance, str):
            words = _spread(self.utterance.split(), onset, 1.0 / self.settings.words_per_second)
        else:
            words = _shifted(self.utterance, onset)
        ended = tuple(word for word in words if word.end_seconds <= until_seconds + ONSET_SLACK_SECONDS)
        return self.told + ended[len(self.told) :]

    def settled(self, end_seconds: float) -> tuple[WordTime, ...]:
        """All words of voice that has ended: of plain text all there are, those not told yet spread up to the end."""
        if not isinstance(self.utterance, str):
            return self.known(end_seconds + WORD_SLACK_SECONDS)
        texts = self.utterance.split()[len(self.told) :]
        begin = self.told[-1].end_seconds if self.told else (self.onset_seconds or 0.0)
        step = max(0.0, end_seconds - begin) / len(texts) if texts else 0.0
        return self.told + _spread(texts, begin, step)


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    at: float
    count: int
    segment: _Segment = field(compare=False)
    until_seconds: float = field(compare=False)
    is_final: bool = field(compare=False)


class SimulatedStream:
    def __init__(self, script: Sequence[Utterance], settings: SimulatedSettings, seed: int) -> None:
        self._script = script
        self._settings = settings
        self._random = random.Random(seed)
        self._due: list[_Due] = []
        self._changed = asyncio.Event()
        self._closed = False
        self._count = 0
        self._spoken = 0
        self._segment: _Segment | None = None
        self._reader_wakes_at: float | None = None

    async def begin(self, segment: int, start_seconds: float) -> None:
        utterance = self._script[self._spoken % len(self._script)] if self._script else ""
        self._segment = _Segment(segment, start_seconds, utterance, self._settings, self._settings.partial_seconds)

    async def feed(self, pcm: Pcm) -> None:
        if self._segment is None:
            raise RecognizerError("audio came outside of a segment")
        segment = self._segment
        self._listen(segment, pcm)
        segment.fed_seconds += pcm.duration_seconds
        offset = asyncio.get_running_loop().time() - segment.fed_seconds
        segment.clock_offset = min(segment.clock_offset, offset)
        while segment.fed_seconds >= segment.next_partial_seconds - 1e-9:
            self._plan_partial(segment, segment.next_partial_seconds)
            segment.next_partial_seconds += self._settings.partial_seconds
        self._wake_reader()

    def _listen(self, segment: _Segment, pcm: Pcm) -> None:
        span = loud_span_seconds(pcm, self._settings.voice_gate_dbfs)
        if span is None:
            return
        if segment.onset_seconds is None:
            segment.onset_seconds = segment.fed_seconds + span[0]
        segment.voice_end_seconds = segment.fed_seconds + span[1]

    async def finish(self) -> None:
        """The final: at once, or when all words of the last voice are known; without any voice, after the lag."""
        if self._segment is None:
            raise RecognizerError("no segment is open")
        segment, self._segment = self._segment, None
        now = asyncio.get_running_loop().time()
        if segment.onset_seconds is None:
            self._schedule(now + self._settings.final_lag_seconds, segment, segment.fed_seconds, is_final=True)
        else:
            self._schedule(max(now, segment.settles_at or now), segment, segment.voice_end_seconds, is_final=True)
        self._spoken += 1
        self._wake_reader()

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        loop = asyncio.get_running_loop()
        while not self._closed:
            hypothesis = self._next_due(loop.time())
            if hypothesis is not None:
                yield hypothesis
                continue
            self._changed.clear()
            self._reader_wakes_at = self._next_at()
            try:
                async with asyncio.timeout_at(self._reader_wakes_at):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        self._closed = True
        self._changed.set()

    # --- what is due ---

    def _wake_reader(self) -> None:
        """If something is due earlier than it knows. While voice goes on, its end only moves on."""
        due_at = self._next_at()
        if due_at is not None and (self._reader_wakes_at is None or due_at < self._reader_wakes_at):
            self._changed.set()

    def _next_at(self) -> float | None:
        settles_at = self._segment.settles_at if self._segment is not None else None
        times = [at for at in (settles_at, self._due[0].at if self._due else None) if at is not None]
        return min(times, default=None)

    def _next_due(self, now: float) -> Hypothesis | None:
        while (at := self._next_at()) is not None and at <= now:
            hypothesis = self._take_due(at)
            if hypothesis is not None:
                return hypothesis
        return None

    def _take_due(self, at: float) -> Hypothesis | None:
        if self._segment is not None and self._segment.settles_at == at:
            return self._settle(self._segment)
        due = heapq.heappop(self._due)
        return self._final(due) if due.is_final else self._partial(due)

    def _settle(self, segment: _Segment) -> Hypothesis | None:
        """Voice is over, it may be for good: all its words, none in doubt."""
        segment.settled_seconds = segment.voice_end_seconds
        before, segment.told = segment.told, segment.settled(segment.voice_end_seconds)
        return self._hypothesis(segment, segment.told) if segment.told != before else None

    def _final(self, due: _Due) -> Hypothesis:
        segment = due.segment
        segment.final_told = True
        words = segment.settled(due.until_seconds) if isinstance(segment.utterance, str) else segment.known(FOREVER)
        return self._hypothesis(segment, words, is_final=True)

    def _partial(self, due: _Due) -> Hypothesis | None:
        segment = due.segment
        if segment.final_told or segment.voice_end_seconds <= segment.settled_seconds:
            return None  # there was no voice yet, or all its words are told
        words = segment.known(min(due.until_seconds, segment.voice_end_seconds))
        split = max(len(segment.told), len(words) - self._settings.tentative_words)
        segment.told, tentative = words[:split], words[split:]
        if not words:
            return None
        if tentative and self._random.random() < self._settings.revision_probability:
            tentative = (*tentative[:-1], _misheard(tentative[-1]))
        return self._hypothesis(segment, segment.told, tentative)

    def _hypothesis(
        self,
        segment: _Segment,
        stable: tuple[WordTime, ...],
        tentative: tuple[WordTime, ...] = (),
        *,
        is_final: bool = False,
    ) -> Hypothesis:
        start = segment.start_seconds
        return Hypothesis(segment.number, _shifted(stable, start), _shifted(tentative, start), is_final)

    def _plan_partial(self, segment: _Segment, at_seconds: float) -> None:
        due_at = segment.clock_offset + at_seconds + self._settings.partial_lag_seconds
        self._schedule(due_at, segment, at_seconds, is_final=False)

    def _schedule(self, at: float, segment: _Segment, until_seconds: float, *, is_final: bool) -> None:
        self._count += 1
        heapq.heappush(self._due, _Due(at, self._count, segment, until_seconds, is_final))


class SimulatedRecognizer:
    """``script``: what is said, one utterance per segment, over and over; each stream begins at the first."""

    def __init__(self, script: Sequence[Utterance] = DEFAULT_SCRIPT, settings: SimulatedSettings | None = None) -> None:
        self._script = script
        self._settings = settings or SimulatedSettings()
        self._streams = 0

    @property
    def name(self) -> str:
        return "simulated:eager" if self._settings == EAGER else "simulated"

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


def _spread(texts: Sequence[str], begin_seconds: float, step_seconds: float) -> tuple[WordTime, ...]:
    return tuple(
        WordTime(text, begin_seconds + index * step_seconds, begin_seconds + (index + 1) * step_seconds, 0.9)
        for index, text in enumerate(texts)
    )


def _shifted(words: tuple[WordTime, ...], by_seconds: float) -> tuple[WordTime, ...]:
    return tuple(
        replace(word, start_seconds=word.start_seconds + by_seconds, end_seconds=word.end_seconds + by_seconds)
        for word in words
    )


def _misheard(word: WordTime) -> WordTime:
    """As if its end had not been heard."""
    return WordTime(word.text[: max(1, len(word.text) // 2)], word.start_seconds, word.end_seconds, 0.3)
