// The user's microphone: asked for, changed while the call goes on, muted, and let go.

import { onDevicesChanged } from "./devices.js";
import { Failure, microphoneFailure } from "./failures.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./settings_store.js").Settings} Settings */
/**
 * @typedef {object} MicrophoneEvents
 * @property {(track: MediaStreamTrack) => void} onTrack another one is to be sent from now on
 * @property {() => void} onLost the device was unplugged, or the permission taken back
 * @property {() => void} onFound there is one again
 */

export class Microphone {
  /** @param {Desk} desk @param {MicrophoneEvents} events */
  constructor(desk, events) {
    this.desk = desk;
    this.events = events;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.source = null;
    /** @type {Settings | null} */
    this.settings = null;
    this.isMuted = false;
    this.isLost = false;
    this.isClosed = false;
    this.forget = onDevicesChanged(() => this.devicesChanged());
  }

  /** Ask for it. Throws a `Failure` that says why there is none. @param {Settings} settings */
  async open(settings) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Failure(isSecureContext ? "oldBrowser" : "insecure");
    this.settings = settings;
    const track = await askFor(settings);
    if (this.isClosed) return track.stop(); // hung up while the browser was asking
    this.take(track);
  }

  /** @param {MediaStreamTrack} track */
  take(track) {
    this.letGo();
    this.track = track;
    this.isLost = false;
    track.enabled = !this.isMuted;
    track.onended = () => this.lost();
    this.source = this.desk.context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.desk.user);
  }

  /** Another device, or other processing, from now on. @param {Settings} settings */
  async change(settings) {
    const isSame = this.settings !== null && !this.isLost && NAMES.every((name) => this.settings?.[name] === settings[name]);
    if (!this.track || isSame) return;
    const wasLost = this.isLost;
    await this.open(settings);
    if (this.isClosed) return;
    this.events.onTrack(this.track);
    if (wasLost) this.events.onFound();
  }

  /** Muted, silence is sent: the server's audio time goes on. @param {boolean} muted */
  mute(muted) {
    this.isMuted = muted;
    if (this.track) this.track.enabled = !muted;
  }

  /** Silence goes on in its place: a line that brings nothing at all counts as broken. */
  lost() {
    this.isLost = true;
    this.events.onTrack(this.desk.silentTrack());
    this.events.onLost();
  }

  /** A device that was plugged in again, or any other one, takes the place of the one that is gone. */
  async devicesChanged() {
    if (!this.isLost || !this.settings) return;
    try {
      await this.change({ ...this.settings, microphoneId: "" });
    } catch {
      // none yet: that it is gone was told
    }
  }

  letGo() {
    this.source?.disconnect();
    if (!this.track) return;
    this.track.onended = null;
    this.track.stop();
  }

  close() {
    this.isClosed = true;
    this.forget();
    this.letGo();
  }
}

const NAMES = /** @type {const} */ (["microphoneId", "echoCancellation", "noiseSuppression", "autoGainControl"]);

/** @param {Settings} settings @returns {Promise<MediaStreamTrack>} */
async function askFor({ microphoneId, echoCancellation, noiseSuppression, autoGainControl }) {
  const processing = { echoCancellation, noiseSuppression, autoGainControl, channelCount: 1 };
  // "ideal": a device that is not there any more gives way to another one
  const device = microphoneId ? { deviceId: { ideal: microphoneId } } : {};
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { ...processing, ...device } });
    return stream.getAudioTracks()[0];
  } catch (error) {
    throw microphoneFailure(error);
  }
}
