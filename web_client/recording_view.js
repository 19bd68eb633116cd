// The record button: offered only to those who asked for it, and what was recorded stays on their machine.

import { byId, download, setText } from "./dom.js";

/** @typedef {import("./strings.js").Strings} Strings */
/** @typedef {import("./call.js").Call} Call */

export class RecordingView {
  /** @param {Strings} strings @param {(error: unknown) => void} onError */
  constructor(strings, onError) {
    this.strings = strings;
    this.onError = onError;
    this.button = byId("record");
    /** Calls whose recording is being saved: an end is told more than once. @type {WeakSet<Call>} */
    this.saving = new WeakSet();
  }

  /** @param {Call | null} call @param {boolean} isOffered */
  show(call, isOffered) {
    const isRecording = call?.isRecording ?? false;
    this.button.hidden = !isRecording && !(isOffered && call?.stage === "live");
    this.button.classList.toggle("on", isRecording);
    setText(byId("record-text"), isRecording ? this.strings.recordStop : this.strings.record);
    if (isRecording) addEventListener("beforeunload", askBeforeLeaving);
    else removeEventListener("beforeunload", askBeforeLeaving); // where it stays, browsers keep no page to come back to
    if (isRecording && call?.stage === "over") this.finish(call);
    this.showState(call);
  }

  /** @param {Call | null} call */
  showState(call) {
    const isFull = Boolean(call?.recorder?.isFinishing) && !(call && this.saving.has(call));
    byId("recording").hidden = !call?.isRecording;
    byId("recording-sign").hidden = isFull;
    setText(byId("recording-text"), isFull ? this.strings.recordingFull : this.strings.recordingNow);
  }

  /** @param {Call} call */
  async toggle(call) {
    if (call.isRecording) return this.finish(call);
    try {
      await call.startRecording();
    } catch (error) {
      this.onError(error);
    }
  }

  /** Stop and save; does nothing where nothing is recorded. @param {Call} call */
  async finish(call) {
    if (!call.isRecording || this.saving.has(call)) return;
    this.saving.add(call);
    try {
      const { blob, name } = await call.stopRecording();
      download(name, blob);
    } catch (error) {
      this.onError(error);
    } finally {
      this.saving.delete(call);
    }
  }
}

/** What is recorded is gone with the page. @param {BeforeUnloadEvent} event */
const askBeforeLeaving = (event) => event.preventDefault();
