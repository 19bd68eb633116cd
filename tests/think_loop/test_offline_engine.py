"""The offline brain as an engine, and together with the thinker and the timers, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from scheduler import virtual_time
from scheduler.commands import Purpose, Think
from scheduler.events import Event, ReportReady, SentenceWritten, SilenceChosen, ThinkEnded, ThoughtGrown, ToolEnded
from think_loop.engines.offline.engine import OfflineBrain, OfflineSettings
from think_loop.language_model import Finished, Message, Piece, Prompt, Silence, Thought, ToolCall, ToolSpec, Words
from think_loop.prompt import DEFAULT_INSTRUCTIONS, hints
from think_loop.thinker import Thinker
from think_loop.timers import SET_TIMER, Reports, Timers
from think_loop.tools import Toolbox, ToolOutput
from think_loop.trajectory import Entry, EntryKind, Trajectory

NOW = datetime(2026, 11, 21, 17, 42)
SETTINGS = OfflineSettings(seed=1, now=lambda: NOW)


def timed(
    text: str, settings: OfflineSettings = SETTINGS, tools: tuple[ToolSpec, ...] = ()
) -> list[tuple[float, Piece]]:
    async def main() -> list[tuple[float, Piece]]:
        loop = asyncio.get_running_loop()
        prompt = Prompt((Message("user", text),), tools=tools)
        return [(loop.time(), piece) async for piece in OfflineBrain(settings).generate(prompt)]

    return virtual_time.run(main)


def test_words_are_streamed_and_add_up() -> None:
    pieces = timed("what is twelve times twelve", OfflineSettings(first_token_seconds=0.2, word_seconds=0.05))
    words = [(round(at, 3), piece.text) for at, piece in pieces if isinstance(piece, Words)]
    assert words == [(0.2, "12"), (0.25, " times"), (0.3, " 12"), (0.35, " is"), (0.4, " 144.")]
    assert isinstance(pieces[-1][1], Finished)


def test_it_thinks_between_pieces_while_counting() -> None:
    pieces = timed("count slowly to thirty and double each number")
    thoughts = [at for at, piece in pieces if isinstance(piece, Thought)]
    assert len(thoughts) == 29
    assert thoughts[-1] - thoughts[-2] > 1.2 * (thoughts[1] - thoughts[0])
    quick = timed("count slowly to thirty and double each number", OfflineSettings(ponder_scale=0.0, word_seconds=0.0))
    assert quick[-1][0] == 0.0


def test_silence_and_tool_calls_are_pieces() -> None:
    assert timed("hold on a second")[0][1] == Silence("the caller asked me to wait")
    pieces = [piece for _, piece in timed("set a timer for five seconds", tools=(SET_TIMER,))]
    assert isinstance(pieces[0], ToolCall)
    assert pieces[0].arguments == '{"seconds": 5}'
    assert pieces[-1] == Finished("tools", 7, 1)


def test_the_token_budget_is_kept() -> None:
    async def main() -> list[Piece]:
        prompt = Prompt((Message("user", "what can you do"),), max_output_tokens=3)
        return [piece async for piece in OfflineBrain(SETTINGS).generate(prompt)]

    pieces = virtual_time.run(main)
    assert len(pieces) == 4
    assert pieces[-1] == Finished("length", 4, 3)


class Call:
    """A session in small: trajectory, thinker, timers and brain; all that is said counts as heard."""

    def __init__(self) -> None:
        self.trajectory = Trajectory()
        self.reports = Reports()
        self.events: list[Event] = []
        self.timers = Timers(self._publish, self.reports)
        self.toolbox = Toolbox(self.timers.tools())
        self.thinker = Thinker(self._publish, OfflineBrain(SETTINGS), self._brief, self.toolbox, self)
        self._count = 0

    def _publish(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, ReportReady):
            self.thinker.handle(Think(self._next_id(), Purpose.REPORT, report_id=event.report_id))
        if isinstance(event, SentenceWritten):
            self._add(EntryKind.SAID, event.text)

    def _next_id(self) -> str:
        self._count += 1
        return f"id{self._count}"

    def _add(self, kind: EntryKind, text: str, call: ToolCall | None = None) -> None:
        call_id, name = (call.call_id, call.name) if call is not None else ("", "")
        self.trajectory.append(Entry(self._next_id(), kind, text, call_id=call_id, tool_name=name))

    def _brief(self, think: Think, _notes: str) -> Prompt:
        report = self.reports.take(think.report_id) if think.report_id is not None else ""
        text = hints(NOW, think.purpose, report=report, timers=self.timers.described())
        return Prompt(self.trajectory.messages(DEFAULT_INSTRUCTIONS), text, self.toolbox.specs)

    def thought(self, think: Think, text: str) -> None:
        self._add(EntryKind.THOUGHT, text)

    def tool_called(self, think: Think, call: ToolCall, by_client: bool) -> None:
        self._add(EntryKind.TOOL_CALL, call.arguments, call)

    def tool_ended(self, think: Think, call: ToolCall, output: ToolOutput) -> None:
        self._add(EntryKind.TOOL_RESULT, output.text, call)

    async def turn(self, text: str, wait_seconds: float) -> list[str]:
        """Say ``text`` and wait; returns the sentences that came meanwhile."""
        begin = len(self.events)
        self._add(EntryKind.HEARD, text)
        self.thinker.handle(Think(self._next_id(), Purpose.ANSWER))
        await asyncio.sleep(wait_seconds)
        return [event.text for event in self.events[begin:] if isinstance(event, SentenceWritten)]


def test_a_whole_call() -> None:
    async def main() -> None:
        call = Call()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call.thinker.run()), group.create_task(call.timers.run())]
            assert await call.turn("what is twelve times twelve", 2) == ["12 times 12 is 144."]
            assert await call.turn("now divide that by twelve", 2) == ["144 divided by 12 is 12."]
            assert await call.turn("set a timer for five seconds", 4) == ["Okay, 5 seconds, starting now."]
            assert await call.turn("hold on a second", 0.5) == []
            assert await call.turn("count to five", 3) == [
                "One, two, three, four, five.",
                "Your 5 second timer is done.",
            ]
            for task in tasks:
                task.cancel()
        assert sum(isinstance(event, SilenceChosen) for event in call.events) == 1
        assert sum(isinstance(event, ToolEnded) for event in call.events) == 1
        assert sum(isinstance(event, ThinkEnded) for event in call.events) == 6
        assert call.trajectory.epoch == 0

    virtual_time.run(main)


@pytest.mark.parametrize("text", ["count to twenty"])
def test_counting_is_thought_and_said_in_turns(text: str) -> None:
    async def main() -> None:
        call = Call()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(call.thinker.run())
            await call.turn(text, 30)
            running.cancel()
        order = [type(event) for event in call.events if isinstance(event, ThoughtGrown | SentenceWritten)]
        assert order == [SentenceWritten, *[ThoughtGrown, SentenceWritten] * 3] or order[:2] == [
            ThoughtGrown,
            SentenceWritten,
        ]

    virtual_time.run(main)
