"""The tools that the settings name are found, or told in one sentence why not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from realtime.briefing import Briefing
from realtime.engines import make_engines
from realtime.settings import Settings, load_settings
from realtime.wire.session_port import FunctionTool, SessionConfig
from scheduler import virtual_time
from scheduler.commands import Purpose, Think
from scheduler.errors import SettingsError
from scheduler.policy import TurnDetection
from think_loop.language_model import Prompt
from think_loop.timers import Reports, Timers
from think_loop.tool_loading import checked_tools, load_tools
from think_loop.tools import Tool, Toolbox, tool
from think_loop.trajectory import Trajectory

MODULE = """
from think_loop.tools import tool

@tool
async def first() -> str:
    return "1"

@tool(read_only=True)
async def second() -> str:
    return "2"

async def no_tool() -> None: ...

several = [second, first]
mixed = [first, no_tool]
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "a_package_of_tools"
    package.mkdir()
    (package / "__init__.py").write_text("from a_package_of_tools.shop import first\n")
    (package / "shop.py").write_text(MODULE)
    (package / "broken.py").write_text("raise OSError('no shop\\n here')\n")
    (package / "leaving.py").write_text("raise SystemExit\n")
    (package / "lacking.py").write_text("import a_library_nobody_has\n")
    (package / "sync.py").write_text("from think_loop.tools import tool\n@tool\ndef f() -> None: ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.startswith("a_package_of_tools")]:
        monkeypatch.delitem(sys.modules, name)


def names(*specs: str) -> list[str]:
    return [found.spec.name for found in load_tools(specs)]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("a_package_of_tools.shop", ["first", "second"]),
        ("a_package_of_tools.shop:several", ["second", "first"]),
        ("a_package_of_tools.shop:second", ["second"]),
        ("a_package_of_tools", ["first"]),
        ("a_package_of_tools:shop", ["first", "second"]),
        ("a_package_of_tools:shop.several", ["second", "first"]),
    ],
)
def test_tools_are_found(spec: str, found: list[str]) -> None:
    assert names(spec) == found


def test_the_folder_is_only_looked_into_when_tools_are_asked_for() -> None:
    before = list(sys.path)
    assert names() == []
    assert sys.path == before
    names("a_package_of_tools")
    assert sys.path == [*before, str(Path.cwd())]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("nowhere_at_all", "there is no module 'nowhere_at_all'"),
        ("a_package_of_tools.nowhere:tools", "there is no module 'a_package_of_tools.nowhere'"),
        ("a_package_of_tools.lacking", "there is no module 'a_library_nobody_has'"),
        ("a_package_of_tools.shop:third", "'a_package_of_tools.shop' has no 'third'"),
        ("a_package_of_tools.shop:no_tool", "no tools in 'a_package_of_tools.shop:no_tool'; decorate"),
        ("a_package_of_tools.shop:mixed", "no tools in"),
        ("a_package_of_tools.broken", "OSError: no shop here."),
        ("a_package_of_tools.leaving", "SystemExit"),
        ("a_package_of_tools.sync", "'f' must be an async function"),
        ("json", "no tools in 'json'"),
        (":tools", "can't be imported"),
        (".relative", "can't be imported"),
        ("", "can't be imported"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_one_sentence(spec: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_tools([spec])
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def made(name: str) -> Tool:
    @tool(name=name)
    async def function() -> None: ...

    return function


def test_each_tool_is_there_once_and_names_are_unique() -> None:
    first, second = made("first"), made("second")
    assert checked_tools((first, second, first)) == (first, second)
    with pytest.raises(SettingsError, match="'first' can't be used: another tool has the same name"):
        checked_tools((first, made("first")))
    with pytest.raises(SettingsError, match="'set_timer' can't be used: the server has a tool of this name itself"):
        checked_tools((made("set_timer"),))


def test_settings_and_embedders_give_tools_to_the_engines() -> None:
    flags = {"agent.tools": ("a_package_of_tools",), "engines.asr": "simulated", "engines.tts": "simulated"}
    engines = make_engines(load_settings(flags=flags), [made("mine")])
    assert [used.spec.name for used in engines.tools] == ["mine", "first"]
    with pytest.raises(SettingsError, match="another tool has the same name"):
        make_engines(load_settings(flags=flags), [made("first")])


def test_a_clients_tool_stands_in_for_the_servers_of_the_same_name() -> None:
    async def main() -> Prompt:
        config = SessionConfig(TurnDetection(), tools=(FunctionTool("list_timers", "mine", {}),))
        reports = Reports()
        timers = Timers(lambda _event: None, reports)
        briefing = Briefing(config, Settings(), Trajectory(), timers, reports)
        return briefing.prompt(Think("t", Purpose.ANSWER), Toolbox(timers.tools()))

    tools = virtual_time.run(main).tools
    assert [spec.name for spec in tools if spec.by_client] == ["list_timers"]
    assert [spec.name for spec in tools if not spec.by_client] == ["set_timer", "cancel_timer"]
