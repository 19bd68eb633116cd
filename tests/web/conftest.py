from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    """Of a server with the engines it has by default."""
    from tests.web.browsing import served

    with served() as (_, address):
        yield address


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """One for all: it keeps an event loop running in this thread, where a second one finds no place."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its microphone hears silence."""
    from tests.web.browsing import chromium, record

    with chromium(playwright, record(tmp_path_factory.mktemp("microphone") / "silence.wav", 5.0)) as browser:
        yield browser
