"""Worker processes: streams, bounds, failures, and no child left behind. Real processes, each starts in 0.1 s."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import psutil
import pytest

from scheduler.errors import WorkerError
from scheduler.workers import PoolSettings, WorkerPool, WorkerStream

HANDLERS = "tests.scheduler.worker_handlers"
SETTINGS = PoolSettings(f"{HANDLERS}:make_echo")


@contextlib.asynccontextmanager
async def started(settings: PoolSettings = SETTINGS) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(settings, name="test workers")
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


async def reply(stream: WorkerStream) -> object:
    async with asyncio.timeout(10):
        return await anext(stream)


def test_streams_answer_in_order_and_spread_over_processes() -> None:
    async def main() -> None:
        async with started(replace(SETTINGS, processes=2)) as pool:
            first, second = await pool.open("a"), await pool.open("b")
            assert first.process_id != second.process_id
            for number in range(20):
                await first.send(number)
                await second.send(number)
            assert [await reply(first) for _ in range(20)] == [("a", number) for number in range(20)]
            assert [await reply(second) for _ in range(20)] == [("b", number) for number in range(20)]

    asyncio.run(main())


def test_close_leaves_no_process_and_no_socket_file() -> None:
    async def main() -> tuple[list[int], str]:
        async with started(replace(SETTINGS, processes=2)) as pool:
            directory = pool._directory
            assert os.stat(directory).st_mode & 0o777 == 0o700
            return pool.process_ids(), directory

    children, directory = asyncio.run(main())
    assert len(children) == 2
    assert not any(psutil.pid_exists(child) for child in children)
    assert not os.path.exists(directory)


@pytest.mark.slow  # waits for the heartbeat to be missed, about 2 s of real time
@pytest.mark.parametrize(("blow", "within_seconds"), [(signal.SIGKILL, 1.0), (signal.SIGSTOP, 2.5)])
def test_a_dead_or_hung_child_is_noticed_and_replaced(blow: signal.Signals, within_seconds: float) -> None:
    async def main() -> None:
        async with started() as pool:
            stream = await pool.open("a")
            child = stream.process_id
            assert child is not None
            os.kill(child, blow)
            struck_at = time.monotonic()
            with pytest.raises(WorkerError):
                await reply(stream)
            assert time.monotonic() - struck_at < within_seconds
            with pytest.raises(WorkerError):
                await stream.send("too late")
            fresh = await pool.open("b")
            await fresh.send(1)
            assert await reply(fresh) == ("b", 1)
            assert fresh.process_id != child
            assert pool.restarts == 1
            assert not psutil.pid_exists(child)

    asyncio.run(main())


@pytest.mark.slow  # the handler must hang longer than the limit
def test_a_handler_that_hangs_is_replaced() -> None:
    async def main() -> None:
        async with started(replace(SETTINGS, hung_after_seconds=0.5)) as pool:
            stream = await pool.open()
            await stream.send(("sleep", 30.0))
            with pytest.raises(WorkerError, match="busy"):
                await reply(stream)

    asyncio.run(main())


def test_an_error_ends_its_stream_alone() -> None:
    async def main() -> None:
        async with started() as pool:
            bad, good = await pool.open("bad"), await pool.open("good")
            await bad.send("raise")
            with pytest.raises(WorkerError, match="a bad message"):
                await reply(bad)
            await good.send(1)
            assert await reply(good) == ("good", 1)
            assert pool.restarts == 0

    asyncio.run(main())


def test_a_handler_that_cannot_be_made_is_told_at_the_start() -> None:
    async def main() -> None:
        pool = WorkerPool(PoolSettings(f"{HANDLERS}:refuse", {"why": "no model there"}))
        with pytest.raises(WorkerError, match="no model there"):
            await pool.start()
        assert pool.process_ids() == []

    asyncio.run(main())


def test_a_sender_waits_for_credit() -> None:
    async def main() -> None:
        async with started(replace(SETTINGS, credit=3)) as pool:
            stream = await pool.open("a")
            await stream.send(("sleep", 0.3))
            began_at = time.monotonic()
            for number in range(3):
                await stream.send(number)
            assert time.monotonic() - began_at > 0.2  # the fourth had to wait until the first was done

    asyncio.run(main())


def test_unread_replies_hold_the_sender_back() -> None:
    async def main() -> None:
        async with started(replace(SETTINGS, credit=4)) as pool:
            stream = await pool.open("a")
            sent = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    while True:
                        await stream.send(("count", 100))
                        sent += 1
            assert sent <= 4 + 4
            for _ in range(100 * sent):
                await reply(stream)
            await stream.send("on")
            assert await reply(stream) == ("a", "on")

    asyncio.run(main())


def test_a_closed_stream_ends_and_what_it_left_is_not_worked_on() -> None:
    async def main() -> None:
        async with started() as pool:
            stream, other = await pool.open("a"), await pool.open("b")
            for _ in range(30):
                await stream.send(("sleep", 0.1))
            await stream.close()
            began_at = time.monotonic()
            await other.send(1)
            assert await reply(other) == ("b", 1)
            assert time.monotonic() - began_at < 1.5
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

    asyncio.run(main())


def test_noise_on_stdout_harms_nothing_and_stderr_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with started() as pool:
            stream = await pool.open()
            await stream.send("noise")
            assert await reply(stream) == "noisy"
            await asyncio.sleep(0.2)  # the pipe of the child's stderr is real time

    asyncio.run(main())
    assert "a complaint" in caplog.text
    assert "noise on stdout" not in caplog.text


@pytest.mark.slow  # a whole parent process is started and killed
def test_children_end_when_the_parent_is_killed() -> None:
    program = (
        "import asyncio\n"
        "from scheduler.workers import *\n"
        "async def main():\n"
        f"    pool = WorkerPool(PoolSettings('{HANDLERS}:make_echo'))\n"
        "    await pool.start()\n"
        "    print(*pool.process_ids(), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    assert children
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs([psutil.Process(child) for child in children if psutil.pid_exists(child)], timeout=3)
    assert alive == []
