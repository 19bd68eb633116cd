"""Pure: from the times of spoken words back to the words of the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.pcm import WordTime
from tts.speakable import SpokenToken


@dataclass(frozen=True, slots=True)
class Span:
    """When a spoken word sounds, in seconds."""

    start_seconds: float
    end_seconds: float


def align(tokens: Sequence[SpokenToken], spans: Sequence[Span]) -> tuple[WordTime, ...]:
    """Word times whose texts join to the tokens' sources, in order.

    ``spans``: one for each spoken word of the tokens, in order. A token of several spoken words lasts from the
    first to the last. A token that is not said belongs to the word before it, at the beginning to the first.
    Times that overlap or run backwards are straightened. Raises ``ValueError`` when the counts differ; nothing
    said gives no words.
    """
    expected = sum(len(token.words) for token in tokens)
    if expected != len(spans):
        raise ValueError(f"{expected} words to say, but times of {len(spans)}")
    aligned: list[WordTime] = []
    leading = ""
    done = 0
    for token in tokens:
        count = len(token.words)
        if count == 0:
            leading = _append_silent(aligned, leading, token.source)
            continue
        earliest = aligned[-1].end_seconds if aligned else 0.0
        start = max(spans[done].start_seconds, earliest)
        end = max(spans[done + count - 1].end_seconds, start)
        aligned.append(WordTime(leading + token.source, start, end))
        leading = ""
        done += count
    return tuple(aligned)


def _append_silent(aligned: list[WordTime], leading: str, source: str) -> str:
    """Add unspoken source to the last word; before the first word it is kept and returned."""
    if not aligned:
        return leading + source
    last = aligned[-1]
    aligned[-1] = WordTime(last.text + source, last.start_seconds, last.end_seconds)
    return ""


def estimate_spans(words: Sequence[str], start_seconds: float, end_seconds: float) -> tuple[Span, ...]:
    """Times for ``words`` spread over an interval by their length in letters, for engines that tell none.

    A word weighs its letters plus two (its onset and the gap behind it), a pause mark four more.
    """
    weights = [len(word) + 2 + (4 if word[-1] in ",.;:?!" else 0) for word in words]
    total = sum(weights) or 1
    spans: list[Span] = []
    at = start_seconds
    for weight in weights:
        until = at + weight / total * (end_seconds - start_seconds)
        spans.append(Span(at, until))
        at = until
    return tuple(spans)
