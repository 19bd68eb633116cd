"""A caller over WebRTC whose loudspeaker is kept, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import soxr

from bench.webrtc_client import WebrtcCaller, connected
from realtime.talk import RATE_HZ
from scheduler.pcm import Pcm
from tests.e2e.recognising import recognised_in
from tests.e2e.serving import Served
from tests.e2e.sounds import Samples

HEARD_HZ = 16_000
LOUD = 180
"""-45 dBFS."""
AFTER_SECONDS = 1.0
"""What the line still holds when the server says that all has sounded."""


class Caller(WebrtcCaller):
    """``heard``: loop time at which each block came, and its samples at 16 kHz."""

    def __init__(self, address: str) -> None:
        super().__init__(address, self._keep, rate_hz=RATE_HZ)
        self.heard: list[tuple[float, Samples]] = []
        self.session_id = ""

    async def _keep(self, pcm: Pcm) -> None:
        self.heard.append((asyncio.get_running_loop().time(), pcm.samples))

    def heard_since(self, block: int) -> Samples:
        return np.concatenate([np.zeros(0, np.int16), *(samples for _, samples in self.heard[block:])])

    async def write(self, text: str) -> None:
        """Typed, and answered at once."""
        content = [{"type": "input_text", "text": text}]
        self.send({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}})
        self.send({"type": "response.create"})

    async def answer(self) -> tuple[dict[str, Any], str]:
        """The next response that is heard to its end, and the words recognised in its sound."""
        first = len(self.heard)
        response: dict[str, Any] = (await self.next("response.done"))["response"]
        await self.next("output_audio_buffer.stopped")
        await asyncio.sleep(AFTER_SECONDS)
        (words,) = await recognised_in(at_24_khz(loud_part(self.heard_since(first))))
        return response, words

    async def retrieved(self, item_id: str) -> str:
        """The words of an item as the server's history has them."""
        self.send({"type": "conversation.item.retrieve", "item_id": item_id})
        item = (await self.next("conversation.item.retrieved"))["item"]
        return " ".join(part.get("transcript") or part.get("text") or "" for part in item["content"])


def transcript(response: dict[str, Any]) -> str:
    return " ".join(part.get("transcript", "") for item in response["output"] for part in item.get("content", ()))


def loud_part(samples: Samples) -> Samples:
    """From the first loud sample to the last, with 0.3 s around, which the recogniser needs."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
    around = np.zeros(round(0.3 * HEARD_HZ), np.int16)
    return np.concatenate([around, samples[loud[0] : loud[-1] + 1], around]) if len(loud) else samples


def at_24_khz(samples: Samples) -> Samples:
    return np.asarray(soxr.resample(samples, HEARD_HZ, RATE_HZ), np.int16)


@asynccontextmanager
async def calling(served: Served, *, microphone: bool = True) -> AsyncIterator[Caller]:
    """A call with its microphone on. Once it is over, its journal replays without a difference."""
    caller = Caller(served.address)
    hearing = {"transcription": {"model": "default"}, "turn_detection": {"type": "semantic_vad"}}
    session = {"type": "realtime", "audio": {"input": hearing}}
    try:
        async with connected(caller, microphone=microphone, session=session):
            caller.session_id = (await caller.next("session.created"))["session"]["id"]
            yield caller
    except BaseException as failure:
        failure.add_note(story(caller))
        raise
    await asyncio.to_thread(served.wait_until_idle)
    served.check_replay(caller.session_id)


def story(caller: Caller) -> str:
    """For a test that failed: what was told when."""
    began_at = caller.told[0].at if caller.told else 0.0
    lines = [f"{told.at - began_at:7.3f} {told.kind}" for told in caller.told]
    return "\n".join(line for line, before in zip(lines, ["", *lines], strict=False) if line[8:] != before[8:])
