"""Pure: what becomes of the agent's answers: begun, spoken, held, suspended, taken up again, recorded."""

from __future__ import annotations

from typing import Literal

from scheduler.commands import (
    Effort,
    EndTurn,
    EndUtterance,
    GoOnSpeaking,
    PauseSpeaking,
    Purpose,
    RecordHeard,
    Release,
    SkipSentence,
    Speak,
    SpeakSource,
    StopSpeaking,
    StopThinking,
    Think,
    TurnOutcome,
)
from scheduler.comparison import Relation, opener_repeats, relation, says_the_same
from scheduler.events import (
    HeardCorrected,
    PlayoutEnded,
    PlayoutStarted,
    SentenceGrew,
    SentenceWritten,
    SilenceChosen,
    ThinkEnded,
    ThinkEnding,
    ToolCalled,
    ToolEnded,
    VoiceFailed,
    WordsHeard,
)
from scheduler.policy import TurnMode
from scheduler.state import Alarm, Answer, CommittedTurn, Phase, Unsettled
from scheduler.step import Step
from scheduler.words import join_texts

StopReason = Literal["barge_in", "rejoined", "cancelled", "cleared", "urgent", "closing", "abandoned"]

MAX_WAITING_REPORTS = 32
REMEMBERED_UTTERANCES = 16
"""How many utterances in the history a client may still correct."""
ASKING_SECONDS = 1.0
"""How long after its tools' output the client may ask for an answer before something else is begun unasked."""

# --- beginning ----------------------------------------------------------------------------------------


def think(
    step: Step,
    purpose: Purpose,
    *,
    turn: CommittedTurn | None = None,
    request_id: str | None = None,
    report_id: str | None = None,
    audible: bool | None = None,
    in_conversation: bool = True,
    asked_during: str | None = None,
    notes_ids: tuple[str, ...] = (),
    effort: Effort | None = None,
) -> None:
    """Begin an answer. What was heard of earlier ones goes into the history first, so that the model knows it."""
    settle_heard(step)
    audible = step.state.audible if audible is None else audible
    answer = Answer(
        utterance_id=step.new_id("utterance"),
        think_id=step.new_id("think"),
        purpose=purpose,
        turn=turn,
        request_id=request_id,
        report_id=report_id,
        audible=audible,
        in_conversation=in_conversation,
        notes_ids=notes_ids,
        effort=effort,
        asked_during=asked_during,
        begun_at=step.now,
    )
    step.add_answer(answer)
    assert answer.think_id is not None
    step.order(
        Think(
            answer.think_id,
            purpose,
            turn_id=turn.turn_id if turn else None,
            request_id=request_id,
            report_id=report_id,
            audible=audible,
            in_conversation=in_conversation,
            notes_ids=notes_ids,
            effort=effort,
        )
    )


def say(
    step: Step,
    text: str,
    purpose: Purpose = Purpose.ANSWER,
    *,
    turn: CommittedTurn | None = None,
    failure: str = "",
    instead_of: Answer | None = None,
) -> None:
    """Speak a fixed sentence of the server's own. ``instead_of``: the answer which it replaces or ends."""
    answer = Answer(
        utterance_id=step.new_id("utterance"),
        purpose=purpose,
        turn=turn,
        thinking=False,
        sentences=(text,),
        failure=failure,
        sounded_at=instead_of.sounded_at if instead_of else None,
        rejoinable=instead_of.rejoinable if instead_of else False,
        asked_during=instead_of.asked_during if instead_of else None,
    )
    step.add_answer(answer)
    give(step, answer)


def tell_later(step: Step, report_id: str, *, first: bool = False) -> None:
    """Queue a report for a free moment. Of too many the last is too late to be worth telling."""
    reports = step.state.reports
    step.change(reports=((report_id, *reports) if first else (*reports, report_id))[:MAX_WAITING_REPORTS])


# --- speaking -----------------------------------------------------------------------------------------


def is_held(step: Step, answer: Answer) -> bool:
    """Whether an answer that has not sounded must wait, because the user may not have finished after all.

    What the client asked for while the user spoke is its own affair, and so is a client that wants no
    interruption, or an answer beside the talk.
    """
    turn = step.state.turn
    return (
        turn is not None
        and not turn.over_agent
        and answer.asked_during != turn.turn_id
        and answer.in_conversation
        and answer.phase is Phase.WAITING
        and interruptible(step)
    )


def is_about_to_sound(answer: Answer) -> bool:
    """Whether it answers a turn that the user may not have finished after all, if they make a sound just now."""
    unbegun = answer.phase is Phase.WAITING and answer.sounded_at is None and answer.asked_during is None
    return unbegun and answer.audible and answer.in_conversation and answer.turn is not None


def pause(step: Step, answer: Answer) -> None:
    """Nothing more of it leaves for now; what the voice has not been given is kept back by ``_must_wait``."""
    if answer.is_handed_over and not answer.paused:
        step.order(PauseSpeaking(answer.utterance_id))
        step.change_answer(answer, paused=True)


def go_on(step: Step) -> None:
    """Whatever was paused goes on where it was."""
    for answer in step.state.answers:
        if answer.paused:
            if answer.phase in (Phase.WAITING, Phase.SOUNDING):
                step.order(GoOnSpeaking(answer.utterance_id))
            step.change_answer(answer, paused=False)


def _must_wait(step: Step, answer: Answer) -> bool:
    """Held, or behind an answer that was interrupted and may be taken up again.

    The server's own sentences wait until what was begun before has been said: clients know one response at a time.
    """
    if is_held(step, answer) or (Alarm.SOUND_IN_PAUSE in step.state.alarms and is_about_to_sound(answer)):
        return True
    before = step.state.answers[: step.state.answers.index(answer)]
    if answer.think_id is None and any(each.audible and each.in_conversation for each in before):
        return True
    unbegun = answer.phase is Phase.WAITING and answer.asked_during is None
    return unbegun and any(each.is_interrupted for each in before)


def interruptible(step: Step) -> bool:
    detection = step.state.turn_detection
    return detection.interrupt_response and detection.mode is not TurnMode.MANUAL


def give(step: Step, answer: Answer) -> Answer:
    """Hand the voice what is written and not yet given, and let sound what was rendered ahead, unless the answer must
    wait or is stopped."""
    if not answer.audible or answer.phase not in (Phase.WAITING, Phase.SOUNDING) or _must_wait(step, answer):
        return answer
    if answer.held:
        step.order(Release(answer.utterance_id))
        answer = step.change_answer(answer, held=False)
    answer = hand_over(step, answer, until=len(answer.sentences))
    if not answer.thinking and not answer.closed:
        step.order(EndUtterance(answer.utterance_id))
        answer = step.change_answer(answer, closed=True)
    return answer


def hand_over(step: Step, answer: Answer, *, until: int) -> Answer:
    """Order the speech of what is written and not yet given, of the first ``until`` sentences. A voice that takes
    streaming text gets the sentence that is being written, too."""
    if answer.given >= min(until, len(answer.sentences)) and answer.growing_given >= len(answer.growing):
        return answer
    given_before, goes_on = answer.rendered_ahead, answer.growing_given > 0
    for index in range(answer.given, min(until, len(answer.sentences))):
        text = answer.sentences[index]
        _speak(step, answer, index, text[answer.growing_given :], complete=True)
        answer = step.change_answer(answer, given=index + 1, growing_given=0)
    more = answer.growing[answer.growing_given :]
    if more and answer.given == len(answer.sentences):
        _speak(step, answer, answer.given, more, complete=False)
        answer = step.change_answer(answer, growing_given=len(answer.growing))
    last = len(answer.sentences) - 1 if not answer.growing else len(answer.sentences)
    follows_filler = last > answer.first and last - 1 in answer.fillers and last not in answer.fillers
    if answer.rendered_ahead != given_before and follows_filler and not goes_on:
        # substance comes: a filler that is still playing ends at the next word boundary
        step.order(SkipSentence(answer.utterance_id, last - 1 - answer.first))
    if answer.given_at is None and answer.rendered_ahead != given_before and answer.has_substance:
        answer = step.change_answer(answer, given_at=step.now)
    return answer


def _speak(step: Step, answer: Answer, index: int, text: str, *, complete: bool) -> None:
    if index in answer.fillers:
        source = SpeakSource.FILLER
    elif answer.purpose is Purpose.AFTERTHOUGHT:
        source = SpeakSource.AFTERTHOUGHT
    else:
        source = SpeakSource.MODEL if answer.think_id else SpeakSource.SERVER
    # An answer that is taken up again is a new message to clients: its think was told as over.
    think_id = None if answer.resumed else answer.think_id
    step.order(Speak(answer.utterance_id, index - answer.first, text, think_id, source, complete))


def give_held(step: Step) -> None:
    """Nobody speaks any more: held answers are spoken, suspended ones are taken up at the first unheard sentence."""
    for answer in step.state.answers:
        if answer.phase is Phase.SUSPENDED and answer.wanted:
            _resume(step, answer)
        else:
            give(step, answer)


def _resume(step: Step, answer: Answer) -> None:
    while answer.first in answer.fillers:  # what it was to bridge is over
        answer = step.change_answer(answer, first=answer.first + 1)
    if answer.first >= len(answer.sentences) and not answer.thinking:
        finish(step, answer)
        return
    answer = step.change_answer(
        answer,
        utterance_id=step.new_id("utterance"),
        phase=Phase.WAITING,
        given=answer.first,
        closed=False,
        growing_given=0,
        held=False,
        paused=False,
        resumed=True,
        heard_text="",
        corrected=None,
    )
    give(step, answer)


# --- stopping -----------------------------------------------------------------------------------------


def stop(step: Step, answer: Answer, reason: StopReason, within_seconds: float = 0.0) -> Answer:
    """Silence an answer; it may be taken up again while it is ``wanted``."""
    if answer.phase not in (Phase.WAITING, Phase.SOUNDING) or not answer.is_handed_over:
        return answer
    step.order(StopSpeaking(answer.utterance_id, within_seconds, reason))
    return step.change_answer(answer, phase=Phase.STOPPING)


def drop(step: Step, answer: Answer, outcome: TurnOutcome, reason: str, how: StopReason, within: float = 0.0) -> None:
    """Give an answer up for good; its turn ends with ``outcome``. If it sounds, its end is still awaited."""
    answer = stop(step, answer, how, within)
    answer = _release(step, answer, outcome, reason)
    if answer.phase is not Phase.STOPPING:
        step.remove_answer(answer)


def _release(step: Step, answer: Answer, outcome: TurnOutcome, reason: str) -> Answer:
    """Nothing more is wanted of it: not its thoughts, and not for its turn."""
    if answer.thinking and answer.think_id is not None:
        step.order(StopThinking(answer.think_id))
        _await_no_more(step, answer.tool_calls)
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


# --- what the thinker tells ---------------------------------------------------------------------------


def with_sentence(step: Step, answer: Answer, text: str) -> Answer:
    """The answer, with a sentence more. An opener that says no more than a filler just did is left out."""
    answer = _measure_words(step, answer)
    if repeats_fillers(step, answer, text) and not answer.growing_given:
        return step.change_answer(answer, growing="")
    return step.change_answer(answer, sentences=(*answer.sentences, text), growing="")


def repeats_fillers(step: Step, answer: Answer, text: str) -> bool:
    said = join_texts(*(answer.sentences[index] for index in answer.fillers))
    return bool(said) and not answer.has_substance and opener_repeats(said, text, step.policy.language)


def with_growth(step: Step, answer: Answer, text: str) -> Answer:
    answer = _measure_words(step, answer)
    return step.change_answer(answer, growing=answer.growing + text)


def _measure_words(step: Step, answer: Answer) -> Answer:
    if not answer.has_substance and answer.think_id is not None and not answer.tool and not answer.opening:
        seconds = step.now - answer.begun_at
        step.change(pace=step.state.pace.with_words(seconds))
        return step.change_answer(answer, words_after_seconds=seconds)
    return answer


def forget_pace(step: Step, answer: Answer) -> None:
    """Its thinking failed: how soon that was tells nothing about answers."""
    if answer.words_after_seconds is not None:
        step.change(pace=step.state.pace.without_words(answer.words_after_seconds))


def measure_voice(step: Step, answer: Answer) -> None:
    """The first audio of its substance is rendered. An apology is rendered behind what was written before it."""
    if answer.given_at is not None and not answer.failure and answer.given - answer.first <= 1:
        step.change(pace=step.state.pace.with_voice(step.now - answer.given_at))


def sentence_written(step: Step, answer: Answer, event: SentenceWritten) -> None:
    give(step, with_sentence(step, answer, event.text))


def sentence_grew(step: Step, answer: Answer, event: SentenceGrew) -> None:
    give(step, with_growth(step, answer, event.text))


def silence_chosen(step: Step, answer: Answer, event: SilenceChosen) -> Answer:
    """Also of a draft."""
    return step.change_answer(answer, silent_reason=event.reason or "the model chose to say nothing")


def tool_called(step: Step, answer: Answer, event: ToolCalled) -> None:
    if not event.by_client:
        step.change_answer(answer, tool=event.name, tool_progress=event.progress)
        return
    step.change_answer(answer, tool_calls=(*answer.tool_calls, event.call_id))
    if answer.in_conversation:
        step.change(awaited_calls=(*step.state.awaited_calls, event.call_id))


def tool_ended(step: Step, event: ToolEnded) -> None:
    """The client, if it ran the tool, commonly asks for an answer next: it is given a moment for that."""
    if event.call_id not in step.state.awaited_calls:
        return
    _await_no_more(step, (event.call_id,))
    if not step.state.awaited_calls:
        step.set_alarm(Alarm.TOOLS_ANSWERED, step.now + ASKING_SECONDS)


def _await_no_more(step: Step, call_ids: tuple[str, ...]) -> None:
    step.change(awaited_calls=tuple(each for each in step.state.awaited_calls if each not in call_ids))


def leave_tools(step: Step) -> None:
    """The talk goes on, whatever becomes of the client's tools."""
    step.change(awaited_calls=())
    step.clear_alarms(Alarm.TOOLS_ANSWERED)


def think_ended(step: Step, answer: Answer, event: ThinkEnded) -> None:
    if not answer.thinking:
        return
    answer = step.change_answer(answer, thinking=False, opening="", adopts=None)
    if event.ending is not ThinkEnding.TOOLS:
        _await_no_more(step, answer.tool_calls)
    match event.ending:
        case ThinkEnding.FAILED:
            _failed(step, answer, event.message, step.policy.phrases.llm_failed)
        case ThinkEnding.ABORTED if answer.turn is not None and answer.wanted:
            begin_anew(step, answer)
        case _:
            conclude(step, answer, event.ending)


def begin_anew(step: Step, answer: Answer) -> None:
    """Its thinking was lost as it was promoted. What sounds already is said to its end; if it was stopped, no sentence
    that was not finished is taken up again."""
    assert answer.turn is not None
    if answer.sounded_at is None:
        _think_again(step, answer, answer.turn)
    else:
        turn, answer = answer.turn, step.change_answer(answer, turn=None)
        if answer.phase is not Phase.SOUNDING:
            answer = step.change_answer(answer, growing="", growing_given=0)
        _written(step, answer)
        _think_in_place_of(step, answer, turn)


def _think_again(step: Step, answer: Answer, turn: CommittedTurn) -> None:
    """Give up what has not sounded, as far as is known here, for another answer to its turn."""
    drop(step, step.change_answer(answer, turn=None), TurnOutcome.CANCELLED, "begun anew", "abandoned")
    _think_in_place_of(step, answer, turn)
    if answer.waits_since is not None and Alarm.FILLER not in step.state.alarms:
        step.set_alarm(Alarm.FILLER, step.now + step.policy.filler_long_seconds)


def _think_in_place_of(step: Step, answer: Answer, turn: CommittedTurn) -> None:
    """Another answer to the turn of this one. What the turn has come to is not forgotten: whether the user is just going
    on with it, what was thought while it was open, what was heard for it, and since when the caller waits."""
    think(
        step,
        answer.purpose,
        turn=turn,
        audible=answer.audible,
        asked_during=answer.asked_during,
        notes_ids=answer.notes_ids,
        effort=answer.effort,
    )
    step.change_answer(
        step.state.answers[-1],
        rejoinable=answer.rejoinable,
        sounded_at=answer.sounded_at,
        waits_since=answer.waits_since if answer.phase is Phase.WAITING else None,
    )


def amended(step: Step, turn_id: str, text: str) -> None:
    """A final transcript came late. One that has not sounded is no answer to words that say something else."""
    for answer in step.state.answers:
        if answer.turn is None or turn_id not in answer.turn.turn_ids:
            continue
        before, turn = answer.turn.whole_text, answer.turn.amended(turn_id, text)
        answer = step.change_answer(answer, turn=turn)
        if not says_the_same(before, turn.whole_text, step.policy.language):
            _begin_for_other_words(step, answer, before, turn)


def _begin_for_other_words(step: Step, answer: Answer, before: str, turn: CommittedTurn) -> None:
    if (
        answer.phase is not Phase.WAITING
        or not answer.wanted
        or answer.think_id is None
        or answer.request_id is not None
    ):
        return
    if relation(before, turn.whole_text, step.policy.language) is Relation.CONTRADICTED:
        answer = step.change_answer(answer, notes_ids=(), effort=None)  # they may be about what was not said
    _think_again(step, answer, turn)


def conclude(step: Step, answer: Answer, ending: ThinkEnding) -> None:
    """All of it is written. To come to the end of its tokens without a word is a failure, and no choice of silence."""
    if answer.audible and not (answer.has_substance or answer.silent_reason or answer.tool_calls):
        if ending is ThinkEnding.LENGTH:
            _failed(step, answer, "the model spent its tokens without a word", step.policy.phrases.llm_found_no_words)
            return
        answer = step.change_answer(answer, silent_reason="the model had nothing to say")
    if answer.audible and answer.sentences:
        _written(step, answer)
    else:
        _ended_unspoken(step, answer)


def _written(step: Step, answer: Answer) -> None:
    """All sentences are there: close the utterance, or end an answer that was stopped behind its last one."""
    if answer.phase in (Phase.WAITING, Phase.SUSPENDED) and answer.first >= len(answer.sentences):
        finish(step, answer)
    else:
        give(step, answer)


def _ended_unspoken(step: Step, answer: Answer) -> None:
    step.remove_answer(answer)
    if answer.turn is None:
        return
    if answer.silent_reason:
        outcome, reason = TurnOutcome.SILENT, answer.silent_reason
    elif answer.tool_calls:
        outcome, reason = TurnOutcome.ANSWERED, "the client runs a tool"
    else:
        outcome, reason = TurnOutcome.ANSWERED, "in text"
    step.order(EndTurn(answer.turn.turn_id, outcome, reason))


def _failed(step: Step, answer: Answer, message: str, apology: str) -> None:
    """A failing model gets an honest sentence, behind what it had written before it failed."""
    forget_pace(step, answer)
    _tell_again(step, answer)
    turn = answer.turn
    answer = step.change_answer(answer, turn=None)
    if answer.audible and answer.sentences:
        _written(step, answer)
    else:
        step.remove_answer(answer)
    if not answer.audible or not answer.in_conversation:
        if turn is not None:
            step.order(EndTurn(turn.turn_id, TurnOutcome.FAILED, message))
    else:
        say(step, apology, turn=turn, failure=message, instead_of=answer)


def _tell_again(step: Step, answer: Answer) -> None:
    """A report of which nothing was written is put back, once: what rang or came late is not lost with one failure."""
    report_id, failed = answer.report_id, step.state.failed_reports
    if report_id is not None and not answer.has_substance and report_id not in failed:
        step.change(failed_reports=(*failed, report_id)[-MAX_WAITING_REPORTS:])
        tell_later(step, report_id)


# --- what the voice and the playout tell --------------------------------------------------------------


def voice_failed(step: Step, event: VoiceFailed) -> None:
    if answer := step.answer_of(event.utterance_id):
        step.change_answer(answer, voice_message=event.message)


def playout_started(step: Step, event: PlayoutStarted) -> None:
    answer = step.answer_of(event.utterance_id)
    if answer is not None and answer.phase is Phase.WAITING and answer.is_handed_over:
        at = step.now if answer.sounded_at is None else answer.sounded_at
        step.change_answer(answer, phase=Phase.SOUNDING, sounded_at=at)


def words_heard(step: Step, event: WordsHeard) -> None:
    if answer := step.answer_of(event.utterance_id):
        step.change_answer(answer, heard_text=event.text)


def playout_ended(step: Step, event: PlayoutEnded) -> None:
    answer = step.answer_of(event.utterance_id)
    if answer is None or answer.phase is Phase.SUSPENDED or not answer.is_handed_over:
        return
    text = event.text if answer.corrected is None else answer.corrected
    answer = step.change_answer(answer, heard_text=text)
    _keep(step, answer, cut_off=event.stopped, settled=event.settled or answer.corrected is not None)
    if not event.stopped and not answer.thinking:
        finish(step, answer)
    elif answer.phase is Phase.STOPPING and answer.wanted:
        heard = len(answer.sentences) if event.unheard_index is None else answer.first + event.unheard_index
        step.change_answer(answer, phase=Phase.SUSPENDED, first=min(heard, answer.given))
    else:
        was_heard = answer.sounded_at is not None or bool(text)
        outcome = TurnOutcome.ANSWERED if was_heard else TurnOutcome.CANCELLED
        step.remove_answer(_release(step, answer, outcome, "stopped"))


# --- the history --------------------------------------------------------------------------------------


def _keep(step: Step, answer: Answer, *, cut_off: bool, settled: bool) -> None:
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
            drop(step, answer, TurnOutcome.ANSWERED, "the client stopped playing it", "cleared")
