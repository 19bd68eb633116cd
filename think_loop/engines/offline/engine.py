"""The offline brain as a language model engine: works out its answer at once, and streams it as a model would."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from scheduler.commands import Purpose
from think_loop.engines.offline.answer import answer
from think_loop.engines.offline.reply import Call, Ponder, Quiet, Say, Step
from think_loop.language_model import Finished, Piece, Prompt, Silence, Thought, ToolCall, Words
from think_loop.token_estimate import estimated_prompt_tokens

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+")


def _local_now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    seed: int | None = None
    """Equal prompts get equal answers with equal seeds; ``None``: a fresh seed for each process."""
    first_token_seconds: float = 0.0
    word_seconds: float = 0.01
    """Between two words."""
    ponder_scale: float = 1.0
    """How long it thinks over numbers while counting: 0 not at all, 1 as a person might."""
    now: Callable[[], datetime] = _local_now


class OfflineBrain:
    """Stateless: everything it knows of a call stands in the prompt."""

    name = "offline"
    simulated = False

    def __init__(self, settings: OfflineSettings | None = None) -> None:
        self._settings = settings or OfflineSettings()
        seed = self._settings.seed
        self._seed = secrets.randbits(32) if seed is None else seed

    async def warm_up(self) -> None:
        return

    async def close(self) -> None:
        return

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        if prompt.purpose in (Purpose.NOTES, Purpose.AFTERTHOUGHT):
            yield Silence("the offline brain thinks no second time")
            yield Finished("stop", estimated_prompt_tokens(prompt))
            return
        reply = answer(prompt, self._settings.now(), self._seed)
        written = 0
        reason: Literal["stop", "length", "tools"] = "stop"
        await asyncio.sleep(self._settings.first_token_seconds)
        for number, step in enumerate(reply.steps):
            async for piece in self._carry_out(step, number, prompt):
                if prompt.max_output_tokens is not None and written >= prompt.max_output_tokens:
                    yield Finished("length", estimated_prompt_tokens(prompt), written)
                    return
                written += 1
                reason = "tools" if isinstance(piece, ToolCall) else reason
                yield piece
        yield Finished(reason, estimated_prompt_tokens(prompt), written)

    async def _carry_out(self, step: Step, number: int, prompt: Prompt) -> AsyncIterator[Piece]:
        match step:
            case Say(text):
                for word in _WORD.findall(text):
                    yield Words(word)
                    await asyncio.sleep(self._settings.word_seconds)
            case Ponder(thought, seconds):
                yield Thought(f"{thought}\n")  # a thought is a line; they are read one behind another
                await asyncio.sleep(seconds * self._settings.ponder_scale)
            case Call(name, arguments):
                yield ToolCall(self._call_id(prompt, number), name, json.dumps(arguments))
            case Quiet(reason):
                yield Silence(reason)
            case _:
                assert_never(step)

    def _call_id(self, prompt: Prompt, number: int) -> str:
        """Unique within a talk: it depends on how long the talk is."""
        talk = "\n".join(f"{message.role}:{message.text}" for message in prompt.messages[-20:])
        digest = zlib.crc32(f"{self._seed} {len(prompt.messages)} {talk}".encode())
        return f"call_{digest:08x}{len(prompt.messages):04x}{number}"
