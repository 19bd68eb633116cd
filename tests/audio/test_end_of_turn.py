"""End-of-turn models, and how the ears ask them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from audio.asr.simulated import SimulatedRecognizer
from audio.end_of_turn.log_mel import log_mel
from audio.end_of_turn.registry import make_end_of_turn
from audio.end_of_turn.simulated import EAGER, SimulatedTurnEnd, SimulatedTurnEndSettings
from audio.end_of_turn.smart_turn import SmartTurn, features
from scheduler import virtual_time
from scheduler.errors import EngineError, SettingsError
from scheduler.events import SpeechStarted, SpeechStopped, TurnEndEstimated, VoiceFaded
from scheduler.pcm import Pcm
from tests.audio.hearing import Heard, at_pace, listening, silence, voice
from tests.audio.tiny_onnx import write_sigmoid_of_mean


def noise(seconds: float, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, 2000, round(seconds * 16_000)).astype(np.int16)


# --- features ---


@pytest.mark.parametrize("seconds", [0.5, 8.0])
def test_the_log_mel_is_whispers(seconds: float) -> None:
    samples = (noise(seconds) / 32768).astype(np.float32)
    samples[: len(samples) // 3] = 0.0
    expected = np.asarray(FeatureExtractor(chunk_length=8)(samples, padding=0))
    assert log_mel(samples).shape == (80, len(samples) // 160)
    np.testing.assert_allclose(log_mel(samples), expected, atol=2e-5)


def test_short_audio_stands_at_the_end_of_the_window_and_only_the_last_8_s_count() -> None:
    short = features(noise(2.0))
    assert short.shape == (1, 80, 800)
    assert short.dtype == np.float32
    assert short[0, :, :590].mean() < short[0, :, 610:].mean() - 0.5
    np.testing.assert_allclose(features(np.concatenate([noise(3.0, 1), noise(8.0)])), features(noise(8.0)), atol=1e-5)


def test_loudness_does_not_matter() -> None:
    np.testing.assert_allclose(features(noise(8.0)), features(noise(8.0) * np.int16(2)), atol=0.01)


# --- smart-turn ---


def asked(model: SmartTurn, audio: Pcm) -> float:
    async def main() -> float:
        await model.warm_up()
        await model.warm_up()
        try:
            return await model.probability(audio)
        finally:
            await model.close()

    return asyncio.run(main())


@pytest.mark.parametrize("shape", [(1, 80, 800), ("batch", 80, 800)])
def test_smart_turn_hears_the_features_and_tells_the_probability(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    write_sigmoid_of_mean(tmp_path / "tiny.onnx", shape=shape)
    samples = noise(3.0)
    given = asked(SmartTurn(tmp_path / "tiny.onnx"), Pcm(samples, 16_000))
    assert given == pytest.approx(1 / (1 + np.exp(-features(samples).mean())), abs=1e-5)


def test_a_session_of_no_audio_is_no_accident(tmp_path: Path) -> None:
    write_sigmoid_of_mean(tmp_path / "tiny.onnx", shape=(1, 80, 800))
    assert 0.0 < asked(SmartTurn(tmp_path / "tiny.onnx"), Pcm.silence(0.0, 16_000)) < 1.0


@pytest.mark.parametrize(
    ("name", "shape"), [("input_values", (1, 128_000)), ("input_features", (1, 80, 3000)), ("mel", (1, 80, 800))]
)
def test_another_model_is_refused_in_one_sentence(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    write_sigmoid_of_mean(tmp_path / "other.onnx", shape=shape, name=name)
    with pytest.raises(SettingsError, match=r"not a smart-turn v3 model: it wants input_features float \[1, 80, 800\]"):
        asked(SmartTurn(tmp_path / "other.onnx"), Pcm.silence(1.0, 16_000))


def test_a_file_that_is_missing_or_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no file"):
        asked(SmartTurn(tmp_path / "none.onnx"), Pcm.silence(1.0, 16_000))
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(SettingsError, match="can't be read as an ONNX model"):
        asked(SmartTurn(tmp_path / "text.onnx"), Pcm.silence(1.0, 16_000))


def test_logits_instead_of_a_probability_are_an_error(tmp_path: Path) -> None:
    write_sigmoid_of_mean(tmp_path / "logits.onnx", shape=(1, 80, 800), activation="Exp")
    with pytest.raises(EngineError, match="no probability"):
        asked(SmartTurn(tmp_path / "logits.onnx"), Pcm(noise(8.0), 16_000))


def test_a_cold_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="before it was warm"):
        asyncio.run(SmartTurn(tmp_path / "tiny.onnx").probability(Pcm.silence(1.0, 16_000)))


# --- specs ---


def test_specs() -> None:
    assert make_end_of_turn(None) is None
    assert make_end_of_turn("none") is None
    for spec, simulated in (
        ("prosody", False),
        ("smart-turn:/models/v3.onnx", False),
        ("simulated", True),
        ("simulated:eager", True),
    ):
        model = make_end_of_turn(spec)
        assert model is not None
        assert (model.name, model.simulated) == (spec, simulated)


@pytest.mark.parametrize("spec", ["smart-turn", "smart-turn:", "silero", "simulated:late", "none:x"])
def test_unknown_specs_are_refused_in_one_sentence(spec: str) -> None:
    with pytest.raises(SettingsError, match=r"There is no end-of-turn model .*Known: none,"):
        make_end_of_turn(spec)


# --- asked by the ears ---


def verdicts(heard: Heard) -> list[tuple[float, float]]:
    pairs = zip(heard.times, heard.events, strict=True)
    return [(at, event.probability) for at, event in pairs if isinstance(event, TurnEndEstimated)]


@pytest.mark.parametrize(("settings", "delay"), [(SimulatedTurnEndSettings(), 0.3), (EAGER, 0.1)])
def test_the_simulated_verdict_comes_its_delay_after_the_true_end_of_speech(
    settings: SimulatedTurnEndSettings, delay: float
) -> None:
    async def main() -> None:
        model = SimulatedTurnEnd((False, True), settings)
        async with listening(SimulatedRecognizer(), end_of_turn=model) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(1.0), silence(0.6), voice(1.0), silence(1.0))
        inside, over = verdicts(heard)
        assert inside == pytest.approx((1.5 + delay, 0.1), abs=0.03)
        assert over == pytest.approx((3.1 + delay, 0.95), abs=0.03)
        kinds = [type(event) for event in heard.events]
        expected = VoiceFaded if settings.asked_early else SpeechStopped
        assert kinds.index(expected) < kinds.index(TurnEndEstimated)

    virtual_time.run(main)


def test_speech_that_goes_on_takes_the_question_back() -> None:
    async def main() -> None:
        async with listening(SimulatedRecognizer(), end_of_turn=Scripted(seconds=0.3)) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(1.0), silence(0.35), voice(1.0), silence(1.0))
        assert len(heard.of(SpeechStarted)) == 2
        ((at, _),) = verdicts(heard)
        assert at == pytest.approx(3.37, abs=0.04)

    virtual_time.run(main)


@pytest.mark.parametrize("end", ["commit_by_hand", "clear", "close"])
def test_so_do_a_commit_a_clear_and_the_end(end: str) -> None:
    async def main() -> None:
        async with listening(SimulatedRecognizer(), end_of_turn=SimulatedTurnEnd()) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(1.0), silence(0.24))
            getattr(ears, end)()
            await at_pace(ears, silence(1.0))
        assert len(heard.of(SpeechStopped)) == 1
        assert not verdicts(heard)

    virtual_time.run(main)


class Scripted(SimulatedTurnEnd):
    """Does as it is told when it is asked; keeps the lengths of what it heard."""

    def __init__(self, do: Callable[[], None] = lambda: None, seconds: float = 0.0) -> None:
        super().__init__()
        self._do, self._seconds = do, seconds
        self.heard_seconds: list[float] = []

    async def probability(self, audio: Pcm) -> float:
        self.heard_seconds.append(audio.duration_seconds)
        await asyncio.sleep(self._seconds)  # virtual
        self._do()
        return 0.5


def test_the_model_hears_the_last_8_s_once_in_each_pause() -> None:
    async def main() -> None:
        model = Scripted()
        async with listening(SimulatedRecognizer(), end_of_turn=model) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(1.0), silence(9.0), voice(1.0), silence(1.0))
        assert model.heard_seconds == [pytest.approx(1.72, abs=0.03), 8.0]
        assert [probability for _, probability in verdicts(heard)] == [0.5, 0.5]

    virtual_time.run(main)


def test_a_model_that_fails_or_is_slow_costs_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    def give_up() -> None:
        raise asyncio.CancelledError

    async def main(model: Scripted) -> None:
        async with listening(SimulatedRecognizer(), end_of_turn=model) as (ears, heard):
            await at_pace(ears, silence(0.5), voice(1.0), silence(3.0))
            await at_pace(ears, voice(1.0), silence(3.0))
        assert not verdicts(heard)
        assert len(heard.of(SpeechStopped)) == len(heard.finals()) == 2

    with caplog.at_level(logging.WARNING):
        virtual_time.run(lambda: main(Scripted(fail)))
        virtual_time.run(lambda: main(Scripted(give_up)))
        virtual_time.run(lambda: main(Scripted(seconds=1.5)))
    assert [record.message for record in caplog.records] == [
        *["ears: simulated failed: RuntimeError: out of memory"] * 2,
        *["ears: simulated failed: EngineError: what the engine awaited was cancelled"] * 2,
        *["ears: simulated gave no verdict for 1 s"] * 2,
    ]
