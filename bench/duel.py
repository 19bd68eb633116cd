"""The duel: how soon is the answer heard, on the common work of voice agent frameworks.

``python -m bench.duel --scene all --turns 20``: one caller talks to a session in this process (or, with ``--over
websocket`` or ``--over webrtc``, to a server on loopback), with simulated engines whose delays are fixed. Measured is the audio at the caller's
end, from the last loud frame handed in to the first sample above -45 dBFS:

- first sound: whatever sounds, a filler too.
- first substance: the answer's own words.

Beside each figure stands the floor: what the constants allow. ``--clock virtual`` runs in virtual time, where this machine
has no part in the figures: it shows what the decisions cost, in a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from bench.duel_call import DuelCall, Setup, TurnResult, scene_turns
from bench.duel_scenes import SCENES, Floor, Scene
from bench.duel_speech import speeches
from bench.duel_webrtc import WebrtcCall
from bench.duel_websocket import WebsocketCall
from bench.table_console import make_console
from scheduler import virtual_time
from scheduler.commands import Purpose


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p95: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if not values:
            return cls(float("nan"), float("nan"), float("nan"))
        p50, p95 = np.percentile(values, [50, 95])
        return cls(round(float(p50), 1), round(float(p95), 1), round(max(values), 1))


@dataclass(frozen=True, slots=True)
class SceneResult:
    """``extra_tokens``: decoded for what was never said, over those that were. ``wrong``: answers to words that the user
    had taken back."""

    scene: str
    turns: int
    lost: int
    first_sound_ms: Spread
    first_substance_ms: Spread
    floor_ms: float
    mark_ms: tuple[float, float]
    within_verdict_share: float
    """Of turns with substance within 325 ms."""
    from_draft: int
    drafts_begun: int
    fillers: int
    extra_tokens: int
    extra_token_share: float
    wrong: int
    longest_silence_s: float


def run_scene(scene: Scene, setup: Setup, turns: int, clock: str, over: str = "inproc") -> SceneResult:
    """Blocks until it is over: in real time, about 7 s a turn."""
    kind = {"inproc": DuelCall, "websocket": WebsocketCall, "webrtc": WebrtcCall}[over]
    said = scene_turns(scene, turns, setup.seed)
    call = kind(scene, setup, said, sounds=speeches(said, setup.vad))
    results = virtual_time.run(call.run) if clock == "virtual" else asyncio.run(call.run())
    return summarised(scene, setup, call, results)


def summarised(scene: Scene, setup: Setup, call: DuelCall, results: Sequence[TurnResult]) -> SceneResult:
    sounds = [each.first_sound_ms for each in results if each.first_sound_ms is not None]
    substance = [each.first_substance_ms for each in results if each.first_substance_ms is not None]
    spent, extra = _tokens(call)
    return SceneResult(
        scene=scene.name,
        turns=len(results),
        lost=len(results) - len(substance),
        first_sound_ms=Spread.of(sounds),
        first_substance_ms=Spread.of(substance),
        floor_ms=round(scene.floor_ms(Floor(setup.eager, setup.streaming)) + (4000 if scene.hard else 0), 1),
        mark_ms=scene.mark_ms,
        within_verdict_share=round(sum(each <= 325 for each in substance) / max(1, len(results)), 2),
        from_draft=sum(each.from_draft for each in results),
        drafts_begun=sum(think.purpose is Purpose.DRAFT for think in call.watcher.thinks.values()),
        fillers=sum(each.fillers for each in results),
        extra_tokens=extra,
        extra_token_share=round(extra / max(1, spent - extra), 2),
        wrong=sum(bool(each.turn.wrong) and each.turn.wrong in each.said.casefold() for each in results),
        longest_silence_s=round(max((each.longest_silence_s for each in results), default=0.0), 2),
    )


def _tokens(call: DuelCall) -> tuple[int, int]:
    """All that were decoded, and those of them that came to nothing. What was verified from a draft counts as used."""
    watcher = call.watcher
    return watcher.spent, sum(map(watcher.extra, watcher.thinks))


COLUMNS = (
    "scene",
    "turns",
    "sound p50",
    "p95",
    "substance p50",
    "p95",
    "max",
    "floor",
    "mark",
    "drafts",
    "extra",
    "wrong",
)


def table(results: Sequence[SceneResult], title: str) -> Table:
    made = Table(title=title, caption="milliseconds after the last loud frame; extra: tokens decoded for nothing")
    for column in COLUMNS:
        made.add_column(column, justify="left" if column == "scene" else "right")
    for each in results:
        sound, own = each.first_sound_ms, each.first_substance_ms
        made.add_row(
            each.scene,
            f"{each.turns - each.lost}/{each.turns}",
            f"{sound.p50:.0f}",
            f"{sound.p95:.0f}",
            f"{own.p50:.0f}",
            f"{own.p95:.0f}",
            f"{own.max:.0f}",
            f"{each.floor_ms:.0f}",
            f"{each.mark_ms[0]:.0f}/{each.mark_ms[1]:.0f}",
            f"{each.from_draft}",
            f"{100 * each.extra_token_share:.0f} %",
            f"{each.wrong}",
        )
    return made


def main() -> int:
    arguments = parse()
    setup = Setup(
        arguments.eager, arguments.voice == "streaming", arguments.speculation == "on", arguments.vad, arguments.seed
    )
    console = make_console(json=arguments.json)
    names = list(SCENES) if arguments.scene == "all" else [arguments.scene]
    results = []
    for name in names:
        with console.status(f"{name}: {SCENES[name].what} ({arguments.turns} turns)"):
            results.append(run_scene(SCENES[name], setup, arguments.turns, arguments.clock, arguments.over))
        if arguments.json:
            print(json.dumps(as_json(results[-1], setup, arguments)), flush=True)
    if not arguments.json:
        console.print(table(results, f"simulated engines, {arguments.clock} time, {os.cpu_count()} cores, {setup}"))
    return 1 if any(each.lost or each.wrong for each in results) else 0


def as_json(result: SceneResult, setup: Setup, arguments: argparse.Namespace) -> dict[str, Any]:
    where = {"engines": "simulated", "cores": os.cpu_count(), "clock": arguments.clock, "over": arguments.over}
    return {**asdict(result), "setup": asdict(setup), **where}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", choices=(*SCENES, "all"), default="all")
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--eager", action="store_true", help="recogniser and end-of-turn verdict after 100 ms")
    parser.add_argument("--voice", choices=("streaming", "sentence"), default="streaming")
    parser.add_argument("--speculation", choices=("on", "off"), default="on", help="drafts, notes and foresight")
    parser.add_argument("--vad", choices=("energy", "silero"), default="energy")
    parser.add_argument("--over", choices=("inproc", "websocket", "webrtc"), default="inproc")
    parser.add_argument("--clock", choices=("real", "virtual"), default="real")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object per scene")
    arguments = parser.parse_args()
    if arguments.over != "inproc" and arguments.clock == "virtual":
        parser.error("sockets run in real time: leave --clock out")
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
