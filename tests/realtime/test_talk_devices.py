"""``stretto talk`` at a microphone, with sound devices that only pretend."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from realtime.stereo import AGENT, CALLER
from realtime.talk import FRAME_SAMPLES, FRAME_SECONDS, RATE_HZ, Talk, TalkError, TalkOptions
from realtime.talk_command import hold_talk
from realtime.talk_devices import DeviceLoudspeaker, DeviceMicrophone
from tests.realtime.fake_realtime_server import fake_server

SPOKEN_FRAMES = 20


class FakeSound:
    """The module ``sounddevice``: a microphone that hears a tone for 0.4 s and then nothing."""

    PortAudioError = OSError

    def __init__(self, *, has_loudspeaker: bool = True) -> None:
        self.open: list[str] = []
        self.closed: list[str] = []
        self.frames_read = 0
        self._has_loudspeaker = has_loudspeaker

    def InputStream(self, **_: Any) -> SimpleNamespace:
        return self._stream("microphone", read=self._read)

    def OutputStream(self, **_: Any) -> SimpleNamespace:
        if not self._has_loudspeaker:
            raise OSError("no device")
        return self._stream("loudspeaker")

    def _stream(self, name: str, **methods: Any) -> SimpleNamespace:
        self.open.append(name)
        return SimpleNamespace(start=lambda: None, close=lambda: self.closed.append(name), **methods)

    def _read(self, frames: int) -> tuple[np.ndarray[Any, np.dtype[np.int16]], bool]:
        time.sleep(FRAME_SECONDS)  # a microphone's pace
        assert "microphone" not in self.closed, "read after it was closed"
        self.frames_read += 1
        return np.full((frames, 1), 9000 if self.frames_read < SPOKEN_FRAMES else 0, np.int16), False


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> FakeSound:
    fake = FakeSound()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


async def held(url: str, out: Path | None) -> None:
    await hold_talk(TalkOptions(url), [], out=out, as_json=False)


@pytest.mark.slow
def test_ctrl_c_leaves_the_recording_and_closes_the_devices(
    sound: FakeSound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "call.wav"

    async def main() -> None:
        answered = asyncio.Event()
        monkeypatch.setattr("realtime.talk_command._show", lambda *_: answered.set())
        async with fake_server(tone_seconds=0.2) as (url, _), asyncio.timeout(20), asyncio.TaskGroup() as group:
            call = group.create_task(held(url, out))
            await answered.wait()
            call.cancel()  # what Ctrl-C does under asyncio.run

    asyncio.run(main())
    recording, rate = soundfile.read(out, dtype="int16")
    assert rate == RATE_HZ
    assert np.abs(recording[:, CALLER]).max() == 9000
    assert np.abs(recording[:, AGENT]).max() > 5000
    assert sorted(sound.closed) == sorted(sound.open) == ["loudspeaker", "microphone"]


def test_a_call_the_server_ends_leaves_the_recording_too(sound: FakeSound, tmp_path: Path) -> None:
    out = tmp_path / "call.wav"

    async def main() -> None:
        async with fake_server(closes_at="input_audio_buffer.append") as (url, _):
            await held(url, out)

    with pytest.raises(TalkError, match="The server ended the call"):
        asyncio.run(main())
    assert soundfile.info(out).frames >= FRAME_SAMPLES
    assert len(sound.closed) == 2


def test_without_a_loudspeaker_the_microphone_is_closed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSound(has_loudspeaker=False)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    with pytest.raises(TalkError, match="no loudspeaker"):
        asyncio.run(held("ws://127.0.0.1:1", None))
    assert fake.closed == ["microphone"]


def test_a_flush_may_race_with_the_thread_that_plays(sound: FakeSound) -> None:
    loudspeaker = DeviceLoudspeaker()

    class Raced(queue.Queue[Any]):
        """Was taken empty by the other thread since it was asked."""

        def empty(self) -> bool:
            return False

    loudspeaker._blocks = Raced()
    loudspeaker.play(np.full(10, 5, np.int16))
    out = np.ones((20, 1), np.int16)
    loudspeaker._fill(out, 20)
    assert out[:, 0].tolist() == [5] * 10 + [0] * 10
    loudspeaker.flush()


@pytest.mark.parametrize("kept_seconds", [0.0, 0.3])
@pytest.mark.slow
def test_a_long_call_keeps_no_more_than_it_may(
    sound: FakeSound, monkeypatch: pytest.MonkeyPatch, kept_seconds: float
) -> None:
    monkeypatch.setattr("realtime.talk.DROP_EVERY_SECONDS", 0.1)

    async def main() -> Talk:
        async with fake_server() as (url, _):
            talk = Talk(
                TalkOptions(url),
                [],
                report=lambda _: None,
                microphone=DeviceMicrophone(),
                kept_seconds=kept_seconds,
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.2):  # a call of so many frames, in the fake microphone's real time
                    await talk.run()
            return talk

    talk = asyncio.run(main())
    assert sound.frames_read > 30
    kept = sum(map(len, talk._timeline._waiting[CALLER])) / RATE_HZ
    assert kept_seconds <= kept <= kept_seconds + 0.1 + 2 * FRAME_SECONDS
