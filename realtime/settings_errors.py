"""Pure: turns what is wrong with the settings into one sentence for a person."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

KeySources = dict[tuple[str, ...], str]
"""Where a key was given: ``in stretto.toml``, ``in the environment variable STRETTO_LLM``."""


def explain(error: ValidationError, sources: KeySources, known: Sequence[str]) -> str:
    """The first fault as one sentence that names the key, its place, and what to write instead."""
    details = error.errors(include_url=False)
    first = details[0]
    key = _source_key(tuple(str(part) for part in first["loc"]), sources)
    dotted, place = ".".join(key), sources.get(key, "in the settings")
    match first["type"]:
        case "extra_forbidden":
            return f"Unknown setting {dotted!r} {place}; {_nearest(dotted, known)}"
        case "model_type" | "model_attributes_type":
            return f"The setting {dotted!r} {place} is a section: write its keys below [{dotted}]."
        case "value_error":
            return _with_place(first["msg"].removeprefix("Value error, "), key, sources)
        case _:
            shown = "what it is" if "api_key" in dotted or "password" in dotted else repr(first["input"])
            reason = first["msg"].removeprefix("Input ").rstrip(".")
            return f"The setting {dotted!r} {place} can't be {shown}: it {_plain(reason)}."


def _with_place(fault: str, key: tuple[str, ...], sources: KeySources) -> str:
    """A fault of several keys together stands where one of those that it names was given."""
    named = [known for known in sources if ".".join(known) in fault] or [key]
    given = sources.get(named[0])
    return f"{fault} ({given})." if given else f"{fault}."


def is_broken_file(file: Path, error: Exception) -> str:
    """Why a settings file can't be read."""
    match error:
        case FileNotFoundError():
            return f"There is no settings file {file}."
        case OSError():
            return f"The settings file {file} can't be read: {error.strerror}."
        case UnicodeDecodeError():
            return f"The settings file {file} is not UTF-8 text."
        case _:
            return f"The settings file {file} is no valid TOML: {error}."


def _source_key(location: tuple[str, ...], sources: KeySources) -> tuple[str, ...]:
    """The given key a fault belongs to: pydantic names list indexes and sections without keys too."""
    for end in range(len(location), 0, -1):
        if location[:end] in sources:
            return location[:end]
    for key in sources:
        if key[: len(location)] == location:
            return key
    return location


def _plain(reason: str) -> str:
    """pydantic's words for Python's types, as words for what stands in a file."""
    for theirs, ours in (("a valid tuple", "a list"), ("a valid dictionary", "a table"), ("a valid string", "a text")):
        reason = reason.replace(theirs, ours)
    return reason


def _nearest(dotted: str, known: Sequence[str]) -> str:
    name = dotted.rpartition(".")[2]
    by_name = [key for key in known if key.rpartition(".")[2] == name]
    close = difflib.get_close_matches(dotted, by_name, n=1, cutoff=0.5) or by_name
    close = close or difflib.get_close_matches(dotted, known, n=1, cutoff=0.75)
    if not close:
        by_end = {key.rpartition(".")[2]: key for key in known}
        close = [by_end[end] for end in difflib.get_close_matches(name, by_end, n=1, cutoff=0.75)]
    return f"did you mean {close[0]!r}?" if close else "examples/stretto.example.toml describes all there are."
