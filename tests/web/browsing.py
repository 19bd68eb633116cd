"""A real browser on a real server: Debian's Chromium with a recording as its microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

pytest.importorskip("playwright.sync_api", reason="the Python package playwright is missing: make setup")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("there is no Chromium here; on Debian: apt-get install chromium", allow_module_level=True)

ROOT = Path(__file__).parents[2]

RATE_HZ = 16_000
"""Of flite's voices."""

QUIET = [
    # no word to hosts of the browser's maker
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-sandbox",
    "--disable-gpu",
]


@contextmanager
def served(
    *flags: str, port: int = 0, program: tuple[str, ...] = ("realtime.cli", "serve"), **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``stretto serve``, or another module, on a free port with the engines it has by default: (process, its address)."""
    command = [sys.executable, "-m", *program, "--port", str(port), "--clips-dir", "", *flags]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready "), line
        yield process, line.split()[1]
    finally:
        process.kill()
        process.wait()


def record(path: Path, *parts: str | float) -> Path:
    """A recording: texts in flite's ``rms`` voice, and numbers for seconds of silence."""
    soundfile.write(path, np.concatenate([_part(path, part) for part in parts]), RATE_HZ)
    return path


def _part(path: Path, part: str | float) -> np.ndarray:
    if not isinstance(part, str):
        return np.zeros(round(part * RATE_HZ), np.int16)
    spoken = path.with_suffix(".part.wav")
    subprocess.run(["flite", "-voice", "rms", "-t", part, "-o", str(spoken)], check=True)
    samples, rate = soundfile.read(spoken, dtype="int16")
    assert rate == RATE_HZ
    return samples


@contextmanager
def chromium(playwright: Playwright, microphone: Path | None, *flags: str, allow: bool = True) -> Iterator[Browser]:
    """``microphone``: what the browser hears, once, from when a page asks for it; ``None``: it has none.
    ``allow=False``: the user says no."""
    arguments = [*QUIET, *flags]
    if microphone is not None:
        arguments += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}%noloop"]
    arguments.append("--use-fake-ui-for-media-stream" if allow else "--deny-permission-prompts")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, *, locale: str = "en-GB", **options: object) -> Iterator[Page]:
    """The page. At the end it must not have asked another host for anything, nor failed, nor broken its policy.

    The orb stands still unless told otherwise: drawn without a GPU, its movement takes the time of a core that the
    recogniser needs.
    """
    context = browser.new_context(locale=locale, **{"reduced_motion": "reduce", **options})
    page = context.new_page()
    strangers: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(address) else strangers.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    page.goto(address)
    yield page
    context.close()
    assert strangers == []
    assert complaints == []


def wait_for(page: Page, condition: str, seconds: float = 90.0) -> None:
    """Until a JavaScript expression is true. (The browser's own waiting needs ``eval``, which the page forbids.)"""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}; the page:\n{page.inner_text('body')}"
        page.wait_for_timeout(50)  # the page and the server run in real time


def wait_for_room(page: Page, address: str, seconds: float = 90.0) -> None:
    """Until the server has a free line: it ends a call a moment after its client has hung up."""
    deadline = time.monotonic() + seconds
    while not page.request.get(f"{address}/health").json()["has_room"]:
        assert time.monotonic() < deadline, f"no line became free within {seconds} s"
        page.wait_for_timeout(50)  # the server runs in real time


def mood(page: Page) -> str:
    return page.locator("#page").get_attribute("data-mood") or ""


def watch_moods(page: Page) -> None:
    """Collects every mood the page shows in ``window.moods`` and every caption in ``window.captions``."""
    page.evaluate(
        """() => {
          window.moods = []; window.captions = [];
          const page = document.getElementById("page");
          new MutationObserver(() => window.moods.push(page.dataset.mood))
            .observe(page, {attributes: true, attributeFilter: ["data-mood"]});
          const note = () => window.captions.push({
            stable: document.getElementById("caption-stable").textContent,
            tentative: document.getElementById("caption-tentative").textContent});
          new MutationObserver(note).observe(document.getElementById("caption"),
            {childList: true, subtree: true, characterData: true});
        }"""
    )
