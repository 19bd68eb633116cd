"""The ASGI application: the Realtime websocket, calls over WebRTC, client secrets, health, metrics and the page.

``create_app(server)`` stands alone (its lifespan starts and stops the server) or is mounted into somebody's
Starlette or FastAPI application, whose lifespan then holds ``async with server.running()``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from realtime.keys import (
    DEFAULT_SECRET_SECONDS,
    MAX_SECRET_SECONDS,
    MIN_SECRET_SECONDS,
    SecretSessionTooLongError,
    presented_key,
)
from realtime.origins import origin_allowed
from realtime.page import WEB_CLIENT, Page
from realtime.server import Server, new_id
from realtime.socket_line import error_body
from realtime.webrtc.calls import Calls
from realtime.websocket import serve_websocket
from realtime.wire.errors import WireError, from_validation
from realtime.wire.session_state import SessionState

MAX_BODY_BYTES = 1024 * 1024
_LOOPBACK_PAGES = r"https?://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?"


class _ExpiresAfter(BaseModel):
    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(default=DEFAULT_SECRET_SECONDS, ge=MIN_SECRET_SECONDS, le=MAX_SECRET_SECONDS)


class _SecretRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")
    expires_after: _ExpiresAfter = Field(default_factory=_ExpiresAfter)
    session: dict[str, Any] = Field(default_factory=dict)


def create_app(server: Server, *, manage_server: bool = True) -> Starlette:
    """``manage_server=False``: the caller starts and stops ``server``. Mounted applications' lifespans don't run."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if not manage_server:
            yield
            return
        async with server.running():
            yield

    return Starlette(routes=_routes(server), middleware=[_cors(server)], lifespan=lifespan)


def _cors(server: Server) -> Middleware:
    anybody = server.keys.required or server.settings.server.open_to_the_world
    return Middleware(
        CORSMiddleware,
        allow_origins=["*"] if anybody else [],
        allow_origin_regex=None if anybody else _LOOPBACK_PAGES,
        allow_methods=["GET", "POST", "OPTIONS"],
        allow_headers=["*"],  # clients send what they like (x-stainless-…, openai-organization); no cookies are used
        expose_headers=["Location"],
    )


def _routes(server: Server) -> list[BaseRoute]:
    calls = Calls(server)

    async def realtime(websocket: WebSocket) -> None:
        await serve_websocket(server, websocket, find_call=calls.door)

    async def client_secrets(request: Request) -> Response:
        return await _make_secret(server, request)

    async def health(_: Request) -> Response:
        state = server.health()
        return JSONResponse(state, 200 if state["status"] == "ok" else 503)

    async def metrics(_: Request) -> Response:
        server.metrics.admission(server.engines.admission.counts())
        return Response(server.metrics.render(), media_type="text/plain; version=0.0.4")

    routes: list[BaseRoute] = [
        WebSocketRoute("/v1/realtime", realtime),
        Route("/v1/realtime/client_secrets", client_secrets, methods=["POST"]),
        *calls.routes(),
        Route("/health", health),
        Route("/metrics", metrics),
    ]
    if (WEB_CLIENT / "index.html").is_file():
        routes.append(Mount("/", Page()))
    return routes


async def _make_secret(server: Server, request: Request) -> Response:
    if not origin_allowed(server, request.headers.get("origin"), request.headers.get("host")):
        return _error(403, WireError("Pages of other sites may not use this server without a key.", "origin_refused"))
    if server.keys.admit_to_mint(presented_key(request.headers.get("authorization"))) is None:
        return _error(401, WireError("Incorrect API key provided.", "invalid_api_key"))
    try:
        asked = _SecretRequest.model_validate_json(await _body(request))
        state = SessionState(new_id("sess"), server.defaults())
        state.update(asked.session, may_change_type=True)
        secret = server.keys.mint(asked.session, asked.expires_after.seconds)
    except ValidationError as error:
        return _error(400, from_validation(error))
    except WireError as error:
        return _error(400, error)
    except SecretSessionTooLongError as error:
        return _error(400, WireError(str(error), "request_too_long", "session"))
    return JSONResponse({"value": secret.value, "expires_at": secret.expires_at, "session": state.echo()})


async def _body(request: Request) -> bytes:
    """The body, ``{}`` for an empty one. Raises ``WireError`` when it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise WireError("The request is too long.", "request_too_long")
    return bytes(body) or b"{}"


def _error(status: int, error: WireError) -> JSONResponse:
    return JSONResponse(error_body(error.message, error.code, error.param), status)
