"""Pure: what a bench found is compared with what it found before.

The file holds one entry for each way of running the bench (engines, policy, voice detector): the faults of each scene, and
the measures. Worse is a scene with a fault that it had not, and a measure that moved the wrong way by more than it may.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Faults = Mapping[str, Sequence[str]]
"""Of each scene with faults, their names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``scenes``: all that were played, so that scenes that are new are not taken for those that got worse or better."""

    scenes: tuple[str, ...]
    faults: Faults
    measures: Mapping[str, float]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Entry:
        """Raises ``KeyError`` for an entry that is none."""
        return cls(tuple(data["scenes"]), data["faults"], data["measures"])

    def as_data(self) -> dict[str, Any]:
        faults = {scene: sorted(self.faults[scene]) for scene in sorted(self.faults) if self.faults[scene]}
        measures = {name: round(self.measures[name], 4) for name in sorted(self.measures)}
        return {"scenes": sorted(self.scenes), "faults": faults, "measures": measures}


@dataclass(frozen=True, slots=True)
class Difference:
    """``worse``, ``better``: a sentence each."""

    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    new_scenes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a measure may move before it counts. ``low_is_good``: it had better be small."""

    by: float
    low_is_good: bool = True


def compared(before: Entry, now: Entry, limits: Mapping[str, Limit]) -> Difference:
    """Scenes that were played both times, and measures if the same scenes were played."""
    shared = [scene for scene in now.scenes if scene in before.scenes]
    worse, better = [], []
    for scene in shared:
        old, new = set(before.faults.get(scene, ())), set(now.faults.get(scene, ()))
        worse += [f"{scene}: {fault}" for fault in sorted(new - old)]
        better += [f"{scene}: no longer {fault}" for fault in sorted(old - new)]
    if set(before.scenes) == set(now.scenes):
        for is_worse, sentence in _moved(before.measures, now.measures, limits):
            (worse if is_worse else better).append(sentence)
    new_scenes = tuple(scene for scene in now.scenes if scene not in before.scenes)
    return Difference(tuple(worse), tuple(better), new_scenes)


def _moved(
    before: Mapping[str, float], now: Mapping[str, float], limits: Mapping[str, Limit]
) -> Iterator[tuple[bool, str]]:
    for name, limit in limits.items():
        if name not in before or name not in now:
            continue
        moved = now[name] - before[name]
        if abs(moved) > limit.by:
            yield (moved > 0) is limit.low_is_good, f"{name}: {before[name]:.3f} → {now[name]:.3f}"


def read(text: str) -> dict[str, Entry]:
    """All entries of a file. Raises ``ValueError`` or ``KeyError`` for one that is no such file."""
    return {key: Entry.of(data) for key, data in json.loads(text).items()}


def written(entries: Mapping[str, Entry]) -> str:
    data = {key: entries[key].as_data() for key in sorted(entries)}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
