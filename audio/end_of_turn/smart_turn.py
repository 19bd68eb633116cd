"""Smart Turn v3 (``pipecat-ai/smart-turn-v3`` on Hugging Face, BSD 2-clause) on ONNX Runtime, from a local file.

It hears the last 8 s, filled up with zeros at the front, brought to mean 0 and variance 1 (zeros included, as in its
training), as Whisper's log-mel. Its output is a probability already.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from audio.end_of_turn.log_mel import BANDS, HOP_SAMPLES, SAMPLE_RATE_HZ, log_mel
from audio.onnx_runtime import one_thread_session
from scheduler.errors import EngineError, SettingsError
from scheduler.pcm import Pcm

WINDOW_SECONDS = 8.0
WINDOW_SAMPLES = round(WINDOW_SECONDS * SAMPLE_RATE_HZ)
INPUT_NAME = "input_features"
INPUT_SHAPE = (1, BANDS, WINDOW_SAMPLES // HOP_SAMPLES)


class SmartTurn:
    """``path``: the ``.onnx`` file. One inference at a time, in a thread of its own; others wait their turn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session: onnxruntime.InferenceSession | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smart-turn")

    @property
    def name(self) -> str:
        return f"smart-turn:{self._path}"

    @property
    def simulated(self) -> bool:
        return False

    @property
    def window_seconds(self) -> float:
        return WINDOW_SECONDS

    @property
    def asked_early(self) -> bool:
        return False

    async def warm_up(self) -> None:
        if self._session is None:
            self._session = await asyncio.get_running_loop().run_in_executor(self._thread, _open, self._path)
            await self.probability(Pcm.silence(WINDOW_SECONDS, SAMPLE_RATE_HZ))

    async def probability(self, audio: Pcm) -> float:
        """Raises ``EngineError`` when it isn't warm, or gives what is no probability."""
        if (session := self._session) is None:
            raise EngineError("smart-turn was asked before it was warm")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _judge, session, audio.samples)

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._session = None


def features(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """What the model hears: float32, shape ``[1, 80, 800]``."""
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    last = samples[-WINDOW_SAMPLES:]
    if len(last):
        window[-len(last) :] = last / np.float32(32768.0)
    window -= window.mean()
    window /= np.sqrt(window.var() + np.float32(1e-7))
    return log_mel(window)[np.newaxis]


def _judge(session: onnxruntime.InferenceSession, samples: NDArray[np.int16]) -> float:
    given = session.run(None, {INPUT_NAME: features(samples)})[0]
    probability = float(np.asarray(given).reshape(-1)[0])
    if not 0.0 <= probability <= 1.0:
        raise EngineError(f"smart-turn gave {probability}, which is no probability")
    return probability


def _open(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise SettingsError(f"There is no file {path} for smart-turn; fetch smart-turn-v3 as ONNX and name its path.")
    try:
        session = one_thread_session(str(path))
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise SettingsError(f"{path} can't be read as an ONNX model for smart-turn: {error}") from error
    _check(path, session)
    return session


def _check(path: Path, session: onnxruntime.InferenceSession) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    fits = len(inputs) == 1 and inputs[0].name == INPUT_NAME and inputs[0].type == "tensor(float)"
    fits = fits and _admits(inputs[0].shape, INPUT_SHAPE)
    fits = fits and len(outputs) == 1 and outputs[0].type == "tensor(float)" and _admits(outputs[0].shape, (1, 1))
    if not fits:
        told = ", ".join(f"{given.name} {given.type} {given.shape}" for given in [*inputs, *outputs])
        raise SettingsError(
            f"{path} is not a smart-turn v3 model: it wants {INPUT_NAME} float {list(INPUT_SHAPE)} "
            f"and one probability, not {told}."
        )


def _admits(shape: list[int | str | None], wanted: tuple[int, ...]) -> bool:
    """Names and ``None`` stand for any length; of ``[1]`` and ``[1, 1]`` either will do for one number."""
    if wanted == (1, 1) and len(shape) == 1:
        wanted = (1,)
    return len(shape) == len(wanted) and all(
        not isinstance(given, int) or given == length for given, length in zip(shape, wanted, strict=True)
    )
