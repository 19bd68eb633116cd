// Pure: where everything of the score stands: the model in, marks made of plain SVG shapes out.
// The page and the exported file draw the same marks. Times are seconds on the score, places are pixels; what is still
// going on reaches beyond now and is cut off there by who draws it.

import { ScoreModel, unheard } from "./score_model.js";
import { clock, fill } from "./score_text.js";

/** @typedef {import("./score_model.js").Turn} Turn */
/** @typedef {import("./score_model.js").Think} Think */
/** @typedef {import("./score_model.js").Utterance} Utterance */
/** @typedef {import("./score_model.js").Tool} Tool */
/** @typedef {[tag: string, attributes: Record<string, string | number>, text?: string]} Part */
/**
 * @typedef {object} Mark what belongs together and is told together
 * @property {string} key the same for the same thing, as long as it is there
 * @property {string} kind
 * @property {"back" | "bars" | "ink"} layer from behind to before; bars end at the now line, the others may stand over it
 * @property {number} at
 * @property {number} until
 * @property {string} title "" for decoration
 * @property {string} detail
 * @property {Part[]} parts
 */
/** @typedef {{top: number, space: number, lines: number, words: number, rows: number}} Staff */
/** @typedef {{height: number, axis: number, pill: number, heard: Staff, thought: Staff, said: Staff, compact: boolean}} Lanes */
/**
 * @typedef {object} Window what is to be seen
 * @property {number} from seconds
 * @property {number} to
 * @property {number} now where what is still open ends, at least
 * @property {number} origin the time that stands at x = 0
 * @property {number} pxPerSecond
 * @property {boolean} compact
 * @property {Record<string, string>} strings
 */

/** Answers that begin within this are as fast as people's; up to the second bound nobody minds. Turns between people
 * lie 200 ms apart (Stivers et al. 2009); pauses beyond about 700 ms are heard as trouble (Kendrick & Torreira 2015). */
export const GOOD_MS = 300;
export const FAIR_MS = 800;
/** A draft that was begun so much before the end of the words is worth a mark. */
const LEAD_SECONDS = 0.05;
/** Letters in a second of speech, for what has not been heard yet. */
const PACE = 14;
const COMING_SECONDS = 4;
const UNHEARD_SECONDS = 1.6;
/** From here on words stand one by one, below only whole phrases, below that none. Pixels per second. */
const WORDS_FROM = 64;
const PHRASES_FROM = 14;
const BEYOND_SECONDS = 5;
/** Rows are given out from what began so much earlier, so that they stay when the window moves. */
const LOOK_BACK_SECONDS = 30;
const FONT = 12;
const SMALL = 10.5;
const WIDEST_THOUGHT = 240;
/** How much wider bold text is. */
const BOLD = 1.12;
const MONO = 0.62;

/** @param {boolean} compact @returns {Lanes} */
export function lanes(compact) {
  return compact
    ? {
        ...{ height: 294, axis: 11, pill: 16, compact },
        heard: { top: 48, space: 5, lines: 5, words: 84, rows: 2 },
        thought: { top: 122, space: 19, lines: 4, words: 0, rows: 3 },
        said: { top: 208, space: 5, lines: 5, words: 244, rows: 2 },
      }
    : {
        ...{ height: 348, axis: 12, pill: 20, compact },
        heard: { top: 54, space: 6, lines: 5, words: 94, rows: 2 },
        thought: { top: 138, space: 21, lines: 5, words: 0, rows: 4 },
        said: { top: 252, space: 6, lines: 5, words: 296, rows: 2 },
      };
}

/** The lines of the three staves; they do not move. @param {Lanes} lane @param {number} from @param {number} to @returns {Part[]} */
export function staves(lane, from, to) {
  return [lane.heard, lane.thought, lane.said].map((staff) => {
    const lines = Array.from({ length: staff.lines }, (_, n) => `M${from} ${staff.top + n * staff.space}H${to}`);
    return ["path", { class: staff === lane.thought ? "staff-lines wide" : "staff-lines", d: lines.join("") }];
  });
}

/** @param {ScoreModel} model @param {Window} window @returns {Mark[]} */
export function layout(model, window) {
  const pen = new Pen(model, window, lanes(window.compact));
  return [...pen.axis(), ...pen.turns(), ...pen.heard(), ...pen.thought(), ...pen.said()];
}

/** @param {number} ms */
export function speed(ms) {
  return ms <= GOOD_MS ? "good" : ms <= FAIR_MS ? "fair" : "slow";
}

// --- text -----------------------------------------------------------------------------------------

const NARROW = new Set("iljtfrI.,:;'!|()[] ");
const BROAD = new Set("mwMW@%");

/** About how wide a text is in DejaVu Sans, the widest of the common ones; rather too wide than not. @param {string} text @param {number} font */
export function textWidth(text, font) {
  let units = 0;
  for (const char of text) units += NARROW.has(char) ? 0.36 : BROAD.has(char) || char > "\u2e7f" ? 0.98 : 0.62;
  return units * font;
}

/** Shortened with an ellipsis to what fits; "" if next to nothing does. @param {string} text @param {number} room @param {number} font */
export function fit(text, room, font) {
  if (textWidth(text, font) <= room) return text;
  let width = textWidth("…", font);
  let end = 0;
  for (const char of text) {
    width += textWidth(char, font);
    if (width > room) break;
    end += char.length;
  }
  return end > 1 ? `${text.slice(0, end).trimEnd()}…` : "";
}

/** @param {number} ms */
function amount(ms) {
  return ms < 2000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {number} value */
const px = (value) => Math.round(value * 10) / 10;
const oneLine = (/** @type {string} */ text) => text.split(/\s+/).filter(Boolean).join(" ");
const seconds = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : 1);

/** Rows for things that come in order of their left edges, so that none overlap. */
class Rows {
  /** @param {number} count @param {number} gap @param {number} [slack] how far to the right a thing may be moved */
  constructor(count, gap, slack = 0) {
    /** @type {number[]} */
    this.right = new Array(count).fill(-Infinity);
    this.gap = gap;
    this.slack = slack;
  }

  /** @param {number} left @param {number} width @returns {{row: number, x: number} | null} `null`: no room */
  place(left, width) {
    for (let row = 0; row < this.right.length; row++) {
      const free = this.right[row] + this.gap;
      if (free > left + this.slack) continue;
      const x = Math.max(left, free);
      this.right[row] = x + width;
      return { row, x };
    }
    return null;
  }

  /** Where an overlap hurts least. */
  emptiest() {
    return this.right.indexOf(Math.min(...this.right));
  }
}

// --- the pen --------------------------------------------------------------------------------------

class Pen {
  /** @param {ScoreModel} model @param {Window} window @param {Lanes} lane */
  constructor(model, window, lane) {
    this.model = model;
    this.window = window;
    this.lane = lane;
    this.strings = window.strings;
    /** Where each thinking's bar stands. @type {Map<string, number>} */
    this.barY = new Map();
    this.bars = this.giveRows();
  }

  /** @param {number} time */
  x(time) {
    return px((time - this.window.origin) * this.window.pxPerSecond);
  }

  /** The end of what may still go on: beyond now, and seldom another, so that its shape needs no drawing. @param {number | null} time */
  endOf(time) {
    return time ?? Math.ceil(this.window.now / BEYOND_SECONDS + 1) * BEYOND_SECONDS;
  }

  /** @param {number} start @param {number | null} end */
  shows(start, end) {
    return start <= this.window.to && this.endOf(end) >= this.window.from;
  }

  get wordsShow() {
    return this.window.pxPerSecond >= WORDS_FROM;
  }

  get notesShow() {
    return this.window.pxPerSecond >= PHRASES_FROM;
  }

  get phrasesShow() {
    return !this.wordsShow && this.notesShow;
  }

  /** @param {Omit<Mark, "layer" | "title" | "detail"> & Partial<Mark>} mark @returns {Mark} */
  mark(mark) {
    return { layer: "ink", title: "", detail: "", ...mark };
  }

  /** @param {string} name @param {Record<string, string | number>} [values] */
  say(name, values = {}) {
    return fill(this.strings[name] ?? name, values);
  }

  // --- time -------------------------------------------------------------------------------------

  *axis() {
    const { from, to, pxPerSecond } = this.window;
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300].find((one) => one * pxPerSecond >= 76) ?? 600;
    const { axis, said } = this.lane;
    for (let at = Math.max(Math.ceil(from / step), 0) * step; at <= to; at += step) {
      const x = this.x(at);
      /** @type {Part[]} */
      const parts = [
        ["path", { class: "tick", d: `M${x} ${axis + 5}V${said.top + said.space * 4}` }],
        ["text", { class: "time", x, y: axis, "text-anchor": "middle" }, clock(at)],
      ];
      yield this.mark({ key: `tick:${at}`, kind: "tick", layer: "back", at, until: at, parts });
    }
    for (const at of this.model.calls) {
      if (!this.shows(at, at)) continue;
      const [x, top, bottom] = [this.x(at) - 8, this.lane.heard.top, said.top + said.space * 4];
      /** @type {Part[]} */
      const parts = [
        ["path", { class: "final-bar", d: `M${x} ${top}V${bottom}` }],
        ["path", { class: "final-bar thick", d: `M${x + 5} ${top}V${bottom}` }],
      ];
      yield this.mark({ key: `call:${at}`, kind: "call", at, until: at, title: this.say("newCall"), parts });
    }
    for (const [number, { at, text }] of this.model.failures.entries()) {
      if (!this.shows(at, at)) continue;
      const parts = /** @type {Part[]} */ ([
        ["text", { class: "fault", x: this.x(at), y: this.lane.thought.top - 6 }, `! ${fit(text, 240, SMALL)}`],
      ]);
      yield this.mark({ key: `fault:${at}:${number}`, kind: "fault", at, until: at, title: text, parts });
    }
  }

  // --- the gap between subject and answer -------------------------------------------------------

  *turns() {
    const pills = new Rows(1, 4);
    for (const turn of this.model.turns) {
      const end = turn.firstSoundAt ?? turn.endedAt;
      if (!this.shows(turn.start, Math.max(end ?? 0, turn.committedAt ?? 0) || null)) continue;
      yield* this.barline(turn);
      const ms = ScoreModel.gapMs(turn);
      if (turn.speechEnd !== null && ms !== null && ms > 0) yield this.gap(turn, turn.speechEnd, ms, pills);
      else if (turn.speechEnd !== null && turn.committedAt !== null && !turn.outcome) yield this.waiting(turn);
      yield* this.lead(turn);
    }
  }

  /** The turn is over: a bar line. @param {Turn} turn */
  *barline(turn) {
    if (turn.committedAt === null || turn.typed || !this.shows(turn.committedAt, turn.committedAt)) return;
    const { top, space } = this.lane.heard;
    const d = `M${this.x(turn.committedAt)} ${top}v${space * 4}`;
    const parts = /** @type {Part[]} */ ([["path", { class: "barline", d }]]);
    yield this.mark({ key: `bar:${turn.id}`, kind: "barline", at: turn.committedAt, until: turn.committedAt, parts });
  }

  /** @param {Turn} turn @param {number} from @param {number} ms @param {Rows} pills */
  gap(turn, from, ms, pills) {
    const until = from + ms / 1000;
    const [left, right, pace] = [this.x(from), this.x(until), speed(ms)];
    const { heard, said, pill } = this.lane;
    const [top, bottom] = [heard.top - 11, said.top + said.space * 4];
    const text = amount(ms);
    const width = textWidth(text, SMALL) + 14;
    const place = pills.place(px((left + right - width) / 2), width);
    /** @type {Part[]} */
    const parts = [
      ["rect", { class: `gap-band ${pace}`, x: left, y: top, width: px(Math.max(right - left, 1)), height: bottom - top }],
      ["path", { class: `gap-edge ${pace}`, d: `M${left} ${top - 4}V${bottom}M${right} ${top - 4}V${bottom}` }],
      ["path", { class: `gap-line ${pace}`, d: interval(left, right, top) }],
    ];
    if (place) {
      parts.push(
        ["rect", { class: `pill ${pace}`, x: place.x, y: pill, width: px(width), height: 17, rx: 8.5 }],
        ["text", { class: `pill-text ${pace}`, x: px(place.x + width / 2), y: pill + 12.5, "text-anchor": "middle" }, text],
      );
    }
    const { substanceAt } = turn;
    const later = substanceAt !== null && substanceAt > until + 0.01;
    const detail = later ? this.say("substance", { ms: Math.round((substanceAt - from) * 1000) }) : "";
    return this.mark({ key: `gap:${turn.id}`, kind: "gap", layer: "back", at: from, until, title: this.say("gap", { ms }), detail, parts });
  }

  /** Nothing sounds yet. @param {Turn} turn */
  waiting(turn) {
    const from = turn.speechEnd ?? turn.start;
    const { heard, said } = this.lane;
    const [left, top] = [this.x(from), heard.top - 11];
    const [width, height] = [px(this.x(this.endOf(null)) - left), said.top + said.space * 4 - top];
    const parts = /** @type {Part[]} */ ([["rect", { class: "gap-band open", x: left, y: top, width, height }]]);
    return this.mark({ key: `wait:${turn.id}`, kind: "waiting", layer: "bars", at: from, until: this.endOf(null), parts });
  }

  /** Stretto: the answer entered before the subject ended. @param {Turn} turn */
  *lead(turn) {
    const { draftAt, speechEnd } = turn;
    if (draftAt === null || speechEnd === null || speechEnd - draftAt < LEAD_SECONDS) return;
    const [left, right] = [this.x(draftAt), this.x(speechEnd)];
    const { heard, thought } = this.lane;
    const top = heard.top + heard.space * 4;
    const ms = Math.round((speechEnd - draftAt) * 1000);
    const y = thought.top - 7;
    const parts = /** @type {Part[]} */ ([
      ["rect", { class: "lead-band", x: left, y: top, width: px(right - left), height: thought.top - top }],
      ["path", { class: "lead-edge", d: `M${left} ${heard.top}V${thought.top}M${left} ${y + 4}H${right}v-4` }],
    ]);
    if (this.notesShow) {
      parts.push(["text", { class: "expression", x: px(left + 4), y: y - 1 }, this.say("stretto", { amount: amount(ms) })]);
    }
    const title = this.say("strettoTitle", { ms });
    yield this.mark({ key: `lead:${turn.id}`, kind: "lead", layer: "back", at: draftAt, until: speechEnd, title, parts });
  }

  // --- heard ------------------------------------------------------------------------------------

  *heard() {
    const staff = this.lane.heard;
    for (const span of this.model.speech) {
      if (!this.shows(span.start, span.end)) continue;
      const parts = [this.band("heard", staff, span.start, span.end)];
      const until = this.endOf(span.end);
      yield this.mark({ key: `speech:${span.start}`, kind: "speech", layer: "bars", at: span.start, until, parts });
    }
    for (const turn of this.model.turns) {
      const end = turn.speechEnd ?? (this.model.speech.at(-1)?.end === null ? null : this.model.lastSpeechEnd(turn.start));
      if (this.shows(turn.start, turn.typed ? turn.start + 4 : end)) yield* turn.typed ? this.typed(turn) : this.phrase(turn, end);
    }
    if (this.notesShow) yield* this.heardWords();
  }

  /** The slur over a turn. @param {Turn} turn @param {number | null} end */
  *phrase(turn, end) {
    const title = this.say("turn", { text: turn.transcript || this.say("listening") });
    const outcome = turn.outcome && this.say(`outcome_${turn.outcome}`) + (turn.reason ? ` (${turn.reason})` : "");
    const detail = [end === null ? "" : this.say("lasted", { seconds: seconds(end - turn.start) }), outcome];
    const parts = /** @type {Part[]} */ ([
      ["path", { class: "slur heard", d: slur(this.x(turn.start), this.x(this.endOf(end)), this.lane.heard.top - 2, end === null) }],
    ]);
    if (this.phrasesShow && turn.transcript) parts.push(this.phraseText("heard", turn.transcript, turn.start, this.nextTurn(turn)));
    yield this.mark({
      ...{ key: `turn:${turn.id}`, kind: "phrase", layer: end === null ? "bars" : "ink", at: turn.start },
      ...{ until: this.endOf(end), title, detail: detail.filter(Boolean).join(" · "), parts },
    });
  }

  /** @param {Turn} turn */
  nextTurn(turn) {
    const next = this.model.turns[this.model.turns.indexOf(turn) + 1];
    return next?.start ?? this.window.now + 1;
  }

  /** What was typed: a diamond, as harmonics are written. @param {Turn} turn */
  *typed(turn) {
    const { top, space, words } = this.lane.heard;
    const [x, y] = [this.x(turn.start), top + space * 2];
    const room = Math.max((this.nextTurn(turn) - turn.start) * this.window.pxPerSecond - 12, 40);
    const parts = /** @type {Part[]} */ ([
      ["path", { class: "note heard", d: `M${x} ${y - 7}l7 7l-7 7l-7 -7Z` }],
      ["path", { class: "typed-stem", d: `M${x} ${y + 9}V${words - 11}` }],
      ["text", { class: "word heard typed", x: px(x - 4), y: words }, fit(turn.transcript, Math.min(room, 320), FONT)],
    ]);
    const title = this.say("typed", { text: turn.transcript });
    yield this.mark({ key: `turn:${turn.id}`, kind: "typed", at: turn.start, until: turn.start + 2, title, parts });
  }

  *heardWords() {
    const rows = new Rows(this.lane.heard.rows, 5, 14);
    for (const segment of this.model.segments) {
      const [first, last] = [segment.words[0], segment.words.at(-1)];
      if (!first || !last || first.start > this.window.to || last.end < this.window.from - LOOK_BACK_SECONDS) continue;
      for (const [number, word] of segment.words.entries()) {
        const style = word.stable ? "heard" : "heard tentative";
        const parts = [this.note(this.lane.heard, style, word.text, word.start, word.end), ...this.lyric(rows, this.lane.heard, style, word.text, word.start)];
        if (!this.shows(word.start - 1, word.end + 1)) continue;
        const title = this.say(word.stable ? "word" : "tentative", { text: word.text });
        const key = `word:${segment.call}:${segment.number}:${number}`;
        yield this.mark({ key, kind: word.stable ? "word" : "word-tentative", at: word.start, until: word.end, title: `${title} ${clock(word.start)}`, parts });
      }
    }
  }

  // --- shared -----------------------------------------------------------------------------------

  /** @param {string} style @param {Staff} staff @param {number} start @param {number | null} end @returns {Part} */
  band(style, staff, start, end) {
    const left = this.x(start);
    const height = staff.space * (staff.lines - 1) + 6;
    return ["rect", { class: `band ${style}`, x: left, y: staff.top - 3, width: px(Math.max(this.x(this.endOf(end)) - left, 3)), height, rx: 4 }];
  }

  /**
   * A word as a note. How long it sounds is measured; how high it stands is not: longer words stand higher, as stressed
   * words do, so that a phrase has a shape to be known again by.
   * @param {Staff} staff @param {string} style @param {string} text @param {number} start @param {number} end @param {number} [db]
   * @returns {Part}
   */
  note(staff, style, text, start, end, db = 0) {
    const letters = text.replace(/[^\p{L}\p{N}]/gu, "").length;
    const step = letters > 7 ? 0.5 : letters > 5 ? 1 : letters > 3 ? 2 : letters > 2 ? 2.5 : 3;
    const height = Math.max((staff.space + (this.wordsShow ? 1 : -2)) * 10 ** (db / 30), 2);
    const left = this.x(start);
    const width = px(Math.max(this.x(end) - left - 1.5, this.wordsShow ? 4 : 2));
    const y = px(staff.top + step * staff.space - height / 2);
    return ["rect", { class: `note ${style}`, x: left, y, width, height: px(height), rx: px(Math.min(height, width) / 2) }];
  }

  /** @param {Rows} rows @param {Staff} staff @param {string} style @param {string} text @param {number} start @returns {Part[]} */
  lyric(rows, staff, style, text, start) {
    const place = this.wordsShow ? rows.place(this.x(start), textWidth(text, FONT)) : null;
    return place ? [["text", { class: `word ${style}`, x: px(place.x), y: staff.words + place.row * 15 }, text]] : [];
  }

  /** @param {"heard" | "said"} lane @param {string} text @param {number} start @param {number} next @returns {Part} */
  phraseText(lane, text, start, next) {
    const room = (next - start) * this.window.pxPerSecond - 10;
    return ["text", { class: `word ${lane}`, x: this.x(start), y: this.lane[lane].words }, fit(oneLine(text), room, FONT)];
  }

  // --- thought ----------------------------------------------------------------------------------

  /** Who stands in which row of the middle staff. */
  giveRows() {
    const { from, to } = this.window;
    const rows = new Rows(this.lane.thought.rows, 12);
    /** @type {{think: Think, row: number, x: number, text: string, tag: string}[]} */
    const placed = [];
    for (const think of this.model.thinks) {
      if (think.start > to || (think.end ?? Infinity) < from - LOOK_BACK_SECONDS || isEmpty(think)) continue;
      const left = this.x(think.start);
      const width = Math.min(this.x(think.end ?? this.window.now), this.x(lastOf(think) ?? this.window.now)) - left;
      const [tag, text] = this.labels(think);
      const tagWidth = tag ? textWidth(tag, SMALL) * BOLD + 7 : 0;
      const taken = Math.max(width, tagWidth + textWidth(text, SMALL + 0.5));
      const whole = rows.place(left, taken);
      const place = whole ?? rows.place(left, width + tagWidth);
      const row = place?.row ?? rows.emptiest();
      placed.push({ think, row, x: left, text: whole ? text : "", tag: place ? tag : "" });
      this.barY.set(think.id, this.rowY(row));
      for (const tool of shownTools(think)) this.giveToolRow(tool, rows);
    }
    return placed;
  }

  /** @param {number} row */
  rowY(row) {
    return this.lane.thought.top + row * this.lane.thought.space;
  }

  /** @param {Tool} tool @param {Rows} rows */
  giveToolRow(tool, rows) {
    const left = this.x(tool.start);
    const right = Math.max(this.x(tool.end ?? this.window.now), left);
    const spot = rows.place(left, Math.max(right - left, this.toolWidth(tool) + 6));
    if (spot) this.barY.set(`tool:${tool.id}`, this.rowY(spot.row));
    else this.barY.delete(`tool:${tool.id}`);
  }

  /** Of its name, and the ends of the bracket around it. @param {Tool} tool */
  toolWidth(tool) {
    return this.toolName(tool).length * SMALL * MONO + 24;
  }

  /** Its kind, and its words. @param {Think} think @returns {[string, string]} */
  labels(think) {
    if (this.window.pxPerSecond < WORDS_FROM * 0.6) return ["", ""];
    const room = this.lane.compact ? 130 : WIDEST_THOUGHT;
    const fate = think.fates.at(-1);
    const thrown = fate?.fate === "abandoned";
    const lost = thrown ? think.tools.map((tool) => tool.name).join(", ") : "";
    const words = [
      think.purpose === "answer" ? "" : this.say(think.foreseen ? "foreseenDraft" : `purpose_${think.purpose}`),
      thrown && fate.reason && !this.lane.compact ? this.say(`reason_${fate.reason}`) : "",
    ];
    return [words.filter(Boolean).join(", "), fit(wordsOf(think) || lost, room, SMALL)];
  }

  /** @param {Tool} tool */
  toolName(tool) {
    const took = tool.end === null ? "" : ` ${seconds(tool.end - tool.start)} s`;
    return `${tool.name}${took}${tool.failed ? " ✕" : ""}`;
  }

  *thought() {
    for (const { think, row, text, tag } of this.bars) {
      const y = this.rowY(row);
      const last = lastOf(think);
      const textEnd = think.start + (textWidth(text + tag, FONT) + 8) / this.window.pxPerSecond;
      if (this.shows(think.start, last === null ? null : Math.max(last, textEnd))) {
        if (think.end === null) yield this.mark({ ...this.told(think), key: `grow:${think.id}`, layer: "bars", title: "", detail: "", parts: this.bar(think, y) });
        yield this.mark({ ...this.told(think), parts: [...(think.end === null ? [] : this.bar(think, y)), ...this.texture(think, y), ...this.fates(think, y), ...this.thinkText(think, y, tag, text)] });
      }
      yield* this.tools(think);
    }
  }

  /** @param {Think} think */
  told(think) {
    const fate = think.fates.at(-1);
    const name = think.foreseen ? this.say("foreseenDraft") : this.say(`purpose_${think.purpose}`);
    const facts = [
      think.end === null ? "" : this.say("lasted", { seconds: seconds(think.end - think.start) }),
      fate ? this.say(`fate_${fate.fate}`) + (fate.reason ? ` (${this.say(`reason_${fate.reason}`)})` : "") : "",
      think.basis && this.say("basis", { text: think.basis }),
      think.thought && this.say("thinks", { text: oneLine(think.thought).slice(0, 300) }),
      think.silence,
    ];
    const kind = think.purpose === "draft" ? `draft ${fate?.fate ?? "open"}` : think.purpose;
    return this.mark({
      ...{ key: `think:${think.id}`, kind, at: think.start, until: lastOf(think) ?? this.endOf(null) },
      ...{ title: `${name}: ${wordsOf(think) || "…"}`.slice(0, 300), detail: facts.filter(Boolean).join(" · "), parts: [] },
    });
  }

  /** @param {Think} think @param {number} y @returns {Part[]} */
  bar(think, y) {
    const end = this.endOf(think.end);
    const bar = (/** @type {string} */ style, /** @type {number} */ from, /** @type {number} */ to, high = 7) =>
      /** @type {Part} */ ([
        "rect",
        { class: `stream ${style}`, x: this.x(from), y: y - high / 2, width: px(Math.max(this.x(to) - this.x(from), 3)), height: high, rx: high / 2 },
      ]);
    if (think.purpose !== "draft") {
      if (PRIVATE.has(think.purpose)) return [bar(`private ${think.purpose}`, think.start, end, 4)];
      const first = Math.min(think.firstAt ?? end, end);
      return [...(first > think.start ? [bar("awaiting", think.start, first)] : []), bar("answer", first, Math.max(end, first))];
    }
    if (think.fates.at(-1)?.fate === "abandoned") return [bar("thrown", think.start, end)];
    const turned = think.fates.find(({ fate }) => fate === "promoted")?.at ?? Infinity;
    if (turned >= end) return [bar("draft", think.start, end)];
    return [bar("answer", turned, end), bar("draft", think.start, Math.max(turned, think.start))];
  }

  /** Reasoning: a fine hatching of the moments at which it thought. @param {Think} think @param {number} y @returns {Part[]} */
  texture(think, y) {
    if (!think.pulses.length || !this.wordsShow) return [];
    const d = think.pulses.map((at) => `M${this.x(at)} ${y - 5}v-3`).join("");
    return [["path", { class: "texture", d }]];
  }

  /** Kept until it is known what becomes of it, and the mark of that. @param {Think} think @param {number} y @returns {Part[]} */
  fates(think, y) {
    /** @type {Part[]} */
    const parts = [];
    const [end, last] = [think.end ?? Infinity, lastOf(think)];
    if (last !== null && last > end) parts.push(["path", { class: "kept", d: `M${this.x(end)} ${y}H${this.x(last)}` }]);
    for (const { at, fate } of think.fates) {
      const x = this.x(at);
      if (fate === "abandoned") parts.push(["path", { class: "cross", d: `M${px(x - 3.5)} ${y - 3.5}l7 7m0 -7l-7 7` }]);
      if (fate === "frozen") parts.push(["path", { class: "frozen", d: `M${px(x - 1.5)} ${y - 4.5}v9m4 -9v9` }]);
      if (fate === "promoted") parts.push(["path", { class: "promoted", d: `M${x} ${y - 6}l6 6l-6 6l-6 -6Z` }]);
      if (fate === "verified") parts.push(...this.takenOver(think, x, y));
    }
    return parts;
  }

  /** Another goes on behind it: a tie. @param {Think} think @param {number} x @param {number} y @returns {Part[]} */
  takenOver(think, x, y) {
    const next = this.model.thinkOf.get(think.takenBy);
    const nextY = this.barY.get(think.takenBy);
    /** @type {Part[]} */
    const parts = [["path", { class: "verified", d: `M${px(x - 4)} ${y}l3 3.5l5.5 -7` }]];
    if (!next || nextY === undefined) return parts;
    const to = Math.max(this.x(next.start), x + 4);
    return [...parts, ["path", { class: "tie", d: `M${px(x + 4)} ${y}C${px(x + 14)} ${y} ${px(to - 10)} ${nextY} ${to} ${nextY}` }]];
  }

  /** @param {Think} think @param {number} y @param {string} tag @param {string} text @returns {Part[]} */
  thinkText(think, y, tag, text) {
    const [x, base] = [this.x(think.start), y + (this.lane.compact ? 13.5 : 14.5)];
    const thrown = think.fates.at(-1)?.fate === "abandoned";
    const musing = PRIVATE.has(think.purpose) || (!think.sentences.length && think.thought !== "");
    const after = tag ? px(x + textWidth(tag, SMALL) * BOLD + 7) : x;
    /** @type {Part[]} */
    const parts = [];
    if (tag) parts.push(["text", { class: thrown ? "tag gone" : "tag", x, y: base }, tag]);
    if (text) parts.push(["text", { class: `thinking${thrown ? " struck" : musing ? " musing" : ""}`, x: after, y: base }, text]);
    return parts;
  }

  /** A bracket with the tool's name in it, as over a triplet. @param {Think} think */
  *tools(think) {
    for (const tool of shownTools(think)) {
      const bar = this.barY.get(`tool:${tool.id}`);
      if (bar === undefined || !this.shows(tool.start, tool.end === null ? null : tool.end + 2)) continue;
      const y = bar + 1;
      const [left, right] = [this.x(tool.start), this.x(this.endOf(tool.end))];
      const room = this.toolWidth(tool);
      const inside = right - left > room;
      const textX = tool.end === null ? left + 12 : inside ? (left + right - room) / 2 + 12 : right + 6;
      const d = inside
        ? `M${left} ${y + 7}v-7H${px(textX - 5)}M${px(textX + room - 19)} ${y}H${right}${tool.end === null ? "" : "v7"}`
        : `M${left} ${y + 7}v-7H${right}v7`;
      const base = { key: `tool:${think.id}:${tool.id}`, kind: "tool", at: tool.start, until: this.endOf(tool.end) };
      const failed = tool.failed ? " failed" : "";
      const frame = /** @type {Part} */ (["path", { class: `bracket${failed}`, d }]);
      const text = /** @type {Part} */ (["text", { class: `tool-name${failed}`, x: px(textX), y: px(y + 3.5) }, this.toolName(tool)]);
      const texts = this.window.pxPerSecond < WORDS_FROM * 0.6 ? [] : [text];
      if (tool.end === null) yield this.mark({ ...base, key: `${base.key}:frame`, layer: "bars", parts: [frame] });
      yield this.mark({ ...base, ...this.aboutTool(tool), parts: tool.end === null ? texts : [frame, ...texts] });
    }
  }

  /** @param {Tool} tool */
  aboutTool(tool) {
    const took = tool.end === null ? this.say("running") : this.say("lasted", { seconds: seconds(tool.end - tool.start) });
    const facts = [tool.progress, tool.arguments, tool.failed ? this.say("failed") : "", took];
    return { title: this.say("tool", { name: tool.name }), detail: facts.filter(Boolean).join(" · ") };
  }

  // --- said -------------------------------------------------------------------------------------

  *said() {
    const rows = new Rows(this.lane.said.rows, 5, 14);
    const sounding = this.model.utterances.filter((said) => said.start !== null);
    for (const [number, said] of sounding.entries()) {
      const start = said.start ?? 0;
      const until = said.end === null ? null : said.end + (said.cut ? UNHEARD_SECONDS : 0.5);
      if (start > this.window.to || this.endOf(until) < this.window.from - LOOK_BACK_SECONDS) continue;
      const next = Math.min(sounding[number + 1]?.start ?? Infinity, this.nextRest(start));
      const words = this.saidWords(said, next, rows);
      if (!this.shows(start, until)) continue;
      yield* this.flow(said, start);
      yield* this.answer(said, start, Math.min(next, this.window.now + 1));
      yield* words;
      if (said.cut && said.end !== null) yield* this.cutOff(said, said.end);
    }
    yield* this.backchannels();
    yield* this.rests();
  }

  /** @param {number} after */
  nextRest(after) {
    const ends = this.model.turns.filter((turn) => this.isRest(turn)).map((turn) => turn.endedAt ?? 0);
    return Math.min(...ends.filter((at) => at > after), Infinity);
  }

  /** From the thought into the answer. @param {Utterance} said @param {number} start */
  *flow(said, start) {
    const think = said.thinkId === null ? undefined : this.model.thinkOf.get(said.thinkId);
    const from = think && this.barY.get(think.id);
    if (!think || from === undefined) return;
    const promoted = think.fates.find(({ fate }) => fate === "promoted");
    const left = this.x(Math.min(promoted?.at ?? think.firstAt ?? think.start, start));
    const [right, to] = [this.x(start) + 2, this.lane.said.top + this.lane.said.space * 2];
    const bend = Math.max((to - from) * 0.5, 14);
    const d = `M${left} ${from}C${left} ${px(from + bend)} ${px(right - 4)} ${px(to - bend)} ${right} ${to}`;
    const parts = /** @type {Part[]} */ ([["path", { class: promoted ? "flow promoted-flow" : "flow", d, stroke: "url(#score-flow)" }]]);
    yield this.mark({ key: `flow:${said.id}`, kind: promoted ? "promotion" : "flow", layer: "back", at: start, until: start, parts });
  }

  /** @param {Utterance} said @param {number} start @param {number} next */
  *answer(said, start, next) {
    const staff = this.lane.said;
    const filler = said.fillers.size > 0;
    const turned = filler ? said.words.find((word) => !word.filler)?.start : start;
    const bands = [];
    if (filler) bands.push(this.band("filler", staff, start, turned ?? said.end));
    if (turned !== undefined) bands.push(this.band("said", staff, turned, said.end));
    const until = this.endOf(said.end);
    yield this.mark({ key: `sound:${said.id}`, kind: filler ? "filler" : "sound", layer: "bars", at: start, until, parts: bands });
    /** @type {Part[]} */
    const parts = [["path", { class: "slur said", d: slur(this.x(start), this.x(until), staff.top - 2, said.end === null) }], ...this.hairpins(said)];
    if (this.phrasesShow && said.heard) parts.push(this.phraseText("said", said.heard, start, next));
    const detail = [
      said.end === null ? "" : this.say("lasted", { seconds: seconds(said.end - start) }),
      filler ? this.say("filler", { text: [...said.fillers.values()].join(" ").trim() }) : "",
      said.cut ? this.say("unheard", { text: unheard(said) }) : "",
    ];
    yield this.mark({
      ...{ key: `said:${said.id}`, kind: "answer", layer: said.end === null ? "bars" : "ink", at: start, until },
      ...{ title: this.say("answer", { text: said.heard || "…" }), detail: detail.filter(Boolean).join(" · "), parts },
    });
  }

  /** Quieter while the user speaks: hairpins, as in any score. @param {Utterance} said @returns {Part[]} */
  hairpins(said) {
    if (!this.wordsShow || this.lane.compact) return [];
    const y = this.lane.said.top + this.lane.said.space * 4 + 6.5;
    /** @type {Part[]} */
    const parts = [];
    let [db, since] = [0, 0];
    for (const gain of said.gains) {
      if (gain.db < 0 && db === 0) since = gain.at;
      if (gain.db === 0 && db < 0) {
        const [left, right] = [this.x(since), this.x(gain.at)];
        parts.push(["path", { class: "hairpin", d: `M${left} ${y - 3}L${px((left + right) / 2)} ${y}L${left} ${y + 3}M${right} ${y - 3}L${px((left + right) / 2)} ${y}L${right} ${y + 3}` }]);
      }
      db = gain.db;
    }
    return parts;
  }

  /** @param {Utterance} said @param {number} at */
  gainAt(said, at) {
    return said.gains.findLast((gain) => gain.at <= at)?.db ?? 0;
  }

  /** Heard words full, those to come (or cut off) hollow. @param {Utterance} said @param {number} next @param {Rows} rows */
  saidWords(said, next, rows) {
    /** @type {Mark[]} */
    const marks = [];
    if (!this.notesShow) return marks;
    const staff = this.lane.said;
    for (const [number, word] of said.words.entries()) {
      const style = word.filler ? "said filler" : "said";
      const parts = [this.note(staff, style, word.text, word.start, word.end, this.gainAt(said, word.start)), ...this.lyric(rows, staff, style, word.text, word.start)];
      if (!this.shows(word.start - 1, word.end + 1)) continue;
      const title = `${word.text} ${clock(word.start)}`;
      marks.push(this.mark({ key: `said:${said.id}:${number}`, kind: word.filler ? "filler-word" : "said-word", at: word.start, until: word.end, title, parts }));
    }
    return [...marks, ...this.hollow(said, next, rows)];
  }

  /** @param {Utterance} said @param {number} next @param {Rows} rows */
  *hollow(said, next, rows) {
    if (said.end !== null && !said.cut) return;
    const cut = said.end !== null;
    let at = (cut ? said.end : (said.words.at(-1)?.end ?? said.start)) ?? 0;
    at += cut ? 16 / this.window.pxPerSecond : 0;
    const limit = Math.min(at + (cut ? UNHEARD_SECONDS : COMING_SECONDS), cut ? next - 0.1 : Infinity);
    const first = said.words.length;
    for (const [number, word] of remaining(said).split(/\s+/).filter(Boolean).entries()) {
      const end = at + (word.length + 1) / PACE;
      if (end > limit) return;
      const style = cut ? "said unheard" : "said coming";
      const parts = [this.note(this.lane.said, style, word, at, end), ...this.lyric(rows, this.lane.said, style, word, at)];
      yield this.mark({ key: `said:${said.id}:${first + number}`, kind: cut ? "unheard" : "coming", at, until: end, parts });
      at = end;
    }
  }

  /** A double bar, and what cut it off. @param {Utterance} said @param {number} end */
  *cutOff(said, end) {
    const { heard, said: staff } = this.lane;
    const [x, top, bottom] = [this.x(end) + 3, staff.top - 4, staff.top + staff.space * 4 + 4];
    /** @type {Part[]} */
    const parts = [
      ["path", { class: "double-bar", d: `M${x} ${top}V${bottom}` }],
      ["path", { class: "double-bar thick", d: `M${x + 5} ${top}V${bottom}` }],
    ];
    const user = this.model.speech.findLast((span) => span.start < end && this.endOf(span.end) > end - 0.6);
    const isUser = said.why === "barge_in" || said.why === "rejoined";
    if (user && isUser) parts.unshift(["path", { class: "interruption", d: `M${x} ${heard.top + heard.space * 4 + 3}V${top}` }]);
    const text = unheard(said);
    const title = this.say(isUser ? "bargeIn" : "cut");
    const detail = text ? this.say("unheard", { text }) : "";
    yield this.mark({ key: `cut:${said.id}`, kind: "cut", at: end, until: end, title, detail, parts });
  }

  /** Small notes, as grace notes are. */
  *backchannels() {
    const { top, space, words } = this.lane.said;
    for (const { at, text } of this.model.backchannels) {
      if (!this.shows(at, at + 1)) continue;
      const [x, y] = [this.x(at), top + space * 2.5];
      const parts = /** @type {Part[]} */ ([
        ["ellipse", { class: "grace", cx: px(x + 3), cy: y, rx: 3.6, ry: 2.7 }],
        ["path", { class: "grace-stem", d: `M${px(x + 6.2)} ${y}v-15c1 4 5 4 4 9M${x} ${y - 6}l10 -6` }],
      ]);
      if (this.wordsShow) parts.push(["text", { class: "word said murmur", x: px(x - 2), y: words }, fit(text, 120, FONT)]);
      yield this.mark({ key: `murmur:${at}`, kind: "backchannel", at, until: at + 0.3, title: this.say("backchannel", { text }), parts });
    }
  }

  /** Silence that was chosen, and not what the agent kept on saying through. @param {Turn} turn */
  isRest(turn) {
    if (turn.outcome !== "silent" || turn.endedAt === null) return false;
    const at = turn.endedAt;
    return !this.model.utterances.some((said) => said.start !== null && said.start <= at && this.endOf(said.end) > at);
  }

  *rests() {
    const { top, space, words } = this.lane.said;
    for (const turn of this.model.turns) {
      if (!this.isRest(turn) || turn.endedAt === null || !this.shows(turn.endedAt, turn.endedAt + 2)) continue;
      const x = this.x(turn.endedAt) + 4;
      const next = this.model.utterances.find((said) => said.start !== null && said.start > (turn.endedAt ?? 0))?.start ?? Infinity;
      const room = Math.min((next - turn.endedAt) * this.window.pxPerSecond - 12, this.lane.compact ? 120 : 220);
      /** @type {Part[]} */
      const parts = [["path", { class: "rest", d: REST, transform: `translate(${x} ${top + space * 2 - 13.5})` }]];
      if (this.window.pxPerSecond >= PHRASES_FROM) {
        parts.push(["text", { class: "word musing", x, y: words }, fit(turn.reason || this.say("silence"), room, FONT)]);
      }
      const title = this.say("silence");
      yield this.mark({ key: `rest:${turn.id}`, kind: "rest", at: turn.endedAt, until: turn.endedAt + 0.4, title, detail: turn.reason, parts });
    }
  }
}

// --- what thinking is -----------------------------------------------------------------------------

/** Nothing of these is said by itself. */
const PRIVATE = new Set(["notes", "foresight", "afterthought"]);

/** Second thoughts that came to nothing only hide what happened. @param {Think} think */
function isEmpty(think) {
  return PRIVATE.has(think.purpose) && think.silence !== "" && !think.thought && !think.sentences.length && !think.tools.length;
}

/** Those of a draft that was thrown away count for nothing. @param {Think} think */
function shownTools(think) {
  return think.fates.at(-1)?.fate === "abandoned" ? [] : think.tools;
}

/** When it was over with it: it ended, or its fate came later. @param {Think} think @returns {number | null} */
function lastOf(think) {
  if (think.end === null) return null;
  return think.fates.reduce((last, { at }) => Math.max(last, at), think.end);
}

/** @param {Think} think */
function wordsOf(think) {
  if (think.purpose === "foresight") return think.ends ? `… ${think.ends} (${Math.round(think.probability * 100)} %)` : "";
  const spoken = think.sentences.join(" ") || think.written;
  if (think.purpose === "draft" || think.sentences.length) return oneLine(spoken || think.silence);
  return oneLine(think.thought || spoken || think.silence);
}

/** What is planned behind what was heard. @param {Utterance} said */
function remaining(said) {
  const all = [...said.planned.keys()].sort((a, b) => a - b).map((index) => said.planned.get(index)?.trim()).join(" ");
  return all.startsWith(said.heard) ? all.slice(said.heard.length) : unheard(said);
}

// --- shapes ---------------------------------------------------------------------------------------

/** An arc over a phrase, thicker in its middle; of an open one its end is not known yet.
 * @param {number} left @param {number} right @param {number} y @param {boolean} open */
function slur(left, right, y, open) {
  const width = Math.max(right - left, 6);
  const bend = Math.min(width / 2, 34);
  const high = Math.min(9, 3 + width / 14);
  const [a, b] = [px(left + bend), px(left + width - bend)];
  const rise = `M${left} ${y}Q${px(left + bend * 0.35)} ${px(y - high)} ${a} ${px(y - high)}`;
  if (open) return `${rise}H${px(right)}V${px(y - high + 2)}H${a}Q${px(left + bend * 0.4)} ${px(y - high + 2)} ${left} ${y}Z`;
  const end = px(left + width);
  return (
    `${rise}H${b}Q${px(end - bend * 0.35)} ${px(y - high)} ${end} ${y}` +
    `Q${px(end - bend * 0.4)} ${px(y - high + 2)} ${b} ${px(y - high + 2)}H${a}Q${px(left + bend * 0.4)} ${px(y - high + 2)} ${left} ${y}Z`
  );
}

/** A measured distance: a line with a point at each end. @param {number} left @param {number} right @param {number} y */
function interval(left, right, y) {
  if (right - left < 14) return `M${left} ${y}H${right}`;
  return `M${left} ${y}H${right}M${left + 4} ${y - 3}L${left} ${y}L${left + 4} ${y + 3}M${px(right - 4)} ${y - 3}L${right} ${y}L${px(right - 4)} ${y + 3}`;
}

/** A quarter rest, 10 by 27: a thin stroke, a thick one, and the hook. */
const REST = "M2.2 0.2L9.4 9.2C6.6 12 6.5 13.8 9.8 18.4L8.9 19.2C5.4 17.6 4 20.6 7.2 25.6L6.3 26.3C1.4 22 1.2 16.6 6.2 16.4L1.4 10.4C4.6 7.6 4.8 4.9 1.5 0.9Z";

/** The clefs of the three voices, 22 by 40 about the middle line: strokes, and dots. @type {Record<"heard" | "thought" | "said", Part[]>} */
export const CLEFS = {
  heard: [
    ["path", { class: "clef heard", d: "M11.5 1.5C7.5 -1.5 5.5 5 10.5 5.4C15.5 5.6 16.4 -3.4 10 -3.6C2.6 -3.6 1.2 7.4 8.4 10.4C13 12 18.4 8.6 17.6 3C16.6 -4 6 -9 8.6 -17C9.4 -20 12 -21 13 -18C14.4 -13 4 -8.4 3.6 1" }],
    ["path", { class: "clef heard", d: "M9 -15L12.6 14C13 19 7.4 19.4 7.2 16.2" }],
    ["circle", { class: "clef-dot heard", cx: 8, cy: 15.6, r: 1.7 }],
  ],
  thought: [
    ["path", { class: "clef thought wide", d: "M4 -13V13" }],
    ["path", { class: "clef thought", d: "M8 -13V13M8 0C11 -1 12 -3 12 -5C14 -1.6 19 -3 19 -7.4C19 -12 15 -13.4 12 -11.6M8 0C11 1 12 3 12 5C14 1.6 19 3 19 7.4C19 12 15 13.4 12 11.6" }],
  ],
  said: [
    ["path", { class: "clef said", d: "M5.4 -5.4C4 -12.4 15.4 -13 15.4 -4C15.4 4 9.4 9.6 3.6 12.4" }],
    ["circle", { class: "clef-dot said", cx: 6.6, cy: -5.4, r: 2.2 }],
    ["circle", { class: "clef-dot said", cx: 19, cy: -8, r: 1.5 }],
    ["circle", { class: "clef-dot said", cx: 19, cy: -1.6, r: 1.5 }],
  ],
};

/** The class names of the shapes as they stand in the document, where others may use the plain ones. @param {string | number} names */
export function classes(names) {
  return String(names).replace(/\S+/g, "s-$&");
}

/** The names of the staves with their clefs, behind which time vanishes. @param {Lanes} lane @param {Record<string, string>} strings @returns {Part[]} */
export function names(lane, strings) {
  /** @type {Part[]} */
  const parts = [];
  const voices = /** @type {const} */ (["heard", "thought", "said"]);
  if (lane.compact) {
    for (const voice of voices) {
      parts.push(["text", { class: `lane ${voice}`, x: 6, y: lane[voice].top - (voice === "thought" ? 6 : 14) }, strings[voice]]);
    }
    return parts;
  }
  const bottom = lane.said.top + lane.said.space * 4;
  parts.push(["rect", { class: "curtain", x: 0, y: 0, width: 92, height: lane.height }]);
  parts.push(["rect", { class: "curtain", x: 92, y: 0, width: 8, height: lane.height, "fill-opacity": 0.6 }]);
  parts.push(["path", { class: "brace", d: brace(10, lane.heard.top - 2, bottom + 2) }]);
  parts.push(["path", { class: "brace", d: `M18 ${lane.heard.top}V${bottom}` }]);
  for (const voice of voices) {
    const staff = lane[voice];
    const middle = staff.top + (staff.space * (staff.lines - 1)) / 2;
    const lines = Array.from({ length: staff.lines }, (_, n) => `M18 ${staff.top + n * staff.space}H92`).join("");
    parts.push(["path", { class: voice === "thought" ? "staff-lines wide" : "staff-lines", d: lines }]);
    for (const [tag, attributes] of CLEFS[voice]) parts.push([tag, { ...attributes, transform: `translate(22 ${middle})` }]);
    parts.push(["rect", { class: "curtain", x: 45, y: middle - 9, width: 47, height: 18, "fill-opacity": 0.9 }]);
    parts.push(["text", { class: `lane ${voice}`, x: 47, y: middle + 4.5 }, strings[voice]]);
  }
  return parts;
}

/** @param {number} x @param {number} top @param {number} bottom */
function brace(x, top, bottom) {
  const middle = (top + bottom) / 2;
  return `M${x + 5} ${top}C${x - 4} ${top + 22} ${x + 7} ${middle - 26} ${x - 4} ${middle}C${x + 7} ${middle + 26} ${x - 4} ${bottom - 22} ${x + 5} ${bottom}`;
}
