// Small tools for the page's elements.

/** @typedef {import("./strings.js").Strings} Strings */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export const byId = (id) => /** @type {any} */ (document.getElementById(id));

/** @param {string} tag @param {string} [className] @param {string} [text] */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** @param {string} tag @param {Record<string, string>} [attributes] */
export function makeSvg(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Set only what differs: a selection and the reader's place stay. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string} value */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Nobody is anywhere: nothing has the focus, or what has it is gone. */
export function isFocusFree() {
  const here = document.activeElement;
  return here === null || here === document.body || !here.checkVisibility();
}

/** The focus goes to the first of these that is to be seen. @param {string[]} ids */
export function focusFirst(...ids) {
  ids.map((id) => byId(id)).find((element) => element.checkVisibility())?.focus();
}

/** Keep a file on the user's machine. @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const link = /** @type {HTMLAnchorElement} */ (make("a"));
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may ask the user first
}

/** A name in local time: `stretto-2025-03-01-14-05-09.svg`. @param {string} kind of file @param {Date} [date] */
export function fileName(kind, date = new Date()) {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return `stretto-${local.toISOString().slice(0, 19).replace(/[T:]/g, "-")}.${kind}`;
}

/** Fill in the page's fixed sentences. @param {Strings} strings */
export function writeStrings(strings) {
  document.documentElement.lang = strings.language;
  for (const [data, write] of Object.entries(PLACES)) {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[data-${data}]`))) {
      write(element, strings[/** @type {keyof Strings} */ (element.dataset[data])]);
    }
  }
}

/** @type {Record<string, (element: HTMLElement, sentence: string) => void>} by the name of the data attribute */
const PLACES = {
  text: (element, sentence) => (element.textContent = sentence),
  placeholder: (element, sentence) => element.setAttribute("placeholder", sentence),
  label: (element, sentence) => element.setAttribute("aria-label", sentence),
  hint: (element, sentence) => element.setAttribute("title", sentence),
};
