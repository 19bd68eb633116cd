"""Pure: what a client is told when an event of its can't be carried out. The session lives on after each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from realtime.wire.session_types import NAMELESS
from scheduler.errors import StrettoError


@dataclass(eq=False)
class WireError(StrettoError):
    """One refused client event. ``code`` and ``param`` as the OpenAI Realtime API names them."""

    message: str
    code: str
    param: str | None = None
    event_id: str | None = None
    kind: str = "invalid_request_error"

    def body(self) -> dict[str, Any]:
        """The ``error`` object. ``code``, ``param`` and ``event_id`` are nullable in the API and always there."""
        return {
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": self.event_id,
        }


_WORDS = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "an object"),
    "list_type": "an array",
    "string_type": "a string",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
}
"""What a value must be; pydantic tells of classes and of parsing."""
_LONGEST_NAME = 64


def from_validation(error: ValidationError, prefix: str = "", known: Iterable[str] = ()) -> WireError:
    """The first thing pydantic found wrong, as the API would say it. No value of the client's is repeated.

    ``known``: the names that an object may have which takes no others.
    """
    found = error.errors(include_url=False, include_input=False)
    first = found[0]
    param, kind = _param(prefix, first), first["type"]
    match kind:
        case "missing":
            return _missing(param)
        case "union_tag_not_found":
            return _missing(f"{param}.type")
        case "extra_forbidden":
            return _unknown(param, known)
        case _ if kind == NAMELESS:
            return _missing(f"{param}.name")
        case _:
            pass
    code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    wanted = [_wanted(each) for each in found if _param(prefix, each) == param]
    return WireError(f"Invalid '{param}': it must {' or '.join(wanted)}.", code, param)


def _missing(param: str) -> WireError:
    return WireError(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)


def _unknown(param: str, known: Iterable[str]) -> WireError:
    path, _, name = param.rpartition(".")
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean '{path}.{close[0]}'?" if close else f"It has {', '.join(known)}."
    return WireError(f"Unknown parameter: '{param}'. {hint}", "unknown_parameter", param)


def _wanted(found: ErrorDetails) -> str:
    """What should stand there, behind "it must"."""
    if found["type"] == "union_tag_invalid":
        return f"be an object whose 'type' is one of {found['ctx']['expected_tags']}"
    if found["type"] in _WORDS:
        return f"be {_WORDS[found['type']]}"
    return re.sub(r"^\w+ should (.*?)( after validation.*)?$", r"\1", found["msg"])


def _param(prefix: str, found: ErrorDetails) -> str:
    return ".".join(part for part in (prefix, *_path(found["loc"])) if part)


_BRANCH = re.compile(r"str|(dict|literal)\[.*|constrained-\w+")
"""What pydantic puts into the path for the branch of a union of plain values."""
_TAGS = frozenset(
    {
        *("audio/pcm", "audio/pcmu", "audio/pcma", "server_vad", "semantic_vad"),
        *("message", "function_call", "function_call_output", "item_reference"),
        *("input_text", "output_text", "text", "input_audio", "output_audio", "audio", "input_image"),
    }
)
"""What pydantic puts into the path of an error for the chosen branch of a union; ``audio`` may also be a field."""


def _path(loc: tuple[int | str, ...]) -> list[str]:
    """``("tools", 0, "name")`` as ``["tools[0]", "name"]``, without the tags of unions."""
    path: list[str] = []
    for position, part in enumerate(loc):
        if isinstance(part, int) and path:
            path[-1] += f"[{part}]"
        elif _BRANCH.fullmatch(str(part)):
            continue
        elif part not in _TAGS or (part == "audio" and not _follows_a_union(loc[:position])):
            path.append(str(part)[:_LONGEST_NAME])
    return path


def _follows_a_union(loc: tuple[int | str, ...]) -> bool:
    """A content part is at hand, whose tag comes next."""
    return bool(loc) and isinstance(loc[-1], int)
