"""The examples run as their first lines say, and show what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.journal import Entry, read_journal
from realtime.replay import replay
from scheduler.commands import Speak
from scheduler.conductor import decide, initial_state
from scheduler.events import PlayoutEnded, PlayoutStarted, ThoughtGrown
from tts.engines import flite_library

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WORK_SECONDS = 15.0
"""From the first sound to the last thought 25 s pass on an idle machine, and the conductor can't make them fewer: they
are what the brain thinks."""


@pytest.mark.skipif(not flite_library.is_installed(), reason="flite is not installed")
def test_counting_is_heard_long_before_all_is_thought(tmp_path: Path) -> None:
    printed = run_example("examples.counting", str(tmp_path))
    (path,) = tmp_path.glob("*-counting.jsonl")
    header, entries = read_journal(path)
    answer = think_of_what_was_said(entries)
    sounds_at = next(at for at, happened in entries if isinstance(happened, PlayoutStarted))
    thoughts = [(at, each.text) for at, each in entries if isinstance(each, ThoughtGrown) and each.think_id == answer]
    assert "60" in thoughts[-1][1]
    assert thoughts[-1][0] - sounds_at > WORK_SECONDS
    assert spoken_in_between(entries, thoughts) > 20
    assert said(entries).startswith("1 doubled is 2. 2 doubled is 4.")
    assert said(entries).endswith("30 doubled is 60.")
    assert f"{answer} thinks: 30 doubled: 60." in printed
    assert not replay(entries, initial_state(header.policy, header.turn_detection), decide)
    assert path.with_suffix(".wav").stat().st_size > 1_000_000


def run_example(module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("STRETTO_")},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    return done.stdout


def think_of_what_was_said(entries: list[Entry]) -> str:
    """A draft that was promoted, or, where the machine had no time for one, an answer."""
    (utterance,) = (each.utterance_id for _, each in entries if isinstance(each, PlayoutEnded) and not each.stopped)
    (think_id,) = {each.think_id for _, each in entries if isinstance(each, Speak) and each.utterance_id == utterance}
    assert think_id is not None
    return think_id


def spoken_in_between(entries: list[Entry], thoughts: list[tuple[float, str]]) -> int:
    """Sentences that were handed to the voice while something was still to be thought."""
    return len([at for at, each in entries if isinstance(each, Speak) and thoughts[0][0] < at < thoughts[-1][0]])


def said(entries: list[Entry]) -> str:
    (text,) = (each.text for _, each in entries if isinstance(each, PlayoutEnded) and not each.stopped)
    return text
