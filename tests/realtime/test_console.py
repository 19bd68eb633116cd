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


def test_nothing_is_kept_of_turns_that_are_over() -> None:
    console = Console("sess_1")
    for at, happened in long_talk(30):
        console.observe(at, happened)
    for number in range(30):
        console.observe(500.0, do.EndTurn(f"turn_{number}", do.TurnOutcome.ANSWERED))
    sizes = [len(value) for value in vars(console).values() if isinstance(value, dict)]
    assert sizes == [0, 0, 0]
