"""Pure: drafts: answers begun before the turn is over, held, and promoted when the user did say just that (rules 1-3)."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from scheduler import answers, giving, heard, notes
from scheduler.commands import Hold, PromoteThinking, Purpose, StopSpeaking, StopThinking, Think
from scheduler.comparison import Relation, relation
from scheduler.endpointing import end_probability
from scheduler.events import (
    EndingForeseen,
    OpeningVerified,
    SentenceGrew,
    SentenceWritten,
    SilenceChosen,
    SpeechReady,
    ThinkEnded,
    ThinkEnding,
    VoiceFailed,
)
from scheduler.policy import TurnMode
from scheduler.state import Answer, CommittedTurn, Draft, Phase, Speculation, Turn
from scheduler.step import Step
from scheduler.words import HESITATIONS, join_texts

SENTENCES_AHEAD = 1
"""How much of a draft is rendered before the commit."""
NEVER = 2.0
"""More than any probability."""


class Trigger(Enum):
    """Why a draft may be begun now."""

    LIKELY = auto()
    """These words sound like a whole turn."""
    AGREED = auto()
    """Two partials agree, or the recogniser is sure of every word."""
    PAUSE = auto()
    """No voice for a moment; words may still be on their way."""
    ENDED = auto()
    """No voice for a moment, and every word is certain."""
    FORESEEN = auto()


# --- as the transcript grows --------------------------------------------------------------------------


def review(step: Step) -> None:
    """What the user has said by now: drafts for other words are abandoned, for fewer words brought to their end."""
    turn = step.state.turn
    if turn is None:
        return
    for draft in _of(step, turn.turn_id):
        match relation(draft.basis, turn.whole_text, step.policy.language):
            case Relation.SAME:
                step.change_draft(draft, outdated=False)
            case Relation.BEHIND if not (turn.all_final and not turn.voiced):
                pass
            case Relation.EXTENDED if not _by_a_word(step, draft, turn):
                _outdate(step, draft)
            case Relation.EXTENDED:
                pass
            case _:
                abandon(step, draft)


def _by_a_word(step: Step, draft: Draft, turn: Turn) -> bool:
    """One word more, while the user speaks, may begin a "thank you" or be misheard: the next revision will tell."""
    shorter = turn.whole_text.rpartition(" ")[0]
    speaking = turn.voiced and not turn.faded
    return speaking and relation(draft.basis, shorter, step.policy.language) is Relation.SAME


def _outdate(step: Step, draft: Draft) -> None:
    draft = step.change_draft(draft, outdated=True)
    if draft.answer.given:
        _freeze(step, draft)


def _freeze(step: Step, draft: Draft) -> None:
    """Decoding stops; text and audio are kept for verification. Without any it is worth nothing."""
    if draft.answer.thinking and draft.answer.think_id is not None:
        step.order(StopThinking(draft.answer.think_id))
        draft = step.change_draft(
            draft,
            answer=replace(draft.answer, thinking=False, growing=draft.answer.growing[: draft.answer.growing_given]),
        )
    if not draft.answer.rendered_ahead:
        abandon(step, draft)


def consider(step: Step, trigger: Trigger) -> None:
    """Begin a draft, if it is worth it."""
    turn = step.state.turn
    if turn is None or not allowed(step, turn):
        return
    text = turn.whole_text
    if matching(step, turn) is not None or not _worth(step, turn, text, trigger):
        return
    running = [draft for draft in _of(step, turn.turn_id) if draft.answer.thinking]
    if running:
        if not _may_replace(running, trigger):
            return  # one at a time
        for draft in running:
            if draft.outdated:
                _freeze(step, draft)
            else:
                abandon(step, draft)
    _begin(step, turn, text)


def allowed(step: Step, turn: Turn) -> bool:
    return step.policy.drafts and will_be_answered(step, turn)


def will_be_answered(step: Step, turn: Turn) -> bool:
    """Whether a spoken answer would be begun by itself if this turn ended now: it may be prepared."""
    state = step.state
    detection = state.turn_detection
    return (
        detection.create_response
        and detection.mode is not TurnMode.MANUAL
        and state.audible
        and state.closing is None
        and not (turn.by_hand or turn.over_agent or turn.ears_failed or turn.thinking_failed or turn.request_ids)
        and not any(answer.phase is Phase.STOPPING for answer in state.answers)  # what was heard of it is to be known
        and any(word not in HESITATIONS for word in turn.bare)
    )


def _worth(step: Step, turn: Turn, text: str, trigger: Trigger) -> bool:
    policy, speculation = step.policy, step.state.speculation
    most = policy.max_drafts + int((step.now - turn.begun_at) / policy.draft_more_seconds)
    # a comma may stand before a "please": for beginning a draft, only the words count
    probability = end_probability(text.rstrip(",;: ")) if turn.end_probability is None else turn.end_probability
    match trigger:
        case Trigger.PAUSE | Trigger.ENDED:
            return turn.drafts_begun < most and probability >= policy.unfinished_probability
        case Trigger.AGREED | Trigger.LIKELY if notes.being_made(turn):
            return False  # what is being thought need not be thought twice
        case Trigger.AGREED | Trigger.LIKELY:
            likely = probability >= _least_probability(step, turn, trigger)
            return likely and turn.drafts_begun < most - 1 and not speculation.paused_turns
        case Trigger.FORESEEN:
            return turn.drafts_begun < most - 1 and not speculation.paused_turns


def _least_probability(step: Step, turn: Turn, trigger: Trigger) -> float:
    """Of the turn's end, for partials to begin a draft. Where voice is heard, most beginnings go on."""
    policy = step.policy
    least = policy.draft_probability if trigger is Trigger.AGREED else policy.draft_likely_probability
    if turn.faded or not turn.voiced:
        return least
    if trigger is Trigger.LIKELY and len(turn.bare) < policy.draft_likely_words:
        return NEVER
    young = step.now - turn.begun_at < policy.draft_more_seconds
    return max(least, policy.draft_voiced_probability) if young else least


def _may_replace(running: list[Draft], trigger: Trigger) -> bool:
    """Whether a draft for other words gives way. What was foreseen may still be said until every word is certain."""
    return trigger is Trigger.ENDED or (trigger is not Trigger.AGREED and all(draft.outdated for draft in running))


def _begin(step: Step, turn: Turn, basis: str) -> None:
    earlier = _to_verify(step, turn, basis)
    answer = Answer(
        utterance_id=step.new_id("utterance"),
        think_id=step.new_id("think"),
        purpose=Purpose.DRAFT,
        begun_at=step.now,
        opening=earlier.answer.rendered_ahead if earlier else "",
        adopts=earlier.answer.utterance_id if earlier else None,
    )
    assert answer.think_id is not None
    step.change_turn(drafts_begun=turn.drafts_begun + 1)
    step.change(drafts=(*step.state.drafts, Draft(answer, basis, turn.turn_id)))
    step.order(
        Think(
            answer.think_id,
            Purpose.DRAFT,
            turn_id=turn.turn_id,
            basis=basis,
            joins=turn.joins,
            notes_ids=notes.usable(turn),
            effort=notes.effort(step, turn),
            opening=answer.opening,
        )
    )


def _to_verify(step: Step, turn: Turn, text: str) -> Draft | None:
    """The draft for the most of these words whose beginning may still hold."""
    frozen = [
        draft
        for draft in _of(step, turn.turn_id)
        if draft.frozen
        and draft.answer.rendered_ahead
        and relation(draft.basis, text, step.policy.language) is Relation.EXTENDED
    ]
    return max(frozen, key=lambda draft: len(draft.basis), default=None)


def matching(step: Step, turn: Turn) -> Draft | None:
    """A draft of this turn that answers just its words, and in the way in which the session is to be answered now."""
    text = turn.whole_text
    for draft in _of(step, turn.turn_id):
        if draft.answer.audible is not step.state.audible:
            continue
        usable = draft.answer.thinking or draft.ending is not None or bool(draft.answer.rendered_ahead)
        if usable and relation(draft.basis, text, step.policy.language) is Relation.SAME:
            return draft
    return None


# --- foreseen endings ---------------------------------------------------------------------------------


def foresee(step: Step) -> None:
    """Ask how the sentence will end (rule 3, anticipation)."""
    turn, policy = step.state.turn, step.policy
    if turn is None or not policy.foresight or not allowed(step, turn) or step.state.foresight is not None:
        return
    if len(turn.bare) < policy.foresight_min_words or not turn.voiced or turn.whole_text == turn.foreseen_from:
        return
    if turn.foresights_begun >= policy.max_foresights or step.state.speculation.paused_turns:
        return
    if any(not draft.outdated for draft in _of(step, turn.turn_id)):
        return
    think_id = step.new_id("think")
    step.change(foresight=(think_id, turn.whole_text))
    step.change_turn(foresights_begun=turn.foresights_begun + 1, foreseen_from=turn.whole_text)
    step.order(
        Think(think_id, Purpose.FORESIGHT, turn_id=turn.turn_id, audible=False, basis=turn.whole_text, joins=turn.joins)
    )


def foreseen(step: Step, event: EndingForeseen) -> None:
    turn = step.state.turn
    if step.state.foresight is None or step.state.foresight[0] != event.think_id or turn is None:
        return
    said = step.state.foresight[1]
    if event.probability < step.policy.foresight_probability or not event.ending or not allowed(step, turn):
        return
    basis = join_texts(said, event.ending)
    still_possible = relation(basis, turn.whole_text, step.policy.language) in (Relation.BEHIND, Relation.SAME)
    busy = any(draft.answer.thinking for draft in _of(step, turn.turn_id))
    if still_possible and not busy and _worth(step, turn, basis, Trigger.FORESEEN):
        _begin(step, turn, basis)


def _stop_foreseeing(step: Step) -> None:
    if step.state.foresight is not None:
        step.order(StopThinking(step.state.foresight[0]))
        step.change(foresight=None)


# --- what the thinker and the voice tell of them ------------------------------------------------------


def sentence_written(step: Step, draft: Draft, event: SentenceWritten) -> None:
    if not draft.answer.thinking:
        return  # frozen: what was under way when it was stopped would be written anew behind it
    answer = answers.with_sentence(step, draft.answer, event.text)
    _give_ahead(step, answer)
    if (draft := _found(step, answer)).outdated:
        _freeze(step, draft)


def sentence_grew(step: Step, draft: Draft, event: SentenceGrew) -> None:
    if draft.answer.thinking:
        _give_ahead(step, answers.with_growth(step, draft.answer, event.text))


def _found(step: Step, answer: Answer) -> Draft:
    draft = step.draft_of(answer.utterance_id)
    assert draft is not None
    return draft


def _give_ahead(step: Step, answer: Answer) -> None:
    """Hand the voice the beginning; playout holds it."""
    if answer.given >= SENTENCES_AHEAD or answer.opening:
        return
    if not answer.held:
        step.order(Hold(answer.utterance_id))
        answer = step.change_answer(answer, held=True)
    giving.hand_over(step, answer, until=SENTENCES_AHEAD)


def silence_chosen(step: Step, draft: Draft, event: SilenceChosen) -> None:
    answer = answers.silence_chosen(step, draft.answer, event)
    step.change_draft(_found(step, answer), ready=True)


def speech_ready(step: Step, draft: Draft, event: SpeechReady) -> None:
    answers.measure_voice(step, draft.answer)
    step.change_draft(_found(step, draft.answer), ready=True)


def voice_failed(step: Step, event: VoiceFailed) -> None:
    """A draft that can't be heard is none: its answer is thought, and spoken, anew."""
    if draft := step.draft_of(event.utterance_id):
        abandon(step, draft)


def think_ended(step: Step, draft: Draft, event: ThinkEnded) -> None:
    if not draft.answer.thinking:
        return  # frozen: it was stopped
    match event.ending:
        case ThinkEnding.DONE | ThinkEnding.LENGTH:
            answer = replace(draft.answer, thinking=False)
            step.change_draft(draft, answer=answer, ending=event.ending)
        case _:
            if event.ending is ThinkEnding.FAILED:
                _failed(step, draft)
            step.change_draft(draft, answer=replace(draft.answer, thinking=False))
            abandon(step, _found(step, draft.answer))


def _failed(step: Step, draft: Draft) -> None:
    """What has just failed would fail again: the answer, which must be tried, is enough."""
    answers.forget_pace(step, draft.answer)
    if step.state.turn is not None and step.state.turn.turn_id == draft.turn_id:
        step.change_turn(thinking_failed=True)


def opening_verified(step: Step, event: OpeningVerified) -> None:
    """An earlier draft's beginning holds for these words too: its audio is at hand."""
    draft = step.draft_thought(event.think_id)
    answer = draft.answer if draft else step.answer_thought(event.think_id)
    if answer is None or answer.adopts is None:
        return
    source = step.draft_of(answer.adopts)
    holds = event.text == answer.opening
    answer = step.change_answer(answer, opening="", adopts=None)
    if source is None:
        if holds:
            _without_beginning(step, answer)
        return
    if not holds:
        abandon(step, source)
        return
    answer = _adopt(step, answer, source)
    if (draft := step.draft_thought(event.think_id)) is not None:
        step.change_draft(draft, ready=source.ready)
    else:
        giving.give(step, answer)


def _without_beginning(step: Step, answer: Answer) -> None:
    """What it goes on from is gone: it is worth nothing by itself."""
    if draft := step.draft_of(answer.utterance_id):
        abandon(step, draft)
    else:
        answers.begin_anew(step, answer)


def _adopt(step: Step, answer: Answer, source: Draft) -> Answer:
    """The utterance of ``source``, and what is rendered of it, are this answer's."""
    if answer.fillers:
        return _adopt_text(step, answer, source)
    step.remove_draft(source)
    old = source.answer
    return step.change_answer(
        answer,
        utterance_id=old.utterance_id,
        sentences=old.sentences[: old.given],
        given=old.given,
        growing=old.growing[: old.growing_given],
        growing_given=old.growing_given,
        held=old.held,
        given_at=old.given_at,
    )


def _adopt_text(step: Step, answer: Answer, source: Draft) -> Answer:
    """Fillers bridged the wait: what holds is spoken behind them, in their utterance. Two can't be made one."""
    written, growing = source.answer.sentences[: source.answer.given], source.answer.growing
    abandon(step, source)
    own = tuple(text for text in written if not answers.repeats_fillers(step, answer, text))
    growing = growing[: source.answer.growing_given]
    return step.change_answer(answer, sentences=(*answer.sentences, *own), growing=growing)


# --- the end of the turn ------------------------------------------------------------------------------


def promote(step: Step, turn: Turn, committed: CommittedTurn) -> bool:
    """Make the draft for just these words the answer, if there is one; all others are abandoned."""
    awaited = {turn_id for turn_id, _ in step.state.late}  # their final transcripts
    is_final = turn.all_final and not awaited & set(committed.turn_ids)
    draft = matching(step, turn) if is_final else None
    if draft is not None and draft.answer.adopts is not None and not _is_there(step, draft.answer.adopts):
        draft = None
    kept = {draft.answer.utterance_id, draft.answer.adopts} if draft else set()
    for other in _of(step, turn.turn_id):
        if other.answer.utterance_id not in kept:
            abandon(step, other)
    _count(step, turn, promoted=draft is not None)
    if draft is None:
        return False
    heard.settle_heard(step)
    step.remove_draft(draft)
    if draft.answer.thinking or draft.ending is not None:
        _promote_stream(step, turn, draft, committed)
    else:
        _go_on_from_frozen(step, turn, draft, committed)
    return True


def _is_there(step: Step, utterance_id: str) -> bool:
    return step.draft_of(utterance_id) is not None


def _promote_stream(step: Step, turn: Turn, draft: Draft, committed: CommittedTurn) -> None:
    answer = _as_answer(step, turn, draft, committed)
    assert answer.think_id is not None
    step.add_answer(answer)
    step.order(PromoteThinking(answer.think_id, committed.turn_id))
    if draft.ending is None:
        giving.give(step, answer)
    else:
        answers.conclude(step, answer, draft.ending)


def _as_answer(step: Step, turn: Turn, draft: Draft, committed: CommittedTurn) -> Answer:
    """It may have to be thought anew: then from all the notes that there are by now."""
    notes_ids, effort = notes.usable(turn), notes.effort(step, turn)
    return replace(draft.answer, purpose=Purpose.ANSWER, turn=committed, notes_ids=notes_ids, effort=effort)


def _go_on_from_frozen(step: Step, turn: Turn, draft: Draft, committed: CommittedTurn) -> None:
    """The user has taken back what was added: the answer goes on behind what is rendered."""
    answer = replace(
        _as_answer(step, turn, draft, committed),
        think_id=step.new_id("think"),
        thinking=True,
        sentences=draft.answer.sentences[: draft.answer.given],
    )
    assert answer.think_id is not None
    step.add_answer(answer)
    step.order(
        Think(
            answer.think_id,
            Purpose.ANSWER,
            turn_id=committed.turn_id,
            notes_ids=answer.notes_ids,
            effort=answer.effort,
            opening=answer.rendered_ahead,
            opening_holds=True,
        )
    )
    giving.give(step, answer)


def abandon(step: Step, draft: Draft) -> None:
    """Nothing of it will ever be heard, and its engine stops working."""
    answer = draft.answer
    step.remove_draft(draft)
    if answer.thinking and answer.think_id is not None:
        step.order(StopThinking(answer.think_id))
    if answer.is_handed_over:
        step.order(StopSpeaking(answer.utterance_id, 0.0, "abandoned"))


def abandon_all(step: Step) -> None:
    """The turn is over without an answer, or by an answer of its own."""
    abandon_strays(step, None)
    _stop_foreseeing(step)


def abandon_other_modality(step: Step) -> None:
    """The session is to be answered in text from now on, or aloud again: what was written for the other is no answer."""
    turn = step.state.turn
    for draft in () if turn is None else _of(step, turn.turn_id):
        if draft.answer.audible is not step.state.audible:
            abandon(step, draft)


def abandon_strays(step: Step, turn: Turn | None) -> None:
    """Keep the drafts of ``turn``, and those whose beginning an answer waits for."""
    awaited = {answer.adopts for answer in step.state.answers}
    for draft in step.state.drafts:
        of_turn = turn is not None and draft.turn_id == turn.turn_id
        if not of_turn and draft.answer.utterance_id not in awaited:
            abandon(step, draft)


def _of(step: Step, turn_id: str) -> tuple[Draft, ...]:
    return tuple(draft for draft in step.state.drafts if draft.turn_id == turn_id)


def _count(step: Step, turn: Turn, *, promoted: bool) -> None:
    """The share of promoted drafts switches drafting off and on, for this session."""
    policy, speculation = step.policy, step.state.speculation
    if speculation.paused_turns:
        step.change(speculation=Speculation((), speculation.paused_turns - 1))
    elif turn.drafts_begun:
        recent = (*speculation.recent, promoted)[-policy.draft_window_turns :]
        poor = len(recent) == policy.draft_window_turns and sum(recent) < policy.draft_min_share * len(recent)
        step.change(speculation=Speculation((), policy.draft_window_turns) if poor else Speculation(recent))
