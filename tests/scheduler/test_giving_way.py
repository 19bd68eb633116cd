"""Ducking before it is known who makes the sound, and giving the floor back when the words vanish."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.commands import CommitTurn, Duck, EndTurn, OpenTurn, RecordHeard, Speak, StopSpeaking, TurnOutcome
from scheduler.events import (
    PlayoutEnded,
    SoundHeard,
    SpeechStarted,
    SpeechStopped,
    TranscriptRevised,
    VoiceFaded,
    VoiceReturned,
)
from scheduler.floor import Floor
from scheduler.policy import TurnDetection, TurnMode
from tests.scheduler.playbook import NOTHING_AHEAD, Playbook, words
from tests.scheduler.test_conversations import agent_answers

FIRST, SECOND = "It is a hundred and forty four.", "Shall I go on?"


def speaking(talk: Playbook | None = None) -> tuple[Playbook, float, str]:
    talk = talk or Playbook()
    _, utterance = agent_answers(talk)
    return talk, talk.wait(1.0).now, utterance


def test_any_sound_ducks_and_no_voice_brings_the_level_back() -> None:
    talk, start, utterance = speaking()
    talk.at(start + 0.02) >> SoundHeard(0.02)
    talk << Duck(utterance, -9.0)
    talk.at(start + 0.31)
    talk.expect(Duck, at=start + 0.3, gain_db=0.0)
    talk.done(Floor.SPEAKING)


def test_a_sound_that_is_voice_is_judged_as_such() -> None:
    talk, start, utterance = speaking()
    talk.at(start + 0.02) >> SoundHeard(0.02)
    talk << Duck(utterance, -9.0)
    talk.at(start + 0.09) >> SpeechStarted(start, 0.09)
    talk << Duck(utterance, -9.0)
    talk.at(start + 0.4)
    talk.expect(Duck, at=start + 0.25, gain_db=-18.0)


def test_voice_that_is_known_late_is_as_old_as_the_sound() -> None:
    talk, start, utterance = speaking()
    talk.at(start + 0.02) >> SoundHeard(0.02)
    talk << Duck(utterance, -9.0)
    talk.at(start + 0.16) >> SpeechStarted(start + 0.1, 0.06)
    talk << Duck(utterance, -9.0)
    talk.at(start + 0.9)
    talk.expect(Duck, at=start + 0.25, gain_db=-18.0)


def test_in_a_noisy_place_only_voice_ducks() -> None:
    talk, start, utterance = speaking()
    for number in range(NOTHING_AHEAD.max_false_sounds):
        talk.at(start + number) >> SoundHeard(0.02)
        talk << Duck(utterance, -9.0)
        talk.at(start + number + 0.5)
        talk.expect(Duck, gain_db=0.0)
    talk >> SoundHeard(0.02)
    talk.done(Floor.SPEAKING)
    talk >> SpeechStarted(talk.now)
    talk << Duck(utterance, -9.0)


@pytest.mark.parametrize("detection", [TurnDetection(TurnMode.MANUAL), TurnDetection(interrupt_response=False)])
def test_a_client_that_wants_no_interruption_is_not_ducked(detection: TurnDetection) -> None:
    talk, _, _ = speaking()
    talk.state = replace(talk.state, turn_detection=detection)
    talk >> SoundHeard(0.02)
    talk.done(Floor.SPEAKING)


def test_while_nobody_speaks_a_sound_is_nothing() -> None:
    talk = Playbook()
    talk >> SoundHeard(0.02)
    talk.done(Floor.RESTING)


# --- how long the sound lasts ---------------------------------------------------------------------------------


def test_voice_with_a_word_in_it_stops_the_agent_sooner() -> None:
    talk, start, _ = speaking()
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    talk.at(start + 0.4)
    talk.expect(Duck, gain_db=-18.0)
    talk >> TranscriptRevised(1, (), words("paris", start))
    talk.at(start + 0.6)
    talk.expect(OpenTurn, at=start + NOTHING_AHEAD.stop_after_words_seconds)
    stop = talk.expect(StopSpeaking, reason="barge_in")
    assert stop.within_seconds == pytest.approx(0.05)


@pytest.mark.parametrize("text", ["got", "i", "mm-hm", "um"])
def test_what_may_become_a_backchannel_does_not(text: str) -> None:
    talk, start, _ = speaking()
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    talk.at(start + 0.4)
    talk.expect(Duck, gain_db=-18.0)
    talk >> TranscriptRevised(1, (), words(text, start))
    talk.quiet(start + 0.85)


def test_a_sound_that_returns_is_as_old_as_it_is() -> None:
    talk, start, _ = speaking()
    talk.at(start + 0.1) >> SpeechStarted(start, 0.1)
    talk.expect(Duck)
    talk.at(start + 0.2) >> VoiceFaded(start + 0.1, 0.1)
    talk.at(start + 0.35) >> VoiceReturned(start + 0.32)
    talk.at(start + 1.0)
    talk.expect(Duck, at=start + 0.35, gain_db=-18.0)
    talk.expect(OpenTurn, at=start + 0.9)
    talk.expect(StopSpeaking, at=start + 0.9)


# --- words that vanish ----------------------------------------------------------------------------------------


def stopped_by(text: str, *, stable: bool = False) -> tuple[Playbook, float, str]:
    """The agent is interrupted by these words in the middle of its first sentence."""
    talk, start, utterance = speaking()
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    heard = words(text, start)
    talk.at(start + 0.2) >> TranscriptRevised(1, heard if stable else (), () if stable else heard)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, utterance_id=utterance, reason="barge_in")
    if stable:
        talk.expect(EndTurn, outcome=TurnOutcome.ANSWERED)
    talk.wait(0.1) >> PlayoutEnded(utterance, True, "It is", 0.5, True, 0)
    talk.expect(RecordHeard, text="It is", cut_off=True)
    return talk, start, utterance


@pytest.mark.parametrize("final", ["", "mm-hm", "um"])
def test_when_the_words_vanish_the_agent_goes_on_where_it_was(final: str) -> None:
    talk, start, utterance = stopped_by("what about")
    talk.at(start + 0.5) >> SpeechStopped(start + 0.3, 0.2)
    talk >> TranscriptRevised(1, words(final, start, 0.9), is_final=True)
    talk.at(start + 4.0)
    talk.expect(CommitTurn)
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT)
    again = talk.expect(Speak, text=FIRST, index=0)
    assert again.utterance_id != utterance
    talk.expect(Speak, text=SECOND)
    talk << ...


def test_a_lone_word_that_nobody_trusts_is_nothing_either() -> None:
    talk, start, _ = stopped_by("what about")
    talk.at(start + 0.5) >> SpeechStopped(start + 0.3, 0.2)
    talk >> TranscriptRevised(1, words("what", start, 0.1), is_final=True)
    talk.at(start + 4.0)
    talk.expect(CommitTurn)
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT)
    talk.expect(Speak, text=FIRST)
    talk << ...


def test_revisions_on_the_way_decide_nothing() -> None:
    talk, start, _ = stopped_by("what about")
    talk.wait(0.05) >> TranscriptRevised(1, (), words("what a", start))
    talk.quiet(talk.now + 0.1)


def test_stable_words_are_certain_at_once() -> None:
    talk, start, _ = stopped_by("what about", stable=True)
    talk.at(start + 0.6) >> SpeechStopped(start + 0.4, 0.2)
    talk.done(Floor.PAUSED)


def test_a_turn_that_is_committed_without_a_final_stands() -> None:
    talk, start, _ = stopped_by("what about thirteen")
    talk.at(start + 1.0) >> SpeechStopped(start + 0.8, 0.2)
    talk.at(start + 4.0)
    talk.expect(EndTurn, outcome=TurnOutcome.ANSWERED, reason="interrupted")
    talk.expect(CommitTurn, final=False)
    talk << ...
