"""Voice detectors, on made-up sound; on real speech where flite is installed."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.onnx_runtime import RuntimeDescription, describe_runtime, find_winner
from audio.vad import CHUNK_SAMPLES, CHUNK_SECONDS, EnergyDetector, SileroDetector, VoiceDetector, level_dbfs
from tests.audio.speech import flite_speech

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def noise(level: float, chunks: int) -> NDArray[np.int16]:
    return np.random.default_rng(1).normal(0, level, chunks * CHUNK_SAMPLES).astype(np.int16)


def probabilities(detector: VoiceDetector, samples: NDArray[np.int16]) -> list[float]:
    whole = len(samples) - len(samples) % CHUNK_SAMPLES
    return [detector.probability(samples[at : at + CHUNK_SAMPLES]) for at in range(0, whole, CHUNK_SAMPLES)]


@needs_flite
@pytest.mark.parametrize("make", [SileroDetector, lambda: EnergyDetector(lowest_floor_db=-55)])
def test_speech_is_told_from_silence_around_it(make: type[SileroDetector]) -> None:
    speech = flite_speech("what is twelve times twelve")
    pause = np.zeros(16_000, np.int16)
    heard = probabilities(make(), np.concatenate([pause, speech, pause]))
    before, end = 30, 31 + len(speech) // CHUNK_SAMPLES
    assert max(heard[:before]) < 0.3
    assert np.mean(np.array(heard[35 : end - 4]) > 0.5) > 0.8
    assert max(heard[end + 5 :]) < 0.3


def test_silero_takes_no_noise_for_speech() -> None:
    assert max(probabilities(SileroDetector(), noise(300, 200))[5:]) < 0.5


class _Counting:
    """Stands before the session and counts its runs."""

    def __init__(self, detector: SileroDetector) -> None:
        self.runs = 0
        self._session = detector._session
        detector._session = self

    def run(self, *arguments: object) -> object:
        self.runs += 1
        return self._session.run(*arguments)


def test_digital_silence_does_not_run_the_network() -> None:
    detector = SileroDetector()
    counting = _Counting(detector)
    silence = np.zeros(CHUNK_SAMPLES * 100, np.int16)
    assert probabilities(detector, silence) == [0.0] * 100
    assert counting.runs == 0
    probabilities(detector, noise(1000, 5))
    probabilities(detector, silence)
    assert counting.runs == 5 + SileroDetector.GATE_CHUNKS - 1


@needs_flite
def test_after_the_gate_speech_is_heard_as_by_a_fresh_detector() -> None:
    speech = flite_speech("hello there")
    used = SileroDetector()
    probabilities(used, noise(3000, 50))
    probabilities(used, np.zeros(CHUNK_SAMPLES * 50, np.int16))
    np.testing.assert_allclose(probabilities(used, speech), probabilities(SileroDetector(), speech), atol=1e-6)


def test_detectors_share_the_session_and_not_the_state() -> None:
    first, second = SileroDetector(), SileroDetector()
    assert first._session is second._session
    probabilities(first, noise(3000, 20))
    assert not second._hidden.any()


def test_energy_detector_gets_used_to_noise() -> None:
    detector = EnergyDetector()
    heard = probabilities(detector, noise(300, round(20 / CHUNK_SECONDS)))
    assert heard[0] > 0.5
    assert heard[-1] < 0.3


def test_level() -> None:
    assert level_dbfs(np.zeros(100, np.int16)) == -100.0
    assert level_dbfs(np.full(100, 16384, np.int16)) == pytest.approx(-6.02, abs=0.01)


def test_the_runtime_describes_itself() -> None:
    described = describe_runtime()
    assert described.winner in described.installed
    assert "CPUExecutionProvider" in described.providers


@pytest.mark.parametrize(
    ("installed", "providers", "winner"),
    [
        (("onnxruntime",), ("CPUExecutionProvider",), "onnxruntime"),
        (("onnxruntime-gpu",), ("CPUExecutionProvider",), "onnxruntime-gpu"),
        (("onnxruntime", "onnxruntime-gpu"), ("CUDAExecutionProvider", "CPUExecutionProvider"), "onnxruntime-gpu"),
        (("onnxruntime", "onnxruntime-gpu"), ("CPUExecutionProvider",), "onnxruntime"),
        ((), ("CPUExecutionProvider",), None),
    ],
)
def test_which_onnxruntime_wins(installed: tuple[str, ...], providers: tuple[str, ...], winner: str | None) -> None:
    assert find_winner(installed, providers) == winner
    described = RuntimeDescription("1.0", dict.fromkeys(installed, "1.0"), winner, providers)
    assert (described.advice is None) == (len(installed) < 2 or winner == "onnxruntime-gpu")
