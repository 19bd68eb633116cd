"""The child's side of the Whisper engine: one model, shared by the streams of this process.

A segment's audio is decoded again every ``step_seconds`` of new audio, and once more at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from audio.asr.local_agreement import LocalAgreement
from audio.asr.pooled import Begin, Finish, Open
from audio.asr.recognizer import Hypothesis, primary_language
from scheduler.pcm import WordTime

SAMPLE_RATE_HZ = 16_000
STEP_SECONDS_GPU = 0.5
STEP_SECONDS_CPU = 1.0
"""Each run encodes a whole 30 s window, so a CPU can't afford more."""
TRIM_SECONDS = 15.0
"""Settled audio is let go when more than this has gathered, so that a run stays within Whisper's 30 s window."""
LONGEST_SECONDS = 28.0
SHORTEST_SECONDS = 0.3
"""Less audio than this holds no word, and Whisper makes some up for it."""


@dataclass(slots=True)
class _Segment:
    number: int
    offset_seconds: float
    """Audio time of the first sample that is still kept."""
    audio: NDArray[np.float32]
    agreement: LocalAgreement
    undecoded: int = 0


class WhisperStream:
    def __init__(self, model: Any, language: str | None, step_seconds: float) -> None:
        self._model = model
        self._language = language
        self._step_samples = round(step_seconds * SAMPLE_RATE_HZ)
        self._open: _Segment | None = None

    def receive(self, message: object) -> Iterable[object]:
        match message:
            case Begin(number, start_seconds):
                self._open = _Segment(number, start_seconds, np.zeros(0, np.float32), LocalAgreement())
                return ()
            case bytes():
                return self._feed(message)
            case Finish():
                return self._finish()
            case _:
                raise TypeError(f"not a message of a recogniser: {type(message).__name__}")

    def close(self) -> None:
        self._open = None

    def _feed(self, audio: bytes) -> Iterator[Hypothesis]:
        segment = self._open
        if segment is None:
            return
        samples = np.frombuffer(audio, np.int16).astype(np.float32) / 32768.0
        segment.audio = np.concatenate([segment.audio, samples])
        segment.undecoded += len(samples)
        if segment.undecoded >= self._step_samples:
            segment.undecoded = 0
            segment.agreement.update(self._decode(segment))
            self._trim(segment)
            yield Hypothesis(segment.number, segment.agreement.stable, segment.agreement.tentative, is_final=False)

    def _finish(self) -> Iterator[Hypothesis]:
        segment, self._open = self._open, None
        if segment is not None:
            words = segment.agreement.finish(self._decode(segment))
            yield Hypothesis(segment.number, words, (), is_final=True)

    def _decode(self, segment: _Segment) -> tuple[WordTime, ...]:
        if len(segment.audio) < SHORTEST_SECONDS * SAMPLE_RATE_HZ:
            return ()
        runs, _ = self._model.transcribe(
            segment.audio,
            language=self._language,
            beam_size=1,
            word_timestamps=True,
            condition_on_previous_text=False,
            initial_prompt=segment.agreement.prompt() or None,
        )
        return tuple(
            WordTime(
                word.word.strip(),
                segment.offset_seconds + float(word.start),
                segment.offset_seconds + float(word.end),
                float(word.probability),
            )
            for run in runs
            for word in run.words or ()
            if word.word.strip()
        )

    def _trim(self, segment: _Segment) -> None:
        length = len(segment.audio) / SAMPLE_RATE_HZ
        if length <= TRIM_SECONDS:
            return
        settled = segment.agreement.stable[-1].end_seconds if segment.agreement.stable else segment.offset_seconds
        cut_seconds = max(settled - segment.offset_seconds, length - LONGEST_SECONDS)
        cut = min(len(segment.audio), max(0, round(cut_seconds * SAMPLE_RATE_HZ)))
        segment.audio = segment.audio[cut:]
        segment.offset_seconds += cut / SAMPLE_RATE_HZ


class WhisperHolder:
    def __init__(self, model: str, device: str, compute_type: str) -> None:
        self._model = WhisperModel(model, device=device, compute_type=compute_type, local_files_only=True)
        on_gpu = self._model.model.device == "cuda"
        self._step_seconds = STEP_SECONDS_GPU if on_gpu else STEP_SECONDS_CPU

    def open(self, message: Open) -> WhisperStream:
        language = primary_language(message.language) if message.language else None
        if not self._model.model.is_multilingual:
            language = "en"
        elif language not in self._model.supported_languages:
            language = None  # found by ear; the engine raises for a language it doesn't know
        return WhisperStream(self._model, language, self._step_seconds)

    def idle(self) -> None:
        pass


def make_holder(model: str, device: str, compute_type: str) -> WhisperHolder:
    """The factory that the pool names. ``model``: a folder with a CTranslate2 model."""
    return WhisperHolder(model, device, compute_type)
