"""The tools of ``examples/tools.py`` in a real server, asked for over the wire."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets

ROOT = Path(__file__).parents[2]
FLAGS = ("--port", "0", "--asr", "simulated", "--llm", "offline", "--tts", "simulated", "--vad", "energy")


@contextmanager
def serving(*flags: str) -> Iterator[str]:
    """HOST:PORT."""
    command = [sys.executable, "-m", "realtime.cli", "serve", *FLAGS, *flags]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STRETTO_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        if not ready.startswith("ready http://"):
            pytest.fail(process.communicate(timeout=30)[1])
        yield ready.removeprefix("ready http://").strip()
    finally:
        process.terminate()
        process.communicate(timeout=30)


async def answers(address: str, *questions: str) -> list[str]:
    async with asyncio.timeout(60), websockets.connect(f"ws://{address}/v1/realtime", max_size=None) as line:
        return [await answer(line, question) for question in questions]


async def answer(line: Any, question: str) -> str:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": question}]}
    await line.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await line.send(json.dumps({"type": "response.create", "response": {"output_modalities": ["text"]}}))
    async for frame in line:
        event = json.loads(frame)
        assert event["type"] != "error", event
        if event["type"] == "response.output_text.done":
            return str(event["text"])
    raise AssertionError("the server hung up before its answer")


@pytest.mark.slow
def test_the_example_answers_with_its_tools() -> None:
    with serving("--tools", "examples.tools") as address:
        status, refused, cancelled, now_cancelled, again, unknown = asyncio.run(
            answers(
                address,
                "what is the status of order 7",
                "cancel order 7",
                "cancel order 12",
                "what is the status of order 12",
                "what is the status of order 12",
                "what is the status of order 99",
            )
        )
    assert "two litres of blue paint" in status
    assert "on its way" in refused
    assert "12 (a paint roller) is cancelled" in cancelled
    assert "cancelled" in now_cancelled
    assert again == now_cancelled  # the hint to the model is not spoken
    assert "no order 99" in unknown


@pytest.mark.slow
def test_tools_that_cannot_be_imported_are_told_with_status_2() -> None:
    command = [sys.executable, "-m", "realtime.cli", "serve", *FLAGS, "--tools", "examples.nothing:tools"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        "The tools 'examples.nothing:tools' can't be imported: there is no module 'examples.nothing'."
    )
