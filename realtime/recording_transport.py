"""A line whose audio is recorded as it leaves."""

from __future__ import annotations

from audio.transport import AudioTransport, PlayoutPosition
from realtime.recording import Recording
from scheduler.clock import Clock
from scheduler.pcm import Pcm, WordTime


class RecordedTransport:
    """Passes everything on to ``inner``. The agent's side is recorded back to back from when it left, as it plays."""

    def __init__(self, inner: AudioTransport, recording: Recording, clock: Clock) -> None:
        self._inner = inner
        self._recording = recording
        self._clock = clock
        self._ends_at = 0.0

    @property
    def position(self) -> PlayoutPosition:
        return self._inner.position

    @property
    def sample_rate_hz(self) -> int:
        return self._inner.sample_rate_hz

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        await self._inner.send(utterance_id, pcm, words)
        at = max(self._clock.now(), self._ends_at)
        self._recording.said(at, pcm)
        self._ends_at = at + pcm.duration_seconds

    def played_seconds(self) -> float:
        return self._inner.played_seconds()
