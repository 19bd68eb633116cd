// What the page asks the server over plain HTTP: its state, a short-lived secret for a key, and calls over WebRTC.

import { Failure } from "./failures.js";

/** @typedef {{name: string, warm: boolean, simulated: boolean}} Engine */
/**
 * @typedef {object} Health
 * @property {"ok" | "warming" | "stopping"} status
 * @property {{asr: Engine, llm: Engine, tts: Engine}} engines
 * @property {boolean} has_room
 * @property {boolean} key_required
 * @property {string[]} voices that sessions may ask for by name
 */

/** Paths are relative, so that the application may be mounted anywhere. @param {string} path */
const address = (path) => new URL(path, document.baseURI);

/** @returns {Promise<Health>} */
export async function readHealth() {
  try {
    const answer = await fetch(address("health"), { cache: "no-store" });
    return await answer.json();
  } catch {
    throw new Failure("serverGone");
  }
}

/** Why a call can't begin now, if so. @param {Health} health */
export function refuseIfClosed(health) {
  if (health.status === "stopping") throw new Failure("serverStopping");
  if (health.status === "warming") throw new Failure("serverWarming");
  if (!health.has_room) throw new Failure("serverBusy");
}

/** Why the server ended a call that it ended politely. @returns {Promise<Failure>} */
export async function whyEnded() {
  try {
    const { status } = await readHealth();
    return new Failure(status === "stopping" ? "serverStopping" : "callEnded");
  } catch {
    return new Failure("serverStopping"); // it ended its calls and went
  }
}

/**
 * A websocket can't show why it was refused, and can't carry every key; so the key buys a short-lived secret first.
 * @param {string} key of the server, or a client secret (`ek_…`), which is used as it is
 * @returns {Promise<string>}
 */
export async function secretFor(key) {
  if (!key) throw new Failure("keyNeeded");
  if (key.startsWith("ek_")) return key;
  const headers = authorization(key);
  let answer;
  try {
    answer = await fetch(address("v1/realtime/client_secrets"), { method: "POST", headers });
  } catch {
    throw new Failure("serverGone");
  }
  if (answer.status === 401) throw wrongKey(key);
  const body = await answer.json();
  if (!answer.ok) throw new Failure("refused", body.error?.message ?? "");
  return body.value;
}

/** @param {string} key */
function authorization(key) {
  try {
    return new Headers({ Authorization: `Bearer ${key}` });
  } catch {
    throw new Failure("keyWrong"); // letters that no header can carry
  }
}

// --- calls over WebRTC ----------------------------------------------------------------------------

const CALLS = "v1/realtime/calls";

/**
 * @param {string} path @param {string} key "" for none @param {RequestInit} [options]
 * @returns {Promise<Response>} throws a `Failure` when there is no server, or it wants another key
 */
async function ask(path, key, options = {}) {
  const headers = key ? authorization(key) : new Headers();
  if (options.body) headers.set("Content-Type", "application/sdp");
  let answer;
  try {
    answer = await fetch(address(path), { cache: "no-store", ...options, headers });
  } catch {
    throw new Failure("serverGone");
  }
  if (answer.status === 401) throw wrongKey(key);
  return answer;
}

/** What the server says is wrong. @param {Response} answer @returns {Promise<string>} */
async function complaint(answer) {
  try {
    return (await answer.json()).error?.message ?? "";
  } catch {
    return ""; // no server of ours
  }
}

/** Helpers to find a path with; none is no hindrance. @param {string} key @returns {Promise<RTCIceServer[]>} */
export async function readIceServers(key) {
  const answer = await ask("v1/realtime/ice_servers", key);
  return answer.ok ? ((await answer.json()).ice_servers ?? []) : [];
}

/**
 * Throws "noWebRtc" when the server has none of it.
 * @param {string} offer SDP @param {string} key @returns {Promise<{callId: string, answer: string}>}
 */
export async function startCall(offer, key) {
  const answer = await ask(`${CALLS}?stretto=1`, key, { method: "POST", body: offer });
  if ([404, 405, 501].includes(answer.status)) throw new Failure("noWebRtc", await complaint(answer));
  if (answer.status === 503) {
    refuseIfClosed(await readHealth());
    throw new Failure("serverBusy");
  }
  if (!answer.ok) throw new Failure("unexpected", await complaint(answer));
  const callId = answer.headers.get("Location")?.split("/").at(-1) ?? "";
  return { callId, answer: await answer.text() };
}

/**
 * A new path for a call that goes on. Throws "connectionLost" when the server doesn't know the call any more.
 * @param {string} callId @param {string} offer SDP @param {string} key
 * @param {string} lastEventId the last event that came @returns {Promise<string>} the answer's SDP
 */
export async function reconnectCall(callId, offer, key, lastEventId) {
  const missed = new URLSearchParams({ last_event_id: lastEventId });
  const answer = await ask(`${CALLS}/${callId}/reconnect?${missed}`, key, { method: "POST", body: offer });
  if (answer.status === 404) throw new Failure("connectionLost");
  if (answer.status === 503) throw new Failure("serverBusy");
  if (!answer.ok) throw new Failure("unexpected", await complaint(answer));
  return answer.text();
}

/** Sent even while the page is being closed. @param {string} callId @param {string} key */
export function endCall(callId, key) {
  ask(`${CALLS}/${callId}/hangup`, key, { method: "POST", keepalive: true }).catch(() => {}); // it is over either way
}

// --- the key in the address -----------------------------------------------------------------------

const KEY_PLACE = "stretto.key";

/**
 * The key in the address's fragment (as `stretto serve --https` prints it), which is taken away from the address and
 * kept for this tab: a phone that reloads the page has nothing else to take it from. What was typed is not kept.
 */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
  try {
    if (!key) return sessionStorage.getItem(KEY_PLACE) ?? "";
    sessionStorage.setItem(KEY_PLACE, key);
  } catch {
    // a browser that keeps nothing: the key holds until the page is left
  }
  if (key) history.replaceState(history.state, "", location.pathname + location.search);
  return key;
}

/** The server did not accept it. @param {string} key @returns {Failure} */
function wrongKey(key) {
  try {
    if (sessionStorage.getItem(KEY_PLACE) === key) sessionStorage.removeItem(KEY_PLACE);
  } catch {
    // nothing is kept
  }
  return new Failure("keyWrong");
}

/** @returns {URL} with the extension events, and `ws:` or `wss:` as the page itself came */
export function realtimeAddress() {
  const url = address("v1/realtime?stretto=1");
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

const BASIC = { asr: /^pocketsphinx/, llm: /^offline/, tts: /^(flite|espeak)/ };

/**
 * Which engines are simulated, and which are the ones that need no download.
 * @param {Health} health
 */
export function engineKinds({ engines }) {
  const kinds = /** @type {("asr" | "llm" | "tts")[]} */ (["asr", "llm", "tts"]);
  return {
    simulated: kinds.filter((kind) => engines[kind]?.simulated),
    basic: kinds.filter((kind) => BASIC[kind].test(engines[kind]?.name ?? "")),
  };
}
