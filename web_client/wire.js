// The websocket of one call: JSON events both ways.

import { Failure } from "./failures.js";

/** Half a minute of microphone audio. A line that is so far behind is of no use any more, and is closed. */
const MAX_BEHIND_BYTES = 2 * 1024 * 1024;

/** @typedef {{type: string, [field: string]: any}} WireEvent */

export class Wire {
  /**
   * @param {(event: WireEvent) => void} onEvent
   * @param {(code: number, reason: string) => void} onClose not called after `close()`
   */
  constructor(onEvent, onClose) {
    this.onEvent = onEvent;
    this.onClose = onClose;
    /** @type {WebSocket | null} */
    this.socket = null;
  }

  /** Resolves when the connection stands. @param {URL} address @param {string} secret "" for none */
  open(address, secret) {
    const protocols = ["realtime", ...(secret ? [`openai-insecure-api-key.${secret}`] : [])];
    return new Promise((resolve, reject) => {
      const socket = makeSocket(address, protocols);
      this.socket = socket;
      socket.onopen = () => {
        socket.onclose = ({ code, reason }) => this.onClose(code, reason);
        resolve(undefined);
      };
      socket.onclose = ({ code }) => reject(new Failure(code === 1013 ? "serverBusy" : "serverGone"));
      socket.onmessage = ({ data }) => this.onEvent(JSON.parse(data));
    });
  }

  /** @param {WireEvent} event */
  send(event) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_BEHIND_BYTES) {
      this.close();
      this.onClose(1006, "");
      return;
    }
    this.socket.send(JSON.stringify(event));
  }

  close() {
    if (!this.socket) return;
    this.socket.onclose = this.socket.onmessage = this.socket.onopen = null;
    this.socket.close(1000);
  }
}

/** @param {URL} address @param {string[]} protocols */
function makeSocket(address, protocols) {
  try {
    return new WebSocket(address, protocols);
  } catch {
    throw new Failure("keyWrong"); // letters that no subprotocol can carry
  }
}
