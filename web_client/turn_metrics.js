// Pure: how long each answer let the user wait, and where the time went. See docs/web-page.md for what is measured.

/** @typedef {import("./wire.js").WireEvent} WireEvent */
/**
 * One answered turn; null for what is not known (yet), or does not exist (nobody waits for the end of a typed question).
 * @typedef {object} TurnMetrics
 * @property {string} turnId "" of a typed question
 * @property {number | null} firstSoundMs from the end of the user's words to the first sound, a filler or not
 * @property {number | null} firstSubstanceMs to the answer's own words
 * @property {number | null} endpointWaitMs until it was decided that the turn is over
 * @property {number | null} modelMs from then on, to the first words of the answer that can be spoken
 * @property {number | null} voiceMs from then on, to their first audio
 * @property {boolean} isMeasured the sound was timed in this page; else it is the server's word
 */
/**
 * A turn on the server's clock, in seconds.
 * @typedef {object} Turn
 * @property {TurnMetrics} metrics
 * @property {number} saidAt
 * @property {number} committedAt
 * @property {string} thinkId its answer
 * @property {string} responseId
 * @property {number | null} writtenAt its first words could be spoken
 * @property {number | null} soundAt
 * @property {number | null} substanceAt
 */
/**
 * What is spoken for one stream of thinking, possibly before it is anybody's answer.
 * @typedef {object} Utterance
 * @property {string} thinkId
 * @property {Map<number, string>} fillers by sentence
 * @property {number | null} firstIndex of its own sentences
 * @property {number | null} writtenAt
 * @property {number | null} readyAt
 * @property {number | null} fillerSeconds of audio; null of one that was cut short
 * @property {number} heardSeconds before its own words
 */

const TURNS_KEPT = 200;
const UTTERANCES_KEPT = 32;
/** An answer, whoever asked for it; drafts become one by their promotion. */
const ANSWERS = ["answer"];

export class TurnMetricsBook {
  /** Those that were answered with sound, the newest last. @type {TurnMetrics[]} */
  turns = [];
  /** From the input audio's time to the session's. */
  offset = 0;
  /** By turn, or by think where nobody spoke. @type {Map<string, Turn>} */
  open = new Map();
  /** @type {Map<string, Utterance>} */
  utterances = new Map();
  /** @type {Map<string, string>} response → think */
  thinks = new Map();
  /** Timed here before the server told whose it is, by response. @type {Map<string, number>} */
  measuredOf = new Map();

  /** @param {WireEvent} event */
  take(event) {
    if (event.think_id && event.response_id) this.bind(event.response_id, event.think_id);
    if (event.type === "stretto.timeline") this.takeTimeline(event.at_seconds, event.name, event.fields);
  }

  /** What was timed on the sound itself. @param {string} responseId @param {number} seconds to the first sound */
  measured(responseId, seconds) {
    this.measuredOf.set(responseId, seconds);
    const turn = this.turnOf(this.thinks.get(responseId));
    if (turn) this.tell(turn);
  }

  /** @param {string} responseId @param {string} thinkId */
  bind(responseId, thinkId) {
    if (this.thinks.has(responseId)) return;
    this.thinks.set(responseId, thinkId);
    const turn = this.turnOf(thinkId);
    if (!turn) return;
    turn.responseId = responseId;
    this.tell(turn);
  }

  /** @param {string | undefined} thinkId */
  turnOf(thinkId) {
    return thinkId ? [...this.open.values()].find((turn) => turn.thinkId === thinkId) : undefined;
  }

  // --- what the kernel did --------------------------------------------------------------------------

  /** @param {number} at @param {string} name @param {any} fields */
  takeTimeline(at, name, fields) {
    switch (name) {
      case "SpeechStopped":
        this.offset = at - fields.silence_seconds - fields.audio_seconds;
        break;
      case "InputCommitted":
        this.offset = at - fields.audio_end_seconds;
        break;
      case "CommitTurn":
        this.commit(at, fields);
        break;
      case "Think":
        if (ANSWERS.includes(fields.purpose)) this.begin(at, fields);
        break;
      case "PromoteThinking":
        this.answers(fields.turn_id, fields.think_id);
        break;
      default:
        if (fields.utterance_id) this.takeSound(at, name, fields);
    }
  }

  /** @param {number} at @param {{turn_id: string, audio_end_seconds: number}} turn */
  commit(at, { turn_id, audio_end_seconds }) {
    const saidAt = Math.min(audio_end_seconds + this.offset, at);
    this.openTurn(turn_id, saidAt, at).metrics.endpointWaitMs = milliseconds(at - saidAt);
  }

  /** @param {number} at @param {{think_id: string, turn_id?: string}} think */
  begin(at, { think_id, turn_id }) {
    if (!turn_id) this.openTurn(think_id, at, at).metrics.turnId = "";
    this.answers(turn_id ?? think_id, think_id);
  }

  /** @param {string} name @param {number} saidAt @param {number} committedAt @returns {Turn} */
  openTurn(name, saidAt, committedAt) {
    const metrics = {
      ...{ turnId: name, firstSoundMs: null, firstSubstanceMs: null, endpointWaitMs: null },
      ...{ modelMs: null, voiceMs: null, isMeasured: false },
    };
    const times = { writtenAt: null, soundAt: null, substanceAt: null };
    const turn = { metrics, saidAt, committedAt, thinkId: "", responseId: "", ...times };
    keep(this.open, name, turn, UTTERANCES_KEPT);
    return turn;
  }

  /** The first stream of thinking that answers a turn is the one that was waited for. @param {string} name @param {string} thinkId */
  answers(name, thinkId) {
    const turn = this.open.get(name);
    if (!turn || turn.soundAt !== null) return;
    turn.thinkId = thinkId;
    for (const [responseId, known] of this.thinks) if (known === thinkId) turn.responseId = responseId;
    for (const utterance of this.utterances.values()) if (utterance.thinkId === thinkId) this.account(turn, utterance);
  }

  // --- what was spoken ------------------------------------------------------------------------------

  /** @param {number} at @param {string} name @param {any} fields */
  takeSound(at, name, fields) {
    const utterance = this.utteranceOf(fields);
    const turn = this.turnOf(utterance.thinkId);
    switch (name) {
      case "Speak":
        if (fields.source === "filler") utterance.fillers.set(fields.index, fields.text);
        else if (utterance.firstIndex === null) Object.assign(utterance, { firstIndex: fields.index, writtenAt: at });
        break;
      case "SpeechReady":
        if (fields.index === utterance.firstIndex) utterance.readyAt ??= at;
        break;
      case "SkipSentence":
        utterance.fillerSeconds = null;
        break;
      case "SpeechRendered":
        if (utterance.fillers.has(fields.index) && utterance.fillerSeconds !== null) utterance.fillerSeconds += fields.seconds;
        break;
      case "PlayoutStarted":
        if (turn) this.sounds(turn, utterance, at);
        break;
      case "WordsHeard":
        if (turn) this.heard(turn, utterance, at, fields);
    }
    if (turn) this.account(turn, utterance);
  }

  /** @param {{utterance_id: string, think_id?: string}} fields @returns {Utterance} */
  utteranceOf({ utterance_id, think_id }) {
    const known = this.utterances.get(utterance_id);
    if (known) {
      known.thinkId ||= think_id ?? ""; // a draft's is held before it is known what it says
      return known;
    }
    const utterance = {
      ...{ thinkId: think_id ?? "", fillers: new Map(), firstIndex: null, writtenAt: null, readyAt: null },
      ...{ fillerSeconds: 0, heardSeconds: 0 },
    };
    keep(this.utterances, utterance_id, utterance, UTTERANCES_KEPT);
    return utterance;
  }

  /** @param {Turn} turn @param {Utterance} utterance @param {number} at */
  sounds(turn, utterance, at) {
    if (turn.soundAt !== null) return;
    turn.soundAt = at;
    if (!utterance.fillers.size) turn.substanceAt = at;
    this.turns.push(turn.metrics);
    if (this.turns.length > TURNS_KEPT) this.turns.shift();
  }

  /**
   * Behind fillers, only the words heard tell when the answer's own words began: reckoned back from the first of them.
   * @param {Turn} turn @param {Utterance} utterance @param {number} at @param {{text: string, heard_seconds: number}} fields
   */
  heard(turn, utterance, at, { text, heard_seconds }) {
    if (turn.substanceAt !== null || turn.soundAt === null) return;
    if (text.slice(fillerEnd(text, utterance.fillers.values())).trim()) {
      const before = Math.max(utterance.heardSeconds, utterance.fillerSeconds ?? 0);
      turn.substanceAt = at - Math.max(heard_seconds - before, 0);
    } else utterance.heardSeconds = heard_seconds;
  }

  /** @param {Turn} turn @param {Utterance} utterance */
  account(turn, { writtenAt, readyAt }) {
    if (turn.writtenAt === null && writtenAt !== null) {
      turn.writtenAt = Math.max(writtenAt, turn.committedAt); // a draft was ready before
      turn.metrics.modelMs = milliseconds(turn.writtenAt - turn.committedAt);
    }
    if (turn.metrics.voiceMs === null && turn.writtenAt !== null && readyAt !== null) {
      turn.metrics.voiceMs = milliseconds(Math.max(readyAt - turn.writtenAt, 0));
    }
    this.tell(turn);
  }

  /** What was timed here goes before the server's word; from the first sound on, the server's clock is as good. @param {Turn} turn */
  tell({ metrics, saidAt, soundAt, substanceAt, responseId }) {
    if (soundAt === null) return;
    const measured = this.measuredOf.get(responseId);
    const firstSound = measured ?? soundAt - saidAt;
    metrics.isMeasured = measured !== undefined;
    metrics.firstSoundMs = milliseconds(firstSound);
    metrics.firstSubstanceMs = substanceAt === null ? null : milliseconds(firstSound + substanceAt - soundAt);
  }
}

const milliseconds = (/** @type {number} */ seconds) => Math.round(seconds * 1000);

/** @template T @param {Map<string, T>} memory @param {string} name @param {T} value @param {number} limit */
function keep(memory, name, value, limit) {
  memory.delete(name);
  memory.set(name, value);
  if (memory.size > limit) memory.delete(memory.keys().next().value ?? "");
}

/**
 * How many characters of what was heard are filler. A filler that was cut short ends where the answer reads on.
 * @param {string} heard @param {Iterable<string>} fillers
 */
export function fillerEnd(heard, fillers) {
  let end = 0;
  for (const filler of fillers) {
    const start = heard.length - heard.slice(end).trimStart().length;
    const text = filler.trim();
    let same = 0;
    while (same < text.length && heard[start + same] === text[same]) same++;
    if (same) end = start + same;
  }
  return end;
}
