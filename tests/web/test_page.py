"""The page in a real browser, talking to a real server with real engines."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.patience import insist
from tests.e2e.serving import Served
from tests.web.browsing import chromium, mood, opened, record, served, wait_for, wait_for_room, watch_moods

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright, Route

pytestmark = pytest.mark.slow

CONNECTING = 5.0
"""Seconds of silence, in which the page gets its connection: what is said before is lost."""
LIVE = "document.getElementById('mute').checkVisibility()"


def in_mood(name: str) -> str:
    return f"document.getElementById('page').dataset.mood === '{name}'"


def failed(kind: str) -> str:
    return f"document.querySelector('#failure:not([hidden])')?.dataset.kind === '{kind}'"


def answer(text: str) -> str:
    """The last answer has this among the words that were heard."""
    return f"[...document.querySelectorAll('.agent .heard-words')].at(-1)?.textContent.includes({json.dumps(text)})"


def ask(page: Page, text: str) -> None:
    page.fill("#typed", text)
    page.press("#typed", "Enter")


def number(page: Page, name: str) -> float:
    return float(page.locator("#page").get_attribute(f"data-{name}") or "nan")


# --- talking --------------------------------------------------------------------------------------


@pytest.fixture
def with_journal(tmp_path: Path) -> Iterator[Served]:
    """A server of its own, whose journals tell whether the recogniser had the time it needs."""
    with served("--journal", str(tmp_path / "journals")) as (_, address):
        yield Served(address.removeprefix("http://"), tmp_path / "journals")


def test_a_spoken_question_is_captioned_and_answered_aloud(
    with_journal: Served, playwright: Playwright, tmp_path: Path
) -> None:
    insist(with_journal, lambda: spoken_question(f"http://{with_journal.address}", playwright, tmp_path))


def spoken_question(address: str, playwright: Playwright, tmp_path: Path) -> None:
    microphone = record(tmp_path / "question.wav", CONNECTING, "what is twelve times twelve", 30.0)
    with chromium(playwright, microphone) as browser, opened(browser, address) as page:
        watch_moods(page)
        page.get_by_role("button", name="Talk").click()
        wait_for(page, answer("144"))
        wait_for(page, in_mood("listening"))
        # words that are sure may be committed before the next frame is drawn; the others must have been seen
        assert any("twelve" in caption["tentative"] for caption in page.evaluate("window.captions"))
        assert "twelve times twelve" in page.locator(".user").inner_text()
        assert not page.locator("#caption").is_visible()
        moods = [mood for mood, before in _pairs(page.evaluate("window.moods")) if mood != before]
        moods = [mood for mood in moods if mood != "thinking"]  # the offline brain may be done before a frame is drawn
        assert moods[-3:] == ["listening", "speaking", "listening"]
        assert number(page, "seconds-played") > 1.5
        assert number(page, "loudest") > 0.05
        assert 0 < _latency_ms(page) < 20_000


def test_words_that_may_still_change_look_different(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        styles = page.evaluate(
            """["caption-stable", "caption-tentative"].map((id) => getComputedStyle(document.getElementById(id)))
              .map((style) => [style.fontStyle, style.color])"""
        )
        assert styles[0][0] != styles[1][0]
        assert styles[0][1] != styles[1][1]


def _pairs(moods: list[str]) -> list[tuple[str, str]]:
    return list(zip(moods, ["", *moods], strict=False))


def _latency_ms(page: Page) -> int:
    """What the page shows: about half a second, if this machine is not busy."""
    return int(page.locator(".agent .latency").last.inner_text().removeprefix("first sound after").removesuffix("ms"))


def test_speaking_over_an_answer_stops_it_and_tells_what_was_heard(
    with_journal: Served, playwright: Playwright, tmp_path: Path
) -> None:
    insist(with_journal, lambda: speaking_over_an_answer(f"http://{with_journal.address}", playwright, tmp_path))


def speaking_over_an_answer(address: str, playwright: Playwright, tmp_path: Path) -> None:
    # it counts five numbers in 2.3 s: the word "stop" is understood amid the second five
    microphone = record(
        tmp_path / "interruption.wav", CONNECTING, "count to twenty", 2.7, "stop. what is twelve times twelve", 30.0
    )
    with chromium(playwright, microphone) as browser, opened(browser, address) as page:
        page.click("#talk")
        wait_for(page, "document.querySelector('.agent.cut') !== null")
        wait_for(page, answer("144"))
        cut = page.locator(".agent.cut").first
        assert "four" in cut.locator(".heard-words").inner_text()
        assert cut.locator(".coming").inner_text().endswith("nineteen, twenty.")


def test_typing_needs_no_microphone(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        ask(page, "what is twelve times twelve")
        wait_for(page, answer("144"))
        wait_for(page, in_mood("listening"))
        assert page.locator(".user").inner_text().endswith("what is twelve times twelve")
        assert number(page, "seconds-played") > 1.5
        assert not page.locator("#mute").is_visible()


def test_typing_over_an_answer_cuts_it_off(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        ask(page, "count to twenty")
        wait_for(page, answer("wo"))
        ask(page, "what is twelve times twelve")
        wait_for(page, answer("144"))
        assert page.locator(".agent").first.get_attribute("class") == "entry agent cut"
        assert not page.locator("#failure").is_visible()


def test_silence_by_choice_is_shown_with_its_reason(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        ask(page, "hold on a second")
        wait_for(page, in_mood("silent"))
        assert "Chose to stay silent: " in page.locator(".entry .silence").inner_text()
        assert page.locator("#mood").inner_text() == "Silent by choice"


def test_mute_and_hang_up(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        page.click("#talk")
        wait_for(page, LIVE)
        page.get_by_role("button", name="Mute").click()
        wait_for(page, "document.getElementById('mood').textContent === 'Muted'")
        assert page.locator("#mute").get_attribute("aria-pressed") is None, "its name tells what it does next"
        page.get_by_role("button", name="Unmute").click()
        wait_for(page, "document.getElementById('mood').textContent === 'Listening'")
        page.get_by_role("button", name="Hang up").click()
        wait_for(page, in_mood("idle"))
        assert not page.locator("#failure").is_visible()
        page.click("#talk")
        wait_for(page, LIVE)


# --- while a call is being begun --------------------------------------------------------------------


def hold_health(page: Page) -> list[Route]:
    """The server's answers about its state wait from now on, until they are let go."""
    held: list[Route] = []
    page.route("**/health", lambda route: held.append(route))
    return held


def let_go(page: Page, held: list[Route]) -> None:
    while not held:
        page.wait_for_timeout(20)  # lets the page ask
    for route in held:
        route.continue_()
    page.unroute("**/health")


def press(page: Page, name: str) -> None:
    """By the keyboard: what appears under the pointer minds an early click."""
    page.focus(name)
    page.keyboard.press("Enter")


def test_a_call_that_was_hung_up_while_it_was_begun_stays_over(browser: Browser) -> None:
    with served() as (_, address), opened(browser, address) as page:
        held = hold_health(page)
        press(page, "#talk")
        wait_for(page, in_mood("connecting"))
        press(page, "#hang-up")
        wait_for(page, in_mood("idle"))
        let_go(page, held)
        page.wait_for_timeout(1500)  # in which a call would come to stand
        assert mood(page) == "idle"
        assert page.request.get(f"{address}/health").json()["sessions"] == 0
        assert not page.locator("#failure").is_visible()
        press(page, "#talk")
        wait_for(page, LIVE)


def test_what_is_typed_while_a_call_is_begun_is_seen_at_once_and_answered_in_order(
    address: str, browser: Browser
) -> None:
    with opened(browser, address) as page:
        held = hold_health(page)
        ask(page, "what is two times five")
        ask(page, "what is twelve times twelve")
        wait_for(page, "document.querySelectorAll('.user').length === 2")
        let_go(page, held)
        wait_for(page, answer("144"))
        assert "10" in page.locator(".agent").first.inner_text()
        assert page.locator(".agent").count() == page.locator(".user").count() == 2
        assert not page.locator("#failure").is_visible()


def test_typing_waits_for_a_spoken_call_that_is_begun(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        held = hold_health(page)
        page.click("#talk")
        ask(page, "what is twelve times twelve")
        let_go(page, held)
        wait_for(page, answer("144"))
        assert page.locator("#mute").is_visible()


def test_who_types_while_a_call_is_begun_is_not_taken_elsewhere(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        held = hold_health(page)
        page.click("#talk")
        page.click("#typed")
        page.keyboard.type("hi ")
        let_go(page, held)
        wait_for(page, LIVE)
        page.keyboard.type("mt")
        assert page.input_value("#typed") == "hi mt"
        assert page.locator("#mood").inner_text() != "Muted"


KEEP_TRACK = """
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    [window.track] = stream.getAudioTracks();
    return stream;
  };
  0;
"""


def test_a_lost_microphone_is_told_until_there_is_one_again(address: str, browser: Browser) -> None:
    lose = "track.dispatchEvent(new Event('ended'))"
    with opened(browser, address) as page:
        page.evaluate(KEEP_TRACK)
        held: list[Route] = []
        page.route("**/v1/realtime/calls*", lambda route: held.append(route))
        page.click("#talk")
        wait_for(page, "window.track !== undefined && document.getElementById('page').dataset.mood === 'connecting'")
        page.evaluate(lose)
        wait_for(page, failed("microphoneLost"))
        assert not page.locator("#retry").is_visible(), "a call is being begun"
        page.click("#dismiss")
        assert page.evaluate("document.activeElement.id") == "hang-up", "Talk and its focus would be unseen"
        page.evaluate("window.lost = track")
        page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
        wait_for(page, "window.track !== window.lost")
        page.evaluate(lose)
        wait_for(page, failed("microphoneLost"))
        page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
        wait_for(page, "document.getElementById('failure').hidden")


def test_a_double_click_on_talk_begins_one_call_and_on_hang_up_ends_it(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        box = page.locator("#talk").bounding_box()
        assert box is not None
        place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.dblclick(*place, delay=40)
        wait_for(page, LIVE)
        box = page.locator("#hang-up").bounding_box()
        assert box is not None
        page.wait_for_timeout(500)  # Hang up minds clicks so soon after it appeared
        page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, delay=40)
        wait_for(page, in_mood("idle"))
        page.wait_for_timeout(300)  # in which the second click would begin a call
        assert mood(page) == "idle"


# --- failures, each with its sentence -------------------------------------------------------------


def test_no_permission(address: str, playwright: Playwright, tmp_path: Path) -> None:
    with (
        chromium(playwright, record(tmp_path / "silence.wav", 1.0), allow=False) as browser,
        opened(browser, address) as page,
    ):
        page.click("#talk")
        wait_for(page, failed("noPermission"))
        assert "Allow it in the browser's site settings" in page.get_by_role("alert").inner_text()
        assert page.locator("#retry").is_visible()
        assert mood(page) == "idle"
        ask(page, "what is twelve times twelve")
        wait_for(page, answer("144"))


def test_no_microphone(address: str, playwright: Playwright) -> None:
    with chromium(playwright, None) as browser, opened(browser, address) as page:
        page.click("#talk")
        wait_for(page, failed("noDevice"))
        assert "Plug one in" in page.get_by_role("alert").inner_text()


def test_a_page_over_plain_http_from_elsewhere_can_only_type(playwright: Playwright, tmp_path: Path) -> None:
    rule = "--host-resolver-rules=MAP stretto.test 127.0.0.1"
    with (
        # a server without keys takes no page under a name that is not its own, unless it is open to all
        served("--open-to-the-world") as (_, address),
        chromium(playwright, record(tmp_path / "silence.wav", 1.0), rule) as browser,
        opened(browser, address.replace("127.0.0.1", "stretto.test")) as page,
    ):
        page.click("#talk")
        wait_for(page, failed("insecure"))
        assert "behind HTTPS" in page.get_by_role("alert").inner_text()
        ask(page, "what is twelve times twelve")
        wait_for(page, answer("144"))


def test_the_server_goes_and_comes_back(browser: Browser) -> None:
    with served() as (process, address), opened(browser, address) as page:
        ask(page, "what is twelve times twelve")
        wait_for(page, answer("144"))
        process.kill()
        wait_for(page, in_mood("reconnecting"))
        wait_for(page, failed("serverGone"))
        assert "stretto serve" in page.get_by_role("alert").inner_text()
        page.get_by_role("button", name="Reconnect").click()
        wait_for(page, failed("serverGone"))
        with served(port=int(address.rsplit(":", 1)[1])):
            page.get_by_role("button", name="Reconnect").click()
            wait_for(page, LIVE)
            assert not page.locator("#failure").is_visible()
            assert "144" in page.locator("#entries").inner_text()
            ask(page, "what is two times five")
            wait_for(page, answer("10"))


def test_the_server_asks_for_a_key(browser: Browser) -> None:
    with served("--api-key", "opensesame") as (_, address), opened(browser, address) as page:
        ask(page, "what is twelve times twelve")
        wait_for(page, failed("keyNeeded"))
        for wrong in ("guess", "ek_guess", "schlüssel für 门"):
            page.get_by_label("API key").fill(wrong)
            page.get_by_role("button", name="Use this key").click()
            wait_for(page, failed("keyWrong"))
            page.evaluate("document.getElementById('failure').dataset.kind = ''")
        page.get_by_label("API key").fill("opensesame")
        page.get_by_role("button", name="Use this key").click()
        wait_for(page, answer("144"))


def test_all_lines_are_in_use(browser: Browser) -> None:
    with (
        served(STRETTO_SERVER__MAX_SESSIONS="1") as (_, address),
        opened(browser, address) as first,
        opened(browser, address) as second,
    ):
        first.click("#talk")
        wait_for(first, LIVE)
        second.click("#talk")
        wait_for(second, failed("serverBusy"))
        first.click("#hang-up")
        wait_for_room(second, address)
        second.get_by_role("button", name="Try again").click()
        wait_for(second, LIVE)


def test_a_polite_shutdown_is_told_and_what_is_typed_meanwhile_is_kept(browser: Browser) -> None:
    first_sound = "document.querySelector('[data-metric=firstSoundMs] b').textContent"
    with served() as (process, address), opened(browser, address) as page:
        ask(page, "count to twenty")
        wait_for(page, answer("two"))
        wait_for(page, f"/ (ms|s)$/.test({first_sound})")
        process.terminate()
        wait_for(page, failed("serverStopping"))
        wait_for(page, "document.querySelector('.agent').classList.contains('cut')")
        process.wait()
        ask(page, "what is two times five")
        wait_for(page, failed("serverGone"))
        wait_for(page, "[...document.querySelectorAll('.user')].at(-1).innerText.trim().endsWith('not sent')")
        assert page.evaluate(first_sound) != "–", "a call that does not come to stand leaves the last one's delays"
        with served(port=int(address.rsplit(":", 1)[1])):
            page.get_by_role("button", name="Reconnect").click()
            wait_for(page, answer("10"))
            wait_for(page, "[...document.querySelectorAll('.user')].at(-1).innerText.trim().endsWith('five')")


@contextmanager
def model_that_fails() -> Iterator[str]:
    """An OpenAI-compatible server that is there, and fails at every question."""

    class Failing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            self.send_error(400)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"openai:http://127.0.0.1:{server.server_port}/v1#failing"
        server.shutdown()


def test_an_answer_that_fails_is_told_and_the_call_goes_on(browser: Browser) -> None:
    with model_that_fails() as model, served("--llm", model) as (_, address), opened(browser, address) as page:
        ask(page, "what is twelve times twelve")
        wait_for(page, failed("answerFailed"))
        assert "ask again" in page.get_by_role("alert").inner_text()
        assert mood(page) != "idle"


# --- for everybody --------------------------------------------------------------------------------


def test_the_keyboard_is_enough(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "talk"
        page.keyboard.press("Enter")
        wait_for(page, LIVE)
        assert page.evaluate("document.activeElement.id") == "mute"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        wait_for(page, in_mood("idle"))
        wait_for(page, "document.activeElement.id === 'talk'")


def test_chinese_is_spoken_too(address: str, browser: Browser) -> None:
    with opened(browser, address, locale="zh-CN") as page:
        assert page.evaluate("document.documentElement.lang") == "zh"
        assert page.get_by_role("button", name="开始通话").is_visible()
        assert page.get_by_label("也可以打字").is_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_every_width(address: str, browser: Browser, width: int) -> None:
    with opened(browser, address, viewport={"width": width, "height": 640}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name in ("#talk", "#typed"):
            box = page.locator(name).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 640


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_talk_scrolls_by_itself_and_the_text_box_stays(address: str, browser: Browser, width: int) -> None:
    with opened(browser, address, viewport={"width": width, "height": 640}) as page:
        page.evaluate("document.getElementById('entries').innerHTML = '<li class=entry><p>Said.</p></li>'.repeat(99)")
        ask(page, "count to five")
        wait_for(page, answer("ne"))
        assert page.evaluate("document.documentElement.scrollHeight") <= 640
        assert page.locator("#typed").bounding_box()["y"] < 600  # type: ignore[index]
        page.evaluate("document.getElementById('scroll').scrollTop = 1e6")
        wait_for(page, answer("five"))
        last = page.locator(".agent").last.bounding_box()
        box = page.locator("#scroll").bounding_box()
        assert last is not None
        assert box is not None
        assert box["y"] < last["y"] < box["y"] + box["height"]


@pytest.mark.parametrize(("motion", "animations"), [("no-preference", 1), ("reduce", 0)])
def test_nothing_moves_for_those_who_ask_for_it(address: str, browser: Browser, motion: str, animations: int) -> None:
    with opened(browser, address, reduced_motion=motion) as page:
        watch_levels(page)
        ask(page, "count to five")
        wait_for(page, answer("five"))
        count = "document.getAnimations().filter((one) => one instanceof CSSAnimation).length"
        assert page.evaluate(count) == animations
        assert (page.evaluate("window.highestLevel") > 0.01) == (motion == "no-preference")


def watch_levels(page: Page) -> None:
    """Keeps the orb's highest level in ``window.highestLevel``."""
    page.evaluate(
        """() => {
          window.highestLevel = 0;
          const orb = document.getElementById("orb");
          const note = () => { window.highestLevel = Math.max(window.highestLevel, orb.style.getPropertyValue("--level")); };
          new MutationObserver(note).observe(orb, {attributes: true, attributeFilter: ["style"]});
        }"""
    )


def test_it_says_frankly_which_engines_are_at_work(address: str, browser: Browser) -> None:
    with opened(browser, address) as page:
        wait_for(page, "document.getElementById('engines').checkVisibility()")
        assert "they are no assistant" in page.locator("#engines").inner_text()
        assert "mind: offline" in page.locator("#engines").inner_text()


def test_simulated_engines_are_called_so(browser: Browser) -> None:
    with served("--llm", "simulated") as (_, address), opened(browser, address) as page:
        wait_for(page, "document.getElementById('engines').checkVisibility()")
        assert "Simulated engines are in use (mind: simulated" in page.locator("#engines").inner_text()
        watch_moods(page)
        ask(page, "hello")
        wait_for(page, "window.moods.includes('thinking') && window.moods.includes('speaking')")
