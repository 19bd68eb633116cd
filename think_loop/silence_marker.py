"""Pure: how a language model says that it chooses silence.

Its whole answer is then ``<silence>reason</silence>`` or ``[silence: reason]``; the default instructions
(``think_loop/prompt.py``) tell it so. Only an answer that *begins* with one of these is taken as silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from think_loop.language_model import Silence, Words

_OPENINGS = ("<silence>", "<silence/>", "<silent>", "[silence]", "[silence:", "[silent]", "[silent:")
_OPENING = re.compile(r"\s*(?:<(?:silence|silent)/?>|\[(?:silence|silent)[\]:])", re.IGNORECASE)
_CLOSING = re.compile(r"</\s*silen(?:ce|t)\s*>|\]", re.IGNORECASE)
_LONGEST_REASON = 300
_MOST_HELD = 100
"""White space before a marker, and the marker itself."""


@dataclass(slots=True)
class SilenceMarker:
    """Turns the beginning of an answer into ``Silence`` where it says so; everything else passes as ``Words``.

    It holds back text only for as long as the answer may still begin with a marker (at most ten characters).
    """

    _held: str = ""
    _passing: bool = False
    _reason: list[str] | None = field(default=None)

    def feed(self, text: str) -> list[Words | Silence]:
        if self._reason is not None:
            self._reason.append(text)
            return []
        if self._passing:
            return [Words(text)] if text else []
        self._held += text
        return self._judge()

    def finish(self) -> list[Words | Silence]:
        if self._reason is not None:
            return [Silence(_reason("".join(self._reason)))]
        return self._judge(over=True)

    def _judge(self, over: bool = False) -> list[Words | Silence]:
        opening = _OPENING.match(self._held)
        if opening is not None:
            self._reason = [self._held[opening.end() :]]
            return self.finish() if over else []
        begun = self._held.lstrip().lower()
        if not over and len(self._held) < _MOST_HELD and any(candidate.startswith(begun) for candidate in _OPENINGS):
            return []
        self._passing = True
        held, self._held = self._held, ""
        return [Words(held)] if held else []


def _reason(text: str) -> str:
    reason = _CLOSING.split(text[: 2 * _LONGEST_REASON], maxsplit=1)[0]
    return " ".join(reason.split())[:_LONGEST_REASON] or "no reason given"
