"""The beginning of an answer that was written ahead, for fewer words: is it verified, and gone on from.

Three ways, by what the engine can do: it tells how much of a given beginning it would still say
(``VerifyingModel``, one pass over the prompt); it goes on behind a given beginning (``ContinuingModel``); or, for
every other engine, the answer is written anew and the opening holds once it was reproduced word for word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from scheduler.commands import Think
from scheduler.errors import LanguageModelError
from scheduler.tasks import closing_stream
from think_loop.language_model import LanguageModel, Piece, Prompt, Words

VERDICT_SECONDS = 0.1
"""How much longer a verdict is awaited once the answer that was begun anew has begun differently: a wait that nobody
notices, against an answer in hand."""


@runtime_checkable
class VerifyingModel(Protocol):
    """An engine that has log-probabilities of a given continuation."""

    @property
    def can_verify(self) -> bool:
        """Whether it has, with its settings and the server behind it."""
        ...

    async def agreement(self, prompt: Prompt, opening: str) -> str | None:
        """The longest beginning of ``opening`` that would still be said after ``prompt``. One pass, no decoding.

        ``None``: it can't be told, for this prompt or at this moment.
        """
        ...


@runtime_checkable
class ContinuingModel(Protocol):
    """An engine that can go on behind ``Prompt.opening``."""

    @property
    def continues_openings(self) -> bool: ...


class OpeningRefusedError(LanguageModelError):
    """Raised by ``generate``, before any piece, when the server can't go on behind ``Prompt.opening`` after all."""


async def answer_from(
    model: LanguageModel, prompt: Prompt, think: Think, tell: Callable[[str], None]
) -> AsyncIterator[Piece]:
    """The pieces of the answer behind its opening, if that holds, else all of it.

    ``tell`` is called once with what holds of the opening, before any words, unless it needs no verification.
    """
    if not think.opening:
        pieces = model.generate(prompt)
    elif think.opening_holds:
        pieces = _behind(model, prompt, think.opening)
    elif isinstance(model, VerifyingModel) and model.can_verify:
        pieces = await _verified(model, model, prompt, think.opening, tell)
    else:
        pieces = _compared(model.generate(prompt), think.opening, tell)
    async with closing_stream(pieces) as stream:
        async for piece in stream:
            yield piece


async def _verified(
    model: LanguageModel, verifier: VerifyingModel, prompt: Prompt, opening: str, tell: Callable[[str], None]
) -> AsyncIterator[Piece]:
    """The answer is begun anew at the same time: if the opening fails, nothing is lost, and where it is reproduced
    before the verdict comes, that is one, too."""
    anew = _Anew(model.generate(prompt), opening)
    try:
        holds = await _judged(anew, verifier.agreement(prompt, opening))
    except BaseException:
        await anew.close()
        raise
    if not holds:
        return _compared(anew.all(), opening, tell)  # whoever reads on closes it
    await anew.close()
    tell(opening)
    return _behind(model, prompt, opening)


async def _judged(anew: _Anew, agreement: Coroutine[Any, Any, str | None]) -> bool:
    """Whether the engine says that the opening holds. If not, what was read of the answer counts."""
    try:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(anew.read())
            verdict = tasks.create_task(agreement)
            holds = await _holds(anew, reading, verdict)
            verdict.cancel()
            reading.cancel()
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return holds


async def _holds(anew: _Anew, reading: asyncio.Task[None], verdict: asyncio.Task[str | None]) -> bool:
    """Whether the engine says that the opening holds. If not, the reading has ended, too."""
    await asyncio.wait([reading, verdict], return_when=asyncio.FIRST_COMPLETED)
    if not (verdict.done() or anew.reproduced):
        await asyncio.wait([verdict], timeout=VERDICT_SECONDS)
    agreement = verdict.result() if verdict.done() else None
    if agreement is not None and _same(agreement, anew.opening):
        return True
    anew.enough = True
    await asyncio.wait([reading])
    reading.result()  # raises, if the engine cancelled it
    return False


@dataclass(slots=True)
class _Anew:
    """An answer that is written anew beside its opening. What is read of it is kept until it is known which counts."""

    pieces: AsyncIterator[Piece]
    opening: str
    enough: bool = False
    """Set to end the reading with its next piece."""
    _read: list[Piece] = field(default_factory=list)
    _written: str = ""

    @property
    def reproduced(self) -> bool:
        return _rest(self._written, self.opening) is not None

    async def read(self) -> None:
        """Read until the opening was reproduced, or something else was written."""
        async for piece in self.pieces:
            self._read.append(piece)
            self._written += piece.text if isinstance(piece, Words) else ""
            if self.enough or self.reproduced or not _may_still_begin(self._written, self.opening):
                return

    async def close(self) -> None:
        async with closing_stream(self.pieces):
            pass

    async def all(self) -> AsyncIterator[Piece]:
        async with closing_stream(self.pieces) as stream:
            for piece in self._read:
                yield piece
            async for piece in stream:
                yield piece


def _continues(model: LanguageModel) -> bool:
    return isinstance(model, ContinuingModel) and model.continues_openings


async def _behind(model: LanguageModel, prompt: Prompt, opening: str) -> AsyncIterator[Piece]:
    if _continues(model):
        try:
            async with closing_stream(_without(model.generate(replace(prompt, opening=opening)), opening)) as stream:
                async for piece in stream:
                    yield piece
            return
        except OpeningRefusedError:
            pass  # nothing was written yet
    told = f'You have already begun your answer aloud with: "{opening}" Go on right behind it; don\'t say it again.'
    pieces = model.generate(replace(prompt, hints=f"{prompt.hints}\n{told}".strip()))
    async with closing_stream(_without(pieces, opening)) as stream:
        async for piece in stream:
            yield piece


def _without(pieces: AsyncIterator[Piece], opening: str) -> AsyncIterator[Piece]:
    """Without the opening, where it is repeated."""
    return _compared(pieces, opening, lambda _: None)


async def _compared(pieces: AsyncIterator[Piece], opening: str, tell: Callable[[str], None]) -> AsyncIterator[Piece]:
    """Leaves the opening out where the words begin with it; ``tell``s whether they did."""
    held, told = "", False
    async with closing_stream(pieces) as stream:
        async for piece in stream:
            if told:
                yield piece
                continue
            if isinstance(piece, Words):
                held += piece.text
                rest = _rest(held, opening)
                if rest is None and _may_still_begin(held, opening):
                    continue
                told, piece = True, Words(held if rest is None else rest)
                tell("" if rest is None else opening)
            elif held:
                told = True
                tell("")
                yield Words(held)
            yield piece
    if held and not told:
        tell("")
        yield Words(held)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _same(text: str, opening: str) -> bool:
    return _plain(text) == _plain(opening)


def _may_still_begin(written: str, opening: str) -> bool:
    return _plain(opening).startswith(_plain(written))


def _rest(written: str, opening: str) -> str | None:
    """What ``written`` has behind the opening; ``None`` if it does not begin with it. White space may differ."""
    place = 0
    for word in opening.split():
        while place < len(written) and written[place].isspace():
            place += 1
        if not written.startswith(word, place):
            return None
        place += len(word)
    behind = written[place:]
    return None if behind[:1].isalnum() else behind
