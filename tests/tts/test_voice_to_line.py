"""The voice, the speaker and playout together: what is told as heard is what a recogniser hears on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from audio.loopback import RecordingTransport
from audio.playout import Playout
from audio.resample import Resampler
from audio.transport import PlayoutPosition
from scheduler.commands import (
    Backchannel,
    EndUtterance,
    Hold,
    Release,
    SkipSentence,
    Speak,
    SpeakSource,
    StopSpeaking,
)
from scheduler.events import Event, PlayoutEnded, PlayoutStarted, SpeechReady, SpeechRendered
from scheduler.pcm import Pcm
from scheduler.virtual_time import run
from tts.engines import flite_library
from tts.engines.flite import FliteVoice
from tts.engines.simulated import SimulatedVoice
from tts.speaker import Speaker
from tts.voice import Voice

SENTENCE = "The train leaves from platform nine at half past seven in the morning."

needs_flite = pytest.mark.skipif(not flite_library.is_installed(), reason="libflite is not installed")


async def talk(voice: Voice, line: RecordingTransport, *, stop_after_seconds: float | None) -> list[Event]:
    """Say two sentences; stop at a word boundary after a time of sound, if asked to."""
    events: list[Event] = []
    started, ended = asyncio.Event(), asyncio.Event()

    def publish(event: Event) -> None:
        events.append(event)
        if isinstance(event, PlayoutStarted):
            started.set()
        if isinstance(event, PlayoutEnded):
            ended.set()

    playout = Playout(publish, line)
    speaker = Speaker(publish, voice, playout)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(playout.run()), tasks.create_task(speaker.run())]
        speaker.handle(Speak("u1", 0, SENTENCE))
        speaker.handle(Speak("u1", 1, "Good bye."))
        speaker.handle(EndUtterance("u1"))
        await started.wait()
        if stop_after_seconds is not None:
            await asyncio.sleep(stop_after_seconds)  # the caller listens for so long; a real voice and line
            playout.handle(StopSpeaking("u1", within_seconds=0.5))
        await ended.wait()
        for task in running:
            task.cancel()
    return events


def recognised(pcm: Pcm) -> list[str]:
    from pocketsphinx import Decoder

    samples = Resampler(pcm.sample_rate_hz, 16000).process(pcm).samples
    padded = np.concatenate([np.zeros(8000, np.int16), samples, np.zeros(8000, np.int16)])
    decoder = Decoder(loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(padded.tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr.split() if hypothesis else []


def plain(text: str) -> list[str]:
    return text.lower().replace(".", "").split()


@needs_flite
@pytest.mark.slow
@pytest.mark.parametrize("position", ["estimated", "exact"])
def test_a_recogniser_hears_on_the_line_what_is_told_as_heard(position: PlayoutPosition) -> None:
    line = RecordingTransport(24000, position=position)
    events = asyncio.run(talk(FliteVoice("rms"), line, stop_after_seconds=None))
    ended = events[-1]
    assert isinstance(ended, PlayoutEnded)
    assert ended.text == SENTENCE + " Good bye."
    heard = recognised(line.audio_of("u1"))
    assert len(set(heard) & set(plain(SENTENCE))) >= 10
    assert ended.heard_seconds == pytest.approx(line.audio_of("u1").duration_seconds, abs=0.01)


@needs_flite
@pytest.mark.slow
def test_after_a_stop_the_line_holds_the_words_told_and_no_more() -> None:
    line = RecordingTransport(24000, position="exact")
    events = asyncio.run(talk(FliteVoice("rms"), line, stop_after_seconds=2.0))
    ended = events[-1]
    assert isinstance(ended, PlayoutEnded)
    assert ended.stopped
    told = plain(ended.text)
    assert told == plain(SENTENCE)[: len(told)]
    assert 2 <= len(told) < len(plain(SENTENCE)), "about five; a busy machine begins and stops late"
    assert line.audio_of("u1").duration_seconds == pytest.approx(ended.heard_seconds, abs=0.02)
    heard = recognised(line.audio_of("u1"))
    # the recogniser may take the end of what was cut, and one word more, for something else
    assert abs(len(heard) - len(told)) <= 2, (heard, told)
    assert len(set(heard) & set(told)) >= len(told) - 2, (heard, told)


@pytest.mark.parametrize("position", ["estimated", "exact"])
@pytest.mark.parametrize("rate", [8000, 24000])
def test_the_simulated_voice_is_heard_whole_at_any_rate(position: PlayoutPosition, rate: int) -> None:
    line = RecordingTransport(rate, position=position)
    ended = run(lambda: talk(SimulatedVoice(), line, stop_after_seconds=None))[-1]
    assert isinstance(ended, PlayoutEnded)
    assert ended.text == SENTENCE + " Good bye."
    letters = sum(len(word) + 1 for word in (SENTENCE + " Good bye.").split())
    assert line.audio_of("u1").duration_seconds == pytest.approx(letters / 15, abs=0.01)


# --- held speech, fillers and backchannels, in virtual time -----------------------------------------


class Call:
    def __init__(self, voice: Voice, position: PlayoutPosition) -> None:
        self.events: list[tuple[float, Event]] = []
        self.line = RecordingTransport(24000, position=position)
        self.playout = Playout(self._publish, self.line)
        self.speaker = Speaker(self._publish, voice, self.playout)

    def _publish(self, event: Event) -> None:
        self.events.append((asyncio.get_running_loop().time(), event))

    def at(self, kind: type[Event]) -> float:
        return next(at for at, event in self.events if isinstance(event, kind))

    def ended(self, utterance_id: str) -> PlayoutEnded:
        ends = [event for _, event in self.events if isinstance(event, PlayoutEnded)]
        return next(event for event in ends if event.utterance_id == utterance_id)


def hold_talk(scene: Callable[[Call], Awaitable[None]], voice: Voice, position: PlayoutPosition = "estimated") -> Call:
    async def main() -> Call:
        call = Call(voice, position)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(call.playout.run()), tasks.create_task(call.speaker.run())]
            await scene(call)
            await asyncio.sleep(20)  # virtual
            for task in running:
                task.cancel()
        return call

    return run(main)


@pytest.mark.parametrize("position", ["estimated", "exact", "reported"])
def test_a_draft_is_rendered_while_it_is_held_and_sounds_at_once_when_it_is_released(
    position: PlayoutPosition,
) -> None:
    async def scene(call: Call) -> None:
        call.playout.handle(Hold("u1"))
        for part in ("The tr", "ain leaves ", "at nine."):
            call.speaker.handle(Speak("u1", 0, part, complete=False))
            await asyncio.sleep(0.05)  # virtual
        call.speaker.handle(Speak("u1", 0, ""))
        call.speaker.handle(EndUtterance("u1"))
        await asyncio.sleep(2)  # virtual
        assert call.at(SpeechReady) == pytest.approx(0.1)
        assert call.at(SpeechRendered) < 1.0
        assert call.line.blocks == []
        call.playout.handle(Release("u1"))
        await asyncio.sleep(0.001)  # virtual
        assert call.line.blocks

    call = hold_talk(scene, SimulatedVoice(streaming=True), position)
    assert call.ended("u1").text == "The train leaves at nine."


def test_the_voice_is_not_kept_busy_by_a_draft_that_was_stopped() -> None:
    async def scene(call: Call) -> None:
        call.playout.handle(Hold("u1"))
        call.speaker.handle(Speak("u1", 0, SENTENCE))
        await asyncio.sleep(0.05)  # virtual: before the first byte
        call.playout.handle(StopSpeaking("u1"))
        call.speaker.handle(Speak("u2", 0, "Yes."))
        call.speaker.handle(EndUtterance("u2"))

    call = hold_talk(scene, SimulatedVoice())
    assert [event for _, event in call.events if isinstance(event, SpeechReady)] == [SpeechReady("u2", 0)]
    assert call.ended("u2").text == "Yes."
    assert call.at(SpeechReady) == pytest.approx(0.15)
    assert {block.utterance_id for block in call.line.blocks} == {"u2"}


@pytest.mark.parametrize("rate", [8000, 16000])
def test_an_answer_cuts_its_filler_short(rate: int) -> None:
    async def scene(call: Call) -> None:
        call.speaker.handle(Speak("u1", 0, "Let me look that up for you.", source=SpeakSource.FILLER))
        await asyncio.sleep(0.5)  # virtual
        call.speaker.handle(Speak("u1", 1, "It leaves at nine."))
        call.speaker.handle(EndUtterance("u1"))
        call.playout.handle(SkipSentence("u1", 0))

    call = hold_talk(scene, SimulatedVoice(sample_rate_hz=rate))
    ended = call.ended("u1")
    assert ended.text.startswith("Let me")
    assert ended.text.endswith(" It leaves at nine.")
    assert "for you." not in ended.text
    letters = sum(len(word) + 1 for word in ended.text.split())
    assert call.line.audio_of("u1").duration_seconds == pytest.approx(letters / 15, abs=0.03)


def test_a_backchannel_is_heard_on_the_line() -> None:
    async def scene(call: Call) -> None:
        call.speaker.handle(Backchannel("mm-hm"))

    call = hold_talk(scene, SimulatedVoice(), "exact")
    assert call.line.audio_of("").duration_seconds == pytest.approx(6 / 15, abs=0.01)
    assert call.events == []
