"""The beta form as a translation: both ways, without loss of what the beta form can say."""

from __future__ import annotations

import pytest

from realtime.wire.beta import flat_session, from_beta, to_beta
from realtime.wire.session_types import Json
from tests.realtime.wire.wire_help import Wire


def test_a_flat_session_becomes_a_nested_one_and_back() -> None:
    flat = {
        "modalities": ["text", "audio"],
        "instructions": "Rhyme.",
        "voice": "alloy",
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_alaw",
        "input_audio_transcription": {"model": "whisper-1"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
        "temperature": 0.6,
        "max_response_output_tokens": 90,
    }
    wire = Wire()
    event = from_beta({"type": "session.update", "session": flat})
    outcome = wire.receives(**event)
    back = flat_session(outcome.events[0]["session"])
    for name, value in flat.items():
        if name != "turn_detection":
            assert back[name] == value
    assert back["turn_detection"]["silence_duration_ms"] == 300
    config = outcome.intents[0].config  # type: ignore[union-attr]
    assert (config.max_output_tokens, config.temperature, config.voice) == (90, 0.6, "alloy")


def test_null_turn_detection_survives() -> None:
    event = from_beta({"type": "session.update", "session": {"turn_detection": None}})
    assert event["session"] == {"audio": {"input": {"turn_detection": None}}}


def test_an_update_in_the_ga_form_passes_unchanged() -> None:
    event = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "x"}}}}
    assert from_beta(event) == event


def test_a_transcription_session() -> None:
    update = {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "w"}}}
    event = from_beta(update)
    assert event["type"] == "session.update"
    assert event["session"]["type"] == "transcription"
    told = to_beta(Wire(transcription=True).receives(**event).events[0])
    assert told is not None
    assert told["type"] == "transcription_session.updated"
    assert told["session"]["input_audio_transcription"] == {"model": "w"}


@pytest.mark.parametrize("session", [None, [], "x", {"voice": {}}, {"audio": 1, "voice": "x"}])
def test_malformed_updates_reach_the_check(session: object) -> None:
    event = from_beta({"type": "session.update", "session": session})
    assert Wire().inbound.take(event).events[0]["type"] in ("error", "session.updated")


def test_items_have_the_older_content_types() -> None:
    wire = Wire()
    item: Json = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi"}]}
    added, done = wire.receives(type="conversation.item.create", item=item).events
    assert added["item"]["content"] == [{"type": "output_text", "text": "hi"}]
    beta = to_beta(added)
    assert beta is not None
    assert beta["type"] == "conversation.item.created"
    assert beta["item"]["content"] == [{"type": "text", "text": "hi"}]
    assert to_beta(done) is None
