// The score's place on the page: it runs while a call does, and what it shows can be kept as a file.

import { byId, download, fileName, setAttribute } from "./dom.js";
import { JournalKeeper, scoreSvg } from "./score_export.js";
import { ScoreModel } from "./score_model.js";
import { SCORE_STRINGS } from "./score_text.js";
import { ScoreView } from "./score_view.js";

/** @typedef {import("./strings.js").Strings} Strings */
/** @typedef {import("./wire.js").WireEvent} WireEvent */

/** Below this a desk has no room for the whole height of the score; phones are too narrow for it anyway. */
const LOW = "(max-height: 48rem)";

export class ScorePane {
  /** @param {Strings} strings */
  constructor(strings) {
    this.model = new ScoreModel();
    this.journal = new JournalKeeper();
    this.page = strings;
    this.strings = SCORE_STRINGS[/** @type {"en" | "zh"} */ (strings.language)];
    this.view = new ScoreView(byId("score"), this.model, this.strings, { low: matchMedia(LOW) });
    this.isRunning = false;
    this.onSave("save-svg", () => this.saveSvg());
    this.onSave("save-journal", () => this.saveJournal());
  }

  /** @param {string} id @param {() => void} save */
  onSave(id, save) {
    byId(id).addEventListener("click", () => byId(id).ariaDisabled !== "true" && save());
  }

  /** A button for what would be an empty file can still be reached and read, but does nothing. */
  showSaving() {
    const { turns, utterances } = this.model;
    const isDrawn = turns.length > 0 || utterances.length > 0;
    this.offer("save-svg", isDrawn, this.page.saveSvg);
    this.offer("save-journal", this.journal.entries.length > 0, this.page.saveJournal);
  }

  /** @param {string} id @param {boolean} isOffered @param {string} hint */
  offer(id, isOffered, hint) {
    setAttribute(byId(id), "aria-disabled", String(!isOffered));
    setAttribute(byId(id), "title", isOffered ? hint : this.page.nothingToSave);
  }

  /** The last one is over, another is tried. That one stands on the score once the server has it. */
  endCall() {
    this.model.endCall();
  }

  /** @param {WireEvent} event @param {number} arrivedSeconds */
  take(event, arrivedSeconds) {
    this.model.take(event, arrivedSeconds);
    this.journal.take(event, arrivedSeconds);
  }

  saveSvg() {
    const svg = scoreSvg(this.model, { strings: this.strings });
    download(fileName("svg"), new Blob([svg], { type: "image/svg+xml" }));
  }

  saveJournal() {
    download(fileName("json"), new Blob([JSON.stringify(this.journal)], { type: "application/json" }));
  }

  /** @param {boolean} isRunning a call goes on */
  show(isRunning) {
    this.showSaving();
    if (isRunning === this.isRunning) return;
    this.isRunning = isRunning;
    if (isRunning) this.view.start();
    else this.end();
  }

  end() {
    this.model.endCall();
    this.view.stop();
  }
}
