"""The agent as a listener: a short "mm-hm" in a long turn (rule 13). Times are seconds."""

from __future__ import annotations

import pytest

from scheduler.commands import Backchannel
from scheduler.events import PauseGrew, ResponseRequested, SpeechStarted, SpeechStopped
from scheduler.floor import Floor
from scheduler.policy import TurnDetection
from tests.scheduler.ahead import QUESTION, STATEMENT, UNFINISHED, final, only, user_begins, user_pauses
from tests.scheduler.playbook import Playbook

LISTENER = only(backchannels=True)
PATIENT_CLIENT = TurnDetection(interrupt_response=False)


def user_tells(talk: Playbook, text: str = STATEMENT, *, seconds: float = 5.0, segment: int = 0) -> None:
    """So long a sound, and a pause that has just been noticed."""
    talk >> SpeechStarted(talk.now)
    talk << ...
    talk.wait(seconds + 0.2)
    final(talk, text, segment)
    user_pauses(talk, 0.2)


def test_a_long_turn_gets_one_at_the_end_of_a_clause() -> None:
    talk = Playbook(LISTENER)
    user_tells(talk)
    talk.at(5.4)
    talk << Backchannel("Mm-hm.")
    talk.done(Floor.PAUSED)


def test_it_comes_when_the_pause_has_lasted_a_quarter_of_a_second() -> None:
    talk = Playbook(LISTENER)
    user_tells(talk)
    talk.quiet(5.24)
    talk.at(5.3)
    talk.expect(Backchannel, at=5.25)


def test_a_user_who_goes_on_is_not_interrupted_by_it() -> None:
    talk = Playbook(LISTENER)
    user_tells(talk)
    talk.at(5.22) >> SpeechStarted(5.22)
    talk.quiet(8.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(STATEMENT, 3.0), (QUESTION, 5.0), (UNFINISHED, 5.0)],
    ids=["a short turn", "a likely end", "in the middle of a clause"],
)
def test_where_none_is_given(text: str, seconds: float) -> None:
    talk = Playbook(LISTENER)
    user_tells(talk, text, seconds=seconds)
    talk.quiet(seconds + 0.34)


def test_a_pause_that_is_noticed_late_may_be_the_end() -> None:
    talk = Playbook(LISTENER)
    user_begins(talk)
    talk.at(5.5)
    final(talk, STATEMENT)
    talk >> SpeechStopped(5.0, 0.5)
    talk.quiet(5.69)


def test_audio_time_counts() -> None:
    """The wall clock stood for a moment: the pause is longer than it seemed."""
    talk = Playbook(LISTENER)
    user_tells(talk)
    talk >> PauseGrew(0.5)
    talk.quiet(5.3)


def test_at_most_one_in_six_seconds() -> None:
    talk = Playbook(LISTENER)
    user_tells(talk)
    talk.at(5.3)
    talk.expect(Backchannel)
    user_tells(talk, seconds=4.0, segment=1)
    talk.quiet(9.6)
    user_tells(talk, seconds=3.0, segment=2)
    talk.wait(0.2)
    talk.expect(Backchannel)


def test_none_while_the_agent_has_something_to_say() -> None:
    talk = Playbook(LISTENER, PATIENT_CLIENT)
    talk >> ResponseRequested("r1")
    talk << ...
    user_tells(talk)
    talk.quiet(5.5)


def test_it_is_off_by_default() -> None:
    talk = Playbook(only())
    user_tells(talk)
    talk.quiet(5.6)
