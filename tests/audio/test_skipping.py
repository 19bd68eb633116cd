"""A sentence that gives way to the next one ends behind a word, and what is told as heard stays true."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.transport import PlayoutPosition
from audio.utterance_track import UtteranceTrack
from scheduler.commands import Hold, Release, SkipSentence, StopSpeaking
from scheduler.events import PlayoutEnded, WordsHeard
from scheduler.pcm import Pcm, SpeechChunk, WordTime
from tests.audio.stage import RATE, WORD_SECONDS, Stage, play, sentence, tone

POSITIONS: list[PlayoutPosition] = ["estimated", "exact", "reported"]
FADE_SECONDS = 0.02


async def give(stage: Stage, utterance_id: str, index: int, text: str) -> None:
    for chunk in sentence(text):
        assert await stage.playout.enqueue(utterance_id, index, chunk)
    stage.playout.end_sentence(utterance_id, index)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_filler_ends_behind_a_word_when_the_answer_is_there(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await give(stage, "u1", 0, "let me look that up for you.")
        await asyncio.sleep(0.7)  # virtual: in the middle of "look"
        await give(stage, "u1", 1, "It is ready.")
        stage.playout.handle(SkipSentence("u1", 0))
        stage.playout.finish("u1")

    stage = play(scene, position)
    text = stage.ended("u1").text
    assert text in ("let me look It is ready.", "let me look that It is ready.")
    words = text.split()
    assert stage.ended("u1").heard_seconds == pytest.approx(len(words) * WORD_SECONDS, abs=0.03)
    assert "".join(word.text for block in stage.transport.blocks for word in block.words) == text
    heard = [(at, event.text) for at, event in stage.events if isinstance(event, WordsHeard)]
    assert [told for _, told in heard] == [" ".join(words[: number + 1]) for number in range(len(words))]
    assert [at for at, _ in heard] == pytest.approx([WORD_SECONDS * (n + 1) for n in range(len(words))], abs=0.06)
    starts = [block.starts_at for block in stage.transport.blocks]
    lengths = [block.pcm.duration_seconds for block in stage.transport.blocks]
    assert np.allclose(np.diff(starts), lengths[:-1]), "the next sentence follows directly"


def test_the_end_is_faded() -> None:
    async def scene(stage: Stage) -> None:
        await give(stage, "u1", 0, "let me look that up.")
        await asyncio.sleep(0.4)  # virtual
        stage.playout.handle(SkipSentence("u1", 0))
        await stage.playout.enqueue("u1", 1, SpeechChunk(Pcm.silence(0.5, RATE)))

    samples = play(scene).transport.audio_of("u1").samples.astype(int)
    loudest_step = np.abs(np.diff(tone(1.0).samples.astype(int))).max()
    assert np.abs(np.diff(samples)).max() <= loudest_step * 1.1


@pytest.mark.parametrize("position", POSITIONS)
def test_the_wish_waits_until_something_follows(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(SkipSentence("u1", 0))
        await give(stage, "u1", 0, "let me look that up for you.")
        await asyncio.sleep(0.7)  # virtual
        await give(stage, "u1", 1, "Yes.")
        stage.playout.finish("u1")

    assert play(scene, position).ended("u1").text in ("let me look Yes.", "let me look that Yes.")


@pytest.mark.parametrize("position", POSITIONS)
def test_a_sentence_that_is_through_is_left_as_it_is(position: PlayoutPosition) -> None:
    async def scene(stage: Stage) -> None:
        await give(stage, "u1", 0, "one two.")
        await asyncio.sleep(2)  # virtual
        await give(stage, "u1", 1, "three four.")
        stage.playout.handle(SkipSentence("u1", 0))
        stage.playout.finish("u1")

    assert play(scene, position).ended("u1").text == "one two. three four."


def test_a_filler_gives_way_before_the_audio_of_the_answer_is_there() -> None:
    async def scene(stage: Stage) -> None:
        await give(stage, "u1", 0, "let me look that up for you now.")
        await asyncio.sleep(1.5 * WORD_SECONDS)  # virtual
        stage.playout.handle(SkipSentence("u1", 0))
        await asyncio.sleep(2)  # virtual
        await give(stage, "u1", 1, "Yes.")
        stage.playout.finish("u1")

    assert play(scene).ended("u1").text == "let me look Yes."


def test_a_sentence_that_has_not_begun_is_left_out() -> None:
    async def scene(stage: Stage) -> None:
        stage.playout.handle(Hold("u1"))
        for index, text in enumerate(("one moment.", "so let me see.", "Yes.", "It is.")):
            await give(stage, "u1", index, text)
        stage.playout.handle(SkipSentence("u1", 0))
        stage.playout.handle(SkipSentence("u1", 1))
        stage.playout.handle(Release("u1"))
        stage.playout.finish("u1")

    stage = play(scene)
    assert stage.ended("u1").text == "Yes. It is."
    assert stage.transport.audio_of("u1").duration_seconds == pytest.approx(3 * WORD_SECONDS)


def test_a_stop_behind_a_skip_knows_which_sentence_was_not_heard() -> None:
    async def scene(stage: Stage) -> None:
        for index, text in enumerate(("let me look that up.", "one two three.", "four.")):
            await give(stage, "u1", index, text)
        await asyncio.sleep(0.5)  # virtual
        stage.playout.handle(SkipSentence("u1", 0))
        await asyncio.sleep(0.8)  # virtual
        stage.playout.handle(StopSpeaking("u1"))

    ended = play(scene).ended("u1")
    assert ended.unheard_index == 1
    assert ended.text.startswith("let me")
    assert "up." not in ended.text
    assert "one" in ended.text


def test_a_client_that_truncates_is_understood_behind_a_skip() -> None:
    async def scene(stage: Stage) -> None:
        for index, text in enumerate(("let me look that up.", "one two three.")):
            await give(stage, "u1", index, text)
        stage.playout.finish("u1")
        await asyncio.sleep(0.1)  # virtual
        stage.playout.handle(SkipSentence("u1", 0))
        await asyncio.sleep(0.6)  # virtual
        stage.playout.client_truncated("u1", 0.65)
        stage.playout.handle(StopSpeaking("u1"))

    assert play(scene).ended("u1").text == "let one"


def test_a_word_that_has_begun_is_kept_whole_though_the_next_one_overlaps_it() -> None:
    track = UtteranceTrack("u", 1000)
    words = (WordTime("one", 0.0, 0.4), WordTime(" two", 0.35, 0.8), WordTime(" three", 0.8, 1.2))
    track.add(0, np.full(1200, 100, np.int16), words)
    track.add(1, np.full(500, 200, np.int16), (WordTime("Go.", 0.1, 0.5),))
    told = track.take(370)
    assert told is not None
    assert [word.text for word in told.words] == ["one", " two"]
    track.skip(0)
    assert track.rendered_samples == 800 + 500
    rest = track.take(2000)
    assert rest is not None
    assert [word.text for word in rest.words] == [" Go."]
    assert rest.words[0].start_seconds == pytest.approx(0.9)
    assert np.count_nonzero(rest.samples == 200) == 500


steps = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("say"), st.integers(0, 3), st.integers(1, 5)),
        st.tuples(st.just("wait"), st.floats(0.0, 1.0), st.just(0)),
        st.tuples(st.just("release"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("skip"), st.integers(0, 3), st.integers(0, 4)),
        st.tuples(st.just("stop"), st.integers(0, 3), st.sampled_from([0.0, 0.25])),
    ),
    max_size=25,
)
NAMES = [f"u{number}" for number in range(4)]


def leveled(texts: list[str], first_level: int) -> list[SpeechChunk]:
    """A chunk per word; each sounds at a level of its own, so that it can be found in what left."""
    chunks = []
    for number, text in enumerate(texts):
        start = number * WORD_SECONDS
        samples = np.full(round(WORD_SECONDS * RATE), first_level + number, np.int16)
        word = WordTime(text if number == 0 else f" {text}", start, start + WORD_SECONDS)
        chunks.append(SpeechChunk(Pcm(samples, RATE), (word,)))
    return chunks


@settings(max_examples=60, deadline=None)
@given(steps=steps, position=st.sampled_from(POSITIONS))
def test_whatever_is_held_skipped_and_stopped_what_is_told_is_what_left(
    steps: list[tuple[str, float, float]], position: PlayoutPosition
) -> None:
    held, stopped_held = set[str](), set[str]()
    said: defaultdict[str, list[str]] = defaultdict(list)

    async def scene(stage: Stage) -> None:
        in_order = {name: asyncio.Lock() for name in NAMES}
        indexes = Counter[str]()

        async def say(name: str, index: int, chunks: list[SpeechChunk]) -> None:
            async with in_order[name]:
                for chunk in chunks:
                    await stage.playout.enqueue(name, index, chunk)

        async with asyncio.TaskGroup() as tasks:
            for kind, first, second in steps:
                name = f"u{first}"
                match kind:
                    case "hold" if name not in indexes:
                        held.add(name)
                        stage.playout.handle(Hold(name))
                    case "say":
                        texts = [f"{name}w{len(said[name]) + number}" for number in range(int(second))]
                        chunks = leveled(texts, 1000 + len(said[name]))
                        said[name] += texts
                        tasks.create_task(say(name, indexes[name], chunks))
                        indexes[name] += 1
                        await asyncio.sleep(0)
                    case "wait":
                        await asyncio.sleep(first)  # virtual
                    case "release":
                        held.discard(name)
                        stage.playout.handle(Release(name))
                    case "skip":
                        stage.playout.handle(SkipSentence(name, int(second)))
                    case "stop":
                        if name in held:
                            stopped_held.add(name)
                        stage.playout.handle(StopSpeaking(name, second))
            assert not {block.utterance_id for block in stage.transport.blocks} & held
            for name in NAMES:
                stage.playout.handle(Release(name))
                tasks.create_task(finish_behind(stage, name, in_order[name]))
            await asyncio.sleep(60)  # virtual

    async def finish_behind(stage: Stage, name: str, lock: asyncio.Lock) -> None:
        async with lock:
            stage.playout.finish(name)

    stage = play(scene, position)
    assert not {block.utterance_id for block in stage.transport.blocks} & stopped_held
    assert Counter(event.utterance_id for event in stage.of(PlayoutEnded)) == Counter(NAMES)  # type: ignore[union-attr]
    for name in NAMES:
        ended = stage.ended(name)
        blocks = [block for block in stage.transport.blocks if block.utterance_id == name]
        sent_text = "".join(word.text for block in blocks for word in block.words)
        assert sent_text.startswith(ended.text)
        assert ended.stopped or sent_text == ended.text
        _check_levels(ended, stage, said[name])


def _check_levels(ended: PlayoutEnded, stage: Stage, said: list[str]) -> None:
    """Each word told left whole but for a fade, in order; up to the position nothing else did but a fade's length."""
    samples = stage.transport.audio_of(ended.utterance_id).samples[: round(ended.heard_seconds * RATE)]
    heard = ended.text.split()
    seconds = {word: np.count_nonzero(samples == 1000 + said.index(word)) / RATE for word in said}
    positions = [said.index(word) for word in heard]
    assert positions == sorted(set(positions))
    assert all(seconds[word] >= WORD_SECONDS - 2 * FADE_SECONDS for word in heard)
    cut_short = {word for word in said if word not in heard and seconds[word] > 1.5 * FADE_SECONDS}
    assert len(cut_short) <= (1 if ended.stopped else 0)
