"""The timeline shows a talk as a score that can be read, whatever the journal holds."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.drafts import Fate
from realtime.timeline import Picture, draw_html, draw_svg
from realtime.timeline_layout import Rows, break_into_systems, clip_text, text_width
from realtime.timeline_model import read_score
from scheduler import commands as do
from scheduler import events as was
from scheduler.floor import Floor
from tests.realtime.talks import full_talk, long_talk, short_talk
from tests.realtime.test_journal import ANYTHING

SVG = "{http://www.w3.org/2000/svg}"


def test_a_talk_becomes_spans() -> None:
    score = read_score(short_talk())
    first, second, third = score.turns
    assert [turn.outcome for turn in score.turns] == ["answered", "silent", "answered"]
    assert first.transcript == "what is twelve times twelve"
    assert first.first_sound_at is not None
    assert first.first_sound_at - first.speech_end == pytest.approx(0.75)
    assert second.first_sound_at is None
    assert third.first_sound_at is not None
    assert third.first_sound_at - third.speech_end == pytest.approx(0.41)
    assert score.thinks[0].tools[0].end is not None
    assert [utterance.cut_off for utterance in score.utterances] == [True, False]
    assert len(score.utterances[0].gains) == 4


def test_words_heard_stand_on_the_sessions_clock() -> None:
    score = read_score(short_talk())
    assert [word.text for word in score.words[:5]] == ["what", "is", "twelve", "times", "twelve"]
    assert score.words[0].start == pytest.approx(0.4)


def test_each_word_said_has_its_own_time() -> None:
    utterance = read_score(short_talk()).utterances[0]
    assert " ".join(word.text for word in utterance.words) == utterance.heard
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(utterance.words))


def test_the_floor_passes_as_it_was_heard() -> None:
    floors = [floor for _, floor in read_score(short_talk()).floors]
    assert floors[:5] == [Floor.RESTING, Floor.LISTENING, Floor.PAUSED, Floor.COMMITTED, Floor.SPEAKING]
    assert Floor.OVERLAP in floors


def test_the_picture_tells_what_happened() -> None:
    svg = draw_svg(short_talk(), Picture(title="a <call> & more"))
    root = ElementTree.fromstring(svg)
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert {"heard", "thought", "said", "750 ms", "410 ms", "silent: asked to wait", "forty-four."} <= set(texts)
    assert "a <call> & more" in texts
    titles = " ".join(title.text or "" for title in root.iter(f"{SVG}title"))
    assert "cut off; not heard: count to five for you?" in titles
    assert "first sound 750 ms after the end of speech" in titles
    assert "prefers-color-scheme:dark" in svg


def test_words_in_one_row_never_overlap() -> None:
    root = ElementTree.fromstring(draw_svg(long_talk(8), Picture(px_per_second=60)))
    for group in root.iter(f"{SVG}g"):
        words = [text for text in group.findall(f"{SVG}text") if text.get("class") in ("said-text", "heard-text")]
        rows: dict[str, list[tuple[float, str]]] = {}
        for word in words:
            rows.setdefault(str(word.get("y")), []).append((float(str(word.get("x"))), word.text or ""))
        for row in rows.values():
            for (left, text), (right, _) in pairwise(row):
                assert left + text_width(text, 12) <= right


def test_a_part_can_be_cut_out() -> None:
    svg = draw_svg(short_talk(), Picture(start=10.0, end=14.0))
    assert "410 ms" in svg
    assert ">750 ms<" not in svg


def test_the_page_holds_the_picture_and_a_table_of_turns() -> None:
    page = draw_html(short_talk(), Picture(title="call"))
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert page.count("<tr>") == 4
    assert page.count(" ms</td>") == 4
    assert not re.search(r"(src|href)=", page)


def test_what_was_thought_ahead_is_told_with_its_fate() -> None:
    score = read_score(full_talk())
    thinks = {think.think_id: think for think in score.thinks}
    fates = {name: [fate for _, fate in think.fates] for name, think in thinks.items() if think.fates}
    assert fates == {
        "d1": [Fate.OPEN, Fate.ABANDONED],
        "d2": [Fate.OPEN, Fate.PROMOTED],
        "d3": [Fate.OPEN, Fate.FROZEN, Fate.VERIFIED],
        "d4": [Fate.OPEN, Fate.ABANDONED],
        "n1": [Fate.OPEN, Fate.PROMOTED],
    }
    assert (thinks["d1"].reason, thinks["d4"].reason) == ("contradicted", "no_room")
    assert thinks["d2"].foreseen
    assert thinks["f1"].foreseen == "… thursday (82%)"
    assert [turn.first_sound_at is not None for turn in score.turns] == [True, True, False, True]


def test_a_filler_is_told_from_the_answer_behind_it() -> None:
    score = read_score(full_talk())
    utterance = next(u for u in score.utterances if u.utterance_id == "utterance_4")
    assert " ".join(word.text for word in utterance.words if word.is_filler) == "Let me work that out"
    own = next(word for word in utterance.words if not word.is_filler)
    turn = score.turns[-1]
    assert turn.substance_at == pytest.approx(own.start)
    assert turn.first_sound_at is not None
    assert own.start - turn.first_sound_at == pytest.approx(2.45)
    assert utterance.unheard == ""


def test_the_picture_shows_all_that_goes_on_beside_the_talk() -> None:
    root = ElementTree.fromstring(draw_svg(full_talk()))
    spans = {(span.get("class"), span.text) for span in root.iter(f"{SVG}tspan")}
    assert ("struck", "Tuesday it is.") in spans
    tags = ("draft, contradicted", "draft, no room", "notes", "deep", "afterthought")
    assert {("tag", tag) for tag in tags} <= spans
    drawn = {element.get("class") for element in root.iter()}
    assert {"thrown", "draft", "cross", "promoted", "pause", "tick-mark", "at-hand"} <= drawn
    assert {"filler", "dry", "murmur", "rest"} <= drawn
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"mm-hm", "silent: asked to hang on", "2950 ms to the answer", "filler", "backchannel"} <= texts


def test_the_table_tells_of_the_answer_behind_a_filler() -> None:
    row = draw_html(full_talk()).partition("<td>turn_4</td>")[2].partition("</tr>")[0]
    assert '<td class="n">500 ms</td><td class="n">2950 ms</td>' in row


def test_a_plain_call_needs_no_more_than_the_plain_legend() -> None:
    svg = draw_svg(long_talk(2))
    assert "thrown away" not in svg
    assert "backchannel" not in svg


def test_an_empty_journal_is_an_empty_score() -> None:
    ElementTree.fromstring(draw_svg([]))


def test_a_long_call_breaks_into_systems_and_leaves_quiet_out() -> None:
    entries = long_talk(30)
    score = read_score(entries)
    systems = break_into_systems(score, 0.0, score.end, 10.0)
    assert all(0 < system.end - system.start <= 10.0 + 1e-9 for system in systems)
    assert all(before.end <= after.start for before, after in pairwise(systems))
    assert sum(system.skipped > 0 for system in systems) == 5
    for turn in score.turns:
        assert any(system.start <= turn.speech_end and (turn.first_sound_at or 0) <= system.end for system in systems)


@pytest.mark.slow
def test_an_hour_of_talk_is_drawn_quickly() -> None:
    svg = draw_svg(long_talk(250, pause_seconds=20.0))
    assert len(svg) < 8_000_000
    ElementTree.fromstring(svg)


@given(st.lists(st.tuples(st.floats(0, 60), ANYTHING), max_size=25))
def test_any_journal_gives_well_formed_svg(entries: list[tuple[float, object]]) -> None:
    entries.sort(key=lambda entry: entry[0])
    finite = [(at, happened) for at, happened in entries if _is_plausible(happened)]
    ElementTree.fromstring(draw_svg(finite))  # type: ignore[arg-type]


def _is_plausible(happened: object) -> bool:
    match happened:
        case was.SpeechStarted(first, second) | was.SpeechStopped(first, second) | was.InputCommitted(_, first, second):
            numbers = [first, second]
        case was.TranscriptRevised():
            numbers = [time for word in happened.words for time in (word.start_seconds, word.end_seconds)]
        case do.OpenTurn(_, first):
            numbers = [first]
        case do.CommitTurn():
            numbers = [happened.audio_start_seconds, happened.audio_end_seconds]
        case (
            was.WordsHeard(_, _, seconds)
            | was.PlayoutEnded(heard_seconds=seconds)
            | was.SpeechRendered(seconds=seconds)
        ):
            numbers = [seconds]
        case was.EndingForeseen():
            numbers = [happened.probability]
        case do.Duck(_, gain_db):
            numbers = [gain_db]
        case _:
            numbers = []
    return all(math.isfinite(number) and -60 <= number <= 60 for number in numbers)


def test_rows_are_filled_from_the_first() -> None:
    rows = Rows(2, gap_px=5, slack_px=10)
    assert rows.place(0, 50) == (0, 0)
    assert rows.place(20, 50) == (1, 20)
    assert rows.place(30, 50) is None
    assert rows.place(48, 20) == (0, 55)


@given(st.text(max_size=60), st.floats(0, 300))
def test_clipped_text_fits(text: str, width: float) -> None:
    clipped = clip_text(text, width, 12)
    assert clipped == "" or text_width(clipped, 12) <= width or clipped == text
    assert clipped == text or clipped == "" or clipped.endswith("…")


def test_labels_of_a_short_call_use_the_whole_page() -> None:
    reason = "no words were recognised in what was heard"
    entries: list[tuple[float, was.Event | do.Command]] = [
        (0.1, was.SpeechStarted(0, 0.1)),
        (0.6, was.SpeechStopped(0.6, 0.1)),
        (1.0, do.CommitTurn("turn_1", "", 0.1, 0.6, True)),
        (1.1, do.EndTurn("turn_1", do.TurnOutcome.SILENT, reason)),
    ]
    picture = ElementTree.fromstring(draw_svg(entries))
    (label,) = [text for text in picture.iter(f"{SVG}text") if (text.text or "").startswith("silent: no")]
    shown = label.text or ""
    assert float(label.get("x", 0)) + text_width(shown, 10.5) <= float(picture.get("width", 0))
    assert len(shown) > 35, "it was cut where the call ends"


def test_notes_that_noted_nothing_are_left_out() -> None:
    def notes(*more: tuple[float, was.Event | do.Command]) -> int:
        think: tuple[float, was.Event | do.Command] = (1.0, do.Think("n1", do.Purpose.NOTES, "turn_1", basis="what is"))
        return len(read_score([think, *more, (1.3, was.ThinkEnded("n1", was.ThinkEnding.DONE))]).thinks)

    assert notes((1.2, was.SilenceChosen("n1", "nothing to note"))) == 0
    assert notes((1.2, was.ThoughtGrown("n1", "A sum."))) == 1
    assert notes((1.1, was.ThoughtGrown("n1", "A sum.")), (1.2, was.SilenceChosen("n1", ""))) == 1
