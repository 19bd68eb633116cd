// The settings dialog. Each choice holds at once and is kept in this browser.

import { listDevices, onDevicesChanged } from "./devices.js";
import { byId, make, setText } from "./dom.js";

/** @typedef {import("./strings.js").Strings} Strings */
/** @typedef {import("./settings_store.js").Settings} Settings */
/** @typedef {import("./page_store.js").PageSettings} PageSettings */
/** @typedef {import("./devices.js").Device} Device */
/** @typedef {Settings & PageSettings} Choices */

export class SettingsView {
  /** @param {Strings} strings @param {Choices} choices @param {(choices: Choices) => void} onChange */
  constructor(strings, choices, onChange) {
    this.strings = strings;
    this.choices = choices;
    this.onChange = onChange;
    this.dialog = /** @type {HTMLDialogElement} */ (byId("settings"));
    this.form = /** @type {HTMLFormElement} */ (byId("settings-form"));
    this.offerDevices([], []); // what was chosen stands in the lists before the browser tells what there is
    this.fill();
    this.form.addEventListener("change", () => this.read());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.dialog.close();
    });
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    onDevicesChanged(() => this.dialog.open && this.showDevices());
  }

  open() {
    if (this.dialog.open) return;
    this.fill();
    this.dialog.showModal();
    this.showDevices();
  }

  /** @param {string} name @returns {any} an input, a select, or the radio buttons of one name */
  field(name) {
    return this.form.elements.namedItem(name);
  }

  fill() {
    for (const [name, value] of Object.entries(this.choices)) {
      const field = this.field(name);
      if (!field) continue; // what is chosen elsewhere on the page
      if (field.type === "checkbox") field.checked = value;
      else field.value = SAY[name]?.(value) ?? value;
    }
  }

  read() {
    const choices = /** @type {any} */ ({ ...this.choices });
    for (const name of Object.keys(choices)) {
      const field = this.field(name);
      if (field) choices[name] = field.type === "checkbox" ? field.checked : field.value.trim();
    }
    choices.fillers = { on: true, off: false }[/** @type {string} */ (choices.fillers)] ?? null;
    if (choices.policy === AS_SERVER) choices.policy = "";
    this.choices = choices;
    this.onChange(choices);
  }

  async showDevices() {
    const { microphones, speakers, canChooseSpeaker } = await listDevices();
    this.offerDevices(microphones, speakers);
    this.field("speakerId").disabled = !canChooseSpeaker;
    const hint = byId("devices-hint");
    if (!canChooseSpeaker) setText(hint, this.strings.noSpeakerChoice);
    else setText(hint, microphones.length ? "" : this.strings.devicesAfterCall);
    hint.hidden = !hint.textContent;
  }

  /** @param {Device[]} microphones @param {Device[]} speakers */
  offerDevices(microphones, speakers) {
    const { microphoneId, speakerId } = this.choices;
    this.offer("microphoneId", microphones, microphoneId, this.strings.microphone);
    this.offer("speakerId", speakers, speakerId, this.strings.speaker);
  }

  /** A device that was chosen stays in the list while it is away. @param {string} name @param {Device[]} devices @param {string} chosen @param {string} kind */
  offer(name, devices, chosen, kind) {
    const options = devices.filter(({ id }) => id !== "default").map(({ id, label }, place) => option(id, label || `${kind} ${place + 1}`));
    const isAway = chosen && !devices.some(({ id }) => id === chosen);
    const away = isAway ? [option(chosen, this.strings.deviceAway)] : [];
    this.field(name).replaceChildren(option("", this.strings.deviceDefault), ...options, ...away);
    this.field(name).value = chosen;
  }

  /** @param {string} own the server's, as `flite:slt` @param {string[]} names that may be asked for instead */
  offerVoices(own, names) {
    byId("voices").replaceChildren(...names.map((name) => option(name, name)));
    this.field("voice").placeholder = this.strings.voiceAsServer.replace("{name}", own);
  }
}

const AS_SERVER = "server";
/** Choices that stand in the form by another name: radio buttons know no empty value. @type {Record<string, (value: any) => string>} */
const SAY = {
  policy: (policy) => policy || AS_SERVER,
  fillers: (fillers) => (fillers === null ? AS_SERVER : fillers ? "on" : "off"),
};

/** @param {string} value @param {string} label */
function option(value, label) {
  const element = /** @type {HTMLOptionElement} */ (make("option", "", label));
  element.value = value;
  return element;
}
