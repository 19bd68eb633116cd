"""ONNX graphs of a few hundred bytes for tests, written as protobuf by hand: the package ``onnx`` is not needed.

Field numbers are those of ``onnx.proto`` (ONNX is a stable format: they never change).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

Dimension = int | str
FLOAT = 1


def write_sigmoid_of_mean(
    path: Path, *, shape: Sequence[Dimension], name: str = "input_features", activation: str = "Sigmoid"
) -> None:
    """One input, float of this shape; the output ``logits``, float ``[batch, 1]``, is the activation of its mean."""
    nodes = (
        _node("ReduceMean", [name], ["mean"], _ints("axes", range(1, len(shape))), _int("keepdims", 0)),
        _node("Unsqueeze", ["mean"], ["column"], _ints("axes", [1])),
        _node(activation, ["column"], ["logits"]),
    )
    graph = b"".join(_message(1, node) for node in nodes) + _text(2, "tiny")
    graph += _message(11, _value(name, shape)) + _message(12, _value("logits", (shape[0], 1)))
    path.write_bytes(_number(1, 7) + _message(7, graph) + _message(8, _text(1, "") + _number(2, 11)))


def _node(operator: str, inputs: Sequence[str], outputs: Sequence[str], *attributes: bytes) -> bytes:
    named = b"".join(_text(1, given) for given in inputs) + b"".join(_text(2, given) for given in outputs)
    return named + _text(4, operator) + b"".join(_message(5, attribute) for attribute in attributes)


def _int(name: str, value: int) -> bytes:
    return _text(1, name) + _number(3, value) + _number(20, 2)


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _text(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7)


def _value(name: str, shape: Sequence[Dimension]) -> bytes:
    dimensions = b"".join(
        _message(1, _number(1, length) if isinstance(length, int) else _text(2, length)) for length in shape
    )
    tensor = _number(1, FLOAT) + _message(2, dimensions)
    return _text(1, name) + _message(2, _message(1, tensor))


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
