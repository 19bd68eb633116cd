"""Pure: what must be known of a language to tell whether two transcripts say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Words = tuple[str, ...]
PhraseTable = Mapping[str, tuple[tuple[Words, Words], ...]]
"""Phrases and what takes their place, by first word, the longest first."""

MARK = ","
"""Stands for any punctuation mark in a list of words."""


def keep_numbers(words: Sequence[str]) -> list[str]:
    """The number reader of a language nothing is known of."""
    return list(words)


@dataclass(frozen=True, slots=True)
class Tail:
    """Words at the end of a turn that may be dismissed, and when they may not."""

    words: Words
    never_after: frozenset[str] = frozenset()
    """Directly behind one of these, a word or two, they belong to the sentence ("as you please")."""
    only_after: frozenset[str] | None = None
    """Dismissed only directly behind one of these, a word or two, or ``MARK``. None: behind any word."""
    never_with: frozenset[str] = frozenset()
    """Never where one of these words stands in the sentence, unless the listener is named next ("tell her thanks")."""
    only_in_requests: bool = False
    """Only in a sentence that begins as a request does."""
    follows_assent: bool = False
    """May go although nothing but an assent remains ("yes please")."""


@dataclass(frozen=True, slots=True)
class Opener:
    """A courtesy at the beginning of a turn, dismissed where one of ``followed_by`` comes next."""

    words: Words
    followed_by: tuple[Words, ...]
    min_words_behind: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class LanguagePack:
    """One language. Every list is optional: the neutral pack knows only case, punctuation and digits.

    All phrases behind ``read_numbers`` are written as that function leaves them ("1 moment").
    """

    respellings: Mapping[str, Words] = field(default_factory=dict)
    """Spellings of one word that recognisers use by turns, and contractions."""
    endings: Mapping[str, str] = field(default_factory=dict)
    """What follows an apostrophe, and the word that it stands for."""
    phrases: PhraseTable = field(default_factory=dict)
    """Spellings of more than one word."""
    read_numbers: Callable[[Sequence[str]], list[str]] = keep_numbers
    """Brings numbers to one form, in digits. It must never make two different numbers equal."""
    number_words: frozenset[str] = frozenset()

    hesitations: frozenset[str] = frozenset()
    """Sounds that are dismissed wherever they stand."""
    kept_after: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Hesitations that are words directly behind one of these ("to the ER")."""
    kept_by_numbers: frozenset[str] = frozenset()
    """Hesitations that are words next to a number ("two oh five", "5 mm")."""
    fillers: tuple[Words, ...] = ()
    """Phrases that are dismissed where punctuation sets them off."""
    stutters: frozenset[str] = frozenset()
    """Words whose immediate repetition says nothing."""

    openers: tuple[Opener, ...] = ()
    tails: Mapping[str, tuple[Tail, ...]] = field(default_factory=dict)
    """By last word, the longest first."""
    requests: tuple[Words, ...] = ()
    """How requests begin."""
    answers: frozenset[str] = frozenset()
    """Words that answer or acknowledge. Courtesy that is said with nothing else is not dismissed."""
    assents: frozenset[str] = frozenset()
    listeners: frozenset[str] = frozenset()
    """Who hears the answer: what is told to them is no quotation ("tell me the time, thanks")."""

    repairs: tuple[Words, ...] = ()
    """Take back what was said, wherever they stand behind it."""
    repair_beginnings: tuple[Words, ...] = ()
    """Take back what was said when they come directly behind it."""
    lead_ins: frozenset[str] = frozenset()
    """May stand before those."""
    slots: tuple[str, ...] = ()
    """Regular expressions over words with single spaces: two of one kind, one behind the other, are a correction."""
    slot_leads: frozenset[str] = frozenset()
    """Words that may be repeated with the second of them ("on Tuesday, on Thursday")."""

    light: frozenset[str] = frozenset()
    """Words that add nothing to a filler."""
    synonyms: PhraseTable = field(default_factory=dict)
    """What fillers say by turns ("check", "have a look")."""


def phrase_table(phrases: Iterable[tuple[Words, Words]]) -> PhraseTable:
    table: dict[str, list[tuple[Words, Words]]] = {}
    for words, replacement in phrases:
        table.setdefault(words[0], []).append((words, replacement))
    return {first: tuple(sorted(entries, key=lambda entry: -len(entry[0]))) for first, entries in table.items()}


def by_last_word(tails: Iterable[Tail]) -> Mapping[str, tuple[Tail, ...]]:
    table: dict[str, list[Tail]] = {}
    for tail in tails:
        table.setdefault(tail.words[-1], []).append(tail)
    return {last: tuple(sorted(entries, key=lambda tail: -len(tail.words))) for last, entries in table.items()}


def replaced(words: Sequence[str], table: PhraseTable) -> list[str]:
    """``words`` with the phrases of ``table`` replaced, from left to right, the longest first."""
    if table.keys().isdisjoint(words):
        return list(words)
    out: list[str] = []
    at = 0
    while at < len(words):
        for phrase, replacement in table.get(words[at], ()):
            if tuple(words[at : at + len(phrase)]) == phrase:
                out += replacement
                at += len(phrase)
                break
        else:
            out.append(words[at])
            at += 1
    return out
