// Plays what comes over WebRTC. An <audio> element does it: browsers cancel its echo, and it can choose a loudspeaker.

/** @typedef {import("./desk.js").Desk} Desk */

export class Earpiece {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.element = new Audio();
    this.element.autoplay = true;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.source = null;
  }

  /** @param {MediaStreamTrack} track */
  play(track) {
    const stream = new MediaStream([track]);
    this.element.srcObject = stream;
    this.source?.disconnect();
    this.source = this.desk.context.createMediaStreamSource(stream);
    this.source.connect(this.desk.agent);
    this.element.play().catch((error) => this.refused(error));
  }

  /** Safari lets no element play that was not begun in the click itself; the desk was. @param {DOMException} error */
  refused({ name }) {
    if (name === "NotAllowedError") this.source?.connect(this.desk.context.destination);
  }

  /** @param {string} speakerId */
  async choose(speakerId) {
    const element = /** @type {HTMLAudioElement & {setSinkId?: (id: string) => Promise<void>}} */ (this.element);
    await element.setSinkId?.(speakerId);
  }

  close() {
    this.source?.disconnect();
    this.element.srcObject = null;
  }
}
