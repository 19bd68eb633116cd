"""Which words, said over the agent, take the floor. The hums stand here as pocketsphinx recognised them."""

from __future__ import annotations

import pytest

from scheduler.commands import Duck, EndTurn, OpenTurn, StopSpeaking
from scheduler.events import SpeechStarted, SpeechStopped, TranscriptRevised, VoiceFaded
from scheduler.pcm import WordTime
from scheduler.words import is_telling
from tests.scheduler.playbook import Playbook, words
from tests.scheduler.test_conversations import agent_answers

HUMS = ((("and", 0.47), ("in", 0.23)), (("of", 0.10), ("them", 0.65)), (("mm", 0.02), ("time", 0.47)))


def over_the_agent(text: str) -> tuple[Playbook, float]:
    """The agent speaks for a second, then somebody over it, and these are the first words."""
    talk = Playbook()
    agent_answers(talk)
    start = talk.wait(1.0).now
    talk >> SpeechStarted(start)
    talk.expect(Duck)
    talk.at(start + 0.2) >> TranscriptRevised(1, (), words(text, start))
    return talk, start


@pytest.mark.parametrize("text", ["what is", "stop", "no", "be quiet", "tell me", "in paris please"])
def test_words_that_tell_something_take_it_at_once(text: str) -> None:
    talk, _ = over_the_agent(text)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, reason="barge_in")


@pytest.mark.parametrize("hum", HUMS)
def test_a_hum_does_not_take_it_whatever_the_recogniser_makes_of_it(hum: tuple[tuple[str, float], ...]) -> None:
    talk, start = over_the_agent("and hung")
    talk.at(start + 0.54)
    talk.expect(Duck, gain_db=-18.0)
    talk >> VoiceFaded(start + 0.44, 0.1)
    talk.at(start + 0.64) >> SpeechStopped(start + 0.44, 0.2)
    heard = tuple(
        WordTime(text, start + 0.2 * number, start + 0.2 * number + 0.2, confidence)
        for number, (text, confidence) in enumerate(hum)
    )
    talk >> TranscriptRevised(1, heard, is_final=True)
    talk.at(start + 1.0)
    talk.expect(Duck, gain_db=0.0)
    ended = talk.expect(EndTurn)
    assert ended.reason.startswith("a backchannel")


@pytest.mark.parametrize(("text", "confidence"), [("it is", 0.9), ("paris", 0.9), ("in paris", 0.1)])
def test_others_take_it_when_they_are_certain(text: str, confidence: float) -> None:
    talk, start = over_the_agent(text)
    talk.at(start + 0.54)
    talk.expect(Duck, gain_db=-18.0)
    talk >> VoiceFaded(start + 0.44, 0.1)
    talk.at(start + 0.64) >> SpeechStopped(start + 0.44, 0.2)
    talk >> TranscriptRevised(1, words(text, start, confidence), is_final=True)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, reason="barge_in")


def test_a_word_whose_final_comes_before_the_end_of_its_sound_takes_it_when_that_is_known() -> None:
    talk, start = over_the_agent("tuesday")
    talk.at(start + 0.3)
    talk << ...
    talk >> TranscriptRevised(1, words("tuesday", start, 0.9), is_final=True)
    talk.at(start + 0.52)
    talk << ...
    talk >> VoiceFaded(start + 0.42, 0.1)
    talk.at(start + 0.62) >> SpeechStopped(start + 0.42, 0.2)
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, reason="barge_in")


@pytest.mark.parametrize(("text", "telling"), [("and and", False), ("m h m", False), ("hello there", True)])
def test_what_tells_something(text: str, telling: bool) -> None:
    assert is_telling(tuple(text.split())) is telling
