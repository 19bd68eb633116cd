// Pure: the upper staff: what the user says, and types.

import { LOOK_BACK_SECONDS } from "./score_pen.js";
import { slur } from "./score_shapes.js";
import { FONT, Rows, fit, px, seconds, textWidth } from "./score_space.js";
import { clock } from "./score_text.js";

/** @typedef {import("./score_model.js").HeardWord} HeardWord */
/** @typedef {import("./score_model.js").Turn} Turn */
/** @typedef {import("./score_pen.js").Pen} Pen */
/** @typedef {import("./score_shapes.js").Part} Part */

export class HeardStaff {
  /** @param {Pen} pen */
  constructor(pen) {
    this.pen = pen;
  }

  /** Texts stand in rows in the order of their times, spoken and typed ones alike. */
  *marks() {
    const rows = new Rows(this.pen.lane.heard.rows, 5, 14);
    const typed = this.pen.model.turns.filter((turn) => turn.typed && this.isNear(turn.start, turn.start));
    const spoken = this.pen.notesShow ? [...this.words()] : [];
    const texts = [
      ...typed.map((turn) => ({ at: turn.start, marks: () => this.typed(turn, rows) })),
      ...spoken.map((said) => ({ at: said.word.start, marks: () => this.word(said, rows) })),
    ];
    yield* this.phrases();
    for (const { marks } of texts.sort((one, other) => one.at - other.at)) yield* marks();
  }

  *phrases() {
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
      if (!turn.typed && this.pen.shows(turn.start, end)) yield* this.phrase(turn, end);
    }
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

  /** When the next one begins; turns come in the order in which they were told. @param {Turn} turn */
  nextTurn(turn) {
    const later = this.pen.model.turns.map(({ start }) => start).filter((start) => start > turn.start);
    return Math.min(...later, this.pen.window.now + 1);
  }

  /** What was typed: a diamond, as harmonics are written. @param {Turn} turn @param {Rows} rows */
  *typed(turn, rows) {
    const { top, space, words } = this.pen.lane.heard;
    const [x, y] = [this.pen.x(turn.start), top + space * 2];
    const free = (this.nextTurn(turn) - turn.start) * this.pen.window.pxPerSecond - 12;
    const text = fit(turn.transcript, Math.min(this.pen.wordsShow ? Math.max(free, 40) : free, 320), FONT);
    const place = text && rows.place(px(x - 4), textWidth(text, FONT));
    if (!this.pen.shows(turn.start, turn.start + 4)) return;
    const parts = /** @type {Part[]} */ ([["path", { class: "note heard", d: `M${x} ${y - 7}l7 7l-7 7l-7 -7Z` }]]);
    if (place) {
      parts.push(
        ["path", { class: "typed-stem", d: `M${x} ${y + 9}V${words - 11}` }],
        ["text", { class: "word heard typed", x: px(place.x), y: words + place.row * 15 }, text],
      );
    }
    const title = this.pen.say("typed", { text: turn.transcript });
    yield this.pen.mark({ key: `turn:${turn.id}`, kind: "typed", at: turn.start, until: turn.start + 2, title, parts });
  }

  /** It may have a row that others want. @param {number} start @param {number} end */
  isNear(start, end) {
    return start <= this.pen.window.to && end >= this.pen.window.from - LOOK_BACK_SECONDS;
  }

  /** @returns {Generator<{word: HeardWord, key: string}>} */
  *words() {
    for (const segment of this.pen.model.segments) {
      const [first, last] = [segment.words[0], segment.words.at(-1)];
      if (!first || !last || !this.isNear(first.start, last.end)) continue;
      for (const [number, word] of segment.words.entries())
        yield { word, key: `word:${segment.call}:${segment.number}:${number}` };
    }
  }

  /** @param {{word: HeardWord, key: string}} said @param {Rows} rows */
  *word({ word, key }, rows) {
    const style = word.stable ? "heard" : "heard tentative";
    const parts = [
      this.pen.note(this.pen.lane.heard, style, word.text, word.start, word.end),
      ...this.pen.lyric(rows, this.pen.lane.heard, style, word.text, word.start),
    ];
    if (!this.pen.shows(word.start - 1, word.end + 1)) return;
    const title = this.pen.say(word.stable ? "word" : "tentative", { text: word.text });
    yield this.pen.mark({
      ...{ key, kind: word.stable ? "word" : "word-tentative", at: word.start, until: word.end },
      ...{ title: `${title} ${clock(word.start)}`, parts },
    });
  }
}
