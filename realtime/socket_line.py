"""One websocket as a line for events: refused or accepted, read, written at the client's pace, closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from realtime.keys import SUBPROTOCOL
from realtime.outbox import Outbox
from realtime.wire.session_types import Json

logger = logging.getLogger(__name__)

STALL_SECONDS = 30.0
"""A client that takes nothing for so long is disconnected."""
GOODBYE_SECONDS = 1.0
"""How long the kernel may take to end a call whose client has gone, and the last events to leave."""

GOING_AWAY, POLICY, TRY_LATER, BUG, NORMAL = 1001, 1008, 1013, 1011, 1000


class SocketLine:
    """``name``: of the call, for the log. Its client does not keep up: ``stalled``, or ``outbox.overflowed``."""

    def __init__(self, name: str, websocket: WebSocket, outbox: Outbox, stall_seconds: float = STALL_SECONDS) -> None:
        self.outbox = outbox
        self.stalled = asyncio.Event()
        self.left = ""
        """How the client went, when ``read`` has returned."""
        self._name = name
        self._websocket = websocket
        self._stall_seconds = stall_seconds

    @property
    def is_too_slow(self) -> bool:
        return self.stalled.is_set() or self.outbox.overflowed.is_set()

    async def accept(self) -> None:
        offered = self._websocket.scope.get("subprotocols", [])
        await self._websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)

    async def read(self, receive: Callable[[str | bytes], Awaitable[None]]) -> None:
        """Each frame is taken before the next is read; until the client goes."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code")
                self.left = "the client hung up" if code in (1000, 1001, 1005) else f"the connection was lost ({code})"
                return
            frame = message.get("text")
            await receive(frame if frame is not None else message.get("bytes") or b"")

    async def write(self) -> None:
        while True:
            frame = await self.outbox.get()
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await self._websocket.send_text(frame)
                self.outbox.sent()
            except TimeoutError:
                self.stalled.set()
                return
            except (WebSocketDisconnect, RuntimeError, OSError):
                return  # the client has gone; the reader tells

    async def flush(self) -> None:
        """The last events, as far as the client takes them quickly."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.outbox.all_sent()
        except TimeoutError:
            logger.debug("call %s: the last events did not get through", self._name)

    async def close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        if code == POLICY:
            logger.warning("call %s: %s; it is disconnected", self._name, reason)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._websocket.close(code, reason[:120])
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            logger.debug("call %s: the close frame did not get through", self._name)


async def refuse(websocket: WebSocket, status: int, message: str, code: str) -> None:
    """As a plain HTTP answer where the server can give one, else by a close code."""
    logger.info("refused a websocket from %s: %s", _peer(websocket), message)
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(JSONResponse(error_body(message, code), status))
    else:
        await websocket.close(TRY_LATER if status in (429, 503) else POLICY, message)


def error_body(message: str, code: str, param: str | None = None) -> Json:
    """An HTTP error as the OpenAI API gives it."""
    kind = "server_error" if code == "server_busy" else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _peer(websocket: WebSocket) -> str:
    return websocket.client.host if websocket.client else "an unknown address"
