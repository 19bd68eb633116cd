"""Makes a language model from its spec."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from scheduler.errors import SettingsError
from think_loop.language_model import LanguageModel

KNOWN_SPECS = ("offline", "simulated", "openai:URL#MODEL", "openai#MODEL")

S = TypeVar("S")


def make_language_model(spec: str, **settings: Any) -> LanguageModel:
    """The engine that ``spec`` names. ``settings`` are fields of the engine's own settings class.

    Raises ``SettingsError``, one clear sentence, for an unknown or incomplete spec or setting. Nothing is
    loaded or reached yet: ``warm_up`` does that.
    """
    address, mark, model = spec.strip().partition("#")
    kind, _, url = address.partition(":")
    if kind == "openai":
        return _openai(spec, url, model, settings)
    if mark or url:
        raise SettingsError(f"The language model {spec!r} is unknown; use one of {', '.join(KNOWN_SPECS)}.")
    if kind == "offline":
        from think_loop.engines.offline.engine import OfflineBrain, OfflineSettings

        return OfflineBrain(_checked(OfflineSettings, spec, settings))
    if kind == "simulated":
        from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings

        return SimulatedModel(_checked(SimulatedModelSettings, spec, settings))
    raise SettingsError(f"The language model {spec!r} is unknown; use one of {', '.join(KNOWN_SPECS)}.")


def _openai(spec: str, url: str, model: str, settings: dict[str, Any]) -> LanguageModel:
    if not model:
        raise SettingsError(
            f"The language model {spec!r} names no model; write openai:URL#MODEL, such as "
            "openai:http://127.0.0.1:8000/v1#Qwen/Qwen3-8B."
        )
    # imported here: the client library takes about a second to import
    from think_loop.engines.openai_compatible import OpenAICompatible, OpenAICompatibleSettings

    return OpenAICompatible(url or None, model, _checked(OpenAICompatibleSettings, spec, settings))


def _checked(settings_class: type[S], spec: str, settings: dict[str, Any]) -> S:
    known = {field.name for field in dataclasses.fields(settings_class)}  # type: ignore[arg-type]
    unknown = sorted(set(settings) - known)
    if unknown:
        raise SettingsError(
            f"The language model {spec!r} has no setting {unknown[0]!r}; it has {', '.join(sorted(known))}."
        )
    return settings_class(**settings)
