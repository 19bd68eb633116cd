"""What ``stretto talk`` does with its options: gathers the questions, holds the talk, shows and keeps the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

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


async def hold_talk(
    options: TalkOptions,
    *,
    recordings: Sequence[Path],
    said: Sequence[str],
    typed: Sequence[str],
    out: Path | None,
    as_json: bool,
) -> bool:
    """Hold the talk the command line asks for; true if every question was answered."""
    all_answered = True
    console = Console()

    def report(turn: TurnReport) -> None:
        nonlocal all_answered
        all_answered = all_answered and turn.status in ("completed", "interrupted")
        print(json.dumps(turn.to_json(), ensure_ascii=False), flush=True) if as_json else _show(turn, console)

    questions = [Question(path.name, read_recording(path)) for path in recordings]
    questions += [Question(text, samples) for text, samples in zip(said, await _synthesise(said), strict=True)]
    questions += [Question(text, text=text) for text in typed]
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
    console.print(f"[yellow]agent[/]  {escape(turn.said) or f'({turn.status})'}", highlight=False)
    wait = "" if turn.first_sound_ms is None else f"first sound {turn.first_sound_ms} ms after the end of speech"
    notes = [wait, *(f"tool {tool}" for tool in turn.tools), *(f"error: {error}" for error in turn.errors)]
    console.print("       [dim]" + escape(", ".join(note for note in notes if note)) + "[/]", highlight=False)


def run_talk(
    options: TalkOptions,
    *,
    recordings: Sequence[Path],
    said: Sequence[str],
    typed: Sequence[str],
    out: Path | None,
    as_json: bool,
) -> bool:
    try:
        return asyncio.run(hold_talk(options, recordings=recordings, said=said, typed=typed, out=out, as_json=as_json))
    except KeyboardInterrupt:
        return True
