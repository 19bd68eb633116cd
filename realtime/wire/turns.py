"""Pure: the user's turns on the wire: speech events, committed items and their transcription."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from realtime.wire.conversation import ItemRecord
from realtime.wire.session_port import Place, TurnPlace
from realtime.wire.session_types import Json
from realtime.wire.state import WireState
from scheduler.commands import AmendTurn, CommitTurn, EndTurn, OpenTurn
from scheduler.events import TranscriptRevised
from scheduler.pcm import join_words
from scheduler.words import join_texts

MAX_AWAITED = 16
"""Committed turns whose final transcript is still awaited; beyond that the oldest is given up."""


def milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 0)


@dataclass(slots=True)
class _OpenTurn:
    turn_id: str
    item_id: str


@dataclass(slots=True)
class _Awaited:
    """A committed item whose transcription is not complete. ``sent``: what its deltas held so far."""

    record: ItemRecord
    seconds: float
    sent: str


class Turns:
    """Follows the open turn and the transcription of those that were committed."""

    def __init__(self, state: WireState) -> None:
        self._state = state
        self._open: _OpenTurn | None = None
        self._early_item_id: str | None = None
        self._stable: dict[int, str] = {}
        self._sent = ""
        self._first_segment = 0
        self._ears_failed = False
        self._voice_end_seconds = 0.0
        self._awaited: OrderedDict[str, _Awaited] = OrderedDict()

    # --- a turn ---------------------------------------------------------------------------------------

    def opened(self, turn: OpenTurn) -> list[Json]:
        item_id = self._new_item_id()
        self._open = _OpenTurn(turn.turn_id, item_id)
        self._voice_end_seconds = turn.audio_start_seconds
        started = self._state.event(
            "input_audio_buffer.speech_started",
            audio_start_ms=milliseconds(turn.audio_start_seconds),
            item_id=item_id,
        )
        return [started, *self._live_delta()]

    def speech_stopped(self, audio_seconds: float) -> None:
        """A pause, which ends the turn only if the conductor says so."""
        self._voice_end_seconds = audio_seconds

    def committed(self, turn: CommitTurn) -> list[Json]:
        left = self._leave(turn.turn_id)
        events = self._stopped(left, turn.audio_end_seconds) if left else []
        if not turn.by_hand:
            self._state.clock.take_until(turn.audio_end_seconds)
        text = self._take_segments(turn.segments)
        record = self._record(left.item_id if left else self._new_item_id(), [TurnPlace(turn.turn_id)])
        if self._state.session.transcribes and turn.final:
            record.item["content"][0]["transcript"] = turn.transcript
        events += self.add_item(record)
        seconds = max(turn.audio_end_seconds - turn.audio_start_seconds, 0.0)
        awaited = _Awaited(record, seconds, self._sent)
        self._sent = ""
        return events + self._transcription(turn, awaited, text)

    def ended(self, turn: EndTurn) -> list[Json]:
        """Only a turn that was opened and never committed needs an event: clients wait for the end of speech."""
        left = self._leave(turn.turn_id)
        return self._stopped(left, self._voice_end_seconds) if left else []

    def _leave(self, turn_id: str) -> _OpenTurn | None:
        """The open turn, if it is this one; none is open then."""
        turn = self._open
        if turn is None or turn.turn_id != turn_id:
            return None
        self._open = None
        return turn

    def _stopped(self, turn: _OpenTurn, end_seconds: float) -> list[Json]:
        end = milliseconds(end_seconds)
        return [self._state.event("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=turn.item_id)]

    def _new_item_id(self) -> str:
        item_id, self._early_item_id = self._early_item_id, None
        return item_id or self._state.new_id("item")

    def _record(self, item_id: str, places: list[Place]) -> ItemRecord:
        item: Json = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        return ItemRecord(item, places)

    def add_item(self, record: ItemRecord) -> list[Json]:
        """committed, added, done."""
        previous = self._state.conversation.append(record)
        committed = self._state.event(
            "input_audio_buffer.committed", previous_item_id=previous, item_id=record.item["id"]
        )
        joined = [
            self._state.event(kind, previous_item_id=previous, item=_copy(record.item))
            for kind in ("conversation.item.added", "conversation.item.done")
        ]
        return [committed, *joined]

    def timed_out(self, silence_seconds: float) -> list[Json]:
        """The idle time is over: as in the API, the silence is committed as an empty item."""
        end = self._state.clock.appended_seconds
        record = self._record(self._state.new_id("item"), [])
        triggered = self._state.event(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=milliseconds(end - silence_seconds),
            audio_end_ms=milliseconds(end),
            item_id=record.item["id"],
        )
        self._state.clock.take_all()
        return [triggered, *self.add_item(record)]

    def input_cleared(self) -> None:
        self._stable.clear()
        self._sent = ""
        self._early_item_id = None

    # --- transcription --------------------------------------------------------------------------------

    def revised(self, revision: TranscriptRevised) -> list[Json]:
        if revision.segment < self._first_segment:
            return []
        self._stable[revision.segment] = join_words(revision.stable)
        return self._live_delta()

    def _live_delta(self) -> list[Json]:
        """Transcription sessions get words as they become certain; others when their item has been added."""
        if self._state.session.is_realtime:
            return []
        delta = _beyond(self._sent, self._text())
        item_id = self._item_id_for_words()
        if not delta or item_id is None:
            return []
        self._sent += delta
        return [self._delta(item_id, delta)]

    def _item_id_for_words(self) -> str | None:
        """With push to talk no turn is open yet: the name that its item will get."""
        if self._open:
            return self._open.item_id
        if self._state.session.input.turn_detection is not None:
            return None
        if self._early_item_id is None:
            self._early_item_id = self._state.new_id("item")
        return self._early_item_id

    def _text(self) -> str:
        return join_texts(*(text for _, text in sorted(self._stable.items())))

    def _take_segments(self, segments: tuple[int, ...]) -> str:
        """The stable words of these segments, which no later turn can have."""
        text = join_texts(*(self._stable.get(number, "") for number in sorted(segments)))
        if segments:
            self._first_segment = max(self._first_segment, max(segments) + 1)
        self._stable = {number: words for number, words in self._stable.items() if number >= self._first_segment}
        return text

    def _transcription(self, turn: CommitTurn, awaited: _Awaited, stable: str) -> list[Json]:
        ears_failed, self._ears_failed = self._ears_failed, False
        if not self._state.session.transcribes:
            return []
        if turn.final:
            return self._complete(awaited, turn.transcript)
        if ears_failed:
            return [self._failed(awaited.record)]
        self._awaited[turn.turn_id] = awaited
        if len(self._awaited) > MAX_AWAITED:
            _, oldest = self._awaited.popitem(last=False)
            return [self._failed(oldest.record), *self._more(awaited, stable)]
        return self._more(awaited, stable)

    def amended(self, turn: AmendTurn) -> list[Json]:
        awaited = self._awaited.pop(turn.turn_id, None)
        if awaited is None:
            return []
        awaited.record.item["content"][0]["transcript"] = turn.transcript
        return self._complete(awaited, turn.transcript)

    def ears_failed(self) -> list[Json]:
        """The words of open turns may be lost: those awaited are told, the open one when it is committed."""
        self._ears_failed = True
        events = [self._failed(awaited.record) for awaited in self._awaited.values()]
        self._awaited.clear()
        return events

    def _more(self, awaited: _Awaited, text: str) -> list[Json]:
        delta = _beyond(awaited.sent, text)
        awaited.sent += delta
        return [self._delta(awaited.record.item["id"], delta)] if delta else []

    def _complete(self, awaited: _Awaited, transcript: str) -> list[Json]:
        completed = self._state.event(
            "conversation.item.input_audio_transcription.completed",
            item_id=awaited.record.item["id"],
            content_index=0,
            transcript=transcript,
            usage={"type": "duration", "seconds": round(awaited.seconds, 3)},
        )
        return [*self._more(awaited, transcript), completed]

    def _delta(self, item_id: str, delta: str) -> Json:
        kind = "conversation.item.input_audio_transcription.delta"
        return self._state.event(kind, item_id=item_id, content_index=0, delta=delta)

    def item_unread(self, item_id: str) -> list[Json]:
        """The audio of a client's item could not be recognised."""
        record = self._state.conversation.find(item_id)
        return [self._failed(record)] if record else []

    def _failed(self, record: ItemRecord) -> Json:
        error = {
            "type": "transcription_error",
            "code": "recognizer_failed",
            "message": "Speech recognition failed during this item; its words may be lost.",
        }
        return self._state.event(
            "conversation.item.input_audio_transcription.failed",
            item_id=record.item["id"],
            content_index=_index_of_audio(record),
            error=error,
        )


def _index_of_audio(record: ItemRecord) -> int:
    """Of the part that has no words; a client's item may begin with text."""
    parts = enumerate(record.item["content"])
    return next((index for index, part in parts if "audio" in part["type"] and not part.get("transcript")), 0)


def _beyond(sent: str, text: str) -> str:
    """What ``text`` adds to ``sent``; nothing where it does not go on from it (the completed event settles that)."""
    return text[len(sent) :] if text.startswith(sent) else ""


def _copy(item: Json) -> Json:
    return item | {"content": [dict(part) for part in item["content"]]}
