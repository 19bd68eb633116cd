"""Where media can be received: aioice's gathering with a range of ports, a public address and loopback.

aioice (0.13) binds any free port of every address but loopback, and gives a path up when six single checks in a row are
lost, which on a line that loses bursts happens within minutes. ``settle`` gives one of its connections another way to do
both, before it begins; everything else of ICE stays aioice's own.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, relayed_candidate, server_reflexive_candidate
from aioice.stun import TransactionError

logger = logging.getLogger(__name__)

GATHER_SECONDS = 5.0
"""The longest wait for a STUN or TURN server; the local addresses are offered all the same."""
CONSENT_SECONDS = 30.0
"""A path on which no check was answered for so long is given up: RFC 7675 section 5.1."""
CONSENT_CHECK_SECONDS = 5.0
"""Between checks: the same; each is spread by a fifth."""
CONSENT_RETRY_SECONDS = 1.0
"""After one that was not answered: at a loss of one in five each way, so many in a row are never lost by chance."""
CHECK_RETRANSMISSIONS = 2
"""The answer is waited for 0.5 s, 1 s and 2 s (RFC 8489 section 6.2.1): a path by satellite, or behind a full buffer, takes
longer than the first."""
RECEIVE_BUFFER_BYTES = 256 * 1024
LOOPBACK = "127.0.0.1"
"""aioice leaves it out. A browser on a machine without any network has no other address."""
MOST_UNREAD = 2048
"""Datagrams of one connection that wait to be decrypted: 40 s of a call. Overflow policy: the newest are lost."""


@dataclass(frozen=True, slots=True)
class Reach:
    """``ports``: first and last UDP port, both included; ``None``: any. ``public_address``: an
    address or a host name, also offered with the port of each local socket, for a server behind a 1:1 NAT."""

    ports: tuple[int, int] | None = None
    public_address: str = ""


def settle(
    connection: Connection,
    reach: Reach,
    heard: Callable[[], None] = lambda: None,
    given_up: Callable[[], None] = lambda: None,
) -> None:
    """Gather as ``reach`` says, and be patient with a path that loses. Call it before ``gather_candidates``.

    ``heard`` is called for every datagram that comes, whatever is in it; ``given_up`` before the connection is closed
    from here, because its path is no more.
    """

    class Protocol(StunProtocol):
        def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
            heard()
            super().datagram_received(data, addr)

    async def gather(component: int, addresses: list[str], timeout: float = GATHER_SECONDS) -> list[Candidate]:
        protocol = lambda: Protocol(connection)
        return await _Gathering(connection, reach, component, protocol).run([*addresses, LOOPBACK], timeout)

    async def keep_consent() -> None:
        await check_consent(connection, given_up)

    take = connection.data_received

    def data_received(data: bytes, component: int) -> None:
        """Anybody may send an empty datagram, at which aiortc (1.16) ends the connection by an ``IndexError``."""
        if data and connection._queue.qsize() < MOST_UNREAD:
            take(data, component)

    connection.get_component_candidates = gather  # type: ignore[method-assign]
    connection.data_received = data_received  # type: ignore[method-assign]
    connection.query_consent = keep_consent  # type: ignore[method-assign]


async def check_consent(connection: Connection, given_up: Callable[[], None] = lambda: None) -> None:
    """Until no check of the path has been answered for ``CONSENT_SECONDS``; then the connection is closed."""
    loop = asyncio.get_running_loop()
    answered_at, pause_seconds = loop.time(), CONSENT_CHECK_SECONDS
    while loop.time() - answered_at < CONSENT_SECONDS:
        await asyncio.sleep(pause_seconds * random.uniform(0.8, 1.2))
        if await _is_answered(connection):
            answered_at, pause_seconds = loop.time(), CONSENT_CHECK_SECONDS
        else:
            pause_seconds = CONSENT_RETRY_SECONDS
    logger.info("no check of the path was answered for %g s; it is given up", CONSENT_SECONDS)
    given_up()
    connection._query_consent_task = None  # ``close`` would cancel it, and it is this one
    await connection.close()


async def _is_answered(connection: Connection) -> bool:
    password = (connection.remote_password or "").encode()
    for pair in list(connection._nominated.values()):
        try:
            request = connection.build_request(pair, nominate=False)
            await pair.protocol.request(
                request, pair.remote_addr, integrity_key=password, retransmissions=CHECK_RETRANSMISSIONS
            )
        except TransactionError:
            return False
    return True


class _Gathering:
    def __init__(
        self, connection: Connection, reach: Reach, component: int, make_protocol: Callable[[], StunProtocol]
    ) -> None:
        self._connection = connection
        self._make_protocol = make_protocol
        self._reach = reach
        self._component = component

    async def run(self, addresses: list[str], timeout: float) -> list[Candidate]:
        protocols = [protocol for address in addresses if (protocol := await self._bind(address)) is not None]
        self._connection._protocols += protocols
        candidates = [protocol.local_candidate for protocol in protocols]
        if public_address := await _resolved(self._reach.public_address):
            alike = [p for p in protocols if _is_of_a_network(p) and _is_ipv6(p) == (":" in public_address)]
            candidates += [self._announced(protocol, public_address) for protocol in alike]
        return candidates + await self._from_servers(protocols, timeout)

    async def _bind(self, address: str) -> StunProtocol | None:
        loop = asyncio.get_running_loop()
        for port in self._ports():
            try:
                transport, protocol = await loop.create_datagram_endpoint(
                    self._make_protocol, local_addr=(address, port)
                )
            except OSError as error:
                logger.debug("can't receive on %s port %d: %s", address, port, error)
                continue
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            host, port = transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = self._candidate("host", host, port)
            return protocol
        if self._reach.ports is not None and ":" not in address:
            logger.warning("no UDP port from %d to %d is free on %s: webrtc.udp_ports", *self._reach.ports, address)
        return None

    def _ports(self) -> Iterator[int]:
        """Begin anywhere, so that calls that start at the same time don't try the same ports one after another."""
        if self._reach.ports is None:
            return iter((0,))
        first, last = self._reach.ports
        ports = range(first, last + 1)
        start = random.randrange(len(ports))
        return itertools.chain(ports[start:], ports[:start])

    def _announced(self, protocol: StunProtocol, public_address: str) -> Candidate:
        """The public address as a server reflexive candidate: RFC 8445 section 5.1.1.2, known without asking STUN."""
        local = protocol.local_candidate
        return self._candidate("srflx", public_address, local.port, related=(local.host, local.port))

    def _candidate(self, kind: str, host: str, port: int, related: tuple[str, int] | None = None) -> Candidate:
        return Candidate(
            foundation=candidate_foundation(kind, "udp", related[0] if related else host),
            component=self._component,
            transport="udp",
            priority=candidate_priority(self._component, kind),
            host=host,
            port=port,
            type=kind,
            related_address=related[0] if related else None,
            related_port=related[1] if related else None,
        )

    async def _from_servers(self, protocols: list[StunProtocol], timeout: float) -> list[Candidate]:
        asked = self._questions(protocols)
        if not asked:
            return []
        answers = await asyncio.gather(*(_within(timeout, question) for question in asked), return_exceptions=True)
        candidates = []
        for answer in answers:
            if isinstance(answer, BaseException):
                logger.warning("a STUN or TURN server did not help: %s", answer or type(answer).__name__)
                continue
            candidate, relay = answer
            candidates.append(candidate)
            if relay is not None:
                self._connection._protocols.append(relay)
        return candidates

    def _questions(self, protocols: list[StunProtocol]) -> list[Awaitable[Any]]:
        own = self._connection
        questions: list[Awaitable[Any]] = []
        if own.stun_server:
            outward = [protocol for protocol in protocols if _is_of_a_network(protocol) and not _is_ipv6(protocol)]
            questions += [server_reflexive_candidate(protocol, own.stun_server) for protocol in outward]
        if own.turn_server:
            questions.append(
                relayed_candidate(
                    component=self._component,
                    hide_related_address=False,
                    protocol_factory=self._make_protocol,
                    turn_server=own.turn_server,
                    turn_username=own.turn_username,
                    turn_password=own.turn_password,
                    turn_ssl=own.turn_ssl,
                    turn_transport=own.turn_transport,
                )
            )
        return questions


async def _resolved(name: str) -> str:
    """The address of a name (IPv4 where it has both) or of itself; browsers take no names. ``""``: there is none."""
    if not name:
        return ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None)
    except OSError as error:
        logger.warning("webrtc.public_address %s is not offered: %s", name, error)
        return ""
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


async def _within(seconds: float, question: Awaitable[Any]) -> Any:
    async with asyncio.timeout(seconds):
        return await question


def _is_of_a_network(protocol: StunProtocol) -> bool:
    return protocol.local_candidate.host != LOOPBACK


def _is_ipv6(protocol: StunProtocol) -> bool:
    return ":" in protocol.local_candidate.host
