"""Pure: all that the conductor knows, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.commands import Effort, Purpose
from scheduler.events import ThinkEnding
from scheduler.floor import Floor
from scheduler.pace import Pace
from scheduler.patience import Patience
from scheduler.pcm import WordTime, join_words
from scheduler.policy import BALANCED, Policy, TurnDetection
from scheduler.words import bare_words, join_texts


class Alarm(StrEnum):
    """What the conductor wants to be woken for."""

    TURN_END = "turn_end"
    FINAL_TRANSCRIPT = "final_transcript"
    TURN_CEILING = "turn_ceiling"
    SOUND = "sound"
    SOUND_IN_PAUSE = "sound_in_pause"
    DUCK_DEEP = "duck_deep"
    PAUSE_ON_VOICE = "pause_on_voice"
    STOP_ON_VOICE = "stop_on_voice"
    RESTORE = "restore"
    HEARD_SETTLED = "heard_settled"
    DRAFT = "draft"
    FILLER = "filler"
    NOTES = "notes"
    BACKCHANNEL = "backchannel"
    AFTERTHOUGHT = "afterthought"
    TOOLS_ANSWERED = "tools_answered"
    IDLE = "idle"
    CALL_LIMIT = "call_limit"
    FAREWELL = "farewell"


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of speech between two pauses, as the recogniser has it now."""

    number: int
    words: tuple[WordTime, ...] = ()
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """One stream of what is thought during a turn that is still open (rule 4), for the words so far, its ``basis``."""

    think_id: str
    basis: str
    done: bool = False
    grown: bool = False
    """Something was thought."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The user's turn that is going on, until it is committed or dismissed."""

    turn_id: str
    audio_start_seconds: float
    audio_end_seconds: float
    segments: tuple[Segment, ...] = ()
    voiced: bool = True
    """The user is making sound right now."""
    voiced_seconds: float = 0.0
    """Voice in the segments that are over."""
    stopped_at: float | None = None
    """When the last sound ended, while not ``voiced``."""
    announced: bool = False
    """``OpenTurn`` was given: clients know of it."""
    over_agent: bool = False
    """It began over the agent's speech, and it is not decided yet whether it interrupts."""
    ending: bool = False
    """The silence was long enough; only the final transcript is awaited."""
    by_hand: bool = False
    past_ceiling: bool = False
    ears_failed: bool = False
    end_probability: float | None = None
    """An end-of-turn model's verdict on the pause that is going on."""
    begun_at: float = 0.0
    faded: bool = False
    """No voice just now, within a segment that may go on."""
    sound_at: float = 0.0
    """When the voice that is going on over the agent began, as the detector has it;"""
    onset_at: float = 0.0
    """as the ear has it: detectors find the onset late."""
    drafts_begun: int = 0
    thinking_failed: bool = False
    """A draft for it, or notes, failed: nothing more is thought ahead of its end."""
    foresights_begun: int = 0
    foreseen_from: str = ""
    """The words from which its ending was last foreseen."""
    notes: tuple[Notes, ...] = ()
    """One stream after the other, each goes on from those before it; only the last may still be running."""
    notes_lost_at: float | None = None
    """When some were last thrown away."""
    joined: CommittedTurn | None = None
    """The turn that this one continues."""
    request_ids: tuple[tuple[str, bool], ...] = ()
    """Answers that the client asked for while the final transcript was awaited, and whether they are audible."""

    @property
    def text(self) -> str:
        return join_texts(*(join_words(segment.words) for segment in self.segments))

    @property
    def joins(self) -> str | None:
        """The id of the turn that it continues."""
        return self.joined.turn_id if self.joined else None

    @property
    def all_final(self) -> bool:
        return all(segment.is_final for segment in self.segments)

    @property
    def is_committed_by_hand(self) -> bool:
        return self.by_hand and self.ending

    @property
    def bare(self) -> tuple[str, ...]:
        return bare_words(self.text)

    @property
    def whole_text(self) -> str:
        """With the words of the turn it continues."""
        return join_texts(self.joined.whole_text if self.joined else "", self.text)


@dataclass(frozen=True, slots=True)
class CommittedTurn:
    """A turn that is over. ``joined``: the earlier turn it continues."""

    turn_id: str
    text: str
    joined: CommittedTurn | None = None

    @property
    def whole_text(self) -> str:
        return join_texts(self.joined.whole_text if self.joined else "", self.text)

    @property
    def turn_ids(self) -> tuple[str, ...]:
        """Its own, and those of the turns it continues."""
        return (self.turn_id, *(self.joined.turn_ids if self.joined else ()))

    def amended(self, turn_id: str, text: str) -> CommittedTurn:
        """With the final transcript of this turn, or of one that it continues."""
        joined = self.joined.amended(turn_id, text) if self.joined else None
        return CommittedTurn(self.turn_id, text if turn_id == self.turn_id else self.text, joined)


class Phase(StrEnum):
    """How far the speech of an answer has come."""

    WAITING = "waiting"
    """Nothing of it has sounded."""
    SOUNDING = "sounding"
    STOPPING = "stopping"
    """Told to stop; ``PlayoutEnded`` is awaited."""
    SUSPENDED = "suspended"
    """Stopped, and it is not certain that the user meant it."""


_UNASKED = (Purpose.OPENING, Purpose.REPORT, Purpose.NUDGE, Purpose.AFTERTHOUGHT)


@dataclass(frozen=True, slots=True)
class Answer:
    """Something the agent says or is about to say: an answer, an opening, a report, a sentence of the server's own.

    ``think_id=None``: nothing is thought, the sentences were given. An answer that goes on after a stop has a new
    ``utterance_id``; ``first`` is then the index of the first sentence that belongs to it.
    """

    utterance_id: str
    purpose: Purpose
    think_id: str | None = None
    turn: CommittedTurn | None = None
    request_id: str | None = None
    audible: bool = True
    in_conversation: bool = True
    thinking: bool = True
    sentences: tuple[str, ...] = ()
    first: int = 0
    given: int = 0
    """Sentences handed to the voice, counted from the very first."""
    closed: bool = False
    """``EndUtterance`` was given for this utterance."""
    resumed: bool = False
    phase: Phase = Phase.WAITING
    sounded_at: float | None = None
    """When it first sounded; kept when it is taken up again."""
    heard_text: str = ""
    silent_reason: str = ""
    tool_calls: tuple[str, ...] = ()
    """What it called of the client's tools."""
    voice_message: str = ""
    """Why a sentence could not be spoken."""
    failure: str = ""
    """This answer says that something failed, and this is what."""
    wanted: bool = True
    """It still may be resumed; otherwise its end is only awaited."""
    rejoinable: bool = False
    """When the user last began to speak, it had hardly begun: their words continue its turn."""
    corrected: str | None = None
    """What the client says it played, told before the playout ended."""
    report_id: str | None = None
    notes_ids: tuple[str, ...] = ()
    """The notes that its thinking starts from."""
    effort: Effort | None = None
    """How hard to think, where the notes decide it."""
    asked_during: str | None = None
    """The turn that was open when the client asked for it: it does not wait for that one's end."""
    growing: str = ""
    """The sentence that is being written, as far as a streaming voice was told of it."""
    growing_given: int = 0
    """Characters of sentence ``given`` that the voice has already."""
    held: bool = False
    """Playout holds what was rendered of it ahead."""
    paused: bool = False
    """Nothing more of it leaves playout: the user may be about to take the floor, or to keep it."""
    opening: str = ""
    """The beginning of an earlier draft that is being verified for it."""
    adopts: str | None = None
    """That draft's utterance: it becomes this answer's if the opening holds."""
    begun_at: float = 0.0
    """When its thinking began."""
    words_after_seconds: float | None = None
    """How long its first words took, if that was measured."""
    given_at: float | None = None
    """When the voice got its first words of substance."""
    waits_since: float | None = None
    """Since when the caller has heard nothing and waits for it."""
    fillers: tuple[int, ...] = ()
    """Which of the sentences are fillers."""
    tool: str = ""
    """The name of its running tool."""
    tool_progress: str = ""
    """What that tool does, in words for the caller: "checking your order"."""
    thought: str = ""
    """The latest of what it thinks."""

    @property
    def is_handed_over(self) -> bool:
        """Whether the voice has something of this utterance."""
        return self.given > self.first or self.closed or self.growing_given > 0

    @property
    def has_substance(self) -> bool:
        """Words of its own are written: more than fillers."""
        return len(self.sentences) > len(self.fillers) or bool(self.growing)

    @property
    def is_unasked(self) -> bool:
        """The agent began it by itself: no answer to the user or the client, but a greeting, a report, an apology."""
        return self.think_id is None or self.purpose in _UNASKED

    @property
    def is_silent(self) -> bool:
        """Silence was chosen. Fillers may have been said before that was known."""
        return bool(self.silent_reason) and not self.has_substance and not self.thinking

    @property
    def rendered_ahead(self) -> str:
        """The text that the voice has of it."""
        return join_texts(*self.sentences[: self.given], self.growing[: self.growing_given])

    @property
    def is_interrupted(self) -> bool:
        """Stopped by the user's voice, and possibly taken up again."""
        return self.wanted and self.phase in (Phase.STOPPING, Phase.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer begun before the turn is over (rules 1 to 3). It is in ``State.drafts`` until it is promoted; one that
    an answer waits for, to take its beginning over, outlives its turn there.

    ``basis``: what it answers: the words of the whole turn, as they stood or as they were foreseen.
    """

    answer: Answer
    basis: str
    turn_id: str
    outdated: bool = False
    """The user has said more since: decoding stops as soon as there is a sentence to verify."""
    ready: bool = False
    """Its first audio is rendered, or it chose silence: it can answer at once."""
    ending: ThinkEnding | None = None
    """How its thinking ended; the answer takes it from there when it is promoted."""

    @property
    def frozen(self) -> bool:
        return self.outdated and not self.answer.thinking


@dataclass(frozen=True, slots=True)
class Speculation:
    """What became of this session's drafts, turn by turn: it switches drafting off and on."""

    recent: tuple[bool, ...] = ()
    """The last turns with drafts: whether one was promoted."""
    paused_turns: int = 0
    """For so many more turns only pauses start drafts."""


@dataclass(frozen=True, slots=True)
class Afterthought:
    """What is thought when all was said (rule 12)."""

    think_id: str
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Words that were probably heard; the client may still correct them until ``at``."""

    utterance_id: str
    think_id: str | None
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class State:
    """Everything the conductor knows. ``decide`` makes a new one of it for every event."""

    policy: Policy = BALANCED
    turn_detection: TurnDetection = field(default_factory=TurnDetection)
    audible: bool = True
    """What the agent says unasked is spoken."""
    floor: Floor = Floor.RESTING
    turn: Turn | None = None
    answers: tuple[Answer, ...] = ()
    """In the order in which they are to sound; at most one sounds."""
    drafts: tuple[Draft, ...] = ()
    foresight: tuple[str, str] | None = None
    """The think that foresees how the sentence will end, and what had been said."""
    speculation: Speculation = field(default_factory=Speculation)
    pace: Pace = field(default_factory=Pace)
    patience: Patience = field(default_factory=Patience)
    last_pause_at: float | None = None
    """When the voice of the last turn that was committed ended."""
    afterthought: Afterthought | None = None
    reflected: bool = True
    """Nothing was said since the agent last thought about what it said."""
    backchannel_at: float | None = None
    """When the agent last said "mm-hm"."""
    reports: tuple[str, ...] = ()
    """Reports that wait for a free moment."""
    failed_reports: tuple[str, ...] = ()
    """Reports whose telling has failed once: they were put back."""
    notices: tuple[str, ...] = ()
    """Sentences of the server's own that wait for a free moment."""
    late: tuple[tuple[str, tuple[Segment, ...]], ...] = ()
    """Committed turns whose final transcript is outstanding, with their segments."""
    unsettled: tuple[Unsettled, ...] = ()
    recorded: tuple[tuple[str, str | None], ...] = ()
    """The last utterances in the history (utterance and think), which a client may still correct."""
    false_sounds: int = 0
    """Sounds that were waited for and were no voice, since the last that was; each turn takes one off."""
    segments_begun: int = 0
    """Segments known of; the next one has this number."""
    segments_settled: int = 0
    """Segments below this belong to turns that are over."""
    counter: int = 0
    """Makes the names of turns, thinks and utterances."""
    awaited_calls: tuple[str, ...] = ()
    """The client runs these tools for the model; nothing is begun unasked until it answers."""
    idle_prompts: int = 0
    closing: str | None = None
    """Why the call is ending."""
    ended: bool = False
    alarms: dict[Alarm, float] = field(default_factory=dict)

    @property
    def deadline(self) -> float | None:
        """When the conductor must be woken, in session seconds; ``None``: it waits for events alone."""
        return min(self.alarms.values(), default=None)

    @property
    def sounding(self) -> Answer | None:
        return next((answer for answer in self.answers if answer.phase is Phase.SOUNDING), None)
