"""Lines that carry the sound themselves (WebRTC, SIP): the same talk without audio in it, and when it sounds."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.wire import intents as want
from scheduler.commands import OpenTurn, Purpose, Speak, SpeakSource, StopSpeaking, StopThinking, Think
from scheduler.events import (
    OutputCleared,
    PlayoutEnded,
    PlayoutSent,
    PlayoutStarted,
    ResponseCancelled,
    ThinkEnded,
    ThinkEnding,
)
from tests.realtime.wire.test_wire_inbound import audio, error_of
from tests.realtime.wire.test_wire_mapper import CLOSE_AUDIO, ITEM
from tests.realtime.wire.test_wire_random import FACTS, SOUNDS, play
from tests.realtime.wire.wire_help import Wire, types

THINK = Think("k1", Purpose.ANSWER)
SPEAK = Speak("u1", 0, "It is noon.", "k1")
DONE = ThinkEnded("k1", ThinkEnding.DONE)
DELTA = "response.output_audio_transcript.delta"
STARTED, STOPPED, CLEARED = (f"output_audio_buffer.{what}" for what in ("started", "stopped", "cleared"))
TRUNCATED = "conversation.item.truncated"


def ended(utterance_id: str, heard: str, seconds: float, *, stopped: bool = False) -> PlayoutEnded:
    return PlayoutEnded(utterance_id, stopped, heard, seconds, settled=True)


def speaking() -> Wire:
    """An answer of which 0.6 s have left, and 0.5 s sounded."""
    wire = Wire(media=True)
    wire.happens(THINK, SPEAK)
    wire.sounds("u1", "It", " is", seconds=0.6)
    wire.happens(PlayoutStarted("u1"))
    return wire


def test_a_spoken_answer_tells_its_words_as_they_leave_and_when_it_sounds() -> None:
    wire = Wire(media=True)
    assert types(wire.happens(THINK)) == ["response.created"]
    assert types(wire.happens(SPEAK)) == ITEM
    words = wire.sounds("u1", "It", " is")
    assert (types(words), words[0]["delta"]) == ([DELTA], "It is")
    started = wire.happens(PlayoutStarted("u1"))
    assert (types(started), started[0]["response_id"]) == ([STARTED], words[0]["response_id"])
    assert wire.sounds("u1") == []
    assert types(wire.sounds("u1", " noon.")) == [DELTA]
    assert wire.happens(DONE) == []
    assert types(wire.happens(PlayoutSent("u1", 0.12))) == [*CLOSE_AUDIO, "response.done"]
    over = wire.happens(ended("u1", "It is noon.", 0.12))
    assert (types(over), over[0]["response_id"]) == ([STOPPED], words[0]["response_id"])


def test_it_stops_after_its_response_even_if_the_thinking_takes_longer() -> None:
    wire = speaking()
    wire.happens(PlayoutSent("u1", 0.6))
    assert wire.happens(ended("u1", "It is noon.", 0.6)) == []
    assert types(wire.happens(DONE)) == ["response.done", STOPPED]


def test_a_short_answer_may_have_left_before_it_is_heard() -> None:
    wire = Wire(media=True)
    wire.happens(THINK, SPEAK)
    wire.sounds("u1", "It", " is", " noon.")
    assert types(wire.happens(DONE, PlayoutSent("u1", 0.04)))[-1] == "response.done"
    assert types(wire.happens(PlayoutStarted("u1"))) == [STARTED]
    assert types(wire.happens(ended("u1", "It is noon.", 0.04))) == [STOPPED]


def test_two_utterances_of_one_response_start_and_stop_once() -> None:
    wire = speaking()
    wire.happens(Speak("u2", 0, "And you?", "k1"), PlayoutSent("u1", 0.6))
    assert wire.happens(ended("u1", "It is", 0.6)) == []
    wire.sounds("u2", "And", " you?")
    assert wire.happens(PlayoutStarted("u2")) == []
    wire.happens(DONE, PlayoutSent("u2", 0.04))
    assert types(wire.happens(ended("u2", "And you?", 0.04))) == [STOPPED]


def test_barge_in_closes_at_once_and_truncates_when_the_fade_is_over() -> None:
    wire = speaking()
    facts = (OpenTurn("t2", 2.0), StopThinking("k1"), StopSpeaking("u1", 0.2, "barge_in"))
    events = wire.happens(*facts)
    assert types(events) == ["input_audio_buffer.speech_started", *CLOSE_AUDIO, "response.done"]
    assert events[-1]["response"]["status_details"]["reason"] == "turn_detected"
    assert wire.sounds("u1", " noon.") == []
    truncated, cleared = wire.happens(ended("u1", "It", 0.5, stopped=True))
    assert (truncated["type"], truncated["audio_end_ms"], truncated["content_index"]) == (TRUNCATED, 500, 0)
    assert (cleared["type"], cleared["response_id"]) == (CLEARED, events[-1]["response"]["id"])
    item_id = truncated["item_id"]
    assert item_id == events[-1]["response"]["output"][0]["id"]
    assert wire.receives(type="conversation.item.retrieve", item_id=item_id).events[0]["item"]["content"] == [
        {"type": "output_audio", "transcript": "It"}
    ]


def test_an_answer_that_is_through_on_the_wire_can_still_be_cut() -> None:
    wire = speaking()
    assert types(wire.happens(DONE, PlayoutSent("u1", 0.6)))[-1] == "response.done"
    assert wire.happens(StopSpeaking("u1", 0.2, "barge_in")) == []
    assert types(wire.happens(ended("u1", "It", 0.5, stopped=True))) == [TRUNCATED, CLEARED]


def test_an_item_of_several_utterances_is_as_long_as_all_that_was_heard_of_it() -> None:
    wire = speaking()
    wire.happens(Speak("u2", 0, "And you?", "k1"), Speak("u3", 0, "Well?", "k1"))
    wire.happens(ended("u1", "It is", 0.6))
    wire.sounds("u2", "And", seconds=0.4)
    wire.happens(*(StopSpeaking(name, 0.2, "barge_in") for name in ("u2", "u3")))
    assert wire.happens(ended("u3", "", 0.0, stopped=True)) == []
    truncated, cleared = wire.happens(ended("u2", "And", 0.25, stopped=True))
    assert (truncated["audio_end_ms"], cleared["type"]) == (850, CLEARED)
    item = wire.receives(type="conversation.item.retrieve", item_id=truncated["item_id"]).events[0]["item"]
    assert item["content"][0]["transcript"] == "It is And"


def test_what_was_stopped_before_it_sounded_is_not_told_of() -> None:
    wire = Wire(media=True)
    wire.happens(THINK, SPEAK, StopSpeaking("u1", 0.0, "cancelled"))
    assert wire.happens(ended("u1", "", 0.0, stopped=True)) == []


def test_what_had_left_and_was_not_heard_is_taken_back() -> None:
    wire = Wire(media=True)
    wire.happens(THINK, SPEAK)
    wire.sounds("u1", "It")
    wire.happens(StopSpeaking("u1", 0.0, "cancelled"))
    assert wire.happens(PlayoutStarted("u1")) == []
    (truncated,) = wire.happens(ended("u1", "", 0.0, stopped=True))
    assert (truncated["type"], truncated["audio_end_ms"]) == (TRUNCATED, 0)


def test_an_answer_beside_the_conversation_has_no_item_to_truncate() -> None:
    wire = Wire(media=True)
    wire.happens(Think("k1", Purpose.ANSWER, in_conversation=False), SPEAK)
    wire.sounds("u1", "It")
    wire.happens(PlayoutStarted("u1"), StopSpeaking("u1", 0.2, "cancelled"))
    assert types(wire.happens(ended("u1", "It", 0.04, stopped=True))) == [CLEARED]


def test_a_greeting_sounds_like_an_answer() -> None:
    wire = Wire(media=True)
    wire.happens(Speak("u1", 0, "Hello.", source=SpeakSource.SERVER))
    wire.sounds("u1", "Hello.")
    assert types(wire.happens(PlayoutStarted("u1"))) == [STARTED]
    assert types(wire.happens(PlayoutSent("u1", 0.04)))[-1] == "response.done"
    assert types(wire.happens(ended("u1", "Hello.", 0.04))) == [STOPPED]


def test_the_client_clears_what_is_being_said() -> None:
    wire = speaking()
    outcome = wire.receives(type="output_audio_buffer.clear")
    assert (outcome.events, outcome.intents) == ((), (want.ClearOutput(),))
    events = wire.happens(OutputCleared(), StopThinking("k1"), StopSpeaking("u1", 0.0, "cleared"))
    assert types(events)[-1] == "response.done"
    assert events[-1]["response"]["status_details"]["reason"] == "client_cancelled"
    assert types(wire.happens(ended("u1", "It", 0.5, stopped=True))) == [TRUNCATED, CLEARED]


def test_cancelled_and_then_cleared_as_the_api_asks_for_it() -> None:
    wire = speaking()
    wire.happens(ResponseCancelled(), StopThinking("k1"), StopSpeaking("u1", 0.0, "cancelled"), OutputCleared())
    assert types(wire.happens(ended("u1", "It", 0.5, stopped=True))) == [TRUNCATED, CLEARED]


def test_sound_comes_by_the_track_alone() -> None:
    wire = Wire(media=True)
    error = error_of(wire, type="input_audio_buffer.append", audio=audio(0.1))
    assert error["code"] == "input_audio_buffer_append_not_supported"
    assert "audio track" in error["message"]
    assert wire.state.clock.appended_seconds == 0


def test_only_the_buffer_of_a_server_can_be_cleared() -> None:
    assert error_of(Wire(), type="output_audio_buffer.clear")["code"] == "output_audio_buffer_clear_not_supported"


def test_a_client_that_truncates_as_well_gets_no_error() -> None:
    wire = speaking()
    wire.happens(StopSpeaking("u1", 0.2, "barge_in"))
    item_id = wire.happens(ended("u1", "It", 0.5, stopped=True))[0]["item_id"]
    asked = {"type": TRUNCATED.removesuffix("d"), "item_id": item_id, "content_index": 0}
    beyond = wire.receives(**asked, audio_end_ms=60_000)
    assert (beyond.events[0]["audio_end_ms"], beyond.intents) == (500, ())
    less = wire.receives(**asked, audio_end_ms=200)
    assert less.intents == (want.Truncate("u1", 0.2),)


def test_the_session_says_its_formats_all_the_same() -> None:
    session = Wire(media=True).state.session.echo()
    assert (
        session["audio"]["input"]["format"]
        == session["audio"]["output"]["format"]
        == {"type": "audio/pcm", "rate": 24000}
    )


def test_it_can_become_a_transcription_as_long_as_nothing_was_said() -> None:
    wire = Wire(media=True)
    wire.state.clock.appended_seconds = 3.0
    updated = wire.receives(type="session.update", session={"type": "transcription"}).events[0]
    assert (updated["type"], updated["session"]["type"]) == ("session.updated", "transcription")


STARTS = st.sampled_from([PlayoutStarted(name) for name in ("u0", "u1", "u2")])


@settings(max_examples=200, deadline=None)
@given(st.lists(FACTS | SOUNDS | STARTS, max_size=40))
def test_whatever_happens_sound_starts_once_and_ends_once_after_its_response(steps: list[Any]) -> None:
    plain, media = Wire(), Wire(media=True)
    play(plain, steps)
    play(media, steps)
    sounding: set[str] = set()
    done: set[str] = set()
    over: set[str] = set()
    for event in media.log:
        match event:
            case {"type": "response.done", "response": {"id": name}}:
                done.add(name)
            case {"type": "output_audio_buffer.started", "response_id": name}:
                assert name not in sounding | over
                sounding.add(name)
            case {"type": "output_audio_buffer.stopped" | "output_audio_buffer.cleared", "response_id": name}:
                assert name in sounding & done
                assert name not in over
                over.add(name)
            case {"type": "response.output_audio.delta"}:
                raise AssertionError("sound in an event of a media line")
            case _:
                pass
    beside = ("response.output_audio.delta", TRUNCATED, STARTED, STOPPED, CLEARED)
    assert [e["type"] for e in media.log if e["type"] not in beside] == [
        e["type"] for e in plain.log if e["type"] not in beside
    ]
