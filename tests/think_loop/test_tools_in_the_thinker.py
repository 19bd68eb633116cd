"""The thinker with tools: told and run in parallel, held back for drafts, cancelled by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from scheduler import virtual_time
from scheduler.commands import PromoteThinking, Purpose, StopThinking, Think
from scheduler.events import Event, ThinkEnded, ThinkEnding, ToolCalled, ToolEnded
from think_loop.language_model import Finished, Message, Piece, Prompt, ToolCall, ToolSpec, Words
from think_loop.thinker import Thinker
from think_loop.tools import Toolbox, ToolOutput, tool

CLIENT_TOOL = ToolSpec("get_weather", "", {"type": "object"}, by_client=True)


@tool(read_only=True)
async def look(seconds: float = 1) -> str:
    await asyncio.sleep(seconds)
    return f"looked for {seconds:g}"


@tool
async def book() -> str:
    return "booked"


TOOLS = Toolbox((look, book))


@dataclass
class Model:
    """Calls ``calls`` in the first round of each stream, then answers."""

    calls: list[ToolCall]
    prompts: list[Prompt] = field(default_factory=list)
    name: str = "scripted"
    simulated: bool = True

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        self.prompts.append(prompt)
        if prompt.messages[-1].role == "tool":
            yield Words("Done.")
            yield Finished("stop")
            return
        for call in self.calls:
            yield call
        yield Finished("tools")


@dataclass
class Recorder:
    lines: list[str] = field(default_factory=list)

    def tool_called(self, _think: Think, call: ToolCall, _by_client: bool) -> None:
        self.lines.append(f"called {call.call_id}")

    def tool_ended(self, _think: Think, call: ToolCall, output: ToolOutput) -> None:
        self.lines.append(f"{call.call_id}: {output.text}")

    def thought(self, _think: Think, _text: str) -> None: ...


@dataclass
class Scene:
    thinker: Thinker
    model: Model
    events: list[tuple[float, Event]]
    recorded: list[str]

    def think(self, purpose: Purpose = Purpose.ANSWER) -> None:
        self.thinker.handle(Think("t", purpose))

    def told(self) -> list[tuple[float, str]]:
        """When each call was told, and when it ended."""
        happened = {ToolCalled: "called", ToolEnded: "ended"}
        return [
            (at, f"{happened[type(event)]} {event.call_id}")
            for at, event in self.events
            if isinstance(event, ToolCalled | ToolEnded)
        ]


def play(calls: list[ToolCall], act: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    async def main() -> Scene:
        loop, model = asyncio.get_running_loop(), Model(calls)
        events: list[tuple[float, Event]] = []
        prompt = Prompt((Message("user", "hello"),), tools=(CLIENT_TOOL, *TOOLS.specs))

        def publish(event: Event) -> None:
            events.append((loop.time(), event))

        recorder = Recorder()
        thinker = Thinker(publish, model, lambda _think, _notes: prompt, TOOLS, recorder)
        scene = Scene(thinker, model, events, recorder.lines)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(scene.thinker.run())
            await asyncio.sleep(0)
            await act(scene)
            await asyncio.sleep(1000)  # virtual: long enough for anything to end
            assert scene.thinker.thinking == 0
            running.cancel()
        return scene

    return virtual_time.run(main)


def call(call_id: str, name: str, arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id, name, arguments)


THREE = [call("a", "look", '{"seconds": 3}'), call("b", "look", '{"seconds": 1}'), call("c", "book")]


def test_all_calls_are_told_at_once_and_each_end_as_it_comes() -> None:
    async def act(scene: Scene) -> None:
        scene.think()

    scene = play(THREE, act)
    assert scene.told() == [
        (0, "called a"), (0, "called b"), (0, "called c"), (0, "ended c"), (1, "ended b"), (3, "ended a"),
    ]  # fmt: skip
    results = [(message.tool_call_id, message.text) for message in scene.model.prompts[1].messages[-3:]]
    assert results == [("a", "looked for 3"), ("b", "looked for 1"), ("c", "booked")]
    assert scene.recorded == [
        "called a", "called b", "called c", "c: booked", "b: looked for 1", "a: looked for 3",
    ]  # fmt: skip


def test_a_cancelled_tool_lets_the_model_go_on() -> None:
    async def act(scene: Scene) -> None:
        scene.think()
        await asyncio.sleep(2)
        assert scene.thinker.cancel_tool("a")
        assert not scene.thinker.cancel_tool("b")

    scene = play(THREE, act)
    assert scene.told()[-1] == (2, "ended a")
    assert scene.model.prompts[1].messages[-3].text == "Error: the call was cancelled."
    ((at, end),) = [(at, event) for at, event in scene.events if isinstance(event, ThinkEnded)]
    assert (at, end.ending) == (2, ThinkEnding.DONE)


def test_a_draft_looks_but_does_not_book_until_it_is_promoted() -> None:
    async def act(scene: Scene) -> None:
        scene.think(Purpose.DRAFT)
        await asyncio.sleep(60)
        assert (1.0, "ended b") in scene.told()
        assert all(line != "ended c" for _, line in scene.told())
        assert scene.recorded == []
        scene.thinker.handle(PromoteThinking("t", "turn"))

    scene = play(THREE, act)
    waits = [event.awaits_commit for _, event in scene.events if isinstance(event, ToolCalled)]
    assert waits == [False, False, True]
    assert scene.told()[-1] == (60, "ended c")
    assert scene.recorded[-1] == "c: booked"
    assert len(scene.recorded) == 6


def test_a_draft_that_is_given_up_has_booked_nothing() -> None:
    async def act(scene: Scene) -> None:
        scene.think(Purpose.DRAFT)
        await asyncio.sleep(2)
        scene.thinker.handle(StopThinking("t"))
        scene.thinker.handle(PromoteThinking("t", "turn"))

    scene = play(THREE, act)
    assert [line for _, line in scene.told()] == ["called a", "called b", "called c", "ended b"]
    assert "a: Error: the tool was stopped before it ended; it may or may not have done its work." in scene.recorded
    assert "c: Error: the tool was not run, since the answer that called it was given up." in scene.recorded
    assert not any("booked" in line for line in scene.recorded)


def test_what_a_clients_tool_does_is_unknown_so_a_draft_does_not_call_it() -> None:
    async def act(scene: Scene) -> None:
        scene.think(Purpose.DRAFT)
        await asyncio.sleep(60)
        assert scene.told() == []
        scene.thinker.handle(PromoteThinking("t", "turn"))

    scene = play([call("a", "get_weather"), call("b", "look")], act)
    assert scene.told() == [(60, "called a"), (60, "called b"), (61, "ended b")]
    assert isinstance(scene.events[-1][1], ThinkEnded)
    assert scene.events[-1][1].ending is ThinkEnding.TOOLS


def test_a_repeated_call_is_told_to_the_model() -> None:
    async def act(scene: Scene) -> None:
        scene.think()
        await asyncio.sleep(41)
        scene.think()

    scene = play([call("a", "look")], act)
    assert scene.model.prompts[1].messages[-1].text == "looked for 1"
    assert "once before with the same arguments, last 41 seconds ago" in scene.model.prompts[3].messages[-1].text


def test_ids_that_a_server_gives_again_are_told_apart() -> None:
    async def act(scene: Scene) -> None:
        for _ in range(2):
            scene.think()
            await asyncio.sleep(10)

    scene = play([call("c1", "look"), call("c1", "book")], act)
    ids = ["c1", "c1_2", "c1_3", "c1_4"]
    assert [line for line in scene.recorded if line.startswith("called")] == [f"called {call_id}" for call_id in ids]
    assert [line for _, line in scene.told() if line.startswith("called")] == [f"called {call_id}" for call_id in ids]
    for prompt, (first, second) in zip(scene.model.prompts[1::2], (ids[:2], ids[2:]), strict=True):
        assert [each.call_id for each in prompt.messages[-3].tool_calls] == [first, second]
        assert [message.tool_call_id for message in prompt.messages[-2:]] == [first, second]
