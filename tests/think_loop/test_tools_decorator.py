"""``@tool``: what a model is told about a function, and what comes of its calls, however odd."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import json
from collections.abc import AsyncIterator
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from scheduler import virtual_time
from think_loop.language_model import ToolCall
from think_loop.tools import LONGEST_OUTPUT, Tool, Toolbox, ToolFault, ToolOutput, tool


class Address(BaseModel):
    street: str
    zip_code: int | None = None


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@tool(read_only=True, progress="checking your order", timeout_seconds=5)
async def order_status(
    number: Annotated[int, Field(description="the order's number", ge=1)],
    detail: Literal["short", "long"] = "short",
    since: datetime.date | None = None,
) -> dict[str, Any]:
    """Look up an order.

    It takes a while.
    """
    return {"number": number, "detail": detail, "since": since}


@tool
async def send(to: Address, *, sizes: list[Size], note: Annotated[str | None, Field(max_length=5)] = None) -> str:
    return f"{to.street} {to.zip_code} {[size.name for size in sizes]} {note}"


def outcome(used: Tool, arguments: object) -> ToolOutput:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return virtual_time.run(lambda: Toolbox((used,)).run(ToolCall("c", used.spec.name, text)))


# --- what the model is told -------------------------------------------------------------------------------


def test_name_description_and_options() -> None:
    assert order_status.spec.name == "order_status"
    assert order_status.spec.description == "Look up an order.\n\nIt takes a while."
    assert not order_status.spec.by_client
    assert (order_status.read_only, order_status.progress, order_status.timeout_seconds) == (
        True, "checking your order", 5,
    )  # fmt: skip
    assert (send.read_only, send.progress, send.timeout_seconds, send.spec.description) == (False, "", None, "")


def test_name_and_description_can_be_given() -> None:
    @tool(name="weather-now", description="Tells the weather.")
    async def internal_name() -> None:
        """For programmers."""

    assert (internal_name.spec.name, internal_name.spec.description) == ("weather-now", "Tells the weather.")
    assert internal_name.spec.parameters == {"type": "object", "properties": {}, "additionalProperties": False}


def test_the_schema_of_simple_arguments() -> None:
    assert order_status.spec.parameters == {
        "type": "object",
        "properties": {
            "number": {"type": "integer", "minimum": 1, "description": "the order's number"},
            "detail": {"type": "string", "enum": ["short", "long"], "default": "short"},
            "since": {"type": "string", "format": "date"},
        },
        "required": ["number"],
        "additionalProperties": False,
    }


def test_the_schema_of_nested_arguments() -> None:
    assert send.spec.parameters == {
        "$defs": {
            "Address": {
                "type": "object",
                "properties": {"street": {"type": "string"}, "zip_code": {"type": "integer"}},
                "required": ["street"],
            },
            "Size": {"type": "string", "enum": ["small", "large"]},
        },
        "type": "object",
        "properties": {
            "to": {"$ref": "#/$defs/Address"},
            "sizes": {"type": "array", "items": {"$ref": "#/$defs/Size"}},
            "note": {"type": "string", "maxLength": 5},
        },
        "required": ["to", "sizes"],
        "additionalProperties": False,
    }


def test_a_description_survives_beside_an_optional_type_and_names_may_be_any() -> None:
    @tool
    async def odd(
        schema: Annotated[int | str | None, Field(description="any")] = None,
        title: int | None = 3,
        json: float = Field(default=1.5, description="a number"),
        *,
        needed: int | None,
    ) -> None: ...

    properties = odd.spec.parameters["properties"]
    assert properties["schema"] == {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "any"}
    assert properties["title"] == {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 3}
    assert properties["json"] == {"type": "number", "default": 1.5, "description": "a number"}
    assert properties["needed"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert odd.spec.parameters["required"] == ["needed"]


# --- what can be a tool -----------------------------------------------------------------------------------


def sync() -> None: ...


async def generator() -> AsyncIterator[int]:
    yield 1


async def untyped(x) -> None: ...  # type: ignore[no-untyped-def]


async def many(*numbers: int) -> None: ...


async def named(**numbers: int) -> None: ...


async def placed(number: int, /) -> None: ...


async def undescribable(lock: asyncio.Lock) -> None: ...


async def callback(then: type[int]) -> None: ...


async def unknown_type(x: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Shop:
    async def price(self, item: str) -> int:
        """What it costs."""
        return len(item)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (sync, "'sync' must be an async function"),
        (generator, "must be an async function"),
        (lambda: None, "must be an async function"),
        (Shop, "must be an async function"),
        (untyped, "'x' of the tool 'untyped' has no type"),
        (Shop.price, "tool(thing.method)"),
        (many, "can't take 'numbers': models give each argument by its name"),
        (named, "by its name"),
        (placed, "by its name"),
        (undescribable, "'undescribable' can't be described as JSON"),
        (unknown_type, "'unknown_type' can't be described as JSON"),
    ],
)
def test_what_can_be_no_tool_is_told_at_once(function: Any, reason: str) -> None:
    with pytest.raises(TypeError) as refused:
        tool(function)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [{"name": ""}, {"name": "two words"}, {"name": "x" * 65}, {"timeout_seconds": 0}, {"late_after_seconds": -1}],
)
def test_options_that_cannot_be_used(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"can't be called|more than 0 seconds|0 or more"):
        tool(**options)(generator_free)


async def generator_free() -> None: ...


def test_a_bound_method_can_be_a_tool() -> None:
    price = tool(read_only=True)(Shop().price)
    assert price.spec.description == "What it costs."
    assert outcome(price, {"item": "paint"}) == ToolOutput("5")


def test_a_tool_can_be_called_like_its_function() -> None:
    async def main() -> str:
        return str(await send(Address(street="A"), sizes=[Size.LARGE], note="much longer"))

    assert virtual_time.run(main) == "A None ['LARGE'] much longer"
    with pytest.raises(TypeError):
        dataclasses.replace(send, function=None)()


# --- arguments --------------------------------------------------------------------------------------------


def test_arguments_are_converted_and_defaults_filled_in() -> None:
    assert json.loads(outcome(order_status, {"number": "7", "since": "2024-02-29"}).text) == {
        "number": 7, "detail": "short", "since": "2024-02-29",
    }  # fmt: skip
    given_all = {"to": {"street": "A", "zip_code": "1"}, "sizes": ["small", "large"], "note": None}
    assert outcome(send, given_all) == ToolOutput("A 1 ['SMALL', 'LARGE'] None")


@pytest.mark.parametrize(
    ("used", "arguments", "told"),
    [
        (order_status, {}, "the argument 'number' is missing."),
        (order_status, "", "the argument 'number' is missing."),
        (order_status, {"number": "seven"}, "the argument 'number' can't be 'seven': input should be a valid integer"),
        (order_status, {"number": 0}, "the argument 'number' can't be 0: input should be greater than or equal to 1."),
        (order_status, {"number": None}, "the argument 'number' can't be null"),
        (order_status, {"number": 1e999}, "the argument 'number' can't be inf"),
        (order_status, {"number": 1, "detail": "all"}, "input should be 'short' or 'long'."),
        (order_status, {"number": 1, "colour": 2}, "no argument 'colour', there are: number, detail, since."),
        (order_status, {"number": 1, "self": 2, "__class__": 3}, "no argument 'self'"),
        (send, {"to": {}, "sizes": []}, "the argument 'to.street' is missing."),
        (send, {"to": "home", "sizes": []}, "the argument 'to' can't be 'home'"),
        (send, {"to": {"street": "A"}, "sizes": ["small", "huge"]}, "'sizes.1' can't be 'huge'"),
        (send, {"to": {"street": "A"}, "sizes": {}}, "'sizes' can't be an object"),
        (send, {"to": {"street": []}, "sizes": []}, "'to.street' can't be a list"),
        (send, {"to": {"street": "A"}, "sizes": [], "note": "x" * 9999}, f"{'x' * 60}'…: string should have at most 5"),
        (send, {"to": {"street": "A"}, "sizes": list(range(50))}, "; and 47 more."),
        (send, "{", "the arguments are no valid JSON."),
        (send, '"{}"', "the arguments must be a JSON object."),
        (send, "null", "the arguments must be a JSON object."),
        (send, "[" * 100_000, "the arguments are no valid JSON."),
        (send, '{"x": ' + "9" * 5000 + "}", "the arguments are no valid JSON."),
        (send, {"to": {"street": "\ud800"}, "sizes": []}, "the arguments are no valid JSON."),
        (send, {"\ud800": 1, "to": {"street": "A"}, "sizes": []}, "the arguments are no valid JSON."),
    ],
)
def test_bad_arguments_are_told_in_one_sentence(used: Tool, arguments: object, told: str) -> None:
    output = outcome(used, arguments)
    assert output.failed
    assert output.text.startswith("Error: ")
    assert told in output.text
    assert "\n" not in output.text
    assert len(output.text) < 600


@tool
async def takes_anything(value: Any = None) -> Any:
    return value


def test_deep_and_long_arguments_do_no_harm() -> None:
    deep = "[" * 900 + "]" * 900
    assert outcome(takes_anything, f'{{"value": {deep}}}').text.startswith(("[[[", "Error: "))
    assert outcome(send, f'{{"to": {deep}, "sizes": []}}').failed
    assert outcome(order_status, {"number": 1, "x" * 100_000: 2}).text.count("x") < 100


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["number", "to", "sizes", "note"]), inner),
        max_leaves=8,
    ).map(json.dumps)
)
def test_no_arguments_ever_raise(arguments: str) -> None:
    for used in (order_status, send):
        output = outcome(used, arguments)
        assert output.failed == output.text.startswith("Error: ")
        output.text.encode()


# --- results ----------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int
    y: float


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, "(no result)"),
        (7, "7"),
        (True, "true"),
        ([1, "zwölf"], '[1,"zwölf"]'),
        (Address(street="A", zip_code=1), '{"street":"A","zip_code":1}'),
        ([Address(street="A")], '[{"street":"A","zip_code":null}]'),
        (Point(1, 2.5), '{"x":1,"y":2.5}'),
        (Size.LARGE, '"large"'),
        ({"at": datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)}, '{"at":"2024-01-02T00:00:00Z"}'),
        ("half \ud800", "half ?"),
        ("x" * (LONGEST_OUTPUT + 1), f"{'x' * LONGEST_OUTPUT} … (cut off after 20000 characters)"),
    ],
)
def test_results_as_the_model_reads_them(result: object, text: str) -> None:
    @tool
    async def give() -> Any:
        return result

    assert outcome(give, {}) == ToolOutput(text)


def test_a_fault_is_told_and_a_bug_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def fail(how: int) -> Any:
        match how:
            case 0:
                raise ToolFault("the shop is closed.")
            case 1:
                raise KeyError("secret")
            case 2:
                raise SystemExit(3)
            case 3:
                raise asyncio.CancelledError
            case 4:
                return Address.model_validate({})
            case _:
                return object()

    assert outcome(fail, {"how": 0}) == ToolOutput("Error: the shop is closed.", failed=True)
    assert caplog.text == ""
    for how in range(1, 6):
        caplog.clear()
        assert outcome(fail, {"how": how}) == ToolOutput("Error: the tool 'fail' failed.", failed=True)
        assert "fail" in caplog.text
        assert "think_loop/tool" not in caplog.text.replace("test_tools_decorator", ""), "frames of ours tell nothing"


def test_a_toolbox_knows_its_tools() -> None:
    box = Toolbox((order_status, send))
    assert (box.is_read_only("order_status"), box.is_read_only("send")) == (True, False)
    assert (box.progress("order_status"), box.progress("send"), box.progress("nothing")) == (
        "checking your order", "", "",
    )  # fmt: skip
    assert (box.timeout_seconds("order_status"), box.timeout_seconds("nothing")) == (5, None)
    assert box.is_read_only("nothing")  # only an error comes of it
    with pytest.raises(ValueError, match="already a tool 'send'"):
        box.add(send)
