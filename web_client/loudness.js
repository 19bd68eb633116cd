// Pure: where sound begins and where speech ends, from the sound itself.

/** Sound begins here: -45 dBFS, as `stretto talk` and the server's own measurements have it. */
export const LOUD = 10 ** (-45 / 20);
/** After so long a quiet, what is loud again is a new sound. */
const QUIET_SECONDS = 0.2;
/** The word that an answer sounds may come this much later than the sound itself. */
const LATE_SECONDS = 0.5;

/** @param {Float32Array} samples @returns {number} index of the first loud one, or -1 */
export const firstLoud = (samples) => samples.findIndex((sample) => Math.abs(sample) > LOUD);

/** @param {Float32Array} samples @returns {number} index of the last loud one, or -1 */
export const lastLoud = (samples) => samples.findLastIndex((sample) => Math.abs(sample) > LOUD);

/** Finds the first loud sample of each answer in the sound that comes in: only the server knows whose sound it is. */
export class FirstSounds {
  /** @param {(id: string, at: number) => void} onSound */
  constructor(onSound) {
    this.onSound = onSound;
    this.awaited = "";
    this.beganAt = -Infinity;
    this.lastAt = -Infinity;
  }

  /** @param {Float32Array} samples @param {number} endsAt @param {number} rateHz */
  heard(samples, endsAt, rateHz) {
    const index = firstLoud(samples);
    if (index < 0) return;
    const at = endsAt - (samples.length - index) / rateHz;
    if (at - this.lastAt > QUIET_SECONDS) this.beganAt = at;
    this.lastAt = endsAt - (samples.length - 1 - lastLoud(samples)) / rateHz;
    if (!this.awaited) return;
    const id = this.awaited;
    this.awaited = "";
    this.onSound(id, at);
  }

  /** The server says that this answer sounds now. @param {string} id @param {number} now */
  expect(id, now) {
    const isSounding = now - this.lastAt < QUIET_SECONDS && now - this.beganAt < LATE_SECONDS;
    this.awaited = isSounding ? "" : id;
    if (isSounding) this.onSound(id, this.beganAt);
  }

  stop() {
    this.awaited = "";
  }
}

/** So many marks tell how the server's audio time runs: the least delayed of them is the truest. */
const MARKS = 8;
/** The microphone's last loud sample is looked for around the moment that the server told. */
const BEFORE_SECONDS = 0.7;
const AFTER_SECONDS = 0.15;
/** A turn's end is told long before that. */
const KEPT_SECONDS = 30;

/**
 * When the user's words ended, on the clock of this page, for a line that carries no such clock.
 *
 * The server tells moments of its input audio, and events tell how far that audio had come when they were sent: so the
 * moment is known here, but later than it was by the way there and back and by the server's jitter buffer. The last loud
 * sample of the microphone close to it is the end; in a room that is never quiet, the moment itself is taken.
 */
export class SpeechEnds {
  constructor() {
    /** @type {number[]} */
    this.offsets = [];
    /** Stretches of sound, and the quiet after them. @type {{lastLoudAt: number | null, endsAt: number}[]} */
    this.blocks = [];
  }

  /** What the microphone heard. @param {Float32Array} samples @param {number} endsAt @param {number} rateHz */
  heard(samples, endsAt, rateHz) {
    const index = lastLoud(samples);
    const lastLoudAt = index < 0 ? null : endsAt - (samples.length - 1 - index) / rateHz;
    this.blocks.push({ lastLoudAt, endsAt });
    while (this.blocks[0].endsAt < endsAt - KEPT_SECONDS) this.blocks.shift();
  }

  /** The server had heard so much. @param {number} audioSeconds @param {number} now */
  reached(audioSeconds, now) {
    this.offsets.push(now - audioSeconds);
    if (this.offsets.length > MARKS) this.offsets.shift();
  }

  /** A new path: the server's audio time runs on from another moment. */
  forget() {
    this.offsets = [];
  }

  /** @param {number} audioSeconds @returns {number | null} */
  at(audioSeconds) {
    if (!this.offsets.length) return null;
    const told = audioSeconds + Math.min(...this.offsets);
    const near = this.blocks.filter(({ endsAt }) => endsAt > told - BEFORE_SECONDS && endsAt <= told + AFTER_SECONDS);
    if (near.at(-1)?.lastLoudAt !== null) return told; // no microphone, or a loud room
    return near.findLast(({ lastLoudAt }) => lastLoudAt !== null)?.lastLoudAt ?? told;
  }
}
