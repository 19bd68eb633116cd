"""Files that hold secrets or what callers said: for the user alone who runs the server, whatever the umask."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def create_private(path: Path) -> None:
    """A new, empty file of mode 0600, in a folder that is made with mode 0700 where there is none.

    A folder that is there keeps its mode. Raises ``OSError``; ``FileExistsError`` if the file is there already.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)


def replace_private(path: Path, content: bytes) -> None:
    """A file of mode 0600 with this content, in place of one that may be there; readers see either, never a part.

    Raises ``OSError``.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        create_private(fresh)
        fresh.write_bytes(content)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
