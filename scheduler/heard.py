"""Pure: what the caller heard of the agent, as the history keeps it (rule 10)."""

from __future__ import annotations

from scheduler import answer_ending
from scheduler.commands import RecordHeard, TurnOutcome
from scheduler.events import HeardCorrected
from scheduler.state import Alarm, Answer, Phase, Unsettled
from scheduler.step import Step

REMEMBERED_UTTERANCES = 16
"""How many utterances in the history a client may still correct."""


def keep(step: Step, answer: Answer, *, cut_off: bool, settled: bool) -> None:
    """Rule 10: what was heard goes into the history; at once when that is certain, else when nobody objects."""
    if not answer.in_conversation or not answer.heard_text:
        return
    if settled or not cut_off:
        _record(step, answer.utterance_id, answer.think_id, answer.heard_text, cut_off=cut_off)
        return
    at = step.now + step.policy.heard_settle_seconds
    unsettled = Unsettled(answer.utterance_id, answer.think_id, answer.heard_text, at)
    step.change(unsettled=(*step.state.unsettled, unsettled))
    step.set_alarm(Alarm.HEARD_SETTLED, min(each.at for each in step.state.unsettled))


def record_unended(step: Step, answer: Answer) -> None:
    """The call ends before the playout has told of its end: what is known to have been heard is recorded."""
    ended = answer.phase is Phase.SUSPENDED
    text = answer.heard_text if answer.corrected is None else answer.corrected
    if answer.in_conversation and text and not ended:
        _record(step, answer.utterance_id, answer.think_id, text, cut_off=True)


def _record(step: Step, utterance_id: str, think_id: str | None, text: str, *, cut_off: bool) -> None:
    step.order(RecordHeard(utterance_id, text, cut_off, think_id))
    others = tuple(each for each in step.state.recorded if each[0] != utterance_id)
    step.change(recorded=(*others, (utterance_id, think_id))[-REMEMBERED_UTTERANCES:])


def settle_heard(step: Step, until: float | None = None) -> None:
    """Record what was heard of stopped answers: all of it, or what was due by ``until``."""
    for each in step.state.unsettled:
        if until is None or each.at <= until:
            _record(step, each.utterance_id, each.think_id, each.text, cut_off=True)
    left = tuple(each for each in step.state.unsettled if until is not None and each.at > until)
    step.change(unsettled=left)
    step.clear_alarms(Alarm.HEARD_SETTLED)
    if left:
        step.set_alarm(Alarm.HEARD_SETTLED, min(each.at for each in left))


def heard_corrected(step: Step, event: HeardCorrected) -> None:
    """The client says what it played. While the answer still sounds here, the client has stopped playing it."""
    think_ids = {each.utterance_id: each.think_id for each in step.state.unsettled} | dict(step.state.recorded)
    if event.utterance_id in think_ids:
        step.change(unsettled=tuple(each for each in step.state.unsettled if each.utterance_id != event.utterance_id))
        if not step.state.unsettled:
            step.clear_alarms(Alarm.HEARD_SETTLED)
        _record(step, event.utterance_id, think_ids[event.utterance_id], event.text, cut_off=True)
    elif answer := step.answer_of(event.utterance_id):
        answer = step.change_answer(answer, corrected=event.text)
        if answer.phase is Phase.SOUNDING:
            answer_ending.drop(step, answer, TurnOutcome.ANSWERED, "the client stopped playing it", "cleared")
