// Pure: where everything of the score stands: the model in, marks made of plain SVG shapes out.
// The page and the exported file draw the same marks. Times are seconds on the score, places are pixels; what is still
// going on reaches beyond now and is cut off there by who draws it.

import { HeardStaff } from "./score_heard.js";
import { ScoreModel } from "./score_model.js";
import { Pen } from "./score_pen.js";
import { SaidStaff } from "./score_said.js";
import { interval, lanes } from "./score_shapes.js";
import { Rows, SMALL, amount, fit, px, textWidth } from "./score_space.js";
import { clock } from "./score_text.js";
import { ThoughtStaff } from "./score_thought.js";

/** @typedef {import("./score_model.js").Turn} Turn */
/** @typedef {import("./score_pen.js").Mark} Mark */
/** @typedef {import("./score_pen.js").Window} Window */
/** @typedef {import("./score_shapes.js").Part} Part */

/** Answers that begin within this are as fast as people's; up to the second bound nobody minds. Turns between people
 * lie 200 ms apart (Stivers et al. 2009); pauses beyond about 700 ms are heard as trouble (Kendrick & Torreira 2015). */
export const GOOD_MS = 300;
export const FAIR_MS = 800;
/** A draft that was begun so much before the end of the words is worth a mark. */
const LEAD_SECONDS = 0.05;

/** @param {ScoreModel} model @param {Window} window @returns {Mark[]} */
export function layout(model, window) {
  const pen = new Pen(model, window, lanes(window.compact));
  const thought = new ThoughtStaff(pen); // knows where each thinking stands, from which answers come
  const staves = [new Axis(pen), new Gaps(pen), new HeardStaff(pen), thought, new SaidStaff(pen)];
  return staves.flatMap((staff) => [...staff.marks()]);
}

/** @param {number} ms */
export function speed(ms) {
  return ms <= GOOD_MS ? "good" : ms <= FAIR_MS ? "fair" : "slow";
}

/** Time, and what happened to the whole call. */
class Axis {
  /** @param {Pen} pen */
  constructor(pen) {
    this.pen = pen;
  }

  *marks() {
    const { from, to, pxPerSecond } = this.pen.window;
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300].find((one) => one * pxPerSecond >= 76) ?? 600;
    const { axis, said } = this.pen.lane;
    for (let at = Math.max(Math.ceil(from / step), 0) * step; at <= to; at += step) {
      const x = this.pen.x(at);
      /** @type {Part[]} */
      const parts = [
        ["path", { class: "tick", d: `M${x} ${axis + 5}V${said.top + said.space * 4}` }],
        ["text", { class: "time", x, y: axis, "text-anchor": "middle" }, clock(at)],
      ];
      yield this.pen.mark({ key: `tick:${at}`, kind: "tick", layer: "back", at, until: at, parts });
    }
    for (const at of this.pen.model.calls) {
      if (!this.pen.shows(at, at)) continue;
      const [x, top, bottom] = [this.pen.x(at) - 8, this.pen.lane.heard.top, said.top + said.space * 4];
      /** @type {Part[]} */
      const parts = [
        ["path", { class: "final-bar", d: `M${x} ${top}V${bottom}` }],
        ["path", { class: "final-bar thick", d: `M${x + 5} ${top}V${bottom}` }],
      ];
      yield this.pen.mark({ key: `call:${at}`, kind: "call", at, until: at, title: this.pen.say("newCall"), parts });
    }
    for (const [number, { at, text }] of this.pen.model.failures.entries()) {
      if (!this.pen.shows(at, at)) continue;
      const parts = /** @type {Part[]} */ ([
        ["text", { class: "fault", x: this.pen.x(at), y: this.pen.lane.thought.top - 6 }, `! ${fit(text, 240, SMALL)}`],
      ]);
      yield this.pen.mark({ key: `fault:${at}:${number}`, kind: "fault", at, until: at, title: text, parts });
    }
  }
}

/** What lies between a subject and its answer: a gap, or, in a stretto, an overlap. */
class Gaps {
  /** @param {Pen} pen */
  constructor(pen) {
    this.pen = pen;
  }

  *marks() {
    const pills = new Rows(1, 4);
    for (const turn of this.pen.model.turns) {
      const end = turn.firstSoundAt ?? turn.endedAt;
      if (!this.pen.shows(turn.start, Math.max(end ?? 0, turn.committedAt ?? 0) || null)) continue;
      yield* this.barline(turn);
      const ms = ScoreModel.gapMs(turn);
      if (turn.speechEnd !== null && ms !== null && ms > 0) yield this.gap(turn, turn.speechEnd, ms, pills);
      else if (turn.speechEnd !== null && turn.committedAt !== null && !turn.outcome) yield this.waiting(turn);
      yield* this.lead(turn);
    }
  }

  /** The turn is over: a bar line. @param {Turn} turn */
  *barline(turn) {
    if (turn.committedAt === null || turn.typed || !this.pen.shows(turn.committedAt, turn.committedAt)) return;
    const { top, space } = this.pen.lane.heard;
    const d = `M${this.pen.x(turn.committedAt)} ${top}v${space * 4}`;
    const parts = /** @type {Part[]} */ ([["path", { class: "barline", d }]]);
    yield this.pen.mark({
      key: `bar:${turn.id}`,
      kind: "barline",
      at: turn.committedAt,
      until: turn.committedAt,
      parts,
    });
  }

  /** @param {Turn} turn @param {number} from @param {number} ms @param {Rows} pills */
  gap(turn, from, ms, pills) {
    const until = from + ms / 1000;
    const [left, right, pace] = [this.pen.x(from), this.pen.x(until), speed(ms)];
    const { heard, said, pill } = this.pen.lane;
    const [top, bottom] = [heard.top - 11, said.top + said.space * 4];
    const text = amount(ms);
    const width = textWidth(text, SMALL) + 14;
    const place = pills.place(px((left + right - width) / 2), width);
    /** @type {Part[]} */
    const parts = [
      [
        "rect",
        { class: `gap-band ${pace}`, x: left, y: top, width: px(Math.max(right - left, 1)), height: bottom - top },
      ],
      ["path", { class: `gap-edge ${pace}`, d: `M${left} ${top - 4}V${bottom}M${right} ${top - 4}V${bottom}` }],
      ["path", { class: `gap-line ${pace}`, d: interval(left, right, top) }],
    ];
    if (place) {
      parts.push(
        ["rect", { class: `pill ${pace}`, x: place.x, y: pill, width: px(width), height: 17, rx: 8.5 }],
        [
          "text",
          { class: `pill-text ${pace}`, x: px(place.x + width / 2), y: pill + 12.5, "text-anchor": "middle" },
          text,
        ],
      );
    }
    const { substanceAt } = turn;
    const later = substanceAt !== null && substanceAt > until + 0.01;
    const detail = later ? this.pen.say("substance", { ms: Math.round((substanceAt - from) * 1000) }) : "";
    return this.pen.mark({
      key: `gap:${turn.id}`,
      kind: "gap",
      layer: "back",
      at: from,
      until,
      title: this.pen.say("gap", { ms }),
      detail,
      parts,
    });
  }

  /** Nothing sounds yet. @param {Turn} turn */
  waiting(turn) {
    const from = turn.speechEnd ?? turn.start;
    const { heard, said } = this.pen.lane;
    const [left, top] = [this.pen.x(from), heard.top - 11];
    const [width, height] = [px(this.pen.x(this.pen.endOf(null)) - left), said.top + said.space * 4 - top];
    const parts = /** @type {Part[]} */ ([["rect", { class: "gap-band open", x: left, y: top, width, height }]]);
    return this.pen.mark({
      key: `wait:${turn.id}`,
      kind: "waiting",
      layer: "bars",
      at: from,
      until: this.pen.endOf(null),
      parts,
    });
  }

  /** Stretto: the answer entered before the subject ended. @param {Turn} turn */
  *lead(turn) {
    const { draftAt, speechEnd } = turn;
    if (draftAt === null || speechEnd === null || speechEnd - draftAt < LEAD_SECONDS) return;
    const [left, right] = [this.pen.x(draftAt), this.pen.x(speechEnd)];
    const { heard, thought } = this.pen.lane;
    const top = heard.top + heard.space * 4;
    const ms = Math.round((speechEnd - draftAt) * 1000);
    const y = thought.top - 7;
    const parts = /** @type {Part[]} */ ([
      ["rect", { class: "lead-band", x: left, y: top, width: px(right - left), height: thought.top - top }],
      ["path", { class: "lead-edge", d: `M${left} ${heard.top}V${thought.top}M${left} ${y + 4}H${right}v-4` }],
    ]);
    if (this.pen.notesShow) {
      parts.push([
        "text",
        { class: "expression", x: px(left + 4), y: y - 1 },
        this.pen.say("stretto", { amount: amount(ms) }),
      ]);
    }
    const title = this.pen.say("strettoTitle", { ms });
    yield this.pen.mark({
      key: `lead:${turn.id}`,
      kind: "lead",
      layer: "back",
      at: draftAt,
      until: speechEnd,
      title,
      parts,
    });
  }
}
