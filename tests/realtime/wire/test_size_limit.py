"""No event is larger than its line takes, and what it is can still be told."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.wire.size_limit import DATA_CHANNEL_BYTES, ELLIPSIS, SizeLimit, as_text, fitted
from tests.realtime.wire.wire_help import held_against_official

LIMIT = 512
TEXT = st.text(st.characters(exclude_categories=()), max_size=400)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=12), inner, max_size=8),
    max_leaves=25,
)
FIELDS = st.sampled_from(["text", "delta", "audio", "item", "session", "error", "name"])
EVENTS = st.builds(
    lambda fields: {"type": "a.type", "event_id": "event_1", **fields, "response_id": "resp_1", "item_id": "item_1"},
    st.dictionaries(FIELDS, VALUE),
)


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_every_event_fits_and_keeps_its_type_and_its_ids(event: dict[str, Any]) -> None:
    before = as_text(event)
    sent = fitted(event, LIMIT)
    assert len(as_text(sent).encode("ascii")) <= LIMIT
    assert json.loads(as_text(sent)) == sent
    assert {name: sent[name] for name in ("type", "event_id", "response_id", "item_id")} == {
        "type": "a.type",
        "event_id": "event_1",
        "response_id": "resp_1",
        "item_id": "item_1",
    }
    assert as_text(event) == before
    if len(before) <= LIMIT:
        assert sent is event


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXT.filter(bool), min_size=1, max_size=4))
def test_texts_are_shortened_and_nothing_else_is_lost(texts: list[str]) -> None:
    event = {"type": "t", "event_id": "e", "item": {"content": [{"type": "text", "text": text} for text in texts]}}
    sent = fitted(event, LIMIT)
    for text, part in zip(texts, sent["item"]["content"], strict=True):
        assert part["type"] == "text"
        assert part["text"] == text or (part["text"].endswith(ELLIPSIS) and text.startswith(part["text"][:-1]))


def session_event(instructions: str) -> dict[str, Any]:
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {}}}}
    return {
        "type": "session.updated",
        "event_id": "event_1",
        "session": {"type": "realtime", "id": "sess_1", "instructions": instructions, "tools": [tool]},
    }


def test_long_instructions_keep_all_that_fits() -> None:
    event = session_event("Be brief. " * 7_000)
    sent = held_against_official(fitted(event))
    assert sent["session"]["tools"] == event["session"]["tools"]
    assert DATA_CHANNEL_BYTES - 16 <= len(as_text(sent)) <= DATA_CHANNEL_BYTES


def test_the_longest_strings_pay_first() -> None:
    output = [
        {"id": f"item_{n}", "type": "message", "content": [{"text": "x" * size}]}
        for n, size in enumerate([50_000, 50_000, 9_000])
    ]
    event = {
        "type": "response.done",
        "event_id": "e",
        "response": {"id": "resp_1", "output": output, "usage": {"total_tokens": 3}},
    }
    sent = fitted(event)["response"]
    assert [item["id"] for item in sent["output"]] == ["item_0", "item_1", "item_2"]
    assert sent["output"][2] == output[2]
    assert sent["usage"] == {"total_tokens": 3}
    assert len(sent["output"][0]["content"][0]["text"]) == len(sent["output"][1]["content"][0]["text"]) > 27_000


def test_a_part_of_a_sound_is_none() -> None:
    part = {"type": "input_audio", "audio": "A" * 100_000, "transcript": "hello"}
    event = {"type": "conversation.item.retrieved", "event_id": "e", "item": {"id": "item_1", "content": [part]}}
    assert fitted(event)["item"]["content"][0] == {"type": "input_audio", "audio": "", "transcript": "hello"}
    delta = {"type": "response.output_audio.delta", "event_id": "e", "delta": "A" * 100_000}
    assert fitted(delta)["delta"] == ""


def test_very_many_short_values_lose_their_latter_part() -> None:
    tools = [{"type": "function", "name": f"tool_{n}", "description": "d" * 60} for n in range(5_000)]
    event = session_event("Be brief.")
    event["session"]["tools"] = tools
    sent = fitted(event)
    assert sent["session"]["instructions"] == "Be brief."
    assert sent["session"]["tools"] == tools[: len(sent["session"]["tools"])] != []


def test_an_endless_id_of_a_client_is_shortened_when_it_is_echoed() -> None:
    event = {"type": "error", "event_id": "event_1", "error": {"message": "no", "code": "c", "event_id": "x" * 100_000}}
    sent = fitted(event)
    assert sent["error"]["message"] == "no"
    assert sent["error"]["event_id"].startswith("xxx")


def test_deep_nesting_is_no_obstacle() -> None:
    deep: Any = "x" * 1_000
    for _ in range(400):
        deep = {"a": [deep]}
    assert len(as_text(fitted({"type": "t", "event_id": "e", "deep": deep}, LIMIT))) <= LIMIT


def test_it_is_told_once_a_type_and_without_the_content(caplog: pytest.LogCaptureFixture) -> None:
    limit = SizeLimit(LIMIT)
    with caplog.at_level(logging.WARNING):
        assert limit.text({"type": "t", "event_id": "e"}) == '{"type":"t","event_id":"e"}'
        for kind in ("t", "t", "u"):
            assert len(limit.text({"type": kind, "text": "secret" * 100})) <= LIMIT
    assert [record.getMessage().split()[0] for record in caplog.records] == ["t", "u"]
    assert "secret" not in caplog.text
