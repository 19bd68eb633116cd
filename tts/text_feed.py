"""Text that is still being written, for engines that speak it meanwhile."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from scheduler.tasks import Background, closing_stream

_WHOLE_WORDS = re.compile(r".*\S(?=\s)", re.DOTALL)


class TextFeed:
    """Reads a stream of text in the background, so that an engine can render what is there and wait for more.

    An async context manager; leaving it stops reading. What the stream raises is raised by ``more``.
    """

    def __init__(self, stream: AsyncIterator[str]) -> None:
        self.waiting = ""
        """What has come and was not taken."""
        self.ended = False
        """All of it has come."""
        self._stream = stream
        self._error: Exception | None = None
        self._came = asyncio.Event()
        self._reader = Background(self._read, name="text feed")

    async def __aenter__(self) -> Self:
        self._reader.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.stop()

    async def _read(self) -> None:
        try:
            async with closing_stream(self._stream) as pieces:
                async for piece in pieces:
                    self.waiting += piece
                    self._came.set()
            self.ended = True
        except Exception as error:  # noqa: BLE001  handed to whoever takes the text
            self._error = error
        self._came.set()

    async def more(self) -> None:
        """Until text has come since the last call, or the stream has ended."""
        if not self.ended and self._error is None:
            await self._came.wait()
            self._came.clear()
        if self._error is not None:
            raise self._error

    def take_words(self) -> str:
        """The words known to be complete, since white space or the end follows them; ``""`` if there are none."""
        if self.ended:
            return self.take_all()
        found = _WHOLE_WORDS.match(self.waiting)
        words = found.group() if found else ""
        self.waiting = self.waiting[len(words) :]
        return words

    def take_all(self) -> str:
        taken, self.waiting = self.waiting, ""
        return taken
