"""The page's files as the server gives them: nothing of them may come from, or go, elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from realtime.page import WEB_CLIENT, Page

FILES = sorted(path for path in WEB_CLIENT.iterdir() if path.is_file())
IMPORT = re.compile(r'^(?:import|export)\s[^;]*?from\s+"([^"]+)"', re.MULTILINE)


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Mount("/", Page())]))


def test_the_policy_forbids_inline_code_and_other_hosts(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "connect-src" not in policy, "as all else: websockets too go to this server only"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "microphone=(self)" in answer.headers["permissions-policy"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_served_with_its_type_and_asked_for_again(client: TestClient, path: Path) -> None:
    answer = client.get(f"/{path.name}")
    kinds = {".html": "text/html", ".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml"}
    assert kinds[path.suffix] in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(f"/{path.name}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_what_is_not_there_is_not_found(client: TestClient) -> None:
    assert client.get("/secret.js").status_code == 404
    assert client.get("/../pyproject.toml").status_code == 404
    assert client.get("/%2e%2e/pyproject.toml").status_code == 404


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_host(path: Path) -> None:
    addresses = re.findall(r"(?:https?:|wss?:)?//[a-z0-9][\w.-]*", path.read_text(), re.IGNORECASE)
    assert set(addresses) <= {"http://www.w3.org", "http://localhost"}, "a name space and a sentence for people"


def test_every_file_is_used_and_every_import_is_there() -> None:
    used = {"index.html"}
    for path in FILES:
        text = path.read_text()
        used |= {name.removeprefix("./") for name in IMPORT.findall(text)}
        used |= set(re.findall(r'(?:href|src)="([^"#]+)"', text)) | set(re.findall(r'"(\w+_worklet\.js)"', text))
    assert used == {path.name for path in FILES}


def test_the_page_has_no_inline_code_or_style() -> None:
    html = (WEB_CLIENT / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", html)
