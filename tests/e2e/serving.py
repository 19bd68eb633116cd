"""A real server in a process of its own, with real engines, and the journals it writes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.journal import Entry, read_journal
from realtime.replay import describe, replay
from scheduler.conductor import decide, initial_state

START_SECONDS = 60.0
STRETTO = (sys.executable, "-m", "realtime.cli")


@dataclass(frozen=True, slots=True)
class Served:
    """``address``: 127.0.0.1:PORT."""

    address: str
    journals: Path

    @property
    def url(self) -> str:
        return f"ws://{self.address}"

    def health(self) -> Any:
        with urllib.request.urlopen(f"http://{self.address}/health", timeout=5) as answer:
            return json.load(answer)

    def wait_until_idle(self) -> None:
        """All calls are over, and their journals are whole."""
        deadline = time.monotonic() + 60
        while self.health()["sessions"]:
            assert time.monotonic() < deadline, "a session did not end when its client hung up"
            time.sleep(0.05)  # another process makes it true

    def journal(self, session_id: str) -> Path:
        (path,) = self.journals.glob(f"*-{session_id}.jsonl")
        return path

    def entries(self, session_id: str) -> list[Entry]:
        return read_journal(self.journal(session_id))[1]

    def check_replay(self, session_id: str) -> None:
        """The conductor decides the same when it is fed the journal again."""
        header, entries = read_journal(self.journal(session_id))
        differences = replay(entries, initial_state(header.policy, header.turn_detection), decide)
        assert not differences, describe(differences[0])


NOTHING_KEPT = ("--clips-dir", "")
"""What a test renders is not left in the cache of whoever runs it."""


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[Served]:
    """``stretto serve`` until the block is left; it must close without a trace of trouble in its log."""
    log_path = folder / "serve.log"
    with log_path.open("w") as log:
        command = [*STRETTO, "serve", "--port", "0", "--journal", str(folder / "journals"), *NOTHING_KEPT, *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("ready http://"), log_path.read_text()
            yield Served(ready.removeprefix("ready http://").strip(), folder / "journals")
        finally:
            process.terminate()
            code = process.wait(timeout=60)
    logged = log_path.read_text()
    assert code == 0, logged
    assert "Traceback" not in logged, logged


def run_stretto(*arguments: str, timeout: float = 300) -> str:
    """What a ``stretto`` command prints; it must succeed."""
    done = subprocess.run([*STRETTO, *arguments], check=False, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
