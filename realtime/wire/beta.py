"""Pure: the beta form of the protocol (``OpenAI-Beta: realtime=v1``) as a translation of the GA form, both ways.

A client gets one form or the other, never both.
"""

from __future__ import annotations

from typing import Any

from realtime.wire.session_types import Json

_RENAMED = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
_ONLY_GA = frozenset({"conversation.item.done"})
_FORMATS = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
_FORMATS_BACK = {old: new for new, old in _FORMATS.items()}
_CONTENT = {"output_text": "text", "output_audio": "audio"}


# --- to the client ------------------------------------------------------------------------------------


def to_beta(event: Json) -> Json | None:
    """A GA server event in the beta form; ``None`` if it has none."""
    kind = event["type"]
    if kind in _ONLY_GA:
        return None
    beta = dict(event)
    beta["type"] = _RENAMED.get(kind, kind)
    if "item" in beta:
        beta["item"] = _item(beta["item"])
    if kind.startswith("session."):
        beta["session"] = flat_session(beta["session"])
        if beta["session"]["object"] == "realtime.transcription_session":
            beta["type"] = f"transcription_{kind}"
    if "response" in beta:
        beta["response"] = _response(beta["response"])
    return beta


def _item(item: Json) -> Json:
    if "content" not in item:
        return item
    content = [{**part, "type": _CONTENT.get(part["type"], part["type"])} for part in item["content"]]
    return item | {"content": content}


def _response(response: Json) -> Json:
    beta = {key: value for key, value in response.items() if key not in ("audio", "output_modalities")}
    beta["modalities"] = _modalities(response["output_modalities"])
    beta["output"] = [_item(item) for item in response["output"]]
    output = response.get("audio", {}).get("output")
    if output:
        beta |= {"voice": output["voice"], "output_audio_format": _FORMATS[output["format"]["type"]]}
    return beta


def _modalities(modalities: list[str]) -> list[str]:
    return ["text", "audio"] if modalities == ["audio"] else ["text"]


def flat_session(session: Json) -> Json:
    """The GA session object in the flat beta shape."""
    moved = ("audio", "output_modalities", "max_output_tokens", "type")
    beta = {key: value for key, value in session.items() if key not in moved}
    audio_input = session["audio"]["input"]
    beta |= {
        "input_audio_format": _FORMATS[audio_input["format"]["type"]],
        "input_audio_transcription": audio_input["transcription"],
        "input_audio_noise_reduction": audio_input["noise_reduction"],
        "turn_detection": audio_input["turn_detection"],
    }
    if "output" not in session["audio"]:
        return beta
    output = session["audio"]["output"]
    beta |= {
        "modalities": _modalities(session["output_modalities"]),
        "max_response_output_tokens": session["max_output_tokens"],
        "output_audio_format": _FORMATS[output["format"]["type"]],
        "voice": output["voice"],
        "speed": output["speed"],
    }
    return {"temperature": 0.8, **beta}


# --- from the client ----------------------------------------------------------------------------------


def from_beta(event: Json) -> Json:
    """A client event of either form in the GA form. What is malformed stays so, and is refused later."""
    kind = event.get("type")
    if kind in ("session.update", "transcription_session.update") and isinstance(event.get("session"), dict):
        kind_of_session = "transcription" if kind == "transcription_session.update" else None
        return event | {"type": "session.update", "session": nested_session(event["session"], kind_of_session)}
    if kind == "response.create" and isinstance(event.get("response"), dict):
        return event | {"response": _response_params(event["response"])}
    return event


def nested_session(session: Json, kind: str | None = None) -> Json:
    """A flat session of the beta form as GA; fields that are in the GA form already stay."""
    nested = {key: value for key, value in session.items() if key not in _FLAT and key not in _MOVED}
    for name, path in _FLAT.items():
        if name in session:
            value = session[name]
            _put(nested, path, _format(value) if path[-1] == "format" else value)
    for name, target in _MOVED.items():
        if name in session:
            nested[target] = session[name]
    return {**nested, "type": kind} if kind else nested


_FLAT: dict[str, tuple[str, ...]] = {
    "input_audio_format": ("audio", "input", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "output_audio_format": ("audio", "output", "format"),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
}
_MOVED = {"modalities": "output_modalities", "max_response_output_tokens": "max_output_tokens"}


def _put(target: Json, path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        inner = target.get(part)
        target[part] = inner = dict(inner) if isinstance(inner, dict) else {}
        target = inner
    target[path[-1]] = value


def _format(value: Any) -> Any:
    return {"type": _FORMATS_BACK.get(value, value)} if isinstance(value, str) else value


def _response_params(response: Json) -> Json:
    nested = nested_session({key: value for key, value in response.items() if key != "turn_detection"})
    if "max_tokens" in nested:
        nested["max_output_tokens"] = nested.pop("max_tokens")
    return nested
