// The sound desk of one call: one audio context, and a channel for each side that meters and recordings listen to.

/** So long a browser may take to let a page sound; the call goes on without, and sounds when it is let. */
const RESUME_MS = 2000;

export class Desk {
  /** Make it within a click: browsers let no page sound before. */
  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    /** What the microphone hears. */
    this.user = this.makeChannel();
    /** What the loudspeaker plays. It is heard by another way; nothing sounds through this channel. */
    this.agent = this.makeChannel();
    /** A phone call, or hiding the page, interrupts the sound; not every browser goes on by itself. */
    this.goOn = () => this.resume();
    this.context.addEventListener("statechange", this.goOn);
    document.addEventListener("visibilitychange", this.goOn);
  }

  makeChannel() {
    return new GainNode(this.context, { channelCount: 1, channelCountMode: "explicit" });
  }

  async open() {
    await Promise.race([this.context.resume(), new Promise((resolve) => setTimeout(resolve, RESUME_MS))]);
  }

  resume() {
    if (["running", "closed"].includes(this.context.state)) return;
    this.context.resume().catch(() => {}); // not yet: the next change tells
  }

  /** Browsers give worklets to secure pages only. */
  get hasWorklets() {
    return "audioWorklet" in this.context;
  }

  /** @param {string} name of a file beside this one */
  async addWorklet(name) {
    await this.context.audioWorklet.addModule(new URL(name, new URL(".", import.meta.url)));
  }

  silentTrack() {
    return this.context.createMediaStreamDestination().stream.getAudioTracks()[0];
  }

  /** Seconds of the audio clock, on which everything that sounds is timed. */
  get now() {
    return this.context.currentTime;
  }

  /** Seconds between a sample's leaving the graph and its sounding. */
  get outputSeconds() {
    return this.context.outputLatency || this.context.baseLatency || 0;
  }

  close() {
    this.context.removeEventListener("statechange", this.goOn);
    document.removeEventListener("visibilitychange", this.goOn);
    if (this.context.state !== "closed") this.context.close();
  }
}
