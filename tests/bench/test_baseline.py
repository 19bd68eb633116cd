"""What counts as worse."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.baseline import Entry, Limit, compared, read, written
from bench.turns import BASELINE, LIMITS
from bench.turns_judge import Fault
from bench.turns_scenes import SCENES

BEFORE = Entry(("a", "b"), {"a": ["TOO_LATE"]}, {"survived": 0.95, "gap": 0.4})
BOUNDS = {"survived": Limit(0.0, low_is_good=False), "gap": Limit(0.02)}


def test_the_same_is_no_difference() -> None:
    difference = compared(BEFORE, BEFORE, BOUNDS)
    assert not difference.worse
    assert not difference.better


def test_a_new_fault_is_worse_and_one_that_is_gone_better() -> None:
    difference = compared(BEFORE, replace(BEFORE, faults={"b": ["HISTORY"]}), BOUNDS)
    assert difference.worse == ("b: HISTORY",)
    assert difference.better == ("a: no longer TOO_LATE",)


def test_measures_may_move_a_little() -> None:
    assert not compared(BEFORE, replace(BEFORE, measures={"survived": 0.95, "gap": 0.415}), BOUNDS).worse
    difference = compared(BEFORE, replace(BEFORE, measures={"survived": 0.9, "gap": 0.3}), BOUNDS)
    assert difference.worse == ("survived: 0.950 → 0.900",)
    assert difference.better == ("gap: 0.400 → 0.300",)


def test_scenes_that_are_new_are_neither() -> None:
    now = Entry(("a", "c"), {"a": ["TOO_LATE"], "c": ["HISTORY"]}, {"survived": 0.1, "gap": 0.4})
    difference = compared(BEFORE, now, BOUNDS)
    assert difference.worse == ()
    assert difference.new_scenes == ("c",)


def test_a_file_is_read_as_it_was_written() -> None:
    assert read(written({"x": BEFORE})) == {"x": BEFORE}
    with pytest.raises(KeyError):
        read(json.dumps({"x": {}}))


def test_the_kept_baseline_is_about_these_scenes() -> None:
    kept = read(BASELINE.read_text(encoding="utf-8"))
    entry = kept["simulated/balanced/energy"]
    assert set(entry.scenes) == set(SCENES), "run python -m bench.turns --policy all --update-baseline"
    assert {fault for each in kept.values() for faults in each.faults.values() for fault in faults} <= set(
        Fault.__members__
    )
    assert set(LIMITS) <= set(entry.measures)
