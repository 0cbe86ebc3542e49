"""Freeing the image size of an ONNX network that was exported for one fixed size.

Works on the serialised protocol buffer (https://protobuf.dev/programming-guides/encoding/, field numbers from
`onnx.proto`), so that the `onnx` package is not needed for the sake of two dozen bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

_MODEL_GRAPH = 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 5, 11, 12
_TENSOR_NAME = 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def free_image_size(model: bytes) -> bytes:
    """Return the model with its one float input declared as (1, 3, height, width), both free, and outputs unshaped.

    Weights that the exporter also listed as inputs are taken off that list, which lets the runtime fold constants.

    Raises:
        ValueError: not an ONNX model, or one with several real inputs.
    """
    graph = b"".join(payload for number, _, payload in _fields(model) if number == _MODEL_GRAPH)
    weights = {_value(payload, _TENSOR_NAME) for number, _, payload in _fields(graph) if number == _GRAPH_INITIALIZER}
    rebuilt, inputs = bytearray(), 0
    for number, raw, payload in _fields(graph):
        if number == _GRAPH_INPUT:
            name = _value(payload, 1)
            if name in weights:
                continue
            inputs += 1
            raw = _field(_GRAPH_INPUT, _value_info(name, (1, 3, "height", "width")))
        elif number == _GRAPH_OUTPUT:
            raw = _field(_GRAPH_OUTPUT, _value_info(_value(payload, 1), None))
        rebuilt += raw
    if inputs != 1:
        raise ValueError(f"expected an ONNX model with one image input, found {inputs}")
    others = b"".join(raw for number, raw, _ in _fields(model) if number != _MODEL_GRAPH)
    return others + _field(_MODEL_GRAPH, bytes(rebuilt))


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (field number, the field's raw bytes, its payload) over one message."""
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        kind = key & 7
        length = 0
        if kind == _VARINT:
            length = _read_varint(message, position)[1] - position
        elif kind == _BYTES:
            length, position = _read_varint(message, position)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("not an ONNX model")
        end = position + length
        if end > len(message):
            raise ValueError("not an ONNX model, or a truncated one")
        yield key >> 3, message[start:end], message[position:end]
        position = end


def _value(message: bytes, number: int) -> bytes:
    return next((payload for found, _, payload in _fields(message) if found == number), b"")


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message):
            raise ValueError("not an ONNX model, or a truncated one")
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(payload)) + payload


def _value_info(name: bytes, shape: tuple[int | str, ...] | None) -> bytes:
    """ValueInfoProto{name=1, type=2{tensor_type=1{elem_type=1 FLOAT, shape=2{dim=1{dim_value=1 | dim_param=2}}}}}."""
    tensor = _varint(1 << 3 | _VARINT) + _varint(1)
    if shape is not None:
        dims = (
            _field(2, side.encode()) if isinstance(side, str) else _varint(1 << 3 | _VARINT) + _varint(side)
            for side in shape
        )
        tensor += _field(2, b"".join(_field(1, dim) for dim in dims))
    return _field(1, name) + _field(2, _field(1, tensor))
