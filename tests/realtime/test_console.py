"""The terminal shows one line for each call and turn, and no words of the caller."""

from __future__ import annotations

import logging

import pytest

from realtime.console import Console
from scheduler import commands as do
from scheduler import events as was
from tests.realtime.talks import long_talk, short_talk


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def test_one_line_for_each_call_and_turn(caplog: pytest.LogCaptureFixture) -> None:
    console = Console("sess_1")
    with caplog.at_level(logging.DEBUG):
        console.observe(0.0, was.CallStarted())
        for at, happened in short_talk():
            console.observe(at, happened)
        console.closed(20.0, "hung up")
    told = lines(caplog, logging.INFO)
    assert told[0] == "call sess_1 opened"
    assert told[1].startswith("call sess_1, turn 1: answered first sound 750 ms after the end of speech")
    assert told[2] == "call sess_1, turn 2: silent"
    assert told[3].startswith("call sess_1, turn 3: answered first sound 410 ms")
    assert told[4] == "call sess_1 closed after 20.0 s, 3 turns (hung up)"
    assert len(told) == 5


def test_words_are_shown_at_debug_only(caplog: pytest.LogCaptureFixture) -> None:
    console = Console("sess_1")
    with caplog.at_level(logging.DEBUG):
        for at, happened in short_talk():
            console.observe(at, happened)
    assert not any("twelve" in line or "wait" in line for line in lines(caplog, logging.INFO))
    assert any("what is twelve times twelve" in line for line in lines(caplog, logging.DEBUG))


def test_failures_are_told(caplog: pytest.LogCaptureFixture) -> None:
    console = Console("sess_1")
    console.observe(1.0, was.ThinkEnded("think_1", was.ThinkEnding.FAILED, "the model is unreachable"))
    console.observe(1.0, was.EarsFailed("the recogniser died", recovered=True))
    assert lines(caplog, logging.WARNING) == [
        "call sess_1: the model is unreachable",
        "call sess_1: the recogniser died",
    ]


def test_typed_turns_and_turns_cut_short_are_told(caplog: pytest.LogCaptureFixture) -> None:
    console = Console("sess_1")
    with caplog.at_level(logging.INFO):
        console.observe(1.0, was.ResponseRequested("request_1"))
        console.observe(2.0, was.ResponseRequested("request_2", in_conversation=False))
        console.observe(3.0, do.EndTurn("turn_10", do.TurnOutcome.CALL_ENDED, "the client hung up"))
        console.closed(4.0)
    assert lines(caplog, logging.INFO) == [
        "call sess_1, a turn that was not over: call_ended (the client hung up)",
        "call sess_1 closed after 4.0 s, 0 turns, 1 request",
    ]


def test_nothing_is_kept_of_turns_that_are_over() -> None:
    console = Console("sess_1")
    for at, happened in long_talk(30):
        console.observe(at, happened)
    for number in range(30):
        console.observe(500.0, do.EndTurn(f"turn_{number}", do.TurnOutcome.ANSWERED))
    sizes = [len(value) for value in vars(console).values() if isinstance(value, dict)]
    assert sizes == [0, 0, 0, 0]


def test_drafts_and_fillers_are_told_in_short(caplog: pytest.LogCaptureFixture) -> None:
    console = Console("sess_1")
    with caplog.at_level(logging.INFO):
        for at, happened in (
            (1.0, do.Think("d1", do.Purpose.DRAFT, "turn_1", basis="what")),
            (1.1, was.ThinkEnded("d1", was.ThinkEnding.ABORTED)),
            (1.2, do.Think("d2", do.Purpose.DRAFT, "turn_1", basis="what time")),
            (1.5, was.SpeechStopped(1.4, 0.1)),
            (1.8, do.CommitTurn("turn_1", "what time", 0.0, 1.4, True)),
            (1.8, do.PromoteThinking("d2", "turn_1")),
            (1.9, do.Speak("u1", 0, "Well.", "d2", do.SpeakSource.FILLER)),
            (2.0, was.PlayoutStarted("u1")),
            (2.3, was.WordsHeard("u1", "Well.", 0.3)),
            (2.9, do.Speak("u1", 1, "Noon.", "d2")),
            (3.2, was.WordsHeard("u1", "Well. Noon.", 0.6)),
            (3.3, was.PlayoutEnded("u1", False, "Well. Noon.", 0.6, True)),
            (3.4, do.EndTurn("turn_1", do.TurnOutcome.ANSWERED)),
        ):
            console.observe(at, happened)
    assert lines(caplog, logging.INFO)[-1] == (
        "call sess_1, turn 1: answered first sound 600 ms (1 filler), first substance 1500 ms after the end of speech, "
        "done in 1.6 s [from a draft, 2 drafts begun]"
    )


def test_drafts_of_sounds_that_became_no_turn_are_forgotten() -> None:
    console = Console("sess_1")
    for number in range(300):
        console.observe(1.0, do.Think(f"d{number}", do.Purpose.DRAFT, f"turn_{number}"))
        console.observe(1.0, do.Speak(f"u{number}", 0, "One.", f"d{number}"))
    assert max(len(value) for value in vars(console).values() if isinstance(value, dict)) <= 64
