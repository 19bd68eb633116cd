// Sound and events over the websocket: 24 kHz PCM from and to audio worklets.

import { Failure } from "./failures.js";
import { Loudspeaker } from "./loudspeaker.js";
import { MicrophoneClock } from "./microphone_clock.js";
import { decodePcm16, encodePcm16 } from "./pcm.js";
import { readHealth, realtimeAddress, refuseIfClosed, secretFor } from "./server.js";
import { Wire } from "./wire.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./line.js").LineEvents} LineEvents */
/** @typedef {import("./line.js").Line} Line */
/** @typedef {import("./loudspeaker.js").Played} Played */
/** @typedef {import("./wire.js").WireEvent} WireEvent */

/** @implements {Line} */
export class WebSocketLine {
  kind = /** @type {const} */ ("websocket");
  /** One block of the microphone, and what the browser itself holds. */
  tailSeconds = 0.06;

  /** @param {Desk} desk @param {LineEvents} events */
  constructor(desk, events) {
    this.desk = desk;
    this.events = events;
    this.clock = new MicrophoneClock();
    this.isOpen = false;
    this.wire = new Wire(
      (event) => this.take(event),
      (code, reason) => this.events.onClosed(closingFailure(code, reason)),
    );
    this.loudspeaker = new Loudspeaker(desk, {
      onSound: (id, at) => this.sounds(id, at),
      onProgress: (played, level) => this.events.onProgress(played, level),
      onEnded: (played) => this.events.onEnded(played),
      onFlushed: (items) => this.flushed(items),
    });
    /** @type {AudioWorkletNode | null} */
    this.ear = null;
  }

  /** Without worklets (a page over plain HTTP) all that is left is typing and reading. */
  get isAudible() {
    return this.desk.hasWorklets;
  }

  /** @param {string} key "" where none is asked for */
  async open(key) {
    const secret = key ? await secretFor(key) : "";
    if (this.isAudible) await this.addWorklets();
    try {
      await this.wire.open(realtimeAddress(), secret);
    } catch (error) {
      refuseIfClosed(await readHealth()); // a browser isn't told why it was refused
      if (key && /** @type {Failure} */ (error).kind === "serverGone") throw new Failure("keyWrong");
      throw error;
    }
    this.isOpen = true;
    this.events.onQuality({ level: "good", rttMs: null, lossPercent: null, jitterMs: null, path: "websocket" });
  }

  async addWorklets() {
    await Promise.all([this.loudspeaker.open(), this.desk.addWorklet("microphone_worklet.js")]);
    const channel = { channelCount: 1, channelCountMode: /** @type {const} */ ("explicit") };
    this.ear = new AudioWorkletNode(this.desk.context, "microphone", { numberOfOutputs: 0, ...channel });
    this.ear.port.onmessage = ({ data }) => this.speak(data);
    this.desk.user.connect(this.ear);
  }

  /** 20 ms at 24 kHz. @param {{samples: Float32Array, endsAt: number, level: number}} block */
  speak({ samples, endsAt, level }) {
    if (!this.isOpen) return;
    this.clock.sent(samples.length / 24000, endsAt);
    this.wire.send({ type: "input_audio_buffer.append", audio: encodePcm16(samples) });
    this.events.onInput(level);
  }

  /** @param {WireEvent} event */
  send(event) {
    this.wire.send(event);
  }

  /** @param {WireEvent} event */
  take(event) {
    this.events.onEvent(event);
    if (event.type === "input_audio_buffer.speech_started") this.interrupt();
    else if (event.type === "response.output_audio.delta") {
      this.loudspeaker.play(event.item_id, decodePcm16(event.delta));
    } else if (event.type === "response.output_audio.done") this.loudspeaker.finish(event.item_id);
  }

  interrupt() {
    this.loudspeaker.flush();
  }

  /** @param {number} audioSeconds */
  spokenAt(audioSeconds) {
    return this.clock.at(audioSeconds);
  }

  /** @param {string} id @param {number} at */
  sounds(id, at) {
    this.events.onSounding(id);
    this.events.onFirstSound(id, at);
  }

  /** @param {Played[]} items */
  flushed(items) {
    this.events.onCut(items);
    for (const { id, seconds } of items) {
      const audio_end_ms = Math.floor(seconds * 1000);
      this.send({ type: "conversation.item.truncate", item_id: id, content_index: 0, audio_end_ms });
    }
  }

  useMicrophone() {
    // it is heard through the desk, whichever it is
  }

  /** @param {string} speakerId */
  async useSpeaker(speakerId) {
    await this.loudspeaker.choose(speakerId);
  }

  close() {
    this.isOpen = false;
    this.wire.close();
    this.loudspeaker.close();
    this.ear?.disconnect();
    if (this.ear) this.ear.port.onmessage = null;
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
