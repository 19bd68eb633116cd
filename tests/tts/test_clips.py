"""Clips are rendered once, kept in memory within bounds, and on disk when there is a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import VoiceError
from scheduler.pcm import Pcm, SpeechChunk, WordTime
from scheduler.virtual_time import run
from tts.clip_format import ClipFormatError, ClipKey, from_bytes, to_bytes
from tts.clips import MAX_CLIP_SECONDS, PATIENCE_SECONDS, ClipBook
from tts.engines.simulated import SimulatedVoice


class CountingVoice(SimulatedVoice):
    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed, first_byte_seconds=0.01)
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        self.asked.append(text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if text == "fail":
                raise VoiceError("no breath")
            if text == "break":
                raise ZeroDivisionError
            if text == "give up":
                raise asyncio.CancelledError
            if text == "hang":
                await asyncio.sleep(1e6)  # virtual; the book gives up before
            async for chunk in super().speak(text):
                yield chunk
        finally:
            self.at_once -= 1


def words_of(clip: tuple[SpeechChunk, ...] | None) -> str:
    return "".join(word.text for chunk in clip or () for word in chunk.words)


def test_each_text_is_rendered_once_and_one_at_a_time() -> None:
    async def main() -> None:
        voice = CountingVoice()
        book = ClipBook(voice)
        assert book.get("One moment.") is None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(book.prepare(["One moment.", "mm-hm", "One moment."]))
            tasks.create_task(book.prepare(["mm-hm", "right"]))
            tasks.create_task(book.rendered("right"))
        assert sorted(voice.asked) == ["One moment.", "mm-hm", "right"]
        assert voice.most_at_once == 1
        assert words_of(book.get(" One moment. ")) == "One moment."

    run(main)


def test_what_can_not_be_rendered_is_left_out() -> None:
    async def main() -> None:
        book = ClipBook(CountingVoice())
        endless = "word " * round(MAX_CLIP_SECONDS * 4)
        texts = ["fail", "break", "give up", "hang", "", "😀", endless, "mm-hm"]
        await book.prepare(texts)
        kept = [text for text in texts if book.get(text) is not None]
        assert kept == ["mm-hm"]

    run(main)


def test_memory_is_bounded_and_what_is_used_stays() -> None:
    async def main() -> None:
        book = ClipBook(CountingVoice(), max_clips=2)
        await book.prepare(["one", "two"])
        assert book.get("one") is not None
        await book.prepare(["three"])
        assert [book.get(text) is not None for text in ("one", "two", "three")] == [True, False, True]

    run(main)


def test_preparing_rests_between_two_clips_and_can_be_cancelled() -> None:
    async def main() -> None:
        voice = CountingVoice()
        book = ClipBook(voice)
        async with asyncio.TaskGroup() as tasks:
            preparing = tasks.create_task(book.prepare(["one two three", "hang", "never"]))
            await asyncio.sleep(0.06)  # virtual: it has rendered one, and rests
            assert voice.asked == ["one two three"]
            await asyncio.sleep(1)  # virtual
            assert voice.asked == ["one two three", "hang"]
            preparing.cancel()
        assert voice.at_once == 0
        assert await book.rendered("more") is not None

    run(main)


def test_preparing_waits_while_sessions_use_the_voice_but_not_for_ever() -> None:
    async def main() -> None:
        voice = CountingVoice()
        book = ClipBook(voice)
        async with asyncio.TaskGroup() as tasks:
            with book.voice_in_use(), book.voice_in_use():
                preparing = tasks.create_task(book.prepare(["one", "two"]))
                await asyncio.sleep(PATIENCE_SECONDS - 0.1)  # virtual
                assert voice.asked == []
                await asyncio.sleep(0.5)  # virtual
                assert voice.asked == ["one"]
                assert await book.rendered("mm-hm") is not None
            await asyncio.sleep(0.5)  # virtual
            assert preparing.done()
        assert book.get("two") is not None

    run(main)


def test_clips_outlive_the_process_in_their_folder(tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / "clips"
        await ClipBook(CountingVoice(), folder).prepare(["One moment.", "fail"])
        again = CountingVoice()
        book = ClipBook(again, folder)
        clip = await book.rendered("One moment.")
        assert again.asked == []
        fresh = [chunk async for chunk in CountingVoice().speak("One moment.")]
        assert clip is not None
        assert [chunk.words for chunk in clip] == [chunk.words for chunk in fresh]
        assert all(np.array_equal(a.pcm.samples, b.pcm.samples) for a, b in zip(clip, fresh, strict=True))
        other = CountingVoice(seed=1)
        await ClipBook(other, folder).prepare(["One moment."])
        assert other.asked == ["One moment."], "another voice has its own"
        assert sorted(path.suffix for path in folder.iterdir()) == [".npz", ".npz"]

    asyncio.run(main())


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", None])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    asyncio.run(ClipBook(CountingVoice(), tmp_path).prepare(["mm-hm"]))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    voice = CountingVoice()
    assert words_of(asyncio.run(ClipBook(voice, tmp_path).rendered("mm-hm"))) == "mm-hm"
    assert voice.asked == ["mm-hm"]
    from_bytes(ClipKey("simulated:0", "mm-hm", 16000), path.read_bytes())


def test_a_folder_that_can_not_be_used_costs_no_clip(tmp_path: Path) -> None:
    async def main() -> None:
        blocked = tmp_path / "file"
        blocked.write_text("no folder")
        book = ClipBook(CountingVoice(), blocked)
        await book.prepare(["mm-hm"])
        assert book.get("mm-hm") is not None

    asyncio.run(main())


KEY = ClipKey("flite:slt", "Hi\x00 \ud800 you", 16000)
CLIP = (
    SpeechChunk(Pcm(np.arange(10, dtype=np.int16), 16000), (WordTime("Hi\x00", 0.0, 0.1),)),
    SpeechChunk(Pcm(np.zeros(0, np.int16), 16000), (WordTime(" \ud800 you", 0.1, 0.1),)),
)


def test_a_clip_survives_its_format_whatever_its_text() -> None:
    back = from_bytes(KEY, to_bytes(KEY, CLIP))
    assert [chunk.words for chunk in back] == [chunk.words for chunk in CLIP]
    assert [chunk.pcm.samples.tolist() for chunk in back] == [list(range(10)), []]
    with pytest.raises(ClipFormatError):
        from_bytes(ClipKey("flite:rms", KEY.text, 16000), to_bytes(KEY, CLIP))


@given(at=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.integers(0, 10_000))
def test_damaged_bytes_never_do_worse_than_no_clip(at: int, value: int, cut: int) -> None:
    data = bytearray(to_bytes(KEY, CLIP))
    data[at % len(data)] = value
    try:
        clip = from_bytes(KEY, bytes(data[: len(data) - cut % 50]))
    except ClipFormatError:
        return
    assert sum(len(chunk.pcm.samples) for chunk in clip) == 10
