// Pure: the fixed shapes of the score: its lanes and staves, their names and clefs, slurs and signs.

import { px } from "./score_space.js";

/** @typedef {[tag: string, attributes: Record<string, string | number>, text?: string]} Part */
/** @typedef {{top: number, space: number, lines: number, words: number, rows: number}} Staff */
/**
 * @typedef {object} Lanes
 * @property {number} height
 * @property {number} axis
 * @property {number} pill
 * @property {Staff} heard
 * @property {Staff} thought
 * @property {Staff} said
 * @property {boolean} compact
 */

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

/**
 * The lines of the three staves; they do not move. @param {Lanes} lane @param {number} from @param {number} to
 * @returns {Part[]}
 */
export function staves(lane, from, to) {
  return [lane.heard, lane.thought, lane.said].map((staff) => {
    const lines = Array.from({ length: staff.lines }, (_, n) => `M${from} ${staff.top + n * staff.space}H${to}`);
    return ["path", { class: staff === lane.thought ? "staff-lines wide" : "staff-lines", d: lines.join("") }];
  });
}

/** An arc over a phrase, thicker in its middle; of an open one its end is not known yet.
 * @param {number} left @param {number} right @param {number} y @param {boolean} open */
export function slur(left, right, y, open) {
  const width = Math.max(right - left, 6);
  const bend = Math.min(width / 2, 34);
  const high = Math.min(9, 3 + width / 14);
  const [a, b] = [px(left + bend), px(left + width - bend)];
  const rise = `M${left} ${y}Q${px(left + bend * 0.35)} ${px(y - high)} ${a} ${px(y - high)}`;
  if (open)
    return `${rise}H${px(right)}V${px(y - high + 2)}H${a}Q${px(left + bend * 0.4)} ${px(y - high + 2)} ${left} ${y}Z`;
  const end = px(left + width);
  return (
    `${rise}H${b}Q${px(end - bend * 0.35)} ${px(y - high)} ${end} ${y}` +
    `Q${px(end - bend * 0.4)} ${px(y - high + 2)} ${b} ${px(y - high + 2)}H${a}Q${px(left + bend * 0.4)} ${px(y - high + 2)} ${left} ${y}Z`
  );
}

/**
 * A measured distance: a line with a point at each end. @param {number} left @param {number} right
 * @param {number} y
 */
export function interval(left, right, y) {
  if (right - left < 14) return `M${left} ${y}H${right}`;
  return `M${left} ${y}H${right}M${left + 4} ${y - 3}L${left} ${y}L${left + 4} ${y + 3}M${px(right - 4)} ${y - 3}L${right} ${y}L${px(right - 4)} ${y + 3}`;
}

/** A quarter rest, 10 by 24. */
export const REST =
  "M3 0L9.2 8.4C7 10.8 6.9 12.6 9.6 16.6C5.2 15.6 4 18.8 7 23.2L6.4 24C0.9 20.6 1 16.2 5.4 15.4L1.2 9.8C4.4 7.2 4.6 4.6 2.2 1.2Z";

/**
 * The clefs of the three voices, 22 by 40 about the middle line: strokes, and dots.
 * @type {Record<"heard" | "thought" | "said", Part[]>}
 */
export const CLEFS = {
  heard: [
    [
      "path",
      {
        class: "clef heard",
        d: "M11.5 1.5C7.5 -1.5 5.5 5 10.5 5.4C15.5 5.6 16.4 -3.4 10 -3.6C2.6 -3.6 1.2 7.4 8.4 10.4C13 12 18.4 8.6 17.6 3C16.6 -4 6 -9 8.6 -17C9.4 -20 12 -21 13 -18C14.4 -13 4 -8.4 3.6 1",
      },
    ],
    ["path", { class: "clef heard", d: "M9 -15L12.6 14C13 19 7.4 19.4 7.2 16.2" }],
    ["circle", { class: "clef-dot heard", cx: 8, cy: 15.6, r: 1.7 }],
  ],
  thought: [
    ["path", { class: "clef thought wide", d: "M4 -13V13" }],
    [
      "path",
      {
        class: "clef thought",
        d: "M8 -13V13M8 0C11 -1 12 -3 12 -5C14 -1.6 19 -3 19 -7.4C19 -12 15 -13.4 12 -11.6M8 0C11 1 12 3 12 5C14 1.6 19 3 19 7.4C19 12 15 13.4 12 11.6",
      },
    ],
  ],
  said: [
    ["path", { class: "clef said", d: "M5.4 -5.4C4 -12.4 15.4 -13 15.4 -4C15.4 4 9.4 9.6 3.6 12.4" }],
    ["circle", { class: "clef-dot said", cx: 6.6, cy: -5.4, r: 2.2 }],
    ["circle", { class: "clef-dot said", cx: 19, cy: -8, r: 1.5 }],
    ["circle", { class: "clef-dot said", cx: 19, cy: -1.6, r: 1.5 }],
  ],
};

/**
 * The class names of the shapes as they stand in the document, where others may use the plain ones.
 * @param {string | number} names
 */
export function classes(names) {
  return String(names).replace(/\S+/g, "s-$&");
}

/**
 * The names of the staves with their clefs, behind which time vanishes. @param {Lanes} lane
 * @param {Record<string, string>} strings @returns {Part[]}
 */
export function names(lane, strings) {
  /** @type {Part[]} */
  const parts = [];
  const voices = /** @type {const} */ (["heard", "thought", "said"]);
  if (lane.compact) {
    for (const voice of voices) {
      parts.push([
        "text",
        { class: `lane ${voice}`, x: 6, y: lane[voice].top - (voice === "thought" ? 6 : 14) },
        strings[voice],
      ]);
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
    for (const [tag, attributes] of CLEFS[voice])
      parts.push([tag, { ...attributes, transform: `translate(22 ${middle})` }]);
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
