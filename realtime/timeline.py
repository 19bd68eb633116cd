"""Pure: draws a session as a score: three staves (heard, thought, said) over one time axis, as SVG or HTML.

The yellow gap of each turn runs from the end of speech to the agent's first sound. Words stand where they
were spoken; a double stroke, as the caesura in a score, is where the agent was cut off. What was thought ahead is
hollow until it became the answer, and hatched where it was thrown away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from realtime.drafts import Fate
from realtime.timeline_layout import LEFT, RIGHT, Frame, break_into_systems, clip_text, text_width
from realtime.timeline_model import Score, Turn, read_score
from realtime.timeline_style import Theme, css
from realtime.timeline_svg import at_hand, clean, cross, diamond, pause, px, rest, tick
from realtime.timeline_system import SMALL_PX, SYSTEM_GAP_PX, TOP, SystemDrawing, wait_ms
from scheduler.commands import Command
from scheduler.events import Event


@dataclass(frozen=True, slots=True)
class Picture:
    """How to draw. ``start``, ``end``: the part of the session to show, in seconds; ``end=None``: to its end."""

    width_px: float = 1280.0
    px_per_second: float = 112.0
    start: float = 0.0
    end: float | None = None
    theme: Theme = "auto"
    title: str = ""


def draw_svg(entries: Iterable[tuple[float, Event | Command]], picture: Picture | None = None) -> str:
    """A journal's entries as one stand-alone SVG document."""
    return _draw(read_score(entries), picture or Picture())


def draw_html(entries: Iterable[tuple[float, Event | Command]], picture: Picture | None = None) -> str:
    """The same picture in a page of its own, with a table of the turns below it."""
    picture = picture or Picture()
    score = read_score(entries)
    rows = "".join(_table_row(turn) for turn in score.turns)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{clean(picture.title or 'Stretto timeline')}</title>\n"
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">\n'
        "<style>body{margin:1.5rem;font:15px/1.5 system-ui,sans-serif}main{overflow-x:auto}"
        "table{border-collapse:collapse;margin-top:1rem}th,td{text-align:left;padding:.25rem 1rem .25rem 0}"
        "td.n{text-align:right;font-variant-numeric:tabular-nums}</style></head>\n<body><main>\n"
        f"{_draw(score, picture)}</main>\n"
        "<table><thead><tr><th>turn</th><th>at</th><th>heard</th><th>outcome</th><th>first sound</th>"
        "<th>the answer</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></body></html>\n"
    )


def _table_row(turn: Turn) -> str:
    wait = "" if turn.first_sound_at is None else f"{wait_ms(turn)} ms"
    answer = "" if turn.substance_at is None else f"{round((turn.substance_at - turn.speech_end) * 1000)} ms"
    outcome = turn.outcome + (f" ({turn.reason})" if turn.reason else "")
    return (
        f'<tr><td>{clean(turn.turn_id)}</td><td class="n">{turn.start:.1f} s</td><td>{clean(turn.transcript)}</td>'
        f'<td>{clean(outcome)}</td><td class="n">{wait}</td><td class="n">{answer}</td></tr>\n'
    )


def _draw(score: Score, picture: Picture) -> str:
    room = picture.width_px - LEFT - RIGHT
    end = min(score.end + 0.3, picture.end if picture.end is not None else float("inf"))
    systems = break_into_systems(score, picture.start, max(end, picture.start), room / picture.px_per_second)
    widest = max((system.end - system.start) * picture.px_per_second for system in systems)
    width, title = max(widest + LEFT + RIGHT, 860.0), picture.title or "What was heard, thought and said"
    y, parts = TOP, []
    for number, system in enumerate(systems):
        drawing = SystemDrawing(score, Frame(system, picture.px_per_second, width), f"clip{number}")
        parts.append(f'<g transform="translate(0 {px(y)})">\n{drawing.draw()}</g>\n')
        y += drawing.height + SYSTEM_GAP_PX
    legend, lines = _legend(score, width - LEFT - RIGHT)
    parts.append(f'<g transform="translate({LEFT} {px(y - 6)})">{legend}</g>\n')
    y += lines * LEGEND_LINE_PX
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{px(width)}" height="{px(y)}" '
        f'viewBox="0 0 {px(width)} {px(y)}" role="img">\n<title>{clean(title)}</title>\n'
        f"<desc>{clean(_describe(score))}</desc>\n<style>{css(picture.theme)}</style>\n{_HATCH}\n"
        f'<rect class="paper" width="100%" height="100%"/>\n'
        f'<text class="title" x="16" y="26">{clean(clip_text(title, width - 32, 14))}</text>\n{"".join(parts)}</svg>\n'
    )


def _legend(score: Score, width: float) -> tuple[str, int]:
    """What the marks mean, and in how many lines that stands. Only what may be in this picture is explained."""
    x, line, parts = 0.0, 0, []
    for mark, meaning in [*_MARKS, *_marks_of(score)]:
        taken = 16 + text_width(meaning, SMALL_PX)
        if x and x + taken > width:
            x, line = 0.0, line + 1
        place = f"translate({px(x)} {px(line * LEGEND_LINE_PX)})"
        parts.append(f'<g transform="{place}">{mark}<text class="small" x="16" y="0">{meaning}</text></g>')
        x += taken + 16
    return "".join(parts), line + 1


LEGEND_LINE_PX = 18.0
_HATCH = (
    '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" x2="0" y1="0" y2="5"/></pattern></defs>'
)
_MARKS = (
    ('<circle class="partial" cx="4" cy="-4" r="2.4"/>', "partial"),
    ('<circle class="heard" cx="4" cy="-4" r="2.4"/>', "final transcript"),
    ('<line class="commit" x1="4" x2="4" y1="-10" y2="2"/>', "turn is over"),
    ('<rect class="gap" x="0" y="-9" width="9" height="10"/>', "end of speech to first sound"),
    ('<circle class="sentence" cx="4" cy="-4" r="3"/>', "sentence written"),
    ('<rect class="said" x="0" y="-5" width="9" height="2"/>', "quieter while the user speaks"),
    ('<path class="caesura" d="M0 1L4 -9M5 1L9 -9"/>', "cut off"),
)


def _marks_of(score: Score) -> Iterator[tuple[str, str]]:
    """Those that not every call needs."""
    fates = {fate for think in score.thinks for _, fate in think.fates}
    if any(think.is_draft for think in score.thinks):
        yield '<rect class="draft" x="0" y="-8" width="12" height="8" rx="2"/>', "draft, before the turn is over"
        yield at_hand(4, -4), "its first audio is rendered"
    if Fate.PROMOTED in fates:
        yield diamond(5, -4), "is the answer now, or in the history"
    if Fate.FROZEN in fates:
        yield pause(0, -4), "stopped and kept"
    if Fate.VERIFIED in fates:
        yield tick(5, -4), "still holds, another goes on"
    if Fate.ABANDONED in fates:
        yield f'<rect class="thrown" x="0" y="-8" width="12" height="8" rx="2"/>{cross(6, -4)}', "thrown away"
    if any(utterance.fillers for utterance in score.utterances):
        yield '<rect class="filler" x="0" y="-9" width="12" height="10"/>', "filler"
    if score.backchannels:
        yield '<rect class="murmur" x="0" y="-9" width="12" height="10" rx="5"/>', "backchannel"
    if any(turn.outcome == "silent" for turn in score.turns):
        yield rest(0, -1), "silence chosen"


def _describe(score: Score) -> str:
    return " ".join(
        f"At {turn.start:.1f} s the caller said: {turn.transcript or '(no words)'}. Outcome: {turn.outcome or 'open'}"
        + (f", first sound {wait_ms(turn)} ms after the end of speech." if turn.first_sound_at is not None else ".")
        for turn in score.turns
    )
