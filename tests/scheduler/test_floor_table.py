"""The floor's table: every transition in it happens, no other does, and the docs show it as it stands.

Run as a module it writes the diagram: ``python -m tests.scheduler.test_floor_table``.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import pytest

from scheduler.commands import Speak
from scheduler.errors import IllegalFloorTransitionError
from scheduler.events import (
    CallStarted,
    InputCommitted,
    PauseGrew,
    PlayoutEnded,
    PlayoutStarted,
    SpeechStarted,
    SpeechStopped,
    TranscriptRevised,
)
from scheduler.floor import TRANSITIONS, Floor, as_mermaid, move
from tests.scheduler.playbook import Playbook, words
from tests.scheduler.world import World

DOCS = Path(__file__).parents[2] / "docs" / "floor.md"
WORLDS = 500
RARE = {(Floor.OVERLAP, Floor.RESTING), (Floor.OVERLAP, Floor.COMMITTED), (Floor.OVERLAP, Floor.PAUSED)}
"""Seen once in some hundred random conversations or less; each has a conversation of its own here."""


def page() -> str:
    return f"""# Who has the floor

Drawn from the table in `scheduler/floor.py` by `python -m tests.scheduler.test_floor_table`; a test tells when
the two differ. The conductor's rules decide what happens; who has the floor follows from it, and a transition that
is not in the table is a bug, which ends the session.

```mermaid
{as_mermaid()}
```
"""


def test_the_transitions_of_the_table_happen() -> None:
    """Random conversations are held until each was seen."""
    missing = set(TRANSITIONS) - RARE
    for seed in range(WORLDS):
        world = World(Random(seed))
        world.live(8.0)
        missing -= world.monitor.moves
        if not missing:
            return
    pytest.fail(f"never seen: {sorted(missing)}")


def _sound_over_the_agent() -> tuple[Playbook, str]:
    """The agent speaks, and a sound over it has just ended."""
    talk = Playbook()
    talk >> CallStarted("Hello, how can I help?")
    utterance_id = talk.expect(Speak).utterance_id
    talk << ...
    talk >> PlayoutStarted(utterance_id)
    talk.at(1.0) >> SpeechStarted(0.95, 0.05)
    talk << ...
    talk.at(1.2)
    talk << ...
    talk >> SpeechStopped(1.1, 0.1)
    talk.done(Floor.OVERLAP)
    return talk, utterance_id


def test_from_overlap_to_rest() -> None:
    talk, utterance_id = _sound_over_the_agent()
    talk >> TranscriptRevised(0, (), is_final=True)
    talk >> PauseGrew(2.0)  # audio came faster than it sounds
    talk >> PlayoutEnded(utterance_id, False, "Hello, how can I help?", 1.2, True)
    talk << ...
    talk.done(Floor.RESTING)


def test_from_overlap_to_committed() -> None:
    talk, _ = _sound_over_the_agent()
    talk >> TranscriptRevised(0, words("two"), is_final=True)
    talk >> InputCommitted(0, 0.9, 1.2)
    talk << ...
    talk.done(Floor.COMMITTED)


def test_from_overlap_to_paused() -> None:
    talk, _ = _sound_over_the_agent()
    talk >> TranscriptRevised(0, (), words("no I meant"))
    talk << ...
    talk.done(Floor.PAUSED)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(Floor, Floor)))
def test_only_the_table_is_legal(source: Floor, target: Floor) -> None:
    if source is target or (source, target) in TRANSITIONS:
        assert move(source, target) is target
    else:
        with pytest.raises(IllegalFloorTransitionError):
            move(source, target)


def test_every_floor_can_be_left_and_reached() -> None:
    assert {source for source, _ in TRANSITIONS} == set(Floor)
    assert {target for _, target in TRANSITIONS} == set(Floor)


def test_the_docs_show_the_table() -> None:
    assert DOCS.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    DOCS.write_text(page(), encoding="utf-8")
