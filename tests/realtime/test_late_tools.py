"""Tools whose results come after the answer was given: a whole session, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from realtime.server import Engines
from scheduler.commands import Purpose, Think
from scheduler.events import ReportReady, ToolCalled, ToolEnded, ToolLeftBehind
from tests.faults.scenes import Call, calling, in_virtual_time, quiet, simulated_engines, simulated_settings, tone
from think_loop.language_model import Finished, Piece, Prompt, ToolCall, Words
from think_loop.prompt import REPORT_MARK
from think_loop.tools import tool

OFF = {"turns": {"overrides": {"drafts": False, "notes": False, "fillers": False, "afterthoughts": False}}}


@tool(late_after_seconds=2, timeout_seconds=60, progress="asking the workshop")
async def ask() -> str:
    await asyncio.sleep(20)  # a slow workshop; virtual time
    return "ready on Thursday"


@dataclass
class Model:
    """Asks the workshop, and tells what it is given."""

    prompts: list[Prompt] = field(default_factory=list)
    name: str = "scripted"
    simulated: bool = True

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        self.prompts.append(prompt)
        if REPORT_MARK in prompt.hints:
            yield Words("It is ready on Thursday.")
        elif prompt.messages[-1].role == "tool":
            yield Words("I have asked them.")
        else:
            yield ToolCall("call_1", "ask", "{}")
            yield Finished("tools")
            return
        yield Finished("stop")


def engines(model: Model) -> Engines:
    return replace(simulated_engines(model=model), tools=(ask,))


def test_a_late_result_is_told_when_the_floor_is_free() -> None:
    model = Model()

    async def main() -> Call:
        async with calling(engines(model), simulated_settings(**OFF)) as call:
            await call.ask(30.0)
        return call

    call = in_virtual_time(main)
    assert call.door.said == ["I have asked them.", "It is ready on Thursday."]
    tools = [happened for _, happened in call.door.seen if isinstance(happened, ToolLeftBehind | ToolEnded)]
    think_id = call.door.of(ToolCalled)[0].think_id
    assert tools == [ToolLeftBehind(think_id, "call_1"), ToolEnded(think_id, "call_1", "ready on Thursday")]
    (report,) = [think for think in call.door.of(Think) if think.purpose is Purpose.REPORT]
    assert report.report_id is not None
    assert "The result of asking the workshop has come: ready on Thursday" in model.prompts[-1].hints
    assert "ready on Thursday" in [each for each in model.prompts[-1].messages if each.role == "system"][-1].text
    assert "still running" in model.prompts[1].messages[-1].text


def test_a_caller_who_speaks_meanwhile_is_not_interrupted() -> None:
    model = Model()

    async def main() -> Call:
        async with calling(engines(model), simulated_settings(**OFF)) as call:
            await call.speak(tone(1.0), quiet(16.0), tone(10.0), quiet(15.0))
        return call

    seen = in_virtual_time(main).door.seen
    came_at = next(at for at, happened in seen if isinstance(happened, ReportReady))
    told_at = next(at for at, happened in seen if isinstance(happened, Think) and happened.report_id)
    assert came_at < 27.0 < told_at


def test_one_that_the_client_cancels_is_not_told_of() -> None:
    model = Model()

    async def main() -> tuple[Call, list[bool]]:
        async with calling(engines(model), simulated_settings(**OFF)) as call:
            await call.ask(8.0)
            cancelled = [call.session.cancel_tool(call_id) for call_id in ("call_1", "call_1", "call_2")]
            await call.speak(quiet(30.0))
        return call, cancelled

    call, cancelled = in_virtual_time(main)
    assert cancelled == [True, False, False]
    assert [called.call_id for called in call.door.of(ToolCalled)] == ["call_1"]
    assert [ended.failed for ended in call.door.of(ToolEnded)] == [True]
    assert call.door.said == ["I have asked them."]
