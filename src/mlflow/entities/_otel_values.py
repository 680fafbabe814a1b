"""Values between Python and the messages of the OpenTelemetry protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_INT64 = range(-(1 << 63), 1 << 63)


def set_attributes(pairs: Any, attributes: Mapping[str, Any]) -> None:
    """Append attributes to a repeated field of `KeyValue`."""
    for key, value in attributes.items():
        pair = pairs.add()
        pair.key = key
        _set_any_value(pair.value, value)


def _set_any_value(message: Any, value: Any) -> None:
    """Fill an `AnyValue`; what the protocol has no type for becomes its `str`. None leaves it
    empty."""
    if value is None:
        return
    if isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, int) and value in _INT64:
        message.int_value = value
    elif isinstance(value, float):
        message.double_value = value
    elif isinstance(value, bytes):
        message.bytes_value = value
    elif isinstance(value, Mapping):
        message.kvlist_value.SetInParent()
        set_attributes(message.kvlist_value.values, {str(k): v for k, v in value.items()})
    elif isinstance(value, (list, tuple)):
        message.array_value.SetInParent()
        for part in value:
            _set_any_value(message.array_value.values.add(), part)
    else:
        message.string_value = str(value)


def attributes_of(pairs: Iterable[Any]) -> dict[str, Any]:
    """A repeated field of `KeyValue`, as a dict; of several with one key the last one counts."""
    return {pair.key: _value_of(pair.value) for pair in pairs}


def _value_of(message: Any) -> Any:
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value_of(part) for part in message.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(message.kvlist_value.values)
    return getattr(message, kind)
