"""Pure: what a streaming speech recogniser is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from scheduler.pcm import Pcm, WordTime


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a recogniser now makes of a segment; replaces its earlier hypotheses of that segment.

    Word times are audio time of the session. ``stable`` words stay as they are for good.
    """

    segment: int
    stable: tuple[WordTime, ...]
    tentative: tuple[WordTime, ...]
    is_final: bool


def primary_language(tag: str) -> str:
    """``de`` of ``de-AT``, ``DE`` or ``de_CH``."""
    return tag.replace("_", "-").split("-")[0].strip().lower()


class RecognizerStream(Protocol):
    """One session's recognition. Speech comes in segments: ``begin``, ``feed`` …, ``finish``.

    ``begin``, ``feed`` and ``finish`` may wait while the engine is behind; they raise ``RecognizerError``
    when it is broken for good (a crash that was repaired in the meantime is told by ``hypotheses`` raising
    ``RecognizerError`` once; iterating may go on).
    """

    async def begin(self, segment: int, start_seconds: float) -> None:
        """A segment begins at this audio time."""
        ...

    async def feed(self, pcm: Pcm) -> None:
        """More audio of the open segment: 16 kHz mono, any length."""
        ...

    async def finish(self) -> None:
        """The open segment is over: its final hypothesis must follow soon."""
        ...

    def hypotheses(self) -> AsyncIterator[Hypothesis]:
        """All hypotheses of this stream as they arise, until it is closed. Iterated by one reader."""
        ...

    async def close(self) -> None:
        """Stop at once; pending hypotheses may be lost."""
        ...


class Recognizer(Protocol):
    """A speech recognition engine, shared by all sessions of the process."""

    @property
    def name(self) -> str:
        """The engine's spec, such as ``pocketsphinx`` or ``whisper:small.en``."""
        ...

    @property
    def simulated(self) -> bool: ...

    def knows_language(self, language: str) -> bool:
        """Whether a stream of this language (BCP 47) can be opened and would understand it. Answers at once."""
        ...

    async def warm_up(self) -> None:
        """Load what is needed; afterwards the first stream opens without delay. May be called twice."""
        ...

    async def open(self, *, language: str | None = None) -> RecognizerStream:
        """A stream for one session. ``language``: BCP 47, one it knows; ``None`` for the engine's default."""
        ...

    async def close(self) -> None: ...
