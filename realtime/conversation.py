"""The history of one session: turns committed, words heard, tools run and items of the client, as a trajectory."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Literal, TypeVar

from realtime.wire.conversation import REMEMBERED_NAMES
from realtime.wire.session_port import (
    CallPlace,
    ClientItem,
    FunctionCallItem,
    FunctionOutputItem,
    Item,
    MessageItem,
    Place,
    ThinkPlace,
    TurnPlace,
    UtterancePlace,
)
from scheduler.clock import Clock
from scheduler.commands import AmendTurn, Command, CommitTurn, RecordHeard, Release, Speak, SpeakSource, Think
from scheduler.events import Event, PlayoutEnded, PlayoutStarted, ThinkEnded, WordsWritten
from scheduler.words import join_texts
from think_loop.language_model import ToolCall
from think_loop.tool_hints import without_hint
from think_loop.tools import ToolOutput
from think_loop.trajectory import ROOT, Entry, EntryKind, Trajectory

log = logging.getLogger(__name__)

REMEMBERED_TURNS = 16
"""Rejoined turns whose transcript may still be amended; the conductor amends fewer."""
REMEMBERED_UTTERANCES = 32
_V = TypeVar("_V")


def place_id(place: Place) -> str:
    """The id of the trajectory's entry that stands for a place."""
    match place:
        case ClientItem(item_id):
            return item_id
        case TurnPlace(turn_id):
            return turn_id
        case UtterancePlace(utterance_id):
            return utterance_id
        case ThinkPlace(think_id):
            return think_id
        case CallPlace(call_id):
            return _call_id(call_id)


def _call_id(call_id: str) -> str:
    return f"call:{call_id}"


def item_entry(item: Item, at: float | None) -> Entry:
    """An item of the client as an entry of the trajectory."""
    match item:
        case MessageItem(item_id, role, text):
            kind = {"user": EntryKind.HEARD, "assistant": EntryKind.SAID, "system": EntryKind.NOTE}[role]
            return Entry(item_id, kind, text, at, by_client=True)
        case FunctionCallItem(_, call_id, name, arguments):
            return Entry(_call_id(call_id), EntryKind.TOOL_CALL, arguments, at, False, call_id, name, True)
        case FunctionOutputItem(item_id, call_id, output):
            return Entry(item_id, EntryKind.TOOL_RESULT, output, at, False, call_id, "", True)


def _keep_latest(kept: OrderedDict[str, _V], name: str, value: _V, most: int) -> None:
    kept[name] = value
    while len(kept) > most:
        kept.popitem(last=False)


class Conversation:
    """Owner of the conversation's commands, recorder of the thinker's doings, keeper of the client's items.

    ``observe`` is a tap of the runner: it keeps text answers, and where each utterance belongs.
    """

    def __init__(self, trajectory: Trajectory, clock: Clock) -> None:
        self.trajectory = trajectory
        self._clock = clock
        self._earlier_words: OrderedDict[str, str] = OrderedDict()
        """Of the latest rejoined turns, which may still be amended: the words of the turn they continue."""
        self._spoken_after: OrderedDict[str, str | None] = OrderedDict()
        """The last entry when an utterance was first given to the voice: what is heard of it belongs behind that."""
        self._released: set[str] = set()
        """Utterances that were rendered before their turn was committed: their place is known when they sound."""
        self._fillers: OrderedDict[str, str] = OrderedDict()
        """What was said while a think was awaited."""
        self._texts: dict[str, list[str]] = {}
        """Words of running text answers."""
        self._deleted: OrderedDict[str, None] = OrderedDict()
        """The latest entries that the client deleted."""
        self._thought_count = 0

    # --- the kernel -----------------------------------------------------------------------------------

    def handle(self, command: Command) -> None:
        match command:
            case CommitTurn():
                self._commit(command)
            case AmendTurn(turn_id, transcript):
                self._amend(turn_id, transcript)
            case RecordHeard(utterance_id, text, cut_off):
                self._record_heard(utterance_id, text, cut_off)
            case _:
                pass  # OpenTurn and EndTurn leave no words

    def observe(self, at: float, happened: Event | Command) -> None:
        match happened:
            case Think(think_id, purpose, audible=False, in_conversation=True) if not purpose.is_speculative:
                self._texts[think_id] = []
            case WordsWritten(think_id, text) if think_id in self._texts:
                self._texts[think_id].append(text)
            case ThinkEnded(think_id) if think_id in self._texts:
                text = "".join(self._texts.pop(think_id)).strip()
                if text:
                    self._append(Entry(think_id, EntryKind.SAID, text, at))
            case Speak():
                self._spoken(happened)
            case Release(utterance_id):
                self._released.add(utterance_id)
            case PlayoutStarted(utterance_id) if utterance_id in self._released:
                self._released.discard(utterance_id)
                self._place(utterance_id)
            case PlayoutEnded(utterance_id):
                self._released.discard(utterance_id)  # it may have been stopped before it sounded
            case _:
                pass

    def said_meanwhile(self, think: Think) -> str:
        """The fillers that the caller was given while this think was awaited."""
        return self._fillers.get(think.think_id, "")

    def _spoken(self, speak: Speak) -> None:
        if speak.index == 0 and speak.utterance_id not in self._spoken_after:
            self._place(speak.utterance_id)
        if speak.source is SpeakSource.FILLER and speak.think_id is not None:
            said = join_texts(self._fillers.get(speak.think_id, ""), speak.text)
            _keep_latest(self._fillers, speak.think_id, said, REMEMBERED_UTTERANCES)

    def _place(self, utterance_id: str) -> None:
        """What will be heard of it belongs behind what the history holds now."""
        _keep_latest(self._spoken_after, utterance_id, self.trajectory.last_id, REMEMBERED_UTTERANCES)

    def _commit(self, turn: CommitTurn) -> None:
        now = self._clock.now()
        joined = self.trajectory.get(turn.joins) if turn.joins is not None else None
        if joined is not None:
            _keep_latest(self._earlier_words, turn.turn_id, joined.text, REMEMBERED_TURNS)
            text = join_texts(joined.text, turn.transcript).strip()
            self.trajectory.merge_turn(joined.entry_id, turn.turn_id, text, at_seconds=now)
        elif turn.transcript:
            self._append(Entry(turn.turn_id, EntryKind.HEARD, turn.transcript, now))

    def _amend(self, turn_id: str, transcript: str) -> None:
        text = join_texts(self._earlier_words.get(turn_id, ""), transcript).strip()
        if turn_id in self.trajectory:
            self.trajectory.replace(turn_id, text=text)
        elif text:
            self._append(Entry(turn_id, EntryKind.HEARD, text, self._clock.now()))

    def _record_heard(self, utterance_id: str, text: str, cut_off: bool) -> None:
        text = text.strip()
        if utterance_id in self.trajectory:
            if text:
                self.trajectory.replace(utterance_id, text=text, cut_off=cut_off)
            else:
                self.trajectory.delete(utterance_id)
        elif text:
            entry = Entry(utterance_id, EntryKind.SAID, text, self._clock.now(), cut_off)
            self._insert(self._before_later_turns(utterance_id), entry)

    def _before_later_turns(self, utterance_id: str) -> str | None:
        """Behind what the utterance followed, and before what the user said over it. ``None``: at the end."""
        start = self._spoken_after.get(utterance_id)
        if start is None or start not in self.trajectory:
            return None
        previous, passed = start, False
        for entry in self.trajectory:
            if passed and entry.kind is EntryKind.HEARD:
                return previous
            passed = passed or entry.entry_id == start
            if passed:
                previous = entry.entry_id
        return None

    # --- the thinker (``ThinkRecorder``) --------------------------------------------------------------

    def thought(self, think: Think, text: str) -> None:
        if think.in_conversation and text.strip():
            self._thought_count += 1
            self._append(Entry(f"thought:{self._thought_count}", EntryKind.THOUGHT, text.strip(), self._clock.now()))

    def tool_called(self, think: Think, call: ToolCall, by_client: bool) -> None:
        if think.in_conversation:
            entry_id, now = _call_id(call.call_id), self._clock.now()
            self._append(
                Entry(entry_id, EntryKind.TOOL_CALL, call.arguments, now, False, call.call_id, call.name, by_client)
            )

    def tool_ended(self, think: Think, call: ToolCall, output: ToolOutput) -> None:
        if think.in_conversation:
            entry_id, now = f"result:{call.call_id}", self._clock.now()
            self._append(Entry(entry_id, EntryKind.TOOL_RESULT, output.text, now, False, call.call_id, call.name))

    def tool_came_late(self, call: ToolCall, output: ToolOutput) -> None:
        """The answer went on without it; what the model read in its place stays in the history."""
        text = f"The tool {call.name}, which was still running, is through. {without_hint(output.text)}"
        self._append(Entry(f"late:{call.call_id}", EntryKind.NOTE, text, self._clock.now()))

    # --- the client -----------------------------------------------------------------------------------

    def awaits(self, call_id: str) -> bool:
        """Whether the client runs this tool, and its output has not come."""
        return any(entry.call_id == call_id and entry.by_client for entry in self.trajectory.pending_calls)

    def insert_item(self, item: Item, after: Place | Literal["root"] | None) -> None:
        entry = item_entry(item, self._clock.now())
        self._deleted.pop(entry.entry_id, None)  # a call that was deleted may be put in anew
        if after is None:
            self._insert(None, entry)
        elif after == "root":
            self._insert(ROOT, entry)
        else:
            known = place_id(after)
            self._insert(known if known in self.trajectory else None, entry)

    def set_text(self, item_id: str, text: str) -> None:
        """The words of an item whose audio had to be recognised first."""
        if item_id in self.trajectory:
            self.trajectory.replace(item_id, text=text)

    def delete_item(self, place: Place) -> None:
        """Gone for good: what would be recorded of it later is not."""
        entry_id = place_id(place)
        _keep_latest(self._deleted, entry_id, None, REMEMBERED_NAMES)
        if entry_id in self.trajectory:
            self.trajectory.delete(entry_id)

    def _append(self, entry: Entry) -> None:
        self._insert(None, entry)

    def _insert(self, after: str | None, entry: Entry) -> None:
        if entry.entry_id in self._deleted:
            return
        if entry.entry_id in self.trajectory:
            log.warning("the history holds %s already", entry.entry_id)
            return
        self.trajectory.insert_after(after, entry)
