"""What a bad line does to a call over WebRTC: ``python -m bench.webrtc_line --seconds 60`` (or ``--minutes 10``).

For each condition a fresh server (``bench.webrtc_ears``) and a call through a line that loses, delays and reorders packets,
both ways:

- up: the caller speaks without a pause, flite's ``rms`` and recordings of ``STRETTO_SPEECH_DIR``. Words understood: what the
  ears got is recognised afterwards (pocketsphinx), sentence by sentence; the clean line stands beside it, for the recogniser
  has errors of its own. Delay: for each 20 ms, from when its packet left to when the ears got its middle; where in
  the sound that is, is found by correlation with what was sent, each half second, so that time lost or made up would show
  (*shift*). *Grown*: the median of the last minute (or third) against the first.
- down: questions are typed, and the spoken answers recognised at the caller's, who receives as the server does.

The line is a relay in this process (``bench.webrtc_relay``), or with ``--line netem`` the kernel's own, between network
namespaces; that wants root and the module ``sch_netem``. ``--receiver aiortc``: aiortc's own receiver on the server's side;
then there are no answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from audio.asr.registry import make_recognizer
from audio.asr.transcribe import transcribe
from audio.resample import Resampler
from bench.hear import Recording, flite_recordings, human_recordings
from bench.jitter import Line, bursts, independent, no_jitter, no_loss, uniform
from bench.serving import started
from bench.table_console import make_console
from bench.webrtc_client import WebrtcCaller, connected
from bench.webrtc_ears import KEY, RATE_HZ
from bench.webrtc_netem import IN_NAMESPACE, NETEM, namespaces
from bench.webrtc_relay import relay
from scheduler.pcm import Pcm

logger = logging.getLogger(__name__)

LATE_SHARE = 0.1
LATE_SECONDS = 0.05


def some_late(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A tenth of the packets 50 ms late, overtaken by two others."""
    return np.where(random.random(count) < LATE_SHARE, LATE_SECONDS, 0.0)


CONDITIONS = {
    "clean": Line("clean", no_loss, no_jitter),
    "loss": Line("5 % loss", independent(0.05), no_jitter),
    "bursts": Line("20 % loss in bursts", bursts(0.2), no_jitter),
    "jitter": Line("100 ms jitter, reordered", no_loss, uniform(0.1)),
    "reorder": Line("10 % 50 ms late, reordered", no_loss, some_late),
}
HUMAN_CLIPS = ("ps_goforward.wav", "lj0001.wav")
"""Those that pocketsphinx understands."""
RMS = "flite-rms:"
QUESTIONS = ("what can you do", "count to five")
"""Their answers have no digits, which nobody says."""
GAP_SECONDS = 0.4
FRAME = RATE_HZ // 50
WINDOW = RATE_HZ // 2
SEARCH_SECONDS = 3.0
ALIKE = 0.7
"""Correlation from which a part is recognised for sure. tuned"""
AGREED = RATE_HZ // 200
"""Two parts next to one another that are found within 5 ms are right."""
RECOGNISED_SECONDS = 120.0
"""Words are counted in the first so many seconds: longer would take longer than the call."""
ANSWER_SECONDS = 60.0
QUIET_SECONDS = 1.0
WRITTEN_SECONDS = 15.0

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Phrase:
    """``start``: the first sample of it in what is sent."""

    text: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Call:
    """What the caller knows. ``sent_at``: of each 20 ms; ``answers``: text and sound (16 kHz)."""

    sent: Samples
    sent_at: list[float]
    answers: list[tuple[str, Samples]]


@dataclass(frozen=True, slots=True)
class Ears:
    """What the server's ears got. ``ends``: samples up to and with each block."""

    at: NDArray[np.float64]
    ends: NDArray[np.int64]
    samples: Samples

    @classmethod
    def read(cls, path: Path) -> Ears:
        with np.load(path) as file:
            return cls(file["at"], np.cumsum(file["counts"]), file["samples"])


@dataclass(frozen=True, slots=True)
class Heard:
    """Milliseconds; errors as shares of the words. ``grown_ms``: median delay at the end less that at the beginning;
    ``shift_ms``: the most that audio time went off, against the clock of what was sent. ``sure``: share of the half
    seconds that were found again."""

    condition: str
    receiver: str
    line: str
    seconds: float
    words: int
    word_errors: float
    answer_words: int
    answer_errors: float
    delay_p50_ms: float
    delay_p95_ms: float
    delay_max_ms: float
    grown_ms: float
    shift_ms: float
    sure: float


@dataclass(frozen=True, slots=True)
class Plan:
    """``how``: ``relay`` or ``netem``; ``receiver``: ``stretto`` or ``aiortc``."""

    seconds: float = 60.0
    seed: int = 1
    how: str = "relay"
    receiver: str = "stretto"
    questions: tuple[str, ...] = QUESTIONS

    @property
    def asked(self) -> tuple[str, ...]:
        """aiortc's receiver has no session behind it."""
        return self.questions if self.receiver == "stretto" else ()


# --- the caller ---------------------------------------------------------------------------------------


def phrases(seconds: float) -> tuple[Samples, list[Phrase]]:
    """What the caller says, 16 kHz. Raises ``SystemExit`` where flite is missing."""
    recordings = [each for each in flite_recordings() if each.name.startswith(RMS)]
    recordings += [each for each in human_recordings() if each.name.removeprefix("human:") in HUMAN_CLIPS]
    if not recordings:
        raise SystemExit("flite is not installed: apt-get install flite")
    room = np.random.default_rng(1)
    parts, found, count = [_hiss(room, 1.0)], list[Phrase](), RATE_HZ
    while count < seconds * RATE_HZ:
        one = recordings[len(found) % len(recordings)]
        spoken = _at_16_khz(one)
        found.append(Phrase(one.text, count, len(spoken)))
        parts += [spoken, _hiss(room, GAP_SECONDS)]
        count += len(spoken) + len(parts[-1])
    return np.concatenate([*parts, _hiss(room, 1.0)]), found


def _hiss(random: np.random.Generator, seconds: float) -> Samples:
    """No pause is like another, so that each can be found again."""
    return np.asarray(random.normal(0, 30, round(seconds * RATE_HZ)), np.int16)


def _at_16_khz(recording: Recording) -> Samples:
    resampler = Resampler(recording.pcm.sample_rate_hz, RATE_HZ)
    return np.concatenate([resampler.process(recording.pcm).samples, resampler.flush().samples])


async def hold_call(address: str, line: Line | None, sent: Samples, plan: Plan) -> Call:
    """``line=None``: whatever is between caller and server is bad enough."""
    heard: list[Samples] = []

    async def hear(pcm: Pcm) -> None:
        heard.append(pcm.samples)

    async with AsyncExitStack() as stack:
        between = None if line is None else await stack.enter_async_context(relay(line, plan.seed))
        caller = WebrtcCaller(address, hear, key=KEY, rate_hz=RATE_HZ, line=between)
        silent: dict[str, Any] = {"type": "server_vad", "create_response": False, "interrupt_response": False}
        session = {"type": "realtime", "audio": {"input": {"turn_detection": silent}}}
        await stack.enter_async_context(connected(caller, session=session))
        began = len(caller.sent_at)
        await caller.say(sent)
        sent_at = caller.sent_at[began:]
        answers = [await _asked(caller, question, heard) for question in plan.asked]
    return Call(sent, sent_at, answers)


async def _asked(caller: WebrtcCaller, question: str, heard: list[Samples]) -> tuple[str, Samples]:
    first = len(heard)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": question}]}
    caller.send({"type": "conversation.item.create", "item": item})
    caller.send({"type": "response.create"})
    said = await caller.next("response.output_audio_transcript.done", ANSWER_SECONDS)
    await caller.next("output_audio_buffer.stopped", ANSWER_SECONDS)
    await asyncio.sleep(QUIET_SECONDS)  # what the line holds comes
    return str(said["transcript"]), np.concatenate([np.zeros(0, np.int16), *heard[first:]])


# --- what came of it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """Of each part that is found again for sure: sample n of the ears (``starts``) is sample n + offset of what was sent.
    ``sure``: the share of such parts."""

    starts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sure: float

    def offset_at(self, sample: int) -> int:
        """Of the part that is next to this sample of the ears."""
        return int(self.offsets[np.argmin(np.abs(self.starts - sample))])


def find_again(sent: Samples, ears: Ears, about: int) -> Found:
    """``about``: the offset by the clocks. Raises ``RuntimeError`` when nothing is found."""
    found, tried, reach = list[tuple[int, int]](), 0, round(SEARCH_SECONDS * RATE_HZ)
    for start in range(0, len(ears.samples) - WINDOW, WINDOW):
        first = start + about - reach
        if first < 0 or start + about + reach + WINDOW > len(sent):
            continue
        tried += 1
        lag, alike = _best(ears.samples[start : start + WINDOW], sent[first : first + 2 * reach + WINDOW])
        if alike >= ALIKE:
            found.append((start, first + lag - start))
            about = found[-1][1] if len(_borne_out(found[-2:])) == 2 else about
    believed = _borne_out(found)
    if not believed:
        raise RuntimeError("nothing of what was sent is found in what was heard")
    starts, offsets = np.array(believed, np.int64).T
    return Found(starts, offsets, len(believed) / tried)


def _borne_out(found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that the one before or behind agrees with: a syllable is like another now and then."""
    offsets = [offset for _, offset in found]
    around = zip(offsets, [None, *offsets], [*offsets[1:], None], strict=False)
    agree = [any(other is not None and abs(own - other) <= AGREED for other in others) for own, *others in around]
    return [one for one, is_borne_out in zip(found, agree, strict=True) if is_borne_out]


def _best(part: Samples, whole: Samples) -> tuple[int, float]:
    """Where ``part`` fits best, and the correlation there."""
    a, b = part.astype(np.float64), whole.astype(np.float64)
    size = 1 << (len(a) + len(b)).bit_length()
    products = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)[: len(b) - len(a) + 1]
    sums = np.concatenate([[0.0], np.cumsum(b**2)])
    energy = np.sqrt((sums[len(a) :] - sums[: -len(a)]) * (a**2).sum()) + 1e-9
    alike = products / energy
    best = int(np.argmax(alike))
    return best, float(alike[best])


def offset_by_clocks(call: Call, ears: Ears) -> int:
    """Nothing of the line's delay in it: the search covers that."""
    return int((ears.at[0] - call.sent_at[0]) * RATE_HZ) - int(ears.ends[0])


def delays_ms(call: Call, ears: Ears, found: Found) -> NDArray[np.float64]:
    """Of each 20 ms that the ears got, by its middle: its last 6.5 ms are in the next packet (Opus' look-ahead)."""
    parts = []
    ends_at = np.append(found.starts[1:], len(ears.samples))
    for start, end, offset in zip(found.starts, ends_at, found.offsets, strict=True):
        frames = np.arange(max(0, (start + offset) // FRAME), min(len(call.sent_at), (end + offset) // FRAME))
        middles = np.clip(frames * FRAME + FRAME // 2 - offset, 0, len(ears.samples) - 1)
        blocks = np.searchsorted(ears.ends, middles, side="right")
        parts.append(1000 * (ears.at[blocks] - np.array(call.sent_at)[frames]))
    return np.concatenate(parts)


async def recognised(sounds: Sequence[Samples]) -> list[str]:
    recognizer = make_recognizer("pocketsphinx")
    await recognizer.warm_up()
    around = np.zeros(round(0.3 * RATE_HZ), np.int16)
    try:
        return [await transcribe(recognizer, Pcm(np.concatenate([around, one, around]), RATE_HZ)) for one in sounds]
    finally:
        await recognizer.close()


def word_errors(said: Sequence[str], heard: Sequence[str]) -> float:
    if not said:
        return float("nan")
    logger.debug("said %s, recognised %s", said, heard)
    return float(jiwer.wer([_plain(one) for one in said], [_plain(one) for one in heard]))


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalpha() or c == "'" else " " for c in text.lower()).split())


def _part(ears: Ears, phrase: Phrase, found: Found) -> Samples:
    first = max(0, phrase.start - found.offset_at(phrase.start))
    return ears.samples[first : first + phrase.count]


# --- one condition ------------------------------------------------------------------------------------


async def measure(name: str, plan: Plan) -> Heard:
    """Raises ``RuntimeError`` where the line can't be made."""
    sent, said = phrases(plan.seconds)
    with tempfile.TemporaryDirectory() as folder:
        call, ears = await _held(name, plan, sent, Path(folder))
    found = find_again(sent, ears, offset_by_clocks(call, ears))
    delays = delays_ms(call, ears, found)
    counted = [phrase for phrase in said if phrase.start < RECOGNISED_SECONDS * RATE_HZ]
    texts = [text for text, _ in call.answers]
    parts = [_part(ears, each, found) for each in counted]
    words = await recognised([*parts, *(sound for _, sound in call.answers)])
    tail = max(1, min(3000, len(delays) // 3))
    return Heard(
        condition=CONDITIONS[name].name,
        receiver=plan.receiver,
        line=plan.how,
        seconds=plan.seconds,
        words=sum(len(phrase.text.split()) for phrase in counted),
        word_errors=word_errors([phrase.text for phrase in counted], words[: len(counted)]),
        answer_words=sum(len(text.split()) for text in texts),
        answer_errors=word_errors(texts, words[len(counted) :]),
        delay_p50_ms=float(np.percentile(delays, 50)),
        delay_p95_ms=float(np.percentile(delays, 95)),
        delay_max_ms=float(delays.max()),
        grown_ms=float(np.median(delays[-tail:]) - np.median(delays[:tail])),
        shift_ms=1000 * float(np.ptp(found.offsets)) / RATE_HZ,
        sure=found.sure,
    )


async def _held(name: str, plan: Plan, sent: Samples, folder: Path) -> tuple[Call, Ears]:
    async with AsyncExitStack() as stack:
        host = stack.enter_context(namespaces(NETEM[name])) if plan.how == "netem" else "127.0.0.1"
        server = ("bench.webrtc_ears", "--to", str(folder), "--host", host, "--receiver", plan.receiver)
        served = await stack.enter_async_context(started(server))
        if plan.how == "netem":
            call = await _held_in_namespace(served.address, plan, folder)
        else:
            call = await hold_call(served.address, CONDITIONS[name], sent, plan)
        written = await asyncio.to_thread(_written, folder)
    return call, Ears.read(written)


def _written(folder: Path) -> Path:
    """The server writes it when the call is over."""
    deadline = time.monotonic() + WRITTEN_SECONDS
    while not (found := sorted(folder.glob("*.npz"))):
        if time.monotonic() > deadline:
            raise RuntimeError("the server did not tell what it heard")
        time.sleep(0.05)
    return found[0]


async def _held_in_namespace(address: str, plan: Plan, folder: Path) -> Call:
    """Namespaces belong to processes: the caller is one of its own."""
    plan_file, call_file = folder / "plan.pickle", folder / "call.pickle"
    plan_file.write_bytes(pickle.dumps(plan))
    caller = ("-m", "bench.webrtc_line", "--caller", address, "--plan", str(plan_file), "--to", str(call_file))
    process = await asyncio.create_subprocess_exec(*IN_NAMESPACE, sys.executable, *caller)
    if await process.wait():
        raise RuntimeError("the caller in the namespace failed")
    call: Call = pickle.loads(await asyncio.to_thread(call_file.read_bytes))
    return call


def call_from_namespace(arguments: argparse.Namespace) -> int:
    plan: Plan = pickle.loads(arguments.plan.read_bytes())
    sent, _ = phrases(plan.seconds)
    call = asyncio.run(hold_call(str(arguments.caller), None, sent, plan))
    Path(arguments.to).write_bytes(pickle.dumps(call))
    return 0


# --- report -------------------------------------------------------------------------------------------

COLUMNS = {
    "condition": "line",
    "receiver": "receiver",
    "word_errors": "word errors",
    "answer_errors": "in answers",
    "delay_p50_ms": "delay p50",
    "delay_p95_ms": "p95",
    "delay_max_ms": "max",
    "grown_ms": "grown",
    "shift_ms": "shift",
    "sure": "sure",
}


def table(results: Sequence[Heard], plan: Plan) -> Table:
    made = Table(title=f"{plan.seconds:g} s of speech through a {plan.how}, load {os.getloadavg()[0]:.1f}; ms")
    for name, heading in COLUMNS.items():
        made.add_column(heading, justify="left" if name in ("condition", "receiver") else "right")
    for each in results:
        made.add_row(*(_shown(name, getattr(each, name)) for name in COLUMNS))
    return made


def _shown(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.0%}" if name in ("word_errors", "answer_errors", "sure") else f"{value:.0f}"


def main() -> int:
    arguments = parse()
    logging.basicConfig(level=logging.WARNING)
    logger.setLevel(logging.DEBUG if arguments.verbose else logging.WARNING)
    if arguments.caller:
        return call_from_namespace(arguments)
    seconds = 60 * arguments.minutes if arguments.minutes else arguments.seconds
    plan = Plan(seconds, arguments.seed, arguments.line, arguments.receiver)
    console = make_console(json=arguments.json)
    results = []
    for name in list(CONDITIONS) if arguments.condition == "all" else [arguments.condition]:
        with console.status(f"{CONDITIONS[name].name}: {seconds:g} s and answers"):
            results.append(asyncio.run(measure(name, plan)))
        if arguments.json:
            print(json.dumps(asdict(results[-1])), flush=True)
    if not arguments.json:
        console.print(table(results, plan))
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--condition", choices=(*CONDITIONS, "all"), default="all")
    parser.add_argument("--seconds", type=float, default=60.0, help="of speech (default: %(default)g)")
    parser.add_argument("--minutes", type=float, default=0.0, help="in place of --seconds")
    parser.add_argument("--line", choices=("relay", "netem"), default="relay")
    parser.add_argument("--receiver", choices=("stretto", "aiortc"), default="stretto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object per condition")
    parser.add_argument("--verbose", action="store_true", help="tell what was recognised")
    for name, kind in (("--caller", str), ("--plan", Path), ("--to", Path)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
