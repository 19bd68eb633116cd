"""A caller that is aiortc, in the loop of the test: it speaks a tone and keeps what it is told and hears."""

from __future__ import annotations

import asyncio
import fractions
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av import AudioFrame

from realtime.app import create_app
from realtime.server import Server

CALLS = "/v1/realtime/calls"
SDP = {"Content-Type": "application/sdp"}
WAIT_SECONDS = 20.0
"""For whatever must come; long, because the machine may be loaded."""


class Tone(MediaStreamTrack):
    """20 ms of 300 Hz after another, on the loop's clock."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._began_at = 0.0

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._began_at = self._began_at or loop.time()
        await asyncio.sleep(max(self._began_at + self._count * 0.02 - loop.time(), 0.0))
        at = (np.arange(960) + self._count * 960) / 48_000
        samples = (8000 * np.sin(2 * np.pi * 300 * at)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._count * 960, fractions.Fraction(1, 48_000)
        self._count += 1
        return frame


class Caller:
    def __init__(self, direction: str = "sendrecv") -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.connection.createDataChannel("oai-events")
        self.events: list[dict[str, Any]] = []
        self.frames = 0
        self.connection.addTransceiver(Tone() if direction.startswith("send") else "audio", direction=direction)
        self.channel.on("message", lambda text: self.events.append(json.loads(text)))

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def tell(self, **event: Any) -> None:
        self.channel.send(json.dumps(event))

    async def told(self, kind: str) -> dict[str, Any]:
        await until(lambda: any(event["type"] == kind for event in self.events))
        return next(event for event in self.events if event["type"] == kind)

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def drop(self) -> None:
        """Go without a word: no goodbye reaches the server."""
        sctp = self.connection.sctp
        assert sctp is not None
        for protocol in sctp.transport.transport._connection._protocols:
            protocol.transport.abort()

    async def close(self) -> None:
        await self.connection.close()


def without_opus(offer: str) -> str:
    """The offer with PCMU alone."""
    kept = [line for line in offer.splitlines() if "opus" not in line.lower()]
    return "\r\n".join(kept) + "\r\n"


async def until(holds: Callable[[], Any], seconds: float = WAIT_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.02)


async def offer_of(**kinds: str) -> str:
    """An offer with the transceivers of ``kinds``: ``audio="sendrecv"``."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind, direction in kinds.items():
        connection.addTransceiver(kind, direction=direction)
    connection.createDataChannel("oai-events")
    offer = str((await connection.createOffer()).sdp)
    await connection.close()
    return offer


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """The application without a socket; its calls are real."""
    application = create_app(server, manage_server=False)
    async with server.running():
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@asynccontextmanager
async def calling(
    client: httpx.AsyncClient, *, direction: str = "sendrecv", **request: Any
) -> AsyncIterator[tuple[Caller, str]]:
    """A call that stands, and its address."""
    caller = Caller(direction)
    try:
        headers = {"Content-Type": "application/sdp"} | request.pop("headers", {})
        answer = await client.post(CALLS, content=await caller.offer(), headers=headers, **request)
        assert answer.status_code == 201, answer.text
        await caller.take(answer.text)
        await caller.told("session.created")
        yield caller, answer.headers["Location"]
    finally:
        await caller.close()


__all__ = ["CALLS", "Caller", "calling", "offer_of", "serving", "until", "without_opus"]


async def refused(client: httpx.AsyncClient, **request: Any) -> tuple[int, str]:
    answer = await client.post(CALLS, **request)
    return answer.status_code, answer.json()["error"]["code"]


async def hear_nothing(_: object) -> None: ...
