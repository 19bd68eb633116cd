"""Calls over WebRTC: HTTP in process, real ICE, DTLS, Opus and SCTP on this machine, and sessions that follow a script."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Coroutine
from typing import Any, NoReturn
from unittest.mock import MagicMock

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters, RTCRtpSendParameters

from realtime.keys import Keys
from realtime.webrtc.call import QUIET_SECONDS
from realtime.webrtc.ice import Reach
from realtime.webrtc.peer import MAX_CANDIDATES, Peer, PeerEvents
from realtime.webrtc.rtp import OpusReceiver, OpusSender
from tests.realtime.webrtc.caller import CALLS, Caller, Tone, calling, offer_of, serving, until, without_opus
from tests.realtime.wire.fake_session import fake_server

SDP = {"Content-Type": "application/sdp"}
pytestmark = pytest.mark.slow


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


async def refused(client: httpx.AsyncClient, **request: Any) -> tuple[int, str]:
    answer = await client.post(CALLS, **request)
    return answer.status_code, answer.json()["error"]["code"]


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

    run(main())


def test_the_clients_goodbye_ends_its_call() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            async with calling(client):
                assert server.session_count == 1
            await until(lambda: server.session_count == 0, 10)

    run(main())


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

    run(main())


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

    run(main())


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

    run(main())


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

    run(main())


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

    run(main())


def test_a_call_that_never_connects_is_given_up_with_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        server, _ = fake_server(webrtc={"connect_seconds": 0.3})
        async with serving(server) as client:
            answer = await client.post(CALLS, content=await offer_of(audio="sendrecv"), headers=SDP)
            assert answer.status_code == 201
            assert server.session_count == 1
            await until(lambda: server.session_count == 0)

    run(main())
    assert "no path for its sound" in caplog.text
    assert "webrtc.udp_ports" in caplog.text


@pytest.mark.parametrize(
    ("body", "code"),
    [("", "missing_required_parameter"), ("hello", "invalid_offer"), ("v=0\r\nm=audio", "invalid_offer")],
)
def test_what_is_no_offer_is_refused_and_takes_no_place(body: str, code: str) -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            assert await refused(client, content=body, headers=SDP) == (400, code)
            await until(lambda: server.session_count == 0)

    run(main())


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("a=sendrecv\r\n", ""), ("a=mid:0\r\n", ""), ("a=group:BUNDLE 0 1", "a=group:BUNDLE -1 1")],
)
def test_an_offer_that_aiortc_stumbles_over_is_refused_and_takes_no_place(was: str, becomes: str) -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            offer = await offer_of(audio="sendrecv")
            assert was in offer
            assert await refused(client, content=offer.replace(was, becomes), headers=SDP) == (400, "invalid_offer")
            await until(lambda: server.session_count == 0)

    run(main())


def test_a_bug_while_a_session_is_made_is_no_endless_wait() -> None:
    async def main() -> None:
        server, _ = fake_server()

        def fails(**_: object) -> NoReturn:
            raise ValueError("a bug, on request")

        server._make_session = fails
        async with serving(server) as client, asyncio.timeout(10):
            with pytest.raises(ValueError, match="on request"):
                await client.post(CALLS, content=await offer_of(audio="sendrecv"), headers=SDP)

    run(main())


def test_no_more_addresses_are_tried_than_a_client_can_have() -> None:
    async def main() -> None:
        offer = await offer_of(audio="sendrecv")
        many = "".join(f"a=candidate:{n} 1 udp 1 10.0.{n // 250}.{n % 250 + 1} 9 typ host\r\n" for n in range(1000))
        peer = Peer(Reach(), [], PeerEvents(_hear_nothing, lambda _: None, lambda: None))
        try:
            await peer.answer(offer.replace("a=ice-ufrag", many + "a=ice-ufrag", 1))
            assert len(peer.addresses()[1]) == MAX_CANDIDATES
        finally:
            await peer.close()

    run(main())


async def _hear_nothing(_: object) -> None: ...


def test_offers_without_sound_without_opus_and_with_pictures_are_refused() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            silent = await offer_of()
            pictures = (await offer_of(audio="sendrecv")).replace("m=audio", "m=video")
            old = without_opus(await offer_of(audio="sendrecv"))
            for offer in (silent, pictures, old):
                assert await refused(client, content=offer, headers=SDP) == (400, "invalid_offer")
            await until(lambda: server.session_count == 0)

    run(main())


def test_a_form_brings_the_session_along() -> None:
    async def main() -> None:
        server, _ = fake_server()
        caller = Caller()
        async with serving(server) as client:
            session = json.dumps({"type": "realtime", "instructions": "Rhyme."})
            form = {"sdp": (None, await caller.offer(), "application/sdp"), "session": (None, session)}
            answer = await client.post(CALLS, files=form)
            assert answer.status_code == 201, answer.text
            await caller.take(answer.text)
            assert (await caller.told("session.created"))["session"]["instructions"] == "Rhyme."
            await caller.close()
            wrong = {"sdp": (None, await offer_of(audio="sendrecv")), "session": (None, '{"type": "opera"}')}
            assert (await client.post(CALLS, files=wrong)).status_code == 400
            broken = {"sdp": (None, await offer_of(audio="sendrecv")), "session": (None, "{")}
            assert (await client.post(CALLS, files=broken)).json()["error"]["code"] == "invalid_json"

    run(main())


SESSION_FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="session"\r\n\r\n%s\r\n'
    b"--XX\r\nContent-Type: application/sdp\r\ncontent-disposition: form-data; filename=a; name=sdp\r\n\r\n%s\r\n--XX--\r\n"
)


def test_forms_and_types_as_clients_write_them() -> None:
    async def main() -> None:
        server, _ = fake_server()
        offer = (await offer_of(audio="sendrecv")).encode()
        body = SESSION_FORM % (b'{"type": "realtime"}', offer)
        async with serving(server) as client:
            for content, kind in [
                (offer, "Application/SDP; charset=utf-8"),
                (offer, ""),
                (body, "Multipart/Form-Data; boundary=XX"),
                (body, 'multipart/form-data; charset=utf-8; boundary="XX"'),
            ]:
                answer = await client.post(CALLS, content=content, headers={"Content-Type": kind})
                assert answer.status_code == 201, (kind, answer.text)
                await client.post(f"{answer.headers['Location']}/hangup")
            deep = SESSION_FORM % (b"[" * 200_000, offer)
            form = {"Content-Type": "multipart/form-data; boundary=XX"}
            assert await refused(client, content=deep, headers=form) == (400, "invalid_json")

    run(main())


@pytest.mark.parametrize(
    "body",
    [
        b"--XX\r\n\r\n\r\n" * 80_000,
        b"--XX\r\nContent-Disposition: form-data; " + b"a=b;" * 200_000,
        b"--XX\r\nContent-Type: " + b"a/b;" * 200_000,
        b"--XX\r\nContent-Disposition: " + b"(" * 900_000,
        b"\n" * 900_000,
        b"\r\n--XX" + b" " * 900_000,
    ],
)
def test_a_form_that_is_made_to_take_long_does_not_hold_up_the_calls(body: bytes) -> None:
    async def main() -> None:
        server, _ = fake_server()
        form = {"Content-Type": "multipart/form-data; boundary=XX"}
        async with serving(server) as client:
            began = time.process_time()
            status, code = await refused(client, content=body, headers=form)
            assert (status, code in ("invalid_form", "missing_required_parameter")) == (400, True)
            assert time.process_time() - began < 2, "it took 10 s and more by email.parser"

    run(main())


def test_keys_and_what_a_secret_carries() -> None:
    async def main() -> None:
        server, _ = fake_server(api_keys=["sesame"])
        async with serving(server) as client:
            offer = await offer_of(audio="sendrecv")
            assert await refused(client, content=offer, headers=SDP) == (401, "invalid_api_key")
            assert (await client.get("/v1/realtime/ice_servers")).status_code == 401
            secret = server.keys.mint({"type": "realtime", "instructions": "Whisper."})
            bearer = {"Authorization": f"Bearer {secret.value}"}
            async with calling(client, headers=bearer) as (caller, address):
                assert (await caller.told("session.created"))["session"]["instructions"] == "Whisper."
                assert (await client.post(f"{address}/hangup")).status_code == 401
                assert (await client.post(f"{address}/hangup", headers=bearer)).status_code == 200

    run(main())


@pytest.mark.parametrize("direction", ["recvonly", "sendonly"])
def test_callers_without_a_microphone_or_without_a_loudspeaker(direction: str) -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client, direction=direction) as (caller, _):
            caller.tell(type="response.create")
            await caller.told("response.done")
            assert (sessions[0].heard_seconds > 0) == (direction == "sendonly")

    run(main())


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

    run(main())


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

    run(main())


def loopback_ports(answer: str) -> list[int]:
    candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate")]
    return [int(parts[5]) for parts in candidates if parts[4] == "127.0.0.1"]


def test_what_is_closed_while_it_comes_up_leaves_nothing_running() -> None:
    async def main() -> None:
        transport = MagicMock()
        receiver = OpusReceiver(transport, _hear_nothing)
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

    run(main())


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

    run(main())


def test_a_full_server_refuses() -> None:
    async def main() -> None:
        server, _ = fake_server(max_sessions=1)
        async with serving(server) as client, calling(client):
            offer = await offer_of(audio="sendrecv")
            assert await refused(client, content=offer, headers=SDP) == (503, "server_busy")

    run(main())


def test_foreign_pages_are_refused() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            headers = SDP | {"Origin": "https://elsewhere.example"}
            assert await refused(client, content=await offer_of(audio="sendrecv"), headers=headers) == (
                403,
                "origin_refused",
            )

    run(main())


def test_a_relay_is_told_to_clients_with_its_password() -> None:
    async def main() -> None:
        relay = {"turn": "turn:relay.example:3478", "turn_username": "me", "turn_password": "pass"}
        server, _ = fake_server(webrtc={"stun": "stun:stun.example:3478", **relay})
        async with serving(server) as client:
            told = (await client.get("/v1/realtime/ice_servers")).json()["ice_servers"]
        assert told == [
            {"urls": "stun:stun.example:3478"},
            {"urls": "turn:relay.example:3478", "username": "me", "credential": "pass"},
        ]

    run(main())


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

    run(main())


def test_a_shut_down_server_says_goodbye() -> None:
    async def main() -> None:
        server, _ = fake_server(shutdown_grace_seconds=2)
        async with serving(server) as client, calling(client) as (caller, _):
            await server.stop()
            assert server.session_count == 0
            await until(lambda: caller.connection.connectionState in ("closed", "failed"))

    run(main())


def test_a_bug_ends_its_call_alone() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client, calling(client) as (other, _), calling(client) as (caller, _):
            caller.tell(type="input_audio_buffer.clear")
            assert (await caller.told("error"))["error"]["code"] == "session_failed"
            await until(lambda: server.session_count == 1)
            other.tell(type="response.create")
            await other.told("response.done")

    run(main())


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

    run(main())


def test_an_expired_secret_is_no_key() -> None:
    async def main() -> None:
        now = [0.0]
        server, _ = fake_server()
        server.keys = Keys(clock=lambda: now[0])
        secret = server.keys.mint({"type": "realtime"}, 10)
        now[0] = 11
        async with serving(server) as client:
            headers = SDP | {"Authorization": f"Bearer {secret.value}"}
            assert await refused(client, content=await offer_of(audio="sendrecv"), headers=headers) == (
                401,
                "invalid_api_key",
            )

    run(main())


def test_a_client_that_takes_its_microphone_away_keeps_its_path() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with serving(server) as client, calling(client) as (caller, _):
            await until(lambda: sessions[0].heard_seconds > 0.2)
            caller.connection.getSenders()[0].replaceTrack(None)
            await asyncio.sleep(QUIET_SECONDS + 4.0)  # in real time, as the checks of ICE are
            caller.tell(type="response.create")
            await caller.told("response.done")

    run(main())
