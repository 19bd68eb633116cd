"""From the settings to the engines."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from audio.asr.registry import make_recognizer
from audio.end_of_turn.registry import make_end_of_turn
from realtime.server import Engines
from realtime.settings import EngineSettings, Settings
from realtime.user_folders import caches
from scheduler.errors import SettingsError
from think_loop.admission import Admission
from think_loop.registry import make_language_model
from think_loop.tool_loading import checked_tools, load_tools
from think_loop.tools import Tool
from tts.registry import default_voice_spec, make_voice

logger = logging.getLogger(__name__)


def make_engines(settings: Settings, tools: Iterable[Tool] = ()) -> Engines:
    """The engines that the settings name, not yet warm, with the settings' tools and those given here.

    Raises ``SettingsError`` for an unknown spec, for tools that can't be used, and for a language that the recogniser
    does not know: nothing would be heard.
    """
    engines = settings.engines
    options = _openai_options(engines) if engines.llm.startswith("openai") else {}
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
        end_of_turn=make_end_of_turn(engines.end_of_turn),
        admission=Admission(
            slots=engines.llm_slots,
            speculative_slots=engines.llm_speculative_slots,
            # where the engine knows no priorities, few speculative prompts may be read before a committed one
            speculative_starts=None if engines.llm_sends_priority else 2,
        ),
        tools=checked_tools((*tools, *load_tools(settings.agent.tools))),
        clips_folder=_usable(clips_folder(engines.clips_dir, os.environ)),
    )


def clips_folder(setting: str, environment: Mapping[str, str]) -> Path | None:
    """The folder that ``engines.clips_dir`` means; ``None``: clips are not kept, also where nobody's home is known."""
    if setting != "auto":
        return Path(setting).expanduser() if setting else None
    folder = caches(environment)
    return folder / "clips" if folder else None


def _usable(folder: Path | None) -> Path | None:
    """A folder that nothing can be written to costs only the next start its speed: it is told, once."""
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror
    else:
        why = "" if os.access(folder, os.W_OK | os.X_OK) else "permission denied"
    if why:
        logger.warning(
            "the voice's clips can't be kept in %s (%s), so that each start renders them; --clips-dir names a folder, "
            "or '' for nowhere",
            folder,
            why,
        )
    return None if why else folder


def _openai_options(engines: EngineSettings) -> dict[str, object]:
    # imported here: the client library takes about a second to import
    from think_loop.engines.openai_ahead import AheadSettings

    return {
        "connect_timeout_seconds": engines.llm_connect_timeout_seconds,
        "first_token_timeout_seconds": engines.llm_first_token_timeout_seconds,
        "token_timeout_seconds": engines.llm_token_timeout_seconds,
        "retries": engines.llm_retries,
        "sends_priority": engines.llm_sends_priority,
        "ahead": AheadSettings(engines.llm_server, engines.llm_foresees, engines.llm_verifies),
    }
