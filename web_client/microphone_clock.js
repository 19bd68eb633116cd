// Pure: tells when a moment of the sent audio was recorded.

/** A minute of blocks of 20 ms: a turn's end is told long before that. */
const MAX_BLOCKS = 3000;

export class MicrophoneClock {
  constructor() {
    /** @type {{until: number, at: number}[]} */
    this.blocks = [];
    this.seconds = 0;
  }

  /** @param {number} seconds of audio that were sent @param {number} endsAt when the last of it was recorded */
  sent(seconds, endsAt) {
    this.seconds += seconds;
    this.blocks.push({ until: this.seconds, at: endsAt });
    if (this.blocks.length > MAX_BLOCKS) this.blocks.shift();
  }

  /** @param {number} seconds since the first sent sample @returns {number | null} on the audio clock */
  at(seconds) {
    const block = this.blocks.find(({ until }) => until >= seconds);
    return block ? block.at - (block.until - seconds) : null;
  }
}
