"""Runs the server: binds, warms the engines, says ``ready``, and closes gracefully.

The first SIGINT or SIGTERM ends calls politely (they get the grace time of the settings); a second one ends
everything at once.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import uvicorn
from rich.console import Console

from realtime.banner import Banner, make_banner, qr_lines
from realtime.certificate import Certificate, certificate_for
from realtime.lan import lan_addresses
from realtime.settings import Settings, refuse_to_be_open, with_key_of_this_run
from realtime.websocket import MAX_FRAME_BYTES
from scheduler.errors import SettingsError
from scheduler.tasks import cancel_and_wait

logger = logging.getLogger(__name__)

TLS_1_2_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward-secret and authenticated. TLS 1.3 has its own; older versions are not spoken."""


class Serving(Protocol):
    """What of ``realtime.server.Server`` is needed here."""

    async def start(self) -> None:
        """Warm the engines."""
        ...

    async def stop(self, grace_seconds: float | None = None) -> None:
        """Take no new calls, let the running ones end, close the engines. May be called again to hurry."""
        ...


@dataclass(frozen=True, slots=True)
class _Entrance:
    """How clients come in."""

    listening: socket.socket
    certificate: Certificate | None
    banner: Banner
    qr: Literal["auto", "always", "never"]

    def announce(self) -> None:
        """On stdout and nowhere else: the log never holds the key of this run."""
        print(f"ready {address_of(self.listening, is_https=self.certificate is not None)}", flush=True)
        if text := self.banner.text():
            print(text, flush=True)
        if self.banner.addresses and self.qr != "never" and (self.qr == "always" or sys.stdout.isatty()):
            _print_qr(self.banner.addresses[0])


def serve(settings: Settings, make: Callable[[Settings], tuple[Serving, Any]]) -> None:
    """Serve until a signal comes. ``make`` gives the server and its ASGI application, made on the running loop.

    Raises ``SettingsError`` for what can't be served.
    """
    settings, run_key = with_key_of_this_run(settings)
    refuse_to_be_open(settings)
    certificate = certificate_for(settings) if settings.server.speaks_https else None
    with bind(settings.server.host, settings.server.port) as listening:
        banner = make_banner(settings, listening.getsockname()[1], lan_addresses(), certificate, run_key)
        entrance = _Entrance(listening, certificate, banner, settings.server.qr)
        asyncio.run(_serve(settings, make, entrance))


def _print_qr(address: str) -> None:
    lines = qr_lines(address, coloured=sys.stdout.isatty())
    try:
        print("", *lines, "", sep="\n", flush=True)
    except UnicodeEncodeError:
        logger.info("this terminal's encoding has no blocks to draw a QR code with")


def bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet. ``SettingsError`` if the port is taken or the address is not ours."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family)
    except OSError:
        raise SettingsError(f"The host {host!r} is no address this machine knows.") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingsError(_why_not_bound(host, port, error)) from None
    return bound


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} on {host} is in use; stop what uses it or give another one: --port 0 picks a free one."
        case errno.EACCES:
            return f"Port {port} needs more rights than this user has; take one above 1023."
        case _:
            return f"Can't listen on {host} port {port}: {error.strerror}."


def address_of(listening: socket.socket, *, is_https: bool = False) -> str:
    """``http://HOST:PORT`` of a bound socket."""
    host, port = listening.getsockname()[:2]
    scheme = "https" if is_https else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _serve(settings: Settings, make: Callable[[Settings], tuple[Serving, Any]], entrance: _Entrance) -> None:
    stop, stop_now = asyncio.Event(), asyncio.Event()
    _on_signals(stop, stop_now)
    serving, app = make(settings)
    try:
        if await _warm_up(serving, stop):
            await _serve_calls(serving, app, entrance, stop, stop_now)
    finally:
        await serving.stop(0.0)


async def _serve_calls(
    serving: Serving, app: Any, entrance: _Entrance, stop: asyncio.Event, stop_now: asyncio.Event
) -> None:
    web = _WebServer(_web_config(app, entrance.certificate), on_started=entrance.announce)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(web.serve(sockets=[entrance.listening]))
        closing = group.create_task(_close_on(stop, stop_now, web, serving))
        await asyncio.wait([running, closing], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await cancel_and_wait(closing)


def _on_signals(stop: asyncio.Event, stop_now: asyncio.Event) -> None:
    def handle() -> None:
        (stop_now if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handle)


async def _warm_up(serving: Serving, stop: asyncio.Event) -> bool:
    """Warm the engines; false if a signal came first. Raises what the engines raise."""
    with Console(stderr=True).status("warming up the engines …"):
        try:
            async with asyncio.TaskGroup() as group:
                warming, stopped = group.create_task(serving.start()), group.create_task(stop.wait())
                await asyncio.wait([warming, stopped], return_when=asyncio.FIRST_COMPLETED)
                is_warm = warming.done()
                await cancel_and_wait(stopped, *([] if is_warm else [warming]))
        except ExceptionGroup as group_of_one:
            raise group_of_one.exceptions[0] from None
    return is_warm


async def _close_on(stop: asyncio.Event, stop_now: asyncio.Event, web: _WebServer, serving: Serving) -> None:
    await stop.wait()
    logger.info("closing; a second signal ends all calls at once")
    async with asyncio.TaskGroup() as group:
        draining, hurried = group.create_task(serving.stop()), group.create_task(stop_now.wait())
        await asyncio.wait([draining, hurried], return_when=asyncio.FIRST_COMPLETED)
        await cancel_and_wait(draining, hurried)
    web.should_exit = True
    web.force_exit = stop_now.is_set()


def _web_config(app: Any, certificate: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ssl_certfile=certificate.certificate_file if certificate else None,
        ssl_keyfile=certificate.key_file if certificate else None,
        ssl_ciphers=TLS_1_2_CIPHERS,
        log_config=None,
        access_log=False,
        lifespan="off",  # the engines' life is ours; the application's own lifespan is for those who mount it
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        timeout_graceful_shutdown=2,
    )


class _WebServer(uvicorn.Server):
    """Leaves signals to us, and tells when it listens."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)  # uvicorn's own ``serve`` would take the signals

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()


def log_to_stderr(level: str) -> None:
    """Plain lines on stderr; stdout belongs to ``ready`` and to results."""
    logging.basicConfig(
        stream=sys.stderr, level=level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", force=True
    )
    for noisy in ("httpcore", "httpcore2", "websockets", "uvicorn.error", "asyncio", "aioice", "aiortc"):
        logging.getLogger(noisy).setLevel(max(logging.getLogger().level, logging.WARNING))
    for tells_requests in ("httpx", "httpx2", "openai"):  # a line for each request to the model, of use at debug only
        level_of_requests = logging.INFO if level == "debug" else logging.WARNING
        logging.getLogger(tells_requests).setLevel(max(logging.getLogger().level, level_of_requests))
    logging.getLogger("asyncio").addFilter(_is_no_vanished_client)
    logging.getLogger("uvicorn.error").addFilter(_is_no_empty_hurry)


def _is_no_vanished_client(record: logging.LogRecord) -> bool:
    """asyncio tells of each write between a client's vanishing and our noticing it; the console tells that it is gone."""
    return record.getMessage() != "socket.send() raised exception."


def _is_no_empty_hurry(record: logging.LogRecord) -> bool:
    """uvicorn's error about a connection that nothing ran on: over TLS an idle client may not agree to part in time."""
    return not record.getMessage().startswith("Cancel 0 running task")
