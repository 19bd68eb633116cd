"""Watches every command of the conductor: none for an unknown target, none too much, none too late."""

from __future__ import annotations

from scheduler.commands import (
    AmendTurn,
    Command,
    CommitTurn,
    Duck,
    EndCall,
    EndTurn,
    EndUtterance,
    OpenTurn,
    RecordHeard,
    Speak,
    StopSpeaking,
    StopThinking,
    TellTimeout,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    Event,
    HeardCorrected,
    PlayoutEnded,
    PlayoutStarted,
    SessionConfigured,
    ThinkEnded,
    WordsHeard,
)
from scheduler.floor import Floor
from scheduler.giving import interruptible
from scheduler.state import Answer, Phase, State
from scheduler.step import Step
from tests.scheduler.monitor_ahead import AheadMonitor


class Monitor:
    def __init__(self) -> None:
        self.opened: set[str] = set()
        self.committed: dict[str, bool] = {}
        """Turn, and whether its transcript was final."""
        self.outcomes: dict[str, TurnOutcome] = {}
        self.amended: set[str] = set()
        self.thinking: set[str] = set()
        """Thinks that were begun and have not ended, as far as the conductor was told."""
        self.stopped_thinks: set[str] = set()
        self.thinks: set[str] = set()
        self.spoken: set[str] = set()
        """Utterances of which the voice was given something."""
        self.closed: set[str] = set()
        self.stopped: set[str] = set()
        self.ended: set[str] = set()
        """Utterances that have ended, as far as the conductor was told."""
        self.beside: set[str] = set()
        """Utterances outside the conversation."""
        self.played: dict[str, str] = {}
        """What was heard of each utterance, by the last event that told."""
        self.truncated: set[str] = set()
        """Utterances of which the client has told what it played."""
        self.recorded: dict[str, str] = {}
        self.reconfigured: set[str] = set()
        """Turns during which the client changed who may interrupt."""
        self.call_ended = False
        self.moves: set[tuple[Floor, Floor]] = set()
        self.played_out: list[str] = []
        """Utterances that were heard to their end, as far as the conductor was told."""
        self.utterances: dict[str, set[str]] = {}
        """Of each turn, those that were to answer it."""
        self.sounded: set[str] = set()
        self.answered_otherwise: set[str] = set()
        """Turns whose answer was begun as text, or called a tool of the client's."""
        self.ahead = AheadMonitor(self)

    def watch(self, before: State, event: Event, state: State, commands: tuple[Command, ...], now: float) -> None:
        self._hear(event)
        self.ahead.hear(event)
        if isinstance(event, SessionConfigured) and before.turn is not None:
            self.reconfigured.add(before.turn.turn_id)
        assert not (self.call_ended and commands), "nothing comes after the end of the call"
        for answer in (*before.answers, *state.answers):
            self._know(answer)
        for command in commands:
            assert not self.call_ended, f"{command} after EndCall"
            self._check(command, state)
            self.ahead.check(command, before, state, now)
        self.ahead.check_floor(state)
        self._check_state(state)
        self._nobody_talks_over_the_user(before, event, state)
        if before.floor is not state.floor and not state.ended:
            self.moves.add((before.floor, state.floor))

    def _know(self, answer: Answer) -> None:
        if not answer.in_conversation:
            self.beside.add(answer.utterance_id)
        if answer.turn is None:
            return
        self.utterances.setdefault(answer.turn.turn_id, set()).add(answer.utterance_id)
        if not answer.audible or answer.tool_calls:
            self.answered_otherwise.add(answer.turn.turn_id)

    def _hear(self, event: Event) -> None:
        match event:
            case ThinkEnded(think_id):
                self.thinking.discard(think_id)
            case PlayoutStarted(utterance_id):
                self.sounded.add(utterance_id)
            case WordsHeard(utterance_id, text) if utterance_id not in self.ended | self.truncated:
                self.played[utterance_id] = text
            case PlayoutEnded(utterance_id, was_stopped, text) if utterance_id in self.spoken:
                self.ended.add(utterance_id)
                self.sounded |= {utterance_id} if text else set()
                if not was_stopped:
                    self.played_out.append(utterance_id)
                self.played[utterance_id] = text
            case HeardCorrected(utterance_id, text):
                self.truncated.add(utterance_id)
                self.played[utterance_id] = text
            case _:
                pass

    def _check(self, command: Command, state: State) -> None:
        match command:
            case OpenTurn(turn_id):
                assert turn_id not in self.opened | set(self.outcomes)
                self.opened.add(turn_id)
            case CommitTurn(turn_id):
                self._check_commit(command)
                self.committed[turn_id] = command.final
            case AmendTurn(turn_id):
                assert self.committed[turn_id] is False
                assert turn_id not in self.amended
                self.amended.add(turn_id)
            case EndTurn(turn_id, outcome):
                assert turn_id not in self.outcomes, f"{turn_id} has ended as {self.outcomes[turn_id]} before"
                assert outcome is not TurnOutcome.ANSWERED or self._is_answered(turn_id), f"{command}: by nothing"
                self.outcomes[turn_id] = outcome
            case Think(think_id):
                assert think_id not in self.thinks
                self.thinks.add(think_id)
                self.thinking.add(think_id)
            case StopThinking(think_id):
                assert think_id in self.thinking - self.stopped_thinks
                self.stopped_thinks.add(think_id)
            case Speak():
                self._check_speech(command)
            case EndUtterance(utterance_id):
                assert utterance_id in self.speakable()
                assert self.ahead.spoken[utterance_id].complete
                self.closed.add(utterance_id)
                self.ahead.note_closed(Step(state, 0.0).answer_of(utterance_id))
            case StopSpeaking(utterance_id):
                assert utterance_id in self.spoken
                assert utterance_id not in self.stopped | self.ended
                self.stopped.add(utterance_id)
            case Duck(utterance_id):
                assert utterance_id in self.spoken - self.stopped - self.ended
            case RecordHeard(utterance_id, text):
                assert utterance_id in self.spoken - self.beside
                self.recorded[utterance_id] = text
            case EndCall():
                self.call_ended = True
            case TellTimeout(silence_seconds):
                assert silence_seconds > 0

    def _check_commit(self, command: CommitTurn) -> None:
        assert command.turn_id not in self.committed
        assert command.turn_id not in self.outcomes
        assert command.by_hand or command.turn_id in self.opened
        assert command.joins is None or self.outcomes[command.joins] is TurnOutcome.REJOINED

    def _is_answered(self, turn_id: str) -> bool:
        """Something has sounded for it, or it was answered in another way than by sound."""
        return turn_id in self.answered_otherwise or bool(self.utterances.get(turn_id, set()) & self.sounded)

    def _check_speech(self, command: Speak) -> None:
        self.spoken.add(command.utterance_id)
        assert command.utterance_id in self.speakable()

    def speakable(self) -> set[str]:
        return self.spoken - self.closed - self.stopped - self.ended

    def may_act(self, think_id: str) -> bool:
        return self.ahead.may_act(think_id)

    def _check_state(self, state: State) -> None:
        """The state names its next deadline, or waits for somebody else."""
        assert sum(answer.phase is Phase.SOUNDING for answer in state.answers) <= 1
        turn = state.turn
        if turn is not None and not turn.voiced and (turn.ending or not turn.by_hand):
            assert state.deadline is not None, "the turn has no end"
        assert not state.unsettled or state.deadline is not None

    def _nobody_talks_over_the_user(self, before: State, event: Event, state: State) -> None:
        """What begins to sound while the user's turn is open was asked for in it, or the client wants it so."""
        turn = state.turn
        if not isinstance(event, PlayoutStarted) or turn is None or before.turn is None or turn.over_agent:
            return
        if turn.turn_id in self.reconfigured:
            return
        answer = Step(state, 0.0).answer_of(event.utterance_id)
        if answer is not None and answer.phase is Phase.SOUNDING and interruptible(Step(state, 0.0)):
            assert not answer.in_conversation or answer.asked_during == turn.turn_id or turn.by_hand

    # --- at the end -----------------------------------------------------------------------------------

    def check_the_end(self) -> None:
        assert self.call_ended, "the call has no end"
        known = self.opened | set(self.committed)
        assert known <= set(self.outcomes), f"{known - set(self.outcomes)} have no outcome"
        self.ahead.check_nothing_is_left()

    def check_history(self) -> None:
        """Rule 10: the history holds what was heard, of every utterance of the talk."""
        for utterance_id, text in self.played.items():
            if utterance_id in self.spoken and utterance_id not in self.beside:
                assert self.recorded.get(utterance_id, "") == text, f"the history is wrong about {utterance_id}"
