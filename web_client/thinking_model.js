// Pure: what the agent thinks besides what it says: drafts, notes, foreseen endings, reasoning, tools.
// Built up from the server's `stretto.*` events; it knows no page and no clock.

/** @typedef {import("./wire.js").WireEvent} WireEvent */
/**
 * @typedef {"growing" | "promoted" | "frozen" | "verified" | "abandoned" | "kept" | "dropped" | "over"} StreamState
 *   `promoted`: it is the answer. `frozen`: stopped and kept. `verified`: it holds for the full words
 */
/** @typedef {{callId: string, name: string, arguments: string, state: "running" | "done" | "failed"}} Tool */
/**
 * One stream of thinking.
 * @typedef {object} Stream
 * @property {string} thinkId
 * @property {string} purpose `answer`, `draft`, `notes`, `foresight`, … as docs/protocol.md has it; "" if it wasn't told
 * @property {string} basis the words that a draft answers
 * @property {boolean} foreseen these words are only expected
 * @property {string} words what it has written, as it grew
 * @property {string} sentences of it that are to be spoken: whole, but later
 * @property {string} reasoning
 * @property {string | null} silence why nothing is to be said
 * @property {number | null} probability of a foreseen ending
 * @property {Tool[]} tools
 * @property {StreamState} state
 * @property {string} reason of its state, as the server names it
 * @property {number} beganAt seconds, as the events arrived
 * @property {number} changedAt
 */

/** Of a long call the newest are kept. */
const STREAMS_KEPT = 60;
/** Of one stream, in characters: a model may reason at great length. */
const TEXT_KEPT = 8000;

export class ThinkingModel {
  constructor() {
    /** In the order of their beginnings. @type {Map<string, Stream>} */
    this.streams = new Map();
  }

  /** Those with something to show, the newest first. @returns {Stream[]} */
  get shown() {
    return [...this.streams.values()].filter(hasContent).reverse();
  }

  /** @param {WireEvent} event @param {number} arrivedSeconds */
  take(event, arrivedSeconds) {
    if (event.type === "session.created") return this.streams.clear(); // ids begin anew with each session
    if (event.type === "stretto.tool.ended") return this.endTool(event);
    if (event.type === "stretto.timeline") return this.takeSentence(event, arrivedSeconds);
    if (!event.type.startsWith("stretto.") || !event.think_id) return;
    if (!this.streams.has(event.think_id) && !BEGINNINGS.has(event.type)) return;
    const stream = this.stream(event.think_id, arrivedSeconds);
    if (event.purpose) stream.purpose = event.purpose;
    stream.changedAt = arrivedSeconds;
    this.change(stream, event);
  }

  /** @param {Stream} stream @param {WireEvent} event */
  change(stream, event) {
    const { type } = event;
    const fate = FATES[type];
    if (fate) Object.assign(stream, { state: fate, reason: event.reason ?? "" });
    else if (type === "stretto.draft.started") Object.assign(stream, { basis: event.basis, foreseen: event.foreseen });
    else if (type === "stretto.draft.delta" || type === "stretto.note.delta") stream.words = grown(stream.words, event.delta);
    else if (type === "stretto.thought.delta") stream.reasoning = grown(stream.reasoning, event.delta);
    else if (type === "stretto.silence") stream.silence = event.reason;
    else if (type === "stretto.foresight") foresee(stream, event);
    else if (type === "stretto.afterthought") Object.assign(stream, { words: event.text, state: "over" });
    else if (type === "stretto.tool.called") stream.tools.push(toolOf(event));
    else if (type === "stretto.phase") takePhase(stream, event.phase);
  }

  /** What a promoted draft and an answer go on to write is told by their sentences. @param {WireEvent} event @param {number} at */
  takeSentence({ name, fields }, at) {
    if (name !== "Speak" || !fields.think_id) return;
    const stream = this.stream(fields.think_id, at);
    stream.sentences = grown(stream.sentences && `${stream.sentences} `, fields.text);
  }

  /** @param {WireEvent} event */
  endTool({ call_id, failed }) {
    for (const { tools } of this.streams.values()) {
      const tool = tools.find(({ callId }) => callId === call_id);
      if (tool) tool.state = failed ? "failed" : "done";
    }
  }

  /** @param {string} thinkId @param {number} at @returns {Stream} */
  stream(thinkId, at) {
    const known = this.streams.get(thinkId);
    if (known) return known;
    /** @type {Stream} */
    const stream = {
      ...{ thinkId, purpose: "", basis: "", foreseen: false, words: "", sentences: "", reasoning: "" },
      ...{ silence: null, probability: null, tools: [], state: "growing", reason: "", beganAt: at, changedAt: at },
    };
    this.streams.set(thinkId, stream);
    if (this.streams.size > STREAMS_KEPT) this.streams.delete(this.streams.keys().next().value ?? "");
    return stream;
  }
}

/** Events that may be the first of a stream: what comes late for one that was let go begins none. */
const BEGINNINGS = new Set(
  ["effort", "draft.started", "draft.delta", "thought.delta", "note.delta", "foresight", "afterthought", "tool.called"].map(
    (name) => `stretto.${name}`,
  ),
);

/** @type {Record<string, StreamState>} */
const FATES = {
  "stretto.draft.promoted": "promoted",
  "stretto.draft.frozen": "frozen",
  "stretto.draft.verified": "verified",
  "stretto.draft.abandoned": "abandoned",
  "stretto.note.kept": "kept",
  "stretto.note.dropped": "dropped",
};

/** @param {string} text @param {string} delta */
const grown = (text, delta) => (text + delta).slice(-TEXT_KEPT);

/** @param {Stream} stream @param {WireEvent} event */
function foresee(stream, { ending, probability }) {
  Object.assign(stream, { words: ending, probability, state: "over" });
}

/** @param {WireEvent} event @returns {Tool} */
const toolOf = (event) => ({
  callId: event.call_id,
  name: event.name,
  arguments: event.arguments ?? "",
  state: "running",
});

/** An answer is thought to its end when it is written; a promoted draft stays called so. @param {Stream} stream @param {string} phase */
function takePhase(stream, phase) {
  const isOver = phase === "written" || phase === "heard" || phase === "cut_off";
  if (isOver && stream.state === "growing") stream.state = "over";
}

/** Nothing is shown of thinking that came to nothing. @param {Stream} stream */
const hasContent = ({ basis, words, sentences, reasoning, tools }) =>
  Boolean(basis || words || sentences || reasoning.trim() || tools.length);
