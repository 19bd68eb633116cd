"""What begins a call over WebRTC, and what is refused: offers, forms, keys, origins. Sessions follow a script."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import NoReturn

import pytest

from realtime.keys import Keys
from realtime.webrtc.ice import Reach
from realtime.webrtc.peer import MAX_CANDIDATES, Peer, PeerEvents
from tests.realtime.webrtc.caller import (
    CALLS,
    SDP,
    Caller,
    calling,
    hear_nothing,
    offer_of,
    refused,
    serving,
    until,
    without_opus,
)
from tests.realtime.wire.fake_session import fake_server

pytestmark = pytest.mark.slow


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

    asyncio.run(main())


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

    asyncio.run(main())


def test_a_bug_while_a_session_is_made_is_no_endless_wait() -> None:
    async def main() -> None:
        server, _ = fake_server()

        def fails(**_: object) -> NoReturn:
            raise ValueError("a bug, on request")

        server._make_session = fails
        async with serving(server) as client, asyncio.timeout(10):
            with pytest.raises(ValueError, match="on request"):
                await client.post(CALLS, content=await offer_of(audio="sendrecv"), headers=SDP)

    asyncio.run(main())


def test_no_more_addresses_are_tried_than_a_client_can_have() -> None:
    async def main() -> None:
        offer = await offer_of(audio="sendrecv")
        many = "".join(f"a=candidate:{n} 1 udp 1 10.0.{n // 250}.{n % 250 + 1} 9 typ host\r\n" for n in range(1000))
        peer = Peer(Reach(), [], PeerEvents(hear_nothing, lambda _: None, lambda: None))
        try:
            await peer.answer(offer.replace("a=ice-ufrag", many + "a=ice-ufrag", 1))
            assert len(peer.addresses()[1]) == MAX_CANDIDATES
        finally:
            await peer.close()

    asyncio.run(main())


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

    asyncio.run(main())


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

    asyncio.run(main())


def test_events_are_as_small_as_the_client_takes_them() -> None:
    async def main() -> None:
        server, _ = fake_server()
        caller = Caller()
        async with serving(server) as client:
            offer, count = re.subn(r"(?<=a=max-message-size:)\d+", "4096", await caller.offer())
            assert count == 1
            session = json.dumps({"type": "realtime", "instructions": "Rhyme. " * 2000})
            answer = await client.post(CALLS, files={"sdp": (None, offer), "session": (None, session)})
            await caller.take(answer.text)
            created = await caller.told("session.created")
            assert 3000 < len(json.dumps(created, separators=(",", ":"))) <= 4096
            caller.tell(type="response.create")
            await caller.told("response.done")
            await caller.close()

    asyncio.run(main())


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

    asyncio.run(main())


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

    asyncio.run(main())


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

    asyncio.run(main())


def test_a_full_server_refuses() -> None:
    async def main() -> None:
        server, _ = fake_server(max_sessions=1)
        async with serving(server) as client, calling(client):
            offer = await offer_of(audio="sendrecv")
            assert await refused(client, content=offer, headers=SDP) == (503, "server_busy")

    asyncio.run(main())


def test_foreign_pages_are_refused() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with serving(server) as client:
            headers = SDP | {"Origin": "https://elsewhere.example"}
            assert await refused(client, content=await offer_of(audio="sendrecv"), headers=headers) == (
                403,
                "origin_refused",
            )

    asyncio.run(main())


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

    asyncio.run(main())


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

    asyncio.run(main())
