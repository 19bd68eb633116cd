"""A bad line made by the kernel: the caller in a network namespace of its own, ``tc netem`` on both ends of the wire.

Wants root, ``ip`` and ``tc`` (Debian: iproute2) and a kernel with ``sch_netem``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

NETEM = {
    "clean": "",
    "loss": "loss random 5%",
    "bursts": "loss gemodel 5% 20% 100% 0%",
    "jitter": "delay 50ms 50ms",
    "reorder": "delay 50ms reorder 90%",
}
"""The conditions of ``bench.webrtc_line`` in the words of tc-netem(8). Jitter there is uniform, and overtakes."""
NAMESPACE = "stretto-caller"
WIRE = ("stretto-here", "stretto-there")
"""At most 15 characters each."""
ADDRESSES = ("10.203.7.1", "10.203.7.2")
"""Of the server and of the caller."""
IN_NAMESPACE = ("ip", "netns", "exec", NAMESPACE)


class NoNetemError(RuntimeError):
    """This machine can't make such a line; the message says why."""


def why_not() -> str | None:
    """Why there is no ``netem`` here, in a sentence; ``None``: there is."""
    try:
        with namespaces(NETEM["loss"]):
            return None
    except NoNetemError as error:
        return str(error)


@contextmanager
def namespaces(netem: str) -> Iterator[str]:
    """The wire, and the caller's namespace at its end; gives the server's address. Raises ``NoNetemError``."""
    if os.geteuid() != 0:
        raise NoNetemError("Network namespaces want root.")
    if not (shutil.which("ip") and shutil.which("tc")):
        raise NoNetemError("ip and tc are not installed: apt-get install iproute2.")
    try:
        _make(netem)
        yield ADDRESSES[0]
    finally:
        _unmake()


def _make(netem: str) -> None:
    here, there = WIRE
    _unmake()
    _run(f"ip netns add {NAMESPACE}")
    _run(f"ip link add {here} type veth peer name {there} netns {NAMESPACE}")
    for name, address, prefix in ((here, ADDRESSES[0], ""), (there, ADDRESSES[1], f"ip netns exec {NAMESPACE} ")):
        _run(f"{prefix}ip address add {address}/24 dev {name}")
        _run(f"{prefix}ip link set {name} up")
        if netem:
            _run(f"{prefix}tc qdisc add dev {name} root netem limit 10000 {netem}")
    _run(f"ip netns exec {NAMESPACE} ip link set lo up")


def _unmake() -> None:
    """What is not there need not be removed. The wire's other end goes with it."""
    for command in (f"ip link delete {WIRE[0]}", f"ip netns delete {NAMESPACE}"):
        subprocess.run(command.split(), check=False, capture_output=True)


def _run(command: str) -> None:
    done = subprocess.run(command.split(), check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoNetemError(f"`{command}` failed: {done.stderr.strip() or done.returncode}")
