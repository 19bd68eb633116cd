// Plays the agent's audio, and knows what of it was played.

import { rms } from "./pcm.js";
import { RecentNames } from "./recent_names.js";
import { Resampler } from "./resampler.js";

const WIRE_RATE_HZ = 24000;
/** Begin, and begin again after running dry, only with this much at hand: rides over the network's jitter. */
const START_SECONDS = 0.04;
/** The queue's bound. What comes beyond it is dropped and counted: so long a speech no server should send ahead. */
const MAX_SECONDS = 300;
/** A flush fades out in this time, so that it doesn't click. */
const FADE_SECONDS = 0.005;
/** Sound begins here: -45 dBFS, as `stretto talk` measures it. */
const LOUD = 10 ** (-45 / 20);
const REPORT_SECONDS = 0.05;
/** More items than can be on their way at once. */
const CUT_KNOWN = 100;

/** One item's audio. @typedef {{id: string, blocks: Float32Array[], queued: number, played: number,
 *   finished: boolean, loud: boolean, resampler: Resampler}} Item */

/**
 * Takes `{kind: "audio", id, samples}`, `{kind: "finish", id}` (no more comes for it) and `{kind: "flush"}`. What still comes
 * of an item that was flushed was on its way when the server was told, and is dropped.
 * Posts `{kind: "sound", id, at}` at an item's first loud sample, `{kind: "progress", id, seconds, level}`,
 * `{kind: "ended", id, seconds}` and, after a flush, `{kind: "flushed", items: [{id, seconds}]}`.
 */
class Speaker extends AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {Item[]} */
    this.items = [];
    this.cut = new RecentNames(CUT_KNOWN);
    this.offset = 0;
    this.running = false;
    /** Samples until a flush has faded out. @type {number | undefined} */
    this.fading = undefined;
    this.dropped = 0;
    this.unreported = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  /** @param {{kind: string, id: string, samples: Float32Array}} order */
  take(order) {
    if (order.kind === "audio") this.add(order.id, order.samples);
    else if (order.kind === "finish") this.finish(order.id);
    else this.fading = FADE_SECONDS * sampleRate;
  }

  /** @param {string} id @param {Float32Array} samples */
  add(id, samples) {
    if (this.cut.has(id)) return;
    let item = this.items.find((known) => known.id === id);
    if (!item) {
      const resampler = new Resampler(WIRE_RATE_HZ, sampleRate);
      item = { id, blocks: [], queued: 0, played: 0, finished: false, loud: false, resampler };
      this.items.push(item);
    }
    this.append(item, item.resampler.process(samples));
  }

  /** @param {Item} item @param {Float32Array} block */
  append(item, block) {
    const queued = this.items.reduce((total, one) => total + one.queued, 0);
    if (queued > MAX_SECONDS * sampleRate) {
      this.dropped += block.length;
      return;
    }
    if (block.length) item.blocks.push(block);
    item.queued += block.length;
  }

  /** @param {string} id */
  finish(id) {
    const item = this.items.find((known) => known.id === id);
    if (!item || item.finished) return;
    this.append(item, item.resampler.finish());
    item.finished = true;
  }

  /** @param {Float32Array[][]} _ @param {Float32Array[][]} outputs */
  process(_, outputs) {
    const output = outputs[0][0];
    let filled = 0;
    while (filled < output.length && this.ready()) filled = this.fill(output, filled);
    if (this.fading !== undefined) this.fade(output, this.fading);
    this.report(output, filled);
    return true;
  }

  /** Whether there is a sample to play now. Items that are through leave the queue here. */
  ready() {
    while (this.items.length && !this.items[0].queued) {
      if (!this.items[0].finished) {
        this.running = false; // ran dry in the middle
        return false;
      }
      this.end(/** @type {Item} */ (this.items.shift()));
    }
    const item = this.items[0];
    if (!item) this.running = false;
    else this.running ||= item.finished || item.queued >= START_SECONDS * sampleRate;
    return this.running;
  }

  /** Copy from the first block. @param {Float32Array} output @param {number} filled @returns {number} filled now */
  fill(output, filled) {
    const item = this.items[0];
    const block = item.blocks[0];
    const count = Math.min(block.length - this.offset, output.length - filled);
    const samples = block.subarray(this.offset, this.offset + count);
    output.set(samples, filled);
    this.notice(item, samples, filled);
    this.offset += count;
    item.played += count;
    item.queued -= count;
    if (this.offset === block.length) {
      item.blocks.shift();
      this.offset = 0;
    }
    return filled + count;
  }

  /** @param {Item} item @param {Float32Array} samples @param {number} filled */
  notice(item, samples, filled) {
    if (item.loud) return;
    const index = samples.findIndex((sample) => Math.abs(sample) > LOUD);
    if (index < 0) return;
    item.loud = true;
    this.port.postMessage({ kind: "sound", id: item.id, at: currentTime + (filled + index) / sampleRate });
  }

  /** @param {Float32Array} output @param {number} left samples until it is silent */
  fade(output, left) {
    const whole = FADE_SECONDS * sampleRate;
    for (let index = 0; index < output.length; index++) output[index] *= Math.max(left - index, 0) / whole;
    this.fading = left - output.length;
    if (this.fading <= 0 || !this.running) this.flush();
  }

  flush() {
    this.fading = undefined;
    const items = this.items.map(({ id, played }) => ({ id, seconds: played / sampleRate }));
    for (const { id } of items) this.cut.add(id);
    this.items = [];
    this.offset = 0;
    this.running = false;
    this.port.postMessage({ kind: "flushed", items });
  }

  /** @param {Float32Array} output @param {number} filled */
  report(output, filled) {
    this.unreported += filled;
    const item = this.items[0];
    if (!item || this.unreported < REPORT_SECONDS * sampleRate) return;
    this.unreported = 0;
    const seconds = item.played / sampleRate;
    this.port.postMessage({ kind: "progress", id: item.id, seconds, level: rms(output), dropped: this.dropped });
  }

  /** @param {Item} item */
  end(item) {
    this.port.postMessage({ kind: "ended", id: item.id, seconds: item.played / sampleRate });
  }
}

registerProcessor("speaker", Speaker);
