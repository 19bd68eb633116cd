"""A talk with drafts, notes, foresight, fillers and afterthoughts replays from its journal without a difference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings
from realtime.journal import Entry, Header, decode, encode
from realtime.replay import describe, replay
from scheduler.commands import Command, Hold, PromoteThinking, Purpose, Release, SkipSentence, Think
from scheduler.conductor import decide, initial_state
from scheduler.events import SessionConfigured
from scheduler.filler_lines import SMALL_ENGLISH, RequestKind, RequestLines
from scheduler.policy import Policy, TurnDetection
from tests.faults.scenes import Call, Watcher, calling, in_virtual_time, quiet, simulated_engines, tone
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Foreseen, Prompt

LONG = (
    "well so last week I ordered two lamps for the kitchen, and one of them came broken, and nobody answers, "
    "so can you tell me what to do"
)
SCRIPT = ("what time is it", "tell me a story about", "the sea", LONG)
QUICK = SimulatedModelSettings(first_token_seconds=0.1, tokens_per_second=80.0, jitter=0.5)
SLOW = SimulatedModelSettings(first_token_seconds=0.6, tokens_per_second=20.0, jitter=0.5, reasoning_tokens=30)


def foresight(prompt: Prompt) -> Foreseen | None:
    return Foreseen("is it now", 0.9, 3) if prompt.messages[-1].text.startswith("what") else None


async def talk(call: Call) -> None:
    """A question, a request in two pieces, and a long story; each with time for the answer and what follows it."""
    for _ in range(2):
        await call.speak(tone(1.4), quiet(14.0))
        await call.speak(tone(1.6), quiet(0.4), tone(0.7), quiet(14.0))
        await call.speak(tone(9.0), quiet(16.0))


def written_and_read(entries: Sequence[Entry]) -> list[Entry]:
    return [decode(json.loads(json.dumps(encode(at, happened)))) for at, happened in entries]


def a_talk_with(settings: SimulatedModelSettings) -> Watcher:
    async def main() -> Watcher:
        engines = simulated_engines(
            recognizer=SimulatedRecognizer(SCRIPT, SimulatedSettings(revision_probability=0.3)),
            model=SimulatedModel(settings, foresight=foresight),
        )
        async with calling(engines) as call:
            await talk(call)
            return call.door

    return in_virtual_time(main)


@pytest.mark.parametrize("settings", [QUICK, SLOW])
def test_a_talk_with_all_that_is_thought_ahead_replays_without_a_difference(settings: SimulatedModelSettings) -> None:
    door = a_talk_with(settings)
    begun = {think.purpose for think in door.of(Think)}
    assert {Purpose.DRAFT, Purpose.NOTES, Purpose.FORESIGHT, Purpose.AFTERTHOUGHT} <= begun
    expected: tuple[type[Command], ...] = (
        PromoteThinking,
        Hold,
        *((Release,) if settings is QUICK else (SkipSentence,)),
    )
    assert all(door.of(kind) for kind in expected)
    entries = written_and_read(door.seen)
    assert entries == door.seen
    differences = replay(entries, initial_state(door.of(SessionConfigured)[0].policy), decide)
    assert not differences, describe(differences[0])


def test_the_lines_of_fillers_are_in_the_journal() -> None:
    french = RequestLines(RequestKind.QUESTION, acknowledgements=("Bien.",))
    policy = replace(Policy(), filler_lines=replace(SMALL_ENGLISH, requests=(french,)), language="fr")
    header = Header("sess_1", policy, TurnDetection(), {})
    assert Header.from_line(json.loads(json.dumps(header.to_line()))).policy == policy
