"""Pure: the user's turn, event by event: begun, paused, gone on with, recognised, committed or cleared by hand."""

from __future__ import annotations

from scheduler import answer_ending, answers, backchannels, drafts, giving, notes, taking, turn_ending, yielding
from scheduler.commands import AmendTurn, EndTurn, Purpose, TurnOutcome
from scheduler.events import (
    EarsFailed,
    InputCommitted,
    PauseGrew,
    PlayoutEnded,
    ResponseRequested,
    SpeechStarted,
    SpeechStopped,
    TranscriptRevised,
    TurnEndEstimated,
    VoiceFaded,
    VoiceReturned,
)
from scheduler.policy import TurnMode
from scheduler.state import Alarm, Answer, Phase, Segment, Turn
from scheduler.step import Step
from scheduler.words import bare_words, join_texts


def speech_started(step: Step, event: SpeechStarted) -> None:
    segment = Segment(step.state.segments_begun)
    step.change(segments_begun=segment.number + 1)
    if step.state.closing is not None:
        return
    if step.state.turn is not None or step.state.sounding is not None or Alarm.SOUND_IN_PAUSE in step.state.alarms:
        step.change(false_sounds=0)  # where sounds are listened for, this one was a voice
    if step.state.turn is not None and step.state.turn.is_committed_by_hand:
        turn_ending.close(step)  # what is said now belongs to the next; the words of that one may come late
    if step.state.turn is not None:
        _go_on(step, segment, event)
    else:
        _begin(step, segment, event)
    step.clear_alarms(Alarm.SOUND)


def _go_on(step: Step, segment: Segment, event: SpeechStarted) -> None:
    turn = step.state.turn
    assert turn is not None
    step.clear_alarms(
        Alarm.TURN_END,
        Alarm.FINAL_TRANSCRIPT,
        Alarm.SOUND_IN_PAUSE,
        Alarm.RESTORE,
        Alarm.DRAFT,
        Alarm.BACKCHANNEL,
    )
    if not turn.over_agent and turn.stopped_at is not None and turn_ending.has_words(turn):
        taking.went_on(step, step.now - event.voiced_seconds - turn.stopped_at)
    turn = step.change_turn(
        segments=(*turn.segments, segment),
        audio_end_seconds=max(turn.audio_end_seconds, event.audio_seconds),
        voiced=True,
        faded=False,
        stopped_at=None,
        ending=False,
        by_hand=False,
        end_probability=None,
    )
    if turn.over_agent:
        yielding.duck(step, event)
    else:
        turn_ending.announce(step)


def _begin(step: Step, segment: Segment, event: SpeechStarted) -> None:
    start = event.audio_seconds
    begun_at = step.now - event.voiced_seconds
    step.change(turn=Turn(step.new_id("turn"), start, start, segments=(segment,), begun_at=begun_at))
    step.set_alarm(Alarm.TURN_CEILING, step.now + step.policy.turn_ceiling_seconds)
    step.clear_alarms(Alarm.SOUND_IN_PAUSE)
    yielding.mark_rejoinable(step, onset_at=step.now - event.voiced_seconds)
    sounding = step.state.sounding
    if sounding is None or not giving.interruptible(step):
        turn_ending.announce(step)
        yielding.hold_waiting(step)
    elif sounding.rejoinable:
        turn_ending.announce(step)  # before the answer is stopped: clients expect to hear first why
        answer_ending.stop(step, sounding, "rejoined")
        yielding.hold_waiting(step)
    elif step.state.turn_detection.mode is TurnMode.SILENCE:
        yielding.interrupt(step, certain=True, within_seconds=0.0)
    else:
        step.change_turn(over_agent=True)
        yielding.duck(step, event)


def speech_stopped(step: Step, event: SpeechStopped) -> None:
    turn = step.state.turn
    if turn is None or turn.by_hand or not turn.voiced:
        return
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.PAUSE_ON_VOICE, Alarm.STOP_ON_VOICE)
    turn = step.change_turn(
        voiced=False,
        faded=False,
        audio_end_seconds=max(event.audio_seconds, turn.audio_end_seconds),
        voiced_seconds=turn.voiced_seconds + max(0.0, event.audio_seconds - turn.audio_end_seconds),
        stopped_at=step.now - event.silence_seconds,
    )
    if turn.over_agent:
        yielding.sound_ended(step, turn)
    else:
        _paused(step, event.silence_seconds)
        backchannels.plan(step, turn)
        turn_ending.await_end(step)


def voice_faded(step: Step, event: VoiceFaded) -> None:
    """The sound may be over: it does not count as voice from here on, and a draft may be begun soon."""
    turn = step.state.turn
    if turn is None or turn.by_hand or not turn.voiced:
        return
    turn = step.change_turn(faded=True)
    if turn.over_agent:
        yielding.voice_faded(step)
    else:
        _paused(step, event.silence_seconds)


def voice_returned(step: Step, event: VoiceReturned) -> None:
    turn = step.state.turn
    if turn is None or not turn.faded:
        return
    turn = step.change_turn(faded=False, end_probability=None)
    step.clear_alarms(Alarm.DRAFT)
    if turn.over_agent:
        yielding.voice_returned(step, turn)


def _paused(step: Step, silence_seconds: float) -> None:
    step.set_alarm(Alarm.DRAFT, max(step.now, step.now - silence_seconds + step.policy.draft_pause_seconds))


def pause_grew(step: Step, event: PauseGrew) -> None:
    """Audio time has passed: it, and not the wall clock, says how long the pause is."""
    turn = step.state.turn
    if turn is None or turn.voiced or turn.by_hand:
        return
    step.change_turn(stopped_at=step.now - event.silence_seconds)
    if not turn.over_agent and not turn.ending:
        turn_ending.await_end(step)


def turn_end_estimated(step: Step, event: TurnEndEstimated) -> None:
    turn = step.state.turn
    if turn is not None and (turn.faded or not turn.voiced):
        step.change_turn(end_probability=event.probability)
        if not turn.over_agent and not turn.ending:
            turn_ending.await_end(step)


def transcript_revised(step: Step, event: TranscriptRevised) -> None:
    _meet_segment(step, event.segment)
    turn = step.state.turn
    if turn is None or all(segment.number != event.segment for segment in turn.segments):
        _amend(step, event)
        return
    previous = turn.bare
    turn = step.change_turn(segments=_revised(turn.segments, event))
    if turn.over_agent:
        yielding.heard_over_agent(step, turn, event)
        if step.state.turn is not None and not step.state.turn.over_agent:
            step.change(idle_prompts=0)  # they have taken the floor
        return
    if turn_ending.has_words(turn):
        turn_ending.announce(step)
        step.change(idle_prompts=0)
        yielding.words_after_stop(step, turn, event)
    drafts.review(step)
    notes.review(step)
    if turn.by_hand and turn.ending:
        turn_ending.turn_end(step)
    elif not turn.voiced:
        step.change_turn(ending=False)
        turn_ending.await_end(step)
    _think_along(step, event, previous)


def _think_along(step: Step, event: TranscriptRevised, previous: tuple[str, ...]) -> None:
    """The turn goes on: what can be thought of it already."""
    turn = step.state.turn
    if turn is None or turn.over_agent:
        return
    notes.consider(step, allowed=drafts.will_be_answered(step, turn))
    certain = not event.tentative
    if event.is_final or (certain and (turn.faded or not turn.voiced)):
        drafts.consider(step, drafts.Trigger.ENDED)
    elif certain or turn.bare == previous:
        drafts.consider(step, drafts.Trigger.AGREED)
    else:
        drafts.consider(step, drafts.Trigger.LIKELY)
    drafts.foresee(step)


def draft_due(step: Step) -> None:
    drafts.consider(step, drafts.Trigger.PAUSE)


def agent_stopped(step: Step, event: PlayoutEnded) -> None:
    """What was heard of an interrupted answer is known now: the next one may be drafted."""
    turn = step.state.turn
    if event.stopped and event.text and turn is not None and (turn.faded or not turn.voiced):
        drafts.consider(step, drafts.Trigger.PAUSE)


def notes_due(step: Step) -> None:
    if (turn := step.state.turn) is not None:
        notes.consider(step, allowed=drafts.will_be_answered(step, turn))


def _meet_segment(step: Step, number: int) -> None:
    """A segment that no ``SpeechStarted`` began: push to talk, or speech that a crashed recogniser heard in two."""
    turn, segment = step.state.turn, Segment(number)
    if number < step.state.segments_begun or (turn is not None and turn.by_hand and turn.ending):
        return  # known, or of the next push to talk, while this one's transcript is awaited
    step.change(segments_begun=number + 1)
    if turn is not None:
        step.change_turn(segments=(*turn.segments, segment))
    elif step.state.turn_detection.mode is TurnMode.MANUAL and step.state.closing is None:
        # its true times come with the commit
        step.change(turn=Turn(step.new_id("turn"), 0.0, 0.0, (segment,), by_hand=True))


def _revised(segments: tuple[Segment, ...], event: TranscriptRevised) -> tuple[Segment, ...]:
    return tuple(
        Segment(event.segment, event.words, event.is_final or segment.is_final)
        if segment.number == event.segment
        else segment
        for segment in segments
    )


def _amend(step: Step, event: TranscriptRevised) -> None:
    """The recogniser's last word on a turn that was committed without it."""
    if not event.is_final:
        return
    kept: list[tuple[str, tuple[Segment, ...]]] = []
    for turn_id, segments in step.state.late:
        was_empty = not bare_words(_text(segments))
        segments = _revised(segments, event)
        if all(segment.is_final for segment in segments):
            text = _text(segments)
            step.order(AmendTurn(turn_id, text))
            answers.amended(step, turn_id, text)
            if was_empty and bare_words(text):
                _answer_late(step)
            if step.state.turn is not None and step.state.turn.joined is not None:
                step.change_turn(joined=step.state.turn.joined.amended(turn_id, text))
                drafts.review(step)
        else:
            kept.append((turn_id, segments))
    step.change(late=tuple(kept))


def _text(segments: tuple[Segment, ...]) -> str:
    return join_texts(*(word.text for segment in segments for word in segment.words))


def _answer_late(step: Step) -> None:
    """A turn was taken for one without words, so nothing was said to it; now they are known. Unless the talk has gone on,
    it is answered like a request: the turn itself is over."""
    busy = step.state.turn is not None or any(answer.in_conversation for answer in step.state.answers)
    wanted = step.state.turn_detection.create_response and step.state.turn_detection.mode is not TurnMode.MANUAL
    if wanted and not busy and step.state.closing is None:
        answers.think(step, Purpose.ANSWER)


def input_committed(step: Step, event: InputCommitted) -> None:
    if step.state.closing is not None:
        return
    if step.state.turn is not None and step.state.turn.is_committed_by_hand:
        turn_ending.close(step)
    step.change(segments_begun=max(step.state.segments_begun, event.segment + 1))
    if step.state.turn is None:
        step.change(turn=Turn(step.new_id("turn"), event.audio_start_seconds, event.audio_end_seconds, by_hand=True))
    turn = step.state.turn
    assert turn is not None
    known = {segment.number for segment in turn.segments}
    new = event.segment not in known and event.segment >= step.state.segments_settled
    step.change_turn(
        audio_start_seconds=event.audio_start_seconds if turn.by_hand else turn.audio_start_seconds,
        audio_end_seconds=event.audio_end_seconds,
        segments=(*turn.segments, Segment(event.segment)) if new else turn.segments,
        voiced=False,
        by_hand=True,
    )
    if turn.over_agent:
        yielding.interrupt(step, certain=True, within_seconds=0.0)
    turn_ending.turn_end(step)


def cancel(step: Step, reason: str) -> None:
    """What is not committed yet is thrown away."""
    turn = step.state.turn
    if turn is None or turn.is_committed_by_hand:
        return
    if turn.over_agent:
        yielding.unduck(step)
    turn_ending.think_no_more(step, turn)
    turn_ending.forget(step)
    step.order(EndTurn(turn.turn_id, TurnOutcome.CANCELLED, reason))
    turn_ending.serve_requests(step, turn, None)


def ears_failed(step: Step, event: EarsFailed) -> None:
    if step.state.turn is not None:
        step.change_turn(ears_failed=True)
    elif not event.recovered:
        step.change(notices=(step.policy.phrases.ears_failed,))


def response_requested(step: Step, event: ResponseRequested) -> None:
    """The client asks for an answer; what the agent began to say by itself gives way to it."""
    if step.state.closing is not None:
        return
    answer_ending.leave_tools(step)
    step.change(idle_prompts=0)
    if event.in_conversation:
        _make_way(step)
    turn = step.state.turn
    if turn is not None and turn.ending and event.in_conversation:
        step.change_turn(request_ids=(*turn.request_ids, (event.request_id, event.audible)))
        return
    answers.think(
        step,
        Purpose.ANSWER,
        request_id=event.request_id,
        audible=event.audible,
        in_conversation=event.in_conversation,
        asked_during=turn.turn_id if turn else None,
    )


def _make_way(step: Step) -> None:
    """Clients know of one response at a time, and don't count on those that they didn't ask for."""
    for answer in step.state.answers:
        if answer.is_unasked and answer.wanted and answer.in_conversation:
            _give_way(step, answer)


def _give_way(step: Step, answer: Answer) -> None:
    """At the next word, if it sounds. A report of which nothing was heard is told later."""
    if answer.report_id is not None and answer.phase is Phase.WAITING:
        answers.tell_later(step, answer.report_id)
    within = step.policy.stop_within_seconds if answer.phase is Phase.SOUNDING else 0.0
    outcome = TurnOutcome.FAILED if answer.failure else TurnOutcome.CANCELLED
    reason = answer.failure or "the client asked for an answer of its own"
    answer_ending.drop(step, answer, outcome, reason, "cancelled", within)
