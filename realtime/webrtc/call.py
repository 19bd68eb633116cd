"""One call over WebRTC: a session that outlives the path to its caller for a while."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc import RTCIceServer

from realtime.outbox import Outbox
from realtime.server import Server, new_id
from realtime.webrtc.ice import Reach
from realtime.webrtc.line import WebrtcLine
from realtime.webrtc.peer import OfferError, Peer, PeerEvents
from realtime.wire.session_port import SessionPort
from realtime.wire.session_types import Json
from realtime.wire.size_limit import SizeLimit
from realtime.wire_door import DoorOptions, WireDoor
from scheduler.events import CallEnding
from scheduler.pcm import Pcm
from scheduler.tasks import Background, cancel_and_wait, wait_for_event

logger = logging.getLogger(__name__)

SHUT_DOWN = "the server is being shut down"
FAILED = "the session failed by an error of the server"
LOOK_SECONDS = 0.5
"""How often the path is looked at."""
POLL_SECONDS = 0.05
QUIET_SECONDS = 2.0
"""A path with a microphone on it that brings nothing for so long is broken: its packets come every 20 ms."""
QUIET_WITHOUT_MICROPHONE_SECONDS = 12.0
"""Then come the checks of the connection, and answers to our own: one within 6 s (RFC 7675), in browsers 2.5 s."""
LEFT_SECONDS = 2.0
"""A client that closed its connection may come back by a new one within this; it has hung up otherwise."""
CHANNEL_SECONDS = 2.0
"""How long the talk waits, once sound can flow, for the data channel. Clients may do without one."""
GOODBYE_SECONDS = 1.0
"""For the kernel to end a call, and for the last events to leave."""
UNTOLD_BYTES = 256 * 1024
"""So much may wait inside the data channel; the rest waits in the outbox."""
KEPT_BYTES = 512 * 1024
"""Of events that have left, for a client that comes back: those that it missed are sent again."""
MAX_UNREAD = 1024
MAX_UNREAD_BYTES = 8 * 1024 * 1024
"""Events of the client that wait to be carried out. Overflow policy: the call ends."""


class Call:
    """Raises ``WireError`` if the options' session is no good. Nothing runs before ``open``. ``ended`` is told the call's
    id when it is over."""

    def __init__(
        self, server: Server, call_id: str, options: DoorOptions, *, ended: Callable[[str], None] = lambda _: None
    ) -> None:
        settings = server.settings.webrtc
        self.call_id = call_id
        self.over = asyncio.Event()
        self._ended = ended
        self._server = server
        self._settings = settings
        self._outbox = Outbox()
        self._size_limit = SizeLimit()
        self._sent: deque[tuple[str, str]] = deque()
        """Event ids and frames, the newest last."""
        self._sent_bytes = 0
        self._missed: list[str] = []
        self.door = WireDoor(new_id("sess"), server.defaults(), options, send=self._tell, metrics=server.metrics)
        self._line = WebrtcLine(
            self.door.audio_left,
            voice_rate_hz=server.engines.voice.sample_rate_hz,
            bitrate=settings.opus_bitrate,
            complexity=settings.opus_complexity,
        )
        self._peer: Peer | None = None
        self._answered_at = 0.0
        """When its offer was answered."""
        self._answered = asyncio.Event()
        self._path_changed = asyncio.Event()
        self._talking = False
        self._ending = asyncio.Event()
        self._end_reason = ""
        self._unread: asyncio.Queue[str | bytes] = asyncio.Queue(MAX_UNREAD)
        self._unread_bytes = 0
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = Background(self._live, name=self.door.session_id)

    # --- what the HTTP side does ----------------------------------------------------------------------

    async def open(self) -> None:
        """Take a place. Raises ``NoRoomError``."""
        self._life.start()
        await self._opened

    async def connect(self, offer: str, *, last_event_id: str | None = None) -> str:
        """Answer an offer, of the first path or of one in its place. Raises ``OfferError``.

        ``last_event_id``: the last event that the client has got; what came after it is sent again.
        """
        events = PeerEvents(self._hear, self._receive, self._path_changed.set)
        peer = Peer(self._reach(), self._ice_servers(), events)
        try:
            answer = await peer.answer(offer)
            if self.over.is_set():
                raise OfferError("The call is over.")
        except BaseException:
            peer.close_soon()
            raise
        before, self._peer, self._answered_at = self._peer, peer, _now()
        self._size_limit.max_bytes = peer.max_event_bytes
        if before is not None:
            logger.info("call %s: the caller comes back by a new path", self.door.session_id)
            self._missed = self._sent_after(last_event_id)
            self._line.lead_over(None)
            before.close_soon()
        self._answered.set()
        self._path_changed.set()
        return answer

    @property
    def has_been_connected(self) -> bool:
        """An offer has been answered."""
        return self._answered.is_set()

    def hang_up(self) -> None:
        self._end("the client hung up")

    def _end(self, reason: str) -> None:
        """The first reason counts."""
        self._end_reason = self._end_reason or reason
        self._ending.set()

    def _reach(self) -> Reach:
        return Reach(self._settings.port_range, self._settings.public_address)

    def _ice_servers(self) -> list[RTCIceServer]:
        settings = self._settings
        servers = [RTCIceServer(settings.stun)] if settings.stun else []
        if settings.turn:
            password = settings.turn_password.get_secret_value()
            servers.append(RTCIceServer(settings.turn, settings.turn_username, password))
        return servers

    # --- life -----------------------------------------------------------------------------------------

    async def _live(self) -> None:
        config = self.door.state.session.config()
        started_at, reason = _now(), "it was refused"
        try:
            async with self._server.open_session(self.door.session_id, self.door, self._line, config) as session:
                self._opened.set_result(None)
                reason = await self._hold(session)
        except Exception as error:
            if self._opened.done():
                reason = FAILED
                raise
            self._opened.set_exception(error)  # a full server, or a bug: either way somebody waits for it
        finally:
            self.over.set()
            self._ended(self.call_id)
            self.door.close()
            if self._peer is not None:
                await self._peer.close()
            self.door.console.closed(_now() - started_at, reason)

    async def _hold(self, session: SessionPort) -> str:
        """Until the call is over; why."""
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch_path())
            talk = tasks.create_task(self.door.guarded(self._talk(session)))
            reader = tasks.create_task(self.door.guarded(self._read()))
            writer = tasks.create_task(self._write())
            line = tasks.create_task(self._line.run())
            ended = tasks.create_task(self.door.ended.wait())
            waits: list[asyncio.Task[Any]] = [
                ended,
                tasks.create_task(self._ending.wait()),
                tasks.create_task(self._outbox.overflowed.wait()),
                tasks.create_task(self._server.must_close()),
            ]
            await asyncio.wait([watch, talk, reader, *waits], return_when=asyncio.FIRST_COMPLETED)
            reason = self._why(watch, talk, reader)
            if self._talking and not self.door.ended.is_set() and not talk.done():
                session.publish(CallEnding(reason))  # open turns and answers get their outcome
                await asyncio.wait([talk, ended], timeout=GOODBYE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await cancel_and_wait(watch, talk, reader, line, *waits)
            self.door.close()
            await self._flush()
            await cancel_and_wait(writer)
        return reason

    async def _talk(self, session: SessionPort) -> None:
        """The talk begins when the caller can hear and be told."""
        await self._answered.wait()  # from then on it is known how large an event may be
        self.door.greet(session)
        await _until(lambda: self._can_sound or self._server.is_stopping)
        if not self._can_sound:
            return  # nobody is there to be told
        can_tell_by = _now() + CHANNEL_SECONDS
        await _until(lambda: self._can_tell or _now() > can_tell_by)
        self._talking = True
        await session.run()

    def _why(self, watch: asyncio.Task[str], talk: asyncio.Task[bool], reader: asyncio.Task[bool]) -> str:
        if any(task.done() and not task.result() for task in (talk, reader)):
            return FAILED
        if self._outbox.overflowed.is_set():
            self._server.metrics.slow_clients.inc()
            return "the client does not read its events"
        if self._ending.is_set():
            return self._end_reason
        if self.door.ended.is_set() or talk.done():
            return self.door.end_reason or (SHUT_DOWN if self._server.is_stopping else "the call is over")
        return watch.result() if watch.done() else SHUT_DOWN

    # --- the path -------------------------------------------------------------------------------------

    @property
    def _can_sound(self) -> bool:
        return self._peer is not None and self._peer.can_sound

    @property
    def _can_tell(self) -> bool:
        return self._peer is not None and self._peer.can_tell

    async def _watch_path(self) -> str:
        """Lead the line over the path while it stands. Returns why the call must end."""
        lost_at: float | None = _now()
        stood: Peer | None = None
        while True:
            if self._stands:
                lost_at, stood = None, self._peer
            elif lost_at is None:
                lost_at = _now()
                logger.info("call %s: the path to the caller is broken; waiting", self.door.session_id)
            self._line.lead_over(self._peer.sender if self._peer is not None and lost_at is None else None)
            if lost_at is not None and _now() > self._given_up_at(lost_at, stood):
                return self._lost(ever_stood=stood is not None)
            self._path_changed.clear()
            await wait_for_event(self._path_changed, LOOK_SECONDS)
            self._tell_missed()

    @property
    def _stands(self) -> bool:
        peer = self._peer
        if peer is None or not peer.can_sound:
            return False
        quiet_seconds = QUIET_SECONDS if peer.has_microphone else QUIET_WITHOUT_MICROPHONE_SECONDS
        return _now() - peer.heard_at < quiet_seconds

    def _given_up_at(self, lost_at: float, stood: Peer | None) -> float:
        """``stood``: the last path that did. One in its place, begun in time, has the time that any has to come up."""
        reconnect_by = lost_at + self._settings.reconnect_seconds
        if self._peer is not stood:
            up_by = self._answered_at + self._settings.connect_seconds
            return up_by if stood is None else max(up_by, reconnect_by)
        if stood is None:
            return lost_at + self._settings.connect_seconds
        return min(lost_at + LEFT_SECONDS, reconnect_by) if stood.state == "closed" else reconnect_by

    def _lost(self, ever_stood: bool) -> str:
        if self._peer is not None and self._peer.state == "closed":
            return "the client hung up"
        if ever_stood:
            return f"the connection was lost, and not renewed within {self._settings.reconnect_seconds:g} s"
        local, remote = self._peer.addresses() if self._peer is not None else ([], [])
        logger.warning(
            "call %s: no path for its sound. Here: %s; there: %s. Are the UDP ports (webrtc.udp_ports) open, and does the "
            "caller reach one of these addresses (webrtc.public_address, webrtc.turn)? See docs/network.md.",
            *(self.door.session_id, ", ".join(local) or "none", ", ".join(remote) or "hidden"),
        )
        return "no path for its sound was found: UDP is blocked, or no address of the server can be reached"

    # --- from the client ------------------------------------------------------------------------------

    async def _hear(self, pcm: Pcm) -> None:
        if self._talking and not self.over.is_set() and not await self.door.guarded(self.door.hear(pcm)):
            self._talking = False  # aiortc would take the bug for its own, and close the connection
            self._end(FAILED)

    def _receive(self, frame: str | bytes) -> None:
        self._unread_bytes += len(frame)
        if self._unread.full() or self._unread_bytes > MAX_UNREAD_BYTES:
            self._end("the client sends events faster than they can be carried out")
        else:
            self._unread.put_nowait(frame)

    async def _read(self) -> None:
        while True:
            frame = await self._unread.get()
            self._unread_bytes -= len(frame)
            await self.door.receive(frame)

    # --- to the client --------------------------------------------------------------------------------

    def _tell(self, event: Json) -> None:
        if self._peer is None or self._peer.wants_events:
            self._outbox.put(self._size_limit.text(event))

    async def _write(self) -> None:
        while True:
            frame = await self._outbox.get()
            await _until(lambda: self._is_told(frame))  # noqa: B023
            self._outbox.sent()

    def _is_told(self, frame: str) -> bool:
        peer = self._peer
        if peer is None or not peer.can_tell or peer.untold_bytes > UNTOLD_BYTES:
            return False
        self._tell_missed()
        try:
            peer.tell(frame)
        except ConnectionError:
            return False
        self._keep(frame)
        return True

    def _tell_missed(self) -> None:
        if not self._missed or self._peer is None or not self._peer.can_tell:
            return
        missed, self._missed = self._missed, []
        try:
            for frame in missed:
                self._peer.tell(frame)
        except ConnectionError:
            logger.debug("call %s: the path broke again", self.door.session_id)

    def _keep(self, frame: str) -> None:
        self._sent.append((_event_id(frame), frame))
        self._sent_bytes += len(frame)
        while self._sent_bytes > KEPT_BYTES:
            self._sent_bytes -= len(self._sent.popleft()[1])

    def _sent_after(self, event_id: str | None) -> list[str]:
        """What the client has missed. One that does not say what it has, or says what is no longer known, gets nothing
        twice."""
        ids = [known for known, _ in self._sent]
        if event_id is None or event_id not in ids:
            return []
        return [frame for _, frame in list(self._sent)[ids.index(event_id) + 1 :]]

    async def _flush(self) -> None:
        """The last events, as far as the client takes them quickly."""
        if not self._can_tell:
            return
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._outbox.all_sent()
                await _until(lambda: self._peer is None or self._peer.is_all_told)
        except TimeoutError:
            logger.debug("call %s: the last events did not get through", self.door.session_id)


_EVENT_ID = re.compile(r'"event_id":"([^"]*)"')


def _event_id(frame: str) -> str:
    """The server's events begin with their type and id; what a client calls one of its own comes later."""
    found = _EVENT_ID.search(frame)
    return found[1] if found else ""


async def _until(holds: Callable[[], bool]) -> None:
    """aiortc has no event for most of what is waited for here."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)


def _now() -> float:
    return asyncio.get_running_loop().time()
