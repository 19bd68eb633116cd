"""The beginning of an answer that was written ahead, for fewer words: is it verified, and gone on from.

Three ways, by what the engine can do: it tells how much of a given beginning it would still say
(``VerifyingModel``, one pass over the prompt); it goes on behind a given beginning (``ContinuingModel``); or, for
every other engine, the answer is written anew and the opening holds once it was reproduced word for word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

from scheduler.commands import Think
from scheduler.tasks import closing_stream
from think_loop.language_model import LanguageModel, Piece, Prompt, Words


@runtime_checkable
class VerifyingModel(Protocol):
    """An engine that has log-probabilities of a given continuation cheaply."""

    async def agreement(self, prompt: Prompt, opening: str) -> str:
        """The longest beginning of ``opening`` that would still be said after ``prompt``. One pass, no decoding."""
        ...


@runtime_checkable
class ContinuingModel(Protocol):
    """An engine that can go on behind ``Prompt.opening``."""

    @property
    def continues_openings(self) -> bool: ...


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
    elif isinstance(model, VerifyingModel):
        pieces = await _verified(model, prompt, think.opening, tell)
    else:
        pieces = _compared(model.generate(prompt), think.opening, tell)
    async with closing_stream(pieces) as stream:
        async for piece in stream:
            yield piece


async def _verified(
    model: LanguageModel, prompt: Prompt, opening: str, tell: Callable[[str], None]
) -> AsyncIterator[Piece]:
    """The answer is begun anew at the same time, up to its first piece: if the opening fails, nothing is lost."""
    assert isinstance(model, VerifyingModel)
    anew = model.generate(prompt)
    try:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(_next(anew))
            agreement = tasks.create_task(model.agreement(prompt, opening))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    holds = _same(agreement.result(), opening)
    tell(opening if holds else "")
    if not holds:
        return _with_first(first.result(), anew)
    async with closing_stream(anew):
        return _behind(model, prompt, opening)


async def _next(pieces: AsyncIterator[Piece]) -> Piece | None:
    return await anext(pieces, None)


async def _with_first(first: Piece | None, pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    async with closing_stream(pieces) as stream:
        if first is not None:
            yield first
        async for piece in stream:
            yield piece


def _continues(model: LanguageModel) -> bool:
    return isinstance(model, ContinuingModel) and model.continues_openings


def _behind(model: LanguageModel, prompt: Prompt, opening: str) -> AsyncIterator[Piece]:
    if _continues(model):
        return model.generate(replace(prompt, opening=opening))
    told = f'You have already begun your answer aloud with: "{opening}" Go on right behind it; don\'t say it again.'
    return _compared(model.generate(replace(prompt, hints=f"{prompt.hints}\n{told}".strip())), opening, lambda _: None)


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
