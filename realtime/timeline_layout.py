"""Pure: where things stand on the page: how time is broken into systems (lines of the score), and who gets which row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from realtime.timeline_model import Score

LEFT, RIGHT = 84.0, 36.0
"""Room beside the staves, in pixels."""

QUIET_SECONDS = 6.0
"""A longer stretch in which nothing happens is left out of the picture."""
LEAD_SECONDS = 0.5
TAIL_SECONDS = 1.0
_BREAK_STEP_SECONDS = 0.1
_EARLIEST_BREAK = 0.65
"""A system is broken where least is going on, in the last third of the room it has."""

_NARROW, _WIDE = frozenset("iljtfrI.,:;'!|()[] "), frozenset("mwMW@%")


@dataclass(frozen=True, slots=True)
class System:
    """One line of the score. ``skipped``: seconds of quiet left out before it."""

    start: float
    end: float
    skipped: float = 0.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the times of a system stand on the page. ``page_px``: its width, which texts may use beyond the system's end."""

    system: System
    px_per_second: float
    page_px: float

    @property
    def right(self) -> float:
        return LEFT + (self.system.end - self.system.start) * self.px_per_second

    def x(self, time: float) -> float:
        return LEFT + (time - self.system.start) * self.px_per_second

    def shows(self, start: float, end: float) -> bool:
        return end >= self.system.start and start < self.system.end

    def shows_at(self, time: float | None) -> bool:
        return time is not None and self.system.start <= time < self.system.end

    def box(self, start: float, end: float) -> tuple[float, float]:
        """Left edge and width of a span, cut to this system."""
        left = max(self.x(start), LEFT)
        return left, max(min(self.x(end), self.right) - left, 2.0)


def text_width(text: str, font_px: float) -> float:
    """About how wide a text is in DejaVu Sans, the widest of the common ones, in pixels; rather too wide than not."""
    units = 0.0
    for char in text:
        units += 0.36 if char in _NARROW else 0.98 if char in _WIDE or ord(char) > 0x2E7F else 0.62
    return units * font_px


def clip_text(text: str, width_px: float, font_px: float) -> str:
    """``text``, shortened with an ellipsis where it is wider than ``width_px``; ``""`` if nothing fits."""
    if text_width(text, font_px) <= width_px:
        return text
    room = width_px - text_width("…", font_px)
    end = 0
    while end < len(text) and text_width(text[: end + 1], font_px) <= room:
        end += 1
    return text[:end].rstrip() + "…" if end else ""


def break_into_systems(score: Score, start: float, end: float, seconds_per_system: float) -> list[System]:
    """Cut ``start`` to ``end`` into systems of at most ``seconds_per_system``."""
    spans = _activity(score)
    systems: list[System] = []
    at, skipped = start, 0.0
    while at < end - 0.05:
        quiet = _next_quiet(spans, at, end)
        limit = min(end, quiet[0] if quiet else end)
        if limit > at + seconds_per_system:
            limit = _calmest(spans, at + seconds_per_system * _EARLIEST_BREAK, at + seconds_per_system)
            quiet = None
        systems.append(System(at, limit, skipped))
        at = quiet[1] if quiet else limit
        skipped = quiet[1] - quiet[0] if quiet else 0.0
    return systems or [System(start, start + 1.0)]


class _Busy(NamedTuple):
    """A stretch in which something is seen, and how badly a break would hurt it."""

    start: float
    end: float
    cost: int


def _activity(score: Score) -> list[_Busy]:
    """Everything that is seen, in order of its beginning."""
    spans = [_Busy(span.start, span.end, 4) for span in score.speech]
    spans += [_Busy(word.start, word.end, 2) for word in score.words]
    spans += [_Busy(t.speech_end, max(t.first_sound_at or 0.0, t.committed_at or 0.0), 8) for t in score.turns]
    spans += [_Busy(u.start or 0.0, u.end or 0.0, 1) for u in score.utterances]
    spans += [_Busy(word.start, word.end, 2) for u in score.utterances for word in u.words]
    for think in score.thinks:
        over_at = think.last_at
        spans.append(_Busy(think.start, score.end if over_at is None else over_at, 3))
        spans += [_Busy(tool.start, tool.end or tool.start, 1) for tool in think.tools]
    spans += [_Busy(at, at, 1) for at, _ in [*score.failures, *score.backchannels]]
    return sorted(spans)


def _next_quiet(spans: Sequence[_Busy], at: float, end: float) -> tuple[float, float] | None:
    """The next stretch to leave out, with a little room left on both sides of it."""
    busy_until = at
    for begin, finish, _ in [*spans, _Busy(end, end, 0)]:
        if begin - busy_until > QUIET_SECONDS and begin > at:
            return busy_until + TAIL_SECONDS, (begin - LEAD_SECONDS if begin < end else end)
        busy_until = max(busy_until, min(finish, end))
    return None


def _calmest(spans: Sequence[_Busy], earliest: float, latest: float) -> float:
    """The moment between the two that cuts the fewest things in two; the latest such."""
    steps = max(int((latest - earliest) / _BREAK_STEP_SECONDS), 1)
    moments = [latest - step * _BREAK_STEP_SECONDS for step in range(steps)]
    near = [span for span in spans if span.start < latest and span.end > earliest]
    return min(moments, key=lambda moment: sum(span.cost for span in near if span.start < moment < span.end))


class Rows:
    """Hands out rows to things that come in order of their left edge, so that none overlap.

    ``limit``: at most so many rows; ``slack_px``: how far to the right a thing may be moved to fit.
    """

    def __init__(self, limit: int | None = None, *, gap_px: float = 4.0, slack_px: float = 0.0) -> None:
        self._right: list[float] = []
        self._limit = limit
        self._gap = gap_px
        self._slack = slack_px

    def __len__(self) -> int:
        return len(self._right)

    def place(self, left: float, width: float) -> tuple[int, float] | None:
        """(row, left edge): the first row with room, or a new one; ``None`` where the limit allows none."""
        for row, right in enumerate(self._right):
            free = right + self._gap
            if free <= left + self._slack:
                self._right[row] = max(left, free) + width
                return row, max(left, free)
        if self._limit is not None and len(self._right) >= self._limit:
            return None
        self._right.append(left + width)
        return len(self._right) - 1, left

    def row(self, left: float, width: float) -> int:
        """As ``place``, for rows without a limit."""
        placed = self.place(left, width)
        return placed[0] if placed else 0
