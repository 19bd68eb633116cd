"""Pure: small pieces of SVG that all parts of the timeline are made of."""

from __future__ import annotations

from html import escape


def moved(y: float, inside: str) -> str:
    return f'<g transform="translate(0 {px(y)})">\n{inside}</g>\n'


def title_of(text: str) -> str:
    return f"<title>{clean(text)}</title>"


def clean(text: str) -> str:
    """Escaped, and without the characters that XML cannot hold."""
    return escape("".join(char if char.isprintable() else " " for char in text), quote=True)


def px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def box(css_class: str, left: float, top: float, width: float, height: float, title: str = "", *, rx: float = 0) -> str:
    corners = f' rx="{px(rx)}"' if rx else ""
    place = f'x="{px(left)}" y="{px(top)}" width="{px(width)}" height="{px(height)}"{corners}'
    return f'<rect class="{css_class}" {place}>{title_of(title) if title else ""}</rect>'


def label(css_class: str, x: float, y: float, text: str, title: str = "") -> str:
    return f'<text class="{css_class}" x="{px(x)}" y="{px(y)}">{clean(text)}{title_of(title) if title else ""}</text>'


def diamond(x: float, y: float) -> str:
    """A draft is the answer now, or notes entered the history."""
    return f'<path class="promoted" d="M{px(x)} {px(y - 6)}l6 6l-6 6l-6 -6z"/>'


def cross(x: float, y: float) -> str:
    """Thrown away."""
    return f'<path class="cross" d="M{px(x - 4)} {px(y - 4)}l8 8m0 -8l-8 8"/>'


def tick(x: float, y: float) -> str:
    """Verified: it still holds."""
    return f'<path class="tick-mark" d="M{px(x - 5)} {px(y)}l4 4l7 -9"/>'


def pause(x: float, y: float) -> str:
    """Frozen."""
    return f'<path class="pause" d="M{px(x + 3)} {px(y - 4)}v8m4 -8v8"/>'


def at_hand(x: float, y: float) -> str:
    """The first audio of a draft is rendered."""
    return f'<path class="at-hand" d="M{px(x - 2.5)} {px(y - 3.5)}l6 3.5l-6 3.5z"/>'


def rest(x: float, y: float) -> str:
    """A half rest, as in a score: it lies on the staff's line, and nothing is said."""
    return box("rest", x, y - 5, 9, 5)
