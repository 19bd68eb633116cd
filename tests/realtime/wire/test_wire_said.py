"""``stretto.said``: the words that the caller has heard."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.commands import Purpose, Speak, SpeakSource, StopSpeaking, Think
from scheduler.events import HeardCorrected, PlayoutEnded, PlayoutSent, ThinkEnded, ThinkEnding, WordsHeard
from tests.realtime.wire.wire_help import Wire


def said(events: list[dict[str, Any]]) -> list[tuple[str, float, str | None]]:
    told = [event for event in events if event["type"] == "stretto.said"]
    assert {event["utterance_id"] for event in told} <= {"u1"}
    return [(event["text"], event["seconds"], event.get("response_id")) for event in told]


@pytest.mark.parametrize("media", [False, True])
def test_the_words_of_an_answer_as_they_are_heard_and_at_its_end(media: bool) -> None:
    wire = Wire(extensions=True, media=media)
    response_id = wire.happens(Think("k1", Purpose.ANSWER))[0]["response"]["id"]
    wire.happens(Speak("u1", 0, "It is noon.", "k1"))
    wire.sounds("u1", "It", " is", " noon.")
    assert said(wire.happens(WordsHeard("u1", "It", 0.21234))) == [("It", 0.212, response_id)]
    wire.happens(ThinkEnded("k1", ThinkEnding.DONE), PlayoutSent("u1", 1.0))
    assert said(wire.happens(WordsHeard("u1", "It is", 0.4))) == [("It is", 0.4, response_id)]
    end = wire.happens(PlayoutEnded("u1", False, "It is noon.", 1.0, settled=True))
    assert said(end) == [("It is noon.", 1.0, response_id)]


def test_what_is_cut_off_ends_with_what_was_heard_and_a_client_may_know_better() -> None:
    wire = Wire(extensions=True)
    wire.happens(Think("k1", Purpose.ANSWER), Speak("u1", 0, "It is noon.", "k1"), StopSpeaking("u1"))
    end = wire.happens(PlayoutEnded("u1", True, "It is", 0.4, settled=False))
    assert [words for words, _, _ in said(end)] == ["It is"]
    assert [words for words, _, _ in said(wire.happens(HeardCorrected("u1", "It", 0.2)))] == ["It"]


def test_what_never_sounded_is_not_told_and_a_greeting_is() -> None:
    wire = Wire(extensions=True)
    wire.happens(Speak("u1", 0, "Hello.", source=SpeakSource.SERVER))
    assert len(said(wire.happens(WordsHeard("u1", "Hello.", 0.5)))) == 1
    assert said(wire.happens(PlayoutEnded("u1", True, "", 0.0, settled=True))) == []


def test_only_for_those_who_ask() -> None:
    assert Wire().happens(WordsHeard("u1", "Hello.", 0.5)) == []
