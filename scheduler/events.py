"""Pure: everything that can happen, as past facts. The whole vocabulary stands in this file.

An event carries no time of its own: the runner stamps it when it is decided on, and the journal
keeps that stamp. ``audio_seconds`` is audio time: seconds of input audio since the session began,
which runs with the samples and not with the wall clock.

Two lanes: *control* events are never lost (an overflow ends the session), *growth* events
(``GROWTH_EVENTS``) are coalesced when their reader lags (see ``scheduler/bus.py``).

Drafts, notes, foresight and afterthoughts speak through the same think events as answers: each stream
of thinking has a ``think_id``, whatever its purpose (``commands.Purpose``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from scheduler.pcm import WordTime
from scheduler.policy import Policy, TurnDetection

# --- ears -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SoundHeard:
    """Something became audible, after quiet; ``SpeechStarted`` follows if it is voice. ``sounded_seconds``: since its
    onset. Told 20 ms after the onset, so that the agent can be softer before anybody knows what it is."""

    sounded_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The voice detector heard speech begin. ``audio_seconds``: the true onset, ``voiced_seconds``: voice so far."""

    audio_seconds: float
    voiced_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Speech paused. ``audio_seconds``: the end of the last voiced frame, ``silence_seconds``: silence since."""

    audio_seconds: float
    silence_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PauseGrew:
    """Still no speech: ``silence_seconds`` of audio time since the last voiced frame. Sent about every 100 ms
    for the first seconds of a pause; between two of them the wall clock extrapolates."""

    silence_seconds: float


@dataclass(frozen=True, slots=True)
class VoiceFaded:
    """In speech that is going on, no voice was heard for a moment (about 0.1 s): ``SpeechStopped`` may follow, or
    ``VoiceReturned``. ``audio_seconds``: the end of the last voiced frame, ``silence_seconds``: silence since."""

    audio_seconds: float
    silence_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class VoiceReturned:
    """Voice again, in the same segment, after ``VoiceFaded``. ``audio_seconds``: its onset."""

    audio_seconds: float


@dataclass(frozen=True, slots=True)
class TranscriptRevised:
    """What the recogniser now makes of one segment (a run of speech between two pauses).

    Replaces all earlier revisions of the same ``segment``. ``stable`` words will not change again,
    ``tentative`` ones may. ``is_final``: the segment is closed, nothing more comes for it.
    Segments are numbered from 0 in the order they began. A segment without words has a final
    revision with no words.
    """

    segment: int
    stable: tuple[WordTime, ...]
    tentative: tuple[WordTime, ...] = ()
    is_final: bool = False

    @property
    def words(self) -> tuple[WordTime, ...]:
        return self.stable + self.tentative


@dataclass(frozen=True, slots=True)
class TurnEndEstimated:
    """An end-of-turn model's verdict: ``probability`` (0 to 1) that the user's turn is over."""

    probability: float


@dataclass(frozen=True, slots=True)
class EarsFailed:
    """Recognition failed; words of the open segment may be lost. ``message``: one sentence for the log.
    ``recovered``: a fresh recogniser has already taken over."""

    message: str
    recovered: bool


@dataclass(frozen=True, slots=True)
class InputCommitted:
    """The client ended its turn by hand (push to talk), and all audio sent before has been through the ears.

    ``segment``: the segment that holds it; its final revision may come after this event.
    """

    segment: int
    audio_start_seconds: float
    audio_end_seconds: float


@dataclass(frozen=True, slots=True)
class InputCleared:
    """The client threw its uncommitted audio away."""


# --- thinking -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThoughtGrown:
    """``text``: what was thought since the last such event of this ``think_id``."""

    think_id: str
    text: str


@dataclass(frozen=True, slots=True)
class WordsWritten:
    """``text``: what was written since the last such event of this ``think_id``, exactly as it came."""

    think_id: str
    text: str


@dataclass(frozen=True, slots=True)
class SentenceWritten:
    """One whole sentence of the answer, fit to be spoken. ``index`` counts from 0 within the think."""

    think_id: str
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class SentenceGrew:
    """More of sentence ``index``, exactly as it was written, for voices that take text as it streams. What it adds
    up to is the ``SentenceWritten`` that follows; the think ends no sentence without that."""

    think_id: str
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class OpeningVerified:
    """``text``: how much of the ``opening`` of its ``Think`` still holds; the think goes on behind it. ``""``: none
    of it, the answer is written anew. Precedes every sentence of such a think."""

    think_id: str
    text: str


@dataclass(frozen=True, slots=True)
class EndingForeseen:
    """What the user will probably say next, after the ``basis`` of its ``Think``, and how probable that is."""

    think_id: str
    ending: str
    probability: float


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model called a tool. ``arguments``: JSON text. ``by_client``: the client must run it. ``progress``: what it
    does, in words that a caller may hear ("checking your order"), where the tool tells. ``awaits_commit``: it does more
    than read, and begins when its stream is promoted."""

    think_id: str
    call_id: str
    name: str
    arguments: str
    by_client: bool
    progress: str = ""
    awaits_commit: bool = False


@dataclass(frozen=True, slots=True)
class ToolLeftBehind:
    """A tool takes long, and the answer that called it goes on without its result. The tool runs on: its ``ToolEnded``
    comes later, usually after the ``ThinkEnded``."""

    think_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool is done. ``output``: what the model will read. ``think_id=""``: the client ran it."""

    think_id: str
    call_id: str
    output: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class SilenceChosen:
    """The model decided that nothing is to be said, and why."""

    think_id: str
    reason: str


class ThinkEnding(StrEnum):
    DONE = "done"
    """All is written."""
    TOOLS = "tools"
    """The model awaits outputs of tools that the client runs."""
    LENGTH = "length"
    """The token budget is spent, perhaps before the first word: that is no silence of the model's choice."""
    STOPPED = "stopped"
    """Stopped by the conductor."""
    ABORTED = "aborted"
    """Its place was needed for something more urgent; only what was not committed is aborted."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ThinkEnded:
    """A stream of thinking is over; no event with this ``think_id`` follows (tool results may).

    ``message``: for ``FAILED``, one sentence for the log and the wire.
    Token counts are the engine's own where it gives any, else estimates.
    """

    think_id: str
    ending: ThinkEnding
    message: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


# --- voice and playout ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeechReady:
    """The first audio of a sentence has been rendered; it sounds as soon as it may."""

    utterance_id: str
    index: int


@dataclass(frozen=True, slots=True)
class SpeechRendered:
    """A sentence of an utterance has been rendered whole; ``seconds`` of audio."""

    utterance_id: str
    index: int
    seconds: float


@dataclass(frozen=True, slots=True)
class VoiceFailed:
    """A sentence could not be rendered. Playout of the utterance goes on with what there is."""

    utterance_id: str
    index: int
    message: str


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The utterance's first sample reached the caller (as far as the transport knows)."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """The caller has now heard ``text``, counted from the utterance's beginning, and ``heard_seconds`` of its audio."""

    utterance_id: str
    text: str
    heard_seconds: float


@dataclass(frozen=True, slots=True)
class PlayoutSent:
    """All audio of a closed utterance has left the server (the caller may still be hearing it)."""

    utterance_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PlayoutEnded:
    """The utterance will not sound again: played to its end, or stopped.

    ``text``: what the caller heard of it. ``settled``: the position is exact or reported; when it is
    not, a client's truncation may still correct it (``HeardCorrected``).
    ``unheard_index``: index of the first sentence that was not heard to its end, ``None`` if all were.
    """

    utterance_id: str
    stopped: bool
    text: str
    heard_seconds: float
    settled: bool
    unheard_index: int | None = None


@dataclass(frozen=True, slots=True)
class HeardCorrected:
    """The client told (by truncating) what it really played of an utterance. ``text``: the words up to there."""

    utterance_id: str
    text: str
    heard_seconds: float


# --- doors ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The session is open. ``greeting``: ``None`` to wait for the user, else a fixed sentence to say
    first, or ``""`` to let the model open the talk."""

    greeting: str | None = None


@dataclass(frozen=True, slots=True)
class CallEnding:
    """The call is over, or is about to be closed. ``farewell``: a sentence to say before, ``""`` for none."""

    reason: str
    farewell: str = ""


@dataclass(frozen=True, slots=True)
class SessionConfigured:
    """The session's turn detection or policy is now this. ``audible``: what the agent says unasked is spoken."""

    policy: Policy
    turn_detection: TurnDetection
    audible: bool = True


@dataclass(frozen=True, slots=True)
class ResponseRequested:
    """The client asked for an answer. ``request_id`` names its parameters, kept by the door.

    ``audible``: it is to be spoken. ``in_conversation``: it belongs to the talk (not out of band).
    """

    request_id: str
    audible: bool = True
    in_conversation: bool = True


@dataclass(frozen=True, slots=True)
class ResponseCancelled:
    """The client cancelled an answer; ``think_id=None``: the running one of the conversation, and those that
    were asked for and have not begun."""

    think_id: str | None = None


@dataclass(frozen=True, slots=True)
class OutputCleared:
    """The client threw away what has not been played yet."""


@dataclass(frozen=True, slots=True)
class ReportReady:
    """Something came up that is to be told: a timer rang, a late result arrived.

    ``report_id`` names it; its content is with the thinker. ``urgent``: may interrupt.
    """

    report_id: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The deadline that the state named has come. Only the runner makes this event."""


Event = (
    SoundHeard
    | SpeechStarted
    | SpeechStopped
    | PauseGrew
    | VoiceFaded
    | VoiceReturned
    | TranscriptRevised
    | TurnEndEstimated
    | EarsFailed
    | InputCommitted
    | InputCleared
    | ThoughtGrown
    | WordsWritten
    | SentenceWritten
    | SentenceGrew
    | OpeningVerified
    | EndingForeseen
    | ToolCalled
    | ToolLeftBehind
    | ToolEnded
    | SilenceChosen
    | ThinkEnded
    | SpeechReady
    | SpeechRendered
    | VoiceFailed
    | PlayoutStarted
    | WordsHeard
    | PlayoutSent
    | PlayoutEnded
    | HeardCorrected
    | CallStarted
    | CallEnding
    | SessionConfigured
    | ResponseRequested
    | ResponseCancelled
    | OutputCleared
    | ReportReady
    | DeadlineReached
)

LANE = Literal["control", "growth"]


def lane(event: Event) -> LANE:
    """``growth`` for what may be coalesced: text that grows, partial transcripts, pauses, progress of playout."""
    match event:
        case ThoughtGrown() | WordsWritten() | SentenceGrew() | PauseGrew() | WordsHeard():
            return "growth"
        case TranscriptRevised(is_final=False):
            return "growth"
        case _:
            return "control"
