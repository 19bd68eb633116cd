"""Pure: what is said while an answer is awaited (rule 6): the choice among the lines of one language.

The lines stand in data files (``realtime/fillers``); ``SMALL_ENGLISH`` is what the ground floor brings itself.
"""

from __future__ import annotations

from typing import assert_never

from scheduler.filler_doing import from_thought, from_tool, tool_lines
from scheduler.filler_vocabulary import (
    Doing,
    FillerKind,
    FillerLines,
    RequestKind,
    RequestLines,
    ToolLines,
    Verb,
)
from scheduler.request_cues import request_kind, request_lines
from scheduler.words import bare_words

__all__ = [
    "SMALL_ENGLISH",
    "Doing",
    "FillerKind",
    "FillerLines",
    "RequestKind",
    "RequestLines",
    "ToolLines",
    "Verb",
    "all_texts",
    "filler",
    "request_kind",
    "request_lines",
]


def filler(
    lines: FillerLines,
    kind: FillerKind,
    *,
    request: str,
    said: tuple[str, ...],
    tool: str = "",
    tool_progress: str = "",
    thought: str = "",
    seed: int = 0,
) -> str | None:
    """The line to say now; ``None`` where nothing fits or all was said.

    ``request``: the user's words. ``said``: the fillers of this turn so far. ``tool``: the name of the one that runs,
    ``tool_progress``: what it says it does ("checking your order"). ``thought``: the latest, as it came; its last
    sentence may be unfinished. ``seed``: any counter; equal ones give equal lines.
    """
    found = request_lines(lines, request)
    heard = {bare_words(line) for line in said}
    for group in _groups(lines, kind, found, tool, tool_progress, thought, seed):
        unsaid = [line for line in group if bare_words(line) not in heard]
        if unsaid:
            return unsaid[seed % len(unsaid)]
    return None


def all_texts(lines: FillerLines, tools_progress: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every fixed text once, in order: what a voice can render ahead. ``tools_progress``: of the tools that there are."""
    texts: list[str] = []
    for request in lines.requests:
        texts += (*request.acknowledgements, *request.rare, *request.phrases, *request.progress, *request.content_free)
    for tool in lines.tools:
        texts += (*tool.phrases, *tool.progress)
    for progress in tools_progress:
        for kind in (FillerKind.PHRASE, FillerKind.PROGRESS):
            texts += from_tool(lines, progress, kind)
    return tuple(dict.fromkeys(texts))


def _groups(
    lines: FillerLines, kind: FillerKind, found: RequestLines, tool: str, tool_progress: str, thought: str, seed: int
) -> tuple[tuple[str, ...], ...]:
    """What could be said, the best first."""
    running = tool_lines(lines, tool) if tool or tool_progress else ToolLines()
    match kind:
        case FillerKind.ACKNOWLEDGEMENT:
            is_rare = seed % max(lines.rare_every, 1) == lines.rare_every - 1
            return (found.rare if is_rare else (), found.acknowledgements)
        case FillerKind.PHRASE:
            own = from_tool(lines, tool_progress, kind) or running.phrases
            return (own, running.phrases, () if own else found.phrases)
        case FillerKind.PROGRESS:
            by_tool = from_tool(lines, tool_progress, kind) or running.progress
            by_thought = from_thought(lines, thought) if found.may_quote_thoughts and not by_tool else ()
            return (by_tool, by_thought, found.progress)
        case FillerKind.CONTENT_FREE:
            return (found.content_free,)
        case _:
            assert_never(kind)


_STILL = ("Still working on it.", "I'm still on it.", "Just a little longer.", "Thanks for waiting.")

SMALL_ENGLISH = FillerLines(
    language="en",
    skipped=("um", "uh", "so", "well", "and", "okay", "hey", "hi", "hello"),
    requests=(
        RequestLines(
            RequestKind.DISTRESS,
            (
                "died",
                "dying",
                "dead",
                "death",
                "die",
                "funeral",
                "suicide",
                "kill",
                "killed",
                "cancer",
                "hospital",
                "ambulance",
                "emergency",
                "accident",
                "hurt",
                "hate",
                "useless",
                "angry",
                "ridiculous",
                "stupid",
                "terrible",
                "scared",
                "crying",
                "lost",
            ),
            may_quote_thoughts=False,
        ),
        RequestLines(
            RequestKind.COMPLAINT,
            ("broken", "not working", "doesn't work", "wrong", "complain", "refund", "problem", "failed", "late"),
            phrases=("Let me look into that.",),
            progress=_STILL,
        ),
        RequestLines(
            RequestKind.REQUEST,
            (
                "^could you",
                "^would you please",
                "^can you please",
                "^please",
                "^i'd like to order",
                "^i'd like to book",
            ),
            acknowledgements=("Sure.",),
            phrases=("One moment.", "Just a moment."),
            progress=_STILL,
        ),
        RequestLines(
            RequestKind.COMMAND,
            tuple(
                f"^{verb}"
                for verb in (
                    "tell",
                    "show",
                    "give",
                    "find",
                    "play",
                    "stop",
                    "set",
                    "turn",
                    "open",
                    "call",
                    "book",
                    "cancel",
                    "add",
                )
            ),
            acknowledgements=("Okay.",),
            phrases=("One moment.", "Just a moment."),
            progress=_STILL,
        ),
        RequestLines(
            RequestKind.QUESTION,
            (
                "?$",
                *(
                    f"^{word}"
                    for word in (
                        "what",
                        "what's",
                        "who",
                        "where",
                        "which",
                        "why",
                        "how",
                        "how's",
                        "is",
                        "are",
                        "does",
                        "did",
                        "can",
                    )
                ),
            ),
            unless=("^what a", "^how nice"),
            acknowledgements=("Let me see.",),
            phrases=("Let me think about that.", "Let me think for a moment."),
            progress=_STILL,
            content_free=("Hm.", "Well,"),
        ),
        RequestLines(RequestKind.STATEMENT, phrases=("One moment.",), progress=_STILL),
    ),
    tools=(ToolLines(phrases=("One moment.", "Just a moment."), progress=("I'm still on it.",)),),
    doing=Doing("Let me {plain}.", "I'm {doing}.", "I'm still {doing}.", verbs=(Verb("check", "checking"),)),
)
"""For a policy that was given no file: a few lines that are seldom wrong."""
