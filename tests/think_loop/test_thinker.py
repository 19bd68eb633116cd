"""The thinker in virtual time, driven by scripted models."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import virtual_time
from scheduler.commands import Duck, Purpose, StopThinking, Think
from scheduler.errors import LanguageModelError
from scheduler.events import (
    Event,
    SentenceWritten,
    SilenceChosen,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    WordsWritten,
)
from think_loop.language_model import (
    Finished,
    Message,
    Piece,
    Prompt,
    Silence,
    Thought,
    ToolCall,
    ToolSpec,
    Words,
)
from think_loop.thinker import Thinker, ThinkerSettings
from think_loop.tools import Tool, Toolbox, ToolOutput

Beat = Piece | float | BaseException
"""A piece, a wait in seconds, or a failure."""


@dataclass
class ScriptedModel:
    """Plays one list of beats per call of ``generate``; the last one again and again."""

    rounds: Sequence[Sequence[Beat]]
    prompts: list[Prompt] = field(default_factory=list)
    open_streams: int = 0
    most_open: int = 0
    name: str = "scripted"
    simulated: bool = True

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        self.prompts.append(prompt)
        self.open_streams += 1
        self.most_open = max(self.most_open, self.open_streams)
        try:
            for beat in self.rounds[min(len(self.prompts), len(self.rounds)) - 1]:
                match beat:
                    case float():
                        await asyncio.sleep(beat)
                    case BaseException():
                        raise beat
                    case _:
                        yield beat
        finally:
            self.open_streams -= 1


@dataclass
class Recorder:
    lines: list[tuple[str, ...]] = field(default_factory=list)

    def thought(self, think: Think, text: str) -> None:
        self.lines.append(("thought", think.think_id, text))

    def tool_called(self, think: Think, call: ToolCall, by_client: bool) -> None:
        self.lines.append(("called", call.name, "client" if by_client else "server"))

    def tool_ended(self, think: Think, call: ToolCall, output: ToolOutput) -> None:
        self.lines.append(("ended", call.name, output.text))


CLIENT_TOOL = ToolSpec("get_weather", "", {"type": "object"}, by_client=True)


async def _double(arguments: dict[str, Any]) -> str:
    return str(2 * arguments["number"])


async def _sleep(_arguments: dict[str, Any]) -> str:
    await asyncio.sleep(100.0)
    return "slept"


TOOLBOX = Toolbox(
    (
        Tool(ToolSpec("double", "", {"type": "object"}), _double),
        Tool(ToolSpec("sleep", "", {"type": "object"}), _sleep),
    )
)


@dataclass
class Bench:
    thinker: Thinker
    model: ScriptedModel
    events: list[Event]
    recorder: Recorder

    def think(self, think_id: str = "t", audible: bool = True) -> None:
        self.thinker.handle(Think(think_id, Purpose.ANSWER, audible=audible))


def play(
    rounds: Sequence[Sequence[Beat]],
    act: Callable[[Bench], Coroutine[Any, Any, None]] | None = None,
    thinker_settings: ThinkerSettings | None = None,
    tool_choice: str = "auto",
) -> Bench:
    """Run one think (or ``act``) against a model that plays ``rounds``, and wait long."""

    async def main() -> Bench:
        model, recorder = ScriptedModel(rounds), Recorder()
        events: list[Event] = []
        prompt = Prompt((Message("user", "hello"),), tools=(CLIENT_TOOL, *TOOLBOX.specs), tool_choice=tool_choice)
        thinker = Thinker(events.append, model, lambda _think, _notes: prompt, TOOLBOX, recorder, thinker_settings)
        bench = Bench(thinker, model, events, recorder)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(thinker.run())
            await asyncio.sleep(0)
            if act is None:
                bench.think()
            else:
                await act(bench)
            await asyncio.sleep(1000.0)  # virtual: long enough for anything to end
            assert thinker.thinking == 0
            running.cancel()
        assert model.open_streams == 0
        return bench

    return virtual_time.run(main)


def ended(bench: Bench) -> ThinkEnded:
    """The one end of the only stream, which is the last thing told about it."""
    assert isinstance(bench.events[-1], ThinkEnded)
    assert sum(isinstance(event, ThinkEnded) for event in bench.events) == 1
    return bench.events[-1]


def test_thoughts_words_and_sentences_as_they_come() -> None:
    bench = play([[Thought("hm"), Words("One. "), Words("Two"), Words(" more."), Finished("stop", 7, 5, 3)]])
    assert bench.events == [
        ThoughtGrown("t", "hm"),
        WordsWritten("t", "One. "),
        WordsWritten("t", "Two"),
        SentenceWritten("t", 0, "One."),
        WordsWritten("t", " more."),
        SentenceWritten("t", 1, "Two more."),
        ThinkEnded("t", ThinkEnding.DONE, "", 7, 5, 3),
    ]
    assert bench.recorder.lines == [("thought", "t", "hm")]


def test_an_inaudible_stream_has_words_but_no_sentences() -> None:
    async def act(bench: Bench) -> None:
        bench.think(audible=False)

    bench = play([[Words("One. Two."), Finished("stop")]], act)
    assert [type(event) for event in bench.events] == [WordsWritten, ThinkEnded]


def test_tokens_are_estimated_where_the_engine_does_not_count() -> None:
    end = ended(play([[Words("12345678"), Finished("stop")]]))
    assert (end.input_tokens, end.output_tokens) == (2, 2)


def test_pieces_of_a_token_each_are_not_estimated_as_more() -> None:
    thoughts = [Thought("so "), Thought("so")]
    words = [Words(f"{word} ") for word in ("that", "is", "easily", "told")]
    assert ended(play([[*thoughts, *words, Finished("stop")]])).output_tokens == 2 + 5


def test_silence_is_told_with_its_reason() -> None:
    bench = play([[Silence("thinking aloud"), Finished("stop")]])
    assert bench.events[0] == SilenceChosen("t", "thinking aloud")
    assert ended(bench).ending is ThinkEnding.DONE


def test_an_empty_answer_is_silence_too() -> None:
    bench = play([[Words("  "), Finished("stop")]])
    assert SilenceChosen("t", "the model wrote nothing") in bench.events
    assert ended(bench).ending is ThinkEnding.DONE


def test_notes_are_thoughts_alone_and_choose_no_silence() -> None:
    async def take_notes(bench: Bench) -> None:
        bench.thinker.handle(Think("t", Purpose.NOTES, turn_id="turn_1", audible=False, basis="so last week"))

    bench = play([[Thought("a complaint"), Finished("stop")]], take_notes)
    assert bench.events[0] == ThoughtGrown("t", "a complaint")
    assert [type(event) for event in bench.events[1:]] == [ThinkEnded]
    assert bench.recorder.lines == [], "nothing is in the history before the turn is over"


def test_the_token_budget() -> None:
    bench = play([[Words("Once upon a"), Finished("length")]])
    assert bench.events[-2] == SentenceWritten("t", 0, "Once upon a")
    assert ended(bench).ending is ThinkEnding.LENGTH


def test_a_token_budget_that_is_spent_without_a_word_is_no_silence() -> None:
    bench = play([[Thought("on and on"), Words(" "), Finished("length")]])
    assert ended(bench).ending is ThinkEnding.LENGTH
    assert not any(isinstance(event, SilenceChosen) for event in bench.events)


def test_a_server_tool_is_run_and_the_model_goes_on() -> None:
    call = ToolCall("c1", "double", '{"number": 21}')
    bench = play(
        [[Words("Let me see"), call, Finished("tools", 10, 4)], [Words("It's 42."), Finished("stop", 20, 3)]],
        tool_choice="double",
    )
    assert bench.events == [
        WordsWritten("t", "Let me see"),
        SentenceWritten("t", 0, "Let me see"),
        ToolCalled("t", "c1", "double", '{"number": 21}', by_client=False),
        ToolEnded("t", "c1", "42"),
        WordsWritten("t", "It's 42."),
        SentenceWritten("t", 1, "It's 42."),
        ThinkEnded("t", ThinkEnding.DONE, "", 30, 7, 0),
    ]
    assert bench.model.prompts[1].messages[1:] == (
        Message("assistant", "Let me see", tool_calls=(call,)),
        Message("tool", "42", tool_call_id="c1"),
    )
    assert bench.model.prompts[1].tool_choice == "auto"
    assert bench.recorder.lines == [("called", "double", "server"), ("ended", "double", "42")]


def test_a_client_tool_ends_the_stream() -> None:
    bench = play([[ToolCall("c1", "get_weather", "{}"), ToolCall("c2", "double", '{"number": 1}'), Finished("tools")]])
    assert ToolCalled("t", "c1", "get_weather", "{}", by_client=True) in bench.events
    assert ToolEnded("t", "c2", "2") in bench.events
    assert ended(bench).ending is ThinkEnding.TOOLS
    assert len(bench.model.prompts) == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ToolCall("c", "nothing", "{}"), "there is no tool 'nothing'"),
        (ToolCall("c", "double", "{"), "no valid JSON"),
        (ToolCall("c", "double", "[1]"), "must be a JSON object"),
        (ToolCall("c", "double", "{}"), "the tool 'double' failed"),
        (ToolCall("c", "sleep", "{}"), "no result within 30 seconds"),
    ],
)
def test_what_goes_wrong_with_a_tool_is_told_to_the_model(call: ToolCall, told: str) -> None:
    bench = play([[call, Finished("tools")], [Words("Sorry."), Finished("stop")]])
    output = bench.model.prompts[1].messages[-1].text
    assert output.startswith("Error: ")
    assert told in output
    assert ended(bench).ending is ThinkEnding.DONE


def test_a_model_that_calls_tools_for_ever_is_asked_to_answer_and_then_fails() -> None:
    bench = play([[ToolCall("c", "double", '{"number": 1}'), Finished("tools")]])
    assert [prompt.tool_choice for prompt in bench.model.prompts] == ["auto"] * 8 + ["none"]
    assert "without answering" in ended(bench).message


def test_a_failure_says_what_was_written_before() -> None:
    bench = play([[Words("Well, I"), LanguageModelError("Can't reach it.")]])
    assert bench.events[-2] == SentenceWritten("t", 0, "Well, I")
    assert ended(bench) == ThinkEnded("t", ThinkEnding.FAILED, "Can't reach it.", 2, 2)


@pytest.mark.parametrize("error", [KeyError("oops"), asyncio.CancelledError()])
def test_a_bug_in_an_engine_fails_the_stream_and_is_logged(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """Awaiting what somebody else has cancelled is one, too."""

    async def act(bench: Bench) -> None:
        bench.think("t1")
        await asyncio.sleep(1)
        bench.think("t2")

    with caplog.at_level(logging.ERROR):
        bench = play([[error], [Words("Fine."), Finished("stop")]], act)
    endings = [event.ending for event in bench.events if isinstance(event, ThinkEnded)]
    assert endings == [ThinkEnding.FAILED, ThinkEnding.DONE]
    assert "Traceback" in caplog.text


def test_stopping_closes_the_model_at_once_and_nothing_follows() -> None:
    async def act(bench: Bench) -> None:
        bench.think()
        await asyncio.sleep(1.5)
        assert bench.model.open_streams == 1
        bench.thinker.handle(StopThinking("t"))
        assert ended(bench).ending is ThinkEnding.STOPPED
        await asyncio.sleep(0.001)
        assert bench.model.open_streams == 0

    bench = play([[Words("One. Two"), 1.0, Words(" three"), 1.0, Words(" four."), Finished("stop")]], act)
    assert ended(bench).ending is ThinkEnding.STOPPED


def test_a_stream_that_has_not_begun_can_be_stopped() -> None:
    async def act(bench: Bench) -> None:
        bench.think()
        bench.thinker.handle(StopThinking("t"))
        bench.thinker.handle(StopThinking("t"))
        bench.thinker.handle(StopThinking("unknown"))

    bench = play([[Words("One."), Finished("stop")]], act)
    assert bench.events == [ThinkEnded("t", ThinkEnding.STOPPED)]
    assert bench.model.prompts == []


def test_a_tool_that_is_stopped_on_the_way_is_recorded_as_such() -> None:
    async def act(bench: Bench) -> None:
        bench.think()
        await asyncio.sleep(1)
        bench.thinker.handle(StopThinking("t"))

    bench = play([[ToolCall("c", "sleep", "{}"), Finished("tools")]], act)
    assert ended(bench).ending is ThinkEnding.STOPPED
    assert bench.recorder.lines[-1][:2] == ("ended", "sleep")
    assert "stopped before it ended" in bench.recorder.lines[-1][2]


def test_streams_are_bounded() -> None:
    async def act(bench: Bench) -> None:
        for number in range(6):
            bench.think(f"t{number}")

    bench = play([[1.0, Words("Hi."), Finished("stop")]], act, ThinkerSettings(max_streams=2, max_waiting=3))
    endings = {event.think_id: event.ending for event in bench.events if isinstance(event, ThinkEnded)}
    assert endings == {f"t{number}": ThinkEnding.DONE for number in range(5)} | {"t5": ThinkEnding.FAILED}
    assert bench.model.most_open == 2


def test_closing_ends_what_is_on_its_way() -> None:
    async def main() -> list[Event]:
        events: list[Event] = []
        model = ScriptedModel([[Words("One"), 100.0, Finished("stop")]])
        thinker = Thinker(events.append, model, lambda _think, _notes: Prompt(()), TOOLBOX, Recorder())
        thinker.handle(Think("t", Purpose.ANSWER))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(thinker.run())
            await asyncio.sleep(1)
            running.cancel()
        assert model.open_streams == 0
        thinker.handle(Think("late", Purpose.ANSWER))
        return events

    assert virtual_time.run(main) == [
        WordsWritten("t", "One"),
        ThinkEnded("t", ThinkEnding.STOPPED, "", 0, 1),
        ThinkEnded("late", ThinkEnding.STOPPED),
    ]


def test_other_commands_are_refused() -> None:
    thinker = Thinker(lambda _event: None, ScriptedModel([[]]), lambda _think, _notes: Prompt(()), TOOLBOX, Recorder())
    with pytest.raises(TypeError):
        thinker.handle(Duck("u", -9.0))


ROUND: list[Beat] = [
    Thought("hm"), 0.1, Words("One. "), 0.1, Words("Two."), 0.1, ToolCall("c", "sleep", "{}"), 0.1,
    ToolCall("d", "double", '{"number": 2}'), Finished("tools"),
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 140, allow_nan=False), min_size=1, max_size=3))
def test_a_stop_at_any_moment(moments: list[float]) -> None:
    async def act(bench: Bench) -> None:
        bench.think()
        passed = 0.0
        for moment in sorted(moments):
            await asyncio.sleep(moment - passed)
            passed = moment
            before = len(bench.events)
            running = bench.thinker.thinking
            bench.thinker.handle(StopThinking("t"))
            assert len(bench.events) == before + running

    bench = play([ROUND, [0.1, Words("So: four."), 0.5, Finished("stop")]], act)
    end = ended(bench)
    assert end.ending in (ThinkEnding.STOPPED, ThinkEnding.DONE)
    called = [line for line in bench.recorder.lines if line[0] == "called"]
    finished = [line for line in bench.recorder.lines if line[0] == "ended"]
    assert len(finished) <= len(called)
