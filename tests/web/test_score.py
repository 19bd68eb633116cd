"""The score's pure modules: what a call's events come to, where it stands, and the files it is kept in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from typing import Any

import pytest

from scheduler import commands as do
from scheduler import events as was
from tests.realtime.talks import Entries, full_talk, long_talk, short_talk
from tests.web.score_help import LATE_SECONDS, RECORDED, needs_node, recorded, run_node, wired

SVG = "{http://www.w3.org/2000/svg}"


# --- the model ------------------------------------------------------------------------------------


@needs_node
def test_a_recorded_call_becomes_turns_with_their_gaps() -> None:
    turns = run_node("return played(given).turns.map((turn) => ({...turn, ms: ScoreModel.gapMs(turn)}))", recorded())
    first = turns[0]
    assert first["transcript"] == "what is twelve times twelve"
    assert first["outcome"] == "answered"
    assert first["ms"] == pytest.approx(334, abs=2)
    assert first["speechEnd"] < first["committedAt"] <= first["firstSoundAt"]
    order = turns[1]
    assert order["substanceAt"] - order["firstSoundAt"] == pytest.approx(1.4, abs=0.3), "a filler came first"
    assert [turn["outcome"] for turn in turns].count("silent") == 1
    assert turns[-1]["typed"]
    assert turns[-1]["transcript"] == "how many kilometers are seven miles"


@needs_node
def test_words_tools_and_interruptions_of_a_recorded_call() -> None:
    call = run_node(
        """const model = played(given);
        return {
          words: model.segments[0].words,
          tools: model.thinks.flatMap((think) => think.tools),
          fates: model.thinks.flatMap((think) => think.fates.map(({fate}) => fate)),
          said: model.utterances.filter((one) => one.start !== null).map((one) => ({...one, unheard: unheard(one)})),
        }""",
        recorded(),
    )
    assert [word["text"] for word in call["words"]] == ["what", "is", "twelve", "times", "twelve"]
    assert all(word["stable"] for word in call["words"])
    order = [tool for tool in call["tools"] if tool["name"] == "order_status"][-1]
    assert order["end"] - order["start"] == pytest.approx(1.5, abs=0.2)
    assert {"promoted", "abandoned"} <= set(call["fates"])
    fillers = [word["text"] for word in call["said"][1]["words"] if word["filler"]]
    assert fillers[:2] == ["Let", "me"]
    (cut,) = [one for one in call["said"] if one["cut"]]
    assert cut["why"] == "barge_in"
    assert cut["heard"].startswith("I can do sums")
    assert cut["unheard"].endswith("a real language model is needed.")
    assert [word["text"] for word in cut["words"]] == cut["heard"].split()


@needs_node
def test_a_draft_that_was_begun_early_leads_its_turn_even_if_another_goes_on_behind_it() -> None:
    turns = run_node("return played(given).turns", wired(full_talk()))
    drafted, verified, long_one, hard = turns
    assert drafted["speechEnd"] - drafted["draftAt"] == pytest.approx(0.9, abs=0.02)
    assert verified["speechEnd"] - verified["draftAt"] == pytest.approx(1.32, abs=0.02)
    assert long_one["draftAt"] is None, "its draft found no room"
    assert hard["draftAt"] is None


@needs_node
def test_thinking_ahead_keeps_its_fates_with_their_times() -> None:
    thinks = run_node("return played(given).thinks", wired(full_talk()))
    by_id = {think["id"].partition(":")[2]: think for think in thinks}
    assert [fate["fate"] for fate in by_id["d3"]["fates"]] == ["frozen", "verified"]
    assert by_id["d3"]["takenBy"].endswith("k2")
    assert by_id["d1"]["fates"][0] == {
        "at": pytest.approx(1.75, abs=0.03),
        "fate": "abandoned",
        "reason": "contradicted",
    }
    assert by_id["d2"]["foreseen"]
    assert (by_id["f1"]["ends"], by_id["f1"]["probability"]) == ("thursday", 0.82)
    assert by_id["n1"]["thought"] == "Ordered last week: two lamps, a chair. An order number is coming."
    assert by_id["d4"]["ending"] == "aborted"


@needs_node
def test_what_a_caller_has_heard_may_be_taken_back() -> None:
    entries: Entries = [
        (1.0, do.Speak("u", 0, "One two three.", "t")),
        (1.0, was.PlayoutStarted("u")),
        (2.0, was.WordsHeard("u", "One two", 1.0)),
        (2.1, was.HeardCorrected("u", "One", 0.4)),
        (2.2, was.PlayoutEnded("u", True, "One", 0.4, True, 0)),
    ]
    said = run_node(
        "return {...played(given).utterances[0], left: unheard(played(given).utterances[0])}", wired(entries)
    )
    assert [word["text"] for word in said["words"]] == ["One"]
    assert said["left"] == "two three."


@needs_node
def test_words_may_come_without_the_timeline_telling_them() -> None:
    """``stretto.said`` waits for the entry that has its time, and says nothing twice."""
    said = {"type": "stretto.said", "utterance_id": "u", "text": "One two", "seconds": 1.0}
    journal = wired([(1.0, do.Speak("u", 0, "One two", "t")), (1.0, was.PlayoutStarted("u"))])
    journal += [{"at": 12.5, "event": said}, *wired([(2.0, was.WordsHeard("u", "One two", 1.0))])]
    words = run_node("return played(given).utterances[0].words", journal)
    assert [(word["text"], round(word["end"], 2)) for word in words] == [("One", 1.5), ("two", 2.0)]


@needs_node
def test_a_second_call_stands_behind_the_first_and_nothing_stays_open() -> None:
    call = wired(short_talk())
    result = run_node(
        """const model = new ScoreModel();
        model.beginCall();
        for (const {at, event} of given) model.take(event, at);
        const end = model.end;
        model.beginCall();
        for (const {at, event} of given.slice(0, 20)) model.take(event, at + 500);
        const now = model.at(given[19].at + 500);
        model.endCall();
        const open = [...model.speech, ...model.utterances.filter((one) => one.start !== null), ...model.thinks];
        return {end, calls: model.calls, now, ids: model.turns.map((turn) => turn.id),
                open: open.filter((one) => one.end === null).length, outcome: model.turns.at(-1).outcome};""",
        call,
    )
    assert result["calls"] == [pytest.approx(result["end"] + 3)]
    assert result["now"] == pytest.approx(result["calls"][0] + call[19]["at"] - LATE_SECONDS, abs=0.01)
    assert len(set(result["ids"])) == len(result["ids"])
    assert result["open"] == 0
    assert result["outcome"] == "call_ended"


@needs_node
def test_a_call_begins_when_the_server_has_it() -> None:
    """Attempts that came to nothing leave nothing behind."""
    begun = run_node(
        """const model = new ScoreModel();
        const attempt = (answered, later) => {
          for (let n = 0; n < 3; n++) model.endCall();
          for (const {at, event} of given.slice(0, answered)) model.take(event, at + later);
          model.endCall();
        };
        for (const later of [0, 50, 100]) attempt(1, later);
        const waiting = model.at(200);
        attempt(given.length, 300);
        const {end} = model;
        const idle = model.at(900);
        attempt(1, 1000);
        attempt(given.length, 1100);
        return {waiting, idle, end, calls: model.calls, first: model.turns[0].start};""",
        recorded(),
    )
    assert begun["waiting"] == 0
    assert begun["first"] < 1
    assert begun["idle"] == begun["end"], "between calls no time goes by"
    assert begun["calls"] == [pytest.approx(begun["end"] + 3)]


@needs_node
def test_memory_is_bounded() -> None:
    sizes = run_node(
        """const model = new ScoreModel();
        for (let round = 0; round < 12; round++) {
          for (const {at, event} of given) {
            const shift = round * 700;
            const later = event.at_seconds === undefined ? event : {...event, at_seconds: event.at_seconds + shift};
            const fields = JSON.parse(JSON.stringify(later.fields ?? {}).replaceAll(/"(think|turn|utterance)_(\\d+)"/g, `"$1_${round}_$2"`));
            model.take({...later, fields}, at + shift);
          }
        }
        const oldest = model.end - KEPT_SECONDS - 60;
        return {old: [...model.utterances, ...model.speech].filter((one) => one.start < oldest).length,
                maps: [model.turnOf.size, model.turns.length, model.utteranceOf.size, model.utterances.length], offsets: model.offsets.length}""",
        wired(long_talk(40, 6.0)),
    )
    assert sizes["old"] == 0
    assert sizes["maps"][0] == sizes["maps"][1] < 12 * 40
    assert sizes["maps"][2] == sizes["maps"][3] < 12 * 40
    assert sizes["offsets"] <= 400


# --- the layout -----------------------------------------------------------------------------------

LAID_OUT = """const [events, pxPerSecond, compact] = given;
const model = played(events);
const window = {from: -1, to: model.end + 2, now: model.end, origin: 0, pxPerSecond, compact, strings: SCORE_STRINGS.en};
const marks = layout(model, window);
const widths = {word: [12, 1], time: [10, 1], tag: [10.5, 1.12], "tool-name": [10.5, 1.12], expression: [12, 0.9]};
const width = (name, text) => { const [font, wide] = widths[name.split(" ")[0]] ?? [10.5, 1]; return textWidth(text, font) * wide; };
const texts = marks.flatMap(({key, parts}) => parts.filter(([tag]) => tag === "text").map(([, {class: name, x, y, "text-anchor": anchor}, text]) =>
  ({key, x: anchor ? x - width(name, text) / 2 : x, y, text, width: width(name, text)})));
return {kinds: [...new Set(marks.map(({kind}) => kind))], keys: marks.map(({key}) => key), texts};"""


@needs_node
@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("zoom", [6, 25, 64, 130, 240])
@pytest.mark.parametrize("name", ["recorded", "full", "short"])
def test_no_text_stands_over_another(name: str, zoom: int, compact: bool) -> None:
    journal = {"recorded": recorded, "full": lambda: wired(full_talk()), "short": lambda: wired(short_talk())}[name]()
    laid = run_node(LAID_OUT, [journal, zoom, compact])
    assert len(set(laid["keys"])) == len(laid["keys"])
    rows: dict[float, list[dict[str, Any]]] = {}
    for text in laid["texts"]:
        rows.setdefault(text["y"], []).append(text)
    for row in rows.values():
        row.sort(key=lambda text: text["x"])
        for left, right in pairwise(row):
            assert left["x"] + left["width"] <= right["x"] + 1, (left, right)


@needs_node
@pytest.mark.parametrize("zoom", [25, 130])
@pytest.mark.parametrize("seconds", [-0.3, 0.1, 0.9])
def test_what_is_typed_while_somebody_speaks_stands_over_no_word(seconds: float, zoom: int) -> None:
    early = "const model = played(events); const typed = model.turns.find((turn) => turn.typed);"
    early += f"typed.start = model.segments[1].words[0].start + {seconds};"
    program = LAID_OUT.replace("const model = played(events);", early)
    texts = [text for text in run_node(program, [recorded(), zoom, False])["texts"] if text["text"]]
    for left, right in combinations(texts, 2):
        apart = left["x"] + left["width"] <= right["x"] + 1 or right["x"] + right["width"] <= left["x"] + 1
        assert left["y"] != right["y"] or apart, (left, right)


@needs_node
def test_everything_that_happens_has_a_shape() -> None:
    kinds = set(run_node(LAID_OUT, [recorded(), 130, False])["kinds"])
    kinds |= set(run_node(LAID_OUT, [wired(full_talk()), 130, False])["kinds"])
    assert kinds >= {
        *("speech", "phrase", "word", "typed", "barline", "gap", "lead", "tick"),
        *(
            "draft promoted",
            "draft abandoned",
            "draft verified",
            "notes",
            "foresight",
            "afterthought",
            "answer",
            "tool",
        ),
        *("promotion", "flow", "sound", "filler", "filler-word", "said-word", "unheard", "cut", "rest", "backchannel"),
    }


@needs_node
def test_words_that_may_change_and_words_to_come_look_different() -> None:
    def kinds(until: float) -> set[str]:
        return set(run_node(LAID_OUT, [[entry for entry in recorded() if entry["at"] < until], 130, False])["kinds"])

    assert "word-tentative" in kinds(7.9)
    assert "coming" in kinds(20.3)


@needs_node
@pytest.mark.parametrize(("ms", "name"), [(0, "good"), (300, "good"), (301, "fair"), (800, "fair"), (801, "slow")])
def test_gaps_have_three_colours(ms: int, name: str) -> None:
    assert run_node("return speed(given)", ms) == name


@needs_node
def test_marks_stay_where_they_are_while_the_window_moves() -> None:
    """Else words would jump from row to row as time goes on."""
    looks = """const model = played(given);
    const at = (from) => Object.fromEntries(layout(model, {from, to: from + 9, now: model.end, origin: 0, pxPerSecond: 130,
      compact: false, strings: SCORE_STRINGS.en}).map(({key, parts}) => [key, JSON.stringify(parts)]));
    const [one, other] = [at(8), at(9.3)];
    return Object.keys(one).filter((key) => key in other && one[key] !== other[key]);"""
    assert run_node(looks, recorded()) == []


WATCHED = """const model = played(given);
model.turns.forEach((turn, n) => n % 3 || Object.assign(turn, {outcome: "silent", endedAt: turn.committedAt}));
model.version++;
let looks = 0;
const watch = (one, field) => {
  const value = one[field];
  Object.defineProperty(one, field, {get: () => (looks++, value)});
};
for (const said of model.utterances) ["start", "heard"].forEach((field) => watch(said, field));
for (const turn of model.turns) ["outcome", "endedAt"].forEach((field) => watch(turn, field));
const cost = (work) => { looks = 0; const result = work(); return [looks / model.turns.length, result]; };
"""
"""``cost``: how often it looks at each turn and each utterance, in the mean, and what comes of it."""


@needs_node
def test_a_long_call_is_looked_through_a_few_times_only() -> None:
    """For each layout, that is; not once for each of its silences."""
    cost = run_node(
        f"""{WATCHED}
        const window = {{from: model.end - 12, to: model.end + 3, now: model.end, origin: 0, compact: false, strings: SCORE_STRINGS.en}};
        const [near] = cost(() => layout(model, {{...window, pxPerSecond: 130}}));
        const [far] = cost(() => layout(model, {{...window, from: 0, pxPerSecond: 3}}));
        const [told] = cost(() => turnLines(model, SCORE_STRINGS.en));
        const systems = breakIntoSystems(model, 9).length;
        const [kept] = cost(() => scoreSvg(model, {{width: 9 * 110 + 128}}));
        return {{near, far, told, kept: kept / systems, rests: model.rests.length}};""",
        wired(long_talk(120, 1.0)),
    )
    assert cost["rests"] == 40
    assert cost["near"] < 20
    assert cost["far"] < 20
    assert cost["told"] < 10
    assert cost["kept"] < 20


@needs_node
def test_what_was_typed_long_ago_is_not_measured_again() -> None:
    measured = run_node(
        """const model = new ScoreModel();
        let measured = 0;
        for (let n = 0; n < 300; n++) {
          const turn = model.makeTurn(String(n), n * 5, true);
          Object.defineProperty(turn, "transcript", {get: () => (measured++, "what is twelve times twelve")});
        }
        layout(model, {from: 1480, to: 1500, now: 1500, origin: 1440, pxPerSecond: 130, compact: false, strings: SCORE_STRINGS.en});
        return measured;"""
    )
    assert 0 < measured < 60


# --- files ----------------------------------------------------------------------------------------


def drawn(journal: list[dict[str, Any]], **options: Any) -> str:
    svg: str = run_node("return scoreSvg(played(given[0]), given[1])", [journal, options])
    return svg


@needs_node
def test_the_picture_is_one_document_that_needs_nothing_else() -> None:
    text = drawn(recorded(), theme="light")
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    kinds = {group.get("data-kind") for group in root.iter(f"{SVG}g")}
    assert {"gap", "word", "said-word", "tool", "cut", "rest", "promotion"} <= kinds
    assert "what is twelve times twelve" in (root.findtext(f"{SVG}desc") or "")
    assert "var(" not in text
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"NaN|undefined|Infinity", text)
    referred = set(re.findall(r"url\(#([\w-]+)\)", text))
    assert referred <= {element.get("id") for element in root.iter()}


@needs_node
def test_the_picture_knows_day_and_night() -> None:
    assert "#14161a" in drawn(recorded(), theme="dark")
    assert "prefers-color-scheme: dark" in drawn(recorded())
    assert "#14161a" not in drawn(recorded(), theme="light")


@needs_node
def test_what_was_said_can_not_break_the_picture() -> None:
    hostile = '</text><script>alert("x")</script>&\x00\x1b\ud800]]>'
    entries: Entries = [
        (1.0, do.Speak("u", 0, hostile, "t")),
        (1.0, was.PlayoutStarted("u")),
        (2.0, was.PlayoutEnded("u", False, hostile, 1.0, True)),
    ]
    text = drawn(wired(entries), title=hostile, strings={"said": hostile})
    root = ET.fromstring(text.encode("utf-8", "surrogatepass"))
    assert not list(root.iter(f"{SVG}script"))


@needs_node
def test_the_picture_of_no_call_is_a_picture() -> None:
    assert ET.fromstring(drawn([])).tag == f"{SVG}svg"


@needs_node
def test_lines_are_broken_where_little_goes_on_and_quiet_is_left_out() -> None:
    systems = run_node("return breakIntoSystems(played(given), 9)", wired(long_talk(6, 12.0)))
    assert all(0 < system["to"] - system["from"] <= 9.001 for system in systems)
    assert all(one["to"] <= other["from"] + 1e-6 for one, other in pairwise(systems))
    assert any(system["skipped"] > 5 for system in systems)


@needs_node
def test_a_journal_comes_back_as_the_same_score() -> None:
    same = run_node(
        """const keeper = new JournalKeeper();
        for (const {at, event} of given) keeper.take(event, at);
        const json = JSON.parse(JSON.stringify(keeper));
        const [back, model] = [played(json.events), played(given)];
        return [json.format, json.version, JSON.stringify(back.turns) === JSON.stringify(model.turns), scoreSvg(back) === scoreSvg(model)];""",
        recorded(),
    )
    assert same == ["stretto.page.journal", 1, True, True]


@needs_node
def test_the_keeper_keeps_no_sound_and_tells_what_it_dropped() -> None:
    kept = run_node(
        """const keeper = new JournalKeeper(4000);
        keeper.take({type: "response.output_audio.delta", delta: "AAAA".repeat(1000)}, 0.5);
        const first = JSON.parse(JSON.stringify(keeper)).events[0];
        for (let n = 0; n < 3000; n++) keeper.take({type: "x", n}, n / 100);
        const json = JSON.parse(JSON.stringify(keeper));
        return {first, dropped: json.dropped, count: json.events.length, last: json.events.at(-1), held: keeper.entries.length, bytes: keeper.bytes}"""
    )
    assert kept["first"] == {"at": 0.5, "event": {"type": "response.output_audio.delta", "delta_bytes": 3000}}
    assert kept["dropped"] + kept["count"] == 3001
    assert kept["bytes"] <= 4000
    assert kept["last"] == {"at": 29.99, "event": {"type": "x", "n": 2999}}
    assert kept["held"] < 2500


# --- agreement ------------------------------------------------------------------------------------


@needs_node
def test_every_sentence_is_there_in_both_languages() -> None:
    strings = run_node("return SCORE_STRINGS")
    assert strings["en"].keys() == strings["zh"].keys()
    for name, sentence in strings["en"].items():
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", strings["zh"][name])), name


@needs_node
def test_the_turns_in_words() -> None:
    lines = run_node("return turnLines(played(given), SCORE_STRINGS.en)", recorded())
    assert lines[0].startswith("At 0:00, heard: what is twelve times twelve. answered. First sound after 334 ms.")
    assert lines[0].endswith("Said: 12 times 12 is 144.")
    assert re.match(r"At \d+:\d\d, typed: how many kilometers are seven miles\.", lines[-1])


def test_the_recorded_call_is_small() -> None:
    assert RECORDED.stat().st_size < 300_000
