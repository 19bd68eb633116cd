"""Calls in one process, without socket or codec: sessions that are handed audio in real time, and their callers.

The callers are as cheap as can be: their audio is made beforehand and shared, one task hands it in, and what comes out
is looked at until it sounds. What is left of their cost is measured by handing the same audio to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Protocol

import numpy as np

from audio.loopback import LINE_BUFFER_SECONDS
from audio.loudness import loud_span_seconds
from audio.transport import PlayoutPosition
from bench.duel_call import BLOCK_SECONDS, DuelCall, Setup, TurnResult, duel_settings
from bench.duel_scenes import Scene
from bench.duel_speech import LOUD_DBFS, RATE_HZ, made_up
from realtime.server import Engines
from realtime.session import Session
from realtime.wire.session_port import SessionConfig
from scheduler.commands import Command
from scheduler.events import CallEnding, Event, PlayoutEnded
from scheduler.pcm import Pcm, WordTime
from scheduler.policy import TurnDetection

GAP_SECONDS = 0.6
"""Between the end of an answer and the next question, as in the duel."""
LOST_SECONDS = 15.0
GROUPS = 4
"""Callers are not in step: they are served in so many groups within each 20 ms."""
START_SECONDS = 6.0
"""Callers begin within so many seconds: about one turn."""
SILENCE = Pcm(np.zeros(round(BLOCK_SECONDS * RATE_HZ), np.int16), RATE_HZ)


class Hearing(Protocol):
    """Where a caller's audio goes: a session, or for comparison nobody."""

    async def hear(self, pcm: Pcm) -> None: ...


class Nobody:
    """Hears nothing."""

    async def hear(self, pcm: Pcm) -> None:
        """The cost of a call of ``hear``."""


class Door:
    """Tells the caller when an answer is over; ``also`` sees everything."""

    def __init__(self, also: Callable[[Event | Command], None] | None = None) -> None:
        self.said = ""
        self.over = asyncio.Event()
        self._also = also

    def observe(self, at: float, happened: Event | Command) -> None:
        if self._also is not None:
            self._also(happened)
        if isinstance(happened, PlayoutEnded) and not happened.stopped:
            self.said = happened.text
            self.over.set()

    def handle(self, command: Command) -> None:
        """The end of the call, which the caller asked for."""

    def item_unread(self, item_id: str) -> None:
        """No items are sent."""


class Loudspeaker:
    """A line with a clock of its own, like ``RecordingTransport``, that keeps nothing but when it first sounded."""

    def __init__(self) -> None:
        self.first_loud_at: float | None = None
        self.first_given_at: float | None = None
        """When playout handed over the first block, whether loud or not."""
        self._dry_at = 0.0
        self._given_seconds = 0.0

    @property
    def position(self) -> PlayoutPosition:
        return "exact"

    @property
    def sample_rate_hz(self) -> int:
        return RATE_HZ

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        loop = asyncio.get_running_loop()
        if self.first_given_at is None:
            self.first_given_at = loop.time()
        too_early = self._dry_at - loop.time() + pcm.duration_seconds - LINE_BUFFER_SECONDS
        if too_early > 0:
            await asyncio.sleep(too_early)
        starts_at = max(self._dry_at, loop.time())
        self._dry_at = starts_at + pcm.duration_seconds
        self._given_seconds += pcm.duration_seconds
        if self.first_loud_at is None and (span := loud_span_seconds(pcm, LOUD_DBFS)) is not None:
            self.first_loud_at = starts_at + span[0]

    def played_seconds(self) -> float:
        return self._given_seconds - max(0.0, self._dry_at - asyncio.get_running_loop().time())

    def listen_anew(self) -> None:
        self.first_loud_at = self.first_given_at = None


@dataclass(slots=True)
class Caller:
    """One call. ``first_sounds_ms``: one for each turn, ``None`` for a lost one: without an answer that names what was
    asked for. ``seconds``: the length of the call."""

    scene: Scene
    setup: Setup
    turns: int
    engines: Engines
    door: Door = field(default_factory=Door)
    line: Loudspeaker = field(default_factory=Loudspeaker)
    ears: Hearing | None = None
    first_sounds_ms: list[float | None] = field(default_factory=list)
    seconds: float = 0.0
    answered: Callable[[float | None], None] = lambda handed_at: None
    """Told after each turn when the first sample of the answer was handed to the line."""
    _saying: tuple[Pcm, ...] = ()
    _said: int = 0
    _ended_at: float = 0.0
    _silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        random = Random(f"caller {self.setup.seed}")
        await asyncio.sleep(random.uniform(0.0, START_SECONDS))
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        work = DuelCall(self.scene, self.setup, self.scene.turns(random, self.turns))
        settings = duel_settings(self.setup, self.scene)
        config = SessionConfig(TurnDetection())
        session = Session("load", self.door, self.line, config, self.engines_for(work), settings)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(session.run())
            self.ears = session
            for turn in work.turns:
                work.results.append(TurnResult(turn))
                self.first_sounds_ms.append(await self._take_turn(turn.seconds, turn.key))
            self.ears = None
            session.publish(CallEnding("the load is over"))
            await running
        self.seconds = loop.time() - began_at

    def engines_for(self, work: DuelCall) -> Engines:
        """The models know this call's script; the voice with its clips and who may think is the process's."""
        own = work.engines()
        return replace(
            self.engines,
            recognizer=own.recognizer,
            language_model=own.language_model,
            end_of_turn=own.end_of_turn,
        )

    async def _take_turn(self, seconds: float, key: str) -> float | None:
        self.line.listen_anew()
        self.door.over.clear()
        self._silent.clear()
        self._said, self._saying = 0, spoken_blocks(seconds)
        await self._silent.wait()
        try:
            async with asyncio.timeout(LOST_SECONDS):
                await self.door.over.wait()
        except TimeoutError:
            return None
        self.answered(self.line.first_given_at)
        first_at = self.line.first_loud_at
        await asyncio.sleep(GAP_SECONDS)
        if first_at is None or key not in self.door.said.casefold():
            return None
        return 1000 * (first_at - self._ended_at)

    async def speak(self) -> None:
        """The next 20 ms, if the call is going on."""
        if self.ears is None:
            return
        if self._said >= len(self._saying):
            await self.ears.hear(SILENCE)
            return
        await self.ears.hear(self._saying[self._said])
        self._said += 1
        if self._said == len(self._saying):
            self._ended_at = asyncio.get_running_loop().time()
            self._silent.set()


@cache
def spoken_blocks(seconds: float) -> tuple[Pcm, ...]:
    """Blocks of 20 ms that end with the last loud sample, but for less than a block of silence."""
    size = len(SILENCE.samples)
    samples = made_up(seconds)
    padded = np.concatenate([samples, np.zeros(-len(samples) % size, np.int16)])
    return tuple(Pcm(padded[at : at + size], RATE_HZ) for at in range(0, len(padded), size))


async def feed(callers: Sequence[Caller]) -> None:
    """Hands in everybody's audio in real time, until cancelled. Blocks that are overdue are handed in at once."""
    groups = [callers[number::GROUPS] for number in range(min(GROUPS, len(callers)))]
    loop = asyncio.get_running_loop()
    due_at = loop.time()
    while True:
        for group in groups:
            due_at += BLOCK_SECONDS / len(groups)
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            for caller in group:
                await caller.speak()
