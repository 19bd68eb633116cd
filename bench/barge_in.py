"""Barge-in: how fast the agent gives way to who talks over it, and how well it holds out against who does not.

``python -m bench.barge_in``: the agent tells a story in a session in this process; at a random place the caller says
something, hums, coughs, or drops something. Measured is the audio that leaves, against the same story undisturbed, from
the first sample of the caller's sound above -45 dBFS. ``--clock virtual`` shows what the decisions cost, without this
machine in the figures; ``--clock real`` shows them with it. Recogniser and model are simulated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.barge_in_call import STORY, Setup, Trial, barge_in
from bench.barge_in_flite import spoken
from bench.barge_in_measure import Outcome, judged
from bench.barge_in_sounds import Kind, Sound, made_up, own_echo
from bench.table_console import make_console
from scheduler import virtual_time
from scheduler.policy import TurnMode
from tts.registry import make_voice
from tts.voice import Voice


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p95: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread | None:
        known = [value for value in values if value is not None]
        if not known:
            return None
        p50, p95 = np.percentile(known, [50, 95])
        return cls(round(float(p50), 1), round(float(p95), 1), round(max(known), 1))


@dataclass(frozen=True, slots=True)
class Result:
    """Of one kind of sound. Shares are of its trials; ``taken_up_share`` is of those that were stopped."""

    kind: str
    trials: int
    ducked_ms: Spread | None
    deep_ms: Spread | None
    silent_ms: Spread | None
    known_ms: Spread | None
    paused_share: float
    paused_ms: Spread | None
    stopped_share: float
    restored_share: float
    taken_up_share: float | None
    history_right_share: float | None
    """Of the words that were played."""


def summarised(kind: str, outcomes: Sequence[Outcome]) -> Result:
    stopped = [each for each in outcomes if each.stopped]
    played = sum(each.words_played for each in stopped)
    wrong = sum(each.words_wrong for each in stopped)
    return Result(
        kind,
        len(outcomes),
        Spread.of([each.ducked_ms for each in outcomes]),
        Spread.of([each.deep_ms for each in outcomes]),
        Spread.of([each.silent_ms for each in stopped]),
        Spread.of([each.known_ms for each in outcomes]),
        _share([each.paused_ms is not None for each in outcomes]) or 0.0,
        Spread.of([each.paused_ms for each in outcomes]),
        _share([each.stopped for each in outcomes]) or 0.0,
        _share([each.restored for each in outcomes if not each.stopped]) or 0.0,
        _share([each.taken_up for each in stopped]),
        round(1 - wrong / played, 4) if played else None,
    )


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


@dataclass(slots=True)
class Bench:
    setup: Setup
    voice_spec: str
    clock: str
    seed: int = 1

    def run(self, sounds: Sequence[Sound], trials: int, progress: Progress) -> dict[Kind, list[Outcome]]:
        random = Random(self.seed)
        undisturbed = self._call(_SILENCE, 0.0).blocks
        outcomes: dict[Kind, list[Outcome]] = {}
        for sound in progress.track([each for each in sounds for _ in range(trials)], description="talking over it"):
            trial = self._call(sound, random.random())
            outcomes.setdefault(sound.kind, []).append(judged(trial, undisturbed))
        return outcomes

    def _call(self, sound: Sound, phase: float) -> Trial:
        async def main() -> Trial:
            voice = self._voice()
            await voice.warm_up()
            return await barge_in(sound, self.setup, voice, phase=phase, recognizer=None)

        return virtual_time.run(main) if self.clock == "virtual" else asyncio.run(main())

    def _voice(self) -> Voice:
        return make_voice(self.voice_spec)


_SILENCE = Sound(Kind.NOISE, "nothing", np.full(1, 200, np.int16))


def print_results(console: Console, title: str, results: Sequence[Result]) -> None:
    table = Table(title=title)
    for column in (
        "sound",
        "trials",
        "ducked",
        "18 dB",
        "silent",
        "known",
        "paused",
        "stopped",
        "level back",
        "taken up",
    ):
        table.add_column(column)
    table.add_column("history")
    for one in results:
        table.add_row(
            one.kind,
            str(one.trials),
            *(_told(spread) for spread in (one.ducked_ms, one.deep_ms, one.silent_ms, one.known_ms)),
            f"{_percent(one.paused_share)} {_told(one.paused_ms)}",
            *(_percent(share) for share in (one.stopped_share, one.restored_share, one.taken_up_share)),
            _percent(one.history_right_share),
        )
    console.print(table)


def _told(spread: Spread | None) -> str:
    return "" if spread is None else f"{spread.p50:.0f}/{spread.p95:.0f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def main() -> int:
    arguments = _arguments()
    console = make_console(json=arguments.json)
    setup = Setup(
        arguments.vad,
        arguments.position,
        TurnMode(arguments.mode),
        echo_db=arguments.echo,
        hears_itself=arguments.echo is not None and not arguments.unaware,
        partial_seconds=arguments.partial,
    )
    bench = Bench(setup, arguments.voice, arguments.clock, arguments.seed)
    known = _sounds(arguments)
    kinds = [Kind(kind) for kind in arguments.kinds.split(",")] if arguments.kinds else list(Kind)
    sounds = [sound for sound in known if sound.kind in kinds]
    with Progress(console=console, transient=True) as progress:
        outcomes = bench.run(sounds, arguments.trials, progress)
    results = [summarised(kind.value, outcomes[kind]) for kind in kinds if kind in outcomes]
    if arguments.json:
        told: dict[str, Any] = {"machine_cores": os.cpu_count(), "engines": "simulated", **vars(arguments)}
        for result in results:
            print(json.dumps(told | asdict(result)))
    else:
        title = f"{arguments.voice}, {arguments.vad}, {arguments.position}, {arguments.mode}, {arguments.clock} time"
        print_results(console, f"{title}; ms, recogniser simulated, {os.cpu_count()} cores", results)
    return 0


def _sounds(arguments: argparse.Namespace) -> list[Sound]:
    sounds = made_up()
    if arguments.caller == "flite":
        voices = spoken()
        sounds = [*voices, *(sound for sound in sounds if sound.kind not in {voice.kind for voice in voices})]
    return sounds if arguments.echo is None else [own_echo(" ".join(STORY)), *sounds]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--vad", choices=("energy", "silero"), default="energy")
    parser.add_argument("--position", choices=("exact", "reported", "estimated"), default="exact")
    parser.add_argument("--mode", choices=("semantic_vad", "server_vad"), default="semantic_vad")
    parser.add_argument("--clock", choices=("real", "virtual"), default="virtual")
    parser.add_argument(
        "--voice", default="simulated", help="the agent's: simulated, simulated:streaming, flite (real time)"
    )
    parser.add_argument(
        "--caller", choices=("made-up", "flite"), default="made-up", help="who says words and backchannels"
    )
    parser.add_argument("--echo", type=float, help="the agent's voice comes back so many dB softer, 100 ms late")
    parser.add_argument("--unaware", action="store_true", help="and the session is not told that it may")
    parser.add_argument("--partial", type=float, default=0.2, help="seconds between the recogniser's partials")
    parser.add_argument("--kinds", default="", help="only these, separated by commas")
    parser.add_argument("--trials", type=int, default=4, help="of each sound")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.voice.startswith("flite"):
        arguments.clock = "real"
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
