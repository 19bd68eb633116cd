"""Pure: what a journal tells, as spans and marks on the session's clock, ready to be drawn.

Everything is in seconds of session time. Audio times of the recogniser are moved onto that clock by what
each ``SpeechStarted`` says of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from scheduler import commands as do
from scheduler import events as was
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.floor import Floor
from scheduler.pcm import WordTime


@dataclass(slots=True)
class Word:
    start: float
    end: float
    text: str
    is_final: bool = True


@dataclass(slots=True)
class Span:
    start: float
    end: float


@dataclass(slots=True)
class Turn:
    """``outcome``: empty while it is open; ``committed_at``: ``None`` if it never was."""

    turn_id: str
    start: float
    speech_end: float
    transcript: str = ""
    committed_at: float | None = None
    outcome: str = ""
    reason: str = ""
    ended_at: float | None = None
    first_sound_at: float | None = None


@dataclass(slots=True)
class Tool:
    call_id: str
    name: str
    arguments: str
    start: float
    end: float | None = None
    failed: bool = False


@dataclass(slots=True)
class Thinking:
    """``ending``: empty while it runs. ``sentences``: when each was written, and its text."""

    think_id: str
    purpose: str
    start: float
    turn_id: str | None = None
    first_token_at: float | None = None
    end: float | None = None
    ending: str = ""
    thought: str = ""
    silence_reason: str = ""
    sentences: list[tuple[float, str]] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)


@dataclass(slots=True)
class Utterance:
    """``gains``: (time, dB) whenever the level changed. ``planned``: its sentences, heard or not."""

    utterance_id: str
    think_id: str | None = None
    start: float | None = None
    end: float | None = None
    cut_off: bool = False
    words: list[Word] = field(default_factory=list)
    heard: str = ""
    gains: list[tuple[float, float]] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Score:
    """One session. ``partials``: (time, is_final) of each revision of the transcript."""

    speech: list[Span] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    partials: list[tuple[float, bool]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    thinks: list[Thinking] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    floors: list[tuple[Span, Floor]] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    end: float = 0.0


def read_score(entries: Iterable[tuple[float, Event | Command]]) -> Score:
    """Walk a journal once."""
    reader = _Reader()
    for at, happened in entries:
        reader.take(at, happened)
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self._score = Score()
        self._segments: dict[int, was.TranscriptRevised] = {}
        self._offsets: list[tuple[float, float]] = []
        self._turns: dict[str, Turn] = {}
        self._thinks: dict[str, Thinking] = {}
        self._utterances: dict[str, Utterance] = {}

    def take(self, at: float, happened: Event | Command) -> None:
        self._score.end = max(self._score.end, at)
        self._ears(at, happened)
        self._mind(at, happened)
        self._mouth(at, happened)

    # --- heard ------------------------------------------------------------------------------------

    def _ears(self, at: float, happened: Event | Command) -> None:
        speech = self._score.speech
        match happened:
            case was.SpeechStarted(audio_seconds, voiced_seconds):
                self._offsets.append((audio_seconds, at - audio_seconds - voiced_seconds))
                speech.append(Span(at - voiced_seconds, float("inf")))
            case was.SpeechStopped(_, silence_seconds) if speech:
                speech[-1].end = max(at - silence_seconds, speech[-1].start)
            case was.TranscriptRevised():
                self._segments[happened.segment] = happened
                self._score.partials.append((at, happened.is_final))
            case was.InputCommitted(_, _, audio_end_seconds):
                self._offsets.append((audio_end_seconds, at - audio_end_seconds))
            case was.EarsFailed(message) | was.VoiceFailed(message=message):
                self._score.failures.append((at, message))
            case do.OpenTurn(turn_id, audio_start_seconds):
                start = self._on_the_clock(audio_start_seconds)
                self._turns[turn_id] = Turn(turn_id, start, start)
            case do.CommitTurn():
                self._commit(at, happened)
            case do.AmendTurn(turn_id, transcript) if turn_id in self._turns:
                self._turns[turn_id].transcript = transcript
            case do.EndTurn(turn_id, outcome, reason) if turn_id in self._turns:
                turn = self._turns[turn_id]
                turn.outcome, turn.reason, turn.ended_at = outcome.value, reason, at
            case _:
                pass

    def _commit(self, at: float, command: do.CommitTurn) -> None:
        start = self._on_the_clock(command.audio_start_seconds)
        turn = self._turns.setdefault(command.turn_id, Turn(command.turn_id, start, start))
        turn.transcript, turn.committed_at = command.transcript, at
        turn.speech_end = min(self._on_the_clock(command.audio_end_seconds), at)

    def _on_the_clock(self, audio_seconds: float) -> float:
        offset = 0.0
        for began_at, known in self._offsets:
            if began_at > audio_seconds + 0.5 and offset:
                break
            offset = known
        return audio_seconds + offset

    # --- thought ----------------------------------------------------------------------------------

    def _mind(self, at: float, happened: Event | Command) -> None:
        match happened:
            case do.Think(think_id, purpose, turn_id):
                self._thinks[think_id] = Thinking(think_id, purpose.value, at, turn_id)
            case was.ToolEnded(think_id, call_id, _, failed) if think_id in self._thinks:
                for tool in self._thinks[think_id].tools:
                    if tool.call_id == call_id:
                        tool.end, tool.failed = at, failed
            case (
                was.ThoughtGrown(think_id)
                | was.WordsWritten(think_id)
                | was.SentenceWritten(think_id)
                | was.ToolCalled(think_id)
                | was.SilenceChosen(think_id)
                | was.ThinkEnded(think_id)
            ) if think_id in self._thinks:
                self._grow(at, happened, self._thinks[think_id])
            case _:
                pass

    def _grow(self, at: float, happened: Event | Command, think: Thinking) -> None:
        match happened:
            case was.ThinkEnded(_, ending, message):
                think.end, think.ending = at, ending.value
                if message:
                    self._score.failures.append((at, message))
                return
            case was.ThoughtGrown(_, text):
                think.thought += text
            case was.SentenceWritten(_, _, text):
                think.sentences.append((at, text))
            case was.ToolCalled(_, call_id, name, arguments):
                think.tools.append(Tool(call_id, name, arguments, at))
            case was.SilenceChosen(_, reason):
                think.silence_reason = reason
            case _:
                pass
        think.first_token_at = think.first_token_at or at

    # --- said -------------------------------------------------------------------------------------

    def _mouth(self, at: float, happened: Event | Command) -> None:
        match happened:
            case do.Speak(utterance_id, _, text, think_id):
                utterance = self._utterances.setdefault(utterance_id, Utterance(utterance_id, think_id))
                utterance.planned.append(text)
            case was.PlayoutStarted(utterance_id):
                self._utterances.setdefault(utterance_id, Utterance(utterance_id)).start = at
            case was.WordsHeard(utterance_id, text) if utterance_id in self._utterances:
                _hear(self._utterances[utterance_id], at, text)
            case was.PlayoutEnded(utterance_id, stopped, text) if utterance_id in self._utterances:
                utterance = self._utterances[utterance_id]
                _hear(utterance, at, text)
                utterance.end, utterance.cut_off = at, stopped
            case do.Duck(utterance_id, gain_db) if utterance_id in self._utterances:
                self._utterances[utterance_id].gains.append((at, gain_db))
            case _:
                pass

    # --- the whole --------------------------------------------------------------------------------

    def finish(self) -> Score:
        score = self._score
        for span in score.speech:
            span.end = min(span.end, score.end)
        for revision in self._segments.values():
            score.words += [self._word(word, True) for word in revision.stable]
            score.words += [self._word(word, revision.is_final) for word in revision.tentative]
        score.words.sort(key=lambda word: word.start)
        score.turns, score.thinks = list(self._turns.values()), list(self._thinks.values())
        score.utterances = [u for u in self._utterances.values() if u.start is not None]
        for utterance in score.utterances:
            utterance.end = score.end if utterance.end is None else utterance.end
        _find_first_sounds(score, self._thinks)
        score.floors = _floors(score)
        return score

    def _word(self, word: WordTime, is_final: bool) -> Word:
        start = self._on_the_clock(word.start_seconds)
        return Word(start, start + max(word.end_seconds - word.start_seconds, 0.0), word.text, is_final)


def _hear(utterance: Utterance, at: float, text: str) -> None:
    """Spread newly heard words over the time since the last ones, by their lengths."""
    if utterance.start is None or not text.startswith(utterance.heard):
        return
    new = text[len(utterance.heard) :].split()
    utterance.heard = text
    begin = utterance.words[-1].end if utterance.words else utterance.start
    letters = sum(len(word) for word in new)
    for word in new:
        end = begin + max(at - begin, 0.0) * len(word) / letters
        letters -= len(word)
        utterance.words.append(Word(begin, end, word))
        begin = end


def _find_first_sounds(score: Score, thinks: dict[str, Thinking]) -> None:
    turns = {turn.turn_id: turn for turn in score.turns}
    for utterance in score.utterances:
        think = thinks.get(utterance.think_id or "")
        turn = turns.get((think.turn_id if think else None) or "")
        if turn is not None and (turn.first_sound_at is None or utterance.start < turn.first_sound_at):  # type: ignore[operator]
            turn.first_sound_at = utterance.start


def _floors(score: Score) -> list[tuple[Span, Floor]]:
    """Who had the floor, as far as the spans tell (the conductor's own state is not in the journal)."""
    edges = {0.0, score.end}
    for span in score.speech:
        edges |= {span.start, span.end}
    for turn in score.turns:
        edges |= {time for time in (turn.committed_at, turn.ended_at, turn.first_sound_at) if time is not None}
    for utterance in score.utterances:
        edges |= {utterance.start or 0.0, utterance.end or 0.0}
    times = sorted(edges)
    floors: list[tuple[Span, Floor]] = []
    for start, end in pairwise(times):
        floor = _floor_at(score, (start + end) / 2)
        if floors and floors[-1][1] is floor:
            floors[-1][0].end = end
        else:
            floors.append((Span(start, end), floor))
    return floors


def _floor_at(score: Score, time: float) -> Floor:
    user = any(span.start <= time < span.end for span in score.speech)
    agent = any((u.start or 0.0) <= time < (u.end or 0.0) for u in score.utterances)
    if user or agent:
        return Floor.OVERLAP if user and agent else Floor.LISTENING if user else Floor.SPEAKING
    for turn in score.turns:
        committed = score.end if turn.committed_at is None else turn.committed_at
        if turn.start <= time < committed:
            return Floor.PAUSED
        done = [moment for moment in (turn.first_sound_at, turn.ended_at) if moment is not None]
        if committed <= time < min(done, default=score.end):
            return Floor.COMMITTED
    return Floor.RESTING
