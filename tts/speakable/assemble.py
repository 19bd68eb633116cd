"""Pure: the spoken form of a text, token by token, with what each token covers of the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tts.speakable.grammar import scan
from tts.speakable.markup import Clean, strip_markup

LONGEST_TOKEN = 64
"""A run of more characters without white space is cut into several tokens."""
_PAUSES = ".,;:!?"


@dataclass(frozen=True, slots=True)
class SpokenToken:
    """``source``: a piece of the text with its leading white space. ``spoken``: plain words for it, single
    spaces between, punctuation only after a word, ``""`` for what is not said."""

    source: str
    spoken: str

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.spoken.split())


@dataclass(frozen=True, slots=True)
class Speakable:
    """``"".join(token.source for token in tokens)`` is the text it was made from."""

    tokens: tuple[SpokenToken, ...]

    @property
    def text(self) -> str:
        """What an engine is to say."""
        return " ".join(token.spoken for token in self.tokens if token.spoken)

    @property
    def is_silent(self) -> bool:
        return not any(token.spoken for token in self.tokens)


def make_speakable(text: str, language: str = "en") -> Speakable:
    """Text as written, made ready for an engine that reads plain words.

    ``language``: BCP 47. In English everything is spelled out in ASCII letters; for other languages markup
    and signs are taken away and numbers are left to the engine.
    """
    english_words = language.lower().startswith("en")
    clean = strip_markup(text, ascii_only=english_words)
    groups = _group(clean, english_words)
    return Speakable(tuple(_cut_source(text, clean, groups)))


@dataclass(slots=True)
class _Group:
    """What stands between two spaces; ``start`` in the clean text, with the white space before it."""

    start: int
    spoken: list[str]
    pause: str = ""


def _group(clean: Clean, english_words: bool) -> list[_Group]:
    groups: list[_Group] = []
    last_spoken: _Group | None = None
    next_start: int | None = 0
    for kind, start, end, said in scan(clean.text, english_words=english_words):
        if kind == "space":
            if next_start is None:
                next_start = start
            if last_spoken is not None and not last_spoken.pause and "\n" in clean.text[start:end]:
                last_spoken.pause = ","
            continue
        if next_start is None and clean.text[start] == " ":
            next_start = start
        if next_start is not None or end - groups[-1].start > LONGEST_TOKEN:
            groups.append(_Group(start if next_start is None else next_start, []))
            next_start = None
        if kind == "pause":
            if last_spoken is not None:
                last_spoken.pause = _stronger(last_spoken.pause, said)
        elif said:
            if last_spoken is groups[-1] and last_spoken.pause:
                said = f"{last_spoken.pause} {said}"
                last_spoken.pause = ""
            last_spoken = groups[-1]
            last_spoken.spoken.append(said)
    return groups


def _stronger(first: str, second: str) -> str:
    return max(first, second, key=lambda pause: ".!?".find(pause) if pause else -2)


def _cut_source(text: str, clean: Clean, groups: list[_Group]) -> Iterator[SpokenToken]:
    """Tokens from one group's origin to the next; groups that share an origin become one token."""
    if not text:
        return
    start = 0
    spoken = ""
    for number, group in enumerate(groups):
        said = _join(group)
        spoken = f"{spoken} {said}" if spoken and said else spoken or said
        end = clean.origins[groups[number + 1].start] if number + 1 < len(groups) else len(text)
        if end > start:
            yield SpokenToken(text[start:end], spoken)
            start, spoken = end, ""
    if start < len(text):
        yield SpokenToken(text[start:], spoken)


def _join(group: _Group) -> str:
    said = " ".join(group.spoken) + group.pause if group.spoken else ""
    for pause in _PAUSES:
        said = said.replace(f" {pause}", pause)
    return said


def split_source(text: str, longest: int) -> Iterator[str]:
    """``text`` in parts of at most ``longest`` characters that join to it, cut behind a sentence or a line,
    else before white space, else anywhere. So that a very long text need not be looked at whole."""
    start = 0
    while len(text) - start > longest:
        window = text[start : start + longest]
        cut = max(window.rfind(mark, longest // 2) + 1 for mark in ("\n", ". ", "? ", "! "))
        if cut <= longest // 2:
            cut = max(window.rfind(" "), window.rfind("\n"))
        if cut <= 0:
            cut = longest
        yield text[start : start + cut]
        start += cut
    if start < len(text):
        yield text[start:]
