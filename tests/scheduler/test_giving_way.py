"""Ducking before it is known who makes the sound, and giving the floor back when the words vanish."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.commands import (
    CommitTurn,
    Duck,
    EndTurn,
    GoOnSpeaking,
    OpenTurn,
    PauseSpeaking,
    RecordHeard,
    Speak,
    StopSpeaking,
    TurnOutcome,
)
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

PAUSED_AFTER = NOTHING_AHEAD.pause_after_voice_seconds
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
def test_what_may_become_a_backchannel_only_makes_it_pause(text: str) -> None:
    talk, start, utterance = speaking()
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    talk.at(start + 0.4)
    talk.expect(Duck, gain_db=-18.0)
    talk >> TranscriptRevised(1, (), words(text, start))
    talk.at(start + 0.85)
    talk.expect(PauseSpeaking, at=start + PAUSED_AFTER, utterance_id=utterance)
    talk.quiet(start + 0.95)


def test_a_sound_that_returns_is_as_old_as_it_is() -> None:
    talk, start, _ = speaking()
    talk.at(start + 0.1) >> SpeechStarted(start, 0.1)
    talk.expect(Duck)
    talk.at(start + 0.2) >> VoiceFaded(start + 0.1, 0.1)
    talk.at(start + 0.35) >> VoiceReturned(start + 0.32)
    talk.at(start + 1.1)
    talk.expect(Duck, at=start + 0.35, gain_db=-18.0)
    talk.expect(PauseSpeaking, at=start + PAUSED_AFTER)
    talk.expect(OpenTurn, at=start + 1.0)
    talk.expect(StopSpeaking, at=start + 1.0)


# --- pausing until it is known what it is ---------------------------------------------------------------------


def paused_by_voice(talk: Playbook | None = None) -> tuple[Playbook, float, str]:
    """Voice of 0.7 s over the agent, of which no word is known yet when its end is told."""
    talk, start, utterance = speaking(talk)
    talk >> SpeechStarted(start)
    talk << Duck(utterance, -9.0)
    talk.at(start + 0.6)
    talk.expect(Duck, gain_db=-18.0)
    talk.expect(PauseSpeaking, at=start + PAUSED_AFTER, utterance_id=utterance)
    talk.at(start + 0.8) >> VoiceFaded(start + 0.7, 0.1)
    talk.at(start + 0.9) >> SpeechStopped(start + 0.7, 0.2)
    return talk, start, utterance


def test_who_has_paused_waits_for_the_words_and_goes_on_where_it_was() -> None:
    talk, start, utterance = paused_by_voice()
    talk.quiet(start + 1.0)
    talk >> TranscriptRevised(1, words("oh really", start), is_final=True)
    talk.at(start + 1.1)
    talk.expect(GoOnSpeaking, at=start + 1.0, utterance_id=utterance)
    talk << Duck(utterance, 0.0)
    talk.expect(EndTurn, outcome=TurnOutcome.SILENT)
    talk.done(Floor.SPEAKING)


def test_when_the_words_want_the_floor_it_stops_without_another_sound() -> None:
    talk, start, utterance = paused_by_voice()
    talk.at(start + 0.95) >> TranscriptRevised(1, words("wednesday", start), is_final=True)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, utterance_id=utterance)
    talk << ...


def test_words_that_never_come_are_not_awaited_for_long() -> None:
    talk, start, utterance = paused_by_voice()
    talk.at(start + 1.2)
    talk.expect(GoOnSpeaking, at=start + 0.7 + NOTHING_AHEAD.words_within_seconds, utterance_id=utterance)
    talk << Duck(utterance, 0.0)
    talk.done(Floor.SPEAKING)


def test_shorter_voice_does_not_pause() -> None:
    talk, start, utterance = speaking()
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    talk.at(start + 0.54)
    talk.expect(Duck, gain_db=-18.0)
    talk >> VoiceFaded(start + 0.45, 0.09)
    talk.at(start + 0.65) >> SpeechStopped(start + 0.45, 0.2)
    talk.at(start + 0.7)
    talk << Duck(utterance, 0.0)


# --- words that the recogniser doubts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "voice_seconds", "stops"),
    [(0.2, 0.25, False), (0.2, 0.45, True), (0.5, 0.25, True), (None, 0.25, True)],
)
def test_a_lone_stop_that_is_doubted_needs_longer_voice(
    confidence: float | None, voice_seconds: float, stops: bool
) -> None:
    talk, start, _ = speaking()
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    talk.at(start + voice_seconds + 0.1)
    talk << ...
    talk >> VoiceFaded(start + voice_seconds, 0.1)
    talk.wait(0.05) >> SpeechStopped(start + voice_seconds, 0.15)
    talk >> TranscriptRevised(1, words("but", start, confidence), is_final=True)
    talk << ...
    assert (talk.state.sounding is None) is stops


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
