from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from think_loop.language_model import Message, ToolCall
from think_loop.trajectory import CUT_OFF_MARK, ROOT, Entry, EntryKind, Trajectory


def heard(entry_id: str, text: str) -> Entry:
    return Entry(entry_id, EntryKind.HEARD, text)


def said(entry_id: str, text: str, cut_off: bool = False) -> Entry:
    return Entry(entry_id, EntryKind.SAID, text, cut_off=cut_off)


def trajectory(*entries: Entry) -> Trajectory:
    made = Trajectory()
    for entry in entries:
        made.append(entry)
    return made


def texts(made: Trajectory) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in made.messages("")]


def test_messages_have_proper_roles() -> None:
    made = trajectory(
        heard("u1", "what's the weather in Paris"),
        Entry("c1", EntryKind.TOOL_CALL, '{"city": "Paris"}', call_id="call_1", tool_name="get_weather"),
        Entry("r1", EntryKind.TOOL_RESULT, "sunny", call_id="call_1"),
        said("a1", "It's sunny."),
        Entry("n1", EntryKind.NOTE, "The caller changed the language."),
    )
    assert made.messages("Be brief.") == (
        Message("system", "Be brief."),
        Message("user", "what's the weather in Paris"),
        Message("assistant", "", tool_calls=(ToolCall("call_1", "get_weather", '{"city": "Paris"}'),)),
        Message("tool", "sunny", tool_call_id="call_1"),
        Message("assistant", "It's sunny."),
        Message("system", "The caller changed the language."),
    )


def test_a_call_without_result_is_left_out_and_told_as_pending() -> None:
    made = trajectory(heard("u", "go"), Entry("c", EntryKind.TOOL_CALL, "{}", call_id="1", tool_name="f"))
    assert texts(made) == [("user", "go")]
    assert [entry.tool_name for entry in made.pending_calls] == ["f"]
    made.append(Entry("r", EntryKind.TOOL_RESULT, "ok", call_id="1"))
    assert made.pending_calls == ()
    assert [role for role, _ in texts(made)] == ["user", "assistant", "tool"]


def test_a_result_without_its_call_is_left_out() -> None:
    made = trajectory(Entry("r", EntryKind.TOOL_RESULT, "ok", call_id="1"), heard("u", "hi"))
    assert texts(made) == [("user", "hi")]


def test_pieces_said_in_a_row_are_one_message_and_a_cut_off_one_is_marked() -> None:
    made = trajectory(said("a1", "Let me see."), said("a2", "It is twelve,", cut_off=True), heard("u1", "stop"))
    assert texts(made) == [("assistant", f"Let me see. It is twelve{CUT_OFF_MARK}"), ("user", "stop")]


def test_an_answer_of_which_nothing_was_heard_is_not_shown() -> None:
    assert texts(trajectory(heard("u", "hi"), said("a", "", cut_off=True))) == [("user", "hi")]


def test_reasoning_is_kept_only_on_request_and_only_where_something_followed() -> None:
    made = trajectory(
        Entry("t0", EntryKind.THOUGHT, "never used"),
        heard("u", "two plus two"),
        Entry("t1", EntryKind.THOUGHT, "easy"),
        said("a", "Four."),
    )
    assert [message.reasoning for message in made.messages("")] == ["", ""]
    assert [message.reasoning for message in made.messages("", preserve_reasoning=True)] == ["", "easy"]


def test_a_rejoined_turn_is_one_turn_and_stands_last() -> None:
    made = trajectory(heard("u1", "book it for tuesday"), said("a1", "Well", cut_off=True), heard("u2", "no thursday"))
    made.merge_turn("u1", "u2")
    assert texts(made) == [("assistant", "Well…"), ("user", "book it for tuesday no thursday")]
    assert "u1" not in made


def test_a_turn_can_be_rejoined_before_the_later_one_is_there() -> None:
    made = trajectory(heard("u1", "book it"))
    made.merge_turn("u1", "u2", "book it for thursday")
    assert texts(made) == [("user", "book it for thursday")]
    assert made.last_id == "u2"


def test_inserting() -> None:
    made = trajectory(heard("b", "b"))
    made.insert_after(ROOT, heard("a", "a"))
    made.insert_after("a", heard("ab", "ab"))
    made.insert_after(None, heard("c", "c"))
    assert [entry.entry_id for entry in made] == ["a", "ab", "b", "c"]


def test_ids_are_unique_and_must_be_known() -> None:
    made = trajectory(heard("a", "a"))
    with pytest.raises(ValueError, match="already"):
        made.append(heard("a", "again"))
    with pytest.raises(KeyError):
        made.delete("b")
    with pytest.raises(KeyError):
        made.insert_after("b", heard("c", "c"))
    with pytest.raises(KeyError):
        made.merge_turn("a", "b")


@pytest.mark.parametrize(
    ("change", "opens"),
    [
        (lambda made: made.append(heard("x", "x")), False),
        (lambda made: made.insert_after("u2", heard("x", "x")), False),
        (lambda made: made.replace("u1", text="one"), False),
        (lambda made: made.insert_after("u1", heard("x", "x")), True),
        (lambda made: made.insert_after(ROOT, heard("x", "x")), True),
        (lambda made: made.delete("u1"), True),
        (lambda made: made.replace("u1", text="other"), True),
        (lambda made: made.messages("other instructions"), True),
        (lambda made: made.messages("", preserve_reasoning=True), True),
        (lambda made: made.messages(""), False),
    ],
)
def test_what_opens_an_epoch(change: object, opens: bool) -> None:
    made = trajectory(heard("u1", "one"), heard("u2", "two"))
    made.messages("")
    before = made.epoch
    change(made)  # type: ignore[operator]
    assert (made.epoch > before) is opens


KINDS = st.sampled_from(list(EntryKind))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "append", "insert", "delete", "replace"]),
        KINDS,
        st.sampled_from(["", "a", "b c", "well."]),
        st.integers(0, 3),
        st.booleans(),
        st.integers(0, 20),
    ),
    max_size=30,
)


@given(STEPS, st.booleans())
def test_within_an_epoch_messages_only_grow_at_their_end(
    steps: list[tuple[str, EntryKind, str, int, bool, int]], preserve: bool
) -> None:
    made = Trajectory()
    before, epoch = made.messages("i", preserve), made.epoch
    for number, (step, kind, text, call, cut_off, place) in enumerate(steps):
        ids = [entry.entry_id for entry in made]
        entry = Entry(f"e{number}", kind, text, cut_off=cut_off, call_id=f"call{call}", tool_name="f")
        if step == "append" or not ids:
            made.append(entry)
        elif step == "insert":
            made.insert_after(ids[place % len(ids)], entry)
        elif step == "delete":
            made.delete(ids[place % len(ids)])
        else:
            made.replace(ids[place % len(ids)], text=text)
        after = made.messages("i", preserve)
        if made.epoch == epoch:
            assert after[: len(before) - 1] == before[:-1]
            assert after[len(before) - 1].text.startswith(before[-1].text)
        calls = [call.call_id for message in after for call in message.tool_calls]
        assert calls == [message.tool_call_id for message in after if message.role == "tool"]
        before, epoch = after, made.epoch
