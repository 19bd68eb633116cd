"""A line that does not cancel echo: what is sent on it is told to the ears, so that they know it when it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from audio.transport import AudioTransport, PlayoutPosition
from scheduler.pcm import Pcm, WordTime


class EchoingTransport:
    """Passes everything on to ``inner``. ``audio_seconds`` tells the audio time of what is heard now, ``play_reference``
    takes what will sound, and at which audio time."""

    def __init__(
        self,
        inner: AudioTransport,
        audio_seconds: Callable[[], float],
        play_reference: Callable[[Pcm, float], None],
    ) -> None:
        self._inner = inner
        self._audio_seconds = audio_seconds
        self._play_reference = play_reference
        self._given_seconds = 0.0
        self._dry_at = 0.0
        """When all that was given will have sounded, by the loop's clock (lines without their own)."""
        self._ends_at_seconds = 0.0
        """The same in audio time."""

    @property
    def position(self) -> PlayoutPosition:
        return self._inner.position

    @property
    def sample_rate_hz(self) -> int:
        return self._inner.sample_rate_hz

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        if self._ahead_seconds() <= 0.0:  # the line was dry: it begins now; else one block follows the other
            self._ends_at_seconds = self._audio_seconds()
            self._dry_at = asyncio.get_running_loop().time()
        self._play_reference(pcm, self._ends_at_seconds)
        self._ends_at_seconds += pcm.duration_seconds
        self._dry_at += pcm.duration_seconds
        await self._inner.send(utterance_id, pcm, words)
        self._given_seconds += pcm.duration_seconds

    def played_seconds(self) -> float:
        return self._inner.played_seconds()

    def _ahead_seconds(self) -> float:
        if self._inner.position == "estimated":
            return self._dry_at - asyncio.get_running_loop().time()
        return self._given_seconds - self._inner.played_seconds()
