"""A process that serves with fake engines: ``python -m tests.realtime.serve_with_fakes PORT [broken]``.
Its calls end slowly."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

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


def make(_: Settings) -> tuple[SlowCalls, Any]:
    return SlowCalls(), Starlette(routes=[Route("/health", lambda _: PlainTextResponse("well"))])


if __name__ == "__main__":
    log_to_stderr("info")
    try:
        serve(load_settings(flags={"server.port": int(sys.argv[1])}), make)
    except StrettoError as error:
        sys.exit(str(error))
