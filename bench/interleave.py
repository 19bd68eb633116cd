"""Think a piece, say a piece: is a gap heard when the model thinks before each sentence?

``python -m bench.interleave``: a simulated model thinks for 1 s before each sentence of 2 s, eight times over. Measured is
the audio that leaves: how long it is quiet (under -45 dBFS) anywhere between the first sound and the last. Simulated voices
end each word with 30 ms of silence of their own. ``--clock virtual`` leaves this machine out of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from audio.asr.simulated import SimulatedRecognizer
from audio.loopback import PlayedBlock, RecordingTransport
from bench.barge_in_call import LOUD, Watcher
from bench.table_console import make_console
from realtime.server import Engines
from realtime.session import Session
from realtime.settings import Settings
from realtime.wire.session_port import SessionConfig
from scheduler import virtual_time
from scheduler.commands import Purpose
from scheduler.events import CallEnding, PlayoutEnded
from scheduler.policy import TurnDetection
from think_loop.language_model import Finished, Piece, Prompt, Silence, Thought, Words
from tts.registry import make_voice

RATE_HZ = 16_000
SENTENCES = 8
SENTENCE = "We now go on with step {} of it."
"""2.1 s of the simulated voice."""
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``think_seconds`` before each sentence; words come at ``tokens_per_second``."""

    think_seconds: float = 1.0
    tokens_per_second: float = 50.0


class ThinkingModel:
    """A simulated language model that thinks before each sentence."""

    name = "simulated:interleaved"
    simulated = True

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing is held."""

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        if prompt.purpose is not Purpose.OPENING:
            yield Silence("nothing to add")
            return
        step = 1 / self._pace.tokens_per_second
        for number in range(1, SENTENCES + 1):
            for _ in range(round(self._pace.think_seconds / step)):
                await asyncio.sleep(step)
                yield Thought(" so")
            for word in SENTENCE.format(number).split():
                await asyncio.sleep(step)
                yield Words(f" {word}")
        yield Finished("stop", 1, 1)


@dataclass(frozen=True, slots=True)
class Result:
    voice: str
    clock: str
    sentences: int
    spoken_seconds: float
    first_sound_seconds: float
    longest_gap_ms: float
    """Quiet anywhere between the first sound and the last, the voice's own silence between words included."""


async def talk(voice_spec: str, pace: Pace, clock: str) -> Result:
    line, watcher = RecordingTransport(RATE_HZ, position="exact"), Watcher()
    voice = make_voice(voice_spec)
    await voice.warm_up()
    overrides = {"fillers": False, "afterthought_seconds": None}
    settings = Settings.model_validate(
        {"engines": {"vad": "energy"}, "agent": {"agent_first": True}, "turns": {"overrides": overrides}}
    )
    engines = Engines(SimulatedRecognizer(), ThinkingModel(pace), voice)
    session = Session("interleave", watcher, line, SessionConfig(TurnDetection()), engines, settings)
    began_at = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(LONGEST_SECONDS):
        running = tasks.create_task(session.run())
        await watcher.sounding.wait()
        while not any(isinstance(each, PlayoutEnded) for _, each in watcher.happened):  # noqa: ASYNC110 told by no event
            await asyncio.sleep(0.1)
        session.publish(CallEnding("all is said"))
        await running
    first, last, gap = quiet(line.blocks)
    return Result(
        voice.name, clock, SENTENCES, round(last - first, 2), round(first - began_at, 2), round(1000 * gap, 1)
    )


def quiet(blocks: Sequence[PlayedBlock]) -> tuple[float, float, float]:
    """First and last loud sample, in loop time, and the longest quiet between two loud ones, in seconds."""
    loud = np.concatenate(
        [
            block.starts_at + np.flatnonzero(np.abs(block.pcm.samples.astype(np.int32)) > LOUD) / RATE_HZ
            for block in blocks
        ]
    )
    return float(loud[0]), float(loud[-1]), float(np.max(np.diff(loud)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--voices", default="simulated,simulated:streaming", help="separated by commas")
    parser.add_argument("--clock", choices=("real", "virtual"), default="real")
    parser.add_argument("--think", type=float, default=Pace().think_seconds, help="seconds before each sentence")
    arguments = parser.parse_args()
    console = make_console(json=arguments.json)
    for spec in arguments.voices.split(","):
        pace = Pace(arguments.think)

        async def scene(spec: str = spec, pace: Pace = pace) -> Result:
            return await talk(spec, pace, arguments.clock)

        result = virtual_time.run(scene) if arguments.clock == "virtual" else asyncio.run(scene())
        if arguments.json:
            print(json.dumps({"machine_cores": os.cpu_count(), "engines": "simulated", **asdict(result)}))
        else:
            console.print(
                f"{result.voice}, {result.clock} time, model simulated: {result.sentences} sentences in "
                f"{result.spoken_seconds} s, first sound after {result.first_sound_seconds} s, "
                f"longest gap {result.longest_gap_ms} ms"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
