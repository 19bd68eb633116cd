"""Pure: what the thinker tells, brought to what it is about: an answer, a draft, notes or an afterthought."""

from __future__ import annotations

from scheduler import afterthoughts, answers, drafts, fillers, notes
from scheduler.events import (
    EndingForeseen,
    OpeningVerified,
    SentenceGrew,
    SentenceWritten,
    SilenceChosen,
    SpeechReady,
    ThinkEnded,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    ToolLeftBehind,
)
from scheduler.step import Step


def thought_grown(step: Step, event: ThoughtGrown) -> None:
    notes.thought_grown(step, event)
    if answer := step.answer_thought(event.think_id):
        fillers.thought_grown(step, answer, event)


def sentence_grew(step: Step, event: SentenceGrew) -> None:
    if draft := step.draft_thought(event.think_id):
        drafts.sentence_grew(step, draft, event)
    elif answer := step.answer_thought(event.think_id):
        answers.sentence_grew(step, answer, event)


def sentence_written(step: Step, event: SentenceWritten) -> None:
    if draft := step.draft_thought(event.think_id):
        drafts.sentence_written(step, draft, event)
    elif answer := step.answer_thought(event.think_id):
        answers.sentence_written(step, answer, event)
    else:
        afterthoughts.sentence_written(step, event)


def silence_chosen(step: Step, event: SilenceChosen) -> None:
    if draft := step.draft_thought(event.think_id):
        drafts.silence_chosen(step, draft, event)
    elif answer := step.answer_thought(event.think_id):
        answers.silence_chosen(step, answer, event)


def tool_called(step: Step, event: ToolCalled) -> None:
    draft = step.draft_thought(event.think_id)
    if answer := draft.answer if draft else step.answer_thought(event.think_id):
        answers.tool_called(step, answer, event)


def tool_left_behind(step: Step, event: ToolLeftBehind) -> None:
    _await_tool_no_more(step, event.think_id)


def tool_ended(step: Step, event: ToolEnded) -> None:
    answers.tool_ended(step, event)
    _await_tool_no_more(step, event.think_id)


def _await_tool_no_more(step: Step, think_id: str) -> None:
    draft = step.draft_thought(think_id)
    if answer := draft.answer if draft else step.answer_thought(think_id):
        fillers.await_tool_no_more(step, answer)


def opening_verified(step: Step, event: OpeningVerified) -> None:
    drafts.opening_verified(step, event)


def ending_foreseen(step: Step, event: EndingForeseen) -> None:
    drafts.foreseen(step, event)


def think_ended(step: Step, event: ThinkEnded) -> None:
    notes.think_ended(step, event)
    if step.state.foresight is not None and step.state.foresight[0] == event.think_id:
        step.change(foresight=None)
        drafts.foresee(step)
    if draft := step.draft_thought(event.think_id):
        drafts.think_ended(step, draft, event)
    elif answer := step.answer_thought(event.think_id):
        answers.think_ended(step, answer, event)
    else:
        afterthoughts.think_ended(step, event)


def speech_ready(step: Step, event: SpeechReady) -> None:
    if draft := step.draft_of(event.utterance_id):
        drafts.speech_ready(step, draft, event)
    elif answer := step.answer_of(event.utterance_id):
        fillers.speech_ready(step, answer, event)
