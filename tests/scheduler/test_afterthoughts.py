"""When all was said, the agent thinks again (rule 12). Times are seconds."""

from __future__ import annotations

from scheduler.commands import (
    EndUtterance,
    OpenTurn,
    Purpose,
    RecordHeard,
    Speak,
    SpeakSource,
    StopSpeaking,
    StopThinking,
    Think,
)
from scheduler.events import (
    PlayoutStarted,
    ReportReady,
    ResponseRequested,
    SentenceWritten,
    SpeechStarted,
    ThinkEnded,
    ThinkEnding,
)
from scheduler.floor import Floor
from scheduler.policy import Policy, TurnDetection
from tests.scheduler.ahead import done, only, played
from tests.scheduler.playbook import Playbook

AFTERTHOUGHTS = only(afterthought_seconds=1.0)
ANSWER, CORRECTION = "It is a hundred and forty.", "I'm sorry, it is a hundred and forty four."


def agent_has_answered(policy: Policy = AFTERTHOUGHTS, detection: TurnDetection | None = None) -> Playbook:
    """An answer was heard to its end, just now."""
    talk = Playbook(policy, detection)
    talk >> ResponseRequested("r1")
    answer = talk.expect(Think)
    talk >> SentenceWritten(answer.think_id, 0, ANSWER)
    utterance = talk.expect(Speak).utterance_id
    talk >> done(answer)
    talk << EndUtterance(utterance)
    talk >> PlayoutStarted(utterance)
    talk.wait(2.0) >> played(utterance, ANSWER)
    talk.expect(RecordHeard)
    return talk


def agent_thinks_again(talk: Playbook) -> Think:
    talk.wait(1.1)
    return talk.expect(Think, at=talk.now - 0.1, purpose=Purpose.AFTERTHOUGHT, turn_id=None)


def test_what_was_said_is_thought_about_once_when_the_floor_has_rested() -> None:
    talk = agent_has_answered()
    think = agent_thinks_again(talk)
    talk.done(Floor.RESTING)
    talk >> done(think)
    talk.quiet(talk.now + 60.0)


def test_a_correction_that_matters_is_spoken() -> None:
    talk = agent_has_answered()
    think = agent_thinks_again(talk)
    talk >> SentenceWritten(think.think_id, 0, CORRECTION)
    talk >> done(think)
    speak = talk.expect(Speak, text=CORRECTION, source=SpeakSource.AFTERTHOUGHT)
    talk << EndUtterance(speak.utterance_id)
    talk >> PlayoutStarted(speak.utterance_id)
    talk.wait(2.0) >> played(speak.utterance_id, CORRECTION)
    talk.expect(RecordHeard, text=CORRECTION)
    talk.quiet(talk.now + 60.0)  # and that is that: it is not thought about once more


def test_half_a_correction_is_none() -> None:
    talk = agent_has_answered()
    think = agent_thinks_again(talk)
    talk >> SentenceWritten(think.think_id, 0, "I'm sorry, it")
    talk >> ThinkEnded(think.think_id, ThinkEnding.ABORTED)
    talk.quiet(talk.now + 60.0)


def test_it_ends_when_the_user_speaks() -> None:
    talk = agent_has_answered()
    think = agent_thinks_again(talk)
    talk >> SentenceWritten(think.think_id, 0, CORRECTION)
    talk >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk << StopThinking(think.think_id)
    talk >> ThinkEnded(think.think_id, ThinkEnding.STOPPED)
    talk.done(Floor.LISTENING)


def test_a_user_who_speaks_soon_prevents_it() -> None:
    talk = agent_has_answered()
    talk.wait(0.9) >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk.quiet(talk.now + 2.0)


def test_a_report_comes_first() -> None:
    talk = agent_has_answered()
    think = agent_thinks_again(talk)
    talk >> ReportReady("timer_1")
    talk.expect(Think, purpose=Purpose.REPORT)
    talk << StopThinking(think.think_id)


def test_a_correction_that_has_not_sounded_gives_way_to_the_clients_request() -> None:
    talk = agent_has_answered()
    think = agent_thinks_again(talk)
    talk >> SentenceWritten(think.think_id, 0, CORRECTION)
    talk >> done(think)
    utterance = talk.expect(Speak).utterance_id
    talk << EndUtterance(utterance)
    talk >> ResponseRequested("r2")
    talk << StopSpeaking(utterance, 0.0, "cancelled")
    talk.expect(Think, request_id="r2")


def test_none_is_begun_unasked_for_a_client_that_asks_for_answers_itself() -> None:
    talk = agent_has_answered(detection=TurnDetection(create_response=False))
    talk.quiet(talk.now + 60.0)


def test_it_can_be_switched_off() -> None:
    talk = agent_has_answered(only())
    talk.quiet(talk.now + 60.0)
