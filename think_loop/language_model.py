"""Pure: what a language model is: messages in, a stream of pieces out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from scheduler.commands import Effort, Purpose


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model calls a tool. ``arguments`` is JSON text, not yet checked."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message. ``at_seconds``: session time, for engines that care about it (timers, "a minute ago").

    ``tool_calls`` only on ``assistant``, ``tool_call_id`` only on ``tool``; ``reasoning`` only on ``assistant``.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    reasoning: str = ""
    at_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool the model may call. ``parameters``: a JSON schema object. ``by_client``: the client runs it."""

    name: str
    description: str
    parameters: dict[str, Any]
    by_client: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a language model is told for one stream of thinking.

    ``messages`` are a stable prefix (the trajectory); ``hints`` is volatile text that stands after it and is
    not kept (time, what is being said right now). ``tool_choice``: ``auto``, ``none``, ``required`` or a tool's name.
    ``purpose``: what the answer is for; ``opening``: how it begins, already written, so that what is generated goes on
    behind it (only engines that ``continues_openings`` are given one, see ``openings.py``).
    ``priority``: lower runs first, as in vLLM; engines that don't know priorities ignore it.
    """

    messages: tuple[Message, ...]
    hints: str = ""
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"
    max_output_tokens: int | None = None
    temperature: float | None = None
    effort: Effort | None = None
    priority: int = 0
    purpose: Purpose = Purpose.ANSWER
    opening: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning that is not spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is to be spoken, exactly as it came (any split, leading spaces kept)."""

    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The model chose to say nothing, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last piece of a complete stream. Token counts as the engine gives them, else estimates."""

    reason: Literal["stop", "length", "tools"]
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


Piece = Thought | Words | ToolCall | Silence | Finished


class LanguageModel(Protocol):
    """A language model engine, shared by all sessions of the process."""

    @property
    def name(self) -> str:
        """The engine's spec, such as ``offline`` or ``openai:http://127.0.0.1:8000/v1#Qwen/Qwen3-8B``."""
        ...

    @property
    def simulated(self) -> bool: ...

    async def warm_up(self) -> None:
        """Load or reach the model. Raises ``LanguageModelError`` with a sentence that says what to do."""
        ...

    def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """Think. The iterator can be closed at any point, which stops the engine's work on it.

        The last piece is ``Finished``; a stream that breaks off raises ``LanguageModelError``.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Foreseen:
    """How the user's sentence will probably end (the words behind those that were said), and how probable that is."""

    ending: str
    probability: float
    output_tokens: int = 0


@runtime_checkable
class ForeseeingModel(Protocol):
    """An engine that tells, in one cheap completion, how a sentence that is being said will end (rule 3)."""

    @property
    def can_foresee(self) -> bool:
        """Whether it can, with its settings and the server behind it. If not, ``foresee`` tells nothing."""
        ...

    async def foresee(self, prompt: Prompt) -> Foreseen | None:
        """``prompt`` ends with what the user has said so far. ``None``: it can't be told."""
        ...


def foreseeing(model: LanguageModel) -> ForeseeingModel | None:
    """The same model, if it can foresee endings just now."""
    return model if isinstance(model, ForeseeingModel) and model.can_foresee else None
