"""``GET /v1/realtime``: one websocket, one session."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from audio.resample import Resampler
from audio.transport import PlayoutPosition
from realtime.keys import SUBPROTOCOL, presented_key
from realtime.origins import origin_allowed
from realtime.outbox import Outbox
from realtime.server import NoRoomError, Server, new_id
from realtime.wire.audio_format import RATES_HZ, encode
from realtime.wire.errors import WireError
from realtime.wire.session_port import SessionPort
from realtime.wire.session_types import Json
from realtime.wire_door import DoorOptions, WireDoor
from scheduler.events import CallEnding
from scheduler.pcm import Pcm, WordTime
from scheduler.tasks import cancel_and_wait

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 24 * 1024 * 1024
"""For the websocket server (uvicorn's ``ws_max_size``): 15 MiB of audio, the API's limit, are 20 MiB of base64.
Larger frames close the connection with 1009."""
STALL_SECONDS = 30.0
"""A client that takes nothing for so long is disconnected."""
GOODBYE_SECONDS = 1.0
"""How long the kernel may take to end a call whose client has gone, and the last events to leave."""

BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
"""How browsers ask for the beta form."""

GOING_AWAY, POLICY, TRY_LATER, BUG, NORMAL = 1001, 1008, 1013, 1011, 1000


@dataclass(frozen=True, slots=True)
class _Closing:
    """``code=None``: the client has closed already."""

    code: int | None
    reason: str


class WebsocketTransport:
    """The sending half of the line (``audio.transport.AudioTransport``): audio becomes events on the way out."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._door: WireDoor | None = None
        self._resampler: Resampler | None = None
        self._utterance_id = ""

    def attach(self, door: WireDoor) -> None:
        self._door = door

    @property
    def position(self) -> PlayoutPosition:
        return "estimated"

    @property
    def sample_rate_hz(self) -> int:
        return 24_000

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        await self._outbox.room_for_audio()
        if self._door is not None:
            audio_format = self._door.state.session.output_format
            data = encode(audio_format, self._at_rate(utterance_id, pcm, RATES_HZ[audio_format]))
            self._door.audio(utterance_id, data, words)

    def played_seconds(self) -> float:
        return 0.0  # never asked of an estimated line

    def _at_rate(self, utterance_id: str, pcm: Pcm, rate_hz: int) -> Pcm:
        if self._resampler is None or self._resampler.target_rate_hz != rate_hz or utterance_id != self._utterance_id:
            self._resampler = Resampler(self.sample_rate_hz, rate_hz)
            self._utterance_id = utterance_id
        return self._resampler.process(pcm)


async def serve_websocket(server: Server, websocket: WebSocket, *, stall_seconds: float = STALL_SECONDS) -> None:
    """Admit or refuse the client, and hold its session until one side ends it."""
    options = await _admit(server, websocket)
    if options is None:
        return
    outbox = Outbox()
    transport = WebsocketTransport(outbox)
    try:
        door = WireDoor(
            new_id("sess"),
            server.defaults(),
            options,
            # plain ASCII: half of a surrogate pair that a client sent can be echoed only so
            send=lambda event: outbox.put(json.dumps(event, separators=(",", ":"))),
            metrics=server.metrics,
        )
    except WireError as error:
        await _refuse(websocket, 400, error.message, error.code)
        return
    transport.attach(door)
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    await _Connection(server, websocket, door, transport, outbox, stall_seconds).run()


async def _admit(server: Server, websocket: WebSocket) -> DoorOptions | None:
    headers, query = websocket.headers, websocket.query_params
    offered = websocket.scope.get("subprotocols", [])
    if not origin_allowed(server, headers.get("origin"), headers.get("host")):
        await _refuse(websocket, 403, "Pages of other sites may not use this server without a key.", "origin_refused")
        return None
    key = presented_key(headers.get("authorization"), offered)
    grant = server.keys.admit(key)
    if grant is None:
        server.metrics.sessions_refused.labels("key").inc()
        await _refuse(websocket, 401, "Incorrect or expired API key provided.", "invalid_api_key")
        return None
    if query.get("call_id"):
        await _refuse(websocket, 404, "There is no call with this call_id.", "call_not_found")
        return None
    try:
        server.check_room()
    except NoRoomError as error:
        server.metrics.sessions_refused.labels(error.reason).inc()
        await _refuse(websocket, 503, str(error), "server_busy")
        return None
    return DoorOptions(
        model=query.get("model"),
        transcription=query.get("intent") == "transcription",
        extensions=query.get("stretto") == "1",
        beta="realtime=v1" in headers.get("openai-beta", "") or BETA_SUBPROTOCOL in offered,
        session=grant.session or None,
    )


async def _refuse(websocket: WebSocket, status: int, message: str, code: str) -> None:
    """As a plain HTTP answer where the server can give one, else by a close code."""
    logger.info("refused a websocket from %s: %s", _peer(websocket), message)
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(JSONResponse(error_body(message, code), status))
    else:
        await websocket.close(TRY_LATER if status == 503 else POLICY, message)


def error_body(message: str, code: str, param: str | None = None) -> Json:
    """An HTTP error as the OpenAI API gives it."""
    kind = "server_error" if code == "server_busy" else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _peer(websocket: WebSocket) -> str:
    return websocket.client.host if websocket.client else "an unknown address"


class _Connection:
    """Reader, writer and session of one websocket, and how they end."""

    def __init__(
        self,
        server: Server,
        websocket: WebSocket,
        door: WireDoor,
        transport: WebsocketTransport,
        outbox: Outbox,
        stall_seconds: float,
    ) -> None:
        self._server = server
        self._websocket = websocket
        self._door = door
        self._transport = transport
        self._outbox = outbox
        self._stall_seconds = stall_seconds
        self._stalled = asyncio.Event()
        self._left = ""

    async def run(self) -> None:
        started_at = asyncio.get_running_loop().time()
        config = self._door.state.session.config()
        try:
            async with self._server.open_session(self._door.session_id, self._door, self._transport, config) as session:
                self._door.greet(session)
                closing = await self._hold(session)
        except NoRoomError as error:
            closing = _Closing(TRY_LATER, str(error))
        await self._close(closing)
        self._door.console.closed(asyncio.get_running_loop().time() - started_at, closing.reason)

    async def _hold(self, session: SessionPort) -> _Closing:
        async with asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(self._guarded(session.run()))
            reader = tasks.create_task(self._guarded(self._read()))
            writer = tasks.create_task(self._write())
            ended = tasks.create_task(self._door.ended.wait())
            watches = [
                tasks.create_task(self._stalled.wait()),
                tasks.create_task(self._outbox.overflowed.wait()),
                tasks.create_task(self._server.must_close()),
            ]
            await asyncio.wait([talk, reader, ended, *watches], return_when=asyncio.FIRST_COMPLETED)
            closing = self._why(talk, reader)
            if closing.code is None:
                # open turns and answers get their outcome, as far as that is quick
                session.publish(CallEnding(closing.reason))
                await asyncio.wait([talk, ended], timeout=GOODBYE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await cancel_and_wait(talk, reader, ended, *watches)
            self._door.close()
            if closing.code in (NORMAL, GOING_AWAY, BUG):
                await self._flush()
            await cancel_and_wait(writer)
        return closing

    def _why(self, talk: asyncio.Task[bool], reader: asyncio.Task[bool]) -> _Closing:
        if self._stalled.is_set() or self._outbox.overflowed.is_set():
            self._server.metrics.slow_clients.inc()
            return _Closing(POLICY, "the client does not read its events")
        if any(task.done() and not task.result() for task in (talk, reader)):
            return _Closing(BUG, "the session failed by an error of the server")
        if reader.done():
            return _Closing(None, self._left)
        if self._door.ended.is_set() or talk.done():
            return _Closing(NORMAL, self._door.end_reason or "the call is over")
        return _Closing(GOING_AWAY, "the server is being shut down")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether ``work`` came to its end without a bug. A bug ends this session alone, and is told and counted."""
        try:
            await work
        except Exception as error:
            logger.error("call %s failed", self._door.session_id, exc_info=error)
            self._server.metrics.sessions_failed.inc()
            message = "The session failed by an error of the server and is closed."
            self._door.tell_error(WireError(message, "session_failed", kind="server_error"))
            return False
        return True

    # --- the socket -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Until the client goes."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code")
                self._left = "the client hung up" if code in (1000, 1001, 1005) else f"the connection was lost ({code})"
                return
            frame = message.get("text")
            await self._door.receive(frame if frame is not None else message.get("bytes") or b"")

    async def _write(self) -> None:
        while True:
            frame = await self._outbox.get()
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await self._websocket.send_text(frame)
                self._outbox.sent()
            except TimeoutError:
                self._stalled.set()
                return
            except (WebSocketDisconnect, RuntimeError, OSError):
                return  # the client has gone; the reader tells

    async def _flush(self) -> None:
        """The last events, as far as the client takes them quickly."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._outbox.all_sent()
        except TimeoutError:
            logger.debug("call %s: the last events did not get through", self._door.session_id)

    async def _close(self, closing: _Closing) -> None:
        if closing.code is None or self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        if closing.code == POLICY:
            logger.warning("call %s: %s; it is disconnected", self._door.session_id, closing.reason)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._websocket.close(closing.code, closing.reason[:120])
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            logger.debug("call %s: the close frame did not get through", self._door.session_id)
