// How this page is to look and behave, kept in this browser. What a call needs stands in settings_store.js.

/** @typedef {"auto" | "light" | "dark"} Theme */
/**
 * @typedef {object} PageSettings
 * @property {Theme} theme
 * @property {boolean} shortcuts single keys do something
 * @property {boolean} recording the record button is offered
 * @property {boolean} thinking the drawer is open
 */

const PLACE = "stretto.page";

/** @type {Readonly<PageSettings>} */
const DEFAULTS = Object.freeze({
  theme: /** @type {Theme} */ ("auto"),
  shortcuts: true,
  recording: false,
  thinking: false,
});

/** @returns {PageSettings} */
export function loadPageSettings() {
  try {
    const raw = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
    const theme = ["auto", "light", "dark"].includes(raw.theme) ? raw.theme : DEFAULTS.theme;
    const flag = (/** @type {"shortcuts" | "recording" | "thinking"} */ name) =>
      typeof raw[name] === "boolean" ? raw[name] : DEFAULTS[name];
    return { theme, shortcuts: flag("shortcuts"), recording: flag("recording"), thinking: flag("thinking") };
  } catch {
    return { ...DEFAULTS }; // a browser that keeps nothing, or something that is no JSON
  }
}

/** @param {PageSettings} settings */
export function savePageSettings(settings) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing: the choice holds until the page is closed
  }
}

const DARK = "(prefers-color-scheme: dark)";

/** The dark colours stand in a sheet of their own, which is on always, never, or as the system has it. @param {Theme} theme */
export function showTheme(theme) {
  const media = { auto: DARK, light: "not all", dark: "all" }[theme];
  for (const element of document.querySelectorAll("[data-theme=dark]")) element.setAttribute("media", media);
}
