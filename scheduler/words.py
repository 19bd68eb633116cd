"""Pure: what single words tell about a turn (hesitations, backchannels, words that take the floor), and how pieces of
text are joined."""

from __future__ import annotations

import re
from functools import lru_cache

REMEMBERED = 1024
"""Texts whose words, and pieces whose whole, are remembered: a turn's are asked for several times with each word."""
_IDEOGRAPHIC = r"\u2e80-\u312f\u31a0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
"""Chinese characters, kana, and their full-width punctuation; no Hangul, which has spaces."""
_SPACELESS = re.compile(rf"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff{_IDEOGRAPHIC}]")
"""Scripts without spaces between words: those, and Thai, Lao, Burmese and Khmer."""
_FULL_WIDTH_MARK = re.compile(
    r"[\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe30-\ufe4f\uff01-\uff0f\uff1a\uff1b\uff1f\uff61-\uff64]"
)
_CLOSERS = "\u2019\u201d\u2026\"')"
"""Marks that any script may end with: what stands before them tells the script."""
_WORD = re.compile(rf"[{_IDEOGRAPHIC}]|[^\s{_IDEOGRAPHIC}]+")
_EDGES = re.compile(r"^[^\w]+|[^\w]+$")


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


HESITATIONS = word_set("um uh er erm uhm hm hmm mm mmm ah eh oh")
"""Sounds that hold the floor without saying anything."""

BACKCHANNELS = word_set(
    "mm-hm mhm mm mmm hm hmm uh-huh aha ah oh yeah yep yes yup right ok okay sure alright really wow huh uh"
) | {"i see", "got it", "uh huh", "mm hm", "all right"}
"""Words by which a listener says "go on" (Yngve 1970; the commonest of Switchboard)."""

BACKCHANNELS |= word_set("\u55ef \u54e6 \u5662 \u554a \u5bf9 \u597d \u662f \u7684")
"""Chinese: mm, oh, ah, right, good, yes, and the particle that follows these."""

TAKERS = word_set("stop wait no hey hold sorry excuse actually but pause quiet enough")
"""Words that take the floor even when they stand alone."""

WEAK = word_set(
    "a an the and or of in on at to for with by from than then i i'm i'll you he she it we they me him her us them my "
    "your his our their is am are was be been that's it's"
)
"""Words that say nothing until others follow. Recognisers make them of hums: pocketsphinx hears "and in", "and on",
"of them" and single letters in an "mm-hm", and for a moment "and hung"."""


def bare(word: str) -> str:
    """A word without case and outer punctuation."""
    return _EDGES.sub("", word).casefold()


@lru_cache(REMEMBERED)
def bare_words(text: str) -> tuple[str, ...]:
    """The words of a text without case and punctuation; those of punctuation alone are left out. Each Chinese character
    and each kana counts as a word."""
    return tuple(word for word in map(bare, _WORD.findall(text)) if word)


def is_spaceless(character: str) -> bool:
    """Whether it is of a script that puts no spaces between words."""
    return _SPACELESS.fullmatch(character) is not None


def space_between(left: str, right: str) -> str:
    """What stands between two pieces of text: a space, unless one is there, or the script uses none."""
    if not left or not right or left[-1].isspace() or right[0].isspace():
        return ""
    ends_with = (left.rstrip(_CLOSERS) or left)[-1]
    if _FULL_WIDTH_MARK.match(ends_with) or _FULL_WIDTH_MARK.match(right):
        return ""
    return "" if is_spaceless(ends_with) and is_spaceless(right[0]) else " "


@lru_cache(REMEMBERED)
def join_texts(*texts: str) -> str:
    """Pieces of text one after the other, as their script is written. Empty ones are left out."""
    joined = ""
    for text in texts:
        joined += space_between(joined, text) + text
    return joined


def is_backchannel(words: tuple[str, ...], max_words: int) -> bool:
    """Whether bare ``words`` are no more than a listener's "go on"."""
    if not words or len(words) > max_words:
        return not words
    return " ".join(words) in BACKCHANNELS or all(word in BACKCHANNELS for word in words)


def begins_backchannel(words: tuple[str, ...]) -> bool:
    """Whether bare ``words`` may be the beginning of a "got it" or an "i see"."""
    return any(" ".join(words) == phrase[: phrase.rfind(" ")] for phrase in BACKCHANNELS if " " in phrase)


def is_telling(words: tuple[str, ...]) -> bool:
    """Whether bare ``words`` have one that says something by itself: none of ``WEAK``, and no single letter."""
    return any((len(word) > 1 or is_spaceless(word)) and word not in WEAK for word in words)


def speaks_up(words: tuple[str, ...]) -> bool:
    """Whether bare ``words`` begin as somebody does who takes the floor: with "stop" or "wait", with two words of
    which the first says something, or with three of which any does. Recognisers revise shorter ones too often."""
    return (
        any(word in TAKERS for word in words[:2])
        or (len(words) == 2 and is_telling(words[:1]))
        or (len(words) >= 3 and is_telling(words))
    )


def is_echo(words: tuple[str, ...], reference: tuple[str, ...]) -> bool:
    """Whether bare ``words`` are heard of the agent's own voice: nearly all of them stand in ``reference``, what it is just
    saying, in this order. A single word never is: people repeat one ("Wednesday") to choose it."""
    if len(words) < 2:
        return False
    place, found = 0, 0
    for word in words:
        if word in reference[place:]:
            place = reference.index(word, place) + 1
            found += 1
    return found >= 0.8 * len(words)
