"""The official protocol's browser client (``@openai/agents-realtime``), unchanged, over WebRTC in a real browser.

Its page comes from another origin than the server, as pages of those who write with the SDK do.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from realtime.talk import RATE_HZ
from tests.e2e.patience import insist
from tests.e2e.recognising import missed_words, pieces, recognised
from tests.e2e.serving import Served, serving
from tests.e2e.sounds import Samples
from tests.web.browsing import ROOT, chromium, record, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page, Playwright

SDK = ROOT / "node_modules" / "@openai" / "agents-realtime" / "dist" / "bundle"
PAGE = Path(__file__).parent / "agents_page"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SDK.is_dir(), reason="@openai/agents-realtime is not installed: npm ci"),
]

KEY = "sk-of-the-test"
CONNECTING = 4.0
"""Seconds of silence in which the call is connected: what is said before is lost."""
FRAME = RATE_HZ // 100
LOUD = 180
"""-45 dBFS."""
MAX_STOP_SECONDS = 1.0
"""From the first word over an answer to silence."""
MAX_HEARD_ERROR_SECONDS = 0.5
"""Between what the server says was heard and what was played: the browser's own buffer, 0.1 to 0.2 s, is between."""
MAX_HANG_UP_SECONDS = 5.0
"""A client that closed its connection may come back by a new one within 2 s; then its place is free."""


# --- the page's server ----------------------------------------------------------------------------


class Files(SimpleHTTPRequestHandler):
    """The page, and the SDK's own bundle under ``/sdk/``."""

    def translate_path(self, path: str) -> str:
        name = path.rsplit("/", 1)[-1] or "index.html"
        return str((SDK if path.startswith("/sdk/") else PAGE) / name)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def page_address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        serve = partial(server.serve_forever, poll_interval=0.05)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("open")) as server:
        yield server


# --- a call -----------------------------------------------------------------------------------------


class Caller:
    """A page with a call that stands."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def do(self, expression: str) -> Any:
        """In the page; ``call`` is its call and ``session`` the SDK's."""
        return self.page.evaluate(f"() => {{ const {{session}} = call; return {expression}; }}")

    def until(self, expression: str, seconds: float = 45.0) -> None:
        wait_for(self.page, f"(() => {{ const {{session}} = call; return {expression}; }})()", seconds)

    def texts(self, role: str) -> list[str]:
        """The words of its messages in the SDK's history."""
        found: list[str] = self.do(f"call.texts({json.dumps(role)})")
        return found

    def until_answered(self) -> None:
        """An answer has sounded to its end, and has been played here."""
        self.until("call.count('output_audio_buffer.stopped') > 0 && call.recording.quietSeconds(1) > 0.5")

    def microphone_sound(self) -> Samples:
        return self._sound(0)

    def agent_sound(self) -> Samples:
        """As the page played it."""
        return self._sound(1)

    def _sound(self, channel: int) -> Samples:
        both = np.frombuffer(base64.b64decode(self.do("call.recording.samples()")), "<i2").reshape(-1, 2)
        return np.ascontiguousarray(both[:, channel])

    def item(self, item_id: str) -> Any:
        return self.do(f"call.history.find(({{itemId}}) => itemId === {json.dumps(item_id)})")

    def events(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.do(f"call.events.filter(({{type}}) => type === {json.dumps(kind)})")
        return found

    def check(self) -> None:
        """Nothing failed, and the SDK's own schemas know each event of the server."""
        assert self.do("call.errors") == []
        assert self.do("call.misfits") == []


def secret_of(served: Served, key: str | None = None) -> str:
    """As the backend of an application makes one for its page."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    body = json.dumps({"session": {"type": "realtime"}}).encode()
    request = urllib.request.Request(f"http://{served.address}/v1/realtime/client_secrets", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["value"])


@contextmanager
def loaded(playwright: Playwright, page_address: str, microphone: Path, *, again: bool = False) -> Iterator[Page]:
    """The page, before its call. ``again``: the recording begins anew when it is over."""
    looped = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}")
    with chromium(playwright, None if again else microphone, *(looped if again else ())) as browser:
        page = browser.new_context().new_page()
        page.goto(page_address)
        wait_for(page, "'call' in window")
        yield page


@contextmanager
def calling(
    served: Served,
    playwright: Playwright,
    page_address: str,
    microphone: Path,
    *,
    again: bool = False,
    key: str | None = None,
    **options: Any,
) -> Iterator[Caller]:
    with loaded(playwright, page_address, microphone, again=again) as page:
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        settings = {"address": f"http://{served.address}", "secret": secret_of(served, key), **options}
        page.evaluate("(settings) => call.begin(settings)", settings)
        caller = Caller(page)
        try:
            yield caller
            caller.check()
            assert failures == []
        finally:
            caller.do("session.close()")


def words(sound: Samples) -> str:
    """Of all that was said. In a thread of its own: Playwright has an event loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return " ".join(thread.submit(recognised, *pieces(sound)).result())


def loud_spans(sound: Samples) -> list[tuple[float, float]]:
    """Begin and end of the stretches of sound with less than half a second of silence in them, in seconds."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > LOUD)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 50) + 1)
    return [(group[0] / 100, (group[-1] + 1) / 100) for group in groups if len(group)]


# --- scenes -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("keys"), "--api-key", KEY) as server:
        yield server


def test_a_spoken_question_is_answered_aloud_and_close_ends_the_call(
    with_keys: Served, playwright: Playwright, page_address: str, tmp_path: Path
) -> None:
    microphone = record(tmp_path / "question.wav", CONNECTING, "what is twelve times twelve", 40.0)

    def scene() -> None:
        with calling(with_keys, playwright, page_address, microphone, key=KEY) as caller:
            caller.until_answered()
            assert caller.texts("user") == ["what is twelve times twelve"]
            assert "144" in caller.texts("assistant")[-1]
            assert missed_words("one hundred and forty four", words(caller.agent_sound())) <= 1
            assert caller.do("session.transport.callId").startswith("rtc_")
            assert with_keys.health()["sessions"] == 1
            caller.do("session.close()")
            closed_at = time.monotonic()
            with_keys.wait_until_idle()
            assert time.monotonic() - closed_at < MAX_HANG_UP_SECONDS

    insist(with_keys, scene)


def test_a_secret_that_is_none_is_refused_with_a_reason(
    with_keys: Served, playwright: Playwright, page_address: str, tmp_path: Path
) -> None:
    with loaded(playwright, page_address, record(tmp_path / "silence.wav", 5.0)) as page:
        settings = {"address": f"http://{with_keys.address}", "secret": "ek_of_nobody"}
        failure = page.evaluate("(settings) => call.begin(settings).catch(String)", settings)
        assert "401: Incorrect or expired API key provided." in failure
    assert with_keys.health()["sessions"] == 0


def test_speaking_over_an_answer_stops_it_and_its_item_ends_where_it_was_heard(
    served: Served, playwright: Playwright, page_address: str, tmp_path: Path
) -> None:
    """The SDK's event ``audio_interrupted`` is of its websocket transport alone; here its clients get the server's.

    It counts five numbers in 2.3 s: the word "stop" is understood amid the second five.
    """
    said = (CONNECTING, "count to twenty", 2.7, "stop. what is twelve times twelve", 40.0)
    microphone = record(tmp_path / "interruption.wav", *said)

    def scene() -> None:
        with calling(served, playwright, page_address, microphone) as caller:
            caller.until_answered()
            assert "twelve" in caller.texts("user")[-1]
            (cleared,) = caller.events("output_audio_buffer.cleared")
            (truncated,) = caller.events("conversation.item.truncated")
            done = caller.events("response.done")
            assert [event["response"]["status"] for event in done] == ["cancelled", "completed"]
            assert cleared["response_id"] == done[0]["response"]["id"]
            counted = caller.item(truncated["item_id"])
            assert counted["status"] == "incomplete"
            heard = counted["content"][0]["transcript"]
            assert "One, two, three" in heard
            assert "fifteen" not in heard
            sounded = assert_stopped(caller)
            print(
                f"heard, as the server says: {truncated['audio_end_ms']} ms, {heard!r}; as was played: {sounded:.2f} s"
            )
            assert truncated["audio_end_ms"] / 1000 == pytest.approx(sounded, abs=MAX_HEARD_ERROR_SECONDS)

    insist(served, scene)


def assert_stopped(caller: Caller) -> float:
    """The counting was heard until the second utterance, and no longer than ``MAX_STOP_SECONDS`` into it.

    Gives how long it was heard.
    """
    _, (spoken_at, ended_at) = loud_spans(caller.microphone_sound())
    agent = caller.agent_sound()
    silent_from, silent_to = round((spoken_at + MAX_STOP_SECONDS) * RATE_HZ), round(ended_at * RATE_HZ)
    before = loud_spans(agent[: round(spoken_at * RATE_HZ)])
    assert before[-1][1] > spoken_at - 0.5, "it was not speaking"
    stopped_at = loud_spans(agent[:silent_to])[-1][1]
    print(f"silent {stopped_at - spoken_at:.2f} s after the first word")
    assert loud_spans(agent[silent_from:silent_to]) == []
    return stopped_at - before[0][0]


def test_a_tool_of_the_page_is_called_and_its_result_is_spoken(
    served: Served, playwright: Playwright, page_address: str, tmp_path: Path
) -> None:
    microphone = record(tmp_path / "temperature.wav", CONNECTING, "what is the temperature in boston", 40.0)

    def scene() -> None:
        with calling(served, playwright, page_address, microphone, own_transport=True) as caller:
            caller.until_answered()
            (call,) = [item for item in caller.do("call.history") if item["type"] == "function_call"]
            assert (call["name"], call["status"]) == ("get_temperature", "completed")
            city = json.loads(call["arguments"])["city"]
            assert city  # not always "boston": on a busy machine a turn may be taken before its last word is sure
            told = f"it is seventy degrees in {city}"
            assert call["output"] == told
            assert caller.do("call.tools") == [["get_temperature", told]]
            assert told in caller.texts("assistant")[-1].lower()
            assert missed_words("it is seventy degrees in", words(caller.agent_sound())) <= 1

    insist(served, scene)


def test_text_interrupt_mute_and_history(
    served: Served, playwright: Playwright, page_address: str, tmp_path: Path
) -> None:
    microphone = record(tmp_path / "again.wav", CONNECTING + 2.0, "what is twelve times twelve", 3.0)

    def scene() -> None:
        with calling(served, playwright, page_address, microphone, again=True) as caller:
            caller.do("session.mute(true)")
            text_and_interrupt(caller)
            caller.until("call.recording.loudSeconds(0) > 1 && call.recording.quietSeconds(0) > 1")
            assert caller.events("input_audio_buffer.speech_started") == []
            caller.do("session.mute(false)")
            caller.until("call.texts('user').at(-1) === 'what is twelve times twelve'")
            caller.do("session.updateHistory(session.history.slice(0, 1))")
            caller.until("call.count('conversation.item.deleted') >= 4 && call.texts('user').length === 1")

    insist(served, scene)


def text_and_interrupt(caller: Caller) -> None:
    caller.do("session.sendMessage('what is nine times nine')")
    caller.until_answered()
    assert "81" in caller.texts("assistant")[-1]
    caller.do("session.sendMessage('count to thirty')")
    caller.until("call.count('output_audio_buffer.started') === 2 && call.recording.quietSeconds(1) < 0.1")
    caller.do("session.interrupt()")
    caller.until("call.count('output_audio_buffer.cleared') === 1 && call.recording.quietSeconds(1) > 1")
    assert "thirty" not in caller.texts("assistant")[-1]
    assert caller.texts("user") == ["what is nine times nine", "count to thirty"]
