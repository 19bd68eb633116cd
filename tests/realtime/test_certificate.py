"""Certificates: the own one lasts as long as it is good, and a given one that can't be used is told in one sentence."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from realtime.addresses import is_ip
from realtime.certificate import (
    BOTH_FILE,
    CERTIFICATE_FILE,
    MAX_NAMES,
    Certificate,
    certificate_for,
    given_certificate,
    names_for,
    own_certificate,
)
from realtime.lan import lan_addresses
from realtime.settings import load_settings
from scheduler.errors import SettingsError

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
NAMES = ("localhost", "127.0.0.1", "192.168.1.5")


def days(number: float) -> datetime.timedelta:
    return datetime.timedelta(days=number)


def refused(certificate: Path, key: Path, now: datetime.datetime = NOW) -> str:
    with pytest.raises(SettingsError) as caught:
        given_certificate(certificate, key, now)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    return own_certificate(tmp_path / "tls", NAMES, NOW, also=("fd00::2",))


@pytest.fixture
def pair(tmp_path: Path, own: Certificate) -> tuple[Path, Path]:
    """(certificate, key): apart, as they are given."""
    key = tmp_path / "key.pem"
    key.write_bytes(own.key_file.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0])
    return tmp_path / "tls" / CERTIFICATE_FILE, key


def test_the_own_one_is_for_the_user_alone_and_no_authority(own: Certificate) -> None:
    folder = own.certificate_file.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        BOTH_FILE: 0o600,
        CERTIFICATE_FILE: 0o600,
    }
    assert b"PRIVATE" not in (folder / CERTIFICATE_FILE).read_bytes()
    leaf = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert set(own.names) == {*NAMES, "fd00::2"}
    assert len(own.fingerprint.split(":")) == 32


def test_the_own_one_is_kept_while_it_is_good(own: Certificate) -> None:
    folder = own.certificate_file.parent
    assert own_certificate(folder, NAMES, NOW + days(300)) == own
    assert own_certificate(folder, NAMES[:2], NOW, also=("fd00::99",)) == own


def test_it_is_renewed_before_it_runs_out(own: Certificate) -> None:
    renewed = own_certificate(own.certificate_file.parent, NAMES, NOW + days(340))
    assert renewed.fingerprint != own.fingerprint
    assert renewed.ends_at == NOW + days(340 + 365)


def test_a_new_address_makes_a_new_one_that_keeps_the_former_names(own: Certificate) -> None:
    folder = own.certificate_file.parent
    moved = own_certificate(folder, ("localhost", "10.0.0.7"), NOW)
    assert moved.fingerprint != own.fingerprint
    assert set(moved.names) == {*NAMES, "fd00::2", "10.0.0.7"}
    assert own_certificate(folder, NAMES, NOW) == moved  # who comes home again needs no third one


def test_former_names_are_bounded(own: Certificate) -> None:
    folder = own.certificate_file.parent
    for subnet in range(80):
        latest = own_certificate(folder, (f"10.0.{subnet}.1",), NOW)
    assert len(latest.names) == MAX_NAMES
    assert "10.0.79.1" in latest.names


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_a_broken_one_is_made_anew(own: Certificate, content: bytes) -> None:
    own.certificate_file.write_bytes(content)
    assert own_certificate(own.certificate_file.parent, NAMES, NOW).fingerprint != own.fingerprint


def test_a_place_that_can_not_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match="can't be kept in"):
        own_certificate(tmp_path / "tls", NAMES, NOW)
    with pytest.raises(SettingsError, match="no home folder"):
        certificate_for(load_settings(flags={"server.https": True}), {})


def test_it_names_all_that_the_server_may_be_called() -> None:
    flags = {"server.host": "Voice.local", "webrtc.public_address": "203.0.113.7"}
    needed, also = names_for(load_settings(flags=flags))
    assert {"localhost", "127.0.0.1", "::1", "voice.local", "203.0.113.7"} <= set(needed)
    assert {socket.gethostname().lower(), *lan_addresses()} <= {*needed, *also}
    spelled = load_settings(flags={"webrtc.public_address": "2001:DB8:0::5"})
    assert "2001:db8::5" in names_for(spelled)[0], "as the certificate will tell it"
    assert not {"", "0.0.0.0"} & set(names_for(load_settings(flags={"server.host": "0.0.0.0"}))[0])


def test_addresses_are_in_order_and_for_others() -> None:
    found = lan_addresses()
    assert all(map(is_ip, found))
    assert not any(address.startswith(("127.", "fe80")) or address in ("::1", "0.0.0.0") for address in found)
    assert sorted(found, key=lambda address: ":" in address) == list(found)


def test_a_given_one_is_taken(pair: tuple[Path, Path], own: Certificate) -> None:
    given = given_certificate(*pair, NOW)
    assert (given.fingerprint, given.names, given.is_own) == (own.fingerprint, own.names, False)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(given.certificate_file, given.key_file)


def test_a_given_one_is_valid_now(pair: tuple[Path, Path]) -> None:
    assert "ran out on 2031-01-01; renew it" in refused(*pair, NOW + days(400))
    assert "is not valid before 2029-12-31" in refused(*pair, NOW - days(30))


def test_what_is_no_certificate_or_key_is_told(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    assert refused(tmp_path / "none.pem", key) == f"There is no certificate {tmp_path / 'none.pem'}."
    assert refused(certificate, tmp_path / "none.pem") == f"There is no key {tmp_path / 'none.pem'}."
    assert "holds no certificate" in refused(key, key)
    assert "holds no private key" in refused(certificate, certificate)
    assert "can't be read" in refused(tmp_path, key)


def test_a_key_of_another_certificate_is_told(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = own_certificate(tmp_path / "other", NAMES, NOW)
    assert "does not belong to the certificate" in refused(pair[0], other.key_file)


def test_a_locked_key_is_told_and_nothing_is_asked(pair: tuple[Path, Path], tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    protection = serialization.BestAvailableEncryption(os.urandom(8).hex().encode())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(encoding, form, protection))
    assert "is locked by a passphrase" in refused(pair[0], locked)
