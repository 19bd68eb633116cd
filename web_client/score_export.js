// The score as files: one stand-alone SVG document, and the journal of the events behind it. Pure.

import { byteCount } from "./pcm.js";
import { layout } from "./score_layout.js";
import { classes, lanes, names, staves } from "./score_shapes.js";
import { fit, textWidth } from "./score_space.js";
import { SHAPES } from "./score_style.js";
import { SCORE_STRINGS, fill, turnLines } from "./score_text.js";

/** @typedef {import("./wire.js").WireEvent} WireEvent */
/** @typedef {import("./score_model.js").ScoreModel} ScoreModel */
/** @typedef {import("./score_shapes.js").Part} Part */
/** @typedef {"auto" | "light" | "dark"} Theme */
/**
 * @typedef {object} SvgOptions
 * @property {Theme} [theme]
 * @property {number} [width] pixels
 * @property {number} [pxPerSecond]
 * @property {string} [title]
 * @property {Record<string, string>} [strings]
 * @property {number} [from] seconds
 * @property {number} [to]
 */
/**
 * A line of the score; `skipped`: seconds of quiet left out before it.
 * @typedef {{from: number, to: number, skipped: number}} System
 */

const LEFT = 100;
const RIGHT = 28;
const TITLE_PX = 42;
const BETWEEN_PX = -22;
const LEGEND_PX = 30;
/** Longer stretches in which nothing happens are left out. */
const QUIET_SECONDS = 5;
const LEAD_SECONDS = 0.5;
const TAIL_SECONDS = 1;
/** A line is broken where least goes on, in the last part of the room that it has. */
const EARLIEST_BREAK = 0.6;

/** From behind to before. */
const LAYERS = ["back", "bars", "ink"];

/** @type {Record<"light" | "dark", Record<string, string>>} */
const COLOURS = {
  light: {
    ...{ paper: "#fffdf8", ink: "#22262b", muted: "#646b75", line: "#ddd7ca", staff: "#cac8c5", heard: "#1c6c8c" },
    ...{ thought: "#7548a5", said: "#c2502a", good: "#2e7d4f", fair: "#a86b00", slow: "#b3261e" },
  },
  dark: {
    ...{ paper: "#14161a", ink: "#e8e6e1", muted: "#a3a9b2", line: "#30343c", staff: "#464749", heard: "#62b6d6" },
    ...{ thought: "#bb9ce6", said: "#f2966d", good: "#7cc48f", fair: "#f2c14e", slow: "#ff8a80" },
  },
};

/**
 * The whole call (or from `from` to `to`) as one SVG document with its own styles.
 * @param {ScoreModel} model @param {SvgOptions} [options]
 */
export function scoreSvg(model, options = {}) {
  const { theme = "auto", width = 1280, pxPerSecond = 110 } = options;
  const strings = { ...SCORE_STRINGS.en, ...options.strings };
  const title = options.title ?? strings.exportTitle;
  const lane = lanes(false);
  const systems = breakIntoSystems(model, (width - LEFT - RIGHT) / pxPerSecond, options.from, options.to);
  const drawn = systems.map((system, number) => {
    const y = TITLE_PX + number * (lane.height + BETWEEN_PX);
    return `<g transform="translate(0 ${y})">${drawSystem(model, system, number, { pxPerSecond, width, strings })}</g>\n`;
  });
  const height = TITLE_PX + systems.length * (lane.height + BETWEEN_PX) + LEGEND_PX;
  const end = legend(strings, height - 14, width);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">\n` +
    `<title>${clean(title)}</title>\n<desc>${clean(turnLines(model, strings).join(" "))}</desc>\n` +
    `<style>${css(theme)}</style>\n` +
    '<defs><linearGradient id="score-flow" x1="0" y1="0" x2="0" y2="1"><stop offset="0" class="s-flow-from"/>' +
    '<stop offset="1" class="s-flow-to"/></linearGradient></defs>\n' +
    `<rect class="s-curtain" width="100%" height="100%"/>\n` +
    `<text class="s-title" x="16" y="27">${clean(title)}</text>\n${drawn.join("")}${end}</svg>\n`
  );
}

/**
 * @param {ScoreModel} model @param {System} system @param {number} number
 * @param {{pxPerSecond: number, width: number, strings: Record<string, string>}} how
 */
function drawSystem(model, system, number, { pxPerSecond, width, strings }) {
  const lane = lanes(false);
  const right = LEFT + (system.to - system.from) * pxPerSecond;
  const origin = system.from - LEFT / pxPerSecond;
  const marks = layout(model, { ...system, now: model.end, origin, pxPerSecond, compact: false, strings });
  const clip = `score-system-${number}`;
  marks.sort((a, b) => LAYERS.indexOf(a.layer) - LAYERS.indexOf(b.layer));
  const shapes = marks.map((mark) => drawMark(mark, clip, right, width));
  const skipped = system.skipped ? fill("… {s} s", { s: Math.round(system.skipped) }) : "";
  const now = Math.min(right, LEFT + (model.end - system.from) * pxPerSecond + 1);
  return (
    `<clipPath id="${clip}"><rect x="${LEFT - 8}" y="-4" width="${round(right - LEFT + 9)}" height="${lane.height}"/></clipPath>` +
    `<clipPath id="${clip}-now"><rect x="0" y="-4" width="${round(now)}" height="${lane.height}"/></clipPath>\n` +
    staves(lane, 18, round(right)).map(draw).join("") +
    `<path class="s-brace" d="M${round(right)} ${lane.heard.top}V${lane.said.top + lane.said.space * 4}"/>\n` +
    `${shapes.join("")}${names(lane, strings).map(draw).join("")}` +
    `<text class="s-time" x="50" y="${lane.axis}">${clean(skipped)}</text>\n`
  );
}

/**
 * Shapes end where the line does; texts stand where they begin, or not at all.
 * @param {import("./score_pen.js").Mark} mark
 * @param {string} clip @param {number} right @param {number} width of the page
 */
function drawMark({ kind, layer, title, detail, parts }, clip, right, width) {
  const told = title ? `<title>${clean([title, detail].filter(Boolean).join("\n"))}</title>` : "";
  const [texts, shapes] = [parts.filter(([tag]) => tag === "text"), parts.filter(([tag]) => tag !== "text")];
  const here = texts.filter(([, { x }]) => Number(x) >= LEFT - (kind === "tick" ? -12 : 4) && Number(x) < right);
  const fitted = here.map(([tag, attributes, text = ""]) =>
    draw([tag, attributes, fit(text, width - 6 - Number(attributes.x), 11)]),
  );
  const within = layer === "bars" ? `${clip}-now` : clip;
  const drawn = shapes.length ? `<g clip-path="url(#${within})">${shapes.map(draw).join("")}</g>` : "";
  return drawn || fitted.length ? `<g data-kind="${clean(kind)}">${told}${drawn}${fitted.join("")}</g>\n` : "";
}

/**
 * What the shapes say, for who sees the file without the page. @param {Record<string, string>} strings
 * @param {number} y @param {number} width
 */
function legend(strings, y, width) {
  /** @type {[Part[], string][]} */
  const marks = [
    [[["rect", { class: "stream draft", x: 0, y: -7, width: 16, height: 7, rx: 3.5 }]], strings.purpose_draft],
    [[["path", { class: "promoted", d: "M8 -9.5l6 6l-6 6l-6 -6Z" }]], strings.fate_promoted],
    [[["path", { class: "cross", d: "M4 -7l7 7m0 -7l-7 7" }]], strings.fate_abandoned],
    [[["rect", { class: "note said", x: 0, y: -7, width: 16, height: 7, rx: 3.5 }]], strings.said],
    [
      [["rect", { class: "note said filler", x: 0, y: -7, width: 16, height: 7, rx: 3.5 }]],
      fill(strings.filler, {}).replace(/[::]\s*$/, ""),
    ],
    [
      [["rect", { class: "note said unheard", x: 0, y: -7, width: 16, height: 7, rx: 3.5 }]],
      fill(strings.unheard, {}).replace(/[::]\s*$/, ""),
    ],
    [[["rect", { class: "lead-band", x: 0, y: -9, width: 16, height: 11 }]], fill(strings.stretto, {}).trim()],
    [
      [
        ["path", { class: "double-bar", d: "M5 -11V3" }],
        ["path", { class: "double-bar thick", d: "M10 -11V3" }],
      ],
      strings.bargeIn,
    ],
    [[["rect", { class: "pill good", x: 0, y: -10, width: 16, height: 11, rx: 5.5 }]], "≤ 300 ms"],
    [[["rect", { class: "pill fair", x: 0, y: -10, width: 16, height: 11, rx: 5.5 }]], "≤ 800 ms"],
    [[["rect", { class: "pill slow", x: 0, y: -10, width: 16, height: 11, rx: 5.5 }]], "> 800 ms"],
  ];
  let x = LEFT;
  return marks
    .map(([parts, text]) => {
      const place = x;
      x += 22 + textWidth(text, 10) + 16;
      if (x > width) return "";
      return `<g transform="translate(${round(place)} ${y})">${parts.map(draw).join("")}<text class="s-time" x="22" y="0">${clean(text)}</text></g>\n`;
    })
    .join("");
}

// --- lines of the score ---------------------------------------------------------------------------

/**
 * @param {ScoreModel} model @param {number} room seconds @param {number} [from] @param {number} [to]
 * @returns {System[]}
 */
export function breakIntoSystems(model, room, from, to) {
  const busy = activity(model);
  const first = from ?? Math.max((busy[0]?.[0] ?? 0) - LEAD_SECONDS, 0);
  const last = to ?? Math.max(model.end, first) + 0.3;
  const stretches = quietStretches(busy, first, last);
  /** @type {System[]} */
  const systems = [];
  let [at, skipped] = [first, 0];
  while (at < last - 0.05) {
    const quiet = nextQuiet(stretches, at, last);
    let limit = Math.min(last, quiet ? quiet[0] : last);
    const broken = limit > at + room;
    if (broken) limit = calmest(busy, at + room * EARLIEST_BREAK, at + room);
    systems.push({ from: at, to: limit, skipped });
    at = !broken && quiet ? quiet[1] : limit;
    skipped = !broken && quiet ? quiet[1] - quiet[0] : 0;
  }
  return systems.length ? systems : [{ from: first, to: first + room, skipped: 0 }];
}

/** When something is seen, and how badly a break would hurt it. @typedef {[from: number, to: number, cost: number]} Busy */

/** In the order of their beginnings. @param {ScoreModel} model */
function activity(model) {
  /** @type {Busy[]} */
  const busy = [];
  for (const span of model.speech) busy.push([span.start, span.end ?? model.end, 4]);
  for (const segment of model.segments) for (const word of segment.words) busy.push([word.start, word.end + 0.1, 2]);
  for (const turn of model.turns)
    busy.push([
      turn.speechEnd ?? turn.start,
      Math.max(turn.firstSoundAt ?? 0, turn.committedAt ?? 0, turn.start + (turn.typed ? 2 : 0)),
      8,
    ]);
  for (const think of model.thinks)
    if (think.sentences.length || think.thought) busy.push([think.start, think.end ?? model.end, 3]);
  for (const said of model.utterances) {
    if (said.start === null) continue;
    busy.push([said.start, said.end ?? model.end, 1]);
    for (const word of said.words) busy.push([word.start, word.end + 0.1, 2]);
  }
  for (const { at } of [...model.backchannels, ...model.failures]) busy.push([at, at + 0.3, 1]);
  return busy.sort(([a], [b]) => a - b);
}

/**
 * Where nothing goes on for long: from the end of what was to the beginning of what comes.
 * @param {Busy[]} busy @param {number} first @param {number} end
 */
function quietStretches(busy, first, end) {
  /** @type {[number, number][]} */
  const stretches = [];
  let until = first;
  for (const [begin, finish] of [...busy, [end, end, 0]]) {
    if (begin - until > QUIET_SECONDS) stretches.push([until, begin]);
    until = Math.max(until, Math.min(finish, end));
  }
  return stretches;
}

/**
 * What of it is to be left out. @param {[number, number][]} stretches @param {number} at @param {number} end
 * @returns {[number, number] | null}
 */
function nextQuiet(stretches, at, end) {
  const next = stretches.find(([until, begin]) => begin - Math.max(until, at) > QUIET_SECONDS);
  return next ? [Math.max(next[0], at) + TAIL_SECONDS, next[1] < end ? next[1] - LEAD_SECONDS : end] : null;
}

/**
 * The moment that cuts the fewest things in two; the latest such. @param {Busy[]} busy
 * @param {number} earliest @param {number} latest
 */
function calmest(busy, earliest, latest) {
  const near = busy.filter(([begin, finish]) => begin < latest && finish > earliest);
  let [best, least] = [latest, Infinity];
  for (let moment = latest; moment > earliest; moment -= 0.1) {
    const cost = near.reduce((sum, [begin, finish, hurt]) => sum + (begin < moment && moment < finish ? hurt : 0), 0);
    if (cost < least) [best, least] = [moment, cost];
  }
  return best;
}

// --- markup ---------------------------------------------------------------------------------------

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** Control characters have no place in XML at all. @param {string | number} text */
function clean(text) {
  return String(text)
    .replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      "\ufffd",
    )
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}

/** @param {Part} part */
function draw([tag, attributes, text]) {
  const dressed = attributes.class ? { ...attributes, class: classes(attributes.class) } : attributes;
  const list = Object.entries(dressed).map(([name, value]) => ` ${name}="${clean(value)}"`);
  return text ? `<${tag}${list.join("")}>${clean(text)}</${tag}>` : `<${tag}${list.join("")}/>`;
}

/** Without variables, which not every viewer has. @param {Theme} theme */
function css(theme) {
  const rules = `${SHAPES}.s-title { font: 600 14px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }\n`;
  const coloured = (/** @type {"light" | "dark"} */ name) =>
    rules.replace(/var\(--(\w+)\)/g, (_, colour) => COLOURS[name][colour]);
  return theme === "auto"
    ? `${coloured("light")}@media (prefers-color-scheme: dark) {${coloured("dark")}}\n`
    : coloured(theme);
}

// --- the journal ----------------------------------------------------------------------------------

const JOURNAL_FORMAT = "stretto.page.journal";
const JOURNAL_VERSION = 1;
const JOURNAL_BYTES = 20 * 1024 * 1024;

/** Sound is not kept, only how much there was. @param {WireEvent} event @returns {WireEvent} */
function withoutSound(event) {
  if (event.type !== "response.output_audio.delta" || typeof event.delta !== "string") return event;
  const { delta, ...rest } = event;
  return { ...rest, delta_bytes: byteCount(delta) };
}

/** Keeps what was told, and the newest of it when there is too much. */
export class JournalKeeper {
  /** @param {number} [limit] bytes */
  constructor(limit = JOURNAL_BYTES) {
    this.limit = limit;
    this.startedAt = new Date().toISOString();
    /** @type {{at: number, text: string}[]} */
    this.entries = [];
    this.first = 0;
    this.bytes = 0;
    /** Events that had to go. */
    this.dropped = 0;
  }

  /** @param {WireEvent} event @param {number} arrivedSeconds */
  take(event, arrivedSeconds) {
    const text = JSON.stringify(withoutSound(event));
    this.entries.push({ at: Math.round(arrivedSeconds * 1000) / 1000, text });
    this.bytes += text.length;
    while (this.bytes > this.limit && this.first < this.entries.length - 1) {
      this.bytes -= this.entries[this.first].text.length;
      this.entries[this.first++].text = "";
      this.dropped += 1;
    }
    if (this.first > 1000 && this.first * 2 > this.entries.length) {
      this.entries.splice(0, this.first);
      this.first = 0;
    }
  }

  /** The journal: a score is built up again from its events. */
  toJSON() {
    const head = { format: JOURNAL_FORMAT, version: JOURNAL_VERSION, startedAt: this.startedAt };
    const dropped = this.dropped ? { dropped: this.dropped } : {};
    const events = this.entries.slice(this.first).map(({ at, text }) => ({ at, event: JSON.parse(text) }));
    return { ...head, ...dropped, events };
  }
}
