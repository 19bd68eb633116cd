"""What the tests of the ears share: a recorder of events, a detector that goes by level, a faulty engine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from audio.asr.recognizer import Hypothesis, Recognizer
from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings, SimulatedStream
from audio.ears import Ears, EarsSettings
from audio.end_of_turn.model import EndOfTurnModel
from audio.vad import VoiceDetector
from scheduler.errors import RecognizerError
from scheduler.events import Event, TranscriptRevised
from scheduler.pcm import Pcm
from scheduler.policy import TurnDetection

T = TypeVar("T")


class LevelDetector:
    """Speech is what is loud."""

    offset_lag_seconds = 0.0

    def __init__(self) -> None:
        self.asked = 0

    def probability(self, chunk: NDArray[np.int16]) -> float:
        self.asked += 1
        return 1.0 if np.max(np.abs(chunk)) > 1000 else 0.0

    def reset(self) -> None:
        pass


@dataclass
class Heard:
    events: list[Event] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """Loop time of each event."""

    def publish(self, event: Event) -> None:
        self.events.append(event)
        self.times.append(asyncio.get_running_loop().time())

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def finals(self) -> dict[int, TranscriptRevised]:
        """By segment; fails when one has two."""
        finals: dict[int, TranscriptRevised] = {}
        for event in self.of(TranscriptRevised):
            assert event.segment not in finals, f"segment {event.segment} went on after its final"
            if event.is_final:
                finals[event.segment] = event
        return finals


def voice(seconds: float, rate: int = 16000) -> Pcm:
    return Pcm((8000 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate)) / rate)).astype(np.int16), rate)


def silence(seconds: float, rate: int = 16000) -> Pcm:
    return Pcm.silence(seconds, rate)


@contextlib.asynccontextmanager
async def listening(
    recognizer: Recognizer,
    turn_detection: TurnDetection | None = None,
    *,
    settings: EarsSettings | None = None,
    detector: VoiceDetector | None = None,
    end_of_turn: EndOfTurnModel | None = None,
) -> AsyncIterator[tuple[Ears, Heard]]:
    """Ears at work; leaving the block lets them finish."""
    heard = Heard()
    chosen = turn_detection or TurnDetection()
    ears = Ears(
        heard.publish, recognizer, detector or LevelDetector(), chosen, settings=settings, end_of_turn=end_of_turn
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(ears.run())
        yield ears, heard
        ears.close()


async def at_pace(ears: Ears, *blocks: Pcm) -> None:
    """In real time (virtual, in most tests), 20 ms a piece."""
    for block in blocks:
        step = block.sample_rate_hz // 50
        for at in range(0, len(block.samples), step):
            ears.hear(Pcm(block.samples[at : at + step], block.sample_rate_hz))
            await asyncio.sleep(0.02)  # the pace of a microphone; virtual time


class FaultyStream(SimulatedStream):
    """Simulated, but for what ``fault`` says: called with the name of each step before it is done."""

    fault: Callable[[str], None] = staticmethod(lambda step: None)

    async def begin(self, segment: int, start_seconds: float) -> None:
        self.fault("begin")
        await super().begin(segment, start_seconds)

    async def feed(self, pcm: Pcm) -> None:
        self.fault("feed")
        await super().feed(pcm)

    async def finish(self) -> None:
        self.fault("finish")
        await super().finish()

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        async for hypothesis in super().hypotheses():
            self.fault("final" if hypothesis.is_final else "partial")
            yield hypothesis


class FaultyRecognizer(SimulatedRecognizer):
    """Breaks at each step named in ``faults``, once for each time it stands there."""

    def __init__(self, *faults: str, script: tuple[str, ...] = ("one two three",), error: BaseException | None = None):
        super().__init__(script, SimulatedSettings(revision_probability=0.0))
        self.faults = list(faults)
        self.opened = 0
        self._error = error or RecognizerError("it broke")

    async def open(self, *, language: str | None = None) -> FaultyStream:
        self.opened += 1
        self._break("open")
        stream = FaultyStream(self._script, self._settings, 0)
        stream.fault = self._break  # type: ignore[method-assign]
        return stream

    def _break(self, step: str) -> None:
        if step in self.faults:
            self.faults.remove(step)
            raise self._error
