"""Speech that is paused goes on at the very sample, and nobody counts what was not played."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from audio.gain import FADE_OUT_SECONDS
from audio.transport import PlayoutPosition
from scheduler.commands import Duck, GoOnSpeaking, PauseSpeaking, StopSpeaking
from scheduler.events import PlayoutEnded, PlayoutStarted, WordsHeard
from tests.audio.stage import RATE, Stage, play

POSITIONS: list[PlayoutPosition] = ["estimated", "exact", "reported"]
TEXT = "one two three four five six."


def samples(stage: Stage) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([block.pcm.samples for block in stage.transport.blocks])


def gaps(stage: Stage) -> list[float]:
    blocks = stage.transport.blocks
    return [after.starts_at - before.ends_at for before, after in pairwise(blocks) if after.starts_at > before.ends_at]


async def undisturbed(stage: Stage) -> None:
    await stage.say("u1", TEXT)


async def paused_for_a_second(stage: Stage) -> None:
    await stage.say("u1", TEXT)
    await asyncio.sleep(0.5)  # virtual
    stage.playout.handle(PauseSpeaking("u1"))
    await asyncio.sleep(1.0)  # virtual
    stage.playout.handle(GoOnSpeaking("u1"))


def test_it_goes_on_at_the_very_sample() -> None:
    whole, stage = samples(play(undisturbed, "exact")), play(paused_for_a_second, "exact")
    told = samples(stage)
    assert len(told) == len(whole)
    different = np.flatnonzero(told != whole)
    assert len(different) <= 2 * FADE_OUT_SECONDS * RATE, "only the two fades"
    assert different[-1] - different[0] <= 2 * FADE_OUT_SECONDS * RATE
    assert len(gaps(stage)) == 1
    assert gaps(stage)[0] == pytest.approx(1.0, abs=0.06)
    assert stage.ended("u1").text == TEXT
    assert not stage.ended("u1").stopped


def test_it_is_silent_soon_and_no_word_is_heard_meanwhile() -> None:
    stage = play(paused_for_a_second, "exact")
    before = [block.ends_at for block in stage.transport.blocks if block.ends_at < 1.2]
    assert before[-1] <= 0.5 + 0.1
    heard = [at for at, event in stage.events if isinstance(event, WordsHeard)]
    assert not [at for at in heard if 0.75 < at < 1.5]
    assert stage.playout.lead.underruns == 0, "a line that waits does not run dry"


@pytest.mark.parametrize("position", POSITIONS)
def test_what_has_not_begun_waits_on_every_line(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(PauseSpeaking("u1"))
        await stage.say("u1", TEXT)
        await asyncio.sleep(3.0)  # virtual
        assert stage.transport.blocks == []
        assert stage.of(PlayoutStarted) == []
        stage.playout.handle(GoOnSpeaking("u1"))

    stage = play(scene, position)
    assert stage.transport.blocks[0].starts_at == pytest.approx(3.0)
    assert np.array_equal(samples(stage), samples(play(undisturbed, position))), "it begins without a fade"


@pytest.mark.parametrize("position", ["estimated", "reported"])
def test_what_was_sent_far_ahead_is_not_paused(position: PlayoutPosition) -> None:
    stage = play(paused_for_a_second, position)
    assert gaps(stage) == []
    assert stage.ended("u1").text == TEXT


def test_a_stop_meanwhile_ends_it_without_another_sound() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", TEXT)
        await asyncio.sleep(0.5)  # virtual
        stage.playout.handle(PauseSpeaking("u1"))
        await asyncio.sleep(0.5)  # virtual
        stage.playout.handle(StopSpeaking("u1", within_seconds=0.2))
        assert stage.ended("u1").stopped
        stage.playout.handle(GoOnSpeaking("u1"))

    stage = play(scene, "exact")
    assert stage.transport.blocks[-1].ends_at < 0.65
    assert TEXT.startswith(stage.ended("u1").text)
    assert len(stage.of(PlayoutEnded)) == 1


def test_a_level_that_changes_meanwhile_is_that_on_which_it_goes_on() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", TEXT)
        await asyncio.sleep(0.3)  # virtual
        stage.playout.handle(Duck("u1", -18.0))
        await asyncio.sleep(0.2)  # virtual
        stage.playout.handle(PauseSpeaking("u1"))
        await asyncio.sleep(0.5)  # virtual
        stage.playout.handle(GoOnSpeaking("u1"))
        stage.playout.handle(Duck("u1", 0.0))

    whole, told = samples(play(undisturbed, "exact")), samples(play(scene, "exact"))
    assert np.array_equal(told[-RATE // 10 :], whole[-RATE // 10 :])


def test_pausing_twice_and_what_is_unknown_or_over_does_nothing() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(GoOnSpeaking("u0"))
        await stage.say("u1", TEXT)
        await asyncio.sleep(0.5)  # virtual
        for _ in range(2):
            stage.playout.handle(PauseSpeaking("u1"))
            await asyncio.sleep(0.2)  # virtual
        stage.playout.handle(GoOnSpeaking("u1"))
        await asyncio.sleep(5.0)  # virtual
        stage.playout.handle(PauseSpeaking("u1"))

    stage = play(scene, "exact")
    assert stage.ended("u1").text == TEXT
    assert len(gaps(stage)) == 1
