"""Answers that are begun anew: a final came late and says something else, or the promoted draft was lost."""

from __future__ import annotations

from scheduler.commands import AmendTurn, CommitTurn, EndTurn, OpenTurn, Purpose, StopThinking, Think, TurnOutcome
from scheduler.events import SpeechStarted, SpeechStopped, ThinkEnded, ThinkEnding, TranscriptRevised
from tests.scheduler.ahead import QUESTION, draft_begins, draft_is_promoted, final, only, user_pauses
from tests.scheduler.playbook import Playbook, words
from tests.scheduler.test_conversations import user_says


def user_goes_on(talk: Playbook) -> str:
    """Before anything has sounded. Returns the turn."""
    talk >> SpeechStarted(talk.now)
    return talk.expect(OpenTurn).turn_id


def their_words_continue(talk: Playbook, turn: str, first_turn: str, text: str) -> None:
    """The second half of what the user says, and the answer to both."""
    talk.wait(0.4) >> TranscriptRevised(1, (), words(text))
    talk.expect(StopThinking)
    talk << EndTurn(first_turn, TurnOutcome.REJOINED, "the user went on")
    talk.wait(0.4) >> SpeechStopped(talk.now - 0.2, 0.2)
    talk >> TranscriptRevised(1, words(text), is_final=True)


def test_who_went_on_before_the_late_final_came_is_still_answered_as_one() -> None:
    talk = Playbook()
    first = user_says(talk, "what is the best thyme", final=False).turn_id
    talk.at(2.2)
    talk.expect(CommitTurn, turn_id=first, final=False)
    answer = talk.expect(Think, turn_id=first)
    talk.at(2.3)
    turn = user_goes_on(talk)
    talk >> TranscriptRevised(0, words("what is the best time"), is_final=True)
    talk << AmendTurn(first, "what is the best time")
    talk << StopThinking(answer.think_id)
    talk.expect(Think, turn_id=first)
    their_words_continue(talk, turn, first, "to visit london")
    talk.wait(1.0)
    talk.expect(CommitTurn, turn_id=turn, transcript="to visit london", joins=first)
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn)


def test_who_went_on_before_the_promoted_draft_was_lost_is_still_answered_as_one() -> None:
    talk = Playbook(only("drafts"))
    first, draft = draft_begins(talk)
    talk.wait(0.2)
    user_pauses(talk)
    final(talk, QUESTION)
    talk.wait(0.5)
    draft_is_promoted(talk, first, draft)
    turn = user_goes_on(talk)
    talk >> ThinkEnded(draft.think_id, ThinkEnding.ABORTED)
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=first)
    their_words_continue(talk, turn, first, "and thirteen")
    talk.expect(Think, purpose=Purpose.DRAFT, turn_id=turn, joins=first, basis=f"{QUESTION} and thirteen")
