"""Pure: what becomes of the agent's answers, from their beginning, by what the thinker, the voice and the playout tell."""

from __future__ import annotations

from scheduler import answer_ending, giving, heard
from scheduler.commands import (
    Effort,
    EndTurn,
    Purpose,
    Think,
    TurnOutcome,
)
from scheduler.comparison import Relation, opener_repeats, relation, says_the_same
from scheduler.events import (
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
from scheduler.state import Alarm, Answer, CommittedTurn, Phase
from scheduler.step import Step
from scheduler.words import join_texts

MAX_WAITING_REPORTS = 32
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
    heard.settle_heard(step)
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
    giving.give(step, answer)


def tell_later(step: Step, report_id: str, *, first: bool = False) -> None:
    """Queue a report for a free moment. Of too many the last is too late to be worth telling."""
    reports = step.state.reports
    step.change(reports=((report_id, *reports) if first else (*reports, report_id))[:MAX_WAITING_REPORTS])


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
    giving.give(step, with_sentence(step, answer, event.text))


def sentence_grew(step: Step, answer: Answer, event: SentenceGrew) -> None:
    giving.give(step, with_growth(step, answer, event.text))


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
    answer_ending.await_no_more(step, (event.call_id,))
    if not step.state.awaited_calls:
        step.set_alarm(Alarm.TOOLS_ANSWERED, step.now + ASKING_SECONDS)


def think_ended(step: Step, answer: Answer, event: ThinkEnded) -> None:
    if not answer.thinking:
        return
    answer = step.change_answer(answer, thinking=False, opening="", adopts=None)
    if event.ending is not ThinkEnding.TOOLS:
        answer_ending.await_no_more(step, answer.tool_calls)
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
    answer_ending.drop(step, step.change_answer(answer, turn=None), TurnOutcome.CANCELLED, "begun anew", "abandoned")
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
        answer_ending.finish(step, answer)
    else:
        giving.give(step, answer)


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
    heard.keep(step, answer, cut_off=event.stopped, settled=event.settled or answer.corrected is not None)
    if not event.stopped and not answer.thinking:
        answer_ending.finish(step, answer)
    elif answer.phase is Phase.STOPPING and answer.wanted:
        first = len(answer.sentences) if event.unheard_index is None else answer.first + event.unheard_index
        step.change_answer(answer, phase=Phase.SUSPENDED, first=min(first, answer.given))
    else:
        was_heard = answer.sounded_at is not None or bool(text)
        outcome = TurnOutcome.ANSWERED if was_heard else TurnOutcome.CANCELLED
        step.remove_answer(answer_ending.release(step, answer, outcome, "stopped"))
