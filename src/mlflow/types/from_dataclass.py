"""Column types from the type hints of a dataclass."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import Array, BaseType, Object, Property

_SCALARS = {
    int: DataType.long,
    str: DataType.string,
    bool: DataType.boolean,
    float: DataType.float,
    bytes: DataType.binary,
    datetime.date: DataType.datetime,
}


def convert_to_columns(dataclass: Any) -> Iterator[tuple[str, BaseType | DataType, bool]]:
    """Name, type and whether it is required, of each field.

    Raises:
        TypeError: If it is not a dataclass.
        MlflowException: INTERNAL_ERROR if a field is of a type that a schema cannot express.
    """
    from dataclasses import fields

    if not _is_dataclass(dataclass):
        raise TypeError(f"{getattr(dataclass, '__name__', repr(dataclass))} is not a dataclass.")
    hints = _resolved_hints(dataclass)
    for field in fields(dataclass):
        hint, required = _without_none(hints[field.name])
        yield field.name, _convert(hint, dataclass.__name__), required


def _convert(hint: Any, owner: str) -> BaseType | DataType:
    from typing import get_args, get_origin

    if get_origin(hint) is list and get_args(hint):
        [item] = get_args(hint)
        dtype = _plain(item)
        if dtype is None:
            raise MlflowException(f"List field type {item} is not supported in dataclass {owner}")
        return Array(dtype)
    dtype = _plain(hint)
    if dtype is None:
        raise MlflowException(f"Unsupported field type {hint} in dataclass {owner}")
    return dtype


def _plain(hint: Any) -> BaseType | DataType | None:
    """The type of a field that is not a list; None if there is none."""
    if _is_dataclass(hint):
        return Object([Property(*column) for column in convert_to_columns(hint)])
    try:
        return _SCALARS.get(hint)
    except TypeError:  # an unhashable hint, such as Literal[[]]
        return None


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type in `Optional[type]` with False, any other type with True."""
    from types import UnionType
    from typing import Union, get_args, get_origin

    if get_origin(hint) not in (Union, UnionType):
        return hint, True
    others = [one for one in get_args(hint) if one is not type(None)]
    if len(others) != 1:
        raise MlflowException("Only Optional[...] is supported as a Union type in dataclass fields")
    return others[0], False


def _is_dataclass(value: Any) -> bool:
    return isinstance(value, type) and hasattr(value, "__dataclass_fields__")


def _resolved_hints(dataclass: type) -> dict[str, Any]:
    """Types of the fields, where annotations are strings looked up in the class's module."""
    from typing import get_type_hints

    try:
        return get_type_hints(dataclass)
    except NameError as error:
        module = sys.modules.get(dataclass.__module__)
        raise MlflowException.invalid_parameter_value(
            f"A type in the annotations of {dataclass.__name__} was not found in "
            f"{getattr(module, '__name__', dataclass.__module__)}: {error}"
        ) from error
