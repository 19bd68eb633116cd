"""Client events in, intents and answers out; each broken event gets one error, and the session lives on."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from realtime.wire import intents as want
from realtime.wire.conversation import MAX_CLIENT_BYTES, MAX_CLIENT_ITEMS
from realtime.wire.session_port import (
    CallPlace,
    ClientItem,
    FunctionOutputItem,
    FunctionTool,
    MessageItem,
    ReferenceItem,
    UtterancePlace,
)
from scheduler.commands import (
    Command,
    CommitTurn,
    EndUtterance,
    Purpose,
    Speak,
    SpeakSource,
    StopSpeaking,
    Think,
)
from scheduler.events import (
    DeadlineReached,
    PlayoutSent,
    ResponseCancelled,
    ResponseRequested,
    ThinkEnded,
    ThinkEnding,
    TranscriptRevised,
)
from scheduler.policy import TurnMode
from tests.realtime.wire.wire_help import Wire, held_against_official, types, words


def audio(seconds: float) -> str:
    return base64.b64encode(bytes(round(seconds * 24000) * 2)).decode()


def error_of(wire: Wire, **event: Any) -> dict[str, Any]:
    outcome = wire.receives(event_id="mine", **event)
    assert types(list(outcome.events)) == ["error"]
    assert outcome.intents == ()
    error: dict[str, Any] = outcome.events[0]["error"]
    assert error["event_id"] == "mine"
    assert error["type"] == "invalid_request_error"
    return error


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({}, "missing_required_parameter", "type"),
        ({"type": "conversation.item.invent"}, "invalid_value", "type"),
        ({"type": ["response.create"]}, "invalid_value", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": "fast"}, "invalid_type", "session"),
        ({"type": "session.update", "session": {"type": "phone"}}, "invalid_value", "session.type"),
        (
            {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/ogg"}}}}},
            "invalid_value",
            "session.audio.input.format",
        ),
        (
            {"type": "session.update", "session": {"audio": {"input": {"format": {"rate": 8000}}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {
                "type": "session.update",
                "session": {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}}},
            },
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": 12}, "invalid_type", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "no base64!"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "A" * (21 << 20)}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
        ({"type": "response.cancel"}, "response_cancel_not_active", None),
        ({"type": "response.cancel", "response_id": "resp_9"}, "response_cancel_not_active", None),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id", "item_id"),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_delete_invalid_item_id", "item_id"),
        (
            {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 5},
            "item_truncate_invalid_item_id",
            "item_id",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": "soon"},
            "invalid_value",
            "audio_end_ms",
        ),
        ({"type": "conversation.item.create", "item": {"type": "poem"}}, "invalid_value", "item"),
        (
            {"type": "conversation.item.create", "item": MESSAGE, "previous_item_id": "x"},
            "item_create_invalid_previous_item_id",
            "previous_item_id",
        ),
        (
            {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": "4"}},
            "missing_required_parameter",
            "item.call_id",
        ),
        (
            {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "x"}]}},
            "invalid_value",
            "response.input[0].id",
        ),
    ],
)
def test_broken_events_get_their_error(event: dict[str, Any], code: str, param: str | None) -> None:
    wire = Wire()
    before = wire.state.session.echo()
    error = error_of(wire, **event)
    assert (error["code"], error["param"]) == (code, param)
    assert wire.state.session.echo() == before
    assert types(list(wire.receives(type="input_audio_buffer.clear").events)) == ["input_audio_buffer.cleared"]


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[1]",
        '"hi"',
        b"\xff\xfe\x00",
        "[" * 100_000,
        "NaN",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": 1' + "0" * 9_999 + "}",
    ],
)
def test_frames_that_are_no_json_object_get_an_error(frame: str | bytes) -> None:
    outcome = Wire().inbound.take_text(frame)
    assert types(list(outcome.events)) == ["error"]
    assert outcome.intents == ()


def test_an_item_name_can_be_used_once() -> None:
    wire = Wire()
    wire.receives(type="conversation.item.create", item={"id": "m1", **MESSAGE})
    wire.receives(type="conversation.item.delete", item_id="m1")
    error = error_of(wire, type="conversation.item.create", item={"id": "m1", **MESSAGE})
    assert error["code"] == "item_create_duplicate_item_id"


def test_audio_is_appended_committed_and_counted() -> None:
    wire = Wire()
    outcome = wire.receives(type="input_audio_buffer.append", audio=audio(0.06))
    assert outcome.intents == (want.AppendAudio(bytes(2880)),)
    assert error_of(wire, type="input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    wire.receives(type="input_audio_buffer.append", audio=audio(0.06))
    assert wire.receives(type="input_audio_buffer.commit").intents == (want.CommitInput(),)
    assert error_of(wire, type="input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_what_the_server_committed_can_not_be_committed_again() -> None:
    wire = Wire()
    wire.receives(type="input_audio_buffer.append", audio=audio(2.0))
    wire.happens(CommitTurn("t1", "hi", 0.2, 1.95, final=True))
    assert error_of(wire, type="input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_companded_audio_may_have_odd_lengths() -> None:
    wire = Wire()
    wire.receives(type="session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    wire.receives(type="input_audio_buffer.append", audio=base64.b64encode(bytes(801)).decode())
    assert wire.state.clock.appended_seconds == pytest.approx(801 / 8000)


# --- the session --------------------------------------------------------------------------------------


def updated(wire: Wire, session: dict[str, Any]) -> tuple[dict[str, Any], want.Configure]:
    outcome = wire.receives(type="session.update", session=session)
    assert types(list(outcome.events)) == ["session.updated"], outcome.events
    (configure,) = outcome.intents
    assert isinstance(configure, want.Configure)
    return outcome.events[0]["session"], configure


def test_defaults_are_resolved_and_updates_merge_deeply() -> None:
    wire = Wire()
    session, configure = updated(
        wire, {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
    )
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert configure.config.turn_detection.mode is TurnMode.SILENCE
    session, configure = updated(wire, {"audio": {"input": {"turn_detection": {"silence_duration_ms": 200}}}})
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.5
    assert configure.config.turn_detection.silence_seconds == 0.2
    assert session["audio"]["output"]["voice"] == "slt"


def test_a_changed_type_starts_from_its_own_defaults() -> None:
    wire = Wire()
    updated(wire, {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}}})
    session, configure = updated(
        wire, {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}}
    )
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }
    assert configure.config.eagerness == "eager"
    assert configure.config.turn_detection.idle_timeout_seconds is None


def test_null_turns_detection_off() -> None:
    session, configure = updated(Wire(), {"audio": {"input": {"turn_detection": None}}})
    assert session["audio"]["input"]["turn_detection"] is None
    assert configure.config.turn_detection.mode is TurnMode.MANUAL


def test_what_other_servers_need_is_accepted_and_echoed() -> None:
    more = {
        "model": "gpt-realtime",
        "tracing": {"workflow_name": "w", "metadata": {"a": None}},
        "prompt": {"id": "p"},
        "truncation": "auto",
        "include": ["item.input_audio_transcription.logprobs"],
        "reasoning": {"effort": "low"},
        "audio": {
            "input": {"transcription": {"model": "gpt-4o-transcribe"}, "noise_reduction": {"type": "near_field"}},
            "output": {"voice": "marin", "speed": 1.2},
        },
    }
    session, configure = updated(Wire(), more)
    for key in ("model", "tracing", "prompt", "truncation", "include", "reasoning"):
        assert session[key] == more[key]
    assert session["audio"]["input"]["transcription"] == {"model": "gpt-4o-transcribe"}
    assert configure.config.voice == "marin"
    assert configure.config.reasoning_effort == "low"


def test_settings_of_this_server_alone_reach_the_kernel() -> None:
    own = {"effort": "deep", "policy": "patient", "fillers": False, "drafts": False, "language": "de"}
    detection = {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}
    audio = {"input": {**detection, "transcription": {"model": "x", "language": "fr"}}}
    wire = Wire()
    session, configure = updated(wire, {"stretto": own, "audio": audio, "reasoning": {"effort": "low"}})
    assert session["stretto"] == own | {"events": False}
    config = configure.config
    assert (config.reasoning_effort, config.eagerness, config.language) == ("high", "patient", "de")
    assert (config.fillers, config.drafts) == (False, False)
    _, configure = updated(wire, {"stretto": {"effort": "auto", "fillers": None}})
    assert (configure.config.reasoning_effort, configure.config.fillers, configure.config.drafts) == (
        "low",
        None,
        False,
    )
    _, configure = updated(wire, {"stretto": None})
    assert (configure.config.eagerness, configure.config.language, configure.config.drafts) == ("eager", "fr", None)


def test_a_session_that_says_nothing_of_them_has_the_servers_own() -> None:
    session, configure = updated(Wire(), {})
    assert "stretto" not in session
    assert (configure.config.fillers, configure.config.drafts, configure.config.reasoning_effort) == (None, None, None)


def test_null_is_as_the_server_has_it_for_each_setting_of_this_server() -> None:
    wire, own = Wire(), {"effort": "deep", "policy": "patient", "fillers": False, "drafts": False, "language": "de"}
    updated(wire, {"stretto": own | {"events": True}})
    session, configure = updated(wire, {"stretto": dict.fromkeys([*own, "events"])})
    assert session["stretto"] == {"events": False, "effort": "auto"}
    assert configure == updated(Wire(), {})[1]


@pytest.mark.parametrize("own", [None, {"events": None}, {"effort": "deep"}, {}])
def test_who_asked_for_events_when_connecting_keeps_them_unless_it_says_otherwise(own: object) -> None:
    wire = Wire(extensions=True)
    assert wire.state.session.echo()["stretto"] == {"events": True, "effort": "auto"}
    session, _ = updated(wire, {"stretto": own})
    assert session["stretto"]["events"] is True
    assert wire.state.sends_extensions
    session, _ = updated(wire, {"stretto": {"events": False}})
    assert session["stretto"]["events"] is False
    assert not wire.state.sends_extensions
    assert updated(wire, {"stretto": own})[0]["stretto"]["events"] is (own in (None, {"events": None}))


@pytest.mark.parametrize(
    ("own", "param", "hint"),
    [
        ({"effort": "huge"}, ".effort", "it must be 'auto', 'reflex', 'considered' or 'deep'"),
        ({"policy": "rash"}, ".policy", "it must be 'eager', 'balanced' or 'patient'"),
        ({"fillers": "loud"}, ".fillers", "it must be true or false"),
        ({"events": "yes"}, ".events", "it must be true or false"),
        ({"drafts": 1}, ".drafts", "it must be true or false"),
        ({"language": ""}, ".language", "it must be a BCP 47 language tag"),
        ({"language": "klingonisch!!"}, ".language", "it must be a BCP 47 language tag"),
        ({"language": 5}, ".language", "it must be a string"),
        ({"draft": True}, ".draft", "Did you mean 'session.stretto.drafts'?"),
        ({"draft": None}, ".draft", "Did you mean 'session.stretto.drafts'?"),
        ({"xyz": True}, ".xyz", "It has events, effort"),
        ("on", "", "it must be an object"),
        ([], "", "it must be an object"),
    ],
)
def test_settings_of_this_server_are_checked(own: object, param: str, hint: str) -> None:
    wire = Wire()
    outcome = wire.receives(type="session.update", session={"type": "realtime", "stretto": own})
    assert outcome.intents == ()
    error = outcome.events[0]["error"]
    assert error["param"] == f"session.stretto{param}"
    assert hint in error["message"]


@pytest.mark.parametrize("language", ["en", "pt-BR", "zh-Hant-TW", "de-CH-1996"])
def test_languages_are_bcp_47_tags(language: str) -> None:
    assert updated(Wire(), {"stretto": {"language": language}})[1].config.language == language


@pytest.mark.parametrize(
    ("event", "param", "message"),
    [
        ({"type": "session.update", "session": {"reasoning": {"effort": "enormous"}}}, "session.reasoning.effort", "'xhigh'"),
        ({"type": "response.create", "response": {"reasoning": {"effort": "enormous"}}}, "response.reasoning.effort", "'xhigh'"),
        ({"type": "session.update", "session": {"tools": [{"type": "function"}]}}, "session.tools[0].name", "Missing"),
        ({"type": "response.create", "response": {"tools": [{"name": ""}]}}, "response.tools[0].name", "Missing"),
        ({"type": "session.update", "session": {"audio": 5}}, "session.audio", "it must be an object."),
        (
            {"type": "session.update", "session": {"audio": {"output": {"voice": 5}}}},
            "session.audio.output.voice",
            "it must be a string or be an object.",
        ),
        ({"type": "session.update", "session": {"max_output_tokens": 0}}, "session.max_output_tokens", "or be 'inf'."),
        ({"type": "session.update", "session": {"output_modalities": []}}, "session.output_modalities", "it must have at least 1 item."),
        ({"type": "response.create", "response": {"input": [{}]}}, "response.input[0].type", "Missing"),
        ({"type": "conversation.item.create", "item": {"type": "x"}}, "item", "an object whose 'type' is one of 'message',"),
    ],
)  # fmt: skip
def test_errors_name_the_field_and_what_it_takes(event: dict[str, Any], param: str, message: str) -> None:
    error = error_of(Wire(), **event)
    assert error["param"] == param
    assert message in error["message"]


def test_a_tool_of_another_kind_needs_no_name() -> None:
    updated(Wire(), {"tools": [{"type": "mcp", "server_label": "s"}]})


def test_tools_and_limits_reach_the_kernel() -> None:
    tool = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object", "default": None}}
    session, configure = updated(
        Wire(),
        {
            "tools": [tool, {"type": "mcp", "server_label": "x"}],
            "tool_choice": {"type": "function", "name": "f"},
            "max_output_tokens": 50,
            "output_modalities": ["text"],
        },
    )
    assert session["tools"][0] == tool
    config = configure.config
    assert config.tools == (FunctionTool("f", "d", {"type": "object", "default": None}),)
    assert (config.tool_choice, config.max_output_tokens, config.audible) == ("f", 50, False)
    assert config.instructions is None
    assert updated(Wire(), {"instructions": ""})[1].config.instructions == ""


def test_a_transcription_session_never_answers() -> None:
    wire = Wire(transcription=True)
    session, configure = updated(
        wire, {"type": "transcription", "audio": {"input": {"transcription": {"language": "de"}}}}
    )
    assert session["object"] == "realtime.transcription_session"
    assert configure.config.transcription_only
    assert not configure.config.turn_detection.create_response
    assert configure.config.language == "de"
    assert error_of(wire, type="response.create")["code"] == "invalid_value"


def test_the_type_of_a_session_can_be_chosen_until_something_happened() -> None:
    wire = Wire()
    updated(wire, {"type": "transcription"})
    wire.receives(type="input_audio_buffer.append", audio=audio(0.2))
    assert error_of(wire, type="session.update", session={"type": "realtime"})["param"] == "session.type"


# --- items --------------------------------------------------------------------------------------------


def test_items_are_added_where_they_are_wanted() -> None:
    wire = Wire()
    first = wire.receives(type="conversation.item.create", item={"id": "a", **MESSAGE})
    assert types(list(first.events)) == ["conversation.item.added", "conversation.item.done"]
    assert first.intents == (want.CreateItem(MessageItem("a", "user", "hi"), None),)
    assert first.events[0]["previous_item_id"] is None
    wire.receives(type="conversation.item.create", item={"id": "b", **MESSAGE})
    middle = wire.receives(type="conversation.item.create", previous_item_id="a", item={"id": "c", **MESSAGE})
    assert middle.intents[0].after == ClientItem("a")  # type: ignore[union-attr]
    top = wire.receives(type="conversation.item.create", previous_item_id="root", item={"id": "d", **MESSAGE})
    assert top.intents[0].after == "root"  # type: ignore[union-attr]
    assert wire.state.conversation.order == ("d", "a", "c", "b")


def test_the_kinds_of_items() -> None:
    wire = Wire()
    output = wire.receives(
        type="conversation.item.create", item={"type": "function_call_output", "call_id": "c", "output": "4"}
    )
    assert output.intents[0].item == FunctionOutputItem("item_1", "c", "4")  # type: ignore[union-attr]
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        {"type": "input_audio", "audio": audio(0.5)},
    ]
    mixed = wire.receives(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
    item = mixed.intents[0].item  # type: ignore[union-attr]
    assert isinstance(item, MessageItem)
    assert (item.text, [pcm.duration_seconds for pcm in item.audio]) == ("look", [0.5])
    assert mixed.events[0]["item"]["content"][2] == {"type": "input_audio", "transcript": None}


def spoken_item(wire: Wire) -> str:
    """An answer of 1 s in two utterances of which 0.6 and 0.4 s were sent."""
    wire.happens(Think("k1", Purpose.ANSWER), Speak("u1", 0, "One.", "k1"), Speak("u2", 0, "Two.", "k1"))
    wire.sounds("u1", "One.", seconds=0.6)
    wire.sounds("u2", "Two.", seconds=0.4)
    wire.happens(ThinkEnded("k1", ThinkEnding.DONE), PlayoutSent("u1", 0.6), PlayoutSent("u2", 0.4))
    return str(wire.state.conversation.last_item_id)


@pytest.mark.parametrize(
    ("audio_end_ms", "echoed", "cuts"),
    [
        (800, 800, [("u2", 0.2)]),
        (800.9, 800, [("u2", 0.2)]),
        (-1, 0, [("u1", 0.0), ("u2", 0.0)]),
        (300, 300, [("u1", 0.3), ("u2", 0.0)]),
        (0, 0, [("u1", 0.0), ("u2", 0.0)]),
        (999_999, 1000, []),
    ],
)
def test_truncating_reaches_the_utterances_and_never_fails_beyond_the_audio(
    audio_end_ms: float, echoed: int, cuts: list[tuple[str, float]]
) -> None:
    wire = Wire()
    item_id = spoken_item(wire)
    outcome = wire.receives(
        type="conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms
    )
    assert types(list(outcome.events)) == ["conversation.item.truncated"]
    assert outcome.events[0]["audio_end_ms"] == echoed
    assert [(i.utterance_id, i.heard_seconds) for i in outcome.intents] == [  # type: ignore[union-attr]
        (name, pytest.approx(seconds)) for name, seconds in cuts
    ]


def test_a_users_item_can_not_be_truncated() -> None:
    wire = Wire()
    wire.receives(type="conversation.item.create", item={"id": "a", **MESSAGE})
    error = error_of(wire, type="conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=5)
    assert error["code"] == "item_truncate_invalid_item_id"


def test_deleting_an_answer_deletes_what_was_heard_of_it() -> None:
    wire = Wire()
    outcome = wire.receives(type="conversation.item.delete", item_id=spoken_item(wire))
    assert types(list(outcome.events)) == ["conversation.item.deleted"]
    assert outcome.intents == (want.DeleteItem(UtterancePlace("u1")), want.DeleteItem(UtterancePlace("u2")))


def test_what_the_client_inserts_is_bounded_in_count_until_it_deletes() -> None:
    wire = Wire()
    wire.happens(CommitTurn("t1", "said, not inserted", 0.0, 1.0, True, (0,)))
    for number in range(MAX_CLIENT_ITEMS):
        wire.inbound.take({"type": "conversation.item.create", "item": {"id": f"i{number}", **MESSAGE}})
    error = error_of(wire, type="conversation.item.create", item=MESSAGE)
    assert (error["code"], error["param"]) == ("conversation_too_large", "item")
    assert len(wire.state.conversation) == MAX_CLIENT_ITEMS + 1
    wire.receives(type="conversation.item.delete", item_id="i7")
    assert wire.receives(type="conversation.item.create", item=MESSAGE).intents


def test_what_the_client_inserts_is_bounded_in_size_pictures_aside() -> None:
    wire = Wire()

    def item(name: str, *parts: dict[str, str]) -> dict[str, Any]:
        return {"id": name, "type": "message", "role": "user", "content": list(parts)}

    picture = {"type": "input_image", "image_url": "x" * MAX_CLIENT_BYTES}
    long_text = {"type": "input_text", "text": "ü" * (MAX_CLIENT_BYTES // 4)}
    (echo, _) = wire.receives(type="conversation.item.create", item=item("a", picture)).events
    assert echo["item"]["content"] == [picture]
    assert wire.receives(type="conversation.item.create", item=item("b", long_text)).intents
    error = error_of(wire, type="conversation.item.create", item=item("c", long_text))
    assert error["code"] == "conversation_too_large"
    wire.receives(type="conversation.item.delete", item_id="b")
    assert wire.receives(type="conversation.item.create", item=item("c", long_text)).intents


def test_a_call_that_the_client_inserted_is_deleted_by_its_own_name() -> None:
    wire = Wire()
    call = {"id": "a", "type": "function_call", "name": "f", "call_id": "c1", "arguments": "{}"}
    wire.receives(type="conversation.item.create", item=call)
    outcome = wire.receives(type="conversation.item.delete", item_id="a")
    assert outcome.intents == (want.DeleteItem(CallPlace("c1")),)


def test_spoken_items_are_refused_while_too_many_are_unread_but_not_written_ones() -> None:
    wire = Wire()
    spoken = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio(0.1)}]}
    wire.state.unread_items = lambda: 7
    assert wire.receives(type="conversation.item.create", item=spoken).intents
    wire.state.unread_items = lambda: 8
    error = error_of(wire, type="conversation.item.create", item=spoken)
    assert (error["code"], error["param"]) == ("too_many_unread_items", "item")
    assert len(wire.state.conversation) == 1
    assert wire.receives(type="conversation.item.create", item=MESSAGE).intents


def test_a_spoken_item_that_could_not_be_recognised_is_told() -> None:
    wire = Wire()
    text, sound = {"type": "input_text", "text": "listen:"}, {"type": "input_audio", "audio": audio(0.1)}
    wire.receives(type="conversation.item.create", item={"id": "a", **MESSAGE, "content": [text, sound]})
    (event,) = wire.mapper.item_unread("a")
    held_against_official(event)
    assert event["type"] == "conversation.item.input_audio_transcription.failed"
    assert (event["item_id"], event["content_index"]) == ("a", 1)
    wire.receives(type="conversation.item.delete", item_id="a")
    assert wire.mapper.item_unread("a") == []


# --- responses ----------------------------------------------------------------------------------------


def respond(wire: Wire, **response: Any) -> want.Respond:
    (intent,) = wire.receives(type="response.create", response=response).intents
    assert isinstance(intent, want.Respond)
    return intent


def test_a_response_is_asked_for_with_its_parameters() -> None:
    wire = Wire()
    wire.receives(type="conversation.item.create", item={"id": "a", **MESSAGE})
    intent = respond(
        wire,
        instructions="Shout.",
        output_modalities=["text"],
        max_output_tokens="inf",
        tools=[],
        tool_choice="none",
        input=[{"type": "item_reference", "id": "a"}, MESSAGE],
    )
    params = intent.params
    assert (params.instructions, params.audible, params.max_output_tokens) == ("Shout.", False, None)
    assert (params.tools, params.tool_choice) == ((), "none")
    assert params.input_items is not None
    assert params.input_items[0] == ReferenceItem(ClientItem("a"))
    assert isinstance(params.input_items[1], MessageItem)


def test_a_response_echoes_the_voice_that_will_speak_it() -> None:
    wire = Wire()
    asked = respond(wire, audio={"output": {"voice": "marin", "format": {"type": "audio/pcmu"}}})
    (created,) = wire.happens(Think("k1", Purpose.ANSWER, request_id=asked.request_id))
    assert created["response"]["audio"]["output"] == {"voice": "slt", "format": {"type": "audio/pcm", "rate": 24000}}


def test_one_response_of_the_conversation_at_a_time() -> None:
    wire = Wire()
    first = respond(wire)
    assert error_of(wire, type="response.create")["code"] == "conversation_already_has_active_response"
    wire.happens(ResponseRequested(first.request_id), Think("k1", Purpose.ANSWER, request_id=first.request_id))
    assert error_of(wire, type="response.create")["code"] == "conversation_already_has_active_response"
    respond(wire, conversation="none")
    wire.happens(ThinkEnded("k1", ThinkEnding.DONE))
    respond(wire)


def test_a_request_that_waits_for_the_transcript_is_not_forgotten() -> None:
    wire = Wire()
    first = respond(wire)
    wire.happens(ResponseRequested(first.request_id), TranscriptRevised(0, (), words("so")), DeadlineReached())
    assert error_of(wire, type="response.create")["code"] == "conversation_already_has_active_response"
    assert wire.receives(type="response.cancel").intents == (want.Cancel(None),)
    second = respond(wire, metadata={"number": "2"})
    wire.happens(ResponseCancelled(), ResponseRequested(second.request_id))
    assert list(wire.state.requests) == [second.request_id]
    wire.happens(Think("k1", Purpose.ANSWER, request_id=second.request_id))
    assert [event["response"]["metadata"] for event in wire.log if event["type"] == "response.created"] == [
        {"number": "2"}
    ]


def test_a_request_taken_back_can_not_be_taken_back_again() -> None:
    wire = Wire()
    respond(wire)
    wire.receives(type="response.cancel")
    assert error_of(wire, type="response.cancel")["code"] == "response_cancel_not_active"


@pytest.mark.parametrize("sounds", [False, True])
@pytest.mark.parametrize(
    "begun",
    [
        (Think("k1", Purpose.REPORT), Speak("u1", 0, "Your timer.", "k1")),
        (Speak("u1", 0, "Hello there.", None, SpeakSource.SERVER), EndUtterance("u1")),
        (Speak("u1", 0, "It was one.", None, SpeakSource.AFTERTHOUGHT), EndUtterance("u1")),
    ],
    ids=["a report", "a greeting", "a correction"],
)
def test_what_the_server_began_by_itself_gives_way(begun: tuple[Command, ...], sounds: bool) -> None:
    wire = Wire()
    wire.happens(*begun)
    if sounds:
        wire.sounds("u1", "So")
    asked = respond(wire)
    wire.happens(ResponseRequested(asked.request_id), StopSpeaking("u1", 0.2, "cancelled"))
    wire.happens(Think("k2", Purpose.ANSWER, request_id=asked.request_id))
    told = [event for event in wire.log if event["type"] in ("response.created", "response.done")]
    assert [event["response"]["status"] for event in told] == ["in_progress", "cancelled", "in_progress"]
    assert told[1]["response"]["status_details"]["reason"] == "client_cancelled"


def test_speech_that_is_taken_up_again_is_an_answer_and_does_not_give_way() -> None:
    wire = Wire()
    wire.happens(Speak("u2", 0, "As I was saying.", None, SpeakSource.MODEL))
    assert error_of(wire, type="response.create")["code"] == "conversation_already_has_active_response"


def test_cancelling_by_name_and_without() -> None:
    wire = Wire()
    wire.happens(Think("k1", Purpose.ANSWER, in_conversation=False))
    assert error_of(wire, type="response.cancel")["message"].startswith("Cancellation failed")
    response_id = wire.log[0]["response"]["id"]
    assert wire.receives(type="response.cancel", response_id=response_id).intents == (want.Cancel("k1"),)
    respond(wire)
    assert wire.receives(type="response.cancel").intents == (want.Cancel(None),)


def test_a_tool_of_the_server_can_be_cancelled() -> None:
    wire = Wire()
    assert wire.receives(type="stretto.tool.cancel", call_id="c", event_id="e").intents == (want.CancelTool("c", "e"),)
    assert error_of(wire, type="stretto.tool.cancel")["code"] == "missing_required_parameter"


def test_any_json_value_in_any_field_is_answered_and_never_raises() -> None:
    wire = Wire()
    values: list[Any] = [None, 0, -1, 1e308, "", "x", [], {}, [None], {"type": None}, {"type": "message"}, True]
    for kind in ("session.update", "conversation.item.create", "response.create", "conversation.item.truncate"):
        for field in ("session", "item", "response", "item_id", "audio_end_ms", "event_id", "previous_item_id"):
            for value in values:
                frame = json.dumps({"type": kind, field: value})
                wire.inbound.take_text(frame)
