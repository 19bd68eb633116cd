"""The speaker in virtual time, with the simulated voice and a sink that a test can stop or hold up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from scheduler.commands import Duck, EndUtterance, Speak
from scheduler.errors import VoiceError
from scheduler.events import Event, SpeechReady, SpeechRendered, VoiceFailed
from scheduler.pcm import Pcm, SpeechChunk
from scheduler.virtual_time import run
from tests.tts.sink import Sink
from tts.engines.simulated import SimulatedVoice
from tts.speaker import MAX_WAITING_SENTENCES, Speaker


class ScriptedVoice(SimulatedVoice):
    """Does what the sentence says."""

    closed = 0

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        try:
            match text:
                case "fail":
                    raise VoiceError("no breath")
                case "break":
                    raise ZeroDivisionError
                case "give up":
                    raise asyncio.CancelledError
                case "hang":
                    await asyncio.sleep(1e6)  # virtual; the speaker gives up before
                case "endless":
                    while True:
                        await asyncio.sleep(0.01)  # virtual: faster than it sounds
                        yield SpeechChunk(Pcm.silence(0.1, self.sample_rate_hz))
            async for chunk in super().speak(text):
                yield chunk
        finally:
            self.closed += 1


@dataclass
class Stage:
    speaker: Speaker
    sink: Sink
    voice: ScriptedVoice
    events: list[Event]


def play(scene: Callable[[Stage], Awaitable[None]]) -> Stage:
    async def main() -> Stage:
        events: list[Event] = []
        sink, voice = Sink(), ScriptedVoice()
        stage = Stage(Speaker(events.append, voice, sink), sink, voice, events)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stage.speaker.run())
            await scene(stage)
            await asyncio.sleep(60)  # virtual
            running.cancel()
        return stage

    return run(main)


def test_sentences_are_rendered_in_order_and_the_utterance_finished() -> None:
    async def scene(stage: Stage) -> None:
        for index, text in enumerate(("One two.", "Three **four**.")):
            stage.speaker.handle(Speak("u1", index, text))
        stage.speaker.handle(EndUtterance("u1"))
        stage.speaker.handle(Speak("u2", 0, "Five."))
        stage.speaker.handle(EndUtterance("u2"))

    stage = play(scene)
    assert stage.sink.log == [
        ("audio", "u1", 0),
        ("end", "u1", 0),
        ("audio", "u1", 1),
        ("end", "u1", 1),
        ("finish", "u1", -1),
        ("audio", "u2", 0),
        ("end", "u2", 0),
        ("finish", "u2", -1),
    ]
    assert stage.sink.text == {"u1": "One two.Three **four**.", "u2": "Five."}
    assert [type(event) for event in stage.events] == [SpeechReady, SpeechRendered] * 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fail", "no breath"),
        ("break", "ZeroDivisionError"),
        ("give up", "EngineError"),
        ("hang", "no audio for 5 s"),
    ],
)
def test_a_sentence_that_fails_is_told_and_the_next_one_is_said(text: str, reason: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, text))
        stage.speaker.handle(Speak("u1", 1, "Go on."))
        stage.speaker.handle(EndUtterance("u1"))

    stage = play(scene)
    failed, ready, rendered = stage.events
    assert isinstance(failed, VoiceFailed)
    assert ready == SpeechReady("u1", 1)
    assert reason in failed.message
    assert isinstance(rendered, SpeechRendered)
    assert ("end", "u1", 0) in stage.sink.log
    assert stage.voice.closed == 2


def test_a_stopped_utterance_closes_the_voice_and_skips_the_rest() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "endless"))
        stage.speaker.handle(Speak("u1", 1, "Never said."))
        stage.speaker.handle(Speak("u2", 0, "The next."))
        await asyncio.sleep(1)  # virtual
        stage.sink.stopped.add("u1")
        await asyncio.sleep(0.05)  # virtual
        assert stage.voice.closed == 1
        await asyncio.sleep(5)  # virtual
        stage.speaker.handle(Speak("u1", 2, "endless"))

    stage = play(scene)
    assert stage.sink.text["u2"] == "The next."
    assert ("audio", "u1", 1) not in stage.sink.log
    assert stage.voice.closed == 3
    assert [event for event in stage.events if isinstance(event, SpeechRendered)] == [
        SpeechRendered("u2", 0, pytest.approx(10 / 15, abs=0.01))
    ]


def test_an_utterance_left_open_does_not_hold_up_the_next_and_can_go_on() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "One."))
        await asyncio.sleep(5)  # virtual
        stage.sink.held.add("u2")
        stage.speaker.handle(Speak("u2", 0, "Two."))
        await asyncio.sleep(5)  # virtual
        stage.speaker.handle(Speak("u1", 1, "Three."))

    stage = play(scene)
    assert stage.sink.text["u1"] == "One.Three."


def test_too_many_waiting_sentences_are_refused_aloud() -> None:
    async def scene(stage: Stage) -> None:
        for index in range(MAX_WAITING_SENTENCES + 3):
            stage.speaker.handle(Speak("u1", index, "Word."))

    stage = play(scene)
    assert len([event for event in stage.events if isinstance(event, VoiceFailed)]) == 3


def test_an_empty_sentence_is_rendered_to_nothing() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.handle(Speak("u1", 0, "😀"))
        stage.speaker.handle(EndUtterance("u1"))

    stage = play(scene)
    assert stage.events == [SpeechRendered("u1", 0, 0.0)]
    assert stage.sink.log == [("end", "u1", 0), ("finish", "u1", -1)]


def test_later_sentences_are_rendered_with_the_new_voice() -> None:
    async def scene(stage: Stage) -> None:
        stage.speaker.set_voice(SimulatedVoice(sample_rate_hz=8000))
        stage.speaker.handle(Speak("u1", 0, "One."))

    assert play(scene).voice.closed == 0


def test_a_foreign_command_is_refused() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(ValueError, match="Duck"):
            stage.speaker.handle(Duck("u1", -9))

    play(scene)
