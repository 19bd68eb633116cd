"""Watches what is thought, rendered and said ahead: drafts, notes, foresight, fillers, afterthoughts, backchannels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scheduler.commands import (
    AmendTurn,
    Backchannel,
    Command,
    CommitTurn,
    GoOnSpeaking,
    Hold,
    PauseSpeaking,
    PromoteThinking,
    Purpose,
    Release,
    SkipSentence,
    Speak,
    SpeakSource,
    Think,
)
from scheduler.comparison import opener_repeats, says_the_same
from scheduler.events import Event, OpeningVerified, ThinkEnded, ThinkEnding, VoiceFailed, WordsHeard
from scheduler.floor import Floor
from scheduler.state import Answer, State
from scheduler.words import bare_words, join_texts

if TYPE_CHECKING:
    from tests.scheduler.monitor import Monitor


class Spoken:
    """What the voice was given of one utterance."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.sources: list[SpeakSource] = []
        self.complete = True
        """The last sentence is."""
        self.think_id: str | None = None
        """Of the first sentence."""
        self.skipped: set[int] = set()
        self.failed: set[int] = set()

    def add(self, command: Speak) -> None:
        if self.complete:
            assert command.index == len(self.texts), f"{command} comes as number {len(self.texts)}"
            self.think_id = command.think_id if not self.texts else self.think_id
            self.texts.append("")
            self.sources.append(command.source)
        assert command.index == len(self.texts) - 1, f"{command}: sentence {len(self.texts) - 1} is not complete"
        self.texts[-1] += command.text
        self.complete = command.complete

    @property
    def text(self) -> str:
        return join_texts(*self.texts)

    @property
    def own_words(self) -> list[str]:
        """Without fillers."""
        return _words([text for index, text in enumerate(self.texts) if not self._is_filler(index)])

    @property
    def fillers(self) -> str:
        return join_texts(*(text for index, text in enumerate(self.texts) if self._is_filler(index)))

    def _is_filler(self, index: int) -> bool:
        return self.sources[index] is SpeakSource.FILLER

    @property
    def words_up_to_its_own_last(self) -> int:
        """How many words must have been heard when nothing of substance waits."""
        own = [index for index in range(len(self.texts)) if not self._is_filler(index)]
        unheard = self.skipped | {index for index in self.failed if self._is_filler(index)}
        sounding = [text for index, text in enumerate(self.texts[: own[-1] + 1] if own else []) if index not in unheard]
        return len(bare_words(join_texts(*sounding)))


class AheadMonitor:
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.thinks: dict[str, Think] = {}
        self.promoted: set[str] = set()
        self.held: set[str] = set()
        self.released: set[str] = set()
        self.paused: set[str] = set()
        self.spoken: dict[str, Spoken] = {}
        self._drafts: Counter[str] = Counter()
        self._words: dict[str, str] = {}
        """Of each committed turn, as they were last amended."""
        self._joined: dict[str, str | None] = {}
        """The turn that each continues."""
        self._verified: dict[str, str] = {}
        self._heard: dict[str, int] = {}
        """How many words, by the conductor's own lights."""
        self._fillers: set[tuple[str | None, tuple[str, ...]]] = set()
        self._closed: dict[str, Answer] = {}
        self._ended_badly: set[str] = set()

    # --- what happens ---------------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        match event:
            case OpeningVerified(think_id, text):
                self._verified[think_id] = text
            case WordsHeard(utterance_id, text):
                self._heard[utterance_id] = len(bare_words(text))
            case ThinkEnded(think_id, ThinkEnding.FAILED | ThinkEnding.ABORTED):
                self._ended_badly.add(think_id)
            case VoiceFailed(utterance_id, index) if utterance_id in self.spoken:
                self.spoken[utterance_id].failed.add(index)
            case _:
                pass

    def check(self, command: Command, before: State, state: State, now: float) -> None:
        match command:
            case Think():
                self._check_think(command, before, state, now)
            case PromoteThinking():
                self._check_promotion(command, state)
            case CommitTurn(turn_id, transcript, joins=joins):
                self._words[turn_id], self._joined[turn_id] = transcript, joins
            case AmendTurn(turn_id, transcript):
                self._words[turn_id] = transcript
            case Speak():
                self._check_speech(command, state)
            case Hold(utterance_id):
                assert utterance_id not in self.held | set(self.spoken)
                self.held.add(utterance_id)
            case Release(utterance_id):
                self._check_release(utterance_id, state)
                self.released.add(utterance_id)
            case PauseSpeaking(utterance_id):
                assert utterance_id in self._monitor.speakable() | self._monitor.closed
                assert utterance_id not in self._monitor.stopped | self._monitor.ended | self.paused
                self.paused.add(utterance_id)
            case GoOnSpeaking(utterance_id):
                assert utterance_id in self.paused
                self.paused.remove(utterance_id)
            case SkipSentence(utterance_id, index):
                assert utterance_id in self._monitor.speakable() | self._monitor.closed
                assert utterance_id not in self._monitor.stopped | self._monitor.ended
                assert 0 <= index < len(self.spoken[utterance_id].texts)
                self.spoken[utterance_id].skipped.add(index)
            case Backchannel():
                turn = state.turn
                assert state.policy.backchannels
                assert turn is not None, "only to a user who is speaking"
                assert not turn.voiced
                assert not state.answers
            case _:
                pass

    def note_closed(self, answer: Answer | None) -> None:
        if answer is not None:
            self._closed[answer.utterance_id] = answer

    # --- thinking -------------------------------------------------------------------------------------

    def _check_think(self, think: Think, before: State, state: State, now: float) -> None:
        self.thinks[think.think_id] = think
        match think.purpose:
            case Purpose.DRAFT:
                self._check_draft(think, before, state, now)
            case Purpose.NOTES:
                assert state.policy.notes
                assert think.basis
            case Purpose.FORESIGHT:
                assert state.policy.foresight
                assert len(self.running(Purpose.FORESIGHT)) <= 1
            case Purpose.AFTERTHOUGHT:
                assert state.policy.afterthoughts
                assert before.floor is Floor.RESTING
            case _:
                assert not think.basis, "the turn is in the history"
        for think_id in think.notes_ids:
            assert self.thinks[think_id].purpose is Purpose.NOTES
            assert self.thinks[think_id].turn_id == think.turn_id
            assert think_id not in self._ended_badly
            assert think.purpose.is_speculative or think_id in self.promoted
        if think.opening_holds:
            self._check_what_holds(think, state)

    def _check_draft(self, think: Think, before: State, state: State, now: float) -> None:
        turn = state.turn or before.turn
        assert turn is not None
        assert state.policy.drafts
        assert think.turn_id == turn.turn_id
        assert think.basis
        assert len(self.running(Purpose.DRAFT)) <= 1, "one draft at a time"
        self._drafts[turn.turn_id] += 1
        most = state.policy.max_drafts + int((now - turn.begun_at) / state.policy.draft_more_seconds)
        assert self._drafts[turn.turn_id] <= most or turn.turn_id in self._monitor.reconfigured

    def running(self, purpose: Purpose) -> set[str]:
        """Streams that were begun for this and are neither over, as far as the conductor knows, nor promoted."""
        live = self._monitor.thinking - self._monitor.stopped_thinks - self.promoted
        return {think_id for think_id in live if self.thinks[think_id].purpose is purpose}

    def may_act(self, think_id: str) -> bool:
        """Whether side effects are allowed: it is no draft, or one that was promoted in a committed turn."""
        think = self.thinks[think_id]
        if not think.purpose.is_speculative:
            return True
        return think_id in self.promoted and think.turn_id in self._monitor.committed

    def _check_promotion(self, command: PromoteThinking, state: State) -> None:
        think = self.thinks[command.think_id]
        assert think.turn_id == command.turn_id
        assert command.turn_id in self._monitor.committed, "nothing is promoted before its turn is committed"
        assert command.think_id not in self.promoted
        assert think.purpose in (Purpose.DRAFT, Purpose.NOTES)
        if think.purpose is Purpose.DRAFT:
            self._check_same(think.basis, command.turn_id, state)
            assert think.audible is state.audible, "a draft is the answer only where it would be given like this"
        self.promoted.add(command.think_id)

    def _check_same(self, basis: str, turn_id: str, state: State) -> None:
        assert self._monitor.committed[turn_id], "the recogniser has not spoken its last word"
        whole = self._whole(turn_id)
        assert says_the_same(basis, whole, state.policy.language), f"{basis!r} is not {whole!r}"

    def _whole(self, turn_id: str | None) -> str:
        """All the words of a committed turn, and of those that it continues."""
        if turn_id is None or turn_id not in self._words:
            return ""
        return join_texts(self._whole(self._joined[turn_id]), self._words[turn_id])

    def _check_what_holds(self, think: Think, state: State) -> None:
        """An answer that goes on behind what a draft for the same words had."""
        assert think.turn_id is not None
        drafts = [one for one in self.thinks.values() if one.purpose is Purpose.DRAFT and one.turn_id == think.turn_id]
        whole = self._whole(think.turn_id)
        assert any(says_the_same(draft.basis, whole, state.policy.language) for draft in drafts)
        assert self._monitor.committed[think.turn_id]

    # --- speech ---------------------------------------------------------------------------------------

    def _check_speech(self, command: Speak, state: State) -> None:
        spoken = self.spoken.setdefault(command.utterance_id, Spoken())
        if command.source is SpeakSource.FILLER:
            self._check_filler(command, spoken, state)
        spoken.add(command)
        think = self.thinks.get(command.think_id or "")
        ahead = command.utterance_id in self.held - self.released
        if think is not None and think.purpose is Purpose.DRAFT and think.think_id not in self.promoted:
            assert ahead, "what a draft says is held"
        if ahead:
            assert len(spoken.texts) == 1, "no more than one sentence is rendered ahead"
        answer = _answer_of(state, command.utterance_id)
        if command.source is SpeakSource.MODEL and answer is not None:
            assert command.think_id is not None or answer.resumed

    def _check_filler(self, command: Speak, spoken: Spoken, state: State) -> None:
        answer = _answer_of(state, command.utterance_id)
        assert state.policy.fillers, "fillers are off"
        assert answer is not None
        assert answer.turn is not None, "nobody waits for it"
        assert answer.turn.turn_id in self._monitor.committed
        assert command.utterance_id not in self.held - self.released
        assert spoken.complete
        heard = self._heard.get(command.utterance_id, 0)
        assert heard >= spoken.words_up_to_its_own_last, "words of substance wait"
        line = (answer.think_id, bare_words(command.text))
        assert line not in self._fillers, "the same line twice"
        self._fillers.add(line)

    def _check_release(self, utterance_id: str, state: State) -> None:
        assert utterance_id in self.held - self.released - self._monitor.stopped - self._monitor.ended
        answer, spoken = _answer_of(state, utterance_id), self.spoken[utterance_id]
        assert answer is not None
        assert answer.turn is not None
        assert self._monitor.committed[answer.turn.turn_id]
        if spoken.think_id in self.promoted:
            return
        think = self.thinks[answer.think_id or ""]
        assert think.opening
        assert spoken.text.startswith(think.opening)
        assert think.opening_holds or self._verified[think.think_id] == think.opening

    # --- at rest, and in the end ----------------------------------------------------------------------

    def check_floor(self, state: State) -> None:
        if state.floor is not Floor.RESTING or state.ended:
            assert not self.running(Purpose.AFTERTHOUGHT), "afterthoughts are for when nobody speaks"
        if state.turn is None:
            assert not self.running(Purpose.DRAFT) - self._awaited(state), "a draft of a turn that is over"
            assert not self.running(Purpose.FORESIGHT)
            assert not self.running(Purpose.NOTES)

    def _awaited(self, state: State) -> set[str]:
        return {answer.adopts for answer in state.answers if answer.adopts is not None}

    def check_nothing_is_left(self) -> None:
        assert not self._monitor.thinking - self._monitor.stopped_thinks, "somebody still thinks"
        silent = self.held - self.released - self._monitor.stopped - self._monitor.ended
        assert not silent, f"{silent} are held for ever"
        waiting = self.paused - self._monitor.stopped - self._monitor.ended
        assert not waiting, f"{waiting} are paused for ever"

    def check_what_was_said(self, texts: Mapping[str, list[str]]) -> None:
        """Every answer that was played to its end said all that its think wrote, an opener excepted that repeats a
        filler."""
        for utterance_id in self._monitor.played_out:
            answer, spoken = self._closed.get(utterance_id), self.spoken[utterance_id]
            if answer is None or answer.think_id is None or answer.resumed or spoken.failed:
                continue
            written = texts[answer.think_id]
            while written and opener_repeats(spoken.fillers, written[0]) and spoken.own_words != _words(written):
                written = written[1:]
            assert spoken.own_words == _words(written), f"{utterance_id} said {spoken.texts}, written was {written}"


def _words(texts: Sequence[str]) -> list[str]:
    return " ".join(texts).split()


def _answer_of(state: State, utterance_id: str) -> Answer | None:
    everybody = (*state.answers, *(draft.answer for draft in state.drafts))
    return next((answer for answer in everybody if answer.utterance_id == utterance_id), None)
