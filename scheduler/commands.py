"""Pure: everything the conductor can order, as imperatives. The whole vocabulary stands in this file.

Each type of command has exactly one owner (``OWNERS``); others may watch, never act.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Effort(StrEnum):
    """How hard to think (rule 8)."""

    REFLEX = "reflex"
    """At once, without reasoning."""
    CONSIDERED = "considered"
    """A few hundred tokens of reasoning."""
    DEEP = "deep"
    """Thousands, with tools."""


class Purpose(StrEnum):
    """What a stream of thinking is for."""

    ANSWER = "answer"
    """An answer to the user's turn or the client's request."""
    OPENING = "opening"
    """The agent speaks first."""
    REPORT = "report"
    """Something came up: a timer, a late result."""
    NUDGE = "nudge"
    """The user has been silent for long."""
    DRAFT = "draft"
    """An answer begun before the turn is over; ``PromoteThinking`` makes it the answer."""
    NOTES = "notes"
    """Private notes during a long turn: thoughts only, nothing is said."""
    FORESIGHT = "foresight"
    """How the user's sentence will end; told by ``EndingForeseen``."""
    AFTERTHOUGHT = "afterthought"
    """After an answer was said: was it right, what is worth remembering. Only a correction that matters is written."""

    @property
    def is_speculative(self) -> bool:
        """Begun without a commit: no side effects, and nothing of it in the history until it is promoted."""
        return self in (Purpose.DRAFT, Purpose.NOTES, Purpose.FORESIGHT)


# --- thinker --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Think:
    """Begin a stream of thinking. Its events carry ``think_id``.

    ``turn_id``: the turn it answers, ``request_id``: the client's request it serves,
    ``report_id``: what it is to report; each ``None`` where there is none.
    ``basis``: what the user has said so far in a turn that is still open (speculative purposes); it stands behind
    the history. ``joins``: the turn in the history that the open one continues: ``basis`` holds its words, too.
    ``notes_ids``: the ``NOTES`` streams to start from, the earliest first.
    ``effort``: ``None``: as the session's router chooses.
    ``opening``: the beginning of an answer that was written for fewer words. It is verified first
    (``OpeningVerified``), unless ``opening_holds``: then the answer simply goes on behind it.
    """

    think_id: str
    purpose: Purpose
    turn_id: str | None = None
    request_id: str | None = None
    report_id: str | None = None
    audible: bool = True
    in_conversation: bool = True
    basis: str = ""
    joins: str | None = None
    notes_ids: tuple[str, ...] = ()
    effort: Effort | None = None
    opening: str = ""
    opening_holds: bool = False


@dataclass(frozen=True, slots=True)
class StopThinking:
    """Stop a stream of thinking at once. It answers with ``ThinkEnded(STOPPED)``."""

    think_id: str


@dataclass(frozen=True, slots=True)
class PromoteThinking:
    """The turn was committed and this draft is its answer, or these notes belong to it: what was thought and done so
    far enters the history, and from now on tools with side effects may run. The stream may have ended before."""

    think_id: str
    turn_id: str


# --- speaker --------------------------------------------------------------------------------------


class SpeakSource(StrEnum):
    MODEL = "model"
    """A sentence of the language model."""
    SERVER = "server"
    """A fixed sentence of the server's own: a greeting, a failure said aloud."""
    FILLER = "filler"
    """Said while the answer is awaited; a clip rendered ahead where there is one. Never counted as the answer."""
    AFTERTHOUGHT = "afterthought"
    """Begun unasked, some time after an answer: a correction that the model found it should make."""


@dataclass(frozen=True, slots=True)
class Speak:
    """Render one sentence and queue it behind what this utterance already has. ``index`` counts from 0.

    ``complete=False``, for voices that take streaming text: more of the same sentence follows, as further ``Speak``
    with this ``index``; ``text`` is then exactly what is added, white space and all, and may be ``""`` at the end.
    """

    utterance_id: str
    index: int
    text: str
    think_id: str | None = None
    source: SpeakSource = SpeakSource.MODEL
    complete: bool = True


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """No more sentences come for this utterance."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class Backchannel:
    """A listener's short "mm-hm" (rule 13): mixed into the line, outside of utterances, responses and history."""

    text: str


# --- playout --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hold:
    """Speech of this utterance is rendered ahead and stays on the server until ``Release`` (or ``StopSpeaking``).
    Given before its first ``Speak``."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class Release:
    """The turn was committed: what was held may sound now, in its order."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class PauseSpeaking:
    """Nothing more of this utterance leaves until ``GoOnSpeaking`` (or ``StopSpeaking``); it goes on where it was. What
    has left will sound, so where audio is sent far ahead of the ear only what has not begun to sound is paused."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class GoOnSpeaking:
    """After ``PauseSpeaking``. Without it, nothing."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class SkipSentence:
    """End this sentence (a filler) at the next word boundary; the next one follows as soon as it is rendered. One that is
    through is left as it is; for one that is still being rendered, the wish is kept."""

    utterance_id: str
    index: int


@dataclass(frozen=True, slots=True)
class Duck:
    """Bring what sounds to ``gain_db`` (0 restores it, -8 to -18 while the user may be interrupting)."""

    utterance_id: str
    gain_db: float


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """End an utterance: at the next word boundary but within ``within_seconds``, or at once if that is 0.
    Nothing of it may sound later. Answered by ``PlayoutEnded(stopped=True)``, also if nothing had sounded."""

    utterance_id: str
    within_seconds: float = 0.0
    reason: Literal["barge_in", "rejoined", "cancelled", "cleared", "urgent", "closing", "abandoned"] = "barge_in"


# --- conversation ---------------------------------------------------------------------------------


class TurnOutcome(StrEnum):
    """Every user turn ends in exactly one of these."""

    ANSWERED = "answered"
    SILENT = "silent"
    REJOINED = "rejoined"
    CANCELLED = "cancelled"
    FAILED = "failed"
    CALL_ENDED = "call_ended"


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The user has begun a turn: told to clients as ``speech_started``. One that is committed by hand may have none."""

    turn_id: str
    audio_start_seconds: float


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The turn is over and has this transcript; ``final``: the recogniser has spoken its last word on it.

    ``joins``: an earlier turn that this one continues: in the trajectory the two are one.
    ``segments``: the recogniser's segments it is made of.
    """

    turn_id: str
    transcript: str
    audio_start_seconds: float
    audio_end_seconds: float
    final: bool
    segments: tuple[int, ...] = ()
    joins: str | None = None
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class AmendTurn:
    """The recogniser's last word on a turn that had to be committed without it."""

    turn_id: str
    transcript: str


@dataclass(frozen=True, slots=True)
class EndTurn:
    """What became of the turn, and why (for people to read)."""

    turn_id: str
    outcome: TurnOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordHeard:
    """The words of an utterance that the caller heard go into the history now; ``cut_off``: it was interrupted.
    A second one for the same utterance corrects the first."""

    utterance_id: str
    text: str
    cut_off: bool
    think_id: str | None = None


# --- door -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EndCall:
    """All is said: close the session."""

    reason: str


@dataclass(frozen=True, slots=True)
class TellTimeout:
    """The user has said nothing for the idle time; an unasked ``Think`` follows."""

    silence_seconds: float


Command = (
    Think
    | StopThinking
    | PromoteThinking
    | Speak
    | EndUtterance
    | Backchannel
    | Hold
    | Release
    | PauseSpeaking
    | GoOnSpeaking
    | SkipSentence
    | Duck
    | StopSpeaking
    | OpenTurn
    | CommitTurn
    | AmendTurn
    | EndTurn
    | RecordHeard
    | EndCall
    | TellTimeout
)

Owner = Literal["thinker", "speaker", "playout", "conversation", "door"]

OWNERS: dict[type[Command], Owner] = {
    Think: "thinker",
    StopThinking: "thinker",
    PromoteThinking: "thinker",
    Speak: "speaker",
    EndUtterance: "speaker",
    Backchannel: "speaker",
    Hold: "playout",
    Release: "playout",
    PauseSpeaking: "playout",
    GoOnSpeaking: "playout",
    SkipSentence: "playout",
    Duck: "playout",
    StopSpeaking: "playout",
    OpenTurn: "conversation",
    CommitTurn: "conversation",
    AmendTurn: "conversation",
    EndTurn: "conversation",
    RecordHeard: "conversation",
    EndCall: "door",
    TellTimeout: "door",
}
"""The one owner of each type of command; ``Bus`` refuses a session that leaves one without."""
