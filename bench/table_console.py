"""Where a bench prints its table."""

from __future__ import annotations

import os

from rich.console import Console

WIDTH = 150
"""Columns where no terminal tells how wide it is (a file, a pipe): rich would cut the headings to fit 80."""


def make_console(*, json: bool = False) -> Console:
    """Stdout; stderr where stdout is for ``--json``."""
    is_terminal = os.isatty(2 if json else 1)
    return Console(stderr=json, width=None if is_terminal else WIDTH)
