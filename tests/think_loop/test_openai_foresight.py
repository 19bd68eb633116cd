"""What a chat model's completion of a sentence is worth."""

from __future__ import annotations

import math

import pytest

from think_loop.engines.openai_foresight import Completion, Token, ending_of, foresight_messages, read_completion
from think_loop.language_model import Message

EVEN = math.log(0.9)


def completion(*tokens: str, whole: bool = True, logprob: float = EVEN) -> Completion:
    return Completion("".join(tokens), whole, tuple(Token(text, logprob) for text in tokens), len(tokens))


@pytest.mark.parametrize(
    ("said", "tokens", "ending", "counted"),
    [
        ("what time", ("is", " it", "?"), "is it?", 2),
        ("what time", ("what", " time", " is", " it", "?"), "is it?", 2),
        ("What time", ("time", " is", " it", "?"), "is it?", 2),
        ("um what time", ("What", " time", " is", " it", "?"), "is it?", 2),
        ("uh tell me what's the weather", ("What", "'s", " the", " weather", " like", "?"), "like?", 1),
        ("tell me what is the weather", ("So", ",", " is", " the", " weather", " like", "?"), "like?", 1),
        ("what time", ('"', "...", "is", " it", '"'), "is it", 2),
        ("what time", ("is", " it", "?", "\n", "It", " is", " noon"), "is it?", 2),
        ("我想问一下现在", ("几点", "了", "？"), "几点了？", 2),
        ("我想问一下现在", ("我想", "问", "一下", "现在", "几点", "了"), "几点了", 2),
        ("我想问一下现在", ("现在", "几点", "了"), "几点了", 2),
        ("i want to", ("to", "night"), "tonight", 2),
        ("i'm going to see a", ("an", " old", " friend"), "an old friend", 3),
        ("fly me to", ("Paris",), "Paris", 1),
    ],
)
def test_an_ending_is_what_is_added(said: str, tokens: tuple[str, ...], ending: str, counted: int) -> None:
    foreseen = ending_of(said, completion(*tokens))
    assert foreseen is not None
    assert (foreseen.ending, foreseen.output_tokens) == (ending, len(tokens))
    if "\n" not in tokens:
        assert foreseen.probability == pytest.approx(0.9**counted)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("turn on the lights", completion(".")),
        ("turn on the lights", completion("")),
        ("turn on the lights", completion("turn", " on", " the", " lights", ".")),
        ("what's the capital of", completion("Sure", ", it", " is Paris")),
        ("what's the capital of", completion("France", "? It", " is", " Paris")),
        ("法国的首都", completion("好的", "，", "是", "巴黎")),
        ("法国的首都", completion("是哪里", "？", "是", "巴黎")),
        ("what's the capital of", completion("France", " which", " is", whole=False)),
    ],
)
def test_what_is_no_continuation(said: str, answer: Completion) -> None:
    assert ending_of(said, answer) is None


def test_end_marks_and_signs_in_pieces_count_as_they_should() -> None:
    whole = Completion(
        "is it?", True, (Token("is", EVEN), Token(" it", EVEN), Token("?", -9), Token("<|im_end|>", -9)), 4
    )
    foreseen = ending_of("what time", whole)
    assert foreseen is not None
    assert foreseen.probability == pytest.approx(0.81)
    damaged = Completion("鳜鱼", True, (Token("\ufffd", EVEN), Token("\ufffd", EVEN), Token("鱼", EVEN)), 3)
    foreseen = ending_of("我要一条", damaged)
    assert foreseen is not None
    assert foreseen.probability == pytest.approx(0.9**3)
    pieces = Completion("鳜鱼", True, (Token("", EVEN), Token("鳜", EVEN), Token("鱼", EVEN)), 3)
    foreseen = ending_of("我要一条", pieces)
    assert foreseen is not None
    assert foreseen.probability == pytest.approx(0.9**3)


def test_the_request_shows_how_and_holds_only_the_end_of_the_talk() -> None:
    talk = [Message("system", "Be brief."), Message("user", "hi"), Message("assistant", "x" * 400 + " How\nare you?")]
    wire = foresight_messages([*talk, Message("user", "fine thanks\nand")])
    assert [message["role"] for message in wire] == ["system", *["user", "assistant"] * 5, "user"]
    last = wire[-1]["content"]
    assert last.endswith("x How are you?\nCaller: fine thanks and")
    assert last.count("x") == 300 - len(" How are you?")
    assert foresight_messages([Message("user", "so")])[-1]["content"] == "Caller: so"


@pytest.mark.parametrize(
    "answer", [None, "text", {}, {"choices": []}, {"choices": ["x"]}, {"choices": [{"message": 1}]}]
)
def test_what_is_no_completion(answer: object) -> None:
    assert read_completion(answer) is None


def test_a_completion_without_log_probabilities_has_no_tokens() -> None:
    choice = {"message": {"content": "is it?"}, "finish_reason": "stop", "logprobs": None}
    assert read_completion({"choices": [choice]}) == Completion("is it?", True, (), 0)
