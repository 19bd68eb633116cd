"""Conversations with the conductor, one for each of its rules. Times are seconds."""

from __future__ import annotations

import pytest

from scheduler.commands import (
    AmendTurn,
    CommitTurn,
    Duck,
    EndCall,
    EndTurn,
    EndUtterance,
    OpenTurn,
    PauseSpeaking,
    Purpose,
    RecordHeard,
    Speak,
    SpeakSource,
    StopSpeaking,
    StopThinking,
    TellTimeout,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    CallEnding,
    CallStarted,
    EarsFailed,
    HeardCorrected,
    InputCleared,
    InputCommitted,
    OutputCleared,
    PauseGrew,
    PlayoutEnded,
    PlayoutStarted,
    ReportReady,
    ResponseCancelled,
    ResponseRequested,
    SentenceWritten,
    SessionConfigured,
    SilenceChosen,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThinkEnding,
    ToolCalled,
    ToolEnded,
    TranscriptRevised,
    TurnEndEstimated,
    VoiceFailed,
    WordsHeard,
)
from scheduler.floor import Floor
from scheduler.policy import BALANCED, TurnDetection, TurnMode
from tests.scheduler.playbook import NOTHING_AHEAD, Playbook, configured, words

SERVER_VAD = TurnDetection(TurnMode.SILENCE)
BY_HAND = TurnDetection(TurnMode.MANUAL)
QUESTION = "what is twelve times twelve"
SENTENCES = ("It is a hundred and forty four.", "Shall I go on?")

# --- what happens often -------------------------------------------------------------------------------


def user_says(talk: Playbook, text: str, *, segment: int = 0, seconds: float = 1.0, final: bool = True) -> OpenTurn:
    """Sound of this length and its words, final 0.2 s after it ended; nobody speaks meanwhile."""
    start = talk.now
    talk >> SpeechStarted(start)
    opened = talk.expect(OpenTurn)
    talk.at(start + seconds / 2) >> TranscriptRevised(segment, (), words(text))
    talk.at(start + seconds + 0.2) >> SpeechStopped(start + seconds, 0.2)
    if final:
        talk >> TranscriptRevised(segment, words(text), is_final=True)
    return opened


def user_asks(talk: Playbook, text: str = QUESTION, *, segment: int = 0) -> tuple[CommitTurn, Think]:
    """A complete question; 0.35 s after its end its answer is begun."""
    opened = user_says(talk, text, segment=segment)
    talk.wait(0.15)
    commit = talk.expect(CommitTurn, turn_id=opened.turn_id, transcript=text, final=True)
    return commit, talk.expect(Think, turn_id=opened.turn_id, purpose=Purpose.ANSWER)


def agent_writes(talk: Playbook, think: Think, *sentences: str, ends: bool = True) -> str:
    """The model writes, and the voice is given all of it. Returns the utterance."""
    utterance_id = ""
    for index, text in enumerate(sentences):
        talk >> SentenceWritten(think.think_id, index, text)
        utterance_id = talk.expect(Speak, text=text, index=index, think_id=think.think_id).utterance_id
    if ends:
        talk >> ThinkEnded(think.think_id, ThinkEnding.DONE)
        talk << EndUtterance(utterance_id)
    return utterance_id


def agent_answers(talk: Playbook, *sentences: str, segment: int = 0) -> tuple[CommitTurn, str]:
    """A question, and its answer begins to sound."""
    commit, think = user_asks(talk, segment=segment)
    utterance_id = agent_writes(talk, think, *(sentences or SENTENCES))
    talk.wait(0.1) >> PlayoutStarted(utterance_id)
    return commit, utterance_id


def sound_over_agent(talk: Playbook, utterance_id: str, *, voiced_seconds: float = 0.1) -> None:
    talk >> SpeechStarted(talk.now - voiced_seconds, voiced_seconds)
    talk << Duck(utterance_id, BALANCED.duck_db)


def stopped(utterance_id: str, text: str, unheard_index: int | None, *, settled: bool = True) -> PlayoutEnded:
    return PlayoutEnded(utterance_id, True, text, 1.0, settled, unheard_index)


def played(utterance_id: str, text: str) -> PlayoutEnded:
    return PlayoutEnded(utterance_id, False, text, 2.0, True)


# --- a turn and its end (rule 5) ----------------------------------------------------------------------


def test_a_plain_turn() -> None:
    talk = Playbook()
    talk.at(0.1) >> SpeechStarted(0.0, 0.1)
    turn = talk.expect(OpenTurn, audio_start_seconds=0.0).turn_id
    talk.done(Floor.LISTENING)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk.done(Floor.PAUSED)
    talk.at(1.25) >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.at(1.4)
    talk << CommitTurn(turn, QUESTION, 0.0, 1.0, final=True, segments=(0,))
    think = talk.expect(Think, at=1.35, turn_id=turn)
    talk.done(Floor.COMMITTED)
    utterance = agent_writes(talk, think, *SENTENCES)
    talk.at(1.6) >> PlayoutStarted(utterance)
    talk.done(Floor.SPEAKING)
    talk.at(4.0) >> played(utterance, " ".join(SENTENCES))
    talk << RecordHeard(utterance, " ".join(SENTENCES), False, think.think_id)
    talk << EndTurn(turn, TurnOutcome.ANSWERED)
    talk.done()


@pytest.mark.parametrize(
    ("text", "wait_seconds"),
    [
        (QUESTION, 0.35),
        ("What time is it?", 0.35),
        ("the weather was nice yesterday", 0.7),
        ("I'd like to go to", 2.5),
        ("my number is five five five", 2.5),
        ("it is spelled b a r", 2.5),
        ("I want um", 2.5),
        ("um", 2.5),
    ],
)
def test_how_complete_the_words_sound_decides_how_long_a_pause_may_be(text: str, wait_seconds: float) -> None:
    talk = Playbook()
    user_says(talk, text, seconds=1.0)
    talk.quiet(until=1.0 + wait_seconds - 0.001)
    talk.at(5.0)
    talk.expect(CommitTurn, at=1.0 + wait_seconds, transcript=text)


def test_an_end_of_turn_model_overrules_the_words() -> None:
    talk = Playbook()
    user_says(talk, "I'd like to go to")
    talk >> TurnEndEstimated(0.9)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.35)
    talk << ...


def test_the_user_pauses_and_goes_on() -> None:
    talk = Playbook()
    opened = user_says(talk, "I'd like to go to")
    talk.at(2.5) >> SpeechStarted(2.4, 0.1)
    talk.done(Floor.LISTENING)
    talk.at(3.2) >> SpeechStopped(3.0, 0.2)
    talk >> TranscriptRevised(1, words("the airport please"), is_final=True)
    talk.at(4.0)
    talk << CommitTurn(opened.turn_id, "I'd like to go to the airport please", 0.0, 3.0, final=True, segments=(0, 1))
    talk.expect(Think, at=3.35)
    talk.done(Floor.COMMITTED)


def test_server_vad_waits_for_a_fixed_silence() -> None:
    talk = Playbook(detection=SERVER_VAD)
    user_says(talk, "I'd like to go to")
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.5)
    talk.expect(Think, at=1.5)


def test_audio_time_decides_how_long_a_pause_was() -> None:
    """Audio sent at 100 times its speed: half a second of silence passes in 5 ms."""
    talk = Playbook()
    talk.at(0.001) >> SpeechStarted(0.0, 0.1)
    talk.expect(OpenTurn)
    talk.at(0.012) >> SpeechStopped(1.0, 0.2)
    talk >> TranscriptRevised(0, words("the weather was nice yesterday"), is_final=True)
    for tenths in range(3, 7):
        talk.at(0.012 + tenths / 1000) >> PauseGrew(tenths / 10)
    talk.at(0.02) >> PauseGrew(0.75)
    talk.expect(CommitTurn, at=0.02)
    talk.expect(Think, at=0.02)


def test_a_late_final_is_awaited_for_a_moment_and_then_amends_the_turn() -> None:
    talk = Playbook()
    opened = user_says(talk, QUESTION, final=False)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.0 + 0.35 + 0.6, transcript=QUESTION, final=False)
    think = talk.expect(Think)
    talk.at(2.5) >> TranscriptRevised(0, words("what is twelve times twenty"), is_final=True)
    talk << AmendTurn(opened.turn_id, "what is twelve times twenty")
    talk << StopThinking(think.think_id)  # nothing of that answer has sounded: the right one takes its place
    anew = talk.expect(Think, turn_id=opened.turn_id, purpose=Purpose.ANSWER)
    talk >> ThinkEnded(think.think_id, ThinkEnding.STOPPED)
    agent_writes(talk, anew, "It is two hundred and forty.")


def test_an_answer_that_sounds_is_not_taken_back_when_the_turn_is_amended() -> None:
    talk = Playbook()
    opened = user_says(talk, QUESTION, final=False)
    talk.at(2.0)
    talk.expect(CommitTurn)
    think = talk.expect(Think)
    speak = agent_writes(talk, think, "It is a hundred and forty-four.")
    talk >> PlayoutStarted(speak)
    talk.at(2.5) >> TranscriptRevised(0, words("what is twelve times twenty"), is_final=True)
    talk << AmendTurn(opened.turn_id, "what is twelve times twenty")


def test_partials_do_not_put_off_the_wait_for_the_final() -> None:
    talk = Playbook()
    user_says(talk, QUESTION, final=False)
    for tenths in range(14, 19):
        talk.at(tenths / 10) >> TranscriptRevised(0, words(QUESTION), words("now")[: tenths % 2])
    talk.at(2.5)
    talk.expect(CommitTurn, at=1.95, final=False)
    talk << ...


def test_a_recogniser_without_partials_is_given_time() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk.at(4.0) >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.expect(CommitTurn, at=4.0, transcript=QUESTION, final=True)
    talk.expect(Think)


def test_a_turn_without_end_is_committed_at_its_next_pause() -> None:
    talk = Playbook(configured(turn_ceiling_seconds=10.0))
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(9.0) >> TranscriptRevised(0, (), words("and then I went to"))
    talk.at(12.2) >> SpeechStopped(12.0, 0.2)
    talk >> TranscriptRevised(0, words("and then I went to"), is_final=True)
    talk.at(13.0)
    talk.expect(CommitTurn, at=12.35)
    talk << ...


def test_a_turn_without_any_pause_is_committed_in_the_end() -> None:
    talk = Playbook(configured(turn_ceiling_seconds=10.0))
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(9.0) >> TranscriptRevised(0, words("and then I went to"), is_final=False)
    talk.at(20.0)
    talk.expect(CommitTurn, at=15.6, final=False)
    talk.expect(Think)


def test_a_cough_at_rest_is_a_turn_without_words() -> None:
    talk = Playbook()
    opened = user_says(talk, "", seconds=0.3)
    talk.at(2.0)
    talk.expect(CommitTurn, at=0.3 + 1.2, transcript="")
    talk << EndTurn(opened.turn_id, TurnOutcome.SILENT, "no words were recognised")
    talk.done()


# --- by hand ------------------------------------------------------------------------------------------


def test_push_to_talk_with_a_request_after_the_final() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(0.5) >> TranscriptRevised(0, (), words("what time"))
    talk.done(Floor.LISTENING)
    talk.at(2.0) >> InputCommitted(0, 0.0, 1.9)
    talk.at(2.3) >> TranscriptRevised(0, words("what time is it"), is_final=True)
    turn = talk.expect(CommitTurn, transcript="what time is it", by_hand=True, audio_end_seconds=1.9).turn_id
    talk << EndTurn(turn, TurnOutcome.SILENT, "left to the client")
    talk.at(2.5) >> ResponseRequested("r1")
    talk.expect(Think, request_id="r1", turn_id=None)
    talk.done(Floor.COMMITTED)


def test_push_to_talk_with_a_request_before_the_final() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(2.0) >> InputCommitted(0, 0.0, 1.9)
    talk.done(Floor.PAUSED)
    talk >> ResponseRequested("r1")
    talk.at(2.1) >> TranscriptRevised(0, (), words("I'd like to go to"))
    talk.at(2.3) >> TranscriptRevised(0, words("I'd like to go to Rome"), is_final=True)
    turn = talk.expect(CommitTurn, transcript="I'd like to go to Rome").turn_id
    talk.expect(Think, request_id="r1", turn_id=turn)
    talk.done(Floor.COMMITTED)


def test_push_to_talk_with_a_request_that_is_taken_back_before_the_final() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(2.0) >> InputCommitted(0, 0.0, 1.9)
    talk >> ResponseRequested("r1")
    talk.at(2.1) >> ResponseCancelled()
    talk.at(2.2) >> ResponseRequested("r2")
    talk.at(2.3) >> TranscriptRevised(0, words("what time is it"), is_final=True)
    turn = talk.expect(CommitTurn, transcript="what time is it").turn_id
    talk.expect(Think, request_id="r2", turn_id=turn)
    talk.done(Floor.COMMITTED)


def test_push_to_talk_does_not_wait_for_unfinished_words() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(2.0) >> InputCommitted(0, 0.0, 1.9)
    talk.at(2.1) >> TranscriptRevised(0, (), words("I'd like to go to"))
    talk.at(3.0)
    talk.expect(CommitTurn, at=2.7, final=False)
    talk << ...


def test_two_presses_in_a_row_are_two_turns() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(1.0) >> TranscriptRevised(0, (), words("one"))
    talk.at(1.1) >> InputCommitted(0, 0.0, 1.0)
    talk.at(1.3) >> TranscriptRevised(1, (), words("two"))
    talk.at(1.4) >> InputCommitted(1, 1.0, 1.4)
    first = talk.expect(CommitTurn, transcript="one", final=False, segments=(0,)).turn_id
    talk << EndTurn(first, TurnOutcome.SILENT, "left to the client")
    talk.at(1.5) >> TranscriptRevised(0, words("won"), is_final=True)
    talk << AmendTurn(first, "won")
    talk.at(1.6) >> TranscriptRevised(1, words("two"), is_final=True)
    talk.expect(CommitTurn, transcript="two", final=True, segments=(1,))
    talk << ...


def test_clearing_the_buffer_does_not_undo_a_commit() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(1.0) >> InputCommitted(0, 0.0, 1.0)
    talk >> InputCleared()
    talk.at(1.2) >> TranscriptRevised(0, words("hello"), is_final=True)
    talk.expect(CommitTurn, transcript="hello")
    talk << ...


def test_clearing_the_buffer_cancels_what_is_being_said() -> None:
    talk = Playbook(detection=BY_HAND)
    talk.at(1.0) >> TranscriptRevised(0, (), words("never mind"))
    talk >> TranscriptRevised(0, (), is_final=True)
    talk >> InputCleared()
    assert talk.expect(EndTurn).outcome is TurnOutcome.CANCELLED
    talk.done()


def test_a_commit_by_hand_ends_a_turn_of_the_voice_detector() -> None:
    talk = Playbook()
    opened = user_says(talk, "I'd like to go to")
    talk.at(1.5) >> InputCommitted(0, 0.0, 1.4)
    talk.expect(CommitTurn, turn_id=opened.turn_id, by_hand=True, segments=(0,))
    talk.expect(Think)


def test_words_that_come_when_the_turn_was_taken_for_an_empty_one_are_answered() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    opened = talk.expect(OpenTurn)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk.at(10.0)
    talk.expect(CommitTurn, turn_id=opened.turn_id, transcript="", final=False)
    talk.expect(EndTurn, turn_id=opened.turn_id, outcome=TurnOutcome.SILENT)
    talk >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk << AmendTurn(opened.turn_id, QUESTION)
    talk.expect(Think, purpose=Purpose.ANSWER, turn_id=None)


def test_words_that_come_when_the_talk_has_gone_on_are_kept_and_not_answered() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk.at(10.0)
    talk << ...
    talk >> SpeechStarted(10.0)
    talk << ...
    talk >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.expect(AmendTurn)
    talk.done(Floor.LISTENING)


def test_what_is_said_after_a_commit_by_hand_is_another_turn() -> None:
    talk = Playbook()
    opened = user_says(talk, "I'd like to go to", final=False)
    talk.at(1.4) >> InputCommitted(0, 0.0, 1.4)
    talk.at(1.5) >> SpeechStarted(1.5)
    talk.expect(CommitTurn, turn_id=opened.turn_id, by_hand=True, segments=(0,))
    talk.expect(Think, turn_id=opened.turn_id)
    assert talk.expect(OpenTurn).turn_id != opened.turn_id


def test_a_commit_of_what_is_committed_already_makes_an_empty_turn() -> None:
    talk = Playbook()
    user_asks(talk)
    talk.wait(0.1) >> InputCommitted(0, 1.0, 1.5)
    talk.expect(CommitTurn, transcript="", segments=(), final=True)
    assert talk.expect(EndTurn).outcome is TurnOutcome.SILENT
    talk.done(Floor.COMMITTED)


# --- rejoining (rule 5) -------------------------------------------------------------------------------


def test_the_user_goes_on_before_the_first_sound() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    utterance = agent_writes(talk, think, SENTENCES[0], ends=False)
    start = talk.now
    talk >> SpeechStarted(start)
    second = talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, 0.0, "rejoined")
    talk >> stopped(utterance, "", 0)
    talk.wait(0.4) >> TranscriptRevised(1, (), words("and what"))
    talk << StopThinking(think.think_id)
    talk << EndTurn(commit.turn_id, TurnOutcome.REJOINED, "the user went on")
    talk >> ThinkEnded(think.think_id, ThinkEnding.STOPPED)
    talk.at(start + 1.2) >> SpeechStopped(start + 1.0, 0.2)
    talk >> TranscriptRevised(1, words("plus seven"), is_final=True)
    talk.wait(0.2)  # as a whole it is a complete question; alone it would be undecided
    joined = talk.expect(CommitTurn, at=start + 1.35, joins=commit.turn_id, transcript="plus seven")
    assert joined.turn_id == second.turn_id
    talk.expect(Think, turn_id=second.turn_id)
    talk.done(Floor.COMMITTED)


@pytest.mark.parametrize("settled", [True, False])
def test_the_user_goes_on_right_after_the_first_sound(settled: bool) -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk.wait(0.45)
    talk >> SpeechStarted(talk.now - 0.1, 0.1)  # the voice itself began 0.35 s after the first sound
    talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, 0.0, "rejoined")
    talk >> stopped(utterance, "", 0, settled=settled)
    talk.wait(0.4) >> TranscriptRevised(1, (), words("in binary"))
    talk << EndTurn(commit.turn_id, TurnOutcome.REJOINED, "the user went on")
    talk.wait(0.4) >> SpeechStopped(talk.now - 0.2, 0.2)
    talk >> TranscriptRevised(1, words("in binary"), is_final=True)
    talk.wait(1.0)
    talk.expect(CommitTurn, joins=commit.turn_id)
    talk.expect(Think)  # and nothing is recorded of what nobody heard
    talk.done(Floor.COMMITTED)


def test_a_rejoined_turn_whose_words_vanish_is_still_answered() -> None:
    """A cough was taken for a word, and the first answer was given up for it."""
    talk = Playbook()
    commit, think = user_asks(talk)
    start = talk.now
    talk >> SpeechStarted(start)
    talk.expect(OpenTurn)
    talk.wait(0.2) >> TranscriptRevised(1, (), words("the"))
    talk << StopThinking(think.think_id)
    talk << EndTurn(commit.turn_id, TurnOutcome.REJOINED, "the user went on")
    talk.wait(0.2) >> SpeechStopped(start + 0.3, 0.1)
    talk >> TranscriptRevised(1, (), is_final=True)
    talk.wait(3.0)
    talk.expect(CommitTurn, transcript="", joins=commit.turn_id)
    talk.expect(Think)


def test_a_cough_while_the_answer_is_thought_holds_it() -> None:
    talk = Playbook()
    _, think = user_asks(talk)
    start = talk.now
    talk >> SpeechStarted(start)
    cough = talk.expect(OpenTurn)
    talk.wait(0.1) >> SentenceWritten(think.think_id, 0, SENTENCES[0])
    talk.at(start + 0.4) >> SpeechStopped(start + 0.2, 0.2)
    talk.wait(0.1) >> TranscriptRevised(1, (), is_final=True)
    talk.at(start + 2.0)
    talk.expect(CommitTurn, at=start + 0.2 + 1.2, transcript="")
    talk.expect(EndTurn, turn_id=cough.turn_id, outcome=TurnOutcome.SILENT)
    talk.expect(Speak, text=SENTENCES[0], think_id=think.think_id)
    talk.done(Floor.COMMITTED)


def test_a_cough_right_after_the_first_sound_lets_the_answer_begin_again() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    start = talk.wait(0.2).now
    talk >> SpeechStarted(start)
    cough = talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, 0.0, "rejoined")
    talk >> stopped(utterance, "It", 0)
    talk.expect(RecordHeard, text="It", cut_off=True)
    talk.at(start + 0.4) >> SpeechStopped(start + 0.2, 0.2)
    talk >> TranscriptRevised(1, (), is_final=True)
    talk.at(start + 2.0)
    talk.expect(CommitTurn, at=start + 0.2 + 1.0)
    talk.expect(EndTurn, turn_id=cough.turn_id, outcome=TurnOutcome.SILENT)
    again = talk.expect(Speak, index=0, text=SENTENCES[0], think_id=None)
    assert again.utterance_id != utterance
    talk.expect(Speak, index=1, text=SENTENCES[1])
    talk << EndUtterance(again.utterance_id)
    talk >> PlayoutStarted(again.utterance_id)
    talk.wait(3.0) >> played(again.utterance_id, " ".join(SENTENCES))
    talk.expect(RecordHeard, utterance_id=again.utterance_id, cut_off=False)
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED)
    talk.done()


def test_an_answer_taken_up_again_and_interrupted_late_is_not_rejoined() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    start = talk.wait(0.2).now
    talk >> SpeechStarted(start)
    talk << ...
    talk >> stopped(utterance, "", 0)
    talk.at(start + 0.4) >> SpeechStopped(start + 0.2, 0.2)
    talk >> TranscriptRevised(1, (), is_final=True)
    talk.at(start + 2.0)
    talk << ...
    again = talk.state.answers[0].utterance_id
    talk >> PlayoutStarted(again)
    talk.wait(2.0)
    sound_over_agent(talk, again)
    talk >> TranscriptRevised(2, words("no that's wrong"))
    talk.expect(OpenTurn)
    talk << StopSpeaking(again, BALANCED.stop_within_seconds, "barge_in")
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "interrupted")


# --- graded yielding (rule 9) -------------------------------------------------------------------------


def test_a_sound_over_the_agent_is_yielded_to_by_degrees() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    onset = talk.now - 0.1
    talk >> SpeechStarted(onset, 0.1)
    talk << Duck(utterance, -9.0)
    talk.done(Floor.OVERLAP)
    talk.at(onset + 1.1)
    duck = talk.expect(Duck, at=onset + 0.25, gain_db=-18.0)
    assert duck.utterance_id == utterance
    talk.expect(PauseSpeaking, at=onset + BALANCED.pause_after_voice_seconds, utterance_id=utterance)
    talk.expect(OpenTurn, at=onset + 1.0)
    talk.expect(StopSpeaking, at=onset + 1.0, within_seconds=0.2, reason="barge_in")
    talk.done(Floor.LISTENING)


def test_words_interrupt() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    talk.wait(0.1) >> TranscriptRevised(1, (), words("what about"))
    second = talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, BALANCED.stop_within_seconds, "barge_in")
    talk.wait(0.1) >> stopped(utterance, "It is", 0)
    talk.expect(RecordHeard, text="It is", cut_off=True)
    talk.wait(0.5) >> SpeechStopped(talk.now - 0.2, 0.2)
    talk >> TranscriptRevised(1, words("what about thirteen"), is_final=True)
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "interrupted")
    talk.wait(0.5)
    talk.expect(CommitTurn, turn_id=second.turn_id, joins=None)
    talk.expect(Think, turn_id=second.turn_id)


def test_stop_alone_interrupts() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    talk.wait(0.1) >> TranscriptRevised(1, (), words("Stop."))
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, utterance_id=utterance)
    talk << ...


@pytest.mark.parametrize("text", ["mm-hm", "Right.", "uh huh", "yeah okay", "oh, really?", ""])
def test_a_backchannel_lets_the_agent_go_on(text: str) -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    end = talk.now + 0.02
    talk.at(end + 0.1) >> SpeechStopped(end, 0.1)
    talk >> TranscriptRevised(1, words(text), is_final=True)
    talk.at(end + 1.0)
    talk.expect(Duck, at=end + 0.2, gain_db=0.0)
    assert talk.expect(EndTurn, at=end + 0.2).outcome is TurnOutcome.SILENT
    talk.done(Floor.SPEAKING)


def test_a_short_lone_word_is_taken_for_a_cough() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    end = talk.now + 0.2
    talk.at(end + 0.2)
    talk << ...
    talk >> SpeechStopped(end, 0.2)
    talk >> TranscriptRevised(1, words("two"), is_final=True)
    talk.wait(0.01)
    talk.expect(Duck, gain_db=0.0)
    assert talk.expect(EndTurn).outcome is TurnOutcome.SILENT


def test_late_words_still_interrupt() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    end = talk.now + 0.02
    talk.at(end + 0.1) >> SpeechStopped(end, 0.1)
    talk.at(end + 1.5)
    talk.expect(Duck, at=end + 0.2, gain_db=0.0)
    talk.done(Floor.SPEAKING)
    talk >> TranscriptRevised(1, words("wait"), is_final=True)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, utterance_id=utterance)
    talk.expect(EndTurn, outcome=TurnOutcome.ANSWERED)
    talk.expect(CommitTurn, transcript="wait")  # its pause has long been over
    talk.expect(Think)


def test_a_long_backchannel_stops_the_agent_and_it_goes_on() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    onset = talk.now - 0.1
    talk.at(onset + 1.0)
    talk << ...
    talk >> stopped(utterance, "It is a hundred and forty four. Shall", 1)
    talk.expect(RecordHeard)
    talk.at(onset + 1.3) >> SpeechStopped(onset + 1.1, 0.2)
    talk >> TranscriptRevised(1, words("mm-hm"), is_final=True)
    talk.at(onset + 2.5)
    talk.expect(CommitTurn, transcript="mm-hm")
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT)
    again = talk.expect(Speak, index=0, text=SENTENCES[1])
    talk << EndUtterance(again.utterance_id)
    talk >> PlayoutStarted(again.utterance_id)
    talk.wait(1.0) >> played(again.utterance_id, SENTENCES[1])
    talk.expect(RecordHeard, text=SENTENCES[1])
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED)


def test_a_false_stop_is_taken_up_after_a_second_without_words() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    onset = talk.now - 0.1
    talk.at(onset + 1.0)
    talk << ...
    talk >> stopped(utterance, "It is", 0)
    talk << ...
    talk.at(onset + 1.4) >> SpeechStopped(onset + 1.2, 0.2)
    talk >> TranscriptRevised(1, (), is_final=True)
    talk.quiet(onset + 1.2 + 0.999)
    talk.at(onset + 2.5)
    talk.expect(CommitTurn, at=onset + 1.2 + 1.0)
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT)
    assert talk.expect(Speak, index=0, text=SENTENCES[0]).utterance_id != utterance
    talk << ...


def test_server_vad_is_interrupted_by_any_speech() -> None:
    talk = Playbook(detection=SERVER_VAD)
    user_says(talk, QUESTION)
    talk.at(1.6)
    talk.expect(CommitTurn)
    utterance = agent_writes(talk, talk.expect(Think), *SENTENCES)
    talk >> PlayoutStarted(utterance)
    talk.wait(1.0) >> SpeechStarted(2.5, 0.1)
    talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, 0.0, "barge_in")
    talk.expect(EndTurn, outcome=TurnOutcome.ANSWERED, reason="interrupted")
    talk.done(Floor.LISTENING)


def test_an_agent_that_must_not_be_interrupted_speaks_on() -> None:
    talk = Playbook(detection=TurnDetection(interrupt_response=False))
    _, utterance = agent_answers(talk)
    talk.wait(1.0) >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk.done(Floor.OVERLAP)
    talk.wait(1.2) >> SpeechStopped(talk.now - 0.2, 0.2)
    talk >> TranscriptRevised(1, words("stop it please"), is_final=True)
    talk.wait(0.3)
    talk.expect(CommitTurn)
    talk.expect(Think)
    talk >> played(utterance, " ".join(SENTENCES))
    talk.expect(RecordHeard, cut_off=False)
    talk.expect(EndTurn, outcome=TurnOutcome.ANSWERED)
    talk.done(Floor.COMMITTED)


def test_a_client_that_answers_itself_gets_no_answer_begun() -> None:
    talk = Playbook(detection=TurnDetection(create_response=False))
    user_says(talk, QUESTION)
    talk.at(1.4)
    talk.expect(CommitTurn)
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT, reason="left to the client")
    talk.at(1.5) >> ResponseRequested("r1")
    think = talk.expect(Think, request_id="r1")
    talk.at(1.6) >> SpeechStarted(1.5, 0.1)  # what was asked for before waits, too, when the user goes on
    talk.expect(OpenTurn)
    talk >> SentenceWritten(think.think_id, 0, SENTENCES[0])
    talk.done(Floor.LISTENING)


def test_what_the_client_asks_for_while_the_user_speaks_is_spoken() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.5) >> ResponseRequested("r1")
    utterance = agent_writes(talk, talk.expect(Think), SENTENCES[0])
    talk >> PlayoutStarted(utterance)
    talk.done(Floor.OVERLAP)


@pytest.mark.parametrize("sounds", [False, True])
def test_what_the_client_asked_for_while_the_user_spoke_ends_before_their_words_are_answered(sounds: bool) -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.3) >> ResponseRequested("r1")
    asked = talk.expect(Think, request_id="r1")
    utterance = agent_writes(talk, asked, SENTENCES[0])
    if sounds:
        talk >> PlayoutStarted(utterance)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.wait(1.0)
    turn = talk.expect(CommitTurn, transcript=QUESTION).turn_id
    talk << StopSpeaking(utterance, BALANCED.stop_within_seconds if sounds else 0.0, "barge_in")
    talk.expect(Think, turn_id=turn, request_id=None)
    talk >> stopped(utterance, "", 0)


def test_a_text_that_the_client_asked_for_while_the_user_spoke_ends_before_their_words_are_answered() -> None:
    talk = Playbook(audible=False)
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.3) >> ResponseRequested("r1", audible=False)
    asked = talk.expect(Think, request_id="r1")
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.wait(1.0)
    turn = talk.expect(CommitTurn, transcript=QUESTION).turn_id
    talk << StopThinking(asked.think_id)
    talk.expect(Think, turn_id=turn, request_id=None)


@pytest.mark.parametrize("what", ["no words", "the client answers", "beside the talk"])
def test_what_the_client_asked_for_goes_on_where_the_turn_begins_no_other_answer(what: str) -> None:
    talk = Playbook(detection=TurnDetection(create_response=what != "the client answers"))
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.3) >> ResponseRequested("r1", in_conversation=what != "beside the talk")
    utterance = agent_writes(talk, talk.expect(Think, request_id="r1"), SENTENCES[0])
    talk >> PlayoutStarted(utterance)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk >> TranscriptRevised(0, () if what == "no words" else words(QUESTION), is_final=True)
    talk.wait(3.0)
    talk << ...
    answer = talk.state.sounding
    assert answer is not None
    assert (answer.utterance_id, answer.wanted) == (utterance, True)


def test_a_yes_over_the_last_word_is_an_answer_and_no_backchannel() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    talk.wait(0.1) >> played(utterance, " ".join(SENTENCES))
    talk.expect(RecordHeard, cut_off=False)
    talk.expect(EndTurn, outcome=TurnOutcome.ANSWERED)
    talk.expect(OpenTurn)
    talk.wait(0.4) >> SpeechStopped(talk.now - 0.2, 0.2)
    talk >> TranscriptRevised(1, words("yes"), is_final=True)
    talk.wait(0.5)
    talk.expect(CommitTurn, transcript="yes")
    talk.expect(Think)


def test_the_level_comes_back_when_the_turn_is_thrown_away() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    talk >> SessionConfigured(NOTHING_AHEAD, BY_HAND)
    talk << Duck(utterance, 0.0)
    assert talk.expect(EndTurn).outcome is TurnOutcome.CANCELLED
    talk.done(Floor.SPEAKING)


def test_speech_survives_another_way_of_finding_its_end() -> None:
    """Clients send ``session.update`` right after they connect, when somebody may be speaking already."""
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.3) >> SessionConfigured(NOTHING_AHEAD, SERVER_VAD)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.5, transcript=QUESTION)
    talk.expect(Think)


# --- what was heard (rule 10) -------------------------------------------------------------------------


def _interrupted(talk: Playbook, *, settled: bool) -> str:
    _, utterance = agent_answers(talk)
    talk.wait(1.0) >> ResponseCancelled()
    talk << StopSpeaking(utterance, 0.0, "cancelled")
    assert talk.expect(EndTurn).outcome is TurnOutcome.CANCELLED
    talk >> stopped(utterance, "It is a", 0, settled=settled)
    return utterance


def test_what_was_heard_is_recorded_half_a_second_after_a_stop() -> None:
    talk = Playbook()
    utterance = _interrupted(talk, settled=False)
    at = talk.now + 0.5
    talk.wait(1.0)
    talk.expect(RecordHeard, at=at, utterance_id=utterance, text="It is a", cut_off=True)
    talk.done()


def test_a_client_may_correct_what_was_heard_before_it_is_recorded_and_after() -> None:
    talk = Playbook()
    utterance = _interrupted(talk, settled=False)
    talk.wait(0.2) >> HeardCorrected(utterance, "It is", 0.4)
    talk.expect(RecordHeard, text="It is", cut_off=True)
    talk.quiet(talk.now + 1.0)
    talk >> HeardCorrected(utterance, "It", 0.2)
    talk.expect(RecordHeard, text="It", cut_off=True)
    talk.done()


def test_a_client_that_truncates_what_sounds_has_stopped_it() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk.wait(1.0) >> HeardCorrected(utterance, "It is", 0.4)
    talk << StopSpeaking(utterance, 0.0, "cleared")
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "the client stopped playing it")
    talk >> stopped(utterance, "It is a hundred", 0, settled=False)
    talk.expect(RecordHeard, text="It is", cut_off=True)
    talk.done()


def test_the_model_knows_what_was_heard_before_it_thinks_again() -> None:
    talk = Playbook()
    _interrupted(talk, settled=False)
    talk.wait(0.1) >> ResponseRequested("r1")
    talk.expect(RecordHeard, text="It is a")
    talk.expect(Think)


def test_the_client_clears_its_output() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk >> OutputCleared()
    talk << StopSpeaking(utterance, 0.0, "cleared")
    talk << EndTurn(commit.turn_id, TurnOutcome.CANCELLED, "the client cleared its output")
    talk >> stopped(utterance, "", 0)
    talk.done()


# --- silence and failures (rule 11) -------------------------------------------------------------------


def test_silence_is_an_outcome() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    talk >> SilenceChosen(think.think_id, "asked to hold on")
    talk >> ThinkEnded(think.think_id, ThinkEnding.DONE)
    talk << EndTurn(commit.turn_id, TurnOutcome.SILENT, "asked to hold on")
    talk.done()


@pytest.mark.parametrize("written", [(), (SENTENCES[0],)])
def test_a_failing_model_is_said_aloud(written: tuple[str, ...]) -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    begun = agent_writes(talk, think, *written, ends=False)
    talk >> ThinkEnded(think.think_id, ThinkEnding.FAILED, "unreachable")
    if begun:  # what was written is said first: clients know one response at a time
        talk << EndUtterance(begun)
        talk >> PlayoutStarted(begun)
        talk.wait(1.0) >> played(begun, written[0])
        talk.expect(RecordHeard, text=written[0])
    speak = talk.expect(Speak, index=0, text=BALANCED.phrases.llm_failed, source=SpeakSource.SERVER, think_id=None)
    talk << EndUtterance(speak.utterance_id)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(2.0) >> played(speak.utterance_id, speak.text)
    talk.expect(RecordHeard, text=speak.text, think_id=None)
    talk << EndTurn(commit.turn_id, TurnOutcome.FAILED, "unreachable")
    talk.done()


def test_tokens_that_are_spent_without_a_word_are_a_failure_and_no_silence() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    talk.wait(3.0) >> ThinkEnded(think.think_id, ThinkEnding.LENGTH)
    speak = talk.expect(Speak, text=BALANCED.phrases.llm_found_no_words, source=SpeakSource.SERVER, think_id=None)
    talk << EndUtterance(speak.utterance_id)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(2.0) >> played(speak.utterance_id, speak.text)
    talk.expect(RecordHeard, text=speak.text, think_id=None)
    talk << EndTurn(commit.turn_id, TurnOutcome.FAILED, "the model spent its tokens without a word")
    talk.done()


def test_tokens_that_are_spent_behind_words_are_an_answer() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    utterance = agent_writes(talk, think, SENTENCES[0], ends=False)
    talk >> ThinkEnded(think.think_id, ThinkEnding.LENGTH)
    talk << EndUtterance(utterance)
    talk >> PlayoutStarted(utterance)
    talk.wait(2.0) >> played(utterance, SENTENCES[0])
    talk.expect(RecordHeard, text=SENTENCES[0])
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED)
    talk.done()


def test_failing_ears_are_said_aloud() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.5) >> EarsFailed("died", True)
    talk >> TranscriptRevised(0, (), is_final=True)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk.at(3.0)
    turn = talk.expect(CommitTurn, at=2.2).turn_id
    speak = talk.expect(Speak, text=BALANCED.phrases.ears_failed)
    talk << EndUtterance(speak.utterance_id)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(2.0) >> played(speak.utterance_id, speak.text)
    talk.expect(RecordHeard)
    talk << EndTurn(turn, TurnOutcome.FAILED, "speech recognition failed")
    talk.done()


def test_what_a_crashed_recogniser_hears_afterwards_belongs_to_the_same_turn() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.5) >> EarsFailed("died", True)
    talk >> TranscriptRevised(0, words("what is"), is_final=True)
    talk.at(1.0) >> TranscriptRevised(1, (), words("times twelve"))
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk >> TranscriptRevised(1, words("times twelve"), is_final=True)
    talk.at(1.4)
    talk.expect(CommitTurn, transcript="what is times twelve", segments=(0, 1), final=True)
    speak = talk.expect(Speak, text=BALANCED.phrases.ears_failed)  # an answer to a part of it would be a wrong one
    talk << EndUtterance(speak.utterance_id)
    talk.at(1.5) >> SpeechStarted(1.5)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, reason="rejoined")
    talk.wait(0.3) >> TranscriptRevised(2, (), words("and then"))  # the numbers are still those of the ears
    talk << ...
    assert talk.state.turn is not None
    assert talk.state.turn.text == "and then"


def test_an_apology_gives_way_to_what_the_client_asks_for() -> None:
    talk = Playbook()
    talk >> SpeechStarted(0.0)
    talk.expect(OpenTurn)
    talk.at(0.5) >> EarsFailed("died", True)
    talk >> TranscriptRevised(0, (), is_final=True)
    talk.at(1.2) >> SpeechStopped(1.0, 0.2)
    talk.at(3.0)
    turn = talk.expect(CommitTurn).turn_id
    speak = talk.expect(Speak, text=BALANCED.phrases.ears_failed)
    talk << ...
    talk >> ResponseRequested("r1")
    talk << StopSpeaking(speak.utterance_id, 0.0, "cancelled")
    talk << EndTurn(turn, TurnOutcome.FAILED, "speech recognition failed")
    talk.expect(Think, request_id="r1")


def test_ears_that_failed_while_nobody_spoke_are_told_at_once() -> None:
    talk = Playbook()
    talk >> EarsFailed("died", False)
    talk.expect(Speak, text=BALANCED.phrases.ears_failed)
    talk << ...


def test_a_voice_that_fails_is_a_failed_turn() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    utterance = agent_writes(talk, think, SENTENCES[0])
    talk >> VoiceFailed(utterance, 0, "the voice broke")
    talk >> PlayoutEnded(utterance, False, "", 0.0, True)
    talk << EndTurn(commit.turn_id, TurnOutcome.FAILED, "the voice broke")
    talk.done()


# --- the agent of its own accord ----------------------------------------------------------------------


def test_a_greeting_is_spoken_first() -> None:
    talk = Playbook()
    talk >> CallStarted("Hello.")
    speak = talk.expect(Speak, text="Hello.", source=SpeakSource.SERVER)
    talk << EndUtterance(speak.utterance_id)
    talk.done(Floor.COMMITTED)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(1.0) >> played(speak.utterance_id, "Hello.")
    talk << RecordHeard(speak.utterance_id, "Hello.", False)
    talk.done()


@pytest.mark.parametrize("sounds", [False, True])
def test_a_greeting_gives_way_to_what_the_client_asks_for(sounds: bool) -> None:
    talk = Playbook()
    talk >> CallStarted("Hello.")
    speak = talk.expect(Speak, text="Hello.")
    talk << EndUtterance(speak.utterance_id)
    if sounds:
        talk.at(0.2) >> PlayoutStarted(speak.utterance_id)
    talk.at(0.3) >> ResponseRequested("r1")
    talk << StopSpeaking(speak.utterance_id, 0.2 if sounds else 0.0, "cancelled")
    think = talk.expect(Think, request_id="r1")
    talk >> stopped(speak.utterance_id, "Hel" if sounds else "", 0)
    if sounds:
        talk << RecordHeard(speak.utterance_id, "Hel", True)
    agent_writes(talk, think, SENTENCES[0])


def test_a_greeting_gives_way_to_a_request_that_waits_for_the_transcript() -> None:
    talk = Playbook(detection=BY_HAND)
    talk >> CallStarted("Hello.")
    speak = talk.expect(Speak, text="Hello.")
    talk << EndUtterance(speak.utterance_id)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.at(0.5) >> InputCommitted(0, 0.0, 0.5)
    talk >> ResponseRequested("r1")
    talk << StopSpeaking(speak.utterance_id, 0.2, "cancelled")
    talk >> stopped(speak.utterance_id, "Hel", 0)
    talk << RecordHeard(speak.utterance_id, "Hel", True)
    talk >> TranscriptRevised(0, words(QUESTION), is_final=True)
    talk.expect(CommitTurn)
    talk.expect(Think, request_id="r1")


def test_an_answer_that_was_asked_for_does_not_give_way_to_another_one() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk >> ResponseRequested("r1")
    talk.expect(Think, request_id="r1")
    talk >> played(utterance, " ".join(SENTENCES))
    talk << ...


def test_the_model_may_open_the_talk() -> None:
    talk = Playbook()
    talk >> CallStarted("")
    talk.expect(Think, purpose=Purpose.OPENING, turn_id=None)
    talk.done(Floor.COMMITTED)


def test_a_silent_user_is_asked_a_few_times() -> None:
    talk = Playbook(configured(idle_prompt_seconds=5.0, max_idle_prompts=2))
    talk >> CallStarted()
    for _ in range(2):
        at = talk.now + 5.0
        talk.at(at + 0.1)
        talk << TellTimeout(5.0)
        think = talk.expect(Think, at=at, purpose=Purpose.NUDGE)
        utterance = agent_writes(talk, think, "Are you still there?")
        talk >> PlayoutStarted(utterance)
        talk.wait(1.0) >> played(utterance, "Are you still there?")
        talk.expect(RecordHeard)
    talk.quiet(talk.now + 100.0)
    user_asks(talk, segment=0)  # who speaks again may be asked again
    assert talk.state.idle_prompts == 0


def test_who_interrupts_a_prompt_is_no_silent_user() -> None:
    """By words that come all at once, as recognisers without partials give them."""
    talk = Playbook(configured(idle_prompt_seconds=5.0, max_idle_prompts=1))
    talk >> CallStarted()
    talk.at(5.0)
    talk << TellTimeout(5.0)
    utterance = agent_writes(talk, talk.expect(Think, purpose=Purpose.NUDGE), "Are you still there?")
    talk >> PlayoutStarted(utterance)
    talk.wait(1.0)
    sound_over_agent(talk, utterance)
    talk.wait(0.45)
    talk << ...
    talk >> SpeechStopped(talk.now - 0.1, 0.1)
    talk << ...
    assert talk.state.idle_prompts == 1
    talk >> TranscriptRevised(0, words("what is the best time"), is_final=True)
    talk << ...
    assert talk.state.idle_prompts == 0


def test_a_report_is_given_at_the_next_free_moment() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk >> ReportReady("timer_1")
    talk.wait(2.0) >> played(utterance, " ".join(SENTENCES))
    talk.expect(RecordHeard)
    talk.expect(EndTurn, turn_id=commit.turn_id)
    talk.expect(Think, purpose=Purpose.REPORT, report_id="timer_1")
    talk.done(Floor.COMMITTED)


@pytest.mark.parametrize("ending", [ThinkEnding.FAILED, ThinkEnding.LENGTH])
def test_a_report_whose_thinking_failed_is_told_once_more(ending: ThinkEnding) -> None:
    """Behind the apology. If it fails again, it is lost."""
    talk = Playbook()
    talk >> ReportReady("timer_1")
    for _ in range(2):
        think = talk.expect(Think, purpose=Purpose.REPORT, report_id="timer_1")
        talk.wait(1.0) >> ThinkEnded(think.think_id, ending, "unreachable")
        speak = talk.expect(Speak, source=SpeakSource.SERVER)
        talk << EndUtterance(speak.utterance_id)
        talk >> PlayoutStarted(speak.utterance_id)
        talk.wait(2.0) >> played(speak.utterance_id, speak.text)
        talk.expect(RecordHeard)
    talk.done()


def test_a_report_that_failed_behind_its_first_sentence_has_been_told() -> None:
    talk = Playbook()
    talk >> ReportReady("timer_1")
    think = talk.expect(Think, report_id="timer_1")
    utterance = agent_writes(talk, think, "Your tea is ready.", ends=False)
    talk >> PlayoutStarted(utterance)
    talk >> ThinkEnded(think.think_id, ThinkEnding.FAILED, "unreachable")
    talk << EndUtterance(utterance)
    talk.wait(1.0) >> played(utterance, "Your tea is ready.")
    talk.expect(RecordHeard)
    talk.expect(Speak, source=SpeakSource.SERVER, text=BALANCED.phrases.llm_failed)
    talk << ...
    assert talk.state.reports == ()


def test_a_report_waits_for_the_user() -> None:
    talk = Playbook()
    opened = user_says(talk, "", seconds=0.3)
    talk >> ReportReady("timer_1")
    talk.at(2.0)
    talk.expect(CommitTurn)
    talk.expect(EndTurn, turn_id=opened.turn_id)
    talk.expect(Think, report_id="timer_1")


def test_no_report_while_the_client_runs_a_tool() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    talk >> ToolCalled(think.think_id, "call_1", "look", "{}", True)
    talk >> ThinkEnded(think.think_id, ThinkEnding.TOOLS)
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "the client runs a tool")
    talk >> ReportReady("timer_1", True)
    talk.quiet(talk.now + 10.0)
    talk >> ResponseRequested("r1")
    answer = talk.expect(Think, request_id="r1")
    talk >> ThinkEnded(answer.think_id, ThinkEnding.DONE)
    talk.expect(Think, report_id="timer_1")


def two_tools_of_the_client(talk: Playbook) -> None:
    commit, think = user_asks(talk)
    for call_id in ("call_1", "call_2"):
        talk >> ToolCalled(think.think_id, call_id, "look", "{}", True)
    talk >> ThinkEnded(think.think_id, ThinkEnding.TOOLS)
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "the client runs a tool")


def test_a_client_that_only_puts_its_tools_output_in_does_not_silence_reports() -> None:
    talk = Playbook()
    two_tools_of_the_client(talk)
    talk >> ReportReady("timer_1")
    talk.wait(1.0) >> ToolEnded("", "call_1", "found")
    talk.quiet(talk.now + 10.0)
    talk >> ToolEnded("", "call_2", "found")
    talk.quiet(talk.now + 0.9)
    talk.wait(0.2)
    talk.expect(Think, report_id="timer_1")


def test_a_client_that_only_puts_its_tools_output_in_is_prompted_when_idle() -> None:
    talk = Playbook(configured(idle_prompt_seconds=5.0))
    two_tools_of_the_client(talk)
    talk.quiet(talk.now + 20.0)
    for call_id in ("call_1", "call_2"):
        talk >> ToolEnded("", call_id, "found")
    talk.wait(6.1)
    talk << TellTimeout(5.0)
    talk.expect(Think, purpose=Purpose.NUDGE)


def test_the_answer_that_a_client_asks_for_after_its_tools_output_comes_before_reports() -> None:
    talk = Playbook()
    two_tools_of_the_client(talk)
    talk >> ReportReady("timer_1")
    for call_id in ("call_1", "call_2"):
        talk >> ToolEnded("", call_id, "found")
    talk.wait(0.5) >> ResponseRequested("r1")
    talk.expect(Think, request_id="r1")
    talk.quiet(talk.now + 3.0)


def test_no_tool_is_awaited_of_an_answer_that_failed_or_was_cancelled() -> None:
    for ends in (lambda think_id: ThinkEnded(think_id, ThinkEnding.FAILED, "down"), ResponseCancelled):
        talk = Playbook()
        _, think = user_asks(talk)
        talk >> ToolCalled(think.think_id, "call_1", "look", "{}", True)
        assert talk.state.awaited_calls
        talk >> ends(think.think_id)
        assert not talk.state.awaited_calls
        talk << ...


def test_no_report_for_a_client_that_answers_itself() -> None:
    talk = Playbook(detection=TurnDetection(create_response=False))
    talk >> ReportReady("timer_1")
    talk.quiet(10.0)
    talk.done()


def test_an_urgent_report_interrupts() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk.wait(1.0) >> ReportReady("fire", urgent=True)
    talk << StopSpeaking(utterance, 0.2, "urgent")
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "something urgent came up")
    talk >> stopped(utterance, "It is", 0)
    talk.expect(RecordHeard)
    talk.expect(Think, report_id="fire")


def test_the_clients_request_takes_the_place_of_a_report_that_has_not_sounded() -> None:
    talk = Playbook()
    talk >> ReportReady("timer_1")
    report = talk.expect(Think, report_id="timer_1")
    talk >> ResponseRequested("r1")
    talk << StopThinking(report.think_id)
    answer = talk.expect(Think, request_id="r1")
    talk >> ThinkEnded(report.think_id, ThinkEnding.STOPPED)
    talk >> ThinkEnded(answer.think_id, ThinkEnding.DONE)
    talk.expect(Think, report_id="timer_1")  # which is not forgotten


# --- the client's hand --------------------------------------------------------------------------------


def test_the_client_cancels_an_answer_that_is_thought() -> None:
    talk = Playbook()
    commit, think = user_asks(talk)
    talk >> ResponseCancelled(think.think_id)
    talk << StopThinking(think.think_id)
    talk << EndTurn(commit.turn_id, TurnOutcome.CANCELLED, "cancelled by the client")
    talk >> ThinkEnded(think.think_id, ThinkEnding.STOPPED)
    talk.done()


def test_answers_in_text_are_not_spoken() -> None:
    talk = Playbook(audible=False)
    commit, think = user_asks(talk)
    assert not think.audible
    talk >> SentenceWritten(think.think_id, 0, SENTENCES[0])
    talk >> ThinkEnded(think.think_id, ThinkEnding.DONE)
    talk << EndTurn(commit.turn_id, TurnOutcome.ANSWERED, "in text")
    talk.done()


def test_an_answer_out_of_band_runs_beside_the_talk() -> None:
    talk = Playbook()
    talk >> ResponseRequested("r1", audible=False, in_conversation=False)
    beside = talk.expect(Think, request_id="r1", in_conversation=False)
    talk.done(Floor.RESTING)
    commit, think = user_asks(talk)
    talk >> ThinkEnded(beside.think_id, ThinkEnding.DONE)
    utterance = agent_writes(talk, think, SENTENCES[0])
    talk >> PlayoutStarted(utterance)
    talk >> played(utterance, SENTENCES[0])
    talk.expect(RecordHeard, utterance_id=utterance)
    talk.expect(EndTurn, turn_id=commit.turn_id)
    talk.done()


def test_a_spoken_answer_out_of_band_stays_out_of_the_history() -> None:
    talk = Playbook()
    talk >> ResponseRequested("r1", in_conversation=False)
    utterance = agent_writes(talk, talk.expect(Think), SENTENCES[0])
    talk >> PlayoutStarted(utterance)
    talk.done(Floor.SPEAKING)
    talk.wait(1.0) >> played(utterance, SENTENCES[0])
    talk.done()


# --- the end of the call ------------------------------------------------------------------------------


def test_a_call_that_is_over_ends_at_once() -> None:
    talk = Playbook()
    commit, utterance = agent_answers(talk)
    talk.wait(0.5) >> WordsHeard(utterance, "It is", 0.4)
    talk >> CallEnding("the caller hung up")
    talk << StopSpeaking(utterance, 0.0, "closing")
    talk << EndTurn(commit.turn_id, TurnOutcome.CALL_ENDED, "the caller hung up")
    talk.expect(RecordHeard, text="It is", cut_off=True)
    talk << EndCall("the caller hung up")
    talk >> stopped(utterance, "It is", 0)
    talk.quiet(100.0)


def test_the_longest_call_ends_with_a_farewell() -> None:
    talk = Playbook(configured(max_call_seconds=60.0))
    talk >> CallStarted()
    talk.at(55.0)
    commit, think = user_asks(talk)
    talk.at(60.0)
    talk.expect(StopThinking, at=60.0, think_id=think.think_id)
    talk.expect(EndTurn, turn_id=commit.turn_id, outcome=TurnOutcome.CALL_ENDED)
    farewell = talk.expect(Speak, text=BALANCED.phrases.farewell_limit)
    talk << EndUtterance(farewell.utterance_id)
    talk >> PlayoutStarted(farewell.utterance_id)
    talk >> SpeechStarted(60.0)  # too late
    talk.at(64.0) >> played(farewell.utterance_id, farewell.text)
    talk.expect(RecordHeard)
    talk.expect(EndCall)
    talk.quiet(100.0)


def test_a_farewell_that_takes_too_long_is_cut() -> None:
    talk = Playbook()
    talk.at(1.0) >> CallEnding("shut down", "Goodbye.")
    farewell = talk.expect(Speak).utterance_id
    talk << EndUtterance(farewell)
    talk >> PlayoutStarted(farewell)
    talk.at(20.0)
    talk.expect(StopSpeaking, at=9.0, reason="closing")
    talk << EndCall("shut down")
    talk.quiet(100.0)
