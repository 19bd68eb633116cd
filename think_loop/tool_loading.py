"""Finds the tools that the settings name."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from scheduler.errors import SettingsError
from think_loop.timers import TIMER_TOOLS
from think_loop.tools import Tool

log = logging.getLogger(__name__)


def load_tools(specs: Sequence[str]) -> tuple[Tool, ...]:
    """The tools of each spec in order: ``MODULE``, all tools in it; ``MODULE:NAME``, a tool, a list of tools or a module
    in it. Modules of the folder the program runs in are found, too.

    Raises ``SettingsError``, one sentence, for what can't be imported or holds no tools.
    """
    if specs and (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # last: a file here must not stand in for a library
    return tuple(tool for spec in specs for tool in _load(spec))


def checked_tools(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """``tools``, each once. Raises ``SettingsError`` for two that have the same name, or that of one that is built in."""
    taken = {spec.name: "the server has a tool of this name itself" for spec in TIMER_TOOLS}
    unique = tuple({id(tool): tool for tool in tools}.values())
    for tool in unique:
        if reason := taken.get(tool.spec.name):
            raise SettingsError(f"The tool {tool.spec.name!r} can't be used: {reason}; give it another name.")
        taken[tool.spec.name] = "another tool has the same name"
    return unique


def _load(spec: str) -> tuple[Tool, ...]:
    module_name, _, path = spec.strip().partition(":")
    found: object = _imported(spec, module_name)
    for name in filter(None, path.split(".")):
        if not hasattr(found, name):
            raise SettingsError(f"There are no tools {spec!r}: {module_name!r} has no {path!r}.")
        found = getattr(found, name)
    tools = _tools_in(found)
    if not tools:
        raise SettingsError(f"There are no tools in {spec!r}; decorate async functions with @tool (docs/tools.md).")
    return tools


def _imported(spec: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        raise SettingsError(f"The tools {spec!r} can't be imported: there is no module {missing!r}.") from None
    except (Exception, SystemExit) as error:  # whatever the user's module does
        log.debug("importing %s failed", name, exc_info=True)
        reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
        raise SettingsError(f"The tools {spec!r} can't be imported: {reason}.") from error


def _tools_in(found: object) -> tuple[Tool, ...]:
    """Nothing, if anything else is among them."""
    match found:
        case Tool():
            return (found,)
        case ModuleType():
            return tuple(value for value in vars(found).values() if isinstance(value, Tool))
        case list() | tuple():
            return tuple(found) if all(isinstance(value, Tool) for value in found) else ()
        case _:
            return ()
