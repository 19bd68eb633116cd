"""Pure: the language of the scenes of ``bench.turns``: what the caller says and when, what the model answers, what must
hold.

What is said is written as words with marks between them, separated by spaces:

- ``[0.8]``: a pause of 0.8 s, without voice.
- ``<cough>``: a sound without words (see ``turns_sound.SOUNDS``); ``<cough=the>``: the recogniser takes it for "the".
- ``thursday|thirst``: a word that the recogniser's partials have as "thirst" at first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scheduler.pcm import WordTime
from scheduler.words import is_spaceless

CHARACTERS_PER_SECOND = 14.0
"""About 150 words a minute, the spaces counted."""
IDEOGRAPH_SECONDS = 0.2
"""Mandarin: about five syllables a second."""
WORD_CONFIDENCE = 0.95
SOUND_CONFIDENCE = 0.2
"""Of words that a recogniser makes of coughs and hums (see ``Policy.word_confidence``)."""
SOUND_SECONDS: Mapping[str, float] = {
    "cough": 0.25,
    "slam": 0.4,
    "burst": 0.6,
    "click": 0.03,
    "laugh": 0.8,
    "hum": 0.4,
    "long_hum": 1.2,
    "siren": 2.0,
    "typing": 1.2,
}
"""How long each sound lasts. The explosive phase of a cough: 0.1 to 0.3 s (Korpáš 1996)."""


@dataclass(frozen=True, slots=True)
class Voiced:
    """Words spoken in one breath. ``misheard``: what the partials have of each word first, ``""``: the word itself."""

    words: tuple[str, ...]
    misheard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silent:
    seconds: float


@dataclass(frozen=True, slots=True)
class Sound:
    """``heard_as``: the word that the recogniser makes of it, ``""``: none."""

    name: str
    heard_as: str = ""


Part = Voiced | Silent | Sound

_PAUSE = re.compile(r"\[(\d+(?:\.\d+)?)\]")
_SOUND = re.compile(r"<(\w+)(?:=(\w+))?>")


def parse(script: str) -> tuple[Part, ...]:
    """Raises ``ValueError`` for a sound that is not known."""
    parts: list[Part] = []
    run: list[tuple[str, str]] = []
    for token in script.split():
        pause, sound = _PAUSE.fullmatch(token), _SOUND.fullmatch(token)
        if pause is None and sound is None:
            word, _, misheard = token.partition("|")
            run.append((word, misheard))
            continue
        _end_run(parts, run)
        if pause is not None:
            parts.append(Silent(float(pause.group(1))))
        elif sound is not None:
            if sound.group(1) not in SOUND_SECONDS:
                raise ValueError(f"there is no sound {sound.group(1)!r}; there are {', '.join(SOUND_SECONDS)}")
            parts.append(Sound(sound.group(1), sound.group(2) or ""))
    _end_run(parts, run)
    return tuple(parts)


def _end_run(parts: list[Part], run: list[tuple[str, str]]) -> None:
    if run:
        parts.append(Voiced(tuple(word for word, _ in run), tuple(misheard for _, misheard in run)))
        run.clear()


def word_seconds(word: str, rate: float = 1.0) -> float:
    """How long a word takes to say, the space behind it included. ``rate``: 1 is usual, 0.5 half as fast."""
    if word and all(is_spaceless(letter) for letter in word):
        return IDEOGRAPH_SECONDS * len(word) / rate
    return (len(word) + 1) / CHARACTERS_PER_SECOND / rate


def part_seconds(part: Part, rate: float) -> float:
    match part:
        case Voiced(words):
            return sum(word_seconds(word, rate) for word in words)
        case Silent(seconds):
            return seconds
        case Sound(name):
            return SOUND_SECONDS[name]


@dataclass(frozen=True, slots=True)
class Heard:
    """A word as a recogniser gets it: when it sounds, and what partials make of it first."""

    word: WordTime
    misheard: str = ""
    by_sound: bool = False
    """It was never said: a recogniser makes it of a cough."""


def words_of(parts: tuple[Part, ...], rate: float = 1.0, seconds: Sequence[float] | None = None) -> tuple[Heard, ...]:
    """All words with times from the beginning of the first part. ``seconds``: how long each part truly is."""
    heard: list[Heard] = []
    at = 0.0
    for number, part in enumerate(parts):
        usual = part_seconds(part, rate)
        length = usual if seconds is None else seconds[number]
        match part:
            case Voiced(words, misheard):
                begin = at
                for word, first in zip(words, misheard, strict=True):
                    end = begin + word_seconds(word, rate) * length / usual
                    heard.append(Heard(WordTime(word, begin, end, WORD_CONFIDENCE), first))
                    begin = end
            case Sound(name, heard_as) if heard_as:
                word_time = WordTime(heard_as, at, at + SOUND_SECONDS[name], SOUND_CONFIDENCE)
                heard.append(Heard(word_time, by_sound=True))
            case _:
                pass
        at += length
    return tuple(heard)


# --- when something is said -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AtRest:
    """When nobody has had the floor for so long."""

    seconds: float = 0.6


@dataclass(frozen=True, slots=True)
class WhileAgentSpeaks:
    """When the agent has been sounding for so long since the caller last spoke."""

    seconds: float


@dataclass(frozen=True, slots=True)
class BeforeAgentEnds:
    """So long before the end of what the agent says."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AfterOwn:
    """So long after the caller's own last sound, whatever the agent does."""

    seconds: float


When = AtRest | WhileAgentSpeaks | BeforeAgentEnds | AfterOwn


class Must(StrEnum):
    """What has to follow from what the caller says."""

    ANSWER = "answer"
    """It is answered once it is over, and not before."""
    NOTHING = "nothing"
    """The agent does not speak because of it; it was silent before."""
    GO_ON = "go on"
    """The agent, who is speaking, is not stopped."""
    RESUME = "resume"
    """The agent may stop, and then takes up what it had not said."""
    STOP = "stop"
    """The agent stops, and does not answer."""
    TURN = "turn"
    """The agent stops, and answers."""
    JOIN = "join"
    """The agent had hardly begun: it stops, and answers this and what was said before as one."""
    EITHER = "either"
    """Whether the agent's last word is spoken to its end does not matter; it is answered."""


ANSWERED = frozenset({Must.ANSWER, Must.TURN, Must.JOIN, Must.EITHER})
OVER_AGENT = frozenset({Must.GO_ON, Must.RESUME, Must.STOP, Must.TURN})


@dataclass(frozen=True, slots=True)
class Say:
    """``key``: a word that the answer must hold, ``wrong``: words that it must not. ``latest_seconds``: the first sound of
    an answer comes at most so long after the last word; ``silent_within``: so long after its onset a speech that yields
    is silent. ``fillers``: whether some must be, or may not be said before the answer; ``None``: no matter.
    ``recognised``: whether its words belong into the history."""

    script: str
    when: When = field(default_factory=AtRest)
    must: Must = Must.ANSWER
    key: str = ""
    wrong: tuple[str, ...] = ()
    latest_seconds: float = 1.25
    silent_within_seconds: float = 1.0
    fillers: bool | None = None
    rate: float = 1.0

    @property
    def parts(self) -> tuple[Part, ...]:
        return parse(self.script)

    @property
    def seconds(self) -> float:
        return sum(part_seconds(part, self.rate) for part in self.parts)

    @property
    def said(self) -> tuple[str, ...]:
        """The words that are truly said."""
        return tuple(heard.word.text for heard in words_of(self.parts, self.rate) if not heard.by_sound)

    @property
    def kept(self) -> bool:
        """Whether its words belong into the history: what is said over the agent and does not take the floor does not."""
        return self.must not in (Must.GO_ON, Must.RESUME)


def turn(script: str, key: str = "", **more: Any) -> Say:
    """A turn that is answered, begun when the floor is free."""
    return Say(script, key=key, **more)


def over(script: str, after: float, must: Must, **more: Any) -> Say:
    """Said when the agent has been sounding for ``after`` seconds."""
    return Say(script, WhileAgentSpeaks(after), must, **more)


# --- what the model answers -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Model:
    """``keys``: what answers are about: each names the last of them that was said. ``silent_on``: what is not answered.
    ``long``: answers of about 12 s instead of 5. ``tool_seconds``: a tool is asked first, and takes so long.
    ``reasoned_about``: only requests with this in them are, ``""``: all. ``foresees``: beginnings of sentences, and how they are foreseen to end."""

    keys: tuple[str, ...] = ()
    silent_on: tuple[str, ...] = ()
    long: bool = False
    first_token_seconds: float = 0.3
    reasoning_tokens: int = 0
    reasoned_about: str = ""
    tool_seconds: float | None = None
    foresees: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scene:
    """``echo``: the line carries the agent's voice back. ``real``: it makes sense with a real recogniser, too."""

    name: str
    category: str
    says: tuple[Say, ...]
    model: Model = field(default_factory=Model)
    language: str = "en"
    echo: bool = False
    real: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
