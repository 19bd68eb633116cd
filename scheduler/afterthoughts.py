"""Pure: when all was said, the agent thinks again: a correction that matters is spoken while the floor is free (rule 12)."""

from __future__ import annotations

from scheduler import answers, heard
from scheduler.commands import Purpose, StopThinking, Think
from scheduler.events import SentenceWritten, ThinkEnded, ThinkEnding
from scheduler.state import Afterthought, Alarm, State
from scheduler.step import Step


def plan(step: Step, *, resting: bool) -> None:
    """Called when it is settled who has the floor: think again after a while of rest, once for what was said."""
    due = step.policy.afterthoughts and not step.state.reflected and may_speak(step.state)
    if not resting:
        stop(step)
        step.clear_alarms(Alarm.AFTERTHOUGHT)
    elif due and Alarm.AFTERTHOUGHT not in step.state.alarms:
        step.set_alarm(Alarm.AFTERTHOUGHT, step.now + step.policy.afterthought_seconds)


def begin(step: Step) -> None:
    if step.state.afterthought is not None or step.state.reflected or not may_speak(step.state):
        return
    heard.settle_heard(step)
    think_id = step.new_id("think")
    step.change(afterthought=Afterthought(think_id), reflected=True)
    step.order(Think(think_id, Purpose.AFTERTHOUGHT))


def may_speak(state: State) -> bool:
    """Whether the agent may begin to speak unasked."""
    awaits_client = bool(state.awaited_calls) or Alarm.TOOLS_ANSWERED in state.alarms
    return state.turn_detection.create_response and not awaits_client and state.closing is None


def stop(step: Step) -> None:
    """Somebody speaks, or something more important is thought."""
    if step.state.afterthought is not None:
        step.order(StopThinking(step.state.afterthought.think_id))
        step.change(afterthought=None)


def sentence_written(step: Step, event: SentenceWritten) -> None:
    afterthought = step.state.afterthought
    if afterthought is not None and afterthought.think_id == event.think_id:
        step.change(afterthought=Afterthought(event.think_id, (*afterthought.sentences, event.text)))


def think_ended(step: Step, event: ThinkEnded) -> None:
    afterthought = step.state.afterthought
    if afterthought is None or afterthought.think_id != event.think_id:
        return
    step.change(afterthought=None)
    if event.ending is ThinkEnding.DONE and afterthought.sentences and step.state.audible and may_speak(step.state):
        answers.say(step, " ".join(afterthought.sentences), Purpose.AFTERTHOUGHT)
