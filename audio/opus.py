"""Opus speech by libopus itself, through ctypes: PyAV's decoder offers neither a lost packet's copy in the next one
(in-band FEC) nor concealment (PLC), and WebRTC lines need both.

An encoder or decoder belongs to one stream and to one thread at a time; libopus runs without the interpreter's lock.
Call it inline: on a server's core 20 ms take 0.2 ms to encode (complexity 5) and 0.03 ms to decode, and handing them to
a thread costs 0.12 to 0.15 ms more.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
import weakref
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_void_p
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio.opus_packet import has_fec, packet_seconds
from scheduler.errors import CorruptPacketError, OpusMissingError

__all__ = ["OpusDecoder", "OpusEncoder", "has_fec", "load_library", "packet_seconds"]

LIBRARY_VARIABLE = "STRETTO_LIBOPUS"
"""The path of a libopus to use instead of the system's or PyAV's."""
SAMPLE_RATES_HZ = (8000, 12000, 16000, 24000, 48000)
LONGEST_PACKET_BYTES = 1275 * 3 + 7
"""What libopus may write for 60 ms (``opus_encode`` of its manual names 4,000 as enough for anything)."""
EXPECTED_LOSS_PERCENT = 5
"""What the encoder protects against until ``expect_loss`` tells what the line loses. tuned"""
UNDISTURBED_SECONDS = 0.12
"""The longest packet, and the longest stretch that libopus is asked to conceal at once."""

_MONO = 1
_APPLICATION_VOIP = 2048
_SIGNAL_VOICE = 3001
_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_DTX = 4016
_SET_SIGNAL = 4024
"""Numbers of ``opus_defines.h``."""


class OpusEncoder:
    """One mono voice to packets. Raises ``OpusMissingError``, and ``ValueError`` for a rate that Opus doesn't know.

    ``bitrate`` in bits a second; ``complexity`` 0 to 10; ``fec``: each packet also holds a coarse copy of the one
    before, as far as the bitrate and the expected loss make that worth while; ``dtx``: nothing is sent in silence.
    """

    def __init__(
        self,
        sample_rate_hz: int = 24000,
        *,
        bitrate: int = 32000,
        complexity: int = 5,
        fec: bool = True,
        dtx: bool = True,
    ) -> None:
        _check_rate(sample_rate_hz)
        self.sample_rate_hz = sample_rate_hz
        self._opus = load_library()
        error = c_int()
        created = self._opus.opus_encoder_create(sample_rate_hz, _MONO, _APPLICATION_VOIP, byref(error))
        self._encoder = _created(created, error)
        weakref.finalize(self, self._opus.opus_encoder_destroy, self._encoder)
        self._lengths = frozenset(sample_rate_hz * milliseconds // 1000 for milliseconds in (10, 20, 40, 60))
        self._samples = np.zeros(max(self._lengths), np.int16)
        self._packet = np.zeros(LONGEST_PACKET_BYTES, np.uint8)
        self._samples_at, self._packet_at = self._samples.ctypes.data, self._packet.ctypes.data
        self._set(_SET_SIGNAL, _SIGNAL_VOICE)
        self._set(_SET_BITRATE, bitrate)
        self._set(_SET_COMPLEXITY, complexity)
        self._set(_SET_INBAND_FEC, int(fec))
        self._set(_SET_DTX, int(dtx))
        self.expect_loss(EXPECTED_LOSS_PERCENT)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """A packet of 10, 20, 40 or 60 ms, int16 of shape ``[n]``. Up to 2 bytes: silence, nothing need be sent.

        Raises ``ValueError`` for any other length.
        """
        count = len(samples)
        if count not in self._lengths:
            raise ValueError(f"an Opus packet is made of 10, 20, 40 or 60 ms, not of {count} samples")
        self._samples[:count] = samples
        made = self._opus.opus_encode(self._encoder, self._samples_at, count, self._packet_at, LONGEST_PACKET_BYTES)
        if made < 0:
            raise RuntimeError(f"libopus did not encode: {_words(self._opus, made)}")
        return self._packet[:made].tobytes()

    def expect_loss(self, percent: int) -> None:
        """The share of packets that the line loses, as its receiver reports it: how much goes into FEC."""
        self._set(_SET_PACKET_LOSS_PERC, min(100, max(0, percent)))

    def _set(self, request: int, value: int) -> None:
        code = self._opus.opus_encoder_ctl(self._encoder, request, c_int32(value))
        if code < 0:
            raise ValueError(f"libopus refuses setting {request} to {value}: {_words(self._opus, code)}")


class OpusDecoder:
    """One stream's packets to mono int16 at ``sample_rate_hz``, whatever rate and channels they were made with.

    Each packet of the stream goes through exactly one of ``decode``, ``recover`` (a copy of it was in the next one) and
    ``conceal``, in order. What any of them returns is the caller's own. Raises ``OpusMissingError`` and ``ValueError``
    as the encoder does.
    """

    def __init__(self, sample_rate_hz: int = 16000) -> None:
        _check_rate(sample_rate_hz)
        self.sample_rate_hz = sample_rate_hz
        self._opus = load_library()
        error = c_int()
        self._decoder = _created(self._opus.opus_decoder_create(sample_rate_hz, _MONO, byref(error)), error)
        weakref.finalize(self, self._opus.opus_decoder_destroy, self._decoder)
        self._step = sample_rate_hz // 400
        self._most = round(UNDISTURBED_SECONDS * sample_rate_hz)
        self._samples = np.zeros(self._most, np.int16)
        self._samples_at = self._samples.ctypes.data

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """What a packet holds, int16 of shape ``[n]``. Raises ``CorruptPacketError``; the decoder can go on after it."""
        if not payload:
            raise CorruptPacketError("An Opus packet has no bytes.")
        return self._run(payload, len(payload), self._most, 0)

    def recover(self, next_payload: bytes, samples: int) -> NDArray[np.int16]:
        """``samples`` that were lost before ``next_payload``: its copy of the last frame, what is before is concealed.

        Without such a copy all is concealed. Raises ``CorruptPacketError``.
        """
        if not next_payload:
            raise CorruptPacketError("An Opus packet has no bytes.")
        samples = max(0, samples)
        from_copy = min(samples, self._most)
        before = self.conceal(samples - from_copy)
        count = self._whole_steps(from_copy)
        last = self._run(next_payload, len(next_payload), count, 1)[count - from_copy :]
        return np.concatenate([before, last]) if len(before) else last

    def conceal(self, samples: int) -> NDArray[np.int16]:
        """``samples`` of what most likely was said, dying away within some 100 ms; comfort noise in a pause."""
        pieces = [self._run(None, 0, self._whole_steps(count), 0)[:count] for count in self._pieces(samples)]
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)

    def _pieces(self, samples: int) -> Iterator[int]:
        while samples > 0:
            yield min(samples, self._most)
            samples -= self._most

    def _whole_steps(self, samples: int) -> int:
        """libopus conceals multiples of 2.5 ms."""
        return -(-samples // self._step) * self._step

    def _run(self, payload: bytes | None, size: int, most: int, fec: int) -> NDArray[np.int16]:
        made = self._opus.opus_decode(self._decoder, payload, size, self._samples_at, most, fec)
        if made < 0:
            raise CorruptPacketError(f"An Opus packet can't be decoded: {_words(self._opus, made)}.")
        return self._samples[:made].copy()


@cache
def load_library() -> ctypes.CDLL:
    """libopus, loaded once: what ``STRETTO_LIBOPUS`` names, else the system's, else the one in PyAV's wheel.

    Raises ``OpusMissingError``.
    """
    for name in _candidates():
        try:
            return _declared(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    raise OpusMissingError(
        "libopus was not found, and without it there is no sound over WebRTC. Install it (apt-get install libopus0), or"
        f" set {LIBRARY_VARIABLE} to its path."
    )


def _candidates() -> Iterator[str]:
    """A path that was set stands alone: falling back from it would hide a mistake."""
    if named := os.environ.get(LIBRARY_VARIABLE):
        yield named
        return
    if system := ctypes.util.find_library("opus"):
        yield system
    spec = importlib.util.find_spec("av")
    if spec is not None and spec.origin is not None:
        yield from map(str, sorted(Path(spec.origin).parents[1].glob("av.libs/libopus-*.so*")))


def _declared(opus: ctypes.CDLL) -> ctypes.CDLL:
    """Types of all that is called. Arguments behind a variadic function's fixed ones stay undeclared, so that ctypes
    passes them the variadic way (which differs on arm64)."""
    opus.opus_encoder_create.argtypes = [c_int32, c_int, c_int, POINTER(c_int)]
    opus.opus_encoder_create.restype = c_void_p
    opus.opus_encoder_destroy.argtypes = [c_void_p]
    opus.opus_encoder_destroy.restype = None
    opus.opus_encoder_ctl.argtypes = [c_void_p, c_int]
    opus.opus_encoder_ctl.restype = c_int
    opus.opus_encode.argtypes = [c_void_p, c_void_p, c_int, c_void_p, c_int32]
    opus.opus_encode.restype = c_int32
    opus.opus_decoder_create.argtypes = [c_int32, c_int, POINTER(c_int)]
    opus.opus_decoder_create.restype = c_void_p
    opus.opus_decoder_destroy.argtypes = [c_void_p]
    opus.opus_decoder_destroy.restype = None
    opus.opus_decode.argtypes = [c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int]
    opus.opus_decode.restype = c_int
    opus.opus_strerror.argtypes = [c_int]
    opus.opus_strerror.restype = c_char_p
    return opus


def _check_rate(sample_rate_hz: int) -> None:
    if sample_rate_hz not in SAMPLE_RATES_HZ:
        raise ValueError(f"Opus works at {SAMPLE_RATES_HZ} Hz, not at {sample_rate_hz} Hz")


def _created(address: int | None, error: c_int) -> int:
    if not address or error.value < 0:
        raise MemoryError(f"libopus made no coder (error {error.value})")
    return address


def _words(opus: ctypes.CDLL, code: int) -> str:
    text: bytes = opus.opus_strerror(code)
    return text.decode()
