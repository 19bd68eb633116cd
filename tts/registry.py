"""Voices by spec, such as ``flite:slt``."""

from __future__ import annotations

from scheduler.errors import SettingsError
from tts.engines import espeak, flite_library
from tts.engines.espeak import EspeakVoice
from tts.engines.flite import FliteVoice
from tts.engines.flite_library import SAMPLE_RATES_HZ
from tts.engines.simulated import SimulatedVoice
from tts.voice import Voice

KNOWN_SPECS = ("flite[:slt|rms|awb|kal16|kal]", "espeak[:LANGUAGE]", "simulated[:SEED]", "simulated:streaming[:SEED]")


def make_voice(spec: str) -> Voice:
    """The voice that ``spec`` names, not yet loaded. Raises ``SettingsError`` in one sentence."""
    kind, _, option = spec.partition(":")
    match kind:
        case "flite":
            voice = FliteVoice(option or "slt")
            if not flite_library.is_installed():
                raise SettingsError(
                    "libflite is not installed: install Debian's libflite1 (apt-get install libflite1),"
                    " or use --tts espeak."
                )
            return voice
        case "espeak":
            return EspeakVoice(option or "en")
        case "simulated":
            return _simulated(option)
        case _:
            raise SettingsError(f"There is no voice {spec!r}; known are {', '.join(KNOWN_SPECS)}.")


def _simulated(option: str) -> SimulatedVoice:
    streaming = option.partition(":")[0] == "streaming"
    seed = option.partition(":")[2] if streaming else option
    if seed and not seed.isdecimal():
        raise SettingsError(f"The seed of a simulated voice is a number, not {seed!r}.")
    return SimulatedVoice(int(seed or 0), streaming=streaming)


def voice_names(spec: str) -> tuple[str, ...]:
    """Of the engine of the voice ``spec``, those that may be asked for by name; ``()`` where it has no list of its own
    (espeak's are languages)."""
    return tuple(SAMPLE_RATES_HZ) if spec.partition(":")[0] == "flite" else ()


def default_voice_spec() -> str:
    """The best voice that needs no download. Raises ``SettingsError`` when there is none."""
    if flite_library.is_installed():
        return "flite:slt"
    if espeak.is_installed():
        return "espeak:en"
    raise SettingsError(
        "No voice is installed: install Debian's libflite1 (apt-get install libflite1) or espeak-ng"
        " (apt-get install espeak-ng), or use --tts simulated to try the server without one."
    )
