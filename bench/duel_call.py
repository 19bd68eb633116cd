"""One call of the duel: a session in this process, audio handed in and taken out without socket or codec."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings, Utterance
from audio.end_of_turn.simulated import SimulatedTurnEnd, SimulatedTurnEndSettings
from audio.loopback import PlayedBlock, RecordingTransport
from bench import duel_scenes as scenes
from bench.duel_scenes import DuelTurn, Scene
from bench.duel_speech import LOUD, RATE_HZ, Samples, made_up
from realtime.server import Engines
from realtime.session import Session
from realtime.settings import Settings
from realtime.wire.session_port import SessionConfig
from scheduler.commands import Command, PromoteThinking, Purpose, Speak, SpeakSource, Think
from scheduler.events import (
    CallEnding,
    EndingForeseen,
    Event,
    OpeningVerified,
    PlayoutEnded,
    PlayoutStarted,
    ThoughtGrown,
    WordsWritten,
)
from scheduler.pcm import Pcm
from scheduler.policy import TurnDetection
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from tts.engines.simulated import SimulatedVoice

BLOCK_SECONDS = 0.02
GAP_SECONDS = 0.6
"""Between the end of an answer and the next question."""
LOST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Setup:
    """What the duel is fought with."""

    eager: bool = False
    streaming: bool = True
    speculation: bool = True
    vad: str = "energy"
    seed: int = 1


@dataclass(slots=True)
class TurnResult:
    """Milliseconds from the last loud frame handed in; ``None``: never."""

    turn: DuelTurn
    first_sound_ms: float | None = None
    first_substance_ms: float | None = None
    from_draft: bool = False
    said: str = ""
    fillers: int = 0
    longest_silence_s: float = 0.0
    """From the end of speech to the end of the answer."""


@dataclass(slots=True)
class Watcher:
    """The session's door: counts what was thought and for what, and tells the caller when an answer is over."""

    thinks: dict[str, Think] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    openings: dict[str, str] = field(default_factory=dict)
    """What each think wrote."""
    endings: dict[str, str] = field(default_factory=dict)
    """What was foreseen."""
    promoted: set[str] = field(default_factory=set)
    adopted: set[str] = field(default_factory=set)
    """Thinks whose beginning was verified for another's: it was said."""
    discarded: set[str] = field(default_factory=set)
    """Thinks of which one token was decoded and left unsaid: their answer was begun anew while the opening that holds was
    verified."""
    fillers: set[str] = field(default_factory=set)
    filler_count: int = 0
    said: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    history: list[tuple[float, Event | Command]] = field(default_factory=list)

    def observe(self, at: float, happened: Event | Command) -> None:
        self.history.append((at, happened))
        match happened:
            case Think(think_id):
                self.thinks[think_id] = happened
                if happened.opening_holds:
                    self._adopt(happened.opening)
            case WordsWritten(think_id, text):
                self.openings[think_id] = self.openings.get(think_id, "") + text
                self._decoded(think_id)
            case ThoughtGrown(think_id):
                self._decoded(think_id)
            case EndingForeseen(think_id, ending):
                self.endings[think_id] = ending
                self._decoded(think_id, len(ending.split()))
            case Speak(text=text, source=SpeakSource.FILLER):
                self.fillers.add(text)
                self.filler_count += 1
            case OpeningVerified(think_id, text) if text:
                self.discarded.add(think_id)
                self._adopt(self.thinks[think_id].opening)
            case PlayoutStarted():
                self.over.clear()
            case PlayoutEnded(text=text, stopped=False):
                self.said.append(text)
                self.over.set()
            case PromoteThinking(think_id):
                self.promoted.add(think_id)
            case _:
                pass

    def _decoded(self, think_id: str, tokens: int = 1) -> None:
        """The simulated model tells each token by itself. (A stream that is stopped has no count of the engine.)"""
        self.tokens[think_id] = self.tokens.get(think_id, 0) + tokens

    def _adopt(self, opening: str) -> None:
        """The draft that wrote this opening last."""
        for think_id, text in reversed(self.openings.items()):
            if text.startswith(opening):
                self.adopted.add(think_id)
                return

    @property
    def spent(self) -> int:
        """All tokens that were decoded."""
        return sum(self.tokens.values()) + len(self.discarded)

    def extra(self, think_id: str) -> int:
        """Tokens of this think that were decoded and neither said nor kept as notes, nor did they foretell what was said."""
        speculative = self.thinks[think_id].purpose.is_speculative
        came_true = not speculative or think_id in self.promoted | self.adopted | self.foretold
        return (think_id in self.discarded) + (0 if came_true else self.tokens.get(think_id, 0))

    @property
    def served_by_drafts(self) -> int:
        """Answers that were drafts, or go on behind one."""
        promoted = sum(self.thinks[think_id].purpose is Purpose.DRAFT for think_id in self.promoted)
        return promoted + sum(think.opening_holds for think in self.thinks.values())

    @property
    def foretold(self) -> set[str]:
        """Foresights of which the draft was promoted: the user did say that."""
        bases = {self.thinks[think_id].basis for think_id in self.promoted}
        said = {think_id: self.thinks[think_id].basis for think_id in self.endings}
        return {each for each, basis in said.items() if f"{basis} {self.endings[each]}" in bases}

    def handle(self, command: Command) -> None:
        """The end of the call, which the caller asked for."""

    def item_unread(self, item_id: str) -> None:
        """No items are sent."""


@dataclass(slots=True)
class DuelCall:
    """``results``: one for each turn, in order. ``sounds``: what each turn sounds like; left out: a made-up talker."""

    scene: Scene
    setup: Setup
    turns: Sequence[DuelTurn]
    watcher: Watcher = field(default_factory=Watcher)
    results: list[TurnResult] = field(default_factory=list)
    transport: RecordingTransport = field(default_factory=lambda: RecordingTransport(RATE_HZ, position="exact"))
    sounds: Sequence[Samples] = ()

    async def run(self) -> list[TurnResult]:
        """Needs a running loop: real, or virtual for figures without this machine in them."""
        settings = duel_settings(self.setup, self.scene)
        session = Session("duel", self.watcher, self.transport, self.config(), self.engines(), settings)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(session.run())
            await self.talk(session.hear)
            session.publish(CallEnding("the duel is over"))
            await running
        return self.results

    def config(self) -> SessionConfig:
        """Where the model is to reason, the client asks for it: the router would find the question too easy."""
        return SessionConfig(TurnDetection(), reasoning_effort="medium" if self.scene.reasons else None)

    @property
    def heard(self) -> Sequence[PlayedBlock]:
        """All that reached the caller's ear so far, with the time at which it sounded."""
        return self.transport.blocks

    async def talk(self, hear: Callable[[Pcm], Awaitable[None]]) -> None:
        """Say every turn and listen to its answer. ``hear`` takes the caller's audio in."""
        async with asyncio.TaskGroup() as tasks:
            line = Line(hear)
            sending = tasks.create_task(line.run())
            for turn in self.turns:
                await self._take_turn(line, turn)
            sending.cancel()

    async def _take_turn(self, line: Line, turn: DuelTurn) -> None:
        result = TurnResult(turn)
        self.results.append(result)
        self.watcher.over.clear()
        blocks, fillers, served = len(self.heard), self.watcher.filler_count, self.watcher.served_by_drafts
        sounds = self.sounds[len(self.results) - 1] if self.sounds else made_up(turn.seconds)
        ended_at = await line.say(sounds)
        try:
            async with asyncio.timeout(LOST_SECONDS):
                await self.watcher.over.wait()
        except TimeoutError:
            return
        heard = self.heard[blocks:]
        result.said = self.watcher.said[-1]
        result.fillers = self.watcher.filler_count - fillers
        result.from_draft = self.watcher.served_by_drafts > served
        result.longest_silence_s = _longest_silence(heard, ended_at)
        own = _own_words(turn)
        for block in heard:
            sounds_at = _loud_at(block.pcm)
            if sounds_at is None:
                continue
            at_ms = 1000 * (block.starts_at + sounds_at - ended_at)
            if result.first_sound_ms is None:
                result.first_sound_ms = at_ms
            if any(word.text.strip() in own for word in block.words):
                result.first_substance_ms = at_ms
                break
        await asyncio.sleep(GAP_SECONDS)

    def engines(self) -> Engines:
        setup = self.setup
        lag = scenes.EAGER_LAG_SECONDS if setup.eager else scenes.FINAL_LAG_SECONDS
        first_token = scenes.FIRST_TOKEN_SECONDS + (scenes.HARD_SECONDS if self.scene.hard else 0.0)
        foresight = scenes.foresight(self.turns, setup.seed, lambda: len(self.results) - 1)
        return Engines(
            recognizer=SimulatedRecognizer(
                _Script(self.turns, lambda: len(self.results) - 1),
                SimulatedSettings(scenes.PARTIAL_SECONDS, scenes.PARTIAL_LAG_SECONDS, lag),
            ),
            language_model=SimulatedModel(
                SimulatedModelSettings(
                    first_token_seconds=first_token, tokens_per_second=scenes.TOKENS_PER_SECOND, jitter=0.0
                ),
                scenes.answer_script(self.turns, self.scene),
                foresight if self.scene.foreseen else None,
            ),
            voice=SimulatedVoice(
                streaming=setup.streaming, first_byte_seconds=scenes.FIRST_BYTE_SECONDS, sample_rate_hz=RATE_HZ
            ),
            end_of_turn=SimulatedTurnEnd(
                settings=SimulatedTurnEndSettings(
                    delay_seconds=scenes.EAGER_LAG_SECONDS if setup.eager else scenes.VERDICT_SECONDS,
                    asked_early=setup.eager,
                )
            ),
        )


class _Script(Sequence[Utterance]):
    """What is said now. A turn that voice detection has cut in two has its words in the first part."""

    def __init__(self, turns: Sequence[DuelTurn], current: Callable[[], int]) -> None:
        self._turns = turns
        self._current = current
        self._told = -1

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        if index:
            raise IndexError(index)
        if self._told == self._current():
            return ()
        self._told = self._current()
        return self._turns[self._told].said


def duel_settings(setup: Setup, scene: Scene) -> Settings:
    settings = Settings.model_validate({"engines": {"vad": setup.vad}})
    if setup.speculation:
        return settings
    off = {"drafts": False, "notes": False, "foresight": False}
    return Settings.model_validate({"engines": {"vad": setup.vad}, "turns": {"overrides": off}})


def _longest_silence(blocks: Sequence[PlayedBlock], since: float) -> float:
    """Between two loud blocks, or before the first one."""
    longest, silent_since = 0.0, since
    for block in blocks:
        if (loud := _loud_at(block.pcm)) is not None:
            longest = max(longest, block.starts_at + loud - silent_since)
            silent_since = block.ends_at
    return longest


def _own_words(turn: DuelTurn) -> frozenset[str]:
    return frozenset((turn.key.capitalize(), "That", "easily"))


def _loud_at(pcm: Pcm) -> float | None:
    """Seconds into the block of its first sample above the threshold."""
    loud = np.flatnonzero(np.abs(pcm.samples.astype(np.int32)) > LOUD)
    return float(loud[0]) / pcm.sample_rate_hz if len(loud) else None


@dataclass(slots=True)
class Line:
    """Sends audio in real time: silence, or what is to be said."""

    hear: Callable[[Pcm], Awaitable[None]]
    _speech: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    _ended_at: float = 0.0
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, speech: Samples) -> float:
        """Loop time at which the last loud frame had been handed in."""
        self._ended.clear()
        self._speech = speech
        await self._ended.wait()
        return self._ended_at

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        size = round(BLOCK_SECONDS * RATE_HZ)
        due_at = loop.time()
        while True:
            due_at += BLOCK_SECONDS
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            block, self._speech = self._speech[:size], self._speech[size:]
            loud = _loud_at(Pcm(block, RATE_HZ)) is not None
            samples = np.zeros(size, np.int16)
            samples[: len(block)] = block
            await self.hear(Pcm(samples, RATE_HZ))
            if loud:
                self._ended_at = loop.time()
            if len(block) and not len(self._speech):
                self._ended.set()


def scene_turns(scene: Scene, count: int, seed: int) -> list[DuelTurn]:
    return scene.turns(Random(seed), count)
