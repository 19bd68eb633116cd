"""The receive buffer of a line: nothing is held without need, and time stays true whatever the line does."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.jitter import (
    LONGEST_WAIT_SECONDS,
    MOST_HELD,
    STALL_SECONDS,
    JitterBuffer,
    Lost,
    Packet,
    Released,
    RtpAudio,
    Silence,
)
from audio.opus_packet import CLOCK_HZ, packet_samples

FRAME = CLOCK_HZ // 50
FRAME_SECONDS = 0.02
CELT = bytes([31 << 3])
"""A frame of 20 ms that never holds a copy of the one before."""
SILK_WITH_COPY = bytes([9 << 3, 0x40])
"""20 ms of wide-band SILK; its second bit says that it does."""
DTX = bytes([9 << 3])


def voice(number: int) -> bytes:
    """Tells its number when it is found again."""
    return CELT + number.to_bytes(4, "big")


def number_of(payload: bytes) -> int:
    return int.from_bytes(payload[-4:], "big")


def rtp(number: int, *, payload: bytes | None = None, at: int | None = None, offset: int = 0) -> RtpAudio:
    timestamp = (number if at is None else at) * FRAME
    return RtpAudio((number + offset) % 2**16, (timestamp + offset * 77_777) % 2**32, payload or voice(number))


def samples_of(released: Iterable[Released]) -> int:
    return sum(map(length_of, released))


def length_of(item: Released) -> int:
    match item:
        case Packet(payload):
            return packet_samples(payload)
        case Lost(samples48) | Silence(samples48):
            return samples48
        case _:
            assert_never(item)


def numbers(released: Iterable[Released]) -> list[int]:
    return [number_of(item.payload) for item in released if isinstance(item, Packet)]


@dataclass(frozen=True, slots=True)
class Heard:
    item: Released
    at: float


def play(
    arrivals: Sequence[tuple[float, RtpAudio]], until: float = 0.0, buffer: JitterBuffer | None = None
) -> list[Heard]:
    """Packets at their times, and ``due`` at each deadline between and up to ``until``."""
    buffer = buffer or JitterBuffer()
    heard: list[Heard] = []
    for at, packet in sorted(arrivals, key=lambda arrival: arrival[0]):
        heard += let_pass(buffer, at)
        heard += [Heard(item, at) for item in buffer.push(packet, at)]
    return heard + let_pass(buffer, until)


def let_pass(buffer: JitterBuffer, until: float) -> list[Heard]:
    heard: list[Heard] = []
    while (at := buffer.deadline) is not None and at < until:
        items = buffer.due(at)
        assert items, "a deadline at which nothing is due"
        assert buffer.deadline is not None
        assert buffer.deadline > at
        heard += [Heard(item, at) for item in items]
    return heard


def items(heard: Iterable[Heard]) -> list[Released]:
    return [one.item for one in heard]


def test_packets_in_order_are_not_held() -> None:
    buffer = JitterBuffer()
    for number in range(500):
        assert numbers(buffer.push(rtp(number), number * FRAME_SECONDS)) == [number]
    assert buffer.stats.longest_delay_seconds == 0
    assert (buffer.stats.received, buffer.stats.lost, buffer.stats.concealed_seconds) == (500, 0, 0)


def test_jitter_that_keeps_the_order_holds_nothing() -> None:
    chance, at, buffer = random.Random(1), 0.0, JitterBuffer()
    for number in range(2000):
        at = max(at, number * FRAME_SECONDS + chance.random() * 0.15)
        assert numbers(buffer.push(rtp(number), at)) == [number]


def test_a_lost_packet_with_a_copy_in_the_next_costs_no_time() -> None:
    buffer = JitterBuffer()
    buffer.push(rtp(0), 0.0)
    assert buffer.push(rtp(2, payload=SILK_WITH_COPY), 0.04) == [Lost(FRAME, SILK_WITH_COPY), Packet(SILK_WITH_COPY)]
    assert (buffer.stats.lost, buffer.stats.copied_gaps) == (1, 1)
    assert buffer.stats.delay_seconds == 0


def test_only_the_last_of_several_has_a_copy() -> None:
    buffer = JitterBuffer()
    buffer.push(rtp(0), 0.0)
    released = buffer.push(rtp(4, payload=SILK_WITH_COPY), 0.08)
    assert released == [Lost(3 * FRAME, SILK_WITH_COPY), Packet(SILK_WITH_COPY)]


def test_a_gap_is_waited_for_where_packets_overtake_one_another() -> None:
    buffer = JitterBuffer()
    for number in range(100):
        early = number % 5 == 4
        buffer.push(rtp(number - 1 if early else number + (number % 5 == 3)), number * FRAME_SECONDS + early * 0.03)
    before = buffer.stats.lost
    assert before <= 1
    assert buffer.push(rtp(101), 2.02) == []
    assert numbers(buffer.push(rtp(100), 2.03)) == [100, 101]
    assert buffer.stats.lost == before
    assert buffer.push(rtp(103), 2.06) == []
    assert buffer.deadline is not None
    assert 2.06 < buffer.deadline <= 2.04 + LONGEST_WAIT_SECONDS
    assert buffer.due(buffer.deadline) == [Lost(FRAME, None), Packet(voice(103))]
    assert buffer.push(rtp(102), 2.3) == []
    assert buffer.stats.late == buffer.stats.lost == before + 1


def test_what_came_twice_goes_on_once() -> None:
    buffer = JitterBuffer()
    buffer.push(rtp(0), 0.0)
    assert buffer.push(rtp(0), 0.001) == []
    assert numbers(buffer.push(rtp(1), 0.02)) == [1]
    assert buffer.push(rtp(0), 0.021) == []
    assert (buffer.stats.duplicates, buffer.stats.late) == (2, 0)


def test_silence_goes_on_by_time_and_speech_after_it_adds_none() -> None:
    arrivals = [(0.0, rtp(0)), (0.02, rtp(1, payload=DTX)), (1.0, rtp(2, at=50)), (1.02, rtp(3, at=51))]
    buffer = JitterBuffer()
    heard = play(arrivals, buffer=buffer)
    assert samples_of(items(heard)) == 52 * FRAME
    assert not any(isinstance(one.item, Lost) for one in heard)
    assert [one.at for one in heard if isinstance(one.item, Packet)] == [0.0, 0.02, 1.0, 1.02]
    gaps = [later.at - one.at for one, later in pairwise(heard)]
    assert max(gaps) < 0.061
    assert buffer.stats.lost == 0


def test_silence_without_a_timer_comes_with_the_next_packet() -> None:
    buffer = JitterBuffer()
    buffer.push(rtp(0, payload=DTX), 0.0)
    assert buffer.push(rtp(1, at=50), 1.0) == [Silence(49 * FRAME), Packet(voice(1))]


def test_a_stall_is_filled_as_time_goes_on() -> None:
    buffer = JitterBuffer()
    play([(n * FRAME_SECONDS, rtp(n)) for n in range(10)], buffer=buffer)
    assert buffer.deadline == pytest.approx(0.2 + STALL_SECONDS)
    heard = let_pass(buffer, 2.2)
    assert samples_of(items(heard)) / CLOCK_HZ == pytest.approx(2.0 - STALL_SECONDS, abs=0.021)
    assert all(one.item == Lost(FRAME, None) for one in heard)


def test_what_was_queued_on_the_way_goes_on_after_the_time_that_was_filled() -> None:
    """For 1 s nothing comes, then all at once: 0.6 s were filled."""
    buffer = JitterBuffer()
    arrivals = [(n * FRAME_SECONDS, rtp(n)) for n in range(50)]
    arrivals += [(max(2.0, n * FRAME_SECONDS), rtp(n)) for n in range(50, 150)]
    heard = play(arrivals, buffer=buffer)
    assert samples_of(items(heard)) == 150 * FRAME
    got = numbers(items(heard))
    assert got[-70:] == list(range(80, 150))
    assert buffer.stats.late == buffer.stats.lost == 150 - len(got)
    assert buffer.stats.restarts == 0


def test_after_a_stall_with_loss_the_line_goes_on_in_time() -> None:
    buffer = JitterBuffer()
    arrivals = [(n * FRAME_SECONDS, rtp(n)) for n in range(50)] + [(n * FRAME_SECONDS, rtp(n)) for n in range(150, 300)]
    heard = play(arrivals, buffer=buffer)
    assert samples_of(items(heard)) == 300 * FRAME
    assert [one.at for one in heard][-150:] == [at for at, _ in arrivals[-150:]]
    assert buffer.stats.lost == 100


def test_a_sender_that_stood_still_is_taken_up_again() -> None:
    """It stops for 3 s and goes on where it was: its clock stood too."""
    buffer = JitterBuffer()
    arrivals = [(n * FRAME_SECONDS + (3.0 if n >= 50 else 0.0), rtp(n)) for n in range(150)]
    heard = play(arrivals, buffer=buffer)
    assert buffer.stats.restarts == 1
    assert numbers(items(heard))[-75:] == list(range(75, 150))
    assert [one.at for one in heard][-75:] == [at for at, _ in arrivals[-75:]]


@pytest.mark.parametrize(
    ("sequence", "timestamp"), [(30_000, 50 * FRAME), (50, 2**31), (60_000, 2**31 + 5), (9, 400 * FRAME)]
)
def test_a_restart_loses_nothing(sequence: int, timestamp: int) -> None:
    buffer = JitterBuffer()
    play([(n * FRAME_SECONDS, rtp(n)) for n in range(50)], buffer=buffer)
    after = [RtpAudio((sequence + n) % 2**16, (timestamp + n * FRAME) % 2**32, voice(1000 + n)) for n in range(50)]
    heard = play([(1.0 + n * FRAME_SECONDS, packet) for n, packet in enumerate(after)], buffer=buffer)
    assert numbers(items(heard)) == list(range(1000, 1050))
    assert buffer.stats.restarts == 1
    assert buffer.stats.received == 100
    assert heard[1].at - 1.0 <= FRAME_SECONDS + 1e-9


def test_a_packet_that_strayed_changes_nothing() -> None:
    buffer = JitterBuffer()
    buffer.push(rtp(0), 0.0)
    assert buffer.push(RtpAudio(40_000, 2**31, voice(7)), 0.01) == []
    assert numbers(buffer.push(rtp(1), 0.02)) == [1]
    assert buffer.stats.restarts == 0


def test_a_packet_that_is_none_counts_as_lost() -> None:
    buffer = JitterBuffer()
    buffer.push(rtp(0), 0.0)
    assert buffer.push(rtp(1, payload=b"\xff"), 0.02) == []
    assert buffer.push(RtpAudio(2, 0, b""), 0.02) == []
    heard = play([(0.04 + n * FRAME_SECONDS, rtp(n + 2)) for n in range(5)], buffer=buffer)
    assert samples_of(items(heard)) == 6 * FRAME
    assert (buffer.stats.malformed, buffer.stats.lost) == (2, 1)


def test_a_packet_without_time_leaves_no_gap() -> None:
    """What pads a line takes a number and no time."""
    buffer = JitterBuffer()
    buffer.push(rtp(0), 0.0)
    assert numbers(buffer.push(rtp(2, at=1), 0.02)) == [2]


@given(
    start=st.integers(0, 2**16 - 1),
    late=st.lists(st.one_of(st.none(), st.just(0.0), st.floats(0, 0.3)), min_size=1, max_size=300),
    copies=st.lists(st.integers(0, 299), max_size=30),
    quiet=st.dictionaries(st.integers(1, 299), st.integers(1, 100), max_size=5),
)
def test_order_and_time_are_kept(
    start: int, late: list[float | None], copies: list[int], quiet: dict[int, int]
) -> None:
    """``late``: each packet's delay, ``None`` for lost; ``quiet``: packets after which nothing is sent for a while."""
    arrivals, at = [], 0
    for number, delay in enumerate([0.0, *late]):
        payload = DTX if number in quiet else voice(number)
        packet = rtp(number, payload=payload, at=at, offset=start)
        arrivals += [(at * FRAME_SECONDS + delay, packet)] * (1 + copies.count(number)) if delay is not None else []
        at += 1 + quiet.get(number, 0)
    buffer = JitterBuffer()
    heard = play(arrivals, buffer=buffer)
    got = numbers(one.item for one in heard if one.item != Packet(DTX))
    assert got == sorted(set(got))
    assert samples_of(items(heard)) % FRAME == 0
    last = max(packet_at for packet_at, _ in arrivals)
    behind = last - samples_of(items(heard)) / CLOCK_HZ
    assert -0.35 <= behind <= max(STALL_SECONDS, 0.3) + 0.021
    rest = items(let_pass(buffer, last + 5.0))
    total = samples_of(items(heard)) + samples_of(rest)
    assert abs(total / CLOCK_HZ - (last + 5.0)) <= STALL_SECONDS + 0.3 + 0.021
    assert buffer.stats.restarts == 0


@given(
    st.lists(
        st.tuples(
            st.floats(0, 0.5),
            st.integers(0, 2**16 - 1) | st.integers(0, 300),
            st.integers(0, 2**32 - 1) | st.integers(0, 300 * FRAME),
            st.binary(max_size=4),
        ),
        max_size=200,
    )
)
def test_nothing_that_comes_can_break_it(packets: list[tuple[float, int, int, bytes]]) -> None:
    buffer, at, longest = JitterBuffer(), 0.0, 0
    for wait, sequence, timestamp, payload in packets:
        at += wait
        heard = let_pass(buffer, at)
        released = items(heard) + buffer.push(RtpAudio(sequence, timestamp, payload), at)
        assert all(length_of(item) > 0 for item in released)
        longest = max(longest, len(buffer._held), len(buffer._seen) // 8)
    assert longest <= MOST_HELD + 1


def simulated(seconds: float, jitter: float, loss: float, seed: int) -> list[tuple[float, RtpAudio]]:
    chance = random.Random(seed)
    sent = ((number * FRAME_SECONDS, rtp(number)) for number in range(round(seconds / FRAME_SECONDS)))
    return [(at + chance.random() * jitter, packet) for at, packet in sent if chance.random() >= loss or at == 0]


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_minutes_of_a_bad_line_add_no_delay(seed: int) -> None:
    buffer = JitterBuffer()
    arrivals = simulated(600, 0.1, 0.05, seed)
    came = {number_of(packet.payload): at for at, packet in arrivals}
    heard = play(arrivals, buffer=buffer)
    delays = {
        number_of(p.item.payload): p.at - came[number_of(p.item.payload)] for p in heard if isinstance(p.item, Packet)
    }
    minutes = [[delay for number, delay in delays.items() if number // 3000 == minute] for minute in range(10)]
    means = [sum(minute) / len(minute) for minute in minutes]
    assert max(means) < 0.06
    assert abs(means[-1] - means[0]) < 0.01
    assert max(delays.values()) <= LONGEST_WAIT_SECONDS
    assert buffer.stats.late < 0.002 * len(arrivals)
    assert samples_of(items(heard)) == (max(delays) - min(delays) + 1) * FRAME


def test_after_bursts_the_delay_is_nothing_again() -> None:
    chance, buffer = random.Random(3), JitterBuffer()
    lost = {start + n for start in chance.sample(range(1, 2900), 20) for n in range(chance.randrange(1, 30))}
    arrivals = [(n * FRAME_SECONDS, rtp(n)) for n in range(3000) if n not in lost]
    came = {number_of(packet.payload): at for at, packet in arrivals}
    heard = play(arrivals, buffer=buffer)
    delays = [one.at - came[number_of(one.item.payload)] for one in heard if isinstance(one.item, Packet)]
    assert len(delays) == len(arrivals)
    assert max(delays) < 0.021
    assert delays[-1] == 0
    assert samples_of(items(heard)) == 3000 * FRAME
    assert buffer.stats.lost == len(lost)


@pytest.mark.parametrize("parts_per_million", [-300, 300])
def test_a_clock_that_runs_apart_adds_nothing(parts_per_million: int) -> None:
    """Ten minutes of talk and pauses: 180 ms between the clocks at the end."""
    buffer, arrivals, number = JitterBuffer(), [], 0
    for at in range(30_000):
        in_pause = at % 250 >= 100
        if in_pause and at % 250 != 100:
            continue
        sent_at = at * FRAME_SECONDS * (1 + parts_per_million / 1e6)
        arrivals.append((sent_at, rtp(number, payload=DTX if in_pause else None, at=at)))
        number += 1
    heard = play(arrivals, buffer=buffer)
    assert buffer.stats.late == buffer.stats.lost == 0
    assert buffer.stats.longest_delay_seconds == 0
    assert samples_of(items(heard)) == (arrivals[-1][1].timestamp // FRAME + 1) * FRAME


def test_a_stray_order_of_events_is_the_same_as_a_heap_would_give() -> None:
    """Reordering alone, within what is waited for, loses nothing once the line is known."""
    chance = random.Random(5)
    queue = [(n * FRAME_SECONDS + chance.random() * 0.08, n) for n in range(2000)]
    heapq.heapify(queue)
    arrivals = [(at, rtp(n)) for at, n in (heapq.heappop(queue) for _ in range(2000))]
    buffer = JitterBuffer()
    got = numbers(items(play(arrivals, buffer=buffer)))
    assert got[-1500:] == list(range(500, 2000))
