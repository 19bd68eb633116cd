"""Pure: which part of what was heard is filler, and when the answer's own words began to sound.

Fillers are the leading sentences of an answer's utterance, and may be cut short.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduler import commands as do
from scheduler import events as was
from scheduler.commands import Command, SpeakSource
from scheduler.events import Event


def filler_end(heard: str, fillers: Iterable[str]) -> int:
    """How many characters of ``heard`` are filler. A filler that was cut short ends where the answer reads on."""
    end = 0
    for filler in fillers:
        start = end + len(heard[end:]) - len(heard[end:].lstrip())
        same = _common(heard[start:], filler.strip())
        end = start + same if same else end
    return end


def _common(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((index for index, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


@dataclass(slots=True)
class _Lead:
    """An utterance that began with fillers."""

    texts: list[str] = field(default_factory=list)
    indexes: set[int] = field(default_factory=set)
    rendered_seconds: float = 0.0
    """Of the fillers; not known of one that is cut short."""
    heard_seconds: float = 0.0


class SubstanceWatch:
    """``observe`` gives the moment at which an utterance's own words began to sound, once for each utterance.

    Behind fillers only the words heard tell of it: the moment is reckoned back from the first of them.
    """

    def __init__(self) -> None:
        self._sources: dict[str, SpeakSource] = {}
        self._leads: dict[str, _Lead] = {}

    def observe(self, at: float, happened: Event | Command) -> float | None:
        match happened:
            case do.Speak():
                self._speak(happened)
            case do.SkipSentence(utterance_id) if lead := self._leads.get(utterance_id):
                lead.rendered_seconds = 0.0
            case was.SpeechRendered(utterance_id, index, seconds) if lead := self._leads.get(utterance_id):
                lead.rendered_seconds += seconds if index in lead.indexes else 0.0
            case was.PlayoutStarted(utterance_id) if self._sources.get(utterance_id) is SpeakSource.MODEL:
                return at
            case was.WordsHeard(utterance_id) if utterance_id in self._leads:
                return self._heard(at, happened)
            case was.PlayoutEnded(utterance_id):
                self._sources.pop(utterance_id, None)
                self._leads.pop(utterance_id, None)
            case _:
                pass
        return None

    def _speak(self, speak: do.Speak) -> None:
        source = self._sources.setdefault(speak.utterance_id, speak.source)
        if source is SpeakSource.FILLER and speak.source is SpeakSource.FILLER:
            lead = self._leads.setdefault(speak.utterance_id, _Lead())
            lead.texts.append(speak.text)
            lead.indexes.add(speak.index)

    def _heard(self, at: float, heard: was.WordsHeard) -> float | None:
        lead = self._leads[heard.utterance_id]
        if heard.text[filler_end(heard.text, lead.texts) :].strip():
            del self._leads[heard.utterance_id]
            before = max(lead.heard_seconds, lead.rendered_seconds)
            return at - max(heard.heard_seconds - before, 0.0)
        lead.heard_seconds = heard.heard_seconds
        return None
