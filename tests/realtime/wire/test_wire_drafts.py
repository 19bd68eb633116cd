"""Drafts, held speech and fillers on the wire: clients hear of nothing that was not promoted, and of all that was."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime.drafts import Fate
from realtime.wire.extensions import Phase
from scheduler.commands import (
    Backchannel,
    Command,
    CommitTurn,
    Effort,
    EndCall,
    EndTurn,
    EndUtterance,
    Hold,
    OpenTurn,
    PromoteThinking,
    Purpose,
    Release,
    SkipSentence,
    Speak,
    SpeakSource,
    StopSpeaking,
    StopThinking,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    EndingForeseen,
    Event,
    OpeningVerified,
    PauseGrew,
    PlayoutEnded,
    PlayoutSent,
    ResponseCancelled,
    SentenceWritten,
    SilenceChosen,
    SpeechReady,
    SpeechStarted,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    ToolLeftBehind,
    TranscriptRevised,
    VoiceFailed,
    WordsWritten,
)
from tests.realtime.wire.test_wire_mapper import CLOSE_AUDIO, COMMIT, ITEM, OPEN
from tests.realtime.wire.wire_help import Wire, types, words

DRAFT = Think("d1", Purpose.DRAFT, "t1", basis="what time is it")
WRITTEN = (WordsWritten("d1", "It is noon."), SentenceWritten("d1", 0, "It is noon."))
HELD = (Hold("u1"), Speak("u1", 0, "It is noon.", "d1"))
DONE = ThinkEnded("d1", ThinkEnding.DONE, input_tokens=20, output_tokens=7, cached_tokens=8)
STOPPED = ThinkEnded("d1", ThinkEnding.STOPPED)
PROMOTE = PromoteThinking("d1", "t1")
OPENING = {"basis": "what time is it in Oslo", "opening": "It is noon."}


def spoken_out(wire: Wire, utterance_id: str = "u1", *texts: str) -> dict[str, Any]:
    """The utterance sounds to its end; gives the response that is done then."""
    wire.sounds(utterance_id, *texts)
    done: dict[str, Any] = wire.happens(EndUtterance(utterance_id), PlayoutSent(utterance_id, 0.04))[-1]
    assert done["type"] == "response.done"
    return dict(done["response"])


def test_a_draft_becomes_a_response_when_it_is_promoted_and_its_items_come_with_its_release() -> None:
    wire = Wire()
    wire.happens(OPEN)
    assert wire.happens(DRAFT, *WRITTEN, *HELD, SpeechReady("u1", 0)) == []
    assert wire.sounds("u1", "It") == []
    assert wire.mapper.running == []
    wire.happens(COMMIT)
    assert types(wire.happens(PROMOTE)) == ["response.created"]
    assert types(wire.happens(Release("u1"))) == ITEM
    assert wire.happens(DONE, Speak("u1", 1, "Good day.", "d1")) == []
    response = spoken_out(wire, "u1", "It", " is", " noon.")
    assert response["status"] == "completed"
    assert response["usage"]["total_tokens"] == 27
    assert response["output"][0]["content"][0]["transcript"] == "It is noon. Good day."


def test_a_draft_that_has_ended_brings_its_tokens_and_waits_for_its_speech() -> None:
    wire = Wire()
    wire.happens(OPEN, DRAFT, *WRITTEN, *HELD, DONE, COMMIT)
    assert types(wire.happens(PROMOTE, PauseGrew(0.3))) == ["response.created"]
    wire.happens(Release("u1"))
    response = spoken_out(wire, "u1", "It", " is", " noon.")
    assert (response["status"], response["usage"]["output_tokens"]) == ("completed", 7)


def test_a_draft_whose_speech_is_ordered_only_now_is_not_done_too_early() -> None:
    wire = Wire()
    wire.happens(DRAFT, *WRITTEN, DONE)
    assert types(wire.happens(COMMIT, PROMOTE, Speak("u1", 0, "It is noon.", "d1")))[-4:] == ["response.created", *ITEM]
    assert wire.happens(PauseGrew(0.5)) == []
    assert spoken_out(wire, "u1", "It", " is", " noon.")["status"] == "completed"


def test_a_silent_draft_is_a_response_without_output() -> None:
    wire = Wire()
    wire.happens(DRAFT, SilenceChosen("d1", "thinking aloud"), DONE)
    events = wire.happens(PROMOTE, EndTurn("t1", TurnOutcome.SILENT), PauseGrew(0.4))
    assert types(events) == ["response.created", "response.done"]
    assert (events[1]["response"]["status"], events[1]["response"]["output"]) == ("completed", [])
    assert events[1]["response"]["usage"]["output_tokens"] == 7


@pytest.mark.parametrize("ending", [ThinkEnding.STOPPED, ThinkEnding.ABORTED, ThinkEnding.FAILED, ThinkEnding.DONE])
def test_nobody_hears_of_an_abandoned_draft(ending: ThinkEnding) -> None:
    wire = Wire()
    wire.happens(OPEN)
    facts = (DRAFT, *WRITTEN, *HELD, StopThinking("d1"), StopSpeaking("u1", reason="cleared"), ThinkEnded("d1", ending))
    assert wire.happens(*facts, PlayoutEnded("u1", True, "", 0.0, True, 0)) == []
    assert wire.sounds("u1", "It") == []
    assert wire.mapper.running == []
    assert len(wire.state.conversation) == 0


@pytest.mark.parametrize("purpose", [Purpose.NOTES, Purpose.FORESIGHT, Purpose.AFTERTHOUGHT])
def test_what_is_thought_beside_the_talk_is_no_response(purpose: Purpose) -> None:
    wire = Wire()
    think = Think("n1", purpose, "t1", basis="what")
    told = (ThoughtGrown("n1", "hm"), EndingForeseen("n1", "time", 0.9), WordsWritten("n1", "Well."))
    assert wire.happens(think, *told, ThinkEnded("n1", ThinkEnding.DONE), PromoteThinking("n1", "t1")) == []


def test_an_afterthought_that_is_spoken_is_an_ordinary_response() -> None:
    wire = Wire()
    wire.happens(
        Think("a1", Purpose.AFTERTHOUGHT), WordsWritten("a1", "It was one."), ThinkEnded("a1", ThinkEnding.DONE)
    )
    said = Speak("u9", 0, "It was one.", source=SpeakSource.AFTERTHOUGHT)
    assert types(wire.happens(said)) == ["response.created", *ITEM]
    assert wire.mapper.conversation_is_busy is False, "it was begun unasked: a client's request takes its place"
    wire.sounds("u9", "It")
    assert wire.mapper.conversation_is_busy is False
    assert spoken_out(wire, "u9", " was", " one.")["status"] == "completed"


FROZEN = (OPEN, DRAFT, *WRITTEN, *HELD, StopThinking("d1"), STOPPED)


@pytest.mark.parametrize("with_more_speech", [False, True])
def test_what_a_frozen_draft_said_belongs_to_the_answer_that_took_it_over(with_more_speech: bool) -> None:
    wire = Wire()
    wire.happens(*FROZEN, COMMIT)
    assert types(wire.happens(Think("k2", Purpose.ANSWER, "t1", **OPENING))) == ["response.created"]
    assert wire.happens(OpeningVerified("k2", "It is noon.")) == []
    if with_more_speech:
        wire.happens(SentenceWritten("k2", 0, "In Oslo."), Speak("u1", 1, "In Oslo.", "k2"))
    assert wire.happens(ThinkEnded("k2", ThinkEnding.DONE, output_tokens=3)) == []
    assert types(wire.happens(Release("u1"))) == ITEM
    response = spoken_out(wire, "u1", "It", " is", " noon.")
    assert response["output"][0]["content"][0]["transcript"] == "It is noon." + " In Oslo." * with_more_speech
    assert len([event for event in wire.log if event["type"] == "response.created"]) == 1


def test_a_draft_may_take_over_what_another_said_and_be_promoted_after() -> None:
    wire = Wire()
    assert types(wire.happens(*FROZEN, Think("d2", Purpose.DRAFT, "t1", **OPENING))) == types(wire.log)[:1]
    assert wire.happens(OpeningVerified("d2", "It is noon."), ThinkEnded("d2", ThinkEnding.DONE)) == []
    assert types(wire.happens(PromoteThinking("d2", "t1"), PauseGrew(0.1))) == ["response.created"]
    wire.happens(Release("u1"))
    assert spoken_out(wire, "u1", "It", " is", " noon.")["status"] == "completed"


def test_an_opening_that_simply_goes_on_needs_no_verification() -> None:
    wire = Wire()
    wire.happens(*FROZEN, COMMIT, Think("k2", Purpose.ANSWER, "t1", opening_holds=True, **OPENING))
    assert types(wire.happens(Release("u1"))) == ITEM
    assert wire.happens(ThinkEnded("k2", ThinkEnding.DONE)) == []
    assert spoken_out(wire, "u1", "It", " is", " noon.")["status"] == "completed"


def test_what_a_streaming_voice_holds_of_a_sentence_goes_on_in_the_answer() -> None:
    wire = Wire()
    held = (Hold("u1"), Speak("u1", 0, "It is", "d1", complete=False))
    wire.happens(OPEN, DRAFT, WordsWritten("d1", "It is no"), *held, StopThinking("d1"), STOPPED, COMMIT)
    wire.happens(Think("k2", Purpose.ANSWER, "t1", opening="It is", opening_holds=True), Release("u1"))
    wire.happens(Speak("u1", 0, " six.", "k2"), ThinkEnded("k2", ThinkEnding.DONE))
    response = spoken_out(wire, "u1", "It", " is", " six.")
    assert response["output"][0]["content"][0]["transcript"] == "It is six."


def test_a_draft_may_be_promoted_while_its_opening_is_still_being_verified() -> None:
    wire = Wire()
    wire.happens(*FROZEN, Think("d2", Purpose.DRAFT, "t1", **OPENING), COMMIT)
    assert types(wire.happens(PromoteThinking("d2", "t1"), PauseGrew(0.1))) == ["response.created"]
    assert types(wire.happens(OpeningVerified("d2", "It is noon."), Release("u1"))) == ITEM
    assert wire.happens(ThinkEnded("d2", ThinkEnding.DONE)) == []
    assert spoken_out(wire, "u1", "It", " is", " noon.")["status"] == "completed"


def test_an_opening_that_does_not_hold_is_thrown_away_without_a_trace() -> None:
    wire = Wire()
    wire.happens(*FROZEN, COMMIT, Think("k2", Purpose.ANSWER, "t1", **OPENING))
    thrown_away = StopSpeaking("u1", reason="abandoned")
    assert wire.happens(OpeningVerified("k2", ""), thrown_away, PlayoutEnded("u1", True, "", 0.0, True, 0)) == []
    assert types(wire.happens(Speak("u2", 0, "Six.", "k2"), ThinkEnded("k2", ThinkEnding.DONE))) == ITEM
    assert spoken_out(wire, "u2", "Six.")["output"][0]["content"][0]["transcript"] == "Six."


def test_a_promoted_draft_that_is_stopped_before_its_release_is_cancelled() -> None:
    for ended in ((), (DONE,)):
        wire = Wire()
        wire.happens(OPEN, DRAFT, *WRITTEN, *HELD, *ended, COMMIT, PROMOTE)
        stop = () if ended else (StopThinking("d1"),)
        events = wire.happens(ResponseCancelled(), *stop, StopSpeaking("u1", reason="cancelled"))
        assert types(events) == ["response.done"]
        assert events[0]["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert wire.sounds("u1", "It") == []


def test_a_promoted_draft_calls_the_clients_tools() -> None:
    wire = Wire()
    wire.happens(DRAFT, PROMOTE)
    events = wire.happens(ToolCalled("d1", "c", "look", "{}", by_client=True), ThinkEnded("d1", ThinkEnding.TOOLS))
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["function_call"]


def test_a_text_draft_is_written_in_whole_when_it_is_promoted() -> None:
    wire = Wire()
    draft = Think("d1", Purpose.DRAFT, "t1", audible=False)
    assert wire.happens(draft, WordsWritten("d1", "It is"), WordsWritten("d1", " noon.")) == []
    assert types(wire.happens(PROMOTE)) == ["response.created", *ITEM, "response.output_text.delta"]
    wire.happens(WordsWritten("d1", " Good day."), DONE)
    assert wire.log[-1]["response"]["output"][0]["content"][0]["text"] == "It is noon. Good day."


def test_a_text_answer_goes_on_behind_its_verified_opening() -> None:
    wire = Wire()
    wire.happens(Think("d1", Purpose.DRAFT, "t1", audible=False), *WRITTEN, STOPPED)
    wire.happens(Think("k2", Purpose.ANSWER, "t1", audible=False, **OPENING), OpeningVerified("k2", "It is noon."))
    wire.happens(WordsWritten("k2", " In Oslo."), ThinkEnded("k2", ThinkEnding.DONE))
    assert wire.log[-1]["response"]["output"][0]["content"][0]["text"] == "It is noon. In Oslo."


def test_what_sounds_without_a_promotion_still_belongs_to_a_response() -> None:
    wire = Wire()
    wire.happens(DRAFT, *WRITTEN, *HELD)
    assert types(wire.happens(Release("u1"))) == ["response.created", *ITEM]
    assert wire.happens(PROMOTE) == []


def test_a_sentence_that_could_not_be_rendered_ahead_is_not_in_the_transcript() -> None:
    wire = Wire()
    wire.happens(DRAFT, *WRITTEN, *HELD, Speak("u1", 1, "Good day.", "d1"), VoiceFailed("u1", 1, "x"), DONE)
    wire.happens(PROMOTE, Release("u1"))
    assert spoken_out(wire, "u1", "It", " is", " noon.")["output"][0]["content"][0]["transcript"] == "It is noon."


def test_the_end_of_the_call_leaves_no_draft_behind() -> None:
    wire = Wire()
    assert wire.happens(DRAFT, *WRITTEN, *HELD, EndCall("bye"), Release("u1")) == []


def test_memory_of_drafts_is_bounded() -> None:
    wire = Wire()
    for number in range(500):
        draft, utterance = f"d{number}", f"u{number}"
        wire.happens(Think(draft, Purpose.DRAFT, "t1"), Hold(utterance), Speak(utterance, 0, "One.", draft))
    mapper = wire.mapper
    assert len(mapper._held) <= 16
    stores = [store for store in vars(mapper._drafts).values() if hasattr(store, "__len__")]
    assert max(map(len, stores)) <= 32
    assert mapper.running == []


# --- fillers and streamed sentences -------------------------------------------------------------------


def test_a_filler_is_the_leading_text_of_the_same_message() -> None:
    wire = Wire()
    wire.happens(Think("k1", Purpose.ANSWER, "t1"), Speak("u1", 0, "Let me see.", "k1", SpeakSource.FILLER))
    wire.sounds("u1", "Let", " me", " see.")
    wire.happens(Speak("u1", 1, "It is noon.", "k1"), ThinkEnded("k1", ThinkEnding.DONE))
    response = spoken_out(wire, "u1", "It", " is", " noon.")
    assert [item["content"][0]["transcript"] for item in response["output"]] == ["Let me see. It is noon."]


def test_what_was_cut_of_a_filler_is_not_in_the_transcript() -> None:
    wire = Wire()
    filler = Speak("u1", 0, "Let me look that up for you.", "k1", SpeakSource.FILLER)
    wire.happens(Think("k1", Purpose.ANSWER, "t1"), filler)
    wire.sounds("u1", "Let", " me", " look")
    wire.happens(Speak("u1", 1, "It is noon.", "k1"), SkipSentence("u1", 0), ThinkEnded("k1", ThinkEnding.DONE))
    for rest in (("It", " is", " noon."), ()):
        if rest:
            wire.sounds("u1", *rest)
    done = wire.happens(PlayoutSent("u1", 0.1))[-1]["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Let me look It is noon."


def test_nothing_is_made_up_of_a_cut_filler_whose_words_have_no_times() -> None:
    wire = Wire()
    wire.happens(Think("k1", Purpose.ANSWER, "t1"), Speak("u1", 0, "One moment.", "k1", SpeakSource.FILLER))
    wire.happens(Speak("u1", 1, "It is noon.", "k1"), SkipSentence("u1", 0), ThinkEnded("k1", ThinkEnding.DONE))
    assert spoken_out(wire)["output"][0]["content"][0]["transcript"] == "It is noon."


@pytest.mark.parametrize("timed", [True, False])
def test_a_sentence_in_parts_is_one_sentence(timed: bool) -> None:
    wire = Wire()
    wire.happens(Think("k1", Purpose.ANSWER, "t1"), Speak("u1", 0, "It is", "k1", complete=False))
    if timed:
        wire.sounds("u1", "It", " is")
    wire.happens(Speak("u1", 0, " noon. ", "k1", complete=False), Speak("u1", 0, "", "k1"))
    wire.happens(Speak("u1", 1, "", "k1", complete=False), Speak("u1", 1, "Good ", "k1", complete=False))
    wire.happens(Speak("u1", 1, "day.", "k1"), ThinkEnded("k1", ThinkEnding.DONE))
    if timed:
        wire.sounds("u1", " noon.")
        wire.sounds("u1", "Good")
    assert spoken_out(wire)["output"][0]["content"][0]["transcript"] == "It is noon. Good day."


# --- extensions ---------------------------------------------------------------------------------------


def told(events: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The extension events without the timeline, with what they say."""
    left_out = {"type", "event_id"}
    return [
        (event["type"].removeprefix("stretto."), {key: value for key, value in event.items() if key not in left_out})
        for event in events
        if event["type"].startswith("stretto.") and event["type"] != "stretto.timeline"
    ]


def test_the_life_of_a_promoted_draft_is_told_to_those_who_ask() -> None:
    wire = Wire(extensions=True)
    draft = {"think_id": "d1", "purpose": "draft"}
    assert told(wire.happens(DRAFT)) == [
        ("effort", draft | {"effort": "auto"}),
        ("draft.started", draft | {"basis": "what time is it", "foreseen": False, "turn_id": "t1"}),
    ]
    assert told(wire.happens(*WRITTEN, *HELD, SpeechReady("u1", 0))) == [
        ("draft.delta", draft | {"delta": "It is noon."})
    ]
    answer = draft | {"response_id": "resp_1"}
    assert told(wire.happens(PROMOTE)) == [
        ("phase", answer | {"phase": "writing"}),
        ("phase", answer | {"phase": "ready", "utterance_id": "u1"}),
        ("draft.promoted", answer | {"turn_id": "t1"}),
    ]
    assert told(wire.happens(DONE)) == [("phase", answer | {"phase": "written"})]


def test_a_drafts_silence_is_told_when_it_is_promoted() -> None:
    wire = Wire(extensions=True)
    wire.happens(DRAFT)
    assert told(wire.happens(SilenceChosen("d1", "thinking aloud"))) == []
    promoted = told(wire.happens(PROMOTE))
    silence = {"think_id": "d1", "purpose": "draft", "response_id": "resp_1", "reason": "thinking aloud"}
    assert ("silence", silence) in promoted


LOOK = ToolCalled("d1", "c1", "look", "{}", by_client=False)
BOOK = ToolCalled("d1", "c2", "book", "{}", by_client=False, awaits_commit=True)


def tools_told(wire: Wire, *facts: Event | Command) -> list[tuple[str, str, bool | None]]:
    """What is told of the server's tools: which event, which call, whether it failed."""
    return [
        (name, what["call_id"], what.get("failed"))
        for name, what in told(wire.happens(*facts))
        if name.startswith("tool.")
    ]


def test_a_drafts_tool_that_awaits_the_commit_is_told_when_it_begins() -> None:
    wire = Wire(extensions=True)
    assert tools_told(wire, DRAFT, LOOK, BOOK) == [("tool.called", "c1", None)]
    assert tools_told(wire, ToolEnded("d1", "c1", "found"), PROMOTE) == [
        ("tool.ended", "c1", False),
        ("tool.called", "c2", None),
    ]
    assert tools_told(wire, ToolEnded("d1", "c2", "booked"), DONE) == [("tool.ended", "c2", False)]


def test_an_abandoned_drafts_tools_end_and_those_that_never_began_are_not_told() -> None:
    wire = Wire(extensions=True)
    wire.happens(DRAFT)
    assert tools_told(wire, LOOK, BOOK, StopThinking("d1"), STOPPED) == [
        ("tool.called", "c1", None),
        ("tool.ended", "c1", True),
    ]
    assert tools_told(wire, PROMOTE) == []


def test_a_tool_that_is_cancelled_before_it_began_is_not_told() -> None:
    wire = Wire(extensions=True)
    assert tools_told(wire, DRAFT, BOOK, ToolEnded("d1", "c2", "cancelled", failed=True), PROMOTE, DONE) == []


def test_an_answers_tool_may_outlive_it() -> None:
    wire = Wire(extensions=True)
    wire.happens(Think("k1", Purpose.ANSWER), replace(LOOK, think_id="k1"), ToolLeftBehind("k1", "c1"))
    assert tools_told(wire, ThinkEnded("k1", ThinkEnding.DONE)) == []
    assert tools_told(wire, ToolEnded("k1", "c1", "found")) == [("tool.ended", "c1", False)]


def test_a_draft_that_is_abandoned_says_why() -> None:
    wire = Wire(extensions=True)
    revised = TranscriptRevised(0, words("no"))
    wire.happens(DRAFT, *WRITTEN, *HELD)
    events = told(wire.happens(revised, StopThinking("d1"), StopSpeaking("u1", reason="cleared"), STOPPED))
    assert events[-1] == ("draft.abandoned", {"think_id": "d1", "purpose": "draft", "reason": "contradicted"})
    wire.happens(Think("d2", Purpose.DRAFT, "t1"))
    assert told(wire.happens(ThinkEnded("d2", ThinkEnding.ABORTED)))[-1][1]["reason"] == "no_room"
    wire.happens(Think("d3", Purpose.DRAFT, "t1"))
    assert told(wire.happens(EndTurn("t1", TurnOutcome.ANSWERED)))[-1][1]["reason"] == "turn_ended"


def test_a_frozen_draft_that_is_verified_is_told() -> None:
    wire = Wire(extensions=True)
    names = [name for name, _ in told(wire.happens(*FROZEN))]
    assert names[-1] == "draft.frozen"
    wire.happens(COMMIT, Think("k2", Purpose.ANSWER, "t1", **OPENING))
    verified = {"think_id": "d1", "purpose": "draft", "taken_by": "k2"}
    assert told(wire.happens(OpeningVerified("k2", "It is noon."))) == [("draft.verified", verified)]


def test_foresight_and_the_draft_begun_for_it() -> None:
    wire = Wire(extensions=True)
    wire.happens(Think("f1", Purpose.FORESIGHT, "t1", basis="what time"))
    assert told(wire.happens(EndingForeseen("f1", "is it?", 0.91234))) == [
        ("foresight", {"think_id": "f1", "purpose": "foresight", "ending": "is it?", "probability": 0.912})
    ]
    assert told(wire.happens(DRAFT))[-1][1]["foreseen"] is True


def test_notes_are_told_apart_from_thoughts() -> None:
    wire = Wire(extensions=True)
    notes = {"think_id": "n1", "purpose": "notes"}
    wire.happens(Think("n1", Purpose.NOTES, "t1"))
    assert told(wire.happens(ThoughtGrown("n1", "a date"))) == [("note.delta", notes | {"delta": "a date"})]
    assert told(wire.happens(PromoteThinking("n1", "t1"))) == [("note.kept", notes)]


def test_notes_without_a_word_are_not_told_as_kept() -> None:
    wire = Wire(extensions=True)
    wire.happens(Think("n1", Purpose.NOTES, "t1"))
    ended = ThinkEnded("n1", ThinkEnding.DONE)
    assert "note.kept" not in [name for name, _ in told(wire.happens(ended, PromoteThinking("n1", "t1")))]


@pytest.mark.parametrize("ending", [each for each in ThinkEnding if each is not ThinkEnding.DONE])
def test_an_afterthought_that_came_to_no_end_of_its_own_is_not_told(ending: ThinkEnding) -> None:
    wire = Wire(extensions=True)
    wire.happens(Think("a1", Purpose.AFTERTHOUGHT), WordsWritten("a1", "It was"))
    assert told(wire.happens(ThinkEnded("a1", ending))) == []


def test_fillers_afterthoughts_and_backchannels_are_told() -> None:
    wire = Wire(extensions=True)
    begun = told(wire.happens(Think("k1", Purpose.ANSWER, "t1", effort=Effort.DEEP)))
    assert begun[0][1]["effort"] == "deep"
    filler = told(wire.happens(Speak("u1", 0, "One moment.", "k1", SpeakSource.FILLER)))
    assert filler[0][0] == "filler"
    assert filler[0][1] | {"text": "One moment.", "index": 0, "utterance_id": "u1", "think_id": "k1"} == filler[0][1]
    assert told(wire.happens(SkipSentence("u1", 0)))[0][0] == "filler.skipped"
    assert told(wire.happens(Backchannel("mm-hm"))) == [("backchannel", {"text": "mm-hm"})]
    wire.happens(Think("a1", Purpose.AFTERTHOUGHT), WordsWritten("a1", "It was "), WordsWritten("a1", "one."))
    after = told(wire.happens(ThinkEnded("a1", ThinkEnding.DONE)))
    assert after == [("afterthought", {"think_id": "a1", "purpose": "afterthought", "text": "It was one."})]


def test_the_floor_is_told_when_it_passes() -> None:
    wire = Wire(extensions=True)
    floor = "resting"
    wire.state.floor = lambda: floor
    assert told(wire.happens(PauseGrew(0.1), PauseGrew(0.2))) == [("floor", {"floor": "resting"})]
    floor = "listening"
    assert told(wire.happens(SpeechStarted(1.0), OpenTurn("t1", 1.0))) == [("floor", {"floor": "listening"})]


def test_a_client_that_asks_in_the_middle_of_a_call_is_told_what_it_can_be_told() -> None:
    wire = Wire()
    wire.happens(DRAFT, *WRITTEN, *HELD)
    wire.receives(type="session.update", session={"type": "realtime", "stretto": {"events": True}})
    commit = CommitTurn("t1", "what time is it", 0.0, 1.0, final=True)
    assert ("draft.promoted", {"think_id": "d1", "response_id": "resp_1", "turn_id": "t1"}) in told(
        wire.happens(commit, PROMOTE, Release("u1"))
    )


def test_the_docs_name_every_extension_event() -> None:
    root = Path(__file__).parents[3]
    source = (root / "realtime/wire/extensions.py").read_text(encoding="utf-8")
    docs = (root / "docs/protocol.md").read_text(encoding="utf-8")
    fates = [f"stretto.draft.{fate.value}" for fate in Fate if fate is not Fate.OPEN]
    named = {name for name in re.findall(r'"(stretto\.[a-z.]+)"', source) if name != "stretto.note.dropped"}
    assert len(named) > 15
    assert [name for name in [*named, *fates, *(f"`{phase.value}`" for phase in Phase)] if name not in docs] == []


def test_closing_events_are_the_same_for_a_draft() -> None:
    wire = Wire()
    wire.happens(DRAFT, *WRITTEN, *HELD, DONE, PROMOTE, Release("u1"))
    wire.sounds("u1", "It", " is", " noon.")
    assert types(wire.happens(PlayoutSent("u1", 0.04))) == [*CLOSE_AUDIO, "response.done"]
