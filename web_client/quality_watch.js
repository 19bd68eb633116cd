// Asks the connection every two seconds how it fares.

import { countsOf, qualityBetween } from "./quality.js";

/** @typedef {import("./quality.js").Counts} Counts */
/** @typedef {import("./quality.js").Quality} Quality */

const EVERY_MS = 2000;

export class QualityWatch {
  /** @param {() => Promise<RTCStatsReport> | undefined} getStats @param {(quality: Quality) => void} onQuality */
  constructor(getStats, onQuality) {
    this.getStats = getStats;
    this.onQuality = onQuality;
    /** @type {Counts} */
    this.before = countsOf([]);
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  begin() {
    this.timer = setInterval(() => this.ask(), EVERY_MS);
    this.ask();
  }

  async ask() {
    const report = await this.getStats();
    if (!report || this.timer === undefined) return;
    const now = countsOf([...report.values()]);
    const isNewPath = now.received < this.before.received;
    const quality = qualityBetween(isNewPath ? countsOf([]) : this.before, now);
    this.before = now;
    this.onQuality(quality);
  }

  close() {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
