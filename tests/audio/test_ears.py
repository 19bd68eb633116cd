"""The ears: events in audio order, one final for each segment, bounded, honest about failures. Virtual time."""

from __future__ import annotations

import asyncio
import itertools
import time
import tracemalloc
from dataclasses import replace

import pytest

from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings
from audio.ears import Ears, EarsSettings
from audio.vad import SileroDetector
from scheduler import virtual_time
from scheduler.events import (
    EarsFailed,
    InputCleared,
    InputCommitted,
    PauseGrew,
    SpeechStarted,
    SpeechStopped,
    TranscriptRevised,
    VoiceFaded,
    VoiceReturned,
)
from scheduler.pcm import Pcm, join_words
from scheduler.policy import TurnDetection, TurnMode
from tests.audio.hearing import FaultyRecognizer, LevelDetector, at_pace, listening, silence, voice

BY_HAND = TurnDetection(TurnMode.MANUAL)


def exact(*script: str) -> SimulatedRecognizer:
    return SimulatedRecognizer(script, SimulatedSettings(revision_probability=0.0))


def test_speech_is_told_with_its_true_times_and_words() -> None:
    async def main() -> None:
        async with listening(exact("good morning to you")) as (ears, heard):
            await at_pace(ears, silence(1.0), voice(2.0), silence(1.0))
        (started,), (stopped,) = heard.of(SpeechStarted), heard.of(SpeechStopped)
        assert started.audio_seconds == pytest.approx(1.0, abs=0.04)
        assert stopped.audio_seconds == pytest.approx(3.0, abs=0.04)
        assert 0.2 <= stopped.silence_seconds < 0.25
        final = heard.finals()[0]
        assert join_words(final.words) == "good morning to you"
        assert final.words[0].start_seconds == pytest.approx(1.0, abs=0.01)
        assert final.words[-1].end_seconds == pytest.approx(3.0, abs=0.01)
        pauses = [event.silence_seconds for event in heard.of(PauseGrew)]
        assert len(pauses) >= 6
        assert ears.audio_seconds == pytest.approx(4.0)
        assert ears.idle

    virtual_time.run(main)


def test_voice_that_fades_and_returns_is_told_in_order_with_the_rest() -> None:
    async def main() -> None:
        async with listening(exact("good morning to you")) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(0.1), silence(0.13), voice(0.5), silence(0.5))
        told = [event for event in heard.events if not isinstance(event, TranscriptRevised | PauseGrew)]
        assert [type(event) for event in told] == [SpeechStarted, VoiceFaded, VoiceReturned, VoiceFaded, SpeechStopped]
        faded, returned = heard.of(VoiceFaded), heard.of(VoiceReturned)
        assert [event.audio_seconds for event in faded] == pytest.approx([0.6, 1.23], abs=0.04)
        assert all(0.09 <= event.silence_seconds < 0.13 for event in faded)
        assert returned[0].audio_seconds == pytest.approx(0.73, abs=0.04)

    virtual_time.run(main)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 44100, 48000])
def test_any_rate_keeps_audio_time(rate: int) -> None:
    async def main() -> None:
        async with listening(exact("hello")) as (ears, heard):
            for block in (silence(20.0, rate), voice(1.0, rate), silence(1.0, rate)):
                ears.hear(block)
        assert heard.of(SpeechStarted)[0].audio_seconds == pytest.approx(20.0, abs=0.04)
        assert heard.of(SpeechStopped)[0].audio_seconds == pytest.approx(21.0, abs=0.04)

    virtual_time.run(main)


def test_the_rate_may_change_in_the_middle() -> None:
    async def main() -> None:
        async with listening(exact("hello")) as (ears, heard):
            for block in (silence(2.0, 8000), silence(2.0, 48000), voice(1.0, 24000), silence(1.0, 44100)):
                ears.hear(block)
        assert heard.of(SpeechStarted)[0].audio_seconds == pytest.approx(4.0, abs=0.04)
        assert heard.of(SpeechStopped)[0].audio_seconds == pytest.approx(5.0, abs=0.04)

    virtual_time.run(main)


def test_segments_are_numbered_and_no_audio_is_heard_twice() -> None:
    async def main() -> None:
        async with listening(exact("one", "two", "three")) as (ears, heard):
            for _ in range(3):
                ears.hear(voice(0.6))
                ears.hear(silence(0.28))
            ears.hear(silence(1.0))
        finals = heard.finals()
        assert [join_words(finals[number].words) for number in range(3)] == ["one", "two", "three"]
        spans = [(final.words[0].start_seconds, final.words[-1].end_seconds) for final in finals.values()]
        assert all(before[1] <= after[0] + 1e-6 for before, after in itertools.pairwise(spans))

    virtual_time.run(main)


def test_by_hand_all_audio_up_to_the_commit_is_one_segment() -> None:
    async def main() -> None:
        async with listening(exact("first turn", "second turn"), BY_HAND) as (ears, heard):
            ears.hear(voice(0.5))
            ears.hear(silence(2.0))
            ears.hear(voice(0.5))
            ears.commit_by_hand()
            ears.hear(voice(1.0))
            ears.commit_by_hand()
        assert not heard.of(SpeechStarted)
        assert not heard.of(PauseGrew)
        first, second = heard.of(InputCommitted)
        assert (first.segment, second.segment) == (0, 1)
        assert (first.audio_start_seconds, first.audio_end_seconds) == (0.0, pytest.approx(3.0))
        assert (second.audio_start_seconds, second.audio_end_seconds) == (pytest.approx(3.0), pytest.approx(4.0))
        assert {number: join_words(final.words) for number, final in heard.finals().items()} == {
            0: "first turn",
            1: "second turn",
        }

    virtual_time.run(main)


def test_clear_throws_the_open_segment_away() -> None:
    async def main() -> None:
        async with listening(exact("never mind", "this counts"), BY_HAND) as (ears, heard):
            ears.hear(voice(1.0))
            ears.clear()
            ears.hear(voice(1.0))
            ears.commit_by_hand()
        assert len(heard.of(InputCleared)) == 1
        assert [join_words(final.words) for final in heard.finals().values()] == ["", "this counts"]
        assert heard.of(InputCommitted)[0].segment == 1
        assert heard.of(InputCommitted)[0].audio_start_seconds == pytest.approx(1.0)

    virtual_time.run(main)


def test_commit_in_the_middle_of_detected_speech_closes_it() -> None:
    async def main() -> None:
        async with listening(exact("hello there")) as (ears, heard):
            ears.hear(silence(0.5))
            ears.hear(voice(1.0))
            ears.commit_by_hand()
        assert [type(event) for event in heard.events if not isinstance(event, TranscriptRevised)] == [
            SpeechStarted,
            SpeechStopped,
            InputCommitted,
        ]
        assert heard.of(InputCommitted)[0].segment == 0
        assert join_words(heard.finals()[0].words) == "hello there"

    virtual_time.run(main)


def test_commit_of_nothing_still_names_a_segment_with_a_final() -> None:
    async def main() -> None:
        async with listening(exact("hello")) as (ears, heard):
            ears.hear(silence(1.0))
            ears.commit_by_hand()
        assert heard.of(InputCommitted)[0].segment == 0
        assert heard.finals()[0].words == ()

    virtual_time.run(main)


def test_a_change_of_mode_takes_effect_where_it_stands_in_the_audio() -> None:
    async def main() -> None:
        async with listening(exact("a", "b", "c")) as (ears, heard):
            ears.hear(silence(0.5))
            ears.hear(voice(1.0))
            ears.configure(BY_HAND)
            ears.hear(voice(1.0))
            ears.commit_by_hand()
            ears.configure(TurnDetection(TurnMode.SILENCE, threshold=0.7, prefix_padding_seconds=0.0))
            ears.hear(silence(0.5))
            ears.hear(voice(1.0))
            ears.hear(silence(1.0))
        assert len(heard.of(SpeechStarted)) == len(heard.of(SpeechStopped)) == 2
        assert heard.of(SpeechStopped)[0].audio_seconds == pytest.approx(1.5, abs=0.04)
        assert heard.of(SpeechStarted)[1].audio_seconds == pytest.approx(3.0, abs=0.04)
        finals = heard.finals()
        assert sorted(finals) == [0, 1, 2]
        assert finals[2].words[0].start_seconds == pytest.approx(3.0, abs=0.04)  # no padding was asked for

    virtual_time.run(main)


def test_audio_that_does_not_fit_becomes_a_gap_of_equal_length() -> None:
    async def main() -> None:
        settings = EarsSettings(longest_backlog_seconds=5.0)
        async with listening(exact("hello"), settings=settings) as (ears, heard):
            for _ in range(100):
                ears.hear(silence(0.2))
            ears.hear(voice(1.0))
            ears.hear(silence(1.0))
            assert ears.dropped_seconds == pytest.approx(17.0)
        assert heard.of(SpeechStarted)[0].audio_seconds == pytest.approx(20.0, abs=0.04)
        assert ears.audio_seconds == pytest.approx(22.0)

    virtual_time.run(main)


@pytest.mark.parametrize("step", ["begin", "feed", "finish", "partial", "final"])
@pytest.mark.parametrize("error", [RuntimeError("a bug"), asyncio.CancelledError(), None])
def test_a_recogniser_that_fails_is_told_replaced_and_every_segment_gets_one_final(
    step: str, error: BaseException | None
) -> None:
    async def main() -> None:
        recognizer = FaultyRecognizer(step, error=error)
        async with listening(recognizer) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(2.0), silence(1.0))
            await at_pace(ears, voice(2.0), silence(1.0))
        assert [event.recovered for event in heard.of(EarsFailed)] == [True]
        finals = heard.finals()
        assert sorted(finals) == sorted({event.segment for event in heard.of(TranscriptRevised)})
        assert sorted(finals) == list(range(len(finals)))
        assert join_words(finals[max(finals)].words) == "one two three"
        assert len(heard.of(SpeechStarted)) == len(heard.of(SpeechStopped)) == 2

    virtual_time.run(main)


def test_what_is_said_after_a_failure_in_the_middle_is_a_new_segment() -> None:
    async def main() -> None:
        async with listening(FaultyRecognizer("partial")) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(4.0), silence(1.0))
        finals = heard.finals()
        assert sorted(finals) == [0, 1]
        assert join_words(finals[1].words) == "one two three"
        assert 0.5 < finals[1].words[0].start_seconds < 2.0

    virtual_time.run(main)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), None])
def test_a_recogniser_that_cannot_be_opened_is_told_and_tried_again(error: BaseException | None) -> None:
    async def main() -> None:
        recognizer = FaultyRecognizer("open", "open", error=error)
        async with listening(recognizer) as (ears, heard):
            await at_pace(ears, silence(1.5), voice(1.0), silence(2.0), voice(1.0), silence(1.0))
        assert [event.recovered for event in heard.of(EarsFailed)] == [False]
        assert [join_words(final.words) for final in heard.finals().values()] == ["", "one two three"]

    virtual_time.run(main)


def test_a_recogniser_that_says_nothing_gets_an_empty_final_in_time() -> None:
    class Mute(SimulatedRecognizer):
        async def open(self, *, language: str | None = None):  # type: ignore[no-untyped-def]
            stream = await super().open(language=language)
            stream._hypothesis = lambda *_, **__: None  # type: ignore[method-assign]
            return stream

    async def main() -> None:
        async with listening(Mute(("hello",))) as (ears, heard):
            await at_pace(ears, voice(1.0), silence(1.0))
            assert not heard.finals()
            await asyncio.sleep(15)  # virtual: until the ears give up
            assert heard.finals()[0].words == ()

    virtual_time.run(main)


def test_a_recogniser_that_takes_no_audio_is_replaced_and_barge_in_is_still_heard() -> None:
    class Stuck(FaultyRecognizer):
        async def open(self, *, language: str | None = None):  # type: ignore[no-untyped-def]
            stream = await super().open(language=language)
            if self.opened == 1:

                async def feed(pcm: Pcm) -> None:
                    await asyncio.sleep(10_000)  # virtual; it is cancelled before

                stream.feed = feed  # type: ignore[method-assign]
            return stream

    async def main() -> None:
        async with listening(Stuck()) as (ears, heard):
            await at_pace(ears, voice(1.0), silence(1.0))
            assert len(heard.of(SpeechStarted)) == len(heard.of(SpeechStopped)) == 1
            await asyncio.sleep(25)  # virtual
            await at_pace(ears, voice(1.0), silence(1.0))
        assert [event.recovered for event in heard.of(EarsFailed)] == [True]
        assert join_words(heard.finals()[1].words) == "one two three"

    virtual_time.run(main)


class Polyglot(SimulatedRecognizer):
    """Keeps the languages of its streams."""

    def __init__(self) -> None:
        super().__init__(("one two three",), SimulatedSettings(revision_probability=0.0))
        self.languages: list[str | None] = []

    async def open(self, *, language: str | None = None):  # type: ignore[no-untyped-def]
        self.languages.append(language)
        return await super().open(language=language)


def test_another_language_is_recognised_from_the_next_segment_on() -> None:
    async def main() -> None:
        recognizer = Polyglot()
        async with listening(recognizer) as (ears, heard):
            await at_pace(ears, voice(0.5))
            ears.set_language("de")
            await at_pace(ears, voice(0.5), silence(1.5))
            assert recognizer.languages == [None], "what is being said is heard to its end"
            assert join_words(heard.finals()[0].words) == "one two three"
            ears.set_language("fr")
            await at_pace(ears, silence(0.2))
            assert recognizer.languages == [None, "fr"], "idle, there is nothing to wait for"
            ears.set_language("fr")
            await at_pace(ears, voice(1.0), silence(1.5))
        assert recognizer.languages == [None, "fr"]
        assert [join_words(final.words) for final in heard.finals().values()] == ["one two three"] * 2
        assert not heard.of(EarsFailed)

    virtual_time.run(main)


def test_a_language_set_while_a_final_is_awaited_waits_for_a_quiet_moment() -> None:
    async def main() -> None:
        recognizer = Polyglot()
        async with listening(recognizer) as (ears, heard):
            await at_pace(ears, voice(0.5))
            ears.set_language("de")
            await at_pace(ears, voice(0.5), silence(1.5), voice(1.0), silence(1.5))
        assert recognizer.languages == [None, "de"]
        assert [join_words(final.words) for final in heard.finals().values()] == ["one two three"] * 2

    virtual_time.run(main)


async def until_idle(ears: Ears) -> None:
    while not ears.idle:  # noqa: ASYNC110 there is no event for it
        await asyncio.sleep(1)  # virtual: lets the ears read on


def test_an_hour_of_silence_costs_next_to_nothing() -> None:
    async def main() -> tuple[int, int]:
        async with listening(exact("hello")) as (ears, heard):
            ears._detector = SileroDetector()
            for minute in range(60):
                if minute == 55:
                    tracemalloc.start()
                ears.hear(silence(60.0))
                await until_idle(ears)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            ears._detector = LevelDetector()
            ears.hear(voice(1.0))
            ears.hear(silence(1.0))
        assert heard.of(SpeechStarted)[0].audio_seconds == pytest.approx(3600.0, abs=0.04)
        return len(heard.events), peak

    began_at = time.process_time()
    events, peak = virtual_time.run(main)
    assert time.process_time() - began_at < 15.0
    assert events < 25
    assert peak < 4_000_000


def test_the_loop_is_served_while_a_flood_of_audio_is_worked_on() -> None:
    async def main() -> float:
        longest = 0.0
        async with listening(exact("hello")) as (ears, _):
            ears.hear(silence(200.0, 24000))
            at = time.perf_counter()
            while not ears.idle:
                await asyncio.sleep(0)
                longest = max(longest, time.perf_counter() - at)
                at = time.perf_counter()
        return longest

    assert asyncio.run(main()) < 0.25  # one step is about 1 ms; the rest is for a busy machine


def test_settings_may_be_replaced_one_by_one() -> None:
    assert replace(EarsSettings(), final_seconds=0.6).min_pause_seconds == EarsSettings().min_pause_seconds


def test_speech_ends_when_its_audio_stops_coming() -> None:
    async def main() -> None:
        async with listening(exact("hello there")) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(1.0))
            await asyncio.sleep(0.9)  # virtual: less than a stall
            assert not heard.of(SpeechStopped)
            await asyncio.sleep(0.3)  # virtual
            (stopped,) = heard.of(SpeechStopped)
            assert stopped.audio_seconds == pytest.approx(1.5, abs=0.07)
            assert stopped.silence_seconds == pytest.approx(1.02, abs=0.1)
            await asyncio.sleep(60)  # virtual: a client that is away for long
            assert join_words(heard.finals()[0].words) == "hello there"
            await at_pace(ears, voice(1.0), silence(1.0))
        again = heard.of(SpeechStarted)[1]
        assert again.audio_seconds == pytest.approx(1.5, abs=0.07), "audio time stood still while no audio came"
        assert len(heard.of(SpeechStopped)) == len(heard.finals()) == 2

    virtual_time.run(main)


def test_a_client_that_sends_lumps_of_audio_is_not_taken_for_stalled() -> None:
    async def main() -> None:
        async with listening(exact("hello there")) as (ears, heard):
            for _ in range(3):
                ears.hear(voice(2.0))
                await asyncio.sleep(2.0)  # virtual: as long as the lump
            ears.hear(silence(1.0))
            await asyncio.sleep(1.0)  # virtual
        assert len(heard.of(SpeechStopped)) == 1

    virtual_time.run(main)
