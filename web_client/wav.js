// Pure: the head of a WAV file, which plays everywhere.

const HEADER_BYTES = 44;

/**
 * @param {number} byteCount of the samples: 16 bit, little-endian, channels side by side
 * @param {number} rateHz @param {number} channels @returns {Uint8Array<ArrayBuffer>}
 */
export function wavHeader(byteCount, rateHz, channels) {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  const text = (/** @type {number} */ place, /** @type {string} */ letters) =>
    [...letters].forEach((letter, index) => header.setUint8(place + index, letter.charCodeAt(0)));
  const frameBytes = channels * 2;
  text(0, "RIFF");
  header.setUint32(4, HEADER_BYTES - 8 + byteCount, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); // bytes of this chunk
  header.setUint16(20, 1, true); // linear PCM
  header.setUint16(22, channels, true);
  header.setUint32(24, rateHz, true);
  header.setUint32(28, rateHz * frameBytes, true);
  header.setUint16(32, frameBytes, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, byteCount, true);
  return new Uint8Array(header.buffer);
}
