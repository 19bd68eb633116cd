"""Pure: calls a tool whose name matches the words of the request, so that function calls can be tried without a
language model. Arguments are filled by simple rules from the tool's JSON schema."""

from __future__ import annotations

import json
import re
from typing import Any

from think_loop.engines.offline.heard import with_digits
from think_loop.engines.offline.reply import Call, Reply
from think_loop.engines.offline.talk import Scene, intent
from think_loop.language_model import ToolSpec

_OWN_TOOLS = frozenset(("set_timer", "list_timers", "cancel_timer"))
_EMPTY = (
    "get set fetch the current lookup look up query search find call tool function do run make a an of for in by to and "
    "is me my this that with from on at use user information info data call what how please you it i"
)
_EMPTY_WORDS = frozenset(_EMPTY.split())
_OBJECT = re.compile(r"\b(?:in|for|of|about|at|near|from|named|called)(?: the)? (?P<object>.+)$")
_NEXT_PHRASE = re.compile(r"\s+(?:for|in|at|on|from|with|by)\s+", re.IGNORECASE)
_TIMES = re.compile(r"\s+(?:today|tomorrow|now|right now|tonight|this \w+|next \w+|like)$")
_LONGEST_SPOKEN = 600
_NUMBER = r"-?\d+(?:\.\d+)?"


def call_tool(scene: Scene) -> Reply | None:
    tool = best_tool(scene.heard.words, scene.tools)
    return None if tool is None else Reply((Call(tool.name, fill_arguments(tool, scene)),))


def best_tool(words: str, tools: tuple[ToolSpec, ...]) -> ToolSpec | None:
    """The tool whose name shares most words with ``words``; a description alone needs three of them."""
    heard = {_stem(word) for word in words.split()} - _EMPTY_WORDS
    scored = [(_score(tool, heard), tool) for tool in tools if tool.name not in _OWN_TOOLS]
    best = max(scored, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] >= 3 else None


def _score(tool: ToolSpec, heard: set[str]) -> int:
    return 3 * len(_content(tool.name) & heard) + len(_content(tool.description) & heard)


def _content(text: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {_stem(word) for word in re.findall(r"[a-z]+", spaced.lower())} - _EMPTY_WORDS


def _stem(word: str) -> str:
    return word.removesuffix("'s").removesuffix("s") if len(word) > 3 else word


def fill_arguments(tool: ToolSpec, scene: Scene) -> dict[str, Any]:
    """The first string gets what follows "in", "for" or "of", numbers the numbers in turn, enums the value named."""
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required") or ()
    numbers = [float(found) for found in re.findall(_NUMBER, scene.heard.numbers)]
    about = _object_phrase(scene.heard.kept, scene.heard.core, _content(tool.name))
    only_numbers = re.fullmatch(rf"(?:{_NUMBER}\s*)+", with_digits(about))
    # the number of "cancel order seven" is no reason, too
    phrase: str | None = "" if only_numbers and _takes_numbers(properties) else about
    arguments: dict[str, Any] = {}
    for name, schema in properties.items() if isinstance(properties, dict) else ():
        value, phrase = _value(schema if isinstance(schema, dict) else {}, scene, numbers, phrase, name in required)
        if value is not None:
            arguments[name] = value
    return arguments


def _takes_numbers(properties: Any) -> bool:
    schemas = properties.values() if isinstance(properties, dict) else ()
    return any(isinstance(schema, dict) and schema.get("type") in ("number", "integer") for schema in schemas)


def _value(
    schema: dict[str, Any], scene: Scene, numbers: list[float], phrase: str | None, required: bool
) -> tuple[Any, str | None]:
    """A value for one parameter, and the phrase if it is still to be used."""
    kind = schema.get("type")
    if isinstance(choices := schema.get("enum"), list) and choices:
        named = [choice for choice in choices if str(choice).lower() in scene.heard.words]
        return (named[0] if named else choices[0] if required else None), phrase
    if kind in ("number", "integer"):
        if not numbers:
            return (0 if required else None), phrase
        number = numbers.pop(0)
        return (int(number) if kind == "integer" or number.is_integer() else number), phrase
    if kind == "boolean":
        return (not re.search(r"\b(?:off|not|no|don't|disable)\b", scene.heard.core) if required else None), phrase
    if kind == "array":
        return ([] if required else None), phrase
    if kind == "object":
        return ({} if required else None), phrase
    if phrase:
        return phrase, None
    return ("" if required else None), None


def _object_phrase(raw: str, core: str, tool_words: set[str]) -> str:
    """What the request is about; without "in" or "for" it is what follows the tool's own word."""
    text = raw.rstrip(" .?!")
    found = _OBJECT.search(text) or _OBJECT.search(core)
    if found is not None:
        phrase = _NEXT_PHRASE.split(found["object"], maxsplit=1)[0]
        return _TIMES.sub("", phrase).strip()
    words = core.split()
    places = [place for place, word in enumerate(words) if _stem(word) in tool_words]
    return " ".join(words[places[-1] + 1 :]) if places else ""


def told_result(name: str, output: str) -> str:
    """A tool's output as a sentence: JSON objects name by name, text as it is."""
    if output.startswith("Error: "):
        reason = output.removeprefix("Error: ")
        return f"That didn't work: {reason[0].lower()}{reason[1:]}"
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        value = output
    text = _told(value)[:_LONGEST_SPOKEN].strip() or f"{_spaced(name)} gave no result"
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _told(value: Any, depth: int = 0) -> str:
    if isinstance(value, dict) and depth < 3:
        parts = [f"{_spaced(str(name))} is {_told(inner, depth + 1)}" for name, inner in list(value.items())[:8]]
        return _listed(parts)
    if isinstance(value, list) and depth < 3:
        return _listed([_told(inner, depth + 1) for inner in value[:8]]) or "nothing"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "unknown"}[value]
    return str(value)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").lower()


INTENTS = (intent("client's tool", r".", call_tool),)
