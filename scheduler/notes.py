"""Pure: the standing thinker: private notes during a long turn, from which its answer starts (rule 4)."""

from __future__ import annotations

from scheduler.commands import Effort, PromoteThinking, Purpose, StopThinking, Think
from scheduler.comparison import Relation, relation
from scheduler.endpointing import end_probability
from scheduler.events import ThinkEnded, ThinkEnding, ThoughtGrown
from scheduler.state import Alarm, Notes, Turn
from scheduler.step import Step
from scheduler.words import bare_words

EPSILON_SECONDS = 1e-6
"""An alarm rings at its time, which sums may miss by a rounding."""


def being_made(turn: Turn) -> bool:
    return turn.notes is not None and not turn.notes.done


def usable(turn: Turn) -> str | None:
    """The stream of notes that an answer to this turn starts from."""
    return turn.notes.think_ids[-1] if turn.notes is not None and turn.notes.grown else None


def effort(turn: Turn) -> Effort | None:
    """What was reasoned in finished notes is not reasoned again."""
    return Effort.REFLEX if turn.notes is not None and turn.notes.finished else None


def review(step: Step) -> None:
    """Notes about words that were taken back are worth nothing."""
    turn = step.state.turn
    if turn is None or turn.notes is None:
        return
    if relation(turn.notes.basis, turn.whole_text, step.policy.language) is Relation.CONTRADICTED:
        stop(step, turn)
        step.change_turn(notes=None)


def consider(step: Step, *, allowed: bool) -> None:
    """Begin notes, or go on with them: at a clause end of a long turn, and in any turn that grows very long."""
    turn, policy = step.state.turn, step.policy
    if turn is None or not policy.notes or not allowed or being_made(turn):
        return
    age = step.now - turn.begun_at + EPSILON_SECONDS
    if age < policy.notes_after_seconds:
        return
    text = turn.whole_text
    if turn.notes is not None:
        due = len(turn.bare) - len(bare_words(turn.notes.basis)) >= policy.notes_step_words
    else:
        due = age >= policy.notes_ceiling_seconds or end_probability(text) >= policy.draft_probability
    if due:
        _begin(step, turn, text)
    elif turn.notes is None:
        step.set_alarm(Alarm.NOTES, turn.begun_at + policy.notes_ceiling_seconds)


def _begin(step: Step, turn: Turn, basis: str) -> None:
    think_id = step.new_id("think")
    earlier = turn.notes.think_ids if turn.notes else ()
    step.change_turn(notes=Notes((*earlier, think_id), basis, grown=turn.notes is not None and turn.notes.grown))
    joins = turn.joined.turn_id if turn.joined else None
    step.order(
        Think(
            think_id,
            Purpose.NOTES,
            turn_id=turn.turn_id,
            audible=False,
            basis=basis,
            joins=joins,
            notes_id=earlier[-1] if earlier else None,
        )
    )


def thought_grown(step: Step, event: ThoughtGrown) -> None:
    turn = step.state.turn
    if turn is not None and turn.notes is not None and turn.notes.think_ids[-1] == event.think_id:
        step.change_turn(notes=Notes(turn.notes.think_ids, turn.notes.basis, turn.notes.done, grown=True))


def think_ended(step: Step, event: ThinkEnded) -> None:
    turn = step.state.turn
    if turn is None or turn.notes is None or turn.notes.think_ids[-1] != event.think_id:
        return
    if event.ending in (ThinkEnding.DONE, ThinkEnding.LENGTH):
        step.change_turn(notes=Notes(turn.notes.think_ids, turn.notes.basis, True, turn.notes.grown))
    else:
        failed = turn.thinking_failed or event.ending is ThinkEnding.FAILED
        step.change_turn(notes=None, thinking_failed=failed)


def stop(step: Step, turn: Turn) -> None:
    if turn.notes is not None and not turn.notes.done:
        step.order(StopThinking(turn.notes.think_ids[-1]))


def keep(step: Step, turn: Turn) -> None:
    """The turn is over: what was thought during it belongs to the history."""
    if turn.notes is not None:
        for think_id in turn.notes.think_ids:
            step.order(PromoteThinking(think_id, turn.turn_id))
