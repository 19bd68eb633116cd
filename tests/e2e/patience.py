"""A scene in real time is given up on only when it fails on a machine that had the time for it.

The recogniser works in real time, and the tests' machine may be busy with other things. The journal tells when that
spoilt a scene: then it is played again, when the machine has calmed down. A scene that fails on a machine with time to
spare fails at once.
"""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from realtime.journal import Entry, read_journal
from scheduler.commands import AmendTurn
from scheduler.events import SpeechStarted, SpeechStopped, TranscriptRevised
from tests.e2e.serving import Served

TRIES = 3
CALM_LOAD = 1.5
CALM_SECONDS = 60.0
LATE_SECONDS = 0.3
"""On an idle machine a final comes 20 to 80 ms after the end of speech, and speech is noticed as evenly."""


def play(served: Served, scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scene; see ``insist``."""
    insist(served, lambda: asyncio.run(scene()))


def insist(served: Served, scene: Callable[[], None]) -> None:
    """Run a scene; again, three times at most, when it fails and its journals show that the machine was too busy."""
    for tries_left in reversed(range(TRIES)):
        before = set(served.journals.glob("*.jsonl"))
        try:
            scene()
        except Exception as failure:
            served.wait_until_idle()
            written = sorted(set(served.journals.glob("*.jsonl")) - before)
            late = [reason for path in written for reason in signs_of_a_busy_machine(read_journal(path)[1])]
            failure.add_note(f"signs of a busy machine: {late or 'none'}")
            if not late or not tries_left:
                raise
            wait_for_calm()
            warnings.warn(f"played again, for the machine was too busy: {late}; it was {failure!r}", stacklevel=2)
        else:
            return


def wait_for_calm() -> None:
    """Until at most ``CALM_LOAD`` processes per core want to run, for ``CALM_SECONDS`` at most."""
    deadline = time.monotonic() + CALM_SECONDS
    while os.getloadavg()[0] > CALM_LOAD * (os.cpu_count() or 1) and time.monotonic() < deadline:
        time.sleep(1.0)  # other people's processes make it true


def signs_of_a_busy_machine(entries: Sequence[Entry]) -> list[str]:
    """Words that came too late to be answered, finals long after the speech, speech noticed late."""
    signs = [f"amended at {at:.2f}: {entry.transcript}" for at, entry in entries if isinstance(entry, AmendTurn)]
    delays = finals_after_speech(entries)
    signs += [f"a final {max(delays):.2f} s after its speech"] if delays and max(delays) > LATE_SECONDS else []
    lag = unevenness(entries)
    return signs + ([f"speech noticed {lag:.2f} s late"] if lag > LATE_SECONDS else [])


def finals_after_speech(entries: Sequence[Entry]) -> list[float]:
    delays, stopped_at = [], None
    for at, entry in entries:
        match entry:
            case SpeechStarted():
                stopped_at = None
            case SpeechStopped():
                stopped_at = at
            case TranscriptRevised(is_final=True) if stopped_at is not None:
                delays.append(at - stopped_at)
            case _:
                pass
    return delays


def unevenness(entries: Sequence[Entry]) -> float:
    """By how many seconds the way from microphone to voice detection took longer than it took at best."""
    ways = []
    for at, entry in entries:
        match entry:
            case SpeechStarted(audio_seconds, voiced_seconds):
                ways.append(at - audio_seconds - voiced_seconds)
            case SpeechStopped(audio_seconds, silence_seconds):
                ways.append(at - audio_seconds - silence_seconds)
            case _:
                pass
    return max(ways) - min(ways) if ways else 0.0
