"""Opus over RTP: what aiortc asks of a sender and of a receiver, done for a line whose other end is a machine.

aiortc's own receiver holds back 280 ms after one lost packet, and starts a thread for each call; its sender encodes what
a track gives at its own pace. These two take their place in an ``RTCPeerConnection`` (``peer.py``): what comes is
released as soon as its order allows (``audio.jitter``), what goes out leaves at once, with the line's own time stamps.
"""

from __future__ import annotations

import asyncio
import logging
import random
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any, assert_never

import numpy as np
from aiortc import clock as rtc_clock
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
)
from numpy.typing import NDArray

from audio.jitter import JitterBuffer, Lost, Packet, Released, RtpAudio, Silence
from audio.opus import OpusDecoder, packet_seconds
from scheduler.errors import CorruptPacketError
from scheduler.pcm import Pcm
from scheduler.tasks import Background, wait_for_event

logger = logging.getLogger(__name__)

RTP_CLOCK_HZ = 48_000
"""Opus' time stamps count at this rate whatever is in the packets: RFC 7587 section 4.1."""
HEARD_RATE_HZ = 16_000
"""Opus decodes straight to what recognisers and voice activity detection listen at."""
MOST_STREAMS = 1000
"""SSRCs of one connection; a browser has one, and another for each change of its microphone. libsrtp and aiortc keep
something of each, and look through them for every packet."""
_TICK_SECONDS = 0.005
_REPORT_SECONDS = 1.0
"""Between receiver and sender reports: the browser learns of losses from them, and sends more redundancy."""
_SDES_CNAME = 1

Hear = Callable[[Pcm], Awaitable[None]]


class OpusReceiver:
    """Releases what has come in order, conceals what hasn't, and decodes it. ``hear`` gets every block once, in order.

    ``heard_at``: loop time of the last packet, 0 before the first.
    """

    def __init__(self, transport: RTCDtlsTransport, hear: Hear) -> None:
        self.track: MediaStreamTrack | None = None
        self.transport = transport
        self.heard_at = 0.0
        self.buffer = JitterBuffer()
        self.stream_count = 0
        self._stream: tuple[int, StreamStatistics] | None = None
        """SSRC and statistics of the one that comes now."""
        self._last_report = (0, 0.0)
        """Its sender's: the middle of the NTP time, and when it came (Unix time); 0 before the first."""
        self._hear = hear
        self._decoder = OpusDecoder(HEARD_RATE_HZ)
        self._payload_types: set[int | None] = set()
        self._delivering = asyncio.Lock()
        self._due_sooner = asyncio.Event()
        self._clock = Background(self._release_what_is_due, name="jitter")
        self._enabled = True
        self._is_stopped = False

    # --- what aiortc calls ----------------------------------------------------------------------------

    def setTransport(self, transport: RTCDtlsTransport) -> None:  # noqa: N802
        self.transport = transport

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        """A connection that is closed while it comes up still calls this, after ``stop``."""
        if self._payload_types or self._is_stopped:
            return
        self._payload_types = {codec.payloadType for codec in parameters.codecs if codec.name.lower() == "opus"}
        self.transport._register_rtp_receiver(self, parameters)
        self._clock.start()

    async def stop(self) -> None:
        self._is_stopped = True
        if self._payload_types:
            self.transport._unregister_rtp_receiver(self)
        await self._clock.stop()

    def _handle_disconnect(self) -> None:
        pass  # the peer tells of it

    def _set_rtcp_ssrc(self, ssrc: int) -> None:
        pass  # reports are the sender's

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket) and self._stream is not None and packet.ssrc == self._stream[0]:
            self._last_report = ((packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF, time.time())

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if packet.payload_type not in self._payload_types:
            return  # comfort noise, DTMF
        now = asyncio.get_running_loop().time()
        self.heard_at = now
        self._statistics_of(packet.ssrc).add(packet)
        await self._deliver(RtpAudio(packet.sequence_number, packet.timestamp, packet.payload), now)

    def _statistics_of(self, ssrc: int) -> StreamStatistics:
        if self._stream is None or self._stream[0] != ssrc:
            self.stream_count += 1
            if self.stream_count > MOST_STREAMS:
                raise ConnectionError("the client begins one stream of sound after another")  # ends this connection
            self._stream, self._last_report = (ssrc, StreamStatistics(RTP_CLOCK_HZ)), (0, 0.0)
        return self._stream[1]

    # --- release and decode ---------------------------------------------------------------------------

    async def _deliver(self, packet: RtpAudio | None, now: float) -> None:
        """``None``: what has become due by time alone."""
        async with self._delivering:
            before = self.buffer.deadline
            released = self.buffer.due(now) if packet is None else self.buffer.push(packet, now)
            deadline = self.buffer.deadline
            if deadline is not None and (before is None or deadline < before):
                self._due_sooner.set()
            if released:
                await self._hear(Pcm(self._decode(released), HEARD_RATE_HZ))

    async def _release_what_is_due(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._due_sooner.clear()
            deadline = self.buffer.deadline
            seconds = None if deadline is None else max(deadline - loop.time(), 0.0)
            if seconds != 0.0:
                await wait_for_event(self._due_sooner, seconds, tick_seconds=_TICK_SECONDS)
            await self._deliver(None, loop.time())

    def _decode(self, released: list[Released]) -> NDArray[np.int16]:
        parts = [self._decode_one(piece) for piece in released]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _decode_one(self, piece: Released) -> NDArray[np.int16]:
        match piece:
            case Packet(payload):
                return self._or_concealed(lambda: self._decoder.decode(payload), packet_seconds(payload))
            case Lost(samples48, next_payload):
                samples = samples48 * HEARD_RATE_HZ // RTP_CLOCK_HZ
                if next_payload is None:
                    return self._decoder.conceal(samples)
                copy = next_payload
                return self._or_concealed(lambda: self._decoder.recover(copy, samples), samples48 / RTP_CLOCK_HZ)
            case Silence(samples48):
                return np.zeros(samples48 * HEARD_RATE_HZ // RTP_CLOCK_HZ, np.int16)
            case _:
                assert_never(piece)

    def _or_concealed(self, decode: Callable[[], NDArray[np.int16]], seconds: float) -> NDArray[np.int16]:
        """The time that a corrupt packet stands for passes all the same."""
        try:
            return decode()
        except CorruptPacketError as error:
            logger.debug("a packet can't be decoded: %s", error)
            return self._decoder.conceal(round(seconds * HEARD_RATE_HZ))

    def reports(self) -> list[RtcpReceiverInfo]:
        """What the caller's browser is told of its losses (RFC 3550 section 6.4.1)."""
        return [] if self._stream is None else [self._report(*self._stream)]

    def _report(self, ssrc: int, stream: StreamStatistics) -> RtcpReceiverInfo:
        last_report, came_at = self._last_report
        delay = min(max(time.time() - came_at, 0.0), 65_535.0) if last_report else 0.0
        return RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=stream.fraction_lost,
            packets_lost=stream.packets_lost,
            highest_sequence=(stream.cycles + (stream.max_seq or 0)) & 0xFFFFFFFF,
            jitter=stream.jitter,
            lsr=last_report,
            dlsr=int(delay * 65_536),
        )


class OpusSender:
    """Sends one packet when it is told to. ``loss`` (0 to 1): as the caller's browser reports it."""

    kind = "audio"

    def __init__(self, transport: RTCDtlsTransport, receiver: OpusReceiver) -> None:
        self.track: MediaStreamTrack | None = None
        self.transport = transport
        self.loss = 0.0
        self._receiver = receiver
        self._ssrc = random.getrandbits(32)
        self._rtx_ssrc = random.getrandbits(32)
        self._stream_id = self._track_id = ""
        self._enabled = True
        self._is_stopped = False
        self._payload_type: int | None = None
        self._cname = ""
        self._sequence = random.getrandbits(
            15
        )  # not near its wrap-around: SRTP could lose count before the first packet
        self._timestamp_origin = random.getrandbits(32)
        self._timestamp = 0
        self._sent_at = 0.0
        self._packets = self._octets = 0
        self._reporting = Background(self._report, name="rtcp")

    @property
    def is_open(self) -> bool:
        return self._payload_type is not None and self.transport.state == "connected"

    # --- what aiortc calls ----------------------------------------------------------------------------

    def setTransport(self, transport: RTCDtlsTransport) -> None:  # noqa: N802
        self.transport = transport

    def replaceTrack(self, track: MediaStreamTrack | None) -> None:  # noqa: N802
        self.track = track

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        """A connection that is closed while it comes up still calls this, after ``stop``."""
        if self._payload_type is not None or self._is_stopped:
            return
        self._cname = parameters.rtcp.cname or ""
        self.transport._register_rtp_sender(self, parameters)
        self._payload_type = parameters.codecs[0].payloadType
        self._reporting.start()

    async def stop(self) -> None:
        self._is_stopped = True
        if self._payload_type is not None:
            self.transport._unregister_rtp_sender(self)
        self._payload_type = None
        await self._reporting.stop()

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if not isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            return
        for report in packet.reports:
            if report.ssrc == self._ssrc:
                self.loss = report.fraction_lost / 256

    # --- packets --------------------------------------------------------------------------------------

    async def send_packet(self, payload: bytes, timestamp: int, *, begins: bool) -> None:
        """``timestamp``: at 48 kHz, from the line's beginning; ``begins``: the first after a silence (the marker bit,
        RFC 7587 section 4.2). Raises ``ConnectionError`` when the path is gone."""
        if self._payload_type is None:
            raise ConnectionError("the path does not stand yet")
        self._timestamp = (self._timestamp_origin + timestamp) & 0xFFFFFFFF
        marked = self._payload_type | (0x80 if begins else 0)
        header = struct.pack("!BBHLL", 0x80, marked, self._sequence, self._timestamp, self._ssrc)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._sent_at = asyncio.get_running_loop().time()
        self._packets += 1
        self._octets += len(payload)
        await self.transport._send_rtp(header + payload)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS * random.uniform(0.5, 1.5))  # RFC 3550 section 6.2: spread
            if not self.is_open:
                continue
            try:
                await self.transport._send_rtp(self._reports())
            except ConnectionError:
                return

    def _reports(self) -> bytes:
        info: Any
        if self._packets:
            ntp = rtc_clock.current_ntp_time()
            since = asyncio.get_running_loop().time() - self._sent_at  # in a silence, the last packet is long ago
            timestamp = (self._timestamp + round(since * RTP_CLOCK_HZ)) & 0xFFFFFFFF
            sent = RtcpSenderInfo(ntp, timestamp, self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF)
            info = RtcpSrPacket(self._ssrc, sent, self._receiver.reports())
        else:
            info = RtcpRrPacket(self._ssrc, self._receiver.reports())
        names = RtcpSdesPacket([RtcpSourceInfo(self._ssrc, [(_SDES_CNAME, self._cname.encode())])])
        return bytes(info) + bytes(names)
