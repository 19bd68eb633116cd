"""How well an end-of-turn model tells the end of an utterance from a place inside it.

``python -m bench.endpointing [--model prosody | smart-turn:PATH]``: the recordings of the folder that
``STRETTO_SPEECH_DIR`` names (see ``bench/hear.py``) and sentences spoken by flite. pocketsphinx aligns the words; the
model hears each utterance up to its end, up to each word gap (faded out over 30 ms) and up to each pause inside,
always with 200 ms of silence after. AUC: how often an end gets a higher probability than a place inside; 0.5 is a
guess. Its interval (95 %) is from drawing whole recordings anew, 1,000 times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from audio.asr.pocketsphinx_worker import is_filler
from audio.end_of_turn.model import EndOfTurnModel
from audio.end_of_turn.registry import make_end_of_turn
from bench.hear import Recording, flite_installed, human_recordings, speak_flite
from bench.table_console import make_console
from scheduler.errors import SettingsError
from scheduler.pcm import Pcm

RATE_HZ = 16_000
SILENCE = np.zeros(RATE_HZ // 5, np.int16)
FADE_SAMPLES = RATE_HZ * 30 // 1000
SHORTEST_PAUSE_SECONDS = 0.12
PAUSE_TAIL_SECONDS = 0.05
"""Of a pause inside, the model hears this much before the silence: a voice dies away there by itself."""
EARLIEST_SECONDS = 0.6
"""Places before this have too little speech before them."""
DRAWS = 1000
FLITE_VOICES = ("rms", "slt", "awb", "kal16")
FLITE_SENTENCES = (
    "what is twelve times twelve",
    "set a timer for five seconds",
    "please remember that my favorite color is green",
    "i would like to book a table for two people tomorrow evening",
    "the train to london leaves at half past seven",
    "could you tell me what the weather will be like on sunday",
    "i think we should move the meeting to thursday afternoon",
    "my order has not arrived yet and i am getting worried",
    "do you know where i left my keys",
    "she told me that the doctor will call back later today",
    "when you get there, call me",
    "if it rains tomorrow, we will stay at home",
    "after the meeting, i have to pick up the children",
    "well, i am not so sure about that",
    "i want a coffee, two rolls, and the newspaper",
    "on monday, the shop is closed",
    "as far as i know, the flight was cancelled",
)


class Place(StrEnum):
    END = "end"
    GAP = "word gap"
    PAUSE = "pause inside"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    recording: str
    place: Place
    audio: Pcm


@dataclass(frozen=True, slots=True)
class Verdict:
    recording: str
    place: Place
    probability: float


@dataclass(frozen=True, slots=True)
class Score:
    """``low`` and ``high``: the interval of the AUC."""

    speech: str
    against: Place
    ends: int
    inside: int
    auc: float
    low: float
    high: float


def cases_of(recording: Recording) -> Iterator[Case]:
    samples = recording.pcm.samples
    yield Case(recording.name, Place.END, _then_silence(samples))
    words = aligned_words(recording)
    for (_, end), (onset, _) in pairwise(words):
        if end < EARLIEST_SECONDS:
            continue
        if onset - end >= SHORTEST_PAUSE_SECONDS:
            yield Case(recording.name, Place.PAUSE, _cut(samples, end + PAUSE_TAIL_SECONDS))
        else:
            yield Case(recording.name, Place.GAP, _cut(samples, end))


def aligned_words(recording: Recording) -> list[tuple[float, float]]:
    """Beginning and end of each word in seconds; none where the dictionary lacks a word."""
    decoder = Decoder(lm=None, loglevel="FATAL")
    try:
        decoder.set_align_text(recording.text.replace(",", ""))
        decoder.start_utt()
        decoder.process_raw(recording.pcm.samples.tobytes(), full_utt=True)
        decoder.end_utt()
    except RuntimeError:
        return []
    found = [] if decoder.hyp() is None else list(decoder.seg())
    return [(seg.start_frame / 100, (seg.end_frame + 1) / 100) for seg in found if not is_filler(seg.word)]


def _cut(samples: NDArray[np.int16], at_seconds: float) -> Pcm:
    kept = samples[: round(at_seconds * RATE_HZ)].astype(np.float64)
    fade = min(FADE_SAMPLES, len(kept))
    kept[len(kept) - fade :] *= np.linspace(1.0, 0.0, fade)
    return _then_silence(kept.astype(np.int16))


def _then_silence(samples: NDArray[np.int16]) -> Pcm:
    return Pcm(np.concatenate([samples, SILENCE]), RATE_HZ)


def sixteen_khz(recordings: Sequence[Recording]) -> list[Recording]:
    return [recording for recording in recordings if recording.pcm.sample_rate_hz == RATE_HZ]


def flite_sentences() -> list[Recording]:
    if not flite_installed():
        return []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        return [
            Recording(f"flite-{voice}:{text}", text, speak_flite(voice, text, path))
            for text in FLITE_SENTENCES
            for voice in FLITE_VOICES
        ]


# --- judging --------------------------------------------------------------------------------------


def auc(ends: NDArray[np.float64], inside: NDArray[np.float64]) -> float:
    """The share of pairs in which the end has the higher probability; equal ones count half."""
    pairs = ends[:, np.newaxis] - inside
    return float(np.mean(pairs > 0) + 0.5 * np.mean(pairs == 0))


def score(speech: str, verdicts: Sequence[Verdict], against: Place) -> Score | None:
    by_recording: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_recording.setdefault(verdict.recording, []).append(verdict)
    groups = list(by_recording.values())
    ends, inside = _split(groups, against)
    if not len(ends) or not len(inside):
        return None
    random = np.random.default_rng(0)
    drawn = (_split([groups[at] for at in random.integers(0, len(groups), len(groups))], against) for _ in range(DRAWS))
    low, high = np.percentile([auc(*pair) for pair in drawn if len(pair[0]) and len(pair[1])], [2.5, 97.5])
    return Score(speech, against, len(ends), len(inside), auc(ends, inside), float(low), float(high))


def _split(groups: Sequence[list[Verdict]], against: Place) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    verdicts = [verdict for group in groups for verdict in group]
    ends = np.array([verdict.probability for verdict in verdicts if verdict.place is Place.END])
    return ends, np.array([verdict.probability for verdict in verdicts if verdict.place is against])


async def judge(model: EndOfTurnModel, cases: Sequence[Case]) -> tuple[list[Verdict], list[float]]:
    """The verdicts, and the CPU seconds of each."""
    verdicts, seconds = [], []
    for case in cases:
        window = round(model.window_seconds * RATE_HZ)
        audio = Pcm(case.audio.samples[-window:], RATE_HZ)
        began_at = time.process_time()
        verdicts.append(Verdict(case.recording, case.place, await model.probability(audio)))
        seconds.append(time.process_time() - began_at)
    return verdicts, seconds


async def run(arguments: argparse.Namespace) -> int:
    console = make_console(json=arguments.json)
    model = make_end_of_turn(arguments.model)
    speech = {"human": sixteen_khz(human_recordings()), "flite": flite_sentences()}
    if model is None or not any(speech.values()):
        console.print("Nothing to judge: set STRETTO_SPEECH_DIR to a folder of recordings, or install flite.")
        return 2
    scores: list[Score] = []
    costs: list[float] = []
    await model.warm_up()
    try:
        with Progress(console=console, transient=True) as progress:
            for name, recordings in speech.items():
                tracked = progress.track(recordings, description=name)
                verdicts, seconds = await judge(model, [case for one in tracked for case in cases_of(one)])
                costs += seconds
                found = (score(name, verdicts, against) for against in (Place.GAP, Place.PAUSE))
                scores += [one for one in found if one is not None]
    finally:
        await model.close()
    report(console, model.name, scores, median(costs), as_json=arguments.json)
    return 0


def report(console: Console, model: str, scores: Sequence[Score], cost_seconds: float, *, as_json: bool) -> None:
    if as_json:
        for one in scores:
            print(json.dumps({"model": model, "cpu_ms": cost_seconds * 1000, **asdict(one)}))
        return
    table = Table(title=f"{model}, {os.cpu_count()} cores; {cost_seconds * 1000:.1f} ms of CPU for a verdict (median)")
    for column in ("speech", "ends against", "ends", "inside", "AUC", "95 %"):
        table.add_column(column)
    for one in scores:
        interval = f"{one.low:.2f} to {one.high:.2f}"
        table.add_row(one.speech, one.against, str(one.ends), str(one.inside), f"{one.auc:.2f}", interval)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="prosody", help="the model's spec")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    try:
        return asyncio.run(run(parser.parse_args()))
    except SettingsError as error:
        parser.error(str(error))


if __name__ == "__main__":
    raise SystemExit(main())
