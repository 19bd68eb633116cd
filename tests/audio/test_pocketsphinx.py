"""The real recogniser, on flite's speech, through the whole of the ears; also when its process is killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal

import numpy as np
import pytest

from audio.asr.pocketsphinx import PocketsphinxRecognizer
from audio.asr.pocketsphinx_worker import bare_word, is_filler
from audio.ears import Ears
from audio.vad import SileroDetector
from scheduler.errors import RecognizerError
from scheduler.events import EarsFailed, TranscriptRevised
from scheduler.pcm import Pcm, join_words
from scheduler.policy import TurnDetection
from tests.audio.hearing import Heard
from tests.audio.speech import flite_speech

SENTENCE = "what is twelve times twelve"
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def test_fillers_and_pronunciations_are_cleaned() -> None:
    assert [word for word in ("<s>", "<sil>", "[NOISE]", "++breath++", "</s>", "the(2)") if not is_filler(word)] == [
        "the(2)"
    ]
    assert bare_word("the(2)") == "the"


def spoken() -> Pcm:
    pause = np.zeros(16_000, np.int16)
    return Pcm(np.concatenate([pause, flite_speech(SENTENCE), pause]), 16_000)


@needs_flite
@pytest.mark.slow  # real engine in real processes
def test_a_sentence_at_a_hundred_times_its_speed_is_recognised_whole() -> None:
    async def main() -> Heard:
        heard = Heard()
        recognizer = PocketsphinxRecognizer(processes=1)
        await recognizer.warm_up()
        ears = Ears(heard.events.append, recognizer, SileroDetector(), TurnDetection())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(ears.run())
                for _ in range(5):
                    ears.hear(spoken())
                ears.close()
        finally:
            await recognizer.close()
        return heard

    heard = asyncio.run(main())
    finals = heard.finals()
    assert [join_words(final.words) for final in finals.values()] == [SENTENCE] * 5
    length = spoken().duration_seconds
    for number, final in finals.items():
        assert number * length + 0.9 < final.words[0].start_seconds < number * length + 1.4
        assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in final.words)
    assert any(not event.is_final for event in heard.of(TranscriptRevised))


@needs_flite
@pytest.mark.slow  # real engine in real processes
def test_a_killed_process_is_told_and_the_next_sentence_is_recognised() -> None:
    async def main() -> Heard:
        heard = Heard()
        recognizer = PocketsphinxRecognizer(processes=1)
        await recognizer.warm_up()
        ears = Ears(heard.events.append, recognizer, SileroDetector(), TurnDetection())
        first_words = asyncio.Event()
        told = asyncio.Event()
        publish = ears._recognition._publish

        def watch(event: object) -> None:
            publish(event)  # type: ignore[arg-type]
            if isinstance(event, TranscriptRevised) and event.words:
                first_words.set()
            if isinstance(event, EarsFailed):
                told.set()

        ears._recognition._publish = watch
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(ears.run())
                ears.hear(Pcm(spoken().samples[:32_000], 16_000))  # ends in the middle of a word
                await first_words.wait()
                os.kill(recognizer.process_ids()[0], signal.SIGKILL)
                await asyncio.wait_for(told.wait(), 60)
                ears.hear(Pcm.silence(1.0, 16_000))
                ears.hear(spoken())
                ears.close()
        finally:
            await recognizer.close()
        return heard

    heard = asyncio.run(main())
    (failed,) = heard.of(EarsFailed)
    assert failed.recovered
    finals = heard.finals()
    assert sorted(finals) == sorted({event.segment for event in heard.of(TranscriptRevised)})
    assert join_words(finals[max(finals)].words) == SENTENCE


def test_other_languages_are_refused_clearly() -> None:
    with pytest.raises(RecognizerError, match="English only"):
        asyncio.run(PocketsphinxRecognizer().open(language="de-DE"))
    assert [PocketsphinxRecognizer().knows_language(tag) for tag in ("en", "EN-gb", "en_US", "de", "")] == [
        True,
        True,
        True,
        False,
        False,
    ]
