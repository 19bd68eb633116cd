// The page: one call at a time, and everything around it that is to be seen and pressed.

import { Call } from "./call.js";
import { Conversation } from "./conversation.js";
import { byId, focusFirst, isFocusFree, setAttribute, setText, writeStrings } from "./dom.js";
import { FailureView } from "./failure_view.js";
import { Failure } from "./failures.js";
import { Keyboard, writeHelp } from "./keyboard.js";
import { LatencyView } from "./latency_view.js";
import { Orb } from "./orb.js";
import { loadPageSettings, savePageSettings, showTheme } from "./page_store.js";
import { Panes } from "./panes.js";
import { QualityView } from "./quality_view.js";
import { RecordingView } from "./recording_view.js";
import { ScorePane } from "./score_pane.js";
import { engineKinds, readHealth, takeKeyFromAddress } from "./server.js";
import { cleanSettings, loadSettings, saveSettings } from "./settings_store.js";
import { SettingsView } from "./settings_view.js";
import { chooseStrings } from "./strings.js";
import { ThinkingModel } from "./thinking_model.js";
import { ThinkingView } from "./thinking_view.js";
import { ConversationView } from "./view.js";

const strings = chooseStrings(navigator.languages);
writeStrings(strings);
writeHelp(strings);

let settings = loadSettings();
let pageSettings = loadPageSettings();
showTheme(pageSettings.theme);

const conversation = new Conversation();
const thinking = new ThinkingModel();
const talkView = new ConversationView(strings);
const thinkingView = new ThinkingView(thinking, strings);
const latencyView = new LatencyView(strings);
const qualityView = new QualityView(strings);
const failureView = new FailureView(strings);
const recordingView = new RecordingView(strings, (error) => showFailure(asFailure(error)));
const settingsView = new SettingsView(strings, { ...settings, ...pageSettings }, applyChoices);
const scorePane = new ScorePane(strings);
const orb = new Orb();

/** @type {Call | null} */
let call = null;
let key = takeKeyFromAddress();
/** What to do again when the user asks to. */
let again = () => talk();

const isLive = () => call?.stage === "live";
const hasCall = () => call !== null && call.stage !== "over";

// --- calls ----------------------------------------------------------------------------------------

/** Begin a call; true if it stands. @param {boolean} withMicrophone */
async function begin(withMicrophone) {
  call?.hangUp();
  failureView.hide();
  delete byId("page").dataset.fresh;
  /** @type {Call | null} */
  let own = null;
  try {
    own = call = makeCall();
    scorePane.endCall();
    refresh();
    await own.begin(key, withMicrophone);
    return own === call && isLive();
  } catch (error) {
    if (own === null || own === call) showFailure(asFailure(error)); // else the user has hung up meanwhile
    return false;
  }
}

function makeCall() {
  const events = {
    onChange: refresh,
    onFailure: showFailure,
    onLevel: (/** @type {number} */ level) => orb.move(level),
    onEvent: takeEvent,
    onNotice: showNotice,
    onMicrophoneFound: forgetLostMicrophone,
  };
  return new Call(conversation, events, settings);
}

/** @param {import("./wire.js").WireEvent} event @param {number} arrivedSeconds */
function takeEvent(event, arrivedSeconds) {
  thinking.take(event, arrivedSeconds);
  scorePane.take(event, arrivedSeconds);
}

/** @param {unknown} error */
const asFailure = (error) => (error instanceof Failure ? error : new Failure("unexpected", String(error)));

async function talk() {
  if (hasCall()) return; // it is being begun
  again = talk;
  if (!(await begin(true))) return;
  draw();
  if (isFocusFree()) focusFirst(settings.pushToTalk ? "hold" : "mute"); // the button that had it is gone; who types stays
}

/**
 * Typing needs no microphone; without a call it begins one. A call that is being begun, or that looks for its line,
 * keeps what is typed until it stands.
 * @param {string} text
 */
function type(text) {
  if (!hasCall()) beginTyping();
  if (call) call.type(text);
  else /** @type {HTMLInputElement} */ (byId("typed")).value = text; // no call can be made here
}

async function beginTyping() {
  again = beginTyping;
  if (await begin(false)) again = talk;
}

function hangUp() {
  if (!call) return;
  call.hangUp();
  recordingView.finish(call); // saving waits for its last sounds, the end does not
  call = null;
  conversation.dropUnsent();
  draw();
  byId("talk").focus();
}

/** The second click of a double click, or one so soon, was meant for the button that had this place before. */
const EARLY_MS = 400;
let hangUpSeenAt = 0;

/** The keyboard's clicks have no count, and are meant. @param {MouseEvent} click */
function hangUpByClick({ detail }) {
  const isEarly = detail > 1 || (detail === 1 && performance.now() - hangUpSeenAt < EARLY_MS);
  if (!isEarly) hangUp();
}

/** The second click on Hang up falls on Talk. @param {MouseEvent} click */
function talkByClick({ detail }) {
  if (detail < 2) talk();
}

function mute() {
  if (!call?.hasMicrophone || settings.pushToTalk) return;
  call.mute(!call.muted);
  refresh();
}

/** Push to talk; false: there is no call to talk in. */
function talkBegin() {
  const isOpen = call?.talkBegin() ?? false;
  showHeld(isOpen);
  return isOpen;
}

function talkEnd() {
  call?.talkEnd();
  showHeld(false);
}

/** @param {boolean} isHeld */
const showHeld = (isHeld) => setAttribute(byId("hold"), "aria-pressed", String(isHeld));
const isHeld = () => byId("hold").getAttribute("aria-pressed") === "true";

/** Enter, a switch and a screen reader can't hold: one click begins, the next one ends. A pointer's clicks have a count. @param {MouseEvent} click */
function holdByClick({ detail }) {
  if (detail) return;
  if (isHeld()) talkEnd();
  else talkBegin();
}

// --- what is told -----------------------------------------------------------------------------------

/** @param {Failure} failure */
function showFailure(failure) {
  failureView.show(failure, hasCall());
  tellInDialog(strings[failure.kind]);
  refresh();
}

function closeFailure() {
  failureView.hide();
  draw();
  focusFirst(...(isLive() ? ["typed"] : []), "talk", "hang-up");
}

/** That there is no microphone is told only as long as it holds. */
function forgetLostMicrophone() {
  if (!failureView.tells("microphoneLost")) return;
  tellInDialog("");
  if (failureView.hasFocus) closeFailure();
  else failureView.hide();
}

/** What is told on the page is neither seen nor read out behind a dialog: that has a line of its own. @param {string} sentence */
function tellInDialog(sentence) {
  const line = document.querySelector("dialog[open] .told");
  if (line) setText(line, sentence);
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("close", () => setText(/** @type {Element} */ (dialog.querySelector(".told")), ""));
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticeTimer;
/** Time to read two sentences. */
const NOTICE_MS = 20_000;

/** Something to know that hinders nothing. @param {import("./call.js").Notice} name */
function showNotice(name) {
  setText(byId("notice"), strings[name]);
  tellInDialog(strings[name]);
  refresh();
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => setText(byId("notice"), ""), NOTICE_MS);
}

// --- choices ----------------------------------------------------------------------------------------

/** @param {import("./settings_view.js").Choices} choices */
function applyChoices(choices) {
  const { theme, shortcuts, recording } = choices;
  pageSettings = { ...pageSettings, theme, shortcuts, recording };
  settings = cleanSettings(choices);
  savePageSettings(pageSettings);
  saveSettings(settings);
  showTheme(theme);
  call?.apply(settings);
  refresh();
}

// --- the page ---------------------------------------------------------------------------------------

let isDue = false;
/** The last call's delays stay until another one stands. @type {readonly import("./turn_metrics.js").TurnMetrics[]} */
let turns = [];

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
  setText(byId("mood"), moodSentence(mood));
  drawControls();
  talkView.show(conversation);
  if (call?.stage === "live") turns = call.turnMetrics;
  latencyView.show(turns);
  qualityView.show(call);
  recordingView.show(call, pageSettings.recording);
  scorePane.show(hasCall());
  if (panes.isSeen("thinking")) thinkingView.show();
}

function drawControls() {
  const canSpeak = isLive() && Boolean(call?.hasMicrophone);
  const isMuted = call?.muted ?? false;
  byId("talk").hidden = hasCall();
  if (hasCall() && byId("hang-up").hidden) hangUpSeenAt = performance.now();
  byId("hang-up").hidden = !hasCall();
  byId("hold").hidden = !(canSpeak && settings.pushToTalk);
  if (!hasCall() || !settings.pushToTalk) showHeld(false); // nobody lets go of what is gone
  byId("mute").hidden = !canSpeak || settings.pushToTalk;
  setText(byId("mute"), isMuted ? strings.unmute : strings.mute);
  byId("mute").classList.toggle("on", isMuted);
}

/** @param {import("./call.js").Mood} mood */
function moodSentence(mood) {
  if (mood !== "listening") return strings[`mood_${mood}`];
  if (!call?.hasMicrophone) return strings.mood_typing;
  if (settings.pushToTalk) return isHeld() ? strings.mood_listening : strings.mood_holding;
  return call.muted ? strings.mood_muted : strings.mood_listening;
}

async function showEngines() {
  try {
    const health = await readHealth();
    const { simulated, basic } = engineKinds(health);
    const name = (/** @type {"asr" | "llm" | "tts"} */ kind) => `${strings[kind]}: ${health.engines[kind].name}`;
    const notes = [];
    if (basic.length) notes.push(strings.noteBasic.replace("{kinds}", basic.map(name).join(", ")));
    if (simulated.length) notes.push(strings.noteSimulated.replace("{kinds}", simulated.map(name).join(", ")));
    setText(byId("engines"), notes.join(" "));
    setText(byId("engine-note"), notes.join(" "));
    byId("engines").hidden = !notes.length;
    byId("engines").classList.toggle("simulated", simulated.length > 0);
    setText(byId("engine-names"), [name("asr"), name("llm"), name("tts")].join(" · "));
    settingsView.offerVoices(health.engines.tts.name, health.voices);
  } catch {
    byId("engines").hidden = true; // beginning a call tells what is wrong
  }
}

// --- buttons and keys ---------------------------------------------------------------------------------

/** @param {string} id @param {(click: MouseEvent) => void} act */
const onClick = (id, act) => byId(id).addEventListener("click", act);

/** @param {string} id @param {(box: HTMLInputElement) => void} act with the form's text box */
function onSubmit(id, act) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(/** @type {HTMLInputElement} */ (byId(id).querySelector("input")));
  });
}

/** The text of a box, which is empty from then on. @param {HTMLInputElement} box */
function takeText(box) {
  const text = box.value.trim();
  box.value = "";
  return text;
}

const openHelp = () => /** @type {HTMLDialogElement} */ (byId("keys")).showModal();

function goToTextBox() {
  panes.choose("talk");
  byId("typed").focus();
}

function toggleThinking() {
  const hadFocus = byId("pane-thinking").contains(document.activeElement);
  panes.toggleThinking();
  if (hadFocus) focusThinkingButton();
  pageSettings = { ...pageSettings, thinking: panes.isThinkingOpen };
  savePageSettings(pageSettings);
}

/** Back to where the drawer was opened; on a phone that was a tab. */
const focusThinkingButton = () => focusFirst("show-thinking", "tab-talk");

function closeThinking() {
  toggleThinking();
  focusThinkingButton();
}

function escape() {
  if (failureView.isShown) closeFailure();
  else if (byId("quality").hasAttribute("open")) byId("quality").removeAttribute("open");
  else if (panes.isThinkingOpen && panes.desk.matches) closeThinking();
}

const panes = new Panes(pageSettings.thinking, refresh);
new Keyboard(
  { mute, talkBegin, talkEnd, type: goToTextBox, thinking: toggleThinking, settings: () => settingsView.open(), help: openHelp, escape },
  () => pageSettings.shortcuts,
);
onClick("talk", talkByClick);
onClick("hang-up", hangUpByClick);
onClick("mute", mute);
onClick("hold", holdByClick);
byId("hold").addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
onClick("retry", () => again());
onClick("dismiss", closeFailure);
onClick("open-settings", () => settingsView.open());
onClick("open-keys", openHelp);
onClick("show-thinking", toggleThinking);
onClick("close-thinking", closeThinking);
onClick("record", () => call && recordingView.toggle(call));
byId("quality").addEventListener("toggle", refresh);
byId("hold").addEventListener("pointerdown", (event) => {
  byId("hold").setPointerCapture(event.pointerId);
  talkBegin();
});
for (const end of ["pointerup", "pointercancel"]) byId("hold").addEventListener(end, talkEnd);
onSubmit("composer", (box) => {
  const text = takeText(box);
  if (text) type(text);
});
onSubmit("key-form", (box) => {
  key = takeText(box);
  again();
});
addEventListener("pagehide", () => call?.hangUp());
draw();
showEngines();
