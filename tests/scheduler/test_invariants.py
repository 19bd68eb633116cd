"""The conductor's invariants, over random conversations and over random nonsense."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.commands import Command
from scheduler.conductor import decide, initial_state
from scheduler.events import (
    CallEnding,
    CallStarted,
    DeadlineReached,
    EarsFailed,
    EndingForeseen,
    Event,
    HeardCorrected,
    InputCleared,
    InputCommitted,
    OpeningVerified,
    OutputCleared,
    PauseGrew,
    PlayoutEnded,
    PlayoutStarted,
    ReportReady,
    ResponseCancelled,
    ResponseRequested,
    SentenceGrew,
    SentenceWritten,
    SessionConfigured,
    SilenceChosen,
    SoundHeard,
    SpeechReady,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    ToolLeftBehind,
    TranscriptRevised,
    TurnEndEstimated,
    VoiceFaded,
    VoiceFailed,
    VoiceReturned,
    WordsHeard,
)
from scheduler.policy import PRESETS, Policy, TurnDetection, TurnMode
from tests.scheduler.monitor import Monitor
from tests.scheduler.playbook import words
from tests.scheduler.world import World, is_at_rest

THOROUGH = settings(max_examples=max(200, settings().max_examples))
pytestmark = pytest.mark.timeout(max(120, settings().max_examples))
"""A conversation takes 0.02 to 0.03 s on an idle machine, and three times that on one that others use."""


@THOROUGH
@given(st.integers(0, 2**32), st.sampled_from([2.0, 8.0, 20.0]))
def test_every_conversation_keeps_the_invariants(seed: int, seconds: float) -> None:
    """A world is made from a seed: it has no parts that could be made simpler one by one."""
    world = World(Random(seed))
    try:
        world.live(seconds)
        if not world.state.ended:
            assert is_at_rest(world.state), "something hangs"
            world.monitor.check_history()
            world.monitor.ahead.check_nothing_is_left()
            world.end()
        world.monitor.check_the_end()
        world.monitor.check_history()
        world.check_what_was_said()
    except BaseException as error:
        error.add_note("\n".join(world.dialogue))
        raise


# --- nonsense -----------------------------------------------------------------------------------------

_ids = st.integers(0, 12)
_thinks = _ids.map("think_{}".format)
_utterances = _ids.map("utterance_{}".format)
_seconds = st.sampled_from([0.0, 0.1, 0.3, 1.0, 5.0])
_texts = st.sampled_from(
    ["", "stop", "mm-hm", "what is the time", "um", "hello", "what is the time please", "hello no"]
)
_flags = st.booleans()
_policies = st.builds(
    replace,
    st.sampled_from(tuple(PRESETS.values())),
    drafts=_flags,
    foresight=_flags,
    foresight_min_words=st.just(1),
    notes=_flags,
    notes_after_seconds=_seconds,
    notes_ceiling_seconds=_seconds,
    fillers=_flags,
    filler_short_seconds=st.sampled_from([0.1, 0.5]),
    progress_after_seconds=st.sampled_from([0.3, 4.0]),
    progress_every_seconds=st.sampled_from([0.3, 5.0]),
    hears_itself=_flags,
    afterthoughts=st.booleans(),
    afterthought_seconds=st.sampled_from([0.3, 1.0]),
    backchannels=_flags,
    backchannel_after_seconds=_seconds,
    backchannel_every_seconds=_seconds,
)

_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(SoundHeard, _seconds),
    st.builds(SpeechStarted, _seconds, _seconds),
    st.builds(SpeechStopped, _seconds, _seconds),
    st.builds(PauseGrew, _seconds),
    st.builds(TranscriptRevised, st.integers(0, 6), _texts.map(words), _texts.map(words), _flags),
    st.builds(TurnEndEstimated, st.floats(0, 1)),
    st.builds(EarsFailed, st.just("broken"), _flags),
    st.builds(InputCommitted, st.integers(0, 6), _seconds, _seconds),
    st.just(InputCleared()),
    st.builds(VoiceFaded, _seconds, _seconds),
    st.builds(VoiceReturned, _seconds),
    st.builds(SentenceWritten, _thinks, st.just(0), _texts),
    st.builds(SentenceGrew, _thinks, st.just(0), _texts),
    st.builds(ThoughtGrown, _thinks, _texts),
    st.builds(OpeningVerified, _thinks, _texts),
    st.builds(EndingForeseen, _thinks, _texts, st.floats(0, 1)),
    st.builds(SpeechReady, _utterances, st.integers(0, 2)),
    st.builds(ToolCalled, _thinks, st.just("call_0"), st.just("look"), st.just("{}"), _flags),
    st.builds(ToolLeftBehind, _thinks, st.just("call_0")),
    st.builds(ToolEnded, _thinks | st.just(""), st.just("call_0"), st.just("found")),
    st.builds(SilenceChosen, _thinks, _texts),
    st.builds(ThinkEnded, _thinks, st.sampled_from(ThinkEnding)),
    st.builds(VoiceFailed, _utterances, st.just(0), st.just("broken")),
    st.builds(PlayoutStarted, _utterances),
    st.builds(WordsHeard, _utterances, _texts, _seconds),
    st.builds(PlayoutEnded, _utterances, _flags, _texts, _seconds, _flags, st.none() | st.integers(0, 3)),
    st.builds(HeardCorrected, _utterances, _texts, _seconds),
    st.builds(CallStarted, st.sampled_from([None, "", "Hello."])),
    st.builds(
        SessionConfigured,
        _policies,
        st.builds(TurnDetection, mode=st.sampled_from(TurnMode), create_response=_flags, interrupt_response=_flags),
        _flags,
    ),
    st.builds(ResponseRequested, _ids.map("request_{}".format), _flags, _flags),
    st.builds(ResponseCancelled, st.none() | _thinks),
    st.just(OutputCleared()),
    st.builds(ReportReady, _ids.map("report_{}".format), _flags),
    st.just(DeadlineReached()),
)
_endings = st.builds(CallEnding, st.just("enough"), st.sampled_from(["", "Goodbye."]))


@THOROUGH
@given(_policies, st.lists(st.tuples(_seconds, _events), max_size=60), _endings)
def test_nonsense_never_breaks_it(policy: Policy, steps: list[tuple[float, Event]], ending: Event) -> None:
    """Stale and unknown ids, repetitions, any order: no exception, no command without a target, no busy loop."""
    state, now, monitor = initial_state(policy), 0.0, Monitor()

    def happen(event: Event) -> None:
        nonlocal state
        before = state
        state, commands = decide(before, event, now)
        monitor.watch(before, event, state, commands, now)
        if isinstance(event, DeadlineReached):
            assert state.deadline is None or state.deadline > now

    for delay, event in steps:
        until = now + delay
        while state.deadline is not None and state.deadline <= until:
            now = max(now, state.deadline)
            happen(DeadlineReached())
        now = until
        happen(event)
    happen(ending)
    while state.deadline is not None:
        now = max(now, state.deadline)
        happen(DeadlineReached())
    monitor.check_the_end()


@given(_policies, st.lists(_events, max_size=20), st.floats(0, 100))
def test_deciding_is_pure(policy: Policy, events: list[Event], now: float) -> None:
    """The same state and event give the same decision, and the state given stays as it was."""
    state = initial_state(policy)
    for event in events:
        copy = str(state)
        first: tuple[object, tuple[Command, ...]] = decide(state, event, now)
        assert decide(state, event, now) == first
        assert str(state) == copy
        state, _ = decide(state, event, now)
