"""A language model server that is down, slow, broken or gone in the middle: the caller hears it, and it may come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.faults.live import Client, said, serving
from tests.faults.scenes import quiet, simulated_engines, simulated_settings, tone
from think_loop.engines.openai_compatible import OpenAICompatible, OpenAICompatibleSettings

pytestmark = pytest.mark.slow  # real sockets; answers are played in real time

SORRY = "Sorry, my model is away."
ANSWER = "It is nine o'clock."

SETTINGS = simulated_settings(agent={"phrases": {"llm_failed": SORRY}})
"""With a short excuse, since it is played in real time."""

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def chunk(writer: asyncio.StreamWriter, text: str, finish_reason: str | None = None) -> None:
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    writer.write(f"data: {json.dumps(body | {'choices': [choice]})}\n\n".encode())
    await writer.drain()


def head(writer: asyncio.StreamWriter, status: str = "200 OK", kind: str = "text/event-stream") -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode())


async def answers(writer: asyncio.StreamWriter) -> None:
    head(writer)
    await chunk(writer, ANSWER, "stop")
    writer.write(b"data: [DONE]\n\n")


async def waits(writer: asyncio.StreamWriter) -> None:
    head(writer)
    await writer.drain()
    await asyncio.sleep(30)  # longer than the client waits; it hangs up


async def says_nothing(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)  # longer than the client waits; it hangs up


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    head(writer)
    await chunk(writer, "It is. And now")


async def stalls(writer: asyncio.StreamWriter) -> None:
    head(writer)
    await chunk(writer, "It is. And now")
    await asyncio.sleep(30)  # longer than the client waits; it hangs up


async def fails(writer: asyncio.StreamWriter) -> None:
    head(writer, "500 Internal Server Error", "application/json")
    writer.write(b'{"error": {"message": "out of memory"}}')


async def garbles(writer: asyncio.StreamWriter) -> None:
    head(writer)
    writer.write(b"data: \xff\xfe{{{ not json\n\ndata: [1, 2]\n\n")


async def serves_a_page(writer: asyncio.StreamWriter) -> None:
    head(writer, kind="text/html")
    writer.write(b"<html><body>Welcome!</body></html>")


async def hangs_up(_: asyncio.StreamWriter) -> None:
    return


class ModelServer:
    """Answers each chat completion by ``reply``."""

    def __init__(self, reply: Reply, port: int = 0) -> None:
        self.reply = reply
        self.port = port
        self.asked = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield f"http://127.0.0.1:{self.port}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in request.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
            self.asked += 1
            await self.reply(writer)
            await writer.drain()
        writer.close()


def model(url: str) -> OpenAICompatible:
    """Impatient, so that the tests are short."""
    impatient = OpenAICompatibleSettings(
        connect_timeout_seconds=5.0,
        first_token_timeout_seconds=1.0,
        token_timeout_seconds=1.0,
        retries=1,
        retry_delay_seconds=0.05,
    )
    return OpenAICompatible(url, "m", impatient)


async def ask(client: Client) -> list[dict[str, object]]:
    """One spoken question; the responses it gets, until the caller has heard one that says something."""
    await client.append(tone(1.0), quiet(1.0))
    responses = []
    while True:
        responses.append((await client.until("response.done"))["response"])
        if responses[-1]["status"] == "completed":
            return responses


@pytest.mark.parametrize(
    "reply",
    [waits, says_nothing, breaks_off, stalls, fails, garbles, serves_a_page, hangs_up],
    ids=lambda r: r.__name__,
)
def test_a_server_that_fails_is_told_aloud_and_answers_when_it_is_back(reply: Reply) -> None:
    async def main() -> None:
        server = ModelServer(reply)
        async with server.running() as url:
            engine = model(url)
            engine.warm_up = lambda: asyncio.sleep(0)  # type: ignore[method-assign]  # this server lists no models
            async with serving(simulated_engines(model=engine), SETTINGS) as live, live.client() as client:
                *failed, sorry = await ask(client)
                assert said(sorry) == SORRY
                assert failed[-1]["status"] == "failed"
                assert failed[-1]["status_details"]["error"]["message"]  # type: ignore[index]
                if reply in (breaks_off, stalls):
                    assert said(failed[-1]).startswith("It is."), "what was written before is still heard"
                server.reply = answers
                (answer,) = await ask(client)
                assert said(answer) == ANSWER

    asyncio.run(main())


def test_a_server_that_is_not_there_is_told_aloud_and_may_come() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        engine = model(f"http://127.0.0.1:{port}/v1")
        engine.warm_up = lambda: asyncio.sleep(0)  # type: ignore[method-assign]  # it may be started later
        async with serving(simulated_engines(model=engine), SETTINGS) as live, live.client() as client:
            *failed, sorry = await ask(client)
            assert said(sorry) == SORRY
            assert "is the language model server running" in str(failed[-1]["status_details"])
            async with ModelServer(answers, port).running():
                (answer,) = await ask(client)
                assert said(answer) == ANSWER

    asyncio.run(main())
