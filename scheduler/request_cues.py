"""Pure: tells by cues (``filler_vocabulary``) what kind of request the user's words are."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.filler_vocabulary import FillerLines, RequestKind, RequestLines
from scheduler.words import bare_words, is_spaceless

_READ = 300
"""Characters of a long request that are read at each end: more would take too long in a decision."""


def request_kind(lines: FillerLines, request: str) -> RequestKind:
    """What kind of request these words are; ``STATEMENT`` where nothing tells."""
    return request_lines(lines, request).kind


def request_lines(lines: FillerLines, request: str) -> RequestLines:
    """The first kind whose cues are found, with its lines."""
    heard = _Heard.of(request, lines.skipped)
    for found in lines.requests:
        if not found.cues or (heard.has_any(found.cues) and not heard.has_any(found.unless)):
            return found
    return RequestLines(RequestKind.STATEMENT)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A request, made ready for cues. ``spaced``: " its words "; ``dense``: without spaces; the two that begin where it
    begins to say something; ``mark``: its last character."""

    spaced: str
    dense: str
    spaced_start: str
    dense_start: str
    mark: str

    @classmethod
    def of(cls, request: str, skipped: tuple[str, ...]) -> _Heard:
        if len(request) > 2 * _READ:
            request = f"{request[:_READ]} {request[-_READ:]}"
        words = bare_words(request.replace("’", "'"))
        dense, spaced = "".join(words), f" {' '.join(words)} "
        mark = request.rstrip(" \"'”’」")[-1:]
        return cls(spaced, dense, *_begun(spaced, dense, skipped), mark)

    def has_any(self, cues: tuple[str, ...]) -> bool:
        return any(self._has(cue) for cue in cues if cue[0] != "=") or self._is_only(cues)

    def _has(self, cue: str) -> bool:
        text, begins, ends = cue.strip("^$"), cue[0] == "^", cue[-1] == "$"
        if not text[0].isalnum():
            return text == self.mark
        if not text[0].isascii() and is_spaceless(text[0]):
            whole, start, part = self.dense, self.dense_start, text
        else:
            whole, start, part = self.spaced, self.spaced_start, f" {text} "
        if begins:
            return start.startswith(part)
        return whole.endswith(part) if ends else part in whole

    def _is_only(self, cues: tuple[str, ...]) -> bool:
        """Whether all of it is cues of the ``=`` sort."""
        small = sorted((cue[1:] for cue in cues if cue[0] == "="), key=len, reverse=True)
        if not small or self.dense == "":
            return False
        return any(
            _is_used_up(*text, small) for text in ((self.spaced, self.dense), (self.spaced_start, self.dense_start))
        )


def _is_used_up(spaced: str, dense: str, parts: list[str]) -> bool:
    """Whether nothing is left of a text, given with and without spaces, when all ``parts`` are taken out."""
    for part in parts:
        spaced = spaced.replace(f" {part} ", "  ").replace(f" {part} ", "  ")
        dense = dense.replace(part, "") if is_spaceless(part[0]) else dense
    return not spaced.strip() or not dense


def _begun(spaced: str, dense: str, skipped: tuple[str, ...]) -> tuple[str, str]:
    """Both without the words before the request; a request of nothing else is left as it is."""
    start, dense_start = spaced, dense
    changed = True
    while changed:
        changed = False
        for word in skipped:
            if is_spaceless(word[0]) and dense_start.startswith(word) and dense_start != word:
                dense_start, changed = dense_start.removeprefix(word), True
            elif start.startswith(f" {word} ") and start != f" {word} ":
                start, changed = start.removeprefix(f" {word}"), True
    return start, dense_start
