"""From the spec of a recogniser, as given by ``--asr``, to the engine."""

from __future__ import annotations

from audio.asr.recognizer import Recognizer
from scheduler.errors import SettingsError

KNOWN_SPECS = (
    "pocketsphinx",
    "whisper:MODEL (such as whisper:small.en, or whisper:/path/to/folder)",
    "simulated",
    "simulated:eager",
)


def make_recognizer(spec: str) -> Recognizer:
    """The engine, not yet warm. Raises ``SettingsError`` for a spec that isn't known.

    Engines are imported only when chosen, so that one whose library is missing harms no other.
    """
    kind, _, detail = spec.strip().partition(":")
    match kind, detail:
        case "pocketsphinx", "":
            from audio.asr.pocketsphinx import PocketsphinxRecognizer

            return PocketsphinxRecognizer()
        case "whisper", model if model:
            from audio.asr.whisper import WhisperRecognizer

            return WhisperRecognizer(model)
        case "simulated", "":
            from audio.asr.simulated import SimulatedRecognizer

            return SimulatedRecognizer()
        case "simulated", "eager":
            from audio.asr.simulated import EAGER, SimulatedRecognizer

            return SimulatedRecognizer(settings=EAGER)
        case _:
            raise SettingsError(f"There is no recogniser {spec!r}. Known: {'; '.join(KNOWN_SPECS)}.")
