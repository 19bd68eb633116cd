// Talk, score and thinking: side by side on a desk, one at a time behind tabs on a phone.

import { byId, setAttribute } from "./dom.js";

/** @typedef {"talk" | "score" | "thinking"} Pane */

const PANES = /** @type {const} */ (["talk", "score", "thinking"]);
/** The same as in page.css. */
const DESK = "(min-width: 56rem) and (min-height: 30rem)";

export class Panes {
  /** @param {boolean} isThinkingOpen on a desk @param {() => void} onChange another pane is to be seen now */
  constructor(isThinkingOpen, onChange) {
    this.isThinkingOpen = isThinkingOpen;
    this.onChange = onChange;
    /** On a phone. @type {Pane} */
    this.chosen = "talk";
    this.desk = matchMedia(DESK);
    this.desk.addEventListener("change", () => this.draw());
    for (const pane of PANES) this.tab(pane).addEventListener("click", () => this.choose(pane));
    byId("tabs").addEventListener("keydown", (event) => this.walk(event));
    this.draw();
  }

  /** @param {Pane} pane */
  tab = (pane) => byId(`tab-${pane}`);

  /** @param {Pane} pane */
  isSeen(pane) {
    if (!this.desk.matches) return this.chosen === pane;
    return pane !== "thinking" || this.isThinkingOpen;
  }

  /** @param {Pane} pane */
  choose(pane) {
    this.chosen = pane;
    this.draw();
  }

  /** Open the thinking, or close it. */
  toggleThinking() {
    if (!this.desk.matches) return this.choose(this.chosen === "thinking" ? "talk" : "thinking");
    this.isThinkingOpen = !this.isThinkingOpen;
    this.draw();
  }

  /** The arrow keys walk along the tabs. @param {KeyboardEvent} event */
  walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.choose(PANES[(PANES.indexOf(this.chosen) + step + PANES.length) % PANES.length]);
    this.tab(this.chosen).focus();
  }

  draw() {
    const hasTabs = !this.desk.matches;
    byId("tabs").hidden = !hasTabs;
    for (const pane of PANES) {
      const [tab, panel] = [this.tab(pane), byId(`pane-${pane}`)];
      setAttribute(tab, "aria-selected", String(pane === this.chosen));
      tab.tabIndex = pane === this.chosen ? 0 : -1;
      setAttribute(panel, "role", hasTabs ? "tabpanel" : "region");
      panel.hidden = !this.isSeen(pane);
    }
    setAttribute(byId("show-thinking"), "aria-expanded", String(this.isSeen("thinking")));
    byId("page").dataset.thinking = this.isSeen("thinking") ? "open" : "closed";
    this.onChange();
  }
}
