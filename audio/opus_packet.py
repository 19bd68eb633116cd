"""Pure: what the first bytes of an Opus packet tell without decoding it (RFC 6716, sections 3.1 and 4.2.3)."""

from __future__ import annotations

CLOCK_HZ = 48_000
"""RTP timestamps of Opus count 48,000 a second, whatever is encoded (RFC 7587, section 4.1)."""
LONGEST_PACKET_SAMPLES = CLOCK_HZ * 120 // 1000
DTX_BYTES = 2
"""A packet this short holds no sound: the encoder has fallen silent (discontinuous transmission)."""
FIRST_CELT_CONFIGURATION = 16
SILK_FRAME_SAMPLES = CLOCK_HZ * 20 // 1000

_SILK_SAMPLES = (480, 960, 1920, 2880)
_HYBRID_SAMPLES = (480, 960)
_CELT_SAMPLES = (120, 240, 480, 960)
FRAME_SAMPLES = _SILK_SAMPLES * 3 + _HYBRID_SAMPLES * 2 + _CELT_SAMPLES * 4
"""Length of one frame on the 48 kHz clock by the configuration in the first five bits (RFC 6716, table 2)."""


def packet_samples(payload: bytes) -> int:
    """How long a packet sounds, on the 48 kHz clock. Raises ``ValueError`` if it is malformed."""
    if not payload:
        raise ValueError("an Opus packet has at least one byte")
    samples = _frame_count(payload) * FRAME_SAMPLES[payload[0] >> 3]
    if not 0 < samples <= LONGEST_PACKET_SAMPLES:
        raise ValueError(f"an Opus packet lasts up to 120 ms, not {samples * 1000 / CLOCK_HZ:g} ms")
    return samples


def packet_seconds(payload: bytes) -> float:
    """How long a packet sounds. Raises ``ValueError`` if it is malformed."""
    return packet_samples(payload) / CLOCK_HZ


def is_dtx(payload: bytes) -> bool:
    return len(payload) <= DTX_BYTES


def has_fec(payload: bytes) -> bool:
    """Whether the packet also holds a coarse copy of the frame before its own (SILK's low bit-rate redundancy).

    The first bits of a SILK frame say for each channel: voice in each 20 ms, then redundancy or not; each is as likely
    as the other, so that the range coder leaves them as plain bits (RFC 6716, sections 4.2.3 and 4.1.3.2). A malformed
    packet has none.
    """
    configuration = payload[0] >> 3 if payload else FIRST_CELT_CONFIGURATION
    if configuration >= FIRST_CELT_CONFIGURATION:
        return False
    first = _first_frame_byte(payload)
    voice_bits = max(1, FRAME_SAMPLES[configuration] // SILK_FRAME_SAMPLES)
    has_two_channels = bool(payload[0] & 4)
    mid = first >> (7 - voice_bits) & 1
    side = first >> (6 - 2 * voice_bits) & 1 if has_two_channels else 0
    return bool(mid | side)


def _frame_count(payload: bytes) -> int:
    match payload[0] & 3:
        case 0:
            return 1
        case 3 if len(payload) < 2:
            raise ValueError("an Opus packet of many frames ends before their count")
        case 3:
            return payload[1] & 63
        case _:
            return 2


def _first_frame_byte(payload: bytes) -> int:
    """0 where the first frame is empty or not there."""
    match payload[0] & 3:
        case 0 | 1:
            at, has_sound = 1, True
        case 2:
            at, has_sound = _after_length(payload, 1)
        case _:
            at, has_sound = _in_many_frames(payload)
    return payload[at] if has_sound and at < len(payload) else 0


def _in_many_frames(payload: bytes) -> tuple[int, bool]:
    """Where the first of many frames begins: after the count, the padding's length and, if they vary, the lengths."""
    if len(payload) < 2:
        return 1, False
    at, has_sound = 2, True
    if payload[1] & 64:
        while at < len(payload) and payload[at] == 255:
            at += 1
        at += 1
    if payload[1] & 128:
        for number in range((payload[1] & 63) - 1):
            at, is_filled = _after_length(payload, at)
            has_sound = is_filled if number == 0 else has_sound
    return at, has_sound


def _after_length(payload: bytes, at: int) -> tuple[int, bool]:
    """Past a frame's length at ``at``, in one byte or in two (RFC 6716, section 3.2.1), and whether it is above 0."""
    first = payload[at] if at < len(payload) else 0
    return at + (2 if first >= 252 else 1), first > 0
