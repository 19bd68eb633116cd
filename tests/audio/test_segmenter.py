"""Segmentation in audio time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.segmenter import (
    Faded,
    PauseLengthened,
    Returned,
    SegmentBegan,
    SegmentEnded,
    Segmenter,
    SegmentEvent,
    SegmentSettings,
)

CHUNK = 0.032
SETTINGS = SegmentSettings()


def run(probabilities: list[float], settings: SegmentSettings = SETTINGS) -> list[SegmentEvent]:
    segmenter = Segmenter(settings)
    return [event for probability in probabilities for event in segmenter.process(CHUNK, probability)]


def test_onset_is_where_the_voice_began_and_offset_where_it_ended_less_the_lag() -> None:
    events = run([0.0] * 10 + [0.9] * 20 + [0.0] * 10)
    began, faded, ended = events[:3]
    assert isinstance(faded, Faded)
    assert isinstance(began, SegmentBegan)
    assert began.audio_seconds == pytest.approx(10 * CHUNK)
    assert began.voiced_seconds == pytest.approx(0.064)
    assert isinstance(ended, SegmentEnded)
    assert ended.audio_seconds == pytest.approx(30 * CHUNK - 0.08)
    assert 0.2 <= ended.silence_seconds < 0.2 + CHUNK


def test_a_click_is_no_speech() -> None:
    assert run(([0.0] * 5 + [0.9]) * 10) == []


def test_hysteresis_bridges_weak_voice() -> None:
    assert [type(event) for event in run([0.9] * 5 + [0.4] * 30)] == [SegmentBegan]
    assert run([0.4] * 30) == []


def test_a_short_pause_does_not_end_a_segment() -> None:
    events = run([0.9] * 5 + [0.0] * 2 + [0.9] * 5)
    assert [type(event) for event in events] == [SegmentBegan, Faded, Returned]
    assert isinstance(events[2], Returned)
    assert events[2].audio_seconds == pytest.approx(7 * CHUNK)


@pytest.mark.parametrize(("lag", "chunks"), [(0.0, 3), (0.08, 1)])
def test_voice_is_told_to_fade_after_about_100_ms_with_its_true_end(lag: float, chunks: int) -> None:
    settings = SegmentSettings(offset_lag_seconds=lag)
    voice = [0.9] * 10
    assert len(run(voice + [0.0] * (chunks - 1), settings)) == 1
    faded = run(voice + [0.0] * chunks, settings)[1]
    assert isinstance(faded, Faded)
    assert faded.audio_seconds == pytest.approx(10 * CHUNK - lag)
    assert faded.silence_seconds == pytest.approx(lag + chunks * CHUNK)


def test_each_pause_fades_once_and_speech_that_ends_does_not_return() -> None:
    events = run(([0.9] * 5 + [0.0] * 2) * 3 + [0.0] * 20)
    assert [type(event) for event in events[:6]] == [SegmentBegan, Faded, Returned, Faded, Returned, Faded]
    assert isinstance(events[6], SegmentEnded)
    assert {type(event) for event in events[7:]} == {PauseLengthened}
    assert isinstance(events[5], Faded)
    assert events[5].audio_seconds == events[6].audio_seconds


def test_a_cough_is_no_longer_than_it_was() -> None:
    events = run([0.9] * 3 + [0.0] * 8, SegmentSettings(offset_lag_seconds=0.0))
    assert events[1] == Faded(0.096, 0.096)


def test_pauses_are_told_about_every_100_ms_up_to_6_s() -> None:
    pauses = [event.silence_seconds for event in run([0.9] * 5 + [0.0] * 400) if isinstance(event, PauseLengthened)]
    assert 50 <= len(pauses) <= 60
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 6.0 + CHUNK


def test_nothing_is_told_before_the_first_speech() -> None:
    assert run([0.0] * 1000) == []


def test_a_cut_ends_speech_now() -> None:
    segmenter = Segmenter(SETTINGS)
    for _ in range(5):
        segmenter.process(CHUNK, 0.9)
    assert segmenter.cut() == SegmentEnded(5 * CHUNK, 0.0)
    assert segmenter.cut() is None
    assert not segmenter.speaking


@given(st.lists(st.floats(0, 1), max_size=300), st.floats(0.1, 0.9))
def test_events_alternate_and_times_never_go_back(probabilities: list[float], threshold: float) -> None:
    segmenter = Segmenter(SegmentSettings(threshold=threshold))
    speaking, faded, last_time, now, silence = False, False, 0.0, 0.0, 0.0
    for probability in probabilities:
        now += CHUNK
        for event in segmenter.process(CHUNK, probability):
            match event:
                case SegmentBegan(at, voiced):
                    assert not speaking
                    assert at + voiced == pytest.approx(now, abs=1e-5)
                    speaking = True
                case SegmentEnded(at, silence):
                    assert speaking
                    assert at + silence == pytest.approx(now, abs=1e-5)
                    speaking = faded = False
                case Faded(at, quiet):
                    assert speaking
                    assert not faded
                    assert at + quiet == pytest.approx(now, abs=1e-5)
                    faded = True
                case Returned(at):
                    assert faded
                    faded = False
                case PauseLengthened(longer):
                    assert not speaking
                    assert longer > silence
                    silence, at = longer, last_time
            assert last_time - 1e-5 <= at <= now + 1e-5
            last_time = at
        assert segmenter.speaking is speaking
