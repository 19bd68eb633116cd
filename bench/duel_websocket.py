"""The duel over a real websocket on loopback: server and client in this process, measured at the client's end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import soxr
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from audio.loopback import PlayedBlock
from bench.duel_call import DuelCall, TurnResult, Watcher, duel_settings
from bench.duel_speech import RATE_HZ
from realtime.app import create_app
from realtime.server import Server
from realtime.session import Session, make_session
from realtime.wire.session_port import Door
from scheduler.commands import EndCall, TellTimeout
from scheduler.pcm import Pcm, WordTime

WIRE_RATE_HZ = 24_000
START_SECONDS = 10.0


@dataclass(slots=True)
class _Tapped:
    """A door whose watcher sees everything, too."""

    door: Door
    watcher: Watcher

    def observe(self, at: float, happened: Any) -> None:
        self.watcher.observe(at, happened)
        self.door.observe(at, happened)

    def handle(self, command: EndCall | TellTimeout) -> None:
        self.door.handle(command)

    def item_unread(self, item_id: str) -> None:
        self.door.item_unread(item_id)


@dataclass(slots=True)
class WebsocketCall(DuelCall):
    """What arrives is taken to sound at once, or behind what still sounds."""

    arrived: list[PlayedBlock] = field(default_factory=list)
    _words: list[WordTime] = field(default_factory=list)

    @property
    def heard(self) -> list[PlayedBlock]:
        return self.arrived

    async def run(self) -> list[TurnResult]:
        async with (
            serving(self) as address,
            websockets.connect(f"ws://{address}/v1/realtime", max_size=None, ping_interval=None) as line,
            asyncio.TaskGroup() as tasks,
        ):
            if (effort := self.config().reasoning_effort) is not None:
                session = {"type": "realtime", "reasoning": {"effort": effort}}
                await line.send(json.dumps({"type": "session.update", "session": session}))
            listening = tasks.create_task(self._listen(line))
            await self.talk(lambda pcm: _send(line, pcm))
            listening.cancel()
        return self.results

    async def _listen(self, line: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        async for frame in line:
            event = json.loads(frame)
            if event["type"] == "response.output_audio_transcript.delta":
                self._words += [WordTime(word, 0.0, 0.0) for word in event["delta"].split()]
            elif event["type"] == "response.output_audio.delta":
                pcm = Pcm.from_bytes(base64.b64decode(event["delta"]), WIRE_RATE_HZ)
                dry_at = self.arrived[-1].ends_at if self.arrived else 0.0
                starts_at = max(dry_at, loop.time())
                self.arrived.append(PlayedBlock(starts_at, event["response_id"], pcm, tuple(self._words)))
                self._words.clear()


async def _send(line: ClientConnection, pcm: Pcm) -> None:
    samples = soxr.resample(pcm.samples, RATE_HZ, WIRE_RATE_HZ, quality="QQ")
    audio = base64.b64encode(samples.tobytes()).decode()
    await line.send(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}')


@contextlib.asynccontextmanager
async def serving(call: DuelCall) -> AsyncIterator[str]:
    """A server whose session the call watches: HOST:PORT."""

    def make(**parts: Any) -> Session:
        return make_session(**{**parts, "door": _Tapped(parts["door"], call.watcher)})

    server = Server(duel_settings(call.setup, call.scene), call.engines(), make)
    config = uvicorn.Config(create_app(server), port=0, log_config=None, ws="websockets-sansio")
    program = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(program._serve())  # without signal handlers of its own
        async with asyncio.timeout(START_SECONDS):
            while not program.started:  # noqa: ASYNC110  uvicorn tells it in no other way
                await asyncio.sleep(0.01)
        port = program.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"127.0.0.1:{port}"
        finally:
            program.should_exit = True
            await serving
