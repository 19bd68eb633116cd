"""The sending half of a call over WebRTC: 20 ms of speech become one packet, by the line's own clock.

The position is exact: a packet that has left will sound, and time stamps follow the loop's clock. The line outlives a
path: while there is none, whoever speaks waits, and nothing counts as heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import numpy as np

from audio.opus import OpusEncoder
from audio.transport import PlayoutPosition
from realtime.webrtc.rtp import RTP_CLOCK_HZ, OpusSender
from scheduler.pcm import Pcm, WordTime

logger = logging.getLogger(__name__)

OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
USUAL_RATE_HZ = 24_000
"""For voices of other rates than Opus'; speech has nothing above 12 kHz that a caller would miss."""
PACKET_SECONDS = 0.02
AHEAD_SECONDS = 0.06
"""No more than this leaves before its time: what has left can't be taken back."""
TAIL_PACKETS = 15
"""Silence that is sent behind speech, until Opus says (by a packet of 1 or 2 bytes) that there is nothing to be heard:
without it the browser would go on guessing what comes next. Opus needs ten packets for that (its DTX)."""
DTX_BYTES = 2
_ENOUGH_LOSS = 0.01
_TOLERANCE_SECONDS = 1e-6

Left = Callable[[str, float, tuple[WordTime, ...]], None]


class WebrtcLine:
    """An ``AudioTransport``. ``left(utterance_id, seconds, words)`` is told of each block as it leaves.

    ``voice_rate_hz``: of the voice that is mostly heard. Where Opus takes that rate, nothing is resampled for it.
    """

    def __init__(self, left: Left, *, voice_rate_hz: int, bitrate: int, complexity: int) -> None:
        self._left = left
        self._rate = voice_rate_hz if voice_rate_hz in OPUS_RATES_HZ else USUAL_RATE_HZ
        self._packet_samples = round(self._rate * PACKET_SECONDS)
        self._silence = np.zeros(self._packet_samples, np.int16)
        self._encoder = OpusEncoder(self._rate, bitrate=bitrate, complexity=complexity)
        self._sender: OpusSender | None = None
        self._path = asyncio.Event()
        self._spoke = asyncio.Event()
        self._began_at: float | None = None
        self._dry_at = 0.0
        """When all that has left will have sounded, by the line's clock (loop time)."""
        self._silent_at = 0.0
        """The same of speech alone."""
        self._given_seconds = 0.0
        self._is_silent = True
        """The last packet ended a stretch of sound, or there was none."""

    # --- the path -------------------------------------------------------------------------------------

    def lead_over(self, sender: OpusSender | None) -> None:
        """From now on packets go this way; ``None``: there is no path, and whoever speaks waits."""
        self._sender = sender
        if sender is None:
            self._path.clear()
        else:
            self._path.set()

    # --- AudioTransport -------------------------------------------------------------------------------

    @property
    def position(self) -> PlayoutPosition:
        return "exact"

    @property
    def sample_rate_hz(self) -> int:
        return self._rate

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        await self._in_time(pcm.duration_seconds)
        for start in range(0, len(pcm.samples), self._packet_samples):
            await self._leave(pcm.samples[start : start + self._packet_samples])
        self._given_seconds += pcm.duration_seconds
        self._spoke.set()
        self._left(utterance_id, pcm.duration_seconds, words)

    def played_seconds(self) -> float:
        return self._given_seconds - max(0.0, self._silent_at - _now())

    async def _in_time(self, seconds: float) -> None:
        """Returns when there is a path, and room on it."""
        while True:
            await self._path.wait()
            too_early = self._dry_at - _now() + seconds - AHEAD_SECONDS
            if too_early <= _TOLERANCE_SECONDS:
                return
            await asyncio.sleep(too_early)

    # --- packets --------------------------------------------------------------------------------------

    async def _leave(self, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        """The last block of an utterance may be short: the rest of its packet is silence."""
        if len(samples) < self._packet_samples:
            samples = np.concatenate([samples, self._silence[len(samples) :]])
        begins_at = max(self._dry_at, _now())
        await self._send(self._encoder.encode(samples), begins_at, begins=self._is_silent)
        self._is_silent = False
        self._dry_at = self._silent_at = begins_at + PACKET_SECONDS

    async def _send(self, payload: bytes, begins_at: float, *, begins: bool) -> None:
        """One that can't leave is lost, as on the way: the path is told to be gone by others."""
        if self._began_at is None:
            self._began_at = begins_at
        sender = self._sender
        if sender is None:
            return
        if begins:
            self._encoder.expect_loss(round(100 * sender.loss) if sender.loss > _ENOUGH_LOSS else 0)
        try:
            await sender.send_packet(payload, round((begins_at - self._began_at) * RTP_CLOCK_HZ), begins=begins)
        except ConnectionError as error:
            logger.debug("a packet did not leave: %s", error)

    async def run(self) -> None:
        """Send the silence behind speech, until cancelled."""
        while True:
            await self._spoke.wait()
            await self._until_dry()
            self._spoke.clear()
            await self._send_silence()

    async def _until_dry(self) -> None:
        seconds = self._dry_at - _now()
        while seconds > _TOLERANCE_SECONDS:
            await asyncio.sleep(seconds)
            seconds = self._dry_at - _now()

    async def _send_silence(self) -> None:
        """Until Opus says that it is one, or speech comes on."""
        for _ in range(TAIL_PACKETS):
            payload = self._encoder.encode(self._silence)
            await self._send(payload, self._dry_at, begins=False)
            self._dry_at += PACKET_SECONDS
            await self._until_dry()
            if self._spoke.is_set():
                return
            if len(payload) <= DTX_BYTES:
                break
        self._is_silent = True


def _now() -> float:
    return asyncio.get_running_loop().time()
