"""Timers that the model sets and that speak up by themselves, and the reports they leave."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scheduler.events import Event, ReportReady
from think_loop.durations import spoken_duration
from think_loop.language_model import ToolSpec
from think_loop.tools import Tool, ToolFault

LONGEST_TIMER_SECONDS = 24 * 3600.0
MOST_TIMERS = 20
MOST_REPORTS = 100
"""Reports that wait to be told; when there are more, the oldest is dropped."""
LONGEST_LABEL = 100


class Reports:
    """What came up and is to be told, by ``report_id``, until it is taken."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._next_number = 1

    def leave(self, text: str) -> str:
        """Keep ``text`` and give it a ``report_id``."""
        report_id = f"report_{self._next_number}"
        self._next_number += 1
        self._texts[report_id] = text
        if len(self._texts) > MOST_REPORTS:
            self._texts.popitem(last=False)
        return report_id

    def take(self, report_id: str) -> str:
        """The report, once; ``""`` for one that is unknown or was taken before."""
        return self._texts.pop(report_id, "")


@dataclass(frozen=True, slots=True)
class Timer:
    number: int
    seconds: float
    label: str
    rings_at: float
    """On the clock of the event loop."""

    @property
    def title(self) -> str:
        """ "5 minute timer" or "tea timer"."""
        return f"{self.label} timer" if self.label else f"{spoken_duration(self.seconds, adjective=True)} timer"


class Timers:
    """The timers of one session. ``run`` rings them; they end with it.

    Times are those of the event loop (``loop.time()``), so virtual time works. Each timer that rings leaves
    a sentence in ``reports`` and publishes ``ReportReady``.
    """

    def __init__(self, publish: Callable[[Event], None], reports: Reports) -> None:
        self._publish = publish
        self._reports = reports
        self._timers: dict[int, Timer] = {}
        self._next_number = 1
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Ring the timers, for ever."""
        while True:
            self._changed.clear()
            self._ring_due()
            delay = min((timer.rings_at for timer in self._timers.values()), default=math.inf) - _now()
            try:
                async with asyncio.timeout(None if math.isinf(delay) else max(0.0, delay)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _ring_due(self) -> None:
        now = _now()
        for timer in sorted(self._timers.values(), key=lambda timer: timer.rings_at):
            if timer.rings_at <= now:
                del self._timers[timer.number]
                report_id = self._reports.leave(f"Your {timer.title} is done.")
                self._publish(ReportReady(report_id, urgent=False))

    @property
    def running(self) -> tuple[Timer, ...]:
        return tuple(sorted(self._timers.values(), key=lambda timer: timer.rings_at))

    def described(self) -> tuple[str, ...]:
        """Each running timer in words, the next to ring first, for the model's hints."""
        now = _now()
        return tuple(
            f"timer {timer.number} ({timer.title}): {spoken_duration(max(0.0, timer.rings_at - now))} left"
            for timer in self.running
        )

    def tools(self) -> tuple[Tool, ...]:
        return (
            Tool(SET_TIMER, self._set),
            Tool(LIST_TIMERS, self._list, read_only=True),
            Tool(CANCEL_TIMER, self._cancel),
        )

    async def _set(self, arguments: dict[str, Any]) -> str:
        seconds = _checked_seconds(arguments.get("seconds"))
        label = " ".join(str(arguments.get("label") or "").split())[:LONGEST_LABEL]
        if len(self._timers) >= MOST_TIMERS:
            raise ToolFault(f"{MOST_TIMERS} timers are running already; cancel one first.")
        timer = Timer(self._next_number, seconds, label.removesuffix(" timer"), _now() + seconds)
        self._next_number += 1
        self._timers[timer.number] = timer
        self._changed.set()
        return f"Timer {timer.number} is set for {spoken_duration(seconds)}."

    async def _list(self, _arguments: dict[str, Any]) -> str:
        return "; ".join(self.described()) or "No timers are running."

    async def _cancel(self, arguments: dict[str, Any]) -> str:
        if not self._timers:
            raise ToolFault("no timers are running.")
        which = arguments.get("timer")
        if which in (None, "", "all"):
            count = len(self._timers)
            self._timers.clear()
            self._changed.set()
            return "The timer is cancelled." if count == 1 else f"All {count} timers are cancelled."
        timer = self._find(str(which))
        del self._timers[timer.number]
        self._changed.set()
        return f"The {timer.title} is cancelled."

    def _find(self, which: str) -> Timer:
        wanted = which.strip().lower()
        for timer in self.running:
            if wanted in (str(timer.number), timer.label.lower(), timer.title.lower()):
                return timer
        raise ToolFault(f"there is no timer {which!r}. There are: {'; '.join(self.described())}.")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _checked_seconds(value: object) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ToolFault("'seconds' must be a number.") from error
    if not 0 < seconds <= LONGEST_TIMER_SECONDS:
        raise ToolFault("a timer lasts more than 0 seconds and at most 24 hours.")
    return seconds


SET_TIMER = ToolSpec(
    "set_timer",
    "Set a timer. When it rings, the caller is told by itself; don't wait for it.",
    {
        "type": "object",
        "properties": {
            "seconds": {"type": "number", "description": "how long, in seconds, at most 86400"},
            "label": {"type": "string", "description": "what it is for, in one or two words; optional"},
        },
        "required": ["seconds"],
    },
)
LIST_TIMERS = ToolSpec(
    "list_timers", "List the timers that are running and how long each has left.", {"type": "object", "properties": {}}
)
CANCEL_TIMER = ToolSpec(
    "cancel_timer",
    "Cancel a timer.",
    {
        "type": "object",
        "properties": {"timer": {"type": "string", "description": "its number or label; all timers if left out"}},
    },
)
TIMER_TOOLS = (SET_TIMER, LIST_TIMERS, CANCEL_TIMER)
