"""What is measured of a session, from a script of facts with times."""

from __future__ import annotations

import pytest

from realtime.metrics import Metrics, SessionMeter
from scheduler import commands as do
from scheduler import events as ev


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_waits_are_counted_from_the_end_of_speech_and_fixed_sentences_are_no_substance() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    meter.observe(10.0, ev.SpeechStopped(9.0, silence_seconds=0.1))
    meter.observe(10.2, do.CommitTurn("t1", "hi", 8.0, 9.0, True))
    meter.observe(10.3, do.Speak("u1", 0, "One moment.", None, do.SpeakSource.SERVER))
    meter.observe(10.4, ev.PlayoutStarted("u1"))
    meter.observe(11.0, do.Speak("u2", 0, "Yes.", "k1"))
    meter.observe(11.2, ev.PlayoutStarted("u2"))
    meter.observe(15.0, do.Speak("u3", 0, "Your timer.", "k2"))
    meter.observe(15.2, ev.PlayoutStarted("u3"))
    meter.observe(16.0, do.EndTurn("t1", do.TurnOutcome.ANSWERED))
    assert value(metrics, "stretto_first_sound_seconds_count") == 1
    assert round(value(metrics, "stretto_first_sound_seconds_sum") or 0, 6) == 0.5
    assert round(value(metrics, "stretto_first_substance_seconds_sum") or 0, 6) == 1.3
    assert value(metrics, "stretto_turns_total", outcome="answered") == 1


def turn(meter: SessionMeter, turn_id: str, at: float) -> None:
    meter.observe(at, ev.SpeechStopped(at - 1, silence_seconds=0.0))
    meter.observe(at + 0.2, do.CommitTurn(turn_id, "hi", at - 2, at - 1, True))


def sound(meter: SessionMeter, utterance_id: str, at: float) -> None:
    meter.observe(at, do.Speak(utterance_id, 0, "Ding.", utterance_id))
    meter.observe(at, ev.PlayoutStarted(utterance_id))


def counts(metrics: Metrics) -> tuple[float | None, float | None]:
    names = ("stretto_first_sound_seconds_count", "stretto_first_substance_seconds_count")
    return value(metrics, names[0]), value(metrics, names[1])


@pytest.mark.parametrize(
    "outcome", [do.TurnOutcome.SILENT, do.TurnOutcome.FAILED, do.TurnOutcome.CANCELLED, do.TurnOutcome.REJOINED]
)
def test_what_sounds_long_after_an_unanswered_turn_does_not_answer_it(outcome: do.TurnOutcome) -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    turn(meter, "t1", 10.0)
    meter.observe(11.0, do.EndTurn("t1", outcome))
    sound(meter, "timer", 69.0)
    assert counts(metrics) == (0, 0)


def test_an_answer_of_fixed_words_alone_leaves_no_substance_awaited() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    turn(meter, "t1", 10.0)
    meter.observe(10.5, do.Speak("u1", 0, "One moment.", None, do.SpeakSource.SERVER))
    meter.observe(10.6, ev.PlayoutStarted("u1"))
    meter.observe(12.0, do.EndTurn("t1", do.TurnOutcome.ANSWERED))
    sound(meter, "timer", 69.0)
    assert counts(metrics) == (1, 0)


def test_a_turn_answered_by_a_tool_of_the_clients_is_heard_after_its_output() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    turn(meter, "t1", 10.0)
    meter.observe(10.5, do.EndTurn("t1", do.TurnOutcome.ANSWERED, "the client runs a tool"))
    sound(meter, "u1", 12.0)
    assert counts(metrics) == (1, 1)
    assert value(metrics, "stretto_first_sound_seconds_sum") == 2.0


def test_the_end_of_an_older_turn_does_not_disturb_the_next() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    turn(meter, "t1", 10.0)
    turn(meter, "t2", 12.0)
    meter.observe(12.3, do.EndTurn("t1", do.TurnOutcome.CANCELLED))
    sound(meter, "u1", 12.5)
    assert counts(metrics) == (1, 1)


def test_failures_are_counted_by_part() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    meter.observe(0.0, ev.EarsFailed("x", True))
    meter.observe(0.0, ev.VoiceFailed("u", 0, "x"))
    meter.observe(0.0, ev.ThinkEnded("k", ev.ThinkEnding.FAILED))
    meter.observe(0.0, ev.ThinkEnded("k", ev.ThinkEnding.DONE))
    for part in ("ears", "voice", "language_model"):
        assert value(metrics, "stretto_failures_total", part=part) == 1


def test_two_servers_of_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.sessions.inc()
    assert value(other, "stretto_sessions") == 0
