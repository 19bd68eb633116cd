// Pure: what has been said, heard and thought in a call, built up from the server's events.
// It knows no page, no sound and no clock; it is told how far the loudspeaker has come.

import { byteCount } from "./pcm.js";

/** @typedef {import("./wire.js").WireEvent} WireEvent */
/** When the user stopped: in the call's input audio, or (typed) on the audio clock.
 * @typedef {{endMs: number} | {at: number}} Question */
/**
 * How far typed words have come: "waiting" for the server to have them; "unsent": no call took them, the next one
 * shall; "dropped": none shall, the user hung up. What was spoken is "sent".
 * @typedef {"sent" | "waiting" | "unsent" | "dropped"} Delivery
 */
/** @typedef {{kind: "user", key: string, text: string, lost: boolean, delivery: Delivery}} UserEntry */
/** Something to be told that nobody said. @typedef {{kind: "note", key: string, name: string, text: string}} NoteEntry */
/**
 * @typedef {object} AgentEntry
 * @property {"agent"} kind
 * @property {string} key the response's id
 * @property {string} itemId "" before it has one
 * @property {{text: string, at: number}[]} said words, and where in the item's audio (seconds) they begin
 * @property {string[]} sentences that it means to say, as far as the server tells
 * @property {number} received seconds of audio that came over the wire; 0 where the line itself carries the sound
 * @property {number} heard seconds of audio that sounded
 * @property {Map<string, string>} told what sounded, by utterance, as the server tells it
 * @property {boolean} done
 * @property {boolean} cut it was interrupted
 * @property {Question | null} question
 * @property {number | null} latencySeconds from the question's end to the first sound
 * @property {string} thoughts
 * @property {string | null} silence why it chose to say nothing
 */
/** @typedef {UserEntry | AgentEntry | NoteEntry} Entry */
/** @typedef {Pick<AgentEntry, "sentences" | "thoughts">} Ahead */

const PCM_BYTES_PER_SECOND = 48000;
/** Of what is thought besides answers, most never becomes one. */
const AHEAD_KEPT = 16;

export class Conversation {
  /** @type {Entry[]} */
  entries = [];
  noteCount = 0;
  /** The open turn's words, by segment. @type {Map<number, {stable: string, tentative: string}>} */
  segments = new Map();
  /** The newest segment that belongs to a finished turn. */
  lastCommitted = -1;
  turnIsOpen = false;
  /** The last turn got no answer on purpose. */
  silent = false;
  /** @type {Question | null} */
  question = null;
  /** @type {Map<string, string>} think → response */
  thinks = new Map();
  /** What is thought before it belongs to a response, by think. @type {Map<string, Ahead>} */
  ahead = new Map();
  /** Responses that are not done. @type {Set<string>} */
  running = new Set();

  /** What belongs to one call starts anew; what was said stays to be read. */
  beginCall() {
    for (const memory of [this.segments, this.thinks, this.ahead, this.running]) memory.clear();
    this.lastCommitted = -1;
    this.turnIsOpen = this.silent = false;
    this.question = null;
  }

  /** What was typed and did not arrive is to be sent anew. */
  endCall() {
    for (const entry of this.typedEntries("waiting")) entry.delivery = "unsent";
  }

  /** Nothing of these sounds any more: what was not heard never will be. @param {readonly Entry[]} entries */
  endSound(entries) {
    for (const entry of entries) if (entry.kind === "agent") entry.cut ||= splitHeard(entry).coming !== "";
  }

  /** For a call that begins: what no call took, in its order. @returns {UserEntry[]} */
  takeUnsent() {
    const entries = this.typedEntries("unsent");
    for (const entry of entries) entry.delivery = "waiting";
    return entries;
  }

  /** The user hung up: what was typed is not to be sent by a later call. */
  dropUnsent() {
    for (const entry of this.takeUnsent()) entry.delivery = "dropped";
  }

  /** @param {Delivery} delivery */
  typedEntries(delivery) {
    return this.entries.filter((entry) => entry.kind === "user").filter((entry) => entry.delivery === delivery);
  }

  /** The words being heard now, those that may still change apart. */
  get caption() {
    /** @type {string[]} */
    const stable = [];
    /** @type {string[]} */
    const tentative = [];
    for (const [, segment] of [...this.segments].sort(([a], [b]) => a - b)) {
      const place = tentative.length ? tentative : stable; // nothing is sure behind a word that isn't
      if (segment.stable) place.push(segment.stable);
      if (segment.tentative) tentative.push(segment.tentative);
    }
    return { stable: stable.join(" "), tentative: tentative.join(" ") };
  }

  /** @param {string} name @param {string} [text] */
  note(name, text = "") {
    this.entries.push({ kind: "note", key: `note_${this.noteCount++}`, name, text });
  }

  /** It is seen at once, whenever it can be sent. @param {string} key @param {string} text @returns {UserEntry} */
  typed(key, text) {
    /** @type {UserEntry} */
    const entry = { kind: "user", key, text, lost: false, delivery: "waiting" };
    this.entries.push(entry);
    return entry;
  }

  /** What was typed is asked now, or the user let go the key to be answered. @param {number} at audio clock */
  asked(at) {
    this.question = { at };
    this.silent = false;
  }

  // --- the server's events ------------------------------------------------------------------------

  /** @param {WireEvent} event */
  take(event) {
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        this.turnIsOpen = true;
        this.silent = false;
        break;
      case "input_audio_buffer.speech_stopped":
        this.question = { endMs: event.audio_end_ms };
        break;
      case "input_audio_buffer.committed":
        this.turnIsOpen = false;
        this.lastCommitted = Math.max(this.lastCommitted, ...this.segments.keys());
        this.segments.clear();
        break;
      case "conversation.item.added":
        this.addItem(event.item);
        break;
      case "conversation.item.input_audio_transcription.completed":
        this.change(event.item_id, (entry) => (entry.text = event.transcript));
        break;
      case "conversation.item.input_audio_transcription.failed":
        this.change(event.item_id, (entry) => (entry.lost = true));
        break;
      default:
        if (event.type.startsWith("response.")) this.takeResponse(event);
        else if (event.type.startsWith("stretto.")) this.takeExtension(event);
    }
  }

  /** @param {any} item */
  addItem(item) {
    if (item.type !== "message" || item.role !== "user") return;
    const typed = this.entries.find((known) => known.key === item.id);
    if (typed?.kind === "user") return void (typed.delivery = "sent");
    const part = item.content[0] ?? {};
    const text = part.transcript ?? part.text ?? "";
    this.entries.push({ kind: "user", key: item.id, text, lost: false, delivery: "sent" });
  }

  /** @param {string} key @param {(entry: UserEntry) => void} edit */
  change(key, edit) {
    const entry = this.entries.find((known) => known.key === key);
    if (entry?.kind === "user") edit(entry);
  }

  /** @param {WireEvent} event */
  takeResponse(event) {
    if (event.type === "response.created") return this.begin(event.response);
    const entry = this.answer(event.response_id ?? event.response?.id);
    if (!entry) return;
    switch (event.type) {
      case "response.output_item.added":
        if (event.item.type === "message") entry.itemId = event.item.id;
        break;
      case "response.output_audio_transcript.delta":
        entry.said.push({ text: event.delta, at: entry.received });
        break;
      case "response.output_audio.delta":
        entry.received += byteCount(event.delta) / PCM_BYTES_PER_SECOND;
        break;
      case "response.output_text.delta":
        entry.said.push({ text: event.delta, at: -1 }); // nothing sounds: it is read at once
        break;
      case "response.done":
        this.end(entry, event.response);
    }
  }

  /** @param {{id: string}} response */
  begin({ id }) {
    const { question } = this;
    this.question = null;
    this.running.add(id);
    this.entries.push({
      ...{ kind: "agent", key: id, itemId: "", said: [], sentences: [], received: 0, heard: 0, done: false },
      ...{ told: new Map(), cut: false, question, latencySeconds: null, thoughts: "", silence: null },
    });
  }

  /** @param {AgentEntry} entry @param {{status: string}} response */
  end(entry, { status }) {
    entry.done = true;
    entry.cut ||= status === "cancelled";
    this.running.delete(entry.key);
    const isEmpty = !entry.said.length && !entry.thoughts && entry.silence === null;
    if (!isEmpty) return;
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.question ??= entry.question; // the next one answers it
  }

  /** @param {string | undefined} responseId @returns {AgentEntry | undefined} */
  answer(responseId) {
    const entry = this.entries.findLast((known) => known.key === responseId);
    return entry?.kind === "agent" ? entry : undefined;
  }

  // --- what the standard protocol does not tell ---------------------------------------------------

  /** @param {WireEvent} event */
  takeExtension(event) {
    if (event.think_id && event.response_id) this.bind(event.think_id, event.response_id);
    switch (event.type) {
      case "stretto.heard":
        this.hear(event);
        break;
      case "stretto.said":
        this.answer(event.response_id)?.told.set(event.utterance_id, event.text);
        break;
      case "stretto.thought.delta":
        this.place(event.think_id).thoughts += event.delta;
        break;
      case "stretto.draft.verified":
        this.pass(event.think_id, this.place(event.taken_by));
        break;
      case "stretto.draft.abandoned":
        this.ahead.delete(event.think_id);
        break;
      case "stretto.silence": {
        if (event.purpose === "afterthought") break; // it answers nobody
        const entry = this.answer(event.response_id);
        if (entry) entry.silence = event.reason;
        this.silent = true;
        break;
      }
      case "stretto.turn":
        this.endTurn(event);
        break;
      case "stretto.timeline":
        this.takeTimeline(event.name, event.fields);
    }
  }

  /** @param {WireEvent} revision */
  hear({ segment, stable, tentative }) {
    if (segment <= this.lastCommitted) return;
    // sounds that became no turn ("mm-hm") give way to the next
    if (!this.turnIsOpen && !this.segments.has(segment)) this.segments.clear();
    if (stable || tentative) this.segments.set(segment, { stable, tentative });
    else this.segments.delete(segment);
  }

  /** @param {WireEvent} event */
  endTurn({ outcome, reason }) {
    this.turnIsOpen = false;
    if (outcome !== "silent") return;
    this.silent = true;
    const last = this.entries.at(-1);
    if (!(last?.kind === "agent" && last.silence !== null)) this.note("silence", reason);
  }

  /** @param {string} name @param {any} fields */
  takeTimeline(name, fields) {
    if (name === "Speak" && fields.think_id) this.place(fields.think_id).sentences.push(fields.text);
    if (name !== "ToolCalled") return;
    const place = this.place(fields.think_id);
    place.thoughts += `${place.thoughts ? "\n" : ""}${fields.name}(${fields.arguments})\n`;
  }

  /** A draft is promoted, or an answer begins. @param {string} thinkId @param {string} responseId */
  bind(thinkId, responseId) {
    const entry = this.answer(responseId);
    if (!entry || this.thinks.has(thinkId)) return;
    this.thinks.set(thinkId, responseId);
    this.pass(thinkId, entry);
  }

  /** What was thought ahead belongs there. @param {string} thinkId @param {Ahead} place */
  pass(thinkId, place) {
    const ahead = this.ahead.get(thinkId);
    if (!ahead || ahead === place) return;
    this.ahead.delete(thinkId);
    place.sentences.unshift(...ahead.sentences);
    place.thoughts = ahead.thoughts + place.thoughts;
  }

  /** Where a think's words belong: to its answer, or apart while it has none. @param {string} thinkId */
  place(thinkId) {
    const entry = this.answer(this.thinks.get(thinkId));
    if (entry) return entry;
    const ahead = this.ahead.get(thinkId) ?? { sentences: [], thoughts: "" };
    this.ahead.set(thinkId, ahead);
    if (this.ahead.size > AHEAD_KEPT) this.ahead.delete(this.ahead.keys().next().value ?? "");
    return ahead;
  }

  // --- what the loudspeaker tells -----------------------------------------------------------------

  /** @param {string} id of its item or, where the line itself carries the sound, of its response */
  speaker(id) {
    return /** @type {AgentEntry | undefined} */ (
      this.entries.findLast((entry) => entry.kind === "agent" && (entry.itemId === id || entry.key === id))
    );
  }

  /** Only audio that came over the wire has words at its seconds. @param {string} id @param {number} seconds */
  played(id, seconds) {
    const entry = this.speaker(id);
    if (entry?.received) entry.heard = seconds;
  }

  /** @param {string} id */
  playedToEnd(id) {
    const entry = this.speaker(id);
    if (entry && !entry.cut) entry.heard = Infinity;
  }

  /** @param {string} id @param {number} seconds */
  cutOff(id, seconds) {
    this.played(id, seconds);
    const entry = this.speaker(id);
    if (entry) entry.cut = true;
  }
}

/**
 * An answer's text: what the user has heard, and what is still to come (or, cut off, was never heard).
 * @param {AgentEntry} entry
 */
export function splitHeard(entry) {
  const written = textOf(entry.said);
  const planned = entry.sentences.join(" ");
  const whole = planned.startsWith(written) ? planned : written;
  const heard = heardText(entry, written, whole);
  const coming = whole.slice(heard.length);
  const word = coming.trimStart();
  return { heard: heard + coming.slice(0, coming.length - word.length), coming: word };
}

/** @param {AgentEntry} entry @param {string} written @param {string} whole */
function heardText({ said, heard, cut, received, told }, written, whole) {
  if (heard === Infinity && !cut) return written;
  if (received || !told.size) return textOf(said.filter((word) => word.at < heard));
  return whole.slice(0, placeOf(whole, [...told.values()].join(" ")));
}

/** Where `whole` has come to the end of `told`; white space may differ. @param {string} whole @param {string} told */
function placeOf(whole, told) {
  let letters = told.replace(/\s/g, "").length;
  let place = 0;
  for (; place < whole.length && letters > 0; place++) if (whole[place].trim()) letters--;
  return place;
}

/** @param {{text: string}[]} words */
const textOf = (words) => words.map((word) => word.text).join("");
