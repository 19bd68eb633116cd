"""One scene of ``bench.turns``, played to a session in this process; everything that happened is kept for the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, assert_never

import numpy as np

from audio.asr.recognizer import Recognizer
from audio.loopback import PlayedBlock, RecordingTransport
from audio.loudness import loud_span_seconds
from bench.duel_scenes import FIRST_BYTE_SECONDS, TOKENS_PER_SECOND
from bench.turns_ears import Timeline, TimelineRecognizer
from bench.turns_script import (
    AfterOwn,
    AtRest,
    BeforeAgentEnds,
    Heard,
    Model,
    Say,
    Scene,
    Sound,
    Voiced,
    WhileAgentSpeaks,
    words_of,
)
from bench.turns_sound import RATE_HZ, Samples, Speech, rendered_parts
from realtime.server import Engines
from realtime.session import Session
from realtime.settings import Settings
from realtime.wire.session_port import SessionConfig
from scheduler.commands import Command, Effort, EndUtterance, Purpose, Speak
from scheduler.events import CallEnding, Event, SpeechRendered
from scheduler.floor import Floor
from scheduler.pcm import Pcm, WordTime
from scheduler.policy import TurnDetection
from scheduler.words import bare_words
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Foreseen, Piece, Prompt, Silence, Thought, ToolCall, Words
from think_loop.tools import Tool, tool
from tts.engines.simulated import SimulatedVoice

BLOCK_SECONDS = 0.02
POLL_SECONDS = 0.02
LOUD_DBFS = -45.0
VOICED_DB = -35.0
SHORTEST_PAUSE_SECONDS = 0.2
"""Inside a turn; shorter ones belong to speech (stops of consonants)."""
PATIENCE_SECONDS = 30.0
"""For what a step waits for. Then it is said all the same, and the judge finds what is missing."""
REST_AT_THE_END_SECONDS = 1.3
"""The agent's afterthought begins after 1 s: what it is told shows the history."""
ECHO_DELAY_SECONDS = 0.15
ECHO_DB = -12.0


@dataclass(frozen=True, slots=True)
class Setup:
    """``policy``: a preset. ``speech``: what the caller's words sound like. ``recognizer``: ``None`` for the simulated
    one, which knows what is said."""

    policy: str = "balanced"
    vad: str = "energy"
    speech: Speech = "babble"
    recognizer: Recognizer | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Loop time."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Said:
    """``runs``: where there was voice or a sound. ``began_at``, ``ended_at``: of all of it; ``words_ended_at``: of the
    last word, or of the last sound if there is no word."""

    say: Say
    began_at: float
    ended_at: float
    words_ended_at: float
    runs: tuple[Span, ...]

    @property
    def pauses(self) -> tuple[Span, ...]:
        """Inside, of 0.2 s and more."""
        gaps = (Span(before.end, after.begin) for before, after in pairwise(self.runs))
        return tuple(
            gap
            for gap in gaps
            if gap.end - gap.begin >= SHORTEST_PAUSE_SECONDS - 1e-6 and gap.end <= self.words_ended_at
        )


@dataclass(slots=True)
class Facts:
    """All that happened in a scene, in loop time."""

    scene: Scene
    said: list[Said] = field(default_factory=list)
    history: list[tuple[float, Event | Command]] = field(default_factory=list)
    blocks: list[PlayedBlock] = field(default_factory=list)
    prompts: list[tuple[float, Prompt]] = field(default_factory=list)


@dataclass(slots=True)
class _Door:
    """The session's door: it only watches."""

    history: list[tuple[float, Event | Command]]

    def observe(self, at: float, happened: Event | Command) -> None:
        self.history.append((asyncio.get_running_loop().time(), happened))

    def handle(self, command: Command) -> None:
        """The end of the call, which the caller asked for."""

    def item_unread(self, item_id: str) -> None:
        """No items are sent."""


class _WatchedModel(SimulatedModel):
    """Keeps what it was asked."""

    def __init__(self, model: Model, prompts: list[tuple[float, Prompt]]) -> None:
        settings = SimulatedModelSettings(
            first_token_seconds=model.first_token_seconds, tokens_per_second=TOKENS_PER_SECOND, jitter=0.0
        )
        super().__init__(settings, lambda prompt: answer(model, prompt), lambda prompt: foreseen(model, prompt))
        self._prompts = prompts

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        self._prompts.append((asyncio.get_running_loop().time(), prompt))
        async for piece in super().generate(prompt):
            yield piece


MORE = (
    "There is a lot more to tell about it.",
    "The first part of it is known to nearly everybody around here.",
)
TOOL_NAME = "look_up"


def answer(model: Model, prompt: Prompt) -> Sequence[Piece]:
    """Names the last of the keys that was said, first of all."""
    asked = next((message.text for message in reversed(prompt.messages) if message.role == "user"), "")
    said = bare_words(asked)
    line = " ".join(said)
    if any(line.endswith(phrase) for phrase in model.silent_on):
        return [Silence("nothing is to be said")]
    pieces: list[Piece] = []
    if model.reasoning_tokens and model.reasoned_about in line and prompt.effort is not Effort.REFLEX:
        pieces.append(Thought(" ".join(["so"] * model.reasoning_tokens)))
    if prompt.purpose is Purpose.NOTES:
        return pieces
    if model.tool_seconds is not None and prompt.messages[-1].role != "tool":
        return [*pieces, ToolCall(f"call_{len(prompt.messages)}", TOOL_NAME, "{}")]
    key = next((word for word in reversed(_keys_in(model, line))), "that")
    sentences = (f"{key.capitalize()} is easily told this time.", f"So it is with {said[-1] if said else 'nothing'}.")
    return [*pieces, Words(" ".join((*sentences, *(MORE if model.long else ()))))]


def _keys_in(model: Model, line: str) -> list[str]:
    """Those that were said, the last one last."""
    places = {key: f" {line} ".rfind(f" {key} ") for key in model.keys}
    return sorted((key for key, place in places.items() if place >= 0), key=lambda key: places[key])


def foreseen(model: Model, prompt: Prompt) -> Foreseen | None:
    said = " ".join(bare_words(prompt.messages[-1].text))
    ending = model.foresees.get(said)
    return Foreseen(ending, 0.8, output_tokens=len(ending.split())) if ending else None


def tools_of(model: Model) -> tuple[Tool, ...]:
    if model.tool_seconds is None:
        return ()
    seconds = model.tool_seconds

    @tool(read_only=True, progress="looking it up", name=TOOL_NAME)
    async def look_up() -> str:
        """Look something up."""
        await asyncio.sleep(seconds)
        return "found"

    return (look_up,)


@dataclass(slots=True)
class Call:
    """``play`` needs a running loop: real, or virtual."""

    scene: Scene
    setup: Setup
    recordings: Sequence[Samples] = ()
    """What the caller is heard to say instead of the words of the scripts, where there are any."""
    facts: Facts = field(init=False)
    _timeline: Timeline = field(default_factory=Timeline)
    _transport: RecordingTransport = field(default_factory=lambda: RecordingTransport(RATE_HZ, position="exact"))

    def __post_init__(self) -> None:
        self.facts = Facts(self.scene, blocks=self._transport.blocks)

    async def play(self) -> None:
        """Returns nothing: asyncio would write the facts of a task into a string when its loop ends."""
        session = Session(
            "scene",
            _Door(self.facts.history),
            self._transport,
            SessionConfig(TurnDetection(), language=self.scene.language),
            self._engines(),
            settings_of(self.setup, self.scene),
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(session.run())
            line = Line(session, self._transport, self._timeline, echo=self.scene.echo)
            listening = tasks.create_task(line.run())
            for say in self.scene.says:
                await self._wait(say.when, session)
                await self._say(say, line)
            await self._rest(session, REST_AT_THE_END_SECONDS)
            session.publish(CallEnding("the scene is over"))
            await running
            listening.cancel()

    def _engines(self) -> Engines:
        return Engines(
            recognizer=self.setup.recognizer or TimelineRecognizer(self._timeline),
            language_model=_WatchedModel(self.scene.model, self.facts.prompts),
            voice=SimulatedVoice(streaming=True, first_byte_seconds=FIRST_BYTE_SECONDS, sample_rate_hz=RATE_HZ),
            tools=tools_of(self.scene.model),
        )

    async def _say(self, say: Say, line: Line) -> None:
        if self.recordings:
            await self._play(say, self.recordings[len(self.facts.said)], line)
            return
        pieces = rendered_parts(say.parts, say.rate, self.setup.speech)
        if self.setup.recognizer is None:
            lengths = [len(samples) / RATE_HZ for samples in pieces]
            self._timeline.add(words_of(say.parts, say.rate, lengths), line.audio_seconds)
        began_at = line.begins_at
        runs, is_word, at = [], [], began_at
        for part, samples in zip(say.parts, pieces, strict=True):
            end = at + len(samples) / RATE_HZ
            if isinstance(part, Voiced | Sound):
                runs.append(Span(at, end))
                is_word.append(isinstance(part, Voiced))
            at = end
        await line.say(np.concatenate(pieces))
        ends = [run.end for run, word in zip(runs, is_word, strict=True) if word] or [run.end for run in runs]
        self.facts.said.append(Said(say, began_at, runs[-1].end, ends[-1], tuple(runs)))

    async def _play(self, say: Say, samples: Samples, line: Line) -> None:
        """A recording: where it is voiced is found by its level."""
        began_at = line.begins_at
        await line.say(samples)
        spans = voiced_spans(samples)
        runs = tuple(Span(began_at + span.begin, began_at + span.end) for span in spans)
        self.facts.said.append(Said(say, began_at, runs[-1].end, runs[-1].end, runs))

    # --- waiting --------------------------------------------------------------------------------------

    async def _wait(self, when: AtRest | WhileAgentSpeaks | BeforeAgentEnds | AfterOwn, session: Session) -> None:
        match when:
            case AtRest(seconds):
                await self._rest(session, seconds)
            case WhileAgentSpeaks(seconds):
                await self._until(lambda now: (at := self._agent_since()) is not None and now >= at + seconds)
            case BeforeAgentEnds(seconds):
                await self._until(lambda now: (at := self._agent_ends_at()) is not None and now >= at - seconds)
            case AfterOwn(seconds):
                own = self.facts.said[-1].ended_at if self.facts.said else 0.0
                await self._until(lambda now: now >= own + seconds)
            case _:
                assert_never(when)

    async def _rest(self, session: Session, seconds: float) -> None:
        busy_at = asyncio.get_running_loop().time()

        def rested(now: float) -> bool:
            nonlocal busy_at
            if session.floor is not Floor.RESTING:
                busy_at = now
            return now - busy_at >= seconds - 1e-6

        await self._until(rested)

    async def _until(self, ready: Any) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + PATIENCE_SECONDS
        while not ready(loop.time()) and loop.time() < give_up_at:  # noqa: ASYNC110 what is awaited is mostly a time
            await asyncio.sleep(POLL_SECONDS)

    def _agent_since(self) -> float | None:
        """When it was first loud since the caller's last sound."""
        block = self._first_block()
        return block.starts_at if block else None

    def _first_block(self) -> PlayedBlock | None:
        own = self.facts.said[-1].ended_at if self.facts.said else 0.0
        later = (block for block in self._transport.blocks if block.starts_at >= own)
        return next((block for block in later if loud_span_seconds(block.pcm, LOUD_DBFS)), None)

    def _agent_ends_at(self) -> float | None:
        """Of what sounds now, when all of it is rendered."""
        block = self._first_block()
        if block is None:
            return None
        mine = [each for _, each in self.facts.history if getattr(each, "utterance_id", "") == block.utterance_id]
        rendered = {each.index: each.seconds for each in mine if isinstance(each, SpeechRendered)}
        spoken = {each.index for each in mine if isinstance(each, Speak)}
        if not any(isinstance(each, EndUtterance) for each in mine) or spoken != set(rendered):
            return None
        return block.starts_at + sum(rendered.values())


def voiced_spans(samples: Samples) -> list[Span]:
    """Runs of 10 ms frames within 35 dB of the loudest, of which gaps under 0.2 s are part; in seconds."""
    step = RATE_HZ // 100
    frames = samples[: len(samples) // step * step].reshape(-1, step).astype(np.float64)
    levels = np.sqrt(np.mean(np.square(frames), axis=1))
    spans: list[Span] = []
    for index in np.flatnonzero(levels > np.max(levels, initial=0.0) * 10 ** (VOICED_DB / 20)):
        at = int(index) / 100
        if spans and at - spans[-1].end < SHORTEST_PAUSE_SECONDS:
            spans[-1] = Span(spans[-1].begin, at + 0.01)
        else:
            spans.append(Span(at, at + 0.01))
    return spans


def settings_of(setup: Setup, scene: Scene) -> Settings:
    return Settings.model_validate(
        {
            "engines": {"vad": setup.vad},
            "agent": {"language": scene.language},
            "turns": {
                "policy": setup.policy,
                "hears_itself": scene.echo,
                "overrides": dict(scene.overrides),
            },
        }
    )


@dataclass(slots=True)
class Line:
    """Sends the caller's audio in real time: silence, what is said, and the agent's echo where the line has one."""

    session: Session
    transport: RecordingTransport
    timeline: Timeline
    echo: bool = False
    _queue: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    _sent: int = 0
    _started_at: float | None = None
    _said: asyncio.Event = field(default_factory=asyncio.Event)
    _echoes: Samples = field(default_factory=lambda: np.zeros(RATE_HZ, np.int16))
    """What comes back, from sample ``_sent`` on."""
    _echoed_blocks: int = 0

    @property
    def audio_seconds(self) -> float:
        """Audio time of the next sample."""
        return self._sent / RATE_HZ

    @property
    def begins_at(self) -> float:
        """Loop time at which the next sample is made."""
        started_at = asyncio.get_running_loop().time() if self._started_at is None else self._started_at
        return started_at + self.audio_seconds

    async def say(self, samples: Samples) -> None:
        """Returns when its last sample was sent."""
        self._said.clear()
        self._queue = samples
        await self._said.wait()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._started_at = loop.time()
        size = round(BLOCK_SECONDS * RATE_HZ)
        while True:
            due_at = self._started_at + (self._sent + size) / RATE_HZ
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            block, self._queue = self._queue[:size], self._queue[size:]
            samples = np.zeros(size, np.int16)
            samples[: len(block)] = block
            if self.echo:
                samples += self._echo(size)
            await self.session.hear(Pcm(samples, RATE_HZ))
            self._sent += size
            if len(block) and not len(self._queue):
                self._said.set()

    def _echo(self, size: int) -> Samples:
        for block in self.transport.blocks[self._echoed_blocks :]:
            self._return(block)
        self._echoed_blocks = len(self.transport.blocks)
        due, self._echoes = self._echoes[:size], np.append(self._echoes[size:], np.zeros(size, np.int16))
        return due

    def _return(self, block: PlayedBlock) -> None:
        assert self._started_at is not None
        at_seconds = block.starts_at - self._started_at + ECHO_DELAY_SECONDS
        at = max(0, round(at_seconds * RATE_HZ) - self._sent)
        echo = (block.pcm.samples * 10 ** (ECHO_DB / 20)).astype(np.int16)[: max(0, len(self._echoes) - at)]
        self._echoes[at : at + len(echo)] += echo
        begin = sum(len(each.pcm.samples) for each in self._blocks_before(block)) / RATE_HZ
        for word in block.words:
            offset = at_seconds - begin
            text = " ".join(bare_words(word.text))
            time = WordTime(text, word.start_seconds + offset, word.end_seconds + offset, 0.8)
            if text:
                self.timeline.add((Heard(time, by_sound=True),), 0.0)

    def _blocks_before(self, block: PlayedBlock) -> list[PlayedBlock]:
        """Of the same utterance."""
        place = self.transport.blocks.index(block)
        return [each for each in self.transport.blocks[:place] if each.utterance_id == block.utterance_id]
