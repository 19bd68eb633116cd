// Puts the conversation on the page. Nothing is decided here.

import { splitHeard } from "./conversation.js";
import { byId, make, setText } from "./dom.js";

/** @typedef {import("./conversation.js").Entry} Entry */
/** @typedef {import("./conversation.js").AgentEntry} AgentEntry */
/** @typedef {import("./conversation.js").UserEntry} UserEntry */
/** @typedef {import("./conversation.js").NoteEntry} NoteEntry */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./strings.js").Strings} Strings */
/**
 * @typedef {object} EntryView
 * @property {HTMLElement} element
 * @property {(entry: any) => unknown[]} basis all that its picture stands on
 * @property {(entry: any) => void} update
 */

/** Closer to the end than this, the view follows what is new. */
const FOLLOW_PIXELS = 80;

export class ConversationView {
  /** @param {Strings} strings */
  constructor(strings) {
    this.strings = strings;
    /** @type {Map<string, {view: EntryView, drawn: unknown[]}>} */
    this.shown = new Map();
    this.scroll = byId("scroll");
    this.list = byId("entries");
    /** The reader has not gone back to what was said before. */
    this.follows = true;
    this.lastTop = 0;
    this.scroll.addEventListener("scroll", () => this.noteScroll());
    // a failure's box takes its room from the log, the newest words must not vanish behind it
    new ResizeObserver(() => this.follow()).observe(this.scroll);
  }

  /** A log that has less room stands where it stood; only who moves up wants to stay there. */
  noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    if (scrollHeight - scrollTop - clientHeight < FOLLOW_PIXELS) this.follows = true;
    else if (scrollTop < this.lastTop) this.follows = false;
    this.lastTop = scrollTop;
  }

  follow() {
    if (this.follows && this.list.childElementCount) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** @param {Conversation} conversation */
  show(conversation) {
    this.dropMissing(conversation.entries);
    for (const entry of conversation.entries) this.showEntry(entry);
    this.showCaption(conversation.caption);
    byId("empty").hidden = conversation.entries.length > 0 || !byId("caption").hidden;
    this.follow();
  }

  /** @param {Entry[]} entries */
  dropMissing(entries) {
    const keys = new Set(entries.map(({ key }) => key));
    for (const [key, { view }] of this.shown) {
      if (keys.has(key)) continue;
      view.element.remove();
      this.shown.delete(key);
    }
  }

  /** Of a long talk nearly all stays as it is. @param {Entry} entry */
  showEntry(entry) {
    const shown = this.shown.get(entry.key) ?? this.addEntry(entry);
    const basis = shown.view.basis(entry);
    if (basis.length === shown.drawn.length && basis.every((fact, place) => fact === shown.drawn[place])) return;
    shown.drawn = basis;
    shown.view.update(entry);
  }

  /** @param {Entry} entry */
  addEntry(entry) {
    /** @type {EntryView} */
    const view = { user: userView, agent: agentView, note: noteView }[entry.kind](this.strings);
    view.element.classList.add("entry", entry.kind);
    this.list.append(view.element);
    const shown = { view, drawn: /** @type {unknown[]} */ ([]) };
    this.shown.set(entry.key, shown);
    return shown;
  }

  /** @param {{stable: string, tentative: string}} caption */
  showCaption({ stable, tentative }) {
    byId("caption").hidden = !stable && !tentative;
    setText(byId("caption-stable"), stable);
    setText(byId("caption-tentative"), tentative);
  }
}

/** @param {Strings} strings */
function userView(strings) {
  const element = make("li");
  const text = make("p");
  const unsent = make("div", "facts");
  element.append(make("span", "who", strings.you), text, unsent);
  const basis = (/** @type {UserEntry} */ { lost, text, delivery }) => [lost, text, delivery];
  const update = (/** @type {UserEntry} */ entry) => {
    element.classList.toggle("lost", entry.lost);
    setText(text, entry.lost && !entry.text ? strings.lostWords : entry.text || "…");
    setText(unsent, entry.delivery === "unsent" || entry.delivery === "dropped" ? strings.notSent : "");
    unsent.hidden = !unsent.textContent;
  };
  return { element, basis, update };
}

/** @param {Strings} strings */
function agentView(strings) {
  const element = make("li");
  const text = make("p");
  const heard = make("span", "heard-words");
  const coming = make("span", "coming");
  const [latency, silence] = [make("span", "latency"), make("span", "silence")];
  const facts = make("div", "facts");
  const [thoughts, thoughtText] = [make("details"), make("p")];
  text.append(heard, coming);
  facts.append(latency, silence);
  latency.title = strings.toFirstSound;
  thoughts.append(make("summary", "", strings.thoughts), thoughtText);
  element.append(make("span", "who", strings.agent), text, facts, thoughts);
  const update = (/** @type {AgentEntry} */ entry) => {
    const words = splitHeard(entry);
    element.classList.toggle("cut", entry.cut);
    setText(heard, words.heard);
    setText(coming, words.coming);
    coming.title = entry.cut ? strings.unheard : "";
    setText(latency, sayLatency(strings.firstSound, entry.latencySeconds));
    setText(silence, entry.silence === null ? "" : sayWhy(strings.silence, entry.silence));
    setText(thoughtText, entry.thoughts.trim());
    thoughts.hidden = !entry.thoughts.trim();
    element.hidden = !words.heard && !words.coming && thoughts.hidden && entry.silence === null;
  };
  return { element, basis: basisOfAnswer, update };
}

/** Words and sentences only come to those that there are. @param {AgentEntry} entry */
function basisOfAnswer({ said, sentences, told, received, heard, cut, latencySeconds, thoughts, silence }) {
  return [said.length, sentences.length, received, heard, cut, latencySeconds, thoughts, silence, ...told.values()];
}

/** @param {Strings} strings */
function noteView(strings) {
  const element = make("li");
  const text = make("p", "silence");
  element.append(text);
  const basis = (/** @type {NoteEntry} */ { name, text: detail }) => [name, detail];
  const update = (/** @type {NoteEntry} */ { name, text: detail }) =>
    setText(text, sayWhy(strings[/** @type {keyof Strings} */ (name)], detail));
  return { element, basis, update };
}

/** @param {string} sentence @param {number | null} seconds */
const sayLatency = (sentence, seconds) =>
  seconds === null ? "" : sentence.replace("{ms}", String(Math.round(seconds * 1000)));

/** @param {string} what @param {string} why */
const sayWhy = (what, why) => (why ? `${what}: ${why}` : what);
