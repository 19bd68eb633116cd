"""Pure: what every language model is told beside the talk itself: instructions written for speech, and hints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from scheduler.commands import Purpose
from think_loop.tool_hints import without_hint
from think_loop.trajectory import CUT_OFF_MARK

DEFAULT_INSTRUCTIONS = f"""\
You are a friendly voice assistant in a live call. Everything you write is spoken aloud at once.

- Talk as people talk: one to three short sentences, then let the caller speak. Put the answer into the first one.
- No markdown, lists, headings, links, emoji or code. Write numbers, dates and units as they would be said, such as \
"half past five" or "twenty euros".
- What you are given as the caller's words comes from speech recognition and may hold wrong words. Take the sense \
that is most likely; when it really matters, ask back in one short question.
- The caller may interrupt you. An answer of yours that ends with "{CUT_OFF_MARK}" was heard only up to there. Don't \
start over; go on from what the caller says now.
- If nothing should be said, because the caller talks to somebody else, thinks aloud, or asks you to wait, answer \
with exactly <silence>the reason in a few words</silence> and nothing else.
- Text in <note> tags comes from the system, not from the caller. Never read it out.
- If you use a tool that takes long, say one short sentence first. Never invent the result of a tool.
- Answer in the caller's language. Say so plainly when you don't know something.\
"""
"""Used for sessions that bring no instructions of their own."""

REPORT_MARK = "Report to tell now: "
"""Begins the line of the hints that holds a report (a timer rang, a late result came)."""
LONGEST_RESULT = 500
"""Characters of a late result in its report."""
OPENING_MARK = "The call has just begun"
NUDGE_MARK = "The caller has been silent for a while"
NOTES_MARK = "The caller is still speaking"
AFTERTHOUGHT_MARK = "You have said your answer, and nobody is speaking"


def hints(
    now: datetime,
    purpose: Purpose = Purpose.ANSWER,
    *,
    report: str = "",
    still_sounding: str = "",
    timers: Sequence[str] = (),
    pending_calls: Sequence[str] = (),
    notes: str = "",
) -> str:
    """The volatile text behind the messages of one prompt; it is not kept.

    ``now``: local time. ``report``: what is to be told, for ``Purpose.REPORT``. ``still_sounding``: what the
    caller is hearing right now. ``timers``: as ``Timers.described`` gives them. ``pending_calls``: names of
    tools whose results are awaited. ``notes``: what was thought while the caller was speaking.
    """
    lines = [f"It is {now:%A}, {now.day} {now:%B %Y}, {now:%H:%M} local time."]
    if still_sounding:
        lines.append(f'The caller is just hearing you say: "{still_sounding}"')
    if timers:
        lines.append(f"Running: {'; '.join(timers)}.")
    if pending_calls:
        lines.append(f"Still waiting for the result of: {', '.join(pending_calls)}.")
    if notes:
        lines.append(f"You have thought this while the caller spoke; don't think it again: {' '.join(notes.split())}")
    lines.extend(_purpose_lines(purpose, report))
    return "\n".join(lines)


def late_result(doing: str, output: str) -> str:
    """The report about a tool whose answer went on without it. ``doing``: "checking your order", or its name. The whole
    output stands in the history."""
    text = " ".join(without_hint(output).split())
    text = text if len(text) <= LONGEST_RESULT else f"{text[:LONGEST_RESULT]} …"
    return f"The result of {doing} has come: {text}"


def told_meanwhile(said: str) -> str:
    """The line of the hints about what was said to bridge a wait."""
    return f'While you were thinking, the caller has heard you say: "{said}" Go on from there; do not say it again.'


def _purpose_lines(purpose: Purpose, report: str) -> list[str]:
    match purpose:
        case Purpose.OPENING:
            return [f"{OPENING_MARK}: greet the caller in one short sentence."]
        case Purpose.NUDGE:
            return [f"{NUDGE_MARK}: ask in one short sentence whether they are still there."]
        case Purpose.REPORT:
            return [f"{REPORT_MARK}{' '.join(report.split())}", "Tell it to the caller now, in one short sentence."]
        case Purpose.NOTES:
            return [
                f"{NOTES_MARK}. Don't answer yet.",
                "Think for yourself, in short notes: what was said and corrected, what is being asked, how to answer.",
            ]
        case Purpose.FORESIGHT:
            return [f"{NOTES_MARK}. Write only the words with which the caller will end this sentence, nothing else."]
        case Purpose.AFTERTHOUGHT:
            return [
                f"{AFTERTHOUGHT_MARK}. Was it right and complete?",
                "Only if something in it was wrong and matters, write one short sentence that corrects it.",
                "Otherwise answer with <silence>what is worth remembering</silence>.",
            ]
        case Purpose.ANSWER | Purpose.DRAFT:
            return []
        case _:
            assert_never(purpose)
