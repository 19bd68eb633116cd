"""Handlers that the tests of workers run in children."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable


class EchoStream:
    def __init__(self, greeting: object) -> None:
        self._greeting = greeting

    def receive(self, message: object) -> Iterable[object]:
        match message:
            case "die":
                os._exit(9)
            case "raise":
                raise ValueError("a bad message")
            case "noise":
                print("noise on stdout")
                print("a complaint", file=sys.stderr, flush=True)
                yield "noisy"
            case ("sleep", float(seconds)):
                time.sleep(seconds)
                yield "slept"
            case ("count", int(n)):
                yield from range(n)
            case _:
                yield (self._greeting, message)

    def close(self) -> None:
        pass


class Echo:
    def open(self, message: object) -> EchoStream:
        return EchoStream(message)

    def idle(self) -> None:
        pass


def make_echo() -> Echo:
    return Echo()


def refuse(why: str) -> Echo:
    raise RuntimeError(why)
