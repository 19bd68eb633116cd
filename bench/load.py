"""Many calls at once: what a session costs, whether a turn is lost, and how long the answers take.

``python -m bench.load --sessions 1,50 --turns 4``: for each number a fresh process with so many sessions. Engines are
simulated, voice detection is real, audio is in real time.

- ``--over inproc``: audio is handed to the sessions and taken from them without socket or codec; the callers are in the
  same process, as cheap as can be (``bench.load_inproc``). What they cost is told beside it: what the simulated engines
  and the callers took by sampling, and what handing the audio to nobody costs. Most of the latter are wake-ups, which
  a lone session pays for alone.
- ``--over websocket``: a ``stretto serve``, called from this process (``bench.load_websocket``).
- ``--over webrtc``: the same over WebRTC, the server on a core of its own (``bench.load_webrtc``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import load_webrtc, load_websocket
from bench.table_console import make_console

COLUMNS = {
    "sessions": "calls",
    "turns": "turns",
    "lost_turns": "lost",
    "cpu_per_session_minute": "CPU",
    "cpu_seconds_per_session_minute": "CPU",
    "own_cpu_per_session_minute": "own",
    "callers_alone_cpu": "callers",
    "memory_per_session_mb": "MB a call",
    "memory_idle_mb": "MB idle",
    "memory_peak_mb": "peak",
    "memory_after_mb": "after",
    "first_sound_p50_ms": "sound p50",
    "first_sound_p99_ms": "p99",
    "lag_p50_ms": "lag p50",
    "lag_p99_ms": "p99",
    "kept_waiting": "waits",
    "sent_late_p99_ms": "sent late p99",
}


async def measured(sessions: int, arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    if arguments.over == "websocket":
        return asdict(await load_websocket.measure(sessions, arguments.turns, arguments.vad, console))
    if arguments.over == "webrtc":
        return asdict(await load_webrtc.measure(sessions, arguments.turns, arguments.vad, console))
    with console.status(f"{sessions} sessions in one process"):
        return await _in_fresh_process(sessions, arguments)


async def _in_fresh_process(sessions: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Raises ``RuntimeError`` when it fails; what it says is on stderr."""
    numbers = ("--sessions", str(sessions), "--turns", str(arguments.turns), "--vad", arguments.vad)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load_run", *numbers, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load of {sessions} sessions failed")
    result: dict[str, Any] = json.loads(told)
    return result


def table(loads: Sequence[dict[str, Any]], title: str) -> Table:
    made = Table(title=title, caption="CPU: s per call and minute; sound (the first) and lag in ms; MB: RSS")
    shown = [name for name in loads[0] if name in COLUMNS]
    for name in shown:
        made.add_column(COLUMNS[name], justify="right")
    for load in loads:
        made.add_row(*(f"{load[name]:g}" for name in shown))
    return made


async def run(arguments: argparse.Namespace) -> int:
    console = make_console(json=arguments.json)
    loads = []
    for sessions in arguments.sessions:
        loads.append(await measured(sessions, arguments, console))
        if arguments.json:
            where = {"engines": "simulated", "cores": os.cpu_count(), "over": arguments.over, "vad": arguments.vad}
            print(json.dumps({**where, **loads[-1]}), flush=True)
    if not arguments.json:
        console.print(table(loads, f"simulated engines, {arguments.over}, {arguments.vad}, {os.cpu_count()} cores"))
    return 1 if any(load["lost_turns"] for load in loads) else 0


def numbers(text: str) -> list[int]:
    """``1,5,20``. Raises ``ValueError``: each is between 1 and 200."""
    found = [int(part) for part in text.split(",")]
    if not all(1 <= number <= 200 for number in found):
        raise ValueError(f"between 1 and 200 sessions, not {text}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=numbers, default=[1, 5, 20], help="how many at once: 1,5,20")
    parser.add_argument("--turns", type=int, default=4, help="of each session")
    parser.add_argument("--over", choices=("inproc", "websocket", "webrtc"), default="inproc")
    parser.add_argument("--vad", choices=("energy", "silero"), default="energy")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
