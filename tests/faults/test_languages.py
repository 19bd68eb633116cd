"""A language that the recogniser doesn't know must leave nobody unheard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings, SimulatedStream
from realtime.engines import make_engines
from realtime.settings import Settings
from realtime.wire.session_port import SessionConfig
from scheduler.errors import RecognizerError, SettingsError
from tests.faults.scenes import ANSWER, QUESTION, calling, in_virtual_time, quiet, simulated_engines, simulated_settings


class Narrow(SimulatedRecognizer):
    """Knows English and French."""

    def __init__(self) -> None:
        super().__init__((QUESTION,), SimulatedSettings(revision_probability=0.0))
        self.languages: list[str | None] = []

    def knows_language(self, language: str) -> bool:
        return language in ("en", "fr")

    async def open(self, *, language: str | None = None) -> SimulatedStream:
        if language is not None and not self.knows_language(language):
            raise RecognizerError("it doesn't know this language")
        self.languages.append(language)
        return await super().open(language=language)


@pytest.mark.parametrize("asr", ["pocketsphinx", "whisper:small.en"])
def test_a_server_refuses_to_start_in_a_language_its_recogniser_does_not_know(asr: str) -> None:
    if asr.startswith("whisper"):
        pytest.importorskip("faster_whisper")
    settings = Settings.model_validate({"engines": {"asr": asr, "tts": "simulated"}, "agent": {"language": "de"}})
    with pytest.raises(SettingsError, match=rf"^{asr} does not know the language 'de' of agent.language; .*\.$"):
        make_engines(settings)


def test_a_callers_unknown_language_leaves_the_call_in_the_servers_own() -> None:
    async def main() -> None:
        recognizer, settings = Narrow(), simulated_settings()
        config = SessionConfig(settings.turn_detection, language="de")
        async with calling(simulated_engines(recognizer=recognizer), settings, config) as call:
            await call.ask()
            call.session.configure(replace(config, language="tlh"))
            await call.ask()
            assert call.door.said == [ANSWER] * 2
        assert recognizer.languages == ["en"]

    in_virtual_time(main)


def test_a_callers_later_language_reaches_the_recogniser() -> None:
    async def main() -> None:
        recognizer, settings = Narrow(), simulated_settings()
        config = SessionConfig(settings.turn_detection)
        async with calling(simulated_engines(recognizer=recognizer), settings, config) as call:
            await call.speak(quiet(0.5))
            call.session.configure(replace(config, language="fr"))
            await call.ask()
            assert call.door.said == [ANSWER]
        assert recognizer.languages == ["en", "fr"]

    in_virtual_time(main)
