"""What servers of chat completions can do beyond answering, and the short requests that are made for it.

Three abilities, each of which a server may lack: to go on behind a given beginning (``continue_final_message``: vLLM,
SGLang), to tell the log-probabilities of a given beginning (``prompt_logprobs``: vLLM), and those of what it writes
(``logprobs``: most). None is needed: whatever a server refuses, does not answer in time or leaves out is done without.
What it refuses is not asked for again, and the log says so once.

None of it can fail a call: these requests have deadlines of their own, are never repeated, and raise nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import openai
import pydantic

from think_loop.engines.openai_foresight import ending_of, foresight_messages, read_completion
from think_loop.engines.openai_verification import agreement_of, read_prompt_tokens
from think_loop.language_model import Foreseen, Prompt
from think_loop.token_estimate import CHARACTERS_PER_TOKEN

log = logging.getLogger(__name__)

ServerKind = Literal["auto", "vllm", "sglang", "other"]

CONTINUES = {"continue_final_message": True, "add_generation_prompt": False}
"""Makes the server go on with the last message. Only one of the two may be true, and the second is by default."""


@dataclass(frozen=True, slots=True)
class AheadSettings:
    server: ServerKind = "auto"
    """``auto``: what it calls itself in its list of models (``owned_by``), which is read when the model is warmed up."""
    foresees: bool = False
    verifies: bool = False
    """Needs vLLM, see ``Ahead.agreement`` for what it costs."""
    foresight_timeout_seconds: float = 1.0
    """After that the caller has gone on."""
    verdict_timeout_seconds: float = 1.0
    longest_verified_tokens: int = 2048
    """Prompts estimated to be longer are not verified in this way: vLLM reads all of a prompt again and holds a row of
    its whole vocabulary for each token of a step, which is not part of the memory that it measured at its start. With
    150,000 entries and 6 bytes (logits, and their logarithms in float32) 2,048 tokens take 1.8 GB for a moment; and its
    answer, 70 bytes a token, is decoded in 5 ms here, in which no other call goes on."""


class Ability(Enum):
    """What a server may turn out to lack."""

    CONTINUING = "going on behind a given beginning (continue_final_message)"
    VERIFYING = "log-probabilities of the prompt (prompt_logprobs)"
    FORESEEING = "log-probabilities of what it writes (logprobs)"


class Ahead:
    """The abilities of one server, as far as they are known by now."""

    def __init__(
        self, settings: AheadSettings, where: str, model: str, create: Callable[..., Awaitable[object]]
    ) -> None:
        """``create``: sends a request (its fields as keywords) and gives the answer; raises ``openai.OpenAIError``."""
        self._settings = settings
        self._where = where
        self._create = create
        self._kind = settings.server
        self._lacks: set[Ability] = set()
        if "gpt-oss" in model.casefold():
            # its format has messages in channels; a final message that is left open is not rendered as one everywhere
            self._lacks |= {Ability.CONTINUING, Ability.VERIFYING}

    @property
    def continues(self) -> bool:
        return self._kind in ("vllm", "sglang") and Ability.CONTINUING not in self._lacks

    @property
    def verifies(self) -> bool:
        """Also needs ``continue_final_message``: the opening is the end of the prompt."""
        return (
            self._settings.verifies and self._kind == "vllm" and self.continues and Ability.VERIFYING not in self._lacks
        )

    @property
    def foresees(self) -> bool:
        return self._settings.foresees and Ability.FORESEEING not in self._lacks

    def is_owned_by(self, owner: object) -> None:
        """What the server's list of models says of the owner of ours: servers of one's own name themselves there."""
        if self._settings.server == "auto" and (owner == "vllm" or owner == "sglang"):
            self._kind = owner
            log.info("the language model server at %s says that it is %s", self._where, owner)
        if self._settings.verifies and not self.verifies:
            log.warning(
                "llm_verifies is not used: the server at %s is not vLLM, or its model can't be verified", self._where
            )

    def lacks(self, ability: Ability, why: str) -> None:
        """It is not asked for that again."""
        if ability not in self._lacks:
            self._lacks.add(ability)
            log.warning("the server at %s lacks %s, it goes on without: %s", self._where, ability.value, why)

    async def foresee(self, request: dict[str, Any], prompt: Prompt) -> Foreseen | None:
        """How the user's sentence ends, in one short completion; its probability as ``ending_of`` says.

        ``request``: for an ordinary answer; its tools, and all of the talk but its end, are left out.
        """
        if not self.foresees or not prompt.messages or prompt.messages[-1].role != "user":
            return None
        request = {
            **_without(request, "tools", "tool_choice"),
            "messages": foresight_messages(prompt.messages),
            "temperature": 0.0,
            "logprobs": True,
            "stop": ["\n"],
        }
        answer = await self._ask(request, self._settings.foresight_timeout_seconds, Ability.FORESEEING)
        completion = read_completion(None if answer is None else answer.model_dump(warnings="none"))
        if completion is None:
            return None
        if completion.text and not completion.tokens:
            self.lacks(Ability.FORESEEING, "its answer came without them")
            return None
        return ending_of(prompt.messages[-1].text, completion)

    async def agreement(self, request: dict[str, Any], prompt: Prompt, opening: str) -> str | None:
        """The longest beginning of ``opening`` that would still be said (``agreement_of``); ``None``: not known.

        ``request``: for an answer that goes on behind the opening. One pass of the model over all of the prompt and one
        token more: vLLM does not use its prefix cache for prompt log-probabilities, and works out the whole vocabulary
        for each token of the prompt. That is worth it where prompts are short, and reading is cheaper than the first
        sentence is to write. Not where a tool must be called. Nor, which the caller sees to, for answers that are reasoned
        about first: they depend on what is thought.
        """
        too_long = _tokens(request) > self._settings.longest_verified_tokens
        if not self.verifies or too_long or prompt.tool_choice not in ("auto", "none"):
            return None
        request = {**request, "extra_body": {**request.get("extra_body", {}), "prompt_logprobs": 0}}
        answer = await self._ask(request, self._settings.verdict_timeout_seconds, Ability.VERIFYING)
        if answer is None:
            return None
        tokens = read_prompt_tokens(answer.model_extra, opening.strip())
        if tokens is None:
            self.lacks(Ability.VERIFYING, "its answer came without them")
            return None
        return agreement_of(tokens, opening.strip())

    async def _ask(
        self, request: dict[str, Any], timeout_seconds: float, ability: Ability
    ) -> pydantic.BaseModel | None:
        """The answer, if one comes in time. Cancelled, it closes the connection, which ends the work on it."""
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._create(**request)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if not is_too_long(error):
                self.lacks(ability, " ".join(str(error).split())[:300])
            return None
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            log.debug("a request for %s failed: %s", ability.value, type(error).__name__)
            return None
        return answer if isinstance(answer, pydantic.BaseModel) else None


def short_request(request: dict[str, Any], limit_field: str, limit_tokens: int) -> dict[str, Any]:
    """An ordinary request, not streamed (log-probabilities of the prompt can't be), with a limit of its own."""
    kept = _without(request, "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature")
    return {**kept, limit_field: limit_tokens}


def is_too_long(error: Exception) -> bool:
    """Refused for its length, which the next prompt need not have."""
    return "context length" in str(error)


def _tokens(request: dict[str, Any]) -> int:
    """How many its prompt has, roughly: 4 bytes each, whatever the language."""
    text = json.dumps([request["messages"], request.get("tools")], ensure_ascii=False)
    return len(text.encode(errors="replace")) // CHARACTERS_PER_TOKEN


def _without(request: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in fields}
