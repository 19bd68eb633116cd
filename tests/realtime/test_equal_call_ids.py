"""A model server that calls every tool by the same id: the history holds each call with its result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

from realtime.conversation import Conversation
from realtime.wire.session_port import FunctionOutputItem
from scheduler import virtual_time
from scheduler.commands import CommitTurn, Purpose, Think
from scheduler.events import Event, ToolCalled
from think_loop.language_model import Finished, Message, Piece, Prompt, ToolCall, ToolSpec, Words
from think_loop.thinker import Thinker
from think_loop.tools import Toolbox, tool
from think_loop.trajectory import Trajectory

ASK_CALLER = ToolSpec("ask_caller", "", {"type": "object"}, by_client=True)


class StillClock:
    def now(self) -> float:
        return 0.0


@tool(read_only=True)
async def look(what: str) -> str:
    return f"seen: {what}"


class Model:
    """Calls ``tool`` once in every turn, always by the same id."""

    name = "scripted"
    simulated = True

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.prompts: list[Prompt] = []

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        self.prompts.append(prompt)
        if prompt.messages[-1].role == "tool":
            yield Words("Done.")
        else:
            yield ToolCall("c1", self.tool, f'{{"what": "{prompt.messages[-1].text}"}}')
        yield Finished("stop")


def talk(model: Model, turns: list[str]) -> tuple[Message, ...]:
    """The history after ``turns``; a client answers its calls with what it was asked."""

    async def main() -> tuple[Message, ...]:
        conversation, toolbox = Conversation(Trajectory(), StillClock()), Toolbox((look,))

        def publish(event: Event) -> None:
            if isinstance(event, ToolCalled) and event.by_client:
                assert conversation.awaits(event.call_id)
                output = FunctionOutputItem(f"item {event.call_id}", event.call_id, f"told: {event.arguments}")
                conversation.insert_item(output, None)

        def brief(_think: Think, _notes: str) -> Prompt:
            return Prompt(conversation.trajectory.messages(""), tools=(ASK_CALLER, *toolbox.specs))

        thinker = Thinker(publish, model, brief, toolbox, conversation)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(thinker.run())
            for number, words in enumerate(turns):
                conversation.handle(CommitTurn(f"t{number}", words, 0.0, 1.0, True))
                thinker.handle(Think(f"k{number}", Purpose.ANSWER))
                await asyncio.sleep(10)  # virtual
            running.cancel()
        return conversation.trajectory.messages("")

    return virtual_time.run(main)


def rounds(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    """Each call's arguments and its output, found by id."""
    pairs = [(call, result) for call, result in pairwise(messages) if call.tool_calls]
    assert all(call.tool_calls[0].call_id == result.tool_call_id for call, result in pairs)
    assert len({result.tool_call_id for _, result in pairs}) == len(pairs)
    return [(call.tool_calls[0].arguments, result.text) for call, result in pairs]


def test_the_servers_tools() -> None:
    messages = talk(Model("look"), ["paint", "roller", "brush"])
    assert [output for _, output in rounds(messages)] == ["seen: paint", "seen: roller", "seen: brush"]


def test_a_clients_tool() -> None:
    pairs = rounds(talk(Model("ask_caller"), ["paint", "roller"]))
    assert pairs == [(f'{{"what": "{what}"}}', f'told: {{"what": "{what}"}}') for what in ("paint", "roller")]
