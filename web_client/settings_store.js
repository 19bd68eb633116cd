// What the user has chosen, kept in this browser. The key is never among it.

/** @typedef {"auto" | "webrtc" | "websocket"} Transport */
/** @typedef {"" | "eager" | "balanced" | "patient"} Policy "" leaves it to the server */
/**
 * @typedef {object} Settings
 * @property {string} microphoneId "" for the browser's own choice
 * @property {string} speakerId "" for the browser's own choice
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} autoGainControl
 * @property {boolean} pushToTalk
 * @property {Transport} transport how sound travels
 * @property {string} voice "" for the server's own
 * @property {Policy} policy how long a pause ends a turn
 * @property {boolean | null} fillers null leaves it to the server
 * @property {string} instructions "" for the server's own
 */

const PLACE = "stretto.settings";
/** As long as a message of the protocol may well be. */
const MAX_TEXT = 16384;

/** @type {Readonly<Settings>} */
export const DEFAULTS = Object.freeze({
  microphoneId: "",
  speakerId: "",
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  pushToTalk: false,
  transport: /** @type {Transport} */ ("auto"),
  voice: "",
  policy: /** @type {Policy} */ (""),
  fillers: null,
  instructions: "",
});

const isFlag = (/** @type {unknown} */ value) => typeof value === "boolean";
const isText = (/** @type {unknown} */ value) => typeof value === "string" && value.length <= MAX_TEXT;
const isOneOf = (/** @type {unknown[]} */ ...known) => (/** @type {unknown} */ value) => known.includes(value);

/** @type {Record<keyof Settings, (value: unknown) => boolean>} */
const VALID = {
  microphoneId: isText,
  speakerId: isText,
  echoCancellation: isFlag,
  noiseSuppression: isFlag,
  autoGainControl: isFlag,
  pushToTalk: isFlag,
  transport: isOneOf("auto", "webrtc", "websocket"),
  voice: isText,
  policy: isOneOf("", "eager", "balanced", "patient"),
  fillers: isOneOf(true, false, null),
  instructions: isText,
};

/** What is known and valid of it; the rest as it is without a choice. @param {any} raw @returns {Settings} */
export function cleanSettings(raw) {
  const names = /** @type {(keyof Settings)[]} */ (Object.keys(DEFAULTS));
  const kept = names.filter((name) => VALID[name](raw?.[name])).map((name) => [name, raw[name]]);
  return { ...DEFAULTS, ...Object.fromEntries(kept) };
}

/** @returns {Settings} */
export function loadSettings() {
  try {
    return cleanSettings(JSON.parse(localStorage.getItem(PLACE) ?? "{}"));
  } catch {
    return { ...DEFAULTS }; // a browser that keeps nothing, or something that is no JSON
  }
}

/** @param {Settings} settings */
export function saveSettings(settings) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(cleanSettings(settings)));
  } catch {
    // a browser that keeps nothing: the choice holds until the page is closed
  }
}
