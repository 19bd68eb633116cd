"""Pure: what went wrong in a scene of ``bench.turns``, and what was measured in it. Works on facts alone: commands, and
the audio that the caller heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise
from math import inf
from typing import assert_never

import numpy as np

from audio.loopback import PlayedBlock
from audio.loudness import loud_span_seconds
from bench.turns_call import LOUD_DBFS, Facts, Said
from bench.turns_script import ANSWERED, OVER_AGENT, Must
from scheduler.commands import (
    AmendTurn,
    CommitTurn,
    PromoteThinking,
    Purpose,
    RecordHeard,
    Speak,
    SpeakSource,
    StopSpeaking,
    Think,
)
from scheduler.events import PlayoutEnded
from scheduler.words import bare_words, join_texts

SLACK_SECONDS = 0.03
"""A block of the caller's audio, and rounding."""
DUCKED_PEAK_SHARE = 10 ** (-7 / 20)
"""The simulated voice is a tone of constant level: 7 dB below its peak it is ducked."""
DEEP_PEAK_SHARE = 10 ** (-15 / 20)
LONGEST_WORD_GAP_SECONDS = 0.1
"""What is sent has no gap at all; a longer one is heard as hesitating."""
WINDOW_SECONDS = 0.01
HEARD_TOLERANCE_SECONDS = 0.011
LONGEST_FILLED_SILENCE_SECONDS = 5.0
FIRST_FILLER_SECONDS = 0.6
"""After the verdict (mark 8)."""
DISMISSIBLE = frozenset(
    [
        "please",
        "thanks",
        "thank",
        "you",
        "very",
        "much",
        "know",
        "um",
        "uh",
        "er",
        "hm",
        "mm",
        "well",
        "so",
        "i",
        "mean",
        "oh",
    ]
)
"""What may be missing from the words that a draft answers. The judge has its own list: it does not trust the rule."""
COURTESY_PHRASES = ("thanks a lot",)


class Fault(StrEnum):
    TOO_EARLY = "taken over too early"
    TOO_LATE = "taken over too late"
    UNANSWERED = "not answered"
    UNASKED = "answered, though nothing was to be answered"
    WRONG_ANSWER = "wrong answer: to words taken back or not said"
    WRONGLY_STOPPED = "wrongly stopped"
    NOT_RESUMED = "stopped and not taken up again"
    WRONGLY_GOING_ON = "wrongly going on"
    HISTORY = "history wrong"
    FILLER = "filler wrong"


@dataclass(frozen=True, slots=True)
class Found:
    """``at``: loop time, as in the facts."""

    fault: Fault
    at: float
    what: str


@dataclass(slots=True)
class Measures:
    """Seconds; see ``docs/performance.md``. Figures of one scene, or of many added up."""

    pauses: int = 0
    taken_over: int = 0
    """Pauses inside turns in which the agent began to sound."""
    rejoined_unheard: int = 0
    """Pauses inside turns in which the turn was committed, and the caller went on before anything had sounded."""
    commit_gaps: list[float] = field(default_factory=list)
    """From the last word to the commit of the turn."""
    sound_gaps: list[float] = field(default_factory=list)
    """From the last word to the first sound of the agent."""
    over: int = 0
    """Sounds over the agent that were not to stop it."""
    survived: int = 0
    hesitated: int = 0
    """Of these: the agent paused, and went on at the very word."""
    stopped_falsely: int = 0
    resumed: int = 0
    ducked: list[float] = field(default_factory=list)
    """From the onset of a sound over the agent."""
    ducked_deep: list[float] = field(default_factory=list)
    silenced: list[float] = field(default_factory=list)
    history_words: int = 0
    history_equal: int = 0
    drafts_promoted: int = 0
    drafts_contradicting: int = 0

    def add(self, other: Measures) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Voice:
    """An utterance of the agent as the caller heard it: when it was first and last loud."""

    utterance_id: str
    begin: float
    end: float


@dataclass(slots=True)
class Judge:
    """``exact_words``: the recogniser is a simulated one, so the words of the history must be those that were said."""

    facts: Facts
    exact_words: bool = True
    found: list[Found] = field(default_factory=list)
    measures: Measures = field(default_factory=Measures)
    voices: list[Voice] = field(default_factory=list)

    def run(self) -> Judge:
        self.voices = voices_of(self.facts.blocks)
        for number, said in enumerate(self.facts.said):
            later = self.facts.said[number + 1 :]
            self._judge_said(said, until=later[0].began_at if later else inf)
        self._judge_drafts()
        self._judge_history()
        return self

    def _fault(self, fault: Fault, at: float, what: str) -> None:
        self.found.append(Found(fault, at, what))

    # --- one thing that was said ----------------------------------------------------------------------

    def _judge_said(self, said: Said, until: float) -> None:
        must = said.say.must
        sounding = self._sounding_at(said.began_at)
        if must in OVER_AGENT and sounding is None:
            self._fault(Fault.UNANSWERED, said.began_at, "the agent did not speak, so nobody could speak over it")
            return
        match must:
            case Must.GO_ON | Must.RESUME:
                assert sounding is not None
                self._judge_survival(said, sounding, until)
            case Must.STOP | Must.TURN:
                assert sounding is not None
                self._judge_yielding(said, sounding)
            case Must.JOIN:
                self._judge_joining(said, sounding)
            case Must.NOTHING:
                self._judge_silence(said, until)
            case Must.ANSWER | Must.EITHER:
                pass
            case _:
                assert_never(must)
        if must is Must.STOP:
            self._judge_silence(said, until, after=sounding.end if sounding else 0.0)
        if must in ANSWERED:
            self._judge_answer(said, sounding, until)

    def _sounding_at(self, at: float) -> Voice | None:
        """What sounds then, or pauses between two words."""
        return next((voice for voice in reversed(self.voices) if voice.begin <= at <= voice.end + 0.1), None)

    def _begun(self, begin: float, end: float) -> list[Voice]:
        return [voice for voice in self.voices if begin < voice.begin < end]

    def _judge_survival(self, said: Said, sounding: Voice, until: float) -> None:
        self._measure_ducking(said, sounding)
        stopped = self._stopped(sounding, said.began_at, min(until, said.ended_at + 3.0))
        if said.say.must is Must.GO_ON:
            self.measures.over += 1
            self.measures.survived += not stopped
            self.measures.hesitated += not stopped and self._hesitated(said, sounding)
            if stopped:
                self._fault(Fault.WRONGLY_STOPPED, said.began_at, f"by {said.say.script!r}")
        if stopped:
            self.measures.stopped_falsely += 1
            resumed = self._said_to_its_end(sounding, until)
            self.measures.resumed += resumed
            if not resumed:
                self._fault(Fault.NOT_RESUMED, said.began_at, f"after {said.say.script!r}")
        if self._answers_begun(said.began_at, min(until, said.ended_at + 3.0)):
            self._fault(Fault.UNASKED, said.ended_at, f"to {said.say.script!r}")

    def _hesitated(self, said: Said, voice: Voice) -> bool:
        mine = [block for block in self.facts.blocks if block.utterance_id == voice.utterance_id]
        during = [block for block in mine if said.began_at <= block.ends_at <= said.ended_at + 2.0]
        gaps = (after.starts_at - before.ends_at for before, after in pairwise(during))
        return max(gaps, default=0.0) > LONGEST_WORD_GAP_SECONDS

    def _stopped(self, voice: Voice, begin: float, end: float) -> bool:
        return any(
            isinstance(each, StopSpeaking) and each.utterance_id == voice.utterance_id and begin <= at < end
            for at, each in self.facts.history
        )

    def _said_to_its_end(self, voice: Voice, until: float) -> bool:
        """Or until the next thing the caller does. What is taken up again is a new utterance."""
        resumed = self._begun(voice.end, until)
        ended = {each.utterance_id for _, each in self.facts.history if isinstance(each, PlayoutEnded)}
        return bool(resumed) and (until < inf or resumed[-1].utterance_id in ended)

    def _answers_begun(self, begin: float, end: float) -> int:
        return sum(
            begin <= at < end
            and ((isinstance(each, Think) and each.purpose is Purpose.ANSWER) or isinstance(each, PromoteThinking))
            for at, each in self.facts.history
        )

    def _judge_yielding(self, said: Said, sounding: Voice) -> None:
        self._measure_ducking(said, sounding)
        silent_after = sounding.end - said.began_at
        self.measures.silenced.append(max(0.0, silent_after))
        if silent_after > said.say.silent_within_seconds:
            self._fault(Fault.WRONGLY_GOING_ON, said.began_at, f"for {silent_after:.2f} s over {said.say.script!r}")

    def _measure_ducking(self, said: Said, sounding: Voice) -> None:
        mine = [block for block in self.facts.blocks if block.utterance_id == sounding.utterance_id]
        peak = max(_peak(block) for block in mine)
        for share, into in ((DUCKED_PEAK_SHARE, self.measures.ducked), (DEEP_PEAK_SHARE, self.measures.ducked_deep)):
            at = quiet_from(mine, said.began_at, share * peak)
            if at is not None and at <= said.ended_at + 0.3:
                into.append(at - said.began_at)

    def _judge_joining(self, said: Said, sounding: Voice | None) -> None:
        if sounding is not None:
            silent_after = sounding.end - said.began_at
            if silent_after > said.say.silent_within_seconds:
                self._fault(Fault.WRONGLY_GOING_ON, said.began_at, f"for {silent_after:.2f} s when the turn went on")
        commits = [(at, each) for at, each in self.facts.history if isinstance(each, CommitTurn)]
        before = [each for at, each in commits if at < said.began_at]
        after = [each for at, each in commits if at > said.began_at]
        if before and after and after[0].joins is None and len(before) >= len(self.facts.said[:1]):
            self._fault(Fault.HISTORY, said.began_at, "the turn that went on was not joined")

    def _judge_silence(self, said: Said, until: float, after: float = 0.0) -> None:
        begun = self._begun(max(said.began_at, after), until)
        if begun:
            self._fault(Fault.UNASKED, begun[0].begin, f"after {said.say.script!r}")

    def _judge_answer(self, said: Said, sounding: Voice | None, until: float) -> None:
        early = self._begun(said.began_at, said.words_ended_at - SLACK_SECONDS)
        self.measures.pauses += len(said.pauses)
        self.measures.taken_over += min(len(early), len(said.pauses))
        committed = self._committed(said.began_at, said.words_ended_at - SLACK_SECONDS)
        self.measures.rejoined_unheard += max(0, min(committed, len(said.pauses)) - len(early))
        if early:
            words_left = said.words_ended_at - early[0].begin
            self._fault(Fault.TOO_EARLY, early[0].begin, f"{words_left:.2f} s before the end of {said.say.script!r}")
        answered = self._begun(said.words_ended_at - SLACK_SECONDS, until)
        if not answered:
            self._fault(Fault.UNANSWERED, said.words_ended_at, f"{said.say.script!r}")
            return
        self._measure_gap(said, answered[0])
        self._judge_words(said, [*early, *answered])
        self._judge_fillers(said, answered, until)

    def _committed(self, begin: float, end: float) -> int:
        return sum(isinstance(each, CommitTurn) and begin < at < end for at, each in self.facts.history)

    def _measure_gap(self, said: Said, first: Voice) -> None:
        gap = first.begin - said.words_ended_at
        self.measures.sound_gaps.append(gap)
        committed = [
            at
            for at, each in self.facts.history
            if isinstance(each, CommitTurn) and said.words_ended_at - SLACK_SECONDS < at <= first.begin
        ]
        if committed:
            self.measures.commit_gaps.append(committed[0] - said.words_ended_at)
        if gap > said.say.latest_seconds:
            self._fault(Fault.TOO_LATE, first.begin, f"{gap:.2f} s after {said.say.script!r}")

    def _judge_words(self, said: Said, answered: Sequence[Voice]) -> None:
        heard = " ".join(self._text_of(voice) for voice in answered)
        bare = bare_words(heard)
        if said.say.key and said.say.key.casefold() not in bare:
            self._fault(Fault.WRONG_ANSWER, answered[0].begin, f"{heard!r} does not hold {said.say.key!r}")
        wrong = [word for word in said.say.wrong if word.casefold() in bare]
        if wrong:
            self._fault(Fault.WRONG_ANSWER, answered[0].begin, f"{heard!r} holds {wrong[0]!r}")

    def _text_of(self, voice: Voice) -> str:
        for _, each in reversed(self.facts.history):
            if isinstance(each, PlayoutEnded) and each.utterance_id == voice.utterance_id:
                return each.text
        return ""

    def _judge_fillers(self, said: Said, answered: Sequence[Voice], until: float) -> None:
        lines = [
            each.text
            for at, each in self.facts.history
            if isinstance(each, Speak) and each.source is SpeakSource.FILLER and said.words_ended_at <= at < until
        ]
        if said.say.fillers is False and lines:
            self._fault(Fault.FILLER, said.words_ended_at, f"{lines[0]!r} before an easy answer")
        if said.say.fillers is not True:
            return
        if not lines:
            self._fault(Fault.FILLER, said.words_ended_at, "none, though the answer is long in coming")
        if twice := [line for line, count in Counter(lines).items() if count > 1]:
            self._fault(Fault.FILLER, said.words_ended_at, f"{twice[0]!r} twice")
        gap = self.measures.sound_gaps[-1] - self.measures.commit_gaps[-1] if self.measures.commit_gaps else 0.0
        if gap > FIRST_FILLER_SECONDS:
            self._fault(Fault.FILLER, answered[0].begin, f"the first sound {gap:.2f} s after the commit")
        silence = longest_silence(self.facts.blocks, said.words_ended_at, until)
        if silence > LONGEST_FILLED_SILENCE_SECONDS:
            self._fault(Fault.FILLER, said.words_ended_at, f"{silence:.1f} s of silence")

    # --- the whole scene ------------------------------------------------------------------------------

    def _judge_drafts(self) -> None:
        """A promoted draft must answer what was said."""
        drafts = drafts_promoted(self.facts.history)
        self.measures.drafts_promoted += len(drafts)
        for at, think, said in drafts:
            if meaning(think.basis) != meaning(said):
                self.measures.drafts_contradicting += 1
                self._fault(Fault.WRONG_ANSWER, at, f"a draft for {think.basis!r} answers {said!r}")

    def _judge_history(self) -> None:
        if self.exact_words:
            kept = [word for text in user_texts(each for _, each in self.facts.history) for word in bare_words(text)]
            self._compare("what the caller said", self._said_words(kept), kept)
        recorded = {each.utterance_id: each.text for _, each in self.facts.history if isinstance(each, RecordHeard)}
        for voice in self.voices:
            heard = [word for text in heard_words(self.facts.blocks, voice) for word in bare_words(text)]
            self._compare("what the agent said", heard, list(bare_words(recorded.get(voice.utterance_id, ""))))
        self._judge_prompts()

    def _said_words(self, kept: Sequence[str]) -> list[str]:
        """What the history should hold. What was said over the agent without taking the floor may be in it, or not."""
        said: list[str] = []
        for each in self.facts.said:
            words = [word for text in each.say.said for word in bare_words(text)]
            is_there = bool(words) and list(kept[len(said) : len(said) + len(words)]) == words
            if each.say.kept or is_there:
                said += words
        return said

    def _compare(self, what: str, true: list[str], kept: list[str]) -> None:
        blocks = SequenceMatcher(a=true, b=kept, autojunk=False).get_matching_blocks()
        equal = sum(block.size for block in blocks)
        words = max(len(true), len(kept))
        self.measures.history_words += words
        self.measures.history_equal += equal
        if equal < words:
            self._fault(Fault.HISTORY, 0.0, f"{what}: {' '.join(true)!r} is kept as {' '.join(kept)!r}")

    def _judge_prompts(self) -> None:
        """What an answer was written from must hold what the caller had heard of the agent by the commit."""
        texts = committed_texts(each for _, each in self.facts.history)
        answered = {
            each.turn_id
            for _, each in self.facts.history
            if isinstance(each, PromoteThinking) or (isinstance(each, Think) and each.purpose is Purpose.ANSWER)
        }
        for at, commit in self.facts.history:
            if not isinstance(commit, CommitTurn) or commit.turn_id not in answered:
                continue
            told = [
                prompt
                for asked_at, prompt in self.facts.prompts
                if asked_at <= at + SLACK_SECONDS
                and prompt.purpose in (Purpose.ANSWER, Purpose.DRAFT)
                and prompt.messages[-1].role == "user"
                and meaning(prompt.messages[-1].text) == meaning(texts[commit.turn_id])
            ]
            heard = [
                word
                for recorded_at, each in self.facts.history
                if isinstance(each, RecordHeard) and recorded_at <= at
                for word in bare_words(each.text)
            ]
            if told and len(heard) > len(_assistant_words(told[-1].messages)):
                self._fault(Fault.HISTORY, at, f"the answer to {commit.transcript!r} was written without {heard[-6:]}")


def _assistant_words(messages: Iterable[object]) -> list[str]:
    texts = (getattr(each, "text", "") for each in messages if getattr(each, "role", "") == "assistant")
    return [word for text in texts for word in bare_words(text)]


# --- facts ----------------------------------------------------------------------------------------


def voices_of(blocks: Sequence[PlayedBlock]) -> list[Voice]:
    """The agent's utterances that were heard, in order."""
    spans: dict[str, tuple[float, float]] = {}
    for block in blocks:
        span = loud_span_seconds(block.pcm, LOUD_DBFS)
        if span is not None:
            begin = spans.get(block.utterance_id, (block.starts_at + span[0], 0.0))[0]
            spans[block.utterance_id] = (begin, block.starts_at + span[1])
    return [Voice(utterance_id, begin, end) for utterance_id, (begin, end) in spans.items()]


def heard_words(blocks: Sequence[PlayedBlock], voice: Voice) -> list[str]:
    """Those that sounded to their end."""
    mine = [block for block in blocks if block.utterance_id == voice.utterance_id]
    played = sum(block.pcm.duration_seconds for block in mine)
    words = (word for block in mine for word in block.words)
    return [word.text for word in words if word.end_seconds <= played + HEARD_TOLERANCE_SECONDS]


def longest_silence(blocks: Sequence[PlayedBlock], begin: float, end: float) -> float:
    """Of the agent, from ``begin`` to the last it says before ``end``."""
    longest, silent_since = 0.0, begin
    for block in blocks:
        if _is_loud(block) and begin <= block.starts_at < end:
            longest = max(longest, block.starts_at - silent_since)
            silent_since = block.ends_at
    return longest


def quiet_from(blocks: Sequence[PlayedBlock], since: float, peak: float) -> float | None:
    """When what sounds, after ``since``, stays under ``peak`` for 10 ms; words' edges, which are soft by themselves, are
    left out."""
    loud = 32768 * 10 ** (LOUD_DBFS / 20)
    windows = [window for block in blocks if block.ends_at > since for window in _windows(block)]
    for before, (at, level), after in zip(windows, windows[1:], windows[2:], strict=False):
        if at >= since and loud < level <= peak and before[1] > 0.6 * level and after[1] > 0.6 * level:
            return at
    return None


def _windows(block: PlayedBlock) -> list[tuple[float, int]]:
    """Of 10 ms: when each begins, and its peak."""
    step = round(WINDOW_SECONDS * block.pcm.sample_rate_hz)
    samples = np.abs(block.pcm.samples.astype(np.int32))
    return [
        (block.starts_at + at / block.pcm.sample_rate_hz, int(samples[at : at + step].max()))
        for at in range(0, len(samples) - step + 1, step)
    ]


def _is_loud(block: PlayedBlock) -> bool:
    return loud_span_seconds(block.pcm, LOUD_DBFS) is not None


def _peak(block: PlayedBlock) -> int:
    return int(np.abs(block.pcm.samples.astype(np.int32)).max(initial=0))


def committed_texts(history: Iterable[object]) -> dict[str, str]:
    """Of each turn all its words, those of the turn it continues first."""
    own: dict[str, str] = {}
    joins: dict[str, str | None] = {}
    for each in history:
        match each:
            case CommitTurn(turn_id, transcript):
                own[turn_id], joins[turn_id] = transcript, each.joins
            case AmendTurn(turn_id, transcript):
                own[turn_id] = transcript
            case _:
                pass
    texts: dict[str, str] = {}
    for turn_id, text in own.items():
        texts[turn_id] = join_texts(texts.get(joins.get(turn_id) or "", ""), text)
    return texts


def drafts_promoted(history: Sequence[tuple[float, object]]) -> list[tuple[float, Think, str]]:
    """When, which, and all words of the turn that each answers."""
    thinks = {each.think_id: each for _, each in history if isinstance(each, Think)}
    texts = committed_texts(each for _, each in history)
    return [
        (at, thinks[each.think_id], texts.get(each.turn_id, ""))
        for at, each in history
        if isinstance(each, PromoteThinking) and thinks[each.think_id].purpose is Purpose.DRAFT
    ]


def contradicting_drafts(history: Sequence[tuple[float, object]]) -> set[str]:
    """The thinks of drafts that were promoted for other words than they answer."""
    return {think.think_id for _, think, said in drafts_promoted(history) if meaning(think.basis) != meaning(said)}


def user_texts(history: Iterable[object]) -> list[str]:
    """The caller's turns as the history has them."""
    history = list(history)
    texts = committed_texts(history)
    joined = {each.joins for each in history if isinstance(each, CommitTurn)}
    return [text for turn_id, text in texts.items() if turn_id not in joined]


def meaning(text: str) -> tuple[str, ...]:
    """The words that an answer depends on."""
    line = " ".join(bare_words(text))
    for phrase in COURTESY_PHRASES:
        line = line.replace(phrase, "")
    return tuple(word for word in line.split() if word not in DISMISSIBLE)
