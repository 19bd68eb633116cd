"""Ids of tool calls, as servers give them and as the session keeps them."""

from __future__ import annotations

from think_loop.call_ids import CallIds
from think_loop.language_model import Message, ToolCall


def test_an_id_stays_until_it_is_given_again() -> None:
    ids = CallIds()
    given = [ids.own(ToolCall(call_id, "look", "{}")).call_id for call_id in ("a", "b", "a", "a_2", "a", "", "")]
    assert given == ["a", "b", "a_2", "a_2_2", "a_3", "call", "call_2"]


def test_the_ids_of_calls_that_a_client_told_are_taken() -> None:
    history = (Message("assistant", "", (ToolCall("a", "look", "{}"),)),)
    assert CallIds().own(ToolCall("a", "look", "{}"), history).call_id == "a_2"
