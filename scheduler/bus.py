"""The bus of one session: ordered, bounded, two lanes, one reader, and one owner per command.

Events are read in the order in which they were published. The *control* lane holds what may not be
lost: when it is full its reader is stuck, and ``publish`` raises ``BusOverflowError``, which ends the
session. The *growth* lane holds what grows: when more than ``growth_capacity`` of them wait, a new one is
merged with the last waiting one of the same kind and key (text is appended, revisions are replaced),
which moves to the end of the queue. So a slow reader sees fewer, larger steps, and memory stays bounded.

Commands are handed to their owner synchronously, in the order the conductor gave them. Owners must not
block: they put the work into their own bounded queue or task.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace

from scheduler.commands import OWNERS, Command, Owner
from scheduler.errors import BusOverflowError
from scheduler.events import Event, SentenceGrew, ThoughtGrown, TranscriptRevised, WordsHeard, WordsWritten, lane
from scheduler.tasks import wait_for_event

CommandHandler = Callable[[Command], None]


class Bus:
    def __init__(self, *, control_capacity: int = 1024, growth_capacity: int = 128) -> None:
        self._waiting: OrderedDict[int, Event] = OrderedDict()
        self._latest_growth: dict[Hashable, int] = {}
        self._next_number = 0
        self._control_count = 0
        self._growth_count = 0
        self._control_capacity = control_capacity
        self._growth_capacity = growth_capacity
        self._arrived = asyncio.Event()
        self._owners: dict[Owner, CommandHandler] = {}
        self.coalesced = 0
        """How many growth events were merged because the reader lagged."""

    def publish(self, event: Event) -> None:
        """Queue an event. Never waits. Raises ``BusOverflowError`` when the control lane is full."""
        if lane(event) == "control":
            if self._control_count >= self._control_capacity:
                raise BusOverflowError(f"{self._control_capacity} control events wait; the session's reader is stuck")
            self._control_count += 1
            self._append(event)
        else:
            self._publish_growth(event)
        self._arrived.set()

    def _publish_growth(self, event: Event) -> None:
        key = _growth_key(event)
        if self._growth_count >= self._growth_capacity:
            number = self._latest_growth.get(key)
            if number is not None:
                event = _merge(self._waiting.pop(number), event)
                self._growth_count -= 1
                self.coalesced += 1
        self._latest_growth[key] = self._append(event)
        self._growth_count += 1

    def _append(self, event: Event) -> int:
        number = self._next_number
        self._next_number += 1
        self._waiting[number] = event
        return number

    async def next_event(self) -> Event:
        """The next event in order; waits for one."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        number, event = self._waiting.popitem(last=False)
        if lane(event) == "control":
            self._control_count -= 1
        else:
            self._growth_count -= 1
            key = _growth_key(event)
            if self._latest_growth.get(key) == number:
                del self._latest_growth[key]
        return event

    async def wait_for_event(self, seconds: float) -> bool:
        """Until an event waits to be read; ``False``: none came for so long."""
        if not self._waiting:
            self._arrived.clear()
            await wait_for_event(self._arrived, seconds)
        return bool(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)

    def own(self, owner: Owner, handler: CommandHandler) -> None:
        """Make ``handler`` the one that carries out the commands of ``owner``."""
        if owner in self._owners:
            raise ValueError(f"the {owner} is already there")
        self._owners[owner] = handler

    def missing_owners(self) -> set[Owner]:
        return set(OWNERS.values()) - set(self._owners)

    def send(self, command: Command) -> None:
        """Hand a command to its owner."""
        self._owners[OWNERS[type(command)]](command)


def _growth_key(event: Event) -> Hashable:
    match event:
        case ThoughtGrown(think_id) | WordsWritten(think_id):
            return (type(event), think_id)
        case SentenceGrew(think_id, index):
            return (SentenceGrew, think_id, index)
        case TranscriptRevised(segment):
            return (TranscriptRevised, segment)
        case WordsHeard(utterance_id):
            return (WordsHeard, utterance_id)
        case _:
            return type(event).__name__


def _merge(older: Event, newer: Event) -> Event:
    match older, newer:
        case (ThoughtGrown(), ThoughtGrown()):
            return replace(newer, text=older.text + newer.text)
        case (WordsWritten(), WordsWritten()):
            return replace(newer, text=older.text + newer.text)
        case (SentenceGrew(), SentenceGrew()):
            return replace(newer, text=older.text + newer.text)
        case _:
            return newer
