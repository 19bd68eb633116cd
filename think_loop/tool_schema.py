"""Pure: typed functions as tools: the JSON schema of their arguments, what was wrong with arguments, results as text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import SchemaError, core_schema, to_json

NO_RESULT = "(no result)"
"""What the model reads of a tool that returned ``None``."""
MOST_PROBLEMS = 3
"""Problems with the arguments of one call that are told; a model corrects these first anyway."""
LONGEST_VALUE = 60
"""Characters of a wrong value, or of its name, that are repeated."""


class TypedArguments:
    """The arguments of an async function. ``parameters``: their JSON schema, an object that takes no others.

    Raises ``TypeError`` for a function whose arguments a model can't give by name and type.
    """

    def __init__(self, name: str, function: Any) -> None:
        self.names = tuple(_checked_parameters(name, function))
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(function)
            schema = self._adapter.json_schema(schema_generator=_PlainSchema)
        except (PydanticUserError, SchemaError, NameError) as error:
            reason = str(error).splitlines()[0]
            raise TypeError(f"The arguments of the tool {name!r} can't be described as JSON: {reason}") from error
        self.parameters: dict[str, Any] = {"properties": {}, **_without_titles(schema), "type": "object"}

    def call(self, arguments: dict[str, Any]) -> Any:
        """The function's coroutine, with checked arguments. Raises ``pydantic.ValidationError`` before it begins."""
        return self._adapter.validate_python(arguments)

    def explain(self, error: ValidationError) -> str:
        """What was wrong with the arguments, as one sentence for the model."""
        problems = [self._problem(dict(problem)) for problem in error.errors(include_url=False, include_context=False)]
        more = len(problems) - MOST_PROBLEMS
        told = "; ".join(problems[:MOST_PROBLEMS])
        return f"{told}; and {more} more." if more > 0 else f"{told}."

    def _problem(self, problem: dict[str, Any]) -> str:
        path = ".".join(str(part) for part in problem["loc"])[:LONGEST_VALUE]
        match problem["type"]:
            case "missing" | "missing_argument" | "missing_keyword_only_argument":
                return f"the argument {path!r} is missing"
            case "unexpected_keyword_argument":
                known = f"there are: {', '.join(self.names)}" if self.names else "it takes none"
                return f"there is no argument {path!r}, {known}"
            case _:
                reason = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
                return f"the argument {path!r} can't be {_shown(problem['input'])}: {reason[:1].lower()}{reason[1:]}"


def as_text(result: object) -> str:
    """A tool's result as the model reads it: text as it is, anything else as JSON (pydantic models, dataclasses, dates…).

    Raises ``ValueError`` for what JSON can't hold.
    """
    if isinstance(result, str):
        return result
    return NO_RESULT if result is None else to_json(result).decode()


def description_of(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").strip()


def _checked_parameters(name: str, function: Callable[..., Any]) -> Sequence[str]:
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"The tool {name!r} can't take {parameter.name!r}: models give each argument by its name.")
        if parameter.annotation is parameter.empty:
            hint = " Decorate the bound method: tool(thing.method)." if parameter.name == "self" else ""
            raise TypeError(f"The argument {parameter.name!r} of the tool {name!r} has no type.{hint}")
    return [parameter.name for parameter in parameters]


def _shown(value: object) -> str:
    """Containers by their kind only: they may be huge, or too deep for ``repr``."""
    match value:
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case str() if len(value) > LONGEST_VALUE:
            return f"{value[:LONGEST_VALUE]!r}…"
        case None:
            return "null"
        case _:
            return repr(value)[: LONGEST_VALUE + 2]


def _without_titles(schema: Any) -> Any:
    """pydantic makes a title of each name, which says nothing new and costs tokens."""
    match schema:
        case dict():
            return {key: _inner(key, value) for key, value in schema.items() if key != "title"}
        case list():
            return [_without_titles(value) for value in schema]
        case _:
            return schema


def _inner(key: str, value: Any) -> Any:
    if key in ("properties", "$defs") and isinstance(value, dict):
        return {name: _without_titles(schema) for name, schema in value.items()}
    return value if key in ("default", "const", "enum", "examples") else _without_titles(value)


class _PlainSchema(GenerateJsonSchema):
    """``x: int | None = None`` is just an integer that may be left out. ``null`` is taken still."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default", ...) is not None or "anyOf" not in made:
            return made
        rest = {key: value for key, value in made.items() if key not in ("default", "anyOf")}
        kinds = [kind for kind in made["anyOf"] if kind != {"type": "null"}]
        return {**kinds[0], **rest} if len(kinds) == 1 else {"anyOf": kinds, **rest}
