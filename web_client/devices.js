// Which microphones and loudspeakers there are.

/** @typedef {{id: string, label: string}} Device `label` is "" until a microphone was allowed */

const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

/**
 * Browsers tell ids and names only after a microphone was allowed once; nameless devices are left out.
 * @returns {Promise<{microphones: Device[], speakers: Device[], canChooseSpeaker: boolean}>}
 */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const ofKind = (/** @type {MediaDeviceKind} */ kind) =>
    devices
      .filter((device) => device.kind === kind && device.deviceId)
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  const speakers = canChooseSpeaker ? ofKind("audiooutput") : [];
  return { microphones: ofKind("audioinput"), speakers, canChooseSpeaker };
}

/** @param {() => void} act @returns {() => void} to be told no more */
export function onDevicesChanged(act) {
  navigator.mediaDevices?.addEventListener("devicechange", act);
  return () => navigator.mediaDevices?.removeEventListener("devicechange", act);
}
