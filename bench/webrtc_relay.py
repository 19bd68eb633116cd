"""A bad line made of a UDP relay between caller and server, for machines whose kernel has no ``netem``.

Everything of a call goes through it, both ways: ICE, DTLS, SRTP and the data channel. What it loses and delays is drawn
beforehand from a seed (``bench.jitter.Line``), for each direction by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.jitter import Line

LOOPBACK = "127.0.0.1"
DRAWN = 65_536
"""Packets until the same losses and delays come again: ten minutes of sound and more."""
_CANDIDATE = re.compile(r"^a=candidate:\S+ \d \w+ \d+ (\S+) (\d+) typ \w+[^\r\n]*\r?\n", re.MULTILINE)
_END = re.compile(r"^a=end-of-candidates\r?\n", re.MULTILINE)

Address = tuple[str, int]


@dataclass(slots=True)
class Direction:
    """What one direction does to its packets. ``delays_ms``: of those that came through."""

    line: Line
    seed: int
    packets: int = 0
    lost: int = 0
    is_cut: bool = False
    _busy_until: float = 0.0
    _is_lost: Any = None
    _delays: Any = None

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        self._is_lost = self.line.loss(DRAWN, random)
        self._delays = self.line.delays_seconds(DRAWN, random)

    def due_at(self, now: float) -> float | None:
        """When the next packet is through; ``None``: never."""
        number = self.packets % DRAWN
        self.packets += 1
        if self._is_lost[number] or self.is_cut:
            self.lost += 1
            return None
        at = now + float(self._delays[number])
        if self.line.keeps_order:
            at = self._busy_until = max(at, self._busy_until)
        return at


@dataclass(slots=True)
class Relay:
    """A ``bench.webrtc_client.Line``: one for each path. ``up``: from the caller."""

    up: Direction
    down: Direction
    _near: asyncio.DatagramTransport | None = None
    _far: asyncio.DatagramTransport | None = None
    _caller: Address | None = None
    _server: Address | None = None

    def offer(self, sdp: str) -> str:
        return _with_candidate(sdp, _address(self._far))

    def answer(self, sdp: str) -> str:
        """Raises ``ValueError`` when the server can't be reached over loopback."""
        ports = [int(port) for host, port in _CANDIDATE.findall(sdp) if host == LOOPBACK]
        if not ports:
            raise ValueError("the server's answer has no candidate on 127.0.0.1")
        self._server = (LOOPBACK, ports[0])
        return _with_candidate(sdp, _address(self._near))

    def cut(self) -> None:
        """From now on nothing comes through."""
        self.up.is_cut = self.down.is_cut = True

    def from_caller(self, data: bytes, address: Address) -> None:
        """One of its sockets is used, the first that is heard of."""
        self._caller = self._caller or address
        if self._server is not None and address == self._caller:
            self._pass(self.up, data, self._far, self._server)

    def from_server(self, data: bytes, address: Address) -> None:
        if self._caller is not None and address == self._server:
            self._pass(self.down, data, self._near, self._caller)

    @staticmethod
    def _pass(way: Direction, data: bytes, out: asyncio.DatagramTransport | None, to: Address) -> None:
        loop = asyncio.get_running_loop()
        due_at = way.due_at(loop.time())
        if due_at is None or out is None:
            return
        if due_at <= loop.time():
            out.sendto(data, to)
        else:
            loop.call_at(due_at, _send, out, data, to)


def _send(out: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
    if not out.is_closing():
        out.sendto(data, to)


@dataclass(slots=True)
class _Side(asyncio.DatagramProtocol):
    take: Any = field(repr=False)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.take(data, addr)


@asynccontextmanager
async def relay(line: Line, seed: int = 1) -> AsyncIterator[Relay]:
    made = Relay(Direction(line, seed), Direction(line, seed + 1000))
    loop = asyncio.get_running_loop()
    near, _ = await loop.create_datagram_endpoint(lambda: _Side(made.from_caller), local_addr=(LOOPBACK, 0))
    far, _ = await loop.create_datagram_endpoint(lambda: _Side(made.from_server), local_addr=(LOOPBACK, 0))
    made._near, made._far = near, far
    try:
        yield made
    finally:
        near.close()
        far.close()


def _address(transport: asyncio.DatagramTransport | None) -> Address:
    assert transport is not None
    address: Address = transport.get_extra_info("sockname")
    return address


def _with_candidate(sdp: str, address: Address) -> str:
    """In place of all others, in each section that had any."""
    host, port = address
    own = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\na=end-of-candidates\r\n"
    without = _END.sub("", sdp)
    first = _CANDIDATE.search(without)
    if first is None:
        raise ValueError("the description has no candidates")
    sections = re.split(r"(?=^m=)", without, flags=re.MULTILINE)
    return "".join(_CANDIDATE.sub("", part) + (own if _CANDIDATE.search(part) else "") for part in sections)
