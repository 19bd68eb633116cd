"""Answers that are begun before the turn is over, and when they may be heard (rules 1 to 3). Times are seconds.

A draft is begun from what was recognised so far. Its first sentence is rendered and held. When the turn is over and
the user did say just that, it is promoted: thought on, released, heard. If the user said more, what is rendered may
still hold; if they said something else, nothing of it is ever heard.
"""

from __future__ import annotations

import pytest

from scheduler.commands import (
    CommitTurn,
    EndCall,
    EndTurn,
    EndUtterance,
    Hold,
    OpenTurn,
    PromoteThinking,
    Purpose,
    RecordHeard,
    Release,
    Speak,
    StopSpeaking,
    StopThinking,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    CallEnding,
    EndingForeseen,
    InputCleared,
    OpeningVerified,
    PlayoutStarted,
    SentenceGrew,
    SentenceWritten,
    SessionConfigured,
    SilenceChosen,
    SpeechStarted,
    ThinkEnded,
    ThinkEnding,
    TranscriptRevised,
    VoiceFaded,
    VoiceFailed,
    VoiceReturned,
)
from scheduler.policy import BALANCED, Policy, TurnDetection, TurnMode
from tests.scheduler.ahead import (
    QUESTION,
    REQUEST,
    SENTENCES,
    STATEMENT,
    UNFINISHED,
    done,
    draft_begins,
    draft_is_promoted,
    final,
    is_rendered,
    only,
    partial,
    played,
    stopped,
    user_begins,
    user_pauses,
    writes,
)
from tests.scheduler.playbook import Playbook, words

DRAFTS = only("drafts")

# --- when one is begun (rule 1) -----------------------------------------------------------------------


def test_two_agreeing_partials_begin_a_draft() -> None:
    talk = Playbook(DRAFTS)
    turn = user_begins(talk)
    talk.at(1.0)
    partial(talk, REQUEST)
    talk.quiet(1.2)
    partial(talk, REQUEST)
    talk.expect(Think, purpose=Purpose.DRAFT, turn_id=turn, basis=REQUEST)


def test_words_of_which_the_recogniser_is_sure_begin_one() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0) >> TranscriptRevised(0, words(REQUEST))
    talk.expect(Think, purpose=Purpose.DRAFT, basis=REQUEST)


def test_words_that_may_go_on_begin_none_while_the_user_is_heard() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, STATEMENT)
    talk.quiet(1.2)
    partial(talk, STATEMENT)
    talk.quiet(1.4)


def test_in_a_long_turn_they_do() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(4.0)
    partial(talk, STATEMENT)
    talk.quiet(4.2)
    partial(talk, STATEMENT)
    talk.expect(Think, purpose=Purpose.DRAFT, basis=STATEMENT)


def test_a_short_question_goes_on_more_often_than_not_and_waits_for_the_next_partial() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, "what is the weather")
    talk.quiet(1.2)
    partial(talk, "what is the weather")
    talk.expect(Think, purpose=Purpose.DRAFT, basis="what is the weather")


def test_or_for_a_moment_without_voice() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, "what is the weather")
    talk.at(1.1) >> VoiceFaded(1.0, 0.1)
    talk.at(2.0)
    talk.expect(Think, at=1.16, purpose=Purpose.DRAFT, basis="what is the weather")


def test_words_that_sound_like_a_whole_turn_begin_one_at_once() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, QUESTION)
    talk.expect(Think, purpose=Purpose.DRAFT, basis=QUESTION)


def test_a_pause_begins_one() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, STATEMENT)
    talk.at(1.1) >> VoiceFaded(1.0, 0.1)
    talk.at(2.0)
    talk.expect(Think, at=1.16, purpose=Purpose.DRAFT, basis=STATEMENT)


def test_a_gap_between_two_words_begins_none() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, STATEMENT)
    talk.at(1.1) >> VoiceFaded(1.0, 0.1)
    talk.at(1.15) >> VoiceReturned(1.15)
    talk.quiet(2.0)


def test_the_final_transcript_begins_one() -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.1)
    user_pauses(talk)
    final(talk, STATEMENT)
    talk.expect(Think, at=1.1, purpose=Purpose.DRAFT, basis=STATEMENT)


@pytest.mark.parametrize("text", [UNFINISHED, "um", "my number is five five five"])
def test_words_that_clearly_go_on_begin_none(text: str) -> None:
    talk = Playbook(DRAFTS)
    user_begins(talk)
    talk.at(1.0)
    partial(talk, text)
    partial(talk, text)
    talk.at(1.1)
    user_pauses(talk)
    final(talk, text)
    talk.quiet(3.4)


@pytest.mark.parametrize(
    ("policy", "detection", "audible"),
    [
        (only(), TurnDetection(), True),
        (DRAFTS, TurnDetection(create_response=False), True),
        (DRAFTS, TurnDetection(TurnMode.MANUAL), True),
        (DRAFTS, TurnDetection(), False),
    ],
    ids=["switched off", "the client asks for answers", "push to talk", "text only"],
)
def test_none_is_begun_where_no_spoken_answer_would_follow_by_itself(
    policy: Policy, detection: TurnDetection, audible: bool
) -> None:
    talk = Playbook(policy, detection, audible=audible)
    talk >> SpeechStarted(0.0)
    talk << ...
    talk.at(1.0)
    partial(talk, QUESTION)
    partial(talk, QUESTION)
    talk.quiet(1.2)


def test_one_is_thought_at_a_time_and_no_more_than_three_in_a_short_turn() -> None:
    """The last one is kept for the pause at the end."""
    talk = Playbook(DRAFTS)
    _, first = draft_begins(talk, "what is one plus one")
    partial(talk, "what is two plus two")
    talk << StopThinking(first.think_id)
    second = talk.expect(Think, purpose=Purpose.DRAFT, basis="what is two plus two")
    partial(talk, "what is three plus three")
    talk << StopThinking(second.think_id)
    talk.wait(0.1)
    user_pauses(talk)
    final(talk, "what is three plus three")
    talk.expect(Think, purpose=Purpose.DRAFT, basis="what is three plus three")
    talk >> SpeechStarted(talk.now)
    talk.wait(0.2)
    final(talk, "no what is five plus five", segment=1)
    talk << ...
    assert not any(draft.basis.endswith("five") for draft in talk.state.drafts)


# --- what it may do before the turn is over (rule 2) --------------------------------------------------


def test_its_first_sentence_is_rendered_and_held() -> None:
    talk = Playbook(DRAFTS)
    _, draft = draft_begins(talk)
    talk >> SentenceWritten(draft.think_id, 0, SENTENCES[0])
    utterance = talk.expect(Hold).utterance_id
    talk.expect(Speak, utterance_id=utterance, text=SENTENCES[0], think_id=draft.think_id)
    talk >> SentenceWritten(draft.think_id, 1, SENTENCES[1])
    is_rendered(talk, utterance)
    talk.quiet(2.0)


def test_a_voice_that_takes_streaming_text_gets_each_word() -> None:
    talk = Playbook(DRAFTS)
    _, draft = draft_begins(talk)
    talk >> SentenceGrew(draft.think_id, 0, "It is")
    utterance = talk.expect(Hold).utterance_id
    talk << Speak(utterance, 0, "It is", draft.think_id, complete=False)
    talk >> SentenceGrew(draft.think_id, 0, " one.")
    talk << Speak(utterance, 0, " one.", draft.think_id, complete=False)
    talk >> SentenceWritten(draft.think_id, 0, "It is one.")
    talk << Speak(utterance, 0, "", draft.think_id)
    talk >> SentenceGrew(draft.think_id, 1, "Two")  # a sentence is enough
    talk.quiet(2.0)


def draft_is_held(talk: Playbook, text: str = QUESTION) -> tuple[str, Think, str]:
    """A draft whose first sentence could be heard at once. Returns the turn, the draft and its utterance."""
    turn, draft = draft_begins(talk, text)
    talk >> SentenceWritten(draft.think_id, 0, SENTENCES[0])
    utterance = talk.expect(Hold).utterance_id
    talk.expect(Speak, utterance_id=utterance)
    is_rendered(talk, utterance)
    return turn, draft, utterance


def turn_ends(talk: Playbook, text: str, segment: int = 0) -> float:
    """The user pauses, and the recogniser is done. Returns the end of the last sound."""
    talk.wait(0.2)
    user_pauses(talk)
    final(talk, text, segment)
    return talk.now - 0.1


# --- promotion (rule 3) -------------------------------------------------------------------------------


def test_a_draft_for_just_these_words_is_heard_after_the_human_gap() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    talk >> SentenceWritten(draft.think_id, 1, SENTENCES[1])
    end = turn_ends(talk, QUESTION)
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft, at=end + 0.2)
    talk << Release(utterance)
    talk << Speak(utterance, 1, SENTENCES[1], draft.think_id)
    talk >> done(draft)
    talk << EndUtterance(utterance)


def test_a_draft_that_is_not_ready_is_waited_for_but_not_for_long() -> None:
    """To commit sooner would bring the caller nothing."""
    talk = Playbook(DRAFTS)
    turn, draft = draft_begins(talk)
    end = turn_ends(talk, QUESTION)
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft, at=end + BALANCED.wait_draft_seconds)
    utterance = writes(talk, draft)  # from here on it is an answer like any other
    talk >> done(draft)
    talk << EndUtterance(utterance)


def test_a_draft_that_is_written_to_its_end_needs_no_more_thinking() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    talk >> done(draft)
    end = turn_ends(talk, QUESTION)
    talk.at(end + 0.3)
    draft_is_promoted(talk, turn, draft)
    talk << Release(utterance)
    talk << EndUtterance(utterance)
    talk >> played(utterance, SENTENCES[0])
    talk << ...
    talk.done()


def test_a_draft_may_choose_silence() -> None:
    talk = Playbook(DRAFTS)
    turn, draft = draft_begins(talk)
    talk >> SilenceChosen(draft.think_id, "not addressed to me")
    talk >> done(draft)
    end = turn_ends(talk, QUESTION)
    talk.at(end + 0.3)
    draft_is_promoted(talk, turn, draft)
    talk << EndTurn(turn, TurnOutcome.SILENT, "not addressed to me")
    talk.done()


@pytest.mark.parametrize("said", ["What is 12 times 12?", f"{QUESTION} please", f"um {QUESTION} thank you"])
def test_case_numbers_courtesy_and_hesitation_make_no_difference(said: str) -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    end = turn_ends(talk, said)
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft)
    talk << Release(utterance)


def test_without_a_final_transcript_no_draft_is_promoted() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    talk.wait(0.2)
    user_pauses(talk)
    end = talk.now - 0.1
    talk.at(end + 2.0)
    talk.expect(CommitTurn, at=end + 0.2 + 0.6, turn_id=turn, final=False)
    talk << StopThinking(draft.think_id)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn, basis="")


def test_a_draft_is_not_the_answer_in_a_session_that_has_become_one_of_text() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    talk >> SessionConfigured(DRAFTS, TurnDetection(), audible=False)
    talk << StopThinking(draft.think_id)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    end = turn_ends(talk, QUESTION)
    talk.at(end + 1.0)
    talk.expect(CommitTurn, at=end + 0.35, turn_id=turn)
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn, audible=False)


def test_a_session_that_speaks_again_before_its_turn_is_over_thinks_a_draft_anew() -> None:
    talk = Playbook(DRAFTS)
    turn, first, _ = draft_is_held(talk)
    talk >> SessionConfigured(DRAFTS, TurnDetection(), audible=False)
    talk << ...
    talk >> SessionConfigured(DRAFTS, TurnDetection())
    talk << ...
    end = turn_ends(talk, QUESTION)
    draft = talk.expect(Think, purpose=Purpose.DRAFT, audible=True)
    assert draft.think_id != first.think_id
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft)


# --- the user said something else ---------------------------------------------------------------------


def test_a_draft_for_other_words_is_abandoned() -> None:
    talk = Playbook(DRAFTS)
    _, draft, utterance = draft_is_held(talk)
    partial(talk, "what is twelve times twenty")
    talk << StopThinking(draft.think_id)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.expect(Think, purpose=Purpose.DRAFT, basis="what is twelve times twenty")
    talk >> stopped(utterance, "", 0)
    talk.quiet(talk.now + 0.1)


def test_a_draft_does_not_survive_that_its_words_are_taken_back() -> None:
    """The worst that could happen here is that "Tuesday" is booked."""
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk, "book it for tuesday")
    turn_ends(talk, "book it for tuesday")
    talk >> SpeechStarted(talk.now)
    talk.wait(0.3)
    partial(talk, "no thursday", segment=1)
    talk << StopThinking(draft.think_id)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    end = turn_ends(talk, "no thursday", segment=1)
    talk.expect(Think, purpose=Purpose.DRAFT, basis="book it for tuesday no thursday")
    talk.at(end + 1.0)
    talk.expect(CommitTurn, turn_id=turn, transcript="book it for tuesday no thursday")
    promoted = talk.expect(PromoteThinking)
    assert promoted.think_id != draft.think_id


def test_the_recogniser_may_change_its_mind_at_the_very_end() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    talk.wait(0.2)
    user_pauses(talk)
    talk.wait(0.4)  # the silence was long enough, its words are awaited
    final(talk, "what is twelve times twenty")
    talk << StopThinking(draft.think_id)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.expect(CommitTurn, turn_id=turn, transcript="what is twelve times twenty")
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn)


# --- the user said more -------------------------------------------------------------------------------


def test_one_word_more_is_waited_for() -> None:
    """It may begin a "thank you", or be misheard."""
    talk = Playbook(DRAFTS)
    draft_is_held(talk)
    partial(talk, f"{QUESTION} time")
    talk.wait(0.1)
    partial(talk, f"{QUESTION} thank you")
    talk.quiet(talk.now + 0.1)


def user_says_more(talk: Playbook, more: str = "for the second time") -> tuple[str, Think, str]:
    """A draft is frozen: its sentence is kept, and verified by another one that answers all the words. Returns the
    turn, the new draft and the old utterance."""
    turn, frozen, utterance = draft_is_held(talk)
    talk.wait(0.3)
    partial(talk, f"{QUESTION} {more}")
    talk << StopThinking(frozen.think_id)
    draft = talk.expect(Think, purpose=Purpose.DRAFT, basis=f"{QUESTION} {more}", opening=SENTENCES[0])
    talk >> ThinkEnded(frozen.think_id, ThinkEnding.STOPPED)
    return turn, draft, utterance


def test_what_holds_for_more_words_too_is_heard_at_once() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = user_says_more(talk)
    talk >> OpeningVerified(draft.think_id, SENTENCES[0])
    talk >> SentenceWritten(draft.think_id, 1, SENTENCES[1])
    end = turn_ends(talk, f"{QUESTION} for the second time")
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft, at=end + 0.2)
    talk << Release(utterance)
    talk << Speak(utterance, 1, SENTENCES[1], draft.think_id)


def test_what_does_not_hold_is_written_anew() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = user_says_more(talk)
    talk >> OpeningVerified(draft.think_id, "")
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk >> SentenceWritten(draft.think_id, 0, "It is what I said.")
    other = talk.expect(Hold).utterance_id
    talk.expect(Speak, utterance_id=other, index=0)
    end = turn_ends(talk, f"{QUESTION} for the second time")
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft)
    talk << Release(other)


def test_it_may_be_verified_after_the_commit() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = user_says_more(talk)
    end = turn_ends(talk, f"{QUESTION} for the second time")
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft)
    talk >> OpeningVerified(draft.think_id, SENTENCES[0])
    talk << Release(utterance)
    writes(talk, draft, 1, SENTENCES[1])


def test_what_is_verified_while_the_user_speaks_again_waits() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = user_says_more(talk)
    end = turn_ends(talk, f"{QUESTION} for the second time")
    talk.at(end + 0.5)
    draft_is_promoted(talk, turn, draft)
    talk >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk >> OpeningVerified(draft.think_id, SENTENCES[0])
    talk.quiet(talk.now + 0.2)
    user_pauses(talk)  # it was only a cough
    final(talk, "", segment=1)
    talk.wait(1.3)
    talk.expect(CommitTurn, transcript="")
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT)
    talk << Release(utterance)


def test_a_beginning_that_could_not_be_spoken_is_thought_anew() -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = user_says_more(talk)
    end = turn_ends(talk, f"{QUESTION} for the second time")
    talk.at(end + 0.5)
    draft_is_promoted(talk, turn, draft)
    talk >> VoiceFailed(utterance, 0, "the voice broke")
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk >> OpeningVerified(draft.think_id, SENTENCES[0])
    talk << StopThinking(draft.think_id)
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn, opening="")


def test_words_that_were_added_and_taken_back_by_the_recogniser() -> None:
    """The frozen draft answers the turn after all: the answer goes on behind what is rendered."""
    talk = Playbook(only("drafts", max_drafts=1))
    turn = user_begins(talk)
    talk.at(0.5) >> VoiceFaded(0.4, 0.1)
    talk >> TranscriptRevised(0, words(QUESTION))
    draft = talk.expect(Think, purpose=Purpose.DRAFT)
    talk >> SentenceWritten(draft.think_id, 0, SENTENCES[0])
    utterance = talk.expect(Hold).utterance_id
    talk.expect(Speak)
    partial(talk, f"{QUESTION} for the second time")
    talk << StopThinking(draft.think_id)
    end = turn_ends(talk, QUESTION)
    talk.at(end + 1.0)
    commit = talk.expect(CommitTurn, turn_id=turn, transcript=QUESTION)
    answer = talk.expect(
        Think, purpose=Purpose.ANSWER, turn_id=commit.turn_id, opening=SENTENCES[0], opening_holds=True
    )
    talk << Release(utterance)
    writes(talk, answer, 1, SENTENCES[1])


# --- drafts that come to nothing ----------------------------------------------------------------------


def test_a_draft_that_is_aborted_costs_nobody_an_answer() -> None:
    talk = Playbook(only("drafts", max_drafts=2))
    turn, draft, utterance = draft_is_held(talk)
    end = turn_ends(talk, QUESTION)
    talk >> ThinkEnded(draft.think_id, ThinkEnding.ABORTED, "no room")
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.at(end + 1.0)
    again = talk.expect(Think, purpose=Purpose.DRAFT, basis=QUESTION)  # the pause grows
    draft_is_promoted(talk, turn, again)


def draft_fails(talk: Playbook) -> str:
    """Begun, and failed in the middle of its second sentence. Returns the turn."""
    turn, draft, utterance = draft_is_held(talk)
    talk >> ThinkEnded(draft.think_id, ThinkEnding.FAILED, "the model is down")
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    return turn


def test_an_engine_that_failed_is_tried_once_more_for_the_answer_and_not_for_drafts() -> None:
    talk = Playbook(only("drafts", "foresight"))
    turn = draft_fails(talk)
    talk.wait(0.2)
    partial(talk, "what is twelve times twenty")
    partial(talk, "what is twelve times twenty")
    end = turn_ends(talk, "what is twelve times twenty")
    talk.at(end + 1.0)
    talk.expect(CommitTurn, turn_id=turn)
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn)


def test_the_next_turn_may_have_drafts_again() -> None:
    talk = Playbook(DRAFTS)
    draft_fails(talk)
    turn_ends(talk, QUESTION)
    talk.wait(1.0)
    talk.expect(CommitTurn)
    talk >> done(talk.expect(Think, purpose=Purpose.ANSWER))
    talk << ...
    talk >> SpeechStarted(talk.now)
    talk << ...
    talk >> TranscriptRevised(1, words(QUESTION))
    talk.expect(Think, purpose=Purpose.DRAFT)


def test_how_soon_a_stream_failed_tells_nothing_about_the_engine() -> None:
    talk = Playbook(DRAFTS)
    draft_fails(talk)
    assert not talk.state.pace.words
    turn_ends(talk, QUESTION)
    talk.wait(1.0)
    talk.expect(CommitTurn)
    answer = talk.expect(Think, purpose=Purpose.ANSWER)
    talk.wait(0.2)
    utterance = writes(talk, answer)
    assert talk.state.pace.words
    talk >> ThinkEnded(answer.think_id, ThinkEnding.FAILED, "the model is down")
    talk << EndUtterance(utterance)
    assert not talk.state.pace.words


def test_a_draft_that_is_aborted_as_it_is_promoted_is_thought_anew() -> None:
    """The engine took its place away while the promotion was on its way."""
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    end = turn_ends(talk, QUESTION)
    talk.at(end + 0.3)
    draft_is_promoted(talk, turn, draft)
    talk << Release(utterance)
    talk >> ThinkEnded(draft.think_id, ThinkEnding.ABORTED)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=turn)


def test_what_was_heard_of_it_meanwhile_is_not_forgotten() -> None:
    """Its first sound was on its way to be told when it was given up."""
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    end = turn_ends(talk, QUESTION)
    talk.at(end + 0.3)
    draft_is_promoted(talk, turn, draft)
    talk << Release(utterance)
    talk >> ThinkEnded(draft.think_id, ThinkEnding.ABORTED)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.expect(Think, turn_id=turn)
    talk >> PlayoutStarted(utterance)
    talk >> stopped(utterance, "It", 0)
    talk.expect(RecordHeard, utterance_id=utterance, text="It", cut_off=True)


@pytest.mark.parametrize("cleared", [True, False])
def test_a_turn_that_is_given_up_takes_its_drafts_along(cleared: bool) -> None:
    talk = Playbook(DRAFTS)
    turn, draft, utterance = draft_is_held(talk)
    talk >> (InputCleared() if cleared else CallEnding("the caller hung up"))
    if not cleared:
        talk.expect(EndTurn, turn_id=turn, outcome=TurnOutcome.CALL_ENDED)
    talk << StopThinking(draft.think_id)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk.expect(EndTurn if cleared else EndCall)
    talk.done()


def test_drafts_pause_in_a_session_where_few_are_promoted() -> None:
    """From then on only pauses and final transcripts begin some, for as many turns as were looked at."""
    talk = Playbook(only("drafts", draft_window_turns=1, draft_min_share=0.5))
    draft_begins(talk)
    turn_ends(talk, "what is twelve times")
    talk << ...
    talk.wait(3.0)
    talk.expect(CommitTurn)
    answer = talk.expect(Think, purpose=Purpose.ANSWER)
    talk >> done(answer)
    talk << ...
    talk >> SpeechStarted(talk.now)
    talk << ...
    talk.wait(0.5)
    partial(talk, QUESTION, segment=1)
    partial(talk, QUESTION, segment=1)
    talk.quiet(talk.now + 0.1)
    user_pauses(talk)
    final(talk, QUESTION, segment=1)
    talk.expect(Think, purpose=Purpose.DRAFT, basis=QUESTION)


# --- how the sentence will end (rule 3, anticipation) -------------------------------------------------

BEGINNING, ENDING = "what is twelve", "times twelve"


def ending_is_foreseen(talk: Playbook, probability: float = 0.9) -> str:
    turn = user_begins(talk)
    talk.at(0.5)
    partial(talk, BEGINNING)
    foresight = talk.expect(Think, purpose=Purpose.FORESIGHT, turn_id=turn, basis=BEGINNING, audible=False)
    talk >> EndingForeseen(foresight.think_id, ENDING, probability)
    return turn


FORESEEING = only("drafts", "foresight", draft_likely_probability=0.9)


def test_a_draft_may_answer_what_the_user_is_about_to_say() -> None:
    talk = Playbook(FORESEEING)
    turn = ending_is_foreseen(talk)
    draft = talk.expect(Think, purpose=Purpose.DRAFT, basis=f"{BEGINNING} {ENDING}")
    talk.wait(0.2)
    partial(talk, f"{BEGINNING} times")  # so far, so good
    end = turn_ends(talk, QUESTION)
    talk.at(end + 1.0)
    draft_is_promoted(talk, turn, draft)


def test_what_was_foreseen_and_not_said_is_abandoned() -> None:
    talk = Playbook(FORESEEING)
    ending_is_foreseen(talk)
    draft = talk.expect(Think, purpose=Purpose.DRAFT, basis=f"{BEGINNING} {ENDING}")
    talk.wait(0.2)
    partial(talk, f"{BEGINNING} plus one")
    talk << StopThinking(draft.think_id)


def test_an_improbable_ending_is_not_drafted_for() -> None:
    talk = Playbook(FORESEEING)
    ending_is_foreseen(talk, probability=0.3)
    talk.quiet(1.0)
