"""Pauses inside a turn: what is waited for, sounds in them, and callers who like to pause (rule 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.commands import (
    CommitTurn,
    EndTurn,
    GoOnSpeaking,
    OpenTurn,
    PauseSpeaking,
    PromoteThinking,
    Release,
    Speak,
    StopSpeaking,
    StopThinking,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    PauseGrew,
    SentenceWritten,
    SilenceChosen,
    SoundHeard,
    SpeechReady,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThinkEnding,
    TranscriptRevised,
    TurnEndEstimated,
)
from scheduler.floor import Floor
from scheduler.patience import Patience
from scheduler.policy import BALANCED, TurnMode
from scheduler.state import Alarm
from tests.scheduler.ahead import QUESTION, draft_begins, final, only, user_pauses
from tests.scheduler.playbook import NOTHING_AHEAD, Playbook, words
from tests.scheduler.test_conversations import SERVER_VAD, user_says

DRAFTS = only("drafts")
COMPLETE = "what is the best time"


# --- while an answer is being made --------------------------------------------------------------------


def drafted() -> tuple[Playbook, float, str, Think]:
    """A whole question has been said, and an answer to it is being written. The time is that of its last sound."""
    talk = Playbook(DRAFTS)
    turn, draft = draft_begins(talk)
    talk.wait(0.2)
    user_pauses(talk, 0.1)
    final(talk, QUESTION)
    return talk, talk.now - 0.1, turn, draft


def test_a_turn_ends_as_soon_as_the_answer_can_sound() -> None:
    talk, end, turn, draft = drafted()
    talk.at(end + 0.3) >> SentenceWritten(draft.think_id, 0, "It is 144.")
    talk << ...
    talk.at(end + 0.4) >> SpeechReady(talk.state.drafts[0].answer.utterance_id, 0)
    talk.expect(CommitTurn, at=end + 0.4, turn_id=turn)
    talk << PromoteThinking(draft.think_id, turn)
    talk.expect(Release, at=end + 0.4)


def test_a_verdict_that_it_is_over_waits_for_no_answer() -> None:
    talk, end, turn, _ = drafted()
    talk.at(end + 0.3) >> TurnEndEstimated(0.9)
    talk.at(end + 0.5)
    talk.expect(CommitTurn, at=end + BALANCED.wait_complete_seconds, turn_id=turn)
    talk << ...


def test_without_drafts_nothing_is_waited_for() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.0 + BALANCED.wait_complete_seconds)
    talk << ...


# --- a sound in the pause -----------------------------------------------------------------------------


def test_a_sound_at_the_end_of_the_pause_may_be_the_caller_going_on() -> None:
    talk = Playbook()
    opened = user_says(talk, COMPLETE)
    talk.at(1.32) >> SoundHeard(0.02)
    talk.quiet(1.4)
    talk >> SpeechStarted(1.3, 0.1)
    talk.done(Floor.LISTENING)
    talk.at(2.2) >> SpeechStopped(2.0, 0.2)
    talk >> TranscriptRevised(1, words("to visit london"), is_final=True)
    talk.at(3.0)
    talk.expect(CommitTurn, turn_id=opened.turn_id, transcript=f"{COMPLETE} to visit london")
    talk << ...


def test_a_sound_that_is_no_voice_delays_the_commit_by_little() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.32) >> SoundHeard(0.02)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.3 + BALANCED.sound_in_pause_seconds)
    talk << ...


def test_an_early_sound_delays_nothing() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.22) >> SoundHeard(0.2)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.35)
    talk << ...


def test_in_a_noisy_place_sounds_delay_nothing() -> None:
    talk = Playbook()
    talk.state = replace(talk.state, false_sounds=BALANCED.max_false_sounds)
    user_says(talk, COMPLETE)
    talk.at(1.32) >> SoundHeard(0.02)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.35)
    talk << ...


def test_keys_that_are_typed_on_delay_the_commit_by_little() -> None:
    """Each is a sound of its own, and begins before it is known that the one before was no voice."""
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.25) >> SoundHeard(0.02)
    talk.at(1.41) >> SoundHeard(0.02)
    talk.at(1.57)
    talk.expect(CommitTurn, at=1.25 - 0.02 + BALANCED.sound_in_pause_seconds)
    talk << ...


def test_keys_that_are_typed_on_do_not_keep_an_answer_waiting() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.4)
    talk.expect(CommitTurn)
    think = talk.expect(Think)
    talk >> SentenceWritten(think.think_id, 0, "In spring.")
    talk.expect(Speak)
    talk << ...
    paused = []
    for number in range(60):
        talk.at(1.45 + 0.16 * number)
        talk << ...
        talk >> SoundHeard(0.02)
        talk << ...
        paused.append(talk.state.answers[0].paused)
    assert paused == [True, True, True, True] + 56 * [False]


def test_a_cough_in_each_turn_makes_no_noisy_place() -> None:
    talk = Playbook()
    for segment in range(5):
        begin = talk.now
        user_says(talk, COMPLETE, segment=segment)
        talk.at(begin + 1.32) >> SoundHeard(0.02)
        talk.at(begin + 2.0)
        talk.expect(CommitTurn, at=begin + 1.3 + BALANCED.sound_in_pause_seconds)
        think = talk.expect(Think)
        talk >> SilenceChosen(think.think_id, "nothing to say")
        talk >> ThinkEnded(think.think_id, ThinkEnding.DONE)
        talk.expect(EndTurn)
        talk.wait(3.0)


def test_a_final_that_does_not_come_is_not_given_up_in_the_middle_of_a_sound() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE, final=False)
    due = talk.at(1.4).state.alarms[Alarm.FINAL_TRANSCRIPT]
    talk.at(due - 0.05) >> SoundHeard(0.02)
    talk.at(due + 1.0)
    talk.expect(CommitTurn, at=due - 0.07 + BALANCED.sound_in_pause_seconds)


def test_a_long_wait_for_an_answer_teaches_no_patience() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.4)
    talk.expect(CommitTurn)
    talk.expect(Think)
    talk.at(9.0) >> SpeechStarted(9.0)
    talk << ...
    talk.at(9.3) >> TranscriptRevised(1, (), words("hello are you there"))
    talk << ...
    assert talk.state.patience == Patience()


def test_a_fixed_silence_is_a_fixed_silence() -> None:
    talk = Playbook(detection=SERVER_VAD)
    assert talk.state.turn_detection.mode is TurnMode.SILENCE
    user_says(talk, COMPLETE)
    talk.at(1.45) >> SoundHeard(0.02)
    talk.at(2.0)
    talk.expect(CommitTurn, at=1.5)
    talk << ...


def about_to_sound() -> tuple[Playbook, str]:
    """Committed at 1.35; the first sentence is with the voice."""
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.4)
    talk.expect(CommitTurn)
    think = talk.expect(Think)
    talk >> SentenceWritten(think.think_id, 0, "In spring.")
    return talk, talk.expect(Speak).utterance_id


def test_nothing_begins_to_sound_over_a_sound() -> None:
    talk, utterance = about_to_sound()
    talk.at(1.45) >> SoundHeard(0.02)
    talk << PauseSpeaking(utterance)
    talk.at(1.7)
    talk.expect(GoOnSpeaking, at=1.43 + BALANCED.sound_in_pause_seconds, utterance_id=utterance)
    talk.done(Floor.COMMITTED)


def test_who_goes_on_just_before_the_first_sound_never_hears_it() -> None:
    talk, utterance = about_to_sound()
    talk.at(1.45) >> SoundHeard(0.02)
    talk << PauseSpeaking(utterance)
    talk.at(1.5) >> SpeechStarted(1.43, 0.07)
    talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, 0.0, "rejoined")
    talk.at(1.8) >> TranscriptRevised(1, words("to visit london"))
    talk.expect(StopThinking)
    assert talk.expect(EndTurn).outcome is TurnOutcome.REJOINED
    talk << ...


def test_what_is_not_with_the_voice_yet_waits_for_the_end_of_the_sound() -> None:
    talk = Playbook()
    user_says(talk, COMPLETE)
    talk.at(1.4)
    talk.expect(CommitTurn)
    think = talk.expect(Think)
    talk.at(1.45) >> SoundHeard(0.02)
    talk.at(1.5) >> SentenceWritten(think.think_id, 0, "In spring.")
    talk.quiet(1.6)
    talk.at(1.7)
    talk.expect(Speak, at=1.63)


# --- callers who like to pause ------------------------------------------------------------------------


def test_who_has_paused_for_long_is_given_more_time() -> None:
    talk = Playbook()
    user_says(talk, "what is")
    talk.at(1.65) >> SpeechStarted(1.6, 0.05)
    talk.at(2.2) >> SpeechStopped(2.0, 0.2)
    talk >> TranscriptRevised(1, words("the best time"), is_final=True)
    talk.at(3.0)
    talk.expect(CommitTurn, at=2.0 + 0.6 * BALANCED.patience_factor)
    talk << ...


def test_who_says_please_has_finished_all_the_same() -> None:
    talk = Playbook()
    user_says(talk, "what is")
    talk.at(1.65) >> SpeechStarted(1.6, 0.05)
    talk.at(2.2) >> SpeechStopped(2.0, 0.2)
    talk >> TranscriptRevised(1, words("the best time please"), is_final=True)
    talk.at(3.0)
    talk.expect(CommitTurn, at=2.35)
    talk << ...


def test_a_pause_that_was_taken_for_an_end_is_learned_from() -> None:
    talk, utterance = about_to_sound()
    talk.at(1.55) >> SpeechStarted(1.5, 0.05)
    talk.expect(OpenTurn)
    talk << StopSpeaking(utterance, 0.0, "rejoined")
    talk.at(1.9) >> TranscriptRevised(1, words("to visit london"))
    talk << ...
    assert talk.state.patience.seconds == pytest.approx(0.5 * BALANCED.patience_factor)


def test_a_pause_over_the_agent_tells_nothing() -> None:
    talk = Playbook(replace(NOTHING_AHEAD, name="custom"))
    assert talk.state.patience == Patience()
    talk >> SpeechStarted(0.0)
    talk << ...
    talk.at(0.6) >> SpeechStopped(0.4, 0.2)
    talk.at(1.0) >> PauseGrew(0.6)
    talk >> SpeechStarted(1.0)
    assert talk.state.patience == Patience(), "a sound without words is no turn with a pause"


def test_patience_is_bounded_and_forgotten() -> None:
    patience = Patience().after_pause(BALANCED, 0.39)
    assert patience == Patience()
    patience = patience.after_pause(BALANCED, 3.0)
    assert patience.seconds == BALANCED.patience_ceiling_seconds
    assert patience.after_pause(BALANCED, 0.5) == patience
    turns = 0
    while patience.seconds:
        patience, turns = patience.after_turn(BALANCED), turns + 1
    assert turns <= 2
