"""Pure: a turn of the user, tidied: the same words whether they were typed or recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass

from text_to_num import alpha2digit  # type: ignore[import-untyped, unused-ignore]

LONGEST_TURN = 600
"""Characters that are looked at (about 40 s of speech); it also bounds the time that rules take."""

_SYMBOLS = (
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"[’`´]"), "'"),
    (re.compile(r"[×∙·]|(?<=[\d\s)])\*(?=[\d\s(])"), " times "),
    (re.compile(r"(?<=\d)\s*x\s*(?=\d)"), " times "),
    (re.compile(r"÷|(?<=\d)\s*/\s*(?=\d)"), " divided by "),
    (re.compile(r"(?<=\d)\s*(?:\^|\*\*)\s*(?=\d)"), " to the power of "),
    (re.compile(r"\+"), " plus "),
    (re.compile(r"−|(?<=\d)-(?=\d)|(?<=\d)\s+-\s+(?=\d)|(?<=that) - "), " minus "),
    (re.compile(r"√"), " square root of "),
    (re.compile(r"²"), " squared "),
    (re.compile(r"³"), " cubed "),
    (re.compile(r"%"), " percent "),
    (re.compile(r"°\s*c\b"), " celsius "),
    (re.compile(r"°\s*f\b"), " fahrenheit "),
    (re.compile(r"(?<=[a-z])-(?=[a-z])"), " "),
)
_NO_WORD = re.compile(r"[^\w\s'.:-]|(?<!\d)[.:]|[.:](?!\d)|(?<![\s\d])-|-(?!\d)|(?<!\w)'|'(?!\w)")
_HESITATIONS = re.compile(r"\b(?:u[hm]+|erm+|please|kindly)\b")
_OPENERS = re.compile(r"^(?:(?:hey|okay|ok|so|well|and|oh|all right|alright|listen|now) )+(?=\S)")
_FRACTIONS = (
    (re.compile(r"\b(\d+(?:\.\d+)?) and (?:a|one|1) half\b"), 0.5),
    (re.compile(r"\b(\d+(?:\.\d+)?) and (?:a|one|1) quarter\b"), 0.25),
    (re.compile(r"\b(\d+(?:\.\d+)?) and (?:three|3) quarters\b"), 0.75),
)
_SCALED = re.compile(r"\b(\d+\.\d+) (1000|1000000|1000000000)\b")


@dataclass(frozen=True, slots=True)
class Heard:
    """``raw``: as it came. ``words``: lower case, without punctuation, symbols as words. ``core``: ``words`` without
    hesitations, courtesy and openers ("um", "please", "okay so"). ``numbers``: ``core`` with numbers as digits. ``kept``:
    ``raw`` without what the caller took back; all but ``raw`` go by it. ``question``: to be asked before anything is done,
    since it can't be told what was taken back."""

    raw: str
    words: str
    core: str
    numbers: str
    kept: str
    question: str = ""


def hear(text: str) -> Heard:
    words = plain_words(text)
    core = _squeezed(_HESITATIONS.sub(" ", words))
    core = _OPENERS.sub("", core)
    return Heard(text.strip(), words, core, with_digits(core), text.strip())


def plain_words(text: str) -> str:
    return _squeezed(_NO_WORD.sub(" ", spelled_out(text[:LONGEST_TURN].lower())))


def spelled_out(text: str) -> str:
    """Symbols as words: "7*8" becomes "7 times 8"."""
    for pattern, replacement in _SYMBOLS:
        text = pattern.sub(replacement, text)
    return text


def with_digits(words: str) -> str:
    """ "two and a half" becomes "2.5", "a dozen" "12", "minus five" stays "minus 5"; "second" stays a word."""
    protected = words.replace("second", "zecond")
    digits = str(alpha2digit(protected, "en", threshold=0)).replace("zecond", "second")
    digits = re.sub(r"\bpoint (\d)", r"0.\1", digits)
    for pattern, part in _FRACTIONS:
        digits = pattern.sub(lambda found, part=part: f"{float(found[1]) + part:g}", digits)  # type: ignore[misc]
    digits = _SCALED.sub(lambda found: f"{round(float(found[1]) * int(found[2]), 6):f}".rstrip("0").rstrip("."), digits)
    digits = re.sub(r"\b(?:a|1) (100|1000|1000000|1000000000)\b", r"\1", digits)
    digits = re.sub(r"\b(\d+) dozen\b", lambda found: str(12 * int(found[1])), digits)
    digits = re.sub(r"\b(?:a|1) dozen\b", "12", digits)
    return _squeezed(digits)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
