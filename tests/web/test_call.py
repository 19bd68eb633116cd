"""Calls in a real browser over WebRTC and over the websocket, begun by script: the page around them is tested apart."""

from __future__ import annotations

import base64
import io
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from realtime.talk import RATE_HZ
from tests.e2e.patience import insist
from tests.e2e.recognising import missed_words, pieces, recognised, word_errors
from tests.e2e.serving import Served
from tests.e2e.sounds import human_recording, write_wav
from tests.web.browsing import chromium, opened, record, served, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

pytestmark = pytest.mark.slow

CONNECTING = 5.0
"""Seconds of silence, in which the call gets its path: what is said before is lost."""
ALLOWED = "--autoplay-policy=no-user-gesture-required"
"""Nobody clicks here."""
SOON = 45.0
"""Seconds in which a spoken scene is over, on a machine that has the time for it; on another it is played again."""
NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"

BEGIN = """async ([withMicrophone, settings]) => {
  const { Call } = await import("/call.js");
  const { Conversation, splitHeard } = await import("/conversation.js");
  const { DEFAULTS } = await import("/settings_store.js");
  const conversation = new Conversation();
  Object.assign(window, {conversation, failures: [], notices: [], kinds: [], stages: [], splitHeard});
  window.call = new Call(conversation, {
    onChange: () => window.call && call.stage !== stages.at(-1) && stages.push(call.stage),
    onFailure: ({ kind }) => failures.push(kind),
    onLevel() {},
    onNotice: (name) => notices.push(name),
    onEvent: (event) => kinds.push(event.type),
  }, {...DEFAULTS, ...settings});
  try {
    await call.begin("", withMicrophone);
  } catch (failure) {
    failures.push(failure.kind);
  }
  return call.stage;
}"""


def begin(page: Page, *, microphone: bool = False, **settings: object) -> str:
    stage: str = page.evaluate(BEGIN, [microphone, settings])
    return stage


def heard(text: str, *, answer: int = -1) -> str:
    """An answer has this among the words that were heard."""
    answers = 'conversation.entries.filter(({ kind }) => kind === "agent")'
    return (
        f"(() => {{ const one = {answers}.at({answer}); return one && splitHeard(one).heard.includes({text!r}); }})()"
    )


def type_in(page: Page, text: str) -> None:
    page.evaluate("(text) => call.type(text)", text)


@pytest.fixture(scope="module")
def quiet(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears silence."""
    silence = record(tmp_path_factory.mktemp("microphone") / "silence.wav", 5.0)
    with chromium(playwright, silence, ALLOWED) as browser:
        yield browser


@pytest.fixture
def with_journal(tmp_path: Path) -> Iterator[Served]:
    """A server of its own, whose journals tell whether the recogniser had the time it needs."""
    with served("--journal", str(tmp_path / "journals")) as (_, address):
        yield Served(address.removeprefix("http://"), tmp_path / "journals")


# --- talking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_a_spoken_question_is_answered_and_both_sides_are_recorded(
    with_journal: Served, playwright: Playwright, tmp_path: Path, transport: str
) -> None:
    insist(with_journal, lambda: spoken_question(f"http://{with_journal.address}", playwright, tmp_path, transport))


def spoken_question(address: str, playwright: Playwright, tmp_path: Path, transport: str) -> None:
    microphone = record(tmp_path / "question.wav", CONNECTING, "what is twelve times twelve", 30.0)
    with chromium(playwright, microphone, ALLOWED) as browser, opened(browser, address) as page:
        assert begin(page, microphone=True, transport=transport) == "live"
        assert page.evaluate("call.transport") == transport
        page.evaluate("call.startRecording()")
        wait_for(page, heard("144"), SOON)
        wait_for(page, "call.mood === 'listening'")
        assert page.evaluate("call.secondsPlayed") > 1.5
        assert page.evaluate("call.loudest") > 0.05
        (turn,) = page.evaluate("call.turnMetrics")
        assert turn["isMeasured"]
        assert 0 < turn["firstSoundMs"] < 20_000
        assert turn["firstSoundMs"] <= turn["firstSubstanceMs"]
        assert turn["endpointWaitMs"] + turn["modelMs"] + turn["voiceMs"] <= turn["firstSoundMs"] + 400
        user, agent = recording(page)
        assert loudness(user) > 0.01
        assert loudness(agent) > 0.01
        assert last_loud(user) < last_loud(agent), "each side on its own channel"
        assert missed_words("what is twelve times twelve", words(user)) <= 1
        assert missed_words("one hundred and forty four", words(agent)) <= 1
        assert page.evaluate("failures") == []


def test_a_person_is_understood(with_journal: Served, playwright: Playwright, tmp_path: Path) -> None:
    samples, said = human_recording("ps_goforward.wav")
    silence = np.zeros(round(CONNECTING * RATE_HZ), np.int16)
    microphone = write_wav(tmp_path / "person.wav", np.concatenate([silence, samples, np.tile(silence, 6)]))
    insist(with_journal, lambda: person(f"http://{with_journal.address}", playwright, microphone, said))


def person(address: str, playwright: Playwright, microphone: Path, said: str) -> None:
    with chromium(playwright, microphone, ALLOWED) as browser, opened(browser, address) as page:
        begin(page, microphone=True)
        wait_for(page, "call.secondsPlayed > 0.5", SOON)
        understood = page.evaluate(
            "conversation.entries.filter(({ kind }) => kind === 'user').map(({ text }) => text).join(' ')"
        )
        assert word_errors(said, understood) < 0.6, "pocketsphinx has about a third of such words wrong"


def words(sound: np.ndarray) -> str:
    """Of all that was said. In a thread of its own: Playwright has an event loop running in this one."""
    samples = (sound * 32767).astype(np.int16)
    with ThreadPoolExecutor(1) as thread:
        return " ".join(thread.submit(recognised, *pieces(samples)).result())


def recording(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """What the page would give for download: the left and the right channel."""
    text, name = page.evaluate(
        """async () => {
          const { blob, name } = await call.stopRecording();
          let text = "";
          for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte);
          return [btoa(text), name];
        }"""
    )
    assert name.endswith(".wav")
    samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(text)))
    assert rate_hz == 24_000
    return samples[:, 0], samples[:, 1]


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def last_loud(samples: np.ndarray) -> int:
    return int(np.flatnonzero(np.abs(samples) > 0.02)[-1])


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_a_call_can_be_had_by_typing_and_its_answer_is_cut_off_by_typing(
    address: str, quiet: Browser, transport: str
) -> None:
    with opened(quiet, address) as page:
        sent = sent_events(page)
        assert begin(page, transport=transport) == "live"
        type_in(page, "count to twenty")
        wait_for(page, heard("two"))
        type_in(page, "what is twelve times twelve")
        wait_for(page, heard("144"))
        assert page.evaluate('conversation.entries.find(({ kind }) => kind === "agent").cut')
        assert ("output_audio_buffer.cleared" in page.evaluate("kinds")) == (transport == "webrtc")
        kinds = [event["type"] for event in sent]
        assert ("conversation.item.truncate" in kinds) == (transport == "websocket")
        assert page.evaluate("failures") == []


def sent_events(page: Page) -> list[dict[str, Any]]:
    """A list that grows as the page sends events over a websocket (audio left out)."""
    events: list[dict[str, Any]] = []

    def keep(frame: str | bytes) -> None:
        event = json.loads(frame)
        if event["type"] != "input_audio_buffer.append":
            events.append(event)

    page.on("websocket", lambda socket: socket.on("framesent", keep))
    return events


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_speaking_over_an_answer_stops_it_and_what_was_heard_is_known(
    with_journal: Served, playwright: Playwright, tmp_path: Path, transport: str
) -> None:
    address = f"http://{with_journal.address}"
    insist(with_journal, lambda: speaking_over_an_answer(address, playwright, tmp_path, transport))


def speaking_over_an_answer(address: str, playwright: Playwright, tmp_path: Path, transport: str) -> None:
    # it counts five numbers in 2.3 s: the word "stop" is understood amid the second five
    microphone = record(
        tmp_path / "interruption.wav", CONNECTING, "count to twenty", 2.7, "stop. what is twelve times twelve", 30.0
    )
    with chromium(playwright, microphone, ALLOWED) as browser, opened(browser, address) as page:
        sent = sent_events(page)
        begin(page, microphone=True, transport=transport)
        wait_for(page, heard("144"), SOON)
        cut = page.evaluate("splitHeard(conversation.entries.find(({ cut }) => cut))")
        assert "four" in cut["heard"]
        assert cut["coming"].endswith("nineteen, twenty.")
        truncations = [event for event in sent if event["type"] == "conversation.item.truncate"]
        assert all(500 < event["audio_end_ms"] < 9000 and event["content_index"] == 0 for event in truncations)
        assert len(truncations) == (1 if transport == "websocket" else 0), "on WebRTC the server knows by itself"


def test_push_to_talk_answers_what_was_said_while_the_key_was_held(
    with_journal: Served, playwright: Playwright, tmp_path: Path
) -> None:
    insist(with_journal, lambda: push_to_talk(f"http://{with_journal.address}", playwright, tmp_path))


def push_to_talk(address: str, playwright: Playwright, tmp_path: Path) -> None:
    microphone = record(tmp_path / "held.wav", CONNECTING, "what is twelve times twelve", 30.0)
    with chromium(playwright, microphone, ALLOWED) as browser, opened(browser, address) as page:
        assert begin(page, microphone=True, pushToTalk=True) == "live"
        page.evaluate("call.talkBegin()")
        page.wait_for_timeout((CONNECTING + 3.0) * 1000)  # the words are spoken in real time
        page.evaluate("call.talkEnd()")
        wait_for(page, heard("144"), SOON)
        assert "input_audio_buffer.speech_started" not in page.evaluate("kinds")
        page.evaluate("call.talkBegin()")
        page.evaluate("call.talkEnd()")  # touched only: there is nothing to answer
        page.wait_for_timeout(1000)  # in which an answer would begin
        assert page.evaluate("failures") == []


def test_settings_change_within_a_call(address: str, quiet: Browser) -> None:
    with opened(quiet, address) as page:
        begin(page, microphone=True)
        before = page.evaluate("call.microphone.track.id")
        page.evaluate("call.apply({...call.settings, noiseSuppression: false, policy: 'eager', fillers: false})")
        wait_for(page, f"call.microphone.track.id !== {before!r}")
        sent = "call.line.peer.transceiver.sender.track.id === call.microphone.track.id"
        wait_for(page, sent)
        wait_for(page, "kinds.filter((kind) => kind === 'session.updated').length === 2")
        page.evaluate("call.mute(true)")
        assert not page.evaluate("call.microphone.track.enabled")
        assert page.evaluate("failures") == []


def test_a_lost_microphone_is_told_and_the_call_goes_on(address: str, quiet: Browser) -> None:
    with opened(quiet, address) as page:
        begin(page, microphone=True)
        page.evaluate("call.microphone.track.stop(); call.microphone.track.dispatchEvent(new Event('ended'))")
        assert page.evaluate("failures") == ["microphoneLost"]
        type_in(page, "what is twelve times twelve")
        wait_for(page, heard("144"))
        assert page.evaluate("call.stage") == "live"


# --- the end --------------------------------------------------------------------------------------


def sessions(page: Page, address: str) -> int:
    count: int = page.request.get(f"{address}/health").json()["sessions"]
    return count


def wait_for_sessions(page: Page, address: str, count: int) -> None:
    for _ in range(1200):
        if sessions(page, address) == count:
            return
        page.wait_for_timeout(50)  # the server runs in real time
    raise AssertionError(f"{sessions(page, address)} sessions")


def test_hanging_up_and_leaving_the_page_end_the_call_at_once(quiet: Browser) -> None:
    with served() as (_, address), opened(quiet, address) as page:
        begin(page)
        assert sessions(page, address) == 1
        page.evaluate("call.hangUp()")
        wait_for_sessions(page, address, 0)
        assert page.evaluate("[call.mood, failures.length]") == ["idle", 0]
        begin(page)
        page.evaluate("addEventListener('pagehide', () => call.hangUp())")
        page.goto("about:blank")
        wait_for_sessions(page, address, 0)


# --- paths ----------------------------------------------------------------------------------------


def test_a_call_outlives_its_path(quiet: Browser) -> None:
    with served(program=("tests.web.serve_that_drops",)) as (process, address), opened(quiet, address) as page:
        begin(page, microphone=True)
        type_in(page, "what is twelve times twelve")
        wait_for(page, heard("144"))
        process.send_signal(signal.SIGUSR1)
        wait_for(page, "call.stage === 'reconnecting'")
        assert page.evaluate("[call.mood, call.quality.level]") == ["reconnecting", "lost"]
        type_in(page, "what is two times five")  # it waits for the new path
        wait_for(page, "call.stage === 'live'")
        wait_for(page, heard("10"))
        assert page.evaluate("kinds").count("session.created") == 1, "the same session"
        assert page.evaluate("failures") == []
        assert page.evaluate("conversation.entries.length") >= 2


def test_without_udp_the_sound_goes_over_the_websocket(address: str, playwright: Playwright, tmp_path: Path) -> None:
    silence = record(tmp_path / "silence.wav", 5.0)
    with chromium(playwright, silence, ALLOWED, NO_UDP) as browser, opened(browser, address) as page:
        assert begin(page, microphone=True) == "live"
        assert page.evaluate("[call.transport, notices]") == ["websocket", ["mediaBlocked"]]
        type_in(page, "what is twelve times twelve")
        wait_for(page, heard("144"))
        page.evaluate("call.hangUp()")
        begin(page, transport="webrtc")
        assert page.evaluate("failures") == ["mediaBlocked"], "who wants WebRTC alone is told"


def test_a_server_without_webrtc_is_talked_to_over_the_websocket(address: str, quiet: Browser) -> None:
    with opened(quiet, address) as page:
        page.route("**/v1/realtime/calls*", lambda route: route.fulfill(status=404))
        assert begin(page) == "live"
        assert page.evaluate("[call.transport, notices]") == ["websocket", ["noWebRtc"]]


def test_the_devices_can_be_listed(address: str, quiet: Browser) -> None:
    with opened(quiet, address) as page:
        begin(page, microphone=True)
        devices = page.evaluate("import('/devices.js').then(({ listDevices }) => listDevices())")
        assert devices["canChooseSpeaker"]
        assert devices["microphones"]
        assert all(device["id"] and device["label"] for device in devices["microphones"])


def test_a_key_in_the_address_opens_the_call_and_leaves_the_address(quiet: Browser) -> None:
    with served("--api-key", "opensesame") as (_, address), opened(quiet, address) as page:
        page.evaluate("location.hash = 'key=opensesame'")
        page.reload()
        wait_for(page, "location.hash === ''")
        page.fill("#typed", "what is twelve times twelve")
        page.press("#typed", "Enter")
        wait_for(page, "document.getElementById('entries').textContent.includes('144')")
        assert not page.locator("#failure").is_visible()
        assert "opensesame" not in page.evaluate("JSON.stringify({...localStorage})")
