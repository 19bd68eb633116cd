"""Where the files of the user who runs the server belong, by the XDG base directory specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def caches(environment: Mapping[str, str]) -> Path | None:
    """What may be deleted at any time; ``None`` where nobody's home is known."""
    return _folder(environment, "XDG_CACHE_HOME", ".cache")


def states(environment: Mapping[str, str]) -> Path | None:
    """What should last between runs; ``None`` where nobody's home is known."""
    return _folder(environment, "XDG_STATE_HOME", ".local/state")


def _folder(environment: Mapping[str, str], variable: str, under_home: str) -> Path | None:
    named = Path(environment.get(variable, ""))
    if named.is_absolute():  # the specification has relative ones ignored
        return named / "stretto"
    home = environment.get("HOME", "")
    return Path(home) / under_home / "stretto" if home else None
