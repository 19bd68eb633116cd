"""The OpenAI-compatible engine against a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from scheduler.commands import Effort
from scheduler.errors import LanguageModelError, SettingsError
from tests.think_loop.openai_server import USAGE, Answer, Server, content, delta, finish, serving
from think_loop.engines.openai_compatible import OpenAICompatible, OpenAICompatibleSettings
from think_loop.language_model import (
    Finished,
    Message,
    Piece,
    Prompt,
    Silence,
    Thought,
    ToolCall,
    ToolSpec,
    Words,
)

PROMPT = Prompt((Message("system", "Be brief."), Message("user", "hello")), hints="It is noon.")
QUICK = OpenAICompatibleSettings(
    connect_timeout_seconds=1.0, first_token_timeout_seconds=0.5, token_timeout_seconds=0.3, retry_delay_seconds=0.01
)


async def collect(model: OpenAICompatible, prompt: Prompt = PROMPT) -> list[Piece]:
    return [piece async for piece in model.generate(prompt)]


def with_server(
    act: Callable[[Server, OpenAICompatible], Awaitable[None]],
    *answers: Answer,
    settings: OpenAICompatibleSettings = QUICK,
) -> None:
    async def main() -> None:
        async with asyncio.timeout(20), serving(*answers) as server:
            model = OpenAICompatible(server.url, "m", settings)
            try:
                await act(server, model)
            finally:
                await model.close()

    asyncio.run(main())


def ask(
    *answers: Answer, prompt: Prompt = PROMPT, settings: OpenAICompatibleSettings = QUICK
) -> tuple[list[Piece], Server]:
    found: list[tuple[list[Piece], Server]] = []

    async def act(server: Server, model: OpenAICompatible) -> None:
        found.append((await collect(model, prompt), server))

    with_server(act, *answers, settings=settings)
    return found[0]


def failure(*answers: Answer) -> tuple[list[Piece], str, int]:
    """The pieces before the failure, its sentence, and how many requests were made."""
    pieces: list[Piece] = []
    told: list[tuple[str, int]] = []

    async def act(server: Server, model: OpenAICompatible) -> None:
        async def read() -> None:
            async for piece in model.generate(PROMPT):
                pieces.append(piece)  # noqa: PERF401 - the pieces before the failure are wanted

        with pytest.raises(LanguageModelError) as caught:
            await read()
        told.append((str(caught.value), len(server.requests)))

    with_server(act, *answers)
    return pieces, *told[0]


def test_a_normal_answer_and_its_request() -> None:
    prompt = Prompt(
        PROMPT.messages,
        hints="It is noon.",
        tools=(ToolSpec("f", "does f", {"type": "object"}),),
        max_output_tokens=50,
        temperature=0.3,
        effort=Effort.REFLEX,
    )
    pieces, server = ask(
        Answer([delta(role="assistant", content=""), *content("Hel", "lo."), finish(), USAGE]), prompt=prompt
    )
    assert pieces == [Words("Hel"), Words("lo."), Finished("stop", 9, 3, 4)]
    request = server.requests[0]
    assert request["messages"][-1] == {"role": "user", "content": "hello\n<note>It is noon.</note>"}
    assert (request["stream"], request["stream_options"]) == (True, {"include_usage": True})
    assert (request["max_tokens"], request["temperature"], request["tool_choice"]) == (50, 0.3, "auto")
    assert request["chat_template_kwargs"] == {"enable_thinking": False}
    assert request["tools"][0]["function"]["name"] == "f"


def test_thoughts_in_tags_and_in_fields() -> None:
    pieces, _ = ask(
        Answer([delta(reasoning_content="a"), delta(reasoning="b"), *content("<thi", "nk>c</th", "ink>Yes."), finish()])
    )
    assert [piece for piece in pieces if isinstance(piece, Thought)] == [Thought("a"), Thought("b"), Thought("c")]
    assert pieces[-2:] == [Words("Yes."), Finished("stop")]


def test_a_model_that_begins_inside_a_thought_is_learned() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        await collect(model)
        assert await collect(model) == [Thought("hm"), Words("Yes."), Finished("stop")]
        assert await collect(model) == [Thought("No tag."), Words("No tag."), Finished("stop")]
        assert await collect(model) == [Words("No tag."), Finished("stop")]

    thinks, plain = Answer([*content("hm</think>", "Yes."), finish()]), Answer([*content("No tag."), finish()])
    with_server(act, thinks, thinks, plain)


def test_tool_calls() -> None:
    parts = [
        delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x": '}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
    ]
    pieces, _ = ask(Answer([*content("Wait."), *parts, finish("tool_calls")]))
    assert pieces == [Words("Wait."), ToolCall("a", "f", '{"x": 1}'), Finished("tools")]


def test_silence_and_length() -> None:
    assert ask(Answer([*content("<sil", "ence>not me</silence>"), finish()]))[0] == [
        Silence("not me"),
        Finished("stop"),
    ]
    assert ask(Answer([*content("Once"), finish("length")]))[0][-1] == Finished("length")


def test_closing_the_iterator_closes_the_connection() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        stream = model.generate(PROMPT)
        assert await anext(stream) == Words("One")
        await stream.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(0.25):  # well before the server's wait or the token timeout ends
            await server.client_left.wait()

    with_server(act, Answer([*content("One"), 10.0, finish()]))


def test_cancelling_while_waiting_closes_the_connection() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(collect(model))
            await server.asked.wait()
            task.cancel()
        async with asyncio.timeout(0.25):
            await server.client_left.wait()

    with_server(act, Answer([10.0]))


def test_a_server_that_is_down() -> None:
    async def main() -> None:
        model = OpenAICompatible("http://127.0.0.1:9/v1", "m", QUICK)
        for attempt in (model.warm_up(), collect(model)):
            with pytest.raises(
                LanguageModelError, match=r"Can't reach http://127\.0\.0\.1:9/v1: is the language model server"
            ):
                await attempt
        await model.close()

    asyncio.run(main())


def test_a_slow_first_token() -> None:
    pieces, told, _ = failure(Answer([10.0]))
    assert pieces == []
    assert "did not answer in time" in told or "went silent" in told


def test_a_slow_token_in_the_middle() -> None:
    pieces, told, requests = failure(Answer([*content("One "), 10.0]))
    assert pieces == [Words("One ")]
    assert "went silent in the middle" in told
    assert requests == 1


def test_a_stream_that_breaks_off() -> None:
    pieces, told, requests = failure(Answer(content("One ", "two <"), breaks_off=True))
    assert pieces == [Words("One "), Words("two "), Words("<")]
    assert "broke in the middle" in told
    assert requests == 1


def test_a_stream_that_ends_without_a_reason() -> None:
    assert "ended its answer in the middle" in failure(Answer(content("One ")))[1]


def test_a_refused_key_is_not_tried_again() -> None:
    _, told, requests = failure(Answer(status=401, body='{"error": {"message": "bad key"}}'))
    assert "set STRETTO_LLM_API_KEY or OPENAI_API_KEY" in told
    assert requests == 1


def test_an_unknown_model_says_so() -> None:
    assert (
        "does not know the model 'm'" in failure(Answer(status=404, body='{"error": {"message": "no such model"}}'))[1]
    )


def test_too_many_requests_then_fine() -> None:
    busy = Answer(status=429, headers={"Retry-After": "0.05"}, body="{}")
    pieces, server = ask(busy, Answer(status=503, body="{}"), Answer([*content("Yes."), finish()]))
    assert pieces[0] == Words("Yes.")
    assert len(server.requests) == 3


def test_a_rate_limit_is_called_so() -> None:
    soon = {"Retry-After": "0.01"}
    told = failure(Answer(status=429, headers=soon, body=""))[1]
    assert "is at its rate limit" in told
    assert "429" not in told
    assert "slow down" in failure(Answer(status=429, headers=soon, body='{"error": {"message": "slow down"}}'))[1]


def test_retries_end() -> None:
    _, told, requests = failure(Answer(status=500, body="{}"))
    assert "failed with status 500" in told
    assert requests == 1 + QUICK.retries


def test_a_server_that_knows_no_stream_options() -> None:
    refusal = Answer(status=400, body='{"error": {"message": "unknown field stream_options"}}')
    pieces, server = ask(refusal, Answer([*content("Yes."), finish()]))
    assert pieces == [Words("Yes."), Finished("stop")]
    assert "stream_options" not in server.requests[1]


@pytest.mark.parametrize(("asked", "limits"), [(None, [12_000, None]), (50, [10_050, 50])])
def test_a_server_without_room_for_long_thoughts(asked: int | None, limits: list[int | None]) -> None:
    refusal = Answer(status=400, body='{"error": {"message": "max_tokens is too large: the context length is 8192"}}')
    prompt = replace(PROMPT, effort=Effort.DEEP, max_output_tokens=asked)
    pieces, server = ask(refusal, Answer([*content("Yes."), finish()]), prompt=prompt)
    assert pieces == [Words("Yes."), Finished("stop")]
    assert [request.get("max_tokens") for request in server.requests] == limits


@pytest.mark.parametrize(("sends", "priority", "sent"), [(True, 1, 1), (True, 0, None), (False, 1, None)])
def test_the_priority_is_sent_where_the_server_takes_it(sends: bool, priority: int, sent: int | None) -> None:
    settings = replace(QUICK, sends_priority=sends)
    _, server = ask(Answer([*content("Yes."), finish()]), prompt=replace(PROMPT, priority=priority), settings=settings)
    assert server.requests[0].get("priority") == sent


def test_a_server_that_refuses_priorities_is_sent_none_from_then_on() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        for _ in range(2):
            assert await collect(model, replace(PROMPT, priority=1)) == [Words("Yes."), Finished("stop")]
        assert [request.get("priority") for request in server.requests] == [1, None, None]

    refusal = Answer(
        status=400, body='{"error": {"message": "Got priority 1 but Priority scheduling is not enabled."}}'
    )
    with_server(act, refusal, Answer([*content("Yes."), finish()]), settings=replace(QUICK, sends_priority=True))


@pytest.mark.parametrize(
    "chunk", ["{not json", '"text"', "null", "[]", '{"choices": "x"}', '{"choices": [{"delta": {"content": 5}}]}']
)
def test_malformed_chunks_never_escape_as_bugs(chunk: str) -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        with contextlib.suppress(LanguageModelError):
            assert isinstance((await collect(model))[-1], Finished)
        assert await collect(model) == [Words("Fine."), Finished("stop")]

    fine = Answer([*content("Fine."), finish()])
    with_server(act, Answer([*content("One "), chunk, *content("two."), finish()]), fine)


def test_an_error_inside_the_stream() -> None:
    assert (
        "out of memory" in failure(Answer([*content("One "), {"error": {"message": "out of memory", "code": 500}}]))[1]
    )


def test_a_page_that_is_no_chat_completion() -> None:
    async def act(_server: Server, model: OpenAICompatible) -> None:
        with pytest.raises(LanguageModelError, match=r"sent no chat completion.*is the URL right"):
            await collect(model)

    with_server(act, Answer(body="<html>Welcome</html>"))


def test_warming_up_finds_out_whether_the_model_is_there() -> None:
    async def act(server: Server, model: OpenAICompatible) -> None:
        await model.warm_up()
        with pytest.raises(LanguageModelError, match="has no model 'other'; it has m"):
            await OpenAICompatible(server.url, "other", QUICK).warm_up()

    with_server(act, Answer())


def test_a_login_in_the_url_is_told_to_nobody() -> None:
    async def main() -> str:
        model = OpenAICompatible("http://me:hush%40@127.0.0.1:1/v1", "m", QUICK)
        assert model.name == "openai:http://127.0.0.1:1/v1#m"
        assert str(model._client.base_url).startswith("http://me:hush%40@")
        with pytest.raises(LanguageModelError) as caught:
            await model.warm_up()
        await model.close()
        return str(caught.value)

    assert asyncio.run(main()).startswith("Can't reach http://127.0.0.1:1/v1:")
    with pytest.raises(SettingsError) as refused:
        OpenAICompatible("ftp://me:hush@host/v1", "m")
    assert "hush" not in str(refused.value)


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-general")
    monkeypatch.setenv("STRETTO_LLM_API_KEY", "sk-own")
    _, server = ask(Answer([*content("Yes."), finish()]))
    assert "authorization: bearer sk-own" in server.headers[0].lower()
