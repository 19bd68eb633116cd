from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from scheduler.clock import ManualClock, SourceClock
from scheduler.errors import EngineError
from scheduler.tasks import Background, cancel_and_wait, clean_up, closing_stream, engine_edge
from scheduler.virtual_time import run

# --- clocks -------------------------------------------------------------------------------------------


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock(2.0)
    clock.advance(0.5)
    assert clock.now() == 2.5
    with pytest.raises(ValueError, match="back"):
        clock.advance(-0.1)


def test_a_source_clock_begins_at_zero() -> None:
    times = iter([100.0, 100.0, 103.5])
    clock = SourceClock(lambda: next(times))
    assert [clock.now(), clock.now()] == [0.0, 3.5]


def test_virtual_time_passes_at_once_and_in_order() -> None:
    async def talk() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def wait(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)  # of virtual time
            seen.append((name, asyncio.get_running_loop().time()))

        async with asyncio.TaskGroup() as group:
            for name, seconds in (("late", 3600.0), ("early", 0.25)):
                group.create_task(wait(name, seconds))
        return seen

    assert run(talk) == [("early", 0.25), ("late", 3600.0)]


def test_virtual_time_tells_of_a_deadlock() -> None:
    async def talk() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock"):
        run(talk)


# --- tasks --------------------------------------------------------------------------------------------


async def _forever(log: list[str], *, slow_end_seconds: float = 0.0) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        if slow_end_seconds:
            await asyncio.sleep(slow_end_seconds)  # cleaning up takes its time
        log.append("cleaned up")


def test_cancel_and_wait_returns_when_the_tasks_are_done() -> None:
    async def talk() -> list[str]:
        log: list[str] = []
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(_forever(log, slow_end_seconds=2.0)) for _ in range(2)]
        await asyncio.sleep(0.1)  # of virtual time
        await cancel_and_wait(*tasks)
        assert all(task.cancelled() for task in tasks)
        assert loop.time() == pytest.approx(2.1)
        return log

    assert run(talk) == ["cleaned up", "cleaned up"]


def test_cancel_and_wait_swallows_the_failure_of_a_task() -> None:
    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("broken")

    async def talk() -> None:
        task = asyncio.get_running_loop().create_task(fail())
        await asyncio.sleep(0)
        await cancel_and_wait(task)
        assert isinstance(task.exception(), ValueError)
        await cancel_and_wait(task)  # which is done already

    run(talk)


def test_cancel_and_wait_keeps_the_callers_own_cancellation() -> None:
    async def talk() -> list[str]:
        log: list[str] = []
        loop = asyncio.get_running_loop()
        inner = loop.create_task(_forever(log, slow_end_seconds=5.0))
        outer = loop.create_task(cancel_and_wait(inner))
        await asyncio.sleep(1.0)  # of virtual time
        outer.cancel()
        await asyncio.wait([outer])
        assert outer.cancelled()
        assert loop.time() == pytest.approx(1.0)
        await asyncio.wait([inner])
        return log

    assert run(talk) == ["cleaned up"]


def test_clean_up_runs_to_its_end_though_the_caller_is_cancelled() -> None:
    async def talk() -> list[str]:
        log: list[str] = []

        async def work() -> None:
            await asyncio.sleep(1.0)  # of virtual time
            log.append("cleaned up")

        async def caller() -> None:
            await clean_up(work())
            log.append("never")

        task = asyncio.get_running_loop().create_task(caller())
        await asyncio.sleep(0.5)  # of virtual time
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        return log

    assert run(talk) == ["cleaned up"]


@pytest.mark.parametrize("cancelled", [False, True])
def test_clean_up_is_left_behind_when_it_takes_too_long(cancelled: bool) -> None:
    async def talk() -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(clean_up(asyncio.sleep(3600), seconds=2.0))
        if cancelled:
            loop.call_later(0.5, task.cancel)
        await asyncio.wait([task])
        assert task.cancelled() is cancelled
        assert loop.time() == pytest.approx(2.0)

    run(talk)


def test_a_failing_clean_up_tells_its_failure() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def talk() -> None:
        await clean_up(fail())

    with pytest.raises(ValueError, match="broken"):
        run(talk)


async def _given_up() -> None:
    """Awaits what somebody else has cancelled."""
    shared = asyncio.get_running_loop().create_future()
    shared.cancel()
    await shared


def test_a_clean_up_that_is_cancelled_by_itself_is_over() -> None:
    run(lambda: clean_up(_given_up()))


def test_at_the_edge_of_an_engine_only_this_tasks_own_cancellation_is_one() -> None:
    async def talk() -> None:
        with pytest.raises(EngineError, match="was cancelled"), engine_edge():
            await _given_up()
        log: list[str] = []
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_forever_at_the_edge(log), 1.0)  # of virtual time
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_forever_at_the_edge(log))
            await asyncio.sleep(1.0)  # of virtual time
            task.cancel()
        assert task.cancelled()
        assert log == ["cleaned up"] * 2

    run(talk)


async def _forever_at_the_edge(log: list[str]) -> None:
    with engine_edge():
        await _forever(log)


def test_a_stream_is_closed_however_it_is_left() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            await asyncio.sleep(0.1)  # closing takes its time
            closed.append(True)

    async def talk() -> None:
        async with closing_stream(numbers()) as stream:
            async for number in stream:
                if number == 3:
                    break

    async def broken() -> None:
        async with closing_stream(numbers()) as stream:
            async for _ in stream:
                raise ValueError("on the way")

    run(talk)
    with pytest.raises(ValueError, match="on the way"):
        run(broken)
    assert closed == [True, True]


def test_background_work_runs_once_and_is_stopped() -> None:
    starts: list[str] = []

    async def work() -> None:
        starts.append("begun")
        await asyncio.Event().wait()

    async def talk() -> None:
        background = Background(work, name="work")
        await background.stop()
        background.start()
        background.start()
        await asyncio.sleep(0.1)  # of virtual time
        assert background.running
        await background.stop()
        assert not background.running

    run(talk)
    assert starts == ["begun"]


def test_a_bug_in_background_work_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ValueError("broken")

    async def talk() -> None:
        background = Background(work, name="the work")
        background.start()
        await asyncio.sleep(0.1)  # of virtual time

    run(talk)
    assert "the work ended by a bug" in caplog.text
