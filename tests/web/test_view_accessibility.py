"""Axe finds no serious fault in any state of the page. It comes from npm (``make setup``); without it this is skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.browsing import ROOT, opened, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core here: install Node.js, then make setup"),
]

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

FAIL = """async (kind) => {
  const { Failure } = await import("/failures.js");
  const { FailureView } = await import("/failure_view.js");
  const { chooseStrings } = await import("/strings.js");
  new FailureView(chooseStrings(navigator.languages)).show(new Failure(kind, "detail"), false);
}"""


def faults(page: Page) -> list[str]:
    """What axe calls serious or critical, with the element and the reason."""
    page.evaluate(Path(AXE).read_text() + "; 0")  # the policy lets no script element in
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(({ violations }) => violations)")
    return [
        f"{fault['id']}: {node['target']}: {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def talk(page: Page) -> None:
    """An answer that was heard, one that was cut off, a choice to be silent, and what was thought."""
    for text in ("count to twenty", "hold on a second", "what is twelve times twelve"):
        page.fill("#typed", text)
        page.press("#typed", "Enter")
        wait_for(
            page,
            f"document.querySelectorAll('.user').length && [...document.querySelectorAll('.user')].at(-1).textContent.includes({json.dumps(text)})",
        )
        page.wait_for_timeout(1200)  # let it speak
    wait_for(page, "document.querySelectorAll('.agent .heard-words').length > 1")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_idle_failing_and_settings(
    address: str, browser: Browser, size: dict[str, int], scheme: str, locale: str
) -> None:
    with opened(browser, address, viewport=size, color_scheme=scheme, locale=locale) as page:
        assert faults(page) == []
        for kind in ("noPermission", "keyNeeded"):
            page.evaluate(FAIL, kind)
            assert faults(page) == []
        page.evaluate("document.activeElement.blur()")
        page.click("#dismiss")
        page.click("#open-settings")
        page.wait_for_timeout(100)  # the devices come later
        assert faults(page) == []
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_call_on_a_desk(address: str, browser: Browser, scheme: str) -> None:
    with opened(browser, address, viewport=DESK, color_scheme=scheme) as page:
        page.click("#show-thinking")
        talk(page)
        page.click("#quality summary")
        for mood in ("listening", "thinking", "speaking", "silent", "reconnecting"):
            page.evaluate("(mood) => { document.getElementById('page').dataset.mood = mood; }", mood)
            assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_call_on_a_phone(address: str, browser: Browser, scheme: str) -> None:
    with opened(browser, address, viewport=PHONE, color_scheme=scheme, locale="zh-CN") as page:
        talk(page)
        for pane in ("talk", "score", "thinking"):
            page.click(f"#tab-{pane}")
            assert faults(page) == [], pane
