"""Websockets beside a running call: several listeners, several hands, one state of the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from audio.transport import PlayoutPosition
from realtime.sideband import MAX_SIDEBANDS
from realtime.websocket import serve_websocket
from realtime.wire_door import DoorOptions, WireDoor
from scheduler import commands as do
from scheduler import events as ev
from scheduler.pcm import Pcm, WordTime
from scheduler.tasks import cancel_and_wait
from tests.realtime.wire.fake_session import FakeSession, fake_server
from tests.realtime.wire.test_websocket import collect

MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
URL = "/v1/realtime?call_id=rtc_1"


class MediaLine:
    """Sound goes nowhere; its words are told."""

    def __init__(self) -> None:
        self.door: WireDoor | None = None

    @property
    def position(self) -> PlayoutPosition:
        return "exact"

    @property
    def sample_rate_hz(self) -> int:
        return 24_000

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        if self.door is not None:
            self.door.audio_left(utterance_id, pcm.duration_seconds, words)

    def played_seconds(self) -> float:
        return 0.0


class Call:
    """A call on a media line, its client a list."""

    def __init__(self, client: TestClient, door: WireDoor, session: FakeSession, told: list[dict[str, Any]]) -> None:
        self.client = client
        self.door = door
        self.session = session
        self.told = told

    def does(self, act: Callable[[], object]) -> None:
        """In the server's loop."""

        async def run() -> None:
            act()

        assert self.client.portal is not None
        self.client.portal.call(run)

    def client_sends(self, frame: str) -> None:
        assert self.client.portal is not None
        self.client.portal.call(self.door.receive, frame)

    def types(self) -> list[str]:
        return [event["type"] for event in self.told]


@contextmanager
def running_call(*, extensions: bool = False, stall_seconds: float = 30.0, **settings: Any) -> Iterator[Call]:
    server, sessions = fake_server(**settings)
    told: list[dict[str, Any]] = []
    doors: dict[str, WireDoor] = {}

    async def realtime(websocket: WebSocket) -> None:
        await serve_websocket(server, websocket, find_call=doors.get, stall_seconds=stall_seconds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        options, line = DoorOptions(media=True, extensions=extensions), MediaLine()
        door = WireDoor("sess_1", server.defaults(), options, send=told.append, metrics=server.metrics)
        line.door = doors["rtc_1"] = door
        async with (
            server.running(),
            server.open_session("sess_1", door, line, door.state.session.config()) as session,
            asyncio.TaskGroup() as tasks,
        ):
            door.greet(session)
            talk = tasks.create_task(session.run())
            yield
            await cancel_and_wait(talk)

    app = Starlette(routes=[WebSocketRoute("/v1/realtime", realtime)], lifespan=lifespan)
    with TestClient(app) as client:
        yield Call(client, doors["rtc_1"], sessions[0], told)


def test_a_sideband_hears_what_the_client_hears_from_then_on() -> None:
    with running_call() as call:
        call.client_sends('{"type":"session.update","session":{"type":"realtime","instructions":"Be kind."}}')
        with call.client.websocket_connect(URL) as side:
            created = collect(side, "session.created")[-1]["session"]
            assert (created["id"], created["instructions"]) == ("sess_1", "Be kind.")
            call.client_sends('{"type":"response.create"}')
            heard = collect(side, "response.done")
            assert heard == call.told[-len(heard) :]
            assert "response.output_audio_transcript.done" in [event["type"] for event in heard]
            call.client_sends('{"type":"conversation.item.retrieve","item_id":"nobody"}')
            call.client_sends('{"type":"response.create"}')
            assert collect(side, "response.created")[0]["type"] == "response.created"
        assert call.types().count("session.created") == 1
        assert "error" in call.types()


def test_a_sideband_steers_the_call_and_its_faults_are_its_own() -> None:
    with running_call() as call, call.client.websocket_connect(URL) as side:
        collect(side, "session.created")
        side.send_json({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}})
        assert collect(side, "session.updated")[-1]["session"]["instructions"] == "Be brief."
        side.send_json({"type": "conversation.item.create", "item": MESSAGE | {"id": "item_mine"}})
        collect(side, "conversation.item.done")
        side.send_json({"type": "conversation.item.retrieve", "item_id": "item_mine"})
        collect(side, "conversation.item.retrieved")
        side.send_json({"type": "response.create"})
        collect(side, "response.done")
        for kind in ("nonsense", "input_audio_buffer.append", "response.cancel"):
            side.send_json({"type": kind, "audio": "AAAA", "event_id": kind})
            assert collect(side, "error")[-1]["error"]["event_id"] == kind
        side.send_json({"type": "stretto.tool.cancel", "call_id": "call_through"})
        assert collect(side, "error")[-1]["error"]["code"] == "tool_cancel_not_active"
        side.send_json({"type": "conversation.item.delete", "item_id": "item_mine"})
        collect(side, "conversation.item.deleted")
        told = call.types()
        assert {"session.updated", "conversation.item.done", "response.done", "conversation.item.deleted"} <= set(told)
        assert not {"error", "conversation.item.retrieved"} & set(told)
    assert [what for what, _ in call.session.asked] == ["configure", "item", "response", "cancel_tool", "delete"]


def test_a_sideband_that_resets_its_settings_leaves_the_clients_events_alone() -> None:
    with running_call(extensions=True) as call, call.client.websocket_connect(f"{URL}&stretto=1") as side:
        collect(side, "session.created")
        own = {"type": "session.update", "session": {"type": "realtime", "stretto": {"effort": "deep"}}}
        side.send_json(own)
        assert collect(side, "session.updated")[-1]["session"]["stretto"]["effort"] == "deep"
        side.send_json({"type": "session.update", "session": {"type": "realtime", "stretto": None}})
        reset = collect(side, "session.updated")[-1]["session"]["stretto"]
        assert (reset["effort"], reset["events"]) == ("auto", True)
        assert call.door.state.session.wants_extensions


def test_extension_events_go_to_those_who_asked() -> None:
    heard = ev.WordsHeard("u1", "Hi", 0.1)
    with (
        running_call() as call,
        call.client.websocket_connect(URL) as plain,
        call.client.websocket_connect(f"{URL}&stretto=1") as asked,
    ):
        for side in (plain, asked):
            collect(side, "session.created")
        call.does(lambda: call.door.observe(0.0, heard))
        assert collect(asked, "stretto.said")[-1]["text"] == "Hi"
        asked.send_json({"type": "session.update", "session": {"type": "realtime", "stretto": {"events": False}}})
        plain.send_json({"type": "session.update", "session": {"type": "realtime", "stretto": {"events": True}}})
        for side in (plain, asked):
            collect(side, "session.updated")
        collect(plain, "session.updated")
        call.does(lambda: call.door.observe(0.0, heard))
        assert collect(plain, "stretto.said")[-1]["text"] == "Hi"
        assert not [kind for kind in call.types() if kind.startswith("stretto.")]
        plain.send_json({"type": "session.update", "session": {"type": "realtime", "stretto": {"events": "yes"}}})
        assert collect(plain, "error")[-1]["error"]["param"] == "session.stretto.events"
        nonsense = {"events": True, "effort": "nonsense"}
        asked.send_json({"type": "session.update", "session": {"type": "realtime", "stretto": nonsense}})
        assert collect(asked, "error")[-1]["error"]["param"] == "session.stretto.effort"
        call.does(lambda: call.door.observe(0.0, heard))
        collect(plain, "stretto.said")
        call.client_sends('{"type":"conversation.item.retrieve","item_id":"nobody"}')
        asked.send_json({"type": "response.create"})
        assert "stretto.said" not in [event["type"] for event in collect(asked, "response.created")]
    assert not call.door.state.sends_extensions


def test_a_client_that_asked_for_extensions_keeps_them_to_itself() -> None:
    with running_call(extensions=True) as call, call.client.websocket_connect(URL) as side:
        call.client_sends('{"type":"response.create"}')
        assert not [event for event in collect(side, "response.done") if event["type"].startswith("stretto.")]
        assert "stretto.phase" in call.types()


def test_a_sideband_that_goes_is_not_missed() -> None:
    with running_call() as call:
        with call.client.websocket_connect(URL) as side:
            collect(side, "session.created")
        call.client_sends('{"type":"response.create"}')
        with call.client.websocket_connect(URL) as side:
            collect(side, "session.created")
            call.client_sends('{"type":"response.create"}')
            collect(side, "response.done")
        assert call.types().count("response.done") == 2


def test_one_that_lets_too_much_wait_is_disconnected_alone() -> None:
    with running_call() as call, call.client.websocket_connect(URL) as side:
        collect(side, "session.created")
        call.does(lambda: flood(call.door))
        with pytest.raises(WebSocketDisconnect) as closed:
            collect(side, "never")
        assert closed.value.code == 1008
        assert call.door.sidebands == []
        call.client_sends('{"type":"response.create"}')


def flood(door: WireDoor) -> None:
    """More than may wait, in one step."""
    door.observe(0.0, do.Think("k1", do.Purpose.ANSWER, audible=False))
    for _ in range(220):
        door.observe(0.0, ev.WordsWritten("k1", "x" * 40_000))


def test_a_bug_in_what_a_sideband_asked_for_ends_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_call() as call, call.client.websocket_connect(URL) as side:
        monkeypatch.setattr(call.session, "insert_item", lambda *_: 1 / 0)
        collect(side, "session.created")
        side.send_json({"type": "conversation.item.create", "item": MESSAGE})
        with pytest.raises(WebSocketDisconnect) as closed:
            collect(side, "never")
        assert closed.value.code == 1011
        call.client_sends('{"type":"response.create"}')


def test_the_end_of_the_call_is_the_end_of_its_sidebands() -> None:
    with running_call() as call, call.client.websocket_connect(URL) as side:
        collect(side, "session.created")
        call.does(call.session.begin_long_answer)
        call.does(call.door.close)
        assert collect(side, "response.done")[-1]["response"]["status"] == "cancelled"
        with pytest.raises(WebSocketDisconnect) as closed:
            side.receive_json()
        assert closed.value.code == 1000


def test_a_call_has_only_so_many() -> None:
    with running_call() as call:
        sides = [call.client.websocket_connect(URL) for _ in range(MAX_SIDEBANDS)]
        for side in sides:
            side.__enter__()
        with pytest.raises(WebSocketDenialResponse) as refused, call.client.websocket_connect(URL):
            pass
        assert (refused.value.status_code, refused.value.json()["error"]["code"]) == (429, "too_many_sidebands")
        for side in sides:
            side.__exit__(None, None, None)


def test_it_must_know_the_call_and_a_key() -> None:
    key = {"Authorization": "Bearer secret"}
    with running_call(api_keys=["secret"]) as call:
        for url, headers, status in ((URL, {}, 401), ("/v1/realtime?call_id=rtc_2", key, 404)):
            with (
                pytest.raises(WebSocketDenialResponse) as refused,
                call.client.websocket_connect(url, headers=headers),
            ):
                pass
            assert refused.value.status_code == status
        with call.client.websocket_connect(URL, headers=key) as side:
            collect(side, "session.created")


def test_it_may_speak_the_beta_form() -> None:
    with running_call() as call, call.client.websocket_connect(URL, headers={"OpenAI-Beta": "realtime=v1"}) as side:
        assert side.receive_json()["session"]["modalities"] == ["text", "audio"]
        assert side.receive_json()["type"] == "conversation.created"
        side.send_json({"type": "session.update", "session": {"voice": "alloy"}})
        assert side.receive_json()["session"]["voice"] == "alloy"
        assert call.told[-1]["session"]["audio"]["output"]["voice"] == "alloy"
