"""Tools that run on the server, for any language model: what a tool is, the decorator that makes one, and the toolbox."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import math
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, overload

from pydantic import ValidationError

from scheduler.tasks import being_cancelled
from think_loop import tool_schema
from think_loop.language_model import ToolCall, ToolSpec
from think_loop.tool_schema import TypedArguments, as_text, description_of

log = logging.getLogger(__name__)

LONGEST_OUTPUT = 20_000
"""Characters of a tool's output that the model is given; the rest is cut off and said to be."""
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names that OpenAI-compatible servers take."""

AsyncFunction = Callable[..., Awaitable[Any]]


class ToolFault(Exception):  # noqa: N818
    """Raised by a tool to tell the model what was wrong with the call, in one sentence."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what the model is told about it, and what it does.

    ``run`` gets the decoded arguments and returns what the model will read. It raises ``ToolFault`` for
    arguments it can't use. It runs in the session's loop: it must not block.

    ``read_only``: it changes nothing, so it may run for a draft that nobody may ever hear. ``progress``: what it
    does, to be said while it runs, such as "checking your order". ``timeout_seconds``: ``None`` for the thinker's own.
    ``function``: what was decorated; the tool can be called like it.
    ``late_after_seconds``: when it takes longer, the answer goes on without its result; the tool runs on, also when the
    caller interrupts, and its result is told later. ``None``: the answer waits, and takes the tool along when it ends.
    """

    spec: ToolSpec
    run: Callable[[dict[str, Any]], Awaitable[str]]
    read_only: bool = False
    progress: str = ""
    timeout_seconds: float | None = None
    function: AsyncFunction | None = None
    late_after_seconds: float | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        if self.function is None:
            raise TypeError(f"the tool {self.spec.name!r} was not made from a function")
        return self.function(*args, **kwargs)


@overload
def tool(function: AsyncFunction, /) -> Tool: ...


@overload
def tool(
    *,
    read_only: bool = False,
    progress: str = "",
    timeout_seconds: float | None = None,
    late_after_seconds: float | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Callable[[AsyncFunction], Tool]: ...


def tool(
    function: AsyncFunction | None = None,
    /,
    *,
    read_only: bool = False,
    progress: str = "",
    timeout_seconds: float | None = None,
    late_after_seconds: float | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Tool | Callable[[AsyncFunction], Tool]:
    """Make a tool of an async function: ``@tool`` or ``@tool(read_only=True, progress="checking your order")``.

    The model is told the function's name, its docstring, and the names, types, defaults and descriptions
    (``Annotated[str, Field(description="…")]``) of its arguments. The result is text, or anything JSON can hold.
    See ``Tool`` for the other options. Raises ``TypeError`` for a function that can't be a tool, ``ValueError`` for
    a name or timeout that can't be used.
    """

    def decorate(decorated: AsyncFunction) -> Tool:
        called: str = getattr(decorated, "__name__", "") if name is None else name
        _check(called, decorated, timeout_seconds, late_after_seconds)
        arguments = TypedArguments(called, decorated)
        told = description_of(decorated) if description is None else description
        spec = ToolSpec(called, told, arguments.parameters)
        run = _checked_run(arguments)
        return Tool(spec, run, read_only, progress, timeout_seconds, decorated, late_after_seconds)

    return decorate if function is None else decorate(function)


def _check(name: str, function: object, timeout_seconds: float | None, late_after_seconds: float | None) -> None:
    if not inspect.iscoroutinefunction(function):
        raise TypeError(
            f"The tool {name!r} must be an async function (async def); blocking work goes into asyncio.to_thread."
        )
    if not NAME.fullmatch(name):
        raise ValueError(f"A tool can't be called {name!r}: names have 1 to 64 letters, digits, _ and -.")
    if timeout_seconds is not None and not timeout_seconds > 0:
        raise ValueError(f"The timeout of the tool {name!r} must be more than 0 seconds.")
    if late_after_seconds is not None and not 0 <= late_after_seconds < math.inf:
        raise ValueError(f"late_after_seconds of the tool {name!r} must be 0 or more.")


def _checked_run(arguments: TypedArguments) -> Callable[[dict[str, Any]], Awaitable[str]]:
    async def run(given: dict[str, Any]) -> str:
        try:
            call = arguments.call(given)
        except ValidationError as error:
            raise ToolFault(arguments.explain(error)) from None
        return as_text(await call)

    return run


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """``stopped``: the stream that called it ended first, so nobody reads this but the record. ``unfinished``: the tool
    runs on, and its true output comes later."""

    text: str
    failed: bool = False
    stopped: bool = False
    unfinished: bool = False


class Toolbox:
    """The server's own tools by name. Whatever goes wrong is told to the model as text, never raised."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for one in tools:
            self.add(one)

    def add(self, tool: Tool) -> None:
        if tool.spec.name in self._tools:
            raise ValueError(f"there is already a tool {tool.spec.name!r}")
        self._tools[tool.spec.name] = tool

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    def is_read_only(self, name: str) -> bool:
        """Whether a call of this tool changes nothing. True for an unknown name, too: only an error comes of it."""
        return name not in self._tools or self._tools[name].read_only

    def progress(self, name: str) -> str:
        """What can be said while it runs, such as "checking your order"; ``""``: nothing was given."""
        return self._tools[name].progress if name in self._tools else ""

    def timeout_seconds(self, name: str) -> float | None:
        return self._tools[name].timeout_seconds if name in self._tools else None

    def late_after_seconds(self, name: str) -> float | None:
        return self._tools[name].late_after_seconds if name in self._tools else None

    async def run(self, call: ToolCall) -> ToolOutput:
        tool = self._tools.get(call.name)
        if tool is None:
            return _failure(f"there is no tool {call.name!r}. There are: {', '.join(self._tools)}.")
        try:
            arguments = decode_arguments(call.arguments)
            return ToolOutput(_shortened(_readable(await tool.run(arguments))))
        except ToolFault as fault:
            return _failure(str(fault))
        except asyncio.CancelledError:
            if being_cancelled():
                raise
            log.warning("the tool %s awaited something that was cancelled", call.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a tool raises is told, and only its own frames
            log.error("the tool %s failed: %r%s", call.name, error, _own_frames(error))
        return _failure(f"the tool {call.name!r} failed.")


def _own_frames(error: BaseException) -> str:
    """Where in the tool it was raised; the frames that led there are the same for every tool, and tell nothing."""
    ours = {__file__, tool_schema.__file__}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename not in ours]
    return "".join(["\n", *traceback.format_list(frames)]).rstrip() if frames else ""


def _failure(reason: str) -> ToolOutput:
    return ToolOutput(_shortened(_readable(f"Error: {reason}")), failed=True)


def decode_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call as a dict; no text means none. Raises ``ToolFault`` for anything but a JSON object."""
    try:
        arguments = json.loads(text) if text.strip() else {}
        json.dumps(arguments, ensure_ascii=False).encode()  # fails for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise ToolFault("the arguments are no valid JSON.") from error
    if not isinstance(arguments, dict):
        raise ToolFault("the arguments must be a JSON object.")
    return arguments


def _readable(text: str) -> str:
    """Half of a surrogate pair can't be sent to any model."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _shortened(text: str) -> str:
    return (
        text
        if len(text) <= LONGEST_OUTPUT
        else f"{text[:LONGEST_OUTPUT]} … (cut off after {LONGEST_OUTPUT} characters)"
    )
