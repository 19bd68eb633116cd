"""Pure: conversation items of clients, as the wire keeps them and as the kernel takes them."""

from __future__ import annotations

import base64
import binascii

from realtime.wire.audio_format import SAMPLE_BYTES, decode
from realtime.wire.errors import WireError
from realtime.wire.session_port import (
    CallPlace,
    ClientItem,
    FunctionCallItem,
    FunctionOutputItem,
    Item,
    MessageItem,
    Place,
)
from realtime.wire.session_types import Json
from realtime.wire.types import (
    AudioContent,
    Content,
    FunctionCallIn,
    FunctionCallOutputIn,
    ImageContent,
    MessageIn,
    TextContent,
)
from scheduler.pcm import Pcm

MAX_AUDIO_BYTES = 15 * 1024 * 1024
"""The API's limit for one event."""


def decode_audio(audio: str, sample_bytes: int, param: str) -> bytes:
    """Base64 to bytes of whole samples. Raises ``WireError``."""
    if len(audio) // 4 * 3 > MAX_AUDIO_BYTES + 3:
        raise WireError("One event holds at most 15 MiB of audio.", "invalid_value", param)
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        message = f"Invalid '{param}'. Expected base64-encoded audio bytes but got an invalid value."
        raise WireError(message, "invalid_value", param) from None
    if len(data) > MAX_AUDIO_BYTES:
        raise WireError("One event holds at most 15 MiB of audio.", "invalid_value", param)
    if len(data) % sample_bytes:
        message = f"Invalid '{param}'. 16-bit audio needs an even number of bytes, not {len(data)}."
        raise WireError(message, "invalid_value", param)
    return data


def item_for_wire(item: MessageIn | FunctionCallIn | FunctionCallOutputIn, item_id: str, call_id: str) -> Json:
    """The item as clients will see it; audio is not sent back. ``call_id``: for a call that came without."""
    common: Json = {"id": item_id, "object": "realtime.item", "type": item.type, "status": "completed"}
    match item:
        case MessageIn(role=role, content=content):
            return common | {"role": role, "content": [_content_for_wire(part, role) for part in content]}
        case FunctionCallIn(name=name, arguments=arguments):
            return common | {"name": name, "call_id": item.call_id or call_id, "arguments": arguments}
        case FunctionCallOutputIn(output=output):
            return common | {"call_id": item.call_id, "output": output}


def _content_for_wire(part: Content, role: str) -> Json:
    side = "output" if role == "assistant" else "input"
    match part:
        case TextContent(text=text):
            return {"type": f"{side}_text", "text": text}
        case AudioContent(transcript=transcript):
            return {"type": f"{side}_audio", "transcript": transcript}
        case ImageContent():
            return part.model_dump(exclude_none=True)


def item_for_kernel(
    item: MessageIn | FunctionCallIn | FunctionCallOutputIn,
    wire_item: Json,
    *,
    audio_format: str,
    param: str,
) -> Item:
    """The same for the history. Raises ``WireError`` for audio that can't be used."""
    item_id = wire_item["id"]
    match item:
        case MessageIn(role=role, content=content):
            text, audio = _message_parts(content, audio_format, f"{param}.content")
            return MessageItem(item_id, role, text, audio)
        case FunctionCallIn(name=name, arguments=arguments):
            return FunctionCallItem(item_id, wire_item["call_id"], name, arguments)
        case FunctionCallOutputIn(call_id=call_id, output=output):
            return FunctionOutputItem(item_id, call_id, output)


def place_of(item: Item) -> Place:
    """Where an item of the client stands in the kernel's history; calls stand there by their own name."""
    return CallPlace(item.call_id) if isinstance(item, FunctionCallItem) else ClientItem(item.item_id)


def _message_parts(content: list[Content], audio_format: str, param: str) -> tuple[str, tuple[Pcm, ...]]:
    """Text, and the audio that has no transcript."""
    texts: list[str] = []
    audio: list[Pcm] = []
    for index, part in enumerate(content):
        match part:
            case TextContent(text=text):
                texts.append(text)
            case AudioContent(transcript=str(transcript)):
                texts.append(transcript)
            case AudioContent(audio=str(encoded)):
                data = decode_audio(encoded, SAMPLE_BYTES[audio_format], f"{param}[{index}].audio")
                audio.append(decode(audio_format, data))
            case _:
                pass
    return "\n".join(text for text in texts if text), tuple(audio)
