"""Which web pages may use the server. Without keys, any page the user opens could reach a server on loopback."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from realtime.server import Server


def origin_allowed(server: Server, origin: str | None, host: str | None) -> bool:
    """``origin``, ``host``: the headers. Programs send no ``Origin``; with keys, or when open to the world, every
    page may come.

    A page's own host is not enough: by DNS rebinding a foreign page's name comes to mean loopback, and then ``Origin``
    and ``Host`` agree. So the page must also have asked for a name that is the server's own.
    """
    if not origin or server.keys.required or server.settings.server.open_to_the_world:
        return True
    try:
        page, asked_for = urlsplit(origin), urlsplit(f"//{host or ''}").hostname or ""
        page_name = page.hostname or ""
    except ValueError:
        return False
    is_own_name = _is_loopback(asked_for) or asked_for == server.settings.server.host.lower() != ""
    return is_own_name and (_is_loopback(page_name) or page.netloc == host)


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
