"""The scenes of ``bench.turns`` with a real recogniser, in real time: flite as the caller, and recordings of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import soxr
from rich.console import Console
from rich.progress import Progress

from audio.asr.registry import make_recognizer
from bench.hear import Recording, flite_installed, human_recordings
from bench.turns_call import Call, Setup
from bench.turns_script import Model, Must, Say, Scene
from bench.turns_sound import RATE_HZ, Samples

R = TypeVar("R")
LATEST_SECONDS = 3.5
"""Until the first sound: real recognisers need time, and what they make of the last words may sound unfinished."""


async def run(scenes: Sequence[Scene], policy: str, judge: Callable[..., R]) -> list[R]:
    """``judge(call, exact_words=False)`` for each scene and each recording. Raises ``RecognizerError`` where
    pocketsphinx can't be loaded."""
    recognizer = make_recognizer("pocketsphinx")
    results: list[R] = []
    calls: list[Call] = []
    setup = Setup(policy, "silero", "flite", recognizer)
    if flite_installed():
        calls += [Call(without_keys(scene), setup) for scene in scenes]
    calls += [Call(recorded(each), setup, recordings=(samples_of(each),)) for each in human_recordings()]
    await recognizer.warm_up()
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            for call in progress.track(calls, description="talking"):
                await call.play()
                results.append(judge(call, exact_words=False))
    finally:
        await recognizer.close()
    return results


def without_keys(scene: Scene) -> Scene:
    """A real recogniser hears some words wrong: answers are not judged by their words."""
    says = tuple(
        Say(each.script, each.when, each.must, latest_seconds=max(each.latest_seconds, LATEST_SECONDS), rate=each.rate)
        for each in scene.says
    )
    return Scene(scene.name, scene.category, says, scene.model, scene.language, real=True)


def recorded(recording: Recording) -> Scene:
    """One turn: all that was said in it, with the pauses that the speaker made."""
    says = (Say("recorded", latest_seconds=LATEST_SECONDS, must=Must.ANSWER),)
    return Scene(f"recording: {recording.name}", "recordings", says, Model())


def samples_of(recording: Recording) -> Samples:
    resampled = soxr.resample(recording.pcm.samples, recording.pcm.sample_rate_hz, RATE_HZ)
    samples = np.asarray(resampled, np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return samples[loud[0] : loud[-1] + 1]
