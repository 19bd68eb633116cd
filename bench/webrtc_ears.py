"""A server that notes what its ears get, and when: ``python -m bench.webrtc_ears --to FOLDER``.

Recogniser simulated, language model ``offline``, voice flite. For each call it writes an ``.npz``: ``at`` (monotonic clock,
the same for all processes of a machine) and ``counts`` of each block, ``samples`` of all (int16, 16 kHz).

``--receiver aiortc``: sound is received by aiortc's own receiver, as programs that use it plainly have it; such a call has
no session behind it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.app import create_app
from realtime.engines import make_engines
from realtime.serve import serve
from realtime.server import Server
from realtime.session import Session
from realtime.settings import Settings
from realtime.webrtc.ice import Reach, settle
from scheduler.pcm import Pcm
from scheduler.tasks import Background

RATE_HZ = 16_000
FROM_AIORTC_HZ = 48_000
KEY = "bench"


@dataclass(slots=True)
class Notes:
    """``samples`` are at ``rate_hz``."""

    path: Path
    rate_hz: int = RATE_HZ
    at: list[float] = field(default_factory=list)
    blocks: list[NDArray[np.int16]] = field(default_factory=list)

    def take(self, samples: NDArray[np.int16]) -> None:
        self.at.append(time.monotonic())
        self.blocks.append(samples)

    def write(self) -> None:
        """Whoever waits for the file finds it whole."""
        counts = np.array([len(block) for block in self.blocks], np.int64) * RATE_HZ // self.rate_hz
        samples = np.concatenate([np.zeros(0, np.int16), *self.blocks])
        if self.rate_hz != RATE_HZ:
            samples = soxr.resample(samples, self.rate_hz, RATE_HZ)
        partial = self.path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, at=np.array(self.at), counts=counts, samples=samples)
        partial.rename(self.path)


class NotingSession(Session):
    """``notes`` is set before it runs."""

    notes: Notes

    async def hear(self, pcm: Pcm) -> None:
        self.notes.take(pcm.samples)
        await super().hear(pcm)

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await asyncio.to_thread(self.notes.write)


def make_server(settings: Settings, folder: Path) -> tuple[Any, Any]:
    def make(**parts: Any) -> Session:
        session = NotingSession(*(parts[name] for name in _PARTS))
        session.notes = Notes(folder / f"{parts['session_id']}.npz")
        return session

    server = Server(settings, make_engines(settings), make)
    return server, create_app(server, manage_server=False)


_PARTS = ("session_id", "door", "transport", "config", "engines", "settings")


# --- with aiortc's own receiver -----------------------------------------------------------------------


@dataclass(slots=True)
class PlainCalls:
    """Answers offers as the examples of aiortc do. Implements ``realtime.serve.Serving``."""

    folder: Path
    _calls: dict[str, tuple[RTCPeerConnection, Notes, Background]] = field(default_factory=dict)

    async def start(self) -> None:
        pass

    async def stop(self, grace_seconds: float | None = None) -> None:
        for call_id in list(self._calls):
            await self._end(call_id)

    def app(self) -> Starlette:
        calls = Route("/v1/realtime/calls", self._create, methods=["POST"])
        return Starlette(routes=[calls, Route("/v1/realtime/calls/{id}/hangup", self._hang_up, methods=["POST"])])

    async def _create(self, request: Request) -> Response:
        form_or_sdp = (await request.body()).decode()
        offer = form_or_sdp[form_or_sdp.index("v=0") :].split("\r\n--")[0] + "\r\n"
        connection, call_id = RTCPeerConnection(), f"rtc_{len(self._calls)}"
        notes = Notes(self.folder / f"{call_id}.npz", FROM_AIORTC_HZ)
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        settle(connection.getTransceivers()[0].receiver.transport.transport._connection, Reach())
        track = connection.getReceivers()[0].track
        await connection.setLocalDescription(await connection.createAnswer())
        listening = Background(lambda: _listen(track, notes), name=call_id)
        listening.start()
        self._calls[call_id] = connection, notes, listening
        location = {"Location": f"/v1/realtime/calls/{call_id}"}
        return Response(connection.localDescription.sdp, 201, location, "application/sdp")

    async def _hang_up(self, request: Request) -> Response:
        await self._end(request.path_params["id"])
        return Response(status_code=200)

    async def _end(self, call_id: str) -> None:
        connection, notes, listening = self._calls.pop(call_id)
        await listening.stop()
        await connection.close()
        await asyncio.to_thread(notes.write)


async def _listen(track: MediaStreamTrack, notes: Notes) -> None:
    """Stereo, interleaved; both channels are the same."""
    try:
        while True:
            frame: Any = await track.recv()
            notes.take(frame.to_ndarray().reshape(-1, 2)[:, 0].copy())
    except MediaStreamError:
        return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True, help="folder for what is heard")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--receiver", choices=("stretto", "aiortc"), default="stretto")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    settings = Settings.model_validate(
        {
            "server": {"host": arguments.host, "port": 0, "api_keys": [KEY]},
            "engines": {"asr": "simulated", "llm": "offline", "tts": "flite:rms", "vad": "energy", "clips_dir": ""},
        }
    )

    def make(made: Settings) -> tuple[Any, Any]:
        if arguments.receiver == "stretto":
            return make_server(made, arguments.to)
        plain = PlainCalls(arguments.to)
        return plain, plain.app()

    serve(settings, make)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
