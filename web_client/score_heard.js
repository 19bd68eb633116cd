// Pure: the upper staff: what the user says, and types.

import { LOOK_BACK_SECONDS } from "./score_pen.js";
import { slur } from "./score_shapes.js";
import { FONT, Rows, fit, px, seconds } from "./score_space.js";
import { clock } from "./score_text.js";

/** @typedef {import("./score_model.js").Turn} Turn */
/** @typedef {import("./score_pen.js").Pen} Pen */
/** @typedef {import("./score_shapes.js").Part} Part */

export class HeardStaff {
  /** @param {Pen} pen */
  constructor(pen) {
    this.pen = pen;
  }

  *marks() {
    const staff = this.pen.lane.heard;
    for (const span of this.pen.model.speech) {
      if (!this.pen.shows(span.start, span.end)) continue;
      const parts = [this.pen.band("heard", staff, span.start, span.end)];
      const until = this.pen.endOf(span.end);
      yield this.pen.mark({ key: `speech:${span.start}`, kind: "speech", layer: "bars", at: span.start, until, parts });
    }
    for (const turn of this.pen.model.turns) {
      const end =
        turn.speechEnd ??
        (this.pen.model.speech.at(-1)?.end === null ? null : this.pen.model.lastSpeechEnd(turn.start));
      if (this.pen.shows(turn.start, turn.typed ? turn.start + 4 : end))
        yield* turn.typed ? this.typed(turn) : this.phrase(turn, end);
    }
    if (this.pen.notesShow) yield* this.heardWords();
  }

  /** The slur over a turn. @param {Turn} turn @param {number | null} end */
  *phrase(turn, end) {
    const title = this.pen.say("turn", { text: turn.transcript || this.pen.say("listening") });
    const outcome = turn.outcome && this.pen.say(`outcome_${turn.outcome}`) + (turn.reason ? ` (${turn.reason})` : "");
    const detail = [end === null ? "" : this.pen.say("lasted", { seconds: seconds(end - turn.start) }), outcome];
    const parts = /** @type {Part[]} */ ([
      [
        "path",
        {
          class: "slur heard",
          d: slur(this.pen.x(turn.start), this.pen.x(this.pen.endOf(end)), this.pen.lane.heard.top - 2, end === null),
        },
      ],
    ]);
    if (this.pen.phrasesShow && turn.transcript)
      parts.push(this.pen.phraseText("heard", turn.transcript, turn.start, this.nextTurn(turn)));
    yield this.pen.mark({
      ...{ key: `turn:${turn.id}`, kind: "phrase", layer: end === null ? "bars" : "ink", at: turn.start },
      ...{ until: this.pen.endOf(end), title, detail: detail.filter(Boolean).join(" · "), parts },
    });
  }

  /** @param {Turn} turn */
  nextTurn(turn) {
    const next = this.pen.model.turns[this.pen.model.turns.indexOf(turn) + 1];
    return next?.start ?? this.pen.window.now + 1;
  }

  /** What was typed: a diamond, as harmonics are written. @param {Turn} turn */
  *typed(turn) {
    const { top, space, words } = this.pen.lane.heard;
    const [x, y] = [this.pen.x(turn.start), top + space * 2];
    const room = Math.max((this.nextTurn(turn) - turn.start) * this.pen.window.pxPerSecond - 12, 40);
    const parts = /** @type {Part[]} */ ([
      ["path", { class: "note heard", d: `M${x} ${y - 7}l7 7l-7 7l-7 -7Z` }],
      ["path", { class: "typed-stem", d: `M${x} ${y + 9}V${words - 11}` }],
      ["text", { class: "word heard typed", x: px(x - 4), y: words }, fit(turn.transcript, Math.min(room, 320), FONT)],
    ]);
    const title = this.pen.say("typed", { text: turn.transcript });
    yield this.pen.mark({ key: `turn:${turn.id}`, kind: "typed", at: turn.start, until: turn.start + 2, title, parts });
  }

  *heardWords() {
    const rows = new Rows(this.pen.lane.heard.rows, 5, 14);
    for (const segment of this.pen.model.segments) {
      const [first, last] = [segment.words[0], segment.words.at(-1)];
      if (!first || !last || first.start > this.pen.window.to || last.end < this.pen.window.from - LOOK_BACK_SECONDS)
        continue;
      for (const [number, word] of segment.words.entries()) {
        const style = word.stable ? "heard" : "heard tentative";
        const parts = [
          this.pen.note(this.pen.lane.heard, style, word.text, word.start, word.end),
          ...this.pen.lyric(rows, this.pen.lane.heard, style, word.text, word.start),
        ];
        if (!this.pen.shows(word.start - 1, word.end + 1)) continue;
        const title = this.pen.say(word.stable ? "word" : "tentative", { text: word.text });
        const key = `word:${segment.call}:${segment.number}:${number}`;
        yield this.pen.mark({
          key,
          kind: word.stable ? "word" : "word-tentative",
          at: word.start,
          until: word.end,
          title: `${title} ${clock(word.start)}`,
          parts,
        });
      }
    }
  }
}
