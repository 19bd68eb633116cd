"""The example of a host application runs as its docstring says, under plain uvicorn."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

ROOT = Path(__file__).parents[2]
ENGINES = {"STRETTO_ASR": "simulated", "STRETTO_LLM": "offline", "STRETTO_TTS": "simulated", "STRETTO_VAD": "energy"}
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what is six times seven"}]}


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """HOST:PORT of the example on a free port of loopback, with the key ``k1``; it must close without trouble."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "examples"), "--ws-max-size", "25165824"]
    environment = {**os.environ, **ENGINES, "STRETTO_API_KEY": "k1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--port", "0", "embed_fastapi:app"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    log = ""
    try:
        for line in process.stderr:
            log += line
            if found := re.search(r"running on http://(\S+)", line):
                yield found[1]
                break
        else:
            pytest.fail(log)
        process.send_signal(signal.SIGTERM)
        log += process.communicate(timeout=30)[1]
        assert "Application shutdown complete" in log, log
        assert "Traceback" not in log, log
    finally:
        process.kill()
        process.wait()


async def text_turn(address: str) -> str:
    headers = {"Authorization": "Bearer k1"}
    async with (
        asyncio.timeout(30),
        websockets.connect(f"ws://{address}/agent/v1/realtime", additional_headers=headers, max_size=None) as line,
    ):
        await line.send(json.dumps({"type": "conversation.item.create", "item": ITEM}))
        await line.send(json.dumps({"type": "response.create", "response": {"output_modalities": ["text"]}}))
        async for frame in line:
            event: Any = json.loads(frame)
            if event["type"] == "response.output_text.done":
                return str(event["text"])
            assert event["type"] != "error", event
    raise AssertionError("the server hung up before its answer")


async def refused_status(address: str) -> int:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://{address}/agent/v1/realtime")
    return refused.value.response.status_code


@pytest.mark.slow
def test_the_example_holds_a_turn_and_obeys_the_environment(tmp_path: Path) -> None:
    with embedded(tmp_path) as address:
        assert httpx.get(f"http://{address}/").json() == {"agent": "/agent/v1/realtime"}
        health = httpx.get(f"http://{address}/agent/health").json()
        assert health["key_required"]
        assert health["engines"]["asr"]["simulated"]
        assert asyncio.run(refused_status(address)) == 401
        assert re.search(r"42|forty.two", asyncio.run(text_turn(address)))
