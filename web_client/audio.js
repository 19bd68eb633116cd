// The line to the caller's ear and mouth: one audio context, the microphone and the loudspeaker.

import { Failure, microphoneFailure } from "./failures.js";

/** @typedef {{samples: Float32Array, endsAt: number, level: number}} MicrophoneBlock */
/** @typedef {{id: string, seconds: number}} Played What of an item was played. */
/**
 * @typedef {object} AudioEvents
 * @property {(block: MicrophoneBlock) => void} onBlock 20 ms at 24 kHz; `endsAt` on the audio clock
 * @property {(id: string, at: number) => void} onSound an item's first loud sample, on the audio clock
 * @property {(played: Played, level: number) => void} onProgress
 * @property {(played: Played) => void} onEnded the item was played to its end
 * @property {(items: Played[]) => void} onFlushed what had been played of each item that was cut off
 * @property {() => void} onMicrophoneLost the device was unplugged, or the permission taken back
 */

/**
 * Make it within a click: browsers let no page sound before. They give worklets to secure pages only.
 * @param {AudioEvents} events @returns {AudioLine}
 */
export const makeLine = (events) =>
  "audioWorklet" in BaseAudioContext.prototype ? new AudioLine(events) : /** @type {any} */ (new TextLine());

/** A line without sound: all that is left is typing and reading. */
class TextLine {
  sounds = false;
  outputSeconds = 0;

  async open() {}

  async listen() {
    throw new Failure(isSecureContext ? "oldBrowser" : "insecure");
  }

  get now() {
    return performance.now() / 1000;
  }

  mute() {}
  play() {}
  finish() {}
  flush() {}
  release() {}
  close() {}
}

class AudioLine {
  sounds = true;

  /** @param {AudioEvents} events */
  constructor(events) {
    this.events = events;
    this.context = new AudioContext({ latencyHint: "interactive" });
    /** @type {MediaStream | null} */
    this.stream = null;
    this.closed = false;
  }

  /** Load the worklets and begin to play. */
  async open() {
    await this.context.resume();
    const here = new URL(".", import.meta.url);
    await Promise.all(
      ["speaker_worklet.js", "microphone_worklet.js"].map((name) =>
        this.context.audioWorklet.addModule(new URL(name, here)),
      ),
    );
    this.speaker = new AudioWorkletNode(this.context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.speaker.port.onmessage = ({ data }) => this.heardFromSpeaker(data);
    this.speaker.connect(this.context.destination);
  }

  /** Ask for the microphone and begin to listen. Throws a `Failure` that says why there is none. */
  async listen() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Failure("insecure");
    try {
      const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
      this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw microphoneFailure(error);
    }
    if (this.closed) return this.release(); // hung up while the browser was asking
    const source = this.context.createMediaStreamSource(this.stream);
    const microphone = new AudioWorkletNode(this.context, "microphone", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    microphone.port.onmessage = ({ data }) => this.events.onBlock(data);
    source.connect(microphone);
    this.stream.getAudioTracks()[0].onended = () => this.events.onMicrophoneLost();
  }

  /** Muted, silence is sent: the server's audio time goes on. @param {boolean} muted */
  mute(muted) {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  /** @param {string} id @param {Float32Array} samples at 24 kHz */
  play(id, samples) {
    this.speaker?.port.postMessage({ kind: "audio", id, samples }, [samples.buffer]);
  }

  /** No more audio comes for this item. @param {string} id */
  finish(id) {
    this.speaker?.port.postMessage({ kind: "finish", id });
  }

  /** Drop what has not been played; `onFlushed` tells what had been. */
  flush() {
    this.speaker?.port.postMessage({ kind: "flush" });
  }

  /** Seconds between a sample's leaving the worklet and its sounding. */
  get outputSeconds() {
    return this.context.outputLatency || this.context.baseLatency || 0;
  }

  get now() {
    return this.context.currentTime;
  }

  close() {
    this.closed = true;
    this.release();
    this.context.close();
  }

  release() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
  }

  /** @param {any} message */
  heardFromSpeaker(message) {
    if (this.closed) return;
    const { onSound, onProgress, onEnded, onFlushed } = this.events;
    if (message.kind === "sound") onSound(message.id, message.at + this.outputSeconds);
    else if (message.kind === "progress") onProgress(this.heard(message), message.level);
    else if (message.kind === "ended") onEnded({ id: message.id, seconds: message.seconds });
    else onFlushed(message.items.map((/** @type {Played} */ item) => this.heard(item)));
  }

  /** What has left the worklet and has sounded. @param {Played} played @returns {Played} */
  heard({ id, seconds }) {
    return { id, seconds: Math.max(seconds - this.outputSeconds, 0) };
  }
}
