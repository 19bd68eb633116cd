"""The framework's own share: from what ended the turn to the first sample of the answer, when a draft was ready.

``python -m bench.share --sessions 1,50``: calls in one process, in real time, with simulated engines (scene
``courtesy`` of the duel: the answer is rendered before the turn is over). Counted is what no model has a part in: from
the moment at which the recogniser or the end-of-turn model gave what made the conductor commit, to the moment at which
playout hands the answer's first sample to the line. Turns that a timer committed, or whose draft was not ready, are
left out and counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field, replace

from rich.table import Table

from audio.asr.recognizer import Hypothesis, Recognizer, RecognizerStream
from audio.end_of_turn.model import EndOfTurnModel
from bench.duel_call import DuelCall, Setup
from bench.duel_scenes import SCENES
from bench.load_inproc import Caller, Door
from bench.load_run import hold, percentile, warm
from bench.table_console import make_console
from realtime.server import Engines
from scheduler.commands import Command, CommitTurn, PromoteThinking
from scheduler.events import Event, SpeechReady, TranscriptRevised, TurnEndEstimated
from scheduler.pcm import Pcm

SCENE = SCENES["courtesy"]
MARKS_MS = {1: 10.0, 50: 25.0}


@dataclass(frozen=True, slots=True)
class Share:
    """Milliseconds. ``left_out``: turns without a draft that was ready, or that a timer ended."""

    sessions: int
    counted: int
    left_out: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    lag_p99_ms: float


@dataclass(slots=True)
class Watch:
    """Of one call: when its models last gave something, and what was made of it. Loop time."""

    heard_at: float | None = None
    judged_at: float | None = None
    ready: bool = False
    committed_by: float | None = None
    shares_ms: list[float] = field(default_factory=list)
    turns: int = 0
    _event: Event | Command | None = None

    def observe(self, happened: Event | Command) -> None:
        match happened:
            case TranscriptRevised() | TurnEndEstimated():
                self._event = happened
            case SpeechReady():
                self.ready = True
                self._event = happened
            case CommitTurn():
                self.committed_by = None
            case PromoteThinking() if self.ready:
                self.committed_by = self._given_at()
            case _ if not isinstance(happened, Command):
                self._event = happened

    def _given_at(self) -> float | None:
        match self._event:
            case TranscriptRevised():
                return self.heard_at
            case TurnEndEstimated():
                return self.judged_at
            case _:
                return None

    def turn_answered(self, first_sample_at: float | None) -> None:
        self.turns += 1
        if self.committed_by is not None and first_sample_at is not None:
            self.shares_ms.append(1000 * (first_sample_at - self.committed_by))
        self.ready, self.committed_by = False, None


@dataclass(frozen=True, slots=True)
class _TimedStream:
    stream: RecognizerStream
    watch: Watch

    async def begin(self, segment: int, start_seconds: float) -> None:
        await self.stream.begin(segment, start_seconds)

    async def feed(self, pcm: Pcm) -> None:
        await self.stream.feed(pcm)

    async def finish(self) -> None:
        await self.stream.finish()

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        async for hypothesis in self.stream.hypotheses():
            self.watch.heard_at = asyncio.get_running_loop().time()
            yield hypothesis

    async def close(self) -> None:
        await self.stream.close()


class _TimedRecognizer:
    """A recogniser that notes when it gives something."""

    simulated = True

    def __init__(self, inner: Recognizer, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self.name = inner.name

    def knows_language(self, language: str) -> bool:
        return self._inner.knows_language(language)

    async def warm_up(self) -> None:
        await self._inner.warm_up()

    async def open(self, *, language: str | None = None) -> RecognizerStream:
        return _TimedStream(await self._inner.open(language=language), self._watch)

    async def close(self) -> None:
        await self._inner.close()


class _TimedTurnEnd:
    """An end-of-turn model that notes when it gives its verdict."""

    simulated = True

    def __init__(self, inner: EndOfTurnModel, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self.name = inner.name
        self.window_seconds = inner.window_seconds
        self.asked_early = inner.asked_early

    async def warm_up(self) -> None:
        await self._inner.warm_up()

    async def probability(self, audio: Pcm) -> float:
        probability = await self._inner.probability(audio)
        self._watch.judged_at = asyncio.get_running_loop().time()
        return probability

    async def close(self) -> None:
        await self._inner.close()


@dataclass(slots=True)
class _TimedCaller(Caller):
    watch: Watch = field(default_factory=Watch)

    def engines_for(self, work: DuelCall) -> Engines:
        engines = Caller.engines_for(self, work)
        assert engines.end_of_turn is not None
        recognizer = _TimedRecognizer(engines.recognizer, self.watch)
        return replace(engines, recognizer=recognizer, end_of_turn=_TimedTurnEnd(engines.end_of_turn, self.watch))


def _make_caller(number: int, turns: int, shared: Engines) -> _TimedCaller:
    watch = Watch()
    return _TimedCaller(
        SCENE,
        Setup(seed=1000 + number),
        turns,
        shared,
        door=Door(watch.observe),
        answered=watch.turn_answered,
        watch=watch,
    )


async def measure(sessions: int, turns: int) -> Share:
    shared = await warm(SCENE, Setup())
    callers = [_make_caller(number, turns, shared) for number in range(sessions)]
    lag = await hold(callers)
    shares = [share for caller in callers for share in caller.watch.shares_ms]
    return Share(
        sessions=sessions,
        counted=len(shares),
        left_out=sessions * turns - len(shares),
        p50_ms=percentile(shares, 50),
        p90_ms=percentile(shares, 90),
        p99_ms=percentile(shares, 99),
        max_ms=percentile(shares, 100),
        lag_p99_ms=percentile(lag.late_ms, 99),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", default="1,50", help="how many at once: 1,50")
    parser.add_argument("--turns", type=int, default=10, help="of each session")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    arguments = parser.parse_args()
    console = make_console(json=arguments.json)
    made = Table(title=f"verdict to first sample, ms; simulated engines, {os.cpu_count()} cores")
    for column in ("calls", "counted", "left out", "p50", "p90", "p99", "max", "lag p99", "mark"):
        made.add_column(column, justify="right")
    for sessions in (int(part) for part in arguments.sessions.split(",")):
        share = asyncio.run(measure(sessions, arguments.turns))
        if arguments.json:
            print(json.dumps({"engines": "simulated", "cores": os.cpu_count(), **asdict(share)}), flush=True)
        made.add_row(*(f"{value:g}" for value in asdict(share).values()), f"{MARKS_MS.get(sessions, float('nan')):g}")
    if not arguments.json:
        console.print(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
