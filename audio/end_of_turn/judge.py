"""Asks the end-of-turn model of one session in each pause, and publishes its verdict.

One question at a time: speech that goes on takes it back. A model that fails or is slow costs a line in the log and no
verdict.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from audio.end_of_turn.model import EndOfTurnModel
from scheduler.events import Event, TurnEndEstimated
from scheduler.pcm import Pcm
from scheduler.tasks import engine_edge

log = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 16_000


class TurnEndJudge:
    """``model=None``: there are no verdicts, and nothing is kept. ``verdict_seconds``: how long one may take."""

    def __init__(
        self, publish: Callable[[Event], None], model: EndOfTurnModel | None, *, verdict_seconds: float = 1.0
    ) -> None:
        self._publish = publish
        self._model = model
        self._verdict_seconds = verdict_seconds
        self._recent: deque[NDArray[np.int16]] = deque()
        self._recent_samples = 0
        self._group: asyncio.TaskGroup | None = None
        self._asking: asyncio.Task[None] | None = None

    def start(self, group: asyncio.TaskGroup) -> None:
        """Questions are asked in tasks of this group."""
        self._group = group

    def hear(self, samples: NDArray[np.int16]) -> None:
        """The next audio, at 16 kHz. What is older than the model's window is forgotten."""
        if self._model is None or len(samples) == 0:
            return
        self._recent.append(samples)
        self._recent_samples += len(samples)
        window = round(self._model.window_seconds * SAMPLE_RATE_HZ)
        while self._recent_samples - len(self._recent[0]) >= window:
            self._recent_samples -= len(self._recent.popleft())

    def voice_faded(self) -> None:
        if self._model is not None and self._model.asked_early:
            self._ask(self._model)

    def speech_stopped(self) -> None:
        if self._model is not None and not self._model.asked_early:
            self._ask(self._model)

    def take_back(self) -> None:
        """Speech goes on, or something else has ended it: nobody needs the verdict."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _ask(self, model: EndOfTurnModel) -> None:
        self.take_back()
        if self._group is None:
            raise RuntimeError("the judge has not been started")
        window = round(model.window_seconds * SAMPLE_RATE_HZ)
        audio = Pcm(np.concatenate([np.zeros(0, np.int16), *self._recent])[-window:], SAMPLE_RATE_HZ)
        self._asking = self._group.create_task(self._judge(model, audio))

    async def _judge(self, model: EndOfTurnModel, audio: Pcm) -> None:
        try:
            async with asyncio.timeout(self._verdict_seconds):
                with engine_edge():
                    probability = await model.probability(audio)
        except TimeoutError:
            log.warning("ears: %s gave no verdict for %g s", model.name, self._verdict_seconds)
        except Exception as error:  # noqa: BLE001 the edge of an engine
            log.warning("ears: %s failed: %s: %s", model.name, type(error).__name__, error)
        else:
            self._publish(TurnEndEstimated(min(1.0, max(0.0, probability))))
