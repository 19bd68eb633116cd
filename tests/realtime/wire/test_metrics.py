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


# --- fillers and drafts -------------------------------------------------------------------------------


def filled(meter: SessionMeter, *, skip: bool) -> None:
    """Filler from 10.4 to 11.2 (cut at 10.9 if ``skip``), the answer's first word from 12.0 to 12.3."""
    turn(meter, "t1", 10.0)
    meter.observe(10.3, do.Speak("u1", 0, "Let me look.", "k1", do.SpeakSource.FILLER))
    meter.observe(10.35, ev.SpeechRendered("u1", 0, 0.8))
    meter.observe(10.4, ev.PlayoutStarted("u1"))
    meter.observe(10.7, ev.WordsHeard("u1", "Let", 0.3))
    meter.observe(10.9, ev.WordsHeard("u1", "Let me", 0.5))
    if skip:
        meter.observe(10.9, do.SkipSentence("u1", 0))
    else:
        meter.observe(11.1, ev.WordsHeard("u1", "Let me look.", 0.7))
    meter.observe(11.9, do.Speak("u1", 1, "Noon.", "k1"))
    meter.observe(11.95, ev.SpeechRendered("u1", 1, 0.3))
    said = ("Let me Noon.", 0.8) if skip else ("Let me look. Noon.", 1.1)
    meter.observe(12.3, ev.WordsHeard("u1", *said))
    meter.observe(12.4, ev.PlayoutEnded("u1", False, said[0], said[1], True))


@pytest.mark.parametrize("skip", [True, False])
def test_a_filler_is_a_sound_and_no_substance(skip: bool) -> None:
    metrics = Metrics()
    filled(SessionMeter(metrics), skip=skip)
    assert counts(metrics) == (1, 1)
    assert value(metrics, "stretto_first_sound_seconds_sum") == pytest.approx(0.4)
    assert value(metrics, "stretto_first_substance_seconds_sum") == pytest.approx(2.0)
    assert value(metrics, "stretto_fillers_total") == 1


def test_a_filler_alone_is_no_substance() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    turn(meter, "t1", 10.0)
    meter.observe(10.3, do.Speak("u1", 0, "One moment.", "k1", do.SpeakSource.FILLER))
    meter.observe(10.4, ev.PlayoutStarted("u1"))
    meter.observe(10.9, ev.PlayoutEnded("u1", False, "One moment.", 0.5, True))
    assert counts(metrics) == (1, 0)


def ended(think_id: str, ending: ev.ThinkEnding, tokens: int) -> ev.ThinkEnded:
    return ev.ThinkEnded(think_id, ending, output_tokens=tokens)


def test_tokens_written_ahead_for_nothing_are_counted() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    draft = [do.Think(f"d{n}", do.Purpose.DRAFT, "t1", basis="what") for n in range(4)]
    facts = [
        *(draft[0], do.StopThinking("d0"), ended("d0", ev.ThinkEnding.STOPPED, 5)),
        *(draft[1], do.Speak("u1", 0, "One.", "d1"), do.StopThinking("d1"), do.StopSpeaking("u1")),
        ended("d1", ev.ThinkEnding.STOPPED, 7),
        *(draft[2], ended("d2", ev.ThinkEnding.DONE, 11), do.PromoteThinking("d2", "t1")),
        *(draft[3], ended("d3", ev.ThinkEnding.ABORTED, 13)),
        *(do.Think("f1", do.Purpose.FORESIGHT, "t1"), ended("f1", ev.ThinkEnding.DONE, 2)),
        *(do.Think("n1", do.Purpose.NOTES, "t1"), ended("n1", ev.ThinkEnding.DONE, 3)),
        *(do.Think("n2", do.Purpose.NOTES, "t1"), ended("n2", ev.ThinkEnding.DONE, 4)),
        *(do.PromoteThinking("n2", "t1"), do.EndTurn("t1", do.TurnOutcome.ANSWERED)),
    ]
    for fact in facts:
        meter.observe(1.0, fact)
    fates = {fate: value(metrics, "stretto_drafts_total", fate=fate) for fate in ("started", "promoted", "abandoned")}
    assert fates == {"started": 4, "promoted": 1, "abandoned": 3}
    extra = {
        kind: value(metrics, "stretto_extra_tokens_total", purpose=kind) for kind in ("draft", "notes", "foresight")
    }
    assert extra == {"draft": 25, "notes": 3, "foresight": 2}
    assert value(metrics, "stretto_output_tokens_total", purpose="draft") == 36


def test_what_a_verified_draft_wrote_is_lost_only_with_the_one_that_took_it_over() -> None:
    metrics = Metrics()
    meter = SessionMeter(metrics)
    for fact in (
        *(do.Think("d1", do.Purpose.DRAFT, "t1"), ev.SentenceWritten("d1", 0, "One.")),
        *(do.Hold("u1"), do.Speak("u1", 0, "One.", "d1")),
        *(ended("d1", ev.ThinkEnding.STOPPED, 5), do.Think("d2", do.Purpose.DRAFT, "t1", opening="One.")),
        *(ev.OpeningVerified("d2", "One."), ended("d2", ev.ThinkEnding.DONE, 2)),
    ):
        meter.observe(1.0, fact)
    assert value(metrics, "stretto_drafts_total", fate="verified") == 1
    assert value(metrics, "stretto_extra_tokens_total", purpose="draft") is None
    meter.observe(2.0, do.EndTurn("t1", do.TurnOutcome.CANCELLED))
    assert value(metrics, "stretto_extra_tokens_total", purpose="draft") == 7
