"""Scenes that the dialogues about thinking ahead begin with. Times are seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scheduler.commands import CommitTurn, OpenTurn, PromoteThinking, Purpose, Speak, Think
from scheduler.events import (
    PlayoutEnded,
    SentenceWritten,
    SpeechReady,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThinkEnding,
    TranscriptRevised,
)
from scheduler.policy import BALANCED, Policy
from tests.scheduler.playbook import Playbook, words

QUESTION = "what is twelve times twelve"
"""Sounds like a whole turn."""
REQUEST = "show me the way home"
"""Sounds complete."""
STATEMENT = "the weather was nice yesterday"
"""Something may follow."""
UNFINISHED = "i'd like to go to"
SENTENCES = ("It is a hundred and forty four.", "Shall I go on?")

_DONE_AHEAD = ("drafts", "foresight", "notes", "fillers")


def only(*switches: str, **changes: Any) -> Policy:
    """The balanced policy with no more than these ways of thinking ahead."""
    on = {name: name in switches for name in _DONE_AHEAD}
    return replace(BALANCED, name="custom", **{"afterthoughts": False, **on, **changes})


def user_begins(talk: Playbook) -> str:
    """Returns the turn."""
    talk >> SpeechStarted(talk.now)
    return talk.expect(OpenTurn).turn_id


def partial(talk: Playbook, text: str, segment: int = 0) -> None:
    """What the recogniser has so far; it may still change its mind."""
    talk >> TranscriptRevised(segment, (), words(text))


def final(talk: Playbook, text: str, segment: int = 0) -> None:
    talk >> TranscriptRevised(segment, words(text), is_final=True)


def user_pauses(talk: Playbook, silence_seconds: float = 0.1) -> None:
    """The ears notice it after a moment of silence."""
    talk >> SpeechStopped(talk.now - silence_seconds, silence_seconds)


def draft_begins(talk: Playbook, text: str = QUESTION) -> tuple[str, Think]:
    """A turn of which so much was recognised, and the draft that was begun for it. Returns the turn, too."""
    turn = user_begins(talk)
    talk.wait(0.5) >> TranscriptRevised(0, words(text))
    return turn, talk.expect(Think, purpose=Purpose.DRAFT, turn_id=turn, basis=text)


def draft_is_promoted(talk: Playbook, turn: str, draft: Think, at: float | None = None) -> CommitTurn:
    commit = talk.expect(CommitTurn, at=at, turn_id=turn)
    talk << PromoteThinking(draft.think_id, turn)
    return commit


def writes(talk: Playbook, think: Think, index: int = 0, text: str = SENTENCES[0]) -> str:
    """A sentence, which the voice is given. Returns the utterance."""
    talk >> SentenceWritten(think.think_id, index, text)
    return talk.expect(Speak, text=text, think_id=think.think_id).utterance_id


def is_rendered(talk: Playbook, utterance_id: str, index: int = 0) -> None:
    talk >> SpeechReady(utterance_id, index)


def done(think: Think) -> ThinkEnded:
    return ThinkEnded(think.think_id, ThinkEnding.DONE)


def played(utterance_id: str, text: str) -> PlayoutEnded:
    return PlayoutEnded(utterance_id, False, text, 2.0, True)


def stopped(utterance_id: str, text: str, unheard_index: int | None) -> PlayoutEnded:
    return PlayoutEnded(utterance_id, True, text, 1.0, True, unheard_index)
