"""The journal keeps everything that happens, exactly, and never stands in the way of a session."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import stat
import types
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.journal import Header, Journal, journal_path, read_journal
from realtime.journal_format import COMMAND_TYPES, EVENT_TYPES, JournalError, decode, encode
from scheduler.commands import EndTurn, TurnOutcome
from scheduler.events import SpeechStarted, TranscriptRevised, WordsWritten
from scheduler.pcm import WordTime
from scheduler.policy import EAGER, TurnDetection, TurnMode

HEADER = Header(
    "sess_1", EAGER, TurnDetection(mode=TurnMode.SILENCE), {"asr": "simulated"}, "2026-01-31T12:00:00+00:00"
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that a field with this type may hold."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*(values_of(option) for option in get_args(hint)))
    if origin is Literal:
        return st.sampled_from(get_args(hint))
    if origin is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=3).map(tuple)
    if is_dataclass(hint):
        return objects_of(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    plain = {float: st.floats(allow_nan=False), type(None): st.none(), str: st.text(st.characters(), max_size=20)}
    return plain[hint] if hint in plain else st.from_type(hint)


def objects_of(cls: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: values_of(hints[field.name]) for field in fields(cls)})


ANYTHING = st.sampled_from([*EVENT_TYPES.values(), *COMMAND_TYPES.values()]).flatmap(objects_of)


@pytest.mark.parametrize("cls", [*EVENT_TYPES.values(), *COMMAND_TYPES.values()], ids=lambda cls: cls.__name__)
def test_every_type_of_event_and_command_survives_the_journal(cls: Any) -> None:
    @given(happened=objects_of(cls), at=st.floats(min_value=0, max_value=1e6))
    def check(happened: Any, at: float) -> None:
        line = json.loads(json.dumps(encode(at, happened)))
        assert decode(line) == (at, happened)
        assert type(decode(line)[1]) is cls

    check()


@given(happened=ANYTHING)
def test_types_inside_survive_too(happened: Any) -> None:
    _, back = decode(json.loads(json.dumps(encode(0.0, happened))))
    for field in fields(happened):
        assert type(getattr(back, field.name)) is type(getattr(happened, field.name))


def test_a_line_reads_like_a_sentence() -> None:
    assert encode(1.25, SpeechStarted(1.1, 0.06)) == {
        "at": 1.25,
        "event": "SpeechStarted",
        "audio_seconds": 1.1,
        "voiced_seconds": 0.06,
    }


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"at": 1.0},
        {"at": "soon", "event": "SpeechStarted", "audio_seconds": 1.0},
        {"at": 1.0, "event": "Sneezed"},
        {"at": 1.0, "command": "Sneeze"},
        {"at": 1.0, "event": "SpeechStarted"},
        {"at": 1.0, "event": "SpeechStarted", "audio_seconds": "x"},
        {"at": 1.0, "event": "SpeechStarted", "audio_seconds": True},
        {"at": 1.0, "event": "SpeechStarted", "audio_seconds": 1.0, "loudness": 3},
        {"at": 1.0, "command": "EndTurn", "turn_id": "t", "outcome": "lost"},
        {"at": 1.0, "event": "TranscriptRevised", "segment": 0, "stable": [{"text": "a"}]},
    ],
)
def test_lines_of_something_else_are_refused(line: dict[str, Any]) -> None:
    with pytest.raises(JournalError):
        decode(line)


def written(path: Path, entries: list[tuple[float, Any]], **options: Any) -> Journal:
    journal = Journal(path, HEADER, **options)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(journal.run())
            await asyncio.sleep(0)
            for at, happened in entries:
                journal.observe(at, happened)
            task.cancel()

    asyncio.run(main())
    return journal


ENTRIES: list[tuple[float, Any]] = [
    (0.1, SpeechStarted(0.04)),
    (0.9, TranscriptRevised(0, (WordTime("naïve", 0.1, 0.4, 0.9),), is_final=True)),
    (1.0, WordsWritten("think_1", "one\u2028two\x85three\nfour \ud83d")),
    (2.0, EndTurn("turn_1", TurnOutcome.ANSWERED)),
]


def test_a_cancelled_session_leaves_a_whole_journal(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "call.jsonl"
    written(path, ENTRIES)
    header, entries = read_journal(path)
    assert entries == ENTRIES
    assert header.policy == EAGER
    assert header.turn_detection == HEADER.turn_detection
    assert header.engines == {"asr": "simulated"}
    assert header.version


def test_only_its_owner_may_read_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "new" / "call.jsonl"
    written(path, ENTRIES)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (path.parent, path)] == [0o700, 0o600]


def test_a_journal_that_is_there_is_not_overwritten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "call.jsonl"
    written(path, ENTRIES)
    written(path, ENTRIES[:1])
    assert len(read_journal(path)[1]) == len(ENTRIES)
    assert "File exists" in caplog.text


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    written(path, ENTRIES)
    path.write_text(path.read_text(encoding="utf-8", errors="surrogatepass")[:-20], "utf-8", errors="surrogatepass")
    assert read_journal(path)[1] == ENTRIES[:-1]


@pytest.mark.parametrize("text", ["", "{}\n", "hello\nthere\n", '{"stretto_journal": 2}\n', "[1]\n{}\n"])
def test_files_of_something_else_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(JournalError):
        read_journal(path)


def test_what_does_not_fit_is_dropped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    journal = Journal(path, HEADER, capacity=3)
    for number in range(10):
        journal.observe(float(number), SpeechStarted(number / 10))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(journal.run())
            await asyncio.to_thread(_until_written, path)
            task.cancel()

    asyncio.run(main())
    assert len(read_journal(path)[1]) == 3
    assert '{"dropped":7}' in path.read_text()


def _until_written(path: Path) -> None:
    while not path.exists() or "dropped" not in path.read_text():
        pass


def test_a_full_disk_ends_the_journal_and_not_the_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("realtime.journal.encode", full)
    with caplog.at_level(logging.ERROR):
        journal = written(tmp_path / "call.jsonl", ENTRIES)
    journal.observe(3.0, SpeechStarted(2.9))
    assert [record.getMessage() for record in caplog.records] == [
        "the journal call.jsonl ends here: No space left on device"
    ]


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    written(tmp_path / "file" / "call.jsonl", ENTRIES)
    assert len(caplog.records) == 1


def test_the_path_is_safe_whatever_the_session_is_called() -> None:
    path = journal_path(Path("j"), "../../etc/x y", datetime(2026, 1, 31, 15, 45, tzinfo=UTC))
    assert path == Path("j/20260131T154500-______etc_x_y.jsonl")
