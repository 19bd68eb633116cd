"""Which of a server's responses answer a question of ``stretto talk``, and which tools served one."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.talk_exchange import UNANSWERED_SECONDS, Exchange, ToolsSeen


def exchange(*events: tuple[float, str, str]) -> Exchange:
    """(at, event, response or status). The question began at 0 and ended at 3."""
    seen = Exchange()
    seen.begin(0.0)
    seen.asked_until = 3.0
    for at, kind, detail in events:
        name, _, status = detail.partition(":")
        response: dict[str, Any] = {"id": name, "status": status or "completed"}
        seen.take({"type": kind, "response": response}, at)
    return seen


STARTED, COMMITTED = "input_audio_buffer.speech_started", "input_audio_buffer.committed"
CREATED, DONE = "response.created", "response.done"
STOP_WAS_A_TURN = ((0.5, STARTED, ""), (1.5, COMMITTED, ""), (1.5, CREATED, "r1"), (1.6, DONE, "r1"))


def test_an_answer_after_the_last_words_is_one() -> None:
    seen = exchange((0.5, STARTED, ""), (3.4, COMMITTED, ""), (3.4, CREATED, "r1"))
    assert not seen.is_answered(3.5, 0.0)
    seen.take({"type": DONE, "response": {"id": "r1", "status": "completed"}}, 4.0)
    assert not seen.is_answered(4.1, quiet_since=6.0), "it still sounds"
    assert seen.is_answered(6.0, quiet_since=6.0)


def test_an_answer_to_the_beginning_is_none() -> None:
    seen = exchange(*STOP_WAS_A_TURN, (2.2, STARTED, ""))
    assert not seen.is_answered(5.0, 0.0)
    for at, kind in ((3.6, COMMITTED), (3.6, CREATED), (3.9, DONE)):
        seen.take({"type": kind, "response": {"id": "r2", "status": "completed"}}, at)
    assert seen.is_answered(4.0, 0.0)


def test_a_late_answer_to_the_beginning_is_none_either() -> None:
    """The recogniser took so long that all was said before the first turn was committed."""
    seen = exchange(
        (0.5, STARTED, ""), (3.1, COMMITTED, ""), (3.1, CREATED, "r1"), (3.2, DONE, "r1"), (3.3, STARTED, "")
    )
    assert not seen.is_answered(3.4, 0.0)
    seen.take({"type": COMMITTED}, 3.9)
    assert not seen.is_answered(4.0, 0.0), "what was heard last has no response yet"


def test_a_rest_that_is_never_answered_is_not_waited_for_for_ever() -> None:
    seen = exchange(*STOP_WAS_A_TURN)
    assert not seen.is_answered(3.0 + UNANSWERED_SECONDS - 0.1, 0.0)
    assert seen.is_answered(3.0 + UNANSWERED_SECONDS, 0.0)


def test_after_a_cancelled_answer_another_follows() -> None:
    seen = exchange((3.2, COMMITTED, ""), (3.2, CREATED, "r1"), (3.4, DONE, "r1:cancelled"))
    assert not seen.is_answered(3.5, 0.0)


def test_without_any_response_nothing_is_answered() -> None:
    assert not exchange((3.2, COMMITTED, "")).is_answered(100.0, 0.0)


@pytest.mark.parametrize(("fate", "told"), [("promoted", ["look({})"]), ("verified", ["look({})"]), ("abandoned", [])])
def test_tools_of_drafts_count_when_the_draft_does(fate: str, told: list[str]) -> None:
    tools = ToolsSeen()
    call = {"type": "stretto.tool.called", "think_id": "t1", "purpose": "draft", "name": "look", "arguments": "{}"}
    assert tools.take(call) == []
    assert tools.take({"type": f"stretto.draft.{fate}", "think_id": "t1"}) == told
    assert tools.take({**call, "purpose": "answer", "think_id": "t2"}) == ["look({})"]
