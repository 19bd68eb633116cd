"""A caller over WebRTC for benches and tests: aiortc connects, sound is sent and received as a browser would.

It uses the receiver and the sender of ``realtime.webrtc.rtp``, so that what is measured is not aiortc's own jitter
buffer. It sends 20 ms of Opus every 20 ms, in silence too (no DTX), each packet with a copy of the one before (FEC):
browsers do so by default.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import numpy as np
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtptransceiver import RTCRtpTransceiver
from numpy.typing import NDArray

from audio.opus import OpusEncoder
from realtime.webrtc.ice import Reach, settle
from realtime.webrtc.rtp import RTP_CLOCK_HZ, Hear, OpusReceiver, OpusSender
from scheduler.pcm import Pcm

CHANNEL = "oai-events"
FRAME_SECONDS = 0.02
WAIT_SECONDS = 40.0
"""Generous: how fast answers are is judged by the benches."""
HTTP_SECONDS = 15.0
CALLS = "/v1/realtime/calls"

Samples = NDArray[np.int16]


class RefusedError(Exception):
    """The server's answer to an offer was an error."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body

    @property
    def error(self) -> dict[str, Any]:
        """``message``, ``type``, ``code`` and ``param``."""
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


class Line(Protocol):
    """What stands between caller and server: changes the addresses in both descriptions to its own."""

    def offer(self, sdp: str) -> str: ...

    def answer(self, sdp: str) -> str: ...


class Receiver(OpusReceiver):
    """``listen``: takes packets in place of all that decodes them."""

    listen: Callable[[bytes, float], None] | None = None

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        if self.listen is None:
            await super()._handle_rtp_packet(packet, arrival_time_ms)
        else:
            self.listen(packet.payload, asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Path:
    """One connection with the server."""

    connection: RTCPeerConnection
    channel: RTCDataChannel
    sender: OpusSender
    receiver: Receiver

    @property
    def is_open(self) -> bool:
        return self.channel.readyState == "open" and self.sender.is_open

    @property
    def ice(self) -> Any:
        """aioice's connection."""
        return self.sender.transport.transport._connection

    def cut(self) -> None:
        """The sockets are gone, and nobody said goodbye."""
        for protocol in self.ice._protocols:
            if protocol.transport is not None:
                protocol.transport.abort()


async def make_path(hear: Hear) -> Path:
    """Ready to make its offer. ``hear`` gets what comes, decoded at 16 kHz."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    sender, receiver = _exchange(connection.addTransceiver("audio", direction="sendrecv"), hear)
    path = Path(connection, connection.createDataChannel(CHANNEL), sender, receiver)
    settle(path.ice, Reach())
    await connection.setLocalDescription(await connection.createOffer())
    return path


def _exchange(transceiver: RTCRtpTransceiver, hear: Hear) -> tuple[OpusSender, Receiver]:
    """As ``realtime.webrtc.peer`` does on the server's side."""
    before, transport = transceiver.sender, transceiver.receiver.transport
    receiver = Receiver(transport, hear)
    sender = OpusSender(transport, receiver)
    sender._stream_id, sender._track_id = before._stream_id, before._track_id
    parts: Any = transceiver
    parts._RTCRtpTransceiver__receiver = receiver
    parts._RTCRtpTransceiver__sender = sender
    return sender, receiver


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the server. ``at``: loop time."""

    at: float
    event: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.event["type"])


async def hear_nothing(_: Pcm) -> None:
    pass


class WebrtcCaller:
    """One call. ``connect`` it, ``close`` it. ``address``: HOST:PORT. ``next`` goes through the server's events in order.

    ``listen``: gets each packet that comes (payload, loop time) in place of ``hear``, which gets it decoded.
    """

    def __init__(
        self,
        address: str,
        hear: Hear = hear_nothing,
        *,
        key: str = "",
        rate_hz: int = 24_000,
        line: Line | None = None,
        listen: Callable[[bytes, float], None] | None = None,
        on_event: Callable[[Told], None] | None = None,
    ) -> None:
        self.told: list[Told] = []
        self.location = ""
        self.path: Path | None = None
        self.rate_hz = rate_hz
        self.sent_at: list[float] = []
        """Loop time at which each 20 ms of the microphone began to be sent."""
        self._address = address
        self._hear = hear
        self._key = key
        self._line = line
        self._listen = listen
        self._on_event = on_event
        self._encoder = OpusEncoder(rate_hz, dtx=False)
        self._cursor = 0
        self._news = asyncio.Event()
        self._unspoken: Samples = np.zeros(0, np.int16)
        self._spoken = asyncio.Event()

    # --- the path -------------------------------------------------------------------------------------

    async def connect(self, session: dict[str, Any] | None = None, query: str = "") -> None:
        """Returns when sound and events can flow. Raises ``RefusedError``."""
        await self._over_a_new_path(f"{CALLS}?{query}", session)

    async def reconnect(self, last_event_id: str | None = None) -> None:
        """The same call by a new path; the old one, if it stands, is left to the server."""
        query = f"?last_event_id={last_event_id}" if last_event_id else ""
        before = self.path
        await self._over_a_new_path(f"{self.location}/reconnect{query}", None)
        if before is not None:
            await before.connection.close()

    async def _over_a_new_path(self, url: str, session: dict[str, Any] | None) -> None:
        path = await make_path(self._hear)
        path.receiver.listen = self._listen
        path.channel.on("message", self._receive)
        try:
            answer = await self._offered(url, path.connection.localDescription.sdp, session)
            await path.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await self.until(lambda: path.is_open)
        except BaseException:
            await path.connection.close()
            raise
        self.path = path

    async def _offered(self, url: str, offer: str, session: dict[str, Any] | None) -> str:
        offer = self._line.offer(offer) if self._line is not None else offer
        reply = await self.post_offer(url, offer, session)
        if reply.status_code != 201:
            raise RefusedError(reply.status_code, reply.text)
        self.location = reply.headers["location"]
        return self._line.answer(reply.text) if self._line is not None else reply.text

    async def post_offer(self, url: str, offer: str, session: dict[str, Any] | None = None) -> httpx.Response:
        if session is None:
            return await self.post(url, content=offer, headers={"content-type": "application/sdp"})
        return await self.post(url, files={"sdp": (None, offer), "session": (None, json.dumps(session))})

    async def post(self, url: str, **request: Any) -> httpx.Response:
        headers = {**request.pop("headers", {}), **({"authorization": f"Bearer {self._key}"} if self._key else {})}
        async with httpx.AsyncClient(base_url=f"http://{self._address}", timeout=HTTP_SECONDS) as client:
            return await client.post(url, headers=headers, **request)

    def cut(self) -> None:
        """As when the network is gone."""
        if self.path is not None:
            self.path.cut()

    async def hang_up(self) -> int:
        """The HTTP status."""
        return (await self.post(f"{self.location}/hangup")).status_code

    async def close(self) -> None:
        if self.path is not None:
            await self.path.connection.close()

    # --- events ---------------------------------------------------------------------------------------

    def send(self, event: dict[str, Any]) -> None:
        assert self.path is not None
        self.path.channel.send(json.dumps(event))

    def _receive(self, frame: str) -> None:
        self.told.append(Told(asyncio.get_running_loop().time(), json.loads(frame)))
        if self._on_event is not None:
            self._on_event(self.told[-1])
        self._news.set()

    async def next(self, kind: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The next event of this kind; those before it are passed over, but for errors (``AssertionError``)."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    while self._cursor < len(self.told):
                        self._cursor += 1
                        told = self.told[self._cursor - 1]
                        if told.kind == kind:
                            return told.event
                        assert told.kind != "error", told.event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} in {seconds} s; told: {[told.kind for told in self.told]}") from None

    def all_told(self, kind: str) -> list[Told]:
        return [told for told in self.told if told.kind == kind]

    async def until(self, condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - time passing, or another process, makes it true
                await asyncio.sleep(0.01)

    # --- speaking -------------------------------------------------------------------------------------

    async def send_frame(self, samples: Samples) -> None:
        """20 ms at ``rate_hz``."""
        await self.send_packet(self._encoder.encode(samples))

    async def send_packet(self, payload: bytes) -> None:
        """While there is no path it is lost, and its time passes all the same."""
        timestamp = len(self.sent_at) * round(FRAME_SECONDS * RTP_CLOCK_HZ)
        self.sent_at.append(time.monotonic())
        if self.path is None:
            return
        try:
            await self.path.sender.send_packet(payload, timestamp, begins=False)
        except ConnectionError:
            return

    async def speak_line(self, frames: Callable[[], Awaitable[None]] | None = None) -> None:
        """The microphone, until cancelled: what is to be said, or silence; or what ``frames`` sends every 20 ms."""
        due_at = time.monotonic()
        while True:
            due_at += FRAME_SECONDS
            await asyncio.sleep(max(due_at - time.monotonic(), 0))  # the pace of a microphone
            await (frames or self._speak_on)()

    async def _speak_on(self) -> None:
        size = round(self.rate_hz * FRAME_SECONDS)
        frame, self._unspoken = self._unspoken[:size], self._unspoken[size:]
        await self.send_frame(np.concatenate([frame, np.zeros(size - len(frame), np.int16)]))
        if not len(self._unspoken):
            self._spoken.set()

    async def say(self, *sounds: Samples) -> float:
        """At ``rate_hz``. Returns when the last sample has left; gives that loop time."""
        self._unspoken = np.concatenate(sounds)
        self._spoken.clear()
        await self._spoken.wait()
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def connected(caller: WebrtcCaller, *, microphone: bool = True, **options: Any) -> AsyncIterator[WebrtcCaller]:
    """A call with its microphone on, hung up in the end. ``options``: of ``connect``."""
    await caller.connect(**options)
    try:
        async with asyncio.TaskGroup() as tasks:
            speaking = [tasks.create_task(caller.speak_line())] if microphone else []
            yield caller
            for task in speaking:
                task.cancel()
    finally:
        await caller.hang_up()
        await caller.close()
