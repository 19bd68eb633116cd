"""The line of a call over WebRTC, on a virtual clock: when packets leave, their time stamps, and what counts as heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from realtime.webrtc.line import AHEAD_SECONDS, TAIL_PACKETS, USUAL_RATE_HZ, WebrtcLine
from realtime.webrtc.rtp import OpusSender
from scheduler.pcm import Pcm, WordTime
from scheduler.virtual_time import run


@dataclass
class Packets:
    """A path that keeps what leaves: (loop time, time stamp, marker, bytes)."""

    loss: float = 0.0
    left: list[tuple[float, int, bool, int]] = field(default_factory=list)
    broken: bool = False

    async def send_packet(self, payload: bytes, timestamp: int, *, begins: bool) -> None:
        if self.broken:
            raise ConnectionError("cut")
        self.left.append((asyncio.get_running_loop().time(), timestamp, begins, len(payload)))

    def as_sender(self) -> OpusSender:
        return cast(OpusSender, self)


def tone(seconds: float = 0.02) -> Pcm:
    at = np.arange(round(seconds * USUAL_RATE_HZ)) / USUAL_RATE_HZ
    return Pcm((8000 * np.sin(2 * np.pi * 300 * at)).astype(np.int16), USUAL_RATE_HZ)


def talk(script: Callable[[WebrtcLine, Packets], Awaitable[None]], **path: Any) -> tuple[Packets, list[Any]]:
    told: list[Any] = []
    packets = Packets(**path)

    async def main() -> None:
        line = WebrtcLine(lambda *what: told.append(what), voice_rate_hz=24_000, bitrate=32_000, complexity=5)
        line.lead_over(packets.as_sender())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(line.run())
            await script(line, packets)
            running.cancel()

    run(main)
    return packets, told


def test_no_more_leaves_than_may_be_ahead_and_time_stamps_follow_one_another() -> None:
    async def script(line: WebrtcLine, _: Packets) -> None:
        for _ in range(50):
            await line.send("u", tone(), ())

    packets, _ = talk(script)
    began = packets.left[0][0]
    for number, (left_at, timestamp, begins, _) in enumerate(packets.left[:50]):
        assert timestamp == number * 960
        assert left_at - began == pytest.approx(max(0.0, (number + 1) * 0.02 - AHEAD_SECONDS), abs=1e-6)
        assert begins == (number == 0)


def test_what_was_heard_is_what_the_lines_clock_has_played() -> None:
    async def script(line: WebrtcLine, _: Packets) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(10):
            await line.send("u", tone(), ())
            assert line.played_seconds() == pytest.approx(loop.time() - began, abs=1e-6)
        await asyncio.sleep(5)
        assert line.played_seconds() == pytest.approx(0.2)

    talk(script)


def test_silence_follows_speech_until_opus_calls_it_one_and_then_nothing_leaves() -> None:
    async def script(line: WebrtcLine, _: Packets) -> None:
        for _ in range(10):
            await line.send("u", tone(), ())
        await asyncio.sleep(10)

    packets, _ = talk(script)
    tail = packets.left[10:]
    assert 1 <= len(tail) <= TAIL_PACKETS
    assert tail[-1][3] <= 2, "the last word is that there is silence"
    assert [timestamp for _, timestamp, _, _ in tail] == [(10 + n) * 960 for n in range(len(tail))]


def test_after_a_silence_the_time_stamps_have_gone_on_and_the_marker_is_set() -> None:
    async def script(line: WebrtcLine, _: Packets) -> None:
        await line.send("u", tone(), ())
        await asyncio.sleep(3)
        await line.send("v", tone(), ())

    packets, _ = talk(script)
    first, last = packets.left[0], packets.left[-1]
    assert last[2], "the marker"
    assert (last[1] - first[1]) / 48_000 == pytest.approx(last[0] - first[0], abs=1e-3)


def test_speech_that_comes_on_within_the_tail_goes_on_behind_it() -> None:
    async def script(line: WebrtcLine, _: Packets) -> None:
        await line.send("u", tone(), ())
        await asyncio.sleep(0.09)
        await line.send("u", tone(), ())
        await asyncio.sleep(1)

    packets, _ = talk(script)
    stamps = [timestamp for _, timestamp, _, _ in packets.left]
    assert stamps == sorted(set(stamps)), "no two packets stand at the same time"
    assert [begins for _, _, begins, _ in packets.left].count(True) == 1


def test_while_there_is_no_path_speech_waits_and_nothing_counts_as_heard() -> None:
    async def script(line: WebrtcLine, packets: Packets) -> None:
        await line.send("u", tone(), ())
        await asyncio.sleep(1)
        line.lead_over(None)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(line.send("u", tone(), ()))
            await asyncio.sleep(20)
            assert not sending.done()
            assert line.played_seconds() == pytest.approx(0.02)
            line.lead_over(packets.as_sender())
        assert sending.done()

    _, told = talk(script)
    assert len(told) == 2


def test_the_words_of_a_block_are_told_as_it_leaves() -> None:
    words = (WordTime("Hello", 0.0, 0.2, None),)

    async def script(line: WebrtcLine, _: Packets) -> None:
        await line.send("u", tone(), words)

    _, told = talk(script)
    assert told == [("u", 0.02, words)]


def test_a_short_last_block_fills_its_packet_and_counts_as_it_is() -> None:
    async def script(line: WebrtcLine, _: Packets) -> None:
        await line.send("u", Pcm(np.ones(240, np.int16), USUAL_RATE_HZ), ())
        await asyncio.sleep(1)
        assert line.played_seconds() == pytest.approx(0.01)

    packets, _ = talk(script)
    assert packets.left[0][1] == 0


def test_a_packet_that_can_not_leave_is_lost_and_the_talk_goes_on() -> None:
    async def script(line: WebrtcLine, packets: Packets) -> None:
        packets.broken = True
        await line.send("u", tone(), ())
        packets.broken = False
        await line.send("u", tone(), ())

    packets, told = talk(script)
    assert len(told) == 2
    assert packets.left[0][1] == 960


@pytest.mark.parametrize(("voice", "line"), [(16_000, 16_000), (22_050, 24_000), (48_000, 48_000)])
def test_a_voice_of_a_rate_that_opus_takes_is_not_resampled(voice: int, line: int) -> None:
    assert WebrtcLine(lambda *_: None, voice_rate_hz=voice, bitrate=32_000, complexity=5).sample_rate_hz == line
