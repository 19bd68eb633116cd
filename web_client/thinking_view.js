// The drawer that shows what the agent drafts and thinks, the newest first.

import { byId, make, setAttribute, setText } from "./dom.js";
import { fill } from "./score_text.js";

/** @typedef {import("./strings.js").Strings} Strings */
/** @typedef {import("./thinking_model.js").Stream} Stream */
/** @typedef {import("./thinking_model.js").Tool} Tool */
/** @typedef {import("./thinking_model.js").ThinkingModel} ThinkingModel */

export class ThinkingView {
  /** @param {ThinkingModel} model @param {Strings} strings */
  constructor(model, strings) {
    this.model = model;
    this.strings = strings;
    this.list = byId("thoughts");
    /** @type {Map<Stream, {element: HTMLElement, update: () => void}>} */
    this.cards = new Map();
  }

  /** Bring the drawer up to date; call it only while the drawer is to be seen. */
  show() {
    const streams = this.model.shown;
    const wanted = new Set(streams);
    for (const [stream, { element }] of this.cards) {
      if (wanted.has(stream)) continue;
      element.remove();
      this.cards.delete(stream);
    }
    streams.forEach((stream, place) => this.showCard(stream, place));
    byId("thoughts-empty").hidden = streams.length > 0;
  }

  /** @param {Stream} stream @param {number} place among the shown */
  showCard(stream, place) {
    const card = this.cards.get(stream) ?? this.makeCard(stream);
    if (this.list.children[place] !== card.element) this.list.insertBefore(card.element, this.list.children[place] ?? null);
    card.update();
  }

  /** @param {Stream} stream */
  makeCard(stream) {
    const card = cardOf(stream, this.strings);
    this.cards.set(stream, card);
    return card;
  }
}

/** @param {Stream} stream @param {Strings} strings */
function cardOf(stream, strings) {
  const element = make("li", "thinking-card");
  const head = make("div", "thinking-head");
  const [kind, state] = [make("h3"), make("span", "state")];
  const [basis, reasoning, words] = [make("p", "basis"), make("p", "reasoning"), make("p", "drafted")];
  const [tools, why] = [make("ul", "tools"), make("p", "why")];
  head.append(kind, state);
  element.append(head, basis, reasoning, tools, words, why);
  const update = () => {
    setAttribute(element, "data-state", stream.state);
    setAttribute(element, "data-purpose", stream.purpose);
    setText(kind, kindOf(stream, strings));
    setText(state, stateOf(stream, strings));
    write(basis, stream.basis && fill(strings.draftFor, { words: stream.basis }));
    write(reasoning, stream.reasoning.trim());
    write(words, wordsOf(stream, strings));
    write(why, whyOf(stream, strings));
    showTools(tools, stream.tools, strings);
  };
  return { element, update };
}

/** @param {HTMLElement} element @param {string} text */
function write(element, text) {
  setText(element, text);
  element.hidden = !text;
}

/** @param {Stream} stream @param {Strings} strings */
function kindOf({ purpose, foreseen }, strings) {
  if (purpose === "draft" && foreseen) return strings.think_foreseen;
  return strings[/** @type {keyof Strings} */ (`think_${purpose}`)] ?? strings.think_answer;
}

/** @param {Stream} stream @param {Strings} strings */
function stateOf({ state, probability }, strings) {
  if (probability !== null) return `${Math.round(probability * 100)} %`;
  return state === "over" ? "" : strings[`state_${state}`];
}

/** @param {Stream} stream @param {Strings} strings */
function wordsOf({ words, sentences, silence, purpose }, strings) {
  const written = sentences.length > words.length ? sentences : words;
  if (!written && silence !== null) return `${strings.silence}: ${silence}`;
  return purpose === "foresight" && written ? `… ${written}` : written;
}

/** What the server names in a word, in a sentence. @param {Stream} stream @param {Strings} strings */
function whyOf({ state, reason }, strings) {
  if (!reason || state === "promoted") return "";
  return strings[/** @type {keyof Strings} */ (`why_${reason}`)] ?? reason;
}

/** @param {HTMLElement} list @param {Tool[]} tools @param {Strings} strings */
function showTools(list, tools, strings) {
  list.hidden = !tools.length;
  tools.forEach((tool, place) => {
    const row = list.children[place] ?? list.appendChild(toolRow());
    setAttribute(row, "data-state", tool.state);
    setText(row.children[0], `${tool.name}(${tool.arguments})`);
    setText(row.children[1], strings[`tool_${tool.state}`]);
  });
}

function toolRow() {
  const row = make("li");
  row.append(make("code"), make("span"));
  return row;
}
