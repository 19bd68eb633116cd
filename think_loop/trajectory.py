"""Pure: the trajectory: an append-only, timestamped interleaving of what was heard, thought, done and said.

``Trajectory.messages`` renders it in the chat format of language models. Within an *epoch* what was
rendered before stays as it is and only grows at its end, so that an engine's prefix cache keeps serving
it; whatever changes the prefix (a rejoined turn, an item deleted, replaced or put in between, other
instructions) opens a new epoch.

How entries become messages:

- A tool call stands where its *result* arrived, as an assistant message with that one call and the tool
  message behind it. So a late result never rewrites what stood before, and a call that has no result yet
  is not shown at all (chat servers reject a call without its result). ``pending_calls`` names those.
- Pieces the assistant said one after the other are one message.
- A cut-off piece ends with ``CUT_OFF_MARK``, after the last word the caller heard.
- Thoughts are left out, or, with ``preserve_reasoning``, go into ``reasoning`` of the assistant message
  that follows; thoughts that nothing was said or done after, are not shown.
- Notes are system messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, assert_never

from scheduler.words import join_texts
from think_loop.language_model import Message, ToolCall

CUT_OFF_MARK = "…"
"""Ends an assistant message that the caller interrupted there."""

ROOT: Literal["root"] = "root"
"""``insert_after(ROOT, …)`` puts an entry first, as the protocol's ``previous_item_id: "root"`` does."""


class EntryKind(StrEnum):
    HEARD = "heard"
    """A turn of the user."""
    SAID = "said"
    """Words of the assistant that the caller heard (or, in a text answer, was sent)."""
    THOUGHT = "thought"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    NOTE = "note"
    """Something the system tells the model."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, ``at_seconds`` of session time.

    ``text``: what was heard, thought, said or noted; the arguments (JSON text) of a tool call; the output
    of a tool result. ``call_id`` and ``tool_name`` belong to tool entries, ``cut_off`` to ``SAID``.
    ``by_client``: the client made this item, it was not spoken here.
    """

    entry_id: str
    kind: EntryKind
    text: str
    at_seconds: float | None = None
    cut_off: bool = False
    call_id: str = ""
    tool_name: str = ""
    by_client: bool = False


class Trajectory:
    """The entries of one conversation in order. Ids are unique; ``ValueError`` for a known id, ``KeyError`` for an
    unknown one."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._by_id: dict[str, Entry] = {}
        self._rendered_with: tuple[str, bool] | None = None
        self.epoch = 0
        """How often the prefix has changed. Counted in the metrics."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._by_id

    def get(self, entry_id: str) -> Entry | None:
        return self._by_id.get(entry_id)

    @property
    def last_id(self) -> str | None:
        return self._entries[-1].entry_id if self._entries else None

    @property
    def pending_calls(self) -> tuple[Entry, ...]:
        """Tool calls that have no result yet."""
        answered = {entry.call_id for entry in self._entries if entry.kind is EntryKind.TOOL_RESULT}
        return tuple(
            entry for entry in self._entries if entry.kind is EntryKind.TOOL_CALL and entry.call_id not in answered
        )

    def append(self, entry: Entry) -> None:
        self._refuse_known(entry.entry_id)
        self._entries.append(entry)
        self._by_id[entry.entry_id] = entry

    def insert_after(self, previous_id: str | None, entry: Entry) -> None:
        """Put ``entry`` behind ``previous_id``; ``None``: at the end, ``ROOT``: first."""
        place = self._place_after(previous_id)
        if place == len(self._entries):
            self.append(entry)
            return
        self._refuse_known(entry.entry_id)
        self._entries.insert(place, entry)
        self._by_id[entry.entry_id] = entry
        self.epoch += 1

    def delete(self, entry_id: str) -> Entry:
        """Take an entry out. Deleting a tool call leaves its result out of the messages too."""
        entry = self._by_id.pop(entry_id)
        self._entries.remove(entry)
        self.epoch += 1
        return entry

    def replace(
        self, entry_id: str, *, text: str | None = None, cut_off: bool | None = None, at_seconds: float | None = None
    ) -> Entry:
        """Change what an entry says (an amended transcript, a corrected position); what is ``None`` stays."""
        old = self._by_id[entry_id]
        new = replace(
            old,
            text=old.text if text is None else text,
            cut_off=old.cut_off if cut_off is None else cut_off,
            at_seconds=old.at_seconds if at_seconds is None else at_seconds,
        )
        if new != old:
            self._entries[self._entries.index(old)] = new
            self._by_id[entry_id] = new
            self.epoch += 1
        return new

    def merge_turn(self, old_id: str, new_id: str, text: str | None = None, at_seconds: float | None = None) -> Entry:
        """Make a rejoined turn one with the turn it continues.

        The merged turn is called ``new_id`` and stands where the later turn stands (at the end, if it is not
        there yet), so that what was heard of the agent in between stays before it. ``text`` is the whole turn;
        without it the two texts are joined, which needs ``new_id`` to be there.
        """
        old = self._by_id[old_id]
        later = self._by_id.get(new_id)
        if text is None:
            if later is None:
                raise KeyError(new_id)
            text = join_texts(old.text, later.text).strip()
        if later is None:
            later = replace(old, entry_id=new_id, at_seconds=old.at_seconds if at_seconds is None else at_seconds)
            self.append(later)
        self.delete(old_id)
        return self.replace(new_id, text=text, at_seconds=at_seconds)

    def messages(
        self, instructions: str, preserve_reasoning: bool = False, *, without: str | None = None
    ) -> tuple[Message, ...]:
        """What the language model sees. Rendering with other instructions than last time opens a new epoch.
        ``without``: an entry that is left out, because what it says will be replaced."""
        rendered_with = (instructions, preserve_reasoning)
        if self._rendered_with not in (None, rendered_with):
            self.epoch += 1
        self._rendered_with = rendered_with
        entries = tuple(entry for entry in self._entries if entry.entry_id != without)
        return render(entries, instructions, preserve_reasoning)

    def _refuse_known(self, entry_id: str) -> None:
        if entry_id in self._by_id:
            raise ValueError(f"there is already an entry {entry_id!r}")

    def _place_after(self, previous_id: str | None) -> int:
        match previous_id:
            case None:
                return len(self._entries)
            case "root":
                return 0
            case _:
                return self._entries.index(self._by_id[previous_id]) + 1


def render(entries: tuple[Entry, ...], instructions: str, preserve_reasoning: bool = False) -> tuple[Message, ...]:
    """``entries`` as chat messages (see the module's docstring); empty ``instructions`` give no system message."""
    messages = [Message("system", instructions)] if instructions else []
    calls: dict[str, Entry] = {}
    reasoning = ""
    for entry in entries:
        match entry.kind:
            case EntryKind.HEARD:
                reasoning = ""
                messages.append(Message("user", entry.text, at_seconds=entry.at_seconds))
            case EntryKind.SAID:
                if _add_said(messages, entry, reasoning):
                    reasoning = ""
            case EntryKind.THOUGHT:
                reasoning += entry.text if preserve_reasoning else ""
            case EntryKind.TOOL_CALL:
                calls[entry.call_id] = entry
            case EntryKind.TOOL_RESULT:
                call = calls.pop(entry.call_id, None)
                if call is not None:
                    messages.extend(_tool_round(call, entry, reasoning))
                    reasoning = ""
            case EntryKind.NOTE:
                messages.append(Message("system", entry.text, at_seconds=entry.at_seconds))
            case _:
                assert_never(entry.kind)
    return tuple(messages)


def _add_said(messages: list[Message], entry: Entry, reasoning: str) -> bool:
    text = _with_cut_off_mark(entry.text) if entry.cut_off else entry.text
    if not text.strip():
        return False
    last = messages[-1] if messages else None
    if last is not None and last.role == "assistant" and not last.tool_calls and not reasoning:
        messages[-1] = replace(last, text=join_texts(last.text, text.lstrip()))
    else:
        messages.append(Message("assistant", text, reasoning=reasoning, at_seconds=entry.at_seconds))
    return True


def _with_cut_off_mark(text: str) -> str:
    heard = text.rstrip(" \t\n.,;:!?…")
    return heard + CUT_OFF_MARK if heard else ""


def _tool_round(call: Entry, result: Entry, reasoning: str) -> tuple[Message, Message]:
    tool_call = ToolCall(call.call_id, call.tool_name, call.text)
    return (
        Message("assistant", "", tool_calls=(tool_call,), reasoning=reasoning, at_seconds=call.at_seconds),
        Message("tool", result.text, tool_call_id=call.call_id, at_seconds=result.at_seconds),
    )
