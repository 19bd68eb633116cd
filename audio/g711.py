"""Pure: G.711 telephone audio, mu-law (PCMU) and A-law (PCMA), by tables made from the formulas of ITU-T G.711.

One byte per sample at 8 kHz. Linear samples are int16; both laws keep 13 to 14 bits of range with about 38 dB
of signal to noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MU_BIAS = 33 << 2
"""G.711's bias of 33 at 14 bits, on the 16-bit scale."""
MU_CLIP = 32635


def decode_mulaw(data: bytes) -> NDArray[np.int16]:
    """Bytes to linear int16 of shape ``[n]``."""
    return _MU_DECODE[np.frombuffer(data, np.uint8)]


def decode_alaw(data: bytes) -> NDArray[np.int16]:
    """Bytes to linear int16 of shape ``[n]``."""
    return _A_DECODE[np.frombuffer(data, np.uint8)]


def encode_mulaw(samples: NDArray[np.int16]) -> bytes:
    """Linear int16 of shape ``[n]`` to bytes."""
    return _MU_ENCODE[samples.view(np.uint16)].tobytes()


def encode_alaw(samples: NDArray[np.int16]) -> bytes:
    """Linear int16 of shape ``[n]`` to bytes."""
    return _A_ENCODE[samples.view(np.uint16)].tobytes()


def _mulaw_to_linear() -> NDArray[np.int16]:
    """All bits are sent inverted; sign, 3 bits of exponent, 4 of mantissa. A set sign bit means positive on the wire."""
    code = ~np.arange(256) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + MU_BIAS) << exponent) - MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_to_linear() -> NDArray[np.int16]:
    """Even bits are sent inverted (0x55); a set sign bit means positive. Exponent 0 is linear with 1."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    first = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, first, (first + 256) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _linear_to_mulaw() -> NDArray[np.uint8]:
    """For every int16, at the index of its bits as uint16."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(linear), MU_CLIP) + MU_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    code = (np.where(linear < 0, 0x80, 0) | (exponent << 4) | mantissa).astype(np.int32)
    return np.asarray(~code & 0xFF, np.uint8)


def _linear_to_alaw() -> NDArray[np.uint8]:
    """For every int16, at the index of its bits as uint16. Negative samples are one's complements, as in G.711."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.where(linear < 0, ~linear, linear) >> 4
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    exponent = np.where(magnitude < 16, 0, exponent + 1)
    mantissa = (magnitude >> np.maximum(exponent - 1, 0)) & 15
    code = np.where(linear < 0, 0, 0x80) | (exponent << 4) | mantissa
    return np.asarray(code ^ 0x55, np.uint8)


_MU_DECODE = _mulaw_to_linear()
_A_DECODE = _alaw_to_linear()
_MU_ENCODE = _linear_to_mulaw()
_A_ENCODE = _linear_to_alaw()
