"""A simulated language model: seeded delays, made-up or scripted answers. For tests and benchmarks.

It waits on the timers of the event loop only, so virtual time works.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from scheduler.commands import Effort, Purpose
from think_loop.language_model import Finished, Foreseen, Piece, Prompt, Silence, Thought, Words
from think_loop.token_estimate import estimated_prompt_tokens

_WORDS = (
    "well the answer to that is quite simple as far as we know today most people would agree with it and some have "
    "tried it in their own time with good results although nobody can say for sure what comes next"
)

Script = Callable[[Prompt], Sequence[Piece]]
"""Gives the pieces of an answer; ``Finished`` is added where it lacks one."""


@dataclass(frozen=True, slots=True)
class SimulatedModelSettings:
    seed: int = 0
    first_token_seconds: float = 0.3
    tokens_per_second: float = 50.0
    jitter: float = 0.1
    """Each delay is multiplied by a factor drawn evenly from 1 ± this."""
    first_sentence_tokens: int = 6
    sentences: int = 3
    sentence_tokens: int = 12
    """Tokens (words) of every sentence but the first."""
    reasoning_tokens: int = 0
    """Thought before the first word."""


class SimulatedModel:
    """Answers each prompt with made-up sentences, or with what ``script`` gives for it."""

    name = "simulated"
    simulated = True

    def __init__(
        self,
        settings: SimulatedModelSettings | None = None,
        script: Script | None = None,
        foresight: Callable[[Prompt], Foreseen | None] | None = None,
    ) -> None:
        self._settings = settings or SimulatedModelSettings()
        self._script = script
        self._foresight = foresight

    async def warm_up(self) -> None:
        return

    async def close(self) -> None:
        return

    @property
    def continues_openings(self) -> bool:
        return True

    @property
    def can_verify(self) -> bool:
        return True

    @property
    def can_foresee(self) -> bool:
        return self._foresight is not None

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """Equal prompts get equal answers with equal delays. Notes are the reasoning alone, and an afterthought has
        nothing to add; with ``Effort.REFLEX`` nothing is reasoned."""
        chance = self._chance(prompt)
        pieces = _behind_opening(self._pieces(prompt, chance), prompt.opening)
        limit = prompt.max_output_tokens
        written = 0
        for piece in pieces:
            if isinstance(piece, Finished):
                yield piece
                return
            for part in _tokens(piece):
                if limit is not None and written >= limit:
                    yield self._finished(prompt, written, "length")
                    return
                await asyncio.sleep(self._delay(chance, first=written == 0))
                yield part
                written += 1
        yield self._finished(prompt, written, "stop")

    async def agreement(self, prompt: Prompt, opening: str) -> str:
        """One pass over the prompt, as long as a first token takes (see ``openings.VerifyingModel``)."""
        chance = self._chance(prompt)
        await asyncio.sleep(self._delay(chance, first=True))
        written = "".join(piece.text for piece in self._pieces(prompt, chance) if isinstance(piece, Words))
        return "".join(
            letter for letter, _ in takewhile(lambda pair: pair[0] == pair[1], zip(opening, written, strict=False))
        )

    async def foresee(self, prompt: Prompt) -> Foreseen | None:
        """What ``foresight`` tells, after the time of a first token."""
        if self._foresight is None:
            return None
        await asyncio.sleep(self._delay(self._chance(prompt), first=True))
        return self._foresight(prompt)

    def _chance(self, prompt: Prompt) -> random.Random:
        last = prompt.messages[-1].text if prompt.messages else ""
        return random.Random(f"{self._settings.seed} {len(prompt.messages)} {last}")

    def _pieces(self, prompt: Prompt, chance: random.Random) -> Sequence[Piece]:
        if prompt.purpose is Purpose.AFTERTHOUGHT:
            return [Silence("nothing to add")]
        pieces = self._script(prompt) if self._script is not None else self._made_up(chance)
        if prompt.purpose is Purpose.NOTES:
            return [piece for piece in pieces if isinstance(piece, Thought)]
        if prompt.effort is Effort.REFLEX:
            return [piece for piece in pieces if not isinstance(piece, Thought)]
        return pieces

    def _delay(self, chance: random.Random, first: bool) -> float:
        delay = self._settings.first_token_seconds if first else 1 / self._settings.tokens_per_second
        return delay * (1 + self._settings.jitter * (2 * chance.random() - 1))

    def _made_up(self, chance: random.Random) -> list[Piece]:
        settings = self._settings
        pieces: list[Piece] = []
        if settings.reasoning_tokens:
            pieces.append(Thought(" ".join(chance.choices(_WORDS.split(), k=settings.reasoning_tokens))))
        lengths = [settings.first_sentence_tokens] + [settings.sentence_tokens] * (settings.sentences - 1)
        sentences = (" ".join(chance.choices(_WORDS.split(), k=length)).capitalize() + "." for length in lengths)
        pieces.append(Words(" ".join(sentences)))
        return pieces

    def _finished(self, prompt: Prompt, written: int, reason: str) -> Finished:
        return Finished("length" if reason == "length" else "stop", estimated_prompt_tokens(prompt), written)


def _behind_opening(pieces: Sequence[Piece], opening: str) -> Sequence[Piece]:
    """Without the words that the opening holds already, and what was thought before them."""
    if not opening:
        return pieces
    written = "".join(piece.text for piece in pieces if isinstance(piece, Words))
    return [Words(written[len(opening) :])] if written.startswith(opening) else pieces


def _tokens(piece: Piece) -> list[Piece]:
    """A piece of text word by word (each with the space before it); other pieces as they are."""
    match piece:
        case Words(text) | Thought(text):
            words = text.split(" ")
            parts = [word if place == 0 else f" {word}" for place, word in enumerate(words)]
            return [type(piece)(part) for part in parts if part]
        case _:
            return [piece]
