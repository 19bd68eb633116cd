"""Pure: the agent as a listener: a short "mm-hm" in a long turn, at the end of a clause (rule 13)."""

from __future__ import annotations

from scheduler.commands import Backchannel
from scheduler.endpointing import end_probability
from scheduler.state import Alarm, Turn
from scheduler.step import Step


def plan(step: Step, turn: Turn) -> None:
    """The user pauses."""
    if step.policy.backchannels and turn.stopped_at is not None and Alarm.BACKCHANNEL not in step.state.alarms:
        step.set_alarm(Alarm.BACKCHANNEL, max(step.now, turn.stopped_at + step.policy.backchannel_pause_seconds))


def due(step: Step) -> None:
    turn, policy, last = step.state.turn, step.policy, step.state.backchannel_at
    if turn is None or turn.voiced or turn.stopped_at is None or turn.over_agent or turn.by_hand or turn.ending:
        return
    in_time = step.now - turn.stopped_at <= policy.backchannel_latest_seconds
    long = step.now - turn.begun_at >= policy.backchannel_after_seconds
    rare = last is None or step.now - last >= policy.backchannel_every_seconds
    probability = end_probability(turn.whole_text) if turn.end_probability is None else turn.end_probability
    clause_end = policy.unfinished_probability <= probability < policy.complete_probability
    if policy.backchannels and in_time and long and rare and clause_end and not step.state.answers:
        step.change(backchannel_at=step.now)
        step.order(Backchannel(policy.phrases.backchannel))
