from __future__ import annotations

import pytest

from realtime.keys import MAX_SECRET_SESSION_BYTES, Keys, SecretSessionTooLongError, presented_key


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_without_keys_everybody_comes_in() -> None:
    keys = Keys()
    assert keys.admit(None) is not None
    assert keys.admit("sk-anything") is not None
    assert keys.admit_to_mint(None) is not None


def test_with_keys_only_they_open() -> None:
    keys = Keys(["one", "zwei-ü"])
    assert keys.admit("one") is not None
    assert keys.admit("zwei-ü") is not None
    for wrong in (None, "", "on", "one ", "ONE"):
        assert keys.admit(wrong) is None


def test_a_secret_opens_a_session_until_it_expires_and_makes_no_secrets() -> None:
    clock = Clock()
    keys = Keys(["one"], clock=clock)
    secret = keys.mint({"type": "realtime"}, 60)
    assert secret.value.startswith("ek_")
    assert secret.expires_at == 1060
    grant = keys.admit(secret.value)
    assert grant is not None
    assert grant.session == {"type": "realtime"}
    assert keys.admit_to_mint(secret.value) is None
    clock.now = 1060.0
    assert keys.admit(secret.value) is None


def test_without_keys_a_secret_counts_until_it_expires_and_is_refused_then() -> None:
    clock = Clock()
    keys = Keys(clock=clock)
    secret = keys.mint({"type": "realtime"}, 60)
    grant = keys.admit(secret.value)
    assert grant is not None
    assert grant.session == {"type": "realtime"}
    clock.now = 1060.0
    assert keys.admit(secret.value) is None
    assert keys.admit("ek_guess") is None


def test_the_session_of_a_secret_has_a_bound() -> None:
    keys = Keys()
    most = MAX_SECRET_SESSION_BYTES - len('{"instructions":""}')
    assert keys.admit(keys.mint({"instructions": "x" * most}).value) is not None
    for text in ("x" * (most + 1), "ü" * (most // 2)):
        with pytest.raises(SecretSessionTooLongError, match="64 KiB"):
            keys.mint({"instructions": text})


@pytest.mark.parametrize("seconds", [9, 7201, -1])
def test_the_life_of_a_secret_has_bounds(seconds: int) -> None:
    with pytest.raises(ValueError, match="10 to 7200"):
        Keys().mint({}, seconds)


def test_the_store_of_secrets_is_bounded() -> None:
    clock = Clock()
    keys = Keys(["one"], clock=clock, capacity=3)
    short = keys.mint({}, 10)
    long = [keys.mint({}, 100) for _ in range(2)]
    clock.now += 20
    newer = keys.mint({}, 100)
    assert keys.admit(short.value) is None
    assert all(keys.admit(secret.value) for secret in (*long, newer))
    keys.mint({}, 100)
    assert keys.admit(long[0].value) is None


def test_where_keys_are_found() -> None:
    assert presented_key("Bearer k1") == "k1"
    assert presented_key("bearer  k1 ") == "k1"
    assert presented_key("Basic k1") is None
    assert presented_key(None, ["realtime", "openai-insecure-api-key.k2", "openai-agents-sdk.1"]) == "k2"
    assert presented_key("Bearer", ["realtime"]) is None
