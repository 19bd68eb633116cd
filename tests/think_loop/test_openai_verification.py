"""From prompt log-probabilities to what still holds of a beginning."""

from __future__ import annotations

from typing import Any

import pytest

from think_loop.engines.openai_verification import agreement_of, read_prompt_tokens

TEMPLATE = ("<|im_start|>", "system", "\n", "Be brief.", "<|im_end|>", "\n", "<|im_start|>", "assistant", "\n")
OPENING = "It is noon, now."
TOKENS = ("It", " is", " noon", ",", " now", ".")


def position(text: str, logprob: float = -8.0, rank: int = 40) -> dict[str, Any]:
    return {str(abs(hash(text)) % 150_000): {"logprob": logprob, "rank": rank, "decoded_token": text}}


def answer(tokens: tuple[str, ...], fails: int | None = None, template: tuple[str, ...] = TEMPLATE) -> dict[str, Any]:
    """As vLLM answers. The template's tokens are improbable, those of the opening the first ones; but ``fails``."""
    opening = [
        position(text, -4.0, 7) if place == fails else position(text, -1.9, 1) for place, text in enumerate(tokens)
    ]
    return {"prompt_logprobs": [None, *map(position, template), *opening]}


def agreement(answered: dict[str, Any], opening: str) -> str | None:
    tokens = read_prompt_tokens(answered, opening)
    assert tokens is not None
    return agreement_of(tokens, opening)


def test_all_of_it_holds() -> None:
    assert agreement(answer(TOKENS), OPENING) == OPENING


@pytest.mark.parametrize(
    ("fails", "holds"), [(0, ""), (1, "It "), (2, "It is "), (4, "It is noon, "), (5, "It is noon, now")]
)
def test_it_holds_up_to_the_first_token_that_does_not(fails: int, holds: str) -> None:
    found = agreement(answer(TOKENS, fails), OPENING)
    assert found is not None
    assert found.rstrip() == holds.rstrip()


@pytest.mark.parametrize(("logprob", "holds"), [(-1.1, True), (-1.3, False)])
def test_a_probable_token_need_not_be_the_first(logprob: float, holds: bool) -> None:
    answered = answer(TOKENS)
    answered["prompt_logprobs"][-2] = position(" now", logprob, 2)
    assert (agreement(answered, OPENING) == OPENING) is holds


@pytest.mark.parametrize(
    "tokens",
    [
        ("It", "Ġis", "Ġnoon", ",", "Ġnow", "."),
        ("▁It", "▁is", "▁noon", ",", "▁now", "."),
        ("It", "is", "noon", ",", "now", "."),
        ("It", " is", " no", "on", ", ", "now", "."),
        ("It", " ", "is", " noon,", " now."),
    ],
    ids=["byte-level", "sentencepiece", "without spaces", "other cuts", "a space alone"],
)
def test_tokens_in_other_writings(tokens: tuple[str, ...]) -> None:
    assert agreement(answer(tokens), OPENING) == OPENING
    assert agreement(answer(tokens, len(tokens) - 1), OPENING) != OPENING


@pytest.mark.parametrize(
    ("tokens", "begins"),
    [
        (("现在", "是", "", "", "鳜", "鱼", "。"), "现在是"),
        (("çİ°åľ¨", "æĺ¯", "é³", "ľ", "é±¼", "ãĢĤ"), "现在是"),
        (("现在", "是", "<0xE9>", "<0xB3>", "<0x9C>", "鱼", "。"), "现在是"),
    ],
    ids=["parts are empty", "byte-level", "byte fallback"],
)
def test_signs_made_of_several_tokens(tokens: tuple[str, ...], begins: str) -> None:
    opening = "现在是鳜鱼。"
    assert agreement(answer(tokens), opening) == opening
    assert agreement(answer(tokens, 2), opening) == begins
    assert agreement(answer(tokens, 3), opening) == begins


def test_a_first_sign_made_of_several_tokens() -> None:
    assert agreement(answer(("", "", "鳜", "鱼")), "鳜鱼") == "鳜鱼"
    assert agreement(answer(("", "", "鳜", "鱼"), 0), "鳜鱼") == ""


def test_a_first_token_that_begins_in_the_template() -> None:
    template = (*TEMPLATE[:-1],)
    assert agreement(answer((":It", " is", " noon", ",", " now", "."), None, template), OPENING) == OPENING
    assert agreement(answer((":It", " is", " noon", ",", " now", "."), 0, template), OPENING) == ""


@pytest.mark.parametrize(
    "tokens",
    [
        ("It", " is", " no", "\ufffd", ",", " now", "."),
        ("It", " was", " noon", ",", " now", "."),
        (*TOKENS, "<|im_end|>"),
        ("now", "."),
    ],
    ids=["damaged", "another text", "the message was closed", "cut off"],
)
def test_what_can_not_be_laid_over_the_opening_is_not_known(tokens: tuple[str, ...]) -> None:
    assert agreement(answer(tokens), OPENING) is None


def test_where_more_was_asked_for_the_first_entry_is_the_token_of_the_prompt() -> None:
    answered = answer(TOKENS)
    answered["prompt_logprobs"][-1] |= position("!", -0.1, 1)
    assert agreement(answered, OPENING) == OPENING


@pytest.mark.parametrize(
    "answered",
    [
        None,
        {},
        {"prompt_logprobs": None},
        {"prompt_logprobs": [None]},
        {"prompt_logprobs": [None, {}]},
        {"prompt_logprobs": [None, {"1": {}}]},
    ],
)
def test_an_answer_without_them(answered: object) -> None:
    assert read_prompt_tokens(answered, OPENING) is None
