"""Pure: the offline brain's answer to a prompt."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from think_loop.engines.offline.intents import INTENTS
from think_loop.engines.offline.reply import Call, Reply, say
from think_loop.engines.offline.skills import client_tools, manners, timers
from think_loop.engines.offline.talk import Scene, scene_of, understand
from think_loop.language_model import Message, Prompt, ToolCall
from think_loop.prompt import NUDGE_MARK, OPENING_MARK, REPORT_MARK
from think_loop.tool_hints import without_hint

_TIMER_TOOLS = ("set_timer", "list_timers", "cancel_timer")


def answer(prompt: Prompt, now: datetime, seed: int) -> Reply:
    """What to say, think or call. ``now``: local time; equal prompts with equal ``seed`` get equal answers."""
    unasked = _unasked(prompt)
    if unasked is not None:
        return say(unasked)
    last = prompt.messages[-1] if prompt.messages else None
    if last is not None and last.role == "tool":
        return say(_told_results(prompt.messages))
    tools = () if prompt.tool_choice == "none" else prompt.tools
    scene = scene_of(prompt.messages, INTENTS, now, seed, tools)
    if not any(message.role == "user" for message in prompt.messages):
        return manners.greet_first(scene)
    return _chosen(prompt, scene) or understand(scene, INTENTS)


def _unasked(prompt: Prompt) -> str | None:
    """A report, an opening or a nudge: from the hints, or from a note that is the last message."""
    last = prompt.messages[-1].text if prompt.messages and prompt.messages[-1].role == "system" else ""
    for line in (*prompt.hints.splitlines(), *last.splitlines()):
        if line.startswith(REPORT_MARK):
            return line.removeprefix(REPORT_MARK).strip()
        if line.startswith(NUDGE_MARK):
            return "Are you still there?"
        if line.startswith(OPENING_MARK):
            return "Hello! I'm Stretto's offline brain. What can I do for you?"
    return None


def _chosen(prompt: Prompt, scene: Scene) -> Reply | None:
    """A tool that the client insists on is called, however little the words fit."""
    if prompt.tool_choice in ("auto", "none") or not prompt.tools:
        return None
    named = [tool for tool in prompt.tools if tool.name == prompt.tool_choice]
    tool = named[0] if named else client_tools.best_tool(scene.heard.words, prompt.tools) or prompt.tools[0]
    return Reply((Call(tool.name, client_tools.fill_arguments(tool, scene)),))


def _told_results(messages: tuple[Message, ...]) -> str:
    """The results that came since the user spoke last, in sentences."""
    calls = {call.call_id: call for message in messages for call in message.tool_calls}
    results: list[str] = []
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.role == "assistant" and message.text:
            break
        if message.role == "tool":
            results.append(_told_result(calls.get(message.tool_call_id or ""), without_hint(message.text)))
    return " ".join(reversed(results))


def _told_result(call: ToolCall | None, output: str) -> str:
    if call is not None and call.name in _TIMER_TOOLS:
        return timers.told_result(call.name, _arguments(call), output)
    return client_tools.told_result(call.name if call is not None else "the tool", output)


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}
