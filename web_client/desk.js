// The sound desk of one call: one audio context, and a channel for each side that meters and recordings listen to.

export class Desk {
  /** Make it within a click: browsers let no page sound before. */
  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    /** What the microphone hears. */
    this.user = this.makeChannel();
    /** What the loudspeaker plays. It is heard by another way; nothing sounds through this channel. */
    this.agent = this.makeChannel();
  }

  makeChannel() {
    return new GainNode(this.context, { channelCount: 1, channelCountMode: "explicit" });
  }

  async open() {
    await this.context.resume();
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
    if (this.context.state !== "closed") this.context.close();
  }
}
