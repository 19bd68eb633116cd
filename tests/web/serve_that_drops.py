"""``stretto serve``, whose UDP sockets can be cut off: ``python -m tests.web.serve_that_drops FLAGS…``.

At SIGUSR1 all that are open fall silent, in both directions and for good, as if a network were unplugged that does not
come back; those that are opened later work.
"""

from __future__ import annotations

import signal
import sys
from typing import Any
from weakref import WeakSet

from aioice.ice import StunProtocol

from realtime.cli import app


class Nowhere:
    """A transport that sends nothing; all else is as it was."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def sendto(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


OPEN: WeakSet[Any] = WeakSet()


def watch_sockets() -> None:
    connected = StunProtocol.connection_made

    def connection_made(protocol: Any, transport: Any) -> None:
        connected(protocol, transport)
        OPEN.add(protocol)

    setattr(StunProtocol, "connection_made", connection_made)  # noqa: B010 - a method can't be assigned to, for mypy


def cut(*_: object) -> None:
    for protocol in OPEN:
        protocol.transport = Nowhere(protocol.transport)
        protocol.datagram_received = lambda *_: None
    OPEN.clear()


if __name__ == "__main__":
    watch_sockets()
    signal.signal(signal.SIGUSR1, cut)
    sys.argv[0] = "stretto"
    app(["serve", *sys.argv[1:]])
