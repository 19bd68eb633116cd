"""What is said to be pure is pure, what must be is, and each command has one owner."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest

from scheduler.commands import OWNERS, Command

ROOT = Path(__file__).parents[1]
FORBIDDEN = {"asyncio", "time", "random", "socket", "threading"}
PACKAGES = ("realtime", "audio", "scheduler", "think_loop", "tts")
SHELLS_OF_THE_SCHEDULER = {"__init__", "runner", "bus", "tasks", "workers", "worker_child", "virtual_time"}
"""The only files on the ground floor that may meet asyncio, clocks and processes."""

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _is_pure(path: Path) -> bool:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").startswith("Pure:")


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


PURE = [path for path in MODULES if _is_pure(path)]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_modules_know_no_time_chance_or_outside(path: Path) -> None:
    assert not _imports(path) & FORBIDDEN


@pytest.mark.parametrize("path", sorted((ROOT / "scheduler").glob("*.py")), ids=lambda path: path.name)
def test_the_ground_floor_is_pure_but_for_its_shells(path: Path) -> None:
    assert path.stem in SHELLS_OF_THE_SCHEDULER or _is_pure(path)


def test_the_scan_finds_what_it_is_to_find(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        '"""Pure: not at all."""\ndef f():\n    import time as t\n    from asyncio.events import AbstractEventLoop\n'
    )
    assert _is_pure(path)
    assert _imports(path) & FORBIDDEN == {"time", "asyncio"}
    assert len(PURE) > 10


def test_each_command_has_exactly_one_owner() -> None:
    assert set(OWNERS) == set(typing.get_args(Command))
