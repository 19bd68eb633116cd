"""Pure: how a transcript relates to the words a draft answers (rules 1 and 3).

Two texts say the same when nothing is left of their difference after case, punctuation, spelling, number forms,
hesitations, stutters, and courtesy at the ends are set aside. What may be set aside is a language's matter
(``scheduler.languages``). In doubt they differ: a draft lost costs a second, a draft that answers what was taken back
costs trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import dropwhile

from scheduler.languages import pack_for
from scheduler.languages.digits import begins_with_digit
from scheduler.languages.pack import LanguagePack, Words, replaced
from scheduler.languages.reading import Reading, read

_SEAM_WORDS = 2
"""A repair may begin with the last words of the basis: "... no" and "wait, Thursday"."""
_MAX_UNIT_WORDS = 2
"""What is counted may stand between two numbers: "two people three people"."""


class Relation(StrEnum):
    SAME = "same"
    """Both say the same: the draft may be promoted."""
    EXTENDED = "extended"
    """The transcript adds words behind the basis that no rule can dismiss."""
    BEHIND = "behind"
    """The transcript is so far a beginning of the basis, its last word perhaps cut short: more may come."""
    CONTRADICTED = "contradicted"
    """Other words, or words that take back what was said."""


def relation(basis: str, transcript: str, language: str = "en") -> Relation:
    """How ``transcript`` relates to ``basis``, both in ``language`` (a BCP 47 tag; other scripts may be mixed in).

    Takes any text. Linear in the number of words: below 0.2 ms for a partial of 60 when the basis was read before.
    """
    pack = pack_for(language)
    before, now = read(basis, pack), read(transcript, pack)
    if basis == transcript or (before.core == now.core and before.core):
        return Relation.SAME
    for old, new in ((before.core, now.core), (before.full, now.full)):
        if len(new) > len(old) and new[: len(old)] == old:
            taken_back = _takes_back(old, new, now.asks, pack)
            return Relation.CONTRADICTED if taken_back else Relation.EXTENDED
    return Relation.BEHIND if _is_beginning(now, before) else _of_other_words(before, now)


def says_the_same(basis: str, transcript: str, language: str = "en") -> bool:
    """Whether a draft from ``basis`` may be promoted when ``transcript`` is final."""
    return relation(basis, transcript, language) is Relation.SAME


def opener_repeats(said: str, sentence: str, language: str = "en") -> bool:
    """Whether ``sentence``, the first of an answer, says no more than the filler ``said`` that was just spoken
    ("Let me check." and "Okay, let me check that."). An answer that is only "sure" or "one" is no repetition."""
    pack = pack_for(language)
    words, spoken = _gist(sentence, pack), _gist(said, pack)
    telling = words - pack.light
    return bool(words) and (telling or words) <= spoken


def _gist(text: str, pack: LanguagePack) -> frozenset[str]:
    return frozenset(replaced(read(text, pack).full, pack.synonyms))


def _of_other_words(before: Reading, now: Reading) -> Relation:
    """Texts of hesitations alone have no words to differ in: they are no ground for a draft, nor against one."""
    return Relation.CONTRADICTED if before.full or now.full else Relation.EXTENDED


def _is_beginning(now: Reading, before: Reading) -> bool:
    pairs = ((now.core, before.core), (now.full, before.full), (now.spoken, before.spoken))
    return any(_begins(words, whole) for words, whole in pairs)


def _begins(words: Words, whole: Words) -> bool:
    if not words:
        return True
    last = len(words) - 1
    return last < len(whole) and words[:last] == whole[:last] and whole[last].startswith(words[last])


def _takes_back(old: Words, new: Words, asks: bool, pack: LanguagePack) -> bool:
    """Whether what stands in ``new`` behind ``old`` corrects it."""
    added = new[len(old) :]
    if not old:
        return False
    # "..., no?" only asks for agreement. Without the question mark the speaker may be about to say what instead.
    if asks and added == ("no",):
        return False
    return _repairs(old, added, pack) or _restates(old, added, pack)


def _repairs(old: Words, added: Words, pack: LanguagePack) -> bool:
    seam = old[-_SEAM_WORDS:] if len(old) > _SEAM_WORDS else ()
    anywhere, at_the_beginning = _repair_patterns(pack)
    return bool(anywhere.search(_line(seam + added)) or at_the_beginning.match(_line(added)))


@lru_cache(maxsize=8)
def _repair_patterns(pack: LanguagePack) -> tuple[re.Pattern[str], re.Pattern[str]]:
    lead_ins = f"(?:{_any_of((word,) for word in sorted(pack.lead_ins))} )*"
    beginnings = _any_of(pack.repair_beginnings)
    return re.compile(rf"(?<!\S){_any_of(pack.repairs)}(?!\S)"), re.compile(rf"{lead_ins}{beginnings}(?!\S)")


def _any_of(phrases: Iterable[Words]) -> str:
    """A pattern for any of ``phrases``; without phrases one that never matches."""
    return f"(?:{'|'.join(re.escape(_line(phrase)) for phrase in phrases) or '(?!)'})"


def _line(words: Sequence[str]) -> str:
    return " ".join(words)


def _restates(old: Words, added: Words, pack: LanguagePack) -> bool:
    """Whether ``added`` begins with another value for what ``old`` ended with, or says the sentence anew."""
    added = tuple(dropwhile(pack.lead_ins.__contains__, added))
    if len(old) > 1 and added[:2] == old[:2]:
        return True
    if len(old) > 1 and added and added[0] == old[-2] and added[0] in pack.slot_leads:
        added = added[1:]
    return bool(added) and (_same_slot(old, added, pack) or _other_number(old, added))


def _same_slot(old: Words, added: Words, pack: LanguagePack) -> bool:
    end, beginning = _line(old[-4:]), _line(added[:4])
    return any(ends.search(end) and begins.match(beginning) for ends, begins in _slot_patterns(pack))


@lru_cache(maxsize=8)
def _slot_patterns(pack: LanguagePack) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple(
        (re.compile(rf"(?<!\S)(?:{slot})$"), re.compile(rf"(?:{slot})(?!\S)", re.IGNORECASE)) for slot in pack.slots
    )


def _other_number(old: Words, added: Words) -> bool:
    """ "two three", "two people three people"."""
    if not begins_with_digit(added[0]):
        return False
    return any(
        len(old) > unit and begins_with_digit(old[-unit - 1]) and old[len(old) - unit :] == added[1 : unit + 1]
        for unit in range(_MAX_UNIT_WORDS + 1)
    )
