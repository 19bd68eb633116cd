"""``/v1/realtime/calls``: calls over WebRTC are begun, hung up and taken up again over HTTP."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message

from realtime.keys import Grant, presented_key
from realtime.origins import origin_allowed
from realtime.server import NoRoomError, Server, new_id
from realtime.socket_line import error_body
from realtime.webrtc.call import Call
from realtime.webrtc.peer import OfferError
from realtime.wire.errors import WireError
from realtime.wire_door import DoorOptions, WireDoor

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
SDP = "application/sdp"
MAX_FORM_FIELDS = 16
"""Two are known; a few more do no harm."""

_Handler = Callable[[Request, Grant], Awaitable[Response]]


class RefusedError(Exception):
    """An HTTP answer that is an error."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.answer = JSONResponse(error_body(message, code, param), status)


@dataclass(frozen=True, slots=True)
class _Running:
    call: Call
    key: str
    """What it was begun with."""


class Calls:
    """The running calls of one application, by their ids. An id can't be guessed: who knows it may act on the call."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._calls: dict[str, _Running] = {}

    def door(self, call_id: str) -> WireDoor | None:
        """Of a running call, for a sideband."""
        call = self._find(call_id)
        return None if call is None else call.door

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/realtime/calls", self._answering(self._create), methods=["POST"]),
            Route("/v1/realtime/calls/{call_id}/hangup", self._answering(self._hang_up), methods=["POST"]),
            Route("/v1/realtime/calls/{call_id}/reconnect", self._answering(self._reconnect), methods=["POST"]),
            Route("/v1/realtime/ice_servers", self._answering(self._tell_ice_servers), methods=["GET"]),
        ]

    def _answering(self, handle: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await handle(request, self._admit(request))
            except RefusedError as refused:
                return refused.answer

        return endpoint

    def _admit(self, request: Request) -> Grant:
        headers = request.headers
        if not origin_allowed(self._server, headers.get("origin"), headers.get("host")):
            raise RefusedError(403, "Pages of other sites may not use this server without a key.", "origin_refused")
        key = presented_key(headers.get("authorization"))
        grant = self._server.keys.admit(key)
        if grant is None and not self._has_begun(request.path_params.get("call_id", ""), key or ""):
            self._server.metrics.sessions_refused.labels("key").inc()
            raise RefusedError(401, "Incorrect or expired API key provided.", "invalid_api_key")
        return grant or Grant()

    def _has_begun(self, call_id: str, key: str) -> bool:
        """A client secret lives for minutes, its call for hours: it is good for that one to the end."""
        running = self._calls.get(call_id)
        return running is not None and bool(key) and hmac.compare_digest(running.key.encode(), key.encode())

    # --- the four requests ----------------------------------------------------------------------------

    async def _create(self, request: Request, grant: Grant) -> Response:
        offer, session = await _offer_and_session(request)
        query = request.query_params
        options = DoorOptions(
            model=query.get("model"),
            transcription=query.get("intent") == "transcription",
            extensions=query.get("stretto") == "1",
            session=_merged(grant.session, session) or None,
            media=True,
        )
        try:
            call = Call(self._server, new_id("rtc"), options, ended=self._forget)
            await call.open()
        except WireError as error:
            raise RefusedError(400, error.message, error.code, error.param) from error
        except NoRoomError as error:
            self._server.metrics.sessions_refused.labels(error.reason).inc()
            raise RefusedError(503, str(error), "server_busy") from error
        key = presented_key(request.headers.get("authorization"))
        self._calls[call.call_id] = _Running(call, key or "")
        answer = await _connected(call, offer)
        return _answered(request, call, answer)

    async def _reconnect(self, request: Request, _: Grant) -> Response:
        call = self._named(request)
        offer, _session = await _offer_and_session(request)
        answer = await _connected(call, offer, last_event_id=request.query_params.get("last_event_id"))
        return _answered(request, call, answer)

    async def _hang_up(self, request: Request, _: Grant) -> Response:
        self._named(request).hang_up()
        return Response(status_code=200)

    async def _tell_ice_servers(self, _: Request, __: Grant) -> Response:
        """For a client's ``RTCPeerConnection``."""
        settings = self._server.settings.webrtc
        servers: list[dict[str, str]] = [{"urls": settings.stun}] if settings.stun else []
        if settings.turn:
            password = settings.turn_password.get_secret_value()
            servers.append({"urls": settings.turn, "username": settings.turn_username, "credential": password})
        return JSONResponse({"ice_servers": servers}, headers={"Cache-Control": "no-store"})

    # --- the running ones -----------------------------------------------------------------------------

    def _named(self, request: Request) -> Call:
        call = self._find(request.path_params["call_id"])
        if call is None:
            raise RefusedError(404, "There is no call with this id, or it is over.", "call_not_found")
        return call

    def _find(self, call_id: str) -> Call | None:
        running = self._calls.get(call_id)
        return None if running is None or running.call.over.is_set() else running.call

    def _forget(self, call_id: str) -> None:
        self._calls.pop(call_id, None)


async def _connected(call: Call, offer: str, *, last_event_id: str | None = None) -> str:
    try:
        return await call.connect(offer, last_event_id=last_event_id)
    except OfferError as error:
        raise RefusedError(400, str(error), "invalid_offer", "sdp") from error
    finally:
        if not call.has_been_connected:
            call.hang_up()


def _answered(request: Request, call: Call, answer: str) -> Response:
    path = request.scope.get("root_path", "") + f"/v1/realtime/calls/{call.call_id}"
    return Response(answer, 201, {"Location": path}, SDP)


# --- the body -----------------------------------------------------------------------------------------


async def _offer_and_session(request: Request) -> tuple[str, dict[str, Any]]:
    """The offer alone, or a form with the offer (``sdp``) and the session's settings (``session``, JSON)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413, "The request is too long.", "request_too_long")
    header = request.headers.get("content-type", "")
    match header.partition(";")[0].strip().lower():
        case "multipart/form-data":
            fields = await _form_fields(request, bytes(body))
            return _offer(fields.get("sdp", "")), _session(fields.get("session", ""))
        case "" | "text/plain" | "application/sdp":
            return _offer(bytes(body).decode("utf-8", "replace")), {}
        case _:
            message = f"Send the offer as {SDP}, or as a form with sdp and session."
            raise RefusedError(415, message, "unsupported_media_type")


async def _form_fields(request: Request, body: bytes) -> dict[str, str]:
    """The form's texts, whether sent as fields or as files (RFC 7578)."""

    async def again() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    limits = {"max_files": MAX_FORM_FIELDS, "max_fields": MAX_FORM_FIELDS, "max_part_size": MAX_BODY_BYTES}
    try:
        async with Request(request.scope, again).form(**limits) as form:
            return {
                name: (await part.read()).decode("utf-8", "replace") if isinstance(part, UploadFile) else part
                for name, part in form.multi_items()
            }
    except HTTPException as error:
        raise RefusedError(400, f"The form can't be read: {error.detail}", "invalid_form") from error


def _offer(text: str) -> str:
    if not text.strip():
        raise RefusedError(400, "The request has no SDP offer.", "missing_required_parameter", "sdp")
    # forms and editors change line ends; SDP has CRLF (RFC 8866 section 5)
    return "\r\n".join(line for line in text.splitlines() if line) + "\r\n"


def _session(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        session = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "The session is no JSON.", "invalid_json", "session") from error
    if not isinstance(session, dict):
        raise RefusedError(400, "The session must be an object.", "invalid_type", "session")
    return session


def _merged(granted: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What the secret carries goes first: whoever made it did not give its bearer a choice there."""
    merged = dict(asked)
    for name, value in granted.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(value, merged[name]) if both else value
    return merged
