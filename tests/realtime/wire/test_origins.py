"""Without keys only pages of this machine may use the server, whatever name an attacker gives to loopback."""

from __future__ import annotations

import pytest

from realtime.origins import origin_allowed
from tests.realtime.wire.fake_session import fake_server


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "anything"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost:3000", "127.0.0.1:8080"),
        ("http://[::1]:3000", "[::1]:8080"),
        ("http://127.9.9.9", "localhost"),
    ],
)
def test_programs_and_pages_of_this_machine_may_come(origin: str | None, host: str) -> None:
    assert origin_allowed(fake_server()[0], origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "127.0.0.1:8080"),
        ("http://evil.example:8080", "evil.example:8080"),  # DNS rebinding
        ("http://127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("http://localhost:8080", "evil.example:8080"),
        ("http://localhost:8080", None),
        ("http://[", "127.0.0.1:8080"),
        ("http://127.0.0.1", "["),
        ("null", "127.0.0.1:8080"),
    ],
)
def test_pages_of_others_may_not(origin: str, host: str | None) -> None:
    assert not origin_allowed(fake_server()[0], origin, host)


def test_pages_under_the_configured_name_may_come() -> None:
    server, _ = fake_server(host="Voice.local")
    assert origin_allowed(server, "http://voice.local:8080", "voice.local:8080")
    assert not origin_allowed(server, "http://evil.example", "voice.local:8080")
    assert not origin_allowed(fake_server(host="")[0], "http://evil.example", None)


def test_with_keys_or_open_to_the_world_every_page_may_come() -> None:
    for settings in ({"api_keys": ["k"]}, {"open_to_the_world": True}):
        assert origin_allowed(fake_server(**settings)[0], "https://shop.example", "voice.example")
