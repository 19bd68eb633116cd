"""Pure: what clients may send, as pydantic models of the OpenAI Realtime GA events.

Only what this server acts on is checked; unknown fields are tolerated, so that newer clients work. What the
server sends is built as plain dictionaries by the other modules here, and held against the models of the
``openai`` package in the tests. Session objects are in ``realtime/wire/session_types.py``.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from realtime.wire.session_types import ItemTool, MaxTokens, Modalities, Reasoning, ToolChoice


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


# --- conversation items -------------------------------------------------------------------------------


class TextContent(Lenient):
    """``input_text`` and ``output_text``; the beta protocol says ``text``."""

    type: Literal["input_text", "output_text", "text"]
    text: str


class AudioContent(Lenient):
    """Base64 audio in the session's input format, and/or what is said in it."""

    type: Literal["input_audio", "output_audio", "audio"]
    audio: str | None = None
    transcript: str | None = None


class ImageContent(Lenient):
    """Tolerated and echoed; no engine here looks at pictures yet."""

    type: Literal["input_image"]
    image_url: str | None = None
    detail: str | None = None


Content = Annotated[TextContent | AudioContent | ImageContent, Field(discriminator="type")]


class BaseItem(Lenient):
    id: str | None = Field(default=None, min_length=1, max_length=128)
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class MessageIn(BaseItem):
    type: Literal["message"]
    role: Literal["user", "assistant", "system"]
    content: list[Content]


class FunctionCallIn(BaseItem):
    type: Literal["function_call"]
    name: str
    arguments: str
    call_id: str | None = None


class FunctionCallOutputIn(BaseItem):
    type: Literal["function_call_output"]
    call_id: str
    output: str


class ItemReferenceIn(Lenient):
    type: Literal["item_reference"]
    id: str


def _developer_is_system(value: object) -> object:
    if isinstance(value, dict) and value.get("role") == "developer":
        return {**value, "role": "system"}
    return value


ItemIn = Annotated[
    Annotated[MessageIn | FunctionCallIn | FunctionCallOutputIn, Field(discriminator="type")],
    BeforeValidator(_developer_is_system),
]
InputItemIn = Annotated[
    Annotated[MessageIn | FunctionCallIn | FunctionCallOutputIn | ItemReferenceIn, Field(discriminator="type")],
    BeforeValidator(_developer_is_system),
]

# --- responses ----------------------------------------------------------------------------------------


class ResponseCreateParams(Lenient):
    """The ``response`` of ``response.create``. ``temperature`` is of the beta protocol.

    Its ``audio`` is passed over: one voice and one format speak for the whole session.
    """

    conversation: str | None = None
    instructions: str | None = None
    output_modalities: Modalities | None = None
    tools: list[ItemTool] | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: MaxTokens | None = None
    metadata: dict[str, Any] | None = None
    input: list[InputItemIn] | None = None
    reasoning: Reasoning | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)


# --- client events ------------------------------------------------------------------------------------


class BaseClientEvent(Lenient):
    event_id: str | None = Field(default=None, max_length=512)


class SessionUpdate(BaseClientEvent):
    """``session`` is merged into the present one first, then checked as a whole (``session_types``)."""

    type: Literal["session.update"]
    session: dict[str, Any]


class InputAudioAppend(BaseClientEvent):
    type: Literal["input_audio_buffer.append"]
    audio: str


class InputAudioCommit(BaseClientEvent):
    type: Literal["input_audio_buffer.commit"]


class InputAudioClear(BaseClientEvent):
    type: Literal["input_audio_buffer.clear"]


class OutputAudioClear(BaseClientEvent):
    type: Literal["output_audio_buffer.clear"]


class ItemCreate(BaseClientEvent):
    type: Literal["conversation.item.create"]
    previous_item_id: str | None = None
    item: ItemIn


class ItemDelete(BaseClientEvent):
    type: Literal["conversation.item.delete"]
    item_id: str


class ItemRetrieve(BaseClientEvent):
    type: Literal["conversation.item.retrieve"]
    item_id: str


LONGEST_MS = 10**9


def _milliseconds(value: object) -> object:
    """Any number that can be meant: some clients tell fractions, and times before the start, and break on an error."""
    if isinstance(value, int | float) and math.isfinite(min(value, LONGEST_MS)):
        return max(math.floor(min(value, LONGEST_MS)), 0)
    return value


class ItemTruncate(BaseClientEvent):
    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: int = Field(default=0, ge=0, le=10**6)
    audio_end_ms: Annotated[int, BeforeValidator(_milliseconds), Field(ge=0, le=LONGEST_MS)]


class ResponseCreate(BaseClientEvent):
    type: Literal["response.create"]
    response: ResponseCreateParams | None = None


class ResponseCancel(BaseClientEvent):
    type: Literal["response.cancel"]
    response_id: str | None = None


class ToolCancel(BaseClientEvent):
    """Beyond the protocol: stop a tool that runs on the server."""

    type: Literal["stretto.tool.cancel"]
    call_id: str


ClientEvent = (
    SessionUpdate
    | InputAudioAppend
    | InputAudioCommit
    | InputAudioClear
    | OutputAudioClear
    | ItemCreate
    | ItemDelete
    | ItemRetrieve
    | ItemTruncate
    | ResponseCreate
    | ResponseCancel
    | ToolCancel
)

CLIENT_EVENTS: dict[str, TypeAdapter[ClientEvent]] = {
    "session.update": TypeAdapter(SessionUpdate),
    "input_audio_buffer.append": TypeAdapter(InputAudioAppend),
    "input_audio_buffer.commit": TypeAdapter(InputAudioCommit),
    "input_audio_buffer.clear": TypeAdapter(InputAudioClear),
    "output_audio_buffer.clear": TypeAdapter(OutputAudioClear),
    "conversation.item.create": TypeAdapter(ItemCreate),
    "conversation.item.delete": TypeAdapter(ItemDelete),
    "conversation.item.retrieve": TypeAdapter(ItemRetrieve),
    "conversation.item.truncate": TypeAdapter(ItemTruncate),
    "response.create": TypeAdapter(ResponseCreate),
    "response.cancel": TypeAdapter(ResponseCancel),
    "stretto.tool.cancel": TypeAdapter(ToolCancel),
}
"""Each type of client event and what checks it. A table instead of a union, so that errors name the field alone."""
