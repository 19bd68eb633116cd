"""How well and how fast the ears hear: word error rate, delays and rewrites, per recording and in all.

``python -m bench.hear``: the recordings of the folder that ``STRETTO_SPEECH_DIR`` names (with
``transcripts.tsv``: file, tab, text) and sentences spoken by flite, through the whole of ``audio.ears`` in real
time; ``--fast`` as fast as the engine goes (then there are no delays to report).
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import jiwer
import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from audio.asr.recognizer import Recognizer
from audio.asr.registry import make_recognizer
from audio.ears import Ears, EarsSettings
from audio.vad import SileroDetector, level_dbfs
from bench.table_console import make_console
from scheduler.events import Event, SpeechStopped, TranscriptRevised
from scheduler.pcm import Pcm, WordTime, join_words
from scheduler.policy import TurnDetection

BLOCK_SECONDS = 0.02
LEAD_IN_SECONDS = 0.5
LEAD_OUT_SECONDS = 1.0
SILENCE_DBFS = -45.0
"""Speech in a recording begins and ends with the first and last 10 ms above this level under its loudest."""
FLITE_VOICES = ("rms", "slt")
FLITE_SENTENCES = (
    "what is twelve times twelve",
    "set a timer for five seconds",
    "count to five",
    "what time is it now",
    "please remember that my favorite color is green",
)


@dataclass(frozen=True, slots=True)
class Recording:
    name: str
    text: str
    pcm: Pcm


@dataclass(slots=True)
class Hearing:
    """What came of one recording. Delays in seconds of wall time, ``None`` where nothing came."""

    name: str
    group: str
    reference: str
    heard: str = ""
    word_error_rate: float = 0.0
    first_partial_seconds: float | None = None
    """From the onset of speech in the recording."""
    final_seconds: float | None = None
    """From the end of speech in the recording to the last final, the pause before the segment's end included."""
    after_stop_seconds: float | None = None
    """From ``SpeechStopped`` to the final."""
    segments: int = 0
    updates: int = 0
    rewrites: int = 0
    """Updates that changed a word before the last one of the update before."""
    broken_promises: int = 0
    """Words that were called stable and changed all the same."""


@dataclass(slots=True)
class _Watch:
    """Collects the events of one recording, with the times at which they came."""

    events: list[tuple[float, Event]] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        self.events.append((asyncio.get_running_loop().time(), event))


async def hear(recording: Recording, recognizer: Recognizer, *, fast: bool, settings: EarsSettings) -> Hearing:
    """Stream one recording through fresh ears."""
    watch = _Watch()
    ears = Ears(watch.publish, recognizer, SileroDetector(), TurnDetection(), settings=settings)
    rate = recording.pcm.sample_rate_hz
    lead_in, lead_out = Pcm.silence(LEAD_IN_SECONDS, rate), Pcm.silence(LEAD_OUT_SECONDS, rate)
    samples = np.concatenate([lead_in.samples, recording.pcm.samples, lead_out.samples])
    async with asyncio.TaskGroup() as group:
        group.create_task(ears.run())
        began_at = asyncio.get_running_loop().time()
        step = round(BLOCK_SECONDS * rate)
        for index, at in enumerate(range(0, len(samples), step)):
            if not fast:
                due_at = began_at + (index + 1) * BLOCK_SECONDS
                await asyncio.sleep(max(0.0, due_at - asyncio.get_running_loop().time()))
            ears.hear(Pcm(samples[at : at + step], rate))
        ears.close()
    onset, offset = speech_bounds(recording.pcm)
    return judge(recording, watch.events, began_at + LEAD_IN_SECONDS + onset, began_at + LEAD_IN_SECONDS + offset, fast)


def judge(
    recording: Recording, events: Sequence[tuple[float, Event]], onset_at: float, offset_at: float, fast: bool
) -> Hearing:
    revisions = [(at, event) for at, event in events if isinstance(event, TranscriptRevised)]
    finals = [(at, event) for at, event in revisions if event.is_final]
    hearing = Hearing(recording.name, recording.name.split(":")[0], recording.text)
    hearing.heard = " ".join(filter(None, (join_words(event.words) for _, event in finals)))
    hearing.word_error_rate = float(jiwer.wer(recording.text, hearing.heard))
    hearing.segments = len(finals)
    hearing.updates = len(revisions)
    count_changes(hearing, [event for _, event in revisions])
    if not fast:
        measure_delays(hearing, events, onset_at, offset_at)
    return hearing


def measure_delays(hearing: Hearing, events: Sequence[tuple[float, Event]], onset_at: float, offset_at: float) -> None:
    revisions = [(at, event) for at, event in events if isinstance(event, TranscriptRevised)]
    stops = [at for at, event in events if isinstance(event, SpeechStopped)]
    hearing.first_partial_seconds = next((at - onset_at for at, event in revisions if event.words), None)
    final_at = next((at for at, event in reversed(revisions) if event.is_final and event.words), None)
    if final_at is not None:
        hearing.final_seconds = final_at - offset_at
        before = [at for at in stops if at <= final_at]
        hearing.after_stop_seconds = final_at - before[-1] if before else None


def count_changes(hearing: Hearing, revisions: Iterable[TranscriptRevised]) -> None:
    before: dict[int, TranscriptRevised] = {}
    for revision in revisions:
        last = before.get(revision.segment)
        if last is not None:
            hearing.rewrites += _texts(revision.words)[: len(last.words) - 1] != _texts(last.words)[:-1]
            kept = _texts(revision.words)[: len(last.stable)]
            hearing.broken_promises += sum(a != b for a, b in zip(kept, _texts(last.stable), strict=False))
        before[revision.segment] = revision


def _texts(words: tuple[WordTime, ...]) -> list[str]:
    return [word.text for word in words]


def speech_bounds(pcm: Pcm) -> tuple[float, float]:
    """Where speech begins and ends in a clean recording, in seconds, by level."""
    frame = pcm.sample_rate_hz // 100
    levels = [level_dbfs(pcm.samples[at : at + frame]) for at in range(0, len(pcm.samples), frame)]
    loud = [index for index, level in enumerate(levels) if level > max(levels) + SILENCE_DBFS]
    return loud[0] / 100, (loud[-1] + 1) / 100


# --- recordings -----------------------------------------------------------------------------------


def human_recordings() -> list[Recording]:
    """Those of ``STRETTO_SPEECH_DIR``, none if it isn't set."""
    folder = os.environ.get("STRETTO_SPEECH_DIR")
    if not folder:
        return []
    with (Path(folder) / "transcripts.tsv").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    return [Recording(f"human:{name}", text, _read(Path(folder) / name)) for name, text in rows]


def flite_recordings() -> list[Recording]:
    """Sentences spoken by the ``flite`` command, none where it isn't installed."""
    if not flite_installed():
        return []
    with tempfile.TemporaryDirectory() as folder:
        return [
            Recording(f"flite-{voice}:{text}", text, speak_flite(voice, text, Path(folder) / "speech.wav"))
            for voice in FLITE_VOICES
            for text in FLITE_SENTENCES
        ]


def flite_installed() -> bool:
    return shutil.which("flite") is not None


def speak_flite(voice: str, text: str, path: Path) -> Pcm:
    """``path``: a file to speak into."""
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    return _read(path)


def _read(path: Path) -> Pcm:
    samples: NDArray[np.int16]
    samples, rate = soundfile.read(path, dtype="int16")
    return Pcm(samples, rate)


# --- report ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Totals:
    group: str
    recordings: int
    word_error_rate: float
    first_partial_seconds: float | None
    final_seconds: float | None
    after_stop_seconds: float | None
    updates: int
    rewritten_share: float
    broken_promises: int


def totals(group: str, hearings: Sequence[Hearing]) -> Totals:
    """Of one group; delays are medians."""
    updates = sum(hearing.updates for hearing in hearings)
    return Totals(
        group,
        len(hearings),
        float(jiwer.wer([hearing.reference for hearing in hearings], [hearing.heard for hearing in hearings])),
        _median(hearing.first_partial_seconds for hearing in hearings),
        _median(hearing.final_seconds for hearing in hearings),
        _median(hearing.after_stop_seconds for hearing in hearings),
        updates,
        sum(hearing.rewrites for hearing in hearings) / max(1, updates),
        sum(hearing.broken_promises for hearing in hearings),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f}"


def print_table(console: Console, hearings: Sequence[Hearing], sums: Sequence[Totals], engine: str) -> None:
    table = Table(title=f"{engine}, {os.cpu_count()} cores; delays in ms")
    for column in ("recording", "WER %", "first partial", "final", "after stop", "segments", "updates", "rewrites"):
        table.add_column(column, justify="left" if column == "recording" else "right")
    for one in hearings:
        delays = (_ms(one.first_partial_seconds), _ms(one.final_seconds), _ms(one.after_stop_seconds))
        counts = (str(one.segments), str(one.updates), str(one.rewrites))
        table.add_row(one.name[:24], f"{one.word_error_rate * 100:.0f}", *delays, *counts)
    table.add_section()
    for total in sums:
        delays = (_ms(total.first_partial_seconds), _ms(total.final_seconds), _ms(total.after_stop_seconds))
        rewritten = f"{total.rewritten_share * 100:.0f} %"
        name = f"{total.group} ({total.recordings})"
        table.add_row(name, f"{total.word_error_rate * 100:.1f}", *delays, "", str(total.updates), rewritten)
    console.print(table)


async def run(arguments: argparse.Namespace) -> int:
    console = make_console(json=arguments.json)
    recordings = (human_recordings() + flite_recordings())[: arguments.limit]
    if not recordings:
        console.print("Nothing to hear: set STRETTO_SPEECH_DIR to a folder of recordings, or install flite.")
        return 2
    recognizer = make_recognizer(arguments.asr)
    settings = EarsSettings(min_pause_seconds=arguments.min_pause)
    hearings = []
    try:
        await recognizer.warm_up()
        with Progress(console=console, transient=True) as progress:
            for recording in progress.track(recordings, description="hearing"):
                hearing = await hear(recording, recognizer, fast=arguments.fast, settings=settings)
                hearings.append(hearing)
    finally:
        await recognizer.close()
    sums = [totals(group, [h for h in hearings if h.group == group]) for group in sorted({h.group for h in hearings})]
    engine = recognizer.name + (" (simulated)" if recognizer.simulated else "")
    if arguments.json:
        for result in [*map(asdict, hearings), *map(asdict, sums)]:
            print(json.dumps({"engine": engine, "cores": os.cpu_count(), **result}))
    else:
        print_table(console, hearings, sums, engine)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asr", default="pocketsphinx", help="the recogniser's spec")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many recordings")
    parser.add_argument("--fast", action="store_true", help="as fast as the engine goes")
    parser.add_argument("--min-pause", type=float, default=EarsSettings().min_pause_seconds, help="seconds")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
