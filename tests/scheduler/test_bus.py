from __future__ import annotations

import asyncio

import pytest

from scheduler.bus import Bus
from scheduler.commands import OWNERS, Command, EndCall, StopThinking
from scheduler.errors import BusOverflowError
from scheduler.events import (
    Event,
    InputCleared,
    PauseGrew,
    PlayoutSent,
    ReportReady,
    ThoughtGrown,
    TranscriptRevised,
    WordsHeard,
    WordsWritten,
)
from scheduler.virtual_time import run
from tests.scheduler.playbook import words


def drained(bus: Bus) -> list[Event]:
    async def read() -> list[Event]:
        return [await bus.next_event() for _ in range(len(bus))]

    return asyncio.run(read())


def test_events_come_in_the_order_in_which_they_were_published() -> None:
    bus = Bus()
    events: list[Event] = [ThoughtGrown("t", "a"), InputCleared(), ThoughtGrown("t", "b"), PauseGrew(0.3)]
    for event in events:
        bus.publish(event)
    assert drained(bus) == events
    assert bus.coalesced == 0


def test_growing_events_are_merged_when_the_reader_lags() -> None:
    bus = Bus(growth_capacity=2)
    bus.publish(WordsWritten("t", "one "))
    bus.publish(ThoughtGrown("t", "hm"))
    bus.publish(InputCleared())
    bus.publish(WordsWritten("t", "two "))
    bus.publish(WordsWritten("t", "three"))
    assert drained(bus) == [ThoughtGrown("t", "hm"), InputCleared(), WordsWritten("t", "one two three")]
    assert bus.coalesced == 2


def test_revisions_are_replaced_and_a_final_is_never_merged() -> None:
    bus = Bus(growth_capacity=1)
    bus.publish(TranscriptRevised(0, (), words("what")))
    bus.publish(TranscriptRevised(0, (), words("what is")))
    bus.publish(TranscriptRevised(0, words("what is it"), is_final=True))
    bus.publish(WordsHeard("u", "It", 0.1))
    bus.publish(WordsHeard("u", "It is", 0.2))
    assert drained(bus) == [
        TranscriptRevised(0, (), words("what is")),
        TranscriptRevised(0, words("what is it"), is_final=True),
        WordsHeard("u", "It is", 0.2),
    ]


def test_what_was_read_is_not_merged_with() -> None:
    bus = Bus(growth_capacity=1)
    bus.publish(ThoughtGrown("t", "a"))
    assert drained(bus) == [ThoughtGrown("t", "a")]
    bus.publish(ThoughtGrown("t", "b"))
    assert drained(bus) == [ThoughtGrown("t", "b")]


def test_many_growing_events_need_little_room() -> None:
    bus = Bus(growth_capacity=16)
    for number in range(100_000):
        bus.publish(PauseGrew(number / 10))
        bus.publish(WordsHeard("u", "x", float(number)))
    assert len(bus) <= 16
    assert drained(bus)[-1] == WordsHeard("u", "x", 99_999.0)


def test_a_full_control_lane_is_an_error_and_growth_does_not_fill_it() -> None:
    bus = Bus(control_capacity=2, growth_capacity=4)
    for number in range(10):
        bus.publish(PauseGrew(number / 10))
    bus.publish(ReportReady("a"))
    bus.publish(PlayoutSent("u", 1.0))
    with pytest.raises(BusOverflowError):
        bus.publish(ReportReady("b"))
    drained(bus)
    bus.publish(ReportReady("b"))
    assert drained(bus) == [ReportReady("b")]


def test_the_reader_waits_for_an_event() -> None:
    async def talk() -> Event:
        bus = Bus()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(bus.next_event())
            await asyncio.sleep(5)  # of virtual time
            assert not reader.done()
            bus.publish(InputCleared())
        return reader.result()

    assert run(talk) == InputCleared()


def test_a_command_goes_to_its_one_owner() -> None:
    bus = Bus()
    taken: list[tuple[str, Command]] = []
    assert bus.missing_owners() == set(OWNERS.values())
    for owner in sorted(set(OWNERS.values())):
        bus.own(owner, lambda command, owner=owner: taken.append((owner, command)))  # type: ignore[misc]
    assert not bus.missing_owners()
    bus.send(StopThinking("t"))
    bus.send(EndCall("over"))
    assert taken == [("thinker", StopThinking("t")), ("door", EndCall("over"))]
    with pytest.raises(ValueError, match="already"):
        bus.own("door", lambda _: None)
