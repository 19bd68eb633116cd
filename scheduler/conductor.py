"""Pure: the conductor. ``decide(state, event, now) -> (state, commands)``.

Its rules stand beside it: the user's turn in ``turns.py``, ``turn_ending.py`` and ``endpointing.py``, who yields in
``yielding.py``, the agent's answers in ``answers.py``. What is decided here is what concerns them all: who has the
floor, what is begun when it is free, and how a call begins and ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from scheduler import (
    afterthoughts,
    answer_ending,
    answers,
    backchannels,
    drafts,
    fillers,
    giving,
    heard,
    notes,
    thinking,
    turn_ending,
    turns,
    yielding,
)
from scheduler.commands import Command, EndCall, EndTurn, Purpose, TellTimeout, TurnOutcome
from scheduler.events import (
    CallEnding,
    CallStarted,
    DeadlineReached,
    EarsFailed,
    EndingForeseen,
    Event,
    HeardCorrected,
    InputCleared,
    InputCommitted,
    OpeningVerified,
    OutputCleared,
    PauseGrew,
    PlayoutEnded,
    PlayoutSent,
    PlayoutStarted,
    ReportReady,
    ResponseCancelled,
    ResponseRequested,
    SentenceGrew,
    SentenceWritten,
    SessionConfigured,
    SilenceChosen,
    SoundHeard,
    SpeechReady,
    SpeechRendered,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    ToolLeftBehind,
    TranscriptRevised,
    TurnEndEstimated,
    VoiceFaded,
    VoiceFailed,
    VoiceReturned,
    WordsHeard,
    WordsWritten,
)
from scheduler.floor import Floor, move
from scheduler.policy import BALANCED, Policy, TurnDetection, TurnMode
from scheduler.state import Alarm, State
from scheduler.step import Step


def initial_state(policy: Policy = BALANCED, turn_detection: TurnDetection | None = None) -> State:
    return State(policy=policy, turn_detection=turn_detection or TurnDetection())


def decide(state: State, event: Event, now: float) -> tuple[State, tuple[Command, ...]]:
    """What follows from ``event`` at ``now`` (session seconds).

    Raises ``IllegalFloorTransitionError`` if a rule moves the floor in a way its table doesn't hold: a bug.
    """
    if state.ended:
        return state, ()
    step = Step(state, now)
    _take(step, event)
    drafts.abandon_strays(step, step.state.turn)
    if _farewell_is_over(step):
        _end_call(step)
    if not step.state.ended:
        _use_the_free_floor(step)
        _settle_floor(step, state.floor)
    return step.state, tuple(step.commands)


def _take(step: Step, event: Event) -> None:
    match event:
        case SoundHeard():
            yielding.sound_heard(step, event)
        case SpeechStarted():
            turns.speech_started(step, event)
        case SpeechStopped():
            turns.speech_stopped(step, event)
        case PauseGrew():
            turns.pause_grew(step, event)
        case TranscriptRevised():
            turns.transcript_revised(step, event)
        case TurnEndEstimated():
            turns.turn_end_estimated(step, event)
        case EarsFailed():
            turns.ears_failed(step, event)
        case InputCommitted():
            turns.input_committed(step, event)
        case InputCleared():
            turns.cancel(step, "the client cleared its audio")
        case VoiceFaded():
            turns.voice_faded(step, event)
        case VoiceReturned():
            turns.voice_returned(step, event)
        case ThoughtGrown():
            thinking.thought_grown(step, event)
        case SentenceWritten():
            thinking.sentence_written(step, event)
        case SentenceGrew():
            thinking.sentence_grew(step, event)
        case OpeningVerified():
            thinking.opening_verified(step, event)
            turn_ending.await_end(step)
        case EndingForeseen():
            thinking.ending_foreseen(step, event)
        case ToolCalled():
            thinking.tool_called(step, event)
        case ToolLeftBehind():
            thinking.tool_left_behind(step, event)
        case ToolEnded():
            thinking.tool_ended(step, event)
        case SilenceChosen():
            thinking.silence_chosen(step, event)
            turn_ending.await_end(step)
        case ThinkEnded():
            thinking.think_ended(step, event)
        case SpeechReady():
            thinking.speech_ready(step, event)
            turn_ending.await_end(step)
        case VoiceFailed():
            drafts.voice_failed(step, event)
            answers.voice_failed(step, event)
        case PlayoutStarted():
            answers.playout_started(step, event)
            fillers.playout_started(step, event)
        case WordsHeard():
            answers.words_heard(step, event)
            fillers.words_heard(step, event)
        case PlayoutEnded():
            answers.playout_ended(step, event)
            turns.agent_stopped(step, event)
        case HeardCorrected():
            heard.heard_corrected(step, event)
        case ResponseRequested():
            turns.response_requested(step, event)
        case ResponseCancelled():
            _response_cancelled(step, event)
        case OutputCleared():
            _output_cleared(step)
        case CallStarted():
            _call_started(step, event)
        case CallEnding():
            _call_ending(step, event)
        case SessionConfigured():
            _session_configured(step, event)
        case ReportReady():
            _report_ready(step, event)
        case DeadlineReached():
            _wake(step)
        case WordsWritten() | SpeechRendered() | PlayoutSent():
            pass  # for the journal, the wire and the metrics
        case _:
            assert_never(event)


def _wake(step: Step) -> None:
    """Ring every alarm that is due, the earliest first. One that another has cleared does not ring."""
    for alarm, _ in sorted(step.state.alarms.items(), key=lambda item: item[1]):
        if step.state.alarms.get(alarm, float("inf")) <= step.now:
            step.clear_alarms(alarm)
            _ring(step, alarm)


def _ring(step: Step, alarm: Alarm) -> None:
    match alarm:
        case Alarm.TURN_END:
            turn_ending.turn_end(step)
        case Alarm.FINAL_TRANSCRIPT:
            turn_ending.final_transcript_overdue(step)
        case Alarm.TURN_CEILING:
            turn_ending.turn_ceiling(step)
        case Alarm.SOUND:
            yielding.sound_was_no_voice(step)
        case Alarm.SOUND_IN_PAUSE:
            yielding.sound_in_pause_was_no_voice(step)
        case Alarm.DUCK_DEEP:
            yielding.duck_deep(step)
        case Alarm.PAUSE_ON_VOICE:
            yielding.pause_on_voice(step)
        case Alarm.STOP_ON_VOICE:
            yielding.stop_on_voice(step)
        case Alarm.RESTORE:
            yielding.restore(step)
        case Alarm.HEARD_SETTLED:
            heard.settle_heard(step, until=step.now)
        case Alarm.TOOLS_ANSWERED:
            pass  # the client asked for nothing: what has waited may begin
        case Alarm.DRAFT:
            turns.draft_due(step)
        case Alarm.NOTES:
            turns.notes_due(step)
        case Alarm.FILLER:
            fillers.due(step)
        case Alarm.BACKCHANNEL:
            backchannels.due(step)
        case Alarm.AFTERTHOUGHT:
            afterthoughts.begin(step)
        case Alarm.IDLE:
            _nudge(step)
        case Alarm.CALL_LIMIT:
            reason = "the call has reached its longest time"
            _call_ending(step, CallEnding(reason, step.policy.phrases.farewell_limit))
        case Alarm.FAREWELL:
            _end_call(step)
        case _:
            assert_never(alarm)


# --- the floor ----------------------------------------------------------------------------------------


def _floor_of(state: State) -> Floor:
    """Who has the floor follows from what is going on; only the transition is checked.

    A text answer beside the talk has no part in it, a spoken one has.
    """
    turn = state.turn
    if turn is not None and turn.voiced:
        return Floor.OVERLAP if state.sounding else Floor.LISTENING
    if state.sounding:
        undecided = turn is not None and Alarm.RESTORE in state.alarms
        return Floor.OVERLAP if undecided else Floor.SPEAKING
    if turn is not None:
        return Floor.PAUSED
    if any(answer.wanted and (answer.in_conversation or answer.audible) for answer in state.answers):
        return Floor.COMMITTED
    return Floor.RESTING


def _settle_floor(step: Step, before: Floor) -> None:
    floor = move(before, _floor_of(step.state))
    if floor is not step.state.floor:
        step.change(floor=floor)
    afterthoughts.plan(step, resting=floor is Floor.RESTING)
    if floor is not Floor.RESTING:
        step.clear_alarms(Alarm.IDLE)
    elif (seconds := _idle_seconds(step.state)) is not None and Alarm.IDLE not in step.state.alarms:
        step.set_alarm(Alarm.IDLE, step.now + seconds)


def _idle_seconds(state: State) -> float | None:
    if not afterthoughts.may_speak(state) or state.idle_prompts >= state.policy.max_idle_prompts:
        return None
    return state.turn_detection.idle_timeout_seconds or state.policy.idle_prompt_seconds


def _nudge(step: Step) -> None:
    step.order(TellTimeout(_idle_seconds(step.state) or 0.0))
    step.change(idle_prompts=step.state.idle_prompts + 1)
    answers.think(step, Purpose.NUDGE)


def _use_the_free_floor(step: Step) -> None:
    """The user's turn is over: what was held is spoken. If nothing is, what has waited to be told is begun."""
    if step.state.turn is not None and step.state.turn.over_agent and step.state.sounding is None:
        yielding.agent_fell_silent(step)
    if not yielding.may_pause(step):
        giving.go_on(step)
    if step.state.turn is None:
        giving.give_held(step)
    state = step.state
    if state.closing is not None or state.turn is not None or any(answer.in_conversation for answer in state.answers):
        return
    if state.notices and state.audible:
        step.change(notices=state.notices[1:])
        answers.say(step, state.notices[0], failure=state.notices[0])
    elif state.reports and afterthoughts.may_speak(state):
        step.change(reports=state.reports[1:])
        answers.think(step, Purpose.REPORT, report_id=state.reports[0])


def _report_ready(step: Step, event: ReportReady) -> None:
    if step.state.closing is not None:
        return
    answers.tell_later(step, event.report_id, first=event.urgent)
    if event.urgent:
        _interrupt_for_report(step)


def _interrupt_for_report(step: Step) -> None:
    sounding = step.state.sounding
    if sounding is not None and sounding.in_conversation and afterthoughts.may_speak(step.state):
        within = step.policy.stop_within_seconds
        answer_ending.drop(step, sounding, TurnOutcome.ANSWERED, "something urgent came up", "urgent", within)


# --- the client's hand --------------------------------------------------------------------------------


def _response_cancelled(step: Step, event: ResponseCancelled) -> None:
    if event.think_id is None and step.state.turn is not None:
        step.change_turn(request_ids=())
    for answer in step.state.answers:
        named = answer.in_conversation if event.think_id is None else answer.think_id == event.think_id
        if named and answer.wanted:
            answer_ending.drop(step, answer, TurnOutcome.CANCELLED, "cancelled by the client", "cancelled")


def _output_cleared(step: Step) -> None:
    for answer in step.state.answers:
        if answer.wanted and answer.is_handed_over:
            answer_ending.drop(step, answer, TurnOutcome.CANCELLED, "the client cleared its output", "cleared")


def _session_configured(step: Step, event: SessionConfigured) -> None:
    """Speech that is going on stays a turn when its end is found another way; by hand, nothing is known of it."""
    modes = {step.state.turn_detection.mode, event.turn_detection.mode}
    step.change(policy=event.policy, turn_detection=event.turn_detection, audible=event.audible)
    drafts.abandon_other_modality(step)
    step.clear_alarms(Alarm.IDLE, Alarm.AFTERTHOUGHT)
    if len(modes) == 2 and TurnMode.MANUAL in modes:
        turns.cancel(step, "the client changed its turn detection")


# --- the call -----------------------------------------------------------------------------------------


def _call_started(step: Step, event: CallStarted) -> None:
    if step.policy.max_call_seconds is not None:
        step.set_alarm(Alarm.CALL_LIMIT, step.now + step.policy.max_call_seconds)
    if event.greeting == "":
        answers.think(step, Purpose.OPENING)
    elif event.greeting is not None and step.state.audible:
        answers.say(step, event.greeting, Purpose.OPENING)


def _call_ending(step: Step, event: CallEnding) -> None:
    """Whatever is going on ends; then a farewell, if there is one and it can be spoken."""
    if step.state.closing is not None:
        return
    step.change(closing=event.reason, alarms={}, reports=(), notices=())
    if step.state.turn is not None:
        step.order(EndTurn(step.state.turn.turn_id, TurnOutcome.CALL_ENDED, event.reason))
        notes.stop(step, step.state.turn)
        step.change(turn=None)
    drafts.abandon_all(step)
    afterthoughts.stop(step)
    for answer in step.state.answers:
        answer_ending.drop(step, answer, TurnOutcome.CALL_ENDED, event.reason, "closing")
    drafts.abandon_strays(step, None)
    if event.farewell and step.state.audible:
        answers.say(step, event.farewell, Purpose.REPORT)
        step.set_alarm(Alarm.FAREWELL, step.now + step.policy.farewell_ceiling_seconds)
    else:
        _end_call(step)


def _end_call(step: Step) -> None:
    """The last command of a session. What is known to have been heard is recorded before."""
    heard.settle_heard(step)
    for answer in step.state.answers:
        heard.record_unended(step, answer_ending.stop(step, answer, "closing"))
    step.order(EndCall(step.state.closing or ""))
    step.state = replace(step.state, ended=True, answers=(), alarms={}, floor=Floor.RESTING)


def _farewell_is_over(step: Step) -> bool:
    state = step.state
    return state.closing is not None and not state.ended and not any(answer.wanted for answer in state.answers)
