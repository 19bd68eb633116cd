"""The Whisper engine, whole: worker process, features, decoding, word times, streaming. Its model is made here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from audio.asr import whisper_worker
from audio.asr.pooled import Open
from audio.asr.recognizer import Hypothesis
from audio.asr.registry import make_recognizer
from scheduler.errors import RecognizerError
from scheduler.pcm import Pcm, join_words
from tests.audio.tiny_whisper import make_tiny_whisper


async def recognise(folder: Path, seconds: float) -> list[Hypothesis]:
    recognizer = make_recognizer(f"whisper:{folder}")
    await recognizer.warm_up()
    stream = await recognizer.open(language="en-GB")
    heard = []
    try:
        await stream.begin(7, 100.0)
        for _ in range(round(seconds / 0.1)):
            await stream.feed(Pcm(np.random.default_rng(0).normal(0, 3000, 1600).astype(np.int16), 16_000))
        await stream.finish()
        async for hypothesis in stream.hypotheses():
            heard.append(hypothesis)
            if hypothesis.is_final:
                break
    finally:
        await stream.close()
        await recognizer.close()
    return heard


@pytest.mark.slow  # loads the real engine in a real process
def test_whisper_streams_words_with_their_times(tmp_path: Path) -> None:
    make_tiny_whisper(tmp_path / "model", " hello world")
    heard = asyncio.run(recognise(tmp_path / "model", 1.5))
    assert [join_words(hypothesis.stable + hypothesis.tentative) for hypothesis in heard] == ["hello world"] * 2
    partial, final = heard
    assert not partial.is_final
    assert partial.stable == ()
    assert final.is_final
    assert final.segment == 7
    assert all(100.0 <= word.start_seconds <= word.end_seconds <= 101.6 for word in final.stable)
    assert all(word.confidence is not None and type(word.start_seconds) is float for word in final.stable)


@pytest.mark.slow
def test_two_runs_settle_words(tmp_path: Path) -> None:
    make_tiny_whisper(tmp_path / "model", " hello world")
    heard = asyncio.run(recognise(tmp_path / "model", 2.0))
    assert join_words(heard[1].stable) == "hello world"


@pytest.mark.slow
def test_too_little_audio_has_no_words(tmp_path: Path) -> None:
    make_tiny_whisper(tmp_path / "model", " hello world")
    (final,) = asyncio.run(recognise(tmp_path / "model", 0.2))
    assert (final.stable, final.is_final) == ((), True)


@pytest.mark.slow
def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecognizerError, match="can't be loaded"):
        asyncio.run(recognise(tmp_path, 0.1))


@pytest.mark.parametrize(
    ("multilingual", "asked", "told"),
    [(True, "de-AT", "de"), (True, "tlh", None), (True, None, None), (False, "de", "en")],
)
def test_the_engine_is_only_told_languages_it_knows(
    monkeypatch: pytest.MonkeyPatch, multilingual: bool, asked: str | None, told: str | None
) -> None:
    engine = SimpleNamespace(
        model=SimpleNamespace(device="cpu", is_multilingual=multilingual), supported_languages=["en", "de"]
    )
    monkeypatch.setattr(whisper_worker, "WhisperModel", lambda *_, **__: engine)
    assert whisper_worker.WhisperHolder("m", "cpu", "int8").open(Open(asked))._language == told
