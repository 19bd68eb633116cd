// Plays what came over the websocket, and knows what of it was heard. The work is done in `speaker_worklet.js`.

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{id: string, seconds: number}} Played What of an item was played. */
/**
 * @typedef {object} LoudspeakerEvents
 * @property {(id: string, at: number) => void} onSound an item's first loud sample, on the audio clock
 * @property {(played: Played, level: number) => void} onProgress
 * @property {(played: Played) => void} onEnded the item was played to its end
 * @property {(items: Played[]) => void} onFlushed what had been played of each item that was cut off
 */

export class Loudspeaker {
  /** @param {Desk} desk @param {LoudspeakerEvents} events */
  constructor(desk, events) {
    this.desk = desk;
    this.events = events;
    this.isClosed = false;
    /** @type {AudioWorkletNode | null} null where the browser gives none: then nothing sounds */
    this.node = null;
  }

  async open() {
    await this.desk.addWorklet("speaker_worklet.js");
    const { context } = this.desk;
    this.node = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.take(data);
    this.node.connect(context.destination);
    this.node.connect(this.desk.agent);
  }

  /** @param {string} id @param {Float32Array} samples at 24 kHz */
  play(id, samples) {
    this.node?.port.postMessage({ kind: "audio", id, samples }, [samples.buffer]);
  }

  /** No more audio comes for this item. @param {string} id */
  finish(id) {
    this.node?.port.postMessage({ kind: "finish", id });
  }

  /** Drop what has not been played; `onFlushed` tells what had been. */
  flush() {
    this.node?.port.postMessage({ kind: "flush" });
  }

  /** Chromium alone lets a whole audio context sound elsewhere. @param {string} speakerId */
  async choose(speakerId) {
    const context = /** @type {AudioContext & {setSinkId?: (id: string) => Promise<void>}} */ (this.desk.context);
    await context.setSinkId?.(speakerId);
  }

  close() {
    this.isClosed = true;
    this.node?.disconnect();
  }

  /** @param {any} message */
  take(message) {
    if (this.isClosed) return;
    const { onSound, onProgress, onEnded, onFlushed } = this.events;
    if (message.kind === "sound") onSound(message.id, message.at + this.desk.outputSeconds);
    else if (message.kind === "progress") onProgress(this.heard(message), message.level);
    else if (message.kind === "ended") onEnded({ id: message.id, seconds: message.seconds });
    else onFlushed(message.items.map((/** @type {Played} */ item) => this.heard(item)));
  }

  /** What has left the worklet and has sounded. @param {Played} played @returns {Played} */
  heard({ id, seconds }) {
    return { id, seconds: Math.max(seconds - this.desk.outputSeconds, 0) };
  }
}
