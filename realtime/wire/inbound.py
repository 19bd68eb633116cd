"""Pure: from a client's event to what it asks of the session (intents) and what is answered at once (events).

Every event either is carried out or answered by exactly one ``error`` with the client's ``event_id``;
a refused event changes nothing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never

from pydantic import ValidationError

from realtime.wire import intents as want
from realtime.wire.audio_format import RATES_HZ, SAMPLE_BYTES
from realtime.wire.errors import WireError, from_validation
from realtime.wire.intents import Intent
from realtime.wire.items import decode_audio, item_for_kernel, item_for_wire, place_of
from realtime.wire.mapper import WireMapper
from realtime.wire.session_port import Item, MessageItem, Place, ReferenceItem, ResponseParams
from realtime.wire.session_state import function_tools, token_limit, tool_choice_name
from realtime.wire.session_types import Json
from realtime.wire.state import ResponseRequest, WireState
from realtime.wire.types import (
    CLIENT_EVENTS,
    ClientEvent,
    InputAudioAppend,
    InputAudioClear,
    InputAudioCommit,
    ItemCreate,
    ItemDelete,
    ItemReferenceIn,
    ItemRetrieve,
    ItemTruncate,
    OutputAudioClear,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    SessionUpdate,
    ToolCancel,
)

MIN_COMMIT_SECONDS = 0.1
"""As in the API: less audio than this can't be committed."""

MAX_UNREAD_ITEMS = 8
"""Spoken items that wait to be recognised; each may hold 15 MiB of audio."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a client's event. ``events`` are sent before the intents are carried out."""

    events: tuple[Json, ...] = ()
    intents: tuple[Intent, ...] = ()


class Inbound:
    """Checks client events against the state of the wire, and keeps it."""

    def __init__(self, state: WireState, mapper: WireMapper) -> None:
        self._state = state
        self._mapper = mapper

    def take_text(self, frame: str | bytes) -> Outcome:
        """One frame of the socket."""
        try:
            event = parse(frame)
        except WireError as error:
            return self.refuse(error)
        return self.take(event)

    def take(self, event: Json) -> Outcome:
        """One JSON object."""
        event_id = event.get("event_id")
        try:
            return self._carry_out(check(event))
        except WireError as error:
            error.event_id = event_id if isinstance(event_id, str) else None
            return self.refuse(error)

    def refuse(self, error: WireError) -> Outcome:
        return Outcome((self._state.event("error", error=error.body()),))

    def _carry_out(self, event: ClientEvent) -> Outcome:
        match event:
            case InputAudioAppend():
                return self._append(event)
            case InputAudioCommit():
                return self._commit()
            case InputAudioClear():
                self._state.clock.take_all()
                return Outcome((self._state.event("input_audio_buffer.cleared"),), (want.ClearInput(),))
            case OutputAudioClear():
                return self._clear_output()
            case SessionUpdate(session=session):
                return self._update_session(session)
            case ItemCreate():
                return self._create_item(event)
            case ItemDelete():
                return self._delete_item(event)
            case ItemRetrieve(item_id=item_id):
                record = self._state.conversation.get(item_id, "item_retrieve_invalid_item_id")
                return Outcome((self._state.event("conversation.item.retrieved", item=dict(record.item)),))
            case ItemTruncate():
                return self._truncate(event)
            case ResponseCreate(response=response):
                return self._respond(response or ResponseCreateParams())
            case ResponseCancel():
                return self._cancel(event)
            case ToolCancel(call_id=call_id, event_id=event_id):
                return Outcome(intents=(want.CancelTool(call_id, event_id),))
            case _:
                assert_never(event)

    # --- audio ----------------------------------------------------------------------------------------

    @property
    def _sample_bytes(self) -> int:
        return SAMPLE_BYTES[self._state.session.input_format]

    def _append(self, event: InputAudioAppend) -> Outcome:
        if self._state.media:
            message = (
                "This line carries sound by itself: speak on its audio track instead of sending "
                "'input_audio_buffer.append'."
            )
            raise WireError(message, "input_audio_buffer_append_not_supported", "type")
        data = decode_audio(event.audio, self._sample_bytes, "audio")
        rate_hz = RATES_HZ[self._state.session.input_format]
        self._state.clock.appended_seconds += len(data) / self._sample_bytes / rate_hz
        return Outcome(intents=(want.AppendAudio(data),)) if data else Outcome()

    def _commit(self) -> Outcome:
        waiting = self._state.clock.waiting_seconds
        if waiting < MIN_COMMIT_SECONDS - 1e-9:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {waiting * 1000:.2f}ms of audio."
            )
            raise WireError(message, "input_audio_buffer_commit_empty")
        self._state.clock.take_all()
        return Outcome(intents=(want.CommitInput(),))

    def _clear_output(self) -> Outcome:
        """As in the API, where only the server's own buffer can be cleared."""
        if not self._state.media:
            message = (
                "'output_audio_buffer.clear' is for WebRTC and SIP, where the server holds the audio that has not been "
                "played. Here, stop playing and send 'conversation.item.truncate'."
            )
            raise WireError(message, "output_audio_buffer_clear_not_supported", "type")
        return Outcome(intents=(want.ClearOutput(),))

    # --- the session ----------------------------------------------------------------------------------

    def _update_session(self, changes: Json) -> Outcome:
        state = self._state
        heard = not state.media and state.clock.appended_seconds > 0  # a media line is never silent
        untouched = not len(state.conversation) and not heard and not self._mapper.running
        state.session.update(changes, may_change_type=untouched)
        updated = state.event("session.updated", session=state.session.echo())
        return Outcome((updated,), (want.Configure(state.session.config()),))

    # --- items ----------------------------------------------------------------------------------------

    def _create_item(self, event: ItemCreate) -> Outcome:
        conversation = self._state.conversation
        previous = event.previous_item_id
        if event.item.id and conversation.taken(event.item.id):
            message = f"Item with id '{event.item.id}' already exists in the conversation."
            raise WireError(message, "item_create_duplicate_item_id", "item.id")
        if previous not in (None, "root"):
            conversation.get(str(previous), "item_create_invalid_previous_item_id", "previous_item_id")
        item_id = event.item.id or self._state.new_id("item")
        wire_item = item_for_wire(event.item, item_id, self._new_call_id(event.item))
        item = self._for_kernel(event.item, wire_item, "item")
        self._check_room_to_read(item)
        record = conversation.record_of_client(wire_item, [place_of(item)])
        after = self._place_before_new(previous)
        predecessor = conversation.insert(record, previous)
        events = tuple(
            self._state.event(kind, previous_item_id=predecessor, item=dict(wire_item))
            for kind in ("conversation.item.added", "conversation.item.done")
        )
        return Outcome(events, (want.CreateItem(item, after),))

    def _check_room_to_read(self, item: Item) -> None:
        if isinstance(item, MessageItem) and item.audio and self._state.unread_items() >= MAX_UNREAD_ITEMS:
            message = (
                f"{MAX_UNREAD_ITEMS} spoken items are still being transcribed. Send this one again later, "
                "or send it with a 'transcript'."
            )
            raise WireError(message, "too_many_unread_items", "item")

    def _new_call_id(self, item: Any) -> str:
        """Only a function call without a name of its own needs one."""
        return self._state.new_id("call") if item.type == "function_call" and not item.call_id else ""

    def _for_kernel(self, item: Any, wire_item: Json, param: str) -> Item:
        return item_for_kernel(item, wire_item, audio_format=self._state.session.input_format, param=param)

    def _place_before_new(self, previous: str | None) -> Place | Literal["root"] | None:
        """Where the kernel is to insert: after the nearest predecessor that stands in its history."""
        conversation = self._state.conversation
        if previous is None or previous == conversation.last_item_id:
            return None
        while previous is not None and previous != "root":
            record = conversation.find(previous)
            if record and record.places:
                return record.places[-1]
            previous = conversation.predecessor(previous)
        return "root"

    def _delete_item(self, event: ItemDelete) -> Outcome:
        record = self._state.conversation.get(event.item_id, "item_delete_invalid_item_id")
        self._state.conversation.delete(event.item_id)
        deleted = self._state.event("conversation.item.deleted", item_id=event.item_id)
        return Outcome((deleted,), tuple(want.DeleteItem(place) for place in record.places))

    def _truncate(self, event: ItemTruncate) -> Outcome:
        record = self._state.conversation.get(event.item_id, "item_truncate_invalid_item_id")
        if record.item.get("role") != "assistant":
            message = "Only model output audio messages can be truncated."
            raise WireError(message, "item_truncate_invalid_item_id", "item_id")
        length_ms = math.ceil(sum(record.spoken.values()) * 1000 - 1e-6)
        truncated = self._state.event(
            "conversation.item.truncated",
            item_id=event.item_id,
            content_index=event.content_index,
            audio_end_ms=min(event.audio_end_ms, length_ms) if record.spoken else event.audio_end_ms,
        )
        cuts = record.cut(event.audio_end_ms / 1000)
        return Outcome((truncated,), tuple(want.Truncate(name, seconds) for name, seconds in cuts))

    # --- responses ------------------------------------------------------------------------------------

    def _respond(self, asked: ResponseCreateParams) -> Outcome:
        if not self._state.session.is_realtime:
            raise WireError("A transcription session gives no responses.", "invalid_value", "type")
        in_conversation = asked.conversation != "none"
        if in_conversation and self._mapper.conversation_is_busy:
            raise WireError(
                "Conversation already has an active response in progress. Wait until it is finished, or cancel it, "
                "before creating a new one.",
                "conversation_already_has_active_response",
            )
        fields = self._response_fields(asked)
        params = self._response_params(asked, audible=fields["output_modalities"] == ["audio"])
        request_id = self._state.new_id("req")
        self._mapper.requested(request_id, ResponseRequest(fields, in_conversation))
        return Outcome(intents=(want.Respond(request_id, params),))

    def _response_fields(self, asked: ResponseCreateParams) -> Json:
        fields = self._state.session.response_defaults()
        if asked.output_modalities is not None:
            fields["output_modalities"] = ["audio"] if "audio" in asked.output_modalities else ["text"]
        if asked.max_output_tokens is not None:
            fields["max_output_tokens"] = asked.max_output_tokens
        return fields | {"metadata": asked.metadata}

    def _response_params(self, asked: ResponseCreateParams, *, audible: bool) -> ResponseParams:
        params = ResponseParams(
            audible=audible,
            in_conversation=asked.conversation != "none",
            instructions=asked.instructions,
            max_output_tokens=token_limit(asked.max_output_tokens),
            temperature=asked.temperature,
            reasoning_effort=asked.reasoning.effort if asked.reasoning else None,
        )
        if asked.tools is not None:
            params = replace(params, tools=function_tools([tool.model_dump() for tool in asked.tools]))
        if asked.tool_choice is not None:
            params = replace(params, tool_choice=tool_choice_name(asked.tool_choice))
        return replace(params, input_items=self._input_items(asked)) if asked.input is not None else params

    def _input_items(self, asked: ResponseCreateParams) -> tuple[Item | ReferenceItem, ...]:
        items: list[Item | ReferenceItem] = []
        for index, item in enumerate(asked.input or ()):
            param = f"response.input[{index}]"
            if isinstance(item, ItemReferenceIn):
                record = self._state.conversation.get(item.id, "invalid_value", f"{param}.id")
                items += [ReferenceItem(place) for place in record.places]
            else:
                wire_item = item_for_wire(item, item.id or self._state.new_id("item"), self._new_call_id(item))
                items.append(self._for_kernel(item, wire_item, param))
        return tuple(items)

    def _cancel(self, event: ResponseCancel) -> Outcome:
        running = self._mapper.running
        if event.response_id is None:
            if self._mapper.awaits_response or any(response.in_conversation for response in running):
                return self._cancel_think(None)
        else:
            found = [response for response in running if response.id == event.response_id]
            if found:
                return self._cancel_think(found[0].think_id)
        raise WireError("Cancellation failed: no active response found", "response_cancel_not_active")

    def _cancel_think(self, think_id: str | None) -> Outcome:
        """A request that had not begun is taken back quietly: clients were told of no response yet."""
        if think_id is None:
            self._mapper.took_back()
        return Outcome(intents=(want.Cancel(think_id),))


def parse(frame: str | bytes) -> Json:
    """One frame as a JSON object. Raises ``WireError``."""
    try:
        event = json.loads(frame, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        raise WireError("The message is not valid JSON.", "invalid_json") from None
    if not isinstance(event, dict):
        raise WireError("The message must be a JSON object with a 'type'.", "invalid_type")
    return event


def _finite(number: str) -> float:
    """JSON knows no infinity, though Python's reader does, and such a value could not be echoed."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def check(event: Json) -> ClientEvent:
    """Raises ``WireError``."""
    kind = event.get("type")
    if kind is None:
        raise WireError("Missing required parameter: 'type'.", "missing_required_parameter", "type")
    adapter = CLIENT_EVENTS.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        supported = ", ".join(f"'{name}'" for name in CLIENT_EVENTS)
        raise WireError(f"Invalid value for 'type'. Supported values are: {supported}.", "invalid_value", "type")
    try:
        return adapter.validate_python(event)
    except ValidationError as error:
        raise from_validation(error) from None
