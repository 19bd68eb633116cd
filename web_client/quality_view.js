// How good the line is: bars, a word, and the figures for those who ask.

import { byId, make, setAttribute, setText } from "./dom.js";
import { sayMs } from "./latency_view.js";

/** @typedef {import("./strings.js").Strings} Strings */
/** @typedef {import("./call.js").Call} Call */

export class QualityView {
  /** @param {Strings} strings */
  constructor(strings) {
    this.strings = strings;
    this.element = byId("quality");
    this.facts = byId("quality-facts");
  }

  /** @param {Call | null} call */
  show(call) {
    const isSeen = call !== null && (call.stage === "live" || call.stage === "reconnecting");
    this.element.hidden = !isSeen;
    if (!isSeen) return;
    const level = call.stage === "reconnecting" ? "lost" : (call.quality?.level ?? "unknown");
    setAttribute(this.element, "data-level", level);
    setText(byId("quality-word"), this.strings[`line_${level}`]);
    if (byId("quality").hasAttribute("open")) this.showFacts(call);
  }

  /** @param {Call} call */
  showFacts({ quality, transport }) {
    const { strings } = this;
    const rows = [[strings.transport, strings[`transport_${transport || "none"}`]]];
    const add = (/** @type {string} */ name, /** @type {number | null | undefined} */ value, /** @type {(value: number) => string} */ say) =>
      typeof value === "number" && rows.push([name, say(value)]);
    add(strings.roundTrip, quality?.rttMs, sayMs);
    add(strings.loss, quality?.lossPercent, sayPercent);
    add(strings.jitter, quality?.jitterMs, sayMs);
    add(strings.concealed, quality?.concealedPercent, sayPercent);
    if (quality?.path) rows.push([strings.path, quality.path]);
    rows.forEach(([name, value], place) => {
      const row = this.facts.children[place] ?? this.facts.appendChild(factRow());
      setText(row.children[0], name);
      setText(row.children[1], value);
    });
    while (this.facts.children.length > rows.length) this.facts.lastElementChild?.remove();
  }
}

/** @param {number} value */
const sayPercent = (value) => `${value.toFixed(1)} %`;

function factRow() {
  const row = make("div");
  row.append(make("dt"), make("dd"));
  return row;
}
