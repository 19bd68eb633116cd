"""A line that ends in memory, for tests and benches: it plays on the loop's clock and keeps what sounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audio.transport import PlayoutPosition
from scheduler.pcm import Pcm, WordTime

LINE_BUFFER_SECONDS = 0.06


@dataclass(frozen=True, slots=True, eq=False)
class PlayedBlock:
    """``starts_at``: loop time at which its first sample sounds."""

    starts_at: float
    utterance_id: str
    pcm: Pcm
    words: tuple[WordTime, ...]

    @property
    def ends_at(self) -> float:
        return self.starts_at + self.pcm.duration_seconds


class RecordingTransport:
    """Plays what it is given without a gap where it can, and keeps every block with the time it sounds at.

    An exact line takes no more than ``LINE_BUFFER_SECONDS`` ahead. ``stall_seconds(now)`` makes a send take
    that long, as a slow network does. Works in real and in virtual time.
    """

    def __init__(
        self,
        sample_rate_hz: int = 24000,
        *,
        position: PlayoutPosition = "exact",
        stall_seconds: Callable[[float], float] | None = None,
    ) -> None:
        self.blocks: list[PlayedBlock] = []
        self._rate = sample_rate_hz
        self._position: PlayoutPosition = position
        self._stall_seconds = stall_seconds
        self._dry_at = 0.0
        self._given_seconds = 0.0

    @property
    def position(self) -> PlayoutPosition:
        return self._position

    @property
    def sample_rate_hz(self) -> int:
        return self._rate

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        loop = asyncio.get_running_loop()
        if self._stall_seconds is not None and (stall := self._stall_seconds(loop.time())) > 0:
            await asyncio.sleep(stall)
        if self._position == "exact":
            too_early = self._dry_at - loop.time() + pcm.duration_seconds - LINE_BUFFER_SECONDS
            if too_early > 0:
                await asyncio.sleep(too_early)
        starts_at = max(self._dry_at, loop.time())
        self.blocks.append(PlayedBlock(starts_at, utterance_id, pcm, words))
        self._dry_at = starts_at + pcm.duration_seconds
        self._given_seconds += pcm.duration_seconds

    def played_seconds(self) -> float:
        return self._given_seconds - max(0.0, self._dry_at - asyncio.get_running_loop().time())

    def audio_of(self, utterance_id: str) -> Pcm:
        """All that left of one utterance, gaps left out."""
        parts = [block.pcm.samples for block in self.blocks if block.utterance_id == utterance_id]
        return Pcm(np.concatenate(parts) if parts else np.zeros(0, np.int16), self._rate)

    def timeline(self) -> Pcm:
        """All that sounded from loop time 0 on, silence where nothing did."""
        end_at = max((block.ends_at for block in self.blocks), default=0.0)
        samples = np.zeros(round(end_at * self._rate) + 1, np.int16)
        for block in self.blocks:
            start = round(block.starts_at * self._rate)
            part = block.pcm.samples[: len(samples) - start]
            samples[start : start + len(part)] = part
        return Pcm(samples, self._rate)
