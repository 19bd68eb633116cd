"""The voice's short phrases outlive the server, so that its next start renders none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from realtime.engines import clips_folder, make_engines
from realtime.server import Engines
from realtime.settings import load_settings
from scheduler.pcm import SpeechChunk
from tests.faults.scenes import simulated_engines
from tts.engines.simulated import SimulatedVoice

TEXTS = ("Okay.", "Let me see.")


class RenderingVoice(SimulatedVoice):
    """Counts what it is asked for. ``simulated``: what it says of itself."""

    def __init__(self, *, simulated: bool) -> None:
        super().__init__()
        self.rendered: list[str] = []
        self._simulated = simulated

    @property
    def simulated(self) -> bool:
        return self._simulated

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        self.rendered.append(text)
        async for chunk in super().speak(text):
            yield chunk


def rendered_at_start(folder: Path, *, simulated: bool) -> list[str]:
    """By the engines of a fresh server. In real time: files are read and written by threads."""
    voice, own = RenderingVoice(simulated=simulated), simulated_engines()
    engines = Engines(own.recognizer, own.language_model, voice, clips_folder=folder)
    asyncio.run(engines.clips_of(voice).prepare(TEXTS))
    assert [text for text in TEXTS if engines.clips_of(voice).get(text) is None] == []
    return voice.rendered


def test_the_second_start_renders_nothing(tmp_path: Path) -> None:
    assert rendered_at_start(tmp_path / "clips", simulated=False) == [*TEXTS]
    assert len(list((tmp_path / "clips").glob("*.npz"))) == len(TEXTS)
    assert rendered_at_start(tmp_path / "clips", simulated=False) == []


def test_nothing_is_kept_of_a_simulated_voice(tmp_path: Path) -> None:
    assert rendered_at_start(tmp_path / "clips", simulated=True) == [*TEXTS]
    assert not (tmp_path / "clips").exists()
    assert rendered_at_start(tmp_path / "clips", simulated=True) == [*TEXTS]


@pytest.mark.parametrize(
    ("setting", "environment", "folder"),
    [
        ("auto", {"HOME": "/home/ann"}, Path("/home/ann/.cache/stretto/clips")),
        ("auto", {"HOME": "/home/ann", "XDG_CACHE_HOME": "/caches"}, Path("/caches/stretto/clips")),
        ("auto", {"HOME": "/home/ann", "XDG_CACHE_HOME": "caches"}, Path("/home/ann/.cache/stretto/clips")),
        ("auto", {}, None),
        ("/clips", {"HOME": "/home/ann"}, Path("/clips")),
        ("", {"HOME": "/home/ann"}, None),
    ],
)
def test_where_they_are_kept(setting: str, environment: dict[str, str], folder: Path | None) -> None:
    assert clips_folder(setting, environment) == folder


def test_the_setting_reaches_the_engines(tmp_path: Path) -> None:
    flags = {"engines.tts": "simulated", "engines.asr": "simulated"}
    assert make_engines(load_settings(flags={**flags, "engines.clips_dir": str(tmp_path)})).clips_folder == tmp_path
    assert make_engines(load_settings(flags={**flags, "engines.clips_dir": ""})).clips_folder is None


def test_a_folder_that_cannot_be_written_to_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    flags = {"engines.asr": "simulated", "engines.llm": "simulated", "engines.tts": "simulated"}
    folder = tmp_path / "file" / "clips"
    assert make_engines(load_settings(flags={**flags, "engines.clips_dir": str(folder)})).clips_folder is None
    (told,) = [record.getMessage() for record in caplog.records if record.name == "realtime.engines"]
    assert told.startswith(f"the voice's clips can't be kept in {folder} (Not a directory)")
