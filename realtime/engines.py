"""From the settings to the engines."""

from __future__ import annotations

from audio.asr.registry import make_recognizer
from realtime.server import Engines
from realtime.settings import Settings
from scheduler.errors import SettingsError
from think_loop.registry import make_language_model
from tts.registry import default_voice_spec, make_voice


def make_engines(settings: Settings) -> Engines:
    """The engines that the settings name, not yet warm. Raises ``SettingsError`` for an unknown spec, and for a language
    that the recogniser does not know: nothing would be heard."""
    engines = settings.engines
    options: dict[str, object] = {}
    if engines.llm.startswith("openai"):
        options = {
            "connect_timeout_seconds": engines.llm_connect_timeout_seconds,
            "first_token_timeout_seconds": engines.llm_first_token_timeout_seconds,
            "token_timeout_seconds": engines.llm_token_timeout_seconds,
            "retries": engines.llm_retries,
        }
    recognizer = make_recognizer(engines.asr)
    if not recognizer.knows_language(settings.agent.language):
        raise SettingsError(
            f"{recognizer.name} does not know the language {settings.agent.language!r} of agent.language; choose another "
            "recogniser (such as --asr whisper:small), or set agent.language to one it knows (en)."
        )
    return Engines(
        recognizer=recognizer,
        language_model=make_language_model(engines.llm, **options),
        voice=make_voice(settings.voice_spec(default_voice_spec)),
    )
