"""The standing thinker: private notes during a long turn, from which its answer starts (rule 4). Times are seconds."""

from __future__ import annotations

import pytest

from scheduler.commands import AmendTurn, CommitTurn, Effort, PromoteThinking, Purpose, StopThinking, Think
from scheduler.events import (
    SpeechStarted,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    TranscriptRevised,
)
from scheduler.policy import BALANCED, TurnDetection, TurnMode
from tests.scheduler.ahead import QUESTION, UNFINISHED, done, final, only, partial, user_begins, user_pauses
from tests.scheduler.playbook import Playbook, words

NOTES = only("notes")
"""Notes without any drafts beside them: each has a switch of its own."""
STORY = "yesterday i ordered a table for two people"
MORE = "and now i would like to add one more and maybe have it outside"


def notes_begin(talk: Playbook, text: str = STORY) -> tuple[str, Think]:
    """After 2.5 s the first clause is over. Returns the turn, too."""
    turn = user_begins(talk)
    talk.wait(2.5)
    partial(talk, text)
    return turn, talk.expect(Think, purpose=Purpose.NOTES, turn_id=turn, basis=text, audible=False)


def turn_ends(talk: Playbook, text: str) -> None:
    """Up to just before the commit."""
    talk.wait(0.1)
    user_pauses(talk)
    final(talk, text)


def test_notes_are_begun_at_the_end_of_a_clause_of_a_long_turn() -> None:
    talk = Playbook(NOTES)
    user_begins(talk)
    talk.at(2.4)
    partial(talk, STORY)
    talk.at(2.5)
    partial(talk, f"{STORY} and")
    talk.at(2.8)
    partial(talk, STORY)
    talk.expect(Think, at=2.8, purpose=Purpose.NOTES, basis=STORY)


def test_without_an_end_of_a_clause_they_are_begun_after_four_seconds() -> None:
    talk = Playbook(NOTES)
    user_begins(talk)
    talk.at(2.6)
    partial(talk, UNFINISHED)
    talk.at(5.0)
    talk.expect(Think, at=4.0, purpose=Purpose.NOTES, basis=UNFINISHED)


def test_a_short_turn_has_none() -> None:
    talk = Playbook(NOTES)
    user_begins(talk)
    talk.at(2.0)
    turn_ends(talk, QUESTION)
    talk.at(4.0)
    talk.expect(CommitTurn)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(), effort=None)


def test_they_are_gone_on_with_as_the_turn_grows() -> None:
    """Ten words later, and from where they were."""
    talk = Playbook(NOTES)
    _, notes = notes_begin(talk)
    talk >> ThoughtGrown(notes.think_id, "An order for two.")
    talk >> done(notes)
    talk.wait(1.0)
    partial(talk, f"{STORY} and now")
    talk.wait(3.0)
    partial(talk, f"{STORY} {MORE}")
    talk.expect(Think, purpose=Purpose.NOTES, basis=f"{STORY} {MORE}", notes_ids=(notes.think_id,))


def test_one_stream_of_notes_at_a_time() -> None:
    talk = Playbook(NOTES)
    notes_begin(talk)
    talk.wait(3.0)
    partial(talk, f"{STORY} {MORE}")
    talk.quiet(talk.now + 2.0)


def test_finished_notes_enter_the_history_and_the_answer_needs_no_reasoning() -> None:
    talk = Playbook(NOTES)
    turn, notes = notes_begin(talk)
    talk >> ThoughtGrown(notes.think_id, "An order for two.")
    talk >> done(notes)
    turn_ends(talk, STORY)
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk << PromoteThinking(notes.think_id, turn)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(notes.think_id,), effort=Effort.REFLEX)


def test_of_unfinished_notes_what_there_is_is_used() -> None:
    talk = Playbook(NOTES)
    turn, notes = notes_begin(talk)
    talk >> ThoughtGrown(notes.think_id, "An order")
    turn_ends(talk, STORY)
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk << PromoteThinking(notes.think_id, turn)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(notes.think_id,), effort=None)
    talk << StopThinking(notes.think_id)


@pytest.mark.parametrize(
    ("detection", "audible"),
    [(TurnDetection(create_response=False), True), (TurnDetection(TurnMode.MANUAL), True), (TurnDetection(), False)],
    ids=["the client asks for answers", "push to talk", "text only"],
)
def test_none_are_made_where_no_spoken_answer_would_follow_by_itself(detection: TurnDetection, audible: bool) -> None:
    talk = Playbook(NOTES, detection, audible=audible)
    talk >> SpeechStarted(0.0)
    talk << ...
    talk.at(2.5)
    partial(talk, STORY)
    partial(talk, STORY)
    talk.quiet(5.0)


def test_they_can_be_switched_off() -> None:
    talk = Playbook(only("drafts"))
    user_begins(talk)
    talk.wait(2.5)
    partial(talk, STORY)
    talk.wait(2.0)
    partial(talk, STORY)
    talk.expect(Think, purpose=Purpose.DRAFT)
    talk.quiet(6.0)


def test_notes_about_words_that_were_taken_back_are_dropped() -> None:
    talk = Playbook(NOTES)
    _, notes = notes_begin(talk)
    talk >> ThoughtGrown(notes.think_id, "An order for two.")
    partial(talk, "yesterday i ordered a cable for two machines")
    talk << StopThinking(notes.think_id)
    begun_at = talk.now
    talk.wait(BALANCED.notes_again_seconds)
    talk.expect(Think, at=begun_at + 2.0, purpose=Purpose.NOTES, notes_ids=())  # of what was said instead


@pytest.mark.parametrize("ending", [ThinkEnding.FAILED, ThinkEnding.ABORTED])
def test_notes_that_end_badly_leave_nothing_behind(ending: ThinkEnding) -> None:
    talk = Playbook(NOTES)
    turn, notes = notes_begin(talk)
    talk >> ThinkEnded(notes.think_id, ending)
    turn_ends(talk, STORY)
    talk << ...
    assert talk.state.turn is not None
    assert talk.state.turn.turn_id == turn
    assert notes.think_id not in [each.think_id for each in talk.state.turn.notes]


def test_an_engine_that_failed_at_notes_is_asked_for_nothing_more_before_the_turn_is_over() -> None:
    talk = Playbook(only("drafts", "notes"))
    _, notes = notes_begin(talk)
    talk >> ThinkEnded(notes.think_id, ThinkEnding.FAILED, "the model is down")
    talk.wait(1.0)
    partial(talk, f"{STORY} {MORE}")
    partial(talk, f"{STORY} {MORE}")
    turn_ends(talk, f"{STORY} {MORE}")
    talk.wait(1.0)
    talk.expect(CommitTurn)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=())


def test_a_draft_starts_from_the_notes() -> None:
    talk = Playbook(only("drafts", "notes"))
    _, notes = notes_begin(talk)
    talk >> ThoughtGrown(notes.think_id, "An order for two.")
    talk >> done(notes)
    turn_ends(talk, STORY)
    talk.expect(Think, purpose=Purpose.DRAFT, notes_ids=(notes.think_id,), effort=Effort.REFLEX)


def test_while_notes_are_made_only_a_pause_begins_a_draft() -> None:
    talk = Playbook(only("drafts", "notes"))
    _, notes = notes_begin(talk)
    talk >> TranscriptRevised(0, words(STORY))
    talk.quiet(talk.now + 0.1)
    talk >> ThoughtGrown(notes.think_id, "An order")
    turn_ends(talk, STORY)
    talk.expect(Think, purpose=Purpose.DRAFT, notes_ids=(notes.think_id,), effort=None)


def first_notes_are_made(talk: Playbook) -> tuple[str, Think]:
    turn, first = notes_begin(talk)
    talk >> ThoughtGrown(first.think_id, "An order for two.")
    talk >> done(first)
    return turn, first


def second_notes_begin(talk: Playbook, first: Think) -> Think:
    talk.wait(1.0)
    partial(talk, f"{STORY} {MORE}")
    return talk.expect(Think, purpose=Purpose.NOTES, basis=f"{STORY} {MORE}", notes_ids=(first.think_id,))


def test_an_answer_starts_from_all_the_notes() -> None:
    talk = Playbook(NOTES)
    turn, first = first_notes_are_made(talk)
    second = second_notes_begin(talk, first)
    talk >> ThoughtGrown(second.think_id, "One more, and outside.")
    talk >> done(second)
    turn_ends(talk, f"{STORY} {MORE}")
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk << PromoteThinking(first.think_id, turn)
    talk << PromoteThinking(second.think_id, turn)
    both = (first.think_id, second.think_id)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=both, effort=Effort.REFLEX)


def test_a_draft_starts_from_the_notes_that_there_are_and_not_from_those_just_begun() -> None:
    talk = Playbook(only("drafts", "notes"))
    _, first = first_notes_are_made(talk)
    second_notes_begin(talk, first)
    turn_ends(talk, f"{STORY} {MORE}")
    talk.expect(Think, purpose=Purpose.DRAFT, notes_ids=(first.think_id,), effort=None)


@pytest.mark.parametrize("ending", [ThinkEnding.FAILED, ThinkEnding.ABORTED])
def test_when_later_notes_end_badly_the_earlier_ones_are_as_good_as_they_were(ending: ThinkEnding) -> None:
    """But of much that was said since nothing was reasoned."""
    talk = Playbook(NOTES)
    turn, first = first_notes_are_made(talk)
    second = second_notes_begin(talk, first)
    turn_ends(talk, f"{STORY} {MORE}")
    talk >> ThinkEnded(second.think_id, ending)
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk << PromoteThinking(first.think_id, turn)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(first.think_id,), effort=None)


def test_words_that_are_taken_back_leave_the_notes_on_what_was_said_before_them() -> None:
    talk = Playbook(NOTES)
    turn, first = first_notes_are_made(talk)
    second = second_notes_begin(talk, first)
    partial(talk, f"{STORY} and a lamp")
    talk << StopThinking(second.think_id)
    turn_ends(talk, f"{STORY} and a lamp")
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk << PromoteThinking(first.think_id, turn)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(first.think_id,), effort=Effort.REFLEX)


def test_an_answer_that_is_begun_anew_starts_from_the_notes_too() -> None:
    """The promoted draft is lost: what was reasoned while the user spoke is not reasoned twice."""
    talk = Playbook(only("drafts", "notes"))
    turn, first = first_notes_are_made(talk)
    turn_ends(talk, STORY)
    draft = talk.expect(Think, purpose=Purpose.DRAFT, notes_ids=(first.think_id,), effort=Effort.REFLEX)
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk << PromoteThinking(first.think_id, turn)
    talk << PromoteThinking(draft.think_id, turn)
    talk >> ThinkEnded(draft.think_id, ThinkEnding.ABORTED)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(first.think_id,), effort=Effort.REFLEX)


def test_an_answer_to_other_words_than_those_that_were_noted_does_not_start_from_the_notes() -> None:
    """The final transcript comes after the commit, and contradicts."""
    talk = Playbook(NOTES)
    turn, first = first_notes_are_made(talk)
    talk.wait(0.1)
    user_pauses(talk)
    talk.wait(2.0)
    talk.expect(CommitTurn, turn_id=turn, final=False)
    talk << PromoteThinking(first.think_id, turn)
    answer = talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(first.think_id,), effort=Effort.REFLEX)
    final(talk, "yesterday i ordered a cable for two machines")
    talk << AmendTurn(turn, "yesterday i ordered a cable for two machines")
    talk << StopThinking(answer.think_id)
    talk.expect(Think, purpose=Purpose.ANSWER, notes_ids=(), effort=None)


def test_words_that_are_revised_again_and_again_do_not_make_notes_each_time() -> None:
    talk = Playbook(NOTES)
    turn, first = notes_begin(talk)
    begun_at = talk.now
    for text in (
        "yesterday i bought a cable for two people",
        STORY,
        "yesterday i bought a cable for two people",
        STORY,
    ):
        talk.wait(0.3)
        partial(talk, text)
        talk << ...
    assert talk.state.turn is not None
    assert not talk.state.turn.notes
    talk.at(begun_at + 2.4)
    again = talk.expect(Think, at=begun_at + 2.3, purpose=Purpose.NOTES, turn_id=turn, basis=STORY)
    assert again.think_id != first.think_id
