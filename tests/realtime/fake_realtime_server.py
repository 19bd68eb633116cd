"""A tiny server of the protocol: answers each stretch of loud audio with a tone, a known time after its end."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

RATE_HZ = 24_000
SILENCE_SECONDS = 0.3
"""So much silence in the audio ends the turn here."""
TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ // 2) / RATE_HZ)).astype("<i2")
LEADING_SILENCE_SECONDS = 0.1
"""Silence before each tone, which does not count as sound."""


class FakeCall:
    def __init__(
        self,
        socket: ServerConnection,
        *,
        tone_seconds: float = 0.5,
        unasked_after: float | None = None,
        closes_at: str = "",
        ignores: str = "",
        greets: bool = False,
        silent_first: bool = False,
    ) -> None:
        self._socket = socket
        self._closes_at = closes_at
        self._ignores = ignores
        self._greets = greets
        self._silent_first = silent_first
        self._answer = np.concatenate(
            [np.zeros(round(LEADING_SILENCE_SECONDS * RATE_HZ), "<i2"), np.resize(TONE, round(tone_seconds * RATE_HZ))]
        )
        self._unasked_after = unasked_after
        self._in_speech = False
        self._quiet_seconds = 0.0
        self._answers = 0
        self.received: list[dict[str, Any]] = []

    async def run(self) -> None:
        await self._send("session.created", session={})
        async for message in self._socket:
            event = json.loads(message)
            if event["type"] == self._closes_at:
                await self._socket.close(1000, "enough")
                return
            if event["type"] == self._ignores:
                continue
            match event["type"]:
                case "session.update":
                    self.received.append(event)
                    await self._send("session.updated", session=event["session"])
                    if self._greets:
                        await self._respond("greeting")
                case "input_audio_buffer.append":
                    await self._hear(np.frombuffer(base64.b64decode(event["audio"]), "<i2"))
                case "response.create":
                    await self._respond("typed")
                case _:
                    self.received.append(event)

    async def _hear(self, samples: np.ndarray[Any, Any]) -> None:
        loud = bool(np.abs(samples.astype(int)).max() > 500)
        if loud and not self._in_speech:
            self._in_speech = True
            await self._send("input_audio_buffer.speech_started", audio_start_ms=0)
        self._quiet_seconds = 0.0 if loud else self._quiet_seconds + len(samples) / RATE_HZ
        if self._in_speech and self._quiet_seconds >= SILENCE_SECONDS - 1e-6:
            self._in_speech = False
            await self._send("conversation.item.input_audio_transcription.completed", transcript="what you said")
            await self._send("input_audio_buffer.committed", item_id="item_u")
            await (self._keep_silent() if self._silent_first and not self._answers else self._respond("spoken"))
            if self._unasked_after is not None:
                await asyncio.sleep(self._unasked_after)  # the fake's own timer, in the real time of the socket
                await self._respond("unasked")

    async def _respond(self, text: str) -> None:
        self._answers += 1
        ids = {"response_id": f"resp_{self._answers}", "item_id": f"item_{self._answers}"}
        await self._send("response.created", response={"id": ids["response_id"]})
        await self._send("response.output_audio_transcript.delta", delta=f"{text} answer", **ids)
        await self._send("response.output_audio.delta", delta=base64.b64encode(self._answer.tobytes()).decode(), **ids)
        await self._send("response.done", response={"id": ids["response_id"], "status": "completed"})

    async def _keep_silent(self) -> None:
        """The answer to the first turn."""
        self._answers += 1
        await self._send("response.created", response={"id": "resp_1"})
        await self._send("stretto.silence", response_id="resp_1", purpose="answer", reason="was told to stop")
        await self._send("response.done", response={"id": "resp_1", "status": "completed"})

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, "event_id": "event_1", **fields}))


@asynccontextmanager
async def fake_server(**options: Any) -> AsyncIterator[tuple[str, list[FakeCall]]]:
    """(address, its calls). ``options``: those of ``FakeCall``."""
    calls: list[FakeCall] = []

    async def handle(socket: ServerConnection) -> None:
        calls.append(FakeCall(socket, **options))
        await calls[-1].run()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}", calls
