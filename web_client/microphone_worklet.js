// Turns the microphone's samples into blocks of 20 ms at 24 kHz, stamped with the audio clock.

import { rms } from "./pcm.js";
import { Resampler } from "./resampler.js";

const WIRE_RATE_HZ = 24000;
const BLOCK_SAMPLES = 480;

/**
 * Posts `{samples: Float32Array, endsAt: seconds of the audio clock, level: 0 to 1}`.
 * Without input (the device is gone) it goes on with silence, so that the server's audio time stays true.
 */
class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, WIRE_RATE_HZ);
    this.block = new Float32Array(BLOCK_SAMPLES);
    this.filled = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const samples = this.resampler.process(inputs[0][0] ?? new Float32Array(128));
    for (const sample of samples) {
      this.block[this.filled++] = sample;
      if (this.filled === BLOCK_SAMPLES) this.post();
    }
    return true;
  }

  post() {
    const endsAt = currentTime - this.resampler.delaySeconds;
    this.port.postMessage({ samples: this.block, endsAt, level: rms(this.block) }, [this.block.buffer]);
    this.block = new Float32Array(BLOCK_SAMPLES);
    this.filled = 0;
  }
}

registerProcessor("microphone", Microphone);
