// Puts the conversation on the page. Nothing is decided here.

import { splitHeard } from "./conversation.js";
import { byId, make, setText } from "./dom.js";

/** @typedef {import("./conversation.js").Entry} Entry */
/** @typedef {import("./conversation.js").AgentEntry} AgentEntry */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./strings.js").Strings} Strings */

/** Closer to the end than this, the view follows what is new. */
const FOLLOW_PIXELS = 80;

export class ConversationView {
  /** @param {Strings} strings */
  constructor(strings) {
    this.strings = strings;
    /** @type {Map<string, {element: HTMLElement, update: (entry: any) => void}>} */
    this.shown = new Map();
    this.scroll = byId("scroll");
    this.list = byId("entries");
  }

  /** @param {Conversation} conversation */
  show(conversation) {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    const follows = scrollHeight - scrollTop - clientHeight < FOLLOW_PIXELS;
    this.dropMissing(conversation.entries);
    for (const entry of conversation.entries) this.showEntry(entry);
    this.showCaption(conversation.caption);
    byId("empty").hidden = conversation.entries.length > 0 || !byId("caption").hidden;
    if (follows && conversation.entries.length) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** @param {Entry[]} entries */
  dropMissing(entries) {
    const keys = new Set(entries.map(({ key }) => key));
    for (const [key, { element }] of this.shown) {
      if (keys.has(key)) continue;
      element.remove();
      this.shown.delete(key);
    }
  }

  /** @param {Entry} entry */
  showEntry(entry) {
    let shown = this.shown.get(entry.key);
    if (!shown) {
      shown = { user: userView, agent: agentView, note: noteView }[entry.kind](this.strings);
      shown.element.classList.add("entry", entry.kind);
      this.shown.set(entry.key, shown);
      this.list.append(shown.element);
    }
    shown.update(entry);
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
  element.append(make("span", "who", strings.you), text);
  const update = (/** @type {import("./conversation.js").UserEntry} */ entry) => {
    element.classList.toggle("lost", entry.lost);
    setText(text, entry.lost && !entry.text ? strings.lostWords : entry.text || "…");
  };
  return { element, update };
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
  return { element, update };
}

/** @param {Strings} strings */
function noteView(strings) {
  const element = make("li");
  const text = make("p", "silence");
  element.append(text);
  const update = (/** @type {import("./conversation.js").NoteEntry} */ { name, text: detail }) =>
    setText(text, sayWhy(strings[/** @type {keyof Strings} */ (name)], detail));
  return { element, update };
}

/** @param {string} sentence @param {number | null} seconds */
const sayLatency = (sentence, seconds) =>
  seconds === null ? "" : sentence.replace("{ms}", String(Math.round(seconds * 1000)));

/** @param {string} what @param {string} why */
const sayWhy = (what, why) => (why ? `${what}: ${why}` : what);
