"""Pure: the end of the user's turn: how long it is awaited, and what follows from it (rules 5 and 11)."""

from __future__ import annotations

from scheduler import answer_ending, answers, drafts, fillers, notes, taking
from scheduler.commands import CommitTurn, EndTurn, OpenTurn, Purpose, TurnOutcome
from scheduler.endpointing import end_probability, wait_seconds
from scheduler.policy import TurnMode
from scheduler.state import Alarm, CommittedTurn, Turn
from scheduler.step import Step
from scheduler.words import HESITATIONS

_TURN_ALARMS = (
    Alarm.TURN_END,
    Alarm.FINAL_TRANSCRIPT,
    Alarm.TURN_CEILING,
    Alarm.SOUND_IN_PAUSE,
    Alarm.DUCK_DEEP,
    Alarm.PAUSE_ON_VOICE,
    Alarm.STOP_ON_VOICE,
    Alarm.RESTORE,
    Alarm.DRAFT,
    Alarm.NOTES,
    Alarm.BACKCHANNEL,
)
_LATE_TURNS = 8
"""Committed turns whose final transcript is still awaited; older ones are left as they are."""


def announce(step: Step) -> None:
    """Tell clients of the turn, once."""
    turn = step.state.turn
    if turn is not None and not turn.announced and not turn.by_hand:
        step.order(OpenTurn(turn.turn_id, turn.audio_start_seconds))
        step.change_turn(announced=True)


def has_words(turn: Turn) -> bool:
    return any(word not in HESITATIONS for word in turn.bare)


def end_wait_seconds(step: Step, turn: Turn) -> float:
    """How long a silence ends this turn now (rule 5)."""
    policy, detection = step.policy, step.state.turn_detection
    if detection.mode is TurnMode.SILENCE:
        return detection.silence_seconds
    if turn.past_ceiling:
        return policy.wait_complete_seconds
    if not has_words(turn):
        if any(answer.is_interrupted for answer in step.state.answers):
            return policy.resume_after_seconds
        return policy.wait_unfinished_seconds if turn.bare else policy.wait_wordless_seconds
    if turn.end_probability is not None:
        return _wait_after(step, turn, turn.end_probability, policy.wait_complete_seconds)
    probability = end_probability(turn.whole_text)
    wait = _wait_after(step, turn, probability, policy.wait_draft_seconds)
    return wait if probability >= policy.sure_probability else max(wait, step.state.patience.seconds)


def _wait_after(step: Step, turn: Turn, probability: float, while_drafting: float) -> float:
    """``while_drafting``: how long the making of an answer may be waited for after words that sound complete. An
    end-of-turn model's verdict is worth more than the words': after it nothing is waited for."""
    policy = step.policy
    draft = drafts.matching(step, turn) if probability >= policy.complete_probability else None
    if draft is None:
        return wait_seconds(policy, probability)
    return policy.wait_ready_seconds if draft.ready else max(while_drafting, policy.wait_complete_seconds)


def await_end(step: Step) -> None:
    """The user has paused: set the time at which the turn is over, or end it if that has passed."""
    turn = step.state.turn
    if turn is None or turn.by_hand or turn.voiced or turn.stopped_at is None or turn.over_agent or turn.ending:
        return
    at = turn.stopped_at + end_wait_seconds(step, turn)
    if at > step.now:
        step.set_alarm(Alarm.TURN_END, at)
    else:
        turn_end(step)


def turn_end(step: Step) -> None:
    """The silence was long enough. The recogniser's final is awaited for a moment; revisions don't prolong it."""
    turn = step.state.turn
    if turn is None or turn.voiced or turn.over_agent:
        return
    step.clear_alarms(Alarm.TURN_END)
    if _user_may_go_on(step, turn) is not None:
        return
    if turn.all_final:
        close(step)
        return
    step.change_turn(ending=True)
    policy = step.policy
    wait = policy.final_transcript_seconds if has_words(turn) else policy.final_without_words_seconds
    awaited_until = step.state.alarms.get(Alarm.FINAL_TRANSCRIPT, step.now + wait)
    step.set_alarm(Alarm.FINAL_TRANSCRIPT, min(awaited_until, step.now + wait))


def _user_may_go_on(step: Step, turn: Turn) -> float | None:
    """When it will be known whether the sound that was heard just now is their voice."""
    known_at = step.state.alarms.get(Alarm.SOUND_IN_PAUSE, step.now)
    return known_at if known_at > step.now and not (turn.by_hand or turn.past_ceiling) else None


def final_transcript_overdue(step: Step) -> None:
    turn = step.state.turn
    if turn is None or not turn.ending:
        return
    if (known_at := _user_may_go_on(step, turn)) is not None:
        step.set_alarm(Alarm.FINAL_TRANSCRIPT, known_at)
    else:
        close(step)


def turn_ceiling(step: Step) -> None:
    """A turn without end: it is over at its next pause, and if none comes, now."""
    turn = step.state.turn
    if turn is None or turn.by_hand:
        return
    if turn.past_ceiling:
        step.change_turn(voiced=False, stopped_at=step.now, over_agent=False)
        announce(step)
        turn_end(step)
    else:
        step.change_turn(past_ceiling=True)
        step.set_alarm(Alarm.TURN_CEILING, step.now + step.policy.turn_ceiling_seconds / 2)
        await_end(step)


def forget(step: Step) -> None:
    turn = step.state.turn
    assert turn is not None
    settled = max((segment.number + 1 for segment in turn.segments), default=0)
    step.change(turn=None, segments_settled=max(settled, step.state.segments_settled))
    step.clear_alarms(*_TURN_ALARMS)


def close(step: Step) -> None:
    """Commit the turn and decide what follows: an answer, silence, or an apology."""
    turn = step.state.turn
    assert turn is not None
    mistaken = taking.is_mistaken(step, turn)
    if has_words(turn) and not mistaken:
        taking.give_up_interrupted(step)
        turn = step.state.turn
        assert turn is not None
    forget(step)
    if step.state.false_sounds:
        step.change(false_sounds=step.state.false_sounds - 1)  # a cough now and then makes no noisy place
    if has_words(turn):
        step.change(last_pause_at=turn.stopped_at, patience=step.state.patience.after_turn(step.policy))
    if turn.announced or turn.by_hand:
        _commit(step, turn)
    if turn.ears_failed:
        _apologise(step, turn)  # an answer to half of what was said would be an answer to something else
    elif (has_words(turn) or turn.joined) and not mistaken:
        _answer(step, turn)
    else:
        step.order(
            EndTurn(turn.turn_id, TurnOutcome.SILENT, "no words were recognised" if not turn.text else turn.text)
        )
        serve_requests(step, turn, None)
    think_no_more(step, turn)


def think_no_more(step: Step, turn: Turn) -> None:
    """What was begun for this turn and is not its answer comes to nothing."""
    notes.stop(step, turn)
    drafts.abandon_all(step)


def _commit(step: Step, turn: Turn) -> None:
    if not turn.all_final:
        step.change(late=(*step.state.late, (turn.turn_id, turn.segments))[-_LATE_TURNS:])
    step.order(
        CommitTurn(
            turn.turn_id,
            turn.text,
            turn.audio_start_seconds,
            turn.audio_end_seconds,
            final=turn.all_final,
            segments=tuple(segment.number for segment in turn.segments),
            joins=turn.joins,
            by_hand=turn.by_hand,
        )
    )


def _answer(step: Step, turn: Turn) -> None:
    committed = CommittedTurn(turn.turn_id, turn.text, turn.joined)
    answer_ending.leave_tools(step)
    detection = step.state.turn_detection
    if turn.request_ids:
        taking.end_asked_during(step, turn)
        serve_requests(step, turn, committed)
    elif detection.create_response and detection.mode is not TurnMode.MANUAL:
        taking.end_asked_during(step, turn)
        _answer_unasked(step, turn, committed)
    else:
        step.order(EndTurn(turn.turn_id, TurnOutcome.SILENT, "left to the client"))


def _answer_unasked(step: Step, turn: Turn, committed: CommittedTurn) -> None:
    notes.keep(step, turn)
    if not drafts.promote(step, turn, committed):
        answers.think(
            step, Purpose.ANSWER, turn=committed, notes_ids=notes.usable(turn), effort=notes.effort(step, turn)
        )
    answer = next((each for each in step.state.answers if each.turn is committed), None)
    if answer is not None:
        fillers.await_substance(step, answer)


def serve_requests(step: Step, turn: Turn, committed: CommittedTurn | None) -> None:
    for request_id, audible in turn.request_ids:
        answers.think(step, Purpose.ANSWER, turn=committed, request_id=request_id, audible=audible)
        committed = None


def _apologise(step: Step, turn: Turn) -> None:
    committed = CommittedTurn(turn.turn_id, turn.text, turn.joined)
    if turn.request_ids:
        serve_requests(step, turn, committed)
        step.change(notices=(step.policy.phrases.ears_failed,))
    elif step.state.audible:
        answers.say(step, step.policy.phrases.ears_failed, turn=committed, failure="speech recognition failed")
    else:
        step.order(EndTurn(turn.turn_id, TurnOutcome.FAILED, "speech recognition failed"))
