// Pure: everything that can go wrong, by name. The sentences stand in strings.js.

/**
 * @typedef {"insecure" | "oldBrowser" | "noPermission" | "noDevice" | "deviceBusy" | "microphoneLost"
 *   | "mediaBlocked" | "noWebRtc" | "noSpeaker" | "recordingFull" | "connectionLost" | "serverGone" | "serverWarming" | "serverStopping" | "serverBusy" | "keyNeeded" | "keyWrong"
 *   | "callEnded" | "answerFailed" | "wordsLost" | "refused" | "unexpected"} FailureName
 */

export class Failure extends Error {
  /** @param {FailureName} kind @param {string} [detail] what the server or the browser said, as it said it */
  constructor(kind, detail = "") {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
  }
}

/** @type {Record<string, FailureName>} names of DOMExceptions of getUserMedia */
const MICROPHONE = {
  NotAllowedError: "noPermission",
  SecurityError: "noPermission",
  NotFoundError: "noDevice",
  OverconstrainedError: "noDevice",
  NotReadableError: "deviceBusy",
  AbortError: "deviceBusy",
};

/** @param {any} error @returns {Failure} */
export function microphoneFailure(error) {
  return new Failure(MICROPHONE[error?.name] ?? "deviceBusy", error?.message ?? "");
}

/** These leave the conversation possible by typing. @param {FailureName} name */
export const isAboutMicrophone = (name) =>
  ["insecure", "noPermission", "noDevice", "deviceBusy", "microphoneLost"].includes(name);

/** Sound can't flow this way; the websocket may do. @param {FailureName} name */
export const isAboutMedia = (name) => ["mediaBlocked", "noWebRtc"].includes(name);

/** These pass by themselves; the call goes on. @param {FailureName} name */
export const isPassing = (name) => ["answerFailed", "wordsLost", "refused"].includes(name);
