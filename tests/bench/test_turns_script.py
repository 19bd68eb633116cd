"""The language of the scenes: what is written is what is said, and when."""

from __future__ import annotations

import pytest

from bench.turns_scenes import SCENES
from bench.turns_script import Must, Say, Silent, Sound, Voiced, parse, words_of
from bench.turns_sound import RATE_HZ, rendered_parts


def test_words_pauses_and_sounds() -> None:
    parts = parse("to [0.5] <cough=the> lisbon|lesson now")
    assert parts == (
        Voiced(("to",), ("",)),
        Silent(0.5),
        Sound("cough", "the"),
        Voiced(("lisbon", "now"), ("lesson", "")),
    )


def test_a_sound_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no sound 'bark'"):
        parse("hello <bark>")


def test_words_have_times_and_a_cough_is_not_said() -> None:
    heard = words_of(parse("to [0.5] <cough=the> lisbon|lesson"))
    assert [each.word.text for each in heard] == ["to", "the", "lisbon"]
    assert heard[1].word.start_seconds == pytest.approx(3 / 14 + 0.5)
    assert heard[2].word.start_seconds == pytest.approx(3 / 14 + 0.5 + 0.25)
    assert heard[2].misheard == "lesson"
    assert Say("to <cough=the> lisbon").said == ("to", "lisbon")


def test_the_sound_is_as_long_as_the_script() -> None:
    say = Say("to [0.5] <cough> lisbon", rate=0.5)
    pieces = rendered_parts(say.parts, say.rate, "babble")
    assert sum(map(len, pieces)) / RATE_HZ == pytest.approx(say.seconds, abs=0.001)


def test_there_are_scenes_enough_of_every_kind() -> None:
    assert len(SCENES) >= 60
    assert len({scene.category for scene in SCENES.values()}) >= 15
    assert {say.must for scene in SCENES.values() for say in scene.says} == set(Must)
    for scene in SCENES.values():
        assert scene.says
        assert all(say.parts and say.seconds > 0 for say in scene.says)
