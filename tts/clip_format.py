"""Pure: a rendered clip as the bytes of a file (npz), and back."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np

from scheduler.pcm import Pcm, SpeechChunk, WordTime

FORMAT = 1

Clip = tuple[SpeechChunk, ...]


@dataclass(frozen=True, slots=True)
class ClipKey:
    """What a clip is the rendering of."""

    voice: str
    text: str
    sample_rate_hz: int


class ClipFormatError(ValueError):
    """These bytes are no clip of that key."""


def to_bytes(key: ClipKey, clip: Clip) -> bytes:
    """An npz of ``samples`` (int16 ``[n]``) and ``about`` (JSON as uint8 ``[m]``: key, lengths and words)."""
    chunks = [[len(chunk.pcm.samples), [_word_out(word) for word in chunk.words]] for chunk in clip]
    about = {"format": FORMAT, "key": _key_out(key), "chunks": chunks}
    samples = np.concatenate([chunk.pcm.samples for chunk in clip]) if clip else np.zeros(0, np.int16)
    file = io.BytesIO()
    np.savez(file, samples=samples, about=np.frombuffer(json.dumps(about).encode(), np.uint8))
    return file.getvalue()


def from_bytes(key: ClipKey, data: bytes) -> Clip:
    """Raises ``ClipFormatError`` for anything but a whole clip of this key."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            samples, about = file["samples"], json.loads(file["about"].tobytes())
        if about["format"] != FORMAT or about["key"] != _key_out(key):
            raise ClipFormatError("a clip of something else")
        lengths = [int(length) for length, _ in about["chunks"]]
        if sum(lengths) != len(samples) or min(lengths, default=0) < 0:
            raise ClipFormatError("its audio is not whole")
        parts = np.split(samples, np.cumsum(lengths)[:-1]) if lengths else []
        words = [tuple(_word_in(word) for word in words) for _, words in about["chunks"]]
        return tuple(SpeechChunk(Pcm(part, key.sample_rate_hz), said) for part, said in zip(parts, words, strict=True))
    except ClipFormatError:
        raise
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        raise ClipFormatError(f"no clip: {type(error).__name__}") from error


def _key_out(key: ClipKey) -> list[Any]:
    return [key.voice, key.text, key.sample_rate_hz]


def _word_out(word: WordTime) -> list[Any]:
    return [word.text, word.start_seconds, word.end_seconds]


def _word_in(word: list[Any]) -> WordTime:
    text, start_seconds, end_seconds = word
    return WordTime(str(text), float(start_seconds), float(end_seconds))
