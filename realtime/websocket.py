"""``GET /v1/realtime``: one websocket, one session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from starlette.websockets import WebSocket

from audio.resample import Resampler
from audio.transport import PlayoutPosition
from realtime.keys import Grant, presented_key
from realtime.origins import origin_allowed
from realtime.outbox import Outbox
from realtime.server import NoRoomError, Server, new_id
from realtime.sideband import serve_sideband
from realtime.socket_line import (
    BUG,
    GOING_AWAY,
    GOODBYE_SECONDS,
    NORMAL,
    POLICY,
    STALL_SECONDS,
    TRY_LATER,
    SocketLine,
    refuse,
)
from realtime.wire.audio_format import RATES_HZ, encode
from realtime.wire.errors import WireError
from realtime.wire.session_port import SessionPort
from realtime.wire.size_limit import as_text
from realtime.wire_door import DoorOptions, WireDoor
from scheduler.events import CallEnding
from scheduler.pcm import Pcm, WordTime
from scheduler.tasks import cancel_and_wait

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 24 * 1024 * 1024
"""For the websocket server (uvicorn's ``ws_max_size``): 15 MiB of audio, the API's limit, are 20 MiB of base64.
Larger frames close the connection with 1009."""

BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
"""How browsers ask for the beta form."""

FindCall = Callable[[str], WireDoor | None]
"""The door of a running call by its id (``rtc_…``)."""


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


async def serve_websocket(
    server: Server,
    websocket: WebSocket,
    *,
    find_call: FindCall = lambda _: None,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Admit or refuse the client, and hold its session until one side ends it. With a ``call_id``: beside that call."""
    grant = await _admit(server, websocket)
    if grant is None:
        return
    options = _options(websocket, grant)
    if call_id := websocket.query_params.get("call_id"):
        await _beside(server, websocket, find_call(call_id), options, stall_seconds)
    elif await _has_room(server, websocket):
        await _serve_call(server, websocket, options, stall_seconds)


async def _serve_call(server: Server, websocket: WebSocket, options: DoorOptions, stall_seconds: float) -> None:
    outbox = Outbox()
    transport = WebsocketTransport(outbox)
    try:
        door = WireDoor(
            new_id("sess"),
            server.defaults(),
            options,
            send=lambda event: outbox.put(as_text(event)),
            metrics=server.metrics,
        )
    except WireError as error:
        await refuse(websocket, 400, error.message, error.code)
        return
    transport.attach(door)
    line = SocketLine(door.session_id, websocket, outbox, stall_seconds)
    await line.accept()
    await _Connection(server, door, transport, line).run()


async def _beside(
    server: Server, websocket: WebSocket, door: WireDoor | None, options: DoorOptions, stall_seconds: float
) -> None:
    if door is None:
        await refuse(websocket, 404, "There is no call with this call_id, or it is over.", "call_not_found")
        return
    wishes = {"extensions": options.extensions, "beta": options.beta}
    await serve_sideband(server, websocket, door, **wishes, stall_seconds=stall_seconds)


async def _admit(server: Server, websocket: WebSocket) -> Grant | None:
    headers = websocket.headers
    offered = websocket.scope.get("subprotocols", [])
    if not origin_allowed(server, headers.get("origin"), headers.get("host")):
        await refuse(websocket, 403, "Pages of other sites may not use this server without a key.", "origin_refused")
        return None
    grant = server.keys.admit(presented_key(headers.get("authorization"), offered))
    if grant is None:
        server.metrics.sessions_refused.labels("key").inc()
        await refuse(websocket, 401, "Incorrect or expired API key provided.", "invalid_api_key")
    return grant


async def _has_room(server: Server, websocket: WebSocket) -> bool:
    try:
        server.check_room()
    except NoRoomError as error:
        server.metrics.sessions_refused.labels(error.reason).inc()
        await refuse(websocket, 503, str(error), "server_busy")
        return False
    return True


def _options(websocket: WebSocket, grant: Grant) -> DoorOptions:
    query, offered = websocket.query_params, websocket.scope.get("subprotocols", [])
    return DoorOptions(
        model=query.get("model"),
        transcription=query.get("intent") == "transcription",
        extensions=query.get("stretto") == "1",
        beta="realtime=v1" in websocket.headers.get("openai-beta", "") or BETA_SUBPROTOCOL in offered,
        session=grant.session or None,
    )


class _Connection:
    """Reader, writer and session of one websocket, and how they end."""

    def __init__(self, server: Server, door: WireDoor, transport: WebsocketTransport, line: SocketLine) -> None:
        self._server = server
        self._door = door
        self._transport = transport
        self._line = line

    async def run(self) -> None:
        started_at = asyncio.get_running_loop().time()
        config = self._door.state.session.config()
        try:
            async with self._server.open_session(self._door.session_id, self._door, self._transport, config) as session:
                self._door.greet(session)
                closing = await self._hold(session)
        except NoRoomError as error:
            closing = _Closing(TRY_LATER, str(error))
        if closing.code is not None:
            await self._line.close(closing.code, closing.reason)
        self._door.console.closed(asyncio.get_running_loop().time() - started_at, closing.reason)

    async def _hold(self, session: SessionPort) -> _Closing:
        async with asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(self._door.guarded(session.run()))
            reader = tasks.create_task(self._door.guarded(self._line.read(self._door.receive)))
            writer = tasks.create_task(self._line.write())
            ended = tasks.create_task(self._door.ended.wait())
            watches = [
                tasks.create_task(self._line.stalled.wait()),
                tasks.create_task(self._line.outbox.overflowed.wait()),
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
                await self._line.flush()
            await cancel_and_wait(writer)
        return closing

    def _why(self, talk: asyncio.Task[bool], reader: asyncio.Task[bool]) -> _Closing:
        if self._line.is_too_slow:
            self._server.metrics.slow_clients.inc()
            return _Closing(POLICY, "the client does not read its events")
        if any(task.done() and not task.result() for task in (talk, reader)):
            return _Closing(BUG, "the session failed by an error of the server")
        if reader.done():
            return _Closing(None, self._line.left)
        if self._door.ended.is_set() or talk.done():
            return _Closing(NORMAL, self._door.end_reason or "the call is over")
        return _Closing(GOING_AWAY, "the server is being shut down")
