"""Pure: takes away what is written but not said: markdown, tags, control characters, emoji.

Only single delimiters are matched, never pairs with anything between them, so that unbalanced or nested
markup can't make the patterns backtrack.
"""

from __future__ import annotations

import html
import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

KEPT_SYMBOLS = "×÷−–—€£¥₹¢°±√≈≠≤≥→²³½¼¾⅓⅔µ·"
"""Characters beyond ASCII that the grammar knows how to say."""
_MAPPED = {
    "‘": "'",
    "’": "'",
    "‚": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "…": "...",
    "•": " ",
    "μ": "µ",
}
_MAPPED |= {
    "‐": "-",
    "‑": "-",
    "‒": "–",
    "―": "—",
    "、": ", ",
    "。": ". ",
    "，": ", ",
    "！": "! ",
    "？": "? ",
    "：": ": ",
}

_MARKUP = re.compile(
    r"""
      (?P<fence> ```[^`\n]*\n[^`]*``` )                      # a block of code is not read out
    | (?P<drop>
          ^[ \t|:\-]{3,}$ | ^[ \t*]{3,}$ | ^[ \t_=]{3,}$       # rules, rows under table heads
        | ^[ \t]{0,12}(?:\#{1,6}[ \t] | [-*+•][ \t] | >[ \t]?){1,4}   # headings, bullets, quotes
        | `+ | \*\*+ | __+ | ~~
        | (?<![\s\d])\* | \*(?![\s\d]) | (?<!\w)_ | _(?!\w)
        | !(?=\[) | \[\^\w{1,10}\] | \[\d{1,3}\](?!\() | \]\([^()\s]{0,2000}(?:[ ]"[^"\n()]{0,200}")?\)
        | </?[a-zA-Z](?![^<>\n]{0,6}://)[^<>\n]{0,300}> | <!--
        | \\(?=[^\w\s])
        | \x1b\[[0-9;?]{0,16}[A-Za-z]                           # a terminal's colours
      )
    | (?P<bar> \| )
    | (?P<entity> &(?:[a-zA-Z]{2,8}|\#\d{1,6}); )
    | (?P<control> [\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]+ | \x1b )
    | (?P<other> [^\x00-\x7f]+ )
    """,
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Clean:
    """``text`` without markup; ``origins[i]`` is where its character ``i`` stood in the source (never falls)."""

    text: str
    origins: array[int]


def strip_markup(text: str, *, ascii_only: bool) -> Clean:
    """``ascii_only``: letters of other scripts are written in Latin ones, for voices that know no others."""
    parts: list[str] = []
    origins = array("q")
    done = 0
    for match in _MARKUP.finditer(text):
        _copy(text, done, match.start(), parts, origins)
        done = match.end()
        if match.lastgroup == "other":
            for offset, char in enumerate(match.group()):
                _put(_beyond_ascii(char, ascii_only), match.start() + offset, parts, origins)
        else:
            _put(_replacement(match), match.start(), parts, origins)
    _copy(text, done, len(text), parts, origins)
    return Clean("".join(parts), origins)


def _replacement(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "fence":
            return "\n"
        case "bar":
            return ", "
        case "entity":
            return html.unescape(match.group()) if html.unescape(match.group()).isascii() else " "
        case "control":
            return " "
        case _:
            return ""


def _copy(text: str, start: int, end: int, parts: list[str], origins: array[int]) -> None:
    if end > start:
        parts.append(text[start:end])
        origins.extend(range(start, end))


def _put(replacement: str, origin: int, parts: list[str], origins: array[int]) -> None:
    if replacement:
        parts.append(replacement)
        origins.extend([origin] * len(replacement))


@lru_cache(maxsize=4096)
def _beyond_ascii(char: str, ascii_only: bool) -> str:
    """What a character beyond ASCII becomes: itself, Latin letters, a space, or nothing."""
    if char in KEPT_SYMBOLS:
        return char
    if char in _MAPPED:
        return _MAPPED[char]
    category = unicodedata.category(char)
    if category[0] == "Z":
        return "\n" if category in ("Zl", "Zp") else " "
    if category[0] in "CS":
        return ""
    if not ascii_only and category[0] in "LMN":
        return char
    if category[0] == "M":
        return ""
    plain = re.sub(r"[^A-Za-z0-9 ,.!?'/-]", "", anyascii(char))
    return plain + " " if category == "Lo" and len(plain) > 1 else plain
