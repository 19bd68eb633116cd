"""``stretto talk`` against ``stretto serve``: a caller's speech goes in, and what is heard of the answers is right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.e2e.patience import insist
from tests.e2e.recognising import missed_words, pieces, recognised
from tests.e2e.serving import Served, run_stretto
from tests.e2e.sounds import speech, write_wav

pytestmark = pytest.mark.slow

MAX_FIRST_SOUND_MS = 10_000
"""Half a second to 0.8 s on an idle machine, and it is measured by the benches; here it is shown that there is one."""


def test_a_talk_of_four_turns_and_a_timer_that_speaks_by_itself(served: Served, tmp_path: Path) -> None:
    insist(served, lambda: talk_of_four_turns(served, tmp_path))


def talk_of_four_turns(served: Served, tmp_path: Path) -> None:
    asked = ("what is twelve times twelve", "divide that by three", "count to five", "set a timer for five seconds")
    recordings = [write_wav(tmp_path / f"{number}.wav", speech(text)) for number, text in enumerate(asked)]
    questions = [part for path in recordings for part in ("--wav", str(path))]
    out = tmp_path / "talk.wav"
    printed = run_stretto("talk", "--url", served.url, *questions, "--linger", "12", "--json", "--out", str(out))
    turns = [json.loads(line) for line in printed.splitlines()]
    assert [turn["status"] for turn in turns] == ["completed"] * 5
    assert [turn["asked"] for turn in turns] == [*(path.name for path in recordings), None]
    for turn in turns[:4]:
        assert 0 < turn["first_sound_ms"] <= MAX_FIRST_SOUND_MS
        assert turn["interruptions"] == 0

    recording, rate = soundfile.read(out, dtype="int16")
    assert rate == 24_000
    product, third, counted, confirmed, rang = recognised(*pieces(np.ascontiguousarray(recording[:, 1])))
    assert missed_words("one hundred and forty four", product) <= 1
    assert missed_words("forty eight", third) <= 1
    assert missed_words("one two three four five", counted) <= 1
    assert missed_words("five second", confirmed) <= 1  # "seconds starting" is heard as "second is starting"
    # pocketsphinx hears flite's "second timer is done" as "second time there is none": it has no better language model
    assert missed_words("five second time", rang) <= 1


def test_a_typed_question_and_an_interruption(served: Served, tmp_path: Path) -> None:
    insist(served, lambda: interruption(served, tmp_path))


def interruption(served: Served, tmp_path: Path) -> None:
    long, short = (write_wav(tmp_path / name, speech(text)) for name, text in QUESTIONS.items())
    printed = run_stretto(
        "talk", "--url", served.url, "--wav", str(long), "--wav", str(short), "--interrupt", "2.5", "--json"
    )
    first, second = (json.loads(line) for line in printed.splitlines())
    assert "thirty" not in first["said"]
    assert second["interruptions"] == 1
    assert "144" in second["said"]


QUESTIONS = {"long.wav": "count to thirty", "short.wav": "what is twelve times twelve"}
