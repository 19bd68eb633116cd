"""Settings come from file, environment and flags; what can't be used is told in one sentence."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from realtime.settings import (
    FLAGS,
    SET_ELSEWHERE,
    SHORT_ENVIRONMENT,
    Settings,
    known_keys,
    load_settings,
    refuse_to_be_open,
)
from scheduler.errors import SettingsError
from scheduler.policy import BALANCED, EAGER, PRESETS, Policy, TurnDetection, TurnMode

EXAMPLE = Path(__file__).parents[2] / "examples" / "stretto.example.toml"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def broken(**sources: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**sources)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_example_holds_every_key_with_its_default() -> None:
    text = EXAMPLE.read_text()
    uncommented = re.sub(r"^# ((?!instructions|llm_)\w+ = )", r"\1", text, flags=re.MULTILINE)
    uncommented = re.sub(r"^# (instructions|llm_\w+) = .*$", "", uncommented, flags=re.MULTILINE)
    Path("all.toml").write_text(uncommented)
    settings = load_settings(file=Path("all.toml"))
    assert settings.model_copy(update={"turns": Settings().turns}) == Settings()
    assert settings.policy == replace(BALANCED, name="custom", filler_lines=Settings().agent.filler_lines())
    named = {".".join(key) for key in _keys(tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)))}
    assert named == set(known_keys())


def _keys(table: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = []
    for name, value in table.items():
        keys += _keys(value, (*prefix, name)) if isinstance(value, dict) else [(*prefix, name)]
    return keys


def test_the_example_as_it_stands_changes_nothing() -> None:
    assert load_settings(file=EXAMPLE) == Settings()


def test_flags_beat_the_environment_and_the_environment_the_file() -> None:
    Path("stretto.toml").write_text("[server]\nport = 1\nhost = '127.0.0.2'\nmax_sessions = 3\n")
    settings = load_settings(environment={"STRETTO_SERVER__PORT": "2", "STRETTO_HOST": "::1"}, flags={"server.port": 3})
    assert (settings.server.port, settings.server.host, settings.server.max_sessions) == (3, "::1", 3)


def test_a_short_name_beats_a_long_one() -> None:
    assert load_settings(environment={"STRETTO_PORT": "1", "STRETTO_SERVER__PORT": "2"}).server.port == 1


def test_the_environment_may_name_the_file() -> None:
    Path("other.toml").write_text("[engines]\nllm = 'simulated'\n")
    assert load_settings(environment={"STRETTO_CONFIG": "other.toml"}).engines.llm == "simulated"


def test_the_key_of_the_language_model_is_no_setting_and_may_be_set() -> None:
    assert load_settings(environment={"STRETTO_LLM_API_KEY": "sk-1"}) == Settings()


def test_keys_and_limits_are_parsed() -> None:
    environment = {"STRETTO_API_KEY": "one, two", "STRETTO_AGENT__MAX_CALL_SECONDS": "60", "STRETTO_JOURNAL": ""}
    settings = load_settings(environment=environment)
    assert settings.server.api_keys == ("one", "two")
    assert settings.policy.max_call_seconds == 60
    assert settings.policy.idle_prompt_seconds is None
    assert settings.journal.dir is None


def test_a_preset_with_an_override_is_a_custom_policy() -> None:
    flags = {"turns.policy": "eager", "turns.overrides.duck_db": "-6", "agent.phrases.llm_failed": "Oh."}
    policy = load_settings(flags=flags).policy
    assert (policy.name, policy.duck_db, policy.phrases.llm_failed) == ("custom", -6.0, "Oh.")
    assert policy.wait_complete_seconds == EAGER.wait_complete_seconds
    assert load_settings(flags={"turns.policy": "eager"}).policy == replace(EAGER, filler_lines=policy.filler_lines)


def test_turn_detection_begins_as_the_settings_say() -> None:
    flags = {"turns.mode": "none", "turns.silence_seconds": 0.2}
    assert load_settings(flags=flags).turn_detection == TurnDetection(TurnMode.MANUAL, silence_seconds=0.2)


def test_the_agents_voice_is_put_into_the_spec() -> None:
    def best() -> str:
        return "flite:slt"

    assert load_settings(flags={"agent.voice": "rms"}).voice_spec(best) == "flite:rms"
    assert load_settings(flags={"engines.tts": "espeak", "agent.voice": "de"}).voice_spec(best) == "espeak:de"
    assert load_settings().voice_spec(best) == "flite:slt"


@pytest.mark.parametrize(
    ("flags", "opening"),
    [({}, None), ({"agent.agent_first": True}, ""), ({"agent.greeting": "Hi.", "agent.agent_first": True}, "Hi.")],
)
def test_who_opens_the_talk(flags: dict[str, object], opening: str | None) -> None:
    assert load_settings(flags=flags).agent.opening == opening


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ("[server]\nprot = 1", ["'server.prot' in stretto.toml", "did you mean 'server.port'?"]),
        ("[sever]\nport = 1", ["'sever.port' in stretto.toml", "did you mean 'server.port'?"]),
        ("llm = 'x'", ["Unknown setting 'llm'", "did you mean 'engines.llm'?"]),
        ("[turns.overrides]\nwait_complet_seconds = 1", ["'turns.overrides.wait_complete_seconds'?"]),
        ("[server]\nport = 70000", ["'server.port' in stretto.toml can't be 70000", "65535"]),
        ("[server]\nport = 'x'", ["'server.port'", "'x'", "valid integer"]),
        ("server = 1", ["'server'", "is a section"]),
        ("[turns]\nmode = 'vad'", ["'turns.mode'", "semantic_vad"]),
        ("[journal]\nrecord_audio = true", ["journal.record_audio needs journal.dir"]),
        ("[agent]\nmax_call_seconds = inf", ["'agent.max_call_seconds'", "finite"]),
        ("[server]\nport = \nhost = 1", ["stretto.toml is no valid TOML", "line 2"]),
        ("[foo]\nbar = 1", ["Unknown setting 'foo.bar'", "; examples/stretto.example.toml"]),
        (
            "[turns.overrides]\nmax_drafts = -1",
            ["'turns.overrides.max_drafts'", "can't be -1", "greater than or equal to 0"],
        ),
        (
            "[turns.overrides]\ndraft_probability = 5",
            ["'turns.overrides.draft_probability'", "less than or equal to 1"],
        ),
        ("[turns.overrides]\nwait_complete_seconds = nan", ["'turns.overrides.wait_complete_seconds'", "can't be nan"]),
        ("[turns.overrides]\nduck_db = 3", ["'turns.overrides.duck_db'", "less than or equal to 0"]),
        ("[turns.overrides]\ndraft_window_turns = 0", ["'turns.overrides.draft_window_turns'", "equal to 1"]),
        ("[server]\ntls_cert = 'a.pem'", ["server.tls_cert needs server.tls_key", "--cert FILE --key FILE"]),
        ("[server]\ntls_key = 'a.pem'", ["server.tls_key needs server.tls_cert"]),
        ("[server]\nqr = 'yes'", ["'server.qr'", "'auto', 'always' or 'never'"]),
        ("[webrtc]\nudp_ports = '50100-50000'", ["webrtc.udp_ports '50100-50000' must go up", "in stretto.toml"]),
        ("[webrtc]\nudp_ports = '80-90'", ["within 1024 to 65535"]),
        ("[webrtc]\nudp_ports = 'many'", ["'many' is not a range of ports such as 50000-50100"]),
        ("[webrtc]\npublic_address = '1.2.3.4:80'", ["neither an IP address nor a host name", "without a port"]),
        ("[webrtc]\npublic_address = '300.1.2.3'", ["neither"]),
        ("[webrtc]\npublic_address = '0.0.0.0'", ["no address of one machine"]),
        ("[webrtc]\nstun = 'https://x'", ["webrtc.stun", "stun:stun.example.org:3478"]),
        ("[webrtc]\nturn = 'turn:x?transport=sctp'", ["webrtc.turn", "must look like turn:"]),
        ("[webrtc]\nturn = 'turn:x:99999'", ["a port from 1 to 65535"]),
        ("[webrtc]\nturn = 'turn:x'\nturn_username = 'u'", ["needs webrtc.turn_username", "STRETTO_TURN_PASSWORD"]),
        ("[webrtc]\nopus_bitrate = 8000", ["'webrtc.opus_bitrate'", "equal to 24000"]),
        ("[webrtc]\nopus_complexity = 11", ["'webrtc.opus_complexity'", "equal to 10"]),
        ("[webrtc]\nconnect_seconds = 0", ["'webrtc.connect_seconds'", "greater than 0"]),
        ("[xyzzy]\nplugh = 1", ["Unknown setting 'xyzzy.plugh'", "stretto.example.toml"]),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(toml: str, parts: list[str]) -> None:
    Path("stretto.toml").write_text(toml)
    message = broken()
    for part in parts:
        assert part in message


def test_the_place_of_a_fault_is_named() -> None:
    assert "environment variable STRETTO_PORTS" in broken(environment={"STRETTO_PORTS": "1"})
    assert "the flag --port" in broken(flags={"server.port": -1})
    assert "'turns.overrides.max_drafts' given with --set" in broken(flags={"turns.overrides.max_drafts": "x"})
    assert "There is no settings file nowhere.toml" in broken(file=Path("nowhere.toml"))
    Path("binary.toml").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in broken(file=Path("binary.toml"))


def test_keys_are_never_shown() -> None:
    assert "secret" not in broken(flags={"server.api_keys": {"a": "secret"}})


def test_a_certificate_means_https() -> None:
    assert load_settings(flags={"server.tls_cert": "c.pem", "server.tls_key": "k.pem"}).server.speaks_https
    assert load_settings(flags={"server.https": True}).server.speaks_https
    assert not load_settings(flags={"server.tls_cert": ""}).server.speaks_https


def test_the_password_of_the_relay_is_never_shown() -> None:
    assert "secret" not in broken(flags={"webrtc.turn_password": {"a": "secret"}})
    turn = {"webrtc.turn": "turn:relay.example.org", "webrtc.turn_username": "me"}
    settings = load_settings(environment={"STRETTO_TURN_PASSWORD": "secret"}, flags=turn)
    assert settings.webrtc.turn_password.get_secret_value() == "secret"
    assert "secret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "secret" not in broken(environment={"STRETTO_TURN_PASSWORD": "secret"}, flags={"webrtc.turn": "x"})
    assert "secret" not in broken(flags={"webrtc.turn": "turn:x", "webrtc.turn_password": "secret"})


@pytest.mark.parametrize(
    ("text", "ports"),
    [("", None), ("50000-50100", (50000, 50100)), (" 50000 - 50000 ", (50000, 50000)), ("50000", (50000, 50000))],
)
def test_udp_ports_are_parsed(text: str, ports: tuple[int, int] | None) -> None:
    assert load_settings(environment={"STRETTO_UDP_PORTS": text}).webrtc.port_range == ports


@pytest.mark.parametrize("address", ["", "203.0.113.7", "2001:db8::7", "talk.example.org", "my-host"])
def test_public_addresses_are_taken(address: str) -> None:
    assert load_settings(environment={"STRETTO_PUBLIC_ADDRESS": address}).webrtc.public_address == address


@pytest.mark.parametrize("stun", ["stun:stun.example.org", "stun:192.0.2.1:3478", "stun:[2001:db8::1]:3478"])
def test_stun_servers_are_taken(stun: str) -> None:
    assert load_settings(flags={"webrtc.stun": stun}).webrtc.stun == stun


@pytest.mark.parametrize("turn", ["turn:relay", "turn:192.0.2.1:3478?transport=tcp", "turns:relay.example.org:5349"])
def test_turn_servers_are_taken(turn: str) -> None:
    flags = {"webrtc.turn": turn, "webrtc.turn_username": "me", "webrtc.turn_password": "secret"}
    assert load_settings(flags=flags).webrtc.turn == turn


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    refuse_to_be_open(load_settings(flags={"server.host": host}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_other_addresses_need_a_key_or_a_plain_word(host: str) -> None:
    with pytest.raises(SettingsError, match="--api-key"):
        refuse_to_be_open(load_settings(flags={"server.host": host}))
    refuse_to_be_open(load_settings(flags={"server.host": host, "server.api_keys": ("k",)}))
    refuse_to_be_open(load_settings(flags={"server.host": host, "server.open_to_the_world": True}))


def test_short_names_and_flags_name_keys_that_exist() -> None:
    assert set(SHORT_ENVIRONMENT.values()) | set(FLAGS) <= set(known_keys())


def test_every_preset_is_within_the_ranges_of_its_overrides() -> None:
    for preset in PRESETS.values():
        chosen = {
            f"turns.overrides.{f.name}": getattr(preset, f.name) for f in fields(Policy) if f.name not in SET_ELSEWHERE
        }
        assert load_settings(flags=chosen).policy.max_drafts == preset.max_drafts


def test_a_fault_of_two_settings_stands_where_one_of_them_was_given() -> None:
    with pytest.raises(SettingsError, match=r"tls_key.*\(given as the flag --cert\)"):
        load_settings(flags={"server.port": 18440, "server.https": True, "server.tls_cert": "/nope"})
