"""Whatever order the kernel's facts come in, what clients rely on holds."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command
from scheduler.events import Event
from tests.realtime.wire.wire_help import Wire, words

THINKS, UTTERANCES, TURNS = [st.sampled_from([f"{kind}{n}" for n in range(3)]) for kind in "kut"]
SENTENCE = st.sampled_from(["One.", "Two three.", "四五。"])
SEGMENTS = st.integers(0, 4)
WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(lambda texts: words(*texts))

FACTS: st.SearchStrategy[Event | Command] = st.one_of(
    st.builds(
        do.Think,
        THINKS,
        st.sampled_from(do.Purpose),
        TURNS,
        audible=st.booleans(),
        in_conversation=st.booleans(),
        opening=st.sampled_from(["", "One.", "Two three."]),
        opening_holds=st.booleans(),
    ),
    st.builds(do.PromoteThinking, THINKS, TURNS),
    st.builds(do.Hold, UTTERANCES),
    st.builds(do.Release, UTTERANCES),
    st.builds(do.SkipSentence, UTTERANCES, st.integers(0, 2)),
    st.builds(do.Backchannel, st.just("mm-hm")),
    st.builds(ev.OpeningVerified, THINKS, st.sampled_from(["", "One."])),
    st.builds(ev.EndingForeseen, THINKS, st.just("c"), st.floats(0, 1)),
    st.builds(ev.SentenceWritten, THINKS, st.integers(0, 2), SENTENCE),
    st.builds(ev.SpeechReady, UTTERANCES, st.integers(0, 2)),
    st.builds(ev.PlayoutStarted, UTTERANCES),
    st.builds(do.StopThinking, THINKS),
    st.builds(do.Speak, UTTERANCES, st.integers(0, 2), SENTENCE, THINKS | st.none(), complete=st.booleans()),
    st.builds(do.StopSpeaking, UTTERANCES, reason=st.sampled_from(["barge_in", "cancelled", "urgent"])),
    st.builds(do.OpenTurn, TURNS, st.floats(0, 9)),
    st.builds(
        do.CommitTurn,
        TURNS,
        st.just("a b"),
        st.floats(0, 9),
        st.floats(0, 9),
        st.booleans(),
        st.lists(SEGMENTS, max_size=2).map(tuple),
    ),
    st.builds(do.AmendTurn, TURNS, st.just("a b c")),
    st.builds(do.EndTurn, TURNS, st.sampled_from(do.TurnOutcome)),
    st.builds(do.RecordHeard, UTTERANCES, SENTENCE, st.booleans()),
    st.builds(do.TellTimeout, st.floats(0, 9)),
    st.builds(ev.TranscriptRevised, SEGMENTS, WORDS, WORDS, st.booleans()),
    st.builds(ev.EarsFailed, st.just("broken"), st.booleans()),
    st.builds(ev.WordsWritten, THINKS, st.sampled_from([" ", "word ", "\n"])),
    st.builds(ev.ThoughtGrown, THINKS, st.just("hm")),
    st.builds(ev.ToolCalled, THINKS, st.just("call"), st.just("f"), st.just("{}"), st.booleans()),
    st.builds(ev.SilenceChosen, THINKS, st.just("why not")),
    st.builds(ev.ThinkEnded, THINKS, st.sampled_from(ev.ThinkEnding)),
    st.builds(ev.VoiceFailed, UTTERANCES, st.integers(0, 2), st.just("broken")),
    st.builds(ev.PlayoutSent, UTTERANCES, st.just(1.0)),
    st.builds(ev.PlayoutEnded, UTTERANCES, st.booleans(), SENTENCE, st.just(1.0), st.booleans()),
    st.sampled_from([ev.ResponseCancelled(), ev.InputCleared(), ev.OutputCleared(), ev.DeadlineReached()]),
)
AHEAD = (do.Purpose.DRAFT, do.Purpose.NOTES, do.Purpose.FORESIGHT, do.Purpose.AFTERTHOUGHT)
SOUNDS = st.tuples(UTTERANCES, st.sampled_from([("One.",), ("Two",), (" three.",), ()]))


def fresh(steps: list[Any]) -> list[Any]:
    """The kernel never uses the name of a think or a turn twice: later commands that begin one are left out. Nor does
    it speak what is thought in text."""
    seen: set[str] = set()
    in_text: set[str | None] = set()
    kept = []
    for step in steps:
        name = (
            step.think_id if isinstance(step, do.Think) else step.turn_id if isinstance(step, do.CommitTurn) else None
        )
        if isinstance(step, do.Think) and name not in seen and not step.audible:
            in_text.add(name)
        spoken_text = isinstance(step, do.Speak) and step.think_id in in_text
        if (name is None or name not in seen) and not spoken_text:
            kept.append(step)
        seen.add(name or "")
    return kept


def play(wire: Wire, steps: list[Any]) -> None:
    for step in fresh(steps):
        if isinstance(step, tuple):
            wire.sounds(step[0], *step[1])
        else:
            wire.happens(step)
    wire.happens(do.EndCall("over"))


@settings(max_examples=150, deadline=None)
@given(st.lists(FACTS | SOUNDS, max_size=40), st.booleans())
def test_every_response_and_every_part_of_it_is_closed_once(steps: list[Any], transcription: bool) -> None:
    wire = Wire(transcription=transcription)
    play(wire, steps)
    open_things: list[tuple[str, str]] = []
    for event in wire.log:
        kind, _, stage = event["type"].rpartition(".")
        if stage in ("created", "added") and kind.startswith("response"):
            open_things.append((kind, name_in(event)))
        elif stage == "done" and kind in ("response", "response.output_item", "response.content_part"):
            open_things.remove((kind, name_in(event)))
    assert open_things == []
    event_ids = [event["event_id"] for event in wire.log]
    assert len(set(event_ids)) == len(event_ids)


def name_in(event: dict[str, Any]) -> str:
    if "response" in event:
        return str(event["response"]["id"])
    return str(event["item"]["id"] if "item" in event else event["item_id"])


@settings(max_examples=150, deadline=None)
@given(st.lists(FACTS | SOUNDS, max_size=40))
def test_items_form_one_chain_and_nothing_speaks_of_an_item_that_is_not_there(steps: list[Any]) -> None:
    wire = Wire()
    play(wire, steps)
    chain: list[str] = []
    known: set[str] = set()
    ended: set[str] = set()
    for event in wire.log:
        kind = event["type"]
        if kind == "conversation.item.added":
            assert event["previous_item_id"] == (chain[-1] if chain else None)
            chain.append(event["item"]["id"])
        if kind in ("input_audio_buffer.speech_started", "input_audio_buffer.committed"):
            known.add(event["item_id"])
        if kind in ("response.output_item.added", "input_audio_buffer.timeout_triggered"):
            known.add(event["item"]["id"] if "item" in event else event["item_id"])
        if "item_id" in event:
            assert event["item_id"] in known
        assert event.get("response_id") not in ended
        if kind == "response.done":
            ended.add(event["response"]["id"])
    assert tuple(chain) == wire.state.conversation.order


@settings(max_examples=100, deadline=None)
@given(st.lists(FACTS | SOUNDS, max_size=40))
def test_deltas_join_to_what_is_said_to_be_done(steps: list[Any]) -> None:
    wire = Wire()
    play(wire, steps)
    text: dict[str, str] = {}
    for event in wire.log:
        match event:
            case {"type": "response.output_audio_transcript.delta" | "response.output_text.delta"}:
                text[event["item_id"]] = text.get(event["item_id"], "") + event["delta"]
            case {"type": "response.output_audio_transcript.done"}:
                assert event["transcript"] == text.get(event["item_id"], "")
            case {"type": "response.output_text.done"}:
                assert event["text"] == text.get(event["item_id"], "")
            case _:
                pass


@settings(max_examples=150, deadline=None)
@given(st.lists(FACTS | SOUNDS, max_size=40))
def test_nothing_is_told_of_what_was_thought_ahead_and_never_promoted_or_released(steps: list[Any]) -> None:
    """Whatever else happens: without its promotion and the release of its speech, a draft is no response."""
    wire = Wire()
    told = (do.PromoteThinking, do.Release, do.Speak)
    quiet = [step for step in steps if not isinstance(step, told)]
    play(wire, [step for step in quiet if not isinstance(step, do.Think) or step.purpose in AHEAD])
    assert not [event for event in wire.log if event["type"].startswith("response.")]


@settings(max_examples=100, deadline=None)
@given(st.lists(FACTS | SOUNDS, max_size=40))
def test_those_who_ask_for_extensions_get_the_same_standard_events(steps: list[Any]) -> None:
    plain, asked = Wire(), Wire(extensions=True)
    for wire in (plain, asked):
        play(wire, steps)
    standard = [event["type"] for event in asked.log if not event["type"].startswith("stretto.")]
    assert standard == [event["type"] for event in plain.log]
