"""Pure: events for lines that carry no large ones: a data channel takes 64 KiB.

What is too large keeps its type, its ids and its structure; its longest strings are shortened. Sizes are those of the
JSON as it is sent: compact, in plain ASCII.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from realtime.wire.session_types import Json

logger = logging.getLogger(__name__)

DATA_CHANNEL_BYTES = 64 * 1024
"""What every implementation of WebRTC data channels takes as one message."""

ELLIPSIS = "…"
SHORTEST_BYTES = 64
"""No string is cut to less than that; what has values of its own (statuses, voices, models) is never longer."""
LONGEST_ID_BYTES = 512
"""Longer ids are a client's own, echoed in an error; they are shortened when nothing else is left to be."""
MOST_HALVINGS = 24
"""How often lists and objects are halved before all of them are given up."""

_IDENTITY = frozenset({"type", "object", "id", "name", "code"})
_WHOLE_OR_NOTHING = frozenset({"audio", "image_url"})
"""A part of these would be no sound and no picture."""


def as_text(event: Json) -> str:
    """The JSON as it is sent. Plain ASCII: half of a surrogate pair that a client sent can be echoed only so."""
    return json.dumps(event, separators=(",", ":"))


class SizeLimit:
    """For one line: the text of each event, and a word in the log when events of a type begin to be shortened.

    ``max_bytes`` may be set anew: another path of the same call may take less.
    """

    def __init__(self, max_bytes: int = DATA_CHANNEL_BYTES) -> None:
        self.max_bytes = max_bytes
        self._told: set[str] = set()

    def text(self, event: Json) -> str:
        text = as_text(event)
        if len(text) <= self.max_bytes:
            return text
        kind = event["type"]
        if kind not in self._told:
            self._told.add(kind)
            logger.warning("%s of %d bytes is too large for this line and is shortened", kind, len(text))
        return as_text(fitted(event, self.max_bytes))


def fitted(event: Json, max_bytes: int = DATA_CHANNEL_BYTES) -> Json:
    """``event`` itself if its JSON has at most ``max_bytes``, else a copy that has.

    Sound and pictures go first, then the longest strings end in an ellipsis. Only where very many short values are too
    much, lists and objects lose their latter part. ``type`` and the ids always stay.
    """
    text = as_text(event)
    if len(text) <= max_bytes:
        return event
    copy: Json = json.loads(text)
    for shorten in (_drop_media, _shorten_text, _shorten_all, _thin_out):
        shorten(copy, max_bytes)
        if len(as_text(copy)) <= max_bytes:
            return copy
    return {name: value for name, value in copy.items() if name == "type" or _is_id(name)}


@dataclass(frozen=True, slots=True)
class _Text:
    """A string in an event: ``owner[key]``. ``name``: the field it stands in, directly or in a list."""

    owner: Any
    key: Any
    name: str
    encoded_bytes: int


def _drop_media(event: Json, _: int) -> None:
    for text in _texts(event):
        if text.name in _WHOLE_OR_NOTHING or _is_audio_delta(event, text):
            text.owner[text.key] = ""


def _is_audio_delta(event: Json, text: _Text) -> bool:
    return text.owner is event and text.name == "delta" and event["type"].endswith("audio.delta")


def _shorten_text(event: Json, max_bytes: int) -> None:
    free = [text for text in _texts(event) if text.name not in _IDENTITY and not _is_id(text.name)]
    _level(event, free, max_bytes)


def _shorten_all(event: Json, max_bytes: int) -> None:
    free = [text for text in _texts(event) if not _stays(text)]
    _level(event, free, max_bytes)


def _stays(text: _Text) -> bool:
    is_id = text.name == "type" or _is_id(text.name)
    return is_id and text.encoded_bytes <= LONGEST_ID_BYTES


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _level(event: Json, texts: list[_Text], max_bytes: int) -> None:
    """Cut the longest of ``texts`` to one length, the greatest with which the event fits."""
    excess = len(as_text(event)) - max_bytes
    longest = max((text.encoded_bytes for text in texts), default=0)
    lengths = range(longest, SHORTEST_BYTES, -1)
    at = bisect_left(lengths, excess, key=lambda length: _saved(texts, length))
    length = lengths[at] if at < len(lengths) else SHORTEST_BYTES
    for text in texts:
        if text.encoded_bytes > length:
            text.owner[text.key] = _cut(text.owner[text.key], length)


def _saved(texts: list[_Text], length: int) -> int:
    return sum(text.encoded_bytes - length for text in texts if text.encoded_bytes > length)


def _cut(text: str, max_bytes: int) -> str:
    """The longest beginning of ``text`` that, with an ellipsis, has at most ``max_bytes`` in JSON."""
    room = max_bytes - _encoded_bytes(ELLIPSIS)
    kept = bisect_right(range(max_bytes), room, key=lambda count: _encoded_bytes(text[:count])) - 1
    return text[: max(kept, 0)] + ELLIPSIS


def _encoded_bytes(text: str) -> int:
    """Without its quotes."""
    return len(json.dumps(text)) - 2


def _thin_out(event: Json, max_bytes: int) -> None:
    for _ in range(MOST_HALVINGS):
        if len(as_text(event)) <= max_bytes:
            return
        largest = max(_containers(event), key=len, default=None)
        if not largest:
            return
        _halve(largest)


def _halve(container: Any) -> None:
    if isinstance(container, list):
        del container[len(container) // 2 :]
        return
    free = [name for name in container if name != "type" and not _is_id(name)]
    for name in free[len(free) // 2 :] or list(container):
        del container[name]


def _containers(event: Json) -> Iterator[Any]:
    """The lists and objects in it, but not itself."""
    return (inner for owner, _ in _walk(event) for inner in _values(owner) if isinstance(inner, dict | list) and inner)


def _texts(event: Json) -> list[_Text]:
    """The strings in it."""
    found = []
    for owner, field in _walk(event):
        for key in owner if isinstance(owner, dict) else range(len(owner)):
            if isinstance(value := owner[key], str):
                name = str(key) if isinstance(owner, dict) else field
                found.append(_Text(owner, key, name, _encoded_bytes(value)))
    return found


def _walk(event: Json) -> Iterator[tuple[Any, str]]:
    """Every object and list, and the field it stands in; without recursion, as events may be nested deeply."""
    waiting: list[tuple[Any, str]] = [(event, "")]
    while waiting:
        owner, field = waiting.pop()
        yield owner, field
        pairs = owner.items() if isinstance(owner, dict) else [(field, value) for value in owner]
        waiting += [(value, name) for name, value in pairs if isinstance(value, dict | list)]


def _values(owner: Any) -> list[Any]:
    return list(owner.values()) if isinstance(owner, dict) else owner
