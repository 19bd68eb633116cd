"""Drafts and what was stopped: the next answer is not begun before it is known what was heard of the last one, and what
was under way when a draft was frozen is not said twice. Times are seconds."""

from __future__ import annotations

from scheduler.commands import (
    CommitTurn,
    Hold,
    OpenTurn,
    Purpose,
    RecordHeard,
    Release,
    Speak,
    StopSpeaking,
    StopThinking,
    Think,
)
from scheduler.events import (
    PlayoutStarted,
    SentenceGrew,
    SentenceWritten,
    SpeechStarted,
    SpeechStopped,
    TranscriptRevised,
    VoiceFaded,
)
from tests.scheduler.ahead import QUESTION, SENTENCES, final, only, partial, stopped, user_begins, user_pauses, writes
from tests.scheduler.playbook import Playbook, words

DRAFTS = only("drafts")


def agent_speaks(talk: Playbook) -> str:
    """A turn is over and its answer sounds. Returns the utterance."""
    user_begins(talk)
    talk.at(1.0)
    user_pauses(talk)
    final(talk, "tell me about the sea")
    draft = talk.expect(Think, purpose=Purpose.DRAFT)
    talk.at(1.6) << ...
    talk >> SentenceWritten(draft.think_id, 0, SENTENCES[0])
    utterance = talk.expect(Speak).utterance_id
    talk >> PlayoutStarted(utterance)
    talk << ...
    return utterance


def test_no_draft_before_it_is_known_what_was_heard() -> None:
    talk = Playbook(DRAFTS)
    utterance = agent_speaks(talk)
    talk.at(4.0) >> SpeechStarted(4.0)
    talk << ...
    talk.at(4.5) << ...
    talk >> TranscriptRevised(1, words("stop"))
    talk.expect(OpenTurn)
    talk.expect(StopSpeaking, utterance_id=utterance)
    talk << ...
    talk.at(4.6) >> SpeechStopped(4.5, 0.1)
    talk >> TranscriptRevised(1, words("stop"), is_final=True)
    talk.quiet(4.68)
    talk >> stopped(utterance, "It is a", 0)
    talk.expect(RecordHeard, utterance_id=utterance, text="It is a")
    talk.expect(Think, purpose=Purpose.DRAFT, basis="stop")


def test_what_comes_late_of_a_frozen_draft_is_not_said_twice() -> None:
    """The user seemed to say more, so the draft was stopped while its second sentence began; they had not."""
    talk = Playbook(only("drafts", max_drafts=1))
    user_begins(talk)
    talk.at(0.5) >> VoiceFaded(0.4, 0.1)
    talk >> TranscriptRevised(0, words(QUESTION))
    draft = talk.expect(Think, purpose=Purpose.DRAFT)
    talk >> SentenceWritten(draft.think_id, 0, SENTENCES[0])
    utterance = talk.expect(Hold).utterance_id
    talk.expect(Speak)
    partial(talk, f"{QUESTION} for the second time")
    talk << StopThinking(draft.think_id)
    talk >> SentenceGrew(draft.think_id, 1, "Shall")
    talk >> SentenceWritten(draft.think_id, 1, SENTENCES[1])
    user_pauses(talk)
    final(talk, QUESTION)
    talk.wait(1.0)
    talk.expect(CommitTurn, transcript=QUESTION)
    answer = talk.expect(Think, purpose=Purpose.ANSWER, opening=SENTENCES[0], opening_holds=True)
    talk << Release(utterance)
    assert writes(talk, answer, 1, SENTENCES[1]) == utterance
