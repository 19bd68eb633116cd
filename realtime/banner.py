"""What the server says on stdout after ``ready``: where others reach it, by which key, and what to make of a warning."""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import segno

from realtime.addresses import is_ip
from realtime.certificate import Certificate
from realtime.settings import Settings

_WHITE_ON_BLACK, _AS_BEFORE = "\x1b[97;40m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Banner:
    """``addresses``: complete ones for others than this machine, best first. ``hints``: whole sentences."""

    addresses: tuple[str, ...]
    hints: tuple[str, ...]

    def text(self) -> str:
        return "\n".join([*(f"  open {address}" for address in self.addresses), *self.hints])


def make_banner(
    settings: Settings, port: int, lan: Sequence[str], certificate: Certificate | None, run_key: str | None
) -> Banner:
    """``port``: the one that is listened on. ``lan``: the machine's addresses, best first. ``run_key``: made for this
    run; a key of the settings is never shown."""
    hosts = _hosts(settings, lan, certificate)
    scheme = "http" if certificate is None else "https"
    end = f"/#key={run_key}" if run_key else "/"
    return Banner(
        tuple(f"{scheme}://{_with_port(host, port, scheme)}{end}" for host in hosts),
        tuple(_hints(settings, certificate, run_key)),
    )


def _hosts(settings: Settings, lan: Sequence[str], certificate: Certificate | None) -> list[str]:
    server = settings.server
    if server.is_loopback:
        return []  # "ready" says it
    if certificate is not None and not certificate.is_own:
        named = [
            name for name in certificate.names if "*" not in name and name != "localhost" and not _is_loopback(name)
        ]
        if named:
            return named
    if not _is_any(server.host):
        return [server.host]
    reached = [address for address in lan if server.host != "0.0.0.0" or ":" not in address]
    public = settings.webrtc.public_address  # who sets it expects callers from outside
    return list(dict.fromkeys([public, *reached] if public else reached))


def _hints(settings: Settings, certificate: Certificate | None, run_key: str | None) -> list[str]:
    server, hints = settings.server, []
    if run_key:
        hints.append(
            "What follows # is the key, made for this run: who has the address may talk. One that lasts: --api-key."
        )
    elif server.api_keys and not server.is_loopback:
        hints.append("The page asks for the key.")
    if certificate is not None and certificate.is_own:
        hints.append("The certificate is the server's own, so browsers warn once. Compare what they show, then go on:")
        hints.append(f"  SHA-256 {certificate.fingerprint}")
    if server.is_loopback and certificate is not None:
        hints.append("Only this machine can reach it; to let your phone in, add --host 0.0.0.0.")
    if certificate is None and not server.is_loopback:
        hints.append("Browsers on other machines give the page no microphone without HTTPS: add --https.")
    return hints


def qr_lines(address: str, *, coloured: bool) -> list[str]:
    """The address as a QR code of half blocks. ``coloured``: white on black, whatever the terminal's own colours;
    else light blocks, for a dark background."""
    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(out=drawn, compact=True)
    lines = drawn.getvalue().splitlines()
    return [f"{_WHITE_ON_BLACK}{line}{_AS_BEFORE}" for line in lines] if coloured else lines


def _with_port(host: str, port: int, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port == {"http": 80, "https": 443}[scheme] else f"{shown}:{port}"


def _is_any(host: str) -> bool:
    return host == "" or (is_ip(host) and ipaddress.ip_address(host).is_unspecified)


def _is_loopback(name: str) -> bool:
    return is_ip(name) and ipaddress.ip_address(name).is_loopback
