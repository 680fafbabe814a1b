"""Whether a dictionary given as a parameter is of the parameter's type. Nothing is converted."""

from __future__ import annotations

import sys
from typing import Any

from mlflow.types.data_type import DataType, widens
from mlflow.types.nested import AnyType, Array, BaseType, Map, Object, type_to_dict


def check_object(value: Any, dtype: Object) -> str | None:
    """Why `value` is not an object of type `dtype`, in words; None if it is one."""
    if not isinstance(value, dict):
        return (
            f"Failed to enforce schema of '{value}' with type '{dtype}'. "
            f"Expected data to be dictionary, got {type(value).__name__}"
        )
    members = {one.name: one for one in dtype.properties}
    missing = {name for name, one in members.items() if one.required} - value.keys()
    if missing:
        return f"Missing required properties: {missing}"
    unknown = value.keys() - members.keys()
    if unknown:
        return f"Invalid properties not defined in the schema found: {unknown}"
    for name, item in value.items():
        member = members[name]
        if not (item is None and not member.required) and not conforms(item, member.dtype):
            return (
                f"Failed to enforce schema for key `{name}`. Expected type "
                f"{type_to_dict(member.dtype)['type']}, received type {type(item).__name__}"
            )
    return None


def conforms(value: Any, dtype: BaseType | DataType) -> bool:
    """True when `value` is of the type, or of a narrower scalar type that goes into it."""
    if dtype is DataType.datetime:
        return False  # parameters are kept as JSON, which has no dates
    if isinstance(dtype, DataType):
        return DataType.check_type(dtype, value) or widens(value, dtype)
    if isinstance(dtype, AnyType):
        return True
    if isinstance(dtype, Object):
        return check_object(value, dtype) is None
    if isinstance(dtype, Map):
        return isinstance(value, dict) and all(
            isinstance(key, str) and conforms(item, dtype.value_type) for key, item in value.items()
        )
    assert isinstance(dtype, Array)
    return _is_list(value) and all(conforms(item, dtype.dtype) for item in value)


def _is_list(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return isinstance(value, list) or (
        numpy is not None and isinstance(value, numpy.ndarray) and value.ndim > 0
    )
