"""Voice detection: 16 kHz audio in chunks of 32 ms to the probability of speech."""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from audio.onnx_runtime import one_thread_session
from scheduler.errors import EngineError, SettingsError

SAMPLE_RATE_HZ = 16_000
CHUNK_SAMPLES = 512
CHUNK_SECONDS = CHUNK_SAMPLES / SAMPLE_RATE_HZ


class VoiceDetector(Protocol):
    """Keeps the state of one call."""

    @property
    def offset_lag_seconds(self) -> float:
        """How long after the true end of speech its probability still stays high."""
        ...

    def probability(self, chunk: NDArray[np.int16]) -> float:
        """0 to 1, that this chunk (int16, shape ``[512]``, 16 kHz) is speech. Chunks come in order."""
        ...

    def reset(self) -> None:
        """Forget what was heard."""
        ...


class SileroDetector:
    """Silero VAD v6 as bundled in faster-whisper, on ONNX Runtime with one thread: 0.15 to 0.25 ms per chunk.

    Digital silence costs nothing: after ``GATE_CHUNKS`` chunks without a sample above ``GATE_PEAK``, the
    answer is 0 and the network starts anew at the next sound (its own state has decayed by then).
    """

    GATE_PEAK = 8
    """Full scale is 32,768, so this is -72 dB: below any line or room that carries a voice."""
    GATE_CHUNKS = 10
    CONTEXT_SAMPLES = 64

    def __init__(self) -> None:
        self._session = _silero_session()
        self.reset()

    @property
    def offset_lag_seconds(self) -> float:
        return 0.08

    def reset(self) -> None:
        self._hidden = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        self._input = np.zeros((1, self.CONTEXT_SAMPLES + CHUNK_SAMPLES), np.float32)
        self._quiet_chunks = self.GATE_CHUNKS

    def probability(self, chunk: NDArray[np.int16]) -> float:
        if self._is_gated(chunk):
            return 0.0
        self._input[0, : self.CONTEXT_SAMPLES] = self._input[0, -self.CONTEXT_SAMPLES :]
        self._input[0, self.CONTEXT_SAMPLES :] = chunk
        self._input[0, self.CONTEXT_SAMPLES :] /= 32768.0
        probability, self._hidden, self._cell = self._session.run(
            None, {"input": self._input, "h": self._hidden, "c": self._cell}
        )
        return float(probability[0])

    def _is_gated(self, chunk: NDArray[np.int16]) -> bool:
        if chunk.max(initial=0) > self.GATE_PEAK or chunk.min(initial=0) < -self.GATE_PEAK:
            self._quiet_chunks = 0
            return False
        self._quiet_chunks += 1
        if self._quiet_chunks == self.GATE_CHUNKS:
            self.reset()
        return self._quiet_chunks >= self.GATE_CHUNKS


@cache
def _silero_session() -> onnxruntime.InferenceSession:
    """One per process: ONNX Runtime sessions may be shared, the state is ours."""
    folder = resources.files("faster_whisper") / "assets"
    path = next((str(entry) for entry in folder.iterdir() if entry.name.startswith("silero_vad_v")), None)
    if path is None:
        raise EngineError("faster-whisper holds no Silero VAD; reinstall it, or choose the energy detector")
    session = one_thread_session(path)
    if {given.name for given in session.get_inputs()} != {"input", "h", "c"}:
        raise EngineError(f"{path} is not the Silero VAD graph that Stretto knows; install faster-whisper 1.1 or 1.2")
    return session


class EnergyDetector:
    """Level over an adaptive noise floor; no network. For benches and for machines without ONNX Runtime's support.

    The floor follows quiet quickly down and slowly up (3 dB per second). Probability is 0.5 at ``margin_db``
    above it, and rises by 0.05 per dB.
    """

    def __init__(self, *, margin_db: float = 12.0, lowest_floor_db: float = -60.0) -> None:
        self._margin_db = margin_db
        self._lowest_floor_db = lowest_floor_db
        self.reset()

    @property
    def offset_lag_seconds(self) -> float:
        return 0.0

    def reset(self) -> None:
        self._floor_db = self._lowest_floor_db

    def probability(self, chunk: NDArray[np.int16]) -> float:
        level_db = level_dbfs(chunk)
        self._floor_db = max(self._lowest_floor_db, min(level_db, self._floor_db + 3.0 * CHUNK_SECONDS))
        return min(1.0, max(0.0, 0.5 + 0.05 * (level_db - self._floor_db - self._margin_db)))


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """Root mean square in dB of full scale (32,768); -100 for digital silence."""
    if len(samples) == 0:
        return -100.0
    values = samples.astype(np.float32)
    mean_square = float(np.dot(values, values)) / (len(samples) * 32768.0**2)
    return max(-100.0, 10.0 * math.log10(mean_square + 1e-12))


def make_detector(spec: str) -> VoiceDetector:
    """``silero`` or ``energy``. Raises ``SettingsError``."""
    match spec:
        case "silero":
            return SileroDetector()
        case "energy":
            return EnergyDetector()
        case _:
            raise SettingsError(f"unknown voice detector {spec!r}; there are silero and energy")
