"""Pure: how probable it is that a turn is over, by its words alone, and how long to wait then (rule 5)."""

from __future__ import annotations

import re

from scheduler.policy import Policy
from scheduler.words import HESITATIONS, bare_words, is_spaceless, word_set

_OPEN_ENDINGS = word_set(
    "a an the my your his her its our their this that's these those some any every each another to of in on at "
    "by for from with without about into over under between through during and or but so because if when while "
    "although unless than as like then plus minus times is are was were am be been being i'm you're we're "
    "they're it's there's i'd i'll i've we'd we'll you'd do does did have has had can could will would shall "
    "should may might must gonna wanna i we they he she who which whose whom where why how what very really "
    "just also not please say says said tell want need know think mean give get put let make"
)
"""A turn that ends in one of these goes on nearly always: function words and verbs that want an object."""

_CLOSED_ALTHOUGH_OPEN = word_set("please do know think that's like mean get how why what where who")
"""Endings of the list above that may well close a longer sentence ("do you know", "what is it like")."""

_MAY_CLOSE_A_QUESTION = word_set(
    "he she they we this these those is are was were am say said want need have make give put be did from for about with"
)
"""Endings of the first list with which a question may well be over ("what did you say", "where are you from")."""

_WHOLE_REPLIES = word_set(
    "yes no yeah yep nope okay ok sure right hello hi hey thanks goodbye bye stop maybe nothing cancel correct "
    "exactly absolutely never help great perfect fine wrong repeat"
)
_COURTESIES = (("please",), ("thanks",), ("thank", "you"), ("thank", "you", "very", "much"), ("you", "know"))
_QUESTION_OPENERS = word_set(
    "what what's when when's where where's who who's whose which why how how's is are was were do does did can "
    "could will would shall should may have has am"
)
_REQUEST_OPENERS = word_set(
    "set count tell convert play give show call book remind remember spell say repeat add subtract multiply "
    "divide turn open close start cancel find look read write send make take put flip roll double halve"
)
_ASKS_FOR_MORE = {(verb, "me") for verb in ("tell", "show", "give", "let", "make", "send", "get", "find", "remind")}
"""What is to be told or shown must still come, with rare exceptions ("let me", "tell me")."""
_ASKS_FOR_MORE |= {("to", "know"), ("to", "say"), ("to", "ask")}
_TOPIC_OPENERS = word_set("about of for from with to in on at")
"""What follows "tell me": its object must still come ("can you tell me about", "could you get me to")."""
_OBJECT_QUESTIONS = word_set("what what's who who's whom which where")
"""Questions that may end so all the same ("what did he tell me about")."""
_CLAUSE_SUBJECTS = word_set("i you we they he she it there the my your our his her their this that")
"""After "when" they tell a clause ("when i arrive") from a question ("when do i arrive"): another one is to come."""
_REPORTING = word_set("said says told thinks thought heard hopes believes")
_REPORTED = word_set("he she they it we people somebody everybody me us him her")
"""Between them and a "that" at the end ("and he said that", "she told me that") stands no more than one of each."""
_LEAD_INS = word_set("and but so okay ok well oh no yes yeah now then hey hello hi please actually sorry wait")
"""What stands before a question or a request as well as before anything else ("and what about vienna")."""
_OPEN_IN_CHINESE = re.compile(
    "(?:(?<![\u4e5f\u4e0d])\u53bb|[\u5230\u5728\u548c\u8ddf\u628a\u7ed9\u4ece\u6bd4\u8ba9]"
    "|\u56e0\u4e3a|\u4f46\u662f|\u6240\u4ee5|\u5982\u679c|\u8fd8\u6709|\u6216\u8005|\u8fd8\u662f"
    "|\u6211\u60f3|\u6211\u8981|\u60f3\u8981|\u5e2e\u6211|\u8bf7\u95ee|\u544a\u8bc9\u6211"
    "|[\u4e00\u51e0\u8fd9\u90a3][\u4e2a\u5f20\u6b21\u4efd])$"
)
"""Chinese: to go (but "also go", "go or not"), to, at, and, with, take, give, from, than, let; because, but, so, if, and also, or; I want, help me,
may I ask, tell me; "one of", "this". Short ones alone may be whole replies."""
_CLOSED_IN_CHINESE = re.compile(
    "(?:[\u5417\u5462\u5427]|\u600e\u4e48\u6837|\u591a\u5c11\u94b1|\u51e0\u70b9|\u4ec0\u4e48\u65f6\u5019"
    "|\u54ea\u91cc|\u54ea\u513f|\u662f\u4ec0\u4e48|\u8c22\u8c22)$"
)
"""The particles that end a question or a proposal; how is it, how much, what time, when, where, what is, thanks."""
_BEFORE_READING = word_set("is it's that's number code")
"""After these a first letter or two digits begin what is spelled or read out."""
_DIGITS = word_set("zero oh one two three four five six seven eight nine double triple")
_PUNCTUATION_END = re.compile(
    r"(\.\.\.|…|[.?!,;:—–\-\u3002\uff61\uff1f\uff01\uff0c\u3001\uff1b\uff1a])[\"'”’)\u300d\u300f\uff09]*\s*$"
)
_FULL_WIDTH = str.maketrans("\u3002\uff61\uff1f\uff01\uff0c\u3001\uff1b\uff1a", "..?!,,;:")


def end_probability(text: str) -> float:
    """How probable it is (0 to 1) that nothing more comes after ``text``.

    Rules over the last words, the first word and the punctuation, if the recogniser gives any. The
    figures are an ordering more than a measurement: tuned so that ``Policy``'s two thresholds split
    the scenes of the tests rightly. An end-of-turn model's verdict takes their place where there is one.
    """
    words = bare_words(text)
    if not words:
        return 0.0
    if (mark := _PUNCTUATION_END.search(text)) and (
        known := _by_mark(mark.group(1).translate(_FULL_WIDTH))
    ) is not None:
        return known
    return _by_words(words)


def _by_mark(mark: str) -> float | None:
    match mark:
        case "?" | "!":
            return 0.95
        case "..." | "…" | "—" | "–" | "-":
            return 0.1
        case "," | ";" | ":":
            return 0.2
        case _:
            return None  # recognisers put full stops behind everything


def _by_words(words: tuple[str, ...]) -> float:
    last = words[-1]
    if last in HESITATIONS and not (len(words) == 1 and last == "oh"):
        return 0.05
    if len(words) >= 3 and _OPEN_IN_CHINESE.search("".join(words[-3:])):
        return 0.15
    if len(words) >= 3 and _CLOSED_IN_CHINESE.search("".join(words[-4:])):
        return 0.85
    if _is_spelling(words) or _is_reading_digits(words):
        return 0.15
    if any(words[-len(tail) :] == tail and len(words) > len(tail) for tail in _COURTESIES):
        return 0.9
    if _is_reporting(words):
        return 0.15
    words = _without_lead_ins(words)
    if last in _OPEN_ENDINGS and not (last in _CLOSED_ALTHOUGH_OPEN and len(words) >= 3):
        asks = words[0] in _QUESTION_OPENERS and len(words) >= 3
        if words[-3:-1] in _ASKS_FOR_MORE and last in _TOPIC_OPENERS and words[0] not in _OBJECT_QUESTIONS:
            return 0.1
        return 0.5 if asks and last in _MAY_CLOSE_A_QUESTION else 0.1
    if words[-2:] in _ASKS_FOR_MORE:
        return 0.1
    if len(words) <= 2 and (last in _WHOLE_REPLIES or words[0] in _WHOLE_REPLIES or words == ("thank", "you")):
        return 0.9
    if words[0] == "when" and len(words) >= 3 and words[1] in _CLAUSE_SUBJECTS:
        return 0.3
    if words[0] in _QUESTION_OPENERS and len(words) >= 3:
        return 0.85
    if words[0] in _REQUEST_OPENERS and len(words) >= 2:
        return 0.1 if words[1:] == ("me",) else 0.7
    return 0.5 if len(words) >= 3 else 0.4


def _is_reporting(words: tuple[str, ...]) -> bool:
    """What was said must still come. A question ("who said that") or "i said that" may well be over."""
    if words[-1] != "that" or words[0] in _QUESTION_OPENERS:
        return False
    before = words[-3:-1]
    return len(before) == 2 and bool(set(before) & _REPORTING) and bool(set(before) & _REPORTED)


def _without_lead_ins(words: tuple[str, ...]) -> tuple[str, ...]:
    """At least three words are left: fewer are judged as they are."""
    while len(words) > 3 and words[0] in _LEAD_INS:
        words = words[1:]
    return words


def _is_spelling(words: tuple[str, ...]) -> bool:
    """A name is being spelled: two or more single letters at the end, or one after "is" ("i" and "a" alone are words)."""
    tail = words[-2:]
    if len(tail) == 2 and tail[0] in _BEFORE_READING:
        return _is_letter(tail[1]) and tail[1] not in ("a", "i")
    return len(tail) == 2 and all(map(_is_letter, tail))


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha() and not is_spaceless(word)


def _is_reading_digits(words: tuple[str, ...]) -> bool:
    """A number is being read out, digit by digit: three or more single digits at the end, but no sum of them; or two
    that are all there is, or stand after "is"."""
    count = 2 if len(words) == 2 or (words[-3:-2] and words[-3] in _BEFORE_READING) else 3
    tail = words[-count:]
    return len(tail) == count and all(word in _DIGITS or (word.isdigit() and len(word) <= 3) for word in tail)


def wait_seconds(policy: Policy, probability: float) -> float:
    """The silence that ends a turn of this probability."""
    if probability >= policy.complete_probability:
        return policy.wait_complete_seconds
    if probability < policy.unfinished_probability:
        return policy.wait_unfinished_seconds
    return policy.wait_undecided_seconds
