"""The browser page: the files of ``web_client/``, with headers that let it reach nothing but this server."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB_CLIENT = Path(__file__).resolve().parent.parent / "web_client"

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; "  # websockets to this host are among it (in Safari from 15.4 on; before it, WebRTC is left)
    "img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # asked for again each time (an unchanged file costs a 304): modules of two versions must never mix
    "Cache-Control": "no-cache",
}


class Page(StaticFiles):
    """An ASGI application that serves the page and its modules."""

    def __init__(self, directory: str | os.PathLike[str] = WEB_CLIENT) -> None:
        super().__init__(directory=directory, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response
