"""Playout in virtual time: what was played is what is told, one utterance at a time, and stops hold."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.transport import PlayoutPosition
from scheduler.commands import Duck, EndUtterance, StopSpeaking
from scheduler.events import HeardCorrected, PlayoutEnded, PlayoutSent, PlayoutStarted, WordsHeard
from scheduler.pcm import SpeechChunk
from tests.audio.stage import RATE, WORD_SECONDS, Stage, play, sentence, tone

POSITIONS: list[PlayoutPosition] = ["estimated", "exact", "reported"]


@pytest.mark.parametrize("position", POSITIONS)
def test_an_utterance_is_started_heard_word_by_word_sent_and_ended(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three.", "four five.")

    stage = play(scene, position)
    kinds = [type(event) for _, event in stage.events]
    assert kinds[0] is PlayoutStarted
    assert kinds[-1] is PlayoutEnded
    heard = [event.text for event in stage.of(WordsHeard) if isinstance(event, WordsHeard)]
    assert heard[0] == "one"
    assert heard[-1] == "one two three. four five."
    assert len(heard) == 5
    assert stage.of(PlayoutSent) == [PlayoutSent("u1", pytest.approx(1.5))]
    ended = stage.ended("u1")
    assert ended.text == "one two three. four five."
    assert not ended.stopped
    assert ended.unheard_index is None
    assert ended.settled is (position != "estimated")
    assert ended.heard_seconds == pytest.approx(1.5)
    ended_at = next(at for at, event in stage.events if isinstance(event, PlayoutEnded))
    assert ended_at == pytest.approx(1.5, abs=0.035)
    words = [word.text for block in stage.transport.blocks for word in block.words]
    assert "".join(words) == "one two three. four five."


@pytest.mark.parametrize("position", POSITIONS)
def test_words_are_told_when_they_have_been_heard(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three.")

    for number, (at, event) in enumerate(
        (at, event) for at, event in play(scene, position).events if isinstance(event, WordsHeard)
    ):
        assert at == pytest.approx((number + 1) * WORD_SECONDS, abs=0.04)
        assert event.text.count(" ") == number


def test_a_lead_of_a_fifth_of_a_second_is_kept_ahead() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", " ".join(["word"] * 20))

    stage = play(scene)
    started_at = stage.transport.blocks[0].starts_at
    assert started_at == 0.0
    assert len({round(block.starts_at, 6) for block in stage.transport.blocks}) == len(stage.transport.blocks)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_stop_with_time_ends_at_the_next_word_boundary(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three four five six.")
        await asyncio.sleep(0.7)  # virtual: in the middle of "three"
        stage.playout.handle(StopSpeaking("u1", within_seconds=0.25))

    stage = play(scene, position)
    ended = stage.ended("u1")
    assert ended.stopped
    assert ended.text == "one two three"
    assert ended.heard_seconds == pytest.approx(0.9, abs=0.011)
    assert ended.unheard_index == 0
    ended_at = next(at for at, event in stage.events if isinstance(event, PlayoutEnded))
    assert ended_at <= 0.7 + 0.25 + 0.03
    assert not stage.of(PlayoutSent)


def test_a_stop_at_once_is_answered_at_once_where_the_client_flushes() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two.", "three four five six.")
        await asyncio.sleep(0.95)  # virtual: in the middle of "four"
        stage.playout.handle(StopSpeaking("u1"))
        assert stage.ended("u1").text == "one two. three"
        blocks = len(stage.transport.blocks)
        await asyncio.sleep(5)  # virtual
        assert len(stage.transport.blocks) == blocks

    ended = play(scene).ended("u1")
    assert ended.unheard_index == 1
    assert not ended.settled


@pytest.mark.parametrize("position", ["exact", "reported"])
def test_a_stop_at_once_fades_where_what_left_will_sound(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three four five six.")
        await asyncio.sleep(0.5)  # virtual
        stage.playout.handle(StopSpeaking("u1"))

    stage = play(scene, position)
    played = stage.transport.timeline().samples.astype(int)
    loudest_step = np.abs(np.diff(tone(1.0).samples.astype(int))).max()
    assert np.abs(np.diff(played)).max() <= loudest_step * 1.1
    ended = stage.ended("u1")
    assert ended.settled
    ended_at = next(at for at, event in stage.events if isinstance(event, PlayoutEnded))
    lead = stage.playout.lead.lead_seconds if position == "reported" else 0.1
    assert ended_at <= 0.5 + lead + 0.06


@pytest.mark.parametrize("position", POSITIONS)
def test_ducking_has_no_click_and_reaches_its_level(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three four five six seven eight.")
        await asyncio.sleep(0.3)  # virtual
        stage.playout.handle(Duck("u1", -18.0))
        await asyncio.sleep(0.8)  # virtual
        stage.playout.handle(Duck("u1", 0.0))

    stage = play(scene, position)
    played = stage.transport.timeline().samples.astype(int)
    loudest_step = np.abs(np.diff(tone(1.0).samples.astype(int))).max()
    inside = played[round(0.05 * RATE) : round(2.3 * RATE)]
    assert np.abs(np.diff(inside)).max() <= loudest_step * 1.1
    ducked = np.abs(played[round(0.7 * RATE) : round(1.0 * RATE)]).max()
    assert ducked == pytest.approx(12000 * 10 ** (-18 / 20), rel=0.02)
    assert np.abs(played[round(1.6 * RATE) :]).max() == pytest.approx(12000, rel=0.01)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_stopped_utterance_takes_no_more_audio(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        chunk = sentence("late")[0]
        assert await stage.playout.enqueue("u1", 0, chunk)
        stage.playout.handle(StopSpeaking("u1"))
        stage.playout.handle(StopSpeaking("u1"))
        assert not await stage.playout.enqueue("u1", 0, chunk)
        stage.playout.finish("u1")
        stage.playout.handle(StopSpeaking("never"))
        assert not await stage.playout.enqueue("never", 0, chunk)
        await stage.say("u2", "hello there.")

    stage = play(scene, position)
    assert stage.ended("u1").stopped
    assert stage.ended("never") == PlayoutEnded("never", True, "", 0.0, True, 0)
    assert stage.ended("u2").text == "hello there."
    assert {block.utterance_id for block in stage.transport.blocks} == {"u2"}


def test_an_utterance_without_sound_ends_unstopped() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.end_sentence("u1", 0)
        stage.playout.finish("u1")

    stage = play(scene)
    assert stage.of(PlayoutStarted) == []
    assert stage.ended("u1") == PlayoutEnded("u1", False, "", 0.0, True, None)


@pytest.mark.parametrize("position", POSITIONS)
def test_utterances_sound_one_after_another(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stage.say("u1", "one two three."))
            tasks.create_task(stage.say("u2", "four five."))

    stage = play(scene, position)
    blocks = stage.transport.blocks
    assert [b.utterance_id for b in blocks] == sorted(b.utterance_id for b in blocks)
    order = [
        (type(event).__name__, event.utterance_id) for _, event in stage.events if not isinstance(event, WordsHeard)
    ]  # type: ignore[union-attr]
    assert order == [
        (name, utterance_id)
        for utterance_id in ("u1", "u2")
        for name in ("PlayoutStarted", "PlayoutSent", "PlayoutEnded")
    ]


def test_clearing_stops_what_sounds_and_what_waits() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three four.")
        await stage.say("u2", "five.")
        await asyncio.sleep(0.4)  # virtual
        stage.playout.clear()

    stage = play(scene)
    assert stage.ended("u1").text == "one"
    assert stage.ended("u2").text == ""


def test_a_truncation_corrects_what_was_heard_also_after_the_end() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", "one two three four.")
        await asyncio.sleep(0.95)  # virtual
        stage.playout.handle(StopSpeaking("u1"))
        stage.playout.client_truncated("u1", 0.65)
        stage.playout.client_truncated("u1", 99.0)
        stage.playout.client_truncated("u1", -3.0)
        stage.playout.client_truncated("unknown", 1.0)

    stage = play(scene)
    assert stage.ended("u1").text == "one two three"
    corrections = [event for event in stage.of(HeardCorrected) if isinstance(event, HeardCorrected)]
    assert [event.text for event in corrections] == ["one two", "one two three", ""]
    assert corrections[1].heard_seconds <= 1.2


def test_a_producer_waits_when_too_much_is_buffered() -> None:
    async def scene(stage: Stage) -> None:
        second = SpeechChunk(tone(1.0))
        for _ in range(8):
            assert await stage.playout.enqueue("u1", 0, second)
        before = asyncio.get_running_loop().time()
        for _ in range(20):
            assert await stage.playout.enqueue("u1", 0, second)
        assert asyncio.get_running_loop().time() - before > 10

    play(scene)


def test_a_line_that_never_drains_holds_the_producer_and_a_stop_lets_it_go() -> None:
    async def scene(stage: Stage) -> None:
        async def produce() -> bool:
            while await stage.playout.enqueue("u1", 0, SpeechChunk(tone(1.0))):
                pass
            return True

        async with asyncio.TaskGroup() as tasks:
            producing = tasks.create_task(produce())
            await asyncio.sleep(300)  # virtual
            assert not producing.done()
            stage.playout.handle(StopSpeaking("u1", 0.2))
            assert await producing

    stage = play(scene, "exact", stall_seconds=lambda _: 1e6)
    assert stage.ended("u1").stopped
    assert stage.ended("u1").text == ""


def test_a_stalling_network_makes_the_lead_grow_and_calm_lets_it_shrink() -> None:
    async def scene(stage: Stage) -> None:
        await stage.say("u1", *["one two three four five six seven eight nine ten."] * 12)
        await asyncio.sleep(30)  # virtual
        assert stage.playout.lead.lead_seconds < highest[0]

    highest = [0.0]

    def stall(now: float) -> float:
        return 0.3 if 2.0 < now < 3.0 else 0.0

    async def watched(stage: Stage) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(scene_with_watch(stage))

    async def scene_with_watch(stage: Stage) -> None:
        async def watch() -> None:
            for _ in range(60):
                await asyncio.sleep(0.1)  # virtual
                highest[0] = max(highest[0], stage.playout.lead.lead_seconds)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            tasks.create_task(scene(stage))

    play(watched, stall_seconds=stall)
    assert 0.3 < highest[0] <= 1.0


def test_a_foreign_command_is_refused() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(ValueError, match="EndUtterance"):
            stage.playout.handle(EndUtterance("u1"))

    play(scene)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 3), st.integers(1, 6)),
        st.tuples(st.just("wait"), st.floats(0.0, 1.5), st.just(0)),
        st.tuples(st.just("stop"), st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.25])),
        st.tuples(st.just("duck"), st.integers(0, 3), st.sampled_from([0.0, -9.0, -18.0])),
        st.tuples(st.just("finish"), st.integers(0, 3), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=steps, position=st.sampled_from(POSITIONS))
def test_whatever_happens_the_history_is_what_sounded(steps: list[tuple[str, float, float]], position: str) -> None:
    stopped_at: dict[str, float] = {}

    async def scene(stage: Stage) -> None:
        indexes: dict[str, int] = {}
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            for kind, first, second in steps:
                utterance_id = f"u{first}"
                match kind:
                    case "say":
                        index = indexes[utterance_id] = indexes.get(utterance_id, -1) + 1
                        text = " ".join(f"{utterance_id}w{index}n{number}" for number in range(int(second)))
                        for chunk in sentence(text):
                            tasks.create_task(stage.playout.enqueue(utterance_id, index, chunk))
                        await asyncio.sleep(0)
                    case "wait":
                        await asyncio.sleep(first)  # virtual
                    case "stop":
                        stopped_at.setdefault(utterance_id, loop.time() + second)
                        stage.playout.handle(StopSpeaking(utterance_id, second))
                    case "duck":
                        stage.playout.handle(Duck(utterance_id, second))
                    case "finish":
                        stage.playout.finish(utterance_id)
            for number in range(4):
                stage.playout.finish(f"u{number}")

    async def long_scene(stage: Stage) -> None:
        await scene(stage)
        await asyncio.sleep(60)  # virtual

    stage = play(long_scene, position)  # type: ignore[arg-type]
    ids = {f"u{number}" for number in range(4)}
    assert {event.utterance_id for event in stage.of(PlayoutEnded)} == ids  # type: ignore[union-attr]
    order = [block.utterance_id for block in stage.transport.blocks]
    assert len([1 for a, b in pairwise(order) if a != b]) + 1 <= max(1, len(set(order)))
    for utterance_id in ids:
        ended = stage.ended(utterance_id)
        blocks = [block for block in stage.transport.blocks if block.utterance_id == utterance_id]
        sent_text = "".join(word.text for block in blocks for word in block.words)
        sent_seconds = sum(block.pcm.duration_seconds for block in blocks)
        assert sent_text.startswith(ended.text)
        assert ended.heard_seconds <= sent_seconds + 1e-6
        words_heard = len(ended.text.split())
        assert words_heard * WORD_SECONDS <= ended.heard_seconds + 0.011
        if not ended.stopped:
            assert ended.text == sent_text
        if utterance_id in stopped_at:
            slack = 0.1 if position == "exact" else 0.4
            assert all(block.starts_at <= stopped_at[utterance_id] + slack for block in blocks)
