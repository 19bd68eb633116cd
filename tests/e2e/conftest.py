from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.e2e.serving import Served, serving
from tts.engines import flite_library


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all of these tests: warming up takes seconds, and calls must not disturb one another anyway."""
    if not flite_library.is_installed() or shutil.which("flite") is None:
        pytest.skip("flite is not installed")
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server
