// The orb: its place tells whose turn it is, its movement how loud that one sounds.

import { byId } from "./dom.js";

/** The orb's level for an RMS of 1: speech is about 0.05 to 0.2. */
const LEVEL_GAIN = 4;
/** How far a full level swells it. */
const SWELL = 0.35;

export class Orb {
  constructor() {
    this.element = byId("orb");
    this.level = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** Quick up, slow down. @param {number} rms 0 to 1 */
  move(rms) {
    const target = this.still.matches ? 0 : Math.min(rms * LEVEL_GAIN, 1) * SWELL;
    this.level += (target - this.level) * (target > this.level ? 0.6 : 0.2);
    this.element.style.setProperty("--level", this.level.toFixed(3));
  }
}
