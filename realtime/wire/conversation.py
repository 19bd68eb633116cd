"""Pure: the conversation as the wire knows it: its items in order, and where each stands in the kernel's history."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

from realtime.wire.errors import WireError
from realtime.wire.session_port import Place, UtterancePlace
from realtime.wire.session_types import Json

MAX_CLIENT_ITEMS = 2_000
MAX_CLIENT_BYTES = 4 * 1024 * 1024
"""Items that the client inserted, and what they hold as JSON. All of it is read by the model again and again."""
REMEMBERED_NAMES = 2_000
"""Deleted items whose names stay taken."""


def kept(item: Json) -> Json:
    """An item of the client's as it is remembered: without its pictures, which nothing here looks at."""
    if "content" not in item:
        return item
    return item | {"content": [_without_picture(part) for part in item["content"]]}


def _without_picture(part: Json) -> Json:
    return {name: value for name, value in part.items() if name != "image_url"}


@dataclass(slots=True)
class ItemRecord:
    """``item``: as clients see it. ``spoken``: each utterance it was said in and the seconds sent of it, in order."""

    item: Json
    places: list[Place] = field(default_factory=list)
    spoken: dict[str, float] = field(default_factory=dict)
    announced: bool = True
    """It has been added to the conversation (an item of an out-of-band response never is)."""
    client_bytes: int = 0
    """The size of an item that the client inserted."""

    def place_utterance(self, utterance_id: str) -> None:
        if utterance_id not in self.spoken:
            self.spoken[utterance_id] = 0.0
            self.places.append(UtterancePlace(utterance_id))

    def cut(self, heard_seconds: float) -> list[tuple[str, float]]:
        """(utterance, seconds heard of it) for each utterance that reaches beyond ``heard_seconds`` of the item's audio."""
        cuts: list[tuple[str, float]] = []
        offset = 0.0
        for utterance_id, seconds in self.spoken.items():
            heard = min(max(heard_seconds - offset, 0.0), seconds)
            if heard < seconds:
                cuts.append((utterance_id, heard))
            offset += seconds
        return cuts


class Conversation:
    """Items in order. Names are unique; those of deleted items stay taken for long.

    What the client inserts is bounded; what is said in the call is not, as the model is to know all of it.
    """

    def __init__(self) -> None:
        self._order: list[str] = []
        self._records: dict[str, ItemRecord] = {}
        self._gone: deque[str] = deque(maxlen=REMEMBERED_NAMES)
        self._client_items = 0
        self._client_bytes = 0

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._records

    def __len__(self) -> int:
        return len(self._order)

    @property
    def order(self) -> tuple[str, ...]:
        return tuple(self._order)

    @property
    def last_item_id(self) -> str | None:
        return self._order[-1] if self._order else None

    def taken(self, item_id: str) -> bool:
        return item_id in self._records or item_id in self._gone

    def record_of_client(self, item: Json, places: list[Place]) -> ItemRecord:
        """An item that the client wants to insert. Raises ``WireError`` if there is no room for it."""
        item = kept(item)
        size = len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if self._client_items >= MAX_CLIENT_ITEMS or self._client_bytes + size > MAX_CLIENT_BYTES:
            message = (
                f"The conversation holds at most {MAX_CLIENT_ITEMS} items created by the client, of "
                f"{MAX_CLIENT_BYTES // 1024**2} MiB in all. Delete items that are no longer needed, then try again."
            )
            raise WireError(message, "conversation_too_large", "item")
        return ItemRecord(item, places, client_bytes=size)

    def append(self, record: ItemRecord) -> str | None:
        """At the end. Returns the item's predecessor."""
        return self._put(record, len(self._order))

    def insert(self, record: ItemRecord, previous_item_id: str | None) -> str | None:
        """After ``previous_item_id`` (``None``: at the end, ``"root"``: at the beginning). Returns the predecessor."""
        if previous_item_id is None:
            return self.append(record)
        position = 0 if previous_item_id == "root" else self._order.index(previous_item_id) + 1
        return self._put(record, position)

    def _put(self, record: ItemRecord, position: int) -> str | None:
        item_id = record.item["id"]
        self._client_items += record.client_bytes > 0
        self._client_bytes += record.client_bytes
        self._records[item_id] = record
        self._order.insert(position, item_id)
        return self._order[position - 1] if position else None

    def predecessor(self, item_id: str) -> str | None:
        position = self._order.index(item_id)
        return self._order[position - 1] if position else None

    def find(self, item_id: str) -> ItemRecord | None:
        return self._records.get(item_id)

    def find_spoken(self, utterance_id: str) -> ItemRecord | None:
        """The item that holds an utterance; the latest are looked at first."""
        for item_id in reversed(self._order):
            if utterance_id in self._records[item_id].spoken:
                return self._records[item_id]
        return None

    def get(self, item_id: str, code: str, param: str = "item_id") -> ItemRecord:
        """Raises ``WireError`` with ``code`` if there is no such item."""
        record = self._records.get(item_id)
        if record is None:
            raise WireError(f"Item with item_id '{item_id[:128]}' not found.", code, param)
        return record

    def delete(self, item_id: str) -> None:
        record = self._records.pop(item_id)
        self._client_items -= record.client_bytes > 0
        self._client_bytes -= record.client_bytes
        self._gone.append(item_id)
        self._order.remove(item_id)
