"""Pure: where speech begins and ends, in audio time, from one probability per chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

EPSILON_SECONDS = 1e-9


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """``offset_threshold_margin``: voice goes on until the probability falls this far below ``threshold``
    (0.15 as in Silero's own iterator). The other times are tuned on the benches: 64 ms of voice is two chunks,
    enough to tell speech from a click and early enough for ducking within 120 ms."""

    threshold: float = 0.5
    offset_threshold_margin: float = 0.15
    onset_seconds: float = 0.064
    min_pause_seconds: float = 0.2
    offset_lag_seconds: float = 0.08
    """What the detector's probability lags behind at the end of speech; taken off again here."""
    fade_seconds: float = 0.09
    """Without voice for this long, speech has faded: three chunks of 32 ms behind a detector without lag, one behind
    Silero, whose lag has told the rest. Short, so that a cough of 0.1 s is known for one at 0.2 s; tuned."""
    pause_step_seconds: float = 0.1
    longest_pause_seconds: float = 6.0
    """After this much silence ``PauseGrew`` is sent no more."""


@dataclass(frozen=True, slots=True)
class SegmentBegan:
    """``audio_seconds``: the true onset, ``voiced_seconds``: voice since."""

    audio_seconds: float
    voiced_seconds: float


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """``audio_seconds``: the true end of voice, ``silence_seconds``: since then."""

    audio_seconds: float
    silence_seconds: float


@dataclass(frozen=True, slots=True)
class PauseLengthened:
    silence_seconds: float


@dataclass(frozen=True, slots=True)
class Faded:
    """Inside speech: no voice for a moment. ``audio_seconds``: the true end of voice, ``silence_seconds``: since then."""

    audio_seconds: float
    silence_seconds: float


@dataclass(frozen=True, slots=True)
class Returned:
    """Voice again after ``Faded``, in the same segment. ``audio_seconds``: its onset."""

    audio_seconds: float


SegmentEvent = SegmentBegan | SegmentEnded | PauseLengthened | Faded | Returned


class Segmenter:
    """Fed with chunks in order; each call returns what it brought to light. Begins in silence, at ``at_seconds``."""

    def __init__(self, settings: SegmentSettings, *, at_seconds: float = 0.0) -> None:
        self._settings = settings
        self._now = at_seconds
        self._speaking = False
        self._run_began_at: float | None = None
        """Onset of a run of voice that may become speech; in speech, of the last one."""
        self._voice_ended_at = at_seconds
        self._faded = False
        """Inside speech: ``Faded`` was told, and no voice since."""
        self._next_pause_seconds: float | None = None
        """The silence at which the next ``PauseLengthened`` is due; ``None``: none is."""

    @property
    def speaking(self) -> bool:
        return self._speaking

    def configure(self, settings: SegmentSettings) -> None:
        """From the next chunk on."""
        self._settings = settings

    def process(self, chunk_seconds: float, probability: float) -> tuple[SegmentEvent, ...]:
        """The next chunk: its length and its probability of speech."""
        began_at = self._now
        self._now += chunk_seconds
        inside = self._in_speech if self._speaking else self._in_silence
        return tuple(inside(began_at, probability))

    def cut(self) -> SegmentEnded | None:
        """Speech is declared over here and now, if there is any (a commit by hand)."""
        self._run_began_at = None
        if not self._speaking:
            return None
        self._speaking = self._faded = False
        self._next_pause_seconds = None
        end = min(self._now, self._voice_ended_at)
        return SegmentEnded(_tidy(end), _tidy(self._now - end))

    def _in_silence(self, began_at: float, probability: float) -> Iterator[SegmentEvent]:
        held = self._run_began_at is not None
        if probability < (self._offset_threshold if held else self._settings.threshold):
            self._run_began_at = None
            yield from self._lengthen()
            return
        if self._run_began_at is None:
            self._run_began_at = began_at
        voiced = self._now - self._run_began_at
        if voiced >= self._settings.onset_seconds - EPSILON_SECONDS:
            self._speaking = True
            self._voice_ended_at = self._now
            yield SegmentBegan(_tidy(self._run_began_at), _tidy(voiced))
        else:
            yield from self._lengthen()

    def _in_speech(self, began_at: float, probability: float) -> Iterator[SegmentEvent]:
        if probability >= self._offset_threshold:
            self._voice_ended_at = self._now
            if self._faded:
                self._faded = False
                self._run_began_at = began_at
                yield Returned(_tidy(began_at))
            return
        end = self._true_end()
        silence = self._now - end
        if silence >= self._settings.min_pause_seconds - EPSILON_SECONDS:
            yield self._end(end, silence)
        elif not self._faded and silence >= self._settings.fade_seconds - EPSILON_SECONDS:
            self._faded = True
            yield Faded(_tidy(end), _tidy(silence))

    def _true_end(self) -> float:
        """Of the last run of voice, not before its onset."""
        onset = self._run_began_at if self._run_began_at is not None else self._voice_ended_at
        return max(onset, self._voice_ended_at - self._settings.offset_lag_seconds)

    def _end(self, end: float, silence: float) -> SegmentEnded:
        self._speaking = self._faded = False
        self._run_began_at = None
        self._voice_ended_at = end
        self._next_pause_seconds = silence + self._settings.pause_step_seconds
        return SegmentEnded(_tidy(end), _tidy(silence))

    def _lengthen(self) -> Iterator[PauseLengthened]:
        due = self._next_pause_seconds
        silence = self._now - self._voice_ended_at
        if due is None or silence < due - EPSILON_SECONDS:
            return
        yield PauseLengthened(_tidy(silence))
        following = due + self._settings.pause_step_seconds
        self._next_pause_seconds = following if following <= self._settings.longest_pause_seconds else None

    @property
    def _offset_threshold(self) -> float:
        return max(0.01, self._settings.threshold - self._settings.offset_threshold_margin)


def _tidy(seconds: float) -> float:
    """Without the dust of adding many chunks."""
    return round(seconds, 6)
