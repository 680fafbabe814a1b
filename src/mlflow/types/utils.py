"""Schemas inferred from data: tables, arrays, dictionaries, lists and scalars.

Nothing here imports numpy or pandas unless the data already is theirs.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable
from functools import reduce
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import AnyType, Array, BaseType, Object, Property, merge_types
from mlflow.types.params import ParamSchema, ParamSpec, array_depth
from mlflow.types.schema import ColSpec, Schema, TensorSpec
from mlflow.utils.optional import require

MULTIPLE_TYPES_ERROR_MSG = (
    "Expected all values in the list to be of the same type. To specify a model signature with "
    "a list containing elements of multiple types, define the signature manually using the "
    "Array(AnyType()) type from mlflow.models.schema."
)

_SCALARS: dict[type, DataType] = {
    bool: DataType.boolean,
    int: DataType.long,
    float: DataType.double,
    str: DataType.string,
    bytes: DataType.binary,
    bytearray: DataType.binary,
    object: DataType.string,  # exactly `object()`, as the reference has it
    datetime.datetime: DataType.datetime,
    datetime.date: DataType.datetime,
}
_NUMPY_SCALARS = {
    "bool_": DataType.boolean,
    "int64": DataType.long,
    "int32": DataType.integer,
    "float64": DataType.double,
    "float32": DataType.float,
    "str_": DataType.string,
    "bytes_": DataType.binary,
    "datetime64": DataType.datetime,
}


class TensorsNotSupportedException(MlflowException):
    """Data has more dimensions than a column can have."""

    def __init__(self, msg: str) -> None:
        super().__init__(f"Multidimensional arrays (aka tensors) are not supported. {msg}")


class InvalidDataForSignatureInferenceError(MlflowException):
    """No signature can be inferred from the data."""

    def __init__(self, message: str) -> None:
        super().__init__(message=message, error_code=CODES["INVALID_PARAMETER_VALUE"])


def _infer_schema(data: Any) -> Schema:
    """The schema of `data`.

    Arrays and dictionaries of arrays give tensors; their first dimension may have any size.
    Everything else gives columns: one for each column of a table and for each key of a
    dictionary or of a list of dictionaries, otherwise one without a name.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is of no known type, if a list has items
            of different types, or if there is nothing to infer from.
    """
    if _is_array(data) or _is_sparse(data):
        return Schema([_infer_tensor(data)])
    if _is_pandas(data, "DataFrame"):
        return Schema([_infer_pandas_colspec(data[name], name) for name in data.columns])
    if _is_pandas(data, "Series"):
        return Schema([_infer_pandas_colspec(data, data.name)])
    if _is_spark_df(data):
        from mlflow.types.spark import infer_spark_schema

        return infer_spark_schema(data)
    if isinstance(data, dict):
        return _infer_dict(data)
    if isinstance(data, list):
        return _infer_list(data)
    try:
        return Schema([ColSpec(_infer_datatype(data))])
    except MlflowException as error:
        raise MlflowException.invalid_parameter_value(
            "Failed to infer schema. Expected a pandas.DataFrame, pandas.Series, numpy.ndarray, "
            "pyspark.sql.DataFrame, scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, a scalar, "
            "a list, a dictionary, a list of dictionaries or a dictionary of arrays, "
            f"but got '{data}'.\nError: {error.message}"
        ) from error


def _infer_dict(data: dict[Any, Any]) -> Schema:
    if not all(isinstance(key, str) for key in data):
        raise MlflowException("The dictionary keys are not all strings.")
    if data and all(_is_array(value) for value in data.values()):
        return Schema([_infer_tensor(value, key) for key, value in data.items()])
    return Schema(
        [
            ColSpec(_infer_colspec_type(value), key, _infer_required(value))
            for key, value in data.items()
        ]
    )


def _infer_list(data: list[Any]) -> Schema:
    if not data:
        return Schema([ColSpec(DataType.string)])
    if not all(isinstance(row, dict) for row in data):
        return Schema([ColSpec(_infer_items_type(data))])
    columns: dict[Any, list[Any]] = {}
    for row in data:
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return Schema(
        [
            ColSpec(
                _infer_items_type(values),
                name,
                len(values) == len(data) and _infer_required(values),
            )
            for name, values in columns.items()
        ]
    )


def _infer_required(col: Any) -> bool:
    """False when a value, or one of a list or pandas column, is missing."""
    if _is_pandas(col, "Series"):
        return not bool(col.isna().any())
    if isinstance(col, list):
        return not any(_is_none_or_nan(value) for value in col)
    return not _is_none_or_nan(col)


def _infer_colspec_type(data: Any) -> DataType | BaseType:
    """The type of one value.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is of no known type; INTERNAL_ERROR if
            there are only empty arrays.
    """
    dtype = _infer_datatype(data)
    if dtype is None:
        raise _empty_arrays(data)
    return dtype


def _infer_items_type(items: Iterable[Any]) -> DataType | BaseType:
    """The one type of several values."""
    array = _infer_array_datatype(items)
    if array is None:
        raise _empty_arrays(items)
    return array.dtype


def _empty_arrays(data: Any) -> MlflowException:
    return MlflowException(
        f"Numpy array must include at least one non-empty item. Invalid input `{data}`."
    )


def _infer_datatype(data: Any) -> DataType | BaseType | None:
    """The type of one value; None for an empty array, which has none."""
    if _is_none_or_nan(data):
        return AnyType()
    if isinstance(data, dict):
        return Object([_infer_property(*item) for item in data.items()]) if data else AnyType()
    if _is_array(data):
        return _infer_array_datatype(data)
    if isinstance(data, list):
        return _infer_array_datatype(data) if data else AnyType()
    return _infer_scalar_datatype(data)


def _infer_property(name: Any, value: Any) -> Property:
    dtype = _infer_datatype(value)
    if dtype is None:
        raise MlflowException("Dictionary value must not be an empty numpy array.")
    return Property(name, dtype, required=type(dtype) is not AnyType)


def _infer_array_datatype(data: Any) -> Array | None:
    """The type of a list or array; None if it has no items, or only empty arrays.

    Missing values take the type of the others.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if two items have no common type.
    """
    if _is_array(data) and data.ndim == 0:
        raise MlflowException.invalid_parameter_value(
            f"An array without dimensions has no items: {data!r}. Expected a list or scalar."
        )
    items = [_infer_datatype(item) for item in _examples(data)]
    types = [item for item in items if item is not None]
    if not types:
        return None
    try:
        return Array(reduce(lambda one, other: merge_types(one, other, str), types))
    except MlflowException as error:
        raise MlflowException.invalid_parameter_value(MULTIPLE_TYPES_ERROR_MSG) from error


def _examples(data: Any) -> Iterable[Any]:
    """Items enough to know the type of all: of scalars, one of each class that is not NaN.

    Columns of a million numbers or strings are common; looking at each would take seconds.
    """
    if _is_array(data) and data.dtype.kind != "O":
        # All rows or items are alike, except that NaN counts as missing.
        some = sys.modules["numpy"].any
        known = (row for row in data if some(row == row))
        return [next(known, data[0])] if len(data) else []
    kinds = set(map(type, data))
    if not kinds <= _scalar_types().keys():
        return data
    return [
        next((x for x in data if type(x) is kind and not _is_none_or_nan(x)), float("nan"))
        for kind in kinds
    ]


def _infer_scalar_datatype(data: Any) -> DataType:
    """The type of a scalar, by its exact class.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the class is none of the known.
    """
    dtype = _scalar_types().get(type(data))
    if dtype is None:
        raise MlflowException.invalid_parameter_value(
            f"Data {data} is not one of the supported DataType"
        )
    return dtype


def _infer_numpy_dtype(dtype: Any) -> DataType:
    """The type of columns of a numpy or pandas dtype.

    Narrow integers and floats, and unsigned ones, go to the next type that holds them.

    Raises:
        TypeError: If it is no dtype.
        MlflowException: INTERNAL_ERROR if no type holds its values, or if it is `object`,
            which says nothing about the values.
    """
    kind = getattr(dtype, "kind", None)
    if isinstance(dtype, type) or not isinstance(kind, str):
        raise TypeError(f"Expected numpy.dtype or pandas.ExtensionDtype, got '{type(dtype)}'.")
    plain = {
        "b": DataType.boolean,
        "U": DataType.string,
        "S": DataType.binary,
        "M": DataType.datetime,
    }
    if kind in plain:
        return plain[kind]
    if kind == "O":
        raise MlflowException(
            "Columns of dtype 'object' have no type of their own; it depends on the values."
        )
    wider = _NUMBERS.get((kind, _itemsize(dtype)))
    if wider is None:
        raise MlflowException(f"Unsupported numpy data type '{dtype}', kind '{kind}'")
    return wider


_NUMBERS = {
    **{("i", size): DataType.integer for size in (1, 2, 4)},
    **{("u", size): DataType.integer for size in (1, 2)},
    ("i", 8): DataType.long,
    ("u", 4): DataType.long,
    ("f", 2): DataType.float,
    ("f", 4): DataType.float,
    ("f", 8): DataType.double,
}


def _itemsize(dtype: Any) -> int | None:
    size = getattr(dtype, "itemsize", None)
    return size if size is not None else getattr(getattr(dtype, "subtype", None), "itemsize", None)


def _infer_pandas_colspec(column: Any, name: Any) -> ColSpec:
    return ColSpec(_infer_pandas_column(column), name, _infer_required(column))


def _infer_pandas_column(col: Any) -> DataType | BaseType:
    """The type of a pandas column; of `object` columns, from their values.

    Raises:
        TypeError: If it is not a pandas.Series, as when two columns have one name.
        MlflowException: INTERNAL_ERROR if it has none.
    """
    if not _is_pandas(col, "Series"):
        raise TypeError(f"Expected pandas.Series, got '{type(col)}'.")
    if col.dtype == object:
        col = col.infer_objects()
    if col.dtype.kind != "O":
        return _infer_numpy_dtype(col.dtype)
    if not len(col) and require("pandas").api.types.is_string_dtype(col.dtype):
        return DataType.string
    try:
        return _infer_items_type(col.to_list())
    except MlflowException as error:
        raise MlflowException(
            f"Failed to infer schema for pandas.Series {col}. Error: {error.message}"
        ) from error


def _infer_tensor(data: Any, name: str | None = None) -> TensorSpec:
    return TensorSpec(clean_tensor_type(data.dtype), _get_tensor_shape(data), name)


def clean_tensor_type(dtype: Any) -> Any:
    """The numpy dtype without the length that dtypes of strings and bytes have.

    Raises:
        TypeError: If it is no numpy.dtype.
    """
    np = require("numpy", extra="pandas")
    if not isinstance(dtype, np.dtype):
        raise TypeError(f"Expected `type` to be instance of `{np.dtype}`, received `{type(dtype)}`")
    return np.dtype(dtype.char) if dtype.char in "US" else dtype


def _get_tensor_shape(data: Any, variable_dimension: int | None = 0) -> tuple[int, ...]:
    """The shape of an array or sparse matrix, with -1 for one dimension.

    Args:
        data: numpy.ndarray, or scipy's csr_matrix or csc_matrix.
        variable_dimension: Index of the dimension that may have any size; None for none.

    Raises:
        TypeError: If it is no array.
        MlflowException: INTERNAL_ERROR if it has no such dimension.
    """
    if not (_is_array(data) or _is_sparse(data)):
        raise TypeError(f"Expected numpy.ndarray or csc/csr matrix, got '{type(data)}'.")
    shape = list(data.shape)
    if variable_dimension is not None:
        try:
            shape[variable_dimension] = -1
        except IndexError:
            raise MlflowException(
                f"The specified variable_dimension {variable_dimension} is out of bounds with "
                f"respect to the number of dimensions {len(shape)} in the input dataset"
            ) from None
    return tuple(shape)


def _infer_param_schema(parameters: dict[str, Any]) -> ParamSchema:
    """The schema of parameters, whose values become the defaults.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE naming every parameter whose value is no
            scalar, list of scalars or dictionary.
    """
    if not isinstance(parameters, dict):
        raise MlflowException.invalid_parameter_value(
            f"Expected parameters to be dict, got {type(parameters).__name__}"
        )
    specs, errors = [], []
    for name, value in parameters.items():
        try:
            dtype, shape = _infer_type_and_shape(value)
            specs.append(ParamSpec(name, dtype, value, shape))
        except (MlflowException, TypeError) as error:
            errors.append((name, value, error))
    if errors:
        raise MlflowException.invalid_parameter_value(
            f"Failed to infer schema for parameters: {errors}"
        )
    return ParamSchema(specs)


def _infer_type_and_shape(value: Any) -> tuple[DataType | BaseType, tuple[int, ...] | None]:
    """Type and shape of a parameter with that value: (-1,) for a list, else None."""
    from mlflow.types.data_type import is_scalar

    if isinstance(value, dict):
        return _infer_colspec_type(value), None
    if isinstance(value, list) or _is_array(value):
        depth = array_depth(value)
        if depth != 1:
            raise MlflowException.invalid_parameter_value(
                f"Expected parameters to be 1D array or scalar, got {depth}D array"
            )
        return _infer_numpy_dtype(require("numpy", extra="pandas").array(value).dtype), (-1,)
    if isinstance(value, datetime.date):
        return DataType.datetime, None
    if not is_scalar(value):
        raise MlflowException.invalid_parameter_value(
            f"Expected parameters to be 1D array or scalar, got {type(value).__name__}"
        )
    if type(value) in _scalar_types():
        return _infer_scalar_datatype(value), None
    return _infer_numpy_dtype(require("numpy", extra="pandas").array(value).dtype), None


def _is_none_or_nan(value: Any) -> bool:
    if isinstance(value, float):
        return value != value
    if value is None:
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def _is_array(data: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(data, numpy.ndarray)


def _is_sparse(data: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and isinstance(data, (sparse.csr_matrix, sparse.csc_matrix))


def _is_pandas(data: Any, kind: str) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, getattr(pandas, kind))


def _is_spark_df(data: Any) -> bool:
    return any(
        kind.__module__.startswith("pyspark.sql.") and kind.__name__ == "DataFrame"
        for kind in type(data).__mro__
    )


def _scalar_types() -> dict[type, DataType]:
    """Class of each known scalar to its type; those of numpy too, once it is loaded."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and numpy.int64 not in _SCALARS:
        _SCALARS.update({getattr(numpy, name): dtype for name, dtype in _NUMPY_SCALARS.items()})
    return _SCALARS


def __getattr__(name: str) -> Any:
    if name == "SCALAR_TO_DATATYPE_MAPPING":
        require("numpy", extra="pandas")
        dates = {datetime.date, datetime.datetime}
        return {
            kind: dtype
            for kind, dtype in _scalar_types().items()
            if kind not in dates and kind.__name__ != "datetime64"
        }
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
