"""Pure: the standing thinker: private notes during a long turn, from which its answer starts (rule 4)."""

from __future__ import annotations

from typing import Any

from scheduler.commands import Effort, PromoteThinking, Purpose, StopThinking, Think
from scheduler.comparison import Relation, relation
from scheduler.endpointing import end_probability
from scheduler.events import ThinkEnded, ThinkEnding, ThoughtGrown
from scheduler.frozen import changed
from scheduler.state import Alarm, Notes, Turn
from scheduler.step import ROUNDING_SECONDS, Step
from scheduler.words import bare_words


def being_made(turn: Turn) -> bool:
    return bool(turn.notes) and not turn.notes[-1].done


def usable(turn: Turn) -> tuple[str, ...]:
    """The streams of notes that an answer to this turn starts from."""
    return tuple(notes.think_id for notes in turn.notes if notes.grown)


def effort(step: Step, turn: Turn) -> Effort | None:
    """What was reasoned in finished notes is not reasoned again. Notes on much less than was said are not finished."""
    finished = bool(usable(turn)) and not being_made(turn) and not _are_behind(step, turn)
    return Effort.REFLEX if finished else None


def _are_behind(step: Step, turn: Turn) -> bool:
    """So much was said since the last ones that they are to be gone on with."""
    noted = len(bare_words(turn.notes[-1].basis))
    return len(bare_words(turn.whole_text)) - noted >= step.policy.notes_step_words


def review(step: Step) -> None:
    """Notes about words that were taken back are worth nothing."""
    turn = step.state.turn
    if turn is None:
        return
    for notes in turn.notes:
        if relation(notes.basis, turn.whole_text, step.policy.language) is Relation.CONTRADICTED:
            _discard(step, notes)


def _discard(step: Step, notes: Notes) -> None:
    """Those before them stay."""
    if not notes.done:
        step.order(StopThinking(notes.think_id))
    _forget(step, notes)


def consider(step: Step, *, allowed: bool) -> None:
    """Begin notes, or go on with them: at a clause end of a long turn, and in any turn that grows very long."""
    turn, policy = step.state.turn, step.policy
    if turn is None or not policy.notes or not allowed or being_made(turn):
        return
    age = step.now - turn.begun_at + ROUNDING_SECONDS
    if age < policy.notes_after_seconds:
        return
    if step.now + ROUNDING_SECONDS < (again_at := _again_at(step, turn)):
        step.set_alarm(Alarm.NOTES, again_at)
        return
    text = turn.whole_text
    if turn.notes:
        due = _are_behind(step, turn)
    else:
        due = age >= policy.notes_ceiling_seconds or end_probability(text) >= policy.draft_probability
    if due:
        _begin(step, turn, text)
    elif not turn.notes:
        step.set_alarm(Alarm.NOTES, turn.begun_at + policy.notes_ceiling_seconds)


def _again_at(step: Step, turn: Turn) -> float:
    lost_at = turn.notes_lost_at
    return step.now if lost_at is None else lost_at + step.policy.notes_again_seconds


def _begin(step: Step, turn: Turn, basis: str) -> None:
    think_id = step.new_id("think")
    step.change_turn(notes=(*turn.notes, Notes(think_id, basis)))
    step.order(
        Think(
            think_id,
            Purpose.NOTES,
            turn_id=turn.turn_id,
            audible=False,
            basis=basis,
            joins=turn.joins,
            notes_ids=usable(turn),
        )
    )


def thought_grown(step: Step, event: ThoughtGrown) -> None:
    if (notes := _thought(step, event.think_id)) is not None:
        _change(step, notes, grown=True)


def think_ended(step: Step, event: ThinkEnded) -> None:
    """Of a stream that ended badly nothing is kept; the notes before it are as good as they were."""
    notes = _thought(step, event.think_id)
    if notes is None:
        return
    if event.ending in (ThinkEnding.DONE, ThinkEnding.LENGTH):
        _change(step, notes, done=True)
        return
    _forget(step, notes)
    if event.ending is ThinkEnding.FAILED:
        step.change_turn(thinking_failed=True)


def _thought(step: Step, think_id: str) -> Notes | None:
    turn = step.state.turn
    return next((notes for notes in turn.notes if notes.think_id == think_id), None) if turn is not None else None


def _change(step: Step, notes: Notes, **changes: Any) -> None:
    turn = step.state.turn
    assert turn is not None
    step.change_turn(notes=tuple(changed(each, **changes) if each is notes else each for each in turn.notes))


def _forget(step: Step, notes: Notes) -> None:
    turn = step.state.turn
    assert turn is not None
    step.change_turn(notes=tuple(each for each in turn.notes if each is not notes), notes_lost_at=step.now)


def stop(step: Step, turn: Turn) -> None:
    if being_made(turn):
        step.order(StopThinking(turn.notes[-1].think_id))


def keep(step: Step, turn: Turn) -> None:
    """The turn is over: what was thought during it belongs to the history."""
    for notes in turn.notes:
        step.order(PromoteThinking(notes.think_id, turn.turn_id))
