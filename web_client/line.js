// What a call asks of a line, and which lines there are. WebRTC is tried first: it is made for sound.

import { WebRtcLine } from "./webrtc_line.js";
import { WebSocketLine } from "./websocket_line.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./failures.js").Failure} Failure */
/** @typedef {import("./loudspeaker.js").Played} Played */
/** @typedef {import("./microphone.js").Microphone} Microphone */
/** @typedef {import("./quality.js").Quality} Quality */
/** @typedef {import("./settings_store.js").Transport} Transport */
/** @typedef {import("./wire.js").WireEvent} WireEvent */
/**
 * Answers are named by their item on the websocket, and by their response on WebRTC.
 * @typedef {object} LineEvents
 * @property {(event: WireEvent) => void} onEvent of the server
 * @property {(id: string) => void} onSounding this answer sounds now
 * @property {(id: string, at: number) => void} onFirstSound its first loud sample, on the audio clock
 * @property {(played: Played, level: number) => void} onProgress
 * @property {(played: Played) => void} onEnded it sounded to its end
 * @property {(items: Played[]) => void} onCut what had sounded of each that was cut off
 * @property {(level: number) => void} onInput what the microphone hears, 0 to 1
 * @property {() => void} onBroken the path is broken; the line makes a new one by itself
 * @property {() => void} onRestored
 * @property {(failure: Failure) => void} onClosed for good
 * @property {(quality: Quality) => void} onQuality
 */
/**
 * @typedef {object} Line
 * @property {"webrtc" | "websocket"} kind
 * @property {boolean} isAudible
 * @property {number} tailSeconds sound that is still on its way when a key is let go
 * @property {(key: string) => Promise<void>} open resolves when events can be sent; throws a `Failure`
 * @property {(event: WireEvent) => void} send
 * @property {() => void} interrupt throw away what has not sounded; `onCut` tells what had
 * @property {(audioSeconds: number) => number | null} spokenAt when this moment of the input audio was spoken, on the
 *   audio clock; null if that is not known
 * @property {(track: MediaStreamTrack) => void} useMicrophone
 * @property {(speakerId: string) => Promise<void>} useSpeaker
 * @property {() => void} close
 */
/** @typedef {(desk: Desk, microphone: Microphone, events: LineEvents) => Line} LineMaker */

/** @type {LineMaker} */
const makeWebRtc = (desk, microphone, events) => new WebRtcLine(desk, microphone, events);
/** @type {LineMaker} */
const makeWebSocket = (desk, _microphone, events) => new WebSocketLine(desk, events);

/** In this order they are tried. @param {Transport} transport @returns {LineMaker[]} */
export function lineMakers(transport) {
  if (transport === "webrtc") return [makeWebRtc];
  return transport === "websocket" || isMediaBlocked ? [makeWebSocket] : [makeWebRtc, makeWebSocket];
}

/** To wait at each call for a path that the network doesn't have helps nobody; another network may have one. */
let isMediaBlocked = false;
addEventListener("online", () => (isMediaBlocked = false));

export function rememberBlockedMedia() {
  isMediaBlocked = true;
}
