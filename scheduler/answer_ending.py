"""Pure: how answers end: stopped, given up, or said to their end."""

from __future__ import annotations

from typing import Literal

from scheduler.commands import EndTurn, StopSpeaking, StopThinking, TurnOutcome
from scheduler.state import Alarm, Answer, Phase
from scheduler.step import Step

StopReason = Literal["barge_in", "rejoined", "cancelled", "cleared", "urgent", "closing", "abandoned"]


def stop(step: Step, answer: Answer, reason: StopReason, within_seconds: float = 0.0) -> Answer:
    """Silence an answer; it may be taken up again while it is ``wanted``."""
    if answer.phase not in (Phase.WAITING, Phase.SOUNDING) or not answer.is_handed_over:
        return answer
    step.order(StopSpeaking(answer.utterance_id, within_seconds, reason))
    return step.change_answer(answer, phase=Phase.STOPPING)


def drop(step: Step, answer: Answer, outcome: TurnOutcome, reason: str, how: StopReason, within: float = 0.0) -> None:
    """Give an answer up for good; its turn ends with ``outcome``. If it sounds, its end is still awaited."""
    answer = stop(step, answer, how, within)
    answer = release(step, answer, outcome, reason)
    if answer.phase is not Phase.STOPPING:
        step.remove_answer(answer)


def release(step: Step, answer: Answer, outcome: TurnOutcome, reason: str) -> Answer:
    """Nothing more is wanted of it: not its thoughts, and not for its turn."""
    if answer.thinking and answer.think_id is not None:
        step.order(StopThinking(answer.think_id))
        await_no_more(step, answer.tool_calls)
    if answer.turn is not None:
        if answer.is_silent and outcome is TurnOutcome.ANSWERED:  # a filler was cut short
            outcome, reason = TurnOutcome.SILENT, answer.silent_reason
        step.order(EndTurn(answer.turn.turn_id, outcome, reason))
    return step.change_answer(answer, thinking=False, adopts=None, turn=None, wanted=False)


def finish(step: Step, answer: Answer) -> None:
    """An answer has been said to its end. Where silence was chosen, no more than fillers were said."""
    step.remove_answer(answer)
    if answer.think_id is not None and answer.in_conversation and not answer.is_silent:
        step.change(reflected=False)
    if answer.turn is None:
        return
    failure = answer.failure or ("" if answer.heard_text or answer.resumed else answer.voice_message)
    if answer.is_silent:
        outcome, reason = TurnOutcome.SILENT, answer.silent_reason
    else:
        outcome, reason = (TurnOutcome.FAILED if failure else TurnOutcome.ANSWERED), failure
    step.order(EndTurn(answer.turn.turn_id, outcome, reason))


def await_no_more(step: Step, call_ids: tuple[str, ...]) -> None:
    step.change(awaited_calls=tuple(each for each in step.state.awaited_calls if each not in call_ids))


def leave_tools(step: Step) -> None:
    """The talk goes on, whatever becomes of the client's tools."""
    step.change(awaited_calls=())
    step.clear_alarms(Alarm.TOOLS_ANSWERED)
