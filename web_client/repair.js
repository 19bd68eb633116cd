// Decides when a path is broken, and makes a new one, again and again, for as long as the server keeps the call.

import { Failure } from "./failures.js";

/** ICE is "disconnected" after a few lost checks, and often comes back by itself. */
const DISCONNECTED_MS = 1500;
/** So long the server keeps a call without a path (`webrtc.reconnect_seconds`). */
const KEPT_MS = 30_000;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 4000;

/** Pure: the pause before another attempt. @param {number} attempt 0 for the first, which is made at once */
export const waitBefore = (attempt) => (attempt ? Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS) : 0);

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @typedef {object} RepairEvents
 * @property {() => void} onBroken
 * @property {() => void} onRestored
 * @property {(failure: Failure) => void} onGivenUp
 */

export class Repair {
  /** @param {() => Promise<void>} connect makes a new path, or throws a `Failure` @param {RepairEvents} events */
  constructor(connect, events) {
    this.connect = connect;
    this.events = events;
    this.isAtWork = false;
    this.isClosed = false;
    /** The server closed the channel: it ended the call, unless it still knows it. */
    this.wasClosedThere = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.patience = undefined;
    /** Another network: the old path is of no use, whatever it says. */
    this.isOnline = () => this.repair();
    this.networkChanged = () => this.compareNetwork();
    this.network = networkInformation()?.type;
  }

  begin() {
    this.network = networkInformation()?.type;
    addEventListener("online", this.isOnline);
    networkInformation()?.addEventListener("change", this.networkChanged);
  }

  /** A new estimate of the same network's speed is told as a change, too. */
  compareNetwork() {
    const before = this.network;
    this.network = networkInformation()?.type;
    if (this.network !== undefined && this.network !== before) this.repair();
  }

  /** @param {RTCPeerConnectionState | "channelClosed"} state of the path in use */
  pathIs(state) {
    clearTimeout(this.patience);
    if (state === "disconnected") this.patience = setTimeout(() => this.repair(), DISCONNECTED_MS);
    this.wasClosedThere ||= state === "channelClosed";
    if (["failed", "closed", "channelClosed"].includes(state)) this.repair();
  }

  async repair() {
    if (this.isAtWork || this.isClosed) return;
    this.isAtWork = true;
    this.events.onBroken();
    const failure = await this.tryUntil(performance.now() + KEPT_MS);
    this.isAtWork = false;
    if (this.isClosed) return;
    if (failure) this.events.onGivenUp(failure);
    else this.events.onRestored();
    this.wasClosedThere = false;
  }

  /** @param {number} until @returns {Promise<Failure | null>} why there is no new path */
  async tryUntil(until) {
    /** @type {Failure} */
    let last = new Failure("connectionLost");
    for (let attempt = 0; performance.now() < until && !this.isClosed; attempt++) {
      await pause(waitBefore(attempt));
      try {
        await this.connect();
        return null;
      } catch (error) {
        last = error instanceof Failure ? error : new Failure("unexpected", String(error));
      }
      const end = this.whyItIsOver(last);
      if (end) return end;
    }
    return last.kind === "serverGone" ? last : new Failure("connectionLost");
  }

  /** @param {Failure} failure of an attempt @returns {Failure | null} null if another one may do */
  whyItIsOver(failure) {
    if (this.wasClosedThere && failure.kind === "connectionLost") return new Failure("callEnded");
    if (this.wasClosedThere && failure.kind === "serverGone") return new Failure("serverStopping");
    return ["connectionLost", "keyWrong", "unexpected"].includes(failure.kind) ? failure : null;
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.patience);
    removeEventListener("online", this.isOnline);
    networkInformation()?.removeEventListener("change", this.networkChanged);
  }
}

/**
 * Not every browser has it, nor tells the type ("wifi", "cellular", ...) where it has.
 * @returns {EventTarget & {type?: string} | undefined}
 */
const networkInformation = () => /** @type {any} */ (navigator).connection;
