"""What waits to be sent to one client: bounded in bytes, never in silence."""

from __future__ import annotations

import asyncio
from collections import deque

MAX_WAITING_BYTES = 8 * 1024 * 1024
"""A client that lets this much wait does not read; its connection is closed."""
AUDIO_WAITS_FROM_BYTES = 1024 * 1024
"""From here on, playout waits before it sends more audio; events still go in."""


class Outbox:
    """A queue of text frames with one reader. When it is full it closes for good (``overflowed``)."""

    def __init__(self, *, max_bytes: int = MAX_WAITING_BYTES, audio_waits_from: int = AUDIO_WAITS_FROM_BYTES) -> None:
        self.overflowed = asyncio.Event()
        self.waiting_bytes = 0
        self._max_bytes = max_bytes
        self._audio_waits_from = audio_waits_from
        self._frames: deque[str] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._all_sent = asyncio.Event()
        self._all_sent.set()

    def put(self, frame: str) -> None:
        """Never waits. What does not fit is lost, and the connection with it."""
        if self.overflowed.is_set():
            return
        if self.waiting_bytes + len(frame) > self._max_bytes:
            self._frames.clear()
            self.waiting_bytes = 0
            self.overflowed.set()
            return
        self._frames.append(frame)
        self._count(len(frame))
        self._all_sent.clear()
        self._arrived.set()

    async def get(self) -> str:
        while not self._frames:
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self._count(-len(frame))
        return frame

    def sent(self) -> None:
        """The frame that ``get`` gave has left."""
        if not self._frames:
            self._all_sent.set()

    async def all_sent(self) -> None:
        """Returns when nothing waits and nothing is on its way."""
        await self._all_sent.wait()

    async def room_for_audio(self) -> None:
        """Returns when the client keeps up well enough for more audio."""
        await self._room.wait()

    def _count(self, size: int) -> None:
        self.waiting_bytes += size
        if self.waiting_bytes < self._audio_waits_from:
            self._room.set()
        else:
            self._room.clear()
