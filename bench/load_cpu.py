"""What a process costs: its CPU time by floor, how long its loop keeps others waiting, and its memory."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType

import psutil

SAMPLE_SECONDS = 0.005
"""Of CPU time between two looks; a look takes about 10 microseconds."""
LAG_SECONDS = 0.1
"""Between two looks at the lag: each wakes the process, which costs more than a look."""
ROOT = Path(__file__).resolve().parent.parent
ENGINES = "engines"
LOOP = "asyncio"


@dataclass(slots=True)
class CpuParts:
    """Where the main thread was, sampled by CPU time: the innermost code of ours tells the part. What simulated engines
    do is a part of its own (``engines``), what asyncio does between its tasks another."""

    looks: Counter[str] = field(default_factory=Counter)

    def shares(self) -> dict[str, float]:
        """Of all CPU time, by part, the largest first."""
        total = max(1, self.looks.total())
        return {part: count / total for part, count in self.looks.most_common()}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Only in the main thread."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if (part := _part_of(frame.f_code.co_filename)) is not None:
                self.looks[part] += 1
                return
            frame = frame.f_back
        self.looks[LOOP] += 1


@cache
def _part_of(filename: str) -> str | None:
    """``None``: not our code. The program's own outermost frames don't count: the loop runs in them."""
    path = Path(filename)
    if not path.is_relative_to(ROOT) or ".venv" in path.parts:
        return None
    if path.name in ("simulated.py", "duel_scenes.py"):
        return ENGINES
    if path.name == "load_inproc.py" and path.parent.name == "bench":
        return "bench"
    folder = path.relative_to(ROOT).parts[0]
    return None if folder == "bench" else folder


@dataclass(slots=True)
class LoopLag:
    """How much later than asked a sleeper is woken: what else on the loop keeps it waiting."""

    late_ms: list[float] = field(default_factory=list)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            self.late_ms.append(1000 * (loop.time() - due_at))


def memory_mb() -> float:
    """Resident now, in 10^6 bytes, without garbage."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def peak_memory_mb() -> float:
    """The most that was ever resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def cpu_seconds() -> float:
    """User and system time of this process, all threads."""
    return time.process_time()
