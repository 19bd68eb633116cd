"""All settings of the program: one TOML file, the environment and flags, in that order from weak to strong.

``load_settings`` reads them once into frozen objects. Whatever can't be used raises ``SettingsError`` with
one sentence that names the key and where it stands. ``examples/stretto.example.toml`` documents each key.
"""

from __future__ import annotations

import ipaddress
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from realtime.addresses import check_public_address, check_stun, check_turn, port_range
from realtime.filler_files import known_languages, load_filler_lines
from realtime.settings_errors import KeySources, explain, is_broken_file
from scheduler.errors import SettingsError
from scheduler.filler_lines import FillerLines
from scheduler.policy import PRESETS, Phrases, Policy, TurnDetection, TurnMode
from think_loop.prompt import DEFAULT_INSTRUCTIONS

DEFAULT_FILE = Path("stretto.toml")
PREFIX = "STRETTO_"

SHORT_ENVIRONMENT: dict[str, str] = {
    "STRETTO_HOST": "server.host",
    "STRETTO_PORT": "server.port",
    "STRETTO_API_KEY": "server.api_keys",
    "STRETTO_ASR": "engines.asr",
    "STRETTO_LLM": "engines.llm",
    "STRETTO_TTS": "engines.tts",
    "STRETTO_VAD": "engines.vad",
    "STRETTO_TOOLS": "agent.tools",
    "STRETTO_JOURNAL": "journal.dir",
    "STRETTO_UDP_PORTS": "webrtc.udp_ports",
    "STRETTO_PUBLIC_ADDRESS": "webrtc.public_address",
    "STRETTO_STUN": "webrtc.stun",
    "STRETTO_TURN": "webrtc.turn",
    "STRETTO_TURN_USERNAME": "webrtc.turn_username",
    "STRETTO_TURN_PASSWORD": "webrtc.turn_password",
    "STRETTO_LOG_LEVEL": "log.level",
}
"""Short names beside the long ones (``STRETTO_SERVER__PORT``); where both are set, the short one wins."""

FLAGS: dict[str, str] = {
    "server.host": "--host",
    "server.port": "--port",
    "server.api_keys": "--api-key",
    "server.open_to_the_world": "--open-to-the-world",
    "server.https": "--https",
    "server.tls_cert": "--cert",
    "server.tls_key": "--key",
    "server.qr": "--qr",
    "engines.asr": "--asr",
    "engines.llm": "--llm",
    "engines.tts": "--tts",
    "engines.clips_dir": "--clips-dir",
    "engines.vad": "--vad",
    "engines.end_of_turn": "--end-of-turn",
    "agent.tools": "--tools",
    "journal.dir": "--journal",
    "journal.record_audio": "--record-audio",
    "webrtc.udp_ports": "--udp-ports",
    "webrtc.public_address": "--public-address",
    "log.level": "--log-level",
}

OTHER_ENVIRONMENT = frozenset({"STRETTO_CONFIG", "STRETTO_LIBOPUS", "STRETTO_LLM_API_KEY", "STRETTO_SPEECH_DIR"})
"""Variables that are no setting: which file to read, which libopus to load in place of the one that is found, the
language model server's key (the engine reads it by itself, so that no settings object holds it), and where the tests
find recorded speech."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _split_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    host: str = "127.0.0.1"
    """The address to listen on. Any other than loopback needs ``api_keys``."""
    port: int = Field(default=8080, ge=0, le=65535)
    """0 picks a free one."""
    api_keys: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = ()
    """Clients must send one of these as ``Authorization: Bearer KEY``. None: loopback clients need no key."""
    open_to_the_world: bool = False
    """Allow an address other than loopback without keys."""
    https: bool = False
    """Serve HTTPS, by ``tls_cert`` or by a certificate of the server's own. A certificate alone means it, too."""
    tls_cert: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """PEM, the server's certificate first, then its issuers'."""
    tls_key: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """PEM, without a passphrase."""
    qr: Literal["auto", "always", "never"] = "auto"
    """Print the address as a QR code; ``auto``: where others can reach the server and stdout is a terminal."""
    max_sessions: int = Field(default=64, ge=1)
    """Calls at the same time; further ones are refused with a reason."""
    shutdown_grace_seconds: Seconds = 10.0
    """How long running calls may go on after the first SIGINT or SIGTERM."""

    @property
    def speaks_https(self) -> bool:
        return self.https or self.tls_cert is not None

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> ServerSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            given, left_out = ("tls_cert", "tls_key") if self.tls_cert is not None else ("tls_key", "tls_cert")
            raise ValueError(f"server.{given} needs server.{left_out} beside it: --cert FILE --key FILE")
        return self


class EngineSettings(Section):
    asr: str = "pocketsphinx"
    llm: str = "offline"
    tts: str = "auto"
    """``auto``: the best that is installed and needs no download."""
    clips_dir: str = "auto"
    """Where the voice's clips of fillers are kept between runs; ``auto``: among this user's caches, ``""``: nowhere."""
    vad: Literal["silero", "energy"] = "silero"
    end_of_turn: str = "none"
    """A model that tells from the sound whether a turn is over: ``smart-turn:PATH``, or ``none``: words alone do."""
    llm_slots: int = Field(default=32, ge=1)
    """Streams of thinking at once, over all calls; the language model's batch size or somewhat less."""
    llm_speculative_slots: int = Field(default=24, ge=0)
    """Drafts, notes and afterthoughts begin only while fewer streams than this run."""
    llm_sends_priority: bool = False
    """Tell the model server which requests may wait: vLLM started with ``--scheduling-policy priority``."""
    llm_server: Literal["auto", "vllm", "sglang", "other"] = "auto"
    """What serves the language model; ``auto``: what it calls itself in its list of models. vLLM and SGLang are asked to
    go on behind a beginning that has been said."""
    llm_foresees: bool = False
    """Ask the model, while a caller speaks, how the sentence will end: up to 3 short completions in a turn."""
    llm_verifies: bool = False
    """Ask vLLM for the log-probabilities of a beginning that was written for fewer words. It reads the whole prompt again
    for that, without its prefix cache."""
    llm_temperature: float | None = Field(default=None, ge=0, le=2)
    """``None``: the model's own default."""
    llm_max_output_tokens: int | None = Field(default=None, ge=1)
    llm_connect_timeout_seconds: float = Field(default=5.0, gt=0)
    llm_first_token_timeout_seconds: float = Field(default=30.0, gt=0)
    """The longest wait for an answer's first token before it counts as failed."""
    llm_token_timeout_seconds: float = Field(default=15.0, gt=0)
    """The longest wait between two tokens."""
    llm_retries: int = Field(default=2, ge=0)
    """How often a request is tried again before its first token."""


def _section_from(name: str, definitions: dict[str, Any]) -> type[Section]:
    return create_model(name, __base__=Section, **definitions)


def _phrases_model() -> type[Section]:
    text = Annotated[str, Field(min_length=1)]
    return _section_from("PhraseSettings", {field.name: (text, field.default) for field in fields(Phrases)})


def _overrides_model() -> type[Section]:
    hints = get_type_hints(Policy)
    names = [field.name for field in fields(Policy) if field.name not in SET_ELSEWHERE]
    ranged = {name: Annotated[hints[name], _range_of(name)] for name in names}
    return _section_from("PolicyOverrides", {name: (hint | None, None) for name, hint in ranged.items()})


_AT_LEAST = {"patience_factor": 1, "draft_window_turns": 1, "draft_more_seconds": 0.1, "progress_every_seconds": 0.1}
"""Thresholds for which 0, or less than this, would make no sense."""


def _range_of(name: str) -> Any:
    """What a threshold may be, by the unit in its name: a gain lowers; what is left are times and counts."""
    match name.rpartition("_")[2]:
        case "probability" | "share" | "confidence":
            return Field(ge=0, le=1)
        case "db":
            return Field(ge=-120, le=0)
        case _ if get_type_hints(Policy)[name] is bool:
            return Field()
        case _:
            return Field(ge=_AT_LEAST.get(name, 0))


SET_ELSEWHERE = frozenset(
    {"name", "phrases", "filler_lines", "language", "idle_prompt_seconds", "max_call_seconds", "hears_itself"}
)
"""Fields of ``Policy`` that have a place of their own in the settings."""

if TYPE_CHECKING:
    PhraseSettings: TypeAlias = Section
    PolicyOverrides: TypeAlias = Section
else:
    PhraseSettings = _phrases_model()
    PolicyOverrides = _overrides_model()
    """Any threshold of ``scheduler.policy.Policy`` by its name; what is left out stays as in the preset."""


class AgentSettings(Section):
    instructions: str = DEFAULT_INSTRUCTIONS
    greeting: str = ""
    """A fixed first sentence; ``""``: none."""
    agent_first: bool = False
    """Without a greeting: the model opens the talk by itself."""
    voice: str = ""
    """The voice of the speech engine, such as ``rms``; ``""``: the one named in ``engines.tts``."""
    language: str = "en"
    """BCP 47."""
    idle_prompt_seconds: Seconds = 0.0
    """After so much silence of both sides the agent asks whether somebody is there; 0: never."""
    max_call_seconds: Seconds = 0.0
    """The longest call; 0: no limit."""
    fillers_file: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """What is said in ``language`` while an answer is awaited, in place of the lines of ``realtime/fillers``."""
    tools: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = ()
    """Tools of one's own: ``MODULE`` for all it has, ``MODULE:NAME`` for a list or a single one."""
    phrases: PhraseSettings = Field(default_factory=PhraseSettings)

    @property
    def opening(self) -> str | None:
        """For ``CallStarted.greeting``: a sentence, ``""`` to let the model open, ``None`` to wait for the user."""
        if self.greeting:
            return self.greeting
        return "" if self.agent_first else None

    def filler_lines(self, language: str | None = None) -> FillerLines:
        """What is said while an answer is awaited, in a caller's language; ``None``: in the agent's own, which alone
        ``fillers_file`` is for. A language without lines of its own has none. Raises ``SettingsError``."""
        if language is None or language.partition("-")[0] == self.language.partition("-")[0]:
            return load_filler_lines(self.language, self.fillers_file)
        return load_filler_lines(language)


class TurnSettings(Section):
    mode: TurnMode = TurnMode.SEMANTIC
    """The turn detection a session begins with; clients may change it with ``session.update``."""
    policy: Literal["eager", "balanced", "patient"] = "balanced"
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Speech probability above which a frame counts as voice."""
    prefix_padding_seconds: Seconds = 0.3
    silence_seconds: Seconds = 0.5
    """The silence that ends a turn in ``server_vad`` mode."""
    hears_itself: bool = False
    """The callers' lines bring the agent's own voice back (loudspeakers without echo cancellation)."""
    overrides: PolicyOverrides = Field(default_factory=PolicyOverrides)


class JournalSettings(Section):
    dir: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """Where each session leaves its journal (text only); ``None``: nowhere."""
    record_audio: bool = False
    """Also keep what both sides said as a stereo WAV. Ask the callers first."""

    @model_validator(mode="after")
    def _recording_needs_a_place(self) -> JournalSettings:
        if self.record_audio and self.dir is None:
            raise ValueError("journal.record_audio needs journal.dir, the folder to record into")
        return self


class WebrtcSettings(Section):
    """Calls from browsers: their sound travels over UDP beside the HTTP port (docs/network.md)."""

    udp_ports: str = ""
    """``50000-50100``: each call takes one or more of these; ``""``: any free ports."""
    public_address: str = ""
    """An IP address or a host name that is told to callers beside the machine's own addresses: of a machine behind a
    1:1 NAT (a cloud's virtual machine, a container)."""
    stun: str = ""
    """``stun:HOST:PORT``: asks how the server and the browsers are seen from outside."""
    turn: str = ""
    """``turn:HOST:PORT?transport=udp`` (or ``tcp``) or ``turns:…``: relays calls that find no direct path."""
    turn_username: str = ""
    turn_password: SecretStr = SecretStr("")
    reconnect_seconds: Seconds = 30.0
    """How long a call whose network path broke is kept for its caller to come back."""
    connect_seconds: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """How long the sound's path may take to come up before the call is given up with a reason."""
    opus_bitrate: int = Field(default=32_000, ge=24_000, le=510_000)
    """Of what callers hear, in bits per second. Below the least, Opus has no room for its own loss protection."""
    opus_complexity: int = Field(default=5, ge=0, le=10)
    """How much CPU time is spent on a better sound at the same bit rate."""

    @property
    def port_range(self) -> tuple[int, int] | None:
        """The lowest and the highest UDP port; ``None``: any."""
        return port_range(self.udp_ports)

    @field_validator("udp_ports", "public_address", "stun", "turn")
    @classmethod
    def _can_be_used(cls, value: str, info: ValidationInfo) -> str:
        checks = {
            "udp_ports": port_range,
            "public_address": check_public_address,
            "stun": check_stun,
            "turn": check_turn,
        }
        value = value.strip()
        if value:
            try:
                checks[info.field_name or ""](value)
            except ValueError as error:
                raise ValueError(f"webrtc.{info.field_name} {value!r} {error}") from None
        return value

    @model_validator(mode="after")
    def _turn_needs_credentials(self) -> WebrtcSettings:
        if self.turn and not (self.turn_username and self.turn_password.get_secret_value()):
            raise ValueError(
                "webrtc.turn needs webrtc.turn_username and webrtc.turn_password "
                "(or STRETTO_TURN_PASSWORD in the environment); browsers refuse a relay without them"
            )
        return self


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """At ``debug`` the log holds words of the callers."""


class Settings(Section):
    server: ServerSettings = Field(default_factory=ServerSettings)
    engines: EngineSettings = Field(default_factory=EngineSettings)
    agent: AgentSettings = Field(default_factory=AgentSettings)
    turns: TurnSettings = Field(default_factory=TurnSettings)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    webrtc: WebrtcSettings = Field(default_factory=WebrtcSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @property
    def policy(self) -> Policy:
        """The conductor's thresholds: the preset, the overrides, and the agent's limits and phrases."""
        return self.policy_for(None)

    def policy_for(self, preset: str | None, language: str | None = None) -> Policy:
        """The same with another preset, if one is named (a key of ``PRESETS``), and in a caller's language."""
        overrides = {k: v for k, v in self.turns.overrides.model_dump().items() if v is not None}
        policy = replace(
            PRESETS[preset or self.turns.policy],
            phrases=Phrases(**self.agent.phrases.model_dump()),
            language=language or self.agent.language,
            filler_lines=self.agent.filler_lines(language),
            idle_prompt_seconds=self.agent.idle_prompt_seconds or None,
            max_call_seconds=self.agent.max_call_seconds or None,
            hears_itself=self.turns.hears_itself,
            **overrides,
        )
        return replace(policy, name="custom") if overrides else policy

    @property
    def turn_detection(self) -> TurnDetection:
        return TurnDetection(
            mode=self.turns.mode,
            threshold=self.turns.threshold,
            prefix_padding_seconds=self.turns.prefix_padding_seconds,
            silence_seconds=self.turns.silence_seconds,
        )

    def voice_spec(self, best: Callable[[], str]) -> str:
        """The spec of the speech engine with the agent's voice, ``flite:rms``; ``best`` stands in for ``auto``."""
        spec = best() if self.engines.tts == "auto" else self.engines.tts
        return f"{spec.partition(':')[0]}:{self.agent.voice}" if self.agent.voice else spec


def load_settings(
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Merge file, environment and flags into ``Settings``.

    ``file``: must exist if given; without it ``./stretto.toml`` is read where there is one.
    ``environment``: of the process; ``flags``: dotted key to value, ``None`` values are left out.
    Raises ``SettingsError``.
    """
    environment = environment or {}
    if file is None and environment.get("STRETTO_CONFIG"):
        file = Path(environment["STRETTO_CONFIG"])
    if file is None and DEFAULT_FILE.is_file():
        file = DEFAULT_FILE
    merged: dict[str, Any] = {}
    sources: KeySources = {}
    if file is not None:
        _merge(merged, sources, _flatten(_read_toml(file)), f"in {file}")
    for name, key, text in _from_environment(environment):
        _merge(merged, sources, {key: text}, f"in the environment variable {name}")
    for dotted, value in (flags or {}).items():
        if value is not None:
            given = f"given as the flag {FLAGS[dotted]}" if dotted in FLAGS else "given with --set"
            _merge(merged, sources, {tuple(dotted.split(".")): value}, given)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(explain(error, sources, known_keys())) from None
    for language in (None, *known_languages()):  # all files are read now: a broken one is told, and no call waits
        settings.agent.filler_lines(language)
    return settings


def with_key_of_this_run(settings: Settings) -> tuple[Settings, str | None]:
    """Over HTTPS a key that nobody chose is made: (the settings with it, the key), or (``settings``, ``None``).

    Without HTTPS a key would travel in the clear, so there one must be chosen (``refuse_to_be_open``).
    """
    server = settings.server
    if not server.speaks_https or server.is_loopback or server.api_keys or server.open_to_the_world:
        return settings, None
    key = f"sk_{secrets.token_urlsafe(16)}"
    return settings.model_copy(update={"server": server.model_copy(update={"api_keys": (key,)})}), key


def refuse_to_be_open(settings: Settings) -> None:
    """Raise ``SettingsError`` if anybody on the network could use the server, unless that was asked for plainly."""
    server = settings.server
    if not (server.is_loopback or server.api_keys or server.open_to_the_world):
        raise SettingsError(
            f"Listening on {server.host} lets others reach this server, so it needs a key: give --api-key KEY "
            "(or server.api_keys), --https, which makes one, or --open-to-the-world if really anybody may use it."
        )


def known_keys() -> list[str]:
    """Every key as ``section.name``, nested ones as ``section.group.name``."""
    return sorted(_model_keys(Settings))


def _model_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _model_keys(field.annotation, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(is_broken_file(file, error)) from None


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, tuple[str, ...], str]]:
    """(variable, key, value), short names last, so that they win over long ones."""
    found = []
    for name in sorted(environment, key=lambda name: ("__" not in name, name)):
        if not name.startswith(PREFIX) or name in OTHER_ENVIRONMENT:
            continue
        dotted = SHORT_ENVIRONMENT.get(name) or name.removeprefix(PREFIX).lower().replace("__", ".")
        found.append((name, tuple(dotted.split(".")), environment[name]))
    return found


def _flatten(table: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    flat: dict[tuple[str, ...], Any] = {}
    for name, value in table.items():
        if isinstance(value, dict) and value:
            flat |= _flatten(value, (*prefix, name))
        else:
            flat[(*prefix, name)] = value
    return flat


def _merge(merged: dict[str, Any], sources: KeySources, flat: Mapping[tuple[str, ...], Any], source: str) -> None:
    for key, value in flat.items():
        table = merged
        for part in key[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = table[part] = {}
            table = inner
        table[key[-1]] = value
        sources[key] = source
