"""Pure: events and commands as JSON objects and back, for every type of the two vocabularies.

``{"at": 1.25, "event": "SpeechStarted", "audio_seconds": 1.1, "voiced_seconds": 0.06}``. All fields are
written, times in full, so that a journal replays the same after defaults have changed.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from scheduler.commands import Command
from scheduler.errors import StrettoError
from scheduler.events import Event

EVENT_TYPES: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Event)}
COMMAND_TYPES: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Command)}


class JournalError(StrettoError):
    """A journal, or a line of one, that can't be read."""


def encode(at: float, happened: Event | Command) -> dict[str, Any]:
    """One journal line. ``at``: seconds since the session began."""
    name = type(happened).__name__
    kind = "event" if name in EVENT_TYPES else "command"
    return {"at": at, kind: name, **encode_fields(happened)}


def decode(line: Mapping[str, Any]) -> tuple[float, Event | Command]:
    """The inverse of ``encode``. Raises ``JournalError``."""
    rest = dict(line)
    try:
        at = float(rest.pop("at"))
        name = rest.pop("event", None)
        cls = EVENT_TYPES[name] if name is not None else COMMAND_TYPES[rest.pop("command")]
        return at, decode_fields(cls, rest)
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(
            f"the journal is of another version of Stretto (read it with that one), or damaged: {error}"
        ) from None


def encode_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as plain JSON values."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def decode_fields(cls: type[Any], plain: Mapping[str, Any]) -> Any:
    """An object of dataclass ``cls``; absent fields take their defaults. ``TypeError`` on unknown ones."""
    hints = _hints(cls)
    unknown = plain.keys() - hints.keys()
    if unknown:
        raise TypeError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
    return cls(**{name: _typed(value, hints[name]) for name, value in plain.items()})


_HINTS: dict[str, dict[str, Any]] = {}


def _hints(cls: type[Any]) -> dict[str, Any]:
    """Kept, since resolving them takes far longer than decoding a line."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    if name not in _HINTS:
        _HINTS[name] = get_type_hints(cls)
    return _HINTS[name]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return encode_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _typed(value: Any, hint: Any) -> Any:
    """``value`` as the type that ``hint`` names; ``TypeError`` or ``ValueError`` if it is none."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _typed_option(value, get_args(hint))
    if origin is Literal:
        return _checked(value, value in get_args(hint), hint)
    if origin is tuple:
        return tuple(_typed(item, get_args(hint)[0]) for item in value)
    if is_dataclass(hint):
        return decode_fields(hint, value)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float:
        return float(_checked(value, isinstance(value, int | float) and not isinstance(value, bool), hint))
    return _checked(value, type(value) is hint, hint)


def _typed_option(value: Any, options: tuple[Any, ...]) -> Any:
    if value is None and type(None) in options:
        return None
    (hint,) = (option for option in options if option is not type(None))
    return _typed(value, hint)


def _checked(value: Any, is_right: bool, hint: Any) -> Any:
    if not is_right:
        raise TypeError(f"{value!r} is no {hint}")
    return value
