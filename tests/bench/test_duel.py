"""The duel in virtual time: figures without this machine in them; and speech fitted to the scenes for Silero."""

from __future__ import annotations

import numpy as np
import pytest

from bench.duel import SceneResult, run_scene, summarised
from bench.duel_call import DuelCall, Setup, Watcher, scene_turns
from bench.duel_scenes import SCENES
from bench.duel_speech import LOUD, RATE_HZ, made_up, speeches, time_scaled
from scheduler import virtual_time
from scheduler.commands import Purpose, Think
from scheduler.events import OpeningVerified, SpeechStarted, ThoughtGrown, WordsWritten

TURNS = 3


def duel(name: str, setup: Setup | None = None) -> SceneResult:
    return run_scene(SCENES[name], setup or Setup(), TURNS, "virtual")


@pytest.mark.parametrize("name", ["plain", "courtesy", "long", "repair"])
def test_the_marks_are_kept(name: str) -> None:
    result = duel(name)
    assert (result.lost, result.wrong, result.fillers) == (0, 0, 0)
    p50, p95 = SCENES[name].mark_ms
    assert (result.first_substance_ms.p50 <= p50, result.first_substance_ms.p95 <= p95) == (True, True)


@pytest.mark.parametrize("name", ["plain", "courtesy", "repair"])
def test_nothing_is_decoded_in_vain_where_the_words_are_quick(name: str) -> None:
    assert duel(name).extra_tokens <= 1


def test_with_silero_each_turn_is_heard_as_one() -> None:
    setup = Setup(vad="silero")
    said = scene_turns(SCENES["courtesy"], TURNS, setup.seed)
    call = DuelCall(SCENES["courtesy"], setup, said, sounds=speeches(said, "silero"))
    result = summarised(SCENES["courtesy"], setup, call, virtual_time.run(call.run))
    assert sum(isinstance(each, SpeechStarted) for _, each in call.watcher.history) == TURNS
    assert result.lost == 0
    assert result.first_substance_ms.p95 <= 375


# --- what is counted ------------------------------------------------------------------------------


def watched(*history: Think | WordsWritten | ThoughtGrown | OpeningVerified) -> Watcher:
    watcher = Watcher()
    for happened in history:
        watcher.observe(0.0, happened)
    return watcher


def test_each_token_of_a_draft_that_is_left_unsaid_is_extra() -> None:
    watcher = watched(
        Think("draft", Purpose.DRAFT),
        WordsWritten("draft", "So"),
        WordsWritten("draft", " it"),
        ThoughtGrown("draft", "hm"),
    )
    assert (watcher.spent, watcher.extra("draft")) == (3, 3)


def test_of_an_opening_that_holds_only_what_was_begun_beside_it_is_extra() -> None:
    watcher = watched(
        Think("draft", Purpose.DRAFT),
        WordsWritten("draft", "So"),
        WordsWritten("draft", " it is."),
        Think("answer", Purpose.ANSWER, opening="So it is."),
        OpeningVerified("answer", "So it is."),
        WordsWritten("answer", " Yes."),
    )
    assert (watcher.spent, watcher.extra("draft"), watcher.extra("answer")) == (4, 0, 1)


# --- what the caller sounds like ------------------------------------------------------------------


@pytest.mark.parametrize("vad", ["energy", "silero"])
@pytest.mark.parametrize("name", ["courtesy", "long"])
def test_speech_lasts_as_long_as_the_scene_says_and_is_loud_at_both_ends(name: str, vad: str) -> None:
    turns = scene_turns(SCENES[name], 2, seed=1)
    for turn, sound in zip(turns, speeches(turns, vad), strict=True):
        assert len(sound) == round(turn.seconds * RATE_HZ)
        edge = RATE_HZ // 200
        assert np.abs(sound[:edge]).max() > LOUD
        assert np.abs(sound[-edge:]).max() > LOUD


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.7])
def test_time_is_scaled_without_changing_the_pitch(factor: float) -> None:
    tone = np.asarray(8000 * np.sin(2 * np.pi * 200 * np.arange(RATE_HZ) / RATE_HZ), np.int16)
    scaled = time_scaled(tone, round(factor * RATE_HZ))
    assert len(scaled) == round(factor * RATE_HZ)
    spectrum = np.abs(np.fft.rfft(scaled[: RATE_HZ // 2].astype(np.float64)))
    assert np.argmax(spectrum) * 2 == pytest.approx(200, abs=4)
    assert np.sqrt(np.mean(scaled[800:-800].astype(np.float64) ** 2)) == pytest.approx(8000 / 2**0.5, rel=0.1)


@pytest.mark.parametrize("count", [0, 100, 3000])
def test_a_piece_too_short_to_scale_is_cut_or_filled_up(count: int) -> None:
    assert len(time_scaled(made_up(0.03), count)) == count
