// Pure: the lower staff: what the agent says, how far it was heard, and where it is silent by choice.

import { unheard } from "./score_model.js";
import { LOOK_BACK_SECONDS } from "./score_pen.js";
import { REST, slur } from "./score_shapes.js";
import { FONT, Rows, fit, px, seconds } from "./score_space.js";
import { clock } from "./score_text.js";

/** @typedef {import("./score_model.js").Utterance} Utterance */
/** @typedef {import("./score_pen.js").Mark} Mark */
/** @typedef {import("./score_pen.js").Pen} Pen */
/** @typedef {import("./score_shapes.js").Part} Part */

/** Letters in a second of speech, for what has not been heard yet. */
const PACE = 14;
const COMING_SECONDS = 4;
const UNHEARD_SECONDS = 1.6;

export class SaidStaff {
  /** @param {Pen} pen */
  constructor(pen) {
    this.pen = pen;
  }

  *marks() {
    const rows = new Rows(this.pen.lane.said.rows, 5, 14);
    const sounding = this.pen.model.utterances.filter((said) => said.start !== null);
    for (const [number, said] of sounding.entries()) {
      const start = said.start ?? 0;
      const until = said.end === null ? null : said.end + (said.cut ? UNHEARD_SECONDS : 0.5);
      if (start > this.pen.window.to || this.pen.endOf(until) < this.pen.window.from - LOOK_BACK_SECONDS) continue;
      const next = Math.min(sounding[number + 1]?.start ?? Infinity, this.nextRest(start));
      const words = this.saidWords(said, next, rows);
      if (!this.pen.shows(start, until)) continue;
      yield* this.flow(said, start);
      yield* this.answer(said, start, Math.min(next, this.pen.window.now + 1));
      yield* words;
      if (said.cut && said.end !== null) yield* this.cutOff(said, said.end);
    }
    yield* this.backchannels();
    yield* this.rests();
  }

  /** @param {number} after */
  nextRest(after) {
    return this.pen.model.rests.find(({ at }) => at > after)?.at ?? Infinity;
  }

  /** From the thought into the answer. @param {Utterance} said @param {number} start */
  *flow(said, start) {
    const think = said.thinkId === null ? undefined : this.pen.model.thinkOf.get(said.thinkId);
    const from = think && this.pen.barY.get(think.id);
    if (!think || from === undefined) return;
    const promoted = think.fates.find(({ fate }) => fate === "promoted");
    const left = this.pen.x(Math.min(promoted?.at ?? think.firstAt ?? think.start, start));
    const [right, to] = [this.pen.x(start) + 2, this.pen.lane.said.top + this.pen.lane.said.space * 2];
    const bend = Math.max((to - from) * 0.5, 14);
    const d = `M${left} ${from}C${left} ${px(from + bend)} ${px(right - 4)} ${px(to - bend)} ${right} ${to}`;
    const parts = /** @type {Part[]} */ ([
      ["path", { class: promoted ? "flow promoted-flow" : "flow", d, stroke: "url(#score-flow)" }],
    ]);
    yield this.pen.mark({
      key: `flow:${said.id}`,
      kind: promoted ? "promotion" : "flow",
      layer: "back",
      at: start,
      until: start,
      parts,
    });
  }

  /** @param {Utterance} said @param {number} start @param {number} next */
  *answer(said, start, next) {
    const staff = this.pen.lane.said;
    const filler = said.fillers.size > 0;
    const turned = filler ? said.words.find((word) => !word.filler)?.start : start;
    const bands = [];
    if (filler) bands.push(this.pen.band("filler", staff, start, turned ?? said.end));
    if (turned !== undefined) bands.push(this.pen.band("said", staff, turned, said.end));
    const until = this.pen.endOf(said.end);
    yield this.pen.mark({
      key: `sound:${said.id}`,
      kind: filler ? "filler" : "sound",
      layer: "bars",
      at: start,
      until,
      parts: bands,
    });
    /** @type {Part[]} */
    const parts = [
      ["path", { class: "slur said", d: slur(this.pen.x(start), this.pen.x(until), staff.top - 2, said.end === null) }],
      ...this.hairpins(said),
    ];
    if (this.pen.phrasesShow && said.heard) parts.push(this.pen.phraseText("said", said.heard, start, next));
    const detail = [
      said.end === null ? "" : this.pen.say("lasted", { seconds: seconds(said.end - start) }),
      filler ? this.pen.say("filler", { text: [...said.fillers.values()].join(" ").trim() }) : "",
      said.cut ? this.pen.say("unheard", { text: unheard(said) }) : "",
    ];
    yield this.pen.mark({
      ...{ key: `said:${said.id}`, kind: "answer", layer: said.end === null ? "bars" : "ink", at: start, until },
      ...{
        title: this.pen.say("answer", { text: said.heard || "…" }),
        detail: detail.filter(Boolean).join(" · "),
        parts,
      },
    });
  }

  /** Quieter while the user speaks: hairpins, as in any score. @param {Utterance} said @returns {Part[]} */
  hairpins(said) {
    if (!this.pen.wordsShow || this.pen.lane.compact) return [];
    const y = this.pen.lane.said.top + this.pen.lane.said.space * 4 + 6.5;
    /** @type {Part[]} */
    const parts = [];
    let [db, since] = [0, 0];
    for (const gain of said.gains) {
      if (gain.db < 0 && db === 0) since = gain.at;
      if (gain.db === 0 && db < 0) {
        const [left, right] = [this.pen.x(since), this.pen.x(gain.at)];
        parts.push([
          "path",
          {
            class: "hairpin",
            d: `M${left} ${y - 3}L${px((left + right) / 2)} ${y}L${left} ${y + 3}M${right} ${y - 3}L${px((left + right) / 2)} ${y}L${right} ${y + 3}`,
          },
        ]);
      }
      db = gain.db;
    }
    return parts;
  }

  /** @param {Utterance} said @param {number} at */
  gainAt(said, at) {
    return said.gains.findLast((gain) => gain.at <= at)?.db ?? 0;
  }

  /**
   * Heard words full, those to come (or cut off) hollow. @param {Utterance} said @param {number} next
   * @param {Rows} rows
   */
  saidWords(said, next, rows) {
    /** @type {Mark[]} */
    const marks = [];
    if (!this.pen.notesShow) return marks;
    const staff = this.pen.lane.said;
    for (const [number, word] of said.words.entries()) {
      const style = word.filler ? "said filler" : "said";
      const parts = [
        this.pen.note(staff, style, word.text, word.start, word.end, this.gainAt(said, word.start)),
        ...this.pen.lyric(rows, staff, style, word.text, word.start),
      ];
      if (!this.pen.shows(word.start - 1, word.end + 1)) continue;
      const title = `${word.text} ${clock(word.start)}`;
      marks.push(
        this.pen.mark({
          key: `said:${said.id}:${number}`,
          kind: word.filler ? "filler-word" : "said-word",
          at: word.start,
          until: word.end,
          title,
          parts,
        }),
      );
    }
    return [...marks, ...this.hollow(said, next, rows)];
  }

  /** @param {Utterance} said @param {number} next @param {Rows} rows */
  *hollow(said, next, rows) {
    if (said.end !== null && !said.cut) return;
    const cut = said.end !== null;
    let at = (cut ? said.end : (said.words.at(-1)?.end ?? said.start)) ?? 0;
    at += cut ? 16 / this.pen.window.pxPerSecond : 0;
    const limit = Math.min(at + (cut ? UNHEARD_SECONDS : COMING_SECONDS), cut ? next - 0.1 : Infinity);
    const first = said.words.length;
    for (const [number, word] of remaining(said).split(/\s+/).filter(Boolean).entries()) {
      const end = at + (word.length + 1) / PACE;
      if (end > limit) return;
      const style = cut ? "said unheard" : "said coming";
      const parts = [
        this.pen.note(this.pen.lane.said, style, word, at, end),
        ...this.pen.lyric(rows, this.pen.lane.said, style, word, at),
      ];
      yield this.pen.mark({
        key: `said:${said.id}:${first + number}`,
        kind: cut ? "unheard" : "coming",
        at,
        until: end,
        parts,
      });
      at = end;
    }
  }

  /** A double bar, and what cut it off. @param {Utterance} said @param {number} end */
  *cutOff(said, end) {
    const { heard, said: staff } = this.pen.lane;
    const [x, top, bottom] = [this.pen.x(end) + 3, staff.top - 4, staff.top + staff.space * 4 + 4];
    /** @type {Part[]} */
    const parts = [
      ["path", { class: "double-bar", d: `M${x} ${top}V${bottom}` }],
      ["path", { class: "double-bar thick", d: `M${x + 5} ${top}V${bottom}` }],
    ];
    const user = this.pen.model.speech.findLast((span) => span.start < end && this.pen.endOf(span.end) > end - 0.6);
    const isUser = said.why === "barge_in" || said.why === "rejoined";
    if (user && isUser)
      parts.unshift(["path", { class: "interruption", d: `M${x} ${heard.top + heard.space * 4 + 3}V${top}` }]);
    const text = unheard(said);
    const title = this.pen.say(isUser ? "bargeIn" : "cut");
    const detail = text ? this.pen.say("unheard", { text }) : "";
    yield this.pen.mark({ key: `cut:${said.id}`, kind: "cut", at: end, until: end, title, detail, parts });
  }

  /** Small notes, as grace notes are. */
  *backchannels() {
    const { top, space, words } = this.pen.lane.said;
    for (const { at, text } of this.pen.model.backchannels) {
      if (!this.pen.shows(at, at + 1)) continue;
      const [x, y] = [this.pen.x(at), top + space * 2.5];
      const parts = /** @type {Part[]} */ ([
        ["ellipse", { class: "grace", cx: px(x + 3), cy: y, rx: 3.6, ry: 2.7 }],
        ["path", { class: "grace-stem", d: `M${px(x + 6.2)} ${y}v-15c1 4 5 4 4 9M${x} ${y - 6}l10 -6` }],
      ]);
      if (this.pen.wordsShow)
        parts.push(["text", { class: "word said murmur", x: px(x - 2), y: words }, fit(text, 120, FONT)]);
      yield this.pen.mark({
        key: `murmur:${at}`,
        kind: "backchannel",
        at,
        until: at + 0.3,
        title: this.pen.say("backchannel", { text }),
        parts,
      });
    }
  }

  *rests() {
    const { top, space, words } = this.pen.lane.said;
    for (const { turn, at, next } of this.pen.model.rests) {
      if (!this.pen.shows(at, at + 2)) continue;
      const x = this.pen.x(at) + 4;
      const room = Math.min((next - at) * this.pen.window.pxPerSecond - 12, this.pen.lane.compact ? 120 : 220);
      /** @type {Part[]} */
      const parts = [["path", { class: "rest", d: REST, transform: `translate(${x} ${top + space * 2 - 12})` }]];
      if (this.pen.notesShow) {
        parts.push([
          "text",
          { class: "word musing", x, y: words },
          fit(turn.reason || this.pen.say("silence"), room, FONT),
        ]);
      }
      const title = this.pen.say("silence");
      yield this.pen.mark({
        key: `rest:${turn.id}`,
        kind: "rest",
        at,
        until: at + 0.4,
        title,
        detail: turn.reason,
        parts,
      });
    }
  }
}

/** What is planned behind what was heard. @param {Utterance} said */
function remaining(said) {
  const all = [...said.planned.keys()]
    .sort((a, b) => a - b)
    .map((index) => said.planned.get(index)?.trim())
    .join(" ");
  return all.startsWith(said.heard) ? all.slice(said.heard.length) : unheard(said);
}
