"""One call of the barge-in bench: a session in this process; the agent speaks, and the caller does something over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from math import isnan

import numpy as np
from numpy.typing import NDArray

from audio.asr.recognizer import Hypothesis, Recognizer
from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings, SimulatedStream
from audio.loopback import PlayedBlock, RecordingTransport
from audio.transport import PlayoutPosition
from bench.barge_in_sounds import RATE_HZ, Samples, Sound
from realtime.server import Engines
from realtime.session import Session
from realtime.settings import Settings
from realtime.wire.session_port import SessionConfig
from scheduler.commands import Command, Purpose, RecordHeard, Speak, StopSpeaking
from scheduler.events import CallEnding, Event, PlayoutEnded, PlayoutStarted
from scheduler.pcm import Pcm, WordTime
from scheduler.policy import TurnDetection, TurnMode
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Piece, Prompt, Words
from tts.voice import Voice

BLOCK_SECONDS = 0.02
LISTEN_SECONDS = 3.0
"""The agent has spoken for so long when the caller makes the sound."""
SETTLE_SECONDS = 3.5
"""What a sound leads to is decided by then."""
CLIENT_BUFFER_SECONDS = 0.1
"""A plain websocket's client plays this much later than audio arrives: its network and its buffer."""
CLIENT_FLUSH_SECONDS = 0.03
"""And throws away what it has so long after the server told it to."""
STORY = (
    "There once was a miller who lived by the river.",
    "He had three sons and a mill that never stood still.",
    "The eldest wanted to see the world before winter came.",
    "So he packed his bread and walked along the water.",
    "On the second day he met an old woman with a cat.",
    "She asked him for bread and he gave her half of it.",
)
ANSWER = "Then we will talk about that."


@dataclass(frozen=True, slots=True)
class Setup:
    vad: str = "energy"
    position: PlayoutPosition = "exact"
    mode: TurnMode = TurnMode.SEMANTIC
    overrides: tuple[tuple[str, object], ...] = ()
    """Of the policy."""
    echo_db: float | None = None
    """The agent's voice comes back this much softer; ``None``: it does not."""
    echo_seconds: float = 0.1
    hears_itself: bool = False
    """The session is told that it may hear itself."""
    partial_seconds: float = 0.2
    """How often the simulated recogniser tells what it has, 0.15 s late."""


@dataclass(slots=True)
class Trial:
    """What happened. Instants are loop time; ``blocks``: what sounded at the caller's."""

    sound: Sound
    onset_at: float = 0.0
    """The first sample of the sound that is loud."""
    blocks: list[PlayedBlock] = field(default_factory=list)
    happened: list[tuple[float, Event | Command]] = field(default_factory=list)

    def stopped(self) -> PlayoutEnded | None:
        """The first utterance that was interrupted."""
        return next((each for _, each in self.happened if isinstance(each, PlayoutEnded) and each.stopped), None)

    @property
    def stop_ordered_at(self) -> float | None:
        return next((at for at, each in self.happened if isinstance(each, StopSpeaking)), None)

    def recorded(self, utterance_id: str) -> str | None:
        """What the history holds of an utterance in the end."""
        texts = [each.text for _, each in self.happened if isinstance(each, RecordHeard)
                 and each.utterance_id == utterance_id]  # fmt: skip
        return texts[-1] if texts else None

    def taken_up(self) -> bool:
        """After the stop the agent went on with the first sentence that was not heard to its end."""
        stopped = self.stopped()
        if stopped is None or stopped.unheard_index is None:
            return False
        spoken = [each for _, each in self.happened if isinstance(each, Speak)]
        cut = next(
            each for each in spoken if each.utterance_id == stopped.utterance_id and each.index == stopped.unheard_index
        )
        later = [each for each in spoken if each.utterance_id != stopped.utterance_id]
        sounded = {each.utterance_id for _, each in self.happened if isinstance(each, PlayoutStarted)}
        whole = " ".join(STORY)
        return any(
            each.utterance_id in sounded and each.text.split()[:1] == cut.text.split()[:1] and cut.text.strip() in whole
            for each in later
        )


@dataclass(slots=True)
class Watcher:
    """The session's door."""

    happened: list[tuple[float, Event | Command]] = field(default_factory=list)
    sounding: asyncio.Event = field(default_factory=asyncio.Event)

    def observe(self, at: float, happened: Event | Command) -> None:
        self.happened.append((asyncio.get_running_loop().time(), happened))
        if isinstance(happened, PlayoutStarted):
            self.sounding.set()

    def handle(self, command: Command) -> None:
        """The end of the call, which the caller asked for."""

    def item_unread(self, item_id: str) -> None:
        """No items are sent."""


async def barge_in(sound: Sound, setup: Setup, voice: Voice, *, phase: float, recognizer: Recognizer | None) -> Trial:
    """``phase``: 0 to 1, where the sound falls among blocks, chunks and words. ``recognizer``: a real one; ``None``:
    simulated, it knows what is said. Works in real and in virtual time."""
    line = CallerLine(setup.position)
    watcher = Watcher()
    session = Session(
        "barge-in",
        watcher,
        line,
        SessionConfig(TurnDetection(mode=setup.mode)),
        Engines(recognizer or _recognizer(sound, setup), _model(), voice),
        settings_of(setup),
    )
    trial = Trial(sound)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(session.run())
        microphone = Microphone(session, line if setup.echo_db is not None else None, setup)
        listening = tasks.create_task(microphone.run())
        await watcher.sounding.wait()
        await asyncio.sleep(LISTEN_SECONDS + phase * 0.5)
        trial.onset_at = await microphone.say(_quiet_before(sound.samples, phase))
        await asyncio.sleep(SETTLE_SECONDS)
        session.publish(CallEnding("the trial is over"))
        await running
        listening.cancel()
    trial.blocks, trial.happened = line.heard(watcher.happened), watcher.happened
    return trial


def _quiet_before(samples: Samples, phase: float) -> Samples:
    """The sound begins anywhere in a block."""
    within = (phase * 7.0) % 1.0
    return np.concatenate([np.zeros(int(within * BLOCK_SECONDS * RATE_HZ), np.int16), samples])


def settings_of(setup: Setup) -> Settings:
    overrides = {"drafts": False, "notes": False, "foresight": False, "fillers": False, **dict(setup.overrides)}
    turns: dict[str, object] = {"overrides": overrides, "hears_itself": setup.hears_itself}
    return Settings.model_validate({"engines": {"vad": setup.vad}, "agent": {"agent_first": True}, "turns": turns})


def _model() -> SimulatedModel:
    def script(prompt: Prompt) -> Sequence[Piece]:
        return [Words(" ".join(STORY) if prompt.purpose is Purpose.OPENING else ANSWER)]

    return SimulatedModel(SimulatedModelSettings(jitter=0.0), script)


# --- the caller's ears ------------------------------------------------------------------------------------


class CallerLine(RecordingTransport):
    """Also plays the part of a client that throws away what it has not played when it is told of a stop."""

    def __init__(self, position: PlayoutPosition) -> None:
        super().__init__(RATE_HZ, position=position)
        self._late = CLIENT_BUFFER_SECONDS if position == "estimated" else 0.0

    def heard(self, happened: Sequence[tuple[float, Event | Command]]) -> list[PlayedBlock]:
        """What sounded at the caller's, with the times there."""
        blocks = [replace(block, starts_at=block.starts_at + self._late) for block in self.blocks]
        if self.position != "estimated":
            return blocks
        for at, each in happened:
            if isinstance(each, StopSpeaking):
                blocks = _flushed(blocks, each.utterance_id, at + CLIENT_FLUSH_SECONDS)
        return blocks


def _flushed(blocks: Sequence[PlayedBlock], utterance_id: str, at: float) -> list[PlayedBlock]:
    kept: list[PlayedBlock] = []
    for block in blocks:
        if block.utterance_id != utterance_id or block.ends_at <= at:
            kept.append(block)
        elif block.starts_at < at:
            samples = block.pcm.samples[: round((at - block.starts_at) * block.pcm.sample_rate_hz)]
            kept.append(replace(block, pcm=Pcm(samples, block.pcm.sample_rate_hz)))
    return kept


# --- the caller's mouth -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Microphone:
    """Sends audio in real time: silence, a sound, and the agent's own voice come back from the ``loudspeaker``."""

    session: Session
    loudspeaker: CallerLine | None
    setup: Setup
    _sound: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    _first_at: float = 0.0
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, samples: Samples) -> float:
        """Loop time of the sound's first loud sample, when all of it has been handed in."""
        self._ended.clear()
        self._first_at = float("nan")
        self._sound = samples
        await self._ended.wait()
        return self._first_at

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        size = round(BLOCK_SECONDS * RATE_HZ)
        due_at = loop.time()
        while True:
            due_at += BLOCK_SECONDS
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            samples = np.zeros(size, np.int32)
            said, self._sound = self._sound[:size], self._sound[size:]
            samples[: len(said)] = said
            self._note(said, due_at - BLOCK_SECONDS)
            if self.loudspeaker is not None and self.setup.echo_db is not None:
                samples += self._echo(self.loudspeaker, due_at - BLOCK_SECONDS, size)
            await self.session.hear(Pcm(np.clip(samples, -32768, 32767).astype(np.int16), RATE_HZ))

    def _note(self, said: Samples, began_at: float) -> None:
        loud = np.flatnonzero(np.abs(said.astype(np.int32)) > LOUD)
        if isnan(self._first_at) and len(loud):
            self._first_at = began_at + int(loud[0]) / RATE_HZ
        if len(said) and not len(self._sound):
            self._ended.set()

    def _echo(self, loudspeaker: CallerLine, began_at: float, size: int) -> NDArray[np.int32]:
        """What sounded there a while ago."""
        assert self.setup.echo_db is not None
        echo = np.zeros(size, np.int32)
        begin = began_at - self.setup.echo_seconds
        for block in reversed(loudspeaker.blocks):
            if block.ends_at <= begin:
                break
            at = round((block.starts_at - begin) * RATE_HZ)
            first, last = max(0, at), min(size, at + len(block.pcm.samples))
            if first < last:
                echo[first:last] = block.pcm.samples[first - at : last - at]
        return np.asarray(echo * 10 ** (-self.setup.echo_db / 20), np.int32)


LOUD = 32768 * 10 ** (-45 / 20)


# --- the recogniser ---------------------------------------------------------------------------------------


def _recognizer(sound: Sound, setup: Setup) -> Recognizer:
    """Knows what the sound says, and of what follows that it says nothing."""
    said = sound.partial or sound.words
    recognizer = SimulatedRecognizer((said, *((),) * 50), SimulatedSettings(setup.partial_seconds))
    return _Forgetful(recognizer) if sound.partial else recognizer


class _Forgetful:
    """Of all the words it tells for a moment none is left in the end."""

    def __init__(self, recognizer: SimulatedRecognizer) -> None:
        self._recognizer = recognizer

    @property
    def name(self) -> str:
        return self._recognizer.name

    @property
    def simulated(self) -> bool:
        return True

    def knows_language(self, language: str) -> bool:
        return True

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def open(self, *, language: str | None = None) -> _ForgetfulStream:
        return _ForgetfulStream(await self._recognizer.open(language=language))

    async def close(self) -> None:
        """Nothing is held."""


class _ForgetfulStream:
    def __init__(self, stream: SimulatedStream) -> None:
        self._stream = stream
        self.begin, self.feed, self.finish, self.close = stream.begin, stream.feed, stream.finish, stream.close

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        async for each in self._stream.hypotheses():
            words: tuple[WordTime, ...] = () if each.is_final else each.stable + each.tentative
            yield Hypothesis(each.segment, (), words, each.is_final)
