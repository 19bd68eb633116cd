"""The page's pure modules, each imported into a real browser and tried there."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.browsing import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def page(address: str, browser: Browser) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


# --- sound ----------------------------------------------------------------------------------------

RESAMPLED_SINE = """async ([from, to, hertz]) => {
  const { Resampler } = await import("/resampler.js");
  const resampler = new Resampler(from, to);
  const input = Float32Array.from({length: from}, (_, n) => Math.sin(2 * Math.PI * hertz * n / from));
  const output = [];
  for (let start = 0; start < from; start += 128) output.push(...resampler.process(input.subarray(start, start + 128)));
  output.push(...resampler.finish());
  let signal = 0, noise = 0;
  for (let n = 500; n < output.length - 500; n++) {
    const wanted = Math.sin(2 * Math.PI * hertz * n / to);
    signal += wanted ** 2; noise += (output[n] - wanted) ** 2;
  }
  const power = output.slice(500, -500).reduce((sum, sample) => sum + sample ** 2, 0);
  return {length: output.length, snr: 10 * Math.log10(signal / noise), gain: 10 * Math.log10(power / signal)};
}"""


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(48000, 24000), (44100, 24000), (16000, 24000), (24000, 48000), (24000, 44100)]
)
@pytest.mark.parametrize("hertz", [200, 1000, 6000])
def test_a_tone_keeps_its_pitch_phase_and_level(page: Page, from_hz: int, to_hz: int, hertz: int) -> None:
    result = page.evaluate(RESAMPLED_SINE, [from_hz, to_hz, hertz])
    assert abs(result["length"] - to_hz) <= 1
    assert result["snr"] > 60


def test_what_the_lower_rate_cannot_carry_is_gone(page: Page) -> None:
    assert page.evaluate(RESAMPLED_SINE, [48000, 24000, 14000])["gain"] < -60


def test_samples_survive_the_wire(page: Page) -> None:
    result = page.evaluate(
        """async () => {
          const { encodePcm16, decodePcm16 } = await import("/pcm.js");
          const samples = Float32Array.from([0, 0.5, -0.5, 1, -1, 2, -2, 1 / 32768]);
          return {text: encodePcm16(samples), back: [...decodePcm16(encodePcm16(samples))],
                  odd: [...decodePcm16(btoa("\\x00\\x40\\x07"))]};
        }"""
    )
    values = struct.unpack("<8h", base64.b64decode(result["text"]))
    assert values == (0, 16384, -16383, 32767, -32767, 32767, -32767, 1)
    assert result["back"] == pytest.approx([0, 0.5, -0.5, 1, -1, 1, -1, 1 / 32768], abs=1e-4)
    assert result["odd"] == [0.5]


def test_the_microphone_clock_knows_when_a_moment_was_recorded(page: Page) -> None:
    times = page.evaluate(
        """async () => {
          const { MicrophoneClock } = await import("/microphone_clock.js");
          const clock = new MicrophoneClock();
          for (let n = 1; n <= 4000; n++) clock.sent(0.02, 7 + n * 0.02 + (n > 3000 ? 0.5 : 0));
          return [clock.at(50), clock.at(79), clock.at(81)];
        }"""
    )
    assert times[0] == pytest.approx(57)
    assert times[1] == pytest.approx(86.5), "after a gap in the recording"
    assert times[2] is None


# --- the conversation -----------------------------------------------------------------------------

TAKE = """async (steps) => {
  const { Conversation, splitHeard } = await import("/conversation.js");
  const conversation = new Conversation();
  for (const step of steps) {
    if (Array.isArray(step)) conversation[step[0]](...step.slice(1));
    else conversation.take(step);
  }
  const entries = conversation.entries.map((entry) => ({...entry, ...(entry.kind === "agent" ? splitHeard(entry) : {})}));
  return {entries, caption: conversation.caption, silent: conversation.silent, running: [...conversation.running]};
}"""


def heard(segment: int, stable: str, tentative: str = "") -> dict[str, Any]:
    return {"type": "stretto.heard", "segment": segment, "stable": stable, "tentative": tentative, "is_final": False}


def timeline(name: str, /, **fields: Any) -> dict[str, Any]:
    return {"type": "stretto.timeline", "name": name, "fields": fields}


def response(kind: str, /, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response_id": "resp_1", "item_id": "item_1", **fields}


SPEECH_STARTED = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 500}
SPEECH_STOPPED = {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 2000}
COMMITTED = {"type": "input_audio_buffer.committed"}
SECOND_OF_AUDIO = response("output_audio.delta", delta="A" * 64000)  # 48,000 bytes
BEGUN: Events = [
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "stretto.phase", "think_id": "think_1", "response_id": "resp_1", "phase": "thinking"},
    response("output_item.added", item={"id": "item_1", "type": "message"}),
    timeline("Speak", think_id="think_1", text="One two three."),
    timeline("Speak", think_id="think_1", text="Four."),
    response("output_audio_transcript.delta", delta="One"),
    SECOND_OF_AUDIO,
    response("output_audio_transcript.delta", delta=" two"),
    SECOND_OF_AUDIO,
]


def done(status: str) -> dict[str, Any]:
    return {"type": "response.done", "response": {"id": "resp_1", "status": status}}


def test_captions_part_what_is_sure_from_what_is_not(page: Page) -> None:
    steps = [SPEECH_STARTED, heard(0, "what is"), heard(1, "the", "tie"), heard(2, "now")]
    assert page.evaluate(TAKE, steps)["caption"] == {"stable": "what is the", "tentative": "tie now"}


def test_committed_words_leave_the_caption_and_do_not_come_back(page: Page) -> None:
    item = {"id": "u", "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
    late = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": "hello"}
    steps = [
        *(SPEECH_STARTED, heard(0, "", "hello"), SPEECH_STOPPED, COMMITTED),
        *({"type": "conversation.item.added", "item": item}, heard(0, "hello"), late),
    ]
    result = page.evaluate(TAKE, steps)
    assert result["caption"] == {"stable": "", "tentative": ""}
    assert result["entries"][0]["text"] == "hello"


def test_a_sound_that_became_no_turn_gives_way_to_the_next(page: Page) -> None:
    steps = [heard(0, "mhm"), SPEECH_STARTED, heard(1, "", "wait")]
    assert page.evaluate(TAKE, steps)["caption"] == {"stable": "mhm", "tentative": "wait"}
    assert page.evaluate(TAKE, [heard(0, "mhm"), heard(1, "", "wait")])["caption"]["stable"] == ""


@pytest.mark.parametrize(
    ("seconds", "said", "coming"),
    [(0, "", "One two three. Four."), (0.5, "One ", "two three. Four."), (1.5, "One two ", "three. Four.")],
)
def test_words_are_heard_when_their_audio_has_sounded(page: Page, seconds: float, said: str, coming: str) -> None:
    entry = page.evaluate(TAKE, [*BEGUN, ["played", "item_1", seconds]])["entries"][0]
    assert (entry["heard"], entry["coming"]) == (said, coming)


def test_an_answer_cut_off_keeps_what_was_heard(page: Page) -> None:
    result = page.evaluate(TAKE, [*BEGUN, ["played", "item_1", 0.9], done("cancelled"), ["cutOff", "item_1", 0.95]])
    entry = result["entries"][0]
    assert (entry["heard"], entry["coming"], entry["cut"]) == ("One ", "two three. Four.", True)
    assert result["running"] == []


def test_an_answer_answers_the_question_before_it(page: Page) -> None:
    first = page.evaluate(TAKE, [SPEECH_STOPPED, *BEGUN])["entries"][0]
    assert first["question"] == {"endMs": 2000}
    unasked = page.evaluate(TAKE, BEGUN)["entries"][0]
    assert unasked["question"] is None


def test_silence_is_told_once(page: Page) -> None:
    chosen = {"type": "stretto.silence", "response_id": "resp_1", "reason": "asked to wait"}
    ended = {"type": "stretto.turn", "turn_id": "turn_1", "outcome": "silent", "reason": "asked to wait"}
    result = page.evaluate(TAKE, [*BEGUN[:2], chosen, done("completed"), ended])
    assert [entry["silence"] for entry in result["entries"]] == ["asked to wait"]
    assert result["silent"]
    by_rule = page.evaluate(TAKE, [SPEECH_STARTED, ended])
    assert [(entry["kind"], entry["text"]) for entry in by_rule["entries"]] == [("note", "asked to wait")]
    assert not page.evaluate(TAKE, [SPEECH_STARTED, ended, SPEECH_STARTED])["silent"]


def test_an_answer_without_a_word_leaves_nothing(page: Page) -> None:
    assert page.evaluate(TAKE, [*BEGUN[:3], done("cancelled")])["entries"] == []


def test_thoughts_and_tools_are_kept_with_their_answer(page: Page) -> None:
    thought = {"type": "stretto.thought.delta", "think_id": "think_1", "delta": "Twelve times ten."}
    tool = timeline("ToolCalled", think_id="think_1", name="calculate", arguments='{"x": 1}')
    entry = page.evaluate(TAKE, [*BEGUN, thought, tool])["entries"][0]
    assert entry["thoughts"] == 'Twelve times ten.\ncalculate({"x": 1})\n'


def promoted(think_id: str) -> Events:
    return [
        {"type": "response.created", "response": {"id": "resp_2"}},
        {"type": "stretto.draft.promoted", "think_id": think_id, "response_id": "resp_2"},
    ]


def test_a_draft_shows_nowhere_until_it_is_an_answer(page: Page) -> None:
    thought = {"type": "stretto.thought.delta", "think_id": "think_2", "delta": "Easy."}
    draft = [thought, timeline("Speak", think_id="think_2", text="It is noon.")]
    first = page.evaluate(TAKE, [*BEGUN, done("cancelled"), *draft])["entries"]
    assert first[0]["sentences"] == ["One two three.", "Four."]
    assert first[0]["thoughts"] == ""
    one, two = page.evaluate(TAKE, [*BEGUN, done("cancelled"), *draft, *promoted("think_2")])["entries"]
    assert one["sentences"] == ["One two three.", "Four."]
    assert (two["sentences"], two["thoughts"]) == (["It is noon."], "Easy.")


def test_the_opening_of_a_verified_draft_belongs_to_the_answer_behind_it(page: Page) -> None:
    steps = [
        timeline("Speak", think_id="think_1", text="It is noon."),
        {"type": "stretto.draft.verified", "think_id": "think_1", "taken_by": "think_2"},
        *promoted("think_2"),
        timeline("Speak", think_id="think_2", text="Or nearly."),
    ]
    assert page.evaluate(TAKE, steps)["entries"][0]["sentences"] == ["It is noon.", "Or nearly."]


# --- sentences ------------------------------------------------------------------------------------


def test_every_failure_has_a_sentence_in_both_languages(page: Page) -> None:
    english, chinese, chosen = page.evaluate(
        """async () => {
          const { chooseStrings } = await import("/strings.js");
          return [chooseStrings(["en-US"]), chooseStrings(["zh-TW"]),
            [["fr", "zh"], ["en", "zh"], ["de"], []].map((tags) => chooseStrings(tags).language)];
        }"""
    )
    assert english.keys() == chinese.keys()
    assert all(english.values())
    assert all(chinese.values())
    assert chosen == ["zh", "en", "en", "en"]
    source = page.evaluate("fetch('/failures.js').then((answer) => answer.text())")
    kinds = source.split("@typedef {")[1].split("} FailureName")[0].replace("*", "").split("|")
    assert len(kinds) > 10
    assert {kind.strip().strip('"') for kind in kinds} <= english.keys()


def test_engines_that_need_no_download_are_known(page: Page) -> None:
    kinds = page.evaluate(
        """async () => {
          const { engineKinds } = await import("/server.js");
          const engine = (name, simulated = false) => ({name, simulated, warm: true});
          return [
            engineKinds({engines: {asr: engine("pocketsphinx"), llm: engine("offline"), tts: engine("espeak:en")}}),
            engineKinds({engines: {asr: engine("whisper:base"), llm: engine("x", true), tts: engine("kokoro")}})];
        }"""
    )
    assert kinds == [{"simulated": [], "basic": ["asr", "llm", "tts"]}, {"simulated": ["llm"], "basic": []}]
