"""What is thought ahead with servers of chat completions, against a real HTTP server on loopback that answers as vLLM."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.commands import Effort, Purpose, Think
from scheduler.tasks import closing_stream
from tests.think_loop.openai_server import Answer, Answering, Server, content, delta, finish, serving
from think_loop.engines.openai_ahead import AheadSettings, ServerKind
from think_loop.engines.openai_compatible import OpenAICompatible, OpenAICompatibleSettings
from think_loop.language_model import Finished, Foreseen, Message, Piece, Prompt, Words, foreseeing
from think_loop.openings import answer_from

OPENING = "It is noon."
PROMPT = Prompt(
    (Message("system", "Be brief."), Message("user", "what time is it please in Paris")), hints="On a Monday."
)
SAID = Prompt(
    (Message("assistant", "How can I help?"), Message("user", "could you tell me what")), effort=Effort.REFLEX
)
VLLM = AheadSettings(foresees=True, verifies=True, foresight_timeout_seconds=5.0, verdict_timeout_seconds=5.0)


def completion(*tokens: tuple[str, float], reason: str = "stop", logprobs: bool = True) -> Answer:
    """As vLLM answers a request with ``logprobs: true``."""
    listed = [
        {"token": text, "logprob": logprob, "bytes": list(text.encode()), "top_logprobs": []}
        for text, logprob in tokens
    ]
    message = {"role": "assistant", "content": "".join(text for text, _ in tokens), "refusal": None, "reasoning": None}
    return whole(
        {
            "index": 0,
            "message": message,
            "logprobs": {"content": listed} if logprobs else None,
            "finish_reason": reason,
            "stop_reason": None,
            "token_ids": None,
        },
        len(tokens),
        None,
    )


def prompt_logprobs(*tokens: tuple[str, float, int]) -> Answer:
    """As vLLM answers a request with ``prompt_logprobs: 0``: one token for each place but the first."""
    template = [("<|im_start|>", -12.0, 9000), ("assistant", -7.0, 300), ("\n", -3.0, 4)]
    places = [
        {str(number): {"logprob": logprob, "rank": rank, "decoded_token": text}}
        for number, (text, logprob, rank) in enumerate([*template, *tokens])
    ]
    message = {"role": "assistant", "content": " A", "reasoning": None}
    return whole({"index": 0, "message": message, "logprobs": None, "finish_reason": "length"}, 1, [None, *places])


def whole(choice: dict[str, Any], output_tokens: int, logprobs: list[Any] | None) -> Answer:
    usage = {"prompt_tokens": 40, "total_tokens": 40 + output_tokens, "completion_tokens": output_tokens}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    body = json.dumps({**answer, "usage": usage, "prompt_logprobs": logprobs, "kv_transfer_params": None})
    return Answer(body=body)


HOLDS = prompt_logprobs(("It", -0.1, 1), (" is", -0.9, 2), (" noon", -1.7, 1), (".", -0.2, 1))
FAILS = prompt_logprobs(("It", -0.1, 1), (" is", -0.9, 2), (" noon", -4.7, 12), (".", -0.2, 1))


def refusal(message: str, status: int = 400) -> Answer:
    return Answer(status=status, body=json.dumps({"error": {"message": message, "code": status}}))


def with_server(
    act: Callable[[Server, OpenAICompatible], Awaitable[None]],
    *answers: Answer | Answering,
    owned_by: str = "vllm",
    ahead: AheadSettings = VLLM,
    model: str = "m",
) -> Server:
    async def main() -> Server:
        async with asyncio.timeout(30), serving(*answers, owned_by=owned_by) as server:
            engine = OpenAICompatible(
                server.url, model, OpenAICompatibleSettings(retry_delay_seconds=0.01, retries=1, ahead=ahead)
            )
            try:
                if model == "m":
                    await engine.warm_up()
                await act(server, engine)
            finally:
                await engine.close()
            return server

    return asyncio.run(main())


# --- which server it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "server", "continues", "verifies"),
    [
        ("vllm", "auto", True, True),
        ("sglang", "auto", True, False),
        ("llamacpp", "auto", False, False),
        ("someone", "auto", False, False),
        ("vllm", "other", False, False),
        ("someone", "vllm", True, True),
        ("someone", "sglang", True, False),
    ],
)
def test_what_a_server_can_is_told_by_its_name(owner: str, server: ServerKind, continues: bool, verifies: bool) -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        assert (model.continues_openings, model.can_verify) == (continues, verifies)
        assert model.can_foresee

    with_server(act, Answer(), owned_by=owner, ahead=replace(VLLM, server=server))


def test_by_default_a_server_gets_nothing_that_it_might_not_know() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        assert (model.continues_openings, model.can_verify, model.can_foresee) == (False, False, False)
        assert foreseeing(model) is None
        assert await model.foresee(SAID) is None
        assert await model.agreement(PROMPT, OPENING) is None
        assert not server.requests

    with_server(act, Answer(), owned_by="openai", ahead=AheadSettings())


def test_a_setting_that_the_server_can_not_serve_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        assert not model.can_verify

    with caplog.at_level(logging.WARNING):
        with_server(act, Answer(), owned_by="llamacpp")
    assert "llm_verifies is not used" in caplog.text


def test_a_model_that_writes_in_channels_is_neither_continued_nor_verified() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        assert (model.continues_openings, model.can_verify) == (False, False)

    with_server(act, Answer(), ahead=replace(VLLM, server="vllm"), model="openai/gpt-oss-20b")


# --- endings --------------------------------------------------------------------------------------------------


def test_an_ending_is_foreseen_in_one_short_request() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        foreseen = await model.foresee(replace(SAID, max_output_tokens=500, temperature=0.9))
        assert foreseen is not None
        assert (foreseen.ending, foreseen.output_tokens) == ("time it is?", 4)
        assert foreseen.probability == pytest.approx(0.7408, abs=1e-4)

    server = with_server(act, completion(("time", -0.1), (" it", -0.1), (" is", -0.1), ("?", -2.0)))
    (request,) = server.requests
    assert request["messages"][-1]["content"] == "Agent: How can I help?\nCaller: could you tell me what"
    assert (request["max_tokens"], request["temperature"], request["logprobs"]) == (16, 0.0, True)
    assert request["chat_template_kwargs"] == {"enable_thinking": False}
    assert not {"stream", "stream_options", "tools", "tool_choice", "continue_final_message"} & set(request)


@pytest.mark.parametrize(
    "answer",
    [
        completion(("time", -0.1), reason="length"),
        completion(("Sure", -0.1), (", I can.", -0.1)),
        Answer(status=500, body="{}"),
        Answer(status=429, body="{}"),
        Answer(body="<html>"),
        Answer(body='{"choices": [{}]}'),
        Answer(body='{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}'),
    ],
    ids=["cut off", "an answer", "error", "busy", "a page", "no message", "no content"],
)
def test_where_no_ending_comes_nothing_is_foreseen_and_nothing_repeated(answer: Answer) -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        assert await model.foresee(SAID) is None
        assert len(server.requests) == 1
        assert model.can_foresee

    with_server(act, answer)


@pytest.mark.parametrize(
    "answer",
    [
        refusal("logprobs are not supported with this model"),
        refusal("extra_forbidden: logprobs", 422),
        completion(("time it is?", -0.1), logprobs=False),
    ],
    ids=["refused", "unprocessable", "left out"],
)
def test_a_server_without_log_probabilities_is_asked_once(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        with caplog.at_level(logging.WARNING):
            assert [await model.foresee(SAID) for _ in range(3)] == [None] * 3
        assert len(server.requests) == 1
        assert not model.can_foresee
        assert caplog.text.count("goes on without") == 1
        assert "logprobs" in caplog.text

    with_server(act, answer)


def test_a_prompt_that_is_too_long_is_no_refusal() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        assert await model.foresee(SAID) is None
        assert await model.agreement(PROMPT, OPENING) is None
        assert model.can_foresee
        assert model.can_verify

    with_server(act, refusal("This model's maximum context length is 2048 tokens"))


def test_a_slow_ending_is_not_awaited() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        assert await model.foresee(SAID) is None
        await server.client_left.wait()  # well before the server's wait ends

    with_server(act, Answer([25.0]), ahead=replace(VLLM, foresight_timeout_seconds=0.2))


def test_cancelling_closes_the_connection() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        for asking in (model.foresee(SAID), model.agreement(PROMPT, OPENING)):
            server.asked.clear()
            server.client_left.clear()
            async with asyncio.TaskGroup() as group:
                task: asyncio.Task[Foreseen | str | None] = group.create_task(asking)
                await server.asked.wait()
                task.cancel()
            await server.client_left.wait()

    with_server(act, Answer([25.0]), ahead=replace(VLLM, foresight_timeout_seconds=20, verdict_timeout_seconds=20))


# --- verdicts -------------------------------------------------------------------------------------------------


def test_a_verdict_is_one_request_whose_prompt_ends_with_the_opening() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        assert await model.agreement(replace(PROMPT, priority=0), f"{OPENING} ") == OPENING

    server = with_server(act, HOLDS)
    (request,) = server.requests
    assert request["messages"][-2:] == [
        {"role": "user", "content": "what time is it please in Paris\n<note>On a Monday.</note>"},
        {"role": "assistant", "content": OPENING},
    ]
    assert (request["prompt_logprobs"], request["max_tokens"]) == (0, 1)
    assert (request["continue_final_message"], request["add_generation_prompt"]) == (True, False)
    assert not {"stream", "stream_options", "temperature"} & set(request)


def test_how_much_of_the_opening_holds() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        assert await model.agreement(PROMPT, OPENING) == "It is "

    with_server(act, FAILS)


@pytest.mark.parametrize(
    "prompt",
    [
        replace(PROMPT, effort=Effort.DEEP),
        replace(PROMPT, tool_choice="required"),
        replace(PROMPT, messages=(Message("user", "word " * 20_000),)),
    ],
    ids=["thinks first", "must call a tool", "too long"],
)
def test_what_can_not_be_verified_is_not_asked_for(prompt: Prompt) -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        assert await model.agreement(prompt, OPENING) is None
        assert not server.requests

    with_server(act, HOLDS)


@pytest.mark.parametrize(
    "answer", [refusal("prompt_logprobs is not supported"), completion(("Yes", -0.1))], ids=["refused", "left out"]
)
def test_a_server_without_prompt_log_probabilities_is_asked_once(answer: Answer) -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        assert [await model.agreement(PROMPT, OPENING) for _ in range(2)] == [None] * 2
        assert len(server.requests) == 1
        assert not model.can_verify
        assert model.continues_openings

    with_server(act, answer)


# --- answers behind an opening --------------------------------------------------------------------------------


def think(holds: bool = False) -> Think:
    return Think("k1", Purpose.ANSWER, "t1", opening=OPENING, opening_holds=holds)


def answering(fresh: Answer, behind: Answer, verdict: Answer) -> Answering:
    """By what a request asks for."""

    def answer(request: dict[str, Any]) -> Answer:
        if "prompt_logprobs" in request:
            return verdict
        return behind if request.get("continue_final_message") else fresh

    return answer


def streamed(*texts: str | float) -> Answer:
    return Answer([*(text if isinstance(text, float) else delta(content=text) for text in texts), finish()])


BEHIND = streamed(" Shall", " I wake you?")
OTHER = streamed("In Paris", " it is one.")


def answer_behind(
    *answers: Answer | Answering,
    holds: bool = False,
    prompt: Prompt = PROMPT,
    ahead: AheadSettings = VLLM,
    times: int = 1,
) -> tuple[str, list[str], Server]:
    """The words that are said, what was told of the opening, and the server."""
    pieces: list[Piece] = []
    told: list[str] = []

    async def act(_server: Server, model: OpenAICompatible) -> None:
        for _ in range(times):
            async with closing_stream(answer_from(model, prompt, think(holds), told.append)) as stream:
                async for piece in stream:
                    pieces.append(piece)  # noqa: PERF401 - a stream

    server = with_server(act, *answers, ahead=ahead)
    assert sum(isinstance(piece, Finished) for piece in pieces) == times
    return "".join(piece.text for piece in pieces if isinstance(piece, Words)), told, server


def test_an_opening_that_holds_is_gone_on_with() -> None:
    words, told, server = answer_behind(BEHIND, holds=True)
    assert (words, told) == (" Shall I wake you?", [])
    (request,) = server.requests
    assert request["messages"][-1] == {"role": "assistant", "content": OPENING}
    assert request["continue_final_message"] is True
    assert request["stream"] is True


def test_an_opening_that_the_server_repeats_is_left_out() -> None:
    assert answer_behind(streamed("It is", " noon. Shall I?"), holds=True)[0] == " Shall I?"


def test_an_answer_that_is_thought_about_first_is_told_of_its_opening() -> None:
    words, _, server = answer_behind(
        streamed("It is noon.", " Yes."), holds=True, prompt=replace(PROMPT, effort=Effort.DEEP)
    )
    assert words == " Yes."
    assert "already begun" in server.requests[0]["messages"][-1]["content"]


def test_what_the_model_still_says_holds_before_it_is_written_again() -> None:
    words, told, server = answer_behind(answering(streamed(25.0, "It is one."), BEHIND, HOLDS))
    assert (words, told) == (" Shall I wake you?", [OPENING])
    assert len(server.requests) == 3


def test_what_it_would_not_say_any_more_gives_way_to_the_fresh_answer() -> None:
    assert answer_behind(answering(OTHER, BEHIND, FAILS))[:2] == ("In Paris it is one.", [""])


def test_an_opening_that_is_written_again_first_holds_without_a_verdict() -> None:
    fresh = streamed("It is", " noon.", " Yes.")
    assert answer_behind(answering(fresh, BEHIND, Answer([25.0])))[:2] == (" Yes.", [OPENING])


def test_another_answer_does_not_wait_long_for_the_verdict() -> None:
    words, told, _ = answer_behind(answering(OTHER, BEHIND, Answer([25.0])))
    assert (words, told) == ("In Paris it is one.", [""])


@pytest.mark.parametrize(
    "verdict", [Answer(status=500, body="{}"), refusal("prompt_logprobs"), completion(("A", -1.0))]
)
def test_without_a_verdict_the_fresh_answer_tells(verdict: Answer) -> None:
    assert answer_behind(answering(OTHER, BEHIND, verdict))[:2] == ("In Paris it is one.", [""])
    assert answer_behind(answering(streamed("It is noon.", " Yes."), BEHIND, verdict))[:2] == (" Yes.", [OPENING])


@pytest.mark.parametrize(
    "refuses",
    [
        refusal("extra_forbidden: continue_final_message", 422),
        refusal("continue_final_message is set but the final message does not appear in the chat"),
        Answer([delta(reasoning=" Shall I"), delta(reasoning=" wake you?"), finish()]),
        Answer([delta(role="assistant", content=""), delta(reasoning_content=" Shall I"), finish()]),
    ],
    ids=["unknown", "template", "taken for a thought", "taken for a thought, older"],
)
def test_a_server_that_can_not_go_on_is_told_instead_from_then_on(
    refuses: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        words, _, server = answer_behind(refuses, streamed(OPENING, " Yes."), holds=True, times=2)
    assert words == " Yes. Yes."
    assert [bool(request.get("continue_final_message")) for request in server.requests] == [True, False, False]
    assert "already begun" in server.requests[1]["messages"][-1]["content"]
    assert caplog.text.count("goes on without") == 1


def test_what_goes_on_may_still_fail_as_any_answer() -> None:
    words, _, server = answer_behind(Answer(status=503, body="{}"), BEHIND, holds=True)
    assert words == " Shall I wake you?"
    assert len(server.requests) == 2


def test_a_plain_server_behaves_as_before() -> None:
    plain = AheadSettings(server="other")
    words, told, server = answer_behind(Answer([*content(OPENING, " Yes."), finish()]), ahead=plain)
    assert (words, told) == (" Yes.", [OPENING])
    assert not {"continue_final_message", "add_generation_prompt", "prompt_logprobs", "logprobs"} & set(
        server.requests[0]
    )
