"""One connection by itself: when it is believed in, and what a client may do to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice
from typing import Any
from unittest.mock import MagicMock

import pytest
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, DataChunk
from aiortc.rtp import RtpPacket

from realtime.webrtc import ice
from realtime.webrtc.ice import Reach, check_consent
from realtime.webrtc.peer import MOST_PIECES, Peer, PeerEvents
from realtime.webrtc.rtp import MOST_STREAMS, OpusReceiver
from tests.realtime.webrtc.caller import Caller, hear_nothing, until

pytestmark = pytest.mark.slow


@asynccontextmanager
async def connected(offered: str | None = None) -> AsyncIterator[tuple[Peer, Caller]]:
    """``offered``: a pattern that is taken out of the offer."""
    caller, peer = Caller(), Peer(Reach(), [], PeerEvents(hear_nothing, lambda _: None, lambda: None))
    try:
        offer = await caller.offer()
        assert offered is None or re.search(offered, offer)
        await caller.take(await peer.answer(re.sub(offered, "", offer) if offered else offer))
        await until(lambda: peer.can_tell)
        yield peer, caller
    finally:
        await caller.close()
        await peer.close()


def test_a_path_that_is_given_up_from_here_is_no_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with connected() as (peer, _):
            (transport,) = peer._ice_transports()
            monkeypatch.setattr(ice, "CONSENT_SECONDS", 0.0)
            transport._connection._query_consent_task.cancel()
            await check_consent(transport._connection, peer._give_up)
            await until(lambda: peer._connection.connectionState == "closed")
            assert peer.state == "failed"

    asyncio.run(main())


def test_a_client_that_closes_says_goodbye() -> None:
    async def main() -> None:
        async with connected() as (peer, caller):
            await caller.close()
            await until(lambda: peer.state == "closed")

    asyncio.run(main())


def test_a_client_that_hides_all_its_addresses_and_will_tell_no_more_is_found_by_its_own_checks() -> None:
    async def main() -> None:
        async with connected(r"a=candidate:.*\r\n") as (peer, _):
            assert peer.state == "connected"

    asyncio.run(main())


@pytest.mark.parametrize("gap", [0, 1])
def test_a_client_that_sends_pieces_without_end_is_disconnected(gap: int) -> None:
    """``gap``: one piece is missing before them; without, the message has no end."""

    async def main() -> None:
        async with connected() as (peer, _):
            sctp: Any = peer._connection.sctp
            pieces = _pieces(sctp._last_received_tsn + 1 + gap)
            for piece in islice(pieces, MOST_PIECES + 1):
                await sctp._receive_data_chunk(piece)
            with pytest.raises(ConnectionError):
                await sctp._receive_data_chunk(next(pieces))

    asyncio.run(main())


def _pieces(tsn: int) -> Iterator[DataChunk]:
    for number in count():
        piece = DataChunk(flags=0 if number else SCTP_DATA_FIRST_FRAG)
        piece.tsn, piece.stream_id, piece.stream_seq = (tsn + number) & 0xFFFFFFFF, 7, 0
        piece.protocol, piece.user_data = 51, b"x"
        yield piece


def test_a_client_that_begins_one_stream_after_another_is_disconnected() -> None:
    async def main() -> None:
        receiver = OpusReceiver(MagicMock(), hear_nothing)
        await receiver.receive(RTCRtpReceiveParameters(codecs=[RTCRtpCodecParameters("audio/opus", 48_000, 2, 111)]))
        try:
            for ssrc in range(MOST_STREAMS):
                packet = RtpPacket(
                    payload_type=111, sequence_number=ssrc, timestamp=960 * ssrc, ssrc=ssrc, payload=b"\xf8"
                )
                await receiver._handle_rtp_packet(packet, 0)
            assert receiver.stream_count == MOST_STREAMS
            assert [report.ssrc for report in receiver.reports()] == [MOST_STREAMS - 1]
            with pytest.raises(ConnectionError):
                await receiver._handle_rtp_packet(RtpPacket(payload_type=111, ssrc=MOST_STREAMS, payload=b"\xf8"), 0)
        finally:
            await receiver.stop()

    asyncio.run(main())
