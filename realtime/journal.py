"""The journal of a session: every event and command with its time, one JSON object per line.

The first line is a header: ``{"stretto_journal": 1, "version": …, "session_id": …, "started": …,
"engines": {…}, "policy": {…}, "turn_detection": {…}}``. Text only; audio is kept by ``Recording``, if asked for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from realtime.journal_format import JournalError, decode, decode_fields, encode, encode_fields
from realtime.private_files import create_private
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.policy import Policy, TurnDetection

__all__ = ["Entry", "Header", "Journal", "JournalError", "decode", "encode", "journal_path", "read_journal"]

logger = logging.getLogger(__name__)

FORMAT = 1
FLUSH_SECONDS = 0.5
"""How much of a journal a crash may cost."""
CAPACITY = 20_000
"""Entries that wait to be written. Overflow policy: the newest are dropped and counted in the file."""

Entry = tuple[float, Event | Command]


@dataclass(frozen=True, slots=True)
class Header:
    """What a journal must tell besides what happened. ``engines``: kind to spec; ``started``: ISO 8601, UTC."""

    session_id: str
    policy: Policy
    turn_detection: TurnDetection
    engines: dict[str, str]
    started: str = ""
    version: str = ""

    def to_line(self) -> dict[str, Any]:
        return {
            "stretto_journal": FORMAT,
            "version": self.version or version("stretto"),
            "session_id": self.session_id,
            "started": self.started or datetime.now(UTC).isoformat(timespec="milliseconds"),
            "engines": self.engines,
            "policy": encode_fields(self.policy),
            "turn_detection": encode_fields(self.turn_detection),
        }

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Header:
        if line.get("stretto_journal") != FORMAT:
            raise JournalError("this is no Stretto journal: its first line is no header of format 1")
        try:
            return cls(
                session_id=str(line["session_id"]),
                policy=decode_fields(Policy, line["policy"]),
                turn_detection=decode_fields(TurnDetection, line["turn_detection"]),
                engines={str(kind): str(spec) for kind, spec in line["engines"].items()},
                started=str(line["started"]),
                version=str(line["version"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise JournalError(f"the journal's header was written by another version: {error!r}") from None


def journal_path(folder: Path, session_id: str, started: datetime) -> Path:
    """``20260131T154500-sess_1.jsonl``: sorted by time, safe as a file name whatever the session is called."""
    safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in session_id)[:80]
    return folder / f"{started.astimezone(UTC):%Y%m%dT%H%M%S}-{safe}.jsonl"


class Journal:
    """Writes a session's journal. ``observe`` only queues; ``run`` writes, in a thread.

    A disk that fails is logged once and ends the journal, never the session.
    """

    def __init__(self, path: Path, header: Header, *, capacity: int = CAPACITY) -> None:
        self.path = path
        self._header = header
        self._capacity = capacity
        self._waiting: deque[Entry] = deque()
        self._dropped = 0
        self._failed = False
        self._writing = threading.Lock()
        """A cancelled ``run`` writes the rest while its thread may still be at work."""

    def observe(self, at: float, happened: Event | Command) -> None:
        """The runner's tap. Never waits, never raises."""
        if self._failed:
            return
        if len(self._waiting) < self._capacity:
            self._waiting.append((at, happened))
        else:
            self._dropped += 1

    async def run(self) -> None:
        """Write until cancelled; then write what is left."""
        try:
            file = self._open()
        except OSError as error:
            self._fail(error)
            return
        try:
            while not self._failed:
                await asyncio.to_thread(self._flush, file)
                await asyncio.sleep(FLUSH_SECONDS)
        finally:
            self._flush(file)
            self._close(file)

    def _open(self) -> IO[str]:
        create_private(self.path)
        file = self.path.open("w", encoding="utf-8", errors="surrogatepass")
        file.write(_to_text(self._header.to_line()))
        return file

    def _flush(self, file: IO[str]) -> None:
        with self._writing:
            if not self._failed:
                self._write(file)

    def _write(self, file: IO[str]) -> None:
        try:
            while self._waiting:
                file.write(_to_text(encode(*self._waiting.popleft())))
            if self._dropped:
                file.write(_to_text({"dropped": self._dropped}))
                self._dropped = 0
            file.flush()
        except OSError as error:
            self._fail(error)

    def _close(self, file: IO[str]) -> None:
        try:
            file.close()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self._failed:
            logger.error("the journal %s ends here: %s", self.path.name, error.strerror or error)
        self._failed = True
        self._waiting.clear()


def read_journal(path: Path) -> tuple[Header, list[Entry]]:
    """All of a journal. A last line torn by a crash is left out. Raises ``JournalError``."""
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogatepass").split("\n")
    except OSError as error:
        raise JournalError(f"the journal {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise JournalError(f"the journal {path} is not UTF-8 text: {error}") from None
    if not lines[-1]:
        lines.pop()  # every whole line ends in a line feed
    if not lines:
        raise JournalError(f"the journal {path} is empty")
    parsed = _parse(path, lines)
    header = Header.from_line(next(parsed))
    return header, [decode(line) for line in parsed if "dropped" not in line]


def _parse(path: Path, lines: list[str]) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
        except ValueError:
            if number == len(lines) and number > 1:
                return
            raise JournalError(f"line {number} of {path} is no JSON") from None
        if not isinstance(line, dict):
            raise JournalError(f"line {number} of {path} is no JSON object")
        yield line


def _to_text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
