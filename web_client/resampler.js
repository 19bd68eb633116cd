// Pure: changes the sample rate of a stream of blocks. Runs inside the audio worklets.

/** Zero crossings of the sinc on each side: about 80 dB of stop band with the window below. */
const ZERO_CROSSINGS = 16;
/** The pass band's edge as a part of the lower rate's Nyquist frequency; the rest is the filter's slope. */
const PASS_BAND = 0.92;

/** @param {number} a @param {number} b @returns {number} */
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** Blackman's window, 1 at 0 and 0 at ±1. @param {number} x */
const blackman = (x) => 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/**
 * Windowed-sinc interpolation with one filter per phase of the ratio (a polyphase filter bank).
 * It looks `delaySeconds` ahead and adds no other shift.
 */
export class Resampler {
  /** @param {number} fromHz whole hertz @param {number} toHz whole hertz */
  constructor(fromHz, toHz) {
    const common = gcd(fromHz, toHz);
    /** Phases: output samples per `step` input samples. */
    this.phases = toHz / common;
    this.step = fromHz / common;
    const cutoff = Math.min(1, this.phases / this.step) * PASS_BAND;
    this.half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.filters = makeFilters(this.phases, this.half, cutoff);
    this.delaySeconds = this.half / fromHz;
    this.phase = 0;
    this.skip = 0;
    this.rest = new Float32Array(this.half - 1);
  }

  /** What can be computed so far. @param {Float32Array} input @returns {Float32Array} */
  process(input) {
    if (this.phases === this.step) return input;
    const buffer = new Float32Array(this.rest.length + input.length);
    buffer.set(this.rest);
    buffer.set(input, this.rest.length);
    const taps = 2 * this.half;
    const output = new Float32Array(Math.ceil((buffer.length * this.phases) / this.step) + 1);
    let count = 0;
    let start = this.skip;
    while (start + taps <= buffer.length) {
      output[count++] = this.dot(buffer, start, this.phase * taps, taps);
      this.phase += this.step;
      start += Math.floor(this.phase / this.phases);
      this.phase %= this.phases;
    }
    const kept = Math.min(start, buffer.length);
    this.skip = start - kept;
    this.rest = buffer.slice(kept);
    return output.subarray(0, count);
  }

  /** What is still inside, at the end of a stream. @returns {Float32Array} */
  finish() {
    return this.process(new Float32Array(this.half));
  }

  /** @param {Float32Array} buffer @param {number} start @param {number} filter @param {number} taps */
  dot(buffer, start, filter, taps) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) sum += buffer[start + tap] * this.filters[filter + tap];
    return sum;
  }
}

/**
 * All phases' filters one after the other, `2 * half` taps each, every one with a sum of 1.
 * @param {number} phases @param {number} half @param {number} cutoff part of the input's Nyquist frequency
 */
function makeFilters(phases, half, cutoff) {
  const taps = 2 * half;
  const filters = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    const values = Array.from({ length: taps }, (_, tap) => {
      const x = tap - half + 1 - phase / phases;
      return sinc(x * cutoff) * blackman(x / half);
    });
    const sum = values.reduce((total, value) => total + value, 0);
    filters.set(values.map((value) => value / sum), phase * taps);
  }
  return filters;
}
