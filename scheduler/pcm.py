"""Pure: the audio and word types that all floors share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.words import join_texts


@dataclass(frozen=True, slots=True, eq=False)
class Pcm:
    """A block of mono linear PCM.

    ``samples``: int16, shape ``[n]``, never written to after construction.
    """

    samples: NDArray[np.int16]
    sample_rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.dtype != np.int16 or self.samples.ndim != 1:
            raise ValueError(f"PCM is int16 of shape [n], not {self.samples.dtype} {self.samples.shape}")
        if self.sample_rate_hz <= 0:
            raise ValueError(f"sample rate must be above 0 Hz, not {self.sample_rate_hz}")

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    @classmethod
    def silence(cls, duration_seconds: float, sample_rate_hz: int) -> Pcm:
        return cls(np.zeros(round(duration_seconds * sample_rate_hz), np.int16), sample_rate_hz)

    @classmethod
    def from_bytes(cls, data: bytes, sample_rate_hz: int) -> Pcm:
        """From little-endian int16 bytes; ``ValueError`` on an odd byte count."""
        if len(data) % 2:
            raise ValueError("16-bit audio needs an even number of bytes")
        return cls(np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False), sample_rate_hz)

    def to_bytes(self) -> bytes:
        """Little-endian int16 bytes."""
        return self.samples.astype("<i2", copy=False).tobytes()


@dataclass(frozen=True, slots=True)
class WordTime:
    """A word and when it sounds.

    ``text``: for recognised words, the bare word. For spoken words, the piece of the *source*
    text this word covers with its leading white space, so that ``"".join(w.text for w in words)``
    is the source text again ("twelve" spoken for " 12" has the text " 12").
    Times are seconds: audio time of the session for recognised words, from the start of its
    sentence for words in a ``SpeechChunk``.
    ``confidence``: 0 to 1, ``None`` where the engine knows none.
    """

    text: str
    start_seconds: float
    end_seconds: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SpeechChunk:
    """A piece of rendered speech: audio and the words that *start* in it (times from the sentence's start)."""

    pcm: Pcm
    words: tuple[WordTime, ...] = ()


def join_words(words: tuple[WordTime, ...]) -> str:
    """Recognised words as text, single spaces between, or none where their script has none."""
    return join_texts(*(word.text for word in words))
