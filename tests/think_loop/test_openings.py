"""An opening that is verified while the answer is begun anew: in virtual time, with a scripted engine."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from scheduler import virtual_time
from scheduler.commands import Purpose, StopThinking, Think
from scheduler.errors import LanguageModelError
from scheduler.events import Event, OpeningVerified, ThinkEnded, ThinkEnding, WordsWritten
from tests.think_loop.test_thinker import Recorder
from think_loop.language_model import Finished, Message, Piece, Prompt, Words
from think_loop.openings import VERDICT_SECONDS
from think_loop.thinker import Thinker
from think_loop.tools import Toolbox

OPENING = "It is 144."
WITHIN = VERDICT_SECONDS / 2
"""The answer that is begun anew has begun differently, and its verdict is still awaited."""


@dataclass
class Verifier:
    """Begins its answer with ``begins``; ``verdict`` comes after ``seconds``."""

    verdict: str | BaseException
    seconds: float
    begins: str | BaseException = "No, it is not. "
    opened: int = 0
    open_streams: int = 0
    name: str = "verifier"
    simulated: bool = True
    can_verify: bool = True

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, _prompt: Prompt) -> AsyncIterator[Piece]:
        self.opened += 1
        self.open_streams += 1
        try:
            if isinstance(self.begins, BaseException):
                raise self.begins
            yield Words(self.begins)
            await asyncio.sleep(1.0)  # virtual
            yield Words("So much is sure.")
            yield Finished("stop")
        finally:
            self.open_streams -= 1

    async def agreement(self, _prompt: Prompt, _opening: str) -> str:
        await asyncio.sleep(self.seconds)  # virtual
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return self.verdict


def verify(model: Verifier, stop_after_seconds: float | None = None) -> list[Event]:
    """What is told of a draft with ``OPENING``. Nothing of the engine may be left open afterwards."""
    dropped: list[str] = []

    async def main() -> list[Event]:
        events: list[Event] = []
        sys.set_asyncgen_hooks(finalizer=lambda stream: dropped.append(stream.__qualname__))
        prompt = Prompt((Message("user", "twelve times twelve"),))
        thinker = Thinker(events.append, model, lambda _think, _notes: prompt, Toolbox(), Recorder())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(thinker.run())
            await asyncio.sleep(0)
            thinker.handle(Think("t", Purpose.ANSWER, opening=OPENING))
            if stop_after_seconds is not None:
                await asyncio.sleep(stop_after_seconds)  # virtual
                thinker.handle(StopThinking("t"))
            await asyncio.sleep(100.0)  # virtual: long enough for anything to end
            assert (thinker.thinking, model.open_streams) == (0, 0)
            running.cancel()
        gc.collect()
        assert not dropped, "streams are closed, and not left to the garbage collector"
        return events

    return virtual_time.run(main)


def ending(events: list[Event]) -> ThinkEnding:
    (ended,) = [event for event in events if isinstance(event, ThinkEnded)]
    return ended.ending


def test_an_opening_that_holds_is_gone_on_from_and_the_answer_begun_anew_is_closed() -> None:
    model = Verifier(OPENING, WITHIN)
    events = verify(model)
    assert events[0] == OpeningVerified("t", OPENING)
    assert (model.opened, ending(events)) == (2, ThinkEnding.DONE)


@pytest.mark.parametrize("seconds", [WITHIN, 100.0])
def test_one_that_does_not_hold_in_time_costs_nothing_of_the_answer_begun_anew(seconds: float) -> None:
    model = Verifier("", seconds)
    events = verify(model)
    written = "".join(event.text for event in events if isinstance(event, WordsWritten))
    assert (model.opened, written) == (1, "No, it is not. So much is sure.")
    assert ending(events) is ThinkEnding.DONE


def test_stopped_while_the_verdict_is_awaited_nothing_stays_open() -> None:
    model = Verifier(OPENING, 100.0)
    assert ending(verify(model, stop_after_seconds=WITHIN)) is ThinkEnding.STOPPED
    assert model.opened == 1


@pytest.mark.parametrize("error", [LanguageModelError("refused"), asyncio.CancelledError()])
def test_a_verdict_that_fails_leaves_nothing_open(error: BaseException) -> None:
    assert ending(verify(Verifier(error, WITHIN))) is ThinkEnding.FAILED


@pytest.mark.parametrize("error", [LanguageModelError("refused"), asyncio.CancelledError()])
def test_an_answer_begun_anew_that_fails_is_no_silence(error: BaseException) -> None:
    assert ending(verify(Verifier("", WITHIN, begins=error))) is ThinkEnding.FAILED
