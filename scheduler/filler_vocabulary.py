"""Pure: what the lines said while an answer is awaited consist of (rule 6).

They stand in data files (``realtime/fillers``) and are part of ``Policy``, so that a journal replays with the lines it
was made with: only strings, tuples and frozen objects.

A *cue* finds a kind of request by its words, without case and punctuation. ``refund``: stands anywhere, as whole words
(in scripts without spaces: as these characters); ``^can you``: begins the request, after words that say nothing of it;
``=hello``: the request is no more than such cues; ``吗$`` or ``?$``: ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LONGEST_LINE = 80
"""Characters of a line: a filler is over before the answer would have come."""


class FillerKind(StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"
    """A word or two that fit the request, for waits of 0.5 to 1.5 s."""
    PHRASE = "phrase"
    """Says what is happening, for longer waits."""
    PROGRESS = "progress"
    """Made from the latest thought or tool, for waits beyond 4 s."""
    CONTENT_FREE = "content_free"
    """Says nothing: over a beginning that is already written, while it is verified for more words."""


class RequestKind(StrEnum):
    """What was asked, as far as it decides what may be said at once; ``FillerLines.requests`` gives the order."""

    DISTRESS = "distress"
    """Grief, fear, illness, danger."""
    ANGER = "anger"
    COMPLAINT = "complaint"
    """Something went wrong."""
    SMALLTALK = "smalltalk"
    """Greetings, thanks, yes and no."""
    REQUEST = "request"
    """Asked politely: "could you book a table"."""
    COMMAND = "command"
    """"Play some jazz"."""
    OPEN_QUESTION = "open_question"
    """One worth calling a good one."""
    QUESTION = "question"
    STATEMENT = "statement"
    """Anything else."""


@dataclass(frozen=True, slots=True)
class RequestLines:
    """A kind of request: how it is found, and what may be said while its answer is awaited; ``()``: nothing fits."""

    kind: RequestKind
    cues: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    """Cues that speak against it."""
    acknowledgements: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    """Acknowledgements that wear out: ``FillerLines.rare_every`` says how often."""
    phrases: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()
    content_free: tuple[str, ...] = ()
    may_quote_thoughts: bool = True
    """Whether a progress line may name what is being thought about."""


@dataclass(frozen=True, slots=True)
class ToolLines:
    """What is said while a tool runs of whose name one part is among ``names``; ``()``: any tool."""

    names: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verb:
    """Something one does while thinking: "compare", "comparing"."""

    plain: str
    doing: str


@dataclass(frozen=True, slots=True)
class Doing:
    """How lines are made from what is being done: ``{doing}`` is "checking your order", ``{plain}`` "check your order".

    A thought gives a line only when it is an intent ("I need to") or nothing, a verb, and an object that begins with
    one of ``determiners`` and ends at one of ``ends``, all of lower case and with no word of ``unsafe`` in the sentence.
    """

    phrase: str = ""
    """From a tool's progress text that begins with a known verb. Needs ``{plain}`` or ``{doing}``."""
    phrase_of_unknown: str = ""
    """From one that doesn't. Needs ``{doing}``, as do the next two."""
    progress: str = ""
    thought: str = ""
    already: tuple[str, ...] = ()
    """Beginnings of a tool's progress text that the lines above bring themselves, such as "I'm" or "正在"."""
    verbs: tuple[Verb, ...] = ()
    intents: tuple[str, ...] = ()
    determiners: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    never_inside: tuple[str, ...] = ()
    """Words that an object must not have before it ends: "the red and" is none."""
    unsafe: tuple[str, ...] = ()
    longest_object: int = 5
    """In words; characters where the script has no spaces."""


@dataclass(frozen=True, slots=True)
class FillerLines:
    """All the lines of one language. Without any (``FillerLines()``) nothing is ever said."""

    language: str = ""
    skipped: tuple[str, ...] = ()
    """Words before a request, or a thought, that say nothing of it."""
    requests: tuple[RequestLines, ...] = ()
    """The first whose cues are found counts. The last one, without cues, is for all other requests."""
    tools: tuple[ToolLines, ...] = ()
    """The first that knows the tool's name counts."""
    doing: Doing = Doing()
    rare_every: int = 8
    """One acknowledgement out of so many may be a rare one."""
