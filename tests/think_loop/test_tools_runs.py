"""Tools in parallel, cancelled, repeated, too slow, and waiting for a commit; in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from scheduler import virtual_time
from scheduler.errors import BusOverflowError
from think_loop.language_model import ToolCall
from think_loop.tool_hints import MOST_REMEMBERED, CallHistory, call_key, without_hint
from think_loop.tool_runs import CANCELLED, MOST_AT_ONCE, NEVER_BEGUN, STOPPED, UNFINISHED, ToolRuns
from think_loop.tools import Toolbox, ToolOutput, tool

T = TypeVar("T")


def call(name: str, call_id: str = "c", /, **arguments: Any) -> ToolCall:
    return ToolCall(call_id, name, json.dumps(arguments))


@dataclass
class World:
    """Tools that leave traces, and what was told of them. ``log``: (second, what)."""

    log: list[tuple[float, str]] = field(default_factory=list)
    told: list[tuple[str, ToolOutput]] = field(default_factory=list)
    late: list[tuple[float, str, ToolOutput]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    answer: str = "done"

    def __post_init__(self) -> None:
        @tool(read_only=True)
        async def look(seconds: float, name: str = "") -> str:
            return await self.work(f"look {name}".strip(), seconds)

        @tool
        async def act(seconds: float = 0) -> str:
            return await self.work("act", seconds)

        @tool(read_only=True, timeout_seconds=2)
        async def hurried(seconds: float) -> str:
            return await self.work("hurried", seconds)

        @tool(late_after_seconds=2)
        async def order(seconds: float) -> str:
            return await self.work("order", seconds)

        @tool(read_only=True, late_after_seconds=2, timeout_seconds=5)
        async def search(seconds: float) -> str:
            return await self.work("search", seconds)

        self.runs = ToolRuns(Toolbox((look, act, hurried, order, search)), now, timeout_seconds=30)

    async def work(self, name: str, seconds: float) -> str:
        self.log.append((now(), name))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(seconds)
            return self.answer
        finally:
            self.at_once -= 1

    def tell(self, call: ToolCall, output: ToolOutput) -> None:
        assert output.unfinished == any(running is call for running in self.runs.running)
        self.told.append((call.call_id, output))

    def come_late(self, call: ToolCall, output: ToolOutput) -> None:
        self.late.append((now(), call.call_id, output))

    async def patient_round(self, *calls: ToolCall, **options: Any) -> list[str]:
        """Tools may outlive it, until the test is over."""
        return await self.round(*calls, came_late=self.come_late, **options)

    async def round(self, *calls: ToolCall, **options: Any) -> list[str]:
        return [output.text for output in await self.runs.run_round(calls, self.tell, **options)]


def now() -> float:
    return asyncio.get_running_loop().time()


def play(act: Callable[[World], Coroutine[Any, Any, T]]) -> T:
    async def main() -> T:
        world = World()
        async with asyncio.TaskGroup() as world.runs.group:
            result = await act(world)
        assert world.runs.running == ()
        assert world.at_once == 0
        return result

    return virtual_time.run(main)


def test_three_slow_tools_take_as_long_as_the_slowest() -> None:
    async def act(world: World) -> None:
        slow, fast, middle = call("look", "a", seconds=3), call("look", "b", seconds=1), call("look", "c", seconds=2)
        outputs = await world.runs.run_round((slow, fast, middle), world.tell)
        assert now() == 3
        assert [output.text for output in outputs] == ["done"] * 3
        assert [call_id for call_id, _ in world.told] == ["b", "c", "a"]  # as they end

    play(act)


def test_outputs_come_in_the_order_of_calls() -> None:
    async def act(world: World) -> None:
        outputs = await world.round(call("act", "a", seconds=2), call("none", "b"), call("look", "c", seconds="x"))
        assert outputs[0] == "done"
        assert "there is no tool 'none'" in outputs[1]
        assert "'seconds' can't be 'x'" in outputs[2]
        assert [call_id for call_id, _ in world.told] == ["b", "c", "a"]

    play(act)


def test_no_calls_are_no_trouble() -> None:
    assert play(lambda world: world.round()) == []


def test_not_too_many_run_at_once() -> None:
    async def act(world: World) -> None:
        calls = [call("look", str(number), seconds=20, name=str(number)) for number in range(MOST_AT_ONCE + 1)]
        outputs = await world.round(*calls)
        assert outputs == ["done"] * (MOST_AT_ONCE + 1)  # the time limit begins when the tool does
        assert (now(), world.most_at_once) == (40, MOST_AT_ONCE)

    play(act)


def test_a_tool_that_takes_too_long_does_not_hold_up_the_others() -> None:
    async def act(world: World) -> None:
        outputs = await world.round(call("look", "a", seconds=99), call("hurried", "b", seconds=3), call("act", "c"))
        assert outputs == [
            "Error: the tool gave no result within 30 seconds.",
            "Error: the tool gave no result within 2 seconds.",
            "done",
        ]
        assert now() == 30
        assert all(output.failed and not output.stopped for call_id, output in world.told if call_id != "c")

    play(act)


# --- cancelling -------------------------------------------------------------------------------------------


def test_one_call_is_cancelled_on_request_and_the_others_go_on() -> None:
    async def act(world: World) -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.round(call("look", "a", seconds=5), call("act", "b", seconds=3)))
            await asyncio.sleep(1)
            assert [running_call.call_id for running_call in world.runs.running] == ["a", "b"]
            assert world.runs.cancel("a")
            assert not world.runs.cancel("a")
            assert not world.runs.cancel("unknown")
        assert running.result() == ["Error: the call was cancelled.", "done"]
        assert world.told[0] == ("a", CANCELLED)
        assert now() == 3
        assert not world.runs.cancel("b")

    play(act)


def test_a_call_can_be_cancelled_before_it_begins() -> None:
    async def act(world: World) -> None:
        gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(world.round(call("act", "a"), permitted=gate.wait))
            same_moment = group.create_task(world.round(call("act", "b"), permitted=gate.wait))
            await asyncio.sleep(1)
            assert world.runs.cancel("a")
            await asyncio.sleep(1)
            gate.set()
            assert world.runs.cancel("b")
        assert waiting.result() == same_moment.result() == [CANCELLED.text]
        assert world.log == []

    play(act)


def test_a_call_can_be_cancelled_in_the_moment_it_is_made() -> None:
    async def act(world: World) -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.round(call("look", "a", seconds=5)))
            await asyncio.sleep(0)
            assert world.runs.cancel("a")
        assert running.result() == [CANCELLED.text]
        assert (now(), world.log) == (0, [])

    play(act)


def test_a_tool_that_was_done_in_the_same_moment_keeps_its_result() -> None:
    async def act(world: World) -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.round(call("act", "a", seconds=5)))
            await asyncio.sleep(5)
            world.runs.cancel("a")
        assert running.result() in (["done"], [CANCELLED.text])
        assert len(world.told) == 1

    play(act)


def test_stopping_the_stream_stops_its_tools_and_tells_each_once() -> None:
    async def act(world: World) -> None:
        gate = asyncio.Event()
        calls = (call("look", "a", seconds=9), call("look", "b", seconds=1), call("act", "c"))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.round(*calls, permitted=gate.wait))
            await asyncio.sleep(2)
            world.runs.cancel("a")
            running.cancel()
        assert running.cancelled()
        assert dict(world.told) == {"a": STOPPED, "b": ToolOutput("done"), "c": NEVER_BEGUN}
        assert [output.stopped for output in (STOPPED, NEVER_BEGUN, CANCELLED)] == [True, True, False]
        assert len(world.told) == 3

    play(act)


def test_what_fails_in_telling_stops_the_round_as_itself() -> None:
    async def act(world: World) -> None:
        def overflow(_call: ToolCall, output: ToolOutput) -> None:
            if not output.stopped:
                raise BusOverflowError("full")

        with pytest.raises(BusOverflowError):
            await world.runs.run_round((call("act"), call("look", "b", seconds=9)), overflow)
        assert now() == 0

    play(act)


# --- late results -----------------------------------------------------------------------------------------


def test_the_answer_goes_on_without_a_tool_that_takes_long_and_its_result_comes_later() -> None:
    async def act(world: World) -> None:
        outputs = await world.patient_round(call("order", "a", seconds=9), call("look", "b", seconds=1))
        assert (now(), outputs) == (2, [UNFINISHED.text, "done"])
        assert world.told[-1] == ("a", UNFINISHED)
        assert [running.call_id for running in world.runs.running] == ["a"]
        await asyncio.sleep(10)
        assert world.late == [(9, "a", ToolOutput("done"))]
        assert len(world.told) == 2

    play(act)


def test_one_that_is_through_in_time_is_a_tool_like_any_other() -> None:
    async def act(world: World) -> None:
        assert await world.patient_round(call("order", seconds=1.9)) == ["done"]
        assert (now(), world.late, world.told) == (1.9, [], [("c", ToolOutput("done"))])

    play(act)


def test_where_nobody_would_tell_the_result_the_answer_waits_for_it() -> None:
    async def act(world: World) -> None:
        assert await world.round(call("order", seconds=9)) == ["done"]

    play(act)


def test_a_caller_who_interrupts_does_not_stop_it() -> None:
    async def act(world: World) -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(
                world.patient_round(call("order", "a", seconds=9), call("look", "b", seconds=9))
            )
            await asyncio.sleep(1)
            running.cancel()
        assert dict(world.told) == {"a": UNFINISHED, "b": STOPPED}
        await asyncio.sleep(10)
        assert world.late == [(9, "a", ToolOutput("done"))]

    play(act)


def test_a_draft_waits_for_it_and_takes_it_along_when_it_is_given_up() -> None:
    async def act(world: World) -> None:
        gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.patient_round(call("search", "a", seconds=4.5), permitted=gate.wait))
            await asyncio.sleep(3)
            assert world.told == []
            running.cancel()
        assert world.told == [("a", STOPPED)]
        await asyncio.sleep(5)
        assert world.late == []

    play(act)


def test_a_draft_that_becomes_the_answer_is_patient_from_then_on() -> None:
    async def act(world: World) -> None:
        gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.patient_round(call("search", "a", seconds=4.5), permitted=gate.wait))
            await asyncio.sleep(1)
            gate.set()
        assert (now(), running.result()) == (3, [UNFINISHED.text])
        await asyncio.sleep(5)
        assert world.late == [(4.5, "a", ToolOutput("done"))]

    play(act)


def test_one_that_never_ends_is_given_up_and_that_is_told_too() -> None:
    async def act(world: World) -> None:
        assert await world.patient_round(call("search", "a", seconds=99)) == [UNFINISHED.text]
        await asyncio.sleep(5)
        ((at, _, output),) = world.late
        assert (at, output.text) == (5, "Error: the tool gave no result within 5 seconds.")

    play(act)


def test_one_that_runs_on_can_still_be_cancelled() -> None:
    async def act(world: World) -> None:
        await world.patient_round(call("order", "a", seconds=9))
        assert world.runs.cancel("a")
        await asyncio.sleep(1)
        assert world.late == [(2, "a", CANCELLED)]
        assert not world.runs.cancel("a")

    play(act)


# --- side effects -----------------------------------------------------------------------------------------


def test_before_the_commit_only_read_only_tools_run() -> None:
    async def act(world: World) -> None:
        gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(
                world.round(call("act", "a", seconds=29), call("look", "b", seconds=1), permitted=gate.wait)
            )
            await asyncio.sleep(100)
            assert world.log == [(0.0, "look")]
            assert [call_id for call_id, _ in world.told] == ["b"]
            gate.set()
        assert running.result() == ["done", "done"]
        assert world.log[-1] == (100.0, "act")
        assert now() == 129  # waiting doesn't count as working

    play(act)


def test_a_permission_that_fails_is_no_timeout() -> None:
    async def act(world: World) -> None:
        async def never() -> None:
            raise TimeoutError

        with pytest.raises(TimeoutError):
            await world.round(call("act"), permitted=never)
        assert world.told == [("c", NEVER_BEGUN)]

    play(act)


# --- hints ------------------------------------------------------------------------------------------------


def test_a_repeated_call_is_told_to_be_one() -> None:
    async def act(world: World) -> None:
        assert await world.round(call("look", seconds=1, name="x")) == ["done"]
        await asyncio.sleep(39)
        # the same arguments in another order
        (second,) = await world.round(ToolCall("d", "look", ' {"name":"x",  "seconds": 1}'))
        assert second == (
            "done\n(This tool was called once before with the same arguments, last 40 seconds ago; "
            "its result then was the same.)"
        )
        world.answer = "changed"
        (third,) = await world.round(call("look", seconds=1, name="x"))
        assert "called 2 times before" in third
        assert "1 second ago; its result then was another.)" in third
        assert await world.round(call("look", seconds=1, name="y")) == ["changed"]
        assert without_hint(third) == "changed"

    play(act)


def test_only_calls_that_were_completed_count() -> None:
    async def act(world: World) -> None:
        await world.round(call("hurried", seconds=9))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.round(call("look", seconds=9)))
            await asyncio.sleep(1)
            world.runs.cancel("c")
            await running
            running = group.create_task(world.round(call("look", seconds=9)))
            await asyncio.sleep(1)
            running.cancel()
        assert await world.round(call("look", seconds=9)) == ["done"]
        await world.round(call("nothing"))
        assert "once before" in (await world.round(call("nothing")))[0]

    play(act)


def test_two_equal_calls_in_one_round() -> None:
    async def act(world: World) -> None:
        first, second = await world.round(call("look", "a", seconds=1), call("look", "b", seconds=1))
        assert first == "done"
        assert "once before with the same arguments, last a moment ago; its result then was the same" in second

    play(act)


def test_hints_stay_out_of_other_text() -> None:
    for text in ("", "done", "(This tool was called twice)", "x\n(This tool was called x) y"):
        assert without_hint(text) == text
    long = CallHistory()
    assert long.note(call("a"), "x", 0.0) == ""
    assert without_hint("two\nlines" + long.note(call("a"), "x", 7200.0)) == "two\nlines"


def test_what_is_remembered_is_bounded() -> None:
    history = CallHistory()
    for number in range(MOST_REMEMBERED + 1):
        assert history.note(call("a", number=number), "x", number) == ""
    assert history.note(call("a", number=0), "x", 0) == ""
    assert history.note(call("a", number=MOST_REMEMBERED), "x", 0) != ""


@pytest.mark.parametrize("arguments", ["{", "[" * 100_000, "[" * 900 + "]" * 900, '{"a": NaN}', "", " ", "9" * 5000])
def test_any_arguments_have_a_key(arguments: str) -> None:
    assert call_key(ToolCall("a", "x", arguments)) == call_key(ToolCall("b", "x", arguments))
    assert call_key(ToolCall("a", "x", "")) == call_key(ToolCall("a", "x", " {} "))
