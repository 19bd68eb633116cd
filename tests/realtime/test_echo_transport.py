"""What leaves on a line without echo cancellation is told to the ears at its time."""

from __future__ import annotations

import asyncio

import pytest

from audio.loopback import RecordingTransport
from audio.transport import PlayoutPosition
from realtime.echo_transport import EchoingTransport
from scheduler import virtual_time
from scheduler.pcm import Pcm

RATE_HZ = 16_000


@pytest.mark.parametrize("position", ["exact", "estimated"])
def test_the_reference_follows_what_sounds(position: PlayoutPosition) -> None:
    told: list[float] = []

    async def scene() -> list[float]:
        inner = RecordingTransport(RATE_HZ, position=position)
        loop = asyncio.get_running_loop()
        line = EchoingTransport(inner, lambda: loop.time() + 7.0, lambda pcm, at: told.append(at))
        for pause in (0.0, 0.01, 0.02, 1.0, 0.02):
            await asyncio.sleep(pause)  # virtual
            await line.send("u1", Pcm.silence(0.02, RATE_HZ), ())
        assert line.played_seconds() == inner.played_seconds()
        return [block.starts_at for block in inner.blocks]

    sounded = virtual_time.run(scene)
    assert told == pytest.approx([at + 7.0 for at in sounded])
