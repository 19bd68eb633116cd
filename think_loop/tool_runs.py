"""Runs the server's tools that a model called: those of one round in parallel, while talk goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from think_loop.language_model import ToolCall
from think_loop.tool_hints import CallHistory
from think_loop.tools import Toolbox, ToolOutput

MOST_AT_ONCE = 16
"""Tools of one session that run at the same time; more wait for their turn."""

CANCELLED = ToolOutput("Error: the call was cancelled.", failed=True)
STOPPED = ToolOutput(
    "Error: the tool was stopped before it ended; it may or may not have done its work.", failed=True, stopped=True
)
NEVER_BEGUN = ToolOutput(
    "Error: the tool was not run, since the answer that called it was given up.", failed=True, stopped=True
)

UNFINISHED = ToolOutput(
    "The tool is still running. Go on without its result: you will be given it when it comes. Don't call it again.",
    unfinished=True,
)

Permit = Callable[[], Awaitable[object]]
"""Returns when tools with side effects may run: when the stream that calls them is committed."""
Told = Callable[[ToolCall, ToolOutput], None]


async def at_once() -> None:
    """The ``Permit`` of a stream that is no draft."""


@dataclass(slots=True, eq=False)
class _Run:
    call: ToolCall
    limit: asyncio.Timeout | None = None
    begun: bool = False
    cancelled: bool = False
    output: ToolOutput | None = None
    left: bool = False
    """The stream that called it goes on without it, or has ended."""

    def cancel(self) -> bool:
        """Whether it was still to end."""
        if self.output is not None or self.cancelled or (self.limit is not None and self.limit.expired()):
            return False
        self.cancelled = True
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time())
        return True


class ToolRuns:
    """The tool calls of one session.

    A call that was made before with the same arguments gets a line behind its output which tells the model so.
    ``now``: seconds, for that line. ``timeout_seconds``: for tools that bring none of their own; it begins when the tool does.
    ``group``: holds tools that may outlive the stream that called them; without it none does.
    """

    def __init__(self, toolbox: Toolbox, now: Callable[[], float], timeout_seconds: float = 30.0) -> None:
        self._toolbox = toolbox
        self._now = now
        self._timeout_seconds = timeout_seconds
        self.group: asyncio.TaskGroup | None = None
        self._history = CallHistory()
        self._runs: list[_Run] = []
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def running(self) -> tuple[ToolCall, ...]:
        """Calls that have not ended, those that wait for their permission too."""
        return tuple(run.call for run in self._runs if run.output is None)

    async def run_round(
        self, calls: Sequence[ToolCall], told: Told, permitted: Permit = at_once, came_late: Told | None = None
    ) -> list[ToolOutput]:
        """Run ``calls`` in parallel and return their outputs in the order of ``calls``.

        ``told`` is called as each one ends; also, when this is cancelled, for those that had not (``stopped``).
        ``permitted`` is awaited before a tool that isn't read-only begins. ``came_late``: gets the output of a tool that
        was left behind as ``unfinished``; without it none is.
        """
        runs = [_Run(call) for call in calls]
        self._runs += runs
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._carry_out(run, told, permitted, came_late), name=f"tool {run.call.name}")
                    for run in runs
                ]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            for run in runs:
                if not run.left:
                    self._runs.remove(run)
                    if run.output is None:
                        told(run.call, STOPPED if run.begun else NEVER_BEGUN)
        return [task.result() for task in tasks]

    def cancel(self, call_id: str) -> bool:
        """Cancel a call; the model goes on with an error that says so. ``False``: no such call is running."""
        cancelled = [run.cancel() for run in self._runs if run.call.call_id == call_id]
        return any(cancelled)

    async def _carry_out(self, run: _Run, told: Told, permitted: Permit, came_late: Told | None) -> ToolOutput:
        patience_seconds = self._toolbox.late_after_seconds(run.call.name)
        if run.cancelled:
            output = CANCELLED
        elif patience_seconds is None or came_late is None or self.group is None:
            output = await self._limited(run, permitted)
        else:
            task = self.group.create_task(self._to_its_end(run, permitted, came_late), name=f"tool {run.call.name}")
            output = await self._for_a_while(run, task, told, permitted, patience_seconds)
        if not output.unfinished:
            run.output = output
        told(run.call, output)
        return output

    async def _for_a_while(
        self, run: _Run, task: asyncio.Task[ToolOutput], told: Told, permitted: Permit, patience_seconds: float
    ) -> ToolOutput:
        """Wait for a tool that may be left behind, once somebody waits for the answer: a draft takes it along."""
        wanted = False
        try:
            await _either(task, permitted)
            wanted = True
            await asyncio.wait([task], timeout=patience_seconds)
        except asyncio.CancelledError:
            if wanted and run.begun and not task.done():
                run.left = True
                told(run.call, UNFINISHED)
            else:
                task.cancel()
            raise
        if task.done():
            return task.result()
        run.left = True
        return UNFINISHED

    async def _to_its_end(self, run: _Run, permitted: Permit, came_late: Told) -> ToolOutput:
        output = await self._limited(run, permitted)
        if run.left:
            run.output = output
            self._runs.remove(run)
            came_late(run.call, output)
        return output

    async def _limited(self, run: _Run, permitted: Permit) -> ToolOutput:
        seconds = self._toolbox.timeout_seconds(run.call.name) or self._timeout_seconds
        try:
            async with asyncio.timeout(None) as run.limit:
                if not self._toolbox.is_read_only(run.call.name):
                    await permitted()
                async with self._room:
                    if run.cancelled:
                        return CANCELLED
                    run.limit.reschedule(asyncio.get_running_loop().time() + seconds)
                    run.begun = True
                    return self._remembered(run.call, await self._toolbox.run(run.call))
        except TimeoutError:
            if run.cancelled:
                return CANCELLED
            if run.begun:
                return ToolOutput(f"Error: the tool gave no result within {seconds:g} seconds.", failed=True)
            raise  # of the permission's own

    def _remembered(self, call: ToolCall, output: ToolOutput) -> ToolOutput:
        hint = self._history.note(call, output.text, self._now())
        return replace(output, text=output.text + hint)


async def _either(task: asyncio.Task[ToolOutput], permitted: Permit) -> None:
    """Until the tool is through, or its stream is committed."""
    async with asyncio.TaskGroup() as group:
        gate = group.create_task(_awaited(permitted))
        await asyncio.wait([task, gate], return_when=asyncio.FIRST_COMPLETED)
        gate.cancel()


async def _awaited(permitted: Permit) -> None:
    await permitted()
