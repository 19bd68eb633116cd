// One RTCPeerConnection with its one track and its data channel; it lives as long as its path.

import { Failure } from "./failures.js";

/** Addresses found in this time go into the offer; the server needs none to answer, a relay's help more. */
const GATHERING_MS = 1000;
/** As the protocol names it. */
const CHANNEL = "oai-events";

/**
 * @typedef {object} PeerEvents
 * @property {(text: string) => void} onMessage
 * @property {(track: MediaStreamTrack) => void} onTrack
 * @property {(state: RTCPeerConnectionState | "channelClosed") => void} onState
 */

export class Peer {
  /** @param {RTCIceServer[]} iceServers @param {MediaStreamTrack | null} track @param {PeerEvents} events */
  constructor(iceServers, track, events) {
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    const direction = track ? "sendrecv" : "recvonly";
    this.transceiver = this.connection.addTransceiver(track ?? "audio", { direction });
    this.channel = this.connection.createDataChannel(CHANNEL);
    this.channel.onmessage = ({ data }) => events.onMessage(data);
    this.channel.onclose = () => events.onState("channelClosed");
    this.connection.ontrack = (event) => events.onTrack(event.track);
    this.connection.onconnectionstatechange = () => events.onState(this.connection.connectionState);
  }

  /** @returns {Promise<string>} SDP */
  async offer() {
    await this.connection.setLocalDescription();
    await this.gathered();
    return this.connection.localDescription?.sdp ?? "";
  }

  gathered() {
    const { connection } = this;
    return new Promise((resolve) => {
      const isDone = () => connection.iceGatheringState === "complete" && resolve(undefined);
      connection.addEventListener("icegatheringstatechange", isDone);
      setTimeout(resolve, GATHERING_MS);
      isDone();
    });
  }

  /** @param {string} sdp */
  async accept(sdp) {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** Resolves when events can be sent. Throws "mediaBlocked" when no path is found. @param {number} withinMs */
  async established(withinMs) {
    const blocked = () => new Failure("mediaBlocked");
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(blocked()), withinMs);
      const settle = (/** @type {() => void} */ act) => {
        clearTimeout(timer);
        act();
      };
      if (this.channel.readyState === "open") settle(() => resolve(undefined));
      this.channel.addEventListener("open", () => settle(() => resolve(undefined)));
      this.connection.addEventListener("connectionstatechange", () => {
        if (["failed", "closed"].includes(this.connection.connectionState)) settle(() => reject(blocked()));
      });
    });
  }

  /** @param {string} text */
  send(text) {
    if (this.channel.readyState === "open") this.channel.send(text);
  }

  /** @param {MediaStreamTrack} track */
  async replaceTrack(track) {
    await this.transceiver.sender.replaceTrack(track);
  }

  close() {
    this.channel.onmessage = this.channel.onclose = null;
    this.connection.ontrack = this.connection.onconnectionstatechange = null;
    this.connection.close();
  }
}
