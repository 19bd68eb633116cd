from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from scheduler import virtual_time
from scheduler.events import Event, ReportReady
from think_loop.durations import spoken_duration
from think_loop.language_model import ToolCall
from think_loop.timers import MOST_REPORTS, MOST_TIMERS, Reports, Timers
from think_loop.tools import Toolbox, ToolOutput


def with_timers(
    act: Callable[[Timers, Toolbox, list[tuple[float, Event]], Reports], Coroutine[Any, Any, None]],
) -> None:
    async def main() -> None:
        events: list[tuple[float, Event]] = []
        reports = Reports()
        loop = asyncio.get_running_loop()
        timers = Timers(lambda event: events.append((loop.time(), event)), reports)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(timers.run())
            await act(timers, Toolbox(timers.tools()), events, reports)
            running.cancel()

    virtual_time.run(main)


def call(name: str, arguments: str = "{}") -> ToolCall:
    return ToolCall("c", name, arguments)


def test_timers_ring_in_their_order_and_leave_reports() -> None:
    async def act(timers: Timers, box: Toolbox, events: list[tuple[float, Event]], reports: Reports) -> None:
        assert await box.run(call("set_timer", '{"seconds": 300, "label": "tea"}')) == ToolOutput(
            "Timer 1 is set for 5 minutes."
        )
        await box.run(call("set_timer", '{"seconds": 5}'))
        await asyncio.sleep(1)
        assert timers.described() == (
            "timer 2 (5 second timer): 4 seconds left",
            "timer 1 (tea timer): 4 minutes and 59 seconds left",
        )
        await asyncio.sleep(1000)
        assert [time for time, _ in events] == [5.0, 300.0]
        ids = [event.report_id for _, event in events if isinstance(event, ReportReady) and not event.urgent]
        assert [reports.take(report_id) for report_id in ids] == [
            "Your 5 second timer is done.",
            "Your tea timer is done.",
        ]
        assert reports.take(ids[0]) == ""
        assert timers.running == ()

    with_timers(act)


def test_timers_can_be_listed_and_cancelled() -> None:
    async def act(timers: Timers, box: Toolbox, events: list[tuple[float, Event]], _reports: Reports) -> None:
        assert (await box.run(call("list_timers"))).text == "No timers are running."
        assert (await box.run(call("cancel_timer"))).failed
        for seconds, label in ((60, "tea"), (120, ""), (180, "eggs")):
            await box.run(call("set_timer", f'{{"seconds": {seconds}, "label": "{label}"}}'))
        assert (await box.run(call("cancel_timer", '{"timer": "Tea"}'))).text == "The tea timer is cancelled."
        assert (await box.run(call("cancel_timer", '{"timer": "2"}'))).text == "The 2 minute timer is cancelled."
        assert "there is no timer 'soup'" in (await box.run(call("cancel_timer", '{"timer": "soup"}'))).text
        assert (await box.run(call("cancel_timer"))).text == "The timer is cancelled."
        await asyncio.sleep(1000)
        assert events == []

    with_timers(act)


@pytest.mark.parametrize("seconds", ["0", "-1", "86401", '"soon"', "null", "NaN", "Infinity", "1e999", "[1]"])
def test_impossible_timers_are_refused(seconds: str) -> None:
    async def act(timers: Timers, box: Toolbox, _events: list[tuple[float, Event]], _reports: Reports) -> None:
        assert (await box.run(call("set_timer", f'{{"seconds": {seconds}}}'))).failed
        assert timers.running == ()

    with_timers(act)


def test_the_number_of_timers_and_reports_is_bounded() -> None:
    async def act(timers: Timers, box: Toolbox, _events: list[tuple[float, Event]], reports: Reports) -> None:
        outputs = [await box.run(call("set_timer", '{"seconds": 9}')) for _ in range(MOST_TIMERS + 1)]
        assert [output.failed for output in outputs] == [False] * MOST_TIMERS + [True]
        ids = [reports.leave("x") for _ in range(MOST_REPORTS + 1)]
        assert reports.take(ids[0]) == ""
        assert reports.take(ids[-1]) == "x"

    with_timers(act)


@pytest.mark.parametrize(
    ("seconds", "plain", "adjective"),
    [
        (5, "5 seconds", "5 second"),
        (1, "1 second", "1 second"),
        (90, "1 minute and 30 seconds", "1 minute 30 second"),
        (3661, "1 hour, 1 minute and 1 second", "1 hour 1 minute 1 second"),
        (0, "0 seconds", "0 second"),
        (2.5, "2.5 seconds", "2.5 second"),
        (86400, "24 hours", "24 hour"),
    ],
)
def test_spoken_durations(seconds: float, plain: str, adjective: str) -> None:
    assert spoken_duration(seconds) == plain
    assert spoken_duration(seconds, adjective=True) == adjective
