"""What is said while an answer is awaited (rule 6). Times are seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scheduler.commands import (
    CommitTurn,
    Duck,
    EndTurn,
    EndUtterance,
    Hold,
    OpenTurn,
    PromoteThinking,
    Purpose,
    RecordHeard,
    Release,
    SkipSentence,
    Speak,
    SpeakSource,
    StopSpeaking,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    OpeningVerified,
    PlayoutEnded,
    PlayoutStarted,
    SentenceWritten,
    SilenceChosen,
    SpeechStarted,
    SpeechStopped,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    ToolLeftBehind,
    TranscriptRevised,
    WordsHeard,
)
from scheduler.floor import Floor
from scheduler.pace import Pace
from tests.scheduler.ahead import (
    QUESTION,
    STATEMENT,
    done,
    final,
    only,
    partial,
    played,
    stopped,
    user_begins,
    user_pauses,
)
from tests.scheduler.playbook import Playbook, words

FAST = Pace(words=(0.1,), voice=(0.1,))
SLOW = Pace(words=(0.8,), voice=(0.2,))
SLOWER = Pace(words=(2.2,), voice=(0.3,))
"""What was measured of the engines in earlier turns: seconds to the first words, and from words to audio."""
ACKNOWLEDGEMENT, PHRASE = "Let me see.", "Let me think"
ANSWER = "It is a hundred and forty four."


def awaiting(pace: Pace, text: str = QUESTION, **changes: Any) -> tuple[Playbook, str, Think]:
    """A turn that was just committed; its answer is begun. Returns the turn and the answer."""
    talk = Playbook(only("fillers", **changes))
    talk.state = replace(talk.state, pace=pace)
    turn = user_begins(talk)
    talk.at(1.1)
    user_pauses(talk)
    final(talk, text)
    talk.wait(0.25 if text == QUESTION else 0.6)
    talk.expect(CommitTurn, turn_id=turn)
    return talk, turn, talk.expect(Think, purpose=Purpose.ANSWER)


def filler(talk: Playbook, at: float | None = None, begins: str = "") -> Speak:
    speak = talk.expect(Speak, at=at, source=SpeakSource.FILLER)
    assert speak.text.startswith(begins)
    return speak


def is_heard(talk: Playbook, speak: Speak, before: str = "") -> None:
    """To its end, at 0.2 s a word."""
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.2 * len(speak.text.split())) >> WordsHeard(speak.utterance_id, f"{before} {speak.text}".strip(), 1.0)


def answer_begun_at(talk: Playbook) -> float:
    return talk.state.answers[-1].begun_at


# --- how long it will take ----------------------------------------------------------------------------


def test_a_short_wait_is_left_silent() -> None:
    talk, _, answer = awaiting(FAST)
    talk.wait(0.1) >> SentenceWritten(answer.think_id, 0, ANSWER)
    talk.expect(Speak, source=SpeakSource.MODEL, index=0)
    talk.quiet(talk.now + 0.3)


def test_the_first_turn_of_a_session_is_expected_to_be_a_short_wait() -> None:
    talk, _, _ = awaiting(Pace())
    talk.done(Floor.COMMITTED)


def test_a_second_gets_an_acknowledgement() -> None:
    talk, _, answer = awaiting(SLOW)
    speak = filler(talk, at=answer_begun_at(talk), begins=ACKNOWLEDGEMENT)
    assert speak.index == 0
    assert speak.think_id == answer.think_id


def test_a_longer_wait_gets_a_phrase() -> None:
    talk, _, _ = awaiting(SLOWER)
    filler(talk, at=answer_begun_at(talk), begins=PHRASE)


def test_where_no_acknowledgement_fits_none_is_given() -> None:
    talk, _, _ = awaiting(SLOW, STATEMENT)
    talk.done(Floor.COMMITTED)


def test_the_slow_turn_that_was_not_foreseen_gets_a_phrase_when_it_is_late() -> None:
    """Later than nearly all before it: what comes is a long wait."""
    talk, _, _ = awaiting(FAST)
    begun_at = answer_begun_at(talk)
    talk.at(begun_at + 1.0)
    filler(talk, at=begun_at + FAST.late_words_seconds, begins=PHRASE)


@pytest.mark.parametrize("seconds", [3.9, 30.0])
def test_fillers_can_be_switched_off(seconds: float) -> None:
    talk, _, _ = awaiting(SLOWER, fillers=False)
    talk.quiet(talk.now + seconds)


# --- progress -----------------------------------------------------------------------------------------


def test_what_takes_long_is_told_of_now_and_then_and_never_twice_in_the_same_words() -> None:
    talk, _, _ = awaiting(SLOWER)
    begun_at = answer_begun_at(talk)
    first = filler(talk)
    is_heard(talk, first)
    talk.at(begun_at + 4.5)
    second = filler(talk, at=begun_at + 4.0)
    is_heard(talk, second, first.text)
    talk.at(begun_at + 9.5)
    third = filler(talk, at=begun_at + 9.0)
    assert len({first.text, second.text, third.text}) == 3


def test_a_running_tool_tells_what_it_does() -> None:
    talk, _, answer = awaiting(FAST)
    talk >> ToolCalled(answer.think_id, "call_1", "orders", "{}", by_client=False, progress="checking your order")
    talk.wait(1.0)
    first = filler(talk, begins="Let me check your order.")
    is_heard(talk, first)
    talk.wait(4.0)
    filler(talk, begins="I'm still checking your order.")


def test_a_tool_that_is_through_is_not_told_of() -> None:
    talk, _, answer = awaiting(FAST)
    talk >> ToolCalled(answer.think_id, "call_1", "orders", "{}", by_client=False, progress="checking your order")
    talk >> ToolEnded(answer.think_id, "call_1", "found")
    talk.wait(1.0)
    filler(talk, begins=PHRASE)


def test_a_tool_that_is_left_behind_is_not_what_the_caller_waits_for() -> None:
    talk, _, answer = awaiting(FAST)
    talk >> ToolCalled(answer.think_id, "call_1", "orders", "{}", by_client=False, progress="checking your order")
    talk.wait(1.0)
    first = filler(talk, begins="Let me check your order.")
    is_heard(talk, first)
    talk >> ToolLeftBehind(answer.think_id, "call_1")
    talk.wait(4.0)
    assert "order" not in filler(talk).text


def test_a_silence_between_two_sentences_is_filled_too() -> None:
    """Think a piece, say a piece: all that was written was heard, and a thought is still open (rule 7)."""
    talk, _, answer = awaiting(FAST)
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    utterance = talk.expect(Speak).utterance_id
    talk >> PlayoutStarted(utterance)
    talk.wait(1.0) >> WordsHeard(utterance, "It is a", 0.6)
    talk >> ThoughtGrown(answer.think_id, "Is that right? ")
    talk.wait(1.0) >> WordsHeard(utterance, ANSWER, 1.6)
    heard_at = talk.now
    talk.at(heard_at + 5.0)
    speak = filler(talk, at=heard_at + 4.0)
    assert (speak.utterance_id, speak.index) == (utterance, 1)


def test_a_filler_that_gave_way_does_not_prevent_the_next_one() -> None:
    talk, _, answer = awaiting(SLOWER)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.2) >> WordsHeard(speak.utterance_id, "Let", 0.2)
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    talk << ...
    talk.wait(1.0) >> WordsHeard(speak.utterance_id, "Let It is a", 1.0)
    talk.wait(1.0) >> WordsHeard(speak.utterance_id, f"Let {ANSWER}", 2.0)
    heard_at = talk.now
    talk.at(heard_at + 5.0)
    filler(talk, at=heard_at + 4.0)


def test_none_while_a_sentence_waits_that_says_the_same_as_the_one_before() -> None:
    talk, _, answer = awaiting(SLOWER)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.2) >> WordsHeard(speak.utterance_id, "Let", 0.2)
    for index, text in enumerate(("Yes.", "Just a moment.", "Just a moment.")):
        talk >> SentenceWritten(answer.think_id, index, text)
        talk << ...
    talk.wait(1.0) >> WordsHeard(speak.utterance_id, "Let me think Yes. Just a moment.", 1.0)
    talk.quiet(talk.now + 20.0)


def test_none_while_words_of_substance_wait_to_be_heard() -> None:
    talk, _, answer = awaiting(FAST)
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    utterance = talk.expect(Speak).utterance_id
    talk >> PlayoutStarted(utterance)
    talk.wait(0.5) >> WordsHeard(utterance, "It is a", 0.5)
    talk.quiet(talk.now + 20.0)  # the line stands still


# --- when the answer comes ----------------------------------------------------------------------------


def test_a_filler_ends_at_the_next_word_when_the_answer_comes() -> None:
    """It is the leading text of the same message."""
    talk, _, answer = awaiting(SLOWER)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.2) >> WordsHeard(speak.utterance_id, "Let", 0.2)
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    talk << Speak(speak.utterance_id, 1, ANSWER, answer.think_id)
    talk << SkipSentence(speak.utterance_id, 0)


def test_an_opener_that_repeats_the_filler_is_left_out() -> None:
    talk, _, answer = awaiting(SLOW)
    speak = filler(talk, begins=ACKNOWLEDGEMENT)
    talk >> SentenceWritten(answer.think_id, 0, "Okay, let me see.")
    talk.quiet(talk.now + 0.1)
    talk >> SentenceWritten(answer.think_id, 1, ANSWER)
    talk.expect(Speak, utterance_id=speak.utterance_id, index=1, text=ANSWER)


def test_what_was_heard_of_a_filler_stands_in_the_history() -> None:
    talk, turn, answer = awaiting(SLOW)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    talk << ...
    talk >> done(answer)
    talk << EndUtterance(speak.utterance_id)
    heard = f"Let me {ANSWER}"
    talk >> played(speak.utterance_id, heard)
    talk << RecordHeard(speak.utterance_id, heard, False, answer.think_id)
    talk << EndTurn(turn, TurnOutcome.ANSWERED)


def test_after_a_filler_the_model_may_still_choose_silence() -> None:
    talk, turn, answer = awaiting(SLOW)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk >> SilenceChosen(answer.think_id, "said in passing")
    talk >> done(answer)
    talk << EndUtterance(speak.utterance_id)
    talk >> played(speak.utterance_id, speak.text)
    talk << RecordHeard(speak.utterance_id, speak.text, False, answer.think_id)
    talk << EndTurn(turn, TurnOutcome.SILENT, "said in passing")
    talk.done()


def test_a_filler_before_silence_is_no_answer_to_think_about_again() -> None:
    talk, _, answer = awaiting(SLOW, afterthoughts=True)
    speak = filler(talk)
    talk >> SilenceChosen(answer.think_id, "said in passing")
    talk >> done(answer)
    talk << EndUtterance(speak.utterance_id)
    talk >> PlayoutStarted(speak.utterance_id)
    talk >> played(speak.utterance_id, speak.text)
    talk << ...
    talk.quiet(talk.now + 5.0)


def test_a_filler_before_silence_may_be_cut_short() -> None:
    """By a user who speaks on another matter."""
    talk, turn, answer = awaiting(SLOWER)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk >> SilenceChosen(answer.think_id, "said in passing")
    talk >> done(answer)
    talk << EndUtterance(speak.utterance_id)
    talk.wait(1.0) >> SpeechStarted(talk.now - 0.1, 0.1)
    talk.expect(Duck)
    talk.wait(0.3)
    talk << ...
    partial(talk, "stop", segment=1)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking)
    talk << ...
    talk >> stopped(speak.utterance_id, "Let me", 0)
    talk.expect(RecordHeard, text="Let me", cut_off=True)
    final(talk, "stop", segment=1)
    talk << EndTurn(turn, TurnOutcome.SILENT, "said in passing")


# --- who else speaks ----------------------------------------------------------------------------------


def test_none_while_the_user_goes_on() -> None:
    talk, _, _ = awaiting(FAST)
    talk >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk.quiet(talk.now + 3.0)


def test_a_user_who_goes_on_stops_a_filler_that_has_just_begun() -> None:
    talk, turn, _ = awaiting(SLOWER)
    speak = filler(talk)
    talk.wait(0.1) >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.2) >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk << StopSpeaking(speak.utterance_id, 0.0, "rejoined")
    talk >> stopped(speak.utterance_id, "Let", 0)
    talk.expect(RecordHeard, text="Let", cut_off=True)
    talk.wait(0.3)
    partial(talk, "and thirteen", segment=1)
    talk << ...
    assert talk.state.turn is not None
    assert talk.state.turn.joined is not None
    assert talk.state.turn.joined.turn_id == turn


def test_an_answer_that_is_taken_up_again_does_not_begin_with_its_filler() -> None:
    talk, _, answer = awaiting(SLOWER)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(1.0) >> SpeechStarted(talk.now - 0.1, 0.1)
    talk.expect(Duck)
    talk.wait(0.9)
    talk << ...  # so long a sound stops the agent
    talk >> stopped(speak.utterance_id, "Let me think", 0)
    talk << ...
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    talk >> TranscriptRevised(1, words("mm-hm"), is_final=True)
    user_pauses(talk)
    talk.wait(3.0)
    talk << ...
    resumed = talk.state.answers[0]
    assert resumed.resumed
    assert resumed.sentences[resumed.first] == ANSWER


# --- over a draft -------------------------------------------------------------------------------------


def a_draft_is_promoted(*, rendered: bool) -> tuple[Playbook, Think]:
    talk = Playbook(only("fillers", "drafts"))
    talk.state = replace(talk.state, pace=SLOWER)
    turn = user_begins(talk)
    talk.wait(0.5) >> TranscriptRevised(0, words(QUESTION))
    draft = talk.expect(Think, purpose=Purpose.DRAFT)
    if rendered:
        talk >> SentenceWritten(draft.think_id, 0, ANSWER)
        talk.expect(Hold)
        talk.expect(Speak)
    talk.wait(0.2)
    user_pauses(talk)
    final(talk, QUESTION)
    talk.wait(0.4)
    talk.expect(CommitTurn)
    talk << PromoteThinking(draft.think_id, turn)
    return talk, draft


def test_an_answer_that_is_rendered_already_needs_none() -> None:
    talk, _ = a_draft_is_promoted(rendered=True)
    talk.expect(Release)
    talk.quiet(talk.now + 1.0)


def test_the_time_a_draft_has_thought_already_is_no_wait() -> None:
    """Begun 0.55 s ago, it is expected to take 1.65 s more, and 0.3 s to be rendered."""
    talk, draft = a_draft_is_promoted(rendered=False)
    assert filler(talk, begins=PHRASE).think_id == draft.think_id


MORE = f"{QUESTION} for the second time"


def a_beginning_is_being_verified(pace: Pace) -> tuple[Playbook, str, str, str]:
    """At the commit. Returns the turn, the answer's think, and the utterance of the frozen draft."""
    talk = Playbook(only("fillers", "drafts"))
    talk.state = replace(talk.state, pace=pace)
    turn = user_begins(talk)
    talk.wait(0.5) >> TranscriptRevised(0, words(QUESTION))
    frozen = talk.expect(Think, purpose=Purpose.DRAFT)
    talk >> SentenceWritten(frozen.think_id, 0, ANSWER)
    utterance = talk.expect(Hold).utterance_id
    talk << ...
    partial(talk, MORE)
    talk << ...
    talk.wait(0.2)
    user_pauses(talk)
    final(talk, MORE)
    while talk.state.turn is not None:
        assert talk.state.deadline is not None
        talk.at(talk.state.deadline)
    talk.expect(CommitTurn, turn_id=turn)
    return talk, turn, talk.expect(PromoteThinking).think_id, utterance


def test_a_beginning_that_is_soon_verified_is_not_talked_over() -> None:
    talk, _, answer, utterance = a_beginning_is_being_verified(FAST)
    talk.wait(0.4) >> OpeningVerified(answer, ANSWER)
    talk << Release(utterance)
    talk.quiet(talk.now + 3.0)


def test_a_wait_for_a_beginning_that_is_being_verified_gets_words_that_say_nothing() -> None:
    """It is rendered, but not as the end of a sentence that begins with them: it is spoken anew."""
    talk, _, answer, utterance = a_beginning_is_being_verified(SLOWER)
    speak = filler(talk, at=talk.now)
    assert speak.text in ("Hm.", "Well,")
    assert speak.think_id == answer
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.5) >> OpeningVerified(answer, ANSWER)
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk << Speak(speak.utterance_id, 1, ANSWER, answer)
    talk << SkipSentence(speak.utterance_id, 0)
    talk >> SentenceWritten(answer, 1, "Again.")
    talk << Speak(speak.utterance_id, 2, "Again.", answer)


def test_one_that_is_verified_later_than_usual_is_bridged_when_it_is_late() -> None:
    talk, _, _, _ = a_beginning_is_being_verified(FAST)
    committed_at = talk.now
    talk.wait(1.0)
    assert filler(talk, at=committed_at + 0.5).text in ("Hm.", "Well,")


def test_after_four_seconds_there_is_progress_there_too() -> None:
    talk, _, answer, utterance = a_beginning_is_being_verified(SLOWER)
    committed_at = talk.now
    first = filler(talk)
    is_heard(talk, first)
    talk.at(committed_at + 4.1)
    second = filler(talk, at=committed_at + 4.0)
    assert second.text not in ("Hm.", "Well,")
    talk >> OpeningVerified(answer, "")
    talk << StopSpeaking(utterance, 0.0, "abandoned")
    talk >> SentenceWritten(answer, 0, "It is one.")
    talk << Speak(second.utterance_id, 2, "It is one.", answer)
    talk << SkipSentence(second.utterance_id, 1)


def test_a_wait_is_filled_again_when_the_sound_that_interrupted_it_was_none() -> None:
    talk, _, _ = awaiting(SLOWER)
    speak = filler(talk)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(0.6) >> SpeechStarted(talk.now, 0.0)
    talk << ...
    talk.wait(1.2)
    talk << ...
    talk >> PlayoutEnded(speak.utterance_id, True, "Let me", 0.4, True, 0)
    talk << ...
    talk.wait(2.8)
    talk << ...
    talk >> SpeechStopped(talk.now - 0.2, 0.2)
    talk << ...
    talk >> TranscriptRevised(1, (), is_final=True)
    talk.wait(1.2)
    talk.expect(CommitTurn, transcript="")
    talk.expect(EndTurn, reason="no words were recognised")
    filler(talk)
