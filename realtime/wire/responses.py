"""Pure: one response on the wire, from ``response.created`` to its one ``response.done``."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Literal

from realtime.wire.conversation import ItemRecord
from realtime.wire.session_port import CallPlace, Place, ThinkPlace
from realtime.wire.session_types import Json
from realtime.wire.state import WireState
from realtime.wire.transcript import SpokenText
from scheduler.pcm import WordTime

AUDIO_EVENT_BYTES = 32 * 1024
"""Raw audio in one delta; an even number. In base64 that stays under the 64 KiB that data channels allow."""

Status = Literal["completed", "cancelled", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class Closing:
    """How a response ends. ``details``: its ``status_details``."""

    status: Status
    details: Json | None = None


COMPLETED = Closing("completed")
OUT_OF_TOKENS = Closing("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})


CancelReason = Literal["turn_detected", "client_cancelled"]


def cancelled(reason: CancelReason | None) -> Closing:
    details: Json = {"type": "cancelled"}
    return Closing("cancelled", details | {"reason": reason} if reason else details)


def failed(message: str) -> Closing:
    error = {"type": "server_error", "code": "language_model_failed", "message": message}
    return Closing("failed", {"type": "failed", "error": error})


@dataclass(slots=True)
class _Message:
    """The assistant message that is being written or spoken."""

    record: ItemRecord
    output_index: int
    spoken: SpokenText = field(default_factory=SpokenText)
    text: str = ""


class Response:
    """Builds the events of one response, in the order clients rely on.

    ``audible``: its text travels with its audio. ``in_conversation``: its items join the conversation. ``unasked``: begun
    by the server on its own (a greeting, a report, an apology): a client's request takes its place.
    The kernel decides when it is over (``finish``); afterwards nothing comes from it any more.
    """

    def __init__(
        self,
        state: WireState,
        fields: Json,
        *,
        think_id: str | None,
        audible: bool = True,
        in_conversation: bool = True,
        unasked: bool = False,
    ) -> None:
        self.id = state.new_id("resp")
        self.think_id = think_id
        self.audible = audible
        self.in_conversation = in_conversation
        self.is_unasked = unasked
        self.sounding: set[str] = set()
        """Utterances that are not through yet."""
        self.closing: Closing | None = None if think_id else COMPLETED
        """How it will end once all is said; ``None`` while it is still being thought."""
        self.tokens = (0, 0, 0)
        """Input, output and cached tokens."""
        self.done = False
        self._state = state
        self._fields = fields
        self._output: list[Json] = []
        self._message: _Message | None = None

    # --- beginning ------------------------------------------------------------------------------------

    def created(self) -> list[Json]:
        return [self._state.event("response.created", response=self._body("in_progress", None))]

    def _body(self, status: str, details: Json | None) -> Json:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [dict(item) for item in self._output],
            "conversation_id": self._state.conversation_id if self.in_conversation else None,
            **self._fields,
        }

    # --- a message ------------------------------------------------------------------------------------

    def expect_speech(self, utterance_id: str, index: int, sentence: str) -> list[Json]:
        """A sentence, or more of one, is being rendered."""
        events, message = self._open_message()
        message.record.place_utterance(utterance_id)
        message.spoken.expect(utterance_id, index, sentence)
        self.sounding.add(utterance_id)
        return events

    def await_speech(self, utterance_id: str) -> None:
        """Speech that was rendered ahead is held back; it belongs to this response, which does not end without it."""
        self.sounding.add(utterance_id)

    def give_up_speech(self, utterance_id: str) -> None:
        """Speech that was held back will never sound."""
        self.sounding.discard(utterance_id)

    def speech_skipped(self, utterance_id: str, index: int) -> None:
        """A sentence (a filler) ends at its next word boundary."""
        if self._message:
            self._message.spoken.skip(utterance_id, index)

    def speech_failed(self, utterance_id: str, index: int) -> None:
        if self._message:
            self._message.spoken.forget(utterance_id, index)

    def speak(self, utterance_id: str, audio: bytes, seconds: float, words: tuple[WordTime, ...]) -> list[Json]:
        """Audio leaves: first the words that begin in it, then the audio itself."""
        events, message = self._open_message()
        message.record.place_utterance(utterance_id)
        message.record.spoken[utterance_id] += seconds
        added = "".join(message.spoken.say(word.text) for word in words)
        events += self._transcript_delta(message, added)
        for start in range(0, len(audio), AUDIO_EVENT_BYTES):
            delta = base64.b64encode(audio[start : start + AUDIO_EVENT_BYTES]).decode("ascii")
            events.append(self._part_event("response.output_audio.delta", message, delta=delta))
        return events

    def write(self, text: str) -> list[Json]:
        """Text of an answer that is not spoken."""
        if not self._message and not text.strip():
            return []
        events, message = self._open_message()
        text = text if message.text else text.lstrip()
        message.text += text
        return [*events, self._part_event("response.output_text.delta", message, delta=text)]

    def speech_is_through(self, utterance_id: str) -> list[Json]:
        """All audio of the utterance has left."""
        self.sounding.discard(utterance_id)
        if self.sounding or not self._message:
            return []
        return self._transcript_delta(self._message, self._message.spoken.say_rest()) + self._close_message("completed")

    def _open_message(self) -> tuple[list[Json], _Message]:
        if self._message:
            return [], self._message
        item: Json = {
            "id": self._state.new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        places: list[Place] = [] if self.audible or not self.think_id else [ThinkPlace(self.think_id)]
        record = ItemRecord(item, places)
        message = self._message = _Message(record, len(self._output))
        events = self._add_item(record)
        part: Json = {"type": "audio", "transcript": ""} if self.audible else {"type": "text", "text": ""}
        events.append(self._part_event("response.content_part.added", message, part=part))
        return events, message

    def _transcript_delta(self, message: _Message, added: str) -> list[Json]:
        return [self._part_event("response.output_audio_transcript.delta", message, delta=added)] if added else []

    def _close_message(self, status: Literal["completed", "incomplete"]) -> list[Json]:
        message = self._message
        if not message:
            return []
        self._message = None
        if self.audible:
            transcript = message.spoken.text
            content: Json = {"type": "output_audio", "transcript": transcript}
            part: Json = {"type": "audio", "transcript": transcript}
            events = [
                self._part_event("response.output_audio.done", message),
                self._part_event("response.output_audio_transcript.done", message, transcript=transcript),
            ]
        else:
            content, part = {"type": "output_text", "text": message.text}, {"type": "text", "text": message.text}
            events = [self._part_event("response.output_text.done", message, text=message.text)]
        events.append(self._part_event("response.content_part.done", message, part=part))
        message.record.item |= {"status": status, "content": [content]}
        return events + self._item_done(message.record, message.output_index)

    # --- a function call ------------------------------------------------------------------------------

    def call_function(self, call_id: str, name: str, arguments: str) -> list[Json]:
        item: Json = {
            "id": self._state.new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": name,
            "call_id": call_id,
            "arguments": "",
        }
        record = ItemRecord(item, [CallPlace(call_id)])
        index = len(self._output)
        events = self._add_item(record)
        where = {"response_id": self.id, "item_id": item["id"], "output_index": index, "call_id": call_id}
        record.item |= {"status": "completed", "arguments": arguments}
        return [
            *events,
            self._state.event("response.function_call_arguments.delta", **where, delta=arguments),
            self._state.event("response.function_call_arguments.done", **where, name=name, arguments=arguments),
            *self._item_done(record, index),
        ]

    # --- the end --------------------------------------------------------------------------------------

    def finish(self, closing: Closing) -> list[Json]:
        """The closing events of what is open, then ``response.done``. Only once."""
        if self.done:
            return []
        events = self._close_message("completed" if closing.status == "completed" else "incomplete")
        self.done = True
        body = self._body(closing.status, closing.details) | {"usage": self._usage()}
        return [*events, self._state.event("response.done", response=body)]

    def _usage(self) -> Json:
        read, written, cached = self.tokens
        return {
            "total_tokens": read + written,
            "input_tokens": read,
            "output_tokens": written,
            "input_token_details": {
                "text_tokens": read,
                "audio_tokens": 0,
                "image_tokens": 0,
                "cached_tokens": cached,
                "cached_tokens_details": {"text_tokens": cached, "audio_tokens": 0, "image_tokens": 0},
            },
            "output_token_details": {"text_tokens": written, "audio_tokens": 0},
        }

    # --- items ----------------------------------------------------------------------------------------

    def _add_item(self, record: ItemRecord) -> list[Json]:
        index = len(self._output)
        self._output.append(record.item)
        added = self._state.event(
            "response.output_item.added", response_id=self.id, output_index=index, item=dict(record.item)
        )
        if not self.in_conversation:
            return [added]
        previous = self._state.conversation.append(record)
        joined = self._state.event("conversation.item.added", previous_item_id=previous, item=dict(record.item))
        return [added, joined]

    def _item_done(self, record: ItemRecord, output_index: int) -> list[Json]:
        item = dict(record.item)
        done = self._state.event("response.output_item.done", response_id=self.id, output_index=output_index, item=item)
        if item["id"] not in self._state.conversation:
            return [done]
        previous = self._state.conversation.predecessor(item["id"])
        return [done, self._state.event("conversation.item.done", previous_item_id=previous, item=dict(item))]

    def _part_event(self, kind: str, message: _Message, **fields: object) -> Json:
        return self._state.event(
            kind,
            response_id=self.id,
            item_id=message.record.item["id"],
            output_index=message.output_index,
            content_index=0,
            **fields,
        )
