"""A simulated end-of-turn model: its script says which pauses end a turn. For tests and benches, and labelled so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from audio.loudness import loud_span_seconds
from scheduler.pcm import Pcm


@dataclass(frozen=True, slots=True)
class SimulatedTurnEndSettings:
    """``delay_seconds``: from the true end of speech in the audio to the verdict. ``voice_gate_dbfs``: what is louder
    is speech."""

    delay_seconds: float = 0.3
    over_probability: float = 0.95
    inside_probability: float = 0.1
    voice_gate_dbfs: float = -45.0
    asked_early: bool = False


EAGER = SimulatedTurnEndSettings(delay_seconds=0.1, asked_early=True)


class SimulatedTurnEnd:
    """``script``: for each pause in which it is asked, in order and over and over, whether it ends the turn. A script
    that is longer than one entry counts the pauses of one session, so each session wants a model of its own."""

    def __init__(self, script: Sequence[bool] = (True,), settings: SimulatedTurnEndSettings | None = None) -> None:
        self._script = tuple(script)
        self._settings = settings or SimulatedTurnEndSettings()
        self._asked = 0

    @property
    def name(self) -> str:
        return "simulated:eager" if self._settings == EAGER else "simulated"

    @property
    def simulated(self) -> bool:
        return True

    @property
    def window_seconds(self) -> float:
        return 8.0

    @property
    def asked_early(self) -> bool:
        return self._settings.asked_early

    async def warm_up(self) -> None:
        pass

    async def probability(self, audio: Pcm) -> float:
        is_over = self._script[self._asked % len(self._script)]
        self._asked += 1
        span = loud_span_seconds(audio, self._settings.voice_gate_dbfs)
        silence = audio.duration_seconds - (span[1] if span else 0.0)
        await asyncio.sleep(max(0.0, self._settings.delay_seconds - silence))
        return self._settings.over_probability if is_over else self._settings.inside_probability

    async def close(self) -> None:
        pass
