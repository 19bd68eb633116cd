"""Pure: the audio formats of the protocol: bytes on the wire to PCM and back."""

from __future__ import annotations

from audio.g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw
from scheduler.pcm import Pcm

RATES_HZ = {"audio/pcm": 24_000, "audio/pcmu": 8_000, "audio/pcma": 8_000}
SAMPLE_BYTES = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}


def decode(audio_format: str, data: bytes) -> Pcm:
    """Whole samples of ``audio_format`` (a key of ``RATES_HZ``)."""
    match audio_format:
        case "audio/pcmu":
            return Pcm(decode_mulaw(data), 8_000)
        case "audio/pcma":
            return Pcm(decode_alaw(data), 8_000)
        case _:
            return Pcm.from_bytes(data, 24_000)


def encode(audio_format: str, pcm: Pcm) -> bytes:
    """``pcm`` must have the format's rate."""
    match audio_format:
        case "audio/pcmu":
            return encode_mulaw(pcm.samples)
        case "audio/pcma":
            return encode_alaw(pcm.samples)
        case _:
            return pcm.to_bytes()
