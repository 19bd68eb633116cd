"""Pure: our prompts as OpenAI chat completion requests, and their deltas as our pieces."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from scheduler.commands import Effort
from think_loop.effort import token_limit
from think_loop.language_model import (
    Finished,
    Message,
    Piece,
    Prompt,
    Thought,
    ToolCall,
    ToolSpec,
    Words,
)
from think_loop.silence_marker import SilenceMarker
from think_loop.think_tags import ThinkTags

EffortStyle = Literal["auto", "none", "openai", "chat_template"]


def wire_messages(prompt: Prompt, late_system: Literal["user", "system"]) -> list[dict[str, Any]]:
    """The messages of a request.

    Chat templates of many open models take a system message only at the beginning and want users and
    assistants to alternate; so with ``late_system="user"`` later notes and the hints become user text in
    ``<note>`` tags, and user messages in a row become one. An opening is the last message, which is to be gone on with;
    without white space at its end, which templates cut off anyway.
    """
    wire: list[dict[str, Any]] = []
    hints = (Message("system", prompt.hints),) if prompt.hints else ()
    for message in (*prompt.messages, *hints):
        item = _wire_message(message)
        if message.role == "system" and wire and late_system == "user":
            item = {"role": "user", "content": f"<note>{message.text}</note>"}
        if wire and item["role"] == wire[-1]["role"] == "user":
            wire[-1]["content"] += "\n" + item["content"]
        else:
            wire.append(item)
    if prompt.opening:
        wire.append({"role": "assistant", "content": prompt.opening.strip()})
    return wire


def _wire_message(message: Message) -> dict[str, Any]:
    item: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        item["content"] = message.text or None
        item["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments or "{}"},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        item["tool_call_id"] = message.tool_call_id
    if message.reasoning:
        item["reasoning_content"] = message.reasoning
    return item


def wire_tools(prompt: Prompt) -> dict[str, Any]:
    """The request's ``tools`` and ``tool_choice``. With ``none`` the tools stay (the prefix stays the same)."""
    if not prompt.tools:
        return {}
    choice: Any = prompt.tool_choice
    if choice not in ("auto", "none", "required"):
        choice = {"type": "function", "function": {"name": choice}}
    return {"tools": [_wire_tool(tool) for tool in prompt.tools], "tool_choice": choice}


def _wire_tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }


def wire_effort(effort: Effort | None, style: EffortStyle, base_url: str, model: str) -> dict[str, Any]:
    """How the server is told the effort; ``auto`` says nothing where an unknown field might be refused.

    ``openai``: ``reasoning_effort``; ``chat_template``: ``enable_thinking`` as vLLM, SGLang and llama.cpp pass
    it on to Qwen-like templates (others ignore it); gpt-oss takes the first wherever it runs. How long the thoughts
    may be is told by ``wire_limit``.
    """
    if effort is None or style == "none":
        return {}
    if style == "auto":
        style = _effort_style(base_url, model)
    if style == "openai":
        return {"reasoning_effort": {Effort.REFLEX: "low", Effort.CONSIDERED: "medium", Effort.DEEP: "high"}[effort]}
    if style == "chat_template":
        return {"extra_body": {"chat_template_kwargs": {"enable_thinking": effort is not Effort.REFLEX}}}
    return {}


def wire_limit(prompt: Prompt, style: EffortStyle, base_url: str, model: str) -> int | None:
    """The request's ``max_tokens``. Where the server is told an effort, its thoughts have room beside what is said;
    elsewhere the limit is the one that was asked for, if any."""
    if prompt.effort is None or not wire_effort(prompt.effort, style, base_url, model):
        return prompt.max_output_tokens
    return token_limit(prompt.effort, prompt.max_output_tokens)


def wire_priority(prompt: Prompt, sends_priority: bool) -> dict[str, Any]:
    """The request's ``priority`` as vLLM reads it. 0 is every server's default, and needs no saying."""
    return {"priority": prompt.priority} if sends_priority and prompt.priority else {}


def _effort_style(base_url: str, model: str) -> EffortStyle:
    host = urlsplit(base_url).hostname or ""
    if host.endswith("openai.com"):
        return "openai" if model.startswith(("o1", "o3", "o4", "gpt-5")) else "none"
    if not is_near(host):
        return "none"
    return "openai" if "gpt-oss" in model.casefold() else "chat_template"


def is_near(host: str) -> bool:
    """Whether ``host`` is this machine or in a private network: a server of one's own."""
    if host == "localhost" or ("." not in host and ":" not in host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


@dataclass(slots=True)
class _CallParts:
    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class DeltaReader:
    """Reads the decoded chunks of one streamed completion. Chunks that make no sense are passed over."""

    tags: ThinkTags = field(default_factory=ThinkTags)
    marker: SilenceMarker = field(default_factory=SilenceMarker)
    finish_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    _calls: dict[int, _CallParts] = field(default_factory=dict)

    def read(self, chunk: object) -> list[Piece]:
        if not isinstance(chunk, Mapping):
            return []
        if isinstance(usage := chunk.get("usage"), Mapping):
            self.usage = usage
        if chunk.get("error"):
            self.error = _error_text(chunk["error"])
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, Mapping):
            return []
        if isinstance(reason := choice.get("finish_reason"), str):
            self.finish_reason = reason
        delta = choice.get("delta")
        return self._read_delta(delta) if isinstance(delta, Mapping) else []

    def _read_delta(self, delta: Mapping[str, Any]) -> list[Piece]:
        pieces: list[Piece] = []
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            pieces.append(Thought(reasoning))
        content = delta.get("content")
        if isinstance(content, str) and content:
            pieces.extend(self._read_text(self.tags.feed(content)))
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            pieces.append(Words(refusal))
        for part in delta.get("tool_calls") or ():
            self._read_call(part)
        return pieces

    def _read_text(self, parts: list[Thought | Words]) -> list[Piece]:
        pieces: list[Piece] = []
        for part in parts:
            pieces.extend([part] if isinstance(part, Thought) else self.marker.feed(part.text))
        return pieces

    def _read_call(self, part: object) -> None:
        """Parts are told apart by ``index``; servers without it send whole calls, or parts with an id at first."""
        if not isinstance(part, Mapping):
            return
        index, call_id = part.get("index"), part.get("id") or ""
        if not isinstance(index, int):
            begins_another = call_id and self._calls and call_id != self._calls[max(self._calls)].call_id
            index = max(self._calls, default=0) + (1 if begins_another else 0)
        parts = self._calls.setdefault(index, _CallParts())
        parts.call_id = parts.call_id or str(call_id)
        function = part.get("function")
        if isinstance(function, Mapping):
            parts.name = parts.name or str(function.get("name") or "")
            parts.arguments.append(str(function.get("arguments") or ""))

    def finish(self) -> list[Piece]:
        """The last pieces of a stream that ended well: held text, whole tool calls, ``Finished``."""
        pieces = self.rest()
        calls = [
            ToolCall(parts.call_id or f"call_{index}", parts.name, "".join(parts.arguments) or "{}")
            for index, parts in sorted(self._calls.items())
            if parts.name
        ]
        pieces.extend(calls)
        pieces.append(self._finished(bool(calls)))
        return pieces

    def rest(self) -> list[Piece]:
        """Text that is still held back."""
        return [*self._read_text(self.tags.finish()), *self.marker.finish()]

    def _finished(self, called: bool) -> Finished:
        reason: Literal["stop", "length", "tools"] = "stop"
        if called:
            reason = "tools"
        elif self.finish_reason == "length":
            reason = "length"
        details = self.usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, Mapping) else 0
        return Finished(
            reason, _count(self.usage.get("prompt_tokens")), _count(self.usage.get("completion_tokens")), _count(cached)
        )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _error_text(error: object) -> str:
    message = error.get("message") if isinstance(error, Mapping) else error
    return str(message)[:300]
