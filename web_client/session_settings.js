// Pure: the session that a page asks the server for, from what its user has chosen.

/** @typedef {import("./settings_store.js").Settings} Settings */

const FORMAT = { type: "audio/pcm", rate: 24000 };

/**
 * The `session` of `session.update`. What is left to the server is sent as null, so that taking a choice back works
 * within a call, too; only instructions and a voice stay until others are chosen.
 * @param {Settings} settings @param {boolean} isAudible answers are spoken
 */
export function sessionOf(settings, isAudible) {
  const turn_detection = settings.pushToTalk ? null : { type: "semantic_vad" };
  const voice = settings.voice ? { voice: settings.voice } : {};
  return {
    type: "realtime",
    output_modalities: [isAudible ? "audio" : "text"],
    ...(settings.instructions ? { instructions: settings.instructions } : {}),
    audio: {
      input: { format: FORMAT, transcription: { model: "default" }, turn_detection },
      output: { format: FORMAT, ...voice },
    },
    stretto: { events: true, policy: settings.policy || null, fillers: settings.fillers },
  };
}
