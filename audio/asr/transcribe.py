"""Recognise a piece of audio as a whole, outside of a talk."""

from __future__ import annotations

import asyncio

import numpy as np

from audio.asr.recognizer import Hypothesis, Recognizer, RecognizerStream
from audio.resample import Resampler
from audio.vad import SAMPLE_RATE_HZ
from scheduler.errors import RecognizerError
from scheduler.pcm import Pcm, join_words
from scheduler.tasks import clean_up, closing_stream

LONGEST_SECONDS = 60.0
"""How long recognising one piece may take."""


async def transcribe(recognizer: Recognizer, pcm: Pcm, language: str | None = None) -> str:
    """The words of ``pcm`` (any rate), single spaces between. Raises ``RecognizerError``."""
    stream = await recognizer.open(language=language)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await stream.begin(0, 0.0)
            await stream.feed(_at_16_khz(pcm))
            await stream.finish()
            return await _final(stream)
    except TimeoutError:
        raise RecognizerError(f"recognising {pcm.duration_seconds:.0f} s of audio took too long") from None
    finally:
        await clean_up(stream.close())


def _at_16_khz(pcm: Pcm) -> Pcm:
    resampler = Resampler(pcm.sample_rate_hz, SAMPLE_RATE_HZ)
    parts = [resampler.process(pcm).samples, resampler.flush().samples]
    return Pcm(np.concatenate(parts), SAMPLE_RATE_HZ)


async def _final(stream: RecognizerStream) -> str:
    async with closing_stream(stream.hypotheses()) as hypotheses:
        async for hypothesis in hypotheses:
            if hypothesis.is_final:
                return _text(hypothesis)
    raise RecognizerError("the recogniser closed without a final transcript")


def _text(hypothesis: Hypothesis) -> str:
    return join_words(hypothesis.stable + hypothesis.tentative)
