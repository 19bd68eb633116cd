"""Pure: what the caller is just hearing: it enters the history only when it has been heard."""

from __future__ import annotations

from collections import OrderedDict

from scheduler.commands import Command, Speak, StopSpeaking
from scheduler.events import Event, PlayoutEnded, PlayoutStarted
from scheduler.words import join_texts

REMEMBERED = 32
"""Utterances: one sounds, a few wait, and one for each draft is held."""


class Sounding:
    """``observe`` everything that happens; ``text`` is then what the voice was given of the utterance that sounds."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, str] = OrderedDict()
        self._growing: set[str] = set()
        """Utterances whose last sentence the voice has in part."""
        self._sounds: str | None = None

    @property
    def text(self) -> str:
        """``""``: nothing sounds, or it is being stopped."""
        return self._given.get(self._sounds or "", "").strip()

    def observe(self, _at: float, happened: Event | Command) -> None:
        match happened:
            case Speak():
                self._give(happened)
            case PlayoutStarted(utterance_id):
                self._sounds = utterance_id
            case StopSpeaking(utterance_id) | PlayoutEnded(utterance_id):
                self._sounds = None if self._sounds == utterance_id else self._sounds
            case _:
                pass

    def _give(self, speak: Speak) -> None:
        given, name = self._given.get(speak.utterance_id, ""), speak.utterance_id
        self._given[name] = given + speak.text if name in self._growing else join_texts(given, speak.text)
        if speak.complete:
            self._growing.discard(name)
        else:
            self._growing.add(name)
        while len(self._given) > REMEMBERED:
            self._growing.discard(self._given.popitem(last=False)[0])
