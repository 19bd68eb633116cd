"""The view's pure modules, each imported into a real browser and tried there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from realtime.page import WEB_CLIENT
from tests.web.browsing import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(address: str, browser: Browser) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


# --- sentences ------------------------------------------------------------------------------------


def test_both_languages_have_the_same_sentences_and_places(page: Page) -> None:
    strings = page.evaluate("import('/strings.js').then(({ STRINGS }) => STRINGS)")
    english, chinese = strings["en"], strings["zh"]
    assert english.keys() == chinese.keys()
    for name, sentence in english.items():
        assert re.findall(r"\{\w+\}", sentence) == sorted(re.findall(r"\{\w+\}", chinese[name]), key=sentence.find), (
            name
        )


def test_every_sentence_that_the_page_asks_for_is_there(page: Page) -> None:
    strings = page.evaluate("import('/strings.js').then(({ STRINGS }) => STRINGS.en)")
    html = (WEB_CLIENT / "index.html").read_text()
    asked = set(re.findall(r'data-(?:text|placeholder|label|hint)="(\w+)"', html))
    assert asked <= strings.keys()


# --- thinking -------------------------------------------------------------------------------------

THINK = """async (events) => {
  const { ThinkingModel } = await import("/thinking_model.js");
  const model = new ThinkingModel();
  events.forEach((event, second) => model.take(event, second));
  return {shown: model.shown, all: model.streams.size};
}"""


def of(think_id: str, name: str, purpose: str = "draft", /, **fields: Any) -> dict[str, Any]:
    return {"type": f"stretto.{name}", "think_id": think_id, "purpose": purpose, **fields}


def think(page: Page, *events: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = page.evaluate(THINK, list(events))
    return result


BEGUN = (
    of("think_1", "effort"),
    of("think_1", "draft.started", basis="what is twelve", foreseen=False, turn_id="turn_1"),
    of("think_1", "draft.delta", delta="Twelve"),
    of("think_1", "draft.delta", delta=" is a number."),
)


def test_a_draft_grows_for_the_words_it_answers(page: Page) -> None:
    result = think(page, *BEGUN)
    [draft] = result["shown"]
    assert (draft["basis"], draft["words"], draft["state"]) == ("what is twelve", "Twelve is a number.", "growing")


@pytest.mark.parametrize(
    ("name", "fields", "state"),
    [
        ("draft.promoted", {"turn_id": "turn_1"}, "promoted"),
        ("draft.frozen", {"reason": "extended"}, "frozen"),
        ("draft.verified", {"taken_by": "think_2"}, "verified"),
        ("draft.abandoned", {"reason": "contradicted"}, "abandoned"),
    ],
)
def test_a_draft_s_fate_is_told_with_its_reason(page: Page, name: str, fields: dict[str, str], state: str) -> None:
    [draft] = think(page, *BEGUN, of("think_1", name, **fields))["shown"]
    assert (draft["state"], draft["reason"]) == (state, fields.get("reason", ""))


def test_a_promoted_draft_stays_one_when_it_is_written(page: Page) -> None:
    [draft] = think(
        page,
        *BEGUN,
        of("think_1", "draft.promoted"),
        of("think_1", "phase", phase="written"),
        of("think_1", "phase", phase="heard"),
    )["shown"]
    assert draft["state"] == "promoted"


def test_an_answer_s_reasoning_and_tools_end_with_it(page: Page) -> None:
    [answer] = think(
        page,
        of("think_3", "thought.delta", "answer", delta="Twelve times ten."),
        of("think_3", "tool.called", "answer", call_id="call_1", name="calculate", arguments='{"x": 1}'),
        of("think_3", "tool.called", "answer", call_id="call_2", name="search", arguments="{}"),
        {"type": "stretto.tool.ended", "call_id": "call_1", "failed": False},
        {"type": "stretto.tool.ended", "call_id": "call_2", "failed": True},
        of("think_3", "phase", "answer", phase="written"),
    )["shown"]
    assert answer["reasoning"] == "Twelve times ten."
    assert [(tool["name"], tool["state"]) for tool in answer["tools"]] == [("calculate", "done"), ("search", "failed")]
    assert answer["state"] == "over"


def test_what_a_promoted_draft_goes_on_to_say_is_told_by_its_sentences(page: Page) -> None:
    def speak(text: str) -> dict[str, Any]:
        return {"type": "stretto.timeline", "name": "Speak", "fields": {"think_id": "think_1", "text": text}}

    [draft] = think(page, *BEGUN, speak("Twelve is a number."), of("think_1", "draft.promoted"), speak("It is even."))[
        "shown"
    ]
    assert draft["sentences"] == "Twelve is a number. It is even."


def test_notes_foresight_and_afterthoughts_have_their_places(page: Page) -> None:
    shown = think(
        page,
        of("think_1", "note.delta", "notes", delta="Wants a timer."),
        of("think_1", "note.kept", "notes", reason=""),
        of("think_2", "foresight", "foresight", ending="ten seconds", probability=0.8),
        of("think_3", "afterthought", "afterthought", text="It was 145."),
    )["shown"]
    assert [(stream["purpose"], stream["words"], stream["state"]) for stream in shown] == [
        ("afterthought", "It was 145.", "over"),
        ("foresight", "ten seconds", "over"),
        ("notes", "Wants a timer.", "kept"),
    ], "the newest first"
    assert shown[1]["probability"] == 0.8


def test_thinking_that_came_to_nothing_is_not_shown(page: Page) -> None:
    result = think(
        page,
        of("think_1", "effort", "notes"),
        of("think_1", "silence", "notes", reason="nothing to note"),
        of("think_2", "afterthought", "afterthought", text=""),
        of("think_9", "phase", "answer", phase="heard"),
        {"type": "response.created", "response": {"id": "resp_1"}},
    )
    assert result["shown"] == []


def test_what_was_thought_stays_until_another_session_begins(page: Page) -> None:
    again = of("think_1", "draft.delta", delta="Another")
    assert think(page, *BEGUN, {"type": "session.updated"})["all"] == 1
    [draft] = think(page, *BEGUN, {"type": "session.created"}, again)["shown"]
    assert draft["words"] == "Another"


def test_of_a_long_call_the_newest_are_kept(page: Page) -> None:
    streams = [of(f"think_{n}", "draft.delta", delta="word") for n in range(100)]
    result = think(page, *streams, of("think_0", "draft.abandoned", reason="stopped"))
    assert result["all"] == 60
    assert result["shown"][0]["thinkId"] == "think_99"


# --- recording ------------------------------------------------------------------------------------


def test_a_recording_is_not_left_unasked_and_a_full_one_says_so(page: Page) -> None:
    recording, full, none = page.evaluate(
        """async () => {
          const { RecordingView } = await import("/recording_view.js");
          const { STRINGS } = await import("/strings.js");
          const view = new RecordingView(STRINGS.en, console.error);
          const seen = (call) => {
            view.show(call, true);
            const leaving = new Event("beforeunload", {cancelable: true});
            dispatchEvent(leaving);
            const [line, sign] = ["recording", "recording-sign"].map((id) => document.getElementById(id));
            return [line.checkVisibility() && line.innerText.trim(), sign.checkVisibility(), leaving.defaultPrevented];
          };
          const call = (isFinishing) => ({isRecording: true, stage: "live", recorder: {isFinishing}});
          return [seen(call(false)), seen(call(true)), seen(null)];
        }"""
    )
    assert recording == ["Recording both sides. It is saved on this device.", True, True]
    assert full == [
        "The recording has reached its hour and is not going on. Stop it to keep what there is.",
        False,
        True,
    ]
    assert none == [False, False, False]


def test_the_words_that_a_draft_answers_are_told_as_they_are(page: Page) -> None:
    words = "that costs $$5, or $& more"
    told = page.evaluate(
        """async (basis) => {
          const { ThinkingModel } = await import("/thinking_model.js");
          const { ThinkingView } = await import("/thinking_view.js");
          const { STRINGS } = await import("/strings.js");
          const model = new ThinkingModel();
          model.take({type: "stretto.draft.started", think_id: "think_1", purpose: "draft", basis, foreseen: false}, 0);
          new ThinkingView(model, STRINGS.en).show();
          return document.querySelector("#thoughts .basis").textContent;
        }""",
        words,
    )
    assert words in told


# --- the talk -------------------------------------------------------------------------------------


def test_of_a_long_talk_only_what_has_changed_is_drawn(page: Page) -> None:
    looks, texts = page.evaluate(
        """async () => {
          const { Conversation } = await import("/conversation.js");
          const { ConversationView } = await import("/view.js");
          const { STRINGS } = await import("/strings.js");
          const conversation = new Conversation();
          const view = new ConversationView(STRINGS.en);
          const answer = (n, delta) => conversation.take({type: "response.output_text.delta", response_id: `resp_${n}`, delta});
          for (let n = 0; n < 200; n++) {
            conversation.typed(`item_${n}`, `question ${n}`);
            conversation.note("silence", "why");
            conversation.take({type: "response.created", response: {id: `resp_${n}`}});
            answer(n, `answer ${n}`);
          }
          view.show(conversation);
          let looks = 0;
          const { get, set } = Object.getOwnPropertyDescriptor(Node.prototype, "textContent");
          Object.defineProperty(Node.prototype, "textContent", {configurable: true, set, get() { looks++; return get.call(this); }});
          answer(7, ", and more");
          conversation.entries[0].delivery = "unsent";
          conversation.cutOff("resp_8", 0);
          conversation.take({type: "stretto.said", response_id: "resp_9", utterance_id: "u", text: "answer"});
          view.show(conversation);
          Object.defineProperty(Node.prototype, "textContent", {configurable: true, set, get});
          const text = (n) => view.shown.get(conversation.entries[n].key).view.element.textContent;
          const texts = [text(0), text(7 * 3 + 2), view.list.querySelectorAll(".cut").length, text(9 * 3 + 2)];
          view.show(new Conversation());
          return [looks, texts];
        }"""
    )
    assert looks < 40, "of 600 entries four have changed"
    assert "answer 7, and more" in texts[1]
    assert texts[0].endswith("not sent")
    assert texts[2] == 1


# --- delays ---------------------------------------------------------------------------------------


def test_a_trend_fits_its_picture_and_rises_with_the_delay(page: Page) -> None:
    few, many = page.evaluate(
        """async () => {
          const { trend } = await import("/latency_view.js");
          return [trend([100, 400, 200]), trend(Array.from({length: 24}, (_, n) => n * 50))];
        }"""
    )
    for x, y in [*few, *many]:
        assert 0 <= x <= 96
        assert 0 <= y <= 24
    assert few[1][1] < few[2][1] < few[0][1], "what took longer stands higher"
    assert few[-1][0] == many[-1][0], "the last turn stands at the right"


@pytest.mark.parametrize(("ms", "said"), [(0, "0 ms"), (412.4, "412 ms"), (9999, "9999 ms"), (12345, "12.3 s")])
def test_delays_are_said_in_ms_and_very_long_ones_in_seconds(page: Page, ms: float, said: str) -> None:
    assert page.evaluate("async (ms) => (await import('/latency_view.js')).sayMs(ms)", ms) == said
