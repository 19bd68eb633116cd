"""Pure: draws one system of the score: the floor's band, three staves and what stands on them, as SVG elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

from realtime.timeline_layout import LEFT, Frame, Rows, clip_text, text_width
from realtime.timeline_model import Score, Turn, Utterance, Word
from realtime.timeline_svg import box, clean, label, moved, px, rest, title_of
from realtime.timeline_thoughts import ROW_PX as THINK_ROW_PX
from realtime.timeline_thoughts import draw_thoughts
from scheduler.floor import Floor

TOP = 46.0
FONT_PX, SMALL_PX, WORD_ROW_PX = 12.0, 10.5, 15.0
FLOOR_Y, GAP_LABEL_Y, HEARD_Y = 22.0, 44.0, 54.0
WORD_ROWS = 2
WORD_SLACK_PX = 14.0
LANE_GAP_PX = 20.0
SYSTEM_GAP_PX = 34.0
SAID_BAR_PX = 14.0
DRY_SECONDS = 0.25
"""Between two words: playout had run dry, and the next was awaited."""


class SystemDrawing:
    """One line of the score, drawn at its own origin."""

    def __init__(self, score: Score, frame: Frame, clip_id: str) -> None:
        self._score = score
        self._system = frame.system
        self._scale = frame.px_per_second
        self._clip_id = clip_id
        self._frame = frame
        self._right = frame.right
        self._page = frame.page_px
        said = sorted((word for u in score.utterances for word in u.words), key=lambda word: word.start)
        self._heard_words, heard_rows = self._draw_words(score.words, "heard-text")
        self._thoughts, thought_rows = draw_thoughts(score, self._frame)
        self._said_words, said_rows = self._draw_words(said, "said-text")
        self._thought_y = HEARD_Y + 24 + max(heard_rows, 1) * WORD_ROW_PX + LANE_GAP_PX
        self._said_y = self._thought_y + max(thought_rows, 1) * THINK_ROW_PX + LANE_GAP_PX - 8
        self.height = self._said_y + SAID_BAR_PX + 4 + max(said_rows, 1) * WORD_ROW_PX

    def draw(self) -> str:
        inside = "".join(
            [
                self._gaps(),
                self._floor(),
                self._heard(),
                moved(self._thought_y, self._thoughts),
                self._said(),
                self._failures(),
            ]
        )
        clip = f'<clipPath id="{self._clip_id}"><rect x="{px(LEFT - 4)}" y="0" width="{px(self._page - LEFT)}" height="{px(self.height)}"/></clipPath>\n'
        return f'{clip}{self._axis()}{self._staves()}<g clip-path="url(#{self._clip_id})">\n{inside}</g>\n'

    def _x(self, time: float) -> float:
        return self._frame.x(time)

    def _shows(self, start: float, end: float) -> bool:
        return self._frame.shows(start, end)

    def _box(self, start: float, end: float) -> tuple[float, float]:
        return self._frame.box(start, end)

    # --- the paper --------------------------------------------------------------------------------

    def _axis(self) -> str:
        step = next(step for step in (1, 2, 5, 10, 30, 60, 300, 3600) if step * self._scale >= 56 or step == 3600)
        first = int(-(-self._system.start // step))
        parts = []
        for index in range(first, int(self._system.end // step) + 1):
            x = self._x(index * step)
            parts.append(f'<line class="tick" x1="{px(x)}" x2="{px(x)}" y1="16" y2="{px(self.height)}"/>')
            parts.append(f'<text class="small" x="{px(x)}" y="11" text-anchor="middle">{_clock(index * step)}</text>')
        if self._system.skipped:
            quiet = f"{self._system.skipped:.0f} s of quiet left out"
            parts.append(f'<text class="small" x="12" y="-8">{quiet}</text>')
        return "".join(parts) + "\n"

    def _staves(self) -> str:
        parts = []
        names = (("heard", HEARD_Y + 5), ("thought", self._thought_y + 4), ("said", self._said_y + SAID_BAR_PX / 2))
        for name, y in names:
            parts.append(f'<line class="staff" x1="{px(LEFT)}" x2="{px(self._right)}" y1="{px(y)}" y2="{px(y)}"/>')
            parts.append(
                f'<text class="lane {name}-text" x="{px(LEFT - 16)}" y="{px(y + 4)}" text-anchor="end">{name}</text>'
            )
        brace = LEFT - 6
        parts.append(f'<line class="brace" x1="{brace}" x2="{brace}" y1="{px(FLOOR_Y)}" y2="{px(self.height)}"/>')
        return "".join(parts) + "\n"

    def _floor(self) -> str:
        parts = []
        for span, floor in self._score.floors:
            if self._shows(span.start, span.end):
                left, width = self._box(span.start, span.end)
                title = title_of(f"floor: {floor.value}, {span.end - span.start:.2f} s")
                names = ("listening", "speaking") if floor is Floor.OVERLAP else (floor.value,)
                height = 4 / len(names)
                for index, name in enumerate(names):
                    place = (
                        f'x="{px(left)}" y="{px(FLOOR_Y + index * height)}" width="{px(width)}" height="{px(height)}"'
                    )
                    parts.append(f'<rect class="floor-{name}" {place}>{title}</rect>')
        return "".join(parts) + "\n"

    def _gaps(self) -> str:
        return "".join(self._gap(turn) for turn in self._score.turns if turn.first_sound_at is not None) + "\n"

    def _gap(self, turn: Turn) -> str:
        start, end = turn.speech_end, turn.first_sound_at or 0.0
        if end < start or not self._shows(start, end):
            return ""
        left, width = self._box(start, end)
        bottom = self._said_y + SAID_BAR_PX
        label, middle = f"{wait_ms(turn)} ms", left + width / 2
        shown = label if self._shows((start + end) / 2, (start + end) / 2) else ""
        return (
            f"<g>{title_of(f'{turn.turn_id}: first sound {label} after the end of speech')}"
            f'<rect class="gap" x="{px(left)}" y="{px(GAP_LABEL_Y + 5)}" width="{px(width)}" height="{px(bottom - GAP_LABEL_Y - 5)}"/>'
            f'<path class="gap-line" d="M{px(left)} {px(bottom)}V{px(GAP_LABEL_Y + 5)}H{px(left + width)}V{px(bottom)}"/>'
            f'<text class="gap-text" x="{px(middle)}" y="{GAP_LABEL_Y}" text-anchor="middle">{shown}</text>'
            f"{self._substance(turn)}</g>"
        )

    def _substance(self, turn: Turn) -> str:
        """After a filler: how long the answer's own words were awaited."""
        start, end = turn.first_sound_at or 0.0, turn.substance_at or 0.0
        if end < start + DRY_SECONDS or not self._shows(start, end):
            return ""
        left, width = self._box(start, end)
        top = GAP_LABEL_Y + 5
        text = clip_text(f"{round((end - turn.speech_end) * 1000)} ms to the answer", width - 8, SMALL_PX)
        y = GAP_LABEL_Y
        return (
            f'<path class="gap-line later" d="M{px(left)} {px(top)}h{px(width)}V{px(self._said_y)}"/>'
            f'<text class="small" x="{px(left + width / 2 + 8)}" y="{px(y)}" text-anchor="middle">{clean(text)}</text>'
        )

    # --- heard ------------------------------------------------------------------------------------

    def _heard(self) -> str:
        parts = [self._turn(turn) for turn in self._score.turns]
        for span in self._score.speech:
            if self._shows(span.start, span.end):
                left, width = self._box(span.start, span.end)
                title = title_of(f"speech, {span.end - span.start:.2f} s")
                parts.append(
                    f'<rect class="heard" x="{px(left)}" y="{HEARD_Y}" width="{px(width)}" height="10" rx="3">{title}</rect>'
                )
        for at, is_final in self._score.partials:
            if self._shows(at, at):
                kind = ("heard", "final transcript") if is_final else ("partial", "partial transcript")
                title = title_of(f"{kind[1]} at {at:.2f} s")
                parts.append(
                    f'<circle class="{kind[0]}" cx="{px(self._x(at))}" cy="{HEARD_Y + 16}" r="2.4">{title}</circle>'
                )
        parts.append(moved(HEARD_Y + 32, self._heard_words))
        return "".join(parts) + "\n"

    def _turn(self, turn: Turn) -> str:
        at = turn.committed_at
        if at is None or not self._shows(at, at):
            return ""
        x, told = self._x(at), turn.outcome not in ("", "answered", "silent")
        what = f"{turn.turn_id} committed at {at:.2f} s: {turn.outcome or 'open'} {turn.reason}".rstrip()
        note = f"{turn.outcome}: {turn.reason}" if turn.reason else turn.outcome
        label = (
            f'<text class="small" x="{px(x + 4)}" y="{HEARD_Y + 3}">{clean(clip_text(note, min(220.0, self._page - x - 12), SMALL_PX))}</text>'
            if told
            else ""
        )
        return f'<g>{title_of(what)}<line class="commit" x1="{px(x)}" x2="{px(x)}" y1="{HEARD_Y - 3}" y2="{HEARD_Y + 13}"/>{label}</g>'

    def _draw_words(self, words: Iterable[Word], css_class: str) -> tuple[str, int]:
        """The words that begin in this system, first row at y = 0, and how many rows they take."""
        rows, parts = Rows(WORD_ROWS, slack_px=WORD_SLACK_PX), []
        for word in words:
            if not self._system.start <= word.start < self._system.end:
                continue
            width = text_width(word.text, FONT_PX)
            left = max(min(self._x(word.start), self._page - 6 - width), LEFT)
            title = title_of(f"{word.text} {word.start:.2f}–{word.end:.2f} s")
            placed = rows.place(left, width)
            if placed is None:  # too crowded even for two rows: a dot, with the word in its title
                parts.append(f'<circle class="{css_class}" cx="{px(left + 2)}" cy="5" r="1.5">{title}</circle>')
                continue
            row, x = placed
            style = css_class + " tentative" * (not word.is_final) + " filler-text" * word.is_filler
            parts.append(
                f'<text class="{style}" x="{px(x)}" y="{px(row * WORD_ROW_PX)}">{clean(word.text)}{title}</text>'
            )
        return "".join(parts), len(rows)

    # --- said -------------------------------------------------------------------------------------

    def _said(self) -> str:
        parts = [self._utterance(utterance) for utterance in self._score.utterances]
        parts += [self._backchannel(at, text) for at, text in self._score.backchannels if self._shows(at, at)]
        parts += [self._silence(turn) for turn in self._score.turns if turn.outcome == "silent"]
        parts.append(moved(self._said_y + SAID_BAR_PX + 14, self._said_words))
        return "".join(parts) + "\n"

    def _utterance(self, utterance: Utterance) -> str:
        start, end = utterance.start or 0.0, utterance.end or 0.0
        if not self._shows(start, end):
            return ""
        parts = [title_of(f"{utterance.utterance_id}: {utterance.heard}")]
        levels = [(start, 0.0), *((at, gain) for at, gain in utterance.gains if start < at < end), (end, 0.0)]
        for (begin, gain_db), (finish, _) in pairwise(levels):
            for kind, left_at, right_at in _passages(utterance):
                span = (max(begin, left_at), min(finish, right_at))
                if span[0] < span[1] and self._shows(*span):
                    parts.append(self._passage(kind, *span, gain_db))
        if utterance.cut_off and self._shows(end, end):
            parts.append(self._caesura(utterance, self._x(end)))
        return f"<g>{''.join(parts)}</g>"

    def _passage(self, kind: Passage, start: float, end: float, gain_db: float) -> str:
        left, width = self._box(start, end)
        middle = self._said_y + SAID_BAR_PX / 2
        if kind == "dry":
            return f'<path class="dry" d="M{px(left)} {px(middle)}h{px(width)}"/>'
        height = max(SAID_BAR_PX * 10 ** (gain_db / 20), 1.5)
        ducked = f"ducked by {-gain_db:.0f} dB" if gain_db else "filler" if kind == "filler" else ""
        return box(kind, left, middle - height / 2, width, height, ducked)

    def _backchannel(self, at: float, text: str) -> str:
        """A listener's "mm-hm": no utterance, only a murmur on the staff."""
        x, width = self._x(at), text_width(text, SMALL_PX) + 12
        pill = box("murmur", x, self._said_y - 1, width, SAID_BAR_PX + 2, rx=SAID_BAR_PX / 2 + 1)
        words = label("small said-text musing", x + 6, self._said_y + SAID_BAR_PX / 2 + 3.5, text)
        return f"<g>{title_of(f'backchannel at {at:.2f} s')}{pill}{words}</g>"

    def _silence(self, turn: Turn) -> str:
        at = _silent_at(turn)
        if not self._shows(at, at):
            return ""
        x, y = self._x(at), self._said_y + SAID_BAR_PX / 2
        reason = f"silent: {turn.reason}" if turn.reason else "silent"
        room = min(max(self._next_said(x), x + 40) - x, self._page - 10 - x, 240.0)
        words = label("small musing", x, self._said_y + SAID_BAR_PX + 13, clip_text(reason, room, SMALL_PX))
        return f"<g>{title_of(reason)}{rest(x, y)}{words}</g>"

    def _caesura(self, utterance: Utterance, x: float) -> str:
        top, bottom = self._said_y - 4, self._said_y + SAID_BAR_PX + 4
        unheard = utterance.unheard
        strokes = "".join(
            f'<line class="caesura" x1="{px(x + shift)}" x2="{px(x + shift + 5)}" y1="{px(bottom)}" y2="{px(top)}"/>'
            for shift in (2, 7)
        )
        room = min(self._next_said(x) - x - 26, self._page - 6 - x - 20, 240.0)
        text = clip_text(unheard, room, SMALL_PX) if room > 30 else ""
        return (
            f"<g>{title_of(f'cut off; not heard: {unheard}')}{strokes}"
            f'<text class="small unheard" x="{px(x + 18)}" y="{px(self._said_y + 11)}">{clean(text)}</text></g>'
        )

    def _next_said(self, x: float) -> float:
        """Where the next thing stands on the staff."""
        score = self._score
        times = [u.start for u in score.utterances if u.start is not None] + [at for at, _ in score.backchannels]
        times += [_silent_at(turn) for turn in score.turns if turn.outcome == "silent"]
        return min((self._x(at) for at in times if self._x(at) > x), default=self._page - 6)

    def _failures(self) -> str:
        parts = []
        for at, message in self._score.failures:
            if self._shows(at, at):
                x, y = self._x(at), self._thought_y - 8
                text = clip_text(message, min(300.0, self._page - x - 16), SMALL_PX)
                parts.append(
                    f'<text class="small bad" x="{px(x)}" y="{px(y)}">! {clean(text)}{title_of(message)}</text>'
                )
        return "".join(parts) + "\n"


def _silent_at(turn: Turn) -> float:
    return next((at for at in (turn.ended_at, turn.committed_at) if at is not None), turn.start)


Passage = Literal["said", "filler", "dry"]


def _passages(utterance: Utterance) -> Iterator[tuple[Passage, float, float]]:
    """An utterance as stretches of answer, of filler, and of waiting for more."""
    begun = at = utterance.start or 0.0
    only_fillers = utterance.fillers.keys() == utterance.planned.keys() and bool(utterance.fillers)
    kind: Passage = "filler" if only_fillers or (utterance.words and utterance.words[0].is_filler) else "said"
    for word in utterance.words:
        now: Passage = "filler" if word.is_filler else "said"
        ran_dry = word.start - at > DRY_SECONDS and word is not utterance.words[0]
        if ran_dry or now != kind:
            yield kind, begun, at if ran_dry else word.start
            if ran_dry:
                yield "dry", at, word.start
            begun, kind = word.start, now
        at = word.end
    yield kind, begun, utterance.end or at


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def wait_ms(turn: Turn) -> int:
    return round(((turn.first_sound_at or 0.0) - turn.speech_end) * 1000)
