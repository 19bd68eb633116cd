"""Pure: draws the middle staff of the score: answers and drafts as bars, private thinking as thin ones, tools as frames.

A draft is hollow until it is promoted (diamond) and hatched and struck out when it was thrown away (cross).
"""

from __future__ import annotations

from collections.abc import Iterator

from realtime.drafts import Fate
from realtime.timeline_layout import Frame, Rows, clip_text, text_width
from realtime.timeline_model import Score, Thinking, Tool
from realtime.timeline_svg import at_hand, box, clean, cross, diamond, label, pause, px, tick, title_of
from scheduler.commands import Purpose

ROW_PX = 34.0
BAR_PX, THIN_PX = 8.0, 4.0
TEXT_Y = 21.0
FONT_PX, TAG_PX = 12.0, 10.5
MAX_TEXT_PX = 260.0
BOLD = 1.15
"""How much wider a tag is than plain text."""

_THIN = (Purpose.NOTES, Purpose.FORESIGHT, Purpose.AFTERTHOUGHT)
"""Nothing of these is said by itself."""


def draw_thoughts(score: Score, frame: Frame) -> tuple[str, int]:
    """The staff, first row at y = 0, and how many rows it takes."""
    rows, parts = Rows(gap_px=12.0), []
    for think in sorted(score.thinks, key=lambda think: think.start):
        end = score.end if think.end is None else think.end
        if frame.shows(think.start, think.last_at or end):
            parts.append(_Bar(think, end, frame, rows).draw())
        for tool in think.tools:
            tool_end = tool.end if tool.end is not None else max(end, tool.start)
            if frame.shows(tool.start, tool_end):
                parts.append(_tool(tool, tool_end, frame, rows))
    return "".join(parts), len(rows)


class _Bar:
    """One stream of thinking: its bar, the marks on it, and its words below."""

    def __init__(self, think: Thinking, end: float, frame: Frame, rows: Rows) -> None:
        self._think = think
        self._end = end
        self._frame = frame
        self._left, width = frame.box(think.start, think.last_at or end)
        begins_here = think.start >= frame.system.start
        self._tag = _tag(think) if begins_here else ""
        tag_width = text_width(self._tag, TAG_PX) * BOLD + 6 if self._tag else 0.0
        room = min(max(width - tag_width, MAX_TEXT_PX), frame.page_px - 10 - self._left - tag_width)
        self._text = clip_text(_text(think), room, FONT_PX) if begins_here else ""
        taken = max(width + 8, tag_width + text_width(self._text, FONT_PX))
        self._y = rows.row(self._left, taken) * ROW_PX
        self._middle = self._y + BAR_PX / 2

    def draw(self) -> str:
        parts = [
            title_of(_title(self._think, self._end)),
            *self._bars(),
            *self._waiting(),
            *self._marks(),
            self._label(),
        ]
        faded = ' class="stopped"' if self._think.ending == "stopped" and self._think.fate is None else ""
        return f"<g{faded}>{''.join(parts)}</g>\n"

    # --- the bar ----------------------------------------------------------------------------------

    def _bars(self) -> Iterator[str]:
        think, first = self._think, min(self._think.first_token_at or self._end, self._end)
        if think.fate is Fate.ABANDONED:
            yield self._bar("thrown", think.start, self._end)
            return
        yield self._bar("thought waiting", think.start, first)
        if think.first_token_at is None:
            return
        promoted_at = think.at_fate(Fate.PROMOTED)
        if not think.is_draft:
            yield self._bar("thought private" if think.purpose in _THIN else "thought", first, self._end)
            return
        turned = self._end if promoted_at is None else min(max(promoted_at, first), self._end)
        yield self._bar("draft", first, turned)
        if turned < self._end:
            yield self._bar("thought", turned, self._end)

    def _bar(self, css_class: str, start: float, end: float) -> str:
        if not self._frame.shows(start, end):
            return ""
        left, width = self._frame.box(start, end)
        height = THIN_PX if self._think.purpose in _THIN else BAR_PX
        return box(css_class, left, self._middle - height / 2, width, height, rx=2)

    def _waiting(self) -> Iterator[str]:
        """Written, and kept until it is known what becomes of it."""
        over_at = self._think.last_at
        if over_at is not None and over_at > self._end and self._frame.shows(self._end, over_at):
            left, width = self._frame.box(self._end, over_at)
            yield f'<path class="kept" d="M{px(left)} {px(self._middle)}h{px(width)}"/>'

    # --- marks ------------------------------------------------------------------------------------

    def _marks(self) -> Iterator[str]:
        frame, y = self._frame, self._middle
        for at, sentence in self._think.sentences:
            if frame.shows_at(at):
                place = f'cx="{px(frame.x(at))}" cy="{px(y)}" r="3"'
                yield f'<circle class="sentence" {place}>{title_of(sentence)}</circle>'
        if self._think.is_draft and frame.shows_at(self._think.ready_at):
            yield at_hand(frame.x(self._think.ready_at or 0.0), y)
        for at, fate in self._think.fates:
            if frame.shows_at(at):
                yield _mark(fate, frame.x(at), y)

    # --- its words --------------------------------------------------------------------------------

    def _label(self) -> str:
        style = "thought-text musing" if self._think.thought or self._think.purpose in _THIN else "thought-text"
        style = "struck" if self._think.fate is Fate.ABANDONED else style
        tag = f'<tspan class="tag">{clean(self._tag)}</tspan>' if self._tag else ""
        shift = f' dx="{6 if tag else 0}"'
        place = f'x="{px(self._left)}" y="{px(self._y + TEXT_Y)}"'
        return f'<text {place}>{tag}<tspan class="{style}"{shift}>{clean(self._text)}</tspan></text>'


def _mark(fate: Fate, x: float, y: float) -> str:
    match fate:
        case Fate.PROMOTED:
            return diamond(x, y)
        case Fate.ABANDONED:
            return cross(x, y)
        case Fate.VERIFIED:
            return tick(x, y)
        case Fate.FROZEN:
            return pause(x, y)
        case Fate.OPEN:
            return ""


def _tag(think: Thinking) -> str:
    """What kind of thinking it is, if it is no plain answer; how hard, if that was decided; why it was thrown away."""
    words = [] if think.purpose == Purpose.ANSWER else [think.purpose]
    words += ["for a foreseen end"] if think.is_draft and think.foreseen else []
    words += [think.effort] if think.effort else []
    words += [think.reason.replace("_", " ")] if think.fate is Fate.ABANDONED and think.reason else []
    return ", ".join(words)


def _text(think: Thinking) -> str:
    spoken = " ".join(text for _, text in think.sentences) or " ".join(think.written.split())
    if think.purpose == Purpose.FORESIGHT:
        return think.foreseen
    if think.is_draft:
        return spoken
    if think.silence_reason and not think.thought:
        return "silence"
    return " ".join(think.thought.split()) or spoken


def _title(think: Thinking, end: float) -> str:
    first = (
        "no token"
        if think.first_token_at is None
        else f"first token after {(think.first_token_at - think.start) * 1000:.0f} ms"
    )
    about = [f"{think.think_id} ({think.purpose}), {end - think.start:.2f} s, {first}, {think.ending or 'running'}"]
    about += [f"{fate.value} at {at:.2f} s" for at, fate in think.fates if fate is not Fate.OPEN]
    about += [think.reason] if think.reason else []
    words = f"{think.foreseen} {think.thought} {' '.join(text for _, text in think.sentences) or think.written}"
    return f"{', '.join(about)}. {words.strip()}".strip()


def _tool(tool: Tool, end: float, frame: Frame, rows: Rows) -> str:
    left, width = frame.box(tool.start, end)
    text = f"{tool.name}({clip_text(tool.arguments, 200, FONT_PX)})"
    y = rows.row(left, max(width, text_width(text, FONT_PX))) * ROW_PX
    state = "failed" if tool.failed else f"{end - tool.start:.2f} s"
    words = label("bad" if tool.failed else "thought-text", left, y + TEXT_Y, text)
    frame_box = box("tool", left, y, width, BAR_PX, rx=2)
    return f"<g>{title_of(f'tool {tool.name} {tool.arguments}: {state}')}{frame_box}{words}</g>\n"
