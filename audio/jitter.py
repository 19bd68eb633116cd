"""Pure: what a line's packets become for a listener that is a machine, in order and complete in time, without a clock.

A loudspeaker needs a steady flow, so its buffer holds everything back by a constant delay. A recogniser does not: here
packets that come in order go on at once, and only behind a gap is anything held, until the missing packet comes or its
deadline passes. Then the gap is released as lost, and all that is there follows. So nothing adds up over a call, and a
clean line has no added delay at all. What is released always adds up to the time that the sender's clock counted: ears
tell time by samples.

Packets, gaps and silence follow one line of time, the RTP timestamp's (48 kHz whatever is encoded). A missing stretch
of it is given up when it is overdue, and how long that takes depends on what is known:

- behind a gap: as late as packets come on this line (``line_delay.py``), within 20 to 200 ms; if packets don't overtake
  one another here, 20 ms, and nothing if the next packet holds a copy of the lost one;
- in the sender's silence (DTX): as late as packets come, then silence goes on by time;
- in mid-speech, when nothing comes: 400 ms; then time goes on, that much behind, so that turns can end.

What then comes for time that was filled is dropped. If for 400 ms nothing else comes (the sender stood still rather
than the line), or if numbers jump in a way that no loss explains, the stream begins anew where it is.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TypeAlias

from audio.line_delay import LineDelay
from audio.opus_packet import CLOCK_HZ, has_fec, is_dtx, packet_samples

SHORTEST_WAIT_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 0.2
"""A gap is held at least one usual packet, and at most a fifth of a second: later, an answer would be late for all."""
STALL_SECONDS = 0.4
"""Nothing came in mid-speech for so long: longer than the usual pauses of radio links (100 to 300 ms). tuned"""
STALE_SECONDS = 0.4
"""So long only packets for time already filled: the stream is taken up where it is. tuned"""
JUMP_SAMPLES = 5 * CLOCK_HZ
"""A timestamp this far from what is due is a restart; what stalls longer is filled by then."""
MAX_DROPOUT = 3000
MAX_MISORDER = 100
"""Sequence numbers this far ahead or behind are a restart; two that belong together are believed (RFC 3550, A.1)."""
MOST_HELD = 128
"""Packets behind a gap, 2.5 s of the usual 20 ms: a burst of more gives the gap up."""
REMEMBERED = 1024
"""Sequence numbers by which a packet sent twice is known."""
LONGEST_FILL_SAMPLES = CLOCK_HZ // 50
"""Overdue time is given up in steps of one packet, or of 20 ms where packets are shorter."""


@dataclass(frozen=True, slots=True)
class RtpAudio:
    """One RTP packet of Opus: ``sequence`` of 16 bits, ``timestamp`` of 32 bits at 48 kHz."""

    sequence: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """To be decoded."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """``samples48`` (at 48 kHz) to be concealed; the last of it from the copy in ``next_payload``, if that holds one."""

    samples48: int
    next_payload: bytes | None


@dataclass(frozen=True, slots=True)
class Silence:
    """``samples48`` (at 48 kHz) in which the sender sent nothing, because there was nothing to hear."""

    samples48: int


Released: TypeAlias = Packet | Lost | Silence


@dataclass(slots=True)
class JitterStats:
    """Counts of a whole call. Only the buffer writes them."""

    received: int = 0
    lost: int = 0
    """Packets that were not there when their time was given up, ``late`` ones among them."""
    late: int = 0
    """Came after that, or for time that was filled."""
    duplicates: int = 0
    reordered: int = 0
    malformed: int = 0
    restarts: int = 0
    concealed_seconds: float = 0.0
    copied_gaps: int = 0
    """Gaps whose last packet was in the one that followed (in-band FEC)."""
    wait_seconds: float = SHORTEST_WAIT_SECONDS
    """How late packets are awaited just now."""
    delay_seconds: float = 0.0
    """How long the packet released last was held."""
    longest_delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class _Arrival:
    """A packet with numbers that no longer wrap."""

    sequence: int
    timestamp: int = field(compare=False)
    samples: int = field(compare=False)
    payload: bytes = field(compare=False)
    at: float = field(compare=False)


class JitterBuffer:
    """One stream's receive buffer. ``now`` in seconds must not go back; ``due`` is to be called at ``deadline``."""

    def __init__(self) -> None:
        self.stats = JitterStats()
        self._line = LineDelay()
        self._next_sequence = 0
        self._next_timestamp = 0
        self._newest_sequence = 0
        self._step = LONGEST_FILL_SAMPLES
        self._has_begun = False
        self._is_silent = False
        self._held: list[_Arrival] = []
        self._seen: dict[int, None] = {}
        self._suspect: RtpAudio | None = None
        self._stale_since: float | None = None
        self._now = 0.0

    def push(self, packet: RtpAudio, now: float) -> list[Released]:
        """A packet came: what can be released now, in order."""
        try:
            samples = packet_samples(packet.payload)
        except ValueError:
            self.stats.malformed += 1
            return self.due(now)
        self._now = now
        self.stats.received += 1
        if not self._has_begun:
            self._begin(packet)
        arrival = self._unwrapped(packet, samples, now)
        if self._jumps(arrival):
            return self._believe(packet, now)
        self._suspect = None
        released: list[Released] = []
        if self._is_news(arrival) and self._is_in_time(arrival, released):
            insort(self._held, arrival)
        return released + self.due(now)

    def due(self, now: float) -> list[Released]:
        """What is released by time alone."""
        released: list[Released] = []
        if not self._has_begun:
            return released
        self._now = now
        while True:
            self._release_ready(released)
            overdue = self._overdue(now)
            if overdue <= 0:
                return released
            self._give_up(overdue, released)

    @property
    def deadline(self) -> float | None:
        """When ``due`` must be called next; ``None`` before the first packet."""
        return self._due_at() if self._has_begun else None

    # arrival

    def _begin(self, packet: RtpAudio) -> None:
        self._has_begun, self._is_silent = True, False
        self._next_sequence = self._newest_sequence = packet.sequence
        self._next_timestamp = packet.timestamp
        self._suspect = self._stale_since = None
        self._seen.clear()
        self._line.forget_path()

    def _unwrapped(self, packet: RtpAudio, samples: int, now: float) -> _Arrival:
        sequence = self._next_sequence + _signed(packet.sequence - self._next_sequence, 16)
        timestamp = self._next_timestamp + _signed(packet.timestamp - self._next_timestamp, 32)
        return _Arrival(sequence, timestamp, samples, packet.payload, now)

    def _jumps(self, arrival: _Arrival) -> bool:
        ahead = arrival.sequence - self._next_sequence
        return not -MAX_MISORDER <= ahead <= MAX_DROPOUT or (
            abs(arrival.timestamp - self._next_timestamp) > JUMP_SAMPLES
        )

    def _believe(self, packet: RtpAudio, now: float) -> list[Released]:
        """A restart, if the packet before it jumped to the same place; else one that strayed."""
        suspect, self._suspect = self._suspect, packet
        if suspect is None or not _are_neighbours(suspect, packet):
            return self.due(now)
        first, second = (suspect, packet) if _signed(packet.sequence - suspect.sequence, 16) > 0 else (packet, suspect)
        released = self._restart(first)
        self.stats.received -= 2
        return released + self.push(first, now) + self.push(second, now)

    def _restart(self, packet: RtpAudio) -> list[Released]:
        """What is held still goes out."""
        released: list[Released] = []
        while self._held:
            self._give_up(self._held[0].timestamp - self._next_timestamp, released)
            self._release_ready(released)
        self.stats.restarts += 1
        self._begin(packet)
        return released

    def _is_news(self, arrival: _Arrival) -> bool:
        """Not sent twice. What is new tells how late the line is."""
        if arrival.sequence in self._seen:
            self.stats.duplicates += 1
            return False
        self._seen[arrival.sequence] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        overtaken = arrival.sequence < self._newest_sequence
        self._newest_sequence = max(self._newest_sequence, arrival.sequence)
        self.stats.reordered += overtaken
        self._line.learn(arrival.at - arrival.timestamp / CLOCK_HZ, arrival.at, overtaken=overtaken)
        self.stats.wait_seconds = self._wait_seconds()
        return True

    def _is_in_time(self, arrival: _Arrival, released: list[Released]) -> bool:
        if arrival.sequence >= self._next_sequence and arrival.timestamp >= self._next_timestamp:
            self._stale_since = None
            return True
        if arrival.sequence >= self._next_sequence and self._is_stale(arrival.at):
            released += self._restart(RtpAudio(arrival.sequence, arrival.timestamp, arrival.payload))
            return True
        self._drop(arrival)
        return False

    def _is_stale(self, now: float) -> bool:
        if self._stale_since is None:
            self._stale_since = now
        return now - self._stale_since >= STALE_SECONDS

    def _drop(self, arrival: _Arrival) -> None:
        """Its time was filled. One that is the next by number leaves no gap behind it."""
        self.stats.late += 1
        if arrival.sequence == self._next_sequence:
            self.stats.lost += 1
            self._pass(arrival)

    # release

    def _release_ready(self, released: list[Released]) -> None:
        """All that follows without a gap, or that must not be held any longer."""
        while self._held:
            head = self._held[0]
            missing = head.timestamp - self._next_timestamp
            is_next = head.sequence == self._next_sequence
            if missing > 0 and not is_next and len(self._held) <= MOST_HELD:
                return
            if missing > 0:
                self._fill(missing, released, head)
            self._release(self._held.pop(0), released)

    def _release(self, head: _Arrival, released: list[Released]) -> None:
        self.stats.lost += head.sequence - self._next_sequence
        self._next_sequence = head.sequence
        if head.timestamp < self._next_timestamp:
            self._drop(head)
            return
        self._pass(head)
        self._next_timestamp = head.timestamp + head.samples
        self._step = max(head.samples, LONGEST_FILL_SAMPLES // head.samples * head.samples)
        self.stats.delay_seconds = self._now - head.at
        self.stats.longest_delay_seconds = max(self.stats.longest_delay_seconds, self.stats.delay_seconds)
        released.append(Packet(head.payload))

    def _pass(self, arrival: _Arrival) -> None:
        self._next_sequence = arrival.sequence + 1
        self._is_silent = is_dtx(arrival.payload)

    # time

    def _overdue(self, now: float) -> int:
        """How much time is to be given up, in samples: whole steps, and not beyond what is held."""
        late = round((now - self._due_at()) * CLOCK_HZ)
        if late < 0:
            return 0
        steps = (late // self._step + 1) * self._step
        return min(steps, self._held[0].timestamp - self._next_timestamp) if self._held else steps

    def _give_up(self, samples: int, released: list[Released]) -> None:
        if samples > 0:
            self._fill(samples, released, self._held[0] if self._held else None)

    def _fill(self, samples: int, released: list[Released], head: _Arrival | None) -> None:
        self._next_timestamp += samples
        follows = head is not None and head.sequence == self._next_sequence
        if self._is_silent and (head is None or follows):
            released.append(Silence(samples))
            return
        reaches = head is not None and not follows and head.timestamp == self._next_timestamp
        copy = head.payload if head is not None and reaches and has_fec(head.payload) else None
        self.stats.copied_gaps += copy is not None
        self.stats.concealed_seconds += samples / CLOCK_HZ
        released.append(Lost(samples, copy))

    def _due_at(self) -> float:
        """When the next step of time is given up, if nothing comes."""
        at = self._next_timestamp / CLOCK_HZ
        if self._held:
            return at + self._line.base_transit + self._gap_wait_seconds(self._held[0])
        after = self._wait_seconds() if self._is_silent else STALL_SECONDS
        return at + self._line.last_transit + after

    def _gap_wait_seconds(self, head: _Arrival) -> float:
        if self._line.reorders(self._now):
            return self._wait_seconds()
        return 0.0 if has_fec(head.payload) else SHORTEST_WAIT_SECONDS

    def _wait_seconds(self) -> float:
        return min(LONGEST_WAIT_SECONDS, max(SHORTEST_WAIT_SECONDS, self._line.expected_seconds))


def _are_neighbours(one: RtpAudio, other: RtpAudio) -> bool:
    apart = abs(_signed(other.sequence - one.sequence, 16))
    return 0 < apart <= MAX_MISORDER and abs(_signed(other.timestamp - one.timestamp, 32)) <= JUMP_SAMPLES


def _signed(difference: int, bits: int) -> int:
    """A difference of numbers that wrap, as the shorter way round."""
    half = 1 << (bits - 1)
    return (difference + half) % (2 * half) - half
