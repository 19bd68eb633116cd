"""G.711 against libav's codecs, the recommendation's own corner values, and its own error bound."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from audio.g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
LAWS = [("pcm_mulaw", encode_mulaw, decode_mulaw), ("pcm_alaw", encode_alaw, decode_alaw)]
Encode = Callable[[NDArray[np.int16]], bytes]
Decode = Callable[[bytes], NDArray[np.int16]]


def libav_decode(codec: str, data: bytes) -> NDArray[np.int16]:
    context = av.CodecContext.create(codec, "r")
    context.sample_rate = 8000
    context.layout = "mono"
    return np.concatenate([frame.to_ndarray()[0] for frame in context.decode(av.Packet(data))])


def libav_encode(codec: str, samples: NDArray[np.int16]) -> bytes:
    context = av.CodecContext.create(codec, "w")
    context.sample_rate = 8000
    context.layout = "mono"
    context.format = "s16"
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


@pytest.mark.parametrize(("codec", "encode", "decode"), LAWS)
def test_decoding_is_that_of_libav(codec: str, encode: Encode, decode: Decode) -> None:
    assert np.array_equal(decode(bytes(range(256))), libav_decode(codec, bytes(range(256))))


@pytest.mark.parametrize(("codec", "encode", "decode"), LAWS)
def test_encoding_errs_by_half_a_step_at_most(codec: str, encode: Encode, decode: Decode) -> None:
    linear = EVERY_SAMPLE.astype(np.int64)
    error = np.abs(decode(encode(EVERY_SAMPLE)).astype(np.int64) - linear)
    half_step = np.maximum(8, (np.abs(linear) + 132) / 32)  # sixteen steps in each doubling; A-law's smallest is 16
    assert np.all(error <= half_step + 1)


@pytest.mark.parametrize(("codec", "encode", "decode"), LAWS)
def test_encoding_is_that_of_libav_but_for_decision_borders(codec: str, encode: Encode, decode: Decode) -> None:
    ours = np.frombuffer(encode(EVERY_SAMPLE), np.uint8)
    theirs = np.frombuffer(libav_encode(codec, EVERY_SAMPLE), np.uint8)
    differing = np.flatnonzero(ours != theirs)
    assert len(differing) < 0.02 * len(ours)
    values = np.unique(decode(bytes(range(256))))
    steps = np.searchsorted(values, decode(ours.tobytes())) - np.searchsorted(values, decode(theirs.tobytes()))
    assert np.max(np.abs(steps)) <= 1


@pytest.mark.parametrize(("codec", "encode", "decode"), LAWS)
def test_every_code_comes_back(codec: str, encode: Encode, decode: Decode) -> None:
    again = encode(decode(bytes(range(256))))
    differing = [code for code in range(256) if again[code] != code]
    assert differing in ([], [0x7F])  # mu-law has two zeros


def test_corner_values() -> None:
    samples = np.array([0, 32767, -32768], np.int16)
    assert encode_mulaw(samples) == bytes([0xFF, 0x80, 0x00])
    assert encode_alaw(samples) == bytes([0xD5, 0xAA, 0x2A])


def test_polarity_is_kept() -> None:
    for encode, decode in ((encode_mulaw, decode_mulaw), (encode_alaw, decode_alaw)):
        assert np.array_equal(np.sign(decode(encode(np.array([5000, -5000], np.int16)))), [1, -1])
