"""The duel over WebRTC on loopback: server and client in this process, measured on the sound decoded at the client's end.

A packet that comes is taken to sound at once, or behind what still sounds: nothing is added for the jitter buffer of a
browser, which holds 20 to 60 ms on a line like this. The receive buffer used here holds nothing while packets come in
order. What the line itself adds to ``inproc``: the caller's last loud frame is in a packet that leaves when its 20 ms are
over, as there; Opus' look-ahead of 6.5 ms, both ways; ciphers and sockets.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from audio.loopback import PlayedBlock
from bench.duel_call import DuelCall, TurnResult, _loud_at
from bench.duel_speech import RATE_HZ
from bench.duel_websocket import serving
from bench.webrtc_client import FRAME_SECONDS, Told, WebrtcCaller
from scheduler.pcm import Pcm, WordTime

PACKET_SAMPLES = round(RATE_HZ * FRAME_SECONDS)
TOGETHER_SECONDS = 0.2
"""Words and their sound come within this: both leave at the same time."""


@dataclass(slots=True)
class WebrtcCall(DuelCall):
    """Words come over the data channel, on their own: they are those of the first loud packet of the last 200 ms that has
    none yet, or of the next one that comes."""

    arrived: list[PlayedBlock] = field(default_factory=list)
    _worded: int = 0
    """So many packets can't be given words any more."""
    _words: tuple[WordTime, ...] = ()
    """Told before their sound has come."""

    @property
    def heard(self) -> list[PlayedBlock]:
        return self.arrived

    async def run(self) -> list[TurnResult]:
        async with serving(self) as address:
            caller = WebrtcCaller(address, self._take, rate_hz=RATE_HZ, on_event=self._note)
            await caller.connect(self._session())
            try:
                await caller.next("session.created")
                await self.talk(lambda pcm: caller.send_frame(pcm.samples))
            finally:
                await caller.hang_up()
                await caller.close()
        return self.results

    def _session(self) -> dict[str, Any]:
        effort = self.config().reasoning_effort
        return {"type": "realtime"} | ({} if effort is None else {"reasoning": {"effort": effort}})

    async def _take(self, pcm: Pcm) -> None:
        """What comes behind a silence has the silence before it, whose time has passed already."""
        for start in range(len(pcm.samples) % PACKET_SAMPLES, len(pcm.samples), PACKET_SAMPLES):
            packet = Pcm(pcm.samples[start : start + PACKET_SAMPLES], RATE_HZ)
            if _loud_at(packet) is None:
                continue
            dry_at = self.arrived[-1].ends_at if self.arrived else 0.0
            starts_at = max(dry_at, asyncio.get_running_loop().time())
            self.arrived.append(PlayedBlock(starts_at, "", packet, ()))
            self._give_words()

    def _note(self, told: Told) -> None:
        if told.kind == "response.output_audio_transcript.delta":
            self._words += tuple(WordTime(word, 0.0, 0.0) for word in told.event["delta"].split())
            too_old = sum(block.ends_at < told.at - TOGETHER_SECONDS for block in self.arrived[self._worded :])
            self._worded += too_old
            self._give_words()

    def _give_words(self) -> None:
        if not self._words or self._worded >= len(self.arrived):
            return
        self.arrived[self._worded] = replace(self.arrived[self._worded], words=self._words)
        self._words, self._worded = (), len(self.arrived)
