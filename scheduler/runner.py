"""The runner: the only place where the conductor meets asyncio. Reads the bus, decides, hands out the commands,
and keeps the one timer that the state names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from scheduler.bus import Bus
from scheduler.clock import Clock
from scheduler.commands import Command
from scheduler.conductor import decide
from scheduler.events import DeadlineReached, Event
from scheduler.state import State

Observer = Callable[[float, Event | Command], None]

LATE_SECONDS = 0.05
"""Events that arrived before a deadline are decided on first, but they may not put it off for longer than this."""

SHORTEST_WAIT_SECONDS = 1e-6
"""A wait so short that it vanishes beside the clock's reading would be waited for without end in virtual time."""


class Runner:
    """``observers`` see every event as it is decided on, then the commands it caused, before their owners do."""

    def __init__(self, bus: Bus, clock: Clock, state: State, observers: tuple[Observer, ...] = ()) -> None:
        self._bus = bus
        self._clock = clock
        self._observers = observers
        self.state = state

    async def run(self) -> None:
        """Until the call has ended."""
        while not self.state.ended:
            self._step(await self._next())
            if not len(self._bus):
                await asyncio.sleep(0)

    async def _next(self) -> Event:
        deadline = self.state.deadline
        if deadline is None:
            return await self._bus.next_event()
        remaining = deadline - self._clock.now()
        if remaining <= -LATE_SECONDS or (remaining <= 0 and not len(self._bus)):
            return DeadlineReached()
        if len(self._bus) or await self._bus.wait_for_event(max(remaining, SHORTEST_WAIT_SECONDS)):
            return await self._bus.next_event()
        return DeadlineReached()

    def _step(self, event: Event) -> None:
        now = self._clock.now()
        self._observe(now, event)
        self.state, commands = decide(self.state, event, now)
        for command in commands:
            self._observe(now, command)
        for command in commands:
            self._bus.send(command)

    def _observe(self, at: float, happened: Event | Command) -> None:
        for observer in self._observers:
            observer(at, happened)
