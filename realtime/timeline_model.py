"""Pure: what a journal tells, as spans and marks on the session's clock, ready to be drawn.

Everything is in seconds of session time. Audio times of the recogniser are moved onto that clock by what
each ``SpeechStarted`` says of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from realtime.drafts import Ahead, DraftWatch, Fate
from realtime.fillers import SubstanceWatch, filler_end
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
    is_filler: bool = False


@dataclass(slots=True)
class Span:
    start: float
    end: float


@dataclass(slots=True)
class Turn:
    """``outcome``: empty while it is open; ``committed_at``: ``None`` if it never was. ``substance_at``: the answer's
    own words began to sound."""

    turn_id: str
    start: float
    speech_end: float
    transcript: str = ""
    committed_at: float | None = None
    outcome: str = ""
    reason: str = ""
    ended_at: float | None = None
    first_sound_at: float | None = None
    substance_at: float | None = None


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
    """``ending``: empty while it runs. ``sentences``: when each was written, and its text. ``foreseen``: how the user's
    sentence was expected to end, and how probable that is; of a draft, whether it was begun for such an ending.

    Of drafts and notes: ``fates`` with their times, and why the last one came.
    """

    think_id: str
    purpose: str
    start: float
    turn_id: str | None = None
    first_token_at: float | None = None
    end: float | None = None
    ending: str = ""
    thought: str = ""
    written: str = ""
    silence_reason: str = ""
    effort: str = ""
    foreseen: str = ""
    fates: list[tuple[float, Fate]] = field(default_factory=list)
    reason: str = ""
    ready_at: float | None = None
    """The first audio of it was rendered."""
    sentences: list[tuple[float, str]] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)

    @property
    def fate(self) -> Fate | None:
        """``None``: neither a draft nor notes."""
        return self.fates[-1][1] if self.fates else None

    @property
    def is_draft(self) -> bool:
        return self.purpose == do.Purpose.DRAFT

    @property
    def noted_nothing(self) -> bool:
        """Notes that found nothing to note: a picture of them only hides what happened."""
        return self.purpose == do.Purpose.NOTES and bool(self.silence_reason) and not (self.thought or self.tools)

    def at_fate(self, fate: Fate) -> float | None:
        return next((at for at, came in self.fates if came is fate), None)

    @property
    def last_at(self) -> float | None:
        """When it was over with it: it ended, or was promoted or thrown away later than that."""
        settled = [at for at, fate in self.fates if fate.is_settled]
        return None if self.end is None else max([self.end, *settled])


@dataclass(slots=True)
class Utterance:
    """``gains``: (time, dB) whenever the level changed. ``planned``: its sentences, heard or not. ``fillers``: those
    said while the answer was awaited. ``heard_seconds``: of its audio, so far."""

    utterance_id: str
    think_id: str | None = None
    start: float | None = None
    end: float | None = None
    cut_off: bool = False
    words: list[Word] = field(default_factory=list)
    heard: str = ""
    gains: list[tuple[float, float]] = field(default_factory=list)
    planned: dict[int, str] = field(default_factory=dict)
    fillers: dict[int, str] = field(default_factory=dict)
    heard_seconds: float = 0.0

    @property
    def unheard(self) -> str:
        """What was to be said, without fillers, and was not heard."""
        answer = " ".join(text.strip() for index, text in sorted(self.planned.items()) if index not in self.fillers)
        said = self.heard[filler_end(self.heard, self.fillers.values()) :].strip()
        return answer.removeprefix(said).strip()


@dataclass(slots=True)
class Score:
    """One session. ``partials``: (time, is_final) of each revision of the transcript. ``backchannels``: the agent's."""

    speech: list[Span] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    partials: list[tuple[float, bool]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    thinks: list[Thinking] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    floors: list[tuple[Span, Floor]] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    backchannels: list[tuple[float, str]] = field(default_factory=list)
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
        self._drafts = DraftWatch()
        self._substance = SubstanceWatch()
        self._substance_at: dict[str, float] = {}

    def take(self, at: float, happened: Event | Command) -> None:
        self._score.end = max(self._score.end, at)
        self._ears(at, happened)
        self._mind(at, happened)
        for ahead in self._drafts.observe(happened):
            self._ahead(at, ahead)
        self._mouth(at, happened)
        if (substance_at := self._substance.observe(at, happened)) is not None:
            self._substance_at[getattr(happened, "utterance_id", "")] = substance_at

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
            case do.Think(think_id, purpose, turn_id, effort=effort):
                think = Thinking(think_id, purpose.value, at, turn_id, effort=effort.value if effort else "")
                self._thinks[think_id] = think
            case was.EndingForeseen(think_id, ending, probability) if think_id in self._thinks:
                self._thinks[think_id].foreseen = f"… {ending} ({probability:.0%})"
                self._thinks[think_id].first_token_at = at
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
            case was.WordsWritten(_, text):
                think.written += text
            case was.SentenceWritten(_, _, text):
                think.sentences.append((at, text))
            case was.ToolCalled(_, call_id, name, arguments):
                think.tools.append(Tool(call_id, name, arguments, at))
            case was.SilenceChosen(_, reason):
                think.silence_reason = reason
            case _:
                pass
        think.first_token_at = think.first_token_at or at

    def _ahead(self, at: float, ahead: Ahead) -> None:
        if think := self._thinks.get(ahead.think_id):
            think.fates.append((at, ahead.fate))
            think.reason = ahead.reason
            if ahead.foreseen:
                think.foreseen = "foreseen"

    # --- said -------------------------------------------------------------------------------------

    def _mouth(self, at: float, happened: Event | Command) -> None:
        match happened:
            case do.Speak():
                self._speak(happened)
            case do.Backchannel(text):
                self._score.backchannels.append((at, text))
            case was.SpeechReady(utterance_id, 0) if utterance := self._utterances.get(utterance_id):
                if think := self._thinks.get(utterance.think_id or ""):
                    think.ready_at = at
            case was.PlayoutStarted(utterance_id):
                self._utterances.setdefault(utterance_id, Utterance(utterance_id)).start = at
            case was.WordsHeard(utterance_id, text, heard_seconds) if utterance_id in self._utterances:
                _hear(self._utterances[utterance_id], at, text, heard_seconds)
            case was.PlayoutEnded(utterance_id, stopped, text, heard_seconds) if utterance_id in self._utterances:
                utterance = self._utterances[utterance_id]
                _hear(utterance, at, text, heard_seconds)
                utterance.end, utterance.cut_off = at, stopped
            case do.Duck(utterance_id, gain_db) if utterance_id in self._utterances:
                self._utterances[utterance_id].gains.append((at, gain_db))
            case _:
                pass

    def _speak(self, speak: do.Speak) -> None:
        utterance = self._utterances.setdefault(speak.utterance_id, Utterance(speak.utterance_id, speak.think_id))
        utterance.planned[speak.index] = utterance.planned.get(speak.index, "") + speak.text
        if speak.source is do.SpeakSource.FILLER:
            utterance.fillers[speak.index] = speak.text

    # --- the whole --------------------------------------------------------------------------------

    def finish(self) -> Score:
        score = self._score
        for span in score.speech:
            span.end = min(span.end, score.end)
        for revision in self._segments.values():
            score.words += [self._word(word, True) for word in revision.stable]
            score.words += [self._word(word, revision.is_final) for word in revision.tentative]
        score.words.sort(key=lambda word: word.start)
        score.turns = list(self._turns.values())
        score.thinks = [think for think in self._thinks.values() if not think.noted_nothing]
        score.utterances = [u for u in self._utterances.values() if u.start is not None]
        for utterance in score.utterances:
            utterance.end = score.end if utterance.end is None else utterance.end
            _mark_fillers(utterance)
        _find_first_sounds(score, self._thinks, self._substance_at)
        score.floors = _floors(score)
        return score

    def _word(self, word: WordTime, is_final: bool) -> Word:
        start = self._on_the_clock(word.start_seconds)
        return Word(start, start + max(word.end_seconds - word.start_seconds, 0.0), word.text, is_final)


def _hear(utterance: Utterance, at: float, text: str, heard_seconds: float) -> None:
    """Spread newly heard words, by their lengths, over the time their audio took; before it, playout had run dry."""
    if utterance.start is None or not text.startswith(utterance.heard):
        return
    new = text[len(utterance.heard) :].split()
    begin = utterance.words[-1].end if utterance.words else utterance.start
    begin = max(begin, at - max(heard_seconds - utterance.heard_seconds, 0.0))
    utterance.heard, utterance.heard_seconds = text, heard_seconds
    letters = sum(len(word) for word in new)
    for word in new:
        end = begin + max(at - begin, 0.0) * len(word) / letters
        letters -= len(word)
        utterance.words.append(Word(begin, end, word))
        begin = end


def _mark_fillers(utterance: Utterance) -> None:
    end, position = filler_end(utterance.heard, utterance.fillers.values()), 0
    for word in utterance.words:
        position = utterance.heard.find(word.text, position) + len(word.text)
        word.is_filler = position <= end


def _find_first_sounds(score: Score, thinks: dict[str, Thinking], substance_at: dict[str, float]) -> None:
    turns = {turn.turn_id: turn for turn in score.turns}
    for utterance in sorted(score.utterances, key=lambda utterance: utterance.start or 0.0):
        think = thinks.get(utterance.think_id or "")
        turn = turns.get((think.turn_id if think else None) or "")
        if turn is not None:
            turn.first_sound_at = utterance.start if turn.first_sound_at is None else turn.first_sound_at
            if turn.substance_at is None:
                turn.substance_at = substance_at.get(utterance.utterance_id)


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
