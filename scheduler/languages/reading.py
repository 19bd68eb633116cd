"""Pure: what a text says, as words that can be compared, in a given language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scheduler.languages.digits import begins_with_digit
from scheduler.languages.pack import MARK, LanguagePack, Opener, Tail, Words, replaced
from scheduler.words import is_spaceless

_REMEMBERED_TEXTS = 128
"""The basis of a draft is compared with every partial of the turn, and read only once."""
_MAX_TAILS = 4
_MAX_OPENERS = 3

_ACRONYM_SIGN = "\ue000"
_SPACES = '"`()[]{}_«»¡¿„“”‹›·\u00ad\u200b\u200e\u200f\u2060\ufeff「」『』《》〈〉【】〔〕' + _ACRONYM_SIGN
_MARKS = "—、。，…،؛؟।॥۔"
_CHARACTERS: dict[int, str] = (
    {ord(character): " " for character in _SPACES}
    | {ord(character): MARK for character in _MARKS}
    | dict.fromkeys(map(ord, "’‘ʼ′´"), "'")
    | dict.fromkeys(map(ord, "–−‐‑"), "-")
    | {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
)
"""Recognisers' typography brought to one form. What is not named here stays and makes a difference."""

_LETTER = r"[^\s!-@\[-`{-~]"
_TOKEN = re.compile(
    rf"""
    [0-9]+(?:[.,:][0-9]+)*(?:(?:st|nd|rd|th)(?!{_LETTER}))?  # 25, 1,500, 3.5, 5:30, 21st
    | (?<![\w.])\.[0-9]+                                     # .5
    | (?<!\w)-(?=[0-9.$€£¥])                                 # the sign of -5
    | (?<=[0-9])\s?-\s?(?=[0-9])                             # 10-5 is not 10 5
    | (?<!\w)[a-z](?:\.[a-z])+(?!{_LETTER})\.?               # p.m.
    | (?<!\w)(?:uh|mm|nuh|hm)-(?:uh|huh|mm|hmm?|oh)(?!\w)    # uh-huh and uh-uh, yes and no
    | {_LETTER}+(?:'{_LETTER}+)*
    | [.,;:!?]+
    | [#$%&*+/<=>@^~|\\]
    """,
    re.VERBOSE,
)
_CAPITALS = re.compile(r"(?<!\w)[A-Z]{2,}(?!\w)")


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, read in one language."""

    spoken: Words
    """Its words, in one spelling and without hesitations. Numbers as they were said."""
    full: Words
    """The same with numbers in digits and without stutters."""
    core: Words
    """The same without courtesy at both ends: two texts with one core say the same."""
    asks: bool
    """Whether it ends in a question mark."""


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def read(text: str, pack: LanguagePack) -> Reading:
    """What ``text`` says. Linear in its length; takes any text."""
    spoken = _without_fillers(_without_hesitations(replaced(_words(text, pack), pack.phrases), pack), pack)
    full = _without_stutters(pack.read_numbers(spoken), pack)
    return Reading(
        spoken=_unmarked(spoken),
        full=_unmarked(full),
        core=_core(full, pack),
        asks=text.rstrip().endswith(("?", "？")),
    )


def _unmarked(words: Sequence[str]) -> Words:
    return tuple([word for word in words if word != MARK]) if MARK in words else tuple(words)


def _words(text: str, pack: LanguagePack) -> list[str]:
    """Words in one spelling, with ``MARK`` for punctuation."""
    out: list[str] = []
    respellings = pack.respellings
    for token in _TOKEN.findall(_one_form(text, pack)):
        if token in respellings:
            out += respellings[token]
        elif token.isascii() and token.isalpha():
            out.append(token)
        else:
            out += _unusual(token, pack)
    return out


def _unusual(token: str, pack: LanguagePack) -> Iterable[str]:
    """The words of a token that is more than ASCII letters."""
    if token[0] in ".,;:!?":
        return ("0" + token,) if begins_with_digit(token[-1]) else (MARK,)
    if not token.isascii():
        return _apart(token, pack)
    if "'" in token:
        return _expanded(token, pack)
    if token[0].isalpha():
        initials = token.replace(".", "")
        return pack.respellings.get(initials, (initials,))
    return (token.strip(),)


def _one_form(text: str, pack: LanguagePack) -> str:
    text = text.translate(_CHARACTERS)
    if not text.isupper():
        text = _CAPITALS.sub(lambda found: _marked_acronym(found[0], pack), text)
    return unicodedata.normalize("NFC", text.casefold())


def _marked_acronym(word: str, pack: LanguagePack) -> str:
    """ "ER" in a text that is not all in capitals is no "er"."""
    return _ACRONYM_SIGN + word if word.lower() in pack.hesitations else word


def _expanded(token: str, pack: LanguagePack) -> Words:
    """A word with an apostrophe: in two words where it is a contraction."""
    for ending, word in pack.endings.items():
        if token.endswith(ending) and len(token) > len(ending):
            return token[: -len(ending)], word
    return (token,)


def _apart(token: str, pack: LanguagePack) -> Iterator[str]:
    """The words of a token that may hold scripts without spaces: there each character is one."""
    word = ""
    for character in token:
        if is_spaceless(character):
            if word:
                yield from pack.respellings.get(word, (word,))
            word = ""
            yield from pack.respellings.get(character, (character,))
        else:
            word += character
    if word:
        yield from pack.respellings.get(word, (word,))


def _without_hesitations(words: list[str], pack: LanguagePack) -> list[str]:
    out: list[str] = []
    for word in words:
        if word not in pack.hesitations or word in pack.kept_by_numbers or (out and _is_bound(word, out[-1], pack)):
            out.append(word.removeprefix(_ACRONYM_SIGN))
    return out if pack.kept_by_numbers.isdisjoint(out) else _without_idle_sounds(out, pack)


def _is_bound(word: str, before: str, pack: LanguagePack) -> bool:
    return word in pack.kept_after and before in pack.kept_after[word]


def _without_idle_sounds(words: list[str], pack: LanguagePack) -> list[str]:
    """Without the sounds that are words only by a number, where no number is next to them."""
    counting = [
        left or right
        for left, right in zip(
            _behind_number(words, pack), reversed(list(_behind_number(reversed(words), pack))), strict=True
        )
    ]
    return [word for word, counts in zip(words, counting, strict=True) if counts or word not in pack.kept_by_numbers]


def _behind_number(words: Iterable[str], pack: LanguagePack) -> Iterator[bool]:
    """For each word whether the last before it, but for marks and such sounds ("two, oh, oh, five"), is a number."""
    counts = False
    for word in words:
        yield counts
        if word != MARK and word not in pack.kept_by_numbers:
            counts = begins_with_digit(word) or word in pack.number_words


def _without_fillers(words: list[str], pack: LanguagePack) -> list[str]:
    """Without the phrases that stand between marks, or between the beginning and a mark."""
    if MARK not in words:
        return words
    out: list[str] = []
    at = 0
    while at < len(words):
        filler = _filler_at(words, at, pack) if not out or out[-1] == MARK else ()
        at += len(filler)
        if not filler:
            out.append(words[at])
            at += 1
    return out


def _filler_at(words: list[str], at: int, pack: LanguagePack) -> Words:
    for filler in pack.fillers:
        end = at + len(filler)
        if end < len(words) and words[end] == MARK and tuple(words[at:end]) == filler:
            return filler
    return ()


def _without_stutters(words: Sequence[str], pack: LanguagePack) -> list[str]:
    """Without the immediate repetitions of small words, a mark between them or not."""
    out: list[str] = []
    last = ""
    for at, word in enumerate(words):
        if word == last and word in pack.stutters and _goes_on(words, at):
            while out[-1] == MARK:
                out.pop()
            continue
        out.append(word)
        last = last if word == MARK else word
    return out


def _goes_on(words: Sequence[str], at: int) -> bool:
    """Whether a word follows: the can-can ends in no stutter. Behind a single letter a longer one, for names are
    spelled in letters."""
    behind = words[at + 1] if at + 1 < len(words) else MARK
    return behind != MARK and (len(behind) > 1 or len(words[at]) > 1 or not words[at].isascii())


def _core(words: list[str], pack: LanguagePack) -> Words:
    at = 0
    for _ in range(_MAX_OPENERS):
        at = _behind_opener(words, at, pack)
    end = len(words)
    for _ in range(_MAX_TAILS):
        end = _before_tail(words, at, end, pack)
    return _unmarked(words[at:end])


def _behind_opener(words: list[str], at: int, pack: LanguagePack) -> int:
    for opener in pack.openers:
        end = at + len(opener.words)
        if tuple(words[at:end]) == opener.words:
            end += end < len(words) and words[end] == MARK
            if _opens(opener, words, end):
                return end
    return at


def _opens(opener: Opener, words: list[str], at: int) -> bool:
    if len(_unmarked(words[at : at + 2 * opener.min_words_behind])) < opener.min_words_behind:
        return False
    return not opener.followed_by or _begins_with(words, at, opener.followed_by)


def _begins_with(words: list[str], at: int, phrases: tuple[Words, ...]) -> bool:
    return any(words[at] == phrase[0] and tuple(words[at : at + len(phrase)]) == phrase for phrase in phrases)


def _before_tail(words: list[str], start: int, end: int, pack: LanguagePack) -> int:
    """Where the words end without one more tail; ``end`` itself where none may be dismissed."""
    while end > start and words[end - 1] == MARK:
        end -= 1
    if end <= start:
        return end
    for tail in pack.tails.get(words[end - 1], ()):
        at = end - len(tail.words)
        if at > start and tuple(words[at:end]) == tail.words and _may_go(tail, words[start:at], pack):
            return at
    return end


def _may_go(tail: Tail, rest: list[str], pack: LanguagePack) -> bool:
    """Whether ``tail`` adds nothing to ``rest``, which may end in a mark."""
    said = _unmarked(rest[-3:])
    last = {*said[-1:], " ".join(said[-2:])}
    if not said or not tail.never_after.isdisjoint(last):
        return False
    if tail.only_after is not None and tail.only_after.isdisjoint({*last, rest[-1]}):
        return False
    if tail.only_in_requests and not _begins_with(rest, 0, pack.requests):
        return False
    return _has_content(tail, rest, pack) and not _is_quoted(tail, rest, pack)


def _has_content(tail: Tail, rest: list[str], pack: LanguagePack) -> bool:
    if tail.follows_assent and all(word in pack.assents or word == MARK for word in rest):
        return True
    return any(word not in pack.answers and word != MARK for word in rest)


def _is_quoted(tail: Tail, rest: list[str], pack: LanguagePack) -> bool:
    return any(
        word in tail.never_with and not (at + 1 < len(rest) and rest[at + 1] in pack.listeners)
        for at, word in enumerate(rest)
    )
