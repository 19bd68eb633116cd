"""A real server on loopback, and a client on a real websocket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from realtime.app import create_app
from realtime.server import Engines, Server
from realtime.session import Session, make_session
from realtime.settings import Settings
from realtime.websocket import MAX_FRAME_BYTES
from scheduler.pcm import Pcm
from tests.faults.scenes import quiet, simulated_engines, simulated_settings, tone

Json = dict[str, Any]


@dataclass
class Live:
    """A server that listens on ``address``, and the sessions it has opened."""

    server: Server
    address: str
    sessions: list[Session] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def client(self, query: str = "") -> AsyncIterator[Client]:
        url = f"ws://{self.address}/v1/realtime{query}"
        async with websockets.connect(url, max_size=None, ping_interval=None) as line:
            client = Client(line)
            await client.until("session.created")
            yield client


@contextlib.asynccontextmanager
async def serving(engines: Engines | None = None, settings: Settings | None = None) -> AsyncIterator[Live]:
    sessions: list[Session] = []

    def make(**parts: Any) -> Session:
        sessions.append(make_session(**parts))
        return sessions[-1]

    server = Server(settings or simulated_settings(), engines or simulated_engines(), make)
    config = uvicorn.Config(
        create_app(server),
        port=0,
        log_config=None,
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        timeout_graceful_shutdown=2,
    )
    web = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(web._serve(), name="uvicorn")
        await until(lambda: web.started)
        try:
            yield Live(server, f"127.0.0.1:{web.servers[0].sockets[0].getsockname()[1]}", sessions)
        finally:
            web.should_exit = True


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)  # another task, or the other end of a socket, makes it true


@dataclass
class Client:
    line: ClientConnection
    events: list[Json] = field(default_factory=list)
    """All but the audio."""

    async def send(self, kind: str, **fields: Any) -> None:
        await self.line.send(json.dumps({"type": kind, **fields}))

    async def append(self, *blocks: Pcm) -> None:
        """As fast as the line takes it."""
        for block in blocks:
            await self.send("input_audio_buffer.append", audio=base64.b64encode(block.samples.tobytes()).decode())

    async def append_at_pace(self, *blocks: Pcm) -> None:
        """As a microphone does: a real recogniser needs its time."""
        for block in blocks:
            step = block.sample_rate_hz // 50
            for start in range(0, len(block.samples), step):
                await self.append(Pcm(block.samples[start : start + step], block.sample_rate_hz))
                await asyncio.sleep(0.02)  # the pace of a microphone

    async def until(self, kind: str, seconds: float = 60.0) -> Json:
        """The next event of this type."""
        async with asyncio.timeout(seconds):
            while True:
                event: Json = json.loads(await self.line.recv())
                if event["type"] != "response.output_audio.delta":
                    self.events.append(event)
                if event["type"] == kind:
                    return event

    async def closed(self, seconds: float = 60.0) -> websockets.Close:
        """How the server closes the connection; what it sends before is kept in ``events``."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self.events.append(json.loads(await self.line.recv()))
        except websockets.ConnectionClosed as ending:
            if ending.rcvd is None:
                raise
            return ending.rcvd

    async def error(self) -> str:
        """The code of the next error."""
        return str((await self.until("error"))["error"]["code"])

    async def ask(self) -> str:
        """One spoken question, sent at once. Returns the transcript of the answer."""
        await self.append(tone(1.0), quiet(1.0))
        return await self.answer()

    async def answer(self) -> str:
        """What the next response that is completed says."""
        while True:
            response = (await self.until("response.done"))["response"]
            if response["status"] == "completed":
                return said(response)


def said(response: Json) -> str:
    return " ".join(
        part.get("transcript") or part.get("text") or "" for item in response["output"] for part in item["content"]
    )
