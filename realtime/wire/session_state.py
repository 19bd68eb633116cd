"""Pure: one session's object on the wire: its defaults, updates, echo, and what it means to the kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from realtime.wire.errors import WireError, from_validation
from realtime.wire.session_port import FunctionTool, SessionConfig
from realtime.wire.session_types import (
    AnySession,
    AudioInput,
    Json,
    RealtimeSession,
    SemanticVad,
    ServerVad,
    StrettoSettings,
    check_session,
    merge,
)
from scheduler.policy import EAGERNESS, TurnDetection, TurnMode

EFFORT_NAMES = {"reflex": "none", "considered": "medium", "deep": "high"}
"""``stretto.effort`` as the protocol's ``reasoning.effort``; ``auto`` leaves the choice to that, or to the server."""

PCM_FORMAT: Json = {"type": "audio/pcm", "rate": 24000}


@dataclass(frozen=True, slots=True)
class SessionDefaults:
    """What a session is before its client says anything. ``model`` is echoed only; the engine is the server's."""

    instructions: str
    turn_detection: TurnDetection
    voice: str = "default"
    model: str = "stretto"
    language: str | None = None


def detection_as_json(detection: TurnDetection) -> Json | None:
    """The protocol's object for ``detection``."""
    if detection.mode is TurnMode.MANUAL:
        return None
    answering = {
        "create_response": detection.create_response,
        "interrupt_response": detection.interrupt_response,
    }
    if detection.mode is TurnMode.SEMANTIC:
        return {"type": "semantic_vad", "eagerness": "auto", **answering}
    idle = detection.idle_timeout_seconds
    return {
        "type": "server_vad",
        "threshold": detection.threshold,
        "prefix_padding_ms": round(detection.prefix_padding_seconds * 1000),
        "silence_duration_ms": round(detection.silence_seconds * 1000),
        "idle_timeout_ms": None if idle is None else round(idle * 1000),
        **answering,
    }


def initial_session(defaults: SessionDefaults, *, transcription: bool, model: str | None = None) -> Json:
    """The session object before any update. A transcription session transcribes from the start."""
    audio_input: Json = {
        "format": dict(PCM_FORMAT),
        "transcription": {"model": "stretto"} if transcription else None,
        "noise_reduction": None,
        "turn_detection": detection_as_json(defaults.turn_detection),
    }
    if transcription:
        return {"type": "transcription", "audio": {"input": audio_input}}
    return {
        "type": "realtime",
        "model": model or defaults.model,
        "output_modalities": ["audio"],
        "instructions": defaults.instructions,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "audio": {
            "input": audio_input,
            "output": {"format": dict(PCM_FORMAT), "voice": defaults.voice, "speed": 1.0},
        },
    }


class SessionState:
    """The session object, checked after every update; an update that is refused changes nothing.

    ``extensions``: the client asked for ``stretto.*`` events when it connected, and has them unless it says otherwise.
    """

    def __init__(
        self,
        session_id: str,
        defaults: SessionDefaults,
        *,
        transcription: bool = False,
        model: str | None = None,
        extensions: bool = False,
    ) -> None:
        self.session_id = session_id
        self._extensions = extensions
        self._defaults = defaults
        self._model = model
        self._instructions_set = False
        self._checked = self._check(initial_session(defaults, transcription=transcription, model=model))

    # --- updates --------------------------------------------------------------------------------------

    def update(self, changes: Json, *, may_change_type: bool = False) -> None:
        """Merge a client's ``session``. Raises ``WireError``, and then nothing has changed.

        ``may_change_type``: nothing has happened yet, so the session may still become one of the other type.
        """
        present = self._dump()
        wanted = changes.get("type", present["type"])
        if wanted not in ("realtime", "transcription"):
            raise WireError(
                "Invalid 'session.type': it is 'realtime' or 'transcription'.", "invalid_value", "session.type"
            )
        if wanted != present["type"]:
            if not may_change_type:
                message = f"This is a {present['type']} session; its type can't be changed any more."
                raise WireError(message, "invalid_value", "session.type")
            present = initial_session(self._defaults, transcription=wanted == "transcription", model=self._model)
        self._checked = self._check(merge(present, _without_identity(changes)))
        self._instructions_set = self._instructions_set or isinstance(changes.get("instructions"), str)

    def _check(self, session: Json) -> AnySession:
        try:
            return check_session(self._with_events(session))
        except ValidationError as error:
            raise from_validation(error, "session", StrettoSettings.model_fields) from None

    def _with_events(self, session: Json) -> Json:
        own = session.get("stretto")
        if not self._extensions or not (own is None or isinstance(own, dict)):
            return session
        own = own or {}
        return session | {"stretto": own | ({"events": True} if own.get("events") is None else {})}

    # --- what it says ---------------------------------------------------------------------------------

    def echo(self) -> Json:
        """The ``session`` of ``session.created`` and ``session.updated``: all defaults resolved."""
        kind = "realtime.session" if self.is_realtime else "realtime.transcription_session"
        return {"id": self.session_id, "object": kind, **self._dump()}

    def _dump(self) -> Json:
        return _without_absent(self._checked.model_dump(mode="json"))

    @property
    def is_realtime(self) -> bool:
        return isinstance(self._checked, RealtimeSession)

    @property
    def input(self) -> AudioInput:
        return self._checked.audio.input

    @property
    def input_format(self) -> str:
        """``audio/pcm``, ``audio/pcmu`` or ``audio/pcma``."""
        return self.input.format.type

    @property
    def output_format(self) -> str:
        return self._checked.audio.output.format.type if isinstance(self._checked, RealtimeSession) else "audio/pcm"

    @property
    def transcribes(self) -> bool:
        """The client wants transcription events."""
        return self.input.transcription is not None

    @property
    def audible(self) -> bool:
        """Answers are spoken unless their request says otherwise."""
        return isinstance(self._checked, RealtimeSession) and self._checked.output_modalities == ["audio"]

    @property
    def wants_extensions(self) -> bool:
        """``stretto.*`` events are sent."""
        return self._own.events

    @property
    def _own(self) -> StrettoSettings:
        return self._checked.stretto or StrettoSettings()

    def response_defaults(self) -> Json:
        """The fields a ``response`` object takes over from the session."""
        session = self._checked
        if not isinstance(session, RealtimeSession):
            return {"output_modalities": ["text"], "max_output_tokens": "inf"}
        output = {"format": session.audio.output.format.model_dump(mode="json"), "voice": session.audio.output.voice}
        return {
            "output_modalities": list(session.output_modalities),
            "max_output_tokens": session.max_output_tokens,
            "audio": {"output": output},
        }

    # --- what it means --------------------------------------------------------------------------------

    def config(self) -> SessionConfig:
        """The same for the kernel."""
        session, transcription = self._checked, self.input.transcription
        (detection, eagerness), own = self._turn_detection(), self._own
        config = SessionConfig(
            turn_detection=detection,
            eagerness=own.policy or eagerness,
            language=own.language or (transcription.language if transcription else None) or self._defaults.language,
            fillers=own.fillers,
            drafts=own.drafts,
        )
        if not isinstance(session, RealtimeSession):
            silent = replace(detection, create_response=False, interrupt_response=False)
            return replace(config, turn_detection=silent, audible=False, transcription_only=True)
        extra = session.model_extra or {}
        return replace(
            config,
            instructions=session.instructions if self._instructions_set else None,
            audible=self.audible,
            tools=function_tools([tool.model_dump() for tool in session.tools]),
            tool_choice=tool_choice_name(session.tool_choice),
            max_output_tokens=token_limit(session.max_output_tokens),
            temperature=_number(extra.get("temperature")),
            voice=voice_name(session.audio.output.voice),
            reasoning_effort=EFFORT_NAMES.get(own.effort) or (session.reasoning.effort if session.reasoning else None),
        )

    def _turn_detection(self) -> tuple[TurnDetection, str | None]:
        base = self._defaults.turn_detection
        match self.input.turn_detection:
            case None:
                return replace(base, mode=TurnMode.MANUAL, idle_timeout_seconds=None), None
            case SemanticVad() as semantic:
                detection = replace(
                    base,
                    mode=TurnMode.SEMANTIC,
                    idle_timeout_seconds=None,
                    create_response=semantic.create_response,
                    interrupt_response=semantic.interrupt_response,
                )
                return detection, None if semantic.eagerness == "auto" else EAGERNESS[semantic.eagerness]
            case ServerVad() as server:
                return _server_vad(server), None


def _server_vad(server: ServerVad) -> TurnDetection:
    idle = server.idle_timeout_ms
    return TurnDetection(
        mode=TurnMode.SILENCE,
        threshold=server.threshold,
        prefix_padding_seconds=server.prefix_padding_ms / 1000,
        silence_seconds=server.silence_duration_ms / 1000,
        idle_timeout_seconds=None if idle is None else idle / 1000,
        create_response=server.create_response,
        interrupt_response=server.interrupt_response,
    )


_IDENTITY = frozenset({"id", "object", "expires_at"})
_NULLABLE = frozenset({"transcription", "noise_reduction", "turn_detection", "idle_timeout_ms", "tracing"})
_AS_SENT = frozenset({"parameters", "tool_choice", "tracing", "prompt", "truncation", "include"})


def _without_identity(changes: Json) -> Json:
    return {key: value for key, value in changes.items() if key not in _IDENTITY}


def _without_absent(value: Json) -> Json:
    """Without the fields that hold nothing, except those that the API describes as nullable."""
    kept: Json = {}
    for key, inner in value.items():
        if inner is None and key not in _NULLABLE:
            continue
        kept[key] = inner if key in _AS_SENT else _clean(inner)
    return kept


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_absent(value)
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return value


def function_tools(tools: list[Json]) -> tuple[FunctionTool, ...]:
    """The functions among ``tools``; other kinds are not run here."""
    return tuple(
        FunctionTool(tool["name"], tool.get("description") or "", tool.get("parameters") or {})
        for tool in tools
        if tool.get("type", "function") == "function" and tool.get("name")
    )


def tool_choice_name(choice: str | Json) -> str:
    """``auto``, ``none``, ``required``, or the name in ``{"type": "function", "name": …}``."""
    if isinstance(choice, str):
        return choice
    name = choice.get("name")
    return name if isinstance(name, str) and choice.get("type", "function") == "function" else "auto"


def token_limit(limit: object) -> int | None:
    return limit if isinstance(limit, int) else None


def voice_name(voice: object) -> str | None:
    """The name in ``"marin"`` or ``{"id": "voice_1"}``."""
    name = voice.get("id") if isinstance(voice, dict) else voice
    return name if isinstance(name, str) and name != "default" else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
