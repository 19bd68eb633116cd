"""Think tags, the silence marker, the wire and the prompt: pure parts of the language model engines."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.commands import Purpose
from scheduler.errors import SettingsError
from think_loop.engines.openai_wire import (
    DeltaReader,
    EffortStyle,
    is_near,
    wire_effort,
    wire_limit,
    wire_messages,
    wire_tools,
)
from think_loop.language_model import (
    Effort,
    Finished,
    Message,
    Prompt,
    Silence,
    Thought,
    ToolCall,
    ToolSpec,
    Words,
)
from think_loop.prompt import DEFAULT_INSTRUCTIONS, hints
from think_loop.registry import make_language_model
from think_loop.silence_marker import SilenceMarker
from think_loop.think_tags import ThinkTags


def parted(text: str, cuts: list[int], thinking: bool = False) -> tuple[str, str]:
    """All thoughts and all words of ``text``, fed in chunks that end at ``cuts``."""
    tags = ThinkTags(thinking=thinking)
    pieces = []
    begin = 0
    for cut in [*sorted(cuts), len(text)]:
        pieces += tags.feed(text[begin:cut])
        begin = cut
    pieces += tags.finish()
    return (
        "".join(piece.text for piece in pieces if isinstance(piece, Thought)),
        "".join(piece.text for piece in pieces if isinstance(piece, Words)),
    )


@given(st.lists(st.integers(0, 60), max_size=20))
def test_think_tags_in_any_chunks(cuts: list[int]) -> None:
    text = "<think>a < b</think>Yes, 1 <2.<THINK>so</THINK> Done <"
    cuts = [min(cut, len(text)) for cut in cuts]
    assert parted(text, cuts) == ("a < bso", "Yes, 1 <2. Done <")


@given(st.lists(st.integers(0, 30), max_size=8))
def test_a_text_that_begins_inside_a_thought(cuts: list[int]) -> None:
    assert parted("hm</think>Yes.", [min(cut, 14) for cut in cuts], thinking=True) == ("hm", "Yes.")


def test_a_text_that_was_to_begin_inside_a_thought_and_has_no_tag_is_not_lost() -> None:
    tags = ThinkTags(thinking=True)
    assert tags.feed("Yes.") == [Thought("Yes.")]
    assert tags.finish() == [Words("Yes.")]
    assert tags.assumption_failed


def test_a_lone_closing_tag_is_noticed() -> None:
    tags = ThinkTags()
    assert tags.feed("hm</think>Yes.") == [Words("hm"), Words("Yes.")]
    assert tags.lone_close_seen


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<silence>thinking aloud</silence>", "thinking aloud"),
        ("[silence: not for me]", "not for me"),
        ("  <Silence>talks to Bob", "talks to Bob"),
        ("[SILENCE]", "no reason given"),
        ("<silence/>", "no reason given"),
        ("<silence>a</silence> and more text that is not said", "a"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_silence_is_marked(text: str, reason: str, size: int) -> None:
    marker = SilenceMarker()
    pieces = [piece for begin in range(0, len(text), size) for piece in marker.feed(text[begin : begin + size])]
    assert pieces + marker.finish() == [Silence(reason)]


@pytest.mark.parametrize(
    "text", ["<silent night> is a song.", "[sic] yes", "Well, <silence>no</silence>", "<sil", "", " ", "[silently"]
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_is_no_silence_passes_unchanged(text: str, size: int) -> None:
    marker = SilenceMarker()
    pieces = [piece for begin in range(0, len(text), size) for piece in marker.feed(text[begin : begin + size])]
    pieces += marker.finish()
    assert all(isinstance(piece, Words) for piece in pieces)
    assert "".join(piece.text for piece in pieces if isinstance(piece, Words)) == text


def test_late_notes_become_user_text_where_templates_need_it() -> None:
    prompt = Prompt(
        (
            Message("system", "Be brief."),
            Message("user", "hi"),
            Message("user", "there"),
            Message("system", "new note"),
        ),
        hints="It is noon.",
    )
    assert wire_messages(prompt, "user") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi\nthere\n<note>new note</note>\n<note>It is noon.</note>"},
    ]
    assert [item["role"] for item in wire_messages(prompt, "system")] == ["system", "user", "system", "system"]


def test_tool_rounds_on_the_wire() -> None:
    call = ToolCall("c1", "f", "")
    prompt = Prompt((Message("assistant", "", (call,), reasoning="hm"), Message("tool", "ok", tool_call_id="c1")))
    assert wire_messages(prompt, "user") == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            "reasoning_content": "hm",
        },
        {"role": "tool", "content": "ok", "tool_call_id": "c1"},
    ]


def test_tools_on_the_wire() -> None:
    tools = (ToolSpec("f", "does f", {"type": "object"}),)
    assert wire_tools(Prompt(())) == {}
    assert wire_tools(Prompt((), tools=tools))["tool_choice"] == "auto"
    assert wire_tools(Prompt((), tools=tools, tool_choice="f"))["tool_choice"] == {
        "type": "function",
        "function": {"name": "f"},
    }


@pytest.mark.parametrize(
    ("url", "model", "sent"),
    [
        ("http://127.0.0.1:8000/v1", "m", {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}),
        ("https://api.openai.com/v1", "gpt-5-mini", {"reasoning_effort": "low"}),
        ("https://api.openai.com/v1", "gpt-4o", {}),
        ("https://llm.example.org/v1", "m", {}),
    ],
)
def test_effort_is_sent_where_it_is_understood(url: str, model: str, sent: dict[str, object]) -> None:
    assert wire_effort(Effort.REFLEX, "auto", url, model) == sent
    assert wire_effort(None, "auto", url, model) == {}


NEAR, OPENAI = "http://127.0.0.1:8000/v1", "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("effort", "style", "url", "model", "sent"),
    [
        (Effort.REFLEX, "auto", NEAR, "m", {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}),
        (Effort.CONSIDERED, "auto", NEAR, "m", {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}),
        (Effort.DEEP, "auto", NEAR, "m", {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}),
        (Effort.CONSIDERED, "auto", NEAR, "openai/gpt-oss-20b", {"reasoning_effort": "medium"}),
        (Effort.DEEP, "auto", OPENAI, "o3", {"reasoning_effort": "high"}),
        (Effort.DEEP, "openai", "https://llm.example.org/v1", "m", {"reasoning_effort": "high"}),
        (Effort.DEEP, "none", NEAR, "m", {}),
    ],
)
def test_each_effort_on_the_wire(
    effort: Effort, style: EffortStyle, url: str, model: str, sent: dict[str, object]
) -> None:
    assert wire_effort(effort, style, url, model) == sent


@pytest.mark.parametrize(
    ("effort", "asked", "url", "model", "limit"),
    [
        (None, None, NEAR, "m", None),
        (None, 50, NEAR, "m", 50),
        (Effort.REFLEX, None, NEAR, "m", 2000),
        (Effort.REFLEX, 50, NEAR, "m", 50),
        (Effort.CONSIDERED, 50, NEAR, "m", 2050),
        (Effort.DEEP, None, OPENAI, "gpt-5-mini", 12_000),
        (Effort.DEEP, None, OPENAI, "gpt-4o", None),
        (Effort.DEEP, 50, "https://llm.example.org/v1", "m", 50),
    ],
)
def test_thoughts_have_room_where_the_server_is_told_of_them(
    effort: Effort | None, asked: int | None, url: str, model: str, limit: int | None
) -> None:
    assert wire_limit(Prompt((), effort=effort, max_output_tokens=asked), "auto", url, model) == limit


def test_near_hosts() -> None:
    assert [host for host in ("localhost", "gpu", "127.0.0.1", "10.1.2.3", "::1", "8.8.8.8", "a.org") if is_near(host)] == [
        "localhost", "gpu", "127.0.0.1", "10.1.2.3", "::1",
    ]  # fmt: skip


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"delta": fields}]}


def test_tool_calls_are_put_together_from_deltas() -> None:
    reader = DeltaReader()
    for part in (
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x"'}},
        {"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ):
        assert reader.read(delta(tool_calls=[part])) == []
    assert reader.finish() == [ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}"), Finished("tools")]


def test_tool_calls_without_index() -> None:
    reader = DeltaReader()
    reader.read(delta(tool_calls=[{"id": "a", "function": {"name": "f", "arguments": "{}"}}]))
    reader.read(delta(tool_calls=[{"id": "b", "function": {"name": "g", "arguments": "{}"}}]))
    assert [piece.name for piece in reader.finish() if isinstance(piece, ToolCall)] == ["f", "g"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "usage",
                    "index",
                    "id",
                    "error",
                    "finish_reason",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_chunks_that_make_no_sense_are_survived(chunks: list[object]) -> None:
    reader = DeltaReader()
    for chunk in chunks:
        reader.read(chunk)
    assert isinstance(reader.finish()[-1], Finished)


@pytest.mark.parametrize(
    ("spec", "settings", "told"),
    [
        ("gpt", {}, "unknown"),
        ("", {}, "unknown"),
        ("offline#x", {}, "unknown"),
        ("openai:http://127.0.0.1/v1", {}, "names no model"),
        ("openai:ftp://x#m", {}, "no URL"),
        ("openai:nonsense#m", {}, "no URL"),
        ("offline", {"colour": 1}, "no setting 'colour'"),
    ],
)
def test_broken_specs_get_one_clear_sentence(spec: str, settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        make_language_model(spec, **settings)


@pytest.mark.parametrize("spec", ["offline", "simulated", "openai:http://127.0.0.1:1/v1#Qwen/Qwen3-8B", "openai#gpt-5"])
def test_known_specs_name_their_engine(spec: str) -> None:
    model = make_language_model(spec)
    assert model.name == spec
    assert model.simulated is (spec == "simulated")


def test_hints_hold_what_is_volatile() -> None:
    text = hints(
        datetime(2026, 3, 4, 5, 6),
        Purpose.REPORT,
        report="Your tea\ntimer is done.",
        still_sounding="Well",
        timers=("timer 1 (tea timer): 5 seconds left",),
        pending_calls=("get_weather",),
    )
    assert text.splitlines() == [
        "It is Wednesday, 4 March 2026, 05:06 local time.",
        'The caller is just hearing you say: "Well"',
        "Running: timer 1 (tea timer): 5 seconds left.",
        "Still waiting for the result of: get_weather.",
        "Report to tell now: Your tea timer is done.",
        "Tell it to the caller now, in one short sentence.",
    ]
    assert "<silence>" in DEFAULT_INSTRUCTIONS
