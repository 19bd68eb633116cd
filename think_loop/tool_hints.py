"""Pure: what the model is told about calls it has made before with the same arguments."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import dataclass

from think_loop.durations import spoken_duration
from think_loop.language_model import ToolCall

MOST_REMEMBERED = 1000
"""Different calls of one session that are remembered; beyond, the one made longest ago is forgotten."""
_HINT = re.compile(r"\n\(This tool was called [^\n]*\)\Z")


@dataclass(frozen=True, slots=True)
class _Past:
    count: int
    last_at: float
    output_hash: int


class CallHistory:
    """Counts the completed calls of a session by name and arguments."""

    def __init__(self) -> None:
        self._past: OrderedDict[tuple[str, str], _Past] = OrderedDict()

    def note(self, call: ToolCall, output: str, now: float) -> str:
        """Count this call, which has just completed. Returns the hint to put behind its output: ``""`` for a first call,
        else a line that says how often and when it was made before, and whether the result has changed."""
        key = call_key(call)
        past, output_hash = self._past.pop(key, None), hash(output)
        self._past[key] = _Past(past.count + 1 if past else 1, now, output_hash)
        if len(self._past) > MOST_REMEMBERED:
            self._past.popitem(last=False)
        return "" if past is None else _hint(past, now - past.last_at, output_hash == past.output_hash)


def call_key(call: ToolCall) -> tuple[str, str]:
    """The tool and its arguments, however they are written: order and white space don't matter."""
    try:
        arguments = json.loads(call.arguments) if call.arguments.strip() else {}
        return call.name, json.dumps(arguments, sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, call.arguments.strip()


def _hint(past: _Past, ago_seconds: float, same: bool) -> str:
    often = "once" if past.count == 1 else f"{past.count} times"
    ago = f"{spoken_duration(round(ago_seconds))} ago" if ago_seconds >= 1 else "a moment ago"
    result = "the same" if same else "another"
    return f"\n(This tool was called {often} before with the same arguments, last {ago}; its result then was {result}.)"


def without_hint(output: str) -> str:
    """A tool's output without the line that ``CallHistory.note`` made."""
    return _HINT.sub("", output)
