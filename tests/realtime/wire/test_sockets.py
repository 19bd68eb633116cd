"""Real sockets on loopback: the official client, a client that never reads, frames that are too big, a shutdown."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import websockets
from openai import AsyncOpenAI

from realtime.app import create_app
from realtime.server import Server
from realtime.websocket import MAX_FRAME_BYTES, serve_websocket
from scheduler import commands as do
from scheduler import events as ev
from tests.realtime.wire.fake_session import FakeSession, fake_server

pytestmark = pytest.mark.slow


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """The application on a free port of loopback: ``127.0.0.1:PORT``."""
    config = uvicorn.Config(
        app, port=0, log_level="error", ws="websockets-sansio", ws_max_size=MAX_FRAME_BYTES, timeout_graceful_shutdown=2
    )
    web = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(web._serve())
        await until(lambda: web.started)
        yield f"127.0.0.1:{web.servers[0].sockets[0].getsockname()[1]}"
        web.should_exit = True


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)  # another task, or the other end of a socket, makes it true


def test_the_official_client_holds_a_text_turn_a_spoken_turn_and_push_to_talk() -> None:
    async def main() -> None:
        server, _ = fake_server(api_keys=["secret"])
        async with listening(create_app(server)) as address:
            client = AsyncOpenAI(api_key="secret", base_url=f"http://{address}/v1")
            async with client.realtime.connect(model="any") as connection:
                await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
                item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
                await connection.conversation.item.create(item=item)
                await connection.response.create()
                text = await told(connection, "response.output_text.done")
                assert text.text == "Hi there."
                await told(connection, "response.done")
                await connection.response.create(response={"output_modalities": ["audio"]})
                spoken = await told(connection, "response.output_audio_transcript.done")
                assert spoken.transcript == "Hi there."
                await told(connection, "response.done")
                await connection.input_audio_buffer.append(audio=base64.b64encode(bytes(48000)).decode())
                await connection.input_audio_buffer.commit()
                await told(connection, "input_audio_buffer.committed")
                await connection.response.cancel()
                assert (await told(connection, "error")).error.code == "response_cancel_not_active"
            secret = await client.realtime.client_secrets.create(session={"type": "realtime"})
            browser = AsyncOpenAI(api_key=secret.value, base_url=f"http://{address}/v1")
            async with browser.realtime.connect(model="any") as connection:
                await told(connection, "session.created")

    asyncio.run(main())


async def told(connection: Any, kind: str) -> Any:
    """The next event of this type; those before it are passed over."""
    async with asyncio.timeout(10):
        async for event in connection:
            if event.type == kind:
                return event
    raise AssertionError(f"the connection was closed before {kind}")


def flood(session: FakeSession) -> None:
    """More than the buffers of a socket take, and less than the outbox: 7 MB of written answer."""
    think = do.Think("k1", do.Purpose.ANSWER, audible=False)
    session._door.observe(0.0, think)
    for _ in range(175):
        session._door.observe(0.0, ev.WordsWritten("k1", "x" * 40_000))


@asynccontextmanager
async def deaf_client(address: str) -> AsyncIterator[asyncio.StreamWriter]:
    """Shakes hands and never reads again."""
    host, port = address.split(":")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
    handshake = (
        "GET /v1/realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    writer.write(handshake.encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield writer
    finally:
        writer.close()


def stalling_app(server: Server, stall_seconds: float) -> Any:
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket

    async def realtime(websocket: WebSocket) -> None:
        await serve_websocket(server, websocket, stall_seconds=stall_seconds)

    return Starlette(routes=[WebSocketRoute("/v1/realtime", realtime)], lifespan=lambda _: server.running())


def test_a_client_that_never_reads_is_disconnected_when_too_much_waits() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with listening(create_app(server)) as address, deaf_client(address):
            await until(lambda: sessions)
            for _ in range(3):
                flood(sessions[0])
            await until(lambda: server.session_count == 0)
        assert b"stretto_slow_clients_total 1.0" in server.metrics.render()

    asyncio.run(main())


def test_a_client_that_never_reads_is_disconnected_after_a_time() -> None:
    async def main() -> None:
        server, sessions = fake_server()
        async with listening(stalling_app(server, 0.3)) as address, deaf_client(address):
            await until(lambda: sessions)
            flood(sessions[0])
            await asyncio.sleep(0.1)  # shorter than the time a client may stall
            assert server.session_count == 1
            await until(lambda: server.session_count == 0)
        assert b"stretto_slow_clients_total 1.0" in server.metrics.render()

    asyncio.run(main())


def test_frames_that_are_too_big_close_the_connection_with_1009() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with listening(create_app(server)) as address:
            async with websockets.connect(f"ws://{address}/v1/realtime", max_size=None) as line:
                audio = base64.b64encode(bytes(10 * 1024 * 1024)).decode()
                await line.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
                await line.send(json.dumps({"type": "input_audio_buffer.commit"}))
                while json.loads(await line.recv())["type"] != "input_audio_buffer.committed":
                    pass
                await line.send("x" * (MAX_FRAME_BYTES + 1))
                await line.wait_closed()
                assert line.close_code == 1009
            await until(lambda: server.session_count == 0)

    asyncio.run(main())


def test_a_shutdown_tells_the_calls_and_takes_no_more() -> None:
    async def main() -> None:
        server, _ = fake_server()
        app = create_app(server, manage_server=False)
        await server.start()
        async with listening(app) as address:
            async with websockets.connect(f"ws://{address}/v1/realtime") as line:
                await line.recv()
                await server.stop(5.0)
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await line.recv()
                assert closed.value.rcvd is not None
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "the server is being shut down")
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://{address}/v1/realtime")
            assert refused.value.response.status_code == 503

    asyncio.run(main())


def test_calls_that_come_and_go_leave_no_tasks_behind() -> None:
    async def main() -> None:
        server, _ = fake_server()
        async with listening(create_app(server)) as address:
            before = len(asyncio.all_tasks())

            async def call() -> None:
                async with websockets.connect(f"ws://{address}/v1/realtime") as line:
                    await line.recv()
                    await line.send('{"type":"response.create"}')
                    while json.loads(await line.recv())["type"] != "response.done":
                        pass

            async with asyncio.TaskGroup() as tasks:
                for _ in range(20):
                    tasks.create_task(call())
            await until(lambda: server.session_count == 0)
            await until(lambda: len(asyncio.all_tasks()) <= before)

    asyncio.run(main())
