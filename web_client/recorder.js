// Records both sides of a call in this browser: nothing of it leaves the page.

import { fileName } from "./dom.js";
import { wavHeader } from "./wav.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{blob: Blob, name: string}} Recording */

const RATE_HZ = 24000;
const CHANNELS = 2;
/** An hour: 330 MiB, which the browser may keep on its disk. What comes later is not recorded. */
const MAX_SECONDS = 3600;
/** So many blocks of half a second are handed to the browser as one. */
const BLOCKS_PER_PART = 20;
/** The last samples are there at once, unless the browser has stopped all sound: then what there is must do. */
const LAST_MS = 2000;

export class Recorder {
  /** @param {Desk} desk @param {() => void} onFull no more is recorded; what there is can be had */
  constructor(desk, onFull) {
    this.desk = desk;
    this.onFull = onFull;
    /** @type {Int16Array<ArrayBuffer>[]} */
    this.blocks = [];
    /** @type {Blob[]} */
    this.parts = [];
    this.byteCount = 0;
    this.beganAt = new Date();
    /** @type {Promise<void>} resolves when the last sample is here */
    this.finished = new Promise((resolve) => (this.resolve = resolve));
  }

  async start() {
    await this.desk.addWorklet("recorder_worklet.js");
    const { context } = this.desk;
    this.merger = new ChannelMergerNode(context, { numberOfInputs: CHANNELS });
    const channel = { channelCount: CHANNELS, channelCountMode: /** @type {const} */ ("explicit") };
    this.node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0, ...channel });
    this.node.port.onmessage = ({ data }) => this.take(data);
    this.desk.user.connect(this.merger, 0, 0);
    this.desk.agent.connect(this.merger, 0, 1);
    this.merger.connect(this.node);
  }

  /** @param {Int16Array<ArrayBuffer> | null} block */
  take(block) {
    if (block === null) return this.resolve?.();
    this.blocks.push(block);
    this.byteCount += block.byteLength;
    if (this.blocks.length === BLOCKS_PER_PART) this.pack();
    if (this.byteCount < MAX_SECONDS * RATE_HZ * CHANNELS * 2) return;
    this.finish();
    this.onFull();
  }

  pack() {
    this.parts.push(new Blob(this.blocks.splice(0)));
  }

  /** No more is recorded; the sound desk may be closed when `stop` has resolved. */
  finish() {
    if (this.isFinishing) return;
    this.isFinishing = true;
    if (!this.node) return void this.resolve?.();
    this.node.port.postMessage("finish");
    setTimeout(() => this.resolve?.(), LAST_MS);
  }

  /** @returns {Promise<Recording>} a WAV file, left the user, right the agent */
  async stop() {
    this.finish();
    await this.finished;
    if (this.merger) {
      this.desk.user.disconnect(this.merger);
      this.desk.agent.disconnect(this.merger);
      this.merger = undefined;
    }
    this.pack();
    const parts = [wavHeader(this.byteCount, RATE_HZ, CHANNELS), ...this.parts];
    return { blob: new Blob(parts, { type: "audio/wav" }), name: fileName("wav", this.beganAt) };
  }
}
