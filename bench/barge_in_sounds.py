"""Pure: what the caller does over the agent's voice, as audio and as what a simulated recogniser makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bench.babble import babble
from scheduler.pcm import WordTime

RATE_HZ = 16_000
LETTERS_PER_SECOND = 18.0
"""About four words a second, as in fluent talk."""
Samples = NDArray[np.int16]


class Kind(StrEnum):
    WORDS = "words"
    """They take the floor."""
    BACKCHANNEL = "backchannel"
    COUGH = "cough"
    NOISE = "noise"
    """A door, keys, a chair: short, and no voice."""
    WORDLESS = "wordless"
    """Voice for longer than any backchannel, without words: it stops the agent, by mistake."""
    VANISHING = "vanishing"
    """A hum of which the recogniser makes words for a moment, and none in the end: it stops the agent, by mistake."""

    ECHO = "echo"
    """Nobody makes a sound; the agent's own voice comes back, and is recognised."""

    @property
    def must_survive(self) -> bool:
        return self in (Kind.BACKCHANNEL, Kind.COUGH, Kind.NOISE, Kind.ECHO)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """``samples``: int16 at 16 kHz, without silence around. ``words``: as they are said, times from the first voice;
    ``partial``: what is recognised of it before the final, where that is something else."""

    kind: Kind
    name: str
    samples: Samples
    words: tuple[WordTime, ...] = ()
    partial: tuple[WordTime, ...] = ()


WORDS = (
    "no stop",
    "wait a minute",
    "what about tomorrow",
    "tell me the weather for paris",
    "can you say that again",
    "i want to go to london",
    "is there an earlier train",
    "hold on please",
    "that's not what i asked",
    "how much does it cost",
    "let's talk about something else",
    "actually make it two",
)
BACKCHANNELS = ("mm-hm", "right", "okay", "yeah", "uh-huh", "i see", "yes", "sure", "mm", "got it", "really", "oh okay")
BACKCHANNEL_SECONDS = (0.3, 0.45, 0.6)
"""The middle of Switchboard's lies at 0.4 s (Ward & Tsukahara 2000)."""
VANISHING = ("but in", "the bottom", "bro i")
"""As pocketsphinx heard hums and a "right", before it thought better of it."""


def made_up() -> list[Sound]:
    """All of them, voices by ``bench.babble``."""
    words = [Sound(Kind.WORDS, text, talk(_spoken(text)[-1].end_seconds), _spoken(text)) for text in WORDS]
    listening = [
        Sound(Kind.BACKCHANNEL, f"{text} {seconds} s", talk(seconds), _stretched(text, seconds))
        for index, text in enumerate(BACKCHANNELS)
        for seconds in (BACKCHANNEL_SECONDS[index % 3],)
    ]
    coughs = [
        Sound(Kind.COUGH, f"cough {seconds} s", burst(seconds, 300, 2500, seconds / 3, index))
        for index, seconds in enumerate((0.1, 0.15, 0.2, 0.25, 0.3, 0.4))
    ]
    noises = [
        Sound(Kind.NOISE, "a door", burst(0.3, 20, 200, 0.06, 11)),
        Sound(Kind.NOISE, "a key", burst(0.04, 1000, 5000, 0.01, 12)),
        Sound(Kind.NOISE, "a chair", burst(0.35, 100, 900, 0.2, 13)),
    ]
    wordless = [Sound(Kind.WORDLESS, f"a hum of {seconds} s", talk(seconds)) for seconds in (1.2, 1.5, 2.0)]
    vanishing = [Sound(Kind.VANISHING, text, talk(0.7), (), _stretched(text, 0.5)) for text in VANISHING]
    return [*words, *listening, *coughs, *noises, *wordless, *vanishing]


def own_echo(story: str) -> Sound:
    """The recogniser makes the agent's own words of it."""
    return Sound(Kind.ECHO, "nobody speaks", np.full(1, 200, np.int16), _spoken(story))


def talk(seconds: float) -> Samples:
    """Loud from its first sample to its last: it begins and ends in the middle of a syllable."""
    middle = RATE_HZ // 8
    return babble(seconds + 0.25, RATE_HZ, between=0.3)[middle : middle + round(seconds * RATE_HZ)]


def burst(seconds: float, low_hz: float, high_hz: float, fall_seconds: float, seed: int) -> Samples:
    """Noise between two frequencies that rises in 10 ms and dies away. A cough's explosive phase lasts 0.1 to 0.3 s
    and is noise without pitch (Korpáš 1996)."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    hz = np.fft.rfftfreq(len(noise), 1 / RATE_HZ)
    spectrum = np.fft.rfft(noise) / (1 + (hz / high_hz) ** 4) * (1 - 1 / (1 + (hz / low_hz) ** 4))
    at = np.arange(len(noise)) / RATE_HZ
    shaped = np.fft.irfft(spectrum, len(noise)) * np.minimum(at / 0.01, 1) * np.exp(-at / fall_seconds)
    return np.asarray(0.5 * 32767 * shaped / np.max(np.abs(shaped)), np.int16)


def _spoken(text: str) -> tuple[WordTime, ...]:
    """Words as long as they are written."""
    words, at = [], 0.0
    for word in text.split():
        end = at + (len(word) + 1) / LETTERS_PER_SECOND
        words.append(WordTime(word, at, end, 0.9))
        at = end
    return tuple(words)


def _stretched(text: str, seconds: float) -> tuple[WordTime, ...]:
    words = text.split()
    step = seconds / len(words)
    return tuple(WordTime(word, index * step, (index + 1) * step, 0.9) for index, word in enumerate(words))
