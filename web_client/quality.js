// Pure: how good a connection is, from what WebRTC counts.

/**
 * @typedef {object} Quality
 * @property {"good" | "fair" | "poor" | "lost"} level
 * @property {number | null} rttMs there and back
 * @property {number | null} lossPercent of the worse direction
 * @property {number | null} jitterMs of the worse direction
 * @property {number | null} [concealedPercent] of what was heard: made up for what came too late or not at all
 * @property {string} path such as "udp host", "udp relay", "websocket"
 */
/**
 * What is counted from the beginning of a connection.
 * @typedef {object} Counts
 * @property {number} received packets
 * @property {number} lost packets on the way here
 * @property {number} samples that were played
 * @property {number} concealed samples among them
 * @property {number | null} lossThere part of the packets sent that were lost, as the server last reported
 * @property {number} jitterHere seconds
 * @property {number} jitterThere seconds
 * @property {number | null} rtt seconds
 * @property {string} path
 */

/** Beyond these, speech suffers to be heard (ITU-T G.114 on delay; Opus conceals single losses well), or breaks up. */
const FAIR = { rttMs: 200, lossPercent: 2, jitterMs: 30, concealedPercent: 3 };
const POOR = { rttMs: 400, lossPercent: 8, jitterMs: 80, concealedPercent: 10 };

/** @param {Omit<Quality, "level">} measured @returns {Quality["level"]} */
export function classify(measured) {
  const exceeds = (/** @type {typeof FAIR} */ marks) =>
    /** @type {(keyof typeof FAIR)[]} */ (Object.keys(marks)).some((name) => (measured[name] ?? 0) > marks[name]);
  return exceeds(POOR) ? "poor" : exceeds(FAIR) ? "fair" : "good";
}

/** The entries of an `RTCStatsReport` as counts. @param {any[]} stats @returns {Counts} */
export function countsOf(stats) {
  const byId = new Map(stats.map((entry) => [entry.id, entry]));
  const of = (/** @type {string} */ type) => stats.find((entry) => entry.type === type) ?? {};
  const transport = of("transport");
  const pair =
    byId.get(transport.selectedCandidatePairId) ??
    stats.find((entry) => entry.type === "candidate-pair" && (entry.selected || (entry.nominated && entry.state === "succeeded"))) ??
    {};
  const here = of("inbound-rtp");
  const there = of("remote-inbound-rtp");
  const local = byId.get(pair.localCandidateId) ?? {};
  return {
    received: here.packetsReceived ?? 0,
    lost: Math.max(here.packetsLost ?? 0, 0),
    samples: here.totalSamplesReceived ?? 0,
    concealed: Math.max((here.concealedSamples ?? 0) - (here.silentConcealedSamples ?? 0), 0),
    lossThere: there.fractionLost ?? null,
    jitterHere: here.jitter ?? 0,
    jitterThere: there.jitter ?? 0,
    rtt: pair.currentRoundTripTime ?? there.roundTripTime ?? null,
    path: [local.relayProtocol ?? local.protocol, local.candidateType].filter(Boolean).join(" "),
  };
}

const percent = (/** @type {number} */ part, /** @type {number} */ whole) => (whole > 0 ? (100 * part) / whole : 0);

/** How it was between two counts. @param {Counts} before @param {Counts} now @returns {Quality} */
export function qualityBetween(before, now) {
  const lost = Math.max(now.lost - before.lost, 0);
  const lossHere = percent(lost, lost + now.received - before.received);
  const measured = {
    rttMs: now.rtt === null ? null : Math.round(now.rtt * 1000),
    lossPercent: round(Math.max(lossHere, (now.lossThere ?? 0) * 100)),
    jitterMs: Math.round(Math.max(now.jitterHere, now.jitterThere) * 1000),
    concealedPercent: round(percent(now.concealed - before.concealed, now.samples - before.samples)),
    path: now.path,
  };
  return { level: classify(measured), ...measured };
}

const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;

/** @returns {Quality} */
export const lostQuality = () => ({ level: "lost", rttMs: null, lossPercent: null, jitterMs: null, path: "" });
