// What the page asks the server over plain HTTP: its state, and a short-lived secret for a key.

import { Failure } from "./failures.js";

/** @typedef {{name: string, warm: boolean, simulated: boolean}} Engine */
/**
 * @typedef {object} Health
 * @property {"ok" | "warming" | "stopping"} status
 * @property {{asr: Engine, llm: Engine, tts: Engine}} engines
 * @property {boolean} has_room
 * @property {boolean} key_required
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
  if (answer.status === 401) throw new Failure("keyWrong");
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
