"""Pure: one step of the conductor: the state as it changes, and the commands so far."""

from __future__ import annotations

from typing import Any

from scheduler.commands import Command
from scheduler.frozen import changed
from scheduler.policy import Policy
from scheduler.state import Alarm, Answer, Draft, State, Turn

ROUNDING_SECONDS = 1e-6
"""An alarm rings at its time, which sums of seconds may miss by a rounding."""


class Step:
    """Lives for one call of ``decide`` only; the frozen state before it stays untouched."""

    def __init__(self, state: State, now: float) -> None:
        self.state = state
        self.now = now
        self.commands: list[Command] = []

    @property
    def policy(self) -> Policy:
        return self.state.policy

    def order(self, command: Command) -> None:
        self.commands.append(command)

    def change(self, **changes: Any) -> None:
        self.state = changed(self.state, **changes)

    def new_id(self, kind: str) -> str:
        """``turn_1``, ``think_2``, …: unique within the session and the same in every replay."""
        self.change(counter=self.state.counter + 1)
        return f"{kind}_{self.state.counter}"

    # --- alarms ---------------------------------------------------------------------------------------

    def set_alarm(self, alarm: Alarm, at: float) -> None:
        self.change(alarms={**self.state.alarms, alarm: at})

    def clear_alarms(self, *alarms: Alarm) -> None:
        if any(alarm in self.state.alarms for alarm in alarms):
            self.change(alarms={alarm: at for alarm, at in self.state.alarms.items() if alarm not in alarms})

    # --- the turn -------------------------------------------------------------------------------------

    def change_turn(self, **changes: Any) -> Turn:
        assert self.state.turn is not None
        turn = changed(self.state.turn, **changes)
        self.change(turn=turn)
        return turn

    # --- answers --------------------------------------------------------------------------------------

    def answer_of(self, utterance_id: str) -> Answer | None:
        return next((answer for answer in self.state.answers if answer.utterance_id == utterance_id), None)

    def draft_of(self, utterance_id: str) -> Draft | None:
        return next((draft for draft in self.state.drafts if draft.answer.utterance_id == utterance_id), None)

    def draft_thought(self, think_id: str) -> Draft | None:
        return next((draft for draft in self.state.drafts if draft.answer.think_id == think_id), None)

    def change_draft(self, draft: Draft, **changes: Any) -> Draft:
        """It must be the draft as it is now: what an older copy of it doesn't hold would be lost."""
        assert any(each is draft for each in self.state.drafts), f"{draft.answer.utterance_id} is not known like this"
        new = changed(draft, **changes)
        self.change(drafts=tuple(new if each is draft else each for each in self.state.drafts))
        return new

    def remove_draft(self, draft: Draft) -> None:
        self.change(drafts=tuple(each for each in self.state.drafts if each is not draft))

    def answer_thought(self, think_id: str) -> Answer | None:
        return next((answer for answer in self.state.answers if answer.think_id == think_id), None)

    def add_answer(self, answer: Answer) -> None:
        self.change(answers=(*self.state.answers, answer))

    def change_answer(self, answer: Answer, **changes: Any) -> Answer:
        """Also of a draft. It must be the answer as it is now, see ``change_draft``."""
        new = changed(answer, **changes)
        for draft in self.state.drafts:
            if draft.answer is answer:
                self.change_draft(draft, answer=new)
                return new
        assert any(each is answer for each in self.state.answers), f"{answer.utterance_id} is not known like this"
        self.change(answers=tuple(new if each is answer else each for each in self.state.answers))
        return new

    def remove_answer(self, answer: Answer) -> None:
        self.change(answers=tuple(each for each in self.state.answers if each is not answer))
