"""Pure: how a barge-in went, by the audio that sounded at the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.loopback import PlayedBlock
from bench.barge_in_call import LOUD, Trial
from bench.barge_in_sounds import RATE_HZ
from scheduler.events import TranscriptRevised
from scheduler.words import bare_words, is_backchannel

WINDOW_SECONDS = 0.005
DUCKED_DB = -8.0
DEEP_DB = -17.5
"""18 dB down, and half a dB for rounding of quiet samples."""

SHORTEST_PAUSE_SECONDS = 0.1
WORD_SLACK_SECONDS = 0.02
"""A word of which no more than this is missing was played: voices end words with silence."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Milliseconds from the sound's onset until the last audio that was louder; ``None``: it was so to the end."""

    ducked_ms: float | None
    deep_ms: float | None
    silent_ms: float | None
    known_ms: float | None
    """When the recogniser told the first word that is no backchannel."""
    paused_ms: float | None
    """Longest gap in what was not stopped; ``None``: there was none."""
    stopped: bool
    restored: bool
    """At the end the level was whole again."""
    taken_up: bool
    words_played: int
    words_wrong: int
    """Of those played and not in the history, or in it and not played."""


def judged(trial: Trial, undisturbed: Sequence[PlayedBlock]) -> Outcome:
    """``undisturbed``: the same speech when nobody interrupts."""
    stopped = trial.stopped()
    first = trial.blocks[0].utterance_id
    mine = [block for block in trial.blocks if block.utterance_id == first]
    times, gains = levels(mine, [block for block in undisturbed if block.utterance_id == undisturbed[0].utterance_id])
    after = times >= trial.onset_at
    times, gains = times[after], gains[after]
    played, wrong = _words(trial, first, mine)
    return Outcome(
        _last_above(times, gains, DUCKED_DB, trial.onset_at) if _ever(gains, DUCKED_DB) else None,
        _last_above(times, gains, DEEP_DB, trial.onset_at)
        if _ever(gains, DEEP_DB) or (stopped and len(gains))
        else None,
        _silent_ms(mine, trial.onset_at) if stopped else None,
        _known_ms(trial),
        _paused_ms(mine, trial.onset_at) if stopped is None else None,
        stopped is not None,
        len(gains) > 0 and bool(gains[-1] > -1.0),
        trial.taken_up(),
        played,
        wrong,
    )


def _ever(gains: NDArray[np.float64], db: float) -> bool:
    return bool(np.any(gains <= db))


def levels(
    blocks: Sequence[PlayedBlock], undisturbed: Sequence[PlayedBlock]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """End of each window in loop time, and its level in dB against the same place of the undisturbed speech. Windows in
    which that is nearly silent are left out."""
    window = round(WINDOW_SECONDS * RATE_HZ)
    now = np.concatenate([block.pcm.samples for block in blocks]).astype(np.float64)
    at = np.concatenate([block.starts_at + np.arange(len(block.pcm.samples)) / RATE_HZ for block in blocks])
    reference = np.concatenate([block.pcm.samples for block in undisturbed]).astype(np.float64)
    length = min(len(now), len(reference)) // window * window
    levels_now, levels_then = (_rms(signal[:length], window) for signal in (now, reference))
    known = levels_then > 300.0
    gains = 20 * np.log10(np.maximum(levels_now, 1e-3) / np.maximum(levels_then, 1e-3))
    ends = at[window - 1 : length : window] + 1 / RATE_HZ
    return ends[known], gains[known]


def _rms(signal: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.mean(np.square(signal.reshape(-1, window)), axis=1)))


def _last_above(times: NDArray[np.float64], gains: NDArray[np.float64], db: float, onset_at: float) -> float:
    """Until the level first stays under ``db`` for 50 ms, or for good."""
    below = gains <= db
    for index in np.flatnonzero(below):
        soon = (times >= times[index]) & (times < times[index] + 0.05)
        if np.all(below[soon]):
            before = times[:index]
            return round(1000 * (float(before[-1]) - onset_at), 1) if len(before) else 0.0
    return round(1000 * (float(times[-1]) - onset_at), 1)


def _known_ms(trial: Trial) -> float | None:
    for at, each in trial.happened:
        if isinstance(each, TranscriptRevised) and at > trial.onset_at:
            words = bare_words(" ".join(word.text for word in each.words))
            if not is_backchannel(words, 2):
                return round(1000 * (at - trial.onset_at), 1)
    return None


def _silent_ms(blocks: Sequence[PlayedBlock], onset_at: float) -> float:
    for block in reversed(blocks):
        loud = np.flatnonzero(np.abs(block.pcm.samples.astype(np.int32)) > LOUD)
        if len(loud):
            return round(1000 * (block.starts_at + (int(loud[-1]) + 1) / RATE_HZ - onset_at), 1)
    return 0.0


def _paused_ms(blocks: Sequence[PlayedBlock], onset_at: float) -> float | None:
    gaps = (after.starts_at - before.ends_at for before, after in pairwise(blocks) if before.ends_at >= onset_at)
    longest = max(gaps, default=0.0)
    return round(1000 * longest, 1) if longest > SHORTEST_PAUSE_SECONDS else None


def _words(trial: Trial, utterance_id: str, blocks: Sequence[PlayedBlock]) -> tuple[int, int]:
    """Words whose audio was played to their end; and by how many the history differs, where it was interrupted."""
    stopped = trial.stopped()
    if stopped is None or stopped.utterance_id != utterance_id:
        return 0, 0
    seconds = sum(block.pcm.duration_seconds for block in blocks)
    words = [word for block in blocks for word in block.words]
    played = "".join(word.text for word in words if word.end_seconds <= seconds + WORD_SLACK_SECONDS).split()
    recorded = (trial.recorded(utterance_id) or "").split()
    alike = next(
        (index for index, (a, b) in enumerate(zip(played, recorded, strict=False)) if a != b),
        min(len(played), len(recorded)),
    )
    return len(played), max(len(played), len(recorded)) - alike
