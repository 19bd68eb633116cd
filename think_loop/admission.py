"""The think scheduler: one for a language model, over all sessions of the process.

Whoever wants to think enters, and thinks inside::

    async with admission.enter(session_id, Priority.DRAFT, on_abort=task.cancel) as ticket:
        ...

Who goes next is decided in ``admission_rules.py``; here is the waiting. Single-threaded asyncio, without tasks of its
own. The queue's bound is its callers': a thinker has so many streams at most (``ThinkerSettings``).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, assert_never

from think_loop.admission_rules import Abort, AdmissionRules, Admit, Priority, Stage, Stream

__all__ = ["Admission", "AdmissionCounts", "Priority", "Ticket"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdmissionCounts:
    """What the scheduler has done and does, for metrics. Every mapping holds every priority.

    A promoted stream counts as admitted under its first priority (under ``COMMIT`` if it still waited) and runs as a
    commit.
    """

    running: Mapping[Priority, int]
    waiting: Mapping[Priority, int]
    leaving: int
    """Aborted, their owners have not left yet."""
    admitted: Mapping[Priority, int]
    aborted: Mapping[Priority, int]
    given_up: Mapping[Priority, int]
    """Cancelled while they waited."""
    promoted: int
    wait_seconds: Mapping[Priority, float]
    """The sum over all admitted streams."""


class Admission:
    """Commits before drafts before notes before afterthoughts, within caps, fair between sessions.

    ``slots``: streams that run at once. Set it to the engine's batch size or somewhat less (vLLM: ``--max-num-seqs``),
    for aborted streams keep their place in the engine until they are closed. ``speculative_slots``: streams below
    ``COMMIT`` are admitted only while fewer streams than this run in all; 0 switches them off (they wait until they
    are promoted or cancelled). ``speculative_starts``: of these, how many may wait for their first piece at once; for
    engines that don't know priorities. It needs owners that tell of that piece (``Ticket.wrote``).
    """

    def __init__(self, *, slots: int = 32, speculative_slots: int = 24, speculative_starts: int | None = None) -> None:
        """Raises ``SettingsError`` for numbers that make no sense."""
        self._rules = AdmissionRules(slots, speculative_slots, speculative_starts)
        self._tickets: dict[Stream, Ticket] = {}
        self._admitted: Counter[Priority] = Counter()
        self._aborted: Counter[Priority] = Counter()
        self._given_up: Counter[Priority] = Counter()
        self._promoted = 0
        self._wait_seconds = dict.fromkeys(Priority, 0.0)

    def enter(self, session_id: str, priority: Priority, *, on_abort: Callable[[], object] | None = None) -> Ticket:
        """A ticket, to be used once as an async context manager; it queues up when it is entered.

        ``on_abort`` is called synchronously, from within another session's ``enter``, when a commit takes the place of
        this stream; it should do no more than cancel a task or set something.
        """
        return Ticket(self, session_id, priority, on_abort)

    def counts(self) -> AdmissionCounts:
        running = Counter(stream.priority for stream in self._rules.running)
        waiting = Counter(stream.priority for stream in self._rules.waiting)
        return AdmissionCounts(
            running=_each(running),
            waiting=_each(waiting),
            leaving=self._rules.leaving,
            admitted=_each(self._admitted),
            aborted=_each(self._aborted),
            given_up=_each(self._given_up),
            promoted=self._promoted,
            wait_seconds=dict(self._wait_seconds),
        )

    def _enter(self, ticket: Ticket) -> bool:
        """Queue up. Whether somebody was aborted for it."""
        self._rules.enter(ticket.stream)
        self._tickets[ticket.stream] = ticket
        return self._settle()

    def _promote(self, ticket: Ticket) -> bool:
        was = ticket.stream.priority
        if not self._rules.promote(ticket.stream):
            return False
        self._promoted += was is not Priority.COMMIT
        self._settle()
        return True

    def _wrote(self, ticket: Ticket) -> None:
        self._rules.wrote(ticket.stream)
        self._settle()

    def _leave(self, ticket: Ticket) -> None:
        if ticket.stream.stage is Stage.WAITING:
            self._given_up[ticket.stream.priority] += 1
        self._rules.leave(ticket.stream)
        self._tickets.pop(ticket.stream, None)
        self._settle()

    def _settle(self) -> bool:
        """Carry out what the rules decide. Whether somebody was aborted."""
        decisions = self._rules.decide()
        for decision in decisions:
            match decision:
                case Admit(stream):
                    self._admit(self._tickets[stream])
                case Abort(stream):
                    self._aborted[stream.priority] += 1
                    self._tickets[stream].abort()
                case _:
                    assert_never(decision)
        return any(isinstance(decision, Abort) for decision in decisions)

    def _admit(self, ticket: Ticket) -> None:
        priority = ticket.stream.priority
        if (waited_seconds := ticket.admit()) is None:
            self._given_up[priority] += 1
        else:
            self._admitted[priority] += 1
            self._wait_seconds[priority] += waited_seconds


class Ticket:
    """The right to think. Made by ``Admission.enter`` alone."""

    def __init__(
        self, admission: Admission, session_id: str, priority: Priority, on_abort: Callable[[], object] | None
    ) -> None:
        self.stream = Stream(session_id, priority)
        self.aborted = asyncio.Event()
        """Set when a commit takes the place: stop thinking and leave, soon. It is never taken back."""
        self._admission = admission
        self._on_abort = on_abort
        self._admitted: asyncio.Future[None] | None = None
        self._asked_at = 0.0
        self._told = False

    @property
    def priority(self) -> Priority:
        """As it is now: a promoted draft's is ``COMMIT``."""
        return self.stream.priority

    def promote(self) -> bool:
        """Make it a commit. One that runs runs on; one that waits now waits, and is admitted, as a commit.

        False when it is too late, because it was aborted or is over: then the answer must be begun anew.
        """
        return self._admission._promote(self)

    def wrote(self) -> None:
        """The first piece has come, the engine has read the prompt. Told again it does nothing."""
        if not self._told:
            self._told = True
            self._admission._wrote(self)

    async def __aenter__(self) -> Self:
        """Wait for room. Cancelling it is safe at any point. Raises ``RuntimeError`` the second time."""
        if self._admitted is not None:
            raise RuntimeError("a ticket is used once; enter again for another")
        loop = asyncio.get_running_loop()
        self._admitted, self._asked_at = loop.create_future(), loop.time()
        try:
            if self._admission._enter(self):
                await asyncio.sleep(0)  # the aborted one closes its stream before ours begins
            await self._admitted
        except BaseException:
            self._admission._leave(self)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission._leave(self)

    def admit(self) -> float | None:
        """For ``Admission``: the wait is over. Returns its seconds, or ``None`` when it was cancelled just before: then
        it holds its place until its task comes to leave, a loop turn later."""
        assert self._admitted is not None
        if self._admitted.cancelled():
            return None
        self._admitted.set_result(None)
        return asyncio.get_running_loop().time() - self._asked_at

    def abort(self) -> None:
        """For ``Admission``: a commit needs the place."""
        self.aborted.set()
        if self._on_abort is None:
            return
        try:
            self._on_abort()
        except Exception:  # another session's bug must not cost the commit its place
            log.exception("what session %s does when it is aborted failed by a bug", self.stream.session_id)


def _each(counts: Mapping[Priority, int]) -> dict[Priority, int]:
    return {priority: counts.get(priority, 0) for priority in Priority}
