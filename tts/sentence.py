"""What the speaker knows of the utterances and sentences it is given."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from scheduler.commands import Speak, SpeakSource


class ChunkClock:
    """How long a voice may take for its next chunk. It stands while the voice has to wait for its text."""

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None
        self._seconds = 0.0
        self.stands = False

    @asynccontextmanager
    async def running(self, seconds: float) -> AsyncIterator[None]:
        """``TimeoutError`` when the block takes longer, not counting the time for which the clock stands."""
        self._seconds = seconds
        async with asyncio.timeout(None if self.stands else seconds) as self._timeout:
            try:
                yield
            finally:
                self._timeout = None

    def stop(self) -> None:
        self.stands = True
        self._set(None)

    def start(self) -> None:
        """From the beginning, if it stands."""
        if self.stands:
            self.stands = False
            self._set(asyncio.get_running_loop().time() + self._seconds)

    def _set(self, when: float | None) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(when)


@dataclass(slots=True)
class Sentence:
    """``text``: what has come and the voice has not taken. ``complete``: no more of it comes."""

    utterance_id: str
    index: int
    source: SpeakSource
    text: str
    complete: bool
    clock: ChunkClock = field(default_factory=ChunkClock)

    def take(self) -> str:
        self.clock.start()
        taken, self.text = self.text, ""
        return taken


@dataclass(slots=True, eq=False)
class SpokenUtterance:
    """``number``: in the order in which they were begun."""

    utterance_id: str
    number: int
    waiting: deque[Sentence] = field(default_factory=deque)
    current: Sentence | None = None
    """The one that is being rendered."""
    giving: bool = False
    """It waits for the sink to take a chunk."""
    ended: bool = False
    """No more sentences come, or it was stopped."""
    task: asyncio.Task[None] | None = None
    _last: Sentence | None = None
    """The newest one, whatever became of it: more of it may come."""

    def add(self, command: Speak, *, refused: bool) -> Sentence:
        """A new sentence; a refused one is not rendered, and neither are further parts of it."""
        self._complete_last()
        sentence = Sentence(command.utterance_id, command.index, command.source, command.text, command.complete)
        self._last = sentence
        if not refused:
            self.waiting.append(sentence)
        return sentence

    def takes_part(self, command: Speak) -> bool:
        """Add a part to its sentence; ``False`` when it begins a new one."""
        last = self._last
        if last is None or last.complete or last.index != command.index:
            return False
        last.text += command.text
        last.complete = command.complete
        return True

    def end(self) -> None:
        self._complete_last()
        self.ended = True

    def give_up(self) -> None:
        """It was stopped: nothing that waits is rendered."""
        self.waiting.clear()
        self.end()

    def _complete_last(self) -> None:
        if self._last is not None:
            self._last.complete = True

    def is_ready(self, *, streaming: bool) -> bool:
        """Whether its next sentence can be begun; a voice that streams needs no more than the first text of it."""
        if not self.waiting:
            return False
        return self.waiting[0].complete or (streaming and self.waiting[0].text.strip() != "")

    def wants_voice(self, *, streaming: bool) -> bool:
        """Whether others should leave it the voice. Not while it waits for its sink, or for its text."""
        if self.current is not None:
            return not self.giving and not self.current.clock.stands
        return self.is_ready(streaming=streaming)
