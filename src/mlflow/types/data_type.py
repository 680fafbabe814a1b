"""The scalar types, and what stands for each of them in Python, numpy, pandas and Spark."""

from __future__ import annotations

import datetime
import numbers
import sys
from enum import Enum
from typing import Any

from mlflow.utils.optional import require

# Of each type: Python class, numpy scalar class, numpy dtype, pandas dtype, Spark class.
# numpy and Spark are named, not imported: most users of a schema need neither.
_FORMS = {
    "boolean": (bool, "bool_", "bool", "bool", "BooleanType"),
    "integer": (int, "int32", "int32", "int32", "IntegerType"),
    "long": (int, "int64", "int64", "int64", "LongType"),
    "float": (float, "float32", "float32", "float32", "FloatType"),
    "double": (float, "float64", "float64", "float64", "DoubleType"),
    "string": (str, "str_", "str", object, "StringType"),
    "binary": (bytes, "bytes_", "bytes", object, "BinaryType"),
    "datetime": (
        datetime.date,
        "datetime64",
        "datetime64[ns]",
        "datetime64[ns]",
        "TimestampType",
    ),
}
# Python classes, beside the one above, whose values count as being of the type.
_ALSO = {"binary": (bytearray,), "datetime": (datetime.datetime,)}


class DataType(Enum):
    """A scalar type of a column, property or parameter."""

    boolean = 1
    integer = 2
    """32-bit signed integer."""
    long = 3
    """64-bit signed integer."""
    float = 4
    """32-bit floating point number."""
    double = 5
    """64-bit floating point number."""
    string = 6
    binary = 7
    datetime = 8
    """Date, with or without time, of nanosecond resolution in numpy and pandas."""

    def __repr__(self) -> str:
        return self.name

    def to_numpy(self) -> Any:
        """The `numpy.dtype` of arrays of this type."""
        return require("numpy", extra="pandas").dtype(_FORMS[self.name][2])

    def to_pandas(self) -> Any:
        """The dtype of pandas columns of this type; `object` for strings and bytes."""
        form = _FORMS[self.name][3]
        return form if form is object else require("numpy", extra="pandas").dtype(form)

    def to_spark(self) -> Any:
        """An instance of the Spark SQL type."""
        return getattr(require("pyspark.sql.types"), _FORMS[self.name][4])()

    def to_python(self) -> type:
        """The class of Python values of this type."""
        return _FORMS[self.name][0]

    @classmethod
    def check_type(cls, data_type: DataType, value: Any) -> bool:
        """True when the class of `value` is exactly one that `data_type` stands for.

        Nothing is widened: an `int` is not a boolean, a `numpy.int32` is not a long.
        """
        kind = type(value)
        if kind is data_type.to_python() or kind in _ALSO.get(data_type.name, ()):
            return True
        numpy = sys.modules.get("numpy")  # unless it is loaded, no value can be of its classes
        return numpy is not None and kind is getattr(numpy, _FORMS[data_type.name][1])

    @classmethod
    def all_types(cls) -> list[DataType]:
        """All scalar types, in the order of their numbers."""
        return list(cls)

    @classmethod
    def get_spark_types(cls) -> list[Any]:
        """Instances of the Spark SQL types of all scalar types, in the same order."""
        return [one.to_spark() for one in cls]

    @classmethod
    def from_numpy_type(cls, np_type: Any) -> DataType | None:
        """The type whose numpy dtype is `np_type` (a dtype, or what makes one), or None."""
        numpy = require("numpy", extra="pandas")
        try:
            wanted = numpy.dtype(np_type)
        except TypeError:
            return None
        return next((one for one in cls if one.to_numpy() == wanted), None)


def is_scalar(value: Any) -> bool:
    """True for a number, a string, bytes or a numpy scalar; dates are not counted as scalars."""
    if isinstance(value, (numbers.Number, str, bytes)):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic)


def widens(value: Any, data_type: DataType) -> bool:
    """True when `value` is of a narrower type that goes into `data_type` without loss of range."""
    narrower = {
        DataType.long: (DataType.integer,),
        DataType.float: (DataType.integer, DataType.long),
        DataType.double: (DataType.integer, DataType.long, DataType.float),
    }
    return any(DataType.check_type(one, value) for one in narrower.get(data_type, ()))
