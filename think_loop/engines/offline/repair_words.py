"""Pure: a turn as tokens that can be compared by kind, and the words by which speakers take something back.

The words are the editing terms of Shriberg, "Preliminaries to a Theory of Speech Disfluencies" (1994).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from scheduler.languages import pack_for
from scheduler.words import word_set
from think_loop.engines.offline.heard import spelled_out, with_digits

NUMBER, OPERATOR, UNIT, ORDINAL = "#", "<operator>", "<unit>", "#th"
_ENGLISH = pack_for("en")
_SLOTS = tuple(re.compile(slot) for slot in _ENGLISH.slots)
_OPERATORS = re.compile(r"plus|minus|times|over|divided|multiplied")
_UNITS = re.compile(
    r"(?:sec(?:ond)?|min(?:ute)?|hour|day|week|month|year|mile|yard|pound|ounce|stone|ton|cup|pint|gallon|celsius|fahrenheit|percent"
    r"|(?:milli|centi|kilo)?(?:met(?:er|re)|gram(?:me)?|lit(?:er|re))|kilo|degree)s?|inch|inches|foot|feet|kg|km|cm|mm|mph"
)
_NO_NUMBER_ONE = word_set("the this that which each every another any no some other")
_LONGEST_NUMBER = 8
"""Words of one number."""

_FIRM = (
    "no|nope|i mean(?:t(?: to say)?)?|make that|or rather|(?:scratch|strike) that|correction|oops|whoops|my mistake|my bad|i misspoke|"
    "on second thoughts?|change (?:that|it) to|better make it|take (?:that|it) back"
)
_SOFT = "actually|sorry|rather|wait|make it|hold on|hang on|excuse me|pardon(?: me)?|or better|let's say"
_WITHDRAWING = "never ?mind|forget (?:it|that|about it)"
_ANY = f"(?:{_FIRM}|{_SOFT}|{_WITHDRAWING})(?!\\S)"
_EDITING = re.compile(rf"(?<!\S){_ANY}(?: (?:{_ANY}|u[hm]+|erm?|oh|well)(?!\S))*")
_MAY_EDIT = re.compile(rf"\b(?:{_FIRM}|{_SOFT}|{_WITHDRAWING})\b", re.IGNORECASE)

_MENTIONED_AFTER = word_set("to of say says said saying word words phrase does do did spell press answer what or as")
_GUARDS: tuple[tuple[re.Pattern[str], frozenset[str], frozenset[str]], ...] = (
    (
        re.compile(r"no|nope"),
        word_set("is are was were be it's that's there's there have has had got with a the oh yes why by and means"),
        word_set("problem problems idea more longer matter need doubt way rush hurry worries less chance thanks thank"),
    ),
    (re.compile(r"sorry"), word_set("i'm im am so very really feel are be is was that"), word_set("for to")),
    (re.compile(r"rather"), word_set("would i'd you'd we'd he'd she'd they'd"), word_set("than")),
    (
        re.compile(r"wait|hold on|hang on"),
        word_set("can't cannot please and must the a will i'll just"),
        word_set("a for until till here there on one and while"),
    ),
    (re.compile(r"make (?:it|that)"), word_set("and you then me please"), frozenset()),
    (re.compile(r"forget (?:it|that)|never ?mind"), word_set("don't you please"), word_set("the")),
    (re.compile(r"i mean"), word_set("know"), word_set("it business well by")),
)  # fmt: skip
"""Words behind and before which a phrase takes nothing back ("there is no …", "I'm sorry to …")."""


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` as it was said. ``key``: its kind (a number, an operator, a unit, a weekday …), or the word itself.
    ``numbers``: how many stand in it ("one two three")."""

    text: str
    key: str
    numbers: int = 0

    @property
    def is_slot(self) -> bool:
        return self.key.startswith(("#", "<"))

    def like(self, other: Token) -> bool:
        """Of the same kind, so that one can stand for the other."""
        several = self.numbers > 1 and other.numbers > 1
        return self.key == other.key and (self.numbers == other.numbers or several)


@dataclass(frozen=True, slots=True)
class Edit:
    """``words`` (``said`` so) took back something said before; ``tokens`` followed. ``firm``: they are hardly ever said for anything
    else. ``withdraws``: there need be nothing instead. ``asks``: they end with a question mark."""

    said: str
    words: str
    tokens: tuple[Token, ...]
    firm: bool
    withdraws: bool
    asks: bool


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    plain: str


def may_edit(text: str) -> bool:
    return _MAY_EDIT.search(text.replace("’", "'")) is not None


def edits(text: str) -> tuple[tuple[Token, ...], tuple[Edit, ...]]:
    """What was said first, and each edit of it."""
    words = _words(text)
    places = _places(words)
    bounds = [*(begin for begin, _ in places), len(words)]
    found = [
        _edit(words[begin:end], words[end:following])
        for (begin, end), following in zip(places, bounds[1:], strict=True)
    ]
    return _tokens(words[: bounds[0]]), tuple(found)


def _edit(editing: Sequence[_Word], behind: Sequence[_Word]) -> Edit:
    phrase = _plain(editing)
    firm = re.search(rf"\b(?:{_FIRM})\b", phrase) is not None
    withdraws = re.search(rf"\b(?:{_WITHDRAWING})\b", phrase) is not None
    said = " ".join(word.text for word in editing)
    return Edit(said, phrase, _tokens(behind), firm, withdraws, editing[-1].text.endswith("?"))


def _words(text: str) -> list[_Word]:
    spaced = re.sub(r"([,;!?…—–]|\.\.+)(?=\S)", r"\1 ", spelled_out(text))
    words = [_Word(part, re.sub(r"[^\w'.:-]|^[-'.:]+|[-'.:]+$", "", part.lower())) for part in spaced.split()]
    return [word for word in words if word.plain]


def _plain(words: Sequence[_Word]) -> str:
    return " ".join(word.plain for word in words)


def _places(words: Sequence[_Word]) -> list[tuple[int, int]]:
    """Where editing words begin and end; never at the beginning of the turn, where they answer what went before."""
    line = _plain(words)
    places = [
        (line.count(" ", 0, found.start()), line.count(" ", 0, found.end()) + 1) for found in _EDITING.finditer(line)
    ]
    return [place for place in places if place[0] and _takes_back(words, *place)]


def _takes_back(words: Sequence[_Word], begin: int, end: int) -> bool:
    """Not if the words are spoken about ("what does 'I mean' mean"), or part of something else."""
    phrase, previous = _plain(words[begin:end]), words[begin - 1].plain
    following = words[end].plain if end < len(words) else ""
    if previous in _MENTIONED_AFTER or words[begin].text[0] in "\"'“‘«":
        return False
    return not any(
        guard.fullmatch(phrase) and (previous in behind or following in before) for guard, behind, before in _GUARDS
    )


def _tokens(words: Sequence[_Word]) -> tuple[Token, ...]:
    found: list[Token] = []
    at = 0
    while at < len(words):
        length = _number_length(words, at)
        if length:
            digits = with_digits(_plain(words[at : at + length])).split()
            text = " ".join(word.text for word in words[at : at + length])
            found.append(Token(text, NUMBER, len(digits)))
        else:
            length = 2 if words[at].plain in ("divided", "multiplied") and _plain(words[at + 1 : at + 2]) == "by" else 1
            found.append(Token(" ".join(word.text for word in words[at : at + length]), _kind(words[at].plain)))
        at += length
    return tuple(found)


def _number_length(words: Sequence[_Word], at: int) -> int:
    """How many words from ``at`` are a number, or numbers without anything between; 0: none."""
    length = 0
    while at + length < len(words) and length < _LONGEST_NUMBER and _is_number(words[at + length].plain):
        if words[at + length].plain == "one" and _stands_for_a_thing(words[: at + length]):
            break
        length += 1
    joined = words[at : at + length + 2]
    if length and len(joined) == length + 2 and joined[-2].plain in ("and", "point") and _is_number(joined[-1].plain):
        further = length + 1 + _number_length(words, at + length + 1)
        if len(with_digits(_plain(words[at : at + further])).split()) == 1:
            return further
    return length


def _stands_for_a_thing(before: Sequence[_Word]) -> bool:
    """Whether "one" behind these words is no number: "the one", "the red one"; but "the number one" is."""
    last = [word.plain for word in before[-2:]]
    return bool(last) and (last[-1] in _NO_NUMBER_ONE or (last[0] == "the" and last[-1] not in ("number", "order")))


@lru_cache(maxsize=1024)
def _is_number(word: str) -> bool:
    return re.fullmatch(r"-?\d+(?:[.:]\d+)*", with_digits(word)) is not None


@lru_cache(maxsize=1024)
def _kind(word: str) -> str:
    if _OPERATORS.fullmatch(word):
        return OPERATOR
    if _UNITS.fullmatch(word):
        return UNIT
    if re.fullmatch(r"\d+(?:st|nd|rd|th)", with_digits(word)):
        return ORDINAL
    for number, slot in enumerate(_SLOTS):
        if slot.fullmatch(word):
            return f"<slot {number}>"
    return {"off": "on"}.get(word, word)
