"""The command ``stretto``."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from realtime.settings import DEFAULT_FILE, Settings, load_settings
from scheduler.errors import SettingsError, StrettoError

app = typer.Typer(
    name="stretto",
    help="A voice agent server that listens, thinks and speaks at the same time.",
    epilog="Begin with [bold]stretto serve[/], and in a second terminal [bold]stretto talk --say 'what is twelve times twelve'[/].",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; without it ./stretto.toml is read where there is one.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting: --set turns.policy=eager")
]


_ORDER = "stretto.order"


class _Ordered(TyperCommand):
    """Keeps in which order the options stand: typer itself gives the values of each option apart."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        _, _, order = self.make_parser(ctx).parse_args(args=given)
        ctx.meta[_ORDER] = [param.name for param in order]
        return rest


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"stretto {version('stretto')}")
        raise typer.Exit


@app.callback()
def _stretto(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


@app.command(
    epilog="""[bold]Examples[/]

stretto serve   [dim]# engines that need no download, on loopback[/]

stretto serve --llm openai:http://127.0.0.1:8000/v1#Qwen/Qwen3-8B   [dim]# any OpenAI-compatible model[/]

stretto serve --tools my_tools   [dim]# what my_tools.py decorates with @tool, the model may call[/]

stretto serve --host 0.0.0.0 --api-key SECRET   [dim]# for others; keys may also stand in STRETTO_API_KEY[/]

stretto serve --https --host 0.0.0.0   [dim]# for your phone: makes a certificate and a key, prints a QR code to scan[/]"""
)
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Others than loopback need --api-key or --https.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="0 picks a free one.")] = None,
    asr: Annotated[str | None, typer.Option(help="Speech recognition: pocketsphinx, whisper:MODEL, simulated.")] = None,
    llm: Annotated[str | None, typer.Option(help="Language model: offline, openai:URL#MODEL, simulated.")] = None,
    tts: Annotated[str | None, typer.Option(help="Voice: auto, flite:slt, flite:rms, espeak, simulated.")] = None,
    clips_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Keep the voice's short phrases here, so that the next start renders none: auto (this user's cache), "
            "a folder, or '' for nowhere.",
        ),
    ] = None,
    vad: Annotated[str | None, typer.Option(help="Voice detection: silero, energy.")] = None,
    end_of_turn: Annotated[
        str | None, typer.Option(help="Tells from the sound whether a turn is over: none, smart-turn:PATH, prosody.")
    ] = None,
    config: ConfigOption = None,
    api_key: Annotated[
        list[str] | None, typer.Option(help="A key clients must send. May be given several times.")
    ] = None,
    open_to_the_world: Annotated[
        bool | None, typer.Option("--open-to-the-world", help="Let anybody in who can reach --host, without a key.")
    ] = None,
    https: Annotated[
        bool | None,
        typer.Option(
            "--https/--no-https",
            help="Serve HTTPS: browsers on other machines give a page its microphone over nothing else. Without --cert "
            "a certificate is made and kept, and beyond loopback without --api-key a key for this run.",
        ),
    ] = None,
    cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate for HTTPS (PEM, its issuers after it).")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's private key (PEM).")] = None,
    qr: Annotated[
        bool | None,
        typer.Option("--qr/--no-qr", help="Print the address as a QR code: always, never; else on a terminal."),
    ] = None,
    tools: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE[:NAME]", help="Tools of your own (@tool). May be given several times."),
    ] = None,
    journal: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep a journal of each call here.")] = None,
    record_audio: Annotated[
        bool | None,
        typer.Option("--record-audio", help="Also record both sides beside the journal. Ask the callers first."),
    ] = None,
    udp_ports: Annotated[
        str | None,
        typer.Option(
            metavar="LOW-HIGH", help="UDP ports for browsers' calls, such as 50000-50100; else any free ones."
        ),
    ] = None,
    public_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Also tell callers this address: of a server behind NAT, in a container."),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error. debug shows callers' words.")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Start the server. Prints [bold]ready http://HOST:PORT[/] when the engines are warm.

    Strength of settings, from weak to strong: the settings file, the environment (STRETTO_PORT, STRETTO_LLM,
    STRETTO_AGENT__GREETING, …), flags. Ctrl-C ends calls politely, a second Ctrl-C at once.
    """
    flags: dict[str, object] = {
        "server.host": host,
        "server.port": port,
        "server.api_keys": tuple(api_key) if api_key else None,
        "server.open_to_the_world": open_to_the_world,
        "server.https": https,
        "server.tls_cert": cert,
        "server.tls_key": key,
        "server.qr": None if qr is None else ("always" if qr else "never"),
        "engines.asr": asr,
        "engines.llm": llm,
        "engines.tts": tts,
        "engines.clips_dir": clips_dir,
        "engines.vad": vad,
        "engines.end_of_turn": end_of_turn,
        "agent.tools": tuple(tools) if tools else None,
        "journal.dir": journal,
        "journal.record_audio": record_audio,
        "webrtc.udp_ports": udp_ports,
        "webrtc.public_address": public_address,
        "log.level": log_level,
    }
    settings = _settings(config, {**flags, **_assignments(set_)})
    from realtime.serve import log_to_stderr
    from realtime.serve import serve as run_server

    log_to_stderr(settings.log.level)
    run_server(settings, _make_server)


def _make_server(settings: Settings) -> tuple[Any, Any]:
    """Imported here, so that the other commands start at once."""
    from realtime.app import create_app
    from realtime.engines import make_engines
    from realtime.server import Server
    from realtime.session import make_session

    server = Server(settings, make_engines(settings), make_session)
    return server, create_app(server, manage_server=False)


@app.command(
    cls=_Ordered,
    epilog="""[bold]Examples[/]

stretto talk --say "what is twelve times twelve" --say "and the half of that"

stretto talk --wav question.wav --out answer.wav --json   [dim]# left channel: the caller, right: the agent[/]

stretto talk --say "set a timer for five seconds" --linger 10

stretto talk   [dim]# by microphone and loudspeaker (pip install 'stretto\\[mic]'); use a headset[/]""",
)
def talk(
    ctx: typer.Context,
    url: Annotated[str, typer.Option(help="The server: ws://HOST:PORT")] = "ws://127.0.0.1:8080",
    wav: Annotated[
        list[Path] | None, typer.Option(help="A recorded question; one turn each, in the order given.")
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option(help="A question for a synthetic caller to speak; one turn each.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A typed question; one turn each.")] = None,
    out: Annotated[Path | None, typer.Option(help="Record the call: a stereo WAV, caller left, agent right.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON line per turn on stdout.")] = False,
    gap: Annotated[float, typer.Option(help="Seconds between an answer's end and the next question.")] = 0.8,
    interrupt: Annotated[
        float | None,
        typer.Option(help="Speak the next question over the answer, so many seconds after its first sound."),
    ] = None,
    linger: Annotated[float, typer.Option(help="Seconds to stay after the last answer, for timers that ring.")] = 0.0,
    timeout: Annotated[float, typer.Option(help="The longest wait for an answer to end, in seconds.")] = 60.0,
    turn_detection: Annotated[
        str, typer.Option(help="semantic_vad, server_vad or none (push to talk).")
    ] = "semantic_vad",
    api_key: Annotated[str, typer.Option(help="Where the server asks for one.", envvar="STRETTO_API_KEY")] = "",
) -> None:
    """Talk to a server: by recordings, a synthetic voice, typing, or by microphone.

    Recordings are sent in real time, as a microphone would send them. The wait for an answer is measured on the
    audio: from the last loud 10 ms of the question to the first sample above -45 dBFS of the answer.
    """
    if turn_detection not in ("semantic_vad", "server_vad", "none"):
        raise SettingsError(f"--turn-detection can't be {turn_detection!r}; it is semantic_vad, server_vad or none.")
    from realtime.talk import TalkOptions
    from realtime.talk_command import in_order, run_talk

    options = TalkOptions(url, api_key, turn_detection, gap, interrupt, linger, timeout)
    given = {"wav": [str(path) for path in wav or []], "say": say or [], "text": text or []}
    answered = run_talk(options, in_order(given, ctx.meta[_ORDER]), out=out, as_json=json_)  # type: ignore[arg-type]
    raise typer.Exit(0 if answered else 1)


@app.command()
def doctor(
    config: ConfigOption = None,
    json_: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
    set_: SetOption = None,
) -> None:
    """Tell what is in use, what is missing, what would be better and how to get it."""
    settings = _settings(config, _assignments(set_))
    from realtime.doctor import examine, is_well, show, to_json

    file = config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    findings = examine(settings, file)
    if json_:
        print(json.dumps(to_json(findings), ensure_ascii=False))
    else:
        show(findings, Console())
    raise typer.Exit(0 if is_well(findings) else 1)


@app.command()
def replay(file: Annotated[Path, typer.Argument(help="A journal.")]) -> None:
    """Feed a journal's events to the conductor again and show where it decides otherwise now."""
    from realtime.journal import read_journal
    from realtime.replay import describe
    from realtime.replay import replay as run_again
    from scheduler.conductor import decide, initial_state

    header, entries = read_journal(file)
    differences = run_again(entries, initial_state(header.policy, header.turn_detection), decide)
    if not differences:
        print(f"no difference in {len(entries)} entries")
        return
    print(f"{len(differences)} of the decisions differ; the first:\n{describe(differences[0])}")
    raise typer.Exit(1)


@app.command()
def timeline(
    file: Annotated[Path, typer.Argument(help="A journal.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="turn.svg or turn.html")] = Path("timeline.svg"),
    start: Annotated[float, typer.Option("--from", help="Begin at this second of the call.")] = 0.0,
    end: Annotated[float | None, typer.Option("--to", help="End at this second.")] = None,
    width: Annotated[float, typer.Option(help="Of the picture, in pixels.", min=400)] = 1280.0,
    scale: Annotated[float, typer.Option("--px-per-second", help="How wide a second is.", min=1)] = 112.0,
    theme: Annotated[str, typer.Option(help="auto, light or dark.")] = "auto",
) -> None:
    """Draw a call as a score: what was heard, thought and said, over one time axis."""
    from realtime.journal import read_journal
    from realtime.timeline import Picture, draw_html, draw_svg

    if theme not in ("auto", "light", "dark"):
        raise SettingsError(f"--theme can't be {theme!r}; it is auto, light or dark.")
    header, entries = read_journal(file)
    title = " · ".join([header.session_id, header.started[:19], *header.engines.values()])
    picture = Picture(width, scale, start, end, theme, title)  # type: ignore[arg-type]
    if out.suffix.lower() not in (".svg", ".html", ".htm"):
        raise SettingsError(f"--out can't be {str(out)!r}: a timeline is drawn as .svg or .html.")
    draw = draw_svg if out.suffix.lower() == ".svg" else draw_html
    try:
        out.write_text(draw(entries, picture), encoding="utf-8")
    except OSError as error:
        raise StrettoError(f"{out} can't be written: {error.strerror}.") from None
    print(out)


def _settings(config: Path | None, flags: dict[str, object]) -> Settings:
    return load_settings(file=config, environment=os.environ, flags=flags)


def _assignments(assignments: list[str] | None) -> dict[str, object]:
    flags: dict[str, object] = {}
    for assignment in assignments or []:
        key, sign, value = assignment.partition("=")
        if not sign:
            raise SettingsError(f"--set {assignment!r} must be KEY=VALUE, such as turns.policy=eager.")
        flags[key.strip()] = value
    return flags


def main() -> None:
    """Run the command line. An error that is ours is one sentence on stderr: status 2 for settings, else 1."""
    try:
        app()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except StrettoError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
