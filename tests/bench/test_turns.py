"""A few scenes, played in virtual time: the bench finds what is there, and the same each time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.speculation import EXTRA_MARK, SERVED_MARK, UNREASONED, added_up, run_talk, talk_of
from bench.turns import SceneResult, chosen, figures, run_scene
from bench.turns_call import Setup
from bench.turns_judge import Fault
from bench.turns_scenes import SCENES
from bench.turns_script import Must, turn

EXPECTED_GOOD = (
    "pause: 0.8 s at a preposition",
    "repair: no, at once",
    "backchannel: mm-hm",
    "interruption: a new question",
    "no reason: a hum of 1.2 s",
    "echo: nobody speaks over it",
)


def play(name: str, policy: str = "balanced") -> SceneResult:
    return run_scene(SCENES[name], Setup(policy))


@pytest.mark.parametrize("name", EXPECTED_GOOD)
def test_a_scene_without_a_fault(name: str) -> None:
    assert [f"{found.fault}: {found.what}" for found in play(name).found] == []


def test_what_is_measured() -> None:
    result = play("backchannel: mm-hm")
    assert (result.measures.over, result.measures.survived) == (1, 1)
    assert result.measures.history_equal == result.measures.history_words > 20
    told = figures(result.measures)
    assert told["survived"] == told["history equal"] == 1.0
    assert 0.03 < told["ducked p95"] < 0.3
    assert 0.2 < told["median gap to commit"] < 1.0


def test_the_same_each_time() -> None:
    assert play("slow: long pauses at phrases") == play("slow: long pauses at phrases")


def test_an_expectation_that_is_not_met_is_told() -> None:
    scene = SCENES["pause: 0.8 s at a preposition"]
    says = (turn("i would like to go to [0.8] lisbon", "paris", wrong=("lisbon",), latest_seconds=0.1),)
    found = run_scene(replace(scene, says=says), Setup()).found
    assert {each.fault for each in found} == {Fault.WRONG_ANSWER, Fault.TOO_LATE}
    unasked = run_scene(replace(scene, says=(replace(says[0], must=Must.NOTHING),)), Setup()).found
    assert [each.fault for each in unasked] == [Fault.UNASKED]


def test_a_patient_policy_waits_longer() -> None:
    name = "pause: two pauses"
    gaps = [play(name, policy=policy).measures.commit_gaps[0] for policy in ("eager", "patient")]
    assert gaps[0] <= gaps[1]


def test_scenes_are_chosen_by_name_or_category() -> None:
    assert {scene.category for scene in chosen("Chinese")} == {"Chinese"}
    assert [scene.name for scene in chosen("pause: 2 s")] == ["pause: 2 s at an article"]
    with pytest.raises(SystemExit):
        chosen("no such scene")


def test_speculation_counts_every_turn() -> None:
    result = run_talk(seed=1, turns=5)
    count = added_up([result])["all"]
    assert count.turns == 5
    assert 0 < count.served <= 5
    assert count.begun == count.accepted + count.abandoned
    assert count.contradicting == 0
    assert 0 <= count.extra < count.spent
    assert talk_of(1, 5) == talk_of(1, 5)


def test_thinking_ahead_keeps_its_marks_without_reasoning_to_hide_its_cost() -> None:
    count = added_up([run_talk(seed=3, turns=10)])[UNREASONED]
    assert count.turns == 10
    assert (count.served_share >= SERVED_MARK, count.extra_share <= EXTRA_MARK, count.contradicting) == (True, True, 0)
