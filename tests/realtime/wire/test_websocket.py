"""The door in its ASGI application, with sessions that follow a script."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from realtime.app import create_app
from tests.realtime.wire.fake_session import fake_server
from tests.realtime.wire.wire_help import held_against_official


def collect(socket: Any, last: str) -> list[dict[str, Any]]:
    """Events up to one of type ``last``."""
    events = [socket.receive_json()]
    while events[-1]["type"] != last:
        events.append(socket.receive_json())
    return [held_against_official(event) for event in events]


def test_a_session_from_hello_to_answer() -> None:
    server, sessions = fake_server()
    with TestClient(create_app(server)) as client, client.websocket_connect("/v1/realtime?model=any") as socket:
        created = collect(socket, "session.created")[-1]
        assert created["session"]["model"] == "any"
        socket.send_json({"type": "session.update", "event_id": "e1", "session": {"type": "realtime"}})
        collect(socket, "session.updated")
        socket.send_json({"type": "response.create", "response": {"metadata": {"a": "b"}}})
        events = collect(socket, "response.done")
        audio = b"".join(base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta")
        assert len(audio) == 9600
        assert events[-1]["response"]["metadata"] == {"a": "b"}
        assert server.session_count == 1
    assert server.session_count == 0
    assert b"stretto_bus_coalesced_total 2.0" in server.metrics.render()
    assert [kind for kind, _ in sessions[0].asked] == ["configure", "response"]


@pytest.mark.parametrize(("audio_format", "size"), [("audio/pcmu", 1600), ("audio/pcma", 1600)])
def test_companded_audio_both_ways(audio_format: str, size: int) -> None:
    server, sessions = fake_server()
    formats = {"format": {"type": audio_format}}
    with TestClient(create_app(server)) as client, client.websocket_connect("/v1/realtime") as socket:
        socket.send_json({"type": "session.update", "session": {"audio": {"input": formats, "output": formats}}})
        socket.send_json({"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(4000)).decode()})
        socket.send_json({"type": "input_audio_buffer.commit"})
        collect(socket, "conversation.item.done")
        assert sessions[0].heard_seconds == pytest.approx(0.5)
        socket.send_json({"type": "response.create"})
        events = collect(socket, "response.done")
    audio = b"".join(base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta")
    assert size - 20 <= len(audio) <= size  # the resampler holds about a millisecond back


def test_broken_frames_do_not_end_the_session() -> None:
    server, _ = fake_server()
    with TestClient(create_app(server)) as client, client.websocket_connect("/v1/realtime") as socket:
        collect(socket, "session.created")
        for frame in ("{", "[]", '{"type": "nonsense"}', '{"type":"input_audio_buffer.append","audio":"AAA"}'):
            socket.send_text(frame)
            assert collect(socket, "error")[-1]["error"]["message"]
        socket.send_text('{"type": "conversation.item.delete", "item_id": "\\ud800"}')
        assert "\ud800" in socket.receive_json()["error"]["message"]
        socket.send_bytes(b'{"type": "response.create", "response": {"output_modalities": ["text"]}}')
        assert collect(socket, "response.done")[-1]["response"]["status"] == "completed"
        scraped = client.get("/metrics").text
    assert 'stretto_client_errors_total{code="invalid_json"} 1.0' in scraped
    assert "stretto_sessions 1.0" in scraped


def test_a_tool_is_cancelled_or_the_client_is_told_that_none_runs() -> None:
    server, sessions = fake_server()
    with TestClient(create_app(server)) as client, client.websocket_connect("/v1/realtime") as socket:
        collect(socket, "session.created")
        for call_id in ("call_running", "call_through"):
            socket.send_json({"type": "stretto.tool.cancel", "call_id": call_id, "event_id": f"event of {call_id}"})
        error = collect(socket, "error")[-1]["error"]
    assert [what for what in sessions[0].asked if what[0] == "cancel_tool"] == [
        ("cancel_tool", "call_running"),
        ("cancel_tool", "call_through"),
    ]
    assert (error["code"], error["event_id"]) == ("tool_cancel_not_active", "event of call_through")


def test_a_bug_ends_its_session_alone_and_says_so() -> None:
    server, _ = fake_server()
    with TestClient(create_app(server)) as client:
        with client.websocket_connect("/v1/realtime") as other, client.websocket_connect("/v1/realtime") as socket:
            socket.send_json({"type": "input_audio_buffer.clear"})
            assert collect(socket, "error")[-1]["error"]["code"] == "session_failed"
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
            assert closed.value.code == 1011
            other.send_json({"type": "response.create"})
            collect(other, "response.done")
        assert client.get("/health").status_code == 200


def test_keys_are_checked_in_headers_and_subprotocols() -> None:
    server, _ = fake_server(api_keys=["secret"])
    with TestClient(create_app(server)) as client:
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/v1/realtime"):
            pass
        assert refused.value.status_code == 401
        assert refused.value.json()["error"]["code"] == "invalid_api_key"
        with client.websocket_connect("/v1/realtime", headers={"Authorization": "Bearer secret"}) as socket:
            collect(socket, "session.created")
        offered = ["realtime", "openai-insecure-api-key.secret", "openai-agents-sdk.1.2.3"]
        with client.websocket_connect("/v1/realtime", subprotocols=offered) as socket:
            assert socket.accepted_subprotocol == "realtime"
            collect(socket, "session.created")


def test_a_client_secret_brings_its_session_along() -> None:
    server, _ = fake_server(api_keys=["secret"])
    asked = {
        "expires_after": {"anchor": "created_at", "seconds": 60},
        "session": {"type": "realtime", "instructions": "Rhyme."},
    }
    with TestClient(create_app(server)) as client:
        assert client.post("/v1/realtime/client_secrets", json=asked).status_code == 401
        made = client.post("/v1/realtime/client_secrets", json=asked, headers={"Authorization": "Bearer secret"}).json()
        assert made["session"]["instructions"] == "Rhyme."
        assert made["value"].startswith("ek_")
        offered = ["realtime", f"openai-insecure-api-key.{made['value']}"]
        with client.websocket_connect("/v1/realtime", subprotocols=offered) as socket:
            assert collect(socket, "session.created")[0]["session"]["instructions"] == "Rhyme."


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"anchor": "created_at", "seconds": 5}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "expires_after.anchor"),
        ({"session": {"type": "phone"}}, "session.type"),
        ({"session": {"type": "realtime", "instructions": "x" * 70_000}}, "session"),
    ],
)
def test_bad_requests_for_secrets(body: dict[str, Any], param: str) -> None:
    server, _ = fake_server()
    with TestClient(create_app(server)) as client:
        answer = client.post("/v1/realtime/client_secrets", json=body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
        assert client.post("/v1/realtime/client_secrets", content=b" " * 2_000_000).status_code == 400
        assert client.post("/v1/realtime/client_secrets", content=b"").status_code == 200


def test_pages_of_other_sites_need_a_key() -> None:
    server, _ = fake_server()
    with TestClient(create_app(server), base_url="http://127.0.0.1:8080") as client:
        evil = {"Origin": "https://evil.example"}
        with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/v1/realtime", headers=evil):
            pass
        assert client.post("/v1/realtime/client_secrets", headers=evil).status_code == 403
        for origin in ("http://localhost:3000", "http://127.0.0.1", "http://127.0.0.1:8080"):
            with client.websocket_connect("ws://127.0.0.1:8080/v1/realtime", headers={"Origin": origin}):
                pass


def test_a_page_whose_name_was_bound_to_loopback_is_refused() -> None:
    server, _ = fake_server()
    with TestClient(create_app(server), base_url="http://evil.example:8080") as client:
        for origin in ("http://evil.example:8080", "http://["):
            with pytest.raises(WebSocketDenialResponse) as refused:
                client.websocket_connect("ws://evil.example:8080/v1/realtime", headers={"Origin": origin}).__enter__()
            assert refused.value.status_code == 403
            assert client.post("/v1/realtime/client_secrets", headers={"Origin": origin}).status_code == 403


def test_a_full_server_refuses_with_a_reason() -> None:
    server, _ = fake_server(max_sessions=1)
    with TestClient(create_app(server)) as client, client.websocket_connect("/v1/realtime"):
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/v1/realtime"):
            pass
        assert refused.value.status_code == 503
        assert "1 lines" in refused.value.json()["error"]["message"]


def test_an_unknown_call_is_refused() -> None:
    server, _ = fake_server()
    with TestClient(create_app(server)) as client:
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/v1/realtime?call_id=rtc_1"):
            pass
        assert refused.value.status_code == 404


def test_the_beta_form_on_request() -> None:
    server, sessions = fake_server()
    beta = {"OpenAI-Beta": "realtime=v1"}
    with TestClient(create_app(server)) as client, client.websocket_connect("/v1/realtime", headers=beta) as socket:
        created = socket.receive_json()["session"]
        assert (created["modalities"], created["input_audio_format"]) == (["text", "audio"], "pcm16")
        assert "audio" not in created
        assert socket.receive_json()["type"] == "conversation.created"
        changes = {"voice": "alloy", "turn_detection": {"type": "server_vad"}, "modalities": ["text"]}
        socket.send_json({"type": "session.update", "session": changes})
        updated = socket.receive_json()["session"]
        assert (updated["voice"], updated["turn_detection"]["type"]) == ("alloy", "server_vad")
        socket.send_json({"type": "response.create", "response": {"modalities": ["audio", "text"]}})
        types = [socket.receive_json()["type"]]
        while types[-1] != "response.done":
            types.append(socket.receive_json()["type"])
    assert types == [
        "response.created",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert sessions[0].asked[0][1].voice == "alloy"


def test_a_transcription_session_by_its_url() -> None:
    server, _ = fake_server()
    url = "/v1/realtime?intent=transcription"
    with TestClient(create_app(server)) as client, client.websocket_connect(url) as socket:
        assert collect(socket, "session.created")[0]["session"]["type"] == "transcription"


def test_it_mounts_into_another_application() -> None:
    server, _ = fake_server()
    host = Starlette(routes=[Mount("/agent", create_app(server))], lifespan=lambda _: server.running())
    with TestClient(host) as client:
        assert client.get("/agent/health").json()["status"] == "ok"
        with client.websocket_connect("/agent/v1/realtime") as socket:
            collect(socket, "session.created")
