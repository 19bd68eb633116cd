"""The banner: where others reach the server, what they need for it, and the same as a QR code."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import segno

from realtime.banner import make_banner, qr_lines
from realtime.certificate import Certificate
from realtime.settings import load_settings

LAN = ("192.168.1.5", "10.0.0.3", "fd00::2")
ADDRESS = "https://192.168.1.5:8080/#key=sk_0123456789abcdefghijkl"


def certificate(*names: str, is_own: bool = True) -> Certificate:
    return Certificate(Path("c"), Path("k"), names, "AB:CD", datetime.datetime.max, is_own)


def addresses(flags: dict[str, object], shown: Certificate | None, key: str | None = None) -> tuple[str, ...]:
    return make_banner(load_settings(flags=flags), 8080, LAN, shown, key).addresses


def test_plain_loopback_needs_no_words() -> None:
    assert make_banner(load_settings(), 8080, LAN, None, None).text() == ""


def test_https_on_loopback_tells_how_a_phone_gets_in() -> None:
    text = make_banner(load_settings(flags={"server.https": True}), 8080, LAN, certificate(), None).text()
    assert "add --host 0.0.0.0" in text
    assert "SHA-256 AB:CD" in text


def test_the_address_carries_the_key_of_this_run() -> None:
    flags = {"server.host": "0.0.0.0", "server.https": True}
    shown = make_banner(load_settings(flags=flags), 8080, LAN, certificate(), "sk_1")
    assert shown.addresses == ("https://192.168.1.5:8080/#key=sk_1", "https://10.0.0.3:8080/#key=sk_1")
    assert "made for this run" in shown.text()
    assert "browsers warn once" in shown.text()


def test_a_chosen_key_is_not_shown() -> None:
    flags = {"server.host": "0.0.0.0", "server.https": True, "server.api_keys": "mine-alone"}
    text = make_banner(load_settings(flags=flags), 8080, LAN, certificate(), None).text()
    assert "mine-alone" not in text
    assert "The page asks for the key." in text


def test_without_https_the_microphone_is_missed() -> None:
    flags = {"server.host": "192.168.1.5", "server.api_keys": "k"}
    shown = make_banner(load_settings(flags=flags), 8080, LAN, None, None)
    assert shown.addresses == ("http://192.168.1.5:8080/",)
    assert "add --https" in shown.text()


@pytest.mark.parametrize(
    ("host", "first", "number"),
    [
        ("0.0.0.0", "https://203.0.113.7:8080/", 3),
        ("::", "https://203.0.113.7:8080/", 4),
        ("fd00::2", "https://[fd00::2]:8080/", 1),
    ],
)
def test_what_is_listened_on_decides(host: str, first: str, number: int) -> None:
    flags = {"server.host": host, "server.https": True, "webrtc.public_address": "203.0.113.7"}
    found = addresses(flags, certificate())
    assert (found[0], len(found)) == (first, number)


def test_a_given_certificate_names_the_server() -> None:
    flags = {"server.host": "0.0.0.0", "server.https": True}
    given = certificate("talk.example.org", "*.example.org", "localhost", "127.0.0.1", is_own=False)
    assert addresses(flags, given) == ("https://talk.example.org:8080/",)
    assert addresses(flags, certificate("*.example.org", is_own=False))[0] == "https://192.168.1.5:8080/"


def test_the_usual_port_is_left_out() -> None:
    flags = {"server.host": "192.168.1.5", "server.https": True}
    assert make_banner(load_settings(flags=flags), 443, LAN, certificate(), None).addresses == ("https://192.168.1.5/",)


def test_the_qr_code_holds_the_address() -> None:
    """segno reads no codes: the drawn blocks are taken back to a matrix and compared with the one it makes."""
    halves = {" ": (1, 1), "\u2580": (0, 1), "\u2584": (1, 0), "\u2588": (0, 0)}
    rows: list[list[int]] = []
    for line in qr_lines(ADDRESS, coloured=False):
        rows += [list(row) for row in zip(*(halves[block] for block in line), strict=True)]
    code = segno.make(ADDRESS, error="l", micro=False)
    expected = [list(row) for row in code.matrix_iter(border=4)]
    assert rows[: len(expected)] == expected
    assert len(expected[0]) <= 60, "a terminal of 80 columns must be wide enough"


def test_colours_do_not_depend_on_the_terminals_own() -> None:
    plain, coloured = qr_lines(ADDRESS, coloured=False), qr_lines(ADDRESS, coloured=True)
    assert coloured == [f"\x1b[97;40m{line}\x1b[0m" for line in plain]
