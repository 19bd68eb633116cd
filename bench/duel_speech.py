"""What the caller of the duel sounds like: a made-up talker, or flite's speech fitted to the scene's times.

Energy detectors take the made-up talker for speech, and it is loud from its first frame to its last. Silero hears two
talkers in it; for Silero the words are rendered, cut where the scene changes its pace, and each piece is stretched or
shortened (WSOLA: Verhelst and Roelands, ICASSP 1993) to last as long as the scene says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.babble import babble
from bench.duel_scenes import DuelTurn
from scheduler.pcm import WordTime
from tts.registry import make_voice
from tts.voice import Voice

RATE_HZ = 16_000
LOUD_DBFS = -45.0
LOUD = 32768 * 10 ** (LOUD_DBFS / 20)
VOICES = ("flite:rms", "flite:slt")
"""They take turns."""
PEAK = 12_000
FRAME_SECONDS = 0.03
SEEK_SECONDS = 0.0075
"""How far a frame may be moved for the best fit: half a period of a low voice."""

Samples = NDArray[np.int16]


def made_up(seconds: float) -> Samples:
    """Loud from its first frame to its last: it begins and ends in the middle of a syllable."""
    middle = RATE_HZ // 8
    return babble(seconds + 0.25, RATE_HZ, between=0.3)[middle : middle + round(seconds * RATE_HZ)]


def speeches(turns: Sequence[DuelTurn], vad: str) -> list[Samples]:
    """One for each turn, as long as the turn, with a loud first and last sample. int16, mono, 16 kHz. Blocks until all are
    rendered. Raises ``SettingsError`` where flite is missing."""
    return asyncio.run(_all_rendered(turns)) if vad == "silero" else [made_up(turn.seconds) for turn in turns]


async def _all_rendered(turns: Sequence[DuelTurn]) -> list[Samples]:
    voices = [make_voice(name) for name in VOICES]
    rendered: dict[tuple[int, tuple[WordTime, ...]], Samples] = {}
    keys = [(number % len(voices), turn.said) for number, turn in enumerate(turns)]
    for number, said in dict.fromkeys(keys):
        rendered[number, said] = await _rendered(voices[number], said)
    for voice in voices:
        await voice.close()
    return [rendered[key] for key in keys]


async def _rendered(voice: Voice, said: Sequence[WordTime]) -> Samples:
    samples, starts = await _spoken(voice, [word.text.strip(",") for word in said])
    if len(starts) != len(said):
        raise ValueError(f"{voice.name} has times for {len(starts)} of {len(said)} words")
    pieces = _pieces(said)
    borders = [0, *(round(starts[first] * RATE_HZ) for first, _ in pieces[1:]), len(samples)]
    fitted = [
        time_scaled(samples[begin:end], round(seconds * RATE_HZ))
        for (begin, end), (_, seconds) in zip(pairwise(borders), pieces, strict=True)
    ]
    return _loud_to_the_ends(np.concatenate(fitted))


async def _spoken(voice: Voice, words: Sequence[str]) -> tuple[Samples, list[float]]:
    """Without the silence around it; where each word starts, in seconds."""
    chunks = [chunk async for chunk in voice.speak(" ".join(words))]
    samples = np.concatenate([chunk.pcm.samples for chunk in chunks])
    at_rate = soxr.resample(samples, voice.sample_rate_hz, RATE_HZ)
    level = np.asarray(at_rate * (PEAK / np.abs(at_rate.astype(np.int32)).max()), np.int16)
    loud = np.flatnonzero(np.abs(level) > LOUD)
    first, last = int(loud[0]), int(loud[-1]) + 1
    starts = [max(0.0, word.start_seconds - first / RATE_HZ) for chunk in chunks for word in chunk.words]
    return level[first:last], starts


def _pieces(said: Sequence[WordTime]) -> list[tuple[int, float]]:
    """Words in a row that last equally long: the number of the first, and the seconds of all."""
    groups = groupby(range(len(said)), lambda number: round(said[number].end_seconds - said[number].start_seconds, 6))
    places = [list(numbers) for _, numbers in groups]
    return [(each[0], said[each[-1]].end_seconds - said[each[0]].start_seconds) for each in places]


def time_scaled(samples: Samples, count: int) -> Samples:
    """``count`` samples that sound like ``samples`` at another pace, at the same pitch. Shorter input than two frames is
    cut, or silence is added."""
    frame, seek = round(FRAME_SECONDS * RATE_HZ), round(SEEK_SECONDS * RATE_HZ)
    if len(samples) < 2 * frame or count < 2 * frame:
        return np.resize(np.append(samples, np.zeros(max(0, count - len(samples)), np.int16)), count)
    hop, window = frame // 2, np.hanning(frame)
    source = np.pad(samples.astype(np.float64), (seek, 2 * frame + 2 * seek), mode="symmetric")
    made, weight = np.zeros(count + 2 * frame), np.zeros(count + 2 * frame)
    follows = source[seek : seek + frame]
    """What would come next at the old pace: the next frame is to be like it."""
    for place in range(0, count, hop):
        begin = round(place * (len(samples) - frame) / max(1, count - frame))
        around = source[begin : begin + frame + 2 * seek]
        best = begin + int(np.argmax(np.correlate(around, follows, "valid")))
        made[place : place + frame] += window * source[best : best + frame]
        weight[place : place + frame] += window
        follows = source[best + hop : best + hop + frame]
    return np.asarray(np.clip(made / np.maximum(weight, 1e-3), -32768, 32767)[:count], np.int16)


def _loud_to_the_ends(samples: Samples) -> Samples:
    """Speech dies away; its first and its last 5 ms are raised just above what counts as loud."""
    edge = round(0.005 * RATE_HZ)
    raised = samples.astype(np.float64)
    for part in (raised[:edge], raised[-edge:]):
        peak = np.abs(part).max()
        part *= max(1.0, 1.5 * LOUD / max(1.0, peak))
    return np.asarray(raised, np.int16)
