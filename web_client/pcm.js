// Pure: 16-bit samples as the wire carries them: little-endian, in base64.

/** Samples from -1 to 1 as base64. @param {Float32Array} samples @returns {string} */
export function encodePcm16(samples) {
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  samples.forEach((sample, index) => {
    view.setInt16(index * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true);
  });
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** An odd last byte is dropped. @param {string} base64 @returns {Float32Array} samples from -1 to 1 */
export function decodePcm16(base64) {
  const text = atob(base64);
  const samples = new Float32Array(text.length >> 1);
  for (let index = 0; index < samples.length; index++) {
    const value = text.charCodeAt(index * 2) | (text.charCodeAt(index * 2 + 1) << 8);
    samples[index] = (value > 32767 ? value - 65536 : value) / 32768;
  }
  return samples;
}

/** How many bytes stand in it. @param {string} base64 */
export function byteCount(base64) {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

/** Root mean square, 0 to 1. @param {Float32Array} samples */
export function rms(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length ? Math.sqrt(sum / samples.length) : 0;
}
