"""Pure: what English speakers add to what they say, and how they take it back.

Collected from the disfluencies of Switchboard (Shriberg 1994: filled pauses, editing terms, repetitions, repairs), and
narrowed wherever a word that is often empty may carry meaning. In doubt a word stays: a draft too few costs time, a
draft that answers something else costs trust.
"""

from __future__ import annotations

from scheduler.languages.digits import FULL_HOUR
from scheduler.languages.english_numbers import MONTHS, NUMBER_WORDS, read_numbers
from scheduler.languages.pack import MARK, LanguagePack, Opener, Tail, Words, by_last_word, phrase_table
from scheduler.words import HESITATIONS, word_set


def _phrase(text: str) -> Words:
    return tuple(read_numbers(text.split()))


def _phrases(text: str) -> tuple[Words, ...]:
    """Phrases between semicolons, or on lines of their own."""
    return tuple(_phrase(part) for part in text.replace("\n", ";").split(";") if part.strip())


_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"

# How words are written

_CONTRACTED = {
    "won't": "will not",
    "wont": "will not",
    "can't": "can not",
    "cant": "can not",
    "cannot": "can not",
    "shan't": "shall not",
    "let's": "let us",
    "lets": "let us",
    "im": "i am",
    "ive": "i have",
    "its": "it is",
    "youre": "you are",
    "youve": "you have",
    "theyre": "they are",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "lemme": "let me",
    "gimme": "give me",
}
_WITHOUT_APOSTROPHE = "do does did is are was were have has had could would should"
_WITH_IS = "it he she that this there here what where who how when why"
_SPELLED = {
    "ok": "okay",
    "okey": "okay",
    "alright": "all right",
    "thanks": "thank you",
    "thx": "thank you",
    "yeah": "yes",
    "yep": "yes",
    "yup": "yes",
    "nope": "no",
    "nah": "no",
    "till": "until",
    "til": "until",
    "thru": "through",
    "nevermind": "never mind",
    "versus": "vs",
    "mister": "mr",
    "email": "e mail",
    "wifi": "wi fi",
    "grey": "gray",
    "colour": "color",
    "favourite": "favorite",
    "centre": "center",
    "theatre": "theater",
    "neighbour": "neighbor",
    "cancelled": "canceled",
    "cancelling": "canceling",
    "travelling": "traveling",
    "programme": "program",
    "cheque": "check",
    "metre": "meter",
    "metres": "meters",
    "kilometre": "kilometer",
    "kilometres": "kilometers",
    "litre": "liter",
    "litres": "liters",
    "&": "and",
    "o'clock": FULL_HOUR,
    "oclock": FULL_HOUR,
    "dollar": "dollars",
    "euro": "euros",
}

_RESPELLINGS: dict[str, Words] = {
    **{word: tuple(written.split()) for word, written in (_CONTRACTED | _SPELLED).items()},
    **{word + "nt": (word, "not") for word in _WITHOUT_APOSTROPHE.split()},
    **{word + "'s": (word, "is") for word in _WITH_IS.split()},
    **{word + "s": (word, "is") for word in ("that", "there", "what", "where")},
}

_SPELLED_APART: tuple[tuple[Words, Words], ...] = (
    (("per", "cent"), ("percent",)),
    (("p", "m"), ("pm",)),
    (("o", "k"), ("okay",)),
    (("t", "v"), ("tv",)),
    (("uh", "huh"), ("uh-huh",)),  # an answer, of which no part is a hesitation
    (("uh", "oh"), ("uh-oh",)),
    (("mm", "hm"), ("mm-hm",)),
)

# What is dismissed

_SAYING = word_set(
    "say says said saying tell tells told telling write writes wrote writing text texts texted texting message messages "
    "reply replies answer send sends sent sending mail post spell pronounce translate type call called title titled "
    "named word words phrase sing song songs play lyrics card note letter caption sign mean means meaning quote shout "
    "album movie film show episode search google ask asks asked add put"
)
"""Where one of these stands, a "thank you" may be what is said, written, played or looked up."""

_BINDING = word_set(
    "and but or not no never nor the a an my your his its our their to of with for from about as if than i we you "
    "will would can could shall should must may might who whose which because why how when where"
)
"""Directly behind these no courtesy begins: it is part of the sentence, or the sentence is not over."""

_ADDRESSING = _BINDING | word_set("him her them us say says said saying spell type write word called play ask")
_THANKING = (
    _ADDRESSING
    | word_set("do did just really also so very big quick huge small little special many more like nice kind sincere")
    | {"let me"}
)

_TAILS = (
    Tail(
        _phrase("please"),
        never_after=_ADDRESSING,
        never_with=word_set("song album titled lyrics word"),
        follows_assent=True,
    ),
    *(
        Tail(words, never_after=_THANKING, never_with=_SAYING)
        for words in _phrases(
            "thank you; thank you very much; thank you so much; thank you a lot; thank you in advance"
        )
    ),
    *(
        Tail(words, never_after=_ADDRESSING | word_set("see sure even only what"), never_with=_SAYING | {"know"})
        for words in _phrases("if you do not mind; if you would not mind; if you would be so kind")
    ),
    # Behind other words, whom it is for may be what matters ("find a present for me").
    Tail(
        _phrase("for me"),
        only_after=word_set("it that this them those these") | {"it up", "that up", "this up", "them up"},
        only_in_requests=True,
    ),
    # "Name the people you know" is no filler.
    Tail(
        _phrase("you know"),
        only_after=word_set(f"it today tomorrow tonight yesterday now already {_WEEKDAYS} {MARK}"),
        never_after=_BINDING,
    ),
)

_REQUEST_VERBS = _phrases(
    "book; check; cancel; find; call; get; order; set; turn; send; play; open; close; show; tell; read; write; add; "
    "remove; make; schedule; reserve; remind; translate; search; buy; change; move; update; confirm; repeat; spell; "
    "explain; give; bring; look; convert; help"
)
_POLITE_REQUESTS = _phrases("can you; could you; would you; will you; let us; i want you to; i need you to; do not")
_QUESTIONS = _phrases("what is; what are; what time; what do; what does; what about; how; when is; where is; where are")

_OPENERS = (
    Opener(("please",), _REQUEST_VERBS + _POLITE_REQUESTS),
    Opener(("hey",), _REQUEST_VERBS + _POLITE_REQUESTS + _QUESTIONS, min_words_behind=3),
    # "So can you" and "so is he" agree: here "so" is no opener.
    Opener(("so",), _REQUEST_VERBS + _QUESTIONS, min_words_behind=3),
    Opener(("well",), _QUESTIONS, min_words_behind=3),
)

_ANSWERS = word_set(
    "yes no okay all right sure fine good great nice cool perfect wonderful well hello hi hey bye goodbye exactly correct "
    "maybe none nothing enough uh-huh mm-hm mhm that this it is are was were do does did am i you he she they we what "
    "who where when why how which not never mind will would can could should may have has had so very much just now "
    "then too the a and or but thank please"
)
"""Courtesy behind nothing but these may be the answer ("okay, thanks" ends a talk), or the sentence goes on."""
_ASSENTS = word_set("yes okay all right sure uh-huh mm-hm mhm exactly")

_STUTTERS = word_set(
    "the an my your our their i we he she they and but or of to at from is are what how where when why can could would"
)

# How it is taken back

_REPAIRS = _phrases(
    """no wait; no no; no sorry; no actually; no i; not that; i mean; i meant; actually; sorry; excuse me; pardon
    or rather; or better; or no; make that; better make it; let us make it; let us say; scratch that; strike that
    forget that; forget it; forget about; never mind; change that; change it to; cancel that; take that back
    take it back; on second thought; on second thoughts; correction; instead; oops; whoops; my mistake; my bad
    hold on; hang on; let me rephrase; let me start; let me think; i was wrong; that is wrong; it should be; that should be
    i misspoke; wait no; wait wait"""
)
_REPAIR_BEGINNINGS = _phrases(
    "no; not; wait; rather; make it; do not; stop; should be; i said; i did not; that is not; but no; but not; but wait; or wait;"
    "or make it"
)
_LEAD_INS = word_set("oh ah well okay so please yes hey you know uh-oh")

_SLOTS = (
    rf"(?:{'|'.join(_WEEKDAYS.split())})s?",
    "|".join(sorted(MONTHS)),
    "today|tonight|tomorrow|yesterday",
    "morning|afternoon|evening|night|noon|midnight",
    "am|pm",
    "small|medium|large",
    "left|right",
    "red|green|blue|black|white|yellow|brown|pink|purple|orange|gray",
)
_SLOT_LEADS = word_set("on at in for by from to until next this the a of about around")

# Fillers of our own

_LIGHT = word_set(
    "okay all right sure certainly alright so well now just let me i will am going to us this that it them for you the "
    "a quickly first here away real quick please up into on out at have"
)
_CHECK = "look up; look into; look at; have a look; take a look; pull up; find out; look; see; check; checking; looking"
_WAIT = "1 moment; a moment; one second; a second; 1 sec; a sec; 1 minute; a minute; hold on; hang on; bear with me"


ENGLISH = LanguagePack(
    respellings=_RESPELLINGS,
    endings={"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'d": "would"},
    phrases=phrase_table(_SPELLED_APART),
    read_numbers=read_numbers,
    number_words=NUMBER_WORDS,
    hesitations=(HESITATIONS | word_set("umm uhh uhm hmmm")) - {"eh"},
    kept_after={"er": word_set("the an to in at our your their his her my nearest closest local")},
    kept_by_numbers=word_set("oh mm ah"),
    fillers=_phrases("you know"),
    stutters=_STUTTERS,
    openers=_OPENERS,
    tails=by_last_word(_TAILS),
    requests=_REQUEST_VERBS + _POLITE_REQUESTS,
    answers=_ANSWERS,
    assents=_ASSENTS,
    listeners=word_set("me"),
    repairs=_REPAIRS,
    repair_beginnings=_REPAIR_BEGINNINGS,
    lead_ins=_LEAD_INS,
    slots=_SLOTS,
    slot_leads=_SLOT_LEADS,
    light=_LIGHT,
    synonyms=phrase_table(
        [(words, ("check",)) for words in _phrases(_CHECK)] + [(words, ("wait",)) for words in _phrases(_WAIT)]
    ),
)
