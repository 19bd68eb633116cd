"""Pure: parts reasoning from words in text that holds ``<think>…</think>``, however it is cut into chunks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from think_loop.language_model import Thought, Words

_TAG = re.compile(r"<(?P<close>/)?(?:think|thinking|reasoning)>", re.IGNORECASE)
_TAG_TEXTS = tuple(f"<{slash}{name}>" for name in ("think", "thinking", "reasoning") for slash in ("", "/"))
_LONGEST_TAG = max(map(len, _TAG_TEXTS))


@dataclass(slots=True)
class ThinkTags:
    """``feed`` chunks, ``finish`` at the end; at most one unfinished tag is held back in between.

    ``thinking``: whether the text begins inside a thought, as with models whose chat template already
    opens it, so that only ``</think>`` is written. When such a text ends without any tag, it was no thought:
    ``finish`` then gives all of it as words.
    """

    thinking: bool = False
    _held: str = ""
    _assumed: str | None = None
    lone_close_seen: bool = False
    """A ``</think>`` came without ``<think>`` before it: this model's answers begin inside a thought."""
    assumption_failed: bool = False
    """The text was to begin inside a thought, and had no tag at all."""

    def __post_init__(self) -> None:
        self._assumed = "" if self.thinking else None

    def feed(self, text: str) -> list[Thought | Words]:
        text = self._held + text
        pieces: list[Thought | Words] = []
        done = 0
        for tag in _TAG.finditer(text):
            self._add(pieces, text[done : tag.start()])
            self._switch(closes=tag["close"] is not None)
            done = tag.end()
        keep = _unfinished_tag(text[done:])
        self._held = text[len(text) - keep :] if keep else ""
        self._add(pieces, text[done : len(text) - keep])
        return pieces

    def finish(self) -> list[Thought | Words]:
        pieces: list[Thought | Words] = []
        self._add(pieces, self._held)
        self._held = ""
        if self._assumed:
            self.assumption_failed = True
            return [Words(self._assumed)]
        return pieces

    def _switch(self, *, closes: bool) -> None:
        if closes and not self.thinking:
            self.lone_close_seen = True
        self.thinking = not closes
        self._assumed = None

    def _add(self, pieces: list[Thought | Words], text: str) -> None:
        if not text:
            return
        if self._assumed is not None:
            self._assumed += text
        pieces.append(Thought(text) if self.thinking else Words(text))


def _unfinished_tag(text: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of a tag."""
    begin = text.rfind("<", max(0, len(text) - _LONGEST_TAG))
    if begin < 0:
        return 0
    tail = text[begin:].lower()
    return len(tail) if any(tag.startswith(tail) for tag in _TAG_TEXTS) else 0
