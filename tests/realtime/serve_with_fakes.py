"""A process that serves with fake engines: ``python -m tests.realtime.serve_with_fakes PORT [broken] [KEY=VALUE …]``.
Its calls end slowly. Its websocket tells whether the key is right and says again what it hears."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from realtime.keys import Keys, presented_key
from realtime.serve import log_to_stderr, serve
from realtime.settings import Settings, load_settings
from scheduler.errors import LanguageModelError, StrettoError


class SlowCalls:
    """Has one call that takes two seconds to end politely."""

    async def start(self) -> None:
        print("warming", file=sys.stderr, flush=True)
        if "broken" in sys.argv:
            raise LanguageModelError("The model is not there; start it first.")

    async def stop(self, grace_seconds: float | None = None) -> None:
        await asyncio.sleep(2.0 if grace_seconds is None else 0)  # stands for a caller who hears the farewell
        print("stopped politely" if grace_seconds is None else "closed", file=sys.stderr, flush=True)


def make(settings: Settings) -> tuple[SlowCalls, Any]:
    async def echo(websocket: WebSocket) -> None:
        admitted = Keys(settings.server.api_keys).admit(presented_key(websocket.headers.get("authorization")))
        await websocket.accept()
        await websocket.send_text("come in" if admitted else "who are you?")
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    routes = [Route("/health", lambda _: PlainTextResponse("well")), WebSocketRoute("/echo", echo)]
    return SlowCalls(), Starlette(routes=routes)


def flags() -> dict[str, object]:
    given = [argument.partition("=") for argument in sys.argv[2:] if "=" in argument]
    return {"server.port": int(sys.argv[1]), **{key: value for key, _, value in given}}


if __name__ == "__main__":
    log_to_stderr("info")
    try:
        serve(load_settings(flags=flags()), make)
    except StrettoError as error:
        sys.exit(str(error))
