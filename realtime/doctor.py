"""``stretto doctor``: what is in use, what is missing, what would be better and how to get it."""

from __future__ import annotations

import ctypes.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from audio.end_of_turn.registry import make_end_of_turn
from audio.onnx_runtime import describe_runtime
from audio.opus import load_library
from realtime.certificate import certificate_for, own_folder
from realtime.lan import lan_addresses
from realtime.serve import bind
from realtime.settings import DEFAULT_FILE, ServerSettings, Settings
from scheduler.errors import OpusMissingError, SettingsError
from think_loop.tool_loading import checked_tools, load_tools
from think_loop.tools import Tool
from tts.registry import default_voice_spec

State = Literal["ok", "better", "missing"]
MIN_CORES = 2
MAX_PORTS_TRIED = 1000
MARKS: dict[State, str] = {"ok": "[green]✓[/]", "better": "[yellow]•[/]", "missing": "[red]✗[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """``better``: it works, and ``advice`` says what would work better; ``missing``: it will not work until done."""

    what: str
    state: State
    found: str
    advice: str = ""


def examine(settings: Settings, file: Path | None) -> list[Finding]:
    """Look at this machine with these settings. Loads no engine and reaches no network; imports the tools."""
    return [
        _python(),
        _cores(),
        _settings_file(file),
        _port(settings),
        _https(settings),
        _opus(),
        _udp_ports(settings),
        _public_address(settings),
        _relay(settings),
        _asr(settings),
        _end_of_turn(settings),
        _llm(settings),
        *_tools(settings),
        *_voice(settings),
        _onnx_runtime(),
        _gpu(),
        _microphone(),
    ]


def show(findings: list[Finding], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "what", "found", "advice"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(MARKS[finding.state], finding.what, finding.found, finding.advice)
    console.print(table)
    missing = sum(finding.state == "missing" for finding in findings)
    console.print("\nAll that is needed is here." if not missing else f"\n{missing} missing; see the advice above.")


def to_json(findings: list[Finding]) -> dict[str, Any]:
    return {"ok": is_well(findings), "findings": [asdict(finding) for finding in findings]}


def is_well(findings: list[Finding]) -> bool:
    return all(finding.state != "missing" for finding in findings)


def _python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < MIN_CORES:
        return Finding("cores", "better", str(cores), f"with {MIN_CORES} or more, recognition does not slow the rest")
    return Finding("cores", "ok", str(cores))


def _settings_file(file: Path | None) -> Finding:
    if file is None:
        return Finding(
            "settings", "ok", f"defaults (no {DEFAULT_FILE} here)", "examples/stretto.example.toml shows all"
        )
    return Finding("settings", "ok", str(file))


def _port(settings: Settings) -> Finding:
    where = f"{settings.server.host}:{settings.server.port}"
    try:
        bind(settings.server.host, settings.server.port).close()
    except SettingsError as error:
        return Finding("port", "missing", f"{where} is not free", str(error))
    return Finding("port", "ok", f"{where} is free")


def _https(settings: Settings) -> Finding:
    if not settings.server.speaks_https:
        advice = "browsers on other machines give the page no microphone without: --https (docs/network.md)"
        return Finding("HTTPS", "ok" if settings.server.is_loopback else "better", "off", advice)
    try:
        if settings.server.tls_cert is None:
            return Finding("HTTPS", "ok", f"by a certificate of the server's own, kept in {own_folder(os.environ)}")
        certificate = certificate_for(settings)
    except SettingsError as error:
        return Finding("HTTPS", "missing", "no certificate that can be used", str(error))
    found = f"{certificate.certificate_file} for {', '.join(certificate.names) or 'no name'}"
    return Finding("HTTPS", "ok", f"{found}, until {certificate.ends_at.date()}")


def _opus() -> Finding:
    try:
        library = load_library()
    except OpusMissingError as error:
        return Finding("libopus", "better", "not found: no calls over WebRTC, websockets only", str(error))
    return Finding("libopus", "ok", str(library._name))


def _udp_ports(settings: Settings) -> Finding:
    what, ports = "UDP ports", settings.webrtc.port_range
    if ports is None:
        return Finding(
            what, "ok", "any free ones", "behind a firewall, choose some and open them: --udp-ports 50000-50100"
        )
    low, high = ports
    number = high - low + 1
    used = sum(not _is_free(settings.server, port) for port in range(low, high + 1)[:MAX_PORTS_TRIED])
    found = f"{low} to {high}" + (f", {used} of them in use" if used else "")
    if used == number:
        return Finding(what, "missing", found, "choose others: --udp-ports LOW-HIGH")
    if number - used < settings.server.max_sessions:
        advice = f"fewer than server.max_sessions, {settings.server.max_sessions}: not all calls find one"
        return Finding(what, "better", found, advice)
    return Finding(what, "ok", found, "the firewall must let them through, both ways")


def _is_free(server: ServerSettings, port: int) -> bool:
    """On the addresses of its kind; which one a call takes is not known before."""
    is_v6 = ":" in server.host
    with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::" if is_v6 else "0.0.0.0", port))
        except OSError:
            return False
    return True


def _public_address(settings: Settings) -> Finding:
    address, own = settings.webrtc.public_address, lan_addresses()
    if address:
        return Finding("public address", "ok", f"{address}, told to callers beside {', '.join(own) or 'no other'}")
    advice = "behind NAT, in a container or a cloud: --public-address ADDRESS"
    return Finding("public address", "ok", f"none; callers are told {', '.join(own) or 'loopback'}", advice)


def _relay(settings: Settings) -> Finding:
    servers = [each for each in (settings.webrtc.stun, settings.webrtc.turn) if each]
    if servers:
        return Finding("STUN, TURN", "ok", ", ".join(servers))
    return Finding("STUN, TURN", "ok", "none", "callers whose networks let no UDP through need a relay: webrtc.turn")


def _asr(settings: Settings) -> Finding:
    spec = settings.engines.asr
    if spec.startswith("simulated"):
        return Finding("speech recognition", "better", f"{spec} (simulated)", "for benchmarks only: --asr pocketsphinx")
    if spec == "pocketsphinx":
        if find_spec("pocketsphinx") is None:
            return Finding("speech recognition", "missing", spec, "pip install pocketsphinx")
        advice = "English only, about every third word of human speech is wrong; better: --asr whisper:small.en"
        return Finding("speech recognition", "better", spec, advice)
    return Finding("speech recognition", "ok", spec)


def _end_of_turn(settings: Settings) -> Finding:
    what, spec = "end of turn", settings.engines.end_of_turn.strip()
    try:
        make_end_of_turn(spec)
    except SettingsError as error:
        return Finding(what, "missing", spec, str(error))
    kind, _, path = spec.partition(":")
    match kind:
        case "smart-turn" if not Path(path).is_file():
            return Finding(what, "missing", spec, f"there is no file {path}; docs/endpointing.md says where to get it")
        case "simulated":
            return Finding(what, "better", f"{spec} (simulated)", "for benchmarks only: --end-of-turn none")
        case "none" | "":
            advice = "a model hears it in the voice, too: --end-of-turn smart-turn:PATH (docs/endpointing.md)"
            return Finding(what, "ok", "no model; the words tell", advice)
        case _:
            return Finding(what, "ok", spec)


def _tools(settings: Settings) -> Iterator[Finding]:
    """Imports them, as the server would."""
    loaded: list[Tool] = []
    for spec in settings.agent.tools:
        try:
            found = load_tools((spec,))
            checked_tools((*loaded, *found))
        except SettingsError as error:
            yield Finding("tools", "missing", spec, str(error))
        else:
            loaded += found
            yield Finding("tools", "ok", f"{spec}: {', '.join(tool.spec.name for tool in found)}")
    if not settings.agent.tools:
        yield Finding("tools", "ok", "timers only", "your own: --tools MODULE (docs/tools.md)")


def _llm(settings: Settings) -> Finding:
    spec = settings.engines.llm
    if spec.partition(":")[0] in ("offline", "simulated"):
        advice = "a real model answers anything: --llm openai:http://127.0.0.1:8000/v1#MODEL (vLLM, llama.cpp, Ollama)"
        return Finding("language model", "better", f"{spec} (rules, no model)" if spec == "offline" else spec, advice)
    has_key = os.environ.get("STRETTO_LLM_API_KEY") or os.environ.get("OPENAI_API_KEY")
    if spec.startswith("openai") and "127.0.0.1" not in spec and not has_key:
        advice = "neither STRETTO_LLM_API_KEY nor OPENAI_API_KEY is set; most hosted models need a key"
        return Finding("language model", "better", spec, advice)
    return Finding("language model", "ok", spec)


def _voice(settings: Settings) -> Iterator[Finding]:
    try:
        spec = settings.voice_spec(default_voice_spec)
    except SettingsError as error:
        yield Finding("voice", "missing", "none", str(error))
        return
    flite = ctypes.util.find_library("flite")
    espeak = find_spec("espeakng_loader") is not None or shutil.which("espeak-ng") is not None
    needs_flite = spec.startswith("flite")
    state: State = "ok" if flite or not needs_flite else ("better" if espeak else "missing")
    yield Finding("voice", "ok", spec)
    yield Finding("libflite", state, flite or "not installed", "" if flite else "apt-get install libflite1")
    how = "" if espeak else "a second voice: apt-get install espeak-ng, or pip install 'stretto[espeak]' (GPL-3)"
    yield Finding("espeak-ng", "ok" if espeak or flite else state, "installed" if espeak else "not installed", how)


def _onnx_runtime() -> Finding:
    runtime = describe_runtime()
    found = f"{runtime.winner or 'onnxruntime'} {runtime.version} on {', '.join(runtime.providers)}"
    return Finding("ONNX Runtime", "better" if runtime.advice else "ok", found, runtime.advice or "")


def _gpu() -> Finding:
    if shutil.which("nvidia-smi") is None and not Path("/dev/nvidia0").exists():
        return Finding("GPU", "ok", "none; all of the default engines run on the CPU")
    has_cuda = any(provider.startswith("CUDA") for provider in describe_runtime().providers)
    if has_cuda:
        return Finding("GPU", "ok", "NVIDIA, used by ONNX Runtime")
    return Finding("GPU", "better", "NVIDIA, not used", "pip install 'stretto[gpu]'")


def _microphone() -> Finding:
    if find_spec("sounddevice") is None:
        return Finding("microphone", "ok", "not looked for", "to talk by microphone: pip install 'stretto[mic]'")
    try:
        import sounddevice

        count = len(sounddevice.query_devices())
    except OSError:
        return Finding(
            "microphone", "ok", "PortAudio is not installed", "to talk by microphone: apt-get install libportaudio2"
        )
    return Finding("microphone", "ok", f"{count} sound devices" if count else "no sound device")
