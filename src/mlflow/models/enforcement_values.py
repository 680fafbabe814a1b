"""One column, or one value in it, brought to the type that a schema has for it.

What is done never loses anything: integers and floats are widened, missing values stay missing.
Everything else is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import AnyType, Array, BaseType, Map, Object, type_to_dict

#: For each type, the numpy dtypes that go into it without loss.
_NARROWER = {
    DataType.boolean: "?",
    DataType.integer: "bBhHi",
    DataType.long: "bBhHiIlq",
    DataType.float: "ef",
    DataType.double: "bBhHiIefd",
}
_WIDENS = {dtype: frozenset(np.dtype(char) for char in chars) for dtype, chars in _NARROWER.items()}
#: Columns of these may hold any Python object.
_FREE = (DataType.string, DataType.binary)
_FLOATS = (DataType.float, DataType.double)
_INT64 = np.dtype("int64")
_OBJECT = np.dtype(object)

_MISSING_HINT = (
    " Hint: integers cannot be missing, so a column of integers in which some are missing holds "
    "floats. Infer the signature from data that has missing values, or make the column a double."
)


def misfit(message: str) -> MlflowException:
    """The error for data that a schema does not allow."""
    return MlflowException.invalid_parameter_value(message)


Column = Callable[[pd.Series], pd.Series]
Value = Callable[[Any], Any]


def column_rule(dtype: DataType | BaseType, name: Any, required: bool) -> Column:
    """What brings a column to that type, or raises.

    Args:
        name: What to call the column in messages.
        required: False when values may be missing.
    """
    if isinstance(dtype, DataType):
        return lambda values: scalar_column(values, dtype, name)
    if isinstance(dtype, AnyType):
        return lambda values: pd.Series(list(values), index=values.index, name=values.name)
    rule = value_rule(dtype, required)
    return lambda values: pd.Series(
        [rule(value) for value in values], index=values.index, name=values.name, dtype=object
    )


def scalar_column(values: pd.Series, dtype: DataType, name: Any) -> pd.Series:
    """A column of scalars brought to a type."""
    if dtype in _FREE:
        return _free_column(values, dtype, name)
    if values.dtype == _OBJECT:
        values = values.infer_objects()
    target = dtype.to_pandas()
    given = values.dtype
    if given == target:
        return values
    if given == _OBJECT:
        return _from_objects(values, dtype, name)
    if dtype is DataType.datetime:
        if isinstance(given, np.dtype) and given.kind == "M":
            return values.astype(target)
        raise cannot_convert(name, given, target)
    # Nullable columns of pandas and pyarrow have a numpy dtype too.
    plain = given if isinstance(given, np.dtype) else getattr(given, "numpy_dtype", None)
    if goes_into(values, plain, dtype):
        try:
            return values.astype(target)
        except (ValueError, TypeError) as error:  # some are missing
            raise misfit(f"Column {name} of type {given} has missing values: {error}") from error
    raise cannot_convert(name, given, target)


def goes_into(values: Any, given: Any, dtype: DataType) -> bool:
    """Whether a column, array or table of that numpy dtype can be converted without loss."""
    return given in _WIDENS[dtype] or (
        dtype in _FLOATS and given == _INT64 and is_zeros_and_ones(values)
    )


def is_zeros_and_ones(values: Any) -> bool:
    """True for integers that are all 0 or 1: such columns often stand for yes and no, so they go
    into floats, though not all of the type would."""
    values = np.asarray(values)
    return bool(((values == 0) | (values == 1)).all())


def _free_column(values: pd.Series, dtype: DataType, name: Any) -> pd.Series:
    given = values.dtype
    if given == _OBJECT or isinstance(given, pd.StringDtype):
        return values
    if dtype is DataType.string and isinstance(given, pd.ArrowDtype) and given.type is str:
        return values.astype(object)
    raise cannot_convert(name, given, dtype.to_pandas())


def _from_objects(values: pd.Series, dtype: DataType, name: Any) -> pd.Series:
    """A column of Python objects that have no common numpy type."""
    if dtype is DataType.boolean:
        return values
    target = dtype.to_pandas()
    try:
        if dtype is DataType.double:
            return pd.to_numeric(values).astype(target)
        if dtype is DataType.datetime:
            return values.astype(target)
    except (ValueError, TypeError) as error:
        raise misfit(
            f"Failed to convert column {name} from type object to {target}: {error}"
        ) from error
    raise cannot_convert(name, _OBJECT, target)


def cannot_convert(name: Any, given: Any, target: Any) -> MlflowException:
    """The error for a column of dtype `given` where `target` is wanted."""
    message = (
        f"Incompatible input types for column {name}. "
        f"Can not safely convert {given} to {getattr(target, '__name__', target)}."
    )
    if getattr(given, "kind", "") == "f" and getattr(target, "kind", "") == "i":
        message += _MISSING_HINT
    return misfit(message)


def value_rule(dtype: DataType | BaseType, required: bool = True) -> Value:
    """What brings one value to that type, or raises."""
    if isinstance(dtype, AnyType):
        return lambda value: value
    rule = _RULES[type(dtype)](dtype, required)
    inner = dtype.dtype if isinstance(dtype, Array) else getattr(dtype, "value_type", None)
    if isinstance(inner, AnyType):
        return lambda value: None if value is None else rule(value)
    if required:
        return rule
    return lambda value: None if _is_missing(value) else rule(value)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _scalar_rule(dtype: DataType, required: bool) -> Value:
    if dtype is DataType.string:
        quick: dict[type, Any] = {str: str}
    elif dtype is DataType.double:
        quick = {float: np.float64}
    elif dtype is DataType.boolean:
        quick = {bool: np.bool_}
    elif dtype is DataType.long:
        # Larger ones overflow, which is refused below.
        quick = {int: lambda value: np.int64(value) if -(2**63) <= value < 2**63 else slow(value)}
    else:
        quick = {}

    def slow(value: Any) -> Any:
        if value is None or isinstance(value, (list, dict, tuple, set, np.ndarray)):
            raise misfit(f"Expected {dtype!r}, got {type(value).__name__} '{value}'")
        return scalar_column(pd.Series([value]), dtype, "").iloc[0]

    def rule(value: Any) -> Any:
        make = quick.get(type(value))
        return make(value) if make else slow(value)

    return rule


def _array_rule(dtype: Array, required: bool) -> Value:
    inner = dtype.dtype
    if isinstance(inner, DataType):
        return lambda value: _scalars(_check_array(value), inner)
    rule = value_rule(inner, required)

    def of_values(value: Any) -> Any:
        items = [rule(item) for item in _check_array(value)]
        return items if isinstance(value, list) else _like(value, items)

    return of_values


def _check_array(value: Any) -> Any:
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim):
        return value
    raise misfit(f"Expected data to be list or numpy array, got {type(value).__name__}")


def _like(array: np.ndarray, items: list[Any]) -> np.ndarray:
    """An array of these items; of objects, where numpy would not make one of the same shape."""
    try:
        made = np.array(items)
    except ValueError:
        made = None
    if made is not None and made.shape == array.shape:
        return made
    made = np.empty(len(items), dtype=object)
    made[:] = items
    return made


def _scalars(value: Any, dtype: DataType) -> Any:
    """A list or array of scalars brought to a type; a list stays a list."""
    if isinstance(value, list):
        if not value:
            return value
        kinds = set(map(type, value))
        if kinds == {str} and dtype is DataType.string or kinds == {bytes} and dtype in _FREE[1:]:
            return list(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise misfit(f"Expected a list of {dtype!r}, got '{value}': {error}") from error
    if array.ndim != 1:
        raise misfit(f"Expected a one-dimensional list of {dtype!r}, got '{value}'")
    array = _typed(array, dtype)
    return array.tolist() if isinstance(value, list) else array


def _typed(array: np.ndarray, dtype: DataType) -> np.ndarray:
    given, target = array.dtype, dtype.to_numpy()
    if given == _OBJECT:
        return _objects(array, dtype)
    if given == target or (given.kind == target.kind and given.kind in "US"):
        return array
    if dtype in _FREE and given.kind in "US":
        try:
            return array.astype(target)
        except UnicodeError as error:
            raise misfit(f"Expected {dtype!r}, got {array.tolist()}: {error}") from error
    if dtype is DataType.datetime and given.kind == "M":
        return array.astype(target)
    if dtype in _WIDENS and goes_into(array, given, dtype):
        return array.astype(target)
    raise misfit(f"Incompatible input types. Can not safely convert {given} to {target}.")


def _objects(array: np.ndarray, dtype: DataType) -> np.ndarray:
    """An array of Python objects, some of which may be missing; they stay what they are."""
    if dtype is DataType.double:
        return scalar_column(pd.Series(array), dtype, "").to_numpy()
    classes = {
        DataType.boolean: (bool, np.bool_),
        DataType.string: (str, bytes),
        DataType.binary: (bytes, bytearray, str),
        DataType.datetime: (dtype.to_python(), np.datetime64),
    }.get(dtype, ())
    if classes and all(item is None or isinstance(item, classes) for item in array):
        return array
    raise misfit(f"Incompatible input types. Can not safely convert {array.tolist()} to {dtype!r}.")


def _object_rule(dtype: Object, required: bool) -> Value:
    rules = {one.name: (one.dtype, value_rule(one.dtype, one.required)) for one in dtype.properties}
    needed = {one.name for one in dtype.properties if one.required}

    def rule(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise misfit(
                f"Failed to enforce schema of '{value}' with type '{dtype}'. "
                f"Expected data to be dictionary, got {type(value).__name__}"
            )
        if not value and not required:
            return value
        if missing := needed - value.keys():
            raise misfit(f"Missing required properties: {missing}")
        if unknown := value.keys() - rules.keys():
            raise misfit(f"Invalid properties not defined in the schema found: {unknown}")
        return {key: member(key, item) for key, item in value.items()}

    def member(key: str, item: Any) -> Any:
        wanted, enforce = rules[key]
        try:
            return enforce(item)
        except MlflowException as error:
            raise misfit(
                f"Failed to enforce schema for key `{key}`. Expected type "
                f"{type_to_dict(wanted)['type']}, received type {type(item).__name__}. "
                f"{error.message}"
            ) from error

    return rule


def _map_rule(dtype: Map, required: bool) -> Value:
    enforce = value_rule(dtype.value_type, required)

    def rule(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise misfit(f"Expected data to be a dict, got {type(value).__name__}")
        if not all(isinstance(key, str) for key in value):
            raise misfit(f"All keys of a map must be strings, got {list(value)}")
        return {key: enforce(item) for key, item in value.items()}

    return rule


_RULES: dict[type, Callable[[Any, bool], Value]] = {
    DataType: _scalar_rule,
    Array: _array_rule,
    Object: _object_rule,
    Map: _map_rule,
}
