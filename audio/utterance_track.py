"""Pure: one utterance on its way to the caller: what has been rendered, what has left, what was heard.

Positions are samples at the transport's rate, counted from the utterance's beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.gain import FADE_OUT_SECONDS, GainRamp, fade_out, fade_part
from scheduler.pcm import WordTime
from scheduler.words import space_between

HEARD_TOLERANCE_SECONDS = 0.01
"""A word is heard when its end has been played; word times are no more exact than this."""


@dataclass(slots=True)
class _Sentence:
    index: int
    start_sample: int
    first_word: int
    """Number of the sentence's first word in the utterance."""
    end_sample: int | None = None
    """``None`` while it is being rendered."""
    last_word: int = 0
    """One past the number of its last word; known when it has ended."""
    spaced: bool = False
    """Its first word was given the white space between it and what stood before."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What leaves at once. ``words``: those that start in it, times from the utterance's start."""

    samples: NDArray[np.int16]
    words: tuple[WordTime, ...]


class WordTable:
    """The words of an utterance in the order in which they sound, and the text up to any of them."""

    def __init__(self) -> None:
        self._words: list[WordTime] = []
        self._starts: list[float] = []
        self._ends: list[float] = []

    def __len__(self) -> int:
        return len(self._words)

    def append(self, word: WordTime) -> None:
        """Times that run backwards are pulled to where the last word ended."""
        start = max(word.start_seconds, self._starts[-1] if self._starts else 0.0)
        end = max(word.end_seconds, start, self._ends[-1] if self._ends else 0.0)
        self._words.append(WordTime(word.text, start, end, word.confidence))
        self._starts.append(start)
        self._ends.append(end)

    def take_out(self, first: int, last: int, moved_seconds: float) -> None:
        """Words ``first`` up to ``last`` will not sound, and those behind them so much earlier."""
        del self._words[first:last], self._starts[first:last], self._ends[first:last]
        later = self._words[first:]
        del self._words[first:], self._starts[first:], self._ends[first:]
        for word in later:
            start, end = max(0.0, word.start_seconds - moved_seconds), max(0.0, word.end_seconds - moved_seconds)
            self.append(WordTime(word.text, start, end, word.confidence))

    def reword(self, number: int, text: str) -> None:
        """Give a word another text."""
        word = self._words[number]
        self._words[number] = WordTime(text, word.start_seconds, word.end_seconds, word.confidence)

    def count_heard(self, seconds: float) -> int:
        """How many words have been played to their end when ``seconds`` have been played."""
        if seconds <= 0:
            return 0
        return bisect_right(self._ends, seconds + HEARD_TOLERANCE_SECONDS)

    def count_started(self, seconds: float) -> int:
        """How many words begin before ``seconds``."""
        return bisect_right(self._starts, seconds - 1e-9)

    def text(self, count: int) -> str:
        return "".join(word.text for word in self._words[:count])

    def slice(self, first: int, last: int) -> tuple[WordTime, ...]:
        return tuple(self._words[first:last])

    def end_of(self, number: int) -> float | None:
        return self._ends[number] if number < len(self._ends) else None

    def next_end(self, seconds: float) -> float | None:
        """The first end of a word after ``seconds``."""
        return self.end_of(bisect_right(self._ends, seconds))


class UtteranceTrack:
    """Takes rendered sentences in, gives blocks out, and knows what a position means in words.

    A cut, once set, only moves forward in time towards the present: nothing behind it is ever given out.
    """

    def __init__(self, utterance_id: str, sample_rate_hz: int) -> None:
        self.utterance_id = utterance_id
        self.sample_rate_hz = sample_rate_hz
        self.words = WordTable()
        self.gain = GainRamp(sample_rate_hz)
        self.finished = False
        """No more sentences come."""
        self.rendered_samples = 0
        self.sent_samples = 0
        self.cut_sample: int | None = None
        self._fade_samples = round(FADE_OUT_SECONDS * sample_rate_hz)
        self.pause_sample: int | None = None
        """Where it is to wait; nothing behind is given out."""
        self._cut_fade_samples = 0
        """The fade before the cut; shorter where less is left to send."""
        self._waiting: deque[NDArray[np.int16]] = deque()
        self._sentences: list[_Sentence] = []
        self._words_sent = 0
        self._skips: set[int] = set()
        """Sentences that are to give way to the next one as soon as there is one."""

    # --- what comes in ----------------------------------------------------------------------------

    def add(self, index: int, samples: NDArray[np.int16], words: tuple[WordTime, ...]) -> None:
        """Rendered audio of sentence ``index``; ``words`` with times from the sentence's start."""
        sentence = self._sentence(index)
        offset_seconds = sentence.start_sample / self.sample_rate_hz
        for word in words:
            text = word.text
            if len(self.words) == sentence.first_word and self._needs_space(len(self.words), text):
                text = " " + text
                sentence.spaced = True
            self.words.append(
                WordTime(text, word.start_seconds + offset_seconds, word.end_seconds + offset_seconds, word.confidence)
            )
        if len(samples):
            self._waiting.append(samples)
            self.rendered_samples += len(samples)
            for skipped in sorted(self._skips):
                self.skip(skipped)

    def _sentence(self, index: int) -> _Sentence:
        if not self._sentences or self._sentences[-1].index != index:
            if self._sentences and self._sentences[-1].end_sample is None:
                self.end_sentence(self._sentences[-1].index)
            self._sentences.append(_Sentence(index, self.rendered_samples, len(self.words)))
        return self._sentences[-1]

    def _needs_space(self, number: int, text: str) -> bool:
        """Sentences come without the white space that stood between them."""
        return number > 0 and space_between(self.words.slice(number - 1, number)[0].text, text) != ""

    def end_sentence(self, index: int) -> None:
        sentence = self._sentence(index)
        sentence.end_sample = self.rendered_samples
        sentence.last_word = len(self.words)

    # --- what goes out ----------------------------------------------------------------------------

    @property
    def buffered_samples(self) -> int:
        """Rendered, and not yet taken."""
        return self.rendered_samples - self.sent_samples if self.cut_sample is None else self._until_cut()

    def _until_cut(self) -> int:
        assert self.cut_sample is not None
        return max(0, min(self.cut_sample, self.rendered_samples) - self.sent_samples)

    @property
    def sendable_samples(self) -> int:
        """Of what is rendered, what may go out now."""
        if self.pause_sample is None:
            return self.buffered_samples
        return max(0, min(self.buffered_samples, self.pause_sample - self.sent_samples))

    @property
    def wholly_sent(self) -> bool:
        return self.finished and self.cut_sample is None and self.sent_samples == self.rendered_samples

    @property
    def sent_seconds(self) -> float:
        return self.sent_samples / self.sample_rate_hz

    def take(self, max_samples: int) -> Block | None:
        """The next block at its level, at most ``max_samples`` long; ``None`` when nothing may go out now."""
        count = min(max_samples, self.sendable_samples)
        if count <= 0:
            return None
        samples = self.gain.process(self._pop(count))
        self.sent_samples += count
        if self.cut_sample is not None:
            end = min(self.cut_sample, self.rendered_samples)
            samples = fade_part(samples, end - self.sent_samples, self._cut_fade_samples)
        elif self.pause_sample is not None:
            samples = fade_part(samples, self.pause_sample - self.sent_samples, self._fade_samples)
        return Block(samples, self._words_that_start())

    def _pop(self, count: int) -> NDArray[np.int16]:
        taken: list[NDArray[np.int16]] = []
        while count > 0:
            head = self._waiting.popleft()
            if len(head) > count:
                self._waiting.appendleft(head[count:])
                head = head[:count]
            taken.append(head)
            count -= len(head)
        return taken[0] if len(taken) == 1 else np.concatenate(taken)

    def _words_that_start(self) -> tuple[WordTime, ...]:
        if self.finished and self.sent_samples == self.rendered_samples:
            last = len(self.words)
        else:
            last = self.words.count_started(self.sent_seconds)
        words = self.words.slice(self._words_sent, last)
        self._words_sent = max(self._words_sent, last)
        return words

    # --- pausing ---------------------------------------------------------------------------------

    def pause(self) -> None:
        """Wait behind what has left, and a fade; before the first sample, at once."""
        if self.pause_sample is None:
            self.pause_sample = self.sent_samples + (self._fade_samples if self.sent_samples else 0)

    def go_on(self) -> None:
        """From where it waits, or was to wait."""
        if self.pause_sample is not None and self.sent_samples:
            self.gain.restart()
        self.pause_sample = None

    # --- skipping ---------------------------------------------------------------------------------

    def skip(self, index: int) -> None:
        """End sentence ``index`` at the next end of a word behind what has left; the next sentence follows there.

        One that is through, or being cut off, is left as it is. While it is not rendered to its end, the wish is kept.
        What has left stays, so nobody who plays it need be told.
        """
        number = next((at for at, each in enumerate(self._sentences) if each.index == index), None)
        self._skips.discard(index)
        if self.cut_sample is not None:
            return
        if number is None:
            if not self._sentences or self._sentences[-1].index < index:
                self._skips.add(index)
            return
        end = self._sentences[number].end_sample
        if end is None:
            self._skips.add(index)
        elif end > self.sent_samples:
            self._shorten(number, end)

    def _shorten(self, number: int, end: int) -> None:
        sentence = self._sentences[number]
        kept = max(self._words_sent, self.words.count_heard(self.sent_seconds))
        kept = min(max(kept, sentence.first_word), sentence.last_word)
        cut = min(end, self._end_for(sentence, kept))
        if cut == end:
            return
        self.words.take_out(kept, sentence.last_word, (end - cut) / self.sample_rate_hz)
        self._take_out(cut, end, fade_from=max(self.sent_samples, sentence.start_sample))
        dropped = sentence.last_word - kept
        sentence.end_sample, sentence.last_word = cut, kept
        for later in self._sentences[number + 1 :]:
            _move(later, end - cut, dropped)
        self._space_anew(number + 1)

    def _end_for(self, sentence: _Sentence, kept: int) -> int:
        """Where a sentence of which only the words before number ``kept`` sound may end."""
        earliest = sentence.start_sample
        if self.sent_samples > sentence.start_sample:
            earliest = self.sent_samples + self._fade_samples
        if kept == sentence.first_word:
            return earliest
        return max(earliest, round((self.words.end_of(kept - 1) or 0.0) * self.sample_rate_hz))

    def _take_out(self, first: int, last: int, *, fade_from: int) -> None:
        """Remove what waits between two positions; what stands before is faded out, but not before ``fade_from``."""
        waiting = np.concatenate(list(self._waiting))
        before, behind = waiting[: first - self.sent_samples], waiting[last - self.sent_samples :]
        whole = max(0, fade_from - self.sent_samples)
        faded = fade_out(before[whole:], self._fade_samples)
        self._waiting = deque(part for part in (before[:whole], faded, behind) if len(part))
        self.rendered_samples -= last - first

    def _space_anew(self, number: int) -> None:
        """The first word behind a skipped sentence stands behind another word now, or behind none."""
        later = next((each for each in self._sentences[number:] if len(self.words) > each.first_word), None)
        if later is None or not later.spaced:
            return
        text = self.words.slice(later.first_word, later.first_word + 1)[0].text.removeprefix(" ")
        later.spaced = self._needs_space(later.first_word, text)
        self.words.reword(later.first_word, " " + text if later.spaced else text)

    # --- cutting off ------------------------------------------------------------------------------

    def cut_at_word(self, position: int, within_samples: int, *, flushes: bool) -> int:
        """Set the cut: the next end of a word within ``within_samples`` of the ``position`` heard, else at once.

        ``flushes``: the client throws away what it has not played, so a cut may lie within what has left
        already, and at once means at ``position``. Otherwise what has left will sound, and the cut lies
        behind it by at least one fade. An earlier cut is kept. Returns the cut.
        """
        earliest = position if flushes else self.sent_samples + self._fade_samples
        if self.pause_sample is not None:
            earliest, within_samples = max(self.pause_sample, self.sent_samples), 0
        cut = self._word_end(earliest, position + within_samples) if within_samples > 0 else None
        if cut is None:
            cut = earliest
        if self.cut_sample is not None and cut >= self.cut_sample:
            return self.cut_sample
        self.cut_sample = min(cut, self.rendered_samples)
        self._drop_behind_cut()
        self._cut_fade_samples = min(self._fade_samples, self._until_cut())
        return self.cut_sample

    def _word_end(self, earliest: int, latest: int) -> int | None:
        end_seconds = self.words.next_end(earliest / self.sample_rate_hz - 1e-9)
        if end_seconds is None:
            return None
        end = round(end_seconds * self.sample_rate_hz)
        return end if end <= min(latest, self.rendered_samples) else None

    def _drop_behind_cut(self) -> None:
        left = self._until_cut()
        kept: deque[NDArray[np.int16]] = deque()
        while left > 0:
            head = self._waiting.popleft()[:left]
            kept.append(head)
            left -= len(head)
        self._waiting = kept

    # --- what was heard ---------------------------------------------------------------------------

    def heard_text(self, position: int) -> str:
        return self.words.text(self.words.count_heard(position / self.sample_rate_hz))

    def unheard_index(self, position: int) -> int | None:
        """Index of the first sentence that was not heard to its end, ``None`` when all were and no more come.

        A sentence has been heard when its last word has, or, without words, all its audio.
        """
        heard = self.words.count_heard(position / self.sample_rate_hz)
        for sentence in self._sentences:
            if sentence.end_sample is None:
                return sentence.index
            worded = sentence.last_word > sentence.first_word
            complete = heard >= sentence.last_word if worded else position >= sentence.end_sample
            if not complete:
                return sentence.index
        if self.finished:
            return None
        return self._sentences[-1].index + 1 if self._sentences else 0


def _move(sentence: _Sentence, samples: int, words: int) -> None:
    """The sentence begins so much earlier, with so many fewer words before it."""
    sentence.start_sample -= samples
    sentence.first_word -= words
    if sentence.end_sample is not None:
        sentence.end_sample -= samples
        sentence.last_word -= words
