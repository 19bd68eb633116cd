"""Which addresses this machine has in its own network."""

from __future__ import annotations

import ipaddress
import socket

import ifaddr

_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of documentation, that lie behind the default route of every machine (RFC 5737, RFC 3849)."""


def lan_addresses() -> tuple[str, ...]:
    """Those that others in the network can reach, best first: of the default routes, then of the other interfaces;
    IPv4 before IPv6."""
    found = dict.fromkeys(address for address in (*_of_default_routes(), *_of_interfaces()) if _is_for_others(address))
    return tuple(sorted(found, key=lambda address: ":" in address))


def _of_default_routes() -> list[str]:
    """Connecting a datagram socket sends nothing; it only chooses the address that packets would come from."""
    found = []
    for family, elsewhere in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue  # no such route, or no such family
    return found


def _of_interfaces() -> list[str]:
    try:
        adapters = ifaddr.get_adapters()
    except OSError:
        return []
    return [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for adapter in adapters for ip in adapter.ips]


def _is_for_others(text: str) -> bool:
    """Link-local IPv6 addresses are left out: browsers can't be given the interface that they need."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return not (address.is_loopback or address.is_unspecified or (address.version == 6 and address.is_link_local))
