// Listens to one channel of the desk: what has newly come is handed on, timed by the audio clock.

/** Seen from here the last 170 ms (at 48 kHz) can be read: so late a busy page may be without missing a sample. */
const WINDOW_SAMPLES = 8192;
const EVERY_MS = 20;

export class LevelMeter {
  /**
   * @param {BaseAudioContext} context @param {AudioNode} channel
   * @param {(samples: Float32Array, endsAt: number) => void} onBlock `endsAt` on the audio clock
   */
  constructor(context, channel, onBlock) {
    this.context = context;
    this.onBlock = onBlock;
    this.analyser = new AnalyserNode(context, { fftSize: WINDOW_SAMPLES });
    this.channel = channel;
    this.window = new Float32Array(WINDOW_SAMPLES);
    this.readUntil = context.currentTime;
    channel.connect(this.analyser);
    this.timer = setInterval(() => this.read(), EVERY_MS);
  }

  read() {
    const now = this.context.currentTime;
    const fresh = Math.min(Math.round((now - this.readUntil) * this.context.sampleRate), WINDOW_SAMPLES);
    if (fresh <= 0) return;
    this.readUntil = now;
    this.analyser.getFloatTimeDomainData(this.window);
    this.onBlock(this.window.subarray(WINDOW_SAMPLES - fresh), now);
  }

  close() {
    clearInterval(this.timer);
    this.channel.disconnect(this.analyser);
  }
}
