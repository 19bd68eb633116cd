"""Pure: what is left of a turn in which its speaker took something back ("cancel order twelve, I mean order seven").

What follows the editing words is laid over the last place before them where the same kinds of words stand: a number over a
number, "order N" over "order M", a sum over a sum. A new request takes the place of the old one. Where it can't be told
what was replaced, the turn is not acted upon: a question is asked instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from scheduler.languages import pack_for
from scheduler.words import word_set
from think_loop.engines.offline.heard import LONGEST_TURN
from think_loop.engines.offline.repair_words import NUMBER, OPERATOR, Edit, Token, edits, may_edit

MOST_EDITS = 8
"""In one turn; who takes back more is asked."""
WITHDRAWN = "never mind"
"""What is left of a turn that was taken back altogether."""
_LONGEST_GUESS = 150
"""Characters that can be asked about."""
_WITHDRAWAL = re.compile(r"(?:i )?(?:don't|do not)(?: \S+){0,3}|leave it|stop|i changed my mind")
_MOST_SKIPPED = 2
_MOST_RENAMED = 2
"""Words of a name that take the place of another name."""

_ENGLISH = pack_for("en")
_REQUESTS = frozenset(words[0] for words in _ENGLISH.requests if len(words) == 1) | word_set(
    "add multiply divide subtract double count start stop switch flip roll spell delete remove wake pick pause resume"
)
_QUESTIONS = word_set("what what's how how's when where where's who who's why tell")
_AUXILIARIES = word_set("which is are can could will would does do did")
"""They begin a question, or go on with the sentence."""
_ALSO_NOUNS = word_set("order book call check play search")
_LEADS = _ENGLISH.slot_leads | word_set("an my your his her our their to with as into on")
_NAMING = _LEADS | word_set("is are was called named")
_JOINERS = _LEADS | word_set("and then please but so because if when")
_POINTING = word_set("it that them this those these")
_PERSONS = word_set("i you he she it it's they we that's there i'm don't didn't not")
_NO_NAMES = word_set(
    "now again please though thanks thank quickly here there what okay ok you right really never so yes no"
)
_IDLE = word_set("uh um er erm well oh like hmm it's its just")
_COURTESY = word_set("please thanks instead then okay")
_NO_REQUEST = word_set("yes no yeah yep okay ok well so oh ah um uh er hey please thanks thank you can could would i that's that hmm and but all right alright")  # fmt: skip
_COMPLAINTS = word_set("wrong right correct incorrect meant said mistake")
_WAITING = word_set("hold hang wait just one a stop")


@dataclass(frozen=True, slots=True)
class Repaired:
    """``text``: what the turn comes to. ``question``: what must be asked before anything is done; then ``text`` is as said."""

    text: str
    question: str = ""


@dataclass(frozen=True, slots=True)
class _Unclear:
    """``guess``: what may have been meant."""

    guess: tuple[Token, ...]


_Said = tuple[Token, ...]
_Outcome = _Said | _Unclear | None
"""What was said in the end; ``None``: no rule applies."""


def repaired(text: str) -> Repaired:
    """Takes any text; one in which nothing was taken back comes back as it is."""
    if not may_edit(text[:LONGEST_TURN]):
        return Repaired(text)
    first, found = edits(text[:LONGEST_TURN])
    if not found or all(token.key in _NO_REQUEST for token in first):
        return Repaired(text) if len(found) < 2 else _beginning_kept(text, first, found)
    return _outcome(text, first, found)


def guessed(question: str) -> str:
    """What ``question`` asked about, for the caller to confirm; "" if it is no such question."""
    beginning, _, rest = question.partition('Did you mean "')
    return rest.removesuffix('"?') if rest.endswith('"?') and not beginning.strip() else ""


def _beginning_kept(text: str, first: _Said, found: Sequence[Edit]) -> Repaired:
    """The first edit answers what went before ("okay, no, set a timer for 5, no, 10 minutes")."""
    return _outcome(text, (*first, *_spoken(found[0])), found[1:])


def _outcome(text: str, first: _Said, found: Sequence[Edit]) -> Repaired:
    if len(found) > MOST_EDITS:
        return Repaired(text, "You took several things back. What should it be?")
    said: _Said | _Unclear = first
    for edit in found:
        said = _edited(said, edit)
    if isinstance(said, _Unclear):
        guess = _text(said.guess)
        known = 0 < len(guess) <= _LONGEST_GUESS and '"' not in guess
        return Repaired(text, f'Did you mean "{guess}"?' if known else "You took something back. What should it be?")
    return Repaired(_text(said))


def _text(said: _Said) -> str:
    return " ".join(token.text for token in said).strip(" ,;:—–-…")


def _edited(before: _Said | _Unclear, edit: Edit) -> _Said | _Unclear:
    if isinstance(before, _Unclear):
        return _edited(before.guess, edit) if before.guess else before
    after = _stripped(edit.tokens)
    if edit.withdraws or _is_withdrawal(after):
        return _withdrawn(before, after)
    if not after:
        return _left_open(before, edit)
    outcome = _replaced(_closed(before), after, edit.firm)
    if outcome is not None:
        return outcome
    asks = edit.firm and not _is_no_repair(before, edit)
    return _Unclear(_guess(before, after)) if asks else (*before, *_spoken(edit))


def _spoken(edit: Edit) -> _Said:
    return (Token(edit.said, edit.words), *edit.tokens)


def _stripped(said: _Said) -> _Said:
    """Without what belongs to no slot: "uh", "it's", "instead"."""
    while said and (
        said[0].key in _IDLE
        or (said[0].key in ("should", "it", "to") and len(said) > 1 and said[1].key in ("be", "say", "is"))
    ):
        said = said[1:] if said[0].key in _IDLE else said[2:]
    while said and said[-1].key in _COURTESY:
        said = said[:-1]
    return said


def _closed(said: _Said) -> _Said:
    """Without the hesitation, and the punctuation, at which it was taken back."""
    while len(said) > 1 and said[-1].key in _IDLE:
        said = said[:-1]
    last = said[-1]
    return (*said[:-1], Token(last.text.rstrip(",;:.—–-…") or last.text, last.key, last.numbers))


def _is_withdrawal(after: _Said) -> bool:
    return _WITHDRAWAL.fullmatch(" ".join(token.key for token in after)) is not None


def _withdrawn(before: _Said, after: _Said) -> _Said:
    if not after or _is_withdrawal(after):
        return (Token(WITHDRAWN, WITHDRAWN),)
    outcome = _aligned(_closed(before), after)
    return after if outcome is None else outcome


def _left_open(before: _Said, edit: Edit) -> _Said | _Unclear:
    """Nothing follows: "... no?" asks for agreement, "... sorry" is courtesy; behind "... no wait" more was to come."""
    waits = edit.firm or edit.words in ("wait", "hold on", "hang on")
    if not waits or len(before) < 2 or edit.asks or before[0].key in _WAITING:
        return (*before, *_spoken(edit))
    return _Unclear(_closed(before))


def _is_no_repair(before: _Said, edit: Edit) -> bool:
    """ "That's wrong, I meant 15" is about an earlier turn; "order no 7" names a number."""
    is_numbering = edit.words == "no" and edit.tokens[0].key == NUMBER and all(token.key != NUMBER for token in before)
    return is_numbering or any(_plain(token) in _COMPLAINTS for token in before)


def _plain(token: Token) -> str:
    return token.text.lower().rstrip(",;:.!?")


def _guess(before: _Said, after: _Said) -> _Said:
    numbers = [place for place, token in enumerate(before) if token.key == NUMBER]
    if numbers and after[0].key == NUMBER:
        return (*before[: numbers[-1]], *after)
    return (before[0], *after) if before[0].key in _REQUESTS and after[0].key not in _REQUESTS | _QUESTIONS else after


def _replaced(before: _Said, after: _Said, firm: bool) -> _Outcome:
    for rule in (_aligned, partial(_restarted, firm=firm), _aligned_behind_leads, _aligned_at_lead):
        outcome = rule(before, after)
        if outcome is not None:
            return outcome
    return _renamed(before, after, firm)


def _aligned(before: _Said, after: _Said) -> _Said | None:
    """``after`` over the last of the longest stretches of the same kinds, in which there must be more than plain words."""
    length, at = max(((_alike(before[at:], after), at) for at in range(len(before))), default=(0, 0))
    if not any(token.is_slot for token in after[:length]):
        return None
    if length > 1 and after[0].key == NUMBER and after[1].key == OPERATOR:
        begin, end = _sum_around(before, at)
        return (*before[:begin], *after, *before[end:])
    rest, added = before[at + length :], after[length:]
    changed = (*before[:at], *after[:length])
    if not rest or not added or added[0].key in _JOINERS or all(token.is_slot for token in rest):
        return (*changed, *rest, *added)
    is_other_noun = len(rest) == 1 and len(added) <= 2 and added[0].key not in _PERSONS
    return (*changed, *added) if is_other_noun else None


def _alike(before: _Said, after: _Said) -> int:
    pairs = zip(before, after, strict=False)
    return next((place for place, (old, new) in enumerate(pairs) if not old.like(new)), min(len(before), len(after)))


def _sum_around(said: _Said, at: int) -> tuple[int, int]:
    """Where the sum begins and ends of which ``at`` is part."""
    begin = end = at
    while begin and said[begin - 1].key in (NUMBER, OPERATOR):
        begin -= 1
    while end < len(said) and said[end].key in (NUMBER, OPERATOR):
        end += 1
    return begin, end


def _restarted(before: _Said, after: _Said, *, firm: bool) -> _Outcome:
    """A new request. "Turn it off" alone doesn't say what."""
    first = after[0].key
    says_anew = len(after) > 1 and _alike(before, after) >= 2
    is_noun = first in _ALSO_NOUNS and len(after) > 1 and after[1].key == NUMBER
    begins = first in _REQUESTS | _QUESTIONS or (firm and first in _AUXILIARIES)
    if is_noun or not (says_anew or begins):
        return None
    points = first in _REQUESTS and any(token.key in _POINTING for token in after[1:3])
    return _Unclear(after) if points and not any(token.key in _POINTING for token in before) else after


def _aligned_behind_leads(before: _Said, after: _Said) -> _Outcome:
    """ "To 10" over "5"; "order 7" over the number of "cancel 12". "Ticket 7" for "order 12" is asked about."""
    for skipped in range(1, min(_MOST_SKIPPED, len(after) - 1) + 1):
        outcome = _aligned(before, after[skipped:])
        if outcome is None:
            continue
        nouns = [token for token in after[:skipped] if token.key not in _LEADS]
        if not nouns:
            return outcome if sum(token.key == NUMBER for token in after) < 2 else None
        at = max((place for place, token in enumerate(before) if token.like(after[skipped])), default=0)
        if len(nouns) > 1 or nouns[0].key in _PERSONS or at == 0:
            return None
        named = (*outcome[:at], *after[:skipped], *outcome[at:])
        return (
            named
            if before[at - 1].key in _LEADS | (_REQUESTS - _ALSO_NOUNS)
            else _Unclear((*named[: at - 1], *named[at:]))
        )
    return None


def _aligned_at_lead(before: _Said, after: _Said) -> _Said | None:
    """ "In Rome" over "in Paris", "the date" over "the time", "off" over "on"."""
    places = [place for place, token in enumerate(before) if token.key == after[0].key and token.key in _LEADS]
    if not places:
        return None
    at = places[-1]
    if len(after) == 1:
        return (*before[:at], *after, *before[at + 1 :])
    name, kept = _name_behind(before, at)
    return (*before[:at], *after, *kept) if name and len(after) <= 4 else None


def _renamed(before: _Said, after: _Said, firm: bool) -> _Said | None:
    """ "Rome" over "Paris" in "the weather in Paris tomorrow"."""
    if len(after) > (_MOST_RENAMED if firm else 1) or any(token.key in _NO_NAMES | _PERSONS for token in after):
        return None
    if any(token.is_slot for token in after):
        return None
    places = [
        place for place, token in enumerate(before) if token.key in _NAMING or (not place and token.key in _REQUESTS)
    ]
    name, kept = _name_behind(before, places[-1]) if places else ((), ())
    if not name:
        return None
    both_lead = after[0].key in _LEADS and before[places[-1]].key in _LEADS
    return (*before[: places[-1] + (not both_lead)], *after, *kept)


def _name_behind(said: _Said, at: int) -> tuple[_Said, _Said]:
    """The short name at the end, behind the word ``at``, and the words of time behind it; no name with a number."""
    name = said[at + 1 :]
    while name and name[-1].is_slot and name[-1].key != NUMBER:
        name = name[:-1]
    if len(name) > _MOST_RENAMED or any(token.key == NUMBER for token in name):
        return (), ()
    return name, said[at + 1 + len(name) :]
