"""How far the agent's own echo is known for what it is, and how soon a talker over it is heard.

``python -m bench.echo``: flite speaks as the agent; its voice comes back delayed, softer, with the reverberation of a
made-up room and with noise, through the whole of ``audio.ears``. With nobody talking, each ``SpeechStarted`` is a
mistake. Then somebody talks over it, at four moments: a recording of the folder that ``STRETTO_SPEECH_DIR`` names, else
another voice of flite.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table

from audio.asr.simulated import SimulatedRecognizer
from audio.ears import Ears
from audio.vad import make_detector
from bench.hear import flite_installed, human_recordings, speak_flite
from bench.table_console import make_console
from scheduler import virtual_time
from scheduler.events import Event, SpeechStarted
from scheduler.pcm import Pcm
from scheduler.policy import TurnDetection

RATE_HZ = 16_000
BLOCK_SECONDS = 0.02
BLOCK_SAMPLES = round(BLOCK_SECONDS * RATE_HZ)
Signal = NDArray[np.float64]
AGENT = "The train leaves at half past seven from platform three. It costs forty two pounds and takes two hours."
TALKER = "Excuse me, is there not an earlier one that I could take?"
MOMENTS_SECONDS = (1.0, 1.7, 3.3, 4.4)


@dataclass(frozen=True, slots=True)
class Line:
    """How the agent's voice comes back. ``direct_db``: direct sound over reverberation, which falls by 60 dB in
    ``reverberation_seconds``."""

    delay_seconds: float = 0.15
    echo_db: float = -12.0
    direct_db: float = 6.0
    reverberation_seconds: float = 0.25
    noise_dbfs: float = -60.0


def returned(agent: Signal, line: Line, seed: int = 0) -> Signal:
    """What the microphone hears of the agent, and the noise. As long as ``agent``."""
    random = np.random.default_rng(seed)
    echo = np.convolve(agent, _room(line, random))[: len(agent)] * _factor(line.echo_db)
    delayed = np.concatenate([np.zeros(round(line.delay_seconds * RATE_HZ)), echo])[: len(agent)]
    return np.asarray(delayed + random.normal(0, _factor(line.noise_dbfs), len(agent)))


def _room(line: Line, random: np.random.Generator) -> Signal:
    count = round(line.reverberation_seconds * RATE_HZ)
    tail = random.normal(size=count) * np.power(10.0, -3.0 * np.arange(count) / count)
    tail *= np.sqrt(_factor(-line.direct_db) ** 2 / np.sum(np.square(tail)))
    return np.concatenate([[1.0], tail])


def talked_over(heard: Signal, talker: Signal, at_seconds: float, over_echo_db: float, echo: Signal) -> Signal:
    """``over_echo_db``: level of the talker's loud parts against the echo's."""
    mixed = heard.copy()
    at = round(at_seconds * RATE_HZ)
    talk = talker[: len(mixed) - at] * loud_level(echo) / loud_level(talker) * _factor(over_echo_db)
    mixed[at : at + len(talk)] += talk
    return mixed


def loud_level(signal: Signal) -> float:
    """Root mean square of what is not silent."""
    loud = np.abs(signal) > 0.05 * np.max(np.abs(signal))
    return float(np.sqrt(np.mean(np.square(signal[loud]))))


def _factor(db: float) -> float:
    return float(10.0 ** (db / 20.0))


def from_onset(signal: Signal) -> Signal:
    """Without the silence before it: from the first 10 ms within 20 dB of its loud parts."""
    frames = signal[: len(signal) // 160 * 160].reshape(-1, 160)
    levels = np.sqrt(np.mean(np.square(frames), axis=1))
    return signal[160 * int(np.argmax(levels > 0.1 * loud_level(signal))) :]


def speech_starts(agent: Signal, microphone: Signal, detector: str, *, reference: bool = True) -> list[float]:
    """Audio time of each ``SpeechStarted``, when it was known. In virtual time."""
    starts: list[float] = []

    def publish(event: Event) -> None:
        if isinstance(event, SpeechStarted):
            starts.append(event.audio_seconds + event.voiced_seconds)

    async def listen() -> None:
        ears = Ears(publish, SimulatedRecognizer(), make_detector(detector), TurnDetection(), echo_reference=reference)
        async with asyncio.TaskGroup() as group:
            group.create_task(ears.run())
            for index, (played, heard) in enumerate(zip(_blocks(agent), _blocks(microphone), strict=True)):
                ears.play_reference(played, index * BLOCK_SECONDS)
                ears.hear(heard)
                await asyncio.sleep(BLOCK_SECONDS)  # virtual
            ears.close()

    virtual_time.run(listen)
    return starts


def _blocks(signal: Signal) -> list[Pcm]:
    samples = np.clip(signal * 32768.0, -32768, 32767).astype(np.int16)
    return [Pcm(samples[at : at + BLOCK_SAMPLES], RATE_HZ) for at in range(0, len(samples), BLOCK_SAMPLES)]


# --- the table ------------------------------------------------------------------------------------


LINES = {
    "6 dB softer": Line(echo_db=-6.0),
    "12 dB softer": Line(),
    "20 dB softer": Line(echo_db=-20.0),
    "30 dB softer": Line(echo_db=-30.0),
    "after 50 ms": Line(delay_seconds=0.05),
    "after 300 ms": Line(delay_seconds=0.3),
    "after 450 ms": Line(delay_seconds=0.45),
    "reverberation 3 dB under the direct sound": Line(direct_db=3.0, reverberation_seconds=0.3),
    "reverberation as strong as the direct sound": Line(direct_db=0.0, reverberation_seconds=0.4),
    "12 dB softer, noise at -50 dBFS": Line(noise_dbfs=-50.0),
    "20 dB softer, noise at -50 dBFS": Line(echo_db=-20.0, noise_dbfs=-50.0),
}
TALKERS_DB = (0.0, -6.0, -10.0)


def delays(agent: Signal, talker: Signal, line: Line, over_echo_db: float, detector: str) -> list[float | None]:
    """From the talker's onset to ``SpeechStarted``, at each moment; ``None``: not within 2 s."""
    heard = returned(agent, line)
    found: list[float | None] = []
    for moment in MOMENTS_SECONDS:
        mixed = talked_over(heard, talker, moment, over_echo_db, heard)
        starts = speech_starts(agent, mixed, detector)
        found.append(next((at - moment for at in starts if moment < at < moment + 2.0), None))
    return found


def _told(found: Sequence[float | None]) -> str:
    return ", ".join("–" if one is None else f"{one * 1000:.0f}" for one in found)


def voices() -> tuple[Signal, Signal]:
    """The agent's and a talker's."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        agent = speak_flite("slt", AGENT, path).samples / 32768.0
        talker = speak_flite("rms", TALKER, path).samples / 32768.0
    human = [one for one in human_recordings() if one.pcm.sample_rate_hz == RATE_HZ]
    if human:
        talker = human[0].pcm.samples / 32768.0
    around = np.zeros(RATE_HZ // 2)
    return np.concatenate([around, agent, around]), from_onset(talker)


def run(arguments: argparse.Namespace) -> int:
    console = make_console()
    if not flite_installed():
        console.print("Nobody to speak: install flite.")
        return 2
    agent, talker = voices()
    table = Table(title=f"{arguments.vad}; ms from the talker's onset to SpeechStarted, at four moments")
    for column in ("echo", "mistakes without", "mistakes", *(f"talker {level:+.0f} dB" for level in TALKERS_DB)):
        table.add_column(column)
    with Progress(console=console, transient=True) as progress:
        for name, line in progress.track(LINES.items(), description="listening"):
            alone = returned(agent, line)
            without = speech_starts(agent, alone, arguments.vad, reference=False)
            mistakes = speech_starts(agent, alone, arguments.vad)
            told = [_told(delays(agent, talker, line, level, arguments.vad)) for level in TALKERS_DB]
            table.add_row(name, str(len(without)), str(len(mistakes)), *told)
    console.print(table)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vad", default="silero", help="the voice detector's spec")
    return run(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
