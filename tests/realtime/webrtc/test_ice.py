"""How long a path is believed in, on a virtual clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice.ice import Connection
from aioice.stun import TransactionTimeout

from realtime.webrtc.ice import CONSENT_CHECK_SECONDS, CONSENT_RETRY_SECONDS, CONSENT_SECONDS, check_consent
from scheduler.virtual_time import run


class Path:
    """Stands for an ``aioice`` connection: ``answers(now)`` tells whether one of a check's datagrams is answered."""

    def __init__(self, answers: Callable[[float], bool]) -> None:
        self.remote_password = "secret"
        self.asked_at: list[float] = []
        self.closed_at: float | None = None
        self._query_consent_task: object = "running"
        self._answers = answers
        self._nominated = {1: SimpleNamespace(protocol=self, remote_addr=("192.0.2.1", 9))}

    def build_request(self, pair: Any, *, nominate: bool) -> str:
        return "request"

    async def request(self, *_: Any, integrity_key: bytes, retransmissions: int) -> None:
        assert integrity_key == b"secret"
        loop = asyncio.get_running_loop()
        self.asked_at.append(loop.time())
        for sent in range(retransmissions + 1):
            if self._answers(loop.time()):
                return
            await asyncio.sleep(0.5 * 2**sent)  # virtual: as aioice waits for an answer
        raise TransactionTimeout

    async def close(self) -> None:
        assert self._query_consent_task is None, "it would wait for itself"
        self.closed_at = asyncio.get_running_loop().time()


def checked(path: Path, seconds: float) -> None:
    async def main() -> None:
        try:
            async with asyncio.timeout(seconds):
                await check_consent(cast(Connection, path))
        except TimeoutError:
            pass

    run(main)


def test_a_path_that_answers_is_asked_every_few_seconds() -> None:
    path = Path(lambda _: True)
    checked(path, 600)
    assert path.closed_at is None
    assert len(path.asked_at) == pytest.approx(600 / CONSENT_CHECK_SECONDS, rel=0.2)


def test_a_path_that_went_silent_is_given_up_in_time() -> None:
    path = Path(lambda now: now < 100)
    checked(path, 600)
    assert path.closed_at is not None
    assert CONSENT_SECONDS <= path.closed_at - max(at for at in path.asked_at if at < 100) <= CONSENT_SECONDS + 5


def test_a_line_that_loses_a_third_of_all_checks_for_an_hour_is_kept() -> None:
    chance = random.Random(7)
    path = Path(lambda _: chance.random() > 0.36)
    checked(path, 3600)
    assert path.closed_at is None


def test_after_a_lost_check_the_next_comes_soon() -> None:
    path = Path(lambda now: now > 14)
    checked(path, 18)
    first, second = path.asked_at[:2]
    assert second - first <= 3.5 + 1.2 * CONSENT_RETRY_SECONDS
