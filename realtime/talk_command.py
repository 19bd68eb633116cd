"""What ``stretto talk`` does with its options: gathers the questions, holds the talk, shows and keeps the answers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape

from realtime.talk import KEPT_SECONDS, RATE_HZ, Question, Talk, TalkError, TalkOptions, read_recording
from realtime.talk_devices import DeviceLoudspeaker, DeviceMicrophone
from realtime.talk_measure import TurnReport

CALLER_VOICE = "flite:rms"
"""A synthetic caller that recognisers understand well (4 % word errors with pocketsphinx)."""


Way = Literal["wav", "say", "text"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the command line: a recording's path, words for the synthetic caller, or words to type."""

    way: Way
    what: str


def in_order(given: Mapping[Way, Sequence[str]], order: Sequence[str]) -> list[Asked]:
    """The questions as the command line has them: ``order`` names the option of each, other options too."""
    left: dict[str, Iterator[Asked]] = {way: iter([Asked(way, what) for what in said]) for way, said in given.items()}
    asked = [next(left[name]) for name in order if name in left]
    return asked + [question for way in left.values() for question in way]


async def hold_talk(options: TalkOptions, asked: Sequence[Asked], *, out: Path | None, as_json: bool) -> bool:
    """Hold the talk the command line asks for; true if every question was answered."""
    all_answered = True
    console = Console()
    if out is not None:
        _check_writable(out)

    def report(turn: TurnReport) -> None:
        nonlocal all_answered
        all_answered = all_answered and turn.status in ("completed", "interrupted")
        print(json.dumps(turn.to_json(), ensure_ascii=False), flush=True) if as_json else _show(turn, console)

    questions = await _questions(asked)
    with ExitStack() as devices:
        microphone = None if questions else devices.enter_context(closing(DeviceMicrophone()))
        loudspeaker = _loudspeaker(out, microphone)
        if loudspeaker is not None:
            devices.callback(loudspeaker.close)
        kept_seconds = KEPT_SECONDS if out is not None else 0.0
        talk = Talk(
            options, questions, report=report, audio_out=loudspeaker, microphone=microphone, kept_seconds=kept_seconds
        )
        try:
            await talk.run()
        finally:  # a call at the microphone only ever ends by Ctrl-C or by the server
            if out is not None and len(recording := talk.recording()):
                _write(out, recording)
    return all_answered


async def _questions(asked: Sequence[Asked]) -> list[Question]:
    spoken = iter(await _synthesise([question.what for question in asked if question.way == "say"]))
    questions = []
    for question in asked:
        match question.way:
            case "wav":
                path = Path(question.what)
                questions.append(Question(path.name, read_recording(path)))
            case "say":
                questions.append(Question(question.what, next(spoken)))
            case "text":
                questions.append(Question(question.what, text=question.what))
    return questions


def _check_writable(path: Path) -> None:
    """Before the call: nobody should talk for an hour into a recording that can't be kept. Raises ``TalkError``."""
    kind = path.suffix.removeprefix(".").upper()
    if not soundfile.check_format(kind, "PCM_16"):
        raise TalkError(f"The recording can't be written to {path}: give a name that ends in .wav (or .flac).")
    if path.is_dir():
        raise TalkError(f"The recording can't be written to {path}: it is a folder.")
    if not path.parent.is_dir():
        raise TalkError(f"The recording can't be written to {path}: there is no folder {path.parent}.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise TalkError(f"The recording can't be written to {path}: permission denied.")


def _loudspeaker(out: Path | None, microphone: DeviceMicrophone | None) -> DeviceLoudspeaker | None:
    """A live talk needs one; with recordings the answer is played where that is possible and nothing else was asked."""
    if microphone is not None:
        return DeviceLoudspeaker()
    if out is not None:
        return None
    try:
        return DeviceLoudspeaker()
    except TalkError:
        return None


async def _synthesise(texts: Sequence[str]) -> list[NDArray[np.int16]]:
    if not texts:
        return []
    from tts.registry import make_voice  # only callers who synthesise pay for loading it

    voice = make_voice(CALLER_VOICE)
    await voice.warm_up()
    try:
        spoken = []
        for text in texts:
            chunks = [chunk.pcm.samples async for chunk in voice.speak(text)]
            spoken.append(np.concatenate([np.zeros(0, np.int16), *chunks]))
    finally:
        await voice.close()
    return [np.asarray(soxr.resample(samples, voice.sample_rate_hz, RATE_HZ), np.int16) for samples in spoken]


def _write(path: Path, recording: NDArray[np.int16]) -> None:
    try:
        soundfile.write(path, recording, RATE_HZ, subtype="PCM_16")
    except (OSError, soundfile.LibsndfileError) as error:
        raise TalkError(f"The recording can't be written to {path}: {error}") from None


def _show(turn: TurnReport, console: Console) -> None:
    if turn.asked is not None:
        console.print(f"[cyan]you[/]    {escape(turn.heard) or '…'}", highlight=False)
    console.print(f"[yellow]agent[/]  {escape(turn.said.strip() or _unsaid(turn))}", highlight=False)
    since = "after it was typed" if turn.typed else "after the end of speech"
    wait = (
        [] if turn.asked is None or turn.first_sound_ms is None else [f"first sound {turn.first_sound_ms} ms {since}"]
    )
    notes = [*wait, *(f"tool {tool}" for tool in turn.tools), *(f"error: {error}" for error in turn.errors)]
    if notes:
        console.print(f"       [dim]{escape(', '.join(notes))}[/]", highlight=False)


def _unsaid(turn: TurnReport) -> str:
    """What is shown where the agent said nothing."""
    if turn.silence:
        return f"(silent: {turn.silence})"
    return "(said nothing)" if turn.status == "completed" else f"({turn.status})"


def run_talk(options: TalkOptions, asked: Sequence[Asked], *, out: Path | None, as_json: bool) -> bool:
    try:
        return asyncio.run(hold_talk(options, asked, out=out, as_json=as_json))
    except KeyboardInterrupt:
        return True
