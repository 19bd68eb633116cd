"""The backlog of the ears: bounded, in order, true to audio time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audio.input_buffer import MOST_MARKS, Gap, InputBuffer
from scheduler.pcm import Pcm


def drain(buffer: InputBuffer[str]) -> list[Pcm | Gap | str]:
    return [buffer.take() for _ in range(len(buffer))]


def seconds(item: Pcm | Gap | str) -> float:
    match item:
        case Pcm():
            return item.duration_seconds
        case Gap(length):
            return length
        case _:
            return 0.0


@given(st.lists(st.one_of(st.floats(0.01, 2.0), st.just("mark")), max_size=60))
def test_audio_time_is_true_and_marks_stay_in_their_order(steps: list[float | str]) -> None:
    buffer: InputBuffer[str] = InputBuffer(3.0)
    total, marks_at = 0.0, []
    for step in steps:
        if isinstance(step, str):
            buffer.put_mark(step)
            marks_at.append(total)
        else:
            pcm = Pcm.silence(step, 16000)
            total += pcm.duration_seconds
            buffer.put_audio(pcm)
        assert buffer.audio_seconds <= 3.0 + 1e-9
    now, seen = 0.0, []
    for item in drain(buffer):
        now += seconds(item)
        if isinstance(item, str):
            seen.append(now)
    np.testing.assert_allclose(seen, marks_at, atol=1e-6)
    np.testing.assert_allclose(now, total, atol=1e-6)


def test_the_oldest_goes_and_gaps_are_joined() -> None:
    buffer: InputBuffer[str] = InputBuffer(1.0)
    for value in range(30):
        buffer.put_audio(Pcm(np.full(1600, value, np.int16), 16000))
    items = drain(buffer)
    assert isinstance(items[0], Gap)
    assert round(items[0].seconds, 6) == 2.0
    assert [int(item.samples[0]) for item in items[1:] if isinstance(item, Pcm)] == list(range(20, 30))
    assert round(buffer.dropped_seconds, 6) == 2.0


def test_tiny_blocks_are_joined() -> None:
    buffer: InputBuffer[str] = InputBuffer(300.0)
    for _ in range(16000):
        buffer.put_audio(Pcm(np.zeros(1, np.int16), 16000))
    assert len(buffer) <= 51


def test_marks_are_bounded() -> None:
    buffer: InputBuffer[str] = InputBuffer(1.0)
    assert sum(buffer.put_mark("commit") for _ in range(MOST_MARKS + 5)) == MOST_MARKS
