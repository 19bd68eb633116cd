"""Pure: what a client is told when an event of its can't be carried out. The session lives on after each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

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


_TYPE_ERRORS = frozenset({"model_type", "model_attributes_type", "dict_type", "list_type", "string_type"})


def from_validation(error: ValidationError, prefix: str = "") -> WireError:
    """The first thing pydantic found wrong, as the API would say it. No value of the client's is repeated."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = ".".join(part for part in (prefix, *_path(first["loc"])) if part)
    kind = first["type"]
    if kind == "missing":
        return WireError(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)
    code = "invalid_type" if kind in _TYPE_ERRORS or kind.endswith("_type") else "invalid_value"
    return WireError(f"Invalid '{param}': {first['msg']}.", code, param)


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
        elif part not in _TAGS or (part == "audio" and not _follows_a_union(loc[:position])):
            path.append(str(part))
    return path


def _follows_a_union(loc: tuple[int | str, ...]) -> bool:
    """A content part is at hand, whose tag comes next."""
    return bool(loc) and isinstance(loc[-1], int)
