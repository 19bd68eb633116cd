"""The server says when it is ready, and closes politely, or at once when asked twice."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from realtime.serve import address_of, bind, log_to_stderr
from scheduler.errors import SettingsError

ROOT = Path(__file__).parents[2]


@contextmanager
def served(port: int = 0, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """(process, its ready line)."""
    command = [sys.executable, "-m", "tests.realtime.serve_with_fakes", str(port), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_it_is_ready_when_it_says_so_and_ends_politely() -> None:
    with served() as (process, line):
        assert line.startswith("ready http://127.0.0.1:")
        assert httpx.get(line.split()[1].strip() + "/health").text == "well"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == ""
    assert err.index("warming") < err.index("stopped politely") < err.index("closed")


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once() -> None:
    with served() as (process, _):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # two equal signals to a process merge unless the first has been taken
        asked_at = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert time.monotonic() - asked_at < 1.5
    assert process.returncode == 0
    assert "stopped politely" not in err


@pytest.mark.slow
def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with served(port) as (process, line):
            _, err = process.communicate(timeout=10)
    assert line == ""
    assert process.returncode == 1
    assert err.strip() == (
        f"Port {port} on 127.0.0.1 is in use; stop what uses it or give another one: --port 0 picks a free one."
    )


@pytest.mark.slow
def test_an_engine_that_does_not_start_is_told_in_one_sentence() -> None:
    with served(0, "broken") as (process, line):
        _, err = process.communicate(timeout=10)
    assert line == ""
    assert process.returncode == 1
    assert err.splitlines()[-1] == "The model is not there; start it first."
    assert "Traceback" not in err


def test_a_free_port_is_picked() -> None:
    with bind("127.0.0.1", 0) as listening:
        assert address_of(listening).startswith("http://127.0.0.1:")
        assert not address_of(listening).endswith(":0")


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_addresses_that_are_not_ours_are_refused(host: str) -> None:
    with pytest.raises(SettingsError):
        bind(host, 0)


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Whatever is set about logging inside is undone."""
    handlers, before = logging.root.handlers[:], {each: (each.level, each.filters[:]) for each in all_loggers()}
    logging.root.handlers.clear()  # or they would be closed
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        for each in all_loggers():
            level, each.filters[:] = before.get(each, (logging.NOTSET, []))
            each.setLevel(level)


def all_loggers() -> list[logging.Logger]:
    return [logging.root, *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]


def test_the_log_is_not_flooded(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as_before():
        log_to_stderr("info")
        logging.getLogger("httpx2").info("HTTP Request: POST …")
        logging.getLogger("asyncio").warning("socket.send() raised exception.")
        logging.getLogger("asyncio").warning("Executing took 2 seconds")
        logging.getLogger("uvicorn.error").error("Cancel 0 running task(s), timeout graceful shutdown exceeded")
        log_to_stderr("debug")
        logging.getLogger("httpx2").info("at debug")
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[2] for line in told] == ["Executing took 2 seconds", "at debug"]
