// The latency panel: five delays, each with its last value and a small trend.

import { byId, make, makeSvg, setAttribute, setText } from "./dom.js";

/** @typedef {import("./strings.js").Strings} Strings */
/**
 * @typedef {object} TurnMetrics one turn's delays in ms, null where it had none
 * @property {number | null} firstSoundMs
 * @property {number | null} firstSubstanceMs
 * @property {number | null} endpointWaitMs
 * @property {number | null} modelMs
 * @property {number | null} voiceMs
 */

const NAMES = /** @type {const} */ (["firstSoundMs", "firstSubstanceMs", "endpointWaitMs", "modelMs", "voiceMs"]);
/** Turns that a trend shows. */
const TREND_TURNS = 24;
const [WIDTH, HEIGHT, MARGIN] = [96, 24, 3];
/** So far apart two turns stand at most. */
const MAX_STEP = 16;

export class LatencyView {
  /** @param {Strings} strings */
  constructor(strings) {
    this.strings = strings;
    this.rows = NAMES.map((name) => rowOf(name, strings));
    byId("latencies").append(...this.rows.map(({ element }) => element));
  }

  /** @param {readonly TurnMetrics[]} turns the oldest first */
  show(turns) {
    NAMES.forEach((name, place) => {
      const values = turns.map((turn) => turn[name]).filter((value) => value !== null && value !== undefined);
      this.rows[place].update(values);
    });
  }
}

/** @param {typeof NAMES[number]} name @param {Strings} strings */
function rowOf(name, strings) {
  const element = make("div", "latency-row");
  const [label, fact] = [make("dt", "", strings[name]), make("dd")];
  const [value, spoken] = [make("b", "", "–"), make("span", "unseen")];
  const [svg, line, dot] = [makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }), makeSvg("path"), makeSvg("circle", { r: "2.2" })];
  element.title = strings[`${name}_means`];
  svg.append(line, dot);
  fact.append(svg, value, spoken);
  element.append(label, fact);
  element.dataset.metric = name;
  const update = (/** @type {number[]} */ values) => {
    setText(value, values.length ? sayMs(values[values.length - 1]) : "–");
    setText(spoken, values.length > 1 ? strings.medianOf.replace("{ms}", sayMs(median(values))).replace("{count}", String(values.length)) : "");
    const points = trend(values.slice(-TREND_TURNS));
    setAttribute(line, "d", points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""));
    const [x, y] = points[points.length - 1] ?? [-9, -9];
    setAttribute(dot, "cx", x.toFixed(1));
    setAttribute(dot, "cy", y.toFixed(1));
  };
  return { element, update };
}

/** Where each value stands in the little picture; from zero up, so that heights can be compared. @param {number[]} values */
export function trend(values) {
  const highest = Math.max(...values, 1);
  const step = Math.min((WIDTH - 2 * MARGIN) / Math.max(values.length - 1, 1), MAX_STEP);
  const start = WIDTH - MARGIN - step * (values.length - 1);
  return values.map((value, place) => [start + place * step, HEIGHT - MARGIN - (value / highest) * (HEIGHT - 2 * MARGIN)]);
}

/** @param {number} ms */
export const sayMs = (ms) => (ms < 9999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** @param {number[]} values at least one */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
