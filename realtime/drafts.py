"""Pure: what becomes of the thinking that is done ahead (drafts and notes), and whose the speech held back is.

The conductor gives its orders draft by draft; that one was promoted, frozen, verified for more words or thrown away
shows only over several of them. Wire, timeline, metrics and console learn it here.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from scheduler import commands as do
from scheduler import events as was
from scheduler.commands import Command, Purpose
from scheduler.events import Event, ThinkEnding
from scheduler.words import bare_words, join_texts

_Value = TypeVar("_Value")

REMEMBERED = 32
"""Drafts and notes, the oldest is forgotten; a turn has at most a few."""
REMEMBERED_ENDINGS = 8
"""Foreseen endings that a draft may have been begun for."""


class Fate(StrEnum):
    """What became of a draft or of notes."""

    OPEN = "open"
    """Being written, or written and not needed yet."""
    FROZEN = "frozen"
    """Stopped, and kept: the user's words went on, and what it says may still hold."""
    VERIFIED = "verified"
    """It held for the full words: another think goes on behind it (``Ahead.taken_by``)."""
    PROMOTED = "promoted"
    ABANDONED = "abandoned"

    @property
    def is_settled(self) -> bool:
        return self not in (Fate.OPEN, Fate.FROZEN)


@dataclass(slots=True)
class Ahead:
    """A draft, or notes. ``written``: its words, ``sentences``: those of its whole sentences. ``foreseen``: its basis
    ends as the user was expected to. ``reason``: why it was frozen or abandoned, one word."""

    think: do.Think
    foreseen: bool = False
    fate: Fate = Fate.OPEN
    reason: str = ""
    written: str = ""
    sentences: str = ""
    utterance_id: str | None = None
    taken_by: str = ""
    ended: was.ThinkEnded | None = None
    inherited_tokens: int = 0
    """Written by the drafts that it took over."""

    @property
    def output_tokens(self) -> int:
        return self.inherited_tokens + (self.ended.output_tokens if self.ended else 0)

    @property
    def think_id(self) -> str:
        return self.think.think_id

    @property
    def text(self) -> str:
        return self.written or self.sentences


class DraftWatch:
    """``observe`` everything that happens, in order; it gives the drafts and notes that were begun or whose fate
    changed just now."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Ahead] = OrderedDict()
        self._openings: OrderedDict[str, Ahead | None] = OrderedDict()
        """The draft whose words a think was given as its opening."""
        self._owners: OrderedDict[str, str] = OrderedDict()
        """The think that an utterance belongs to, if it began as a draft's."""
        self._foresights: OrderedDict[str, str] = OrderedDict()
        self._foreseen: deque[tuple[str, ...]] = deque(maxlen=REMEMBERED_ENDINGS)
        self._cause: Event | None = None
        self._committed = False
        """In this step of the conductor's."""

    def get(self, think_id: str | None) -> Ahead | None:
        return self._known.get(think_id or "")

    def owner(self, utterance_id: str) -> str | None:
        """The think that this utterance belongs to now, if it was begun for a draft."""
        return self._owners.get(utterance_id)

    def observe(self, happened: Event | Command) -> list[Ahead]:
        if isinstance(happened, Event):
            self._cause, self._committed = happened, False
        return list(self._thinking(happened)) + list(self._speaking(happened))

    # --- thinking -------------------------------------------------------------------------------------

    def _thinking(self, happened: Event | Command) -> Iterator[Ahead]:
        match happened:
            case do.Think():
                yield from self._begin(happened)
            case was.WordsWritten(think_id, text) if ahead := self.get(think_id):
                ahead.written += text
            case was.SentenceWritten(think_id, _, text) if ahead := self.get(think_id):
                ahead.sentences = join_texts(ahead.sentences, text)
            case was.EndingForeseen(think_id, ending) if think_id in self._foresights:
                self._foreseen.append(bare_words(join_texts(self._foresights[think_id], ending)))
            case was.OpeningVerified(think_id, text):
                yield from self._verified(think_id, text)
            case was.ThinkEnded():
                yield from self._ended(happened)
            case do.PromoteThinking(think_id) if ahead := self.get(think_id):
                yield from self._settle(ahead, Fate.PROMOTED)
            case do.CommitTurn():
                self._committed = True
            case do.EndTurn(turn_id):
                for ahead in self._known.values():
                    if ahead.think.turn_id == turn_id:
                        yield from self._settle(ahead, Fate.ABANDONED, "turn_ended")
            case _:
                pass

    def _begin(self, think: do.Think) -> Iterator[Ahead]:
        if think.opening:
            _remember(self._openings, think.think_id, self._find(think))
        if think.purpose is Purpose.FORESIGHT:
            _remember(self._foresights, think.think_id, think.basis)
        elif think.purpose in (Purpose.DRAFT, Purpose.NOTES):
            foreseen = think.purpose is Purpose.DRAFT and bare_words(think.basis) in self._foreseen
            ahead = Ahead(think, foreseen)
            _remember(self._known, think.think_id, ahead)
            yield ahead
        if think.opening_holds:
            yield from self._verified(think.think_id, think.opening)

    def _find(self, think: do.Think) -> Ahead | None:
        """The draft that wrote this opening; the last whose words begin with it, else the last that has speech."""
        kept = [
            ahead
            for ahead in reversed(self._known.values())
            if not ahead.fate.is_settled and ahead.utterance_id is not None
        ]
        opening = _squeezed(think.opening)
        same = [ahead for ahead in kept if _squeezed(ahead.text).startswith(opening)]
        return next(iter(same or kept), None)

    def _verified(self, think_id: str, text: str) -> Iterator[Ahead]:
        draft = self._openings.pop(think_id, None)
        if (ahead := self.get(think_id)) and text:
            ahead.written = ahead.sentences = text
        if draft is None:
            return
        if text:
            yield from self._take_over(draft, think_id)
        else:
            yield from self._settle(draft, Fate.ABANDONED, "not_verified")

    def _take_over(self, draft: Ahead, think_id: str) -> Iterator[Ahead]:
        """What this draft wrote, and the speech held of it, belong to another think from now on."""
        utterance_id, draft.utterance_id = draft.utterance_id, None
        if utterance_id is not None:
            self._owners[utterance_id] = think_id
        if ahead := self.get(think_id):
            ahead.utterance_id = utterance_id or ahead.utterance_id
            ahead.inherited_tokens += draft.output_tokens
        draft.taken_by = think_id
        yield from self._settle(draft, Fate.VERIFIED)

    def _ended(self, ended: was.ThinkEnded) -> Iterator[Ahead]:
        self._foresights.pop(ended.think_id, None)
        ahead = self.get(ended.think_id)
        if ahead is None:
            return
        ahead.ended = ended
        match ended.ending:
            case ThinkEnding.ABORTED:
                yield from self._settle(ahead, Fate.ABANDONED, "no_room")
            case ThinkEnding.FAILED:
                yield from self._settle(ahead, Fate.ABANDONED, "failed")
            case ThinkEnding.STOPPED if ahead.think.purpose is Purpose.DRAFT:
                yield from self._stopped(ahead)
            case _:
                pass

    def _stopped(self, ahead: Ahead) -> Iterator[Ahead]:
        """Without speech of it there is nothing to keep: it was thrown away."""
        if ahead.utterance_id is None:
            yield from self._settle(ahead, Fate.ABANDONED, ahead.reason or "stopped")
        elif ahead.fate is Fate.OPEN:
            ahead.fate, ahead.reason = Fate.FROZEN, "extended"
            yield ahead

    # --- speaking -------------------------------------------------------------------------------------

    def _speaking(self, happened: Event | Command) -> Iterator[Ahead]:
        match happened:
            case do.StopThinking(think_id) if (ahead := self.get(think_id)) and not ahead.fate.is_settled:
                ahead.reason = self._why()
            case do.Speak(utterance_id, think_id=str(think_id)):
                yield from self._spoken(utterance_id, think_id)
            case do.StopSpeaking(utterance_id):
                if ahead := self.get(self._owners.get(utterance_id)):
                    yield from self._settle(ahead, Fate.ABANDONED, self._why())
            case was.PlayoutEnded(utterance_id):
                self._owners.pop(utterance_id, None)
            case _:
                pass

    def _spoken(self, utterance_id: str, think_id: str) -> Iterator[Ahead]:
        owner = self._owners.get(utterance_id)
        if owner is not None and owner != think_id:
            if draft := self.get(owner):
                yield from self._take_over(draft, think_id)
            self._owners[utterance_id] = think_id
        elif owner is None and (ahead := self.get(think_id)):
            ahead.utterance_id = utterance_id
            _remember(self._owners, utterance_id, think_id)

    def _settle(self, ahead: Ahead, fate: Fate, reason: str = "") -> Iterator[Ahead]:
        if not ahead.fate.is_settled:
            ahead.fate, ahead.reason = fate, reason
            yield ahead

    def _why(self) -> str:
        match self._cause:
            case was.TranscriptRevised():
                return "contradicted"
            case was.OpeningVerified(text=""):
                return "not_verified"
            case was.InputCleared():
                return "cleared"
            case was.CallEnding():
                return "closing"
            case _:
                return "not_confirmed" if self._committed else "stopped"


def _remember(memory: OrderedDict[str, _Value], name: str, value: _Value) -> None:
    memory[name] = value
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _squeezed(text: str) -> str:
    """Without white space: sentences are joined otherwise than they were written."""
    return "".join(text.split())
