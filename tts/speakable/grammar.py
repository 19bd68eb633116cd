"""Pure: finds what must be said otherwise than it is written, and says it.

Every quantifier has a bound and every alternative begins with what it needs, so that a scan takes time in
proportion to the text. What no alternative knows is one silent character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tts.speakable import english
from tts.speakable.english import ABBREVIATIONS, CURRENCIES, MAGNITUDES, MONTHS, SIGNS, UNITS

_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,18})(?:\.\d{1,18})?"
_MONTH = "|".join(rf"{month}|{month[:3]}\b\.?" for month in MONTHS) + r"|Sept\b\.?"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_MAGNITUDE = "|".join(sorted(MAGNITUDES, key=len, reverse=True))
_CODES = "|".join(code for code in CURRENCIES if code.isalpha())
_TOP = "com|org|net|io|dev|ai|edu|gov|app|info|co|uk|de|eu|fr|us|ca|me|tv"
_BEFORE_NUMBER = r"no\.|fig\."
"""Only before a number: "no." also ends sentences."""
_ABBREVIATION = "|".join(
    re.escape(short) for short in ABBREVIATIONS if short.count(".") == 1 and short not in ("no.", "fig.")
)
_HALF = r"(?:\s?(?P<{0}>[aApP])(?:\.[mM]\.|[mM]\b))"

_GRAMMAR = re.compile(
    rf"""
      (?P<by> (?<=\d)[ ]?[xX](?=[ ]?\d) )
    | (?P<minus> (?<=\d)[ ][-–](?=[ ]\d) | (?<![\w)])[-−](?=[$€£.]?\d) )
    | (?P<to> (?<=\d)[-–—](?=\d) )
    | (?P<over> (?<=[\d)])[ ]/(?=[ ][\d(]) )
    | (?P<space> \s{{1,64}} )
    | (?P<plain> (?!(?:{_MONTH})[ ]\d)[A-Za-z]{{1,40}}(?=[ \n,!?]|$) )
    | (?P<email> [A-Za-z0-9._%+-]{{1,64}}@[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{1,4}} )
    | (?P<url> (?:https?://|ftp://|www\.)(?P<url_host>[A-Za-z0-9.-]{{0,100}}[A-Za-z0-9])
        (?:[:/?\#](?:[^\s<>"()\[\]{{}}|]{{0,2000}}[^\s<>"()\[\]{{}}|.,;:!?'])?)? )
    | (?P<domain> (?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{_TOP})\b(?!\.[A-Za-z])(?:/[^\s<>"()\[\]{{}}|,]{{0,200}})? )
    | (?P<iso> (?P<iso_y>\d{{4}})-(?P<iso_m>0[1-9]|1[0-2])-(?P<iso_d>0[1-9]|[12]\d|3[01])(?!\d)
        (?:[T ](?P<iso_H>[01]\d|2[0-3]):(?P<iso_M>[0-5]\d)(?::[0-5]\d(?:\.\d{{1,9}})?)?(?:Z\b)?)? )
    | (?P<slash> (?<![\d/])(?P<slash_a>\d{{1,2}})/(?P<slash_b>\d{{1,2}})/(?P<slash_y>\d{{4}}|\d{{2}})(?![\d/]) )
    | (?P<mdy> (?P<mdy_m>{_MONTH})[ ](?P<mdy_d>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?(?![\w:])(?:,?[ ](?P<mdy_y>[12]\d{{3}})(?!\d))? )
    | (?P<dmy> (?P<dmy_d>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?[ ](?:of[ ])?(?P<dmy_m>{_MONTH})(?!\w)(?:,?[ ](?P<dmy_y>[12]\d{{3}})(?!\d))? )
    | (?P<clock> (?<!\d)(?P<clock_H>[01]?\d|2[0-3]):(?P<clock_M>[0-5]\d)(?::(?P<clock_S>[0-5]\d))?(?!\d){_HALF.format("clock_half")}? )
    | (?P<hour> (?<![\d.,])(?P<hour_H>1[0-2]|0?[1-9]){_HALF.format("hour_half")} )
    | (?P<phone> (?:\+\d{{1,3}}[ .-]?)?(?:\(\d{{2,4}}\)[ .-]?|(?<!\d)\d{{3}}[.-])\d{{3}}[ .-]\d{{4}}(?!\d)
        | (?<!\d)\d{{3}}[ ]\d{{3}}[ ]\d{{4}}(?!\d) | \+\d{{1,3}}(?:[ .-]?\d{{2,4}}){{2,5}}(?!\d) | (?<![\d-])\d{{3}}-\d{{4}}(?![\d-]) )
    | (?P<money> (?P<money_sign>[$€£¥₹])[ ]?(?P<money_n>{_NUMBER})(?:[ ]?(?P<money_mag>{_MAGNITUDE})\b)? )
    | (?P<coin> (?P<coin_n>{_NUMBER})(?:[ ]?(?P<coin_mag>{_MAGNITUDE}))?[ ]?(?P<coin_sign>[€£¥₹]|(?:{_CODES})\b) )
    | (?P<dotted> (?<![\d.])\d{{1,5}}(?:\.\d{{1,5}}){{2,5}}(?![\d]) )
    | (?P<decade> (?P<decade_n>(?:1[1-9]|20)\d0)'?s\b )
    | (?P<fraction> (?<![\d/.])(?P<fraction_a>\d{{1,3}})/(?P<fraction_b>[1-9]\d{{0,2}})(?![\d/]) )
    | (?P<ordinal> (?P<ordinal_n>\d{{1,9}})(?:st|nd|rd|th)\b )
    | (?P<measure> (?P<measure_n>{_NUMBER})[ -]?(?P<measure_unit>{_UNIT})(?![A-Za-z0-9]) )
    | (?P<scaled> (?P<scaled_n>{_NUMBER})(?P<scaled_mag>[kKMB]|bn)(?![A-Za-z0-9]) )
    | (?P<year> (?<![\d.,])(?:1[1-9]|20)\d\d(?![\d]|[,.]\d|[ ]?[-+×÷*/=^−]) )
    | (?P<number> {_NUMBER} )
    | (?P<hash> \#(?=\d) )
    | (?P<about> ~(?=\d) )
    | (?P<dash> (?:--+|[–—]|(?<=\s)-(?=\s)) )
    | (?P<initials> (?:[A-Za-z]\.){{2,6}} )
    | (?P<abbreviation> (?i:(?:{_BEFORE_NUMBER})(?=[ ]?\d)|{_ABBREVIATION}) )
    | (?P<word> [A-Za-z]{{1,40}}(?:'[A-Za-z]{{1,10}}){{0,3}} )
    | (?P<ellipsis> \.\.+ )
    | (?P<stop> [.!?]{{1,64}} )
    | (?P<pause> [,;:] )
    | (?P<sign> <=|>=|==|!=|->|=>|[×·÷+−=≤≥≈≠±√²³½¼¾⅓⅔°%¢&@→^*] | (?<=[\s\d])[<>](?=[\s\d]) )
    | (?P<silent> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_OTHER_LANGUAGE = re.compile(
    r"(?P<space>\s{1,64})|(?P<word>[\w'%+&@-]{1,64})|(?P<stop>[.!?]{1,64})|(?P<pause>[,;:])|(?P<silent>.)", re.DOTALL
)


def scan(text: str, *, english_words: bool) -> Iterator[tuple[str, int, int, str]]:
    """(kind, start, end, spoken) of everything in ``text``, without a gap.

    Kinds that matter to the caller: ``space``, and ``pause`` whose spoken form is the punctuation that belongs
    to the words before. Every other kind is words, or nothing to say.
    """
    pattern = _GRAMMAR if english_words else _OTHER_LANGUAGE
    for match in pattern.finditer(text):
        kind = match.lastgroup or "silent"
        kind = kind.split("_")[0]
        if kind == "plain" or (not english_words and kind == "word"):
            yield "words", match.start(), match.end(), match.group()
        else:
            yield _say(kind, match)


def _say(kind: str, match: re.Match[str]) -> tuple[str, int, int, str]:
    start, end, text = match.start(), match.end(), match.group()
    match kind:
        case "space":
            return "space", start, end, ""
        case "silent":
            return "words", start, end, ""
        case "stop":
            return "pause", start, end, "?" if "?" in text else "!" if "!" in text else "."
        case "pause" | "ellipsis" | "dash":
            return "pause", start, end, text if kind == "pause" else ","
        case _:
            return "words", start, end, _SAYERS[kind](match)


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _integer(text: str | None) -> int | None:
    return None if text is None else int(text)


def _say_iso(m: re.Match[str]) -> str:
    said = english.date(int(m["iso_d"]), int(m["iso_m"]), int(m["iso_y"]))
    if m["iso_H"] is None:
        return said
    return f"{said} at {english.clock(int(m['iso_H']), int(m['iso_M']), None, '')}"


def _say_slash(m: re.Match[str]) -> str:
    """Month first, as in American English, unless only the other order can be meant."""
    first, second, in_year = int(m["slash_a"]), int(m["slash_b"]), int(m["slash_y"])
    in_year += 2000 if in_year < 100 else 0
    month, day = (first, second) if first <= 12 else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return " slash ".join(english.decimal(part) for part in m["slash"].split("/"))
    return english.date(day, month, in_year)


def _say_clock(m: re.Match[str]) -> str:
    half = (m["clock_half"] or "").lower()
    return english.clock(int(m["clock_H"]), int(m["clock_M"]), _integer(m["clock_S"]), half)


def _say_decade(m: re.Match[str]) -> str:
    said = english.year(int(m["decade_n"]))
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def _say_dotted(m: re.Match[str]) -> str:
    parts = m["dotted"].split(".")
    joint = " dot " if len(parts) == 4 else " point "
    return joint.join(english.decimal(part) for part in parts)


def _say_link(m: re.Match[str]) -> str:
    host: str = m["url_host"]
    return english.address(host.removeprefix("www."))


def _say_initials(m: re.Match[str]) -> str:
    text = m["initials"]
    return ABBREVIATIONS.get(text.lower()) or " ".join(text.replace(".", " ").upper().split())


def _say_sign(m: re.Match[str]) -> str:
    said = SIGNS[m["sign"]]
    if said.startswith("and ") and not m.string[max(0, m.start() - 1) : m.start()].isdigit():
        return said.removeprefix("and ").replace("a ", "one ", 1)
    return said


def _say_to(m: re.Match[str]) -> str:
    """ "5-10" is five to ten, "10-5" ten minus five."""
    before = re.search(r"[\d,.]{1,18}$", m.string[max(0, m.start() - 18) : m.start()])
    after = re.match(r"[\d,.]{1,18}", m.string[m.end() : m.end() + 18])
    if before is None or after is None:
        return "to"
    return "to" if _value(before.group()) < _value(after.group()) else "minus"


def _value(text: str) -> float:
    head = text.replace(",", "").split(".")
    return float(".".join(head[:2])) if head[0] else 0.0


_SAYERS: dict[str, Callable[[re.Match[str]], str]] = {
    "email": lambda m: english.address(m["email"]),
    "url": _say_link,
    "domain": lambda m: english.address(m["domain"].split("/")[0]),
    "iso": _say_iso,
    "slash": _say_slash,
    "mdy": lambda m: english.date(int(m["mdy_d"]), _month(m["mdy_m"]), _integer(m["mdy_y"])),
    "dmy": lambda m: english.date(int(m["dmy_d"]), _month(m["dmy_m"]), _integer(m["dmy_y"])),
    "clock": _say_clock,
    "hour": lambda m: english.clock(int(m["hour_H"]), None, None, m["hour_half"].lower()),
    "phone": lambda m: english.phone(m["phone"]),
    "money": lambda m: english.money(m["money_sign"], m["money_n"], m["money_mag"] or ""),
    "coin": lambda m: english.money(m["coin_sign"], m["coin_n"], m["coin_mag"] or ""),
    "dotted": _say_dotted,
    "decade": _say_decade,
    "fraction": lambda m: english.fraction(int(m["fraction_a"]), int(m["fraction_b"])),
    "ordinal": lambda m: english.ordinal(int(m["ordinal_n"])),
    "measure": lambda m: english.measure(m["measure_n"], m["measure_unit"]),
    "scaled": lambda m: f"{english.decimal(m['scaled_n'])} {MAGNITUDES[m['scaled_mag']]}",
    "year": lambda m: english.year(int(m["year"])),
    "number": lambda m: english.decimal(m["number"]),
    "by": lambda _: "times",
    "minus": lambda _: "minus",
    "to": _say_to,
    "over": lambda _: "divided by",
    "hash": lambda _: "number",
    "about": lambda _: "about",
    "initials": _say_initials,
    "abbreviation": lambda m: ABBREVIATIONS[m["abbreviation"].lower()],
    "word": lambda m: m["word"],
    "sign": _say_sign,
}
