"""Pure: the session object of the OpenAI Realtime protocol, as clients may set it.

A ``session.update`` is merged deeply into the present object (``merge``), and the whole is checked then
(``check_session``), so that an error leaves everything as it was.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    TypeAdapter,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

Json = dict[str, Any]


class Open(BaseModel):
    """Fields that we don't know are kept and echoed."""

    model_config = ConfigDict(extra="allow", frozen=True)


class PcmFormat(Open):
    type: Literal["audio/pcm"]
    rate: Literal[24000] = 24000


class PcmuFormat(Open):
    type: Literal["audio/pcmu"]


class PcmaFormat(Open):
    type: Literal["audio/pcma"]


AudioFormat = Annotated[PcmFormat | PcmuFormat | PcmaFormat, Field(discriminator="type")]


class ServerVad(Open):
    """Defaults as the API documents them."""

    type: Literal["server_vad"]
    threshold: float = Field(default=0.5, ge=0, le=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=10_000)
    silence_duration_ms: int = Field(default=500, ge=0, le=10_000)
    idle_timeout_ms: int | None = Field(default=None, ge=5_000, le=30_000)
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(Open):
    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetectionSetting = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class Transcription(Open):
    model: str | None = None
    language: str | None = None
    prompt: str | None = None


class NoiseReduction(Open):
    type: Literal["near_field", "far_field"] | None = None


class AudioInput(Open):
    format: AudioFormat
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetectionSetting | None = None


class AudioOutput(Open):
    format: AudioFormat
    voice: str | Json
    speed: float = Field(default=1.0, ge=0.25, le=1.5)


NAMELESS = "nameless_function"
"""The kind of error that a tool without a name is."""


class ItemTool(Open):
    """A function; other kinds (``mcp``) are echoed and not used."""

    type: str = "function"
    name: str | None = None
    description: str | None = None
    parameters: Json | None = None

    @model_validator(mode="after")
    def _a_function_has_a_name(self) -> Self:
        if self.type == "function" and not self.name:
            raise PydanticCustomError(NAMELESS, "a function has a name")
        return self


ToolChoice = Literal["auto", "none", "required"] | Json
MaxTokens = Annotated[int, Field(ge=1, le=10**9)] | Literal["inf"]
Modalities = list[Literal["text", "audio"]]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
"""Those of the API, and none at all."""


class Reasoning(Open):
    effort: ReasoningEffort | None = None


class RealtimeAudio(Open):
    input: AudioInput
    output: AudioOutput


class TranscriptionAudio(Open):
    input: AudioInput


_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def _language_tag(tag: str) -> str:
    if len(tag) > 35 or not _LANGUAGE.fullmatch(tag):
        raise PydanticCustomError("language_tag", "Input should be a BCP 47 language tag, such as 'en' or 'pt-BR'")
    return tag


class StrettoSettings(BaseModel):
    """This server's own settings; what is absent, or null, is as the server has it. ``policy``: how patient the agent
    is with pauses, before ``semantic_vad``'s eagerness. ``language``: the caller's (BCP 47), before the transcription's.

    No other client knows these, so what is misspelt is an error and nothing that is newer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: StrictBool = False
    effort: Literal["auto", "reflex", "considered", "deep"] = "auto"
    policy: Literal["eager", "balanced", "patient"] | None = None
    fillers: StrictBool | None = None
    drafts: StrictBool | None = None
    language: Annotated[str, AfterValidator(_language_tag)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None or name not in cls.model_fields}


class RealtimeSession(Open):
    type: Literal["realtime"]
    model: str
    output_modalities: Modalities = Field(min_length=1)
    instructions: str
    tools: list[ItemTool]
    tool_choice: ToolChoice
    max_output_tokens: MaxTokens
    audio: RealtimeAudio
    tracing: Any = None
    reasoning: Reasoning | None = None
    stretto: StrettoSettings | None = None

    @field_validator("output_modalities")
    @classmethod
    def _one_modality(cls, modalities: list[str]) -> list[str]:
        """The API takes one of the two; clients that ask for both get audio, which carries its transcript."""
        return ["audio"] if "audio" in modalities else ["text"]


class TranscriptionSession(Open):
    type: Literal["transcription"]
    audio: TranscriptionAudio
    stretto: StrettoSettings | None = None


AnySession = RealtimeSession | TranscriptionSession
_ADAPTERS: dict[str, TypeAdapter[AnySession]] = {
    "realtime": TypeAdapter(RealtimeSession),
    "transcription": TypeAdapter(TranscriptionSession),
}


def check_session(session: Json) -> AnySession:
    """Raises ``pydantic.ValidationError``."""
    return _ADAPTERS[session["type"]].validate_python(session)


_TAGGED = frozenset({"format", "turn_detection"})
"""Objects that are replaced, not merged, when their ``type`` changes."""
_WHOLE = frozenset({"tools", "tool_choice", "tracing", "prompt", "truncation", "include", "metadata", "parameters"})
"""Values that are replaced as a whole."""


def merge(present: Json, update: Json) -> Json:
    """``update`` merged deeply into ``present``; ``null`` sets null, a changed ``type`` starts from the defaults."""
    merged = dict(present)
    for key, value in update.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and _mergeable(key, old, value):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def _mergeable(key: str, old: Json, new: Json) -> bool:
    if key in _TAGGED and "type" in new and new["type"] != old.get("type"):
        return False
    return key not in _WHOLE
