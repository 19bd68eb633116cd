"""What the agent thinks when all was said (rule 12), as dialogues with the conductor."""

from __future__ import annotations

from scheduler.commands import (
    CommitTurn,
    EndTurn,
    EndUtterance,
    OpenTurn,
    Purpose,
    RecordHeard,
    Speak,
    SpeakSource,
    StopSpeaking,
    StopThinking,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    PlayoutStarted,
    ReportReady,
    ResponseRequested,
    SentenceWritten,
    SilenceChosen,
    SpeechStarted,
    ThinkEnded,
    ThinkEnding,
    TranscriptRevised,
)
from scheduler.floor import Floor
from scheduler.policy import BALANCED, TurnDetection
from tests.scheduler.playbook import Playbook, configured, words
from tests.scheduler.test_conversations import (
    QUESTION,
    SENTENCES,
    agent_answers,
    agent_writes,
    played,
    stopped,
    user_says,
)

CORRECTION = "No, it was a hundred and forty five."


def all_was_said(detection: TurnDetection | None = None) -> Playbook:
    """The agent has answered, and the floor rests."""
    talk = Playbook(configured(afterthoughts=True), detection)
    _, utterance = agent_answers(talk)
    talk.wait(2.0) >> played(utterance, " ".join(SENTENCES))
    talk << ...
    return talk


def agent_thinks_again(talk: Playbook) -> Think:
    at = talk.now + 1.0
    talk.at(at)
    return talk.expect(Think, at=at, purpose=Purpose.AFTERTHOUGHT, turn_id=None)


def correction(talk: Playbook) -> str:
    """It is spoken. Returns the utterance."""
    think = agent_thinks_again(talk)
    talk >> SentenceWritten(think.think_id, 0, CORRECTION)
    talk >> ThinkEnded(think.think_id, ThinkEnding.DONE)
    speak = talk.expect(Speak, text=CORRECTION, think_id=None, source=SpeakSource.AFTERTHOUGHT)
    talk << EndUtterance(speak.utterance_id)
    return speak.utterance_id


def test_a_correction_is_spoken_and_not_thought_about_again() -> None:
    talk = all_was_said()
    utterance = correction(talk)
    talk.wait(0.1) >> PlayoutStarted(utterance)
    talk.wait(2.0) >> played(utterance, CORRECTION)
    talk << RecordHeard(utterance, CORRECTION, False)
    talk.quiet(talk.now + 60.0)
    talk.done()


def test_an_answer_that_was_right_is_left_alone() -> None:
    talk = all_was_said()
    think = agent_thinks_again(talk)
    talk >> SilenceChosen(think.think_id, "they like sums") >> ThinkEnded(think.think_id, ThinkEnding.DONE)
    talk.quiet(talk.now + 60.0)
    assert talk.state.deadline is None
    talk.done()


def test_a_correction_that_has_not_sounded_gives_way_to_the_clients_own_request() -> None:
    talk = all_was_said()
    utterance = correction(talk)
    talk >> ResponseRequested("r1")
    talk << StopSpeaking(utterance, 0.0, "cancelled")
    talk.expect(Think, request_id="r1", purpose=Purpose.ANSWER)
    talk >> stopped(utterance, "", 0)
    talk.done(Floor.COMMITTED)


def test_a_correction_that_sounds_gives_way_at_the_next_word() -> None:
    talk = all_was_said()
    utterance = correction(talk)
    talk.wait(0.1) >> PlayoutStarted(utterance)
    talk >> ResponseRequested("r1")
    talk << StopSpeaking(utterance, 0.2, "cancelled")
    talk.expect(Think, request_id="r1", purpose=Purpose.ANSWER)
    talk >> stopped(utterance, "No, it was", 0)
    talk << RecordHeard(utterance, "No, it was", True)
    talk.done(Floor.COMMITTED)


def test_the_user_ends_the_thought() -> None:
    talk = all_was_said()
    think = agent_thinks_again(talk)
    talk.wait(0.2) >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk << StopThinking(think.think_id)
    talk >> SentenceWritten(think.think_id, 0, CORRECTION) >> ThinkEnded(think.think_id, ThinkEnding.STOPPED)
    talk.wait(0.5) >> TranscriptRevised(0, (), words("and"))
    talk.done(Floor.LISTENING)


def test_where_the_client_begins_every_response_nothing_is_thought_and_nothing_rings() -> None:
    talk = Playbook(configured(afterthoughts=True), TurnDetection(create_response=False))
    talk >> ResponseRequested("r1")
    utterance = agent_writes(talk, talk.expect(Think, request_id="r1"), *SENTENCES)
    talk >> PlayoutStarted(utterance)
    talk.wait(2.0) >> played(utterance, " ".join(SENTENCES))
    talk.expect(RecordHeard)
    talk.quiet(talk.now + 60.0)
    assert talk.state.deadline is None


def test_where_the_client_begins_every_response_nothing_rings_after_a_commit() -> None:
    """With all that can be thought ahead, and whatever the agent would say by itself."""
    policy = configured(BALANCED, backchannels=True, idle_prompt_seconds=10.0)
    talk = Playbook(policy, TurnDetection(create_response=False))
    user_says(talk, QUESTION)
    talk.wait(1.0)
    commit = talk.expect(CommitTurn)
    talk << EndTurn(commit.turn_id, TurnOutcome.SILENT, "left to the client")
    assert talk.state.deadline is None
    talk.quiet(talk.now + 60.0)
    talk.done()


def test_a_user_who_speaks_soon_prevents_it() -> None:
    talk = all_was_said()
    talk.wait(0.9) >> SpeechStarted(talk.now)
    talk.expect(OpenTurn)
    talk.quiet(talk.now + 2.0)


def test_half_a_correction_is_none() -> None:
    talk = all_was_said()
    think = agent_thinks_again(talk)
    talk >> SentenceWritten(think.think_id, 0, CORRECTION)
    talk >> ThinkEnded(think.think_id, ThinkEnding.ABORTED)
    talk.quiet(talk.now + 60.0)


def test_a_report_comes_first() -> None:
    talk = all_was_said()
    think = agent_thinks_again(talk)
    talk >> ReportReady("timer_1")
    talk.expect(Think, purpose=Purpose.REPORT)
    talk << StopThinking(think.think_id)


def test_it_can_be_switched_off() -> None:
    talk = Playbook()
    _, utterance = agent_answers(talk)
    talk.wait(2.0) >> played(utterance, " ".join(SENTENCES))
    talk << ...
    talk.quiet(talk.now + 60.0)
