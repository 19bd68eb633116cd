// Sound and events over WebRTC: one peer connection at a time, and a new one when its path breaks.

import { Earpiece } from "./earpiece.js";
import { Failure } from "./failures.js";
import { LevelMeter } from "./level_meter.js";
import { FirstSounds, SpeechEnds } from "./loudness.js";
import { rms } from "./pcm.js";
import { Peer } from "./peer.js";
import { QualityWatch } from "./quality_watch.js";
import { RecentNames } from "./recent_names.js";
import { Repair } from "./repair.js";
import { endCall, readIceServers, reconnectCall, startCall, whyEnded } from "./server.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./line.js").Line} Line */
/** @typedef {import("./line.js").LineEvents} LineEvents */
/** @typedef {import("./microphone.js").Microphone} Microphone */
/** @typedef {import("./wire.js").WireEvent} WireEvent */

/** A path that is not found in this time is not found later either: most are there in half a second. */
const ESTABLISHED_MS = 8000;
/** More events than come while a new path is made in place of one that still lives. */
const EVENTS_KNOWN = 500;

/** @implements {Line} */
export class WebRtcLine {
  kind = /** @type {const} */ ("webrtc");
  isAudible = true;
  /** The network and the server's jitter buffer. */
  tailSeconds = 0.2;

  /** @param {Desk} desk @param {Microphone} microphone @param {LineEvents} events */
  constructor(desk, microphone, events) {
    this.desk = desk;
    this.events = events;
    /** What is sent; null in a call without a microphone. */
    this.track = microphone.track;
    this.earpiece = new Earpiece(desk);
    this.firstSounds = new FirstSounds((id, at) => events.onFirstSound(id, at + desk.outputSeconds));
    this.speechEnds = new SpeechEnds();
    /** @type {LevelMeter[]} */
    this.meters = [];
    this.repair = new Repair(() => this.reconnect(), {
      onBroken: () => events.onBroken(),
      onRestored: () => events.onRestored(),
      onGivenUp: async (failure) => events.onClosed(failure.kind === "callEnded" ? await whyEnded() : failure),
    });
    this.quality = new QualityWatch(() => this.peer?.connection.getStats(), events.onQuality);
    /** @type {Peer | null} */
    this.peer = null;
    /** @type {RTCIceServer[]} */
    this.iceServers = [];
    this.key = "";
    this.callId = "";
    /** What came after it is sent again on a new path. */
    this.lastEventId = "";
    /** An old path that still lives brings some of it, too. */
    this.known = new RecentNames(EVENTS_KNOWN);
    /** The response that sounds, and for how long. */
    this.sounding = "";
    this.soundedSeconds = 0;
    this.isClosed = false;
  }

  // --- the path -------------------------------------------------------------------------------------

  /** @param {string} key "" where none is asked for */
  async open(key) {
    if (typeof RTCPeerConnection === "undefined") throw new Failure("noWebRtc");
    this.key = key;
    this.iceServers = await readIceServers(key);
    this.peer = await this.connect(async (offer) => {
      const { callId, answer } = await startCall(offer, key);
      this.callId = callId;
      if (this.isClosed) endCall(callId, key); // hung up before there was anything to hang up
      return answer;
    });
    this.meters = [
      new LevelMeter(this.desk.context, this.desk.user, (samples, endsAt) => this.speak(samples, endsAt)),
      new LevelMeter(this.desk.context, this.desk.agent, (samples, endsAt) => this.hear(samples, endsAt)),
    ];
    this.repair.begin();
    this.quality.begin();
  }

  async reconnect() {
    const peer = await this.connect((offer) => reconnectCall(this.callId, offer, this.key, this.lastEventId));
    this.peer?.close();
    this.peer = peer;
    this.speechEnds.forget();
    if (this.track) this.useMicrophone(this.track); // it may be another one by now
  }

  /** A new peer connection. @param {(offer: string) => Promise<string>} exchange gives the server's answer */
  async connect(exchange) {
    const peer = new Peer(this.iceServers, this.track, {
      onMessage: (text) => this.take(JSON.parse(text)),
      onTrack: (track) => this.earpiece.play(track),
      onState: (state) => this.peer === peer && this.repair.pathIs(state),
    });
    try {
      const answer = await exchange(await peer.offer());
      this.refuseIfClosed();
      await peer.accept(answer);
      await peer.established(ESTABLISHED_MS);
      this.refuseIfClosed();
      return peer;
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  /** The user may hang up at any time. */
  refuseIfClosed() {
    if (this.isClosed) throw new Failure("callEnded");
  }

  // --- events ---------------------------------------------------------------------------------------

  /** What is sent over a broken path is lost, even before anybody knows that it is broken. @param {WireEvent} event */
  send(event) {
    this.peer?.send(JSON.stringify(event));
  }

  /** @param {WireEvent} event */
  take(event) {
    if (this.isClosed || this.known.has(event.event_id)) return;
    if (event.event_id) this.known.add((this.lastEventId = event.event_id));
    this.events.onEvent(event);
    switch (event.type) {
      case "output_audio_buffer.started":
        this.begins(event.response_id);
        break;
      case "output_audio_buffer.stopped":
        this.firstSounds.stop();
        this.events.onEnded({ id: event.response_id, seconds: this.soundedSeconds });
        this.sounding = "";
        break;
      case "output_audio_buffer.cleared":
        this.firstSounds.stop();
        this.events.onCut([{ id: event.response_id, seconds: this.soundedSeconds }]);
        this.sounding = "";
        break;
      case "stretto.timeline":
        this.mark(event.name, event.fields);
    }
  }

  /** @param {string} responseId */
  begins(responseId) {
    this.sounding = responseId;
    this.soundedSeconds = 0;
    this.events.onSounding(responseId);
    this.firstSounds.expect(responseId, this.desk.now);
  }

  /** How far the server had come in the audio when it told this. @param {string} name @param {any} fields */
  mark(name, fields) {
    const since = name === "SpeechStarted" ? fields.voiced_seconds : name === "SpeechStopped" ? fields.silence_seconds : null;
    if (since !== null) this.speechEnds.reached(fields.audio_seconds + since, this.desk.now);
  }

  // --- sound ----------------------------------------------------------------------------------------

  /** @param {Float32Array} samples @param {number} endsAt */
  speak(samples, endsAt) {
    this.speechEnds.heard(samples, endsAt, this.desk.context.sampleRate);
    this.events.onInput(rms(samples));
  }

  /** @param {Float32Array} samples @param {number} endsAt */
  hear(samples, endsAt) {
    const rateHz = this.desk.context.sampleRate;
    this.firstSounds.heard(samples, endsAt, rateHz);
    if (!this.sounding) return;
    this.soundedSeconds += samples.length / rateHz;
    this.events.onProgress({ id: this.sounding, seconds: this.soundedSeconds }, rms(samples));
  }

  interrupt() {
    this.send({ type: "output_audio_buffer.clear" });
  }

  /** @param {number} audioSeconds */
  spokenAt(audioSeconds) {
    return this.speechEnds.at(audioSeconds);
  }

  /** @param {MediaStreamTrack} track */
  useMicrophone(track) {
    this.track = track;
    this.peer?.replaceTrack(track).catch(() => {}); // closed meanwhile
  }

  /** @param {string} speakerId */
  async useSpeaker(speakerId) {
    await this.earpiece.choose(speakerId);
  }

  // --- the end --------------------------------------------------------------------------------------

  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.callId) endCall(this.callId, this.key);
    this.repair.close();
    this.quality.close();
    for (const meter of this.meters) meter.close();
    this.earpiece.close();
    this.peer?.close();
  }
}
