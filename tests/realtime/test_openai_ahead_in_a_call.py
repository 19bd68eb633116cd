"""Whole calls in virtual time with the OpenAI-compatible engine: an ending that is foreseen, a beginning that holds.

The client library is stood in for (it can't wait in virtual time); what it would send and get is what vLLM takes and gives.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings
from scheduler.commands import PromoteThinking, Purpose, Think
from scheduler.events import EndingForeseen, OpeningVerified
from tests.faults.scenes import Call, Watcher, calling, in_virtual_time, quiet, simulated_engines, tone
from think_loop.engines.openai_ahead import AheadSettings
from think_loop.engines.openai_compatible import OpenAICompatible, OpenAICompatibleSettings
from think_loop.prompt import AFTERTHOUGHT_MARK

Request = dict[str, Any]
Answering = Callable[[Request], str | dict[str, Any]]
"""The text that is streamed, or a whole answer."""

ANSWER_SECONDS = 0.1
TOKEN_SECONDS = 0.02


class VllmClient:
    """In place of ``openai.AsyncOpenAI``: each answer takes ``ANSWER_SECONDS``, and each word of a stream ``TOKEN_SECONDS``."""

    def __init__(self, answering: Answering) -> None:
        self.requests: list[Request] = []
        self._answering = answering
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._create))
        self.models = SimpleNamespace(list=self._list)

    async def _list(self) -> Any:
        return SimpleNamespace(data=[SimpleNamespace(id="m", owned_by="vllm")])

    async def _create(self, **request: Any) -> Any:
        self.requests.append(request)
        await asyncio.sleep(ANSWER_SECONDS)
        is_over = AFTERTHOUGHT_MARK in request["messages"][-1]["content"]
        answer = "<silence>all said</silence>" if is_over else self._answering(request)
        return _Stream(answer) if isinstance(answer, str) else ChatCompletion.model_construct(**answer)

    async def close(self) -> None:
        return


class _Stream:
    def __init__(self, text: str) -> None:
        self._chunks = self._written(text)

    def __aiter__(self) -> AsyncIterator[Request]:
        return self._chunks

    async def __anext__(self) -> Request:
        return await anext(self._chunks)

    async def _written(self, text: str) -> AsyncIterator[Request]:
        for word in text.split(" "):
            yield {"choices": [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}]}
            await asyncio.sleep(TOKEN_SECONDS)
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    async def close(self) -> None:
        await self._chunks.aclose()  # type: ignore[attr-defined]


def whole(text: str, tokens: list[tuple[str, float]], **more: Any) -> dict[str, Any]:
    listed = [{"token": token, "logprob": logprob} for token, logprob in tokens]
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"choices": [{**choice, "logprobs": {"content": listed}}], "usage": {"completion_tokens": 3}, **more}


def a_call(
    monkeypatch: pytest.MonkeyPatch,
    answering: Answering,
    script: tuple[str, ...],
    talk: Callable[[Call], Any],
    ahead: AheadSettings,
) -> tuple[Watcher, list[Request]]:
    client = VllmClient(answering)
    monkeypatch.setattr(openai, "AsyncOpenAI", lambda **_: client)

    async def main() -> Watcher:
        model = OpenAICompatible("http://127.0.0.1:8000/v1", "m", OpenAICompatibleSettings(ahead=ahead))
        await model.warm_up()
        recognizer = SimulatedRecognizer(script, SimulatedSettings(revision_probability=0.0))
        async with calling(simulated_engines(recognizer=recognizer, model=model)) as call:
            await talk(call)
            return call.door

    return in_virtual_time(main), client.requests


def test_an_ending_that_was_foreseen_is_answered_when_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "could you tell me what time it is"

    def answering(request: Request) -> str | dict[str, Any]:
        if request.get("logprobs"):
            said = request["messages"][-1]["content"].removeprefix("Caller: ")
            return whole(rest := sentence.removeprefix(said).strip(), [(rest, -0.1)])
        return "It is noon."

    async def talk(call: Call) -> None:
        await call.speak(tone(2.2), quiet(6.0))

    door, requests = a_call(monkeypatch, answering, (sentence,), talk, AheadSettings(foresees=True))
    (foreseen,) = door.of(EndingForeseen)
    assert foreseen.probability == pytest.approx(math.exp(-0.1))
    (promoted,) = door.of(PromoteThinking)
    (draft,) = [think for think in door.of(Think) if think.think_id == promoted.think_id]
    assert (draft.purpose, draft.basis) == (Purpose.DRAFT, sentence)
    begun_at, committed_at = (next(at for at, seen in door.seen if seen is one) for one in (draft, promoted))
    assert begun_at < committed_at - 1.0  # it was written while the caller spoke
    assert door.said == ["It is noon."]
    asked = [request for request in requests if request.get("logprobs")]
    assert 1 <= len(asked) <= 3
    assert all(request["max_tokens"] == 16 for request in asked)


def test_a_beginning_for_fewer_words_that_holds_is_spoken_and_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(request: Request) -> str | dict[str, Any]:
        if "prompt_logprobs" in request.get("extra_body", {}):
            tokens = ("assistant", -9.0), ("Once", -0.1), (" upon", -0.1), (" a", -0.1), (" time", -0.2), (".", -0.9)
            places = [{"7": {"logprob": logprob, "rank": 2, "decoded_token": text}} for text, logprob in tokens]
            return whole("", [], prompt_logprobs=[None, *places])
        if request.get("extra_body", {}).get("continue_final_message"):
            return "There was a sea."
        return "Once upon a time. There was a king."

    async def talk(call: Call) -> None:
        await call.speak(tone(1.6), quiet(0.3), tone(0.9), quiet(8.0))

    script = ("tell me a story", "about the sea")
    door, requests = a_call(monkeypatch, answering, script, talk, AheadSettings(verifies=True))
    assert [verified.text for verified in door.of(OpeningVerified)] == ["Once upon a time."]
    assert door.said == ["Once upon a time.", "There was a sea."]
    behind = [
        request for request in requests if request.get("stream") and request["messages"][-1]["role"] == "assistant"
    ]
    assert [request["messages"][-1]["content"] for request in behind] == ["Once upon a time."]
