"""Pure: tool calls of one session go by ids that no other has.

Some model servers number calls anew in each request ("call_0" every turn). The history, the tools that run, and the client,
who answers by id, would take two such calls for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from think_loop.language_model import Message, ToolCall


class CallIds:
    """What the session's calls are called. An id stays as the model gave it unless it was given before."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def own(self, call: ToolCall, history: Iterable[Message] = ()) -> ToolCall:
        """``call`` by an id of its own. ``history``: of the prompt: it may hold calls that a client put there."""
        taken = self._given | {earlier.call_id for message in history for earlier in message.tool_calls}
        call_id = next(name for name in _names(call.call_id or "call") if name not in taken)
        self._given.add(call_id)
        return call if call_id == call.call_id else replace(call, call_id=call_id)


def _names(call_id: str) -> Iterator[str]:
    yield call_id
    for number in count(2):
        yield f"{call_id}_{number}"
