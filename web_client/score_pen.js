// Pure: what all staves are drawn with: times to places, texts, notes, and what belongs to the window that is seen.

import { fill } from "./score_text.js";
import { FONT, fit, oneLine, px, textWidth } from "./score_space.js";

/** @typedef {import("./score_model.js").ScoreModel} ScoreModel */
/** @typedef {import("./score_shapes.js").Part} Part */
/** @typedef {import("./score_shapes.js").Staff} Staff */
/** @typedef {import("./score_shapes.js").Lanes} Lanes */
/** @typedef {import("./score_space.js").Rows} Rows */
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

/** From here on words stand one by one, below only whole phrases, below that none. Pixels per second. */
export const WORDS_FROM = 64;
const PHRASES_FROM = 14;
const BEYOND_SECONDS = 5;
/** Rows are given out from what began so much earlier, so that they stay when the window moves. */
export const LOOK_BACK_SECONDS = 30;

export class Pen {
  /** @param {ScoreModel} model @param {Window} window @param {Lanes} lane */
  constructor(model, window, lane) {
    this.model = model;
    this.window = window;
    this.lane = lane;
    this.strings = window.strings;
    /** Where each thinking's bar stands. @type {Map<string, number>} */
    this.barY = new Map();
  }

  /** @param {number} time */
  x(time) {
    return px((time - this.window.origin) * this.window.pxPerSecond);
  }

  /**
   * The end of what may still go on: beyond now, and seldom another, so that its shape needs no drawing.
   * @param {number | null} time
   */
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

  /** @param {string} style @param {Staff} staff @param {number} start @param {number | null} end @returns {Part} */
  band(style, staff, start, end) {
    const left = this.x(start);
    const height = staff.space * (staff.lines - 1) + 6;
    return [
      "rect",
      {
        class: `band ${style}`,
        x: left,
        y: staff.top - 3,
        width: px(Math.max(this.x(this.endOf(end)) - left, 3)),
        height,
        rx: 4,
      },
    ];
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
    return [
      "rect",
      { class: `note ${style}`, x: left, y, width, height: px(height), rx: px(Math.min(height, width) / 2) },
    ];
  }

  /**
   * @param {Rows} rows @param {Staff} staff @param {string} style @param {string} text @param {number} start
   * @returns {Part[]}
   */
  lyric(rows, staff, style, text, start) {
    const place = this.wordsShow ? rows.place(this.x(start), textWidth(text, FONT)) : null;
    return place ? [["text", { class: `word ${style}`, x: px(place.x), y: staff.words + place.row * 15 }, text]] : [];
  }

  /** @param {"heard" | "said"} lane @param {string} text @param {number} start @param {number} next @returns {Part} */
  phraseText(lane, text, start, next) {
    const room = (next - start) * this.window.pxPerSecond - 10;
    return [
      "text",
      { class: `word ${lane}`, x: this.x(start), y: this.lane[lane].words },
      fit(oneLine(text), room, FONT),
    ];
  }
}
