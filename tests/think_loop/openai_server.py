"""A server of chat completions on loopback that gives the answers it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """What the server does with one request: ``chunks`` are sent as server-sent events, a float is a wait."""

    chunks: list[dict[str, Any] | str | float] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    breaks_off: bool = False


Answering = Callable[[dict[str, Any]], Answer]
"""What is answered to a request."""


@dataclass
class Server:
    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)


def delta(**fields: Any) -> dict[str, Any]:
    return {
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": fields, "finish_reason": None}],
    }  # fmt: skip


def finish(reason: str = "stop") -> dict[str, Any]:
    chunk = delta()
    chunk["choices"][0]["finish_reason"] = reason
    return chunk


USAGE = {
    **delta(),
    "choices": [],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4},
    },
}


def content(*texts: str) -> list[dict[str, Any] | str | float]:
    return [delta(content=text) for text in texts]


@asynccontextmanager
async def serving(*answers: Answer | Answering, owned_by: str = "someone") -> AsyncIterator[Server]:
    """A plain HTTP/1.1 server that gives ``answers`` in turn, the last one for ever.

    ``owned_by``: of its one model, ``m``: vLLM and SGLang name themselves there."""

    models = json.dumps({"object": "list", "data": [{"id": "m", "object": "model", "owned_by": owned_by}]})

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0
            )
            body = await reader.readexactly(length)
            server.headers.append(head)
            if head.startswith("GET"):
                await _plain(writer, 200, {}, models)
                return
            server.requests.append(json.loads(body))
            server.asked.set()
            answer = answers[min(len(server.requests), len(answers)) - 1]
            if not isinstance(answer, Answer):
                answer = answer(server.requests[-1])
            if answer.status != 200 or answer.body:
                await _plain(writer, answer.status, answer.headers, answer.body)
            else:
                await _stream(reader, writer, answer, server)
        except (ConnectionError, asyncio.IncompleteReadError):
            server.client_left.set()
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    server = Server(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1")
    async with listener:
        yield server


async def _plain(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: str) -> None:
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
        "Connection: close",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
    await writer.drain()


async def _stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, server: Server) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for chunk in answer.chunks:
        if isinstance(chunk, float):
            try:
                async with asyncio.timeout(chunk):
                    await reader.read(1)  # ends when the client closes the connection
                server.client_left.set()
                return
            except TimeoutError:
                continue
        data = f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n".encode()
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()
    if not answer.breaks_off:
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()
