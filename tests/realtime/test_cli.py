"""The command line teaches, and answers every mistake with one sentence and a status."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from realtime import cli
from realtime.doctor import Finding, examine, is_well, to_json
from realtime.journal import Header, Journal
from realtime.settings import load_settings
from realtime.talk_command import Asked
from scheduler.policy import Policy, TurnDetection
from tests.realtime.talks import short_talk


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["stretto", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "call.jsonl"
    writer = Journal(path, Header("sess_1", Policy(), TurnDetection(), {"asr": "simulated"}))

    async def write() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(writer.run())
            await asyncio.sleep(0)
            for at, happened in short_talk():
                writer.observe(at, happened)
            task.cancel()

    asyncio.run(write())
    return path


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["serve", "--host", "0.0.0.0"], 2, "needs a key"),
        (["serve", "--set", "server.prot=1"], 2, "did you mean 'server.port'?"),
        (["serve", "--set", "eager"], 2, "must be KEY=VALUE"),
        (["serve", "--config", "nowhere.toml"], 2, "There is no settings file nowhere.toml"),
        (["serve", "--vad", "ears"], 2, "the flag --vad can't be 'ears'"),
        (["serve", "--port", "0", "--end-of-turn", "clairvoyance"], 2, "There is no end-of-turn model 'clairvoyance'"),
        (["serve", "--cert", "nowhere.pem"], 2, "server.tls_cert needs server.tls_key"),
        (["serve", "--cert", "nowhere.pem", "--key", "nowhere.pem"], 2, "There is no certificate nowhere.pem."),
        (
            ["serve", "--udp-ports", "9-1"],
            2,
            "webrtc.udp_ports '9-1' must go up, within 1024 to 65535 (given as the flag",
        ),
        (["talk", "--turn-detection", "mind_reading"], 2, "semantic_vad, server_vad or none"),
        (["talk", "--url", "ws://127.0.0.1:1", "--text", "hi"], 1, "There is no server at ws://127.0.0.1:1/"),
        (["talk", "--wav", "nowhere.wav"], 1, "nowhere.wav can't be read as audio"),
        (["talk", "--text", "hi", "--out", "/nowhere/x.wav"], 1, "there is no folder /nowhere"),
        (["talk", "--text", "hi", "--out", "x.mp33"], 1, "a name that ends in .wav"),
        (["replay", "nowhere.jsonl"], 1, "can't be read"),
        (["timeline", "nowhere.jsonl"], 1, "can't be read"),
    ],
)
def test_every_mistake_gets_one_sentence(
    arguments: list[str],
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, *arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("stretto 0.")


@pytest.mark.parametrize("name", ["turn.svg", "turn.html"])
def test_a_journal_becomes_a_picture(
    name: str, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "timeline", str(journal), "-o", str(tmp_path / name)) == 0
    text = (tmp_path / name).read_text()
    assert "sess_1" in text
    assert ">750 ms<" in text
    assert capsys.readouterr().out.strip() == str(tmp_path / name)


def test_a_picture_that_cannot_be_written(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "timeline", str(journal), "-o", "/nowhere/at/all.svg") == 1
    assert "can't be written" in capsys.readouterr().err


def test_the_doctor_finds_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings(flags={"server.port": 0})
    assert is_well(examine(settings, None))
    settings = load_settings(flags={"server.port": 0, "engines.tts": "flite:slt"})
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    monkeypatch.setattr("realtime.doctor.find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    findings = {finding.what: finding for finding in examine(settings, None)}
    assert findings["libflite"] == Finding("libflite", "missing", "not installed", "apt-get install libflite1")
    assert not is_well(list(findings.values()))


@pytest.mark.parametrize("variable", ["STRETTO_LLM_API_KEY", "OPENAI_API_KEY"])
def test_the_doctor_looks_for_the_key_of_a_hosted_model(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(flags={"server.port": 0, "engines.llm": "openai:https://models.example/v1#m"})
    for name in ("STRETTO_LLM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def language_model() -> Finding:
        (finding,) = (found for found in examine(settings, None) if found.what == "language model")
        return finding

    assert variable in language_model().advice
    monkeypatch.setenv(variable, "sk-1")
    assert language_model().state == "ok"


def found_by_the_doctor(what: str, flags: dict[str, object]) -> list[Finding]:
    findings = examine(load_settings(flags={"server.port": 0, **flags}), None)
    return [finding for finding in findings if finding.what == what]


@pytest.mark.parametrize(
    ("spec", "state", "told"),
    [
        ("none", "ok", "the words tell"),
        ("prosody", "ok", "prosody"),
        ("simulated", "better", "for benchmarks only"),
        ("smart-turn:nowhere.onnx", "missing", "there is no file nowhere.onnx"),
        ("smarter", "missing", "There is no end-of-turn model 'smarter'"),
    ],
)
def test_the_doctor_looks_at_the_end_of_turn_model(spec: str, state: str, told: str) -> None:
    (finding,) = found_by_the_doctor("end of turn", {"engines.end_of_turn": spec})
    assert finding.state == state
    assert told in finding.found + finding.advice


@pytest.mark.parametrize(
    ("what", "flags", "state", "told"),
    [
        ("HTTPS", {}, "ok", "--https"),
        ("HTTPS", {"server.host": "0.0.0.0"}, "better", "no microphone"),
        ("HTTPS", {"server.https": True}, "ok", "the server's own, kept in"),
        ("HTTPS", {"server.tls_cert": "no.pem", "server.tls_key": "no.pem"}, "missing", "There is no certificate"),
        ("libopus", {}, "ok", "opus"),
        ("UDP ports", {}, "ok", "any free ones"),
        ("UDP ports", {"webrtc.udp_ports": "50000-50007"}, "better", "fewer than server.max_sessions"),
        ("public address", {}, "ok", "--public-address"),
        ("public address", {"webrtc.public_address": "203.0.113.7"}, "ok", "203.0.113.7, told to callers"),
        ("STUN, TURN", {}, "ok", "none"),
        ("STUN, TURN", {"webrtc.stun": "stun:stun.example.org"}, "ok", "stun:stun.example.org"),
    ],
)
def test_the_doctor_looks_at_the_network(what: str, flags: dict[str, object], state: str, told: str) -> None:
    (finding,) = found_by_the_doctor(what, flags)
    assert finding.state == state
    assert told in finding.found + finding.advice


def test_the_doctor_tells_used_ports_and_no_password() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as used:
        used.bind(("0.0.0.0", 0))
        ports = str(used.getsockname()[1])
        (finding,) = found_by_the_doctor("UDP ports", {"webrtc.udp_ports": ports})
    assert (finding.state, "1 of them in use" in finding.found) == ("missing", True)
    relay = {"webrtc.turn": "turn:relay", "webrtc.turn_username": "me", "webrtc.turn_password": "secret"}
    assert "secret" not in json.dumps(to_json(examine(load_settings(flags={"server.port": 0, **relay}), None)))


def test_the_doctor_imports_the_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    good = "from think_loop.tools import tool\n@tool\nasync def doctored(a: int) -> int:\n    'Doubles.'\n    return 2 * a\n"
    (tmp_path / "good_doctor_tools.py").write_text(good)
    (tmp_path / "bad_doctor_tools.py").write_text("1 / 0\n")
    specs = ("good_doctor_tools", "bad_doctor_tools", "no_doctor_tools")
    good_one, bad_one, missing_one = found_by_the_doctor("tools", {"agent.tools": specs})
    assert (good_one.state, good_one.found) == ("ok", "good_doctor_tools: doctored")
    assert bad_one.state == missing_one.state == "missing"
    assert "ZeroDivisionError" in bad_one.advice
    assert "there is no module 'no_doctor_tools'" in missing_one.advice
    (none,) = found_by_the_doctor("tools", {})
    assert none.state == "ok"


def test_the_doctor_speaks_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(monkeypatch, "doctor", "--json", "--set", "server.port=0")
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (status == 0)
    assert {"what", "state", "found", "advice"} == set(told["findings"][0])
    assert to_json([])["ok"] is True


@pytest.mark.slow
def test_help_teaches_by_example() -> None:
    examples = {
        "openai:http://127.0.0.1:8000/v1": "serve",
        "--tools my_tools": "serve",
        "smart-turn:PATH": "serve",
        "--https --host 0.0.0.0": "serve",
    }
    for example, command in {**examples, "what is twelve times twelve": "talk"}.items():
        done = subprocess.run(
            [sys.executable, "-m", "realtime.cli", command, "--help"], capture_output=True, text=True, check=True
        )
        assert example in " ".join(done.stdout.split())


def test_questions_are_asked_in_the_order_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def hold(_: object, questions: list[Asked], **__: object) -> bool:
        asked.extend((question.way, question.what) for question in questions)
        return True

    monkeypatch.setattr("realtime.talk_command.run_talk", hold)
    arguments = ["--text", "a", "--say=b", "--gap", "1", "--wav", "c.wav", "--text", "d", "--say", "e"]
    assert run(monkeypatch, "talk", *arguments) == 0
    assert asked == [("text", "a"), ("say", "b"), ("wav", "c.wav"), ("text", "d"), ("say", "e")]


def test_a_timeline_is_no_png(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = journal.with_suffix(".png")
    assert run(monkeypatch, "timeline", str(journal), "--out", str(out)) == 2
    assert "is drawn as .svg or .html" in capsys.readouterr().err
    assert not out.exists()
