"""Twenty calls at once in one process: no turn is lost, and what they held is given back."""

from __future__ import annotations

import asyncio
import random

import pytest

from scheduler.commands import CommitTurn, EndTurn, OpenTurn
from tests.faults.scenes import Call, calling, in_virtual_time, quiet, tone

CALLS = 20
TALK_SECONDS = 180.0


async def _talk(call: Call, seed: int) -> int:
    """Minutes of questions, some of them over the answer. Returns how many were asked."""
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    asked, end_at = 0, loop.time() + TALK_SECONDS
    while loop.time() < end_at:
        asked += 1
        await call.speak(tone(chance.uniform(0.5, 3.0)), quiet(chance.choice([1.3, 3.0, 5.0, 9.0])))
    await call.speak(quiet(10.0))
    return asked


@pytest.mark.slow  # an hour of talk in half a minute
def test_twenty_calls_of_some_minutes_lose_no_turn() -> None:
    async def one(seed: int) -> None:
        async with calling() as call:
            asked = await _talk(call, seed)
        assert call.door.ended == "hung up"
        opened = [turn.turn_id for turn in call.door.of(OpenTurn)]
        ended = [turn.turn_id for turn in call.door.of(EndTurn)]
        assert len(ended) == len(set(ended)), "no turn ends twice"
        assert set(opened) <= set(ended), "every turn that was begun came to an end"
        assert {turn.turn_id for turn in call.door.of(CommitTurn)} <= set(ended)
        assert set(call.door.outcomes) <= {"answered", "rejoined", "silent"}
        words = " ".join(turn.transcript for turn in call.door.of(CommitTurn))
        assert words.count("what time is it") >= asked * 0.95, "what was said over the agent's end may be a backchannel"

    async def main() -> None:
        before = asyncio.all_tasks()
        async with asyncio.TaskGroup() as tasks:
            for seed in range(CALLS):
                tasks.create_task(one(seed))
        assert asyncio.all_tasks() == before

    in_virtual_time(main)
