"""How hard the model is told to think: by the conductor, the client, or the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from realtime.briefing import Briefing
from realtime.settings import Settings
from realtime.wire.session_port import ResponseParams, SessionConfig
from scheduler.commands import Effort, Purpose, Think
from scheduler.events import Event
from scheduler.policy import TurnDetection
from think_loop.effort import EffortRouter
from think_loop.language_model import Message
from think_loop.timers import Reports, Timers
from think_loop.tools import Toolbox
from think_loop.trajectory import Entry, EntryKind, Trajectory


class Remembering(EffortRouter):
    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []

    def choose(self, request: str, history: Sequence[Message]) -> Effort:
        self.asked.append((request, [message.text for message in history]))
        return Effort.DEEP


def ignore(_event: Event) -> None:
    pass


def briefing(*texts: str, effort: str | None = None, router: EffortRouter | None = None) -> Briefing:
    trajectory = Trajectory()
    for index, text in enumerate(texts):
        kind = EntryKind.HEARD if index % 2 == 0 else EntryKind.SAID
        trajectory.append(Entry(f"e{index}", kind, text, 0.0))
    reports = Reports()
    config = SessionConfig(TurnDetection(), instructions="Be brief.", reasoning_effort=effort)
    return Briefing(config, Settings(), trajectory, Timers(ignore, reports), reports, router)


def effort_of(made: Briefing, think: Think) -> Effort | None:
    return made.prompt(replace(think, in_conversation=False), Toolbox(())).effort  # no timers: they need a loop


@pytest.mark.parametrize(
    ("asked", "effort"),
    [("Hello.", Effort.REFLEX), ("Why is it closed?", Effort.CONSIDERED), ("Prove it.", Effort.DEEP)],
)
def test_the_words_decide_where_nobody_else_does(asked: str, effort: Effort) -> None:
    assert effort_of(briefing(asked), Think("k1", Purpose.ANSWER)) is effort


def test_the_router_is_given_the_last_words_and_what_was_before_them() -> None:
    router = Remembering()
    effort_of(briefing("Who is it?", "I don't know.", "Try again.", router=router), Think("k1", Purpose.ANSWER))
    assert router.asked == [("Try again.", ["Be brief.", "Who is it?", "I don't know."])]


def test_a_draft_is_judged_by_what_was_said_so_far() -> None:
    think = Think("k1", Purpose.DRAFT, basis="Why is it closed")
    assert effort_of(briefing("Hello.", "Hi!"), think) is Effort.CONSIDERED


def test_the_conductor_goes_before_the_request_and_the_request_before_the_session() -> None:
    made = briefing("Hello.", effort="medium")
    assert effort_of(made, Think("k1", Purpose.ANSWER)) is Effort.CONSIDERED
    for own, effort in ((None, Effort.DEEP), (Effort.REFLEX, Effort.REFLEX)):
        made.register("r1", ResponseParams(audible=True, reasoning_effort="high"))
        assert effort_of(made, Think("k1", Purpose.ANSWER, request_id="r1", effort=own)) is effort


def test_a_name_nobody_knows_leaves_it_to_the_words() -> None:
    assert effort_of(briefing("Why?", effort="enormous"), Think("k1", Purpose.ANSWER)) is Effort.CONSIDERED


@pytest.mark.parametrize("purpose", [Purpose.OPENING, Purpose.REPORT, Purpose.NUDGE, Purpose.FORESIGHT])
def test_one_sentence_needs_no_thought(purpose: Purpose) -> None:
    assert effort_of(briefing("Prove it."), Think("k1", purpose)) is Effort.REFLEX


@pytest.mark.parametrize(
    ("purpose", "choice"),
    [
        (Purpose.ANSWER, "required"),
        (Purpose.DRAFT, "required"),
        (Purpose.NOTES, "auto"),
        (Purpose.FORESIGHT, "none"),
        (Purpose.AFTERTHOUGHT, "none"),
    ],
)
def test_a_call_that_the_client_requires_is_made_by_answers_only(purpose: Purpose, choice: str) -> None:
    made = briefing("Look it up.")
    made.config = replace(made.config, tool_choice="required")
    think = Think("k1", purpose, in_conversation=False)
    assert made.prompt(think, Toolbox(())).tool_choice == choice


@pytest.mark.parametrize(
    ("purpose", "effort"), [(Purpose.NOTES, Effort.CONSIDERED), (Purpose.FORESIGHT, Effort.REFLEX)]
)
@pytest.mark.parametrize("asked", ["low", "high", None])
def test_what_the_client_asks_for_is_for_answers(purpose: Purpose, effort: Effort, asked: str | None) -> None:
    assert effort_of(briefing("Prove it.", effort=asked), Think("k1", purpose)) is effort
