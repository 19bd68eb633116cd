"""``GET /v1/realtime?call_id=…``: a websocket beside a running call, which is told its events and may steer it.

The call does not depend on it: one that goes, stalls or fails is detached, and the call goes on without it.
"""

from __future__ import annotations

import asyncio
import logging

from starlette.websockets import WebSocket

from realtime.outbox import Outbox
from realtime.server import Server
from realtime.socket_line import BUG, GOING_AWAY, NORMAL, POLICY, STALL_SECONDS, SocketLine, refuse
from realtime.wire.size_limit import as_text
from realtime.wire_door import Listener, WireDoor
from scheduler.tasks import cancel_and_wait

logger = logging.getLogger(__name__)

MAX_SIDEBANDS = 4
"""Of one call. Each is sent all its events, and may let 8 MiB of them wait."""


async def serve_sideband(
    server: Server,
    websocket: WebSocket,
    door: WireDoor,
    *,
    extensions: bool = False,
    beta: bool = False,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Listen to ``door``'s call until it is over or the client goes. The client has been admitted already."""
    if len(door.sidebands) >= MAX_SIDEBANDS:
        await refuse(websocket, 429, f"This call has {MAX_SIDEBANDS} sidebands already.", "too_many_sidebands")
        return
    outbox = Outbox()
    line = SocketLine(door.session_id, websocket, outbox, stall_seconds)
    listener = Listener(lambda event: outbox.put(as_text(event)), beta, extensions)
    door.attach(listener)
    try:
        await line.accept()
        await line.close(*await _hold(server, door, line, listener))
    finally:
        door.detach(listener)


async def _hold(server: Server, door: WireDoor, line: SocketLine, listener: Listener) -> tuple[int, str]:
    """Until it is over; the code and reason to close it with."""
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(_read(door, line, listener))
        writer = tasks.create_task(line.write())
        watches = [
            tasks.create_task(door.closed.wait()),
            tasks.create_task(line.stalled.wait()),
            tasks.create_task(line.outbox.overflowed.wait()),
            tasks.create_task(server.must_close()),
        ]
        await asyncio.wait([reader, *watches], return_when=asyncio.FIRST_COMPLETED)
        code, reason = _why(server, door, line, reader)
        door.detach(listener)
        await cancel_and_wait(reader, *watches)
        if code in (NORMAL, GOING_AWAY):
            await line.flush()
        await cancel_and_wait(writer)
    return code, reason


async def _read(door: WireDoor, line: SocketLine, listener: Listener) -> bool:
    """Whether it came to its end without a bug, which ends the sideband alone."""
    try:
        await line.read(lambda frame: door.receive(frame, listener))
    except Exception as error:
        logger.error("a sideband of call %s failed", door.session_id, exc_info=error)
        return False
    return True


def _why(server: Server, door: WireDoor, line: SocketLine, reader: asyncio.Task[bool]) -> tuple[int, str]:
    if line.is_too_slow:
        server.metrics.slow_clients.inc()
        return POLICY, "the sideband does not read its events"
    if door.closed.is_set():
        return NORMAL, door.end_reason or "the call is over"
    if reader.done():
        return (NORMAL, line.left) if reader.result() else (BUG, "the sideband failed by an error of the server")
    return GOING_AWAY, "the server is being shut down"
