"""Many calls over WebRTC: a fresh ``stretto serve`` with simulated engines on one core, its callers in this process.

Each caller sends a packet of Opus every 20 ms in real time, in silence too, as browsers do. The packets are made
beforehand, and what comes is decrypted but not decoded: callers must not take the machine from the server. They run on
the other cores; only what the server's process takes is counted.

- CPU: user and system time of the server per session and minute, from when all calls stand.
- first sound: from the last packet of speech sent to the first packet received that is no silence; see
  ``bench.load_websocket`` for what is in it, and for *lag*.
- kept waiting: share of the time in which the server could have run and other programs had its core. When that is more
  than a few per cent, the first sound is their fault.
- sent late: how much later than its time a caller's packet left (99th percentile). When that is large, the callers are
  short of CPU, and the first sound is their fault.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress, TaskID

from audio.opus import OpusEncoder
from bench.babble import babble
from bench.load_websocket import LOST_SECONDS, PAUSE_SECONDS, SPEECH_SECONDS, Watch, percentile
from bench.serving import SIMULATED, Served, served
from bench.webrtc_client import FRAME_SECONDS, Told, WebrtcCaller

RATE_HZ = 24_000
SERVER_CORE = 0
SPREAD_SECONDS = 4.0
"""Over which the calls' connecting is spread: it costs 20 ms of CPU or more on both sides."""
SILENT_BYTES = 16
"""A packet of the server that has more is sound: its silence is smaller (DTX after ten packets of 3 to 10 bytes)."""
QUIET_SECONDS = 0.5
"""The sound of an answer is over after such a gap."""


@dataclass(frozen=True, slots=True)
class WebrtcLoad:
    """Times in milliseconds, memory in 10^6 bytes. ``cores``: the server's."""

    sessions: int
    turns: int
    lost_turns: int
    cpu_seconds_per_session_minute: float
    cores_used: float
    kept_waiting: float
    memory_idle_mb: float
    memory_peak_mb: float
    first_sound_p50_ms: float
    first_sound_p99_ms: float
    lag_p50_ms: float
    lag_p99_ms: float
    sent_late_p99_ms: float


@cache
def packets() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Of a question, and of a second of a quiet room."""
    size = round(RATE_HZ * FRAME_SECONDS)
    speech = babble(SPEECH_SECONDS, RATE_HZ)
    room = np.random.default_rng(1).normal(0, 8, RATE_HZ).astype(np.int16)
    encoder = OpusEncoder(RATE_HZ, dtx=False)
    silent = [encoder.encode(room[start : start + size]) for start in range(0, len(room), size)]
    spoken = [encoder.encode(speech[start : start + size]) for start in range(0, len(speech), size)]
    return tuple(spoken), tuple(silent)


@dataclass(slots=True)
class Caller:
    """One call. ``first_sounds``: seconds, ``None`` for a lost turn."""

    turns: int
    seed: int
    first_sounds: list[float | None] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    stands: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _to_say: list[bytes] = field(default_factory=list)
    _said_at: float = 0.0
    _first_at: float | None = None
    _last_at: float = 0.0
    _is_done: bool = False

    async def call(self, address: str, go: asyncio.Event, progress: Progress, bar: TaskID) -> None:
        randomly = random.Random(self.seed)
        await asyncio.sleep(randomly.uniform(0.0, SPREAD_SECONDS if self.seed else 0.0))
        caller = WebrtcCaller(address, listen=self._listen, on_event=self._note)
        await caller.connect()
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(caller))
                self.stands.set()
                await go.wait()
                await asyncio.sleep(randomly.uniform(0.0, SPREAD_SECONDS if self.seed else 0.0))
                for _ in range(self.turns):
                    await self._turn()
                    progress.advance(bar)
                self.over.set()
                sending.cancel()
        finally:
            await caller.hang_up()
            await caller.close()

    async def _turn(self) -> None:
        self._first_at, self._is_done = None, False
        self._to_say = list(packets()[0])
        deadline = time.monotonic() + SPEECH_SECONDS + LOST_SECONDS
        while not self._is_answered and time.monotonic() < deadline:  # noqa: ASYNC110 - time alone makes it true
            await asyncio.sleep(0.1)
        self.first_sounds.append(None if self._first_at is None else self._first_at - self._said_at)
        await asyncio.sleep(PAUSE_SECONDS)

    @property
    def _is_answered(self) -> bool:
        return self._is_done and self._first_at is not None and time.monotonic() - self._last_at > QUIET_SECONDS

    async def _send(self, caller: WebrtcCaller) -> None:
        room = cycle(packets()[1])
        due_at = time.monotonic()
        while True:
            due_at += FRAME_SECONDS
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            self.late_ms.append(1000 * (time.monotonic() - due_at))
            if self._to_say:
                await caller.send_packet(self._to_say.pop(0))
                self._said_at = time.monotonic()
            else:
                await caller.send_packet(next(room))

    def _listen(self, payload: bytes, at: float) -> None:
        if len(payload) <= SILENT_BYTES:
            return
        self._last_at = at
        if self._first_at is None and not self._to_say:
            self._first_at = at

    def _note(self, told: Told) -> None:
        self._is_done = self._is_done or (told.kind == "response.done" and self._first_at is not None)


async def measure(sessions: int, turns: int, vad: str, console: Console) -> WebrtcLoad:
    """A fresh server under the load of ``sessions`` callers. It has one core for itself where there are two."""
    async with served((*SIMULATED, "--vad", vad)) as server:
        keep_apart(server)
        await _hold([Caller(1, 0)], server, Progress(disable=True))  # what is loaded once is loaded
        idle_mb = sum(server.memory_mb())
        callers = [Caller(turns, seed) for seed in range(1, sessions + 1)]
        watch = Watch(server)
        with Progress(console=console, transient=True) as progress:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch.run())
                cost = await _hold(callers, server, progress)
                watching.cancel()
    return _summarised(callers, watch, cost, idle_mb)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the server, while all calls stood."""

    cpu_seconds: float
    waited_seconds: float
    minutes: float


def _waited_seconds(server: Served) -> float:
    """How long its main thread has been ready to run, and did not (Linux: schedstat)."""
    return int(Path(f"/proc/{server.process.pid}/schedstat").read_text().split()[1]) / 1e9


def keep_apart(server: Served) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(server.process.pid, {cores[SERVER_CORE]})
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores) - {cores[SERVER_CORE]})


async def _hold(callers: Sequence[Caller], server: Served, progress: Progress) -> Cost:
    """From when all calls stand until the first is over."""
    bar = progress.add_task(f"{len(callers)} sessions", total=sum(caller.turns for caller in callers))
    go = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.call(server.address, go, progress, bar))
        for caller in callers:
            await caller.stands.wait()
        for caller in callers:
            caller.late_ms.clear()
        go.set()
        before, waited, began_at = server.cpu_seconds(), _waited_seconds(server), time.monotonic()
        first = [tasks.create_task(caller.over.wait()) for caller in callers]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        passed = time.monotonic() - began_at
        return Cost(server.cpu_seconds() - before, _waited_seconds(server) - waited, passed / 60)


def _summarised(callers: Sequence[Caller], watch: Watch, cost: Cost, idle_mb: float) -> WebrtcLoad:
    sounds = [sound for caller in callers for sound in caller.first_sounds]
    heard = [1000 * sound for sound in sounds if sound is not None]
    late = [each for caller in callers for each in caller.late_ms]
    return WebrtcLoad(
        sessions=len(callers),
        turns=len(sounds),
        lost_turns=sounds.count(None),
        cpu_seconds_per_session_minute=round(cost.cpu_seconds / len(callers) / cost.minutes, 2),
        cores_used=round(cost.cpu_seconds / 60 / cost.minutes, 2),
        kept_waiting=round(cost.waited_seconds / 60 / cost.minutes, 3),
        memory_idle_mb=round(idle_mb, 1),
        memory_peak_mb=round(watch.memory_peak_mb, 1),
        first_sound_p50_ms=percentile(heard, 50),
        first_sound_p99_ms=percentile(heard, 99),
        lag_p50_ms=percentile(watch.lags_ms, 50),
        lag_p99_ms=percentile(watch.lags_ms, 99),
        sent_late_p99_ms=percentile(late, 99),
    )
