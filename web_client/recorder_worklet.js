// Brings both sides of a call to 24 kHz and 16 bit, side by side: left the user, right the agent.

import { Resampler } from "./resampler.js";

const RATE_HZ = 24000;
/** Half a second. */
const BLOCK_FRAMES = 12000;
const CHANNELS = 2;

/** Posts `Int16Array` blocks; on "finish" the last one, and then null. */
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resamplers = Array.from({ length: CHANNELS }, () => new Resampler(sampleRate, RATE_HZ));
    this.block = new Int16Array(BLOCK_FRAMES * CHANNELS);
    this.frames = 0;
    this.isOver = false;
    this.port.onmessage = () => this.finish();
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const sides = this.resamplers.map((resampler, side) =>
      resampler.process(inputs[0][side] ?? new Float32Array(128)),
    );
    for (let index = 0; index < sides[0].length; index++) this.add(sides[0][index], sides[1][index]);
    return !this.isOver;
  }

  /** @param {number} user @param {number} agent */
  add(user, agent) {
    this.block[this.frames * CHANNELS] = toInt16(user);
    this.block[this.frames * CHANNELS + 1] = toInt16(agent);
    if (++this.frames === BLOCK_FRAMES) this.post();
  }

  post() {
    const block = this.block.slice(0, this.frames * CHANNELS);
    this.frames = 0;
    this.port.postMessage(block, [block.buffer]);
  }

  finish() {
    this.isOver = true;
    this.post();
    this.port.postMessage(null);
  }
}

const toInt16 = (/** @type {number} */ sample) => Math.round(Math.max(-1, Math.min(1, sample)) * 32767);

registerProcessor("recorder", Recorder);
