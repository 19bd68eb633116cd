// What the microphone heard and what the agent's side sounded like, on one clock.

const RATE_HZ = 24000;
const LOUD = 0.0056; // -45 dBFS

export class Recording {
  #context;
  #tracks;
  /** Of each block: interleaved samples, microphone first. */
  #blocks = [];
  /** Of each block and channel: whether it is louder than silence. */
  #loud = [];

  static async of(...tracks) {
    const recording = new Recording();
    await recording.#start(tracks);
    return recording;
  }

  async #start(tracks) {
    this.#tracks = tracks;
    this.#context = new AudioContext({ sampleRate: RATE_HZ });
    await this.#context.audioWorklet.addModule("/recorder_worklet.js");
    const both = new ChannelMergerNode(this.#context, { numberOfInputs: tracks.length });
    const recorder = new AudioWorkletNode(this.#context, "recorder", { numberOfOutputs: 0 });
    tracks.forEach((track, channel) => {
      const source = new MediaStreamAudioSourceNode(this.#context, { mediaStream: new MediaStream([track]) });
      const mono = new GainNode(this.#context, { channelCount: 1, channelCountMode: "explicit" });
      source.connect(mono).connect(both, 0, channel);
    });
    recorder.port.onmessage = ({ data }) => this.#take(data);
    both.connect(recorder);
    await this.#context.resume();
  }

  #take(channels) {
    const block = new Int16Array(channels[0].length * channels.length);
    channels.forEach((samples, channel) => samples.forEach((sample, n) => {
      block[n * channels.length + channel] = Math.max(-1, Math.min(1, sample)) * 32767;
    }));
    this.#blocks.push(block);
    this.#loud.push(channels.map((samples) => Math.hypot(...samples) / Math.sqrt(samples.length) > LOUD));
  }

  get #blockSeconds() {
    return this.#blocks[0].length / 2 / RATE_HZ;
  }

  /** How long one side has sounded so far: 0 is the microphone, 1 the agent. */
  loudSeconds(channel) {
    return this.#blocks.length ? this.#loud.filter((loud) => loud[channel]).length * this.#blockSeconds : 0;
  }

  /** How long it has been silent now. */
  quietSeconds(channel) {
    if (!this.#blocks.length) return 0;
    return (this.#loud.length - 1 - this.#loud.findLastIndex((loud) => loud[channel])) * this.#blockSeconds;
  }

  /** All samples so far, base64 of int16, little-endian, interleaved. */
  async samples() {
    const reader = new FileReader();
    const read = new Promise((resolve) => { reader.onload = resolve; });
    reader.readAsDataURL(new Blob(this.#blocks));
    await read;
    return reader.result.split(",")[1] ?? "";
  }

  async stop() {
    for (const track of this.#tracks) track.stop();
    await this.#context.close();
  }
}
