"""A ``stretto serve`` of its own process, for benches: started, measured and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import psutil

READY_SECONDS = 120.0
SIMULATED = ("--asr", "simulated", "--llm", "simulated", "--tts", "simulated")
"""All engines simulated; voice detection is real."""


@dataclass(frozen=True, slots=True)
class Served:
    """``ready_seconds``: from the start of the process to its ready line. ``address``: ``HOST:PORT``."""

    process: psutil.Process
    address: str
    ready_seconds: float

    def cpu_seconds(self) -> float:
        """User and system time of the process and of the workers it has now."""
        return sum(sum(each.cpu_times()[:2]) for each in self._all())

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory (RSS, in 10^6 bytes): of the process, and of its workers."""
        own, *workers = (each.memory_info().rss / 1e6 for each in self._all())
        return own, sum(workers)

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextlib.asynccontextmanager
async def served(arguments: Sequence[str]) -> AsyncIterator[Served]:
    """Runs until the block is left. Raises ``RuntimeError`` when the server does not get ready."""
    async with started(("realtime.cli", "serve", "--port", "0", "--log-level", "error", *arguments)) as server:
        yield server


@contextlib.asynccontextmanager
async def started(module: Sequence[str]) -> AsyncIterator[Served]:
    """``python -m MODULE ARGUMENTS…``: a server that says when it is ready, as ``stretto serve`` does."""
    began_at = time.perf_counter()
    command = (sys.executable, "-m", *module)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "STRETTO_JOURNAL": "", "STRETTO_ENGINES__CLIPS_DIR": ""},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("ready http://"):
            raise RuntimeError(f"the server did not start: {' '.join(command)}")
        address = line.split("//")[1].strip()
        yield Served(psutil.Process(process.pid), address, time.perf_counter() - began_at)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
