"""The voices that sessions may ask for by name."""

from __future__ import annotations

from scheduler.errors import SettingsError
from tts.registry import make_voice
from tts.voice import Voice


class VoiceBook:
    """Other voices of the server's speech engine, made when first asked for and shared by all sessions."""

    def __init__(self) -> None:
        self._voices: dict[str, Voice | None] = {}

    def named(self, name: str, default: Voice) -> Voice:
        """The voice ``name`` of the engine of ``default`` ("rms" of "flite:slt"), or ``default`` if it has none.

        Names of other providers' voices are accepted and spoken by ``default``, so that any client works.
        """
        family = default.name.partition(":")[0]
        spec = f"{family}:{name.removeprefix(f'{family}:')}"
        if spec == default.name:
            return default
        if spec not in self._voices and len(self._voices) < 64:
            try:
                self._voices[spec] = make_voice(spec)
            except SettingsError:
                self._voices[spec] = None
        return self._voices.get(spec) or default

    async def close(self) -> None:
        for voice in self._voices.values():
            if voice is not None:
                await voice.close()
        self._voices.clear()
