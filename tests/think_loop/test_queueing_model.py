from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from scheduler import virtual_time
from scheduler.tasks import closing_stream
from think_loop.engines.queueing import QueueingModel, QueueingModelSettings
from think_loop.language_model import Finished, Message, Piece, Prompt, Words

PLAIN = QueueingModelSettings(prefill_seconds=0.1, overhead_seconds=0.0, step_seconds=0.02, step_growth=0.0)


def prompt(priority: int = 0, text: str = "hello") -> Prompt:
    return Prompt((Message("user", text),), priority=priority)


async def times(model: QueueingModel, asked: Prompt) -> list[float]:
    """When each piece came."""
    loop = asyncio.get_running_loop()
    return [loop.time() async for _ in model.generate(asked)]


def together(settings: QueueingModelSettings, *priorities: int) -> list[list[float]]:
    """Streams that are asked for in this order, at once."""

    async def main() -> list[list[float]]:
        model = QueueingModel(settings)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(times(model, prompt(priority))) for priority in priorities]
        assert (model.running, model.waiting) == (0, 0)
        return [task.result() for task in tasks]

    return virtual_time.run(main)


def run(main: Callable[[QueueingModel], Awaitable[None]], settings: QueueingModelSettings = PLAIN) -> None:
    async def whole() -> None:
        model = QueueingModel(settings)
        await main(model)
        assert (model.running, model.waiting) == (0, 0)

    virtual_time.run(whole)


def test_alone() -> None:
    (alone,) = together(replace(PLAIN, overhead_seconds=0.05), 0)
    assert alone[:3] == pytest.approx([0.15, 0.17, 0.19])
    assert len(alone) == 31


def test_prompts_are_read_one_at_a_time() -> None:
    assert [each[0] for each in together(PLAIN, 0, 0, 0)] == pytest.approx([0.1, 0.2, 0.3])


def test_who_waits_is_ordered_by_priority_then_arrival() -> None:
    assert [each[0] for each in together(PLAIN, 1, 1, 0, 1)] == pytest.approx([0.1, 0.3, 0.2, 0.4])
    by_arrival = together(replace(PLAIN, knows_priority=False), 1, 1, 0, 1)
    assert [each[0] for each in by_arrival] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_batch_has_so_many_places() -> None:
    first, second = together(replace(PLAIN, max_running=1), 0, 0)
    assert second[0] == pytest.approx(first[-1] + 0.1)


def test_steps_grow_with_the_batch() -> None:
    both = together(replace(PLAIN, step_growth=0.5), 0, 0)
    steps = [later - earlier for earlier, later in pairwise(both[0][:-1])]
    assert steps[0] == pytest.approx(0.03)  # the second one's prompt is being read
    assert steps[-1] == pytest.approx(0.03)
    assert both[1][-2] - both[1][-3] == pytest.approx(0.02)  # the first one is gone


def test_text_and_budget_are_those_of_the_simulated_model() -> None:
    async def main(model: QueueingModel) -> None:
        pieces: list[Piece] = [piece async for piece in model.generate(replace(prompt(), max_output_tokens=3))]
        assert [type(piece) for piece in pieces] == [Words, Words, Words, Finished]
        assert pieces[-1] == Finished("length", 2, 3)

    run(main)


def test_a_closed_stream_frees_its_place() -> None:
    async def main(model: QueueingModel) -> None:
        loop = asyncio.get_running_loop()
        async with closing_stream(model.generate(prompt())) as pieces:
            await anext(pieces)
        assert (loop.time(), model.running) == (pytest.approx(0.1), 0)
        assert (await times(model, prompt()))[0] == pytest.approx(0.2)

    run(main, replace(PLAIN, max_running=1))


@pytest.mark.parametrize("after_seconds", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25])
def test_a_cancelled_stream_leaves_nothing_behind(after_seconds: float) -> None:
    """In the queue, in the moment of its turn, while its prompt is read, and while it writes."""

    async def main(model: QueueingModel) -> None:
        async with asyncio.TaskGroup() as group:
            before = group.create_task(times(model, prompt()))
            cancelled = group.create_task(times(model, prompt()))
            behind = group.create_task(times(model, prompt()))
            await asyncio.sleep(after_seconds)  # virtual
            cancelled.cancel()
        assert before.result()[0] == pytest.approx(0.1)
        # a step that has begun is not interrupted
        assert behind.result()[0] == pytest.approx(0.2 if after_seconds < 0.1 else 0.3, abs=0.101)

    run(main)


def test_a_reading_that_nobody_awaits_goes_on_to_its_end() -> None:
    async def main(model: QueueingModel) -> None:
        async with asyncio.TaskGroup() as group:
            cancelled = group.create_task(times(model, prompt()))
            await asyncio.sleep(0.01)  # virtual
            cancelled.cancel()
            assert (await times(model, prompt()))[0] == pytest.approx(0.2)

    run(main)
