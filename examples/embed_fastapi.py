"""A voice agent inside a FastAPI application of one's own.

    uvicorn --app-dir examples --ws-max-size 25165824 embed_fastapi:app

The agent answers under ``/agent``: ``ws://127.0.0.1:8000/agent/v1/realtime``. Settings come from ``./stretto.toml`` and
the environment, as for ``stretto serve``; only ``server.host`` and ``server.port`` are uvicorn's affair here.

**Set a key** (``STRETTO_API_KEY``) before others can reach it, be it by ``--host 0.0.0.0`` or through a proxy. ``stretto
serve`` refuses to listen there without one; an application can't know where uvicorn listens, so nothing refuses here.

``--ws-max-size`` lets clients send the 15 MiB of audio in one event that the protocol allows. The lifespan of the host
warms and closes the engines, since lifespans of mounted applications don't run. uvicorn closes the websockets before
it: calls that run at a shutdown are cut off without a farewell.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from realtime.app import create_app
from realtime.engines import make_engines
from realtime.server import Server
from realtime.session import make_session
from realtime.settings import load_settings

settings = load_settings(environment=os.environ)
server = Server(settings, make_engines(settings), make_session)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with server.running():
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
def home() -> dict[str, str]:
    return {"agent": "/agent/v1/realtime"}


app.mount("/agent", create_app(server, manage_server=False))
