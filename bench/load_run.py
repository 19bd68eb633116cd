"""One process full of sessions, measured from within: ``python -m bench.load --over inproc`` starts one for each number.

Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import numpy as np

from bench.duel_call import DuelCall, Setup, duel_settings
from bench.duel_scenes import SCENES, Scene
from bench.load_cpu import CpuParts, LoopLag, cpu_seconds, memory_mb, peak_memory_mb
from bench.load_inproc import Caller, Nobody, feed
from realtime.server import Engines
from scheduler.filler_lines import all_texts

DRY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class InprocLoad:
    """CPU: seconds per session-minute. ``own``: all but what the simulated engines and the callers cost, by sampling.
    ``callers_alone``: the same audio handed to nobody, measured apart. ``parts``: shares of all CPU time."""

    sessions: int
    turns: int
    lost_turns: int
    cpu_per_session_minute: float
    own_cpu_per_session_minute: float
    callers_alone_cpu: float
    cores_used: float
    memory_per_session_mb: float
    first_sound_p50_ms: float
    first_sound_p99_ms: float
    lag_p50_ms: float
    lag_p99_ms: float
    parts: dict[str, float]


def make_callers(scene: Scene, setup: Setup, sessions: int, turns: int, shared: Engines) -> list[Caller]:
    """They share what a process shares: voice, clips and the order in which they may think."""
    return [Caller(scene, replace(setup, seed=setup.seed * 1000 + number), turns, shared) for number in range(sessions)]


async def warm(scene: Scene, setup: Setup) -> Engines:
    """Engines for all, when what is loaded or rendered once in a process is there."""
    shared = DuelCall(scene, setup, ()).engines()
    policy = duel_settings(setup, scene).policy_for(None)
    clips = shared.clips_of(shared.voice)
    for text in all_texts(policy.filler_lines):
        await clips.rendered(text)
    await hold(make_callers(scene, setup, 1, 1, shared))
    return shared


async def hold(callers: Sequence[Caller]) -> LoopLag:
    """All calls, from the first to the end of the last."""
    lag = LoopLag()
    async with asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(feed(callers)), tasks.create_task(lag.run())]
        calls = [tasks.create_task(caller.run()) for caller in callers]
        await asyncio.wait(calls)
        for task in beside:
            task.cancel()
    return lag


async def dry_run(sessions: int) -> float:
    """CPU seconds per session-minute of handing audio to nobody."""
    scene, setup = SCENES["plain"], Setup()
    callers = make_callers(scene, setup, sessions, 0, DuelCall(scene, setup, ()).engines())
    for caller in callers:
        caller.ears = Nobody()
    before = cpu_seconds()
    began_at = time.perf_counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(DRY_SECONDS):
            await asyncio.gather(feed(callers), LoopLag().run())
    return (cpu_seconds() - before) / sessions / (time.perf_counter() - began_at) * 60


async def measure(sessions: int, turns: int, vad: str) -> InprocLoad:
    """In this process, which should be a fresh one."""
    scene, setup = SCENES["plain"], Setup(vad=vad)
    shared = await warm(scene, setup)
    alone = await dry_run(sessions)
    callers = make_callers(scene, setup, sessions, turns, shared)
    parts, idle_mb = CpuParts(), memory_mb()
    before, began_at = cpu_seconds(), time.perf_counter()
    with parts.watching():
        lag = await hold(callers)
    spent, passed = cpu_seconds() - before, time.perf_counter() - began_at
    minutes = sum(caller.seconds for caller in callers) / 60
    sounds = [sound for caller in callers for sound in caller.first_sounds_ms]
    heard = [sound for sound in sounds if sound is not None]
    shares = parts.shares()
    own = 1.0 - shares.get("engines", 0.0) - shares.get("bench", 0.0)
    return InprocLoad(
        sessions=sessions,
        turns=len(sounds),
        lost_turns=len(sounds) - len(heard),
        cpu_per_session_minute=round(spent / minutes, 3),
        own_cpu_per_session_minute=round(own * spent / minutes, 3),
        callers_alone_cpu=round(alone, 3),
        cores_used=round(spent / passed, 2),
        memory_per_session_mb=round(max(0.0, peak_memory_mb() - idle_mb) / sessions, 2),
        first_sound_p50_ms=percentile(heard, 50),
        first_sound_p99_ms=percentile(heard, 99),
        lag_p50_ms=percentile(lag.late_ms, 50),
        lag_p99_ms=percentile(lag.late_ms, 99),
        parts={part: round(share, 3) for part, share in shares.items()},
    )


def percentile(values: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1) if values else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--vad", choices=("energy", "silero"), default="energy")
    arguments = parser.parse_args()
    print(json.dumps(asdict(asyncio.run(measure(arguments.sessions, arguments.turns, arguments.vad)))), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
