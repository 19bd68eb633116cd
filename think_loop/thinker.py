"""The thinker: runs each stream of thinking that the conductor orders, and tells the bus what comes of it.

One task per stream. A stream is a few rounds of generating: after a round in which the model called tools
that run on the server, these are run and the model goes on with their results. Whatever happens, a
stream ends with exactly one ``ThinkEnded``, and publishes nothing after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, assert_never

from scheduler.commands import Command, StopThinking, Think
from scheduler.errors import BusOverflowError, LanguageModelError
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
from scheduler.tasks import closing_stream
from think_loop.language_model import (
    Finished,
    LanguageModel,
    Message,
    Piece,
    Prompt,
    Silence,
    Thought,
    ToolCall,
    Words,
)
from think_loop.sentences import SentenceSplitter
from think_loop.token_estimate import estimated_prompt_tokens, estimated_tokens
from think_loop.tools import Toolbox, ToolOutput

log = logging.getLogger(__name__)


class ThinkRecorder(Protocol):
    """Where the session writes down what a stream thought and did (usually into the trajectory).

    Called synchronously, in order; ``think`` tells whether it belongs to the conversation at all
    (``in_conversation``). What was *said* is not recorded here: that is known when it was heard.
    """

    def thought(self, think: Think, text: str) -> None:
        """All that was thought in one round, when it is over."""
        ...

    def tool_called(self, think: Think, call: ToolCall, by_client: bool) -> None: ...

    def tool_ended(self, think: Think, call: ToolCall, output: ToolOutput) -> None:
        """A server tool's output. For one that was stopped on the way, a text that says so."""
        ...


@dataclass(frozen=True, slots=True)
class ThinkerSettings:
    max_tool_rounds: int = 8
    """Rounds of tool calls in one stream; the round after the last must answer."""
    max_streams: int = 8
    """Streams that run at once in a session; more wait."""
    max_waiting: int = 32
    """Streams that wait; beyond that a new one fails at once."""
    tool_timeout_seconds: float = 30.0


@dataclass(slots=True)
class _Stream:
    """One stream of thinking on its way."""

    think: Think
    publish_event: Callable[[Event], None]
    splitter: SentenceSplitter | None
    ended: bool = False
    task: asyncio.Task[None] | None = None
    sentence_count: int = 0
    silent: bool = False
    wrote: bool = False
    client_called: bool = False
    finish_reason: Literal["stop", "length", "tools"] = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    estimated_output: int = 0
    """Tokens of the current round, for as long as the engine has not told its own count."""

    def publish(self, event: Event) -> None:
        if not self.ended:
            self.publish_event(event)

    def end(self, ending: ThinkEnding, message: str = "") -> None:
        if self.ended:
            return
        self.publish(
            ThinkEnded(
                self.think.think_id,
                ending,
                message,
                self.input_tokens,
                self.output_tokens + self.estimated_output,
                self.cached_tokens,
            )
        )
        self.ended = True

    def sentences(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.publish(SentenceWritten(self.think.think_id, self.sentence_count, text))
            self.sentence_count += 1

    def pause(self) -> None:
        """The model stops writing to think: a sentence that seems to be over is spoken meanwhile."""
        if self.splitter is not None and self.splitter.may_be_over:
            self.flush()

    def flush(self) -> None:
        """Whatever was written and is no whole sentence yet, is one now."""
        if self.splitter is not None:
            self.sentences(self.splitter.finish())


@dataclass(slots=True)
class _Round:
    """What one round of generating brought that the next must know."""

    text: str = ""
    thought: str = ""
    calls: list[ToolCall] = field(default_factory=list)


class Thinker:
    """Owner of ``Think`` and ``StopThinking``. ``run`` lives as long as the session."""

    def __init__(
        self,
        publish: Callable[[Event], None],
        model: LanguageModel,
        brief: Callable[[Think], Prompt],
        toolbox: Toolbox,
        recorder: ThinkRecorder,
        settings: ThinkerSettings | None = None,
    ) -> None:
        """``brief`` makes the prompt of a stream at the moment it begins (not while it waits). The prompt's
        ``tools`` are those of the client and of the server; ``toolbox`` runs the latter."""
        self._publish = publish
        self._model = model
        self._brief = brief
        self._toolbox = toolbox
        self._recorder = recorder
        self._settings = settings or ThinkerSettings()
        self._streams: dict[str, _Stream] = {}
        self._group: asyncio.TaskGroup | None = None
        self._room = asyncio.Semaphore(self._settings.max_streams)
        self._closed = False

    @property
    def thinking(self) -> int:
        """How many streams run or wait."""
        return len(self._streams)

    async def run(self) -> None:
        """Carry out commands until cancelled. Streams still on their way then end as ``STOPPED``."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for stream in self._streams.values():
                    self._start(stream)
                await asyncio.get_running_loop().create_future()
        finally:
            self._closed = True
            self._group = None
            streams = tuple(self._streams.values())
            self._streams.clear()
            with contextlib.suppress(BusOverflowError):  # then the session is ending for that reason
                for stream in streams:
                    stream.end(ThinkEnding.STOPPED)

    def handle(self, command: Command) -> None:
        """Take a command; never waits. Commands given before ``run`` are carried out when it starts."""
        match command:
            case Think():
                self._think(command)
            case StopThinking(think_id):
                self._stop(think_id)
            case _:
                raise TypeError(f"the thinker does not carry out {type(command).__name__}")

    def _think(self, think: Think) -> None:
        if think.think_id in self._streams:
            raise ValueError(f"there is already a stream {think.think_id!r}")
        stream = _Stream(think, self._publish, SentenceSplitter() if think.audible else None)
        if self._closed:
            stream.end(ThinkEnding.STOPPED)
        elif len(self._streams) >= self._settings.max_streams + self._settings.max_waiting:
            stream.end(ThinkEnding.FAILED, "Too many answers are being thought at once; wait for some of them to end.")
        else:
            self._streams[think.think_id] = stream
            self._start(stream)

    def _start(self, stream: _Stream) -> None:
        if self._group is not None:
            stream.task = self._group.create_task(self._run_stream(stream), name=f"think {stream.think.think_id}")

    def _stop(self, think_id: str) -> None:
        """The end is told right here: a task that has not begun yet would never get to it."""
        stream = self._streams.pop(think_id, None)
        if stream is None:
            return
        stream.end(ThinkEnding.STOPPED)
        if stream.task is not None:
            stream.task.cancel()

    async def _run_stream(self, stream: _Stream) -> None:
        try:
            async with self._room:
                await self._rounds(stream)
        except BusOverflowError:
            raise
        except LanguageModelError as error:
            log.warning("thinking failed: %s", error)
            self._fail(stream, str(error))
        except Exception as error:  # an engine's bug must not end the session
            log.exception("thinking with %s failed by a bug", self._model.name)
            message = f"Thinking with {self._model.name} failed by a bug ({type(error).__name__}); see the log."
            self._fail(stream, message)
        finally:
            if self._streams.get(stream.think.think_id) is stream and stream.ended:
                del self._streams[stream.think.think_id]

    def _fail(self, stream: _Stream, message: str) -> None:
        """What was written before is still said."""
        stream.flush()
        stream.end(ThinkEnding.FAILED, message)

    async def _rounds(self, stream: _Stream) -> None:
        prompt = self._brief(stream.think)
        for number in range(self._settings.max_tool_rounds + 1):
            if number == self._settings.max_tool_rounds:
                prompt = replace(prompt, tool_choice="none")
            done = await self._generate(stream, prompt)
            if not done.calls:
                self._conclude(stream)
                return
            results = await self._run_tools(stream, prompt, done.calls)
            if stream.client_called:
                stream.end(ThinkEnding.TOOLS)
                return
            prompt = _with_results(prompt, done, results)
        raise LanguageModelError(
            f"The language model called tools {self._settings.max_tool_rounds + 1} times without answering."
        )

    def _conclude(self, stream: _Stream) -> None:
        if stream.finish_reason == "length":
            stream.end(ThinkEnding.LENGTH)
            return
        if not stream.wrote and not stream.silent:
            stream.publish(SilenceChosen(stream.think.think_id, "the model wrote nothing"))
        stream.end(ThinkEnding.DONE)

    async def _generate(self, stream: _Stream, prompt: Prompt) -> _Round:
        done = _Round()
        stream.finish_reason = "stop"
        stream.input_tokens += estimated_prompt_tokens(prompt)
        try:
            async with closing_stream(self._model.generate(prompt)) as pieces:
                async for piece in pieces:
                    self._take(stream, done, piece, prompt)
        finally:
            if done.thought:
                self._recorder.thought(stream.think, done.thought)
        stream.output_tokens += stream.estimated_output
        stream.estimated_output = 0
        stream.flush()
        return done

    def _take(self, stream: _Stream, done: _Round, piece: Piece, prompt: Prompt) -> None:
        think_id = stream.think.think_id
        match piece:
            case Thought(text):
                done.thought += text
                stream.estimated_output += estimated_tokens(text)
                stream.pause()
                stream.publish(ThoughtGrown(think_id, text))
            case Words(text):
                done.text += text
                stream.wrote = stream.wrote or bool(text.strip())
                stream.estimated_output += estimated_tokens(text)
                stream.publish(WordsWritten(think_id, text))
                if stream.splitter is not None:
                    stream.sentences(stream.splitter.feed(text))
            case ToolCall():
                stream.flush()
                done.calls.append(piece)
            case Silence(reason):
                stream.silent = True
                stream.publish(SilenceChosen(think_id, reason))
            case Finished():
                _count(stream, piece, prompt)
            case _:
                assert_never(piece)

    async def _run_tools(
        self, stream: _Stream, prompt: Prompt, calls: Sequence[ToolCall]
    ) -> list[tuple[ToolCall, ToolOutput]]:
        """Run the server's tools one after the other. Calls of the client's tools are published before."""
        by_client = {tool.name for tool in prompt.tools if tool.by_client}
        for call in calls:
            self._recorder.tool_called(stream.think, call, call.name in by_client)
            stream.publish(
                ToolCalled(stream.think.think_id, call.call_id, call.name, call.arguments, call.name in by_client)
            )
        stream.client_called = any(call.name in by_client for call in calls)
        return [(call, await self._run_tool(stream, call)) for call in calls if call.name not in by_client]

    async def _run_tool(self, stream: _Stream, call: ToolCall) -> ToolOutput:
        output = ToolOutput("Error: the tool was stopped before it ended; it may or may not have done its work.", True)
        try:
            async with asyncio.timeout(self._settings.tool_timeout_seconds):
                output = await self._toolbox.run(call)
        except TimeoutError:
            seconds = self._settings.tool_timeout_seconds
            output = ToolOutput(f"Error: the tool gave no result within {seconds:g} seconds.", failed=True)
        finally:
            self._recorder.tool_ended(stream.think, call, output)
        stream.publish(ToolEnded(stream.think.think_id, call.call_id, output.text, output.failed))
        return output


def _count(stream: _Stream, finished: Finished, prompt: Prompt) -> None:
    """Take the engine's own counts, where it gives any, instead of the estimates."""
    stream.finish_reason = finished.reason
    if finished.input_tokens:
        stream.input_tokens += finished.input_tokens - estimated_prompt_tokens(prompt)
    if finished.output_tokens:
        stream.output_tokens += finished.output_tokens
        stream.estimated_output = 0
    stream.cached_tokens += finished.cached_tokens


def _with_results(prompt: Prompt, done: _Round, results: Sequence[tuple[ToolCall, ToolOutput]]) -> Prompt:
    """The prompt of the next round. A tool that was asked for by name has been called: now the model chooses."""
    said = Message("assistant", done.text, tool_calls=tuple(done.calls), reasoning=done.thought)
    outputs = tuple(Message("tool", output.text, tool_call_id=call.call_id) for call, output in results)
    tool_choice = "none" if prompt.tool_choice == "none" else "auto"
    return replace(prompt, messages=(*prompt.messages, said, *outputs), tool_choice=tool_choice)
