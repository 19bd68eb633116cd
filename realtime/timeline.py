"""Pure: draws a session as a score: three staves (heard, thought, said) over one time axis, as SVG or HTML.

The yellow gap of each turn runs from the end of speech to the agent's first sound. Words stand where they
were spoken; a double stroke, as the caesura in a score, is where the agent was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realtime.timeline_layout import break_into_systems, clip_text, text_width
from realtime.timeline_model import Score, Turn, read_score
from realtime.timeline_style import Theme, css
from realtime.timeline_system import LEFT, RIGHT, SMALL_PX, SYSTEM_GAP_PX, TOP, SystemDrawing, clean, px, wait_ms
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
        "<table><thead><tr><th>turn</th><th>at</th><th>heard</th><th>outcome</th><th>first sound</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></body></html>\n"
    )


def _table_row(turn: Turn) -> str:
    wait = "" if turn.first_sound_at is None else f"{wait_ms(turn)} ms"
    outcome = turn.outcome + (f" ({turn.reason})" if turn.reason else "")
    return (
        f'<tr><td>{clean(turn.turn_id)}</td><td class="n">{turn.start:.1f} s</td><td>{clean(turn.transcript)}</td>'
        f'<td>{clean(outcome)}</td><td class="n">{wait}</td></tr>\n'
    )


def _draw(score: Score, picture: Picture) -> str:
    room = picture.width_px - LEFT - RIGHT
    end = min(score.end + 0.3, picture.end if picture.end is not None else float("inf"))
    systems = break_into_systems(score, picture.start, max(end, picture.start), room / picture.px_per_second)
    y, parts = TOP, []
    for number, system in enumerate(systems):
        drawing = SystemDrawing(score, system, picture.px_per_second, f"clip{number}")
        parts.append(f'<g transform="translate(0 {px(y)})">\n{drawing.draw()}</g>\n')
        y += drawing.height + SYSTEM_GAP_PX
    parts.append(f'<g transform="translate({LEFT} {px(y - 6)})">{_legend()}</g>\n')
    y += 16
    widest = max((system.end - system.start) * picture.px_per_second for system in systems)
    width, title = max(widest + LEFT + RIGHT, 860.0), picture.title or "What was heard, thought and said"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{px(width)}" height="{px(y)}" '
        f'viewBox="0 0 {px(width)} {px(y)}" role="img">\n<title>{clean(title)}</title>\n'
        f"<desc>{clean(_describe(score))}</desc>\n<style>{css(picture.theme)}</style>\n"
        f'<rect class="paper" width="100%" height="100%"/>\n'
        f'<text class="title" x="16" y="26">{clean(clip_text(title, width - 32, 14))}</text>\n{"".join(parts)}</svg>\n'
    )


def _legend() -> str:
    """What the marks mean, in one line."""
    marks = (
        ('<circle class="partial" cx="4" cy="-4" r="2.4"/>', "partial"),
        ('<circle class="heard" cx="4" cy="-4" r="2.4"/>', "final transcript"),
        ('<line class="commit" x1="4" x2="4" y1="-10" y2="2"/>', "turn is over"),
        ('<rect class="gap" x="0" y="-9" width="9" height="10"/>', "end of speech to first sound"),
        ('<circle class="sentence" cx="4" cy="-4" r="3"/>', "sentence written"),
        ('<rect class="said" x="0" y="-5" width="9" height="2"/>', "quieter while the user speaks"),
        ('<path class="caesura" d="M0 1L4 -9M5 1L9 -9"/>', "cut off"),
    )
    x, parts = 0.0, []
    for mark, meaning in marks:
        parts.append(f'<g transform="translate({px(x)} 0)">{mark}<text class="small" x="14" y="0">{meaning}</text></g>')
        x += 14 + text_width(meaning, SMALL_PX) + 18
    return "".join(parts)


def _describe(score: Score) -> str:
    return " ".join(
        f"At {turn.start:.1f} s the caller said: {turn.transcript or '(no words)'}. Outcome: {turn.outcome or 'open'}"
        + (f", first sound {wait_ms(turn)} ms after the end of speech." if turn.first_sound_at is not None else ".")
        for turn in score.turns
    )
