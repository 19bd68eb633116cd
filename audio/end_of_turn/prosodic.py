"""Prosody as an end-of-turn model: no download, a few milliseconds, and not much better than a guess.

See ``docs/endpointing.md`` before choosing it.
"""

from __future__ import annotations

from audio.prosody import LONGEST_PAUSE_SECONDS, WINDOW_SECONDS, probability_of_end
from scheduler.pcm import Pcm


class ProsodicTurnEnd:
    @property
    def name(self) -> str:
        return "prosody"

    @property
    def simulated(self) -> bool:
        return False

    @property
    def window_seconds(self) -> float:
        return WINDOW_SECONDS + LONGEST_PAUSE_SECONDS

    @property
    def asked_early(self) -> bool:
        return False

    async def warm_up(self) -> None:
        pass

    async def probability(self, audio: Pcm) -> float:
        return probability_of_end(audio)

    async def close(self) -> None:
        pass
