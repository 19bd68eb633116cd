"""Pure: what addresses and ports of the settings look like. Each function raises ``ValueError`` with what is wrong."""

from __future__ import annotations

import ipaddress
import re

LOWEST_PORT, HIGHEST_PORT = 1024, 65535
"""Ports below 1024 need rights that a server of calls should not have."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_SERVER = re.compile(r"(?P<scheme>[a-z]+):(?P<host>\[[^\]]*\]|[^:?\[\]/]*)(:(?P<port>\d+))?(\?(?P<query>.*))?")
_PORTS = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")


def port_range(text: str) -> tuple[int, int] | None:
    """``50000-50100`` as the lowest and the highest port, ``50000`` as both; ``""``: any free port, ``None``."""
    if not text.strip():
        return None
    match = _PORTS.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a range of ports such as 50000-50100")
    low, high = int(match[1]), int(match[2] or match[1])
    if not LOWEST_PORT <= low <= high <= HIGHEST_PORT:
        raise ValueError(f"must go up, within {LOWEST_PORT} to {HIGHEST_PORT}")
    return low, high


def is_ip(text: str) -> bool:
    """Whether ``text`` is an IPv4 or IPv6 address, without brackets and port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check_public_address(text: str) -> str:
    """An IP address that others can send to, or a host name, as it was given."""
    if is_ip(text):
        address = ipaddress.ip_address(text)
        if address.is_unspecified or address.is_multicast:
            raise ValueError("is no address of one machine that others could send to")
    elif not is_host_name(text):
        raise ValueError("is neither an IP address nor a host name; write it without a port, such as 203.0.113.7")
    return text


def check_stun(text: str) -> str:
    """``stun:HOST`` or ``stun:HOST:PORT`` (RFC 7064), as it was given."""
    match = _SERVER.fullmatch(text)
    if match is None or match["scheme"] != "stun" or match["query"] is not None or not _is_reachable(match):
        raise ValueError("must look like stun:stun.example.org:3478")
    return text


def check_turn(text: str) -> str:
    """``turn:HOST``, ``turn:HOST:PORT?transport=udp`` or ``=tcp``, or ``turns:`` (RFC 7065), as it was given."""
    match = _SERVER.fullmatch(text)
    transports = (None, "transport=udp", "transport=tcp")
    if match is None or match["scheme"] not in ("turn", "turns") or match["query"] not in transports:
        raise ValueError("must look like turn:turn.example.org:3478?transport=udp (or tcp; or turns:…)")
    if not _is_reachable(match):
        raise ValueError("must name a host, and a port from 1 to 65535 if it names one")
    return text


def _is_reachable(server: re.Match[str]) -> bool:
    host = server["host"]
    named = is_ip(host[1:-1]) if host.startswith("[") else is_ip(host) or is_host_name(host)
    return named and (server["port"] is None or 1 <= int(server["port"]) <= HIGHEST_PORT)


def is_host_name(text: str) -> bool:
    """By RFC 1123. A name whose last part is a number would be taken for an IPv4 address."""
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
