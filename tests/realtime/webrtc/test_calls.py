"""Calls over WebRTC: HTTP in process, real ICE, DTLS, Opus and SCTP on this machine, and sessions that follow a script."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from unittest.mock import MagicMock

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters, RTCRtpSendParameters

from realtime.keys import Keys
from realtime.webrtc.call import QUIET_SECONDS
from realtime.webrtc.peer import Peer
from realtime.webrtc.rtp import OpusReceiver, OpusSender
from tests.realtime.webrtc.caller import (
    CALLS,
    SDP,
    Caller,
    Tone,
    calling,
    hear_nothing,
    offer_of,
    refused,
    serving,
    until,
)
from tests.realtime.wire.fake_session import fake_server

pytestmark = pytest.mark.slow


def test_a_call_from_hello_to_hanging_up() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client) as (caller, address):
            assert address.startswith(f"{CALLS}/rtc_")
            await until(lambda: sessions[0].heard_seconds > 0.5)
            caller.tell(type="response.create")
            await caller.told("response.done")
            assert "response.output_audio.delta" not in caller.kinds()
            said = [e["delta"] for e in caller.events if e["type"] == "response.output_audio_transcript.delta"]
            assert "".join(said) == "Hi there."
            assert (await client.post(f"{address}/hangup")).status_code == 200
            await until(lambda: server.session_count == 0)
            assert (await client.post(f"{address}/hangup")).status_code == 404

    asyncio.run(main())


def test_the_clients_goodbye_ends_its_call() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            async with calling(client):
                assert server.session_count == 1
            await until(lambda: server.session_count == 0, 10)

    asyncio.run(main())


def test_a_call_whose_path_broke_goes_on_over_a_new_one_and_nothing_is_lost() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client) as (first, address):
            first.tell(type="response.create")
            done = await first.told("response.done")
            await first.drop()
            await asyncio.sleep(0.1)
            sessions[0].begin_long_answer()  # told while nobody can hear it
            second = Caller()
            known = done["event_id"]
            answer = await client.post(
                f"{address}/reconnect?last_event_id={known}", content=await second.offer(), headers=SDP
            )
            assert answer.status_code == 201
            assert answer.headers["Location"] == address
            await second.take(answer.text)
            await second.told("response.created")
            assert "session.created" not in second.kinds()
            assert server.session_count == 1
            heard = sessions[0].heard_seconds
            await until(lambda: sessions[0].heard_seconds > heard + 0.3)
            await second.close()

    asyncio.run(main())


def test_what_left_and_was_not_seen_is_sent_again() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client, calling(client) as (first, address):
            first.tell(type="response.create")
            await first.told("response.done")
            kinds = first.kinds()
            await first.drop()
            second = Caller()
            created = first.events[kinds.index("response.created")]["event_id"]
            answer = await client.post(
                f"{address}/reconnect?last_event_id={created}", content=await second.offer(), headers=SDP
            )
            await second.take(answer.text)
            await second.told("response.done")
            assert (
                second.kinds()[: len(kinds) - kinds.index("response.created") - 1]
                == (kinds[kinds.index("response.created") + 1 :])
            )
            await second.close()

    asyncio.run(main())


def test_a_path_that_is_not_renewed_ends_the_call() -> None:
    async def main() -> None:
        server, sessions = fake_server(webrtc={"reconnect_seconds": 0.5})
        async with serving(server) as client, calling(client) as (caller, address):
            await until(lambda: sessions[0].heard_seconds > 0.1)
            await caller.drop()
            await until(lambda: server.session_count == 0)
            reconnecting = await client.post(
                f"{address}/reconnect", content=await offer_of(audio="sendrecv"), headers=SDP
            )
            assert reconnecting.status_code == 404
            assert reconnecting.json()["error"]["code"] == "call_not_found"

    asyncio.run(main())


def test_a_caller_who_comes_back_at_the_last_moment_has_time_to_connect() -> None:
    async def main() -> None:
        server, sessions = fake_server(webrtc={"reconnect_seconds": 1.5})
        async with serving(server) as client, calling(client) as (first, address):
            await until(lambda: sessions[0].heard_seconds > 0.1)
            await first.drop()
            await asyncio.sleep(QUIET_SECONDS + 0.8)
            second = Caller()
            answer = await client.post(f"{address}/reconnect", content=await second.offer(), headers=SDP)
            assert answer.status_code == 201
            await asyncio.sleep(1.5)  # a slow network: the answer arrives when the old path's time is over
            await second.take(answer.text)
            heard = sessions[0].heard_seconds
            await until(lambda: sessions[0].heard_seconds > heard + 0.3)
            await second.close()

    asyncio.run(main())


def test_who_comes_back_is_answered_before_the_old_path_is_taken_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client) as (first, address):
            close, released = Peer.close, asyncio.Event()

            async def close_late(peer: Peer) -> None:
                await released.wait()
                await close(peer)

            monkeypatch.setattr(Peer, "close", close_late)
            await first.drop()
            second = Caller()
            async with asyncio.timeout(10):
                answer = await client.post(f"{address}/reconnect", content=await second.offer(), headers=SDP)
            await second.take(answer.text)
            heard = sessions[0].heard_seconds
            await until(lambda: sessions[0].heard_seconds > heard + 0.3)
            released.set()
            await second.close()

    asyncio.run(main())


def test_a_secret_that_expires_in_its_call_takes_that_up_and_ends_it_but_begins_no_other() -> None:
    async def main() -> None:
        now = [0.0]
        server, _ = fake_server()
        server.keys = Keys(["sesame"], clock=lambda: now[0])
        bearer = SDP | {"Authorization": f"Bearer {server.keys.mint({'type': 'realtime'}, 10).value}"}
        stranger = SDP | {"Authorization": f"Bearer {server.keys.mint({'type': 'realtime'}, 10).value}"}
        async with serving(server) as client, calling(client, headers=bearer) as (first, address):
            now[0] = 11
            await first.drop()
            second = Caller()
            offer = await second.offer()
            for headers in (stranger, SDP):
                assert (await client.post(f"{address}/reconnect", content=offer, headers=headers)).status_code == 401
            answer = await client.post(f"{address}/reconnect", content=offer, headers=bearer)
            assert answer.status_code == 201, answer.text
            assert await refused(client, content=offer, headers=bearer) == (401, "invalid_api_key")
            assert (await client.post(f"{address}/hangup", headers=bearer)).status_code == 200
            await second.close()

    asyncio.run(main())


def test_a_call_that_never_connects_is_given_up_with_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        server, _ = fake_server(webrtc={"connect_seconds": 0.3})
        async with serving(server) as client:
            answer = await client.post(CALLS, content=await offer_of(audio="sendrecv"), headers=SDP)
            assert answer.status_code == 201
            assert server.session_count == 1
            await until(lambda: server.session_count == 0)

    asyncio.run(main())
    assert "no path for its sound" in caplog.text
    assert "webrtc.udp_ports" in caplog.text


@pytest.mark.parametrize("direction", ["recvonly", "sendonly"])
def test_callers_without_a_microphone_or_without_a_loudspeaker(direction: str) -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client, direction=direction) as (caller, _):
            caller.tell(type="response.create")
            await caller.told("response.done")
            assert (sessions[0].heard_seconds > 0) == (direction == "sendonly")

    asyncio.run(main())


def test_a_caller_without_a_data_channel_talks_and_no_events_pile_up() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client:
            caller = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            caller.addTrack(Tone())
            await caller.setLocalDescription(await caller.createOffer())
            answer = await client.post(CALLS, content=caller.localDescription.sdp, headers=SDP)
            await caller.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            await until(lambda: sessions[0].heard_seconds > 0.1)
            await caller.close()
            await until(lambda: server.session_count == 0)

    asyncio.run(main())


def test_what_strangers_send_to_its_port_does_not_end_a_call() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client) as (caller, _):
            await until(lambda: sessions[0].heard_seconds > 0.1)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for port in loopback_ports(caller.connection.remoteDescription.sdp):
                    for datagram in (b"", b"\x00", b"\x16", b"\x80", b"\x80\xc8", b"\x16\xfe\xff", b"\xff" * 1500):
                        stranger.sendto(datagram, ("127.0.0.1", port))
            heard = sessions[0].heard_seconds
            await until(lambda: sessions[0].heard_seconds > heard + 0.3)

    asyncio.run(main())


def loopback_ports(answer: str) -> list[int]:
    candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate")]
    return [int(parts[5]) for parts in candidates if parts[4] == "127.0.0.1"]


def test_what_is_closed_while_it_comes_up_leaves_nothing_running() -> None:
    async def main() -> None:
        transport = MagicMock()
        receiver = OpusReceiver(transport, hear_nothing)
        sender = OpusSender(transport, receiver)
        opus = RTCRtpCodecParameters("audio/opus", 48_000, 2, 111)
        for part in (receiver, sender):
            await part.stop()
        before = asyncio.all_tasks()
        await receiver.receive(RTCRtpReceiveParameters(codecs=[opus]))
        await sender.send(RTCRtpSendParameters(codecs=[opus]))
        assert asyncio.all_tasks() == before
        assert not sender.is_open
        assert not transport.mock_calls

    asyncio.run(main())


def test_a_message_without_end_ends_its_call_alone() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client, calling(client) as (other, _), calling(client) as (caller, _):
            caller.tell(type="big", pad="a" * 200_000)
            assert (await caller.told("error"))["error"]["code"] != "session_failed"
            assert server.session_count == 2, "what a message may have, is taken"
            sctp: Any = caller.connection.sctp
            sctp._remote_max_message_size = 0
            caller.channel.send("a" * 3_000_000)
            await until(lambda: server.session_count == 1)
            other.tell(type="response.create")
            await other.told("response.done")

    asyncio.run(main())


def test_media_stays_within_its_ports_and_the_public_address_is_offered() -> None:
    async def main() -> None:
        server, _ = fake_server(webrtc={"udp_ports": "50200-50219", "public_address": "203.0.113.7"})
        async with serving(server) as client:
            async with calling(client):
                pass
            answer = await client.post(CALLS, content=await offer_of(audio="sendrecv"), headers=SDP)
            candidates = [line.split() for line in answer.text.splitlines() if line.startswith("a=candidate")]
            addresses = {parts[4] for parts in candidates}
            assert all(50_200 <= int(parts[5]) <= 50_219 for parts in candidates)
            assert "127.0.0.1" in addresses
            assert "203.0.113.7" in addresses or not {a for a in addresses if "." in a} - {"127.0.0.1"}

    asyncio.run(main())


def test_a_shut_down_server_says_goodbye() -> None:
    async def main() -> None:
        server, _ = fake_server(shutdown_grace_seconds=2)
        async with serving(server) as client, calling(client) as (caller, _):
            await server.stop()
            assert server.session_count == 0
            await until(lambda: caller.connection.connectionState in ("closed", "failed"))

    asyncio.run(main())


def test_a_bug_ends_its_call_alone() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client, calling(client) as (other, _), calling(client) as (caller, _):
            caller.tell(type="input_audio_buffer.clear")
            assert (await caller.told("error"))["error"]["code"] == "session_failed"
            await until(lambda: server.session_count == 1)
            other.tell(type="response.create")
            await other.told("response.done")

    asyncio.run(main())


def test_a_bug_in_hearing_ends_its_call_alone() -> None:
    async def main() -> None:
        server, sessions = fake_server()

        async def fails(_: object) -> None:
            raise ValueError("a bug, on request")

        async with serving(server) as client, calling(client) as (other, _), calling(client) as (caller, _):
            setattr(sessions[1], "hear", fails)  # noqa: B010
            assert (await caller.told("error"))["error"]["code"] == "session_failed"
            await until(lambda: server.session_count == 1)
            other.tell(type="response.create")
            await other.told("response.done")

    asyncio.run(main())


def test_a_client_that_takes_its_microphone_away_keeps_its_path() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client) as (caller, _):
            await until(lambda: sessions[0].heard_seconds > 0.2)
            caller.connection.getSenders()[0].replaceTrack(None)
            await asyncio.sleep(QUIET_SECONDS + 4.0)  # in real time, as the checks of ICE are
            caller.tell(type="response.create")
            await caller.told("response.done")

    asyncio.run(main())
