"""Tools that run on the server, for any language model."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from think_loop.language_model import ToolCall, ToolSpec

log = logging.getLogger(__name__)

LONGEST_OUTPUT = 20_000
"""Characters of a tool's output that the model is given; the rest is cut off and said to be."""


class ToolFault(Exception):  # noqa: N818
    """Raised by a tool to tell the model what was wrong with the call, in one sentence."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what the model is told about it, and what it does.

    ``run`` gets the decoded arguments and returns what the model will read. It raises ``ToolFault`` for
    arguments it can't use. It runs in the session's loop: it must not block.
    """

    spec: ToolSpec
    run: Callable[[dict[str, Any]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ToolOutput:
    text: str
    failed: bool = False


class Toolbox:
    """The server's own tools by name. Whatever goes wrong is told to the model as text, never raised."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        if tool.spec.name in self._tools:
            raise ValueError(f"there is already a tool {tool.spec.name!r}")
        self._tools[tool.spec.name] = tool

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    async def run(self, call: ToolCall) -> ToolOutput:
        tool = self._tools.get(call.name)
        if tool is None:
            return ToolOutput(
                f"Error: there is no tool {call.name!r}. There are: {', '.join(self._tools)}.", failed=True
            )
        try:
            arguments = decode_arguments(call.arguments)
            return ToolOutput(_shortened(await tool.run(arguments)))
        except ToolFault as fault:
            return ToolOutput(f"Error: {fault}", failed=True)
        except Exception:
            log.exception("the tool %s failed", call.name)
            return ToolOutput(f"Error: the tool {call.name!r} failed.", failed=True)


def decode_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call as a dict; no text means none. Raises ``ToolFault`` for anything but a JSON object."""
    try:
        arguments = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ToolFault("the arguments are no valid JSON.") from error
    if not isinstance(arguments, dict):
        raise ToolFault("the arguments must be a JSON object.")
    return arguments


def _shortened(text: str) -> str:
    return (
        text
        if len(text) <= LONGEST_OUTPUT
        else f"{text[:LONGEST_OUTPUT]} … (cut off after {LONGEST_OUTPUT} characters)"
    )
