"""The files with the lines said while an answer is awaited: built in, of one's own, and broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.filler_files import FOLDER, known_languages, load_filler_lines
from realtime.settings import load_settings
from scheduler.errors import SettingsError
from scheduler.filler_lines import FillerKind, RequestKind, all_texts, filler, request_lines


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def own(tmp_path: Path, text: str) -> Path:
    """Absolute, since a file is read once in a process."""
    file = tmp_path / "my.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_there_are_english_and_chinese() -> None:
    assert known_languages() == ("en", "zh")
    assert {file.suffix for file in FOLDER.iterdir()} == {".toml"}


@pytest.mark.parametrize(("language", "found"), [("en-GB", "en"), ("zh-TW", "zh"), ("zh_CN", "zh"), ("EN", "en")])
def test_regions_are_read_as_their_language(language: str, found: str) -> None:
    assert load_filler_lines(language) == load_filler_lines(found)


def test_a_language_without_a_file_says_nothing() -> None:
    assert all_texts(load_filler_lines("de")) == ()


def test_a_file_of_ones_own_replaces_what_it_names(tmp_path: Path) -> None:
    file = own(tmp_path, '[command]\nacknowledgements = ["Aye."]\n[doing]\nprogress = "Still {doing}!"\n')
    lines, built_in = load_filler_lines("en", file), load_filler_lines("en")
    assert filler(lines, FillerKind.ACKNOWLEDGEMENT, request="play jazz", said=()) == "Aye."
    assert request_lines(lines, "play jazz").phrases == request_lines(built_in, "play jazz").phrases
    assert lines.doing.verbs == built_in.doing.verbs
    assert lines.tools == built_in.tools


def test_a_file_may_bring_a_language(tmp_path: Path) -> None:
    file = own(
        tmp_path,
        '[question]\ncues = ["^wann", "?$"]\nacknowledgements = ["Moment."]\n[statement]\nphrases = ["Gleich."]',
    )
    lines = load_filler_lines("de", file)
    assert [found.kind for found in lines.requests] == [RequestKind.QUESTION, RequestKind.STATEMENT]
    assert filler(lines, FillerKind.ACKNOWLEDGEMENT, request="Wann ist es soweit", said=()) == "Moment."


def test_the_settings_choose_by_language_and_file(tmp_path: Path) -> None:
    file = own(tmp_path, '[command]\nacknowledgements = ["Aye aye."]\n')
    settings = load_settings(flags={"agent.fillers_file": str(file)})
    assert settings.policy.filler_lines == load_filler_lines("en", file)
    assert settings.policy_for(None, "en-US").filler_lines == load_filler_lines("en", file)
    assert settings.policy_for(None, "zh-CN").filler_lines == load_filler_lines("zh")
    assert all_texts(settings.policy_for(None, "de").filler_lines) == ()
    assert load_settings(flags={"agent.language": "zh"}).policy.filler_lines == load_filler_lines("zh")
    assert load_settings(environment={"STRETTO_AGENT__FILLERS_FILE": ""}).agent.fillers_file is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "[question]\nphrasse = []",
            ["Unknown setting 'question.phrasse'", "did you mean 'question.phrases'?", "my.toml"],
        ),
        ("[questoin]\nphrases = []", ["Unknown setting 'questoin.phrases'"]),
        ("[comand]\nacknowledgements = ['Aye.']", ["'comand.acknowledgements'", "did you mean 'command.acknowl"]),
        ("[command]\nacknowledgements = 'Aye.'", ["'command.acknowledgements'", "it should be a list."]),
        ("xyzzy = 1", ["Unknown setting 'xyzzy'", "docs/fillers.md"]),
        ("[question]\nphrases = 'One moment.'", ["'question.phrases'", "my.toml"]),
        ("question = 1", ["'question'", "my.toml"]),
        ("[question]\nphrases = ['']", ["''", "must be words", "my.toml"]),
        (f"[question]\nphrases = ['{'word ' * 30}']", ["80 characters"]),
        ("[question]\ncues = ['^']", ["cue '^'", "my.toml"]),
        ("[doing]\nphrase = 'Let me see.'", ["{doing}"]),
        ("[doing]\nphrase = '{doing} {thing}.'", ["{doing}"]),
        ("rare_every = 0", ["'rare_every'", "my.toml"]),
        ("rare_every =", ["my.toml is no valid TOML"]),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(tmp_path: Path, text: str, parts: list[str]) -> None:
    file = own(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(flags={"agent.fillers_file": str(file)})
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingsError, match=r"There is no fillers file nowhere\.toml\."):
        load_settings(flags={"agent.fillers_file": "nowhere.toml"})
