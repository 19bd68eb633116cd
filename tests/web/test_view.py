"""What the page offers around a call: panes, settings, keys, exports, recording. The call itself is tested apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile
from playwright.sync_api import expect

from tests.web.browsing import opened, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LIVE = "document.getElementById('mute').checkVisibility()"
FOCUS = "document.activeElement.id"


def ask(page: Page, text: str) -> None:
    page.fill("#typed", text)
    page.press("#typed", "Enter")


def heard(text: str) -> str:
    return f"[...document.querySelectorAll('.agent .heard-words')].at(-1)?.textContent.includes({json.dumps(text)})"


def call_with_microphone(page: Page) -> None:
    page.click("#talk")
    wait_for(page, LIVE)


def kept(page: Page, place: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.evaluate(f"localStorage.getItem('{place}') ?? '{{}}'"))
    return found


# --- panes ----------------------------------------------------------------------------------------


def test_a_desk_shows_stage_talk_score_and_delays_at_once(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        for name in ("#orb", "#pane-talk", "#score", "#latencies", "#open-settings"):
            assert page.locator(name).is_visible(), name
        assert not page.locator("#tabs").is_visible()
        assert page.evaluate("document.documentElement.scrollHeight") <= DESK["height"]
        score, talk = page.locator("#score").bounding_box(), page.locator("#pane-talk").bounding_box()
        assert score is not None
        assert talk is not None
        assert score["y"] >= talk["y"] + talk["height"]
        assert score["width"] > 800


def test_a_phone_shows_one_pane_and_walks_through_them_by_key(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=PHONE) as page:
        panes = ["#pane-talk", "#pane-score", "#pane-thinking"]

        def seen() -> list[str]:
            return [pane for pane in panes if page.locator(pane).is_visible()]

        assert seen() == ["#pane-talk"]
        page.get_by_role("tab", name="Score").click()
        assert seen() == ["#pane-score"]
        assert page.locator("#latencies").is_visible()
        assert page.get_by_role("tabpanel", name="Score").is_visible()
        page.keyboard.press("ArrowRight")
        assert seen() == ["#pane-thinking"]
        assert page.evaluate(FOCUS) == "tab-thinking"
        page.keyboard.press("ArrowRight")
        assert seen() == ["#pane-talk"]
        assert page.get_by_role("tab", selected=True).inner_text() == "Talk"


@pytest.mark.parametrize("height", [568, 640])
def test_a_small_phone_shows_all_three_staves(address: str, browser: Browser, height: int) -> None:
    with opened(browser, address, viewport={"width": 320, "height": height}) as page:
        ask(page, "hello")
        page.click("#tab-score")
        wait_for(page, heard(""))
        view = page.locator(".score-view").bounding_box()
        assert view
        assert view["height"] > 250
        assert view["y"] + view["height"] <= height
        page.locator("#latencies").scroll_into_view_if_needed()


TALK_AND_FAIL = """async () => {
  const { ConversationView } = await import("/view.js");
  const { chooseStrings } = await import("/strings.js");
  const view = new ConversationView(chooseStrings(["en"]));
  const entry = (key) => ({kind: "user", key: String(key), text: "Words ".repeat(30), lost: false});
  const entries = Array.from({length: 20}, (_, key) => entry(key));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const log = document.getElementById("scroll");
  const ends = () => log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  const fail = (shown) => { document.getElementById("failure").hidden = !shown; };
  const seen = [];
  view.show({entries, caption: {stable: "", tentative: ""}});
  await frame();
  const height = log.clientHeight;
  fail(true);
  view.show({entries, caption: {stable: "", tentative: ""}});
  await frame();
  seen.push(log.clientHeight < height - 40, ends());
  fail(false);
  await frame();
  log.scrollTop = 100;
  await frame();
  fail(true);
  view.show({entries: [...entries, entry(20)], caption: {stable: "", tentative: ""}});
  await frame();
  return [...seen, log.scrollTop];
}"""


def test_a_failure_does_not_hide_the_newest_words_nor_moves_who_reads_older_ones(
    address: str, browser: Browser
) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.evaluate("document.getElementById('failure-text').textContent = 'The server is gone.'")
        assert page.evaluate(TALK_AND_FAIL) == [True, True, 100]


def test_the_thinking_drawer_shows_reasoning_and_is_remembered(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        button = page.get_by_role("button", name="Thinking", expanded=False)
        button.click()
        assert "appears here" in page.locator("#thoughts-empty").inner_text()
        ask(page, "count to twenty")
        wait_for(page, "document.querySelector('.thinking-card .reasoning')?.textContent.includes('comes')")
        assert not page.locator("#thoughts-empty").is_visible()
        assert page.locator(".thinking-card h3").first.inner_text() in ("Answer", "Draft")
        page.reload()
        assert page.locator("#pane-thinking").is_visible()
        page.locator(".thoughts").focus()
        page.keyboard.press("t")
        assert page.evaluate(FOCUS) == "show-thinking", "the drawer had the focus"
        page.keyboard.press("t")
        page.locator("#close-thinking").click()
        assert page.evaluate(FOCUS) == "show-thinking"
        page.reload()
        assert not page.locator("#pane-thinking").is_visible()


def test_the_last_turn_s_delays_are_shown_with_their_trend(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        assert page.locator("[data-metric=firstSoundMs] b").inner_text() == "–"
        for question, answer in (("what is two times five", "10"), ("what is twelve times twelve", "144")):
            ask(page, question)
            wait_for(page, heard(answer))
            wait_for(page, "document.getElementById('page').dataset.mood === 'listening'")
        wait_for(page, "/L/.test(document.querySelector('[data-metric=firstSoundMs] path').getAttribute('d'))")
        assert page.locator("[data-metric=firstSoundMs] b").inner_text().endswith((" ms", " s"))
        assert "Median of 2 turns" in (page.locator("[data-metric=firstSoundMs] dd").text_content() or "")


def test_the_line_tells_its_quality_in_words_and_its_figures_on_demand(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        assert not page.locator("#quality").is_visible()
        ask(page, "hello")
        wait_for(page, "document.getElementById('quality-word').textContent !== ''")
        assert page.locator("#quality-word").inner_text().endswith(("line", "Connected"))
        assert not page.locator("#quality-facts").is_visible()
        page.locator("#quality summary").click()
        wait_for(page, "document.getElementById('quality-facts').textContent.startsWith('Connection')")
        page.keyboard.press("Escape")
        assert not page.locator("#quality-facts").is_visible()


# --- settings -------------------------------------------------------------------------------------


def test_choices_hold_at_once_and_are_kept(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.get_by_role("button", name="Settings").click()
        dialog = page.get_by_role("dialog", name="Settings")
        assert dialog.get_by_role("radio", name="As the server").first.is_checked()
        dialog.get_by_role("radio", name="Patient").check()
        dialog.get_by_role("radio", name="Off", exact=True).check()
        dialog.get_by_role("switch", name="Noise suppression").uncheck()
        dialog.get_by_label("Voice").fill("rms")
        dialog.get_by_label("Instructions").fill("Be brief.")
        dialog.get_by_role("button", name="Done").click()
        assert not dialog.is_visible()
        assert page.evaluate(FOCUS) == "open-settings"
        expected = {"policy": "patient", "fillers": False, "noiseSuppression": False, "voice": "rms"}
        assert kept(page, "stretto.settings").items() >= (expected | {"instructions": "Be brief."}).items()
        page.reload()
        page.get_by_role("button", name="Settings").click()
        assert dialog.get_by_role("radio", name="Patient").is_checked()
        assert dialog.get_by_label("Voice").input_value() == "rms"
        dialog.get_by_role("radio", name="As the server").first.check()
        assert kept(page, "stretto.settings")["policy"] == ""


def test_a_choice_in_a_call_reaches_the_server(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        updates: list[dict[str, Any]] = []

        def keep(frame: str | bytes) -> None:
            event = json.loads(frame)
            if event["type"] == "session.update":
                updates.append(event["session"])

        page.on("websocket", lambda socket: socket.on("framesent", keep))
        page.click("#open-settings")
        page.get_by_role("radio", name="Websocket").check()
        page.keyboard.press("Escape")
        ask(page, "hello")
        wait_for(page, "document.querySelector('.agent') !== null")
        page.click("#open-settings")
        page.get_by_role("radio", name="Eager").check()
        page.wait_for_timeout(200)  # the frame is told by another process
        assert updates[0]["stretto"]["policy"] is None
        assert updates[-1]["stretto"]["policy"] == "eager"


def test_a_choice_made_before_the_devices_are_known_leaves_them_as_chosen(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.evaluate("""localStorage.setItem("stretto.settings", '{"microphoneId": "desk", "speakerId": "hall"}')""")
        page.reload()
        page.evaluate("navigator.mediaDevices.enumerateDevices = () => new Promise(() => {}); 0")
        page.click("#open-settings")
        page.get_by_role("radio", name="Patient").check()
        expected = {"policy": "patient", "microphoneId": "desk", "speakerId": "hall"}
        assert kept(page, "stretto.settings").items() >= expected.items()


def test_what_fails_while_the_settings_are_open_is_told_there(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        ask(page, "hello")
        wait_for(page, "document.querySelector('.agent') !== null")
        page.click("#open-settings")
        told = page.get_by_role("dialog", name="Settings").get_by_role("status")
        expect(told).to_be_empty()
        page.evaluate(
            """() => {
              const speakers = document.querySelector("[name=speakerId]");
              speakers.append(new Option("gone", "gone"));
              speakers.value = "gone";
              speakers.dispatchEvent(new Event("change", {bubbles: true}));
            }"""
        )
        expect(told).to_contain_text("The chosen loudspeaker can't be used", timeout=30_000)
        page.keyboard.press("Escape")
        expect(page.locator("#settings .told")).to_be_empty(timeout=30_000)


def test_the_colours_can_be_chosen(address: str, browser: Browser) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    bar = (
        """[...document.querySelectorAll("[name=theme-color]")].find(({media}) => matchMedia(media).matches).content"""
    )
    with opened(browser, address, color_scheme="light") as page:
        light, light_bar = page.evaluate(paper), page.evaluate(bar)
        page.click("#open-settings")
        page.get_by_role("radio", name="Dark").check()
        dark = page.evaluate(paper)
        assert dark != light
        page.reload()
        assert page.evaluate(paper) == dark
        assert page.evaluate(bar) != light_bar, "the browser's own bars too"
        page.emulate_media(color_scheme="dark")
        page.click("#open-settings")
        page.get_by_role("radio", name="Light").check()
        assert page.evaluate(paper) == light
        assert page.evaluate(bar) == light_bar
        page.get_by_role("radio", name="Automatic").last.check()
        assert page.evaluate(paper) == dark


def test_devices_are_offered_by_name_once_a_microphone_was_allowed(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        call_with_microphone(page)
        page.click("#open-settings")
        wait_for(page, "document.querySelector('[name=microphoneId]').options.length > 1")
        names = page.locator("[name=microphoneId] option").all_inner_texts()
        assert names[0] == "As the browser chooses"
        assert all(names)


# --- keys -----------------------------------------------------------------------------------------


def test_keys_do_what_the_help_says(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.keyboard.press("?")
        keys, settings = page.get_by_role("dialog", name="Keys"), page.get_by_role("dialog", name="Settings")
        thinking = page.locator("#pane-thinking")
        expect(keys).to_contain_text("Hold to talk", timeout=30_000)
        page.keyboard.press("Escape")
        expect(keys).to_be_hidden(timeout=30_000)
        page.keyboard.press("t")
        expect(thinking).to_be_visible(timeout=30_000)
        page.keyboard.press("Escape")
        expect(thinking).to_be_hidden(timeout=30_000)
        page.keyboard.press("s")
        expect(settings).to_be_visible(timeout=30_000)
        page.keyboard.press("Escape")
        expect(settings).to_be_hidden(timeout=30_000)
        page.keyboard.press("/")
        assert page.evaluate(FOCUS) == "typed"
        page.keyboard.type("mts?")
        assert page.input_value("#typed") == "mts?", "whoever types does nothing else"
        assert not page.locator("#pane-thinking").is_visible()


def test_escape_that_meant_something_else_closes_nothing(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.keyboard.press("t")
        page.evaluate(
            "document.getElementById('scroll').addEventListener('keydown', (event) => event.preventDefault())"
        )
        page.locator("#scroll").press("Escape")
        assert page.locator("#pane-thinking").is_visible()
        page.locator("#typed").press("Escape")
        assert not page.locator("#pane-thinking").is_visible()


def test_m_mutes_and_single_keys_can_be_switched_off(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        call_with_microphone(page)
        page.keyboard.press("m")
        wait_for(page, "document.getElementById('mood').textContent === 'Muted'")
        page.keyboard.press("M")
        wait_for(page, "document.getElementById('mood').textContent === 'Listening'")
        page.keyboard.press("s")
        page.get_by_role("switch", name="Single-key shortcuts").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        assert not page.locator("#pane-thinking").is_visible()


def test_push_to_talk_listens_while_the_button_or_the_space_bar_is_held(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.click("#open-settings")
        page.get_by_role("switch", name="Push to talk").check()
        page.keyboard.press("Escape")
        page.click("#talk")
        wait_for(page, "document.getElementById('hold').checkVisibility()")
        wait_for(page, f"{FOCUS} === 'hold'")
        assert not page.locator("#mute").is_visible()
        assert page.locator("#mood").inner_text() == "Hold to talk"
        held = "document.getElementById('hold').getAttribute('aria-pressed') === 'true'"
        page.keyboard.down("Space")
        assert page.evaluate(held)
        wait_for(page, "document.getElementById('mood').textContent === 'Listening'")
        page.keyboard.up("Space")
        assert not page.evaluate(held)
        page.locator("#hold").hover()
        page.mouse.down()
        assert page.evaluate(held)
        page.mouse.up()
        assert not page.evaluate(held)
        for is_held in (True, False):
            page.locator("#hold").press("Enter")  # as a switch, or a screen reader, clicks
            assert page.evaluate(held) == is_held
        page.locator("#hold").press("Enter")
        page.locator("#hang-up").press("Enter")
        wait_for(page, "document.getElementById('page').dataset.mood === 'idle'")
        assert not page.evaluate(held), "nobody lets go of what is gone"


# --- files ----------------------------------------------------------------------------------------


def test_the_score_can_be_kept_as_a_picture_and_as_a_journal(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        for name in ("SVG", "JSON"):
            button = page.get_by_role("button", name=name)
            assert button.is_disabled()
            assert button.get_attribute("title") == "There is nothing to save yet"
        ask(page, "what is twelve times twelve")
        wait_for(page, heard("144"))
        with page.expect_download() as picture:
            page.get_by_role("button", name="SVG").click()
        with page.expect_download() as journal:
            page.get_by_role("button", name="JSON").click()
        svg = Path(picture.value.path()).read_text()
        assert picture.value.suggested_filename.endswith(".svg")
        assert svg.startswith("<svg")
        assert "144" in svg
        events = json.loads(Path(journal.value.path()).read_text())["events"]
        assert any(entry["event"]["type"] == "response.done" for entry in events)


def test_a_call_is_recorded_only_where_it_was_asked_for(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        call_with_microphone(page)
        assert not page.locator("#record").is_visible()
        page.click("#open-settings")
        option = page.get_by_role("switch", name="Offer to record calls")
        assert "Record only if everyone" in page.locator("#settings label", has=option).inner_text()
        option.check()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Record").click()
        wait_for(page, "document.getElementById('recording').checkVisibility()")
        ask(page, "what is twelve times twelve")
        wait_for(page, heard("144"))
        with page.expect_download() as download:
            page.get_by_role("button", name="Hang up").click()
        samples, rate = soundfile.read(download.value.path())
        assert len(samples) / rate > 1.0
        assert abs(samples).max() > 0.05
        assert not page.locator("#recording").is_visible()


def test_a_recording_that_can_not_be_begun_is_told(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        page.evaluate("""localStorage.setItem("stretto.page", '{"recording": true}')""")
        page.reload()
        ask(page, "hello")
        page.evaluate("AudioWorklet.prototype.addModule = () => Promise.reject(new Error('no such module')); 0")
        page.get_by_role("button", name="Record").click()
        expect(page.get_by_role("alert")).to_contain_text("no such module", timeout=30_000)
        assert page.get_by_role("button", name="Record").is_visible(), "it can be tried again"


# --- everywhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("size", [(320, 568), (390, 844), (844, 390), (900, 500), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_off_at_any_size(address: str, browser: Browser, size: tuple[int, int], locale: str) -> None:
    width, height = size
    with opened(browser, address, viewport={"width": width, "height": height}, locale=locale) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        for name in ("#talk", "#open-settings", "#typed"):
            assert page.locator(name).is_visible()
            box = page.locator(name).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height, name
        page.click("#open-settings")
        overflow = "(() => { const body = document.querySelector('.sheet-body'); return body.scrollWidth - body.clientWidth; })()"
        assert page.evaluate(overflow) <= 0


def test_moods_differ_in_more_than_colour(address: str, browser: Browser) -> None:
    with opened(browser, address, viewport=DESK) as page:
        signs = page.evaluate(
            """(moods) => moods.map((mood) => {
              document.getElementById('page').dataset.mood = mood;
              return [...document.querySelectorAll('.sign path')].map((path) => getComputedStyle(path).opacity).join();
            })""",
            ["idle", "listening", "thinking", "speaking", "silent"],
        )
        assert len(set(signs)) == 5
