"""The child's side of ``workers``: one process, one handler, many streams.

The main thread does the work; a second thread owns the socket, tells the parent every
``heartbeat_seconds`` that it lives and how long the message in hand has taken, and ends the process when
the parent is gone. Messages are pickled: both ends are ours, and the socket lies in a directory that only
this user may enter.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import zmq

INBOX_MESSAGES = 65536
"""More than the credit of any sensible number of streams; a full inbox ends the child."""
IDLE_SECONDS = 0.3
_PULSE = "inproc://outgoing"


class StreamHandler(Protocol):
    """One stream's work, in the child. Called by one thread."""

    def receive(self, message: Any) -> Iterable[object]:
        """Handle a message; what is yielded is sent back at once. Not resumed after the stream was cancelled."""
        ...

    def close(self) -> None:
        """The stream is over or cancelled."""
        ...


class Handler(Protocol):
    """What a worker process does. Made once per process by the factory that the pool names."""

    def open(self, message: Any) -> StreamHandler:
        """A new stream; ``message`` is what was given to ``WorkerPool.open``."""
        ...

    def idle(self) -> None:
        """Nothing to do for ``IDLE_SECONDS``: a chance to prepare for later."""
        ...


@dataclass(frozen=True, slots=True)
class ChildSettings:
    address: str
    identity: str
    handler: str
    options: dict[str, object]
    heartbeat_seconds: float
    parent_process_id: int


class _Inbox:
    """What the socket's thread hands to the main thread, and what of it was cancelled in the meantime."""

    def __init__(self) -> None:
        self.messages: queue.Queue[tuple[bytes, int, bytes]] = queue.Queue(INBOX_MESSAGES)
        self.cancelled: set[int] = set()
        self.busy_since: float | None = None


class Child:
    def __init__(self, settings: ChildSettings) -> None:
        self._settings = settings
        self._context = zmq.Context()
        self._inbox = _Inbox()
        self._outgoing = self._context.socket(zmq.PAIR)
        self._streams: dict[int, StreamHandler] = {}

    def run(self) -> int:
        """Serve until the parent says stop. The exit status of the process."""
        self._outgoing.bind(_PULSE)
        thread = threading.Thread(target=self._carry, name="socket", daemon=True)
        thread.start()
        try:
            handler = make_handler(self._settings.handler, self._settings.options)
        except Exception as error:  # noqa: BLE001 the edge: whatever it is, the parent must hear of it
            self._send(b"failed", 0, f"{type(error).__name__}: {error}")
            self._finish(thread)
            return 1
        self._send(b"ready", 0)
        self._serve(handler)
        self._finish(thread)
        return 0

    def _finish(self, thread: threading.Thread) -> None:
        self._send(b"bye", 0)
        thread.join(1.0)

    def _serve(self, handler: Handler) -> None:
        idle_told = False
        while True:
            try:
                kind, stream, body = self._inbox.messages.get(timeout=None if idle_told else IDLE_SECONDS)
            except queue.Empty:
                idle_told = True
                self._timed(handler.idle)
                continue
            idle_told = False
            if kind == b"stop":
                return
            self._timed(lambda k=kind, s=stream, b=body: self._handle(handler, k, s, b))

    def _timed(self, work: Any) -> None:
        self._inbox.busy_since = time.monotonic()
        try:
            work()
        finally:
            self._inbox.busy_since = None

    def _handle(self, handler: Handler, kind: bytes, stream: int, body: bytes) -> None:
        if kind == b"close":
            self._close(stream)
            return
        if stream in self._inbox.cancelled:
            return
        try:
            if kind == b"open":
                self._streams[stream] = handler.open(pickle.loads(body))
            else:
                self._reply(stream, pickle.loads(body))
        except Exception as error:
            logging.getLogger(__name__).exception("stream %d failed", stream)
            self._send(b"error", stream, f"{type(error).__name__}: {error}")

    def _reply(self, stream: int, message: object) -> None:
        if stream in self._streams:
            for reply in self._streams[stream].receive(message):
                if stream in self._inbox.cancelled:
                    return
                self._send(b"reply", stream, reply)
        self._send(b"credit", stream)

    def _close(self, stream: int) -> None:
        handler = self._streams.pop(stream, None)
        if handler is not None:
            handler.close()
        self._inbox.cancelled.discard(stream)

    def _send(self, kind: bytes, stream: int, body: object = None) -> None:
        self._outgoing.send_multipart([kind, b"%d" % stream, pickle.dumps(body)])

    # --- the socket's thread ---

    def _carry(self) -> None:
        """Carry messages between the socket, the inbox and the outgoing pair; pulse; watch the parent."""
        dealer = self._context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.IDENTITY, self._settings.identity.encode())
        dealer.setsockopt(zmq.LINGER, 500)
        dealer.connect(self._settings.address)
        outgoing = self._context.socket(zmq.PAIR)
        outgoing.connect(_PULSE)
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        poller.register(outgoing, zmq.POLLIN)
        next_pulse_at = 0.0
        while True:
            if time.monotonic() >= next_pulse_at:
                self._pulse(dealer)
                next_pulse_at = time.monotonic() + self._settings.heartbeat_seconds
            ready = dict(poller.poll(max(1, round((next_pulse_at - time.monotonic()) * 1000))))
            if dealer in ready:
                self._take(dealer.recv_multipart())
            if outgoing in ready:
                parts = outgoing.recv_multipart()
                dealer.send_multipart(parts)
                if parts[0] == b"bye":
                    dealer.close()
                    return

    def _pulse(self, dealer: zmq.Socket[bytes]) -> None:
        if os.getppid() != self._settings.parent_process_id:
            os._exit(3)  # the parent is gone: nobody is left to answer to, whatever the main thread does
        since = self._inbox.busy_since
        busy_seconds = 0.0 if since is None else time.monotonic() - since
        dealer.send_multipart([b"pulse", b"0", pickle.dumps(busy_seconds)])

    def _take(self, parts: list[bytes]) -> None:
        kind, stream = parts[0], int(parts[1])
        if kind == b"close":
            self._inbox.cancelled.add(stream)
        self._inbox.messages.put_nowait((kind, stream, parts[2]))


def make_handler(path: str, options: dict[str, object]) -> Handler:
    """``package.module:factory`` called with the pool's options as keywords."""
    module, _, factory = path.partition(":")
    return cast(Handler, getattr(importlib.import_module(module), factory)(**options))


def main() -> int:
    parser = argparse.ArgumentParser(description="A worker process of a Stretto server; started by the server.")
    parser.add_argument("address")
    parser.add_argument("identity")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when we stop
    start: dict[str, Any] = pickle.load(sys.stdin.buffer)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    settings = ChildSettings(address=arguments.address, identity=arguments.identity, **start)
    return Child(settings).run()


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # an engine's own threads must not keep the process alive
