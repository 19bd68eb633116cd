"""Pure: cuts a spoken text into phrases that an engine renders at one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tts.speakable import SpokenToken

LONGEST_PHRASE = 200
"""Characters. An engine that can't be stopped before its first sample is held up no longer than this takes."""
SHORTEST_CLAUSE = 60
"""A clause of fewer characters is not worth a break in the melody."""


def phrases(
    tokens: Iterable[SpokenToken], *, longest: int = LONGEST_PHRASE, shortest: int = SHORTEST_CLAUSE
) -> Iterator[tuple[SpokenToken, ...]]:
    """Runs of tokens of at most ``longest`` spoken characters, preferably ending where a clause does.

    A sentence no longer than ``longest`` stays whole; so the melody is broken only where it must be.
    """
    waiting = list(tokens)
    while waiting:
        count = _phrase_length(waiting, longest, shortest)
        yield tuple(waiting[:count])
        waiting = waiting[count:]


def _phrase_length(tokens: list[SpokenToken], longest: int, shortest: int) -> int:
    length = 0
    clause_end = 0
    for number, token in enumerate(tokens):
        length += len(token.spoken) + 1
        if length > longest and number:
            return clause_end or number
        if token.spoken[-1:] in tuple(",.;:?!") and length >= shortest:
            clause_end = number + 1
    return len(tokens)
