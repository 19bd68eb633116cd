"""Recognises what clients put into the conversation as audio, one item after the other, beside the talk."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from realtime.wire.session_port import MessageItem
from scheduler.errors import EngineError
from scheduler.events import ResponseRequested
from scheduler.pcm import Pcm
from scheduler.words import join_texts

log = logging.getLogger(__name__)

MAX_HELD_REQUESTS = 32
"""Requested responses that wait for the items before them; a further one waits no longer."""


class ItemReader:
    """``recognize`` one piece of audio, ``read`` an item (its id and whole text), tell that it ``failed`` (its id), and
    let a response be ``requested``. Responses asked for after a spoken item wait until that has been read."""

    def __init__(
        self,
        recognize: Callable[[Pcm], Awaitable[str]],
        *,
        read: Callable[[str, str], None],
        failed: Callable[[str], None],
        requested: Callable[[ResponseRequested], None],
    ) -> None:
        self._recognize = recognize
        self._read = read
        self._failed = failed
        self._requested = requested
        self._waiting: deque[MessageItem | ResponseRequested] = deque()
        """The item that is being read stays first. Items are bounded by the door (``SessionPort.unread_items``)."""
        self._arrived = asyncio.Event()

    @property
    def unread(self) -> int:
        """Items that were not read to their end."""
        return sum(isinstance(each, MessageItem) for each in self._waiting)

    @property
    def _held(self) -> int:
        return len(self._waiting) - self.unread

    def put(self, item: MessageItem) -> None:
        self._waiting.append(item)
        self._arrived.set()

    def request(self, event: ResponseRequested) -> None:
        """At once, or when the items before it have been read."""
        if self._waiting and self._held < MAX_HELD_REQUESTS:
            self._waiting.append(event)
        else:
            self._requested(event)

    def take_back_requests(self) -> None:
        """The client takes back what it asked for in the conversation."""
        kept = [each for each in self._waiting if isinstance(each, MessageItem) or not each.in_conversation]
        self._waiting = deque(kept)

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                first = self._waiting[0]
                if isinstance(first, MessageItem):
                    await self._read_item(first)
                    self._waiting.popleft()
                else:
                    self._waiting.popleft()
                    self._requested(first)

    async def _read_item(self, item: MessageItem) -> None:
        try:
            heard = [await self._recognize(pcm) for pcm in item.audio]
        except EngineError as error:
            log.warning("a spoken item could not be recognised: %s", error)
            self._failed(item.item_id)
        else:
            self._read(item.item_id, join_texts(item.text, *heard))
