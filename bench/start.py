"""How long ``stretto serve`` takes to get ready, and what it holds then.

``python -m bench.start``: from the start of the process to its ready line, several times, with the engines that need
no download and with simulated ones; its memory when it is ready (RSS), and with 1, 5 and 20 simulated calls.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import asdict, dataclass
from statistics import median

from rich.progress import Progress
from rich.table import Table

from bench.load import numbers, table
from bench.load_websocket import measure
from bench.serving import SIMULATED, served
from bench.table_console import make_console

ENGINES = {"no download": (), "simulated": SIMULATED}


@dataclass(frozen=True, slots=True)
class Start:
    """``memory_mb``: of the server's process, ``workers_mb``: of its workers (RSS, 10^6 bytes; shared pages count in
    each)."""

    engines: str
    runs: int
    ready_seconds_median: float
    ready_seconds_longest: float
    memory_mb: float
    workers_mb: float


async def start(engines: str, runs: int, progress: Progress) -> Start:
    ready, own, workers = [], 0.0, 0.0
    for _ in progress.track(range(runs), description=f"starting, {engines}"):
        async with served(ENGINES[engines]) as server:
            ready.append(server.ready_seconds)
            own, workers = server.memory_mb()
    return Start(engines, runs, round(median(ready), 2), round(max(ready), 2), round(own, 1), round(workers, 1))


async def run(arguments: argparse.Namespace) -> int:
    console = make_console(json=arguments.json)
    with Progress(console=console, transient=True) as progress:
        starts = [await start(engines, arguments.runs, progress) for engines in ENGINES]
    loads = [asdict(await measure(sessions, 2, "silero", console)) for sessions in arguments.sessions]
    if arguments.json:
        for result in [*map(asdict, starts), *loads]:
            print(json.dumps({"cores": os.cpu_count(), **result}))
        return 0
    made = Table(title=f"stretto serve, {os.cpu_count()} cores")
    for column in ("engines", "runs", "ready s (median)", "longest", "RSS MB", "workers MB"):
        made.add_column(column, justify="left" if column == "engines" else "right")
    for each in starts:
        engines, *figures = asdict(each).values()
        made.add_row(engines, *(f"{figure:g}" for figure in figures))
    console.print(made)
    console.print(table(loads, "simulated calls"))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind")
    parser.add_argument("--sessions", type=numbers, default=[1, 5, 20], help="calls at once: 1,5,20")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
