// One call: the wire, the line and the conversation brought together.

import { makeLine } from "./audio.js";
import { Failure } from "./failures.js";
import { MicrophoneClock } from "./microphone_clock.js";
import { decodePcm16, encodePcm16 } from "./pcm.js";
import { readHealth, realtimeAddress, refuseIfClosed, secretFor } from "./server.js";
import { Wire } from "./wire.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./wire.js").WireEvent} WireEvent */
/** @typedef {import("./audio.js").Played} Played */
/** @typedef {"idle" | "connecting" | "asking" | "listening" | "thinking" | "speaking" | "silent"} Mood */
/**
 * @typedef {object} CallEvents
 * @property {() => void} onChange the mood or the conversation is another now
 * @property {(failure: Failure) => void} onFailure
 * @property {(level: number) => void} onLevel 0 to 1, of whoever sounds
 */

const SESSION = {
  type: "realtime",
  audio: {
    input: {
      format: { type: "audio/pcm", rate: 24000 },
      transcription: { model: "default" },
      turn_detection: { type: "semantic_vad" },
    },
    output: { format: { type: "audio/pcm", rate: 24000 } },
  },
};
/** Answers to what crossed the server's own events on the way; nothing is wrong. */
const CROSSED = ["response_cancel_not_active", "conversation_already_has_active_response"];
/** After the server's goodbye, what it sent ahead is still played: it sends at most a second. */
const GOODBYE_MS = 1500;

export class Call {
  /** Make it within a click. @param {Conversation} conversation @param {CallEvents} events */
  constructor(conversation, events) {
    this.conversation = conversation;
    this.events = events;
    this.clock = new MicrophoneClock();
    this.wire = new Wire(
      (event) => this.take(event),
      (code, reason) => this.closed(code, reason),
    );
    this.line = makeLine(this.lineEvents());
    /** @type {"connecting" | "asking" | "live" | "over"} */
    this.stage = "connecting";
    this.hasMicrophone = false;
    this.muted = false;
    /** The item that sounds. */
    this.sounding = "";
    /** A typed question waits for the running answer to end. */
    this.mustAsk = false;
    this.secondsOfItem = 0;
    this.secondsPlayed = 0;
    this.loudest = 0;
    /** @type {{resolve: (value: undefined) => void, reject: (failure: Failure) => void} | undefined} */
    this.opening = undefined;
  }

  /** @returns {import("./audio.js").AudioEvents} */
  lineEvents() {
    return {
      onBlock: (block) => this.speak(block),
      onSound: (id, at) => this.sounds(id, at),
      onProgress: (played, level) => this.progress(played, level),
      onEnded: (played) => this.played(played),
      onFlushed: (items) => this.flushed(items),
      onMicrophoneLost: () => this.fail(new Failure("microphoneLost")),
    };
  }

  /** @returns {Mood} */
  get mood() {
    if (this.stage === "over") return "idle";
    if (this.stage !== "live") return this.stage;
    if (this.sounding) return "speaking";
    if (this.conversation.running.size) return "thinking";
    return this.conversation.silent ? "silent" : "listening";
  }

  // --- beginning and end --------------------------------------------------------------------------

  /** Resolves when the call stands; throws a `Failure`. @param {string} key @param {boolean} withMicrophone */
  async begin(key, withMicrophone) {
    try {
      const [health] = await Promise.all([readHealth(), this.line.open()]);
      refuseIfClosed(health);
      const secret = health.key_required ? await secretFor(key) : "";
      if (withMicrophone) await this.listen();
      await this.connect(secret, health.key_required);
    } catch (error) {
      this.hangUp();
      throw error instanceof Failure ? error : new Failure("unexpected", String(error));
    }
  }

  async listen() {
    this.stage = "asking";
    this.events.onChange();
    await this.line.listen();
    this.hasMicrophone = true;
    if (this.stage === "asking") this.stage = "connecting";
    this.events.onChange();
  }

  /** @param {string} secret @param {boolean} keyRequired */
  async connect(secret, keyRequired) {
    if (this.stage === "over") return;
    this.conversation.beginCall();
    try {
      await this.wire.open(realtimeAddress(), secret);
    } catch (error) {
      refuseIfClosed(await readHealth()); // a browser isn't told why it was refused
      if (keyRequired && /** @type {Failure} */ (error).kind === "serverGone") throw new Failure("keyWrong");
      throw error;
    }
    const output_modalities = [this.line.sounds ? "audio" : "text"];
    this.wire.send({ type: "session.update", session: { ...SESSION, output_modalities } });
    await /** @type {Promise<undefined>} */ (
      new Promise((resolve, reject) => (this.opening = { resolve, reject }))
    );
  }

  hangUp() {
    if (this.stage === "over") return;
    this.stage = "over";
    this.wire.close();
    this.line.close();
    if (this.sounding) this.conversation.cutOff(this.sounding, this.secondsOfItem);
    this.opening?.reject(new Failure("callEnded"));
    this.events.onChange();
  }

  /** @param {number} code @param {string} reason */
  closed(code, reason) {
    if (this.stage === "over") return;
    const failure = closingFailure(code, reason);
    if (this.stage !== "live") return void this.opening?.reject(failure); // `begin` tells and cleans up
    this.stage = "over";
    this.wire.close();
    this.line.release();
    setTimeout(() => this.line.close(), this.sounding ? GOODBYE_MS : 0);
    this.fail(failure);
  }

  /** @param {Failure} failure */
  fail(failure) {
    this.events.onFailure(failure);
    this.events.onChange();
  }

  // --- the user -----------------------------------------------------------------------------------

  /** @param {import("./audio.js").MicrophoneBlock} block */
  speak({ samples, endsAt, level }) {
    if (this.stage !== "live") return;
    this.clock.sent(samples.length / 24000, endsAt);
    this.wire.send({ type: "input_audio_buffer.append", audio: encodePcm16(samples) });
    if (!this.sounding) this.events.onLevel(level);
  }

  /** Ask by typing; what sounds is cut off, as by speech. @param {string} text */
  type(text) {
    this.conversation.typed(this.line.now);
    if (this.sounding) this.line.flush();
    const content = [{ type: "input_text", text }];
    this.wire.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
    this.mustAsk = true;
    if (this.conversation.running.size) this.wire.send({ type: "response.cancel" });
    this.askIfFree();
    this.events.onChange();
  }

  askIfFree() {
    if (!this.mustAsk || this.conversation.running.size) return;
    this.mustAsk = false;
    this.wire.send({ type: "response.create" });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.line.mute(muted);
    this.events.onLevel(0);
  }

  // --- the server ---------------------------------------------------------------------------------

  /** @param {WireEvent} event */
  take(event) {
    this.conversation.take(event);
    switch (event.type) {
      case "session.updated":
        if (this.stage !== "over") this.stage = "live";
        this.opening?.resolve(undefined);
        break;
      case "input_audio_buffer.speech_started":
        this.line.flush();
        break;
      case "response.output_audio.delta":
        this.line.play(event.item_id, decodePcm16(event.delta));
        return; // nothing to be seen yet
      case "response.output_audio.done":
        this.line.finish(event.item_id);
        break;
      case "response.done":
        this.answered(event.response);
        break;
      case "conversation.item.input_audio_transcription.failed":
        this.events.onFailure(new Failure("wordsLost"));
        break;
      case "error":
        this.refused(event.error);
    }
    this.events.onChange();
  }

  /** @param {any} response */
  answered({ status, status_details }) {
    if (status === "failed") this.events.onFailure(new Failure("answerFailed", status_details?.error?.message));
    this.askIfFree();
  }

  /** @param {{code: string, message: string}} error */
  refused({ code, message }) {
    if (!CROSSED.includes(code)) this.events.onFailure(new Failure("refused", message));
    else if (code === "conversation_already_has_active_response") this.mustAsk = true; // at its response.done
  }

  // --- the loudspeaker ----------------------------------------------------------------------------

  /** @param {string} id @param {number} at */
  sounds(id, at) {
    this.sounding = id;
    this.secondsOfItem = 0;
    const entry = this.conversation.speaker(id);
    if (entry?.question && entry.latencySeconds === null) {
      const { question } = entry;
      const askedAt = "at" in question ? question.at : this.clock.at(question.endMs / 1000);
      if (askedAt !== null) entry.latencySeconds = at - askedAt;
    }
    this.events.onChange();
  }

  /** @param {Played} played @param {number} level */
  progress({ id, seconds }, level) {
    this.count(id, seconds);
    this.loudest = Math.max(this.loudest, level);
    this.conversation.played(id, seconds);
    if (this.sounding) this.events.onLevel(level);
    this.events.onChange();
  }

  /** @param {string} id @param {number} seconds of the item so far */
  count(id, seconds) {
    if (this.sounding !== id) return;
    this.secondsPlayed += Math.max(seconds - this.secondsOfItem, 0);
    this.secondsOfItem = seconds;
  }

  /** @param {Played} played */
  played({ id, seconds }) {
    this.count(id, seconds);
    if (this.sounding === id) this.sounding = "";
    this.conversation.playedToEnd(id);
    this.events.onLevel(0);
    this.events.onChange();
  }

  /** @param {Played[]} items */
  flushed(items) {
    this.sounding = "";
    for (const { id, seconds } of items) {
      this.conversation.cutOff(id, seconds);
      const audio_end_ms = Math.floor(seconds * 1000);
      this.wire.send({ type: "conversation.item.truncate", item_id: id, content_index: 0, audio_end_ms });
    }
    this.events.onLevel(0);
    this.events.onChange();
  }
}

/** @param {number} code of the websocket @param {string} reason */
function closingFailure(code, reason) {
  if (code === 1000) return new Failure("callEnded", reason);
  if (code === 1001) return new Failure("serverStopping");
  if (code === 1013) return new Failure("serverBusy");
  if (code === 1008 || code === 1011) return new Failure("unexpected", reason);
  return new Failure("serverGone");
}
