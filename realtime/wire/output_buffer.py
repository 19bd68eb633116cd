"""Pure: ``output_audio_buffer.*``, on lines that carry the sound themselves: what of a response sounds at the caller's end.

A response is over on the wire before its sound is: all of it has left, or it was stopped and fades. What the caller
heard of a stopped one is known on such lines, so the server truncates the items by itself.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from realtime.wire.conversation import ItemRecord
from realtime.wire.responses import Response
from realtime.wire.session_types import Json
from realtime.wire.state import WireState
from realtime.wire.turns import milliseconds
from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.words import join_texts

REMEMBERED = 64
"""Utterances that have not ended. Overflow policy: the oldest is forgotten; nothing of it is told any more."""


@dataclass(eq=False, slots=True)
class _Sound:
    """What is told of one response's sound. ``cut``: its utterances that were stopped, ``ended``: those that will not
    sound again."""

    response: Response
    started: bool = False
    expected: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    ended: dict[str, ev.PlayoutEnded] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return not self.expected and self.response.done

    @property
    def was_stopped(self) -> bool:
        return any(ended.stopped for ended in self.ended.values())


class OutputBuffer:
    def __init__(self, state: WireState) -> None:
        self._state = state
        self._sounds: OrderedDict[str, _Sound] = OrderedDict()
        """By utterance, those that have not ended."""
        self._waiting: list[_Sound] = []
        """Of which nothing will sound any more; their responses are not over yet."""

    def expect(self, utterance_id: str, response: Response) -> None:
        """The utterance will sound for ``response``."""
        if utterance_id in self._sounds:
            return
        sound = self._sound_of(response) or _Sound(response)
        sound.expected.add(utterance_id)
        self._sounds[utterance_id] = sound
        if len(self._sounds) > REMEMBERED:
            name, oldest = self._sounds.popitem(last=False)
            oldest.expected.discard(name)

    def _sound_of(self, response: Response) -> _Sound | None:
        known = [*self._sounds.values(), *self._waiting]
        return next((sound for sound in known if sound.response is response), None)

    def observe(self, happened: Event | Command) -> list[Json]:
        """After all that is told of the response itself."""
        events: list[Json] = []
        match happened:
            case ev.PlayoutStarted(utterance_id):
                events = self._started(utterance_id)
            case do.StopSpeaking(utterance_id) if sound := self._sounds.get(utterance_id):
                sound.cut.add(utterance_id)
            case ev.PlayoutEnded():
                self._ended(happened)
            case _:
                pass
        return events + self._over()

    def _started(self, utterance_id: str) -> list[Json]:
        """A short one may have left the server, and its response be over, before it reaches the caller. Of what was
        stopped in that moment, clients hear nothing."""
        sound = self._sounds.get(utterance_id)
        if sound is None or sound.started or utterance_id in sound.cut:
            return []
        sound.started = True
        return [self._tell("started", sound)]

    def _ended(self, ended: ev.PlayoutEnded) -> None:
        sound = self._sounds.pop(ended.utterance_id, None)
        if sound is None:
            return
        sound.expected.discard(ended.utterance_id)
        sound.ended[ended.utterance_id] = ended
        if not sound.expected and sound not in self._waiting:
            self._waiting.append(sound)

    def _over(self) -> list[Json]:
        if not self._waiting:
            return []
        over = [sound for sound in self._waiting if sound.is_over]
        self._waiting = [sound for sound in self._waiting if not sound.is_over and not sound.expected]
        return [event for sound in over for event in self._finish(sound)]

    def _finish(self, sound: _Sound) -> list[Json]:
        events = self._truncate(sound) if sound.was_stopped else []
        if sound.started:
            events.append(self._tell("cleared" if sound.was_stopped else "stopped", sound))
        return events

    def _tell(self, what: str, sound: _Sound) -> Json:
        return self._state.event(f"output_audio_buffer.{what}", response_id=sound.response.id)

    # --- what was not heard ---------------------------------------------------------------------------

    def _truncate(self, sound: _Sound) -> list[Json]:
        """Each item of the conversation of which not all was heard; one of which nothing had left is as it was."""
        records = [self._state.conversation.find_spoken(name) for name, ended in sound.ended.items() if ended.stopped]
        named = {record.item["id"]: record for record in records if record and any(record.spoken.values())}
        return [self._truncate_item(record, sound) for record in named.values()]

    def _truncate_item(self, record: ItemRecord, sound: _Sound) -> Json:
        """From now on the item is as long as what was heard of it, and so are its words."""
        heard = [sound.ended[name] for name in record.spoken if name in sound.ended]
        for ended in heard:
            record.spoken[ended.utterance_id] = ended.heard_seconds
        if record.item["content"]:
            text = join_texts(*(ended.text for ended in heard))
            record.item["content"] = [{"type": "output_audio", "transcript": text}]
        return self._state.event(
            "conversation.item.truncated",
            item_id=record.item["id"],
            content_index=0,
            audio_end_ms=milliseconds(sum(record.spoken.values())),
        )
