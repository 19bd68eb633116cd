"""Worker processes: heavy engines run beside the server, never in it.

A pool starts ``processes`` Python children (fresh interpreters, never a fork of a threaded process), each
with one handler named by an import path. One ROUTER socket in the parent, ``ipc://`` in a directory of
mode 0700. Work comes in *streams*: each stays with one child, in order. A stream may have ``credit``
messages outstanding, then its sender waits; replies that nobody reads hold credit back, so both
directions are bounded. A child that dies, or shows no life for ``silent_after_seconds``, or chews on one
message for more than ``hung_after_seconds``, is killed and replaced; its streams raise ``WorkerError``
once. Children end by themselves when the parent is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import zmq
import zmq.asyncio

from scheduler.errors import WorkerError
from scheduler.tasks import Background, clean_up

log = logging.getLogger(__name__)

TICK_SECONDS = 0.2
STOP_SECONDS = 1.0
"""How long a child may take to stop by itself before it is killed."""
LATE_TICK_SECONDS = 0.5
"""A tick this late means that *we* were held up; nobody is judged by it."""
REPLIES_WAITING = 256
"""With this many unread replies no credit is given back."""
LONGEST_BACKOFF_SECONDS = 10.0
TROUBLE_AFTER_FAILURES = 3
"""A child that failed this often in a row counts as broken until a try succeeds."""
STDERR_LINE_BYTES = 2000


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """``handler``: ``package.module:factory``, called in the child with ``options`` as keywords (picklable)."""

    handler: str
    options: Mapping[str, object] = field(default_factory=dict)
    processes: int = 1
    credit: int = 64
    heartbeat_seconds: float = 0.3
    silent_after_seconds: float = 1.7
    """No heartbeat for this long: dead or hung. With the tick it is noticed within 2 s."""
    hung_after_seconds: float = 1.7
    """The longest a handler may take for one message."""
    start_seconds: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)


class WorkerStream:
    """One stream of a pool. Iterate it for its replies; it ends when it is closed."""

    def __init__(self, pool: WorkerPool, identity: bytes, number: int, credit: int) -> None:
        self._pool = pool
        self._identity = identity
        self._number = number
        self._credit = credit
        self._held_back = 0
        self._replies: deque[object] = deque()
        self._changed = asyncio.Event()
        self._lost: str | None = None
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """Of the child that serves this stream; ``None`` when it is gone."""
        return self._pool.process_id(self._identity)

    async def send(self, message: object) -> None:
        """Send a message; waits for credit. ``WorkerError`` when the stream is lost or closed."""
        while self._credit <= 0 and self._lost is None and not self._closed:
            await self._wait()
        if self._lost is not None or self._closed:
            raise WorkerError(self._lost or "the stream is closed")
        self._credit -= 1
        await self._pool.send(self._identity, b"message", self._number, message)

    def __aiter__(self) -> WorkerStream:
        return self

    async def __anext__(self) -> Any:
        """The next reply. Raises ``WorkerError`` when the child or the handler failed."""
        while not self._replies:
            if self._closed:
                raise StopAsyncIteration
            if self._lost is not None:
                raise WorkerError(self._lost)
            await self._wait()
        reply = self._replies.popleft()
        if self._held_back and len(self._replies) < REPLIES_WAITING:
            self._credit += self._held_back
            self._held_back = 0
            self._wake()
        return reply

    async def close(self) -> None:
        """Cancel what is outstanding. May be called twice."""
        if not self._closed:
            self._closed = True
            self._wake()
            await self._pool.forget(self._identity, self._number)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()

    # --- called by the pool ---

    def take_reply(self, reply: object) -> None:
        self._replies.append(reply)
        self._wake()

    def take_credit(self) -> None:
        if len(self._replies) >= REPLIES_WAITING:
            self._held_back += 1
        else:
            self._credit += 1
            self._wake()

    def lose(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
        self._wake()


@dataclass(slots=True)
class _Slot:
    """One place of the pool: the child that now fills it, and what is known of it."""

    index: int
    generation: int = 0
    process: asyncio.subprocess.Process | None = None
    ready: bool = False
    pulse_at: float = 0.0
    busy_seconds: float = 0.0
    failures: int = 0
    trouble: str | None = None
    refused: str | None = None
    """Why the handler could not be made."""
    streams: dict[int, WorkerStream] = field(default_factory=dict)

    @property
    def identity(self) -> bytes:
        return f"{self.index}.{self.generation}".encode()


class WorkerPool:
    def __init__(self, settings: PoolSettings, *, name: str = "workers") -> None:
        self._settings = settings
        self._name = name
        self._slots = [_Slot(index) for index in range(settings.processes)]
        self._context: zmq.asyncio.Context | None = None
        self._router: zmq.asyncio.Socket | None = None
        self._directory = ""
        self._changed = asyncio.Condition()
        self._next_stream = 1
        self._background = Background(self._run, name=name)
        self.restarts = 0
        """How many children had to be replaced."""

    # --- for users ---

    async def start(self) -> None:
        """Start all children and wait until they are ready. May be called twice.

        Raises ``WorkerError`` when a handler can't be made, or isn't ready in ``start_seconds``.
        """
        self._background.start()
        try:
            async with asyncio.timeout(self._settings.start_seconds), self._changed:
                await self._changed.wait_for(lambda: all(slot.ready or slot.trouble for slot in self._slots))
        except TimeoutError:
            await self.close()
            raise WorkerError(f"{self._name} were not ready in {self._settings.start_seconds:g} s") from None
        if trouble := next((slot.trouble for slot in self._slots if slot.trouble), None):
            await self.close()
            raise WorkerError(f"{self._name} can't start: {trouble}")

    async def open(self, message: object = None) -> WorkerStream:
        """A stream on the child with the fewest; waits for one to be ready. Raises ``WorkerError``."""
        self._background.start()
        slot = await self._ready_slot()
        stream = WorkerStream(self, slot.identity, self._next_stream, self._settings.credit)
        slot.streams[self._next_stream] = stream
        self._next_stream += 1
        await self.send(slot.identity, b"open", self._next_stream - 1, message)
        return stream

    async def close(self) -> None:
        """Stop all children; streams end with ``WorkerError``. May be called twice."""
        await self._background.stop()

    @property
    def ready(self) -> bool:
        return any(slot.ready for slot in self._slots)

    def process_ids(self) -> list[int]:
        return [slot.process.pid for slot in self._slots if slot.process is not None]

    def process_id(self, identity: bytes) -> int | None:
        slot = self._slot(identity)
        return slot.process.pid if slot is not None and slot.process is not None else None

    # --- for streams ---

    async def send(self, identity: bytes, kind: bytes, stream: int, message: object = None) -> None:
        if self._router is None:
            return
        with contextlib.suppress(zmq.ZMQError):  # unreachable: its supervisor will tell the streams
            await self._router.send_multipart([identity, kind, b"%d" % stream, pickle.dumps(message)])

    async def forget(self, identity: bytes, stream: int) -> None:
        slot = self._slot(identity)
        if slot is not None and slot.streams.pop(stream, None) is not None:
            await self.send(identity, b"close", stream)

    async def _ready_slot(self) -> _Slot:
        def settled() -> bool:
            return any(slot.ready for slot in self._slots) or all(slot.trouble for slot in self._slots)

        try:
            async with asyncio.timeout(self._settings.start_seconds), self._changed:
                await self._changed.wait_for(settled)
        except TimeoutError:
            raise WorkerError(f"none of the {self._name} was ready in {self._settings.start_seconds:g} s") from None
        ready = [slot for slot in self._slots if slot.ready]
        if not ready:
            raise WorkerError(f"{self._name} can't start: {self._slots[0].trouble}")
        return min(ready, key=lambda slot: len(slot.streams))

    def _slot(self, identity: bytes) -> _Slot | None:
        return next((slot for slot in self._slots if slot.identity == identity), None)

    # --- the pool's own work ---

    async def _run(self) -> None:
        self._directory = tempfile.mkdtemp(prefix="stretto-")
        self._context = zmq.asyncio.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.LINGER, 0)
        self._router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._router.setsockopt(zmq.SNDHWM, 0)  # bounded by the streams' credit instead
        self._router.setsockopt(zmq.RCVHWM, 0)  # likewise, and by what the credit lets the children send
        try:
            self._router.bind(self._address)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(self._router))
                for slot in self._slots:
                    group.create_task(self._supervise(slot))
        finally:
            self._router.close()
            self._context.term()
            self._router = None
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _address(self) -> str:
        return f"ipc://{self._directory}/router"

    async def _receive(self, router: zmq.asyncio.Socket) -> None:
        while True:
            identity, kind, stream, body = await router.recv_multipart()
            slot = self._slot(identity)
            if slot is not None:
                await self._take(slot, kind, int(stream), pickle.loads(body))

    async def _take(self, slot: _Slot, kind: bytes, number: int, body: Any) -> None:
        slot.pulse_at = asyncio.get_running_loop().time()
        stream = slot.streams.get(number)
        match kind:
            case b"pulse":
                slot.busy_seconds = body
            case b"ready":
                slot.trouble = None
                slot.ready = True
                await self._tell()
            case b"failed":
                slot.refused = str(body)
            case b"reply" if stream is not None:
                stream.take_reply(body)
            case b"credit" if stream is not None:
                stream.take_credit()
            case b"error" if stream is not None:
                stream.lose(str(body))
                await self.forget(slot.identity, number)
            case _:
                pass  # for a stream that was closed in the meantime

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _supervise(self, slot: _Slot) -> None:
        """Keep the slot filled."""
        while True:
            reason = await self._live(slot)
            log.warning("a process of %s is replaced: %s", self._name, reason)
            slot.failures += 1
            self.restarts += 1
            if slot.refused is not None or slot.failures >= TROUBLE_AFTER_FAILURES:
                slot.trouble = reason
                await self._tell()
            await asyncio.sleep(min(LONGEST_BACKOFF_SECONDS, 0.1 * 2 ** (slot.failures - 1)))

    async def _live(self, slot: _Slot) -> str:
        """One child's life from start to end. Returns why it ended."""
        slot.generation += 1
        slot.refused = None
        slot.busy_seconds = 0.0
        reason = f"{self._name} were closed"
        judged = False
        process = slot.process = await self._start(slot)
        try:
            async with asyncio.TaskGroup() as group:
                forwarder = group.create_task(_forward_stderr(process, f"{self._name}[{slot.index}]"))
                reason = await self._watch(slot, process)
                judged = True
                forwarder.cancel()
            return reason
        finally:
            slot.ready = False
            for stream in list(slot.streams.values()):
                stream.lose(reason)
            slot.streams.clear()
            await clean_up(self._end(slot, process, gently=not judged), STOP_SECONDS + 2.0)
            slot.process = None

    async def _start(self, slot: _Slot) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "scheduler.worker_child", self._address, slot.identity.decode()]
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self._settings.environment, "PYTHONPATH": paths},
            start_new_session=True,  # a Ctrl-C at the terminal is for the parent alone
        )
        assert process.stdin is not None
        process.stdin.write(
            pickle.dumps(
                {
                    "handler": self._settings.handler,
                    "options": dict(self._settings.options),
                    "heartbeat_seconds": self._settings.heartbeat_seconds,
                    "parent_process_id": os.getpid(),
                }
            )
        )
        process.stdin.close()
        return process

    async def _watch(self, slot: _Slot, process: asyncio.subprocess.Process) -> str:
        loop = asyncio.get_running_loop()
        started_at = ticked_at = slot.pulse_at = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                status = await asyncio.wait_for(process.wait(), TICK_SECONDS)
                return slot.refused or f"it ended with status {status}"
            now = loop.time()
            if now - ticked_at > TICK_SECONDS + LATE_TICK_SECONDS:
                slot.pulse_at = now
            ticked_at = now
            if slot.ready:
                slot.failures = 0 if now - started_at > LONGEST_BACKOFF_SECONDS else slot.failures
            if reason := self._verdict(slot, now, started_at):
                return reason

    def _verdict(self, slot: _Slot, now: float, started_at: float) -> str | None:
        settings = self._settings
        if not slot.ready:
            late = now - started_at > settings.start_seconds
            return f"it was not ready in {settings.start_seconds:g} s" if late else None
        if now - slot.pulse_at > settings.silent_after_seconds:
            return f"it showed no life for {now - slot.pulse_at:.1f} s"
        if slot.busy_seconds > settings.hung_after_seconds:
            return f"it was busy with one message for {slot.busy_seconds:.1f} s"
        return None

    async def _end(self, slot: _Slot, process: asyncio.subprocess.Process, *, gently: bool) -> None:
        """Stop a child, by force if need be, and reap it."""
        if process.returncode is None and gently:
            await self.send(slot.identity, b"stop", 0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def _forward_stderr(process: asyncio.subprocess.Process, name: str) -> None:
    """A child's complaints go to our log, line by line; overlong lines are cut."""
    assert process.stderr is not None
    rest = b""
    while chunk := await process.stderr.read(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[:STDERR_LINE_BYTES]
        for line in lines:
            log.warning("%s: %s", name, line[:STDERR_LINE_BYTES].decode(errors="replace"))
