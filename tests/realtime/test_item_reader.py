"""Spoken items of clients: one is recognised at a time, and responses wait for those before them."""

from __future__ import annotations

import asyncio

from realtime.item_reader import MAX_HELD_REQUESTS, ItemReader
from realtime.wire.session_port import MessageItem
from scheduler import virtual_time
from scheduler.errors import RecognizerError
from scheduler.events import ResponseRequested
from scheduler.pcm import Pcm
from scheduler.tasks import cancel_and_wait

BROKEN_SECONDS = 0.5


class Bench:
    """A recogniser that takes as long as the audio, and fails on ``BROKEN_SECONDS`` of it."""

    def __init__(self) -> None:
        self.at_once = self.most_at_once = 0
        self.told: list[tuple[str, ...]] = []
        self.reader = ItemReader(
            self._recognize,
            read=lambda item_id, text: self.told.append(("read", item_id, text)),
            failed=lambda item_id: self.told.append(("failed", item_id)),
            requested=lambda event: self.told.append(("requested", event.request_id)),
        )

    async def _recognize(self, pcm: Pcm) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(pcm.duration_seconds)  # recognising takes its time; virtual
        self.at_once -= 1
        if pcm.duration_seconds == BROKEN_SECONDS:
            raise RecognizerError("broken")
        return f"{pcm.duration_seconds:.0f} s"

    def put(self, item_id: str, seconds: float, text: str = "") -> None:
        self.reader.put(MessageItem(item_id, "user", text, (Pcm.silence(seconds, 16_000),)))

    async def reads_for(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self.reader.run())
            await asyncio.sleep(seconds)  # virtual time
            await cancel_and_wait(reading)


def test_items_are_read_one_at_a_time_in_their_order() -> None:
    async def main() -> None:
        bench = Bench()
        for number in (3, 1, 2):
            bench.put(f"item_{number}", float(number), "said:")
        assert bench.reader.unread == 3
        await bench.reads_for(10.0)
        assert (bench.most_at_once, bench.reader.unread) == (1, 0)
        assert bench.told == [("read", f"item_{number}", f"said: {number} s") for number in (3, 1, 2)]

    virtual_time.run(main)


def test_an_item_that_can_not_be_recognised_is_told_and_the_next_is_read() -> None:
    async def main() -> None:
        bench = Bench()
        bench.put("a", BROKEN_SECONDS)
        bench.put("b", 1.0)
        bench.reader.request(ResponseRequested("r1"))
        await bench.reads_for(5.0)
        assert bench.told == [("failed", "a"), ("read", "b", "1 s"), ("requested", "r1")]

    virtual_time.run(main)


def test_a_request_waits_for_the_items_before_it_and_for_no_others() -> None:
    async def main() -> None:
        bench = Bench()
        bench.reader.request(ResponseRequested("at once"))
        bench.put("a", 1.0)
        bench.reader.request(ResponseRequested("r1"))
        bench.put("b", 1.0)
        await bench.reads_for(5.0)
        assert [each[1] for each in bench.told] == ["at once", "a", "r1", "b"]

    virtual_time.run(main)


def test_a_request_that_waits_can_be_taken_back_one_beside_the_conversation_stays() -> None:
    async def main() -> None:
        bench = Bench()
        bench.put("a", 1.0)
        bench.reader.request(ResponseRequested("r1"))
        bench.reader.request(ResponseRequested("r2", in_conversation=False))
        bench.reader.take_back_requests()
        await bench.reads_for(5.0)
        assert [each[1] for each in bench.told] == ["a", "r2"]

    virtual_time.run(main)


def test_of_too_many_requests_the_further_ones_do_not_wait() -> None:
    bench = Bench()
    bench.put("a", 1.0)
    for number in range(MAX_HELD_REQUESTS + 1):
        bench.reader.request(ResponseRequested(f"r{number}", in_conversation=False))
    assert bench.told == [("requested", f"r{MAX_HELD_REQUESTS}")]
