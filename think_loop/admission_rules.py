"""Pure: which stream of thinking goes next, over all sessions of a process. ``admission.py`` does the waiting.

Conductor's rule 14. Limits are *graded*: each lower priority stops being admitted earlier, so that those above it
find room without anybody's being aborted (trunk reservation, as telephone networks do it).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from scheduler.errors import SettingsError


class Priority(IntEnum):
    """Lower runs first, as vLLM's ``priority``."""

    COMMIT = 0
    """An answer to a turn that is over."""
    DRAFT = 1
    """An answer begun before the turn is over."""
    NOTES = 2
    """Private notes while the user speaks."""
    AFTERTHOUGHT = 3
    """Thinking when all is said."""


class Stage(Enum):
    OUTSIDE = auto()
    WAITING = auto()
    RUNNING = auto()
    LEAVING = auto()
    """Aborted; it may keep the engine busy until its owner has left."""
    GONE = auto()


@dataclass(slots=True, eq=False)
class Stream:
    """One stream of thinking. Written by ``AdmissionRules`` alone."""

    session_id: str
    priority: Priority
    stage: Stage = Stage.OUTSIDE


@dataclass(frozen=True, slots=True)
class Admit:
    stream: Stream


@dataclass(frozen=True, slots=True)
class Abort:
    stream: Stream


Decision = Admit | Abort


class AdmissionRules:
    """Knows who waits and who runs. After each change ``decide()`` says what follows from it.

    Commits: first in, first out within a session, round robin between sessions; whoever comes later is behind
    all who wait, at most one commit of each other session passes by for each of one's own. Others: by priority,
    then the session with the fewest running streams, then the longest waiting. Of those, not more than
    ``speculative_starts`` at once have yet to write their first piece: an engine that serves in the order of arrival
    reads their prompts before that of a commit.
    """

    def __init__(self, slots: int, speculative_slots: int, speculative_starts: int | None = None) -> None:
        """Raises ``SettingsError``. ``speculative_slots=0`` lets nothing run but commits."""
        if slots < 1 or not 0 <= speculative_slots <= slots:
            raise SettingsError(
                f"A language model with {slots} slots, {speculative_slots} of them speculative, makes no sense; "
                "it needs at least one slot, and not more speculative ones than slots."
            )
        if speculative_starts is not None and speculative_starts < 1:
            raise SettingsError(f"At least one stream must be allowed to start at once, not {speculative_starts}.")
        self._starts_limit = speculative_starts
        self._starting: set[Stream] = set()
        self._limits = _limits(slots, speculative_slots)
        self._running: dict[Stream, None] = {}  # in the order of admission
        self._leaving: set[Stream] = set()
        self._running_of: Counter[str] = Counter()
        self._commits: dict[str, deque[Stream]] = {}  # by session, the next one to be served first
        self._others: dict[Stream, None] = {}  # in the order of arrival

    def limit(self, priority: Priority) -> int:
        """A stream of this priority is admitted while fewer streams run."""
        return self._limits[priority]

    @property
    def running(self) -> Iterator[Stream]:
        """Those that run, the longest running first. Aborted ones do not count."""
        return iter(self._running)

    @property
    def leaving(self) -> int:
        """Streams that were aborted and whose owners have not left yet."""
        return len(self._leaving)

    @property
    def waiting(self) -> Iterator[Stream]:
        yield from self._others
        for commits in self._commits.values():
            yield from commits

    def enter(self, stream: Stream) -> None:
        if stream.stage is not Stage.OUTSIDE:
            raise ValueError("a stream enters only once")
        stream.stage = Stage.WAITING
        self._queue(stream)

    def promote(self, stream: Stream) -> bool:
        """Make it a commit, wherever it stands. False when it is too late: aborted or gone."""
        match stream.stage:
            case Stage.OUTSIDE | Stage.RUNNING:
                stream.priority = Priority.COMMIT
                self._starting.discard(stream)
            case Stage.WAITING:
                self._unqueue(stream)
                stream.priority = Priority.COMMIT
                self._queue(stream)
            case Stage.LEAVING | Stage.GONE:
                return False
        return True

    def wrote(self, stream: Stream) -> None:
        """Its first piece has come. Told twice does nothing."""
        self._starting.discard(stream)

    def leave(self, stream: Stream) -> None:
        """However it ended, and while it waits too. Leaving twice does nothing."""
        match stream.stage:
            case Stage.WAITING:
                self._unqueue(stream)
            case Stage.RUNNING:
                self._stop_running(stream)
            case Stage.LEAVING:
                self._leaving.remove(stream)
            case Stage.OUTSIDE | Stage.GONE:
                pass
        stream.stage = Stage.GONE

    def decide(self) -> list[Decision]:
        """Who is admitted now, and who is aborted for it. It counts as done."""
        decisions: list[Decision] = []
        while (stream := self._next()) is not None:
            if len(self._running) >= self._limits[Priority.COMMIT] and (victim := self._victim()) is not None:
                self._abort(victim)
                decisions.append(Abort(victim))
            self._admit(stream)
            decisions.append(Admit(stream))
        return decisions

    def _next(self) -> Stream | None:
        """The first of those who wait, if it may run now."""
        commits = next(iter(self._commits.values()), None)
        if commits is not None:
            room = len(self._running) < self._limits[Priority.COMMIT] or self._victim() is not None
            return commits[0] if room else None
        if not self._others or (self._starts_limit is not None and len(self._starting) >= self._starts_limit):
            return None
        first = min(self._others, key=lambda stream: (stream.priority, self._running_of[stream.session_id]))
        # the aborted ones still keep the engine busy: commits do not wait for them, all others do
        busy = len(self._running) + len(self._leaving)
        return first if busy < self._limits[first.priority] else None

    def _victim(self) -> Stream | None:
        """The youngest stream of the lowest priority, never a commit."""
        youngest_first = reversed(self._running)
        victim = max(youngest_first, key=lambda stream: stream.priority, default=None)
        return victim if victim is not None and victim.priority is not Priority.COMMIT else None

    def _admit(self, stream: Stream) -> None:
        self._unqueue(stream)
        session_id = stream.session_id
        if stream.priority is Priority.COMMIT and session_id in self._commits:
            self._commits[session_id] = self._commits.pop(session_id)  # its next one stands behind other sessions
        stream.stage = Stage.RUNNING
        self._running[stream] = None
        self._running_of[session_id] += 1
        if stream.priority is not Priority.COMMIT:
            self._starting.add(stream)

    def _abort(self, stream: Stream) -> None:
        self._stop_running(stream)
        stream.stage = Stage.LEAVING
        self._leaving.add(stream)

    def _stop_running(self, stream: Stream) -> None:
        del self._running[stream]
        self._starting.discard(stream)
        self._running_of[stream.session_id] -= 1
        if not self._running_of[stream.session_id]:
            del self._running_of[stream.session_id]  # sessions come and go, the process stays

    def _queue(self, stream: Stream) -> None:
        if stream.priority is Priority.COMMIT:
            self._commits.setdefault(stream.session_id, deque()).append(stream)
        else:
            self._others[stream] = None

    def _unqueue(self, stream: Stream) -> None:
        if stream.priority is not Priority.COMMIT:
            del self._others[stream]
            return
        commits = self._commits[stream.session_id]
        commits.remove(stream)
        if not commits:
            del self._commits[stream.session_id]


def _limits(slots: int, speculative_slots: int) -> dict[Priority, int]:
    """Notes leave a quarter of the speculative slots to drafts, afterthoughts half. One slot cannot be shared."""
    quarter = -(-speculative_slots // 4)
    least = min(1, speculative_slots)
    return {
        Priority.COMMIT: slots,
        Priority.DRAFT: speculative_slots,
        Priority.NOTES: max(least, speculative_slots - quarter),
        Priority.AFTERTHOUGHT: max(least, speculative_slots - 2 * quarter),
    }
