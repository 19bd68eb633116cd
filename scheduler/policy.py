"""Pure: every threshold the conductor decides by, in one frozen object, and its three presets.

Sources are given with each field. "HCRC" and "Switchboard" are the gap statistics of human talk
(median gap about 200 ms); "tuned" means: chosen here, judged by the tests and benches.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from scheduler.filler_lines import SMALL_ENGLISH, FillerLines


class TurnMode(StrEnum):
    """Who decides that the user's turn is over."""

    SILENCE = "server_vad"
    """A fixed silence ends the turn, any speech interrupts at once."""
    SEMANTIC = "semantic_vad"
    """Words decide how long a silence is needed, and whether a sound interrupts."""
    MANUAL = "none"
    """The client commits by hand (push to talk)."""


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How turns are found in this session. Defaults as in the OpenAI Realtime API."""

    mode: TurnMode = TurnMode.SEMANTIC
    threshold: float = 0.5
    """Speech probability above which a frame counts as voice."""
    prefix_padding_seconds: float = 0.3
    """Audio before the onset that the recogniser hears too."""
    silence_seconds: float = 0.5
    """``SILENCE`` mode only."""
    idle_timeout_seconds: float | None = None
    create_response: bool = True
    interrupt_response: bool = True


@dataclass(frozen=True, slots=True)
class Phrases:
    """What the server itself says, in the caller's language."""

    llm_failed: str = "Sorry, I can't reach my language model just now. Please try again in a moment."
    llm_found_no_words: str = "Sorry, I have thought about it for too long and found no answer. Could you ask it again?"
    ears_failed: str = "Sorry, I lost what you just said. Could you say it again?"
    farewell_limit: str = "I'm sorry, we have reached the longest time for one call. Goodbye."
    backchannel: str = "Mm-hm."
    farewell_shutdown: str = "I'm sorry, the server is being shut down. Goodbye."


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds of the conductor. All times in seconds, all gains in dB."""

    name: Literal["eager", "balanced", "patient", "custom"] = "balanced"

    wait_ready_seconds: float = 0.2
    """Silence after words that sound complete while an answer to just these words is ready to sound: the human gap."""
    wait_complete_seconds: float = 0.35
    """Silence after words that sound complete. Human gaps: median 0.2 s (Stivers 2009); tuned."""
    wait_draft_seconds: float = 0.45
    """The same while an answer to just these words is being made: until it is ready, but no longer than this. To commit
    sooner brings the caller nothing, and half of all pauses inside turns are shorter than 0.5 s (Heldner & Edlund 2010).
    With what finding the pause adds it stays under 0.5 s; tuned."""
    wait_undecided_seconds: float = 0.7
    """Silence after words that may go on. Pauses inside turns: median 0.5 s (Heldner & Edlund 2010)."""
    wait_unfinished_seconds: float = 2.5
    """Silence after clearly unfinished words ("I'd like to go to"), numbers read out, "um"."""
    wait_wordless_seconds: float = 1.2
    """Silence after a sound in which no words were recognised."""
    turn_ceiling_seconds: float = 120.0
    """A turn is committed after this long at its next pause, whatever its words."""
    final_transcript_seconds: float = 0.6
    """How long a commit waits for the recogniser's final."""
    final_without_words_seconds: float = 4.0
    """The same while no word is known: a turn committed empty is never answered. Some recognisers give no
    partials, and their final takes seconds on a slow machine; tuned."""
    complete_probability: float = 0.6
    """Probability of turn end from which words sound complete; tuned on the scenes of the tests."""
    sure_probability: float = 0.9
    """Probability of turn end from which a caller who likes to pause is not given more time: "please", "thank you"."""
    unfinished_probability: float = 0.25
    """Probability of turn end below which words sound unfinished; tuned likewise."""
    sound_in_pause_seconds: float = 0.2
    """A sound in a pause, or before the first sound of the answer, is given this long to turn out to be voice: voice
    detectors take 0.1 to 0.2 s, and an agent that begins just then talks over somebody who goes on."""
    patience_from_seconds: float = 0.4
    """A pause inside a turn from which a caller is one who pauses: shorter ones no wait is too short for. tuned"""
    patience_factor: float = 1.25
    """Silences that end turns are then at least so many times this pause,"""
    patience_ceiling_seconds: float = 0.8
    """but no longer than this: it is paid for at the end of every turn. tuned"""
    patience_kept_share: float = 0.7
    """What is left of it after each turn: forgotten after one or two turns without such a pause. tuned"""
    rejoin_seconds: float = 0.4
    """A user who goes on within this time of the agent's first sound had not finished."""

    duck_db: float = -9.0
    """Level while the user makes any sound over the agent: 8 to 10 dB down, within 120 ms."""
    duck_on_sound_seconds: float = 0.3
    """Any sound ducks the agent as soon as it is heard, and no longer than this if it turns out to be no voice (voice
    detectors take 0.1 to 0.2 s)."""
    max_false_sounds: int = 3
    """After so many sounds that were no voice, without one that was, only voice ducks: the place is noisy."""
    duck_deep_db: float = -18.0
    duck_deep_after_seconds: float = 0.25
    """Speech-like voice for this long is ducked deeply."""
    pause_after_voice_seconds: float = 0.56
    """A sound that turns out to be voice pauses the agent when it is this old, until its words, or its end, tell what it
    is: sooner than recognisers tell a long first word, and with what the line adds silent within 0.65 s. The middle of
    listeners' sounds lies at 0.4 s (Ward & Tsukahara 2000), and their end is told 0.1 s later; tuned."""
    stop_after_voice_seconds: float = 1.0
    """Voice for this long stops the agent, whatever its words (most backchannels last under 0.8 s, and their end is told
    0.1 s later)."""
    stop_after_words_seconds: float = 0.55
    """Voice for this long stops the agent if words were recognised in it that are no backchannel: hums of which
    recognisers make words last 0.2 to 0.45 s, and their end is told 0.1 s later."""
    stop_within_seconds: float = 0.2
    """A stop waits for a word boundary at most this long,"""
    silent_after_seconds: float = 0.6
    """and not until later than this after the user's onset, where their words are the reason."""
    restore_after_seconds: float = 0.2
    """The level comes back this long after a sound that did not interrupt."""
    words_within_seconds: float = 0.4
    """An agent who has paused waits so long after the sound for its words: pocketsphinx tells the final 0.18 to 0.25 s
    after it (``bench.hear``). tuned"""
    backchannel_max_words: int = 2
    word_confidence: float = 0.5
    """A lone recognised word below this confidence does not interrupt. Measured with pocketsphinx and flite's voices:
    "hello", "thanks" and "tuesday" have 0.47 to 1.0 (median 0.98), the words it makes of hums 0.01 to 0.77 (median
    0.2)."""
    doubted_confidence: float = 0.4
    """Words that take the floor by themselves ("stop", "but") do so below this confidence only on longer voice: by the same
    measurement none that was said was below it, and most of what was made of hums."""
    lone_word_voice_seconds: float = 0.4
    """A lone word on shorter voice does not interrupt: coughs last 0.2 to 0.4 s and are recognised as short words."""
    resume_after_seconds: float = 1.0
    """Speech stopped by mistake is taken up again when no words came this long after the sound ended."""

    drafts: bool = True
    """Answers are begun before the turn is over (rules 1 to 3)."""
    language: str = "en"
    """Of the caller (BCP 47): by its rules two transcripts are compared."""
    max_drafts: int = 3
    """Of a short turn. The last one is kept for the pause at its end."""
    draft_more_seconds: float = 3.0
    """A longer turn may have one more for each time this long. tuned"""
    draft_probability: float = 0.5
    """Probability of turn end from which agreeing partials start a draft."""
    draft_likely_probability: float = 0.8
    """From which a single partial starts one. tuned"""
    draft_likely_words: int = 5
    """With fewer words a single partial starts none while the user is heard. In the scenes of ``bench.turns``, 3 of 19
    beginnings of 3 or 4 words that sound like a whole question are one, and 21 of 38 longer ones."""
    draft_voiced_probability: float = 0.6
    """From which partials start one while the user is heard and the turn is young (``draft_more_seconds``). There, 39 of
    134 beginnings of 0.5 are whole turns."""
    draft_pause_seconds: float = 0.16
    """A pause of this length starts one."""
    draft_window_turns: int = 8
    """Turns over which the share of promoted drafts is taken. tuned"""
    draft_min_share: float = 0.25
    """Below this share of promoted drafts, only pauses and final transcripts start drafts, for as many turns. tuned"""
    foresight: bool = True
    """How sentences end is foreseen and drafted for, where the engine can do that."""
    foresight_min_words: int = 3
    """Words from which the ending of a sentence is foreseen. tuned"""
    max_foresights: int = 3
    """Of one turn."""
    foresight_probability: float = 0.6
    """A foreseen ending less probable than this is not drafted for. tuned"""

    notes: bool = True
    notes_after_seconds: float = 2.5
    """A turn this long gets notes at its next clause end (rule 4)."""
    notes_ceiling_seconds: float = 4.0
    """A turn this long gets notes anyway."""
    notes_again_seconds: float = 2.0
    """So long after some that were for nothing the next are begun: words that are revised again and again would make
    some each time."""
    notes_step_words: int = 10
    """Notes are made again when the turn has grown by this much. tuned"""

    fillers: bool = True
    filler_lines: FillerLines = field(default=SMALL_ENGLISH, repr=False)
    filler_short_seconds: float = 0.5
    """A wait shorter than this is left silent (rule 6)."""
    filler_long_seconds: float = 1.5
    """A longer one gets a phrase that says what is happening, a shorter one an acknowledgement."""
    progress_after_seconds: float = 4.0
    """A wait this long gets a line about the latest thought or tool."""
    progress_every_seconds: float = 5.0
    """At most one line in this time, and no silence longer than it."""

    hears_itself: bool = False
    """The line carries the agent's own voice back (a telephone, loudspeakers): words that it is just saying do not count
    as the user's."""

    afterthoughts: bool = True
    """When all is said, the agent thinks again about it (rule 12)."""
    afterthought_seconds: float = 1.0
    """The floor rests this long before."""
    backchannels: bool = False
    """The agent says "mm-hm" in long turns (rule 13); only on lines that carry audio by themselves."""
    backchannel_after_seconds: float = 4.0
    """Only in turns longer than this."""
    backchannel_pause_seconds: float = 0.25
    backchannel_latest_seconds: float = 0.45
    """From here on the pause may be a turn's end."""
    backchannel_every_seconds: float = 6.0

    heard_settle_seconds: float = 0.5
    """How long a client may correct what it played before it enters the history."""
    idle_prompt_seconds: float | None = None
    """Silence of both sides after which the agent asks whether somebody is there; ``None``: never."""
    max_idle_prompts: int = 2
    max_call_seconds: float | None = None
    """The longest call; ``None``: no limit."""
    farewell_ceiling_seconds: float = 8.0
    """A closing call waits at most this long for the farewell to be heard."""
    phrases: Phrases = field(default_factory=Phrases)


BALANCED = Policy()
EAGER = replace(
    BALANCED,
    name="eager",
    wait_complete_seconds=0.2,
    wait_undecided_seconds=0.5,
    wait_unfinished_seconds=1.5,
)
PATIENT = replace(
    BALANCED,
    name="patient",
    wait_ready_seconds=0.4,
    wait_complete_seconds=0.6,
    wait_undecided_seconds=1.2,
    wait_unfinished_seconds=4.0,
)

PRESETS: dict[str, Policy] = {"eager": EAGER, "balanced": BALANCED, "patient": PATIENT}
EAGERNESS: dict[str, str] = {"low": "patient", "medium": "balanced", "high": "eager", "auto": "balanced"}
"""The protocol's ``semantic_vad`` eagerness, as the names of presets."""
