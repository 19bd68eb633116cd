"""Turn taking, judged on scenes: what is taken over too early or too late, what stops wrongly or goes on wrongly.

``python -m bench.turns``: some hundred scripted scenes (``bench.turns_scenes``), each a short talk with a session in this
process. The caller's audio is babble in the shape of the words (``--vad silero``: flite, for Silero knows babble from
speech), the recogniser knows what is said and has the delays of
the common work (``bench.duel_scenes``), model and voice are simulated: what is judged are the decisions. It runs in
virtual time and finds the same each time. ``--engines real``: those scenes that make sense with flite as the caller and
pocketsphinx behind Silero, and the recordings that ``STRETTO_SPEECH_DIR`` names, in real time.

Judged is what the caller heard, and what the history holds. Each run is compared with ``--baseline``; ``--check`` ends
with 1 when something got worse. ``--policy all`` compares the presets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import baseline, turns_real
from bench.baseline import Difference, Entry, Limit
from bench.hear import flite_installed
from bench.table_console import make_console
from bench.turns_call import Call, Setup
from bench.turns_judge import Fault, Found, Judge, Measures
from bench.turns_scenes import SCENES
from bench.turns_script import Scene
from scheduler import virtual_time
from scheduler.policy import PRESETS

BASELINE = Path(__file__).with_name("baseline.json")
LIMITS = {
    "taken over": Limit(0.001),
    "median gap to commit": Limit(0.02),
    "median gap to sound": Limit(0.02),
    "rejoined unheard": Limit(0.02),
    "survived": Limit(0.001, low_is_good=False),
    "hesitated": Limit(0.04),
    "resumed": Limit(0.001, low_is_good=False),
    "history equal": Limit(0.001, low_is_good=False),
    "ducked p95": Limit(0.02),
    "silent p95": Limit(0.05),
}
MARKS = {
    "taken over": ("≤ 5 %", 0.05),
    "median gap to commit": ("≤ 500 ms", 0.5),
    "survived": ("≥ 95 %", 0.95),
    "resumed": ("≥ 95 %", 0.95),
    "ducked p95": ("≤ 120 ms", 0.12),
    "ducked deep p95": ("≤ 350 ms", 0.35),
    "silent p95": ("≤ 650 ms", 0.65),
    "history equal": ("≥ 99 %", 0.99),
    "drafts contradicting": ("≤ 0.5 %", 0.005),
}
HIGH_IS_GOOD = frozenset({"survived", "resumed", "history equal"})
SHARES = HIGH_IS_GOOD | {"taken over", "rejoined unheard", "hesitated", "drafts contradicting"}


@dataclass(frozen=True, slots=True)
class SceneResult:
    scene: str
    category: str
    found: tuple[Found, ...]
    measures: Measures


def run_scene(scene: Scene, setup: Setup) -> SceneResult:
    """In virtual time."""
    call = Call(scene, setup)
    virtual_time.run(call.play)
    return judged(call, exact_words=True)


def judged(call: Call, *, exact_words: bool) -> SceneResult:
    judge = Judge(call.facts, exact_words=exact_words).run()
    return SceneResult(call.scene.name, call.scene.category, tuple(judge.found), judge.measures)


def run_scenes(scenes: Sequence[Scene], setup: Setup, jobs: int) -> list[SceneResult]:
    """Each scene stands alone, so the order of their playing does not matter."""
    names = [scene.name for scene in scenes]
    if jobs == 1:
        return [_run_named(name, setup) for name in names]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(partial(_run_named, setup=setup), names, chunksize=4))


def _run_named(name: str, setup: Setup) -> SceneResult:
    return run_scene(SCENES[name], setup)


# --- figures --------------------------------------------------------------------------------------


def added_up(results: Iterable[SceneResult]) -> Measures:
    total = Measures()
    for result in results:
        total.add(result.measures)
    return total


def figures(total: Measures) -> dict[str, float]:
    """Shares and seconds by name; those that nothing was measured for are left out."""
    shares = {
        "taken over": (total.taken_over, total.pauses),
        "rejoined unheard": (total.rejoined_unheard, total.pauses),
        "survived": (total.survived, total.over),
        "hesitated": (total.hesitated, total.over),
        "resumed": (total.resumed, total.stopped_falsely),
        "history equal": (total.history_equal, total.history_words),
        "drafts contradicting": (total.drafts_contradicting, total.drafts_promoted),
    }
    made = {name: part / whole for name, (part, whole) in shares.items() if whole}
    gaps = {"median gap to commit": total.commit_gaps, "median gap to sound": total.sound_gaps}
    made |= {name: median(values) for name, values in gaps.items() if values}
    if total.silenced:
        made["silent p50"] = median(total.silenced)
    spread = {"ducked p95": total.ducked, "ducked deep p95": total.ducked_deep, "silent p95": total.silenced}
    return made | {name: float(np.percentile(values, 95)) for name, values in spread.items() if values}


def reaches(name: str, value: float) -> bool:
    """Whether a figure reaches its mark, if it has one."""
    if name not in MARKS:
        return True
    mark = MARKS[name][1]
    return value >= mark if name in HIGH_IS_GOOD else value <= mark


def entry_of(results: Sequence[SceneResult]) -> Entry:
    faults = {each.scene: sorted({found.fault.name for found in each.found}) for each in results if each.found}
    return Entry(tuple(each.scene for each in results), faults, figures(added_up(results)))


# --- the report -----------------------------------------------------------------------------------


def score_table(results: Sequence[SceneResult], title: str) -> Table:
    table = Table(title=title, caption="scenes without a fault, of all; then how many scenes have which fault")
    shown = [fault for fault in Fault if any(found.fault is fault for each in results for found in each.found)]
    for column in ("scenes", "good", *(fault.name.lower().replace("_", " ") for fault in shown)):
        table.add_column(column, justify="left" if column == "scenes" else "right")
    for category in dict.fromkeys(each.category for each in results):
        _add_row(table, category, [each for each in results if each.category == category], shown)
    table.add_section()
    _add_row(table, "all", results, shown)
    return table


def _add_row(table: Table, name: str, results: Sequence[SceneResult], shown: Sequence[Fault]) -> None:
    counts = Counter(fault for each in results for fault in {found.fault for found in each.found})
    good = sum(not each.found for each in results)
    table.add_row(name, f"{good}/{len(results)}", *(str(counts[fault] or "") for fault in shown))


def marks_table(results: Sequence[SceneResult]) -> Table:
    total = added_up(results)
    table = Table(
        title=f"{total.pauses} pauses inside turns, {total.over} sounds over the agent, {len(total.silenced)} stops"
    )
    for column in ("measure", "measured", "mark"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for name, value in figures(total).items():
        as_share = name in SHARES
        told = f"{100 * value:.1f} %" if as_share else f"{1000 * value:.0f} ms"
        style = "" if reaches(name, value) else "red"
        table.add_row(name, told, MARKS[name][0] if name in MARKS else "", style=style)
    return table


def tell_faults(console: Console, results: Sequence[SceneResult]) -> None:
    for each in results:
        for found in each.found:
            console.print(
                f"{each.scene}: {found.fault} (at {found.at:.2f} s): {found.what}", markup=False, highlight=False
            )


def tell_difference(console: Console, difference: Difference) -> None:
    for sentence in difference.worse:
        console.print(f"worse: {sentence}", style="red", markup=False)
    for sentence in difference.better:
        console.print(f"better: {sentence}", style="green", markup=False)
    if difference.new_scenes:
        console.print(f"new: {len(difference.new_scenes)} scenes", markup=False)
    if not (difference.worse or difference.better or difference.new_scenes):
        console.print("as in the baseline")


def as_json(key: str, results: Sequence[SceneResult], difference: Difference | None) -> dict[str, Any]:
    faults = [
        {"scene": each.scene, "fault": found.fault.name, "at": round(found.at, 3), "what": found.what}
        for each in results
        for found in each.found
    ]
    told: dict[str, Any] = {"run": key, "cores": os.cpu_count(), "scenes": len(results), "faults": faults}
    told["figures"] = {name: round(value, 4) for name, value in figures(added_up(results)).items()}
    if difference is not None:
        told |= {"worse": difference.worse, "better": difference.better}
    return told


# --- running it -----------------------------------------------------------------------------------


def report(console: Console, arguments: argparse.Namespace, policy: str) -> bool:
    """Run the scenes with one policy and tell. Whether something is worse than in the baseline."""
    setup = Setup(policy, arguments.vad, "flite" if arguments.vad == "silero" and flite_installed() else "babble")
    real = arguments.engines == "real"
    key = f"{arguments.engines}/{policy}/{'silero' if real else arguments.vad}"
    if real:
        results = asyncio.run(turns_real.run(chosen(arguments.scene, real=True), policy, judged))
    else:
        results = run_scenes(chosen(arguments.scene), setup, arguments.jobs)
    kept = baseline.read(arguments.baseline.read_text(encoding="utf-8")) if arguments.baseline.is_file() else {}
    difference = baseline.compared(kept[key], entry_of(results), LIMITS) if key in kept else None
    if arguments.json:
        print(json.dumps(as_json(key, results, difference), ensure_ascii=False), flush=True)
    else:
        tell_faults(console, results)
        console.print(score_table(results, f"{key}, {os.cpu_count()} cores"))
        console.print(marks_table(results))
        if difference is not None:
            tell_difference(console, difference)
    if arguments.update_baseline:
        arguments.baseline.write_text(baseline.written({**kept, key: entry_of(results)}), encoding="utf-8")
    return difference is not None and bool(difference.worse)


def chosen(name: str, *, real: bool = False) -> list[Scene]:
    """``all``, or those whose name or category begins with ``name``."""
    found = [
        scene
        for scene in SCENES.values()
        if name == "all" or scene.name.startswith(name) or scene.category.startswith(name)
    ]
    if not found:
        raise SystemExit(f"No scene is called {name!r}. There are: {', '.join(SCENES)}")
    return [scene for scene in found if scene.real] if real else found


def main() -> int:
    arguments = parse()
    console = make_console(json=arguments.json)
    policies = list(PRESETS) if arguments.policy == "all" else [arguments.policy]
    worse = [report(console, arguments, policy) for policy in policies]
    return 1 if arguments.check and any(worse) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", default="all", help="a scene's or a category's name, or how it begins")
    parser.add_argument("--policy", choices=(*PRESETS, "all"), default="balanced")
    parser.add_argument("--engines", choices=("simulated", "real"), default="simulated")
    parser.add_argument("--vad", choices=("energy", "silero"), default="energy")
    parser.add_argument("--json", action="store_true", help="one JSON object per policy")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--update-baseline", action="store_true", help="keep what is found as the new baseline")
    parser.add_argument("--check", action="store_true", help="end with 1 when worse than the baseline")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="scenes played at once")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
