"""The thinker: runs each stream of thinking that the conductor orders, and tells the bus what comes of it.

One task per stream. A stream is a few rounds of generating: after a round in which the model called tools that run on
the server, these are run and the model goes on with their results, or without that of one which takes long and is left
behind. Whatever an engine raises, a cancellation of its own too, a stream ends with exactly one ``ThinkEnded``; only a full
bus, which ends the session, may keep it from being told. Nothing of a stream follows its ``ThinkEnded`` but the
``ToolEnded`` of tools that it left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, assert_never

from scheduler.commands import Command, PromoteThinking, Purpose, StopThinking, Think
from scheduler.errors import BusOverflowError, LanguageModelError
from scheduler.events import EndingForeseen, Event, SilenceChosen, ThinkEnding, ToolCalled, ToolEnded, ToolLeftBehind
from scheduler.tasks import closing_stream, engine_edge
from think_loop.admission import Admission, Priority, Ticket
from think_loop.call_ids import CallIds
from think_loop.language_model import (
    Finished,
    ForeseeingModel,
    LanguageModel,
    Message,
    Piece,
    Prompt,
    Silence,
    Thought,
    ToolCall,
    Words,
)
from think_loop.openings import answer_from
from think_loop.prompt import told_meanwhile
from think_loop.stream import Stream
from think_loop.token_estimate import estimated_prompt_tokens, estimated_tokens
from think_loop.tool_runs import ToolRuns
from think_loop.tools import Toolbox, ToolOutput

log = logging.getLogger(__name__)


class ThinkRecorder(Protocol):
    """Where the session writes down what a stream thought and did (usually into the trajectory).

    Called synchronously, in order; ``think`` tells whether it belongs to the conversation at all
    (``in_conversation``). What was *said* is not recorded here: that is known when it was heard.
    A speculative stream is recorded when it is promoted, or never.
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
    draft_tokens: int = 64
    """Written ahead of a commit at most, then the stream waits for it."""
    kept_streams: int = 16
    """Speculative streams that have ended and may still be promoted, or hold notes; the oldest is forgotten."""


PRIORITIES = {
    Purpose.DRAFT: Priority.DRAFT,
    Purpose.FORESIGHT: Priority.DRAFT,
    Purpose.NOTES: Priority.NOTES,
    Purpose.AFTERTHOUGHT: Priority.AFTERTHOUGHT,
    Purpose.ANSWER: Priority.COMMIT,
    Purpose.OPENING: Priority.COMMIT,
    Purpose.REPORT: Priority.COMMIT,
    Purpose.NUDGE: Priority.COMMIT,
}
"""Rule 14, until a promotion makes a draft a commit."""


@dataclass(slots=True)
class _Round:
    """What one round of generating brought that the next must know."""

    text: str = ""
    thought: str = ""
    calls: list[ToolCall] = field(default_factory=list)

    @property
    def estimated_tokens(self) -> int:
        """Of all that was written: to round each piece up would count half as much again, for most are one token."""
        return estimated_tokens(self.thought) + estimated_tokens(self.text)


class Thinker:
    """Owner of ``Think``, ``StopThinking`` and ``PromoteThinking``. ``run`` lives as long as the session."""

    def __init__(
        self,
        publish: Callable[[Event], None],
        model: LanguageModel,
        brief: Callable[[Think, str], Prompt],
        toolbox: Toolbox,
        recorder: ThinkRecorder,
        settings: ThinkerSettings | None = None,
        *,
        streams_text: Callable[[], bool] = lambda: False,
        admission: Admission | None = None,
        session_id: str = "",
        said_meanwhile: Callable[[Think], str] = lambda _: "",
        came_late: Callable[[Think, ToolCall, ToolOutput], None] | None = None,
    ) -> None:
        """``brief`` makes the prompt of a stream at the moment it begins (not while it waits), from the notes that it
        starts from. The prompt's ``tools`` are those of the client and of the server; ``toolbox`` runs the latter.
        ``streams_text``: whether the voice takes text as it is written. ``admission``: of the whole process; the
        thinker enters in the name of ``session_id``. ``said_meanwhile``: what the caller has been told while the answer was
        awaited (fillers): the model goes on from it. ``came_late``: keeps, and has told, the output of a tool whose answer
        went on without it."""
        self._publish = publish
        self._model = model
        self._brief = brief
        self._toolbox = toolbox
        self._tool_runs = ToolRuns(toolbox, _loop_seconds, (settings or ThinkerSettings()).tool_timeout_seconds)
        self._call_ids = CallIds()
        self._recorder = recorder
        self._settings = settings or ThinkerSettings()
        self._streams_text = streams_text
        self._admission = admission or Admission()
        self._session_id = session_id
        self._said_meanwhile = said_meanwhile
        self._came_late = came_late
        self._streams: dict[str, Stream] = {}
        self._kept: OrderedDict[str, Stream] = OrderedDict()
        """Speculative streams that have ended."""
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
                self._group = self._tool_runs.group = group
                for stream in self._streams.values():
                    self._start(stream)
                await asyncio.get_running_loop().create_future()
        finally:
            self._closed = True
            self._group = self._tool_runs.group = None
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
            case PromoteThinking(think_id):
                self._promote(think_id)
            case _:
                raise TypeError(f"the thinker does not carry out {type(command).__name__}")

    def _think(self, think: Think) -> None:
        if think.think_id in self._streams:
            raise ValueError(f"there is already a stream {think.think_id!r}")
        stream = Stream(think, self._publish, streams_text=self._streams_text())
        if self._closed:
            stream.end(ThinkEnding.STOPPED)
        elif len(self._streams) >= self._settings.max_streams + self._settings.max_waiting:
            stream.end(ThinkEnding.FAILED, "Too many answers are being thought at once; wait for some of them to end.")
        else:
            self._streams[think.think_id] = stream
            self._start(stream)

    def _start(self, stream: Stream) -> None:
        if self._group is not None:
            stream.task = self._group.create_task(self._run_stream(stream), name=f"think {stream.think.think_id}")

    def _stop(self, think_id: str) -> None:
        if (stream := self._streams.get(think_id)) is not None:
            self._end_early(stream, ThinkEnding.STOPPED)

    def _end_early(self, stream: Stream, ending: ThinkEnding) -> None:
        """Told right here: a task that has not begun yet would never get to it."""
        self._streams.pop(stream.think.think_id, None)
        stream.end(ending)
        self._keep(stream)
        if stream.task is not None:
            stream.task.cancel()

    def _promote(self, think_id: str) -> None:
        """Notes stay kept: a stream that begins now may start from them."""
        if (stream := self._streams.get(think_id) or self._kept.get(think_id)) is not None:
            stream.promote()

    def _keep(self, stream: Stream) -> None:
        """Also notes that were promoted while they were being made: their answer, which begins now, starts from them."""
        if stream.think.purpose is Purpose.NOTES or not stream.committed.is_set():
            self._kept[stream.think.think_id] = stream
            while len(self._kept) > self._settings.kept_streams:
                self._kept.popitem(last=False)

    def _notes(self, think: Think) -> str:
        """What is gone on from is not the oldest that is forgotten."""
        for think_id in think.notes_ids:
            if think_id in self._kept:
                self._kept.move_to_end(think_id)
        streams = (self._kept.get(think_id) or self._streams.get(think_id) for think_id in think.notes_ids)
        return "\n".join(stream.thoughts for stream in streams if stream is not None)

    async def _run_stream(self, stream: Stream) -> None:
        try:
            async with self._room, self._ticket(stream) as ticket:
                with engine_edge():
                    await self._think_through(stream, ticket)
        except BusOverflowError:
            raise
        except LanguageModelError as error:
            log.debug("thinking failed: %s", error)  # whoever holds the call tells it, with the call's name
            self._fail(stream, str(error))
        except Exception as error:  # an engine's bug must not end the session
            log.exception("thinking with %s failed by a bug", self._model.name)
            message = f"Thinking with {self._model.name} failed by a bug ({type(error).__name__}); see the log."
            self._fail(stream, message)
        finally:
            if self._streams.get(stream.think.think_id) is stream and stream.ended:
                del self._streams[stream.think.think_id]
                self._keep(stream)

    def _fail(self, stream: Stream, message: str) -> None:
        """What was written before is still said."""
        stream.flush()
        stream.end(ThinkEnding.FAILED, message)

    def _ticket(self, stream: Stream) -> Ticket:
        promoted = stream.think.purpose.is_speculative and stream.committed.is_set()
        priority = Priority.COMMIT if promoted else PRIORITIES[stream.think.purpose]
        stream.ticket = self._admission.enter(self._session_id, priority, on_abort=partial(self._abort, stream))
        return stream.ticket

    def _abort(self, stream: Stream) -> None:
        """Something committed needs its place."""
        self._end_early(stream, ThinkEnding.ABORTED)

    async def _think_through(self, stream: Stream, ticket: Ticket) -> None:
        prompt = self._brief(stream.think, self._notes(stream.think))
        prompt = replace(prompt, priority=int(ticket.priority))
        if stream.think.purpose is Purpose.FORESIGHT:
            await self._foresee(stream, prompt)
        else:
            await self._rounds(stream, prompt)

    async def _foresee(self, stream: Stream, prompt: Prompt) -> None:
        """An engine that can't foresee has nothing to tell."""
        foreseen = await self._model.foresee(prompt) if isinstance(self._model, ForeseeingModel) else None
        if foreseen is not None:
            stream.input_tokens, stream.output_tokens = estimated_prompt_tokens(prompt), foreseen.output_tokens
            stream.publish(EndingForeseen(stream.think.think_id, foreseen.ending, foreseen.probability))
        stream.end(ThinkEnding.DONE)

    async def _rounds(self, stream: Stream, prompt: Prompt) -> None:
        for number in range(self._settings.max_tool_rounds + 1):
            if number == self._settings.max_tool_rounds:
                prompt = replace(prompt, tool_choice="none")
            done = await self._generate(stream, prompt, number)
            if not done.calls:
                self._conclude(stream)
                return
            results = await self._run_tools(stream, prompt, done.calls)
            if stream.client_called:
                stream.end(ThinkEnding.TOOLS)
                return
            prompt = _with_results(prompt, done, results, self._said_meanwhile(stream.think))
        raise LanguageModelError(
            f"The language model called tools {self._settings.max_tool_rounds + 1} times without answering."
        )

    def _conclude(self, stream: Stream) -> None:
        """To write nothing is a choice, unless the tokens were spent before the first word."""
        if stream.finish_reason == "length":
            stream.end(ThinkEnding.LENGTH)
            return
        if not stream.wrote and not stream.silent and stream.think.purpose is not Purpose.NOTES:
            stream.publish(SilenceChosen(stream.think.think_id, "the model wrote nothing"))
        stream.end(ThinkEnding.DONE)

    def _pieces(self, stream: Stream, prompt: Prompt, round_number: int) -> AsyncIterator[Piece]:
        if round_number == 0 and stream.think.opening:
            if stream.think.opening_holds:
                stream.go_on_from(stream.think.opening)
            return answer_from(self._model, prompt, stream.think, stream.opening_is)
        return self._model.generate(prompt)

    def _is_ahead_enough(self, stream: Stream) -> bool:
        """A draft waits for its commit behind its first sentence. The engine is not read meanwhile."""
        tokens = stream.output_tokens + stream.estimated_output
        return stream.think.purpose is Purpose.DRAFT and (
            stream.is_ahead_enough or tokens >= self._settings.draft_tokens
        )

    async def _generate(self, stream: Stream, prompt: Prompt, number: int) -> _Round:
        done = _Round()
        stream.finish_reason = "stop"
        stream.input_tokens += estimated_prompt_tokens(prompt)
        try:
            async with closing_stream(self._pieces(stream, prompt, number)) as pieces:
                async for piece in pieces:
                    self._take(stream, done, piece, prompt)
                    if self._is_ahead_enough(stream):
                        await stream.committed.wait()
        finally:
            if done.thought:
                stream.record(partial(self._recorder.thought, stream.think, done.thought))
        stream.output_tokens += stream.estimated_output
        stream.estimated_output = 0
        stream.flush()
        return done

    def _take(self, stream: Stream, done: _Round, piece: Piece, prompt: Prompt) -> None:
        think_id, purpose = stream.think.think_id, stream.think.purpose
        if stream.ticket is not None:
            stream.ticket.wrote()
        match piece:
            case Words(text) if purpose is Purpose.NOTES:  # models without reasoning write their notes down
                self._take(stream, done, Thought(text), prompt)
            case Thought(text):
                done.thought += text
                stream.estimated_output = done.estimated_tokens
                stream.think_on(text)
            case Words(text):
                done.text += text
                stream.estimated_output = done.estimated_tokens
                stream.write(text)
            case ToolCall():
                stream.flush()
                done.calls.append(self._call_ids.own(piece, prompt.messages))
            case Silence(reason):
                stream.silent = True
                stream.publish(SilenceChosen(think_id, reason))
                if purpose is Purpose.AFTERTHOUGHT:  # it was asked for what is worth remembering
                    self._recorder.thought(stream.think, reason)
            case Finished():
                _count(stream, piece, prompt)
            case _:
                assert_never(piece)

    async def _run_tools(
        self, stream: Stream, prompt: Prompt, calls: Sequence[ToolCall]
    ) -> list[tuple[ToolCall, ToolOutput]]:
        """Tell all calls, and run the server's tools in parallel; their outputs in the order of the calls."""
        by_client = {tool.name for tool in prompt.tools if tool.by_client}
        stream.client_called = any(call.name in by_client for call in calls)
        if stream.client_called:  # nobody knows what a client's tool does
            await stream.committed.wait()
        for call in calls:
            self._tell_call(stream, call, call.name in by_client)
        own = [call for call in calls if call.name not in by_client]
        late = None if self._came_late is None else partial(self._tool_came_late, stream.think)
        ended = partial(self._tool_ended, stream)
        outputs = await self._tool_runs.run_round(own, ended, stream.committed.wait, late)
        return list(zip(own, outputs, strict=True))

    def _tell_call(self, stream: Stream, call: ToolCall, by_client: bool) -> None:
        stream.record(partial(self._recorder.tool_called, stream.think, call, by_client))
        progress = "" if by_client else self._toolbox.progress(call.name)
        waits = not (by_client or stream.committed.is_set() or self._toolbox.is_read_only(call.name))
        think_id = stream.think.think_id
        stream.publish(ToolCalled(think_id, call.call_id, call.name, call.arguments, by_client, progress, waits))

    def _tool_ended(self, stream: Stream, call: ToolCall, output: ToolOutput) -> None:
        stream.record(partial(self._recorder.tool_ended, stream.think, call, output))
        if output.unfinished:
            stream.publish(ToolLeftBehind(stream.think.think_id, call.call_id))
        elif not output.stopped:
            stream.publish(ToolEnded(stream.think.think_id, call.call_id, output.text, output.failed))

    def _tool_came_late(self, think: Think, call: ToolCall, output: ToolOutput) -> None:
        """Its stream went on without it, and has usually ended."""
        self._publish(ToolEnded(think.think_id, call.call_id, output.text, output.failed))
        if self._came_late is not None:
            self._came_late(think, call, output)

    def cancel_tool(self, call_id: str) -> bool:
        """Cancel one running tool of the server; the model goes on with an error that says so. ``False``: none runs."""
        return self._tool_runs.cancel(call_id)


def _loop_seconds() -> float:
    return asyncio.get_running_loop().time()


def _count(stream: Stream, finished: Finished, prompt: Prompt) -> None:
    """Take the engine's own counts, where it gives any, instead of the estimates."""
    stream.finish_reason = finished.reason
    if finished.input_tokens:
        stream.input_tokens += finished.input_tokens - estimated_prompt_tokens(prompt)
    if finished.output_tokens:
        stream.output_tokens += finished.output_tokens
        stream.estimated_output = 0
    stream.cached_tokens += finished.cached_tokens


def _with_results(prompt: Prompt, done: _Round, results: Sequence[tuple[ToolCall, ToolOutput]], said: str) -> Prompt:
    """The prompt of the next round. A tool that was asked for by name has been called: now the model chooses."""
    wrote = Message("assistant", done.text, tool_calls=tuple(done.calls), reasoning=done.thought)
    outputs = tuple(Message("tool", output.text, tool_call_id=call.call_id) for call, output in results)
    tool_choice = "none" if prompt.tool_choice == "none" else "auto"
    hints = f"{prompt.hints}\n{told_meanwhile(said)}".strip() if said else prompt.hints
    return replace(prompt, messages=(*prompt.messages, wrote, *outputs), tool_choice=tool_choice, hints=hints)
