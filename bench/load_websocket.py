"""Many calls over real websockets: a fresh ``stretto serve`` with simulated engines, its callers in this process.

Each caller sends audio in real time, babble for speech, asks the next question when the answer has been played, and
begins at a moment of its own.

- CPU: user and system time of the server per session and minute.
- first sound: from the last sample of speech sent to the first audio received. The simulated delays are in it
  (recogniser 150 ms, model 300 ms, voice 100 ms), so only the growth from one session to many tells something.
- lag: what one ``GET /health`` takes, asked four times a second: how long the server's loop keeps others waiting. HTTP
  itself and this process's own load are in it; an upper bound. The asking itself costs the server about 0.5 s of CPU
  a minute, whatever the number of sessions.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import numpy as np
import websockets
from rich.console import Console
from rich.progress import Progress, TaskID
from websockets.asyncio.client import ClientConnection

from bench.babble import babble
from bench.serving import SIMULATED, Served, served
from scheduler.pcm import Pcm

RATE_HZ = 24_000
BLOCK_SECONDS = 0.1
SPEECH_SECONDS = 1.5
PAUSE_SECONDS = 1.0
"""Between an answer's end and the next question."""
LOST_SECONDS = 20.0
"""A turn without any sound for so long is lost."""
LAG_STEP_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Load:
    """Times in milliseconds, memory in 10^6 bytes."""

    sessions: int
    turns: int
    lost_turns: int
    cpu_seconds_per_session_minute: float
    memory_idle_mb: float
    memory_peak_mb: float
    memory_after_mb: float
    first_sound_p50_ms: float
    first_sound_p99_ms: float
    lag_p50_ms: float
    lag_p99_ms: float


@dataclass(slots=True)
class Caller:
    """One call. ``first_sounds``: seconds, ``None`` for a lost turn."""

    turns: int
    seed: int
    first_sounds: list[float | None] = field(default_factory=list)
    _to_say: bytes = b""
    _said_at: float = 0.0
    _heard_at: float | None = None
    _played_until: float = 0.0
    _sounded: asyncio.Event = field(default_factory=asyncio.Event)
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, address: str, progress: Progress, bar: TaskID) -> None:
        await asyncio.sleep(random.Random(self.seed).uniform(0.0, 5.0))  # callers don't begin together
        url = f"ws://{address}/v1/realtime"
        async with websockets.connect(url, max_size=None, ping_interval=None) as line, asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(self._send(line)), tasks.create_task(self._listen(line))]
            for _ in range(self.turns):
                await self._turn()
                progress.advance(bar)
            for task in working:
                task.cancel()

    async def _turn(self) -> None:
        self._heard_at = None
        self._sounded.clear()
        self._done.clear()
        self._to_say = babble(SPEECH_SECONDS, RATE_HZ).tobytes()
        try:
            async with asyncio.timeout(SPEECH_SECONDS + LOST_SECONDS):
                first_at = await self._first_sound()
        except TimeoutError:
            self.first_sounds.append(None)
            return
        self.first_sounds.append(first_at - self._said_at)
        await self._done.wait()
        await asyncio.sleep(max(0.0, self._played_until - time.perf_counter()) + PAUSE_SECONDS)

    async def _first_sound(self) -> float:
        while self._heard_at is None:
            await self._sounded.wait()
        return self._heard_at

    async def _send(self, line: ClientConnection) -> None:
        size = round(BLOCK_SECONDS * RATE_HZ) * 2
        due_at = time.perf_counter()
        while True:
            block, self._to_say = self._to_say[:size], self._to_say[size:]
            if block:
                self._said_at = time.perf_counter()
            audio = base64.b64encode(block.ljust(size, b"\0")).decode()
            await line.send(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}')
            due_at += BLOCK_SECONDS
            await asyncio.sleep(max(0.0, due_at - time.perf_counter()))

    async def _listen(self, line: ClientConnection) -> None:
        async for frame in line:
            event = json.loads(frame)
            if event["type"] == "response.output_audio.delta":
                now = time.perf_counter()
                if self._heard_at is None:
                    self._heard_at = self._played_until = now
                    self._sounded.set()
                pcm = Pcm.from_bytes(base64.b64decode(event["delta"]), RATE_HZ)
                self._played_until = max(self._played_until, now) + pcm.duration_seconds
            elif event["type"] == "response.done" and self._heard_at is not None:
                self._done.set()


async def measure(sessions: int, turns: int, vad: str, console: Console) -> Load:
    """A fresh server under the load of ``sessions`` callers."""
    async with served((*SIMULATED, "--vad", vad)) as server:
        await _hold_calls(server, [Caller(1, -1)], Progress(disable=True))  # what is loaded once is loaded
        idle_mb = sum(server.memory_mb())
        callers = [Caller(turns, seed) for seed in range(sessions)]
        watch = Watch(server)
        cpu_seconds, began_at = server.cpu_seconds(), time.perf_counter()
        with Progress(console=console, transient=True) as progress:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch.run())
                await _hold_calls(server, callers, progress)
                watching.cancel()
        minutes = (time.perf_counter() - began_at) / 60
        cpu_seconds = server.cpu_seconds() - cpu_seconds
        await asyncio.sleep(1.0)  # sessions end behind their clients
        after_mb = sum(server.memory_mb())
    sounds = [sound for caller in callers for sound in caller.first_sounds]
    heard = [1000 * sound for sound in sounds if sound is not None]
    return Load(
        sessions=sessions,
        turns=len(sounds),
        lost_turns=sounds.count(None),
        cpu_seconds_per_session_minute=round(cpu_seconds / sessions / minutes, 2),
        memory_idle_mb=round(idle_mb, 1),
        memory_peak_mb=round(watch.memory_peak_mb, 1),
        memory_after_mb=round(after_mb, 1),
        first_sound_p50_ms=percentile(heard, 50),
        first_sound_p99_ms=percentile(heard, 99),
        lag_p50_ms=percentile(watch.lags_ms, 50),
        lag_p99_ms=percentile(watch.lags_ms, 99),
    )


async def _hold_calls(server: Served, callers: Sequence[Caller], progress: Progress) -> None:
    bar = progress.add_task(f"{len(callers)} sessions", total=sum(caller.turns for caller in callers))
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.call(server.address, progress, bar))


@dataclass(slots=True)
class Watch:
    """Looks at the server from outside while it works."""

    server: Served
    lags_ms: list[float] = field(default_factory=list)
    memory_peak_mb: float = 0.0

    async def run(self) -> None:
        async with httpx.AsyncClient(base_url=f"http://{self.server.address}", timeout=30.0) as client:
            while True:
                began_at = time.perf_counter()
                await client.get("/health")
                self.lags_ms.append(1000 * (time.perf_counter() - began_at))
                if len(self.lags_ms) % 10 == 0:
                    self.memory_peak_mb = max(self.memory_peak_mb, sum(self.server.memory_mb()))
                await asyncio.sleep(LAG_STEP_SECONDS)


def percentile(values: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1) if values else float("nan")
