// The page: buttons, the text box, and what is told when something fails.

import { Call } from "./call.js";
import { Conversation } from "./conversation.js";
import { Failure, isAboutMicrophone, isPassing } from "./failures.js";
import { engineKinds, readHealth } from "./server.js";
import { chooseStrings } from "./strings.js";
import { ConversationView, Orb, byId, writeStrings } from "./view.js";

const strings = chooseStrings(navigator.languages);
const conversation = new Conversation();
const view = new ConversationView(strings);
const orb = new Orb();

/** @type {Call | null} */
let call = null;
let key = "";
/** What to do again when the user asks to. */
let again = () => talk();

const isLive = () => call?.stage === "live";

// --- calls ----------------------------------------------------------------------------------------

/** Begin a call; true if it stands. @param {boolean} withMicrophone */
async function begin(withMicrophone) {
  call?.hangUp();
  hideFailure();
  /** @type {Call | null} */
  let own = null;
  try {
    own = call = makeCall();
    refresh();
    await own.begin(key, withMicrophone);
    return own === call && isLive();
  } catch (error) {
    if (own === null || own === call) showFailure(asFailure(error)); // else the user has hung up meanwhile
    return false;
  }
}

function makeCall() {
  return new Call(conversation, { onChange: refresh, onFailure: showFailure, onLevel: (level) => orb.move(level) });
}

/** @param {unknown} error */
const asFailure = (error) => (error instanceof Failure ? error : new Failure("unexpected", String(error)));

async function talk() {
  again = talk;
  if (!(await begin(true))) return;
  draw();
  byId("mute").focus(); // the button that had the focus is gone
}

/** Typing needs no microphone; without a call it begins one. @param {string} text */
async function type(text) {
  again = () => type(text);
  if (isLive() || (await begin(false))) {
    call?.type(text);
    again = talk;
  }
}

function hangUp() {
  call?.hangUp();
  call = null;
  draw();
  byId("talk").focus();
}

// --- failures -------------------------------------------------------------------------------------

/** @param {Failure} failure */
function showFailure({ kind, detail }) {
  const asksKey = kind === "keyNeeded" || kind === "keyWrong";
  byId("failure").hidden = false;
  byId("failure").dataset.kind = kind;
  byId("failure-text").textContent = strings[kind];
  byId("failure-detail").textContent = isAboutMicrophone(kind) ? "" : detail;
  byId("key-form").hidden = !asksKey;
  const retry = byId("retry");
  retry.hidden = asksKey || isPassing(kind) || isLive();
  retry.textContent = kind === "serverGone" || kind === "serverStopping" ? strings.reconnect : strings.again;
  if (asksKey) byId("key").focus();
  refresh();
}

function hideFailure() {
  byId("failure").hidden = true;
}

// --- the page -------------------------------------------------------------------------------------

let isDue = false;

/** Draw at the next frame, however much has changed by then. */
function refresh() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function draw() {
  const mood = call?.mood ?? "idle";
  const page = byId("page");
  page.dataset.mood = mood;
  // for tests: what really sounded
  page.dataset.secondsPlayed = (call?.secondsPlayed ?? 0).toFixed(2);
  page.dataset.loudest = (call?.loudest ?? 0).toFixed(4);
  const sentence = moodSentence(mood);
  if (byId("mood").textContent !== sentence) byId("mood").textContent = sentence;
  const isIdle = mood === "idle";
  byId("talk").hidden = !isIdle;
  byId("hang-up").hidden = isIdle;
  byId("mute").hidden = !(isLive() && call?.hasMicrophone);
  byId("mute").textContent = call?.muted ? strings.unmute : strings.mute;
  byId("mute").setAttribute("aria-pressed", String(call?.muted ?? false));
  view.show(conversation);
}

/** @param {import("./call.js").Mood} mood */
function moodSentence(mood) {
  if (mood === "listening" && !call?.hasMicrophone) return strings.mood_typing;
  if (mood === "listening" && call?.muted) return strings.mood_muted;
  return strings[`mood_${mood}`];
}

async function showEngines() {
  try {
    const health = await readHealth();
    const { simulated, basic } = engineKinds(health);
    const name = (/** @type {"asr" | "llm" | "tts"} */ kind) => `${strings[kind]}: ${health.engines[kind].name}`;
    const notes = [];
    if (basic.length) notes.push(strings.noteBasic.replace("{kinds}", basic.map(name).join(", ")));
    if (simulated.length) notes.push(strings.noteSimulated.replace("{kinds}", simulated.map(name).join(", ")));
    byId("engines").textContent = notes.join(" ");
    byId("engines").hidden = !notes.length;
  } catch {
    byId("engines").hidden = true; // beginning a call tells what is wrong
  }
}

/** @param {string} id @param {() => void} act */
function onSubmit(id, act) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

writeStrings(strings);
byId("talk").addEventListener("click", talk);
byId("hang-up").addEventListener("click", hangUp);
byId("mute").addEventListener("click", () => {
  call?.mute(!call.muted);
  refresh();
});
byId("retry").addEventListener("click", () => again());
byId("dismiss").addEventListener("click", () => {
  hideFailure();
  byId(isLive() ? "typed" : "talk").focus();
});
onSubmit("composer", () => {
  const box = /** @type {HTMLInputElement} */ (byId("typed"));
  const text = box.value.trim();
  box.value = "";
  if (text) type(text);
});
onSubmit("key-form", () => {
  const box = /** @type {HTMLInputElement} */ (byId("key"));
  key = box.value.trim();
  box.value = "";
  again();
});
addEventListener("pagehide", () => call?.hangUp());
draw();
showEngines();
