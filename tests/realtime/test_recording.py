"""A recording keeps both sides where they sounded, and never harms the call."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.recording import MAX_WAITING_SECONDS, RATE_HZ, Recording
from scheduler import virtual_time
from scheduler.clock import ManualClock, SourceClock
from scheduler.pcm import Pcm


def tone(seconds: float, rate: int) -> Pcm:
    return Pcm((9000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.int16), rate)


def recorded(path: Path, *, quiet_seconds: float = 0.0) -> None:
    async def main() -> None:
        clock = SourceClock(asyncio.get_running_loop().time)
        recording = Recording(path, clock)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(recording.run())
            await asyncio.sleep(quiet_seconds)
            for tick in range(100):  # ten seconds of the caller, 100 ms at a time
                recording.heard(clock.now(), tone(0.1, 16_000))
                if tick == 40:
                    recording.said(clock.now(), tone(1.0, RATE_HZ))
                await asyncio.sleep(0.1)
            task.cancel()

    virtual_time.run(main)


def test_both_sides_stand_where_they_sounded(tmp_path: Path) -> None:
    recorded(tmp_path / "folder" / "call.wav")
    stereo, rate = soundfile.read(tmp_path / "folder" / "call.wav", dtype="int16")
    assert rate == RATE_HZ
    assert len(stereo) / rate == pytest.approx(10.0, abs=0.1)
    loud = np.flatnonzero(np.abs(stereo[:, 1]) > 500) / rate
    assert (loud[0], loud[-1]) == (pytest.approx(4.0, abs=0.01), pytest.approx(5.0, abs=0.01))
    assert np.sqrt((stereo[:, 0].astype(float) ** 2).mean()) == pytest.approx(9000 / np.sqrt(2), rel=0.05)


def test_only_its_owner_may_listen_to_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "new" / "call.wav"
    recorded(path)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (path.parent, path)] == [0o700, 0o600]


def test_long_silences_do_not_end_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorded(tmp_path / "call.wav", quiet_seconds=300.0)
    assert soundfile.info(tmp_path / "call.wav").duration == pytest.approx(310.0, abs=0.1)
    assert caplog.records == []


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    recorded(tmp_path / "file" / "call.wav")
    assert len(caplog.records) == 1


def test_what_the_disk_cannot_take_does_not_pile_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recording = Recording(tmp_path / "call.wav", ManualClock())
    for second in range(round(MAX_WAITING_SECONDS) + 30):
        recording.heard(float(second), tone(1.0, RATE_HZ))
    assert [record.getMessage() for record in caplog.records] == [
        "the recording call.wav ends here: the disk is too slow"
    ]
    assert recording._timeline.end_seconds(0) <= MAX_WAITING_SECONDS + 2
