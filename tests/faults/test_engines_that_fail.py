"""An engine that raises, hangs, ends early or gives nothing: the caller is told, and the next turn works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings, SimulatedStream
from realtime.wire.session_port import MessageItem
from scheduler.commands import CommitTurn
from scheduler.errors import LanguageModelError, RecognizerError, VoiceError
from scheduler.events import (
    EarsFailed,
    ResponseCancelled,
    ResponseRequested,
    ThinkEnded,
    ThinkEnding,
    VoiceFailed,
    WordsHeard,
)
from scheduler.pcm import SpeechChunk
from scheduler.policy import Phrases
from tests.faults.scenes import ANSWER, QUESTION, Call, calling, in_virtual_time, quiet, simulated_engines, tone
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Piece, Prompt, Words
from tts.engines.simulated import SimulatedVoice

SORRY_MODEL = Phrases().llm_failed
SORRY_EARS = Phrases().ears_failed


def never() -> tuple[str, ...]:
    """No words: for generators that yield nothing."""
    return ()


async def answers_again(call: Call) -> None:
    """A normal turn is answered."""
    before = len(call.door.outcomes)
    await call.ask()
    assert call.door.outcomes[before:] == ["answered"]
    assert call.door.said[-1] == ANSWER


# --- the language model -------------------------------------------------------------------------------


class FaultyModel(SimulatedModel):
    """What it writes goes wrong in the way ``fault`` does, until it is ``mended``; drafts, too."""

    def __init__(self, fault: Any) -> None:
        super().__init__(script=lambda _: [Words(ANSWER)])
        self._fault = fault

    def mended(self) -> None:
        self._fault = None

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        async for piece in super().generate(prompt) if self._fault is None else self._fault():
            yield piece


async def refuses() -> AsyncIterator[Piece]:
    for word in never():
        yield Words(word)
    raise LanguageModelError("it is not there")


async def breaks_off() -> AsyncIterator[Piece]:
    yield Words("The time is now half past nine. And the rest of")
    await asyncio.sleep(0.1)  # virtual
    raise LanguageModelError("the connection broke")


async def has_a_bug() -> AsyncIterator[Piece]:
    yield Words("Well, ")
    raise RuntimeError("an engine's bug")


@pytest.mark.parametrize("fault", [refuses, breaks_off, has_a_bug])
def test_a_model_that_fails_is_said_aloud_and_the_next_turn_is_answered(fault: Any) -> None:
    async def main() -> None:
        model = FaultyModel(fault)
        async with calling(simulated_engines(model=model)) as call:
            await call.ask(12.0)
            assert call.door.outcomes == ["failed"]
            assert call.door.said[-1] == SORRY_MODEL
            if fault is breaks_off:
                assert call.door.said[0] == "The time is now half past nine.", "what it had written is still said"
            model.mended()
            await answers_again(call)

    in_virtual_time(main)


@pytest.mark.parametrize("fault", [refuses, has_a_bug])
def test_a_model_that_fails_before_the_turn_is_over_is_asked_again(fault: Any) -> None:
    async def main() -> None:
        model = FaultyModel(fault)
        async with calling(simulated_engines(model=model)) as call:
            call.door.on_observe = lambda happened: model.mended() if isinstance(happened, CommitTurn) else None
            await call.ask()
            assert ThinkEnding.FAILED in [think.ending for think in call.door.of(ThinkEnded)]
            assert (call.door.outcomes, call.door.said[-1]) == (["answered"], ANSWER)

    in_virtual_time(main)


async def writes_nothing() -> AsyncIterator[Piece]:
    await asyncio.sleep(0.1)  # virtual
    for word in never():
        yield Words(word)


def test_a_model_that_writes_nothing_is_a_silence_with_a_reason() -> None:
    async def main() -> None:
        model = FaultyModel(writes_nothing)
        async with calling(simulated_engines(model=model)) as call:
            await call.ask()
            assert call.door.outcomes == ["silent"]
            model.mended()
            await answers_again(call)

    in_virtual_time(main)


# --- the voice ----------------------------------------------------------------------------------------


class FaultyVoice(SimulatedVoice):
    """Answers can't be spoken until it is ``mended``; clips can."""

    def __init__(self, fault: Any) -> None:
        super().__init__()
        self._fault = fault

    def mended(self) -> None:
        self._fault = None

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        fault = self._fault if text == ANSWER else None
        async for chunk in super().speak(text) if fault is None else fault():
            yield chunk


async def voice_refuses() -> AsyncIterator[SpeechChunk]:
    for _ in never():
        yield SpeechChunk(tone(0.1), ())
    raise VoiceError("no voice today")


async def voice_has_a_bug() -> AsyncIterator[SpeechChunk]:
    for _ in never():
        yield SpeechChunk(tone(0.1), ())
    raise RuntimeError("an engine's bug")


async def voice_hangs() -> AsyncIterator[SpeechChunk]:
    await asyncio.sleep(1e6)  # virtual: for ever
    yield SpeechChunk(tone(0.1), ())


@pytest.mark.parametrize("fault", [voice_refuses, voice_has_a_bug, voice_hangs])
def test_a_voice_that_fails_is_a_failed_turn_and_the_next_one_is_spoken(fault: Any) -> None:
    async def main() -> None:
        voice = FaultyVoice(fault)
        async with calling(simulated_engines(voice=voice)) as call:
            await call.ask(12.0)
            assert call.door.outcomes == ["failed"]
            assert call.door.of(VoiceFailed)
            voice.mended()
            await answers_again(call)

    in_virtual_time(main)


@pytest.mark.parametrize("fault", [voice_refuses, voice_has_a_bug])
def test_a_voice_that_fails_before_the_turn_is_over_is_asked_again(fault: Any) -> None:
    async def main() -> None:
        voice = FaultyVoice(fault)
        quick = SimulatedModel(SimulatedModelSettings(first_token_seconds=0.05), lambda _: [Words(ANSWER)])
        async with calling(simulated_engines(model=quick, voice=voice)) as call:
            call.door.on_observe = lambda happened: voice.mended() if isinstance(happened, CommitTurn) else None
            await call.ask()
            assert call.door.of(VoiceFailed)
            assert (call.door.outcomes, call.door.said[-1]) == (["answered"], ANSWER)
            assert call.door.of(WordsHeard)[-1].text.endswith(ANSWER)

    in_virtual_time(main)


async def voice_gives_nothing() -> AsyncIterator[SpeechChunk]:
    for _ in never():
        yield SpeechChunk(tone(0.1), ())


def test_a_voice_that_gives_nothing_leaves_no_answer_hanging() -> None:
    async def main() -> None:
        voice = FaultyVoice(voice_gives_nothing)
        async with calling(simulated_engines(voice=voice)) as call:
            await call.ask()
            assert len(call.door.outcomes) == 1
            voice.mended()
            await answers_again(call)

    in_virtual_time(main)


# --- the recogniser -----------------------------------------------------------------------------------


class FaultyRecognizer(SimulatedRecognizer):
    """``fault`` is called with the number of each stream and the name of each step, before it is done."""

    def __init__(self, fault: Any) -> None:
        super().__init__((QUESTION,), SimulatedSettings(revision_probability=0.0))
        self.opened = 0
        self._fault = fault

    async def open(self, *, language: str | None = None) -> SimulatedStream:
        self.opened += 1
        number = self.opened
        self._fault(number, "open")
        stream = await super().open(language=language)
        begin, feed, finish = stream.begin, stream.feed, stream.finish

        async def faulty(step: str, work: Any, *given: Any) -> None:
            self._fault(number, step)
            await work(*given)

        stream.begin = partial(faulty, "begin", begin)  # type: ignore[method-assign]
        stream.feed = partial(faulty, "feed", feed)  # type: ignore[method-assign]
        stream.finish = partial(faulty, "finish", finish)  # type: ignore[method-assign]
        return stream


@pytest.mark.parametrize("error", [RecognizerError("it crashed"), RuntimeError("an engine's bug")])
@pytest.mark.parametrize("where", ["begin", "feed", "finish"])
def test_a_recogniser_that_breaks_is_replaced_and_the_caller_told(where: str, error: Exception) -> None:
    broken: list[str] = []

    def fault(_: int, step: str) -> None:
        if step == where and not broken:
            broken.append(step)
            raise error

    async def main() -> None:
        async with calling(simulated_engines(recognizer=FaultyRecognizer(fault))) as call:
            await call.ask(8.0)
            assert call.door.of(EarsFailed)
            assert call.door.said == [SORRY_EARS]
            assert call.door.outcomes == ["failed"]
            await answers_again(call)

    in_virtual_time(main)


def test_words_lost_in_the_middle_of_speech_are_asked_for_again() -> None:
    def fault(number: int, step: str) -> None:
        if number == 1 and step == "finish":
            raise RecognizerError("it crashed before its final")

    class Wordless(FaultyRecognizer):
        """Has told no partial when it breaks."""

        async def open(self, *, language: str | None = None) -> SimulatedStream:
            stream = await super().open(language=language)
            if self.opened == 1:
                stream._hypothesis = lambda *_, **__: None  # type: ignore[method-assign]
            return stream

    async def main() -> None:
        async with calling(simulated_engines(recognizer=Wordless(fault))) as call:
            await call.ask(8.0)
            assert call.door.said == [SORRY_EARS]
            assert call.door.outcomes == ["failed"]
            await answers_again(call)

    in_virtual_time(main)


def test_a_recogniser_that_cannot_be_opened_is_told_and_opened_later() -> None:
    def fault(number: int, step: str) -> None:
        if step == "open" and number <= 2:
            raise RecognizerError("it is not installed")

    async def main() -> None:
        async with calling(simulated_engines(recognizer=FaultyRecognizer(fault))) as call:
            await call.speak(quiet(2.0))
            await call.ask(8.0)
            assert call.door.said == [SORRY_EARS]
            assert call.door.outcomes == ["failed"]
            await answers_again(call)

    in_virtual_time(main)


def test_a_recogniser_without_finals_is_answered_by_what_its_partials_said() -> None:
    class Unfinished(FaultyRecognizer):
        async def open(self, *, language: str | None = None) -> SimulatedStream:
            stream = await super().open(language=language)

            async def finish() -> None:
                stream._segment = None

            stream.finish = finish  # type: ignore[method-assign]
            return stream

    async def main() -> None:
        async with calling(simulated_engines(recognizer=Unfinished(lambda *_: None))) as call:
            for _ in range(3):
                await call.speak(tone(2.0), quiet(8.0))
            assert call.door.outcomes == ["answered"] * 3
            assert call.door.said == [ANSWER] * 3

    in_virtual_time(main)


# --- spoken items of the client -----------------------------------------------------------------------


class RefusingRecognizer(SimulatedRecognizer):
    """The second stream, which the item is read with (the ears have the first), can't be opened."""

    opened = 0

    async def open(self, *, language: str | None = None) -> SimulatedStream:
        self.opened += 1
        if self.opened == 2:
            raise RecognizerError("no more streams")
        return await super().open(language=language)


def test_a_spoken_item_that_can_not_be_recognised_is_told_and_the_response_comes() -> None:
    async def main() -> None:
        recognizer = RefusingRecognizer((QUESTION,))
        async with calling(simulated_engines(recognizer=recognizer)) as call:
            await call.speak(tone(1.0), quiet(6.0))
            call.session.insert_item(MessageItem("item_1", "user", "", (tone(1.0),)), None)
            call.session.publish(ResponseRequested("r1"))
            assert call.session.unread_items == 1
            await call.speak(quiet(3.0))
            assert (call.session.unread_items, call.door.unread) == (0, ["item_1"])
            assert call.door.said == [ANSWER, ANSWER]

    in_virtual_time(main)


def test_a_request_that_waits_for_a_spoken_item_can_be_taken_back() -> None:
    async def main() -> None:
        async with calling() as call:
            call.session.insert_item(MessageItem("item_1", "user", "", (tone(1.0),)), None)
            call.session.publish(ResponseRequested("r1"))
            call.session.publish(ResponseCancelled())
            await call.speak(quiet(3.0))
            assert (call.session.unread_items, call.door.said) == (0, [])

    in_virtual_time(main)
