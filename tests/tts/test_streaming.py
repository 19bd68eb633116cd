"""Voices that speak while their text is being written, and the speaker that feeds them, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.commands import Backchannel, EndUtterance, Speak, SpeakSource
from scheduler.errors import VoiceError
from scheduler.events import Event, SpeechReady, SpeechRendered, VoiceFailed
from scheduler.pcm import SpeechChunk
from scheduler.virtual_time import run
from tests.tts.sink import Sink
from tts.clips import ClipBook
from tts.engines.simulated import FIRST_BYTE_SECONDS, REAL_TIME_FACTOR, SimulatedVoice
from tts.registry import make_voice
from tts.speaker import BACKCHANNEL_LATEST_SECONDS, MAX_WAITING_SENTENCES, Speaker
from tts.text_feed import TextFeed
from tts.voice import Voice, streams


def now() -> float:
    return asyncio.get_running_loop().time()


async def written(*pieces: str, gap_seconds: float = 0.0, after_seconds: float = 0.0) -> AsyncIterator[str]:
    await asyncio.sleep(after_seconds)  # virtual
    for piece in pieces:
        yield piece
        await asyncio.sleep(gap_seconds)  # virtual


async def spoken(voice: SimulatedVoice, text: AsyncIterator[str]) -> list[tuple[float, SpeechChunk]]:
    return [(now(), chunk) async for chunk in voice.speak_stream(text)]


def source(timed: list[tuple[float, SpeechChunk]]) -> str:
    return "".join(word.text for _, chunk in timed for word in chunk.words)


# --- the simulated voice ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pieces", [("Hel", "lo ", "there", ", you."), ("Hello there, you.",), (" ", "Hello there, you.")]
)
def test_the_first_audio_comes_a_time_to_first_byte_after_the_first_text(pieces: tuple[str, ...]) -> None:
    async def main() -> None:
        timed = await spoken(SimulatedVoice(streaming=True), written(*pieces, gap_seconds=0.02, after_seconds=3.0))
        blank_seconds = 0.02 if pieces[0] == " " else 0.0
        assert timed[0][0] == pytest.approx(3.0 + blank_seconds + FIRST_BYTE_SECONDS)
        assert source(timed) == "".join(pieces)

    run(main)


def test_the_first_piece_of_a_word_is_said_when_no_more_comes_in_time() -> None:
    async def main() -> None:
        timed = await spoken(SimulatedVoice(streaming=True), written("Hel", "lo the", "re.", gap_seconds=0.5))
        assert timed[0][0] == pytest.approx(FIRST_BYTE_SECONDS)
        assert [word.text for _, chunk in timed for word in chunk.words] == ["Hel", "lo", " there."]

    run(main)


def test_it_goes_on_as_words_come_and_never_faster_than_it_can() -> None:
    async def main() -> None:
        voice = SimulatedVoice(streaming=True, first_byte_seconds=0.25)
        timed = await spoken(voice, written("One two ", "three four ", "five.", gap_seconds=1.0))
        arrivals = {word.text: at for at, chunk in timed for word in chunk.words}
        assert arrivals["One"] == pytest.approx(0.25)
        assert arrivals[" three"] == pytest.approx(1.0)
        assert arrivals[" five."] == pytest.approx(3.0), "a word is whole when white space or the end follows"
        rendered_seconds = 0.0
        for at, chunk in timed:
            assert at >= 0.25 + rendered_seconds * REAL_TIME_FACTOR - 1e-6
            rendered_seconds += chunk.pcm.duration_seconds

    run(main)


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="ab 4.,*—\n😀'", max_size=60), cuts=st.lists(st.integers(0, 60)), gap=st.floats(0.0, 0.3))
def test_any_text_in_any_pieces_is_said_whole(text: str, cuts: list[int], gap: float) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    pieces = [text[first:last] for first, last in pairwise(edges)]

    async def main() -> None:
        timed = await spoken(SimulatedVoice(streaming=True), written(*pieces, gap_seconds=gap))
        assert source(timed) == (text if timed else "")
        whole = [chunk async for chunk in SimulatedVoice().speak(text)]
        assert "".join(word.text for chunk in whole for word in chunk.words) == (text if whole else "")
        seconds = 0.0
        for _, chunk in timed:
            seconds += chunk.pcm.duration_seconds
            assert all(word.start_seconds <= seconds + 1e-6 for word in chunk.words)

    run(main)


def test_closing_it_stops_reading_and_a_text_that_fails_is_told() -> None:
    closed: list[str] = []

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "word "
                await asyncio.sleep(0.01)  # virtual
        finally:
            closed.append("closed")

    async def failing() -> AsyncIterator[str]:
        yield "One two"
        raise VoiceError("no more")

    async def main() -> None:
        stream = SimulatedVoice(streaming=True).speak_stream(endless())
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        assert closed == ["closed"]
        with pytest.raises(VoiceError, match="no more"):
            await spoken(SimulatedVoice(streaming=True), failing())

    run(main)


def test_a_feed_gives_whole_words_only() -> None:
    async def main() -> None:
        async with TextFeed(written("a b", "c ", "d", gap_seconds=0.1)) as feed:
            await feed.more()
            assert (feed.take_words(), feed.take_words()) == ("a", "")
            await feed.more()
            assert feed.take_words() == " bc"
            while not feed.ended:
                await feed.more()
            assert (feed.take_words(), feed.take_all()) == (" d", "")

    run(main)


def test_which_voices_stream() -> None:
    assert streams(make_voice("simulated:streaming"))
    assert make_voice("simulated:streaming").name == "simulated:streaming"
    assert make_voice("simulated:streaming:3").name == "simulated:streaming:3"
    assert not streams(make_voice("simulated"))


# --- the speaker --------------------------------------------------------------------------------------


class Stage:
    def __init__(self, voice: Voice, clips: ClipBook | None = None) -> None:
        self.events: list[tuple[float, Event]] = []
        self.sink = Sink()
        self.speaker = Speaker(lambda event: self.events.append((now(), event)), voice, self.sink, clips=clips)

    def parts(self, *texts: str, utterance_id: str = "u1", index: int = 0) -> None:
        for number, text in enumerate(texts, 1):
            self.speaker.handle(Speak(utterance_id, index, text, complete=number == len(texts)))

    def at(self, wanted: Event) -> float:
        return next(at for at, event in self.events if event == wanted)

    def kinds(self) -> list[type[Event]]:
        return [type(event) for _, event in self.events]


def play(scene: Callable[[Stage], Awaitable[None]], voice: Voice, clips: ClipBook | None = None) -> Stage:
    async def main() -> Stage:
        stage = Stage(voice, clips)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stage.speaker.run())
            await scene(stage)
            await asyncio.sleep(60)  # virtual
            running.cancel()
        return stage

    return run(main)


class WatchedVoice(SimulatedVoice):
    """Keeps what it was asked for; "hang" in a text makes it stop there."""

    def __init__(self, *, streaming: bool) -> None:
        super().__init__(streaming=streaming)
        self.whole: list[str] = []
        self.pieces: list[str] = []
        self.open = 0

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        self.whole.append(text)
        self.open += 1
        try:
            async for chunk in super().speak(text):
                yield chunk
        finally:
            self.open -= 1

    async def speak_stream(self, text: AsyncIterator[str]) -> AsyncIterator[SpeechChunk]:
        self.open += 1
        try:
            async for piece in text:
                self.pieces.append(piece)
                await asyncio.sleep(1e6 if "hang" in piece else 0.1)  # virtual
                async for chunk in super().speak(piece):
                    yield chunk
        finally:
            self.open -= 1


def test_parts_are_spoken_while_they_are_written() -> None:
    async def scene(stage: Stage) -> None:
        for part in ("Hel", "lo", " the"):
            stage.speaker.handle(Speak("u1", 0, part, complete=False))
            await asyncio.sleep(0.04)  # virtual
        await asyncio.sleep(1)  # virtual
        stage.speaker.handle(Speak("u1", 0, "re.", complete=False))
        stage.speaker.handle(Speak("u1", 0, ""))
        stage.speaker.handle(Speak("u1", 1, "Bye."))
        stage.speaker.handle(EndUtterance("u1"))

    stage = play(scene, SimulatedVoice(streaming=True))
    assert stage.at(SpeechReady("u1", 0)) == pytest.approx(FIRST_BYTE_SECONDS)
    assert stage.sink.text["u1"] == "Hello there.Bye."
    assert stage.kinds() == [SpeechReady, SpeechRendered] * 2
    assert stage.sink.log[-1] == ("finish", "u1", -1)


def test_another_voice_gets_the_parts_as_one_sentence() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "Hel", complete=False))
        await asyncio.sleep(2)  # virtual
        assert voice.whole == []
        stage.parts("lo ", "there.")
        stage.speaker.handle(Speak("u1", 1, "Never ended", complete=False))
        stage.speaker.handle(EndUtterance("u1"))

    voice = WatchedVoice(streaming=False)
    stage = play(scene, voice)
    assert voice.whole == ["Hello there.", "Never ended"]
    assert stage.at(SpeechReady("u1", 0)) == pytest.approx(2.0 + FIRST_BYTE_SECONDS)


def test_a_whole_sentence_is_not_streamed() -> None:
    async def scene(stage: Stage) -> None:
        stage.parts("One ", "two.")
        stage.parts("Three.", index=1)

    voice = WatchedVoice(streaming=True)
    play(scene, voice)
    assert (voice.whole, voice.pieces) == (["One two.", "Three."], [])


def test_the_clock_of_a_chunk_stands_while_text_is_awaited() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "One ", complete=False))
        await asyncio.sleep(30)  # virtual: far more than a chunk may take
        stage.speaker.handle(Speak("u1", 0, "two.", complete=True))

    for voice in (WatchedVoice(streaming=True), SimulatedVoice(streaming=True)):
        stage = play(scene, voice)
        assert stage.kinds() == [SpeechReady, SpeechRendered]
        assert stage.sink.text["u1"] == "One two."


def test_a_voice_that_has_text_and_gives_nothing_has_failed() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "One ", complete=False))
        await asyncio.sleep(30)  # virtual
        stage.speaker.handle(Speak("u1", 0, "hang ", complete=False))
        await asyncio.sleep(6)  # virtual
        stage.speaker.handle(Speak("u1", 0, "more ", complete=False))
        stage.speaker.handle(Speak("u1", 0, "end."))
        stage.speaker.handle(Speak("u1", 1, "Next."))

    voice = WatchedVoice(streaming=True)
    stage = play(scene, voice)
    assert stage.kinds() == [SpeechReady, VoiceFailed, SpeechReady, SpeechRendered]
    failed_at = next(at for at, event in stage.events if isinstance(event, VoiceFailed))
    assert failed_at == pytest.approx(35.0)
    assert voice.whole[-1] == "Next."
    assert "more " not in voice.pieces
    assert voice.open == 0


@pytest.mark.parametrize("streaming", [False, True])
def test_an_utterance_that_ends_at_the_sink_closes_the_voice_at_once(streaming: bool) -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "One two ", complete=not streaming))
        stage.speaker.handle(Speak("u1", 1, "Never said."))
        await asyncio.sleep(0.05)  # virtual: before the first byte
        assert voice.open == 1
        stage.sink.tell_end("u1")
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)  # virtual
        assert voice.open == 0
        stage.speaker.handle(Speak("u2", 0, "Two."))
        stage.sink.tell_end("unknown")

    voice = WatchedVoice(streaming=streaming)
    stage = play(scene, voice)
    assert list(stage.sink.text) == ["u2"]


def test_a_stream_that_waits_for_text_is_closed_when_its_utterance_ends() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "One ", complete=False))
        await asyncio.sleep(5)  # virtual
        assert voice.open == 1
        stage.sink.tell_end("u1")
        await asyncio.sleep(0.001)  # virtual
        assert voice.open == 0

    voice = WatchedVoice(streaming=True)
    play(scene, voice)


def test_a_refused_sentence_is_told_once_whatever_its_parts() -> None:
    async def scene(stage: Stage) -> None:
        for index in range(MAX_WAITING_SENTENCES):
            stage.speaker.handle(Speak("u1", index, "Word."))
        stage.parts("One ", "two ", "three.", index=MAX_WAITING_SENTENCES)

    assert play(scene, SimulatedVoice()).kinds().count(VoiceFailed) == 1


# --- who gets the voice -------------------------------------------------------------------------------


def test_what_is_held_is_rendered_when_nobody_else_wants_the_voice() -> None:
    async def scene(stage: Stage) -> None:
        stage.sink.kept_back |= {"h1", "h2"}
        for name in ("h1", "h2", "u1", "u2"):
            for index in range(2):
                stage.speaker.handle(Speak(name, index, f"{name} number {index}."))

    stage = play(scene, SimulatedVoice())
    begun = [name for kind, name, _ in stage.sink.log if kind == "audio"]
    assert begun == ["u1", "u1", "u2", "u2", "h1", "h1", "h2", "h2"]


def test_one_that_is_rendered_far_ahead_or_awaits_its_text_holds_nobody_up() -> None:
    async def scene(stage: Stage) -> None:
        stage.sink.held.add("u1")
        stage.sink.kept_back.add("h1")
        stage.speaker.handle(Speak("u1", 0, "One."))
        stage.speaker.handle(Speak("u2", 0, "Two ", complete=False))
        await asyncio.sleep(3)  # virtual
        stage.speaker.handle(Speak("h1", 0, "Three."))

    stage = play(scene, SimulatedVoice(streaming=True))
    assert stage.sink.text == {"u2": "Two", "h1": "Three."}


# --- clips --------------------------------------------------------------------------------------------


def test_a_filler_with_a_clip_sounds_at_once() -> None:
    voice = SimulatedVoice()
    clips = ClipBook(voice)

    async def scene(stage: Stage) -> None:
        await clips.prepare(["One moment.", ""])
        began_at = now()
        stage.speaker.handle(Speak("u1", 0, " One moment.", source=SpeakSource.FILLER))
        stage.speaker.handle(Speak("u2", 0, "Let me see.", source=SpeakSource.FILLER))
        stage.speaker.handle(Speak("u3", 0, "One moment."))
        await asyncio.sleep(1)  # virtual
        assert stage.at(SpeechReady("u1", 0)) == began_at
        assert stage.at(SpeechReady("u2", 0)) >= began_at + FIRST_BYTE_SECONDS
        assert stage.at(SpeechReady("u3", 0)) >= stage.at(SpeechReady("u2", 0)) + FIRST_BYTE_SECONDS

    stage = play(scene, voice, clips)
    assert stage.sink.text["u1"] == "One moment."
    assert stage.kinds().count(SpeechRendered) == 3


def test_a_backchannel_is_mixed_in_and_one_that_comes_too_late_is_not() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Backchannel("mm-hm"))
        await asyncio.sleep(1)  # virtual
        assert len(stage.sink.mixed) == 1
        assert stage.sink.mixed[0].duration_seconds == pytest.approx(6 / 15, abs=0.01)
        slow = SimulatedVoice(first_byte_seconds=2 * BACKCHANNEL_LATEST_SECONDS)
        stage.speaker.set_voice(slow)
        stage.speaker.handle(Backchannel("right"))
        await asyncio.sleep(1)  # virtual
        assert len(stage.sink.mixed) == 1
        stage.speaker.set_voice(slow)
        stage.speaker.handle(Backchannel("right"))
        stage.speaker.handle(Backchannel("😀"))
        stage.speaker.handle(Backchannel("right"))
        await asyncio.sleep(0.001)  # virtual: the clip is there by now
        assert len(stage.sink.mixed) == 2

    stage = play(scene, SimulatedVoice())
    assert stage.events == []
