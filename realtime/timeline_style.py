"""Pure: the colours and type of the timeline, for light and dark, as CSS without variables (not every viewer has them)."""

from __future__ import annotations

from typing import Literal

Theme = Literal["auto", "light", "dark"]

LIGHT = {
    "paper": "#fffdf8",
    "ink": "#22262b",
    "muted": "#6f7680",
    "line": "#e0dbd0",
    "heard": "#1c6c8c",
    "thought": "#7548a5",
    "said": "#c2502a",
    "wait": "#d99a1c",
    "bad": "#b3261e",
}
DARK = {
    "paper": "#14161a",
    "ink": "#e8e6e1",
    "muted": "#9aa0a9",
    "line": "#30343c",
    "heard": "#62b6d6",
    "thought": "#bb9ce6",
    "said": "#f2966d",
    "wait": "#f2c14e",
    "bad": "#ff8a80",
}

_RULES = """\
.paper{{fill:{paper}}}
text{{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:12px;fill:{ink}}}
.title{{font-size:14px;font-weight:600}}
.small{{font-size:10.5px;fill:{muted}}}
.lane{{font-size:13px;font-style:italic;font-family:Georgia,"Times New Roman","DejaVu Serif",serif}}
.staff{{stroke:{line};stroke-width:1}}
.tick{{stroke:{line};stroke-width:1;stroke-dasharray:1 3}}
.brace{{stroke:{muted};stroke-width:1.5}}
.heard{{fill:{heard}}} .heard-text{{fill:{heard}}} .heard-line{{stroke:{heard}}}
.thought{{fill:{thought}}} .thought-text{{fill:{thought}}} .thought-line{{stroke:{thought}}}
.said{{fill:{said}}} .said-text{{fill:{said}}} .said-line{{stroke:{said}}}
.tentative{{font-style:italic;opacity:.6}}
.partial{{fill:{paper};stroke:{heard};stroke-width:1}}
.waiting{{opacity:.35}}
.stopped{{opacity:.45}}
.musing{{font-style:italic}}
.private{{opacity:.7}}
.draft{{fill:{thought};fill-opacity:.16;stroke:{thought};stroke-width:1;stroke-dasharray:3 2}}
.kept{{stroke:{thought};stroke-width:1.2;stroke-dasharray:1.5 3;fill:none}}
.thrown{{fill:url(#hatch);stroke:{muted};stroke-width:1}}
.hatch{{stroke:{muted};stroke-width:1.4}}
.struck{{fill:{muted};text-decoration:line-through}}
.tag{{font-size:10.5px;font-weight:600;fill:{muted}}}
.promoted{{fill:{thought};stroke:{paper};stroke-width:1.5}}
.cross{{stroke:{bad};stroke-width:2;stroke-linecap:round;fill:none}}
.tick-mark{{stroke:{thought};stroke-width:2.2;stroke-linecap:round;fill:none}}
.pause{{stroke:{thought};stroke-width:2;fill:none}}
.at-hand{{fill:{paper};stroke:{said};stroke-width:1.4}}
.filler{{fill:{said};opacity:.38}} .filler-text{{font-style:italic;opacity:.75}}
.dry{{stroke:{said};stroke-width:1.2;stroke-dasharray:1.5 3;fill:none}}
.murmur{{fill:{paper};stroke:{said};stroke-width:1.2}}
.rest{{fill:{muted}}}
.later{{stroke-dasharray:3 2}}
.unheard{{fill:{muted};text-decoration:line-through}}
.sentence{{fill:{paper};stroke:{thought};stroke-width:1.2}}
.tool{{fill:none;stroke:{thought};stroke-width:1.2}}
.gap{{fill:{wait};opacity:.18}}
.gap-line{{stroke:{wait};stroke-width:1.2;fill:none}}
.gap-text{{fill:{ink};font-weight:600;font-size:11px}}
.commit{{stroke:{heard};stroke-width:1.5}}
.caesura{{stroke:{bad};stroke-width:2;stroke-linecap:round}}
.bad{{fill:{bad}}}
.floor-listening{{fill:{heard}}}
.floor-paused{{fill:{heard};opacity:.35}}
.floor-committed{{fill:{wait}}}
.floor-speaking{{fill:{said}}}
.floor-resting{{fill:{line}}}
"""


def css(theme: Theme) -> str:
    """The style sheet; ``auto`` follows the reader's preference."""
    match theme:
        case "light":
            return _RULES.format(**LIGHT)
        case "dark":
            return _RULES.format(**DARK)
        case "auto":
            return f"{_RULES.format(**LIGHT)}@media (prefers-color-scheme:dark){{\n{_RULES.format(**DARK)}}}\n"
