// Pure: the middle staff: drafts, answers and private thinking as voices that run beside the talk, and tools.

import { LOOK_BACK_SECONDS, WORDS_FROM } from "./score_pen.js";
import { BOLD, FONT, MONO, Rows, SMALL, fit, oneLine, px, seconds, textWidth } from "./score_space.js";

/** @typedef {import("./score_model.js").Think} Think */
/** @typedef {import("./score_model.js").Tool} Tool */
/** @typedef {import("./score_pen.js").Pen} Pen */
/** @typedef {import("./score_shapes.js").Part} Part */

const WIDEST_THOUGHT = 240;

export class ThoughtStaff {
  /** @param {Pen} pen */
  constructor(pen) {
    this.pen = pen;
    this.bars = this.giveRows();
  }

  /** Who stands in which row of the middle staff. */
  giveRows() {
    const { from, to } = this.pen.window;
    const rows = new Rows(this.pen.lane.thought.rows, 12);
    /** @type {{think: Think, row: number, x: number, text: string, tag: string}[]} */
    const placed = [];
    for (const think of this.pen.model.thinks) {
      if (think.start > to || (think.end ?? Infinity) < from - LOOK_BACK_SECONDS || isEmpty(think)) continue;
      const left = this.pen.x(think.start);
      const width =
        Math.min(this.pen.x(think.end ?? this.pen.window.now), this.pen.x(lastOf(think) ?? this.pen.window.now)) - left;
      const [tag, text] = this.labels(think);
      const tagWidth = tag ? textWidth(tag, SMALL) * BOLD + 7 : 0;
      const taken = Math.max(width, tagWidth + textWidth(text, SMALL + 0.5));
      const whole = rows.place(left, taken);
      const place = whole ?? rows.place(left, width + tagWidth);
      const row = place?.row ?? rows.emptiest();
      placed.push({ think, row, x: left, text: whole ? text : "", tag: place ? tag : "" });
      this.pen.barY.set(think.id, this.rowY(row));
      for (const tool of shownTools(think)) this.giveToolRow(tool, rows);
    }
    return placed;
  }

  /** @param {number} row */
  rowY(row) {
    return this.pen.lane.thought.top + row * this.pen.lane.thought.space;
  }

  /** @param {Tool} tool @param {Rows} rows */
  giveToolRow(tool, rows) {
    const left = this.pen.x(tool.start);
    const right = Math.max(this.pen.x(tool.end ?? this.pen.window.now), left);
    const spot = rows.place(left, Math.max(right - left, this.toolWidth(tool) + 6));
    if (spot) this.pen.barY.set(`tool:${tool.id}`, this.rowY(spot.row));
    else this.pen.barY.delete(`tool:${tool.id}`);
  }

  /** Of its name, and the ends of the bracket around it. @param {Tool} tool */
  toolWidth(tool) {
    return this.toolName(tool).length * SMALL * MONO + 24;
  }

  /** Its kind, and its words. @param {Think} think @returns {[string, string]} */
  labels(think) {
    if (this.pen.window.pxPerSecond < WORDS_FROM * 0.6) return ["", ""];
    const room = this.pen.lane.compact ? 130 : WIDEST_THOUGHT;
    const fate = think.fates.at(-1);
    const thrown = fate?.fate === "abandoned";
    const lost = thrown ? think.tools.map((tool) => tool.name).join(", ") : "";
    const words = [
      think.purpose === "answer" ? "" : this.pen.say(think.foreseen ? "foreseenDraft" : `purpose_${think.purpose}`),
      thrown && fate.reason && !this.pen.lane.compact ? this.pen.say(`reason_${fate.reason}`) : "",
    ];
    return [words.filter(Boolean).join(", "), fit(wordsOf(think) || lost, room, SMALL)];
  }

  /** @param {Tool} tool */
  toolName(tool) {
    const took = tool.end === null ? "" : ` ${seconds(tool.end - tool.start)} s`;
    return `${tool.name}${took}${tool.failed ? " ✕" : ""}`;
  }

  *marks() {
    for (const { think, row, text, tag } of this.bars) {
      const y = this.rowY(row);
      const last = lastOf(think);
      const textEnd = think.start + (textWidth(text + tag, FONT) + 8) / this.pen.window.pxPerSecond;
      if (this.pen.shows(think.start, last === null ? null : Math.max(last, textEnd))) {
        if (think.end === null)
          yield this.pen.mark({
            ...this.told(think),
            key: `grow:${think.id}`,
            layer: "bars",
            title: "",
            detail: "",
            parts: this.bar(think, y),
          });
        yield this.pen.mark({
          ...this.told(think),
          parts: [
            ...(think.end === null ? [] : this.bar(think, y)),
            ...this.texture(think, y),
            ...this.fates(think, y),
            ...this.thinkText(think, y, tag, text),
          ],
        });
      }
      yield* this.tools(think);
    }
  }

  /** @param {Think} think */
  told(think) {
    const fate = think.fates.at(-1);
    const name = think.foreseen ? this.pen.say("foreseenDraft") : this.pen.say(`purpose_${think.purpose}`);
    const facts = [
      think.end === null ? "" : this.pen.say("lasted", { seconds: seconds(think.end - think.start) }),
      fate
        ? this.pen.say(`fate_${fate.fate}`) + (fate.reason ? ` (${this.pen.say(`reason_${fate.reason}`)})` : "")
        : "",
      think.basis && this.pen.say("basis", { text: think.basis }),
      think.thought && this.pen.say("thinks", { text: oneLine(think.thought).slice(0, 300) }),
      think.silence,
    ];
    const kind = think.purpose === "draft" ? `draft ${fate?.fate ?? "open"}` : think.purpose;
    return this.pen.mark({
      ...{ key: `think:${think.id}`, kind, at: think.start, until: lastOf(think) ?? this.pen.endOf(null) },
      ...{
        title: `${name}: ${wordsOf(think) || "…"}`.slice(0, 300),
        detail: facts.filter(Boolean).join(" · "),
        parts: [],
      },
    });
  }

  /** @param {Think} think @param {number} y @returns {Part[]} */
  bar(think, y) {
    const end = this.pen.endOf(think.end);
    const bar = (/** @type {string} */ style, /** @type {number} */ from, /** @type {number} */ to, high = 7) =>
      /** @type {Part} */ ([
        "rect",
        {
          class: `stream ${style}`,
          x: this.pen.x(from),
          y: y - high / 2,
          width: px(Math.max(this.pen.x(to) - this.pen.x(from), 3)),
          height: high,
          rx: high / 2,
        },
      ]);
    if (think.purpose !== "draft") {
      if (PRIVATE.has(think.purpose)) return [bar(`private ${think.purpose}`, think.start, end, 4)];
      const first = Math.min(think.firstAt ?? end, end);
      return [
        ...(first > think.start ? [bar("awaiting", think.start, first)] : []),
        bar("answer", first, Math.max(end, first)),
      ];
    }
    if (think.fates.at(-1)?.fate === "abandoned") return [bar("thrown", think.start, end)];
    const turned = think.fates.find(({ fate }) => fate === "promoted")?.at ?? Infinity;
    if (turned >= end) return [bar("draft", think.start, end)];
    return [bar("answer", turned, end), bar("draft", think.start, Math.max(turned, think.start))];
  }

  /**
   * Reasoning: a fine hatching of the moments at which it thought. @param {Think} think @param {number} y
   * @returns {Part[]}
   */
  texture(think, y) {
    if (!think.pulses.length || !this.pen.wordsShow) return [];
    const d = think.pulses.map((at) => `M${this.pen.x(at)} ${y - 5}v-3`).join("");
    return [["path", { class: "texture", d }]];
  }

  /**
   * Kept until it is known what becomes of it, and the mark of that. @param {Think} think @param {number} y
   * @returns {Part[]}
   */
  fates(think, y) {
    /** @type {Part[]} */
    const parts = [];
    const [end, last] = [think.end ?? Infinity, lastOf(think)];
    if (last !== null && last > end)
      parts.push(["path", { class: "kept", d: `M${this.pen.x(end)} ${y}H${this.pen.x(last)}` }]);
    for (const { at, fate } of think.fates) {
      const x = this.pen.x(at);
      if (fate === "abandoned") parts.push(["path", { class: "cross", d: `M${px(x - 3.5)} ${y - 3.5}l7 7m0 -7l-7 7` }]);
      if (fate === "frozen") parts.push(["path", { class: "frozen", d: `M${px(x - 1.5)} ${y - 4.5}v9m4 -9v9` }]);
      if (fate === "promoted") parts.push(["path", { class: "promoted", d: `M${x} ${y - 6}l6 6l-6 6l-6 -6Z` }]);
      if (fate === "verified") parts.push(...this.takenOver(think, x, y));
    }
    return parts;
  }

  /** Another goes on behind it: a tie. @param {Think} think @param {number} x @param {number} y @returns {Part[]} */
  takenOver(think, x, y) {
    const next = this.pen.model.thinkOf.get(think.takenBy);
    const nextY = this.pen.barY.get(think.takenBy);
    /** @type {Part[]} */
    const parts = [["path", { class: "verified", d: `M${px(x - 4)} ${y}l3 3.5l5.5 -7` }]];
    if (!next || nextY === undefined) return parts;
    const to = Math.max(this.pen.x(next.start), x + 4);
    return [
      ...parts,
      ["path", { class: "tie", d: `M${px(x + 4)} ${y}C${px(x + 14)} ${y} ${px(to - 10)} ${nextY} ${to} ${nextY}` }],
    ];
  }

  /** @param {Think} think @param {number} y @param {string} tag @param {string} text @returns {Part[]} */
  thinkText(think, y, tag, text) {
    const [x, base] = [this.pen.x(think.start), y + (this.pen.lane.compact ? 13.5 : 14.5)];
    const thrown = think.fates.at(-1)?.fate === "abandoned";
    const musing = PRIVATE.has(think.purpose) || (!think.sentences.length && think.thought !== "");
    const after = tag ? px(x + textWidth(tag, SMALL) * BOLD + 7) : x;
    /** @type {Part[]} */
    const parts = [];
    if (tag) parts.push(["text", { class: thrown ? "tag gone" : "tag", x, y: base }, tag]);
    if (text)
      parts.push([
        "text",
        { class: `thinking${thrown ? " struck" : musing ? " musing" : ""}`, x: after, y: base },
        text,
      ]);
    return parts;
  }

  /** A bracket with the tool's name in it, as over a triplet. @param {Think} think */
  *tools(think) {
    for (const tool of shownTools(think)) {
      const bar = this.pen.barY.get(`tool:${tool.id}`);
      if (bar === undefined || !this.pen.shows(tool.start, tool.end === null ? null : tool.end + 2)) continue;
      const y = bar + 1;
      const [left, right] = [this.pen.x(tool.start), this.pen.x(this.pen.endOf(tool.end))];
      const room = this.toolWidth(tool);
      const inside = right - left > room;
      const textX = tool.end === null ? left + 12 : inside ? (left + right - room) / 2 + 12 : right + 6;
      const d = inside
        ? `M${left} ${y + 7}v-7H${px(textX - 5)}M${px(textX + room - 19)} ${y}H${right}${tool.end === null ? "" : "v7"}`
        : `M${left} ${y + 7}v-7H${right}v7`;
      const base = {
        key: `tool:${think.id}:${tool.id}`,
        kind: "tool",
        at: tool.start,
        until: this.pen.endOf(tool.end),
      };
      const failed = tool.failed ? " failed" : "";
      const frame = /** @type {Part} */ (["path", { class: `bracket${failed}`, d }]);
      const text = /** @type {Part} */ ([
        "text",
        { class: `tool-name${failed}`, x: px(textX), y: px(y + 3.5) },
        this.toolName(tool),
      ]);
      const texts = this.pen.window.pxPerSecond < WORDS_FROM * 0.6 ? [] : [text];
      if (tool.end === null) yield this.pen.mark({ ...base, key: `${base.key}:frame`, layer: "bars", parts: [frame] });
      yield this.pen.mark({ ...base, ...this.aboutTool(tool), parts: tool.end === null ? texts : [frame, ...texts] });
    }
  }

  /** @param {Tool} tool */
  aboutTool(tool) {
    const took =
      tool.end === null ? this.pen.say("running") : this.pen.say("lasted", { seconds: seconds(tool.end - tool.start) });
    const facts = [tool.progress, tool.arguments, tool.failed ? this.pen.say("failed") : "", took];
    return { title: this.pen.say("tool", { name: tool.name }), detail: facts.filter(Boolean).join(" · ") };
  }
}

/** Nothing of these is said by itself. */
const PRIVATE = new Set(["notes", "foresight", "afterthought"]);

/** Second thoughts that came to nothing only hide what happened. @param {Think} think */
function isEmpty(think) {
  return (
    PRIVATE.has(think.purpose) &&
    think.silence !== "" &&
    !think.thought &&
    !think.sentences.length &&
    !think.tools.length
  );
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
  if (think.purpose === "foresight")
    return think.ends ? `… ${think.ends} (${Math.round(think.probability * 100)} %)` : "";
  const spoken = think.sentences.join(" ") || think.written;
  if (think.purpose === "draft" || think.sentences.length) return oneLine(spoken || think.silence);
  return oneLine(think.thought || spoken || think.silence);
}
