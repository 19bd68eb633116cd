// Keeps the screen on while a call stands: a phone that sleeps hangs up.

export class WakeLock {
  constructor() {
    this.isWanted = false;
    /** @type {WakeLockSentinel | null} */
    this.sentinel = null;
    this.seen = () => this.ask();
  }

  /** Also when the page comes to sight again: hiding it takes the lock away. */
  hold() {
    this.isWanted = true;
    document.addEventListener("visibilitychange", this.seen);
    return this.ask();
  }

  async ask() {
    if (!this.isWanted || document.visibilityState !== "visible") return;
    try {
      const sentinel = (await navigator.wakeLock?.request("screen")) ?? null;
      if (this.isWanted) this.sentinel = sentinel;
      else await sentinel?.release(); // hung up meanwhile
    } catch {
      // no such lock here, or the battery is low: the call goes on without
    }
  }

  async release() {
    this.isWanted = false;
    document.removeEventListener("visibilitychange", this.seen);
    const { sentinel } = this;
    this.sentinel = null;
    await sentinel?.release();
  }
}
