"""The history of a session, as turns, words heard and the client's items make it."""

from __future__ import annotations

import pytest

from realtime.conversation import REMEMBERED_TURNS, Conversation
from realtime.wire.conversation import REMEMBERED_NAMES
from realtime.wire.session_port import CallPlace, ClientItem, FunctionCallItem, FunctionOutputItem, MessageItem
from scheduler.commands import AmendTurn, CommitTurn, Purpose, RecordHeard, Think
from scheduler.events import ThinkEnded, ThinkEnding, WordsWritten
from think_loop.language_model import ToolCall
from think_loop.tool_runs import UNFINISHED
from think_loop.tools import ToolOutput
from think_loop.trajectory import Trajectory

LATE = "The tool ask, which was still running, is through. Thursday."


class StillClock:
    def now(self) -> float:
        return 0.0


def history() -> Conversation:
    return Conversation(Trajectory(), StillClock())


def texts(conversation: Conversation) -> list[str]:
    return [entry.text for entry in conversation.trajectory]


def test_a_rejoined_turn_is_amended_with_the_words_before_it() -> None:
    conversation = history()
    conversation.handle(CommitTurn("t1", "tell me", 0.0, 1.0, True))
    conversation.handle(CommitTurn("t2", "a stori", 1.0, 2.0, False, joins="t1"))
    conversation.handle(AmendTurn("t2", "a story"))
    assert texts(conversation) == ["tell me a story"]


@pytest.mark.parametrize(("purpose", "kept"), [(Purpose.ANSWER, ["Well."]), (Purpose.NOTES, [])])
def test_answers_in_text_are_kept_and_what_a_model_writes_among_its_notes_is_not(
    purpose: Purpose, kept: list[str]
) -> None:
    conversation = history()
    for happened in (
        Think("k1", purpose, audible=False),
        WordsWritten("k1", "Well."),
        ThinkEnded("k1", ThinkEnding.DONE),
    ):
        conversation.observe(1.0, happened)
    assert texts(conversation) == kept


def test_the_words_of_earlier_turns_are_kept_for_a_few_only() -> None:
    conversation = history()
    conversation.handle(CommitTurn("t0", "w", 0.0, 1.0, True))
    for number in range(1, REMEMBERED_TURNS + 10):
        conversation.handle(CommitTurn(f"t{number}", "w", 0.0, 1.0, True, joins=f"t{number - 1}"))
    assert len(conversation._earlier_words) == REMEMBERED_TURNS


def test_what_was_deleted_is_not_recorded_later_and_remembered_for_long_not_for_ever() -> None:
    conversation = history()
    for number in range(REMEMBERED_NAMES + 10):
        conversation.insert_item(MessageItem(f"item_{number}", "user", "hi"), None)
        conversation.delete_item(ClientItem(f"item_{number}"))
    assert len(conversation._deleted) == REMEMBERED_NAMES
    conversation.handle(RecordHeard(f"item_{REMEMBERED_NAMES}", "heard", cut_off=False))
    assert texts(conversation) == []


def test_a_call_that_was_deleted_may_be_inserted_anew() -> None:
    conversation = history()
    for item_id in ("a", "b"):
        conversation.insert_item(FunctionCallItem(item_id, "c1", "f", "{}"), None)
        assert texts(conversation) == ["{}"]
        conversation.delete_item(CallPlace("c1"))
        assert texts(conversation) == []


def test_a_call_is_awaited_until_its_output_comes() -> None:
    conversation = history()
    assert not conversation.awaits("c1")
    conversation.insert_item(FunctionCallItem("a", "c1", "f", "{}"), None)
    assert conversation.awaits("c1")
    conversation.insert_item(FunctionOutputItem("b", "c1", "done"), None)
    assert not conversation.awaits("c1")


def test_a_late_result_stands_where_it_came_and_the_call_keeps_what_the_model_read_then() -> None:
    conversation, think, call = history(), Think("k1", Purpose.ANSWER), ToolCall("c1", "ask", "{}")
    conversation.tool_called(think, call, by_client=False)
    conversation.tool_ended(think, call, UNFINISHED)
    conversation.handle(RecordHeard("u1", "I have asked.", False, "k1"))
    conversation.tool_came_late(call, ToolOutput("Thursday.\n(This tool was called once before.)"))
    assert texts(conversation) == ["{}", UNFINISHED.text, "I have asked.", LATE]
