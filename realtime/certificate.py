"""The certificate for HTTPS: the one that is given, or the server's own, signed by itself.

The own one is kept, so that what a browser was told about it once stays true, and made anew only when it runs out or
the machine has an address that it does not name. It is no authority: who trusts it trusts this server and nothing else.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from realtime.addresses import is_host_name, is_ip
from realtime.lan import lan_addresses
from realtime.private_files import replace_private
from realtime.settings import Settings
from realtime.user_folders import states
from scheduler.errors import SettingsError

DAYS_VALID = 365
"""Browsers take at most 398 days (CA/Browser Forum, ballot SC22), iOS 825 for certificates trusted by hand."""
RENEWED_BEFORE = datetime.timedelta(days=30)
MAX_NAMES = 60
"""Names of former networks are kept in the certificate up to so many: who moves between two needs one certificate."""
BOTH_FILE, CERTIFICATE_FILE = "server.pem", "certificate.pem"
"""Key and certificate in one file, so that they always belong together; the certificate alone is for clients."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """``certificate_file``: PEM, with the chain; ``key_file``: PEM, may be the same file. ``names``: host names and
    addresses that it is for. ``fingerprint``: SHA-256 as browsers show it."""

    certificate_file: Path
    key_file: Path
    names: tuple[str, ...]
    fingerprint: str
    ends_at: datetime.datetime
    is_own: bool


def certificate_for(settings: Settings, environment: Mapping[str, str] = os.environ) -> Certificate:
    """The given or the own certificate, ready to be used now. Raises ``SettingsError``."""
    server, now = settings.server, datetime.datetime.now(datetime.UTC)
    if server.tls_cert is not None and server.tls_key is not None:
        return given_certificate(server.tls_cert, server.tls_key, now)
    needed, also = names_for(settings)
    return own_certificate(own_folder(environment), needed, now, also=also)


def own_folder(environment: Mapping[str, str]) -> Path:
    """Where the own certificate is kept. Raises ``SettingsError`` where no user's home is known."""
    folder = states(environment)
    if folder is None:
        raise SettingsError(
            "There is no home folder to keep a certificate in: set HOME or XDG_STATE_HOME, or give --cert and --key."
        )
    return folder / "tls"


def names_for(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that the own certificate must have, and those it has if it is made anew.

    IPv6 addresses change by the day where privacy extensions are on, and host names with each container: that must not
    cost a browser's exception each time.
    """
    here, lan = socket.gethostname().lower(), lan_addresses()
    set_by_hand = map(_canonical, (settings.server.host.lower(), settings.webrtc.public_address.lower()))
    in_reach = [address for address in lan if ":" not in address]
    needed = dict.fromkeys(("localhost", "127.0.0.1", "::1", *filter(_is_name, set_by_hand), *in_reach))
    also = dict.fromkeys((*filter(_is_name, (here, f"{here.partition('.')[0]}.local")), *lan))
    return tuple(needed), tuple(name for name in also if name not in needed)


def _canonical(name: str) -> str:
    """As it stands in a certificate: an IPv6 address can be written in many ways."""
    return str(ipaddress.ip_address(name)) if is_ip(name) else name


def _is_name(text: str) -> bool:
    """Of one machine: ``0.0.0.0`` is none."""
    return not ipaddress.ip_address(text).is_unspecified if is_ip(text) else is_host_name(text)


# --- given ------------------------------------------------------------------------------------------------


def given_certificate(certificate_file: Path, key_file: Path, now: datetime.datetime) -> Certificate:
    """Somebody's own certificate and key, both PEM. Raises ``SettingsError`` with what is wrong with them."""
    leaf, key = _read_certificate(certificate_file), _read_key(key_file)
    if _public_bytes(leaf) != _public_bytes(key):
        raise SettingsError(f"The key {key_file} does not belong to the certificate {certificate_file}.")
    if leaf.not_valid_before_utc > now:
        raise SettingsError(
            f"The certificate {certificate_file} is not valid before {_day(leaf.not_valid_before_utc)}."
        )
    if leaf.not_valid_after_utc <= now:
        raise SettingsError(
            f"The certificate {certificate_file} ran out on {_day(leaf.not_valid_after_utc)}; renew it."
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_file, key_file)
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "reason", None) or error.strerror
        raise SettingsError(f"The certificate {certificate_file} can't be used for HTTPS: {why}.") from None
    return _described(leaf, certificate_file, key_file, is_own=False)


def _read_certificate(file: Path) -> x509.Certificate:
    """The first one: of the server itself; its issuers follow."""
    try:
        return x509.load_pem_x509_certificates(_read(file, "certificate"))[0]
    except ValueError:
        raise SettingsError(f"The file {file} holds no certificate in PEM form.") from None


def _read_key(file: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(_read(file, "key"), password=None)
    except TypeError:
        raise SettingsError(f"The key {file} is locked by a passphrase; the server needs one without.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"The file {file} holds no private key in PEM form.") from None


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"There is no {what} {file}.") from None
    except OSError as error:
        raise SettingsError(f"The {what} {file} can't be read: {error.strerror}.") from None


def _public_bytes(holder: x509.Certificate | PrivateKeyTypes) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return holder.public_key().public_bytes(encoding, form)


def _day(moment: datetime.datetime) -> str:
    return moment.date().isoformat()


# --- own --------------------------------------------------------------------------------------------------


def own_certificate(
    folder: Path, needed: Sequence[str], now: datetime.datetime, *, also: Sequence[str] = ()
) -> Certificate:
    """The one kept in ``folder`` if it is good for the ``needed`` names for a while, else a new one.

    Raises ``SettingsError`` where the folder can't be written to.
    """
    kept = _kept(folder / BOTH_FILE)
    if kept is not None and set(needed) <= set(kept.names) and now < kept.ends_at - RENEWED_BEFORE:
        return kept
    former = kept.names if kept is not None else ()
    names = tuple(dict.fromkeys((*needed, *also, *former)))[: max(MAX_NAMES, len(needed))]
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _signed_by_itself(key, names, now)
    try:
        _keep(folder, leaf, key)
    except OSError as error:
        raise SettingsError(
            f"The server's certificate can't be kept in {folder}: {error.strerror}; "
            "set XDG_STATE_HOME to a folder of yours, or give --cert and --key."
        ) from None
    return _described(leaf, folder / BOTH_FILE, folder / BOTH_FILE, is_own=True)


def _kept(file: Path) -> Certificate | None:
    """``None`` for what is not there, or broken: it is made anew then."""
    try:
        leaf, key = _read_certificate(file), _read_key(file)
    except SettingsError:
        return None
    return _described(leaf, file, file, is_own=True) if _public_bytes(leaf) == _public_bytes(key) else None


def _signed_by_itself(
    key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime.datetime
) -> x509.Certificate:
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Stretto on {socket.gethostname()}"[:64])])
    alternatives = [x509.IPAddress(ipaddress.ip_address(n)) if is_ip(n) else x509.DNSName(n) for n in names]
    builder = x509.CertificateBuilder(issuer_name=who, subject_name=who, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))  # phones' clocks may be behind
    builder = builder.not_valid_after(now + datetime.timedelta(days=DAYS_VALID))
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectAlternativeName(alternatives), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_signs_handshakes_only(), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256())


def _signs_handshakes_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _keep(folder: Path, leaf: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(encoding, form, serialization.NoEncryption())
    replace_private(folder / BOTH_FILE, secret + leaf.public_bytes(encoding))
    replace_private(folder / CERTIFICATE_FILE, leaf.public_bytes(encoding))


def _described(leaf: x509.Certificate, certificate_file: Path, key_file: Path, *, is_own: bool) -> Certificate:
    fingerprint = leaf.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(certificate_file, key_file, _names_of(leaf), fingerprint, leaf.not_valid_after_utc, is_own)


def _names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = alternatives.get_values_for_type(x509.IPAddress)
    return (*alternatives.get_values_for_type(x509.DNSName), *map(str, addresses))
