"""A playout on a recorded line in virtual time, for the tests of playout."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from audio.loopback import RecordingTransport
from audio.playout import Playout
from audio.transport import PlayoutPosition
from scheduler.events import Event, PlayoutEnded
from scheduler.pcm import Pcm, SpeechChunk, WordTime
from scheduler.virtual_time import run

RATE = 24000
WORD_SECONDS = 0.3


def tone(seconds: float, rate: int = RATE) -> Pcm:
    at = np.arange(round(seconds * rate)) / rate
    return Pcm((12000 * np.sin(2 * np.pi * 220 * at)).astype(np.int16), rate)


def sentence(text: str, word_seconds: float = WORD_SECONDS) -> list[SpeechChunk]:
    """One chunk per word, each word filling its chunk."""
    chunks = []
    for number, word in enumerate(text.split()):
        source = word if number == 0 else " " + word
        start = number * word_seconds
        chunks.append(SpeechChunk(tone(word_seconds), (WordTime(source, start, start + word_seconds),)))
    return chunks


@dataclass
class Stage:
    transport: RecordingTransport
    playout: Playout
    events: list[tuple[float, Event]] = field(default_factory=list)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for _, event in self.events if isinstance(event, kind)]

    def ended(self, utterance_id: str) -> PlayoutEnded:
        (event,) = [e for e in self.of(PlayoutEnded) if isinstance(e, PlayoutEnded) and e.utterance_id == utterance_id]
        assert isinstance(event, PlayoutEnded)
        return event

    async def say(self, utterance_id: str, *sentences: str) -> None:
        for index, text in enumerate(sentences):
            for chunk in sentence(text):
                if not await self.playout.enqueue(utterance_id, index, chunk):
                    return
            self.playout.end_sentence(utterance_id, index)
        self.playout.finish(utterance_id)


def play(
    scene: Callable[[Stage], Awaitable[None]], position: PlayoutPosition = "estimated", **transport: object
) -> Stage:
    """Run a scene in virtual time, then two quiet seconds."""

    async def main() -> Stage:
        line = RecordingTransport(RATE, position=position, **transport)  # type: ignore[arg-type]
        stage = Stage(line, Playout(lambda event: stage.events.append((now(), event)), line))

        def now() -> float:
            return asyncio.get_running_loop().time()

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stage.playout.run())
            await scene(stage)
            await asyncio.sleep(2)  # virtual
            running.cancel()
        return stage

    return run(main)
