"""Pure: names for everything that goes over the wire."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

IdFactory = Callable[[str], str]
"""``new_id("item")`` gives a name nobody has, such as ``item_8fj2…``. Handed in, so that mapping stays pure."""


def counting_ids() -> IdFactory:
    """``item_1``, ``resp_1``, ``item_2`` …: for tests and replays."""
    counters: dict[str, count[int]] = {}

    def new_id(prefix: str) -> str:
        return f"{prefix}_{next(counters.setdefault(prefix, count(1)))}"

    return new_id
