"""The pure modules of the call layer, each imported into a real browser and tried there."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.browsing import opened, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def page(address: str, browser: Browser) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


# --- settings -------------------------------------------------------------------------------------


def test_settings_come_back_and_what_is_unknown_or_wrong_does_not(page: Page) -> None:
    clean, kept = page.evaluate(
        """async () => {
          const { cleanSettings, loadSettings, saveSettings, DEFAULTS } = await import("/settings_store.js");
          saveSettings({...DEFAULTS, policy: "eager", fillers: false, pushToTalk: true, key: "secret"});
          const kept = [loadSettings(), Object.values({...localStorage}).join("")];
          localStorage.clear();
          return [[{policy: "rude", transport: 3, voice: "slt", fillers: "no"}, null, "x", []].map(cleanSettings), kept];
        }"""
    )
    defaults = clean[1]
    assert clean[0] == defaults | {"voice": "slt"}
    assert clean[2] == clean[3] == defaults
    assert defaults["transport"] == "auto"
    assert kept[0] == defaults | {"policy": "eager", "fillers": False, "pushToTalk": True}
    assert "secret" not in kept[1]


def test_a_session_says_what_was_chosen_and_leaves_the_rest_to_the_server(page: Page) -> None:
    plain, chosen = page.evaluate(
        """async () => {
          const { sessionOf } = await import("/session_settings.js");
          const { DEFAULTS } = await import("/settings_store.js");
          return [sessionOf(DEFAULTS, true),
            sessionOf({...DEFAULTS, pushToTalk: true, voice: "slt", policy: "eager", fillers: false,
                       instructions: "Be brief."}, false)];
        }"""
    )
    assert plain["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}
    assert plain["stretto"] == {"events": True, "policy": None, "fillers": None}
    assert "instructions" not in plain
    assert "voice" not in plain["audio"]["output"]
    assert chosen["audio"]["input"]["turn_detection"] is None
    assert chosen["audio"]["output"]["voice"] == "slt"
    assert chosen["stretto"] == {"events": True, "policy": "eager", "fillers": False}
    assert (chosen["instructions"], chosen["output_modalities"]) == ("Be brief.", ["text"])


def test_the_key_is_taken_from_the_address_and_kept_in_this_tab_until_it_is_refused(page: Page) -> None:
    page.route("**/client_secrets", lambda route: route.fulfill(status=401, body="{}"))
    result = page.evaluate(
        """async () => {
          const { secretFor, takeKeyFromAddress } = await import("/server.js");
          location.hash = "key=open%20sesame";
          const seen = [takeKeyFromAddress(), location.href, takeKeyFromAddress(), JSON.stringify({...localStorage})];
          const refused = async (key) => secretFor(key).catch(({ kind }) => kind);
          seen.push(await refused("another one"), takeKeyFromAddress());
          seen.push(await refused("open sesame"), takeKeyFromAddress());
          return seen;
        }"""
    )
    key, href, again, kept = result[:4]
    assert key == again == "open sesame"
    assert "sesame" not in href + kept
    assert result[4:] == ["keyWrong", "open sesame", "keyWrong", ""]


# --- heard words over WebRTC ----------------------------------------------------------------------

TAKE = """async (steps) => {
  const { Conversation, splitHeard } = await import("/conversation.js");
  const conversation = new Conversation();
  for (const step of steps) {
    if (Array.isArray(step)) conversation[step[0]](...step.slice(1));
    else conversation.take(step);
  }
  return conversation.entries.map((entry) => ({cut: entry.cut, ...splitHeard(entry)}));
}"""
ANSWER: Events = [
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "stretto.phase", "think_id": "think_1", "response_id": "resp_1", "phase": "thinking"},
    {"type": "stretto.timeline", "name": "Speak", "fields": {"think_id": "think_1", "text": "One two three."}},
    {"type": "stretto.timeline", "name": "Speak", "fields": {"think_id": "think_1", "text": "Four."}},
    {"type": "response.output_audio_transcript.delta", "response_id": "resp_1", "delta": "One two three."},
]


def said(text: str) -> dict[str, Any]:
    told = {"type": "stretto.said", "utterance_id": "utt_1", "response_id": "resp_1"}
    return told | {"text": text, "seconds": 1.0}


@pytest.mark.parametrize(
    ("steps", "heard", "coming"),
    [
        ([], "", "One two three. Four."),
        ([["played", "resp_1", 0.5]], "", "One two three. Four."),
        ([said("One two")], "One two ", "three. Four."),
        ([said("One two"), said("One two three.")], "One two three. ", "Four."),
        ([said("One two three.  Four.")], "One two three. Four.", ""),
        ([said("One two"), ["playedToEnd", "resp_1"]], "One two three.", " Four.".strip()),
    ],
)
def test_words_are_heard_when_the_server_says_so(page: Page, steps: Events, heard: str, coming: str) -> None:
    entry = page.evaluate(TAKE, [*ANSWER, *steps])[0]
    assert (entry["heard"].rstrip(), entry["coming"]) == (heard.rstrip(), coming)


def test_a_cut_answer_keeps_what_the_server_says_was_heard(page: Page) -> None:
    entry = page.evaluate(TAKE, [*ANSWER, said("One two"), ["cutOff", "resp_1", 3.0], ["playedToEnd", "resp_1"]])[0]
    assert (entry["heard"], entry["coming"], entry["cut"]) == ("One two ", "three. Four.", True)


# --- the sound itself -----------------------------------------------------------------------------

SOUNDS = """async (steps) => {
  const { FirstSounds } = await import("/loudness.js");
  const found = [];
  const sounds = new FirstSounds((id, at) => found.push([id, at]));
  for (const [name, ...rest] of steps) {
    if (name === "loud") sounds.heard(Float32Array.from({length: 100}, (_, n) => n >= 50 ? 0.1 : 0), rest[0], 1000);
    else if (name === "quiet") sounds.heard(new Float32Array(100), rest[0], 1000);
    else sounds[name](...rest);
  }
  return found;
}"""


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        # 100 ms each, the later half of them loud
        ([["expect", "a", 1.0], ["quiet", 1.1], ["loud", 1.2], ["loud", 1.3]], 1.15),
        # the word that it sounds comes late
        ([["quiet", 1.0], ["loud", 1.1], ["loud", 1.2], ["expect", "a", 1.2]], 1.05),
        # something else has been sounding for long: its next sound is taken
        ([*(["loud", n / 10] for n in range(10, 20)), ["expect", "a", 1.95], ["loud", 2.0]], 1.95),
    ],
)
def test_the_first_loud_sample_of_an_answer_is_found(page: Page, steps: list[Any], at: float) -> None:
    assert page.evaluate(SOUNDS, steps) == [["a", pytest.approx(at)]]


SPEECH = """async ([blocks, marks, ask]) => {
  const { SpeechEnds } = await import("/loudness.js");
  const ends = new SpeechEnds();
  for (const [endsAt, loud] of blocks) ends.heard(new Float32Array(100).fill(loud ? 0.1 : 0), endsAt, 1000);
  for (const [audioSeconds, at] of marks) ends.reached(audioSeconds, at);
  return ends.at(ask);
}"""


def blocks(until: float, loud_until: float) -> list[list[float]]:
    return [[n / 10, n / 10 <= loud_until] for n in range(1, round(until * 10) + 1)]


def test_the_end_of_speech_is_the_microphones_last_loud_sample(page: Page) -> None:
    # the server's word of 2.0 s is late by the way there: 10.1 here, while the voice ended at 10.0
    assert page.evaluate(SPEECH, [blocks(11, 10), [[2.3, 10.4], [2.0, 10.5]], 2.0]) == pytest.approx(10.0, abs=0.002)


def test_in_a_loud_room_the_server_is_believed(page: Page) -> None:
    assert page.evaluate(SPEECH, [blocks(11, 11), [[2.3, 10.4]], 2.0]) == pytest.approx(10.1)


def test_without_a_word_of_the_server_the_end_is_not_known(page: Page) -> None:
    assert page.evaluate(SPEECH, [blocks(11, 10), [], 2.0]) is None


# --- where the time of a turn went ----------------------------------------------------------------

BOOK = """async (steps) => {
  const { TurnMetricsBook } = await import("/turn_metrics.js");
  const book = new TurnMetricsBook();
  for (const step of steps) {
    if (Array.isArray(step)) book.measured(...step);
    else book.take(step);
  }
  return book.turns;
}"""


def at(seconds: float, name: str, /, **fields: Any) -> dict[str, Any]:
    return {"type": "stretto.timeline", "at_seconds": seconds, "name": name, "fields": fields}


SPOKEN: Events = [
    at(
        10.2, "SpeechStopped", audio_seconds=9.0, silence_seconds=0.2
    ),  # the session's clock is 1 s ahead of the audio's
    at(10.5, "CommitTurn", turn_id="turn_1", audio_end_seconds=9.0),
]
UTTERED = {"utterance_id": "utt_1", "think_id": "think_1"}
PLAIN: Events = [
    *SPOKEN,
    at(10.5, "Think", think_id="think_1", purpose="answer", turn_id="turn_1"),
    at(10.9, "Speak", index=0, text="It is noon.", source="model", **UTTERED),
    at(11.0, "SpeechReady", utterance_id="utt_1", index=0),
    at(11.02, "PlayoutStarted", utterance_id="utt_1"),
]


def test_the_time_of_a_turn_is_told_by_its_parts(page: Page) -> None:
    assert page.evaluate(BOOK, PLAIN) == [
        {
            "turnId": "turn_1",
            "firstSoundMs": 1020,
            "firstSubstanceMs": 1020,
            "endpointWaitMs": 500,
            "modelMs": 400,
            "voiceMs": 100,
            "isMeasured": False,
        }
    ]


def test_what_was_timed_on_the_sound_goes_before_the_servers_word(page: Page) -> None:
    bound = {"type": "stretto.phase", "think_id": "think_1", "response_id": "resp_1", "phase": "sounding"}
    for steps in ([*PLAIN, bound, ["resp_1", 1.1]], [bound, *PLAIN, ["resp_1", 1.1]], [["resp_1", 1.1], *PLAIN, bound]):
        (turn,) = page.evaluate(BOOK, steps)
        assert (turn["firstSoundMs"], turn["firstSubstanceMs"], turn["isMeasured"]) == (1100, 1100, True)


def test_a_draft_that_was_ready_takes_no_time(page: Page) -> None:
    steps = [
        at(9.8, "Think", think_id="think_1", purpose="draft"),
        at(9.9, "Hold", utterance_id="utt_1"),
        at(10.1, "Speak", index=0, text="It is noon.", source="model", **UTTERED),
        at(10.3, "SpeechReady", utterance_id="utt_1", index=0),
        *SPOKEN,
        at(10.5, "PromoteThinking", think_id="think_1", turn_id="turn_1"),
        at(10.51, "PlayoutStarted", utterance_id="utt_1"),
    ]
    (turn,) = page.evaluate(BOOK, steps)
    assert (turn["endpointWaitMs"], turn["modelMs"], turn["voiceMs"], turn["firstSoundMs"]) == (500, 0, 0, 510)


def test_a_filler_is_the_first_sound_and_no_substance(page: Page) -> None:
    steps = [
        *SPOKEN,
        at(10.5, "Think", think_id="think_1", purpose="answer", turn_id="turn_1"),
        at(10.5, "Speak", index=0, text="Let me see.", source="filler", **UTTERED),
        at(10.5, "SpeechRendered", utterance_id="utt_1", index=0, seconds=0.8),
        at(10.6, "PlayoutStarted", utterance_id="utt_1"),
        at(11.2, "Speak", index=1, text="It is noon.", source="model", **UTTERED),
        at(11.3, "SpeechReady", utterance_id="utt_1", index=1),
        at(11.3, "WordsHeard", utterance_id="utt_1", text="Let me", heard_seconds=0.7),
    ]
    (turn,) = page.evaluate(BOOK, steps)
    assert (turn["firstSoundMs"], turn["firstSubstanceMs"]) == (600, None)
    assert (turn["modelMs"], turn["voiceMs"]) == (700, 100)
    heard = at(11.7, "WordsHeard", utterance_id="utt_1", text="Let me see. It is", heard_seconds=1.1)
    (turn,) = page.evaluate(BOOK, [*steps, heard])
    assert turn["firstSubstanceMs"] == 1400, "0.8 s of filler behind the first sound"


def test_a_typed_question_has_no_endpoint(page: Page) -> None:
    steps = [
        at(3.0, "Think", think_id="think_1", purpose="answer", request_id="request_1"),
        at(3.2, "Speak", index=0, text="Ten.", source="model", **UTTERED),
        at(3.4, "PlayoutStarted", utterance_id="utt_1"),
    ]
    (turn,) = page.evaluate(BOOK, steps)
    assert (turn["turnId"], turn["endpointWaitMs"], turn["modelMs"], turn["firstSoundMs"]) == ("", None, 200, 400)


# --- the connection -------------------------------------------------------------------------------

QUALITY = """async ([before, now]) => {
  const { countsOf, qualityBetween } = await import("/quality.js");
  return qualityBetween(countsOf(before), countsOf(now));
}"""


def stats(
    received: int, lost: int, *, rtt: float = 0.02, loss_there: float = 0.0, jitter: float = 0.005, concealed: int = 0
) -> Events:
    return [
        {"type": "transport", "id": "T", "selectedCandidatePairId": "P"},
        {"type": "candidate-pair", "id": "P", "currentRoundTripTime": rtt, "localCandidateId": "L"},
        {"type": "local-candidate", "id": "L", "protocol": "udp", "candidateType": "host"},
        {"type": "inbound-rtp", "id": "I", "packetsReceived": received, "packetsLost": lost, "jitter": jitter}
        | {"totalSamplesReceived": received * 960, "concealedSamples": concealed},
        {"type": "remote-inbound-rtp", "id": "R", "fractionLost": loss_there, "jitter": 0.001},
    ]


@pytest.mark.parametrize(
    ("now", "level"),
    [
        (stats(200, 0), "good"),
        (stats(200, 0, rtt=0.25), "fair"),
        (stats(195, 5), "fair"),
        (stats(200, 0, loss_there=0.1), "poor"),
        (stats(200, 0, jitter=0.1), "poor"),
        (stats(200, 0, concealed=15_000), "poor"),
    ],
)
def test_a_connection_is_as_good_as_its_worst_figure(page: Page, now: Events, level: str) -> None:
    quality = page.evaluate(QUALITY, [stats(100, 0), now])
    assert quality["level"] == level
    assert quality["path"] == "udp host"


def test_losses_are_those_since_the_last_look(page: Page) -> None:
    quality = page.evaluate(QUALITY, [stats(100, 50), stats(196, 54)])
    assert (quality["lossPercent"], quality["rttMs"]) == (4.0, 20)


def test_pauses_between_attempts_grow_and_have_an_end(page: Page) -> None:
    waits = page.evaluate(
        "import('/repair.js').then(({ waitBefore }) => [0, 1, 2, 3, 4, 5, 6, 20].map((attempt) => waitBefore(attempt)))"
    )
    assert waits == [0, 250, 500, 1000, 2000, 4000, 4000, 4000]


NETWORK = """async ([network, ...types]) => {
  const { Repair } = await import("/repair.js");
  const connection = Object.assign(new EventTarget(), {type: network ?? undefined});
  Object.defineProperty(navigator, "connection", {value: connection, configurable: true});
  let count = 0;
  const repair = new Repair(async () => void count++, {onBroken() {}, onRestored() {}, onGivenUp() {}});
  repair.begin();
  for (const type of types) {
    connection.type = type ?? undefined;
    connection.dispatchEvent(new Event("change"));
    await new Promise((resolve) => setTimeout(resolve, 50)); // the first attempt is made at once
  }
  repair.close();
  delete navigator.connection;
  return count;
}"""


@pytest.mark.parametrize(
    ("types", "repairs"),
    [(["wifi", "wifi"], 0), ([None, None], 0), (["wifi", "cellular", "cellular"], 1), (["wifi", "none", "wifi"], 2)],
)
def test_only_another_network_breaks_the_path_and_no_new_estimate_of_its_speed(
    page: Page, types: list[str | None], repairs: int
) -> None:
    assert page.evaluate(NETWORK, types) == repairs


def test_what_an_old_path_and_the_new_one_both_bring_is_taken_once(page: Page) -> None:
    taken, last = page.evaluate(
        """async () => {
          const { WebRtcLine } = await import("/webrtc_line.js");
          const taken = [];
          const line = new WebRtcLine({}, {track: null}, {onEvent: ({ event_id }) => taken.push(event_id)});
          for (const event_id of ["a", "b", "c", "b", "c", "d"]) line.take({type: "stretto.heard", event_id});
          return [taken, line.lastEventId];
        }"""
    )
    assert (taken, last) == (["a", "b", "c", "d"], "d")


def test_of_many_names_the_latest_are_known(page: Page) -> None:
    known = page.evaluate(
        """async () => {
          const { RecentNames } = await import("/recent_names.js");
          const names = new RecentNames(3);
          for (const name of ["a", "b", "c", "d"]) names.add(name);
          return ["a", "b", "c", "d"].map((name) => names.has(name));
        }"""
    )
    assert known == [False, True, True, True]


# --- the sound desk -------------------------------------------------------------------------------


def test_what_comes_of_a_speech_after_it_was_cut_off_is_not_played(page: Page) -> None:
    late, after, posted = page.evaluate(
        """async () => {
          const posted = [];
          Object.assign(globalThis, {
            sampleRate: 24000,
            currentTime: 0,
            AudioWorkletProcessor: class { port = {postMessage: ({ kind, ...rest }) => posted.push([kind, rest])}; },
            registerProcessor: (_name, Processor) => (globalThis.speaker = new Processor()),
          });
          await import("/speaker_worklet.js");
          const output = [[new Float32Array(1200)]];
          const second = (id) => ({kind: "audio", id, samples: new Float32Array(24000).fill(0.5)});
          const play = (count) => { while (count--) speaker.process([], output); };
          const level = () => Math.max(...output[0][0].fill(0) && (play(1), output[0][0]));
          speaker.take(second("one"));
          play(4);
          speaker.take({kind: "flush"});
          play(2);
          speaker.take(second("one"));
          const late = level();
          speaker.take({kind: "finish", id: "one"});
          speaker.take(second("two"));
          return [late, level(), posted.filter(([kind]) => kind === "flushed" || kind === "sound")];
        }"""
    )
    assert posted == [
        ["sound", {"id": "one", "at": 0}],
        ["flushed", {"items": [{"id": "one", "seconds": pytest.approx(0.25)}]}],
        ["sound", {"id": "two", "at": 0}],
    ]
    assert (late, after) == (0, pytest.approx(0.5, abs=0.05))


def test_sound_that_was_interrupted_goes_on_and_a_call_does_not_wait_for_it(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.mouse.click(1, 1)  # browsers let no page sound before
        page.evaluate(
            """async () => {
              const { Desk } = await import("/desk.js");
              window.desk = new Desk();
              await desk.open();
              window.states = [];
              desk.context.addEventListener("statechange", () => states.push(desk.context.state));
              await desk.context.suspend();
            }"""
        )
        wait_for(page, "states.join().endsWith('suspended,running')", 10)
        page.evaluate("() => { desk.context.resume = () => new Promise(() => {}); }")  # as iOS during a phone call
        page.evaluate("desk.context.suspend()")
        wait_for(page, "states.at(-1) === 'suspended'", 10)
        page.evaluate("desk.open()")
        page.evaluate("delete desk.context.resume; document.dispatchEvent(new Event('visibilitychange'))")
        wait_for(page, "states.at(-1) === 'running'", 10)
        page.evaluate("desk.close()")
        wait_for(page, "states.at(-1) === 'closed'", 10)


# --- a call on a line that is made up -------------------------------------------------------------

MADE_UP_LINE = """
export const lineMakers = () => [(_desk, _microphone, events) => (window.line = {
  kind: "webrtc", isAudible: true, tailSeconds: 0.2, sent: [], speakers: [], events,
  open: async () => {},
  send(event) { this.sent.push(event.type); },
  interrupt() {},
  spokenAt: () => null,
  useMicrophone() {},
  useSpeaker: async (id) => void line.speakers.push(id),
  close() {},
})];
export function rememberBlockedMedia() {}
"""
BEGIN = """async ([withMicrophone, settings]) => {
  const { Call } = await import("/call.js");
  const { Conversation } = await import("/conversation.js");
  const { DEFAULTS } = await import("/settings_store.js");
  window.call?.hangUp();
  Object.assign(window, {failures: [], notices: [], found: 0, line: null});
  window.call = new Call(new Conversation(), {
    onChange() {},
    onLevel() {},
    onFailure: ({ kind }) => failures.push(kind),
    onNotice: (name) => notices.push(name),
    onMicrophoneFound: () => found++,
  }, {...DEFAULTS, ...settings});
  call.begin("", withMicrophone).catch(({ kind, detail }) => failures.push(`${kind} ${detail}`));
}"""
UPDATED = "line.events.onEvent({type: 'session.updated'})"


@pytest.fixture(scope="module")
def bare(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose calls go nowhere: ``line`` tells what was sent, and ``line.events`` takes what would come."""
    with opened(browser, address) as page:
        page.route("**/line.js", lambda route: route.fulfill(body=MADE_UP_LINE, content_type="text/javascript"))
        page.reload()
        page.mouse.click(1, 1)  # browsers let no page sound before
        yield page


def connecting(page: Page, *, microphone: bool = False, **settings: object) -> None:
    page.evaluate(BEGIN, [microphone, settings])
    wait_for(page, "window.line?.sent.includes('session.update')")


def live(page: Page, *, microphone: bool = False, **settings: object) -> None:
    connecting(page, microphone=microphone, **settings)
    page.evaluate(UPDATED)
    assert page.evaluate("call.stage") == "live"


def test_on_a_path_that_was_renewed_while_the_call_began_the_settings_are_sent_again(bare: Page) -> None:
    connecting(bare)
    bare.evaluate("line.events.onBroken(); line.events.onRestored()")
    assert bare.evaluate("line.sent") == ["session.update", "session.update"]
    bare.evaluate(UPDATED)
    assert bare.evaluate("[call.stage, failures]") == ["live", []]


def test_a_call_whose_settings_are_refused_or_never_taken_does_not_begin(bare: Page) -> None:
    connecting(bare)
    bare.evaluate("line.events.onEvent({type: 'error', error: {code: 'invalid_value', message: 'No such voice.'}})")
    wait_for(bare, "failures.length")
    assert bare.evaluate("[call.stage, failures]") == ["over", ["unexpected No such voice."]]
    bare.evaluate("() => { window.wait = setTimeout; window.setTimeout = (act, ms) => wait(act, ms / 20); }")
    connecting(bare)
    wait_for(bare, "failures.length")
    bare.evaluate("() => { window.setTimeout = wait; }")
    assert bare.evaluate("[call.stage, failures]") == ["over", ["serverGone "]]


def test_a_key_pressed_again_before_the_last_sounds_have_gone_out_goes_on_with_the_turn(bare: Page) -> None:
    live(bare, microphone=True, pushToTalk=True)
    is_open = "call.microphone.track.enabled"
    pressed = bare.evaluate(f"[call.talkBegin(), {is_open}, call.talkEnd(), call.talkBegin(), {is_open}]")
    assert pressed == [True, True, None, True, True]
    bare.wait_for_timeout(400)  # twice the time of the last sounds
    assert bare.evaluate(is_open)
    bare.evaluate("call.talkEnd()")
    wait_for(bare, f"!{is_open}")
    spoken = bare.evaluate("line.sent.filter((type) => type.startsWith('input_audio_buffer'))")
    assert spoken == ["input_audio_buffer.clear", "input_audio_buffer.commit"]
    bare.evaluate("line.events.onBroken()")
    assert bare.evaluate("call.talkBegin()") is False


def test_a_key_that_is_held_is_heard_though_the_call_was_muted_before(bare: Page) -> None:
    live(bare, microphone=True)
    bare.evaluate("call.mute(true); call.apply({...call.settings, pushToTalk: true})")
    assert bare.evaluate("[call.talkBegin(), call.microphone.track.enabled]") == [True, True]
    bare.evaluate("call.apply({...call.settings, pushToTalk: false})")
    assert not bare.evaluate("call.microphone.track.enabled"), "it is still muted"


def test_a_microphone_that_is_back_is_told(bare: Page) -> None:
    live(bare, microphone=True)
    bare.evaluate("call.microphone.track.dispatchEvent(new Event('ended'))")
    assert bare.evaluate("[failures, found]") == [["microphoneLost"], 0]
    bare.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    wait_for(bare, "found === 1")


def test_a_loudspeaker_that_is_unplugged_gives_way_until_it_is_back(bare: Page) -> None:
    live(bare, speakerId="desk")
    plug = """(ids) => {
      const devices = ids.map((deviceId) => ({kind: "audiooutput", deviceId, label: deviceId}));
      navigator.mediaDevices.enumerateDevices = async () => devices;
      navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    }"""
    for ids in (["default", "desk"], ["default"], ["default"], ["default", "desk"]):
        bare.evaluate(plug, ids)
        bare.wait_for_timeout(50)  # the list of devices comes later
    assert bare.evaluate("[line.speakers, notices]") == [["desk", "", "desk"], ["noSpeaker"]]


# --- recordings -----------------------------------------------------------------------------------


def test_a_recording_has_the_head_of_a_wav_file(page: Page) -> None:
    head = bytes(page.evaluate("import('/wav.js').then(({ wavHeader }) => [...wavHeader(960, 24000, 2)])"))
    assert struct.unpack("<4sI8sIHHIIHH4sI", head) == (
        *(b"RIFF", 36 + 960, b"WAVEfmt ", 16, 1, 2, 24000, 96000, 4, 16, b"data", 960),
    )


def test_a_recording_that_cannot_begin_is_refused_and_leaves_nothing(bare: Page) -> None:
    live(bare)
    bare.evaluate("() => { call.desk.context.audioWorklet.addModule = async () => { throw new DOMException(); }; }")
    refused = "call.startRecording().then(() => '', (failure) => failure.constructor.name + ' ' + failure.kind)"
    assert bare.evaluate(refused) == "Failure unexpected"
    assert not bare.evaluate("call.isRecording")
    bare.evaluate("delete call.desk.context.audioWorklet.addModule")
    assert bare.evaluate("call.startRecording().then(() => call.isRecording)")
    assert not bare.evaluate("(async () => (await call.stopRecording(), call.isRecording))()")
    bare.evaluate("window.begun = call.startRecording(); call.hangUp()")
    assert not bare.evaluate("begun.then(() => call.isRecording)"), "hung up before it had begun"


def test_a_recording_whose_last_samples_never_come_is_given_as_it_is(bare: Page) -> None:
    live(bare)
    bare.evaluate("call.startRecording()")
    bare.evaluate("call.recorder.node.port.onmessage = null; call.hangUp()")
    assert bare.evaluate("call.stopRecording().then(({ blob }) => blob.size)") == 44
    wait_for(bare, "call.desk.context.state === 'closed'")
