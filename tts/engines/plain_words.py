"""Pure: a text as phrases of plain ASCII words, for engines that must not see anything else."""

from __future__ import annotations

import re

from tts.phrases import phrases
from tts.speakable import SpokenToken, make_speakable

_NOT_PLAIN = re.compile(r"[^A-Za-z'.,;:?!]")
_LETTER = re.compile(r"[A-Za-z]")


def plain_phrases(text: str) -> list[tuple[SpokenToken, ...]]:
    """Phrases whose tokens join to ``text``; every spoken word holds a letter and none begins or ends in "'"."""
    return list(phrases(_plain(token) for token in make_speakable(text).tokens))


def _plain(token: SpokenToken) -> SpokenToken:
    words = (_NOT_PLAIN.sub("", word).strip("'") for word in token.spoken.split())
    return SpokenToken(token.source, " ".join(word for word in words if _LETTER.search(word)))
