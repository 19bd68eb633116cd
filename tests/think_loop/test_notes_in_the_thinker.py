"""What was thought while the user spoke reaches the answer: finished, unfinished, and of more than one stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from scheduler import virtual_time
from scheduler.commands import Command, PromoteThinking, Purpose, StopThinking, Think
from tests.think_loop.test_thinker import TOOLBOX, Beat, Recorder, ScriptedModel
from think_loop.language_model import Finished, Message, Prompt, Thought
from think_loop.thinker import Thinker, ThinkerSettings


def notes_in_the_last_prompt(
    streams: Sequence[Sequence[Beat]], orders: Sequence[Command | float], settings: ThinkerSettings | None = None
) -> list[str]:
    """Of the stream that was begun last. A number is a wait."""

    async def main() -> list[str]:
        model = ScriptedModel(streams)

        def brief(_think: Think, notes: str) -> Prompt:
            return Prompt((Message("user", "hello"),), hints=notes)

        thinker = Thinker(lambda _event: None, model, brief, TOOLBOX, Recorder(), settings)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(thinker.run())
            for order in orders:
                if isinstance(order, float):
                    await asyncio.sleep(order)
                else:
                    thinker.handle(order)
            await asyncio.sleep(1000.0)
            running.cancel()
        return model.prompts[-1].hints.split("\n")

    return virtual_time.run(main)


def taking_notes(think_id: str, *earlier: str) -> Think:
    return Think(think_id, Purpose.NOTES, turn_id="turn_1", audible=False, basis="so last week", notes_ids=earlier)


def answering(*notes_ids: str) -> Think:
    return Think("answer", Purpose.ANSWER, turn_id="turn_1", notes_ids=notes_ids)


FINISHED = [Thought("a complaint"), Finished("stop")]
MORE = [Thought("about a lamp"), Finished("stop")]
UNFINISHED = [Thought("about"), 100.0, Thought(" a lamp"), Finished("stop")]


def test_an_answer_is_told_all_the_notes_in_their_order() -> None:
    orders = (taking_notes("n1"), 1.0, taking_notes("n2", "n1"), 1.0)
    ends = (PromoteThinking("n1", "turn_1"), PromoteThinking("n2", "turn_1"), answering("n1", "n2"))
    assert notes_in_the_last_prompt([FINISHED, MORE, FINISHED], [*orders, *ends]) == ["a complaint", "about a lamp"]


def test_of_notes_that_are_stopped_as_the_turn_ends_what_there_is_is_told() -> None:
    """The conductor stops them behind the order to answer, which is carried out a moment later."""
    orders = (taking_notes("n1"), 1.0, PromoteThinking("n1", "turn_1"), answering("n1"), StopThinking("n1"))
    assert notes_in_the_last_prompt([UNFINISHED, FINISHED], orders) == ["about"]


@pytest.mark.parametrize("kept", [1, 2])
def test_notes_that_are_gone_on_from_are_not_the_first_to_be_forgotten(kept: int) -> None:
    drafts = [
        order
        for number in range(3)
        for order in (Think(f"d{number}", Purpose.DRAFT, turn_id="turn_1", basis="so", notes_ids=("n1",)), 1.0)
    ]
    told = notes_in_the_last_prompt(
        [FINISHED], [taking_notes("n1"), 1.0, *drafts, answering("n1")], ThinkerSettings(kept_streams=kept)
    )
    assert told == (["a complaint"] if kept > 1 else [""])
