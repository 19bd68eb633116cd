// Pure: what the score shows: a session's events as spans and marks on one time line, in seconds.
// It knows no page and no pixels. Its clock is the server's session clock; a call that follows another in the same page
// stands behind it. Audio times of the recogniser are moved onto that clock by what each SpeechStarted says of both.

import { fillerEnd } from "./turn_metrics.js";

/** @typedef {{type: string, [field: string]: any}} WireEvent */
/** @typedef {{start: number, end: number | null}} Span `null`: it goes on */
/** @typedef {{text: string, start: number, end: number, stable: boolean}} HeardWord */
/** @typedef {{text: string, start: number, end: number, filler: boolean}} SaidWord */
/** @typedef {{call: number, number: number, words: HeardWord[], final: boolean}} Segment */
/** @typedef {"open" | "frozen" | "verified" | "promoted" | "abandoned"} Fate */
/** @typedef {{at: number, fate: Fate, reason: string}} Fated */
/**
 * @typedef {object} Tool
 * @property {string} id
 * @property {string} name
 * @property {string} arguments JSON
 * @property {string} progress what it does, in words
 * @property {number} start
 * @property {number | null} end
 * @property {boolean} failed
 */
/**
 * @typedef {object} Turn what a user said, or typed, and what became of it
 * @property {string} id
 * @property {boolean} typed
 * @property {number} start
 * @property {number | null} speechEnd `null` until it is over
 * @property {string} transcript "" before it is committed
 * @property {number | null} committedAt
 * @property {string} outcome "" while it is open
 * @property {string} reason
 * @property {number | null} endedAt
 * @property {number | null} firstSoundAt
 * @property {number | null} substanceAt the answer's own words, behind fillers
 * @property {number | null} draftAt the draft that became its answer was begun
 */
/**
 * @typedef {object} Think a stream of thinking
 * @property {string} id
 * @property {string} purpose
 * @property {string | null} turnId
 * @property {number} start
 * @property {number | null} end
 * @property {number | null} firstAt its first word or thought
 * @property {string} ending "" while it runs
 * @property {string} basis
 * @property {string} effort
 * @property {string} thought
 * @property {string} written
 * @property {string[]} sentences
 * @property {number[]} pulses when it thought: the texture of reasoning
 * @property {string} silence
 * @property {string} ends how the user's sentence was foreseen to end
 * @property {number} probability
 * @property {boolean} foreseen of a draft: begun for such an ending
 * @property {Fated[]} fates of drafts and notes
 * @property {string} takenBy the think that goes on behind this draft
 * @property {Tool[]} tools
 */
/**
 * @typedef {object} Utterance
 * @property {string} id
 * @property {string | null} thinkId
 * @property {number} orderedAt
 * @property {number | null} start
 * @property {number | null} end
 * @property {boolean} cut
 * @property {string} why it was stopped
 * @property {SaidWord[]} words
 * @property {string} heard
 * @property {number} heardSeconds
 * @property {Map<number, string>} planned
 * @property {Map<number, string>} fillers
 * @property {{at: number, db: number}[]} gains
 */
/** @typedef {{at: number, text: string}} Note */
/** A silence that was chosen. @typedef {{turn: Turn, at: number, next: number}} Rest `next`: when something sounds again */

/** What is older is forgotten. */
export const KEPT_SECONDS = 3600;
/** Of one kind. */
const KEPT_MARKS = 4000;
const PULSE_SECONDS = 0.06;
const BETWEEN_CALLS_SECONDS = 3;
const MAX_TEXT = 4000;
/** How fast the fastest-event estimate of the clocks' difference may grow, seconds per event: drift, not jitter. */
const DRIFT = 0.0005;

export class ScoreModel {
  constructor() {
    this.call = 0;
    this.base = 0;
    /** The last moment that is known. */
    this.end = 0;
    /** Changes with everything that can be seen. */
    this.version = 0;
    /** Where calls begin, but the first. @type {number[]} */
    this.calls = [];
    /** @type {Span[]} */
    this.speech = [];
    /** @type {Segment[]} */
    this.segments = [];
    /** @type {Turn[]} */
    this.turns = [];
    /** @type {Think[]} */
    this.thinks = [];
    /** @type {Utterance[]} */
    this.utterances = [];
    /** @type {Note[]} */
    this.backchannels = [];
    /** @type {Note[]} */
    this.failures = [];
    /** @type {Map<string, Turn>} */
    this.turnOf = new Map();
    /** @type {Map<string, Think>} */
    this.thinkOf = new Map();
    /** @type {Map<string, Utterance>} */
    this.utteranceOf = new Map();
    /** @type {{version: number, rests: Rest[]}} */
    this.known = { version: 0, rests: [] };
    this.prunedAt = 0;
    /** @type {{audio: number, offset: number}[]} */
    this.offsets = [];
    /** Session time = page time - this. @type {number | null} */
    this.clock = null;
    this.typed = "";
    /** A draft for words that are only expected; told before its Think. @type {string | undefined} */
    this.foreseenNext = undefined;
    /**
     * Told before the entry of the timeline that they belong to, which has their time.
     * @type {((at: number) => void)[]}
     */
    this.unplaced = [];
  }

  forgetCall() {
    this.offsets = [];
    this.clock = null;
    this.typed = "";
    this.foreseenNext = undefined;
    this.unplaced = [];
  }

  /** The next events are those of another call. What there is stays to be read. */
  beginCall() {
    this.endCall();
    this.call += 1;
    if (this.end === this.base) return; // nothing has happened in the one before
    this.base = this.end + BETWEEN_CALLS_SECONDS;
    this.calls.push(this.base);
    this.end = this.base;
  }

  /** Nothing more comes: what was open ends here. */
  endCall() {
    for (const span of this.speech) span.end ??= this.end;
    for (const think of this.thinks) {
      think.end ??= this.end;
      for (const tool of think.tools) tool.end ??= this.end;
    }
    for (const utterance of this.utterances) {
      if (utterance.start !== null) utterance.end ??= this.end;
    }
    for (const turn of this.turns) {
      turn.speechEnd ??= this.lastSpeechEnd(turn.start);
      turn.outcome ||= "call_ended";
      turn.endedAt ??= this.end;
    }
    this.forgetCall();
    this.version++;
  }

  /** The page's time on the score. @param {number} pageSeconds */
  at(pageSeconds) {
    return this.clock === null ? this.end : Math.max(this.base + pageSeconds - this.clock, this.end);
  }

  /**
   * Where the agent has got to at the end of the user's words, in milliseconds. @param {Turn} turn
   * @returns {number | null}
   */
  static gapMs(turn) {
    if (turn.firstSoundAt === null || turn.speechEnd === null) return null;
    return Math.round((turn.firstSoundAt - turn.speechEnd) * 1000);
  }

  /** Who is at it. */
  get activity() {
    return {
      heard: this.speech.at(-1)?.end === null,
      thought: this.thinks.slice(-12).some((think) => think.end === null),
      said: this.utterances.slice(-12).some((said) => said.start !== null && said.end === null),
    };
  }

  /** In their order; whoever draws asks for them again and again, so each version's are found once. */
  get rests() {
    if (this.known.version !== this.version) this.known = { version: this.version, rests: findRests(this) };
    return this.known.rests;
  }

  // --- events -------------------------------------------------------------------------------------

  /** @param {WireEvent} event @param {number} arrivedSeconds the page's clock */
  take(event, arrivedSeconds) {
    switch (event.type) {
      case "session.created":
        this.beginCall();
        break;
      case "stretto.timeline":
        this.takeTimeline(event, arrivedSeconds);
        break;
      case "conversation.item.added":
        this.takeItem(event.item);
        break;
      case "stretto.said":
        // its entry in the timeline follows, and knows the time
        this.unplaced.push((at) => this.withUtterance(event, (said) => this.hear(said, at, event.text, event.seconds)));
        break;
      default:
        if (event.type.startsWith("stretto.")) this.takeThought(event, arrivedSeconds);
    }
  }

  /** @param {WireEvent} event @param {number} arrived */
  takeTimeline({ at_seconds, name, fields }, arrived) {
    const late = arrived - at_seconds;
    this.clock = this.clock === null ? late : Math.min(late, this.clock + DRIFT);
    const at = this.base + at_seconds;
    this.end = Math.max(this.end, at);
    for (const place of this.unplaced.splice(0)) place(at);
    const take = HAPPENINGS[name];
    if (take) take(this, at, fields);
    this.version++;
    if (this.end > this.prunedAt + 10) this.prune();
  }

  /** What is typed is a subject, too. @param {any} item */
  takeItem(item) {
    if (item?.type !== "message" || item.role !== "user") return;
    const text = (item.content ?? [])
      .map((/** @type {any} */ part) => part.text ?? "")
      .join(" ")
      .trim();
    if (text) this.typed = text.slice(0, MAX_TEXT);
  }

  /** What the timeline leaves out. @param {WireEvent} event @param {number} arrived */
  takeThought(event, arrived) {
    const think = this.thinkOf.get(this.key(event.think_id));
    if (event.type === "stretto.draft.started") {
      // comes before the Think that it tells of
      this.foreseenNext = event.foreseen ? this.key(event.think_id) : undefined;
    }
    if (!think) return;
    const now = this.at(arrived);
    switch (event.type) {
      case "stretto.thought.delta":
      case "stretto.note.delta":
        think.thought = (think.thought + event.delta).slice(-MAX_TEXT);
        this.pulse(think, now);
        break;
      case "stretto.draft.delta":
        think.written = (think.written + event.delta).slice(-MAX_TEXT);
        this.pulse(think, now);
        break;
      case "stretto.draft.promoted":
      case "stretto.draft.frozen":
      case "stretto.draft.abandoned":
      case "stretto.draft.verified":
      case "stretto.note.kept":
      case "stretto.note.dropped":
        this.settle(think, event, now);
        break;
      case "stretto.tool.ended":
        endTool(think, event.call_id, now, event.failed);
        break;
      default:
        return;
    }
    this.version++;
  }

  /** @param {Think} think @param {number} at */
  pulse(think, at) {
    think.firstAt ??= at;
    const last = think.pulses.at(-1);
    if ((last === undefined || at - last >= PULSE_SECONDS) && think.pulses.length < 600) think.pulses.push(at);
  }

  /** @param {Think} think @param {WireEvent} event @param {number} now */
  settle(think, event, now) {
    const fate = FATES[event.type.split(".")[2]];
    const fated = { at: now, fate, reason: event.reason ?? "" };
    think.fates.push(fated);
    think.takenBy = event.taken_by ? this.key(event.taken_by) : think.takenBy;
    this.unplaced.push((at) => (fated.at = at));
    const turn = this.turnOf.get(event.turn_id ? this.key(event.turn_id) : (think.turnId ?? ""));
    if (turn && think.purpose === "draft") this.markLead(turn, think, fate);
  }

  /** When the words of the turn's answer were begun. @param {Turn} turn @param {Think} think @param {Fate} fate */
  markLead(turn, think, fate) {
    const begun = this.firstDraftOf(think);
    const goesOn = this.thinkOf.get(think.takenBy)?.purpose === "draft"; // then its own fate decides
    if (fate === "promoted" || (fate === "verified" && !goesOn)) turn.draftAt = begun;
    else if (fate === "abandoned" && turn.draftAt === begun) turn.draftAt = null;
  }

  /** Where the words of an answer were begun: drafts may have gone on behind drafts. @param {Think} think */
  firstDraftOf(think) {
    let first = think;
    for (const earlier of this.thinks.slice(-40).reverse()) {
      if (earlier.takenBy === first.id && earlier.start <= first.start) first = earlier;
    }
    return first.start;
  }

  // --- helpers ------------------------------------------------------------------------------------

  /** Ids are those of a session. @param {string | null | undefined} id */
  key(id) {
    return id ? `${this.call}:${id}` : "";
  }

  /** @param {any} fields @param {(said: Utterance) => void} change */
  withUtterance(fields, change) {
    const utterance = this.utteranceOf.get(this.key(fields.utterance_id));
    if (!utterance) return;
    change(utterance);
    this.version++;
  }

  /** @param {any} fields @param {(think: Think) => void} change */
  withThink(fields, change) {
    const think = this.thinkOf.get(this.key(fields.think_id));
    if (think) change(think);
  }

  /** Audio time on the score. @param {number} audioSeconds */
  onTheClock(audioSeconds) {
    let offset = 0;
    for (const known of this.offsets) {
      if (known.audio > audioSeconds + 0.5 && offset) break;
      offset = known.offset;
    }
    return this.base + audioSeconds + offset;
  }

  /** @param {number} since */
  lastSpeechEnd(since) {
    const last = this.speech.findLast((span) => span.end !== null && span.end >= since);
    return last?.end ?? this.end;
  }

  /** @param {string} id @param {number} start @param {boolean} [typed] */
  makeTurn(id, start, typed = false) {
    /** @type {Turn} */
    const turn = {
      ...{ id, typed, start, speechEnd: null, transcript: "", committedAt: null, outcome: "", reason: "" },
      ...{ endedAt: null, firstSoundAt: null, substanceAt: null, draftAt: null },
    };
    this.turns.push(turn);
    this.turnOf.set(id, turn);
    return turn;
  }

  /**
   * Newly heard words, spread by their lengths over the time that their audio took.
   * @param {Utterance} said @param {number} at @param {string} text all that was heard @param {number} seconds
   */
  hear(said, at, text, seconds) {
    if (said.start === null || text === said.heard) return;
    if (!text.startsWith(said.heard)) {
      if (said.heard.startsWith(text)) unhear(said, text, seconds);
      return;
    }
    const words = text.slice(said.heard.length).split(/\s+/).filter(Boolean);
    let begin = Math.max(said.words.at(-1)?.end ?? said.start, at - Math.max(seconds - said.heardSeconds, 0));
    said.heard = text;
    said.heardSeconds = seconds;
    let letters = words.reduce((sum, word) => sum + word.length, 0);
    for (const word of words) {
      const end = begin + (Math.max(at - begin, 0) * word.length) / letters;
      letters -= word.length;
      said.words.push({ text: word, start: begin, end, filler: false });
      begin = end;
    }
    this.markFillers(said);
  }

  /** @param {Utterance} said */
  markFillers(said) {
    if (!said.fillers.size) return;
    const end = fillerEnd(said.heard, said.fillers.values());
    let position = 0;
    for (const word of said.words) {
      position = said.heard.indexOf(word.text, position) + word.text.length;
      word.filler = position <= end;
    }
    const turn = this.turnOfThink(said.thinkId);
    if (turn) turn.substanceAt ??= said.words.find((word) => !word.filler)?.start ?? null;
  }

  /** @param {string | null} thinkId @returns {Turn | undefined} */
  turnOfThink(thinkId) {
    const think = thinkId === null ? undefined : this.thinkOf.get(thinkId);
    return think?.turnId ? this.turnOf.get(think.turnId) : undefined;
  }

  /** Old marks go; of each kind only so many stay. */
  prune() {
    this.prunedAt = this.end;
    const oldest = this.end - KEPT_SECONDS;
    prune(this.speech, (span) => span.end ?? this.end, oldest);
    prune(this.segments, (segment) => segment.words.at(-1)?.end ?? oldest, oldest);
    prune(this.backchannels, (note) => note.at, oldest);
    prune(this.failures, (note) => note.at, oldest);
    prune(
      this.turns,
      (turn) => turn.endedAt ?? turn.committedAt ?? this.end,
      oldest,
      (turn) => this.turnOf.delete(turn.id),
    );
    prune(
      this.thinks,
      (think) => think.end ?? this.end,
      oldest,
      (think) => this.thinkOf.delete(think.id),
    );
    prune(
      this.utterances,
      (said) => said.end ?? said.start ?? said.orderedAt,
      oldest,
      (said) => this.utteranceOf.delete(said.id),
    );
  }
}

/** What came to be of a draft, or of notes, by the last word of its event. @type {Record<string, Fate>} */
const FATES = {
  ...{ promoted: "promoted", frozen: "frozen", abandoned: "abandoned", verified: "verified" },
  ...{ kept: "promoted", dropped: "abandoned" },
};

/**
 * What each entry of the timeline means for the score.
 * @type {Record<string, (model: ScoreModel, at: number, fields: any) => void>}
 */
const HAPPENINGS = {
  // --- heard
  SpeechStarted(model, at, { audio_seconds, voiced_seconds = 0 }) {
    model.offsets.push({ audio: audio_seconds, offset: at - model.base - audio_seconds - voiced_seconds });
    if (model.offsets.length > 400) model.offsets.shift();
    model.speech.push({ start: at - voiced_seconds, end: null });
  },
  SpeechStopped(model, at, { silence_seconds = 0 }) {
    const last = model.speech.at(-1);
    if (last) last.end = Math.max(at - silence_seconds, last.start);
  },
  TranscriptRevised(model, _at, { segment, stable, tentative = [], is_final = false }) {
    let known = model.segments.findLast((one) => one.call === model.call && one.number === segment);
    if (!known) {
      known = { call: model.call, number: segment, words: [], final: false };
      model.segments.push(known);
    }
    const place = (/** @type {any} */ word, /** @type {boolean} */ isStable) => {
      const start = model.onTheClock(word.start_seconds);
      const end = start + Math.max(word.end_seconds - word.start_seconds, 0);
      return { text: word.text, start, end, stable: isStable };
    };
    known.final = is_final;
    known.words = [
      ...stable.map((/** @type {any} */ word) => place(word, true)),
      ...tentative.map((/** @type {any} */ word) => place(word, is_final)),
    ];
  },
  InputCommitted(model, at, { audio_end_seconds }) {
    model.offsets.push({ audio: audio_end_seconds, offset: at - model.base - audio_end_seconds });
  },
  EarsFailed: fail,
  VoiceFailed: fail,
  OpenTurn(model, _at, { turn_id, audio_start_seconds }) {
    model.makeTurn(model.key(turn_id), model.onTheClock(audio_start_seconds));
  },
  CommitTurn(model, at, fields) {
    const id = model.key(fields.turn_id);
    const turn = model.turnOf.get(id) ?? model.makeTurn(id, model.onTheClock(fields.audio_start_seconds));
    turn.transcript = fields.transcript;
    turn.committedAt = at;
    turn.speechEnd = Math.max(Math.min(model.onTheClock(fields.audio_end_seconds), at), turn.start);
  },
  AmendTurn(model, _at, { turn_id, transcript }) {
    const turn = model.turnOf.get(model.key(turn_id));
    if (turn) turn.transcript = transcript;
  },
  EndTurn(model, at, { turn_id, outcome, reason = "" }) {
    const turn = model.turnOf.get(model.key(turn_id));
    if (!turn) return;
    turn.speechEnd ??= model.lastSpeechEnd(turn.start);
    Object.assign(turn, { outcome, reason, endedAt: at });
  },
  ResponseRequested(model, at, { request_id }) {
    if (!model.typed) return;
    const turn = model.makeTurn(model.key(request_id), at, true);
    Object.assign(turn, { speechEnd: at, transcript: model.typed, committedAt: at });
    model.typed = "";
  },

  // --- thought
  Think(model, at, fields) {
    const id = model.key(fields.think_id);
    /** @type {Think} */
    const think = {
      ...{ id, purpose: fields.purpose, turnId: model.key(fields.turn_id ?? fields.request_id) || null },
      ...{ start: at, end: null, firstAt: null, ending: "", basis: fields.basis ?? "", effort: fields.effort ?? "" },
      ...{ thought: "", written: "", sentences: [], pulses: [], silence: "", ends: "", probability: 0 },
      ...{ foreseen: model.foreseenNext === id, fates: [], takenBy: "", tools: [] },
    };
    model.thinks.push(think);
    model.thinkOf.set(id, think);
  },
  EndingForeseen(model, at, fields) {
    model.withThink(fields, (think) => {
      think.ends = fields.ending;
      think.probability = fields.probability;
      think.firstAt ??= at;
    });
  },
  SentenceWritten(model, at, fields) {
    model.withThink(fields, (think) => {
      think.sentences.push(fields.text);
      think.firstAt ??= at;
    });
  },
  SilenceChosen(model, at, fields) {
    model.withThink(fields, (think) => {
      think.silence = fields.reason;
      think.firstAt ??= at;
    });
  },
  ToolCalled(model, at, fields) {
    model.withThink(fields, (think) => {
      const { call_id: id, name, progress = "" } = fields;
      think.tools.push({ id, name, arguments: fields.arguments, progress, start: at, end: null, failed: false });
      think.firstAt ??= at;
    });
  },
  ToolEnded(model, at, fields) {
    model.withThink(fields, (think) => endTool(think, fields.call_id, at, fields.failed));
  },
  ThinkEnded(model, at, fields) {
    model.withThink(fields, (think) => {
      think.end = at;
      think.ending = fields.ending;
      if (fields.message) model.failures.push({ at, text: fields.message });
      if (think.ending === "stopped" || think.ending === "failed" || think.ending === "aborted") {
        for (const tool of think.tools) tool.end ??= at;
      }
    });
  },

  // --- said
  Speak(model, at, fields) {
    const id = model.key(fields.utterance_id);
    let said = model.utteranceOf.get(id);
    if (!said) {
      said = {
        ...{
          id,
          thinkId: null,
          orderedAt: at,
          start: null,
          end: null,
          cut: false,
          why: "",
          words: [],
          heard: "",
          heardSeconds: 0,
        },
        ...{ planned: new Map(), fillers: new Map(), gains: [] },
      };
      model.utterances.push(said);
      model.utteranceOf.set(id, said);
    }
    said.thinkId = model.key(fields.think_id) || said.thinkId;
    said.planned.set(fields.index, (said.planned.get(fields.index) ?? "") + fields.text);
    if (fields.source === "filler") said.fillers.set(fields.index, fields.text);
  },
  Backchannel(model, at, { text }) {
    model.backchannels.push({ at, text });
  },
  PlayoutStarted(model, at, fields) {
    model.withUtterance(fields, (said) => {
      said.start = at;
      const turn = model.turnOfThink(said.thinkId);
      if (!turn || turn.firstSoundAt !== null) return;
      turn.firstSoundAt = at;
      if (!said.fillers.size) turn.substanceAt ??= at;
    });
  },
  WordsHeard(model, at, fields) {
    model.withUtterance(fields, (said) => model.hear(said, at, fields.text, fields.heard_seconds));
  },
  HeardCorrected(model, at, fields) {
    model.withUtterance(fields, (said) => model.hear(said, said.end ?? at, fields.text, fields.heard_seconds));
  },
  PlayoutEnded(model, at, fields) {
    model.withUtterance(fields, (said) => {
      if (said.start !== null) model.hear(said, at, fields.text, fields.heard_seconds);
      said.end = at;
      said.cut = fields.stopped && said.start !== null;
    });
  },
  StopSpeaking(model, _at, fields) {
    model.withUtterance(fields, (said) => (said.why = fields.reason));
  },
  Duck(model, at, fields) {
    model.withUtterance(fields, (said) => said.gains.push({ at, db: fields.gain_db }));
  },
};

/** @param {ScoreModel} model @param {number} at @param {any} fields */
function fail(model, at, { message }) {
  model.failures.push({ at, text: message });
}

/** @param {Think} think @param {string} id @param {number} at @param {boolean} failed */
function endTool(think, id, at, failed) {
  const tool = think.tools.find((one) => one.id === id && one.end === null);
  if (tool) Object.assign(tool, { end: at, failed: Boolean(failed) });
}

/** The caller tells that less was heard. @param {Utterance} said @param {string} text @param {number} seconds */
function unhear(said, text, seconds) {
  said.words.length = Math.min(said.words.length, text.split(/\s+/).filter(Boolean).length);
  said.heard = text;
  said.heardSeconds = seconds;
}

/** Silence that was chosen, and not what the agent kept on saying through. @param {ScoreModel} model @returns {Rest[]} */
function findRests({ turns, utterances }) {
  const startOf = (/** @type {Utterance} */ said) => said.start ?? Infinity;
  const endOf = (/** @type {Turn} */ turn) => turn.endedAt ?? Infinity;
  const silent = turns.filter(({ outcome, endedAt }) => outcome === "silent" && endedAt !== null);
  const sounds = utterances.filter(({ start }) => start !== null).sort((one, other) => startOf(one) - startOf(other));
  /** @type {Rest[]} */
  const rests = [];
  let [begun, until] = [0, -Infinity];
  for (const turn of silent.sort((one, other) => endOf(one) - endOf(other))) {
    const at = endOf(turn);
    for (; begun < sounds.length && startOf(sounds[begun]) <= at; begun++)
      until = Math.max(until, sounds[begun].end ?? Infinity);
    if (until <= at) rests.push({ turn, at, next: begun < sounds.length ? startOf(sounds[begun]) : Infinity });
  }
  return rests;
}

/** What was to be said and has not been heard, without fillers. @param {Utterance} said */
export function unheard(said) {
  const indexes = [...said.planned.keys()].sort((a, b) => a - b).filter((index) => !said.fillers.has(index));
  const answer = indexes.map((index) => said.planned.get(index)?.trim()).join(" ");
  const own = said.heard.slice(fillerEnd(said.heard, said.fillers.values())).trim();
  return answer.startsWith(own) ? answer.slice(own.length).trim() : "";
}

/**
 * @template T
 * @param {T[]} list in order @param {(one: T) => number} last @param {number} oldest @param {(one: T) => void} [forget]
 */
function prune(list, last, oldest, forget) {
  let count = Math.max(list.length - KEPT_MARKS, 0);
  while (count < list.length && last(list[count]) < oldest) count++;
  for (const one of list.splice(0, count)) forget?.(one);
}
