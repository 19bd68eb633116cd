// One call: the line, the microphone and the conversation brought together.

import { Desk } from "./desk.js";
import { listDevices, onDevicesChanged } from "./devices.js";
import { Failure, isAboutMedia } from "./failures.js";
import { lineMakers, rememberBlockedMedia } from "./line.js";
import { Microphone } from "./microphone.js";
import { lostQuality } from "./quality.js";
import { Recorder } from "./recorder.js";
import { readHealth, refuseIfClosed } from "./server.js";
import { sessionOf } from "./session_settings.js";
import { DEFAULTS } from "./settings_store.js";
import { TurnMetricsBook } from "./turn_metrics.js";
import { WakeLock } from "./wake_lock.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./conversation.js").UserEntry} UserEntry */
/** @typedef {import("./line.js").Line} Line */
/** @typedef {import("./loudspeaker.js").Played} Played */
/** @typedef {import("./quality.js").Quality} Quality */
/** @typedef {import("./recorder.js").Recording} Recording */
/** @typedef {import("./settings_store.js").Settings} Settings */
/** @typedef {import("./wire.js").WireEvent} WireEvent */
/**
 * @typedef {"idle" | "connecting" | "asking" | "reconnecting" | "listening" | "thinking" | "speaking" | "silent"} Mood
 */
/** Something to be told that hinders nothing. @typedef {"mediaBlocked" | "noWebRtc" | "noSpeaker" | "recordingFull"} Notice */
/**
 * @typedef {object} CallEvents
 * @property {() => void} onChange the mood or the conversation is another now
 * @property {(failure: Failure) => void} onFailure
 * @property {(level: number) => void} onLevel 0 to 1, of whoever sounds
 * @property {(event: WireEvent, arrivedSeconds: number) => void} [onEvent] every event of the server; the time is
 *   `performance.now()` in seconds
 * @property {(name: Notice, detail: string) => void} [onNotice]
 * @property {() => void} [onMicrophoneFound] after the failure "microphoneLost"
 */

/** Answers to what crossed the server's own events on the way; nothing is wrong. */
const CROSSED = [
  "response_cancel_not_active",
  "conversation_already_has_active_response",
  "input_audio_buffer_commit_empty", // a key that was only touched
  "item_create_duplicate_item_id", // sent again on a new path, and had come over the old one
];
/** In this time what was missed has come over a new path. */
const CATCH_UP_MS = 300;
/** After the server's goodbye, what it sent ahead is still played: it sends at most a second. */
const GOODBYE_MS = 1500;
/** So long a server may take to accept the settings, the making of a new path included. */
const CONFIGURED_MS = 10_000;

export class Call {
  /**
   * Make it within a click.
   * @param {Conversation} conversation @param {CallEvents} events @param {Settings} [settings]
   */
  constructor(conversation, events, settings = DEFAULTS) {
    this.conversation = conversation;
    this.events = events;
    this.settings = { ...settings };
    this.desk = new Desk();
    this.microphone = new Microphone(this.desk, {
      onTrack: (track) => this.line?.useMicrophone(track),
      onLost: () => this.fail(new Failure("microphoneLost")),
      onFound: () => this.events.onMicrophoneFound?.(),
    });
    this.forgetDevices = onDevicesChanged(() => this.speakersChanged());
    this.wakeLock = new WakeLock();
    this.metrics = new TurnMetricsBook();
    /** @type {Line | null} */
    this.line = null;
    /** The chosen loudspeaker can't be used; the browser's own choice sounds. */
    this.isSpeakerGone = false;
    /** @type {Recorder | null} */
    this.recorder = null;
    this.isRecordingBegun = false;
    /** @type {"connecting" | "asking" | "live" | "reconnecting" | "over"} */
    this.stage = "connecting";
    this.hasMicrophone = false;
    this.muted = false;
    /** Push to talk: the key is held. */
    this.isTalking = false;
    /** Its last sounds are on their way. @type {ReturnType<typeof setTimeout> | undefined} */
    this.tail = undefined;
    /** What sounds: an item, or a response, as its line names it. */
    this.sounding = "";
    /** A question waits for the running answer to end. */
    this.mustAsk = false;
    /** A turn that was spoken by hand is to be answered when the server has it. */
    this.mustAnswer = false;
    /** `response.create` was sent, and its response is not there yet. */
    this.isAwaited = false;
    /** After a break: what was on its way is sent again before anything new. */
    this.isCatchingUp = false;
    /** Typed before it could be sent; each is asked when the one before it is answered. @type {UserEntry[]} */
    this.queue = [];
    /** Sent, and not yet in the server's hands, by item. @type {Map<string, string>} */
    this.unconfirmed = new Map();
    /** Why it is over, if the server ended it. @type {Failure | null} */
    this.ending = null;
    this.secondsOfAnswer = 0;
    this.secondsPlayed = 0;
    this.loudest = 0;
    /** @type {Quality | null} */
    this.quality = null;
    /** @type {{resolve: (value: undefined) => void, reject: (failure: Failure) => void} | undefined} */
    this.opening = undefined;
  }

  /** @returns {import("./line.js").LineEvents} */
  lineEvents() {
    return {
      onEvent: (event) => this.take(event),
      onSounding: (id) => this.sounds(id),
      onFirstSound: (id, at) => this.firstSound(id, at),
      onProgress: (played, level) => this.progress(played, level),
      onEnded: (played) => this.played(played),
      onCut: (items) => this.cut(items),
      onInput: (level) => this.input(level),
      onBroken: () => this.broken(),
      onRestored: () => this.restored(),
      onClosed: (failure) => this.closed(failure),
      // what was asked of the old path before it broke may be answered after
      onQuality: (quality) => this.stage !== "reconnecting" && this.rate(quality),
    };
  }

  /** @returns {Mood} */
  get mood() {
    if (this.stage === "over") return "idle";
    if (this.stage !== "live") return this.stage;
    if (this.sounding) return "speaking";
    if (this.conversation.running.size) return "thinking";
    return this.conversation.silent ? "silent" : "listening";
  }

  get isOver() {
    return this.stage === "over";
  }

  /** How sound travels; "" before a line stands. */
  get transport() {
    return this.line?.kind ?? "";
  }

  get turnMetrics() {
    return this.metrics.turns;
  }

  // --- beginning and end --------------------------------------------------------------------------

  /** Resolves when the call stands; throws a `Failure`. @param {string} key @param {boolean} withMicrophone */
  async begin(key, withMicrophone) {
    this.queue = this.conversation.takeUnsent();
    try {
      const [health] = await Promise.all([readHealth(), this.desk.open()]);
      this.refuseIfOver(); // the user may hang up at any time
      refuseIfClosed(health);
      if (health.key_required && !key) throw new Failure("keyNeeded");
      if (withMicrophone) await this.listen();
      await this.connect(health.key_required ? key : "");
      this.refuseIfOver();
      this.wakeLock.hold();
    } catch (error) {
      this.hangUp();
      throw error instanceof Failure ? error : new Failure("unexpected", String(error));
    }
  }

  async listen() {
    this.stage = "asking";
    this.events.onChange();
    this.applyMute();
    await this.microphone.open(this.settings);
    this.refuseIfOver();
    this.hasMicrophone = true;
    this.stage = "connecting";
    this.events.onChange();
  }

  /** @param {string} key */
  async connect(key) {
    this.conversation.beginCall();
    const line = await this.openLine(key);
    await this.useSpeaker(line);
    this.refuseIfOver();
    await this.configured();
  }

  /** Resolves when the server has taken the settings; throws a `Failure` if it does not. */
  async configured() {
    const timer = setTimeout(() => this.opening?.reject(new Failure("serverGone")), CONFIGURED_MS);
    try {
      await /** @type {Promise<undefined>} */ (
        new Promise((resolve, reject) => {
          this.opening = { resolve, reject };
          this.configure();
        })
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first line that can be had. @param {string} key @returns {Promise<Line>} */
  async openLine(key) {
    const makers = lineMakers(this.settings.transport);
    for (const [index, make] of makers.entries()) {
      const line = make(this.desk, this.microphone, this.lineEvents());
      this.line = line;
      try {
        await line.open(key);
        this.refuseIfOver();
        return line;
      } catch (error) {
        line.close();
        this.line = null;
        const isLast = index === makers.length - 1 || this.isOver;
        if (isLast || !(error instanceof Failure) || !isAboutMedia(error.kind)) throw error;
        if (error.kind === "mediaBlocked") rememberBlockedMedia();
        this.events.onNotice?.(/** @type {Notice} */ (error.kind), error.detail);
      }
    }
    throw new Failure("unexpected");
  }

  refuseIfOver() {
    if (this.isOver) throw this.ending ?? new Failure("callEnded");
  }

  hangUp() {
    if (this.isOver) return;
    this.stage = "over";
    this.line?.close();
    if (this.sounding) this.conversation.cutOff(this.sounding, this.secondsOfAnswer);
    this.opening?.reject(new Failure("callEnded"));
    this.conversation.endCall();
    this.conversation.endSound(this.conversation.entries);
    this.letGo();
    this.events.onChange();
  }

  /** The line is closed from its other end. @param {Failure} failure */
  closed(failure) {
    if (this.isOver) return;
    if (this.opening && this.stage === "connecting") return void this.opening.reject(failure); // `begin` tells it
    this.stage = "over";
    this.ending = failure;
    this.conversation.endCall();
    const entries = [...this.conversation.entries]; // another call may add its own
    setTimeout(() => this.endSound(entries), this.sounding ? GOODBYE_MS : 0);
    this.letGo(this.sounding ? GOODBYE_MS : 0);
    this.fail(failure);
  }

  /** @param {import("./conversation.js").Entry[]} entries */
  endSound(entries) {
    this.line?.close();
    this.conversation.endSound(entries);
    this.events.onChange();
  }

  /** The microphone and the screen at once; the sound desk when all has been played and recorded. @param {number} [afterMs] */
  letGo(afterMs = 0) {
    clearTimeout(this.tail);
    this.microphone.close();
    this.forgetDevices();
    this.wakeLock.release();
    this.recorder?.finish();
    const recorded = this.recorder?.finished ?? Promise.resolve();
    const played = new Promise((resolve) => setTimeout(resolve, afterMs));
    Promise.all([recorded, played]).then(() => this.desk.close());
  }

  broken() {
    if (this.stage !== "live") return;
    this.stage = "reconnecting";
    this.rate(lostQuality());
    this.events.onChange();
  }

  restored() {
    if (this.stage === "connecting") this.configure(); // it may have been lost with the old path
    if (this.stage !== "reconnecting") return;
    this.stage = "live";
    this.isCatchingUp = true;
    this.configure();
    setTimeout(() => this.sendAgain(), CATCH_UP_MS);
    this.events.onChange();
  }

  sendAgain() {
    for (const [id, text] of this.unconfirmed) this.sendText(id, text);
    this.mustAsk ||= this.unconfirmed.size > 0;
    this.isAwaited = this.isCatchingUp = false;
    this.askIfFree();
    this.askNext();
  }

  /** @param {Failure} failure */
  fail(failure) {
    this.events.onFailure(failure);
    this.events.onChange();
  }

  /** @param {Quality} quality */
  rate(quality) {
    this.quality = quality;
    this.events.onChange();
  }

  // --- settings -----------------------------------------------------------------------------------

  /** Change what can be changed while the call goes on; the transport is chosen by the next one. @param {Settings} settings */
  async apply(settings) {
    const before = this.settings;
    this.settings = { ...settings };
    if (settings.pushToTalk !== before.pushToTalk) this.isTalking = false;
    this.applyMute();
    if (this.line && !this.isOver) {
      this.configure();
      if (settings.speakerId !== before.speakerId) await this.useSpeaker(this.line);
    }
    try {
      if (this.hasMicrophone) await this.microphone.change(settings);
    } catch (error) {
      this.fail(/** @type {Failure} */ (error));
    }
  }

  configure() {
    if (!this.line) return;
    this.line.send({ type: "session.update", session: sessionOf(this.settings, this.line.isAudible) });
  }

  /** One that is gone, or not allowed, gives way to the browser's own choice. @param {Line} line */
  async useSpeaker(line) {
    this.isSpeakerGone = false;
    try {
      await line.useSpeaker(this.settings.speakerId);
    } catch (error) {
      this.speakerGone(String(error));
    }
  }

  /** @param {string} [detail] */
  speakerGone(detail = "") {
    this.isSpeakerGone = true;
    this.events.onNotice?.("noSpeaker", detail);
  }

  /** One that is unplugged would leave silence; plugged in again, it is the one that was chosen. */
  async speakersChanged() {
    const { speakerId } = this.settings;
    if (!speakerId) return;
    const { speakers } = await listDevices();
    const isGone = !speakers.some(({ id }) => id === speakerId);
    if (!this.line || this.isOver || isGone === this.isSpeakerGone) return;
    if (!isGone) return this.useSpeaker(this.line);
    this.speakerGone();
    await this.line.useSpeaker("").catch(() => {}); // there is nothing else to try
  }

  // --- the user -----------------------------------------------------------------------------------

  /** @param {number} level */
  input(level) {
    if (this.stage === "live" && !this.sounding) this.events.onLevel(level);
  }

  /** Ask by typing; what sounds is cut off, as by speech. Before the call stands it waits. @param {string} text */
  type(text) {
    const entry = this.conversation.typed(`item_${randomName()}`, text);
    if (this.isOver) this.conversation.endCall(); // it stays for the next call
    else if (this.stage === "live" && !this.queue.length) this.ask(entry);
    else this.queue.push(entry);
    if (this.stage === "live") this.interrupt();
    this.events.onChange();
  }

  /** @param {UserEntry} entry */
  ask({ key, text }) {
    this.conversation.asked(this.desk.now);
    this.interrupt();
    this.unconfirmed.set(key, text);
    this.sendText(key, text);
    this.mustAsk = true;
    this.askIfFree();
  }

  /** What was typed before it could be asked, one after the other: an answer is not cut off by what waited. */
  askNext() {
    const isBusy = this.mustAsk || this.isAwaited || this.isCatchingUp || this.sounding || this.conversation.running.size;
    if (this.stage !== "live" || isBusy) return;
    const next = this.queue.shift();
    if (next) this.ask(next);
  }

  /** @param {string} id @param {string} text */
  sendText(id, text) {
    const content = [{ type: "input_text", text }];
    this.line?.send({ type: "conversation.item.create", item: { id, type: "message", role: "user", content } });
  }

  interrupt() {
    if (this.sounding) this.line?.interrupt();
    if (this.conversation.running.size) this.line?.send({ type: "response.cancel" });
  }

  askIfFree() {
    if (!this.mustAsk || this.conversation.running.size) return;
    this.mustAsk = false;
    this.isAwaited = true;
    this.line?.send({ type: "response.create" });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.applyMute();
    this.events.onLevel(0);
  }

  /** A key that is held is meant, whatever was muted before. */
  applyMute() {
    this.microphone.mute(this.settings.pushToTalk ? !this.isTalking : this.muted);
  }

  /**
   * Push to talk: the key goes down. What sounds is cut off; what was said just before, and is not yet sent, goes on.
   * @returns {boolean} the microphone is open now
   */
  talkBegin() {
    if (!this.settings.pushToTalk || !this.hasMicrophone || this.stage !== "live") return false;
    clearTimeout(this.tail);
    this.tail = undefined;
    if (this.isTalking) return true;
    this.isTalking = true;
    this.interrupt();
    this.line?.send({ type: "input_audio_buffer.clear" });
    this.applyMute();
    this.events.onChange();
    return true;
  }

  /** The key is let go: what was said is to be answered, its last sounds included, which are still on their way. */
  talkEnd() {
    if (!this.isTalking || this.tail !== undefined) return;
    this.conversation.asked(this.desk.now);
    this.tail = setTimeout(() => this.talked(), (this.line?.tailSeconds ?? 0) * 1000);
  }

  talked() {
    this.tail = undefined;
    this.isTalking = false;
    this.applyMute();
    this.mustAnswer = true;
    this.line?.send({ type: "input_audio_buffer.commit" });
    this.events.onChange();
  }

  // --- the server ---------------------------------------------------------------------------------

  /** @param {WireEvent} event */
  take(event) {
    this.events.onEvent?.(event, performance.now() / 1000);
    this.conversation.take(event);
    this.metrics.take(event);
    if (event.type === "response.output_audio.delta") return; // nothing to be seen yet
    switch (event.type) {
      case "session.updated":
        if (this.stage === "connecting") this.stage = "live";
        this.opening?.resolve(undefined);
        break;
      case "response.created":
        this.isAwaited = false;
        break;
      case "conversation.item.added":
        this.unconfirmed.delete(event.item.id);
        break;
      case "input_audio_buffer.committed":
        this.mustAsk ||= this.mustAnswer;
        this.mustAnswer = false;
        this.askIfFree();
        break;
      case "response.done":
        this.answered(event.response);
        break;
      case "conversation.item.input_audio_transcription.failed":
        this.events.onFailure(new Failure("wordsLost"));
        break;
      case "error":
        this.refused(event.error);
    }
    this.askNext();
    this.events.onChange();
  }

  /** @param {any} response */
  answered({ status, status_details }) {
    if (status === "failed") this.events.onFailure(new Failure("answerFailed", status_details?.error?.message));
    this.askIfFree();
  }

  /** @param {{code: string, message: string}} error */
  refused({ code, message }) {
    this.isAwaited = false;
    // nothing but the settings and sound was sent yet: without settings there is no call
    if (this.opening && this.stage === "connecting") return this.opening.reject(new Failure("unexpected", message));
    if (!CROSSED.includes(code)) this.events.onFailure(new Failure("refused", message));
    if (code === "conversation_already_has_active_response") this.mustAsk = true; // at its response.done
    if (code === "input_audio_buffer_commit_empty") this.mustAnswer = false;
  }

  // --- what sounds --------------------------------------------------------------------------------

  /** @param {string} id */
  sounds(id) {
    this.sounding = id;
    this.secondsOfAnswer = 0;
    this.events.onChange();
  }

  /** @param {string} id @param {number} at */
  firstSound(id, at) {
    const entry = this.conversation.speaker(id);
    if (!entry?.question || entry.latencySeconds !== null) return;
    const { question } = entry;
    const askedAt = "at" in question ? question.at : this.line?.spokenAt(question.endMs / 1000);
    if (askedAt === null || askedAt === undefined) return;
    entry.latencySeconds = at - askedAt;
    this.metrics.measured(entry.key, entry.latencySeconds);
    this.events.onChange();
  }

  /** @param {Played} played @param {number} level */
  progress({ id, seconds }, level) {
    this.count(id, seconds);
    this.loudest = Math.max(this.loudest, level);
    this.conversation.played(id, seconds);
    if (this.sounding) this.events.onLevel(level);
    this.events.onChange();
  }

  /** @param {string} id @param {number} seconds of the answer so far */
  count(id, seconds) {
    if (this.sounding !== id) return;
    this.secondsPlayed += Math.max(seconds - this.secondsOfAnswer, 0);
    this.secondsOfAnswer = seconds;
  }

  /** @param {Played} played */
  played({ id, seconds }) {
    this.count(id, seconds);
    if (this.sounding === id) this.sounding = "";
    this.conversation.playedToEnd(id);
    this.askNext();
    this.events.onLevel(0);
    this.events.onChange();
  }

  /** @param {Played[]} items */
  cut(items) {
    this.sounding = "";
    for (const { id, seconds } of items) this.conversation.cutOff(id, seconds);
    this.askNext();
    this.events.onLevel(0);
    this.events.onChange();
  }

  // --- recording ----------------------------------------------------------------------------------

  /** There is one, running or (after the call, or an hour) waiting to be fetched. */
  get isRecording() {
    return this.recorder !== null;
  }

  /** Both sides, in this browser only. Throws a `Failure` where the browser can't; then nothing is recorded. */
  async startRecording() {
    if (this.recorder || this.isRecordingBegun || this.isOver) return;
    if (!this.desk.hasWorklets) throw new Failure("insecure");
    this.isRecordingBegun = true;
    const recorder = new Recorder(this.desk, () => this.events.onNotice?.("recordingFull", ""));
    try {
      await recorder.start();
      if (!this.isOver) this.recorder = recorder;
    } catch (error) {
      if (!this.isOver) throw new Failure("unexpected", String(error));
    } finally {
      this.isRecordingBegun = false;
    }
    this.events.onChange();
  }

  /** Also after the call is over. @returns {Promise<Recording>} a WAV file, left the user, right the agent */
  async stopRecording() {
    const { recorder } = this;
    if (!recorder) throw new Failure("unexpected", "Nothing is being recorded.");
    const recording = await recorder.stop();
    this.recorder = null;
    this.events.onChange();
    return recording;
  }
}

/** 21 letters that nobody else has; `crypto.randomUUID` is for secure pages only. */
function randomName() {
  const letters = crypto.getRandomValues(new Uint8Array(21));
  return Array.from(letters, (value) => (value % 36).toString(36)).join("");
}
