// What is told when something fails: a sentence that says what to do, and the button that does it.

import { byId, setText } from "./dom.js";
import { isAboutMicrophone, isPassing } from "./failures.js";

/** @typedef {import("./strings.js").Strings} Strings */
/** @typedef {import("./failures.js").Failure} Failure */

/** The server may come back: the same call is tried anew. */
const CALLS_FOR_RECONNECT = ["serverGone", "serverStopping", "connectionLost"];

export class FailureView {
  /** @param {Strings} strings */
  constructor(strings) {
    this.strings = strings;
    this.panel = byId("failure");
  }

  /** @param {Failure} failure @param {boolean} hasCall one goes on, or is being begun */
  show({ kind, detail }, hasCall) {
    const asksKey = kind === "keyNeeded" || kind === "keyWrong";
    this.panel.hidden = false;
    this.panel.dataset.kind = kind;
    setText(byId("failure-text"), this.strings[kind]);
    setText(byId("failure-detail"), isAboutMicrophone(kind) ? "" : detail);
    byId("key-form").hidden = !asksKey;
    byId("retry").hidden = asksKey || isPassing(kind) || hasCall;
    setText(byId("retry"), CALLS_FOR_RECONNECT.includes(kind) ? this.strings.reconnect : this.strings.again);
    if (asksKey) byId("key").focus();
  }

  hide() {
    this.panel.hidden = true;
  }

  get isShown() {
    return !this.panel.hidden;
  }

  /** @param {import("./failures.js").FailureName} kind */
  tells(kind) {
    return this.isShown && this.panel.dataset.kind === kind;
  }

  get hasFocus() {
    return this.panel.contains(document.activeElement);
  }
}
