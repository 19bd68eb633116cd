"""What a receive buffer adds to a line's delay, and what it loses: ours beside aiortc's.

``python -m bench.jitter``: made-up lines of 20 ms packets, the same arrivals for both buffers, in simulated time. The
delay counted is from a packet's arrival to its release; what the line itself takes is not in it. ``aiortc`` is its
receiver's ``JitterBuffer(capacity=16, prefetch=4)``, fed as the receiver feeds it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from aiortc.jitterbuffer import JitterBuffer as AiortcBuffer
from aiortc.rtp import RtpPacket
from numpy.typing import NDArray
from rich.table import Table

from audio.jitter import JitterBuffer, Packet, RtpAudio
from bench.table_console import make_console

FRAME_SECONDS = 0.02
FRAME_SAMPLES = 960
OPUS_20_MS = bytes([31 << 3])
"""The first byte of a packet without redundancy."""
BURST_PACKETS = 5.0
"""Mean length of a burst of losses (100 ms), in a line that is good or bad by turns (Gilbert)."""

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    loss: Callable[[int, Random], NDArray[np.bool_]]
    delays_seconds: Callable[[int, Random], NDArray[np.float64]]
    keeps_order: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    at: float
    number: int


@dataclass(frozen=True, slots=True)
class Result:
    """``delays``: of what was released, by the packet's number; ``missing``: came, and was not released."""

    delays: dict[int, float]
    missing: int

    def milliseconds(self, percent: float) -> float:
        return float(np.percentile(list(self.delays.values()), percent)) * 1000

    def last_minute_milliseconds(self) -> float:
        """The median of the end, to see whether delay grows."""
        first = max(self.delays) - round(60 / FRAME_SECONDS)
        return float(np.median([delay for number, delay in self.delays.items() if number >= first])) * 1000


def no_loss(count: int, random: Random) -> NDArray[np.bool_]:
    return np.zeros(count, np.bool_)


def independent(share: float) -> Callable[[int, Random], NDArray[np.bool_]]:
    return lambda count, random: random.random(count) < share


def bursts(share: float) -> Callable[[int, Random], NDArray[np.bool_]]:
    """A chain of two states that loses ``share`` of all."""
    ends = 1 / BURST_PACKETS
    begins = ends * share / (1 - share)

    def lose(count: int, random: Random) -> NDArray[np.bool_]:
        draws = random.random(count)
        states = accumulate(draws, lambda bad, draw: draw >= ends if bad else draw < begins, initial=False)
        return np.array(list(states)[1:], np.bool_)

    return lose


def no_jitter(count: int, random: Random) -> NDArray[np.float64]:
    return np.zeros(count)


def uniform(most_seconds: float) -> Callable[[int, Random], NDArray[np.float64]]:
    """Each packet by itself, so that packets overtake one another unless the line keeps their order."""
    return lambda count, random: random.random(count) * most_seconds


LINES = (
    Line("clean", no_loss, no_jitter),
    Line("5 % loss", independent(0.05), no_jitter),
    Line("20 % loss in bursts", bursts(0.2), no_jitter),
    Line("100 ms jitter, in order", no_loss, uniform(0.1), keeps_order=True),
    Line("100 ms jitter, reordered", no_loss, uniform(0.1)),
    Line("100 ms jitter, 5 % loss", independent(0.05), uniform(0.1)),
)


def arrivals_of(line: Line, seconds: float, seed: int) -> list[Arrival]:
    """In the order in which they come."""
    random = np.random.default_rng(seed)
    count = round(seconds / FRAME_SECONDS)
    is_lost = line.loss(count, random)
    at = np.arange(count) * FRAME_SECONDS + line.delays_seconds(count, random)
    at = np.maximum.accumulate(at) if line.keeps_order else at
    came = [Arrival(float(at[number]), number) for number in range(count) if not is_lost[number]]
    return sorted(came, key=lambda arrival: arrival.at)


def through_ours(arrivals: Sequence[Arrival]) -> Result:
    buffer, came, delays = JitterBuffer(), {one.number: one.at for one in arrivals}, dict[int, float]()

    def note(released: Sequence[object], now: float) -> None:
        for item in released:
            if isinstance(item, Packet):
                number = int.from_bytes(item.payload[1:], "big")
                delays[number] = now - came[number]

    for arrival in arrivals:
        while (due_at := buffer.deadline) is not None and due_at < arrival.at:
            note(buffer.due(due_at), due_at)
        payload = OPUS_20_MS + arrival.number.to_bytes(4, "big")
        packet = RtpAudio(arrival.number % 2**16, arrival.number * FRAME_SAMPLES % 2**32, payload)
        note(buffer.push(packet, arrival.at), arrival.at)
    return Result(delays, len(arrivals) - len(delays))


def through_aiortc(arrivals: Sequence[Arrival]) -> Result:
    """Each packet brings out one frame at most, when four frames without a gap are there. What stands in it at the end
    counts as not released."""
    buffer, came, delays = AiortcBuffer(capacity=16, prefetch=4), {one.number: one.at for one in arrivals}, {}
    for arrival in arrivals:
        packet = RtpPacket(sequence_number=arrival.number % 2**16, timestamp=arrival.number * FRAME_SAMPLES % 2**32)
        packet._data = OPUS_20_MS  # type: ignore[attr-defined]
        _, frame = buffer.add(packet)
        if frame is not None:
            number = frame.timestamp // FRAME_SAMPLES
            delays[number] = arrival.at - came[number]
    return Result(delays, len(arrivals) - len(delays))


def table_of(seconds: float, seed: int) -> Table:
    table = Table(title=f"Delay that the receive buffer adds, {seconds:g} s of simulated line (ms)")
    for heading in ("line", "buffer"):
        table.add_column(heading)
    for heading in ("p50", "p95", "max", "p50 at the end", "lost by the line", "lost by the buffer"):
        table.add_column(heading, justify="right")
    for line in LINES:
        arrivals = arrivals_of(line, seconds, seed)
        lost = round(seconds / FRAME_SECONDS) - len(arrivals)
        for name, run in (("stretto", through_ours), ("aiortc", through_aiortc)):
            table.add_row(line.name, name, *_told(run(arrivals), lost))
        table.add_section()
    return table


def _told(result: Result, lost: int) -> list[str]:
    milliseconds = (*map(result.milliseconds, (50, 95, 100)), result.last_minute_milliseconds())
    return [*(f"{one:.0f}" for one in milliseconds), str(lost), str(result.missing)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of each line (default: %(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up losses and delays (default: %(default)d)")
    options = parser.parse_args()
    make_console().print(table_of(options.seconds, options.seed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
