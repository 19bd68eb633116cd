"""Speech that is held stays here until it is released, and clips sound only where nothing else does."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from audio.playout import CLIP_ID, MAX_SILENT_UTTERANCES
from audio.transport import PlayoutPosition
from scheduler.commands import Duck, Hold, Release, StopSpeaking
from scheduler.events import PlayoutEnded, PlayoutStarted, WordsHeard
from scheduler.pcm import Pcm
from tests.audio.stage import RATE, Stage, play, sentence, tone

POSITIONS: list[PlayoutPosition] = ["estimated", "exact", "reported"]


def sounded(stage: Stage) -> list[str]:
    """The utterances in the order in which they sounded."""
    return list(dict.fromkeys(block.utterance_id for block in stage.transport.blocks))


@pytest.mark.parametrize("position", POSITIONS)
def test_held_speech_sounds_when_it_is_released(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        await stage.say("u1", "one two.")
        await asyncio.sleep(5)  # virtual
        assert stage.events == []
        assert stage.transport.blocks == []
        stage.playout.handle(Release("u1"))

    stage = play(scene, position)
    assert stage.transport.blocks[0].starts_at == pytest.approx(5.0)
    assert stage.ended("u1").text == "one two."
    assert not stage.ended("u1").stopped


@pytest.mark.parametrize("position", POSITIONS)
def test_nothing_leaves_of_what_is_stopped_while_it_is_held(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        await stage.say("u1", "one two.", "three.")
        await asyncio.sleep(1)  # virtual
        stage.playout.handle(StopSpeaking("u1", within_seconds=0.25))
        assert stage.ended("u1") == PlayoutEnded("u1", True, "", 0.0, True, 0)
        stage.playout.handle(Release("u1"))
        stage.playout.handle(Hold("u1"))
        assert not await stage.playout.enqueue("u1", 2, sentence("late")[0])
        await stage.say("u2", "four.")

    stage = play(scene, position)
    assert sounded(stage) == ["u2"]
    assert len(stage.of(PlayoutEnded)) == 2


@pytest.mark.parametrize("position", POSITIONS)
def test_others_sound_meanwhile_and_the_order_is_that_of_the_releases(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("h1"))
        stage.playout.handle(Hold("h2"))
        await stage.say("h1", "one two.")
        await stage.say("h2", "three four.")
        await stage.say("u1", "five six seven.")
        await asyncio.sleep(0.2)  # virtual
        stage.playout.handle(Release("h2"))
        await stage.say("u2", "eight.")
        stage.playout.handle(Release("h1"))
        await asyncio.sleep(5)  # virtual

    stage = play(scene, position)
    assert sounded(stage) == ["u1", "h2", "u2", "h1"]
    assert all(not stage.ended(name).stopped for name in ("u1", "h2", "u2", "h1"))


def test_a_release_before_the_first_audio_lets_it_sound_with_that() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        stage.playout.handle(Release("u1"))
        stage.playout.handle(Release("unknown"))
        assert stage.playout.place_of("u1") == 0
        await stage.say("u2", "one.")
        await stage.say("u1", "two.")

    stage = play(scene)
    assert sounded(stage) == ["u2", "u1"]


def test_a_hold_that_comes_late_still_holds_what_has_not_begun() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three.")
        await stage.say("u2", "four.")
        await stage.say("u3", "five.")
        await asyncio.sleep(0.1)  # virtual
        stage.playout.handle(Hold("u1"))
        stage.playout.handle(Hold("u2"))
        await asyncio.sleep(5)  # virtual
        assert sounded(stage) == ["u1", "u3"]
        stage.playout.handle(Release("u2"))

    assert sounded(play(scene)) == ["u1", "u3", "u2"]


def test_held_speech_is_rendered_ahead_only_so_far() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        async with asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(stage.say("u1", *["one two three four five."] * 8))
            await asyncio.sleep(60)  # virtual
            assert not saying.done()
            stage.playout.handle(Release("u1"))
        await asyncio.sleep(10)  # virtual

    stage = play(scene)
    assert stage.ended("u1").heard_seconds == pytest.approx(12.0)


def test_a_producer_held_up_by_a_hold_is_let_go_by_a_stop() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stage.say("u1", *["one two three four five."] * 8))
            await asyncio.sleep(60)  # virtual
            stage.playout.handle(StopSpeaking("u1"))

    assert play(scene).transport.blocks == []


def test_what_was_rendered_to_nothing_ends_when_it_is_released() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        stage.playout.finish("u1")
        await asyncio.sleep(1)  # virtual
        assert stage.events == []
        stage.playout.handle(Release("u1"))

    assert play(scene).ended("u1") == PlayoutEnded("u1", False, "", 0.0, True, None)


def test_held_speech_can_be_ducked_before_it_sounds() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        stage.playout.handle(Duck("u1", -18.0))
        await stage.say("u1", "one two.")
        stage.playout.handle(Release("u1"))

    samples = play(scene).transport.audio_of("u1").samples.astype(int)
    assert np.abs(samples[round(0.1 * RATE) :]).max() == pytest.approx(12000 * 10 ** (-18 / 20), rel=0.02)


def test_too_many_held_utterances_end_the_oldest() -> None:
    async def scene(stage: Stage) -> None:
        for number in range(MAX_SILENT_UTTERANCES + 1):
            stage.playout.handle(Hold(f"u{number}"))
        await stage.say("u", "one.")

    stage = play(scene)
    assert stage.ended("u0").stopped
    assert stage.ended("u").text == "one."
    assert len(stage.of(PlayoutEnded)) == 2


def test_clearing_leaves_what_is_held() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        await stage.say("u1", "one.")
        stage.playout.clear()
        stage.playout.handle(Release("u1"))

    assert play(scene).ended("u1").text == "one."


def test_whoever_asks_is_told_of_every_end() -> None:
    ends: list[str] = []

    async def scene(stage: Stage) -> None:
        stage.playout.on_end(ends.append)
        stage.playout.handle(Hold("u1"))
        await stage.say("u2", "one.")
        await asyncio.sleep(1)  # virtual
        stage.playout.handle(StopSpeaking("u1"))

    play(scene)
    assert ends == ["u2", "u1"]


@pytest.mark.parametrize("rate", [16000, RATE])
@pytest.mark.parametrize("position", ["exact", "reported"])
def test_a_clip_sounds_while_nobody_speaks_and_nobody_is_told(position: PlayoutPosition, rate: int) -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two.")
        await asyncio.sleep(2)  # virtual
        assert stage.playout.mix(tone(0.4, rate))
        assert not stage.playout.mix(tone(0.4, rate))
        await asyncio.sleep(2)  # virtual
        await stage.say("u2", "three four.")
        await asyncio.sleep(0.35)  # virtual: in the middle of "four"
        assert not stage.playout.mix(tone(0.4, rate))

    stage = play(scene, position)
    clip = [block for block in stage.transport.blocks if block.utterance_id == CLIP_ID]
    assert sum(block.pcm.duration_seconds for block in clip) == pytest.approx(0.4, abs=0.001)
    assert clip[0].starts_at == pytest.approx(2.0, abs=0.01)
    assert {event.utterance_id for _, event in stage.events} == {"u1", "u2"}  # type: ignore[union-attr]
    heard = [(at, event.text) for at, event in stage.events if isinstance(event, WordsHeard)]
    assert [text for _, text in heard] == ["one", "one two.", "three", "three four."]
    assert [at for at, _ in heard] == pytest.approx([0.3, 0.6, 4.3, 4.6], abs=0.04)


@pytest.mark.parametrize("position", ["exact", "reported"])
def test_an_utterance_fades_the_clip_out_and_its_words_are_told_in_time(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        assert stage.playout.mix(tone(2.0))
        await asyncio.sleep(0.5)  # virtual
        await stage.say("u1", "one two three.")

    stage = play(scene, position)
    clip_seconds = stage.transport.audio_of(CLIP_ID).duration_seconds
    lead_seconds = stage.playout.lead.lead_seconds if position == "reported" else 0.1
    assert 0.5 < clip_seconds < 0.5 + lead_seconds + 0.07
    played = stage.transport.timeline().samples.astype(int)
    loudest_step = np.abs(np.diff(tone(1.0).samples.astype(int))).max()
    assert np.abs(np.diff(played[: round(0.9 * clip_seconds * RATE)])).max() <= loudest_step * 1.1
    assert np.abs(played[round(clip_seconds * RATE) - 4 : round(clip_seconds * RATE)]).max() < 100
    started_at = next(at for at, event in stage.events if isinstance(event, PlayoutStarted))
    heard_at = [at for at, event in stage.events if isinstance(event, WordsHeard)]
    assert started_at == pytest.approx(clip_seconds, abs=0.04)
    assert heard_at == pytest.approx([clip_seconds + 0.3, clip_seconds + 0.6, clip_seconds + 0.9], abs=0.04)


def test_a_line_that_knows_nothing_of_the_ear_gets_no_clips() -> None:
    async def scene(stage: Stage) -> None:
        assert not stage.playout.mix(Pcm.silence(0.3, RATE))

    assert play(scene).transport.blocks == []
