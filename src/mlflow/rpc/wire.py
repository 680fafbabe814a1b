"""What every message on the wire shares, and how one is read.

A message is first decoded strictly, by compiled code that takes only the exact names and types.
Anything else goes through `tolerant`, which knows the protocol's leniencies and makes the errors:
camelCase beside snake_case, unknown fields ignored, null is absent, 64-bit numbers as numbers or
strings, NaN and the infinities spelled as strings.
"""

from __future__ import annotations

import functools
import json
import math
import os
import threading
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from mlflow.exceptions import MlflowException

W = TypeVar("W", bound="Wire")

#: A string that must be there and not be empty.
Needed = Annotated[str, msgspec.Meta(min_length=1)]
_INT64 = (-(1 << 63), (1 << 63) - 1)
#: A 64-bit integer.
Int64 = Annotated[int, msgspec.Meta(ge=_INT64[0], le=_INT64[1])]
#: A double; NaN and the infinities are strings.
Double = float | Literal["NaN", "Infinity", "-Infinity"]

_SEE_DOCS = "See the API docs for more information about request parameters."


class Wire(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A message, or a part of one. A field with a default may be absent, and is left out when it
    has that value."""


class Empty(Wire):
    """An answer that says only that it is done."""


def double(value: float) -> Double:
    """A double as the wire spells it; MlflowException INVALID_PARAMETER_VALUE if it is no
    number."""
    try:
        if math.isfinite(value):
            return value
    except (TypeError, OverflowError):
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {value!r} for parameter 'value' supplied; a number that a double can "
            "hold is needed."
        ) from None
    return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")


def encode(message: Wire) -> bytes:
    """The JSON of a message; MlflowException INVALID_PARAMETER_VALUE if UTF-8 cannot hold it."""
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError as e:
        raise MlflowException.invalid_parameter_value(
            f"A text has {e.object[e.start : e.end]!r} in it, which is no character."
        ) from None


def decode(cls: type[W], body: bytes) -> W:
    """The message in a JSON body.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE naming the field that is missing, or has a value of
            a wrong type.
    """
    try:
        return _decoder(cls).decode(body)
    except _UNREADABLE:
        return tolerant(cls, json_object(body))


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. What is no JSON at all counts as an empty one.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is JSON of another type, or nested too
            deeply.
    """
    try:
        value = msgspec.json.decode(body) if body else {}
    except _UNREADABLE:
        value = _forgiving_json(body)
    if not isinstance(value, dict):
        raise MlflowException.invalid_parameter_value(
            f"The body is a JSON {_json_type(value)}; an object is needed."
        )
    return value


def decode_query(cls: type[W], pairs: Iterable[tuple[str, str]]) -> W:
    """The message in a query string; a key that repeats is a list."""
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    lists = _list_fields(cls)
    return tolerant(cls, {k: v if k in lists else v[0] for k, v in values.items()})


def to_query(message: Wire) -> list[tuple[str, str]]:
    """A message as the pairs of a query string."""
    pairs: list[tuple[str, str]] = []
    for name, value in msgspec.to_builtins(message).items():
        for item in value if isinstance(value, list) else (value,):
            pairs.append((name, str(item)))
    return pairs


_decoders: dict[type, msgspec.json.Decoder] = {}
_building = threading.Lock()


def _decoder(cls: type) -> msgspec.json.Decoder:
    """The decoder of a message. They are built one after the other: msgspec crashes when two
    threads look at the fields of one type for the first time."""
    decoder = _decoders.get(cls)
    if decoder is None:
        with _building:
            decoder = _decoders[cls] = msgspec.json.Decoder(cls)
    return decoder


def _after_fork() -> None:
    global _building
    _building = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


#: What msgspec raises for text that is not what it should be, not UTF-8, or nested a thousand deep.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _forgiving_json(body: bytes) -> Any:
    """JSON with NaN literals, or with integers too big for the strict decoder; an empty object if
    it is no JSON at all."""
    try:
        return json.loads(body)
    except RecursionError:
        raise MlflowException.invalid_parameter_value(
            "The body is JSON that is nested too deeply; no request needs more than 10 levels."
        ) from None
    except ValueError:
        return {}


def _json_type(value: Any) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(
        type(value), "number"
    )


# -- the tolerant reader ------------------------------------------------------------------------

_ABSENT = object()


class _Refused(Exception):
    """A value that its field cannot take."""

    def __init__(self, value: Any):
        self.value = value


def tolerant(cls: type[W], values: dict[str, Any], where: str = "") -> W:
    """The message in a decoded JSON object; `where` is the path to it, for errors."""
    given: dict[str, Any] = {}
    for field in _fields(cls):
        value = sent = values.get(field.name, values.get(field.camel, _ABSENT))
        if value is not None and value is not _ABSENT:
            try:
                value = field.read(value, where + field.name)
            except _Refused as e:
                raise _invalid(e.value, where + field.name) from None
            if value is _ABSENT and field.required:
                raise _invalid(sent, where + field.name)
        if value is None or value is _ABSENT or (field.required and value == "" and field.nonempty):
            if field.required:
                raise MlflowException.invalid_parameter_value(
                    f"Missing value for required parameter '{where}{field.name}'. {_SEE_DOCS}"
                )
            continue
        given[field.name] = value
    return cls(**given)


def _invalid(value: Any, name: str) -> MlflowException:
    text = json.dumps(value, default=str, separators=(",", ":"))
    if len(text) > 1000:
        text = text[:1000] + "..."
    return MlflowException.invalid_parameter_value(
        f"Invalid value {text} for parameter '{name}' supplied:  "
        f"Hint: Value was of type '{type(value).__name__}'. {_SEE_DOCS}"
    )


class _Field(msgspec.Struct):
    name: str
    camel: str
    required: bool
    nonempty: bool
    is_list: bool
    read: Callable[[Any, str], Any]


@functools.cache
def _fields(cls: type) -> list[_Field]:
    from msgspec import inspect

    hints = get_type_hints(cls)
    fields = []
    for f in inspect.type_info(cls).fields:
        kind = _without_none(f.type)
        fields.append(
            _Field(
                name=f.encode_name,
                camel=_camel(f.encode_name),
                required=f.required,
                nonempty=isinstance(kind, inspect.StrType) and bool(kind.min_length),
                is_list=isinstance(kind, inspect.ListType),
                read=_reader(kind, hints[f.name]),
            )
        )
    return fields


@functools.cache
def _list_fields(cls: type) -> frozenset[str]:
    return frozenset(n for f in _fields(cls) if f.is_list for n in (f.name, f.camel))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _without_none(kind: Any) -> Any:
    from msgspec import inspect

    if isinstance(kind, inspect.UnionType):
        kinds = [k for k in kind.types if not isinstance(k, inspect.NoneType)]
        if any(isinstance(k, inspect.FloatType) for k in kinds):
            return inspect.FloatType()
        return kinds[0] if len(kinds) == 1 else inspect.UnionType(tuple(kinds))
    return kind


def _reader(kind: Any, hint: Any = None) -> Callable[[Any, str], Any]:
    """How a field of this type takes a value.

    Args:
        kind: What msgspec makes of the field's annotation.
        hint: The annotation itself, where it is known.
    """
    from msgspec import inspect

    if isinstance(kind, inspect.StrType):
        return _read_string
    if isinstance(kind, inspect.IntType):
        low = _INT64[0] if kind.ge is None else kind.ge
        high = _INT64[1] if kind.le is None else kind.le
        return functools.partial(_read_integer, low=low, high=high)
    if isinstance(kind, inspect.FloatType):
        return _read_double
    if isinstance(kind, inspect.BoolType):
        return _read_boolean
    if isinstance(kind, inspect.LiteralType):
        return functools.partial(_read_choice, names=_literal(hint) or kind.values)
    if isinstance(kind, inspect.ListType):
        item = _without_none(kind.item_type)
        strings = isinstance(item, inspect.StrType)
        if isinstance(item, inspect.UnionType):
            return functools.partial(_read_list, read=_read_integer_or_text)
        return functools.partial(_read_list, read=_read_text if strings else _reader(item))
    if isinstance(kind, inspect.StructType):
        return functools.partial(_read_struct, cls=kind.cls)
    if isinstance(kind, inspect.DictType):
        strings = isinstance(kind.value_type, inspect.StrType)
        return functools.partial(_read_mapping, read=_read_text if strings else _read_anything)
    if isinstance(kind, inspect.AnyType):
        return _read_anything
    raise TypeError(f"no reader for {kind}")


def _read_string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _Refused(value)
    return value


def _read_text(value: Any, name: str) -> str:
    """An item of a list of strings; numbers pass too, since experiment ids look like numbers."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _Refused(value)
    return str(value)


def _read_integer_or_text(value: Any, name: str) -> int | str:
    """An item of a list that has both."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _Refused(value)
    return value


def _read_integer(value: Any, name: str, low: int, high: int) -> Any:
    number = _number(value) if isinstance(value, str) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if type(number) is not int:
        if isinstance(value, (dict, list)):
            raise _Refused(value)
        return _ABSENT  # a fraction or a boolean counts as not given
    if low <= number <= high:
        return number
    if (low, high) == _INT64:
        return _ABSENT  # and so does what does not fit
    raise _Refused(value)


def _number(text: str) -> int | float:
    """The whole number that a string spells, `1e3` being one."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        raise _Refused(text) from None
    if not number.is_integer():
        raise _Refused(text)
    return number


def _read_double(value: Any, name: str) -> Double:
    if isinstance(value, (int, float)):  # a boolean is the number that it is in C
        try:
            return double(float(value))
        except OverflowError:
            raise _Refused(value) from None
    if isinstance(value, str):
        try:
            return double(float(value))
        except ValueError:
            pass
    raise _Refused(value)


def _read_boolean(value: Any, name: str) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _Refused(value)
    return value


def _read_choice(value: Any, name: str, names: tuple[str, ...]) -> Any:
    """One of the names, or its number, counted from 1. Unknown names count as not given."""
    if value in names:
        return value
    try:
        number = _read_integer(value, name, 1, len(names))
    except _Refused:
        if isinstance(value, str):
            return _ABSENT
        raise
    return number if number is _ABSENT else names[number - 1]


def _literal(hint: Any) -> tuple[str, ...]:
    """The names of the Literal in an annotation, in the order in which they stand there."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((names for part in get_args(hint) if (names := _literal(part))), ())


def _read_list(value: Any, name: str, read: Callable[[Any, str], Any]) -> list[Any]:
    if not isinstance(value, list):
        raise _Refused(value)
    items = []
    for i, item in enumerate(value):
        try:
            items.append(read(item, f"{name}[{i}]"))
        except _Refused as e:
            raise _invalid(e.value, f"{name}[{i}]") from None
    return [item for item in items if item is not _ABSENT]


def _read_mapping(value: Any, name: str, read: Callable[[Any, str], Any]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Refused(value)
    return {key: read(part, f"{name}.{key}") for key, part in value.items()}


def _read_anything(value: Any, name: str) -> Any:
    return value


def _read_struct(value: Any, name: str, cls: type[Wire]) -> Wire:
    if not isinstance(value, dict):
        raise _Refused(value)
    return tolerant(cls, value, name + ".")
