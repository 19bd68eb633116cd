"""How hard is thought about what, and what engines are told of it."""

from __future__ import annotations

import pytest

from scheduler.commands import Effort
from think_loop.effort import EffortBudget, RuleRouter, budget, token_limit
from think_loop.language_model import Message

REFLEX, CONSIDERED, DEEP = Effort.REFLEX, Effort.CONSIDERED, Effort.DEEP


def talk(*texts: str) -> tuple[Message, ...]:
    """The user and the agent in turn, the user first."""
    said = (Message("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(texts))
    return (Message("system", "I don't know who calls."), *said)


@pytest.mark.parametrize(
    ("request_text", "effort"),
    [
        ("", REFLEX),
        ("Hello!", REFLEX),
        ("How are you today?", REFLEX),
        ("Thanks, that was quick.", REFLEX),
        ("yes", REFLEX),
        ("No, thank you.", REFLEX),
        ("What time is it?", REFLEX),
        ("Who wrote Hamlet?", REFLEX),
        ("What's the capital of France?", REFLEX),
        ("How far is the station?", REFLEX),
        ("How do you spell necessary?", REFLEX),
        ("Play some jazz.", REFLEX),
        ("My order number is five five two.", REFLEX),
        ("Is the tennis court open?", REFLEX),
        ("Set a timer for five minutes.", REFLEX),
        ("Why is the sky blue?", CONSIDERED),
        ("How do I get from here to the station?", CONSIDERED),
        ("What is twelve times twelve?", CONSIDERED),
        ("how much is twenty three plus nineteen", CONSIDERED),
        ("what's 17 * 23", CONSIDERED),
        ("Which one is cheaper, the bus or the train?", CONSIDERED),
        ("What's the difference between a viola and a violin?", CONSIDERED),
        ("I want a room with a bath but not on the ground floor and under ninety euros.", CONSIDERED),
        ("Should I take an umbrella?", CONSIDERED),
        ("Plan my afternoon.", CONSIDERED),
        ("word " * 40, CONSIDERED),
        ("Think carefully: is there a train before nine?", DEEP),
        ("Take me through it step by step.", DEEP),
        ("Can my landlord keep the deposit?", DEEP),
        ("What side effects does ibuprofen have?", DEEP),
        ("Write me a Python function that sorts names.", DEEP),
        ("Prove that the square root of two is irrational.", DEEP),
        ("Plan a two week trip through Japan for us.", DEEP),
        ("你好", REFLEX),
        ("谢谢你", REFLEX),
        ("是的", REFLEX),
        ("现在几点？", REFLEX),
        ("法国的首都是哪里", REFLEX),
        ("播放一首歌", REFLEX),
        ("这个字怎么读？", REFLEX),
        ("为什么天是蓝的？", CONSIDERED),
        ("为什麼天是藍的", REFLEX),
        ("為什麼天是藍的", CONSIDERED),
        ("十二乘以十二等于多少", CONSIDERED),
        ("哪个更便宜，公交还是火车？", CONSIDERED),
        ("如果明天下雨但是不冷，我穿什么", CONSIDERED),
        ("请仔细想一想，九点以前有火车吗", DEEP),
        ("帮我写一段排序的代码", DEEP),
        ("房东可以不退押金吗", DEEP),
        ("这两种药可以一起吃吗", DEEP),
        ("帮我规划一次两周的日本旅行", DEEP),
        ("Wie spät ist es?", REFLEX),
    ],
)
def test_the_request_decides(request_text: str, effort: Effort) -> None:
    assert RuleRouter().choose(request_text, ()) is effort


@pytest.mark.parametrize(
    ("said", "request_text", "effort"),
    [
        (("Who wrote it?", "I don't know."), "Are you sure?", CONSIDERED),
        (("Who wrote it?", "I’m not sure."), "Come on, think again.", CONSIDERED),
        (("Who built the old bridge?", "I don't know."), "The old bridge, who built it?", CONSIDERED),
        (("Who built the old bridge?", "I don't know."), "Okay, play some jazz then.", REFLEX),
        (("Who built the old bridge?", "A guild of masons."), "Are you sure?", REFLEX),
        (("Why is it closed?", "I have no idea."), "Try again.", DEEP),
        (("Who wrote it?", "I don't know.", "Are you sure?", "I really don't know."), "Please try again.", DEEP),
        (("Who wrote it?", "No idea.", "Try again.", "No idea.", "Try again.", "No idea."), "Try again.", DEEP),
        (("Who wrote it?", "I don't know."), "Why is the sky blue?", CONSIDERED),
        (("谁写的？", "我不知道。"), "你再想想", CONSIDERED),
        (("这座桥是谁建的？", "我不太清楚。"), "这座桥到底是谁建的", CONSIDERED),
        (("为什么关门？", "我不确定。"), "你确定吗", DEEP),
        (("这座桥是谁建的？", "我不知道。"), "那放首歌吧", REFLEX),
    ],
)
def test_an_answer_that_did_not_know_raises_it(said: tuple[str, ...], request_text: str, effort: Effort) -> None:
    assert RuleRouter().choose(request_text, talk(*said)) is effort


def test_what_a_system_message_says_is_no_answer() -> None:
    assert RuleRouter().choose("Are you sure?", talk()) is REFLEX


def test_budgets_grow_with_the_effort_and_leave_room_for_the_answer() -> None:
    assert [budget(effort).reasoning_tokens for effort in Effort] == [0, 400, 4000]
    for effort in Effort:
        assert budget(effort).max_output_tokens >= budget(effort).reasoning_tokens + 1000
    assert budget(REFLEX) == EffortBudget(0, 2000)


@pytest.mark.parametrize(
    ("effort", "asked", "limit"),
    [(REFLEX, None, 2000), (REFLEX, 50, 50), (CONSIDERED, None, 4000), (CONSIDERED, 50, 2050), (DEEP, 50, 10_050)],
)
def test_a_limit_is_meant_for_what_is_said(effort: Effort, asked: int | None, limit: int) -> None:
    assert token_limit(effort, asked) == limit
