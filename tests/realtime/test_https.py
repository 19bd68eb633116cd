"""HTTPS on real sockets: the certificate is the one that is told of, websockets work, and the key of a run stays out of
the log."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from realtime.keys import KEY_SUBPROTOCOL, Keys, presented_key
from realtime.origins import origin_allowed
from realtime.settings import load_settings, refuse_to_be_open, with_key_of_this_run
from realtime.talk import Talk, TalkError, TalkOptions
from tests.realtime.test_serve import served
from tests.realtime.wire.fake_session import fake_server


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """Where the server leaves its certificate for clients."""
    return tmp_path / "stretto" / "tls" / "certificate.pem"


def port_of(line: str) -> int:
    return int(line.strip().rpartition(":")[2])


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it printed since its last line that was read, and its log. (``communicate`` misses what is buffered here.)"""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(signal.SIGTERM)
    return process.stdout.read(), process.stderr.read()


@pytest.mark.slow
def test_https_and_wss_with_the_servers_own_certificate(trust: Path) -> None:
    with served(0, "server.https=true") as (process, line):
        assert line.startswith("ready https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(trust))
        for host in ("127.0.0.1", "localhost"):
            assert httpx.get(f"https://{host}:{port_of(line)}/health", verify=context).text == "well"
        with connect(f"wss://localhost:{port_of(line)}/echo", ssl=context) as websocket:
            websocket.send("hello")
            assert [websocket.recv(), websocket.recv()] == ["come in", "hello"]
        out, _ = ended(process)
    der = ssl.PEM_cert_to_DER_cert(trust.read_text())
    assert f"SHA-256 {hashlib.sha256(der).digest().hex(':').upper()}" in out
    assert "#key=" not in out


@pytest.mark.slow
def test_a_second_start_shows_the_same_certificate(trust: Path) -> None:
    shown = []
    for _ in range(2):
        with served(0, "server.https=true") as (_, line):
            shown.append(ssl.get_server_certificate(("127.0.0.1", port_of(line))))
    assert shown[0] == shown[1]


@pytest.mark.slow
def test_beyond_loopback_the_address_carries_a_key_that_is_in_no_log(trust: Path) -> None:
    with served(0, "server.https=true", "server.host=0.0.0.0", "server.qr=always", "log.level=debug") as (
        process,
        line,
    ):
        context = ssl.create_default_context(cafile=str(trust))
        assert process.stdout is not None
        address = ""
        while "SHA-256" not in (told := process.stdout.readline()):
            address = address or told.strip().removeprefix("open ")
        key = address.rpartition("#key=")[2]
        admissions = [_greeting(port_of(line), context, given) for given in (key, "sk_guessed")]
        out, err = ended(process)
    assert address.startswith("https://")
    assert len(key) > 20
    assert admissions == ["come in", "who are you?"]
    assert "\u2588" in out, "the QR code"
    assert key not in err


def _greeting(port: int, context: ssl.SSLContext, key: str) -> str:
    with connect(
        f"wss://127.0.0.1:{port}/echo", ssl=context, additional_headers={"Authorization": f"Bearer {key}"}
    ) as websocket:
        greeting = str(websocket.recv())
        websocket.send("bye")
    return greeting


@pytest.mark.slow
def test_a_plain_client_harms_nothing(trust: Path) -> None:
    with served(0, "server.https=true") as (process, line):
        with socket.create_connection(("127.0.0.1", port_of(line)), timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.recv(100)
        context = ssl.create_default_context(cafile=str(trust))
        assert httpx.get(f"https://127.0.0.1:{port_of(line)}/health", verify=context).text == "well"
        _, err = ended(process)
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_certificate_that_is_missing_is_told_in_one_sentence() -> None:
    with served(0, "server.tls_cert=no.pem", "server.tls_key=no.pem") as (process, line):
        _, err = process.communicate(timeout=20)
    assert line == ""
    assert err.strip() == "There is no certificate no.pem."


@pytest.mark.slow
def test_a_caller_who_does_not_trust_it_is_told_how_to() -> None:
    with served(0, "server.https=true") as (_, line):
        talk = Talk(TalkOptions(f"https://127.0.0.1:{port_of(line)}"), [], report=lambda _: None)
        with pytest.raises(TalkError, match=r"does not trust .* SSL_CERT_FILE"):
            asyncio.run(talk.run())


def test_a_key_is_made_only_where_it_is_needed_and_safe() -> None:
    def made(**server: object) -> str | None:
        return with_key_of_this_run(load_settings(flags={f"server.{key}": value for key, value in server.items()}))[1]

    assert made(https=True, host="0.0.0.0")
    assert made(https=True, host="0.0.0.0") != made(https=True, host="0.0.0.0")
    assert made(host="0.0.0.0") is None
    assert made(https=True) is None
    assert made(https=True, host="0.0.0.0", api_keys="mine") is None
    assert made(https=True, host="0.0.0.0", open_to_the_world=True) is None


def test_the_key_of_a_run_opens_the_door_for_it_alone() -> None:
    settings, key = with_key_of_this_run(load_settings(flags={"server.https": True, "server.host": "0.0.0.0"}))
    refuse_to_be_open(settings)
    keys = Keys(settings.server.api_keys)
    assert keys.admit(key)
    assert not keys.admit(None)
    assert key is not None
    assert presented_key(None, ["realtime", f"{KEY_SUBPROTOCOL}{key}"]) == key


def test_with_the_key_of_a_run_the_page_may_come_from_any_of_the_machines_addresses() -> None:
    settings, _ = with_key_of_this_run(load_settings(flags={"server.https": True, "server.host": "0.0.0.0"}))
    server, _ = fake_server(api_keys=settings.server.api_keys, host="0.0.0.0", https=True)
    assert origin_allowed(server, "https://192.168.1.5:8080", "192.168.1.5:8080")
    assert server.keys.admit(None) is None  # a page that got here by DNS rebinding has no key


def test_on_loopback_https_lets_in_the_same_pages_as_http() -> None:
    server, _ = fake_server(https=True)
    assert origin_allowed(server, "https://localhost:8080", "localhost:8080")
    assert not origin_allowed(server, "https://evil.example:8080", "evil.example:8080")
