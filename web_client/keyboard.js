// Single keys that do something, and the short help about them.

import { byId, make } from "./dom.js";

/** @typedef {import("./strings.js").Strings} Strings */
/**
 * @typedef {object} KeyActions
 * @property {() => void} mute
 * @property {() => boolean} talkBegin false: there is nothing to hold a key for
 * @property {() => void} talkEnd
 * @property {() => void} type
 * @property {() => void} thinking
 * @property {() => void} settings
 * @property {() => void} help
 * @property {() => void} escape
 */

/** As the help tells them, in its order. */
const HELP = /** @type {const} */ ([
  ["Space", "key_space"],
  ["M", "key_mute"],
  ["/", "key_type"],
  ["T", "key_thinking"],
  ["S", "key_settings"],
  ["Esc", "key_escape"],
  ["?", "key_help"],
]);

/** @type {Record<string, "mute" | "type" | "thinking" | "settings" | "help">} */
const KEYS = { m: "mute", "/": "type", t: "thinking", s: "settings", "?": "help" };

/** Here every key belongs to what has the focus. */
const TAKES_KEYS = "input, select, textarea, [contenteditable], dialog";
/** These do something of their own with the space bar. */
const TAKES_SPACE = "button:not(#hold), summary, a, [role=tab]";

export class Keyboard {
  /** @param {KeyActions} actions @param {() => boolean} isOn single keys do something */
  constructor(actions, isOn) {
    this.actions = actions;
    this.isOn = isOn;
    this.isHeld = false;
    addEventListener("keydown", (event) => this.down(event));
    addEventListener("keyup", (event) => event.code === "Space" && this.letGo(event));
    addEventListener("blur", () => this.letGo());
  }

  /** @param {KeyboardEvent} event */
  down(event) {
    if (event.defaultPrevented) return; // it belonged to what has the focus
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // What has just disappeared (a closed dialog's button) keeps the focus until the next picture is drawn.
    const focus = event.target instanceof Element && event.target.checkVisibility() ? event.target : document.body;
    if (event.key === "Escape") return focus.closest("dialog") ? undefined : this.actions.escape();
    if (focus.closest(TAKES_KEYS)) return;
    if (event.code === "Space") return focus.closest(TAKES_SPACE) ? undefined : this.hold(event);
    const action = KEYS[event.key.toLowerCase()];
    if (!action || event.repeat || !this.isOn()) return;
    event.preventDefault();
    this.actions[action]();
  }

  /** @param {KeyboardEvent} event */
  hold(event) {
    if (this.isHeld) return event.preventDefault();
    if (!this.actions.talkBegin()) return;
    event.preventDefault(); // else the page scrolls
    this.isHeld = true;
  }

  /** @param {Event} [event] */
  letGo(event) {
    if (!this.isHeld) return;
    event?.preventDefault();
    this.isHeld = false;
    this.actions.talkEnd();
  }
}

/** @param {Strings} strings */
export function writeHelp(strings) {
  for (const [key, sentence] of HELP) {
    const row = make("div");
    const term = make("dt");
    term.append(make("kbd", "", key === "Space" ? strings.spaceBar : key));
    row.append(term, make("dd", "", strings[sentence]));
    byId("keys-list").append(row);
  }
}
