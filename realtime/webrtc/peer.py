"""One connection with a browser: aiortc's ``RTCPeerConnection`` with our own sender and receiver of sound.

The only file that reaches into aiortc and aioice (1.16, 0.13), together with ``rtp.py`` and ``ice.py``; ``tests/realtime/
webrtc`` holds them to what is used here.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcrtptransceiver import RTCRtpTransceiver
from aiortc.sdp import SessionDescription

from realtime.webrtc.ice import Reach, settle
from realtime.webrtc.rtp import Hear, OpusReceiver, OpusSender
from realtime.wire.size_limit import DATA_CHANNEL_BYTES
from scheduler.errors import StrettoError
from scheduler.tasks import Background

logger = logging.getLogger(__name__)

SILENT_SECONDS = 1.0
"""Without sound for so long while other datagrams come, there is no microphone."""
CHANNEL = "oai-events"
"""The data channel that the client opens: the events of the protocol."""
MAX_OFFER_CHARS = 64 * 1024
MAX_MEDIA = 8
"""Sections of an offer; two are usual. Each costs some 5 ms of the event loop."""
MAX_CANDIDATES = 64
"""Of an offer; what comes behind is left out. Each is an address that is sent some 100 bytes a second until a path stands,
whoever lives there, and the time to pair them grows with the square of their number."""
MOST_PIECES = 1024
"""Of messages, that wait for others, and streams: a window full of pieces as large as a packet has 900."""
_CANDIDATE = re.compile(r"^a=candidate:[^\r\n]*\r?\n", re.MULTILINE)
_HIDDEN_CANDIDATE = re.compile(r"^a=candidate:[^\r\n]*\.local[^\S\r\n][^\r\n]*\r?\n", re.MULTILINE)
"""A browser that has not been given a microphone hides its addresses behind mDNS names. Asking the network for them takes
up to a second; the browser's own checks tell its address sooner."""
_END_OF_CANDIDATES = re.compile(r"^a=end-of-candidates[^\r\n]*\r?\n", re.MULTILINE)
"""aioice gives up at once what has no candidate and will have none, though the client's own checks could tell one."""
_MAX_MESSAGE_SIZE = re.compile(r"^a=max-message-size:(\d{1,18})\s*$", re.MULTILINE)
"""In bytes; 0: any (RFC 8841 section 6)."""
_OPUS_FORMAT = {"minptime": 10, "useinbandfec": 1}
_NOT_UNDERSTOOD = (
    *(ValueError, LookupError, AssertionError, AttributeError, TypeError),
    *(InvalidAccessError, InvalidStateError, OperationError),
)
"""What aiortc raises at a malformed offer, at any step to its answer."""


class OfferError(StrettoError):
    """An SDP offer that can't be answered."""


@dataclass(frozen=True, slots=True)
class PeerEvents:
    """``hear``: a block of the caller's sound. ``receive``: an event of the client. ``changed``: the path or the channel
    came up or went. All but ``hear`` must not wait."""

    hear: Hear
    receive: Callable[[str | bytes], None]
    changed: Callable[[], None]


class Peer:
    """Raises ``OfferError`` for an offer that is none. ``close`` it, however it went."""

    def __init__(self, reach: Reach, ice_servers: list[RTCIceServer], events: PeerEvents) -> None:
        self.receiver: OpusReceiver | None = None
        self.sender: OpusSender | None = None
        self._reach = reach
        self._events = events
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=ice_servers))
        self.heard_at = 0.0
        """Loop time of the last datagram of any kind; 0 before the first."""
        self._channel: RTCDataChannel | None = None
        self._is_listener = True
        """It wants to hear the agent."""
        self._is_given_up = False
        self._closing = Background(self.close, name="close a path")
        self.max_event_bytes = DATA_CHANNEL_BYTES
        """What the client takes as one message."""
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("connectionstatechange", events.changed)

    # --- what holds now -------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``new``, ``connecting``, ``connected``, ``failed`` (no path, or no more) or ``closed`` (by the client: it said
        goodbye)."""
        return "failed" if self._is_given_up else str(self._connection.connectionState)

    @property
    def can_sound(self) -> bool:
        """The path stands; a client that wants no sound has nothing to wait for."""
        return self.state == "connected" and self.sender is not None and (self.sender.is_open or not self._is_listener)

    @property
    def wants_events(self) -> bool:
        """Its offer has a place for data channels."""
        return self._connection.sctp is not None

    @property
    def can_tell(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    @property
    def untold_bytes(self) -> int:
        return 0 if self._channel is None else self._channel.bufferedAmount

    @property
    def is_all_told(self) -> bool:
        """The client has acknowledged all, or never will."""
        sctp: Any = self._connection.sctp
        return not self.can_tell or not (self.untold_bytes or sctp._outbound_queue or sctp._sent_queue)

    @property
    def has_microphone(self) -> bool:
        """Sound comes over this path: fifty times a second then, in silence too. A client that took its track away is
        still heard by the checks of its connection."""
        return self.receiver is not None and 0 < self.heard_at < self.receiver.heard_at + SILENT_SECONDS

    def addresses(self) -> tuple[list[str], list[str]]:
        """The candidates of both sides, to tell why no path was found."""
        local, remote = [], []
        for transport in self._ice_transports():
            local += [f"{c.ip}:{c.port}/{c.type}" for c in transport.iceGatherer.getLocalCandidates()]
            remote += [f"{c.ip}:{c.port}/{c.type}" for c in transport.getRemoteCandidates()]
        return local, remote

    # --- connecting -----------------------------------------------------------------------------------

    async def answer(self, offer: str) -> str:
        """The SDP answer, with all addresses in it. Returns before the path stands."""
        _check(offer)
        try:
            self.max_event_bytes = _max_message_bytes(offer)
            return await self._answer(_with_few_candidates(offer))
        except _NOT_UNDERSTOOD as error:
            logger.debug("an offer that is not understood", exc_info=error)
            raise OfferError(f"The offer can't be understood: {error or type(error).__name__}.") from error

    async def _answer(self, offer: str) -> str:
        await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self._put_in_our_own()
        for transport in self._ice_transports():
            settle(transport._connection, self._reach, self._note_sign_of_life, self._give_up)
        self._hold_to_its_window()
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        return str(self._connection.localDescription.sdp)

    def _note_sign_of_life(self) -> None:
        self.heard_at = asyncio.get_running_loop().time()

    def _give_up(self) -> None:
        self._is_given_up = True

    def _put_in_our_own(self) -> None:
        """The transceiver's own sender and receiver have not begun anything yet."""
        for transceiver in self._connection.getTransceivers():
            if self.sender is not None:
                transceiver.direction = "inactive"
                continue
            codecs = [codec for codec in transceiver._codecs if codec.name.lower() == "opus"]
            if not codecs:
                raise OfferError("The offer's audio has no Opus; every browser can do it.")
            codecs[0].parameters = dict(_OPUS_FORMAT)
            transceiver._codecs = codecs[:1]
            transceiver.direction = "sendrecv"
            self._exchange(transceiver)
            self._is_listener = transceiver._offerDirection in ("sendrecv", "sendonly")  # as seen from here
        if self.sender is None:
            raise OfferError("The offer has no audio.")

    def _exchange(self, transceiver: RTCRtpTransceiver) -> None:
        before, transport = transceiver.sender, transceiver.receiver.transport
        self.receiver = OpusReceiver(transport, self._events.hear)
        self.receiver.track = transceiver.receiver.track
        self.sender = OpusSender(transport, self.receiver)
        self.sender._stream_id, self.sender._track_id = before._stream_id, before._track_id
        parts: Any = transceiver
        parts._RTCRtpTransceiver__receiver = self.receiver
        parts._RTCRtpTransceiver__sender = self.sender

    def _hold_to_its_window(self) -> None:
        """aiortc tells the client how much it takes, 1 MiB, and takes any amount: of a message without end, each piece
        costs a walk through all that have come, and every call of the server waits meanwhile. Pieces of one byte, or
        out of order, cost as much as full ones, so they are counted, too."""
        sctp: Any = self._connection.sctp
        if sctp is None:
            return
        take = sctp._receive_data_chunk

        async def take_within_window(chunk: Any) -> None:
            if _is_flooded(sctp):
                logger.warning("a client sends more than it may; it is disconnected")
                raise ConnectionError("more was sent than the window allows")
            await take(chunk)

        sctp._receive_data_chunk = take_within_window

    def _ice_transports(self) -> list[Any]:
        transports = [transceiver.receiver.transport.transport for transceiver in self._connection.getTransceivers()]
        if self._connection.sctp is not None:
            transports.append(self._connection.sctp.transport.transport)
        return list(dict.fromkeys(transports))

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL:
            logger.info("a data channel %r was opened; only %r is known", channel.label[:64], CHANNEL)
            return
        self._channel = channel
        channel.on("message", self._events.receive)
        channel.on("close", self._events.changed)
        self._events.changed()

    # --- sending --------------------------------------------------------------------------------------

    def tell(self, event: str) -> None:
        """Send an event. Raises ``ConnectionError`` when the channel is not open."""
        if self._channel is None or not self.can_tell:
            raise ConnectionError("the data channel is not open")
        if len(event) > self.max_event_bytes:  # it was made for another path, or can't be made smaller
            logger.warning("an event of %d bytes is left out: the client takes %d", len(event), self.max_event_bytes)
            return
        try:
            self._channel.send(event)
        except InvalidStateError as error:
            raise ConnectionError("the data channel has closed") from error

    def close_soon(self) -> None:
        """Without waiting: a TURN server that is gone takes a minute to be given up."""
        self._connection.remove_all_listeners()
        self._closing.start()

    async def close(self) -> None:
        self._connection.remove_all_listeners()
        try:
            await self._connection.close()
        except AttributeError as error:  # aiortc at one that a malformed offer left half built: nothing of it runs
            logger.debug("a connection was never whole", exc_info=error)


def _check(offer: str) -> None:
    if len(offer) > MAX_OFFER_CHARS:
        raise OfferError("The offer is too long.")
    try:
        kinds = [media.kind for media in SessionDescription.parse(offer).media]
    except (ValueError, LookupError, AssertionError, AttributeError, TypeError) as error:
        raise OfferError("The offer is no session description (SDP).") from error
    if len(kinds) > MAX_MEDIA:
        raise OfferError(f"The offer has more than {MAX_MEDIA} sections; one of audio and one of data are needed.")
    if "video" in kinds:
        raise OfferError("The offer has video; only sound is handled here.")
    if "audio" not in kinds:
        raise OfferError("The offer has no audio; add an audio transceiver before making it.")


def _max_message_bytes(offer: str) -> int:
    told = _MAX_MESSAGE_SIZE.search(offer)
    return min(int(told[1]) or DATA_CHANNEL_BYTES, DATA_CHANNEL_BYTES) if told else DATA_CHANNEL_BYTES


def _is_flooded(sctp: Any) -> bool:
    streams = sctp._inbound_streams.values()
    waiting = sum(len(stream.reassembly) for stream in streams)
    return sctp._advertised_rwnd < 0 or max(waiting, len(sctp._sack_misordered), len(streams)) > MOST_PIECES


def _with_few_candidates(offer: str) -> str:
    offer = _END_OF_CANDIDATES.sub("", _HIDDEN_CANDIDATE.sub("", offer))
    found = list(_CANDIDATE.finditer(offer))
    for surplus in reversed(found[MAX_CANDIDATES:]):
        offer = offer[: surplus.start()] + offer[surplus.end() :]
    return offer
