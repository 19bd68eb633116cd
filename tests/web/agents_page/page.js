// A page as its users write it: the SDK does all of the call, and what it tells is kept for the test to read.

import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } from "/sdk/openai-realtime-agents.mjs";
import { Recording } from "/recording.js";

const temperature = tool({
  name: "get_temperature",
  description: "The temperature in a city.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  execute: async ({ city }) => `it is seventy degrees in ${city}`,
});

class Call {
  /** What the SDK's session tells: its items, its errors, and every event of the server as it came. */
  history = [];
  errors = [];
  events = [];
  tools = [];
  /** By type: how often it came, and how often the SDK found it as its schema says. */
  came = {};
  fitted = {};

  /** `address`: of the server. With `own_transport` it is given to a transport of the page's, else to `connect`. */
  async begin({ address, secret, own_transport = false, instructions = "Be brief." }) {
    const url = `${address}/v1/realtime/calls`;
    const agent = new RealtimeAgent({ name: "agent", instructions, tools: [temperature] });
    const options = own_transport ? { transport: new OpenAIRealtimeWebRTC({ baseUrl: url }), tracingDisabled: true } : {};
    this.session = new RealtimeSession(agent, options);
    this.#keep();
    await this.session.connect({ apiKey: secret, ...(own_transport ? {} : { url }) });
    const { peerConnection } = this.session.transport.connectionState;
    const [microphone] = peerConnection.getSenders().map((sender) => sender.track);
    const [agentTrack] = peerConnection.getReceivers().map((receiver) => receiver.track);
    // a clone hears on when the SDK mutes its own
    this.recording = await Recording.of(microphone.clone(), agentTrack);
  }

  #keep() {
    const { session } = this;
    session.on("history_updated", (history) => { this.history = structuredClone(history); this.#show(); });
    session.on("error", (error) => { this.errors.push(told(error)); this.#show(); });
    session.on("transport_event", (event) => this.events.push(event));
    session.on("agent_tool_end", (_context, _agent, { name }, result) => this.tools.push([name, result]));
    session.transport.on("*", ({ type }) => this.#count(type));
  }

  /** The transport emits an event under its own name only if it fits the SDK's schema. */
  #count(type) {
    if (!(type in this.came)) this.session.transport.on(type, () => { this.fitted[type] = (this.fitted[type] ?? 0) + 1; });
    this.came[type] = (this.came[type] ?? 0) + 1;
  }

  get misfits() {
    return Object.keys(this.came).filter((type) => this.came[type] !== this.fitted[type]);
  }

  count(type) {
    return this.came[type] ?? 0;
  }

  /** Texts of the messages of one role, in their order. */
  texts(role) {
    const messages = this.history.filter((item) => item.type === "message" && item.role === role);
    return messages.map(({ content }) => content.map((part) => part.text ?? part.transcript ?? "").join(" "));
  }

  #show() {
    const lines = this.history.map((item) => JSON.stringify(item));
    document.getElementById("told").textContent = [...lines, ...this.errors].join("\n");
  }
}

function told(error) {
  return JSON.stringify(error, (_name, value) => (value instanceof Error ? String(value) : value));
}

window.call = new Call();
