"""Who may use the server: API keys from the settings, and short-lived client secrets for browsers."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

SECRET_PREFIX = "ek_"
"""Clients check for it."""
MIN_SECRET_SECONDS, MAX_SECRET_SECONDS, DEFAULT_SECRET_SECONDS = 10, 7200, 600
"""As in the API."""
MAX_SECRET_SESSION_BYTES = 64 * 1024
"""As JSON. With the bound on their number, all secrets together keep at most 256 MiB."""
SUBPROTOCOL = "realtime"
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""Browsers can't set headers on a websocket; they send the key as a subprotocol that begins so."""


class SecretSessionTooLongError(ValueError):
    """The session of a client secret is longer than ``MAX_SECRET_SESSION_BYTES``."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """``expires_at``: Unix time, whole seconds. ``session``: what the session is set to when it is used; kept as the
    text of its JSON, whose size is known, unlike that of the objects it stands for."""

    value: str
    expires_at: int
    session: str = "{}"


@dataclass(frozen=True, slots=True)
class Grant:
    """The client may come in. ``session``: settings that its secret carries."""

    session: dict[str, Any] = field(default_factory=dict)


class Keys:
    """Without any key in the settings everybody is let in (the server listens on loopback then, or was told to), but
    for clients whose secret has expired: they count on the session that it carried.

    Client secrets are kept in memory: at most ``capacity``; the expired go first, then the oldest.
    """

    def __init__(
        self, api_keys: Iterable[str] = (), *, clock: Callable[[], float] = time.time, capacity: int = 4096
    ) -> None:
        self._keys = tuple(key.encode() for key in api_keys)
        self._secrets: OrderedDict[str, ClientSecret] = OrderedDict()
        self._clock = clock
        self._capacity = capacity

    @property
    def required(self) -> bool:
        return bool(self._keys)

    def admit(self, presented: str | None) -> Grant | None:
        """For opening a session: a server key or a valid client secret. ``None``: not admitted."""
        secret = self._find(presented) if presented else None
        if secret is not None:
            return Grant(json.loads(secret.session))
        if presented and presented.startswith(SECRET_PREFIX) and not self.required:
            return None
        return self.admit_to_mint(presented)

    def admit_to_mint(self, presented: str | None) -> Grant | None:
        """For making secrets: a server key only."""
        if not self.required:
            return Grant()
        given = (presented or "").encode()
        # every key is compared, so that the time taken tells nothing of which one nearly matched
        matches = [hmac.compare_digest(key, given) for key in self._keys]
        return Grant() if any(matches) else None

    def mint(self, session: dict[str, Any], seconds: int = DEFAULT_SECRET_SECONDS) -> ClientSecret:
        """A new secret; ``seconds`` must lie within the API's bounds (``ValueError``).

        Raises ``SecretSessionTooLongError``.
        """
        if not MIN_SECRET_SECONDS <= seconds <= MAX_SECRET_SECONDS:
            raise ValueError(f"a client secret lives {MIN_SECRET_SECONDS} to {MAX_SECRET_SECONDS} seconds")
        text = json.dumps(session, separators=(",", ":"))  # plain ASCII: characters are bytes
        if len(text) > MAX_SECRET_SESSION_BYTES:
            raise SecretSessionTooLongError(
                f"The session of a client secret may have at most {MAX_SECRET_SESSION_BYTES // 1024} KiB; "
                "send what is longer with session.update."
            )
        self._make_room()
        secret = ClientSecret(SECRET_PREFIX + secrets.token_hex(24), int(self._clock()) + seconds, text)
        self._secrets[secret.value] = secret
        return secret

    def _make_room(self) -> None:
        now = self._clock()
        for value in [value for value, secret in self._secrets.items() if secret.expires_at <= now]:
            del self._secrets[value]
        while len(self._secrets) >= self._capacity:
            self._secrets.popitem(last=False)

    def _find(self, presented: str) -> ClientSecret | None:
        """Secrets are 192 random bits: finding one through a hash table gives its digits away to nobody."""
        secret = self._secrets.get(presented)
        return secret if secret and secret.expires_at > self._clock() else None


def presented_key(authorization: str | None, subprotocols: Iterable[str] = ()) -> str | None:
    """The key in an ``Authorization: Bearer`` header or among a browser's subprotocols."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    for name in subprotocols:
        if name.startswith(KEY_SUBPROTOCOL):
            return name.removeprefix(KEY_SUBPROTOCOL)
    return None
