"""Pairs of a schema and data, for any implementation of `mlflow.pyfunc`.

Run as a program, it writes what becomes of each as JSON: what the model is given, or the code of
the error. `tests/data/enforcement.json` was made by running it with the reference:

    python tests/pyfunc/enforcement_cases.py tests/data/enforcement.json
"""

from __future__ import annotations

import copy
import datetime
import decimal
import json
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp

from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import PyFuncModel
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType, Array, Map, Object, Property

NAN = float("nan")


class _Echo:
    def predict(self, data, params=None):
        return [data, params]


def _value(value):
    """A scalar in words that tell its class."""
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(_value, value)]
    if isinstance(value, dict):
        return {"dict": [[_value(k), _value(v)] for k, v in value.items()]}
    if isinstance(value, (np.ndarray, pd.Series, pd.DataFrame, pl.DataFrame)) or sp.issparse(value):
        return describe(value)
    kind = type(value)
    return f"{kind.__module__}.{kind.__name__}: {value}".removeprefix("builtins.")


def describe(data):
    """What the model got, as JSON."""
    if isinstance(data, pd.DataFrame):
        # Positions, since two columns may have one name.
        columns = [data.iloc[:, i] for i in range(data.shape[1])]
        return {
            "DataFrame": [
                {"name": _value(name), "dtype": str(c.dtype), "values": _value(c.tolist())}
                for name, c in zip(data.columns, columns, strict=True)
            ],
            "index": _value(data.index.tolist()),
        }
    if isinstance(data, pd.Series):
        name = _value(data.name)
        return {"Series": _value(data.tolist()), "dtype": str(data.dtype), "name": name}
    if isinstance(data, np.ndarray):
        values = _value(data.tolist())
        return {"ndarray": values, "dtype": str(data.dtype), "shape": list(data.shape)}
    if sp.issparse(data):
        return {type(data).__name__: describe(data.toarray())}
    if isinstance(data, pl.DataFrame):
        return {"polars": [[c.name, str(c.dtype), _value(c.to_list())] for c in data]}
    return _value(data)


def outcome(signature, data, params=None):
    """What the model is given, or which error there is."""
    model = Model(signature=signature, flavors={"python_function": {"loader_module": "none"}})
    try:
        got, got_params = PyFuncModel(model, _Echo()).predict(data, params=params)
        return {"data": describe(got), "params": _value(got_params)}
    except MlflowException as error:
        return {"error": error.error_code, "message": error.message}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


def _col(dtype, name="a", required=True):
    return Schema([ColSpec(dtype, name, required)])


#: Columns as a caller may have them.
COLUMNS = {
    "bool": [True, False],
    "bool-none": [True, None],
    "int8": np.array([1, 2], np.int8),
    "int16": np.array([1, 2], np.int16),
    "int32": np.array([1, 2], np.int32),
    "int64": np.array([1, 2], np.int64),
    "int64-big": np.array([2**40, 2], np.int64),
    "uint8": np.array([1, 2], np.uint8),
    "uint16": np.array([1, 2], np.uint16),
    "uint32": np.array([1, 2], np.uint32),
    "uint64": np.array([1, 2], np.uint64),
    "float16": np.array([1, 2], np.float16),
    "float32": np.array([1.5, 2], np.float32),
    "float32-whole": np.array([1, 2], np.float32),
    "float64": np.array([1.5, 2], np.float64),
    "float64-whole": np.array([1.0, 2], np.float64),
    "float64-nan": np.array([1.0, NAN]),
    "float64-whole-nan-none": [1.0, None],
    "float64-huge": np.array([1e300, 2.0]),
    "float64-inf": np.array([np.inf, 2.0]),
    "complex": np.array([1 + 2j, 2]),
    "str": ["x", "y"],
    "str-object": pd.Series(["x", "y"], dtype=object),
    "str-digits": ["1", "2"],
    "str-none": ["x", None],
    "str-object-none": pd.Series(["x", None], dtype=object),
    "str-dates": ["2024-01-02", "2024-01-03T04:05:06"],
    "bytes": [b"x", b"y"],
    "bytes-none": [b"x", None],
    "mixed": [1, "x"],
    "mixed-numbers": pd.Series([1, 2.5], dtype=object),
    "objects-int": pd.Series([1, 2], dtype=object),
    "objects-int-none": pd.Series([1, None], dtype=object),
    "objects-float": pd.Series([1.0, 2.0], dtype=object),
    "objects-bool": pd.Series([True, False], dtype=object),
    "decimal": pd.Series([decimal.Decimal("1.5"), decimal.Decimal("2")], dtype=object),
    "datetime-ns": pd.Series(np.array(["2024-01-02", "2024-01-03"], "datetime64[ns]")),
    "datetime-s": pd.Series(np.array(["2024-01-02", "2024-01-03"], "datetime64[s]")),
    "datetime-tz": pd.to_datetime(["2024-01-02", "2024-01-03"], utc=True),
    "datetime-nat": pd.to_datetime(["2024-01-02", None]),
    "datetime-objects": pd.Series([datetime.datetime(2024, 1, 2)] * 2, dtype=object),
    "date-objects": pd.Series([datetime.date(2024, 1, 2)] * 2, dtype=object),
    "timedelta": pd.to_timedelta([1, 2], unit="s"),
    "category-str": pd.Categorical(["x", "y"]),
    "category-int": pd.Categorical([1, 2]),
    "category-float": pd.Categorical([1.5, 2.5]),
    "Int64": pd.array([1, 2], dtype="Int64"),
    "Int64-NA": pd.array([1, None], dtype="Int64"),
    "Int32": pd.array([1, 2], dtype="Int32"),
    "Int32-NA": pd.array([1, None], dtype="Int32"),
    "UInt8": pd.array([1, 2], dtype="UInt8"),
    "Float32": pd.array([1, 2], dtype="Float32"),
    "Float64": pd.array([1.5, 2], dtype="Float64"),
    "Float64-NA": pd.array([1.5, None], dtype="Float64"),
    "boolean": pd.array([True, False], dtype="boolean"),
    "boolean-NA": pd.array([True, None], dtype="boolean"),
    "string": pd.array(["x", "y"], dtype="string"),
    "string-NA": pd.array(["x", None], dtype="string"),
    "arrow-int": pd.array([1, 2], dtype="int64[pyarrow]"),
    "period": pd.period_range("2024-01", periods=2, freq="M"),
    "lists": [[1, 2], [3]],
    "lists-str": [["a"], ["b", "c"]],
    "lists-empty": [[], []],
    "lists-none": [[1, 2], None],
    "lists-of-none": [[1, None], [2]],
    "arrays": [np.array([1, 2]), np.array([3])],
    "arrays-float": [np.array([1.0, 2.0]), np.array([3.0])],
    "dicts": [{"p": 1}, {"p": 2}],
    "dicts-str": [{"p": "x"}, {"p": "y"}],
    "dicts-more": [{"p": 1, "q": 2}, {"p": 2}],
    "dicts-none": [{"p": None}, {"p": 2}],
    "dicts-lists": [{"p": [1]}, {"p": [2, 3]}],
    "lists-float": [[1.5, 2.0], [3.0]],
    "lists-float-int": [[1.5, 2], [3.0]],
    "lists-float-none": [[1.5, None], [3.0]],
    "lists-str-none": [["a", None], ["b"]],
    "lists-bool": [[True], [False, True]],
    "lists-bool-none": [[True, None], [False]],
    "lists-bytes": [[b"a"], [b"b"]],
    "lists-dates": [[datetime.datetime(2024, 1, 2)], [datetime.datetime(2024, 1, 3)]],
    "lists-int32": [[np.int32(1)], [np.int32(2)]],
    "lists-float32": [[np.float32(1)], [np.float32(2)]],
    "lists-mixed": [[1, "a"], [2]],
    "lists-lists": [[[1], [2, 3]], [[4]]],
    "lists-lists-none": [[[1], None], [[4]]],
    "lists-dicts": [[{"p": 1}], [{"p": 2}]],
    "lists-dicts-none": [[{"p": 1}, None], [{"p": 2}]],
    "lists-dicts-str": [[{"p": "x"}], [{"p": "y"}]],
    "arrays-int32": [np.array([1, 2], np.int32), np.array([3], np.int32)],
    "arrays-float32": [np.array([1, 2], np.float32), np.array([3], np.float32)],
    "arrays-str": [np.array(["a", "b"]), np.array(["c"])],
    "arrays-object": [np.array(["a", None], dtype=object), np.array(["c"], dtype=object)],
    "arrays-2d": [np.array([[1, 2]]), np.array([[3, 4]])],
    "arrays-0d": [np.array(1), np.array(2)],
    "dicts-float": [{"p": 1.5}, {"p": 2.0}],
    "dicts-float-none": [{"p": 1.5}, {"p": None}],
    "dicts-bool": [{"p": True}, {"p": False}],
    "dicts-int32": [{"p": np.int32(1)}, {"p": np.int32(2)}],
    "dicts-float32": [{"p": np.float32(1)}, {"p": np.float32(2)}],
    "dicts-datetime": [{"p": datetime.datetime(2024, 1, 2)}] * 2,
    "dicts-bytes": [{"p": b"x"}, {"p": b"y"}],
    "dicts-dicts": [{"p": {"q": 1}}, {"p": {"q": 2}}],
    "dicts-empty": [{}, {"p": 1}],
    "dicts-number-keys": [{1: 1}, {1: 2}],
    "dicts-lists-empty": [{"p": []}, {"p": [1]}],
    "dicts-objects": [{"p": decimal.Decimal(1)}, {"p": {1}}],
    "objects-int32": pd.Series([np.int32(1), np.int32(2)], dtype=object),
    "objects-float32": pd.Series([np.float32(1), np.float32(2)], dtype=object),
    "objects-np-bool": pd.Series([np.bool_(True), np.bool_(False)], dtype=object),
    "longdouble": np.array([1, 2], np.longdouble),
    "arrow-float": pd.array([1.5, 2], dtype="double[pyarrow]"),
    "arrow-str": pd.array(["x", "y"], dtype=pd.ArrowDtype(pa.string())),
    "arrow-bool": pd.array([True, False], dtype="bool[pyarrow]"),
    "sparse": pd.arrays.SparseArray([1, 2]),
    "interval": pd.interval_range(0, 2),
    "all-none": pd.Series([None, None], dtype=object),
    "all-nan": [NAN, NAN],
    "tuples": [(1, 2), (3, 4)],
    "sets": [{1}, {2}],
}
TYPES = {
    **{one.name: one for one in DataType},
    "array-long": Array("long"),
    "array-double": Array("double"),
    "array-integer": Array("integer"),
    "array-float": Array("float"),
    "array-boolean": Array("boolean"),
    "array-binary": Array("binary"),
    "array-datetime": Array("datetime"),
    "array-object": Array(Object([Property("p", "long")])),
    "array-map": Array(Map("string")),
    "array-string": Array("string"),
    "array-array-long": Array(Array("long")),
    "array-any": Array(AnyType()),
    "map-long": Map("long"),
    "map-string": Map("string"),
    "map-array-long": Map(Array("long")),
    "map-any": Map(AnyType()),
    "map-double": Map("double"),
    "map-boolean": Map("boolean"),
    "map-map": Map(Map("long")),
    "map-object": Map(Object([Property("q", "long")])),
    "object-long": Object([Property("p", "long")]),
    "object-string": Object([Property("p", "string")]),
    "object-optional": Object([Property("p", "long"), Property("q", "long", required=False)]),
    "object-p-optional": Object([Property("p", "double", required=False)]),
    "object-double": Object([Property("p", "double")]),
    "object-float": Object([Property("p", "float")]),
    "object-integer": Object([Property("p", "integer")]),
    "object-boolean": Object([Property("p", "boolean")]),
    "object-datetime": Object([Property("p", "datetime")]),
    "object-binary": Object([Property("p", "binary")]),
    "object-object": Object([Property("p", Object([Property("q", "long")]))]),
    "object-map": Object([Property("p", Map("long"))]),
    "object-array": Object([Property("p", Array("long"))]),
    "object-any": Object([Property("p", AnyType())]),
    "any": AnyType(),
}

_AB = Schema([ColSpec("long", "a"), ColSpec("double", "b")])
_OPTIONAL = Schema([ColSpec("long", "a"), ColSpec("double", "b", required=False)])
_UNNAMED = Schema([ColSpec("long")])
_UNNAMED_TWO = Schema([ColSpec("long"), ColSpec("double")])
_STRING = Schema([ColSpec("string")])
_CHAT = Schema(
    [
        ColSpec(
            Array(
                Object(
                    [
                        Property("role", "string"),
                        Property("content", "string", required=False),
                    ]
                )
            ),
            "messages",
        ),
        ColSpec("double", "temperature", required=False),
        ColSpec(Array("string"), "stop", required=False),
        ColSpec(Map(AnyType()), "custom_inputs", required=False),
    ]
)
SCHEMAS = {
    "a": _col("long"),
    "a-string": _col("string"),
    "a-double": _col("double"),
    "a-optional": _col("long", required=False),
    "a-string-optional": _col("string", required=False),
    "a-array": _col(Array("long")),
    "a-object": _col(Object([Property("p", "long")])),
    "a-map": _col(Map("string")),
    "a-any": _col(AnyType()),
    "ab": _AB,
    "optional": _OPTIONAL,
    "unnamed": _UNNAMED,
    "unnamed-two": _UNNAMED_TWO,
    "unnamed-string": _STRING,
    "unnamed-double": Schema([ColSpec("double")]),
    "unnamed-boolean": Schema([ColSpec("boolean")]),
    "unnamed-integer": Schema([ColSpec("integer")]),
    "unnamed-float": Schema([ColSpec("float")]),
    "unnamed-binary": Schema([ColSpec("binary")]),
    "unnamed-datetime": Schema([ColSpec("datetime")]),
    "unnamed-array": Schema([ColSpec(Array("long"))]),
    "unnamed-object": Schema([ColSpec(Object([Property("a", "long")]))]),
    "unnamed-map": Schema([ColSpec(Map("long"))]),
    "unnamed-any": Schema([ColSpec(AnyType())]),
    "unnamed-strings": Schema([ColSpec(Array("string"))]),
    "numbered": Schema([ColSpec("long", "0"), ColSpec("long", "1")]),
    "chat": _CHAT,
    "tensor": Schema([TensorSpec(np.dtype("float64"), (-1, 2))]),
    "tensor-fixed": Schema([TensorSpec(np.dtype("float64"), (2, 2))]),
    "tensor-1d": Schema([TensorSpec(np.dtype("int64"), (-1,))]),
    "tensor-float32": Schema([TensorSpec(np.dtype("float32"), (-1, 2))]),
    "tensor-3d": Schema([TensorSpec(np.dtype("float64"), (-1, 1, 2))]),
    "tensor-string": Schema([TensorSpec(np.dtype("str"), (-1,))]),
    "tensor-object": Schema([TensorSpec(np.dtype("object"), (-1,))]),
    "tensor-named": Schema([TensorSpec(np.dtype("float64"), (-1, 2), "x")]),
    "tensor-named-1d": Schema([TensorSpec(np.dtype("int64"), (-1,), "a")]),
    "tensors": Schema(
        [
            TensorSpec(np.dtype("float64"), (-1,), "a"),
            TensorSpec(np.dtype("float64"), (-1, 2), "b"),
        ]
    ),
    "tensors-any-shape": Schema(
        [
            TensorSpec(np.dtype("int64"), (-1,), "a"),
            TensorSpec(np.dtype("float64"), (-1,), "b"),
        ]
    ),
}


def _frame(**columns):
    return pd.DataFrame(columns)


#: Whole inputs, each tried with every schema above.
INPUTS = {
    "none": lambda: None,
    "int": lambda: 3,
    "float": lambda: 3.5,
    "bool": lambda: True,
    "str": lambda: "hello",
    "bytes": lambda: b"hello",
    "datetime": lambda: datetime.datetime(2024, 1, 2, 3),
    "date": lambda: datetime.date(2024, 1, 2),
    "np-int64": lambda: np.int64(3),
    "np-int32": lambda: np.int32(3),
    "np-float32": lambda: np.float32(3),
    "np-float64": lambda: np.float64(3),
    "np-bool": lambda: np.bool_(True),
    "np-str": lambda: np.str_("x"),
    "np-datetime": lambda: np.datetime64("2024-01-02"),
    "empty-list": lambda: [],
    "list-int": lambda: [1, 2],
    "list-float": lambda: [1.5, 2.0],
    "list-str": lambda: ["x", "y"],
    "list-mixed": lambda: [1, "x"],
    "list-none": lambda: [1, None],
    "list-lists": lambda: [[1, 2], [3, 4]],
    "list-lists-float": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "list-ragged": lambda: [[1, 2], [3]],
    "list-bytes": lambda: [b"x"],
    "list-dates": lambda: [datetime.datetime(2024, 1, 2)],
    "list-dicts": lambda: [{"a": 1}, {"a": 2}],
    "list-dicts-ab": lambda: [{"a": 1, "b": 2.0}, {"a": 2}],
    "list-dicts-extra": lambda: [{"a": 1, "z": 2.0}],
    "list-dicts-wrong": lambda: [{"z": 1}],
    "list-dicts-str": lambda: [{"a": "x"}],
    "list-arrays": lambda: [np.array([1, 2]), np.array([3, 4])],
    "tuple": lambda: (1, 2),
    "set": lambda: {1},
    "object": lambda: object,
    "empty-dict": lambda: {},
    "dict-a": lambda: {"a": 1},
    "dict-a-str": lambda: {"a": "x"},
    "dict-a-none": lambda: {"a": None},
    "dict-a-list": lambda: {"a": [1, 2]},
    "dict-a-list-float": lambda: {"a": [1.5, 2]},
    "dict-a-list-str": lambda: {"a": ["x", "y"]},
    "dict-a-array": lambda: {"a": np.array([1, 2])},
    "dict-a-array-float": lambda: {"a": np.array([1.0, 2.0])},
    "dict-a-array-str": lambda: {"a": np.array(["x", "y"])},
    "dict-a-array-0d": lambda: {"a": np.array(1)},
    "dict-a-array-2d": lambda: {"a": np.array([[1, 2], [3, 4]])},
    "dict-a-series": lambda: {"a": pd.Series([1, 2])},
    "dict-a-np": lambda: {"a": np.int64(1)},
    "dict-a-dict": lambda: {"a": {"p": 1}},
    "dict-a-dict-str": lambda: {"a": {"p": "x"}},
    "dict-a-dicts": lambda: {"a": [{"p": 1}]},
    "dict-z": lambda: {"z": 1},
    "dict-ab": lambda: {"a": 1, "b": 2.0},
    "dict-ab-lists": lambda: {"a": [1, 2], "b": [1.0, 2.0]},
    "dict-ab-uneven": lambda: {"a": [1, 2], "b": [1.0]},
    "dict-ab-arrays": lambda: {"a": np.array([1.0, 2.0]), "b": np.array([[1.0, 2.0]] * 2)},
    "dict-ab-none": lambda: {"a": 1, "b": None},
    "dict-abz": lambda: {"a": 1, "b": 2.0, "z": 3},
    "dict-x-array": lambda: {"x": np.array([[1.0, 2.0]])},
    "dict-x-list": lambda: {"x": [[1.0, 2.0]]},
    "dict-x-sparse": lambda: {"x": sp.csr_matrix([[1.0, 2.0]])},
    "dict-int-keys": lambda: {0: [1], 1: [2]},
    "chat": lambda: {"messages": [{"role": "user", "content": "hi"}]},
    "chat-more": lambda: {
        "messages": [{"role": "user"}],
        "temperature": 1,
        "stop": ["x"],
        "custom_inputs": {"k": [1, {"z": None}]},
    },
    "chat-none": lambda: {
        "messages": [{"role": "user", "content": None}],
        "temperature": None,
        "stop": None,
    },
    "chat-wrong": lambda: {"messages": [{"content": "hi"}]},
    "chat-extra": lambda: {"messages": [{"role": "user", "content": "x", "other": 1}]},
    "chat-not-list": lambda: {"messages": {"role": "user"}},
    "chat-empty": lambda: {"messages": []},
    "chat-frame": lambda: pd.DataFrame([{"messages": [{"role": "user", "content": "hi"}]}]),
    "chat-frame-temperature": lambda: pd.DataFrame(
        [{"messages": [{"role": "user", "content": "hi"}], "temperature": 1.0}]
    ),
    "chat-two": lambda: [{"messages": [{"role": "user", "content": "hi"}]}] * 2,
    "frame-a": lambda: _frame(a=[1, 2]),
    "frame-a-float": lambda: _frame(a=[1.5, 2]),
    "frame-a-str": lambda: _frame(a=["x", "y"]),
    "frame-ab": lambda: _frame(a=[1, 2], b=[1.0, 2.0]),
    "frame-ba": lambda: _frame(b=[1.0, 2.0], a=[1, 2]),
    "frame-ab-int": lambda: _frame(a=[1, 2], b=[1, 2]),
    "frame-abz": lambda: _frame(a=[1, 2], b=[1.0, 2.0], z=["x", "y"]),
    "frame-b": lambda: _frame(b=[1.0, 2.0]),
    "frame-z": lambda: _frame(z=[1, 2]),
    "frame-index": lambda: pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0]}, index=["r", "s"]),
    "frame-empty": lambda: pd.DataFrame(),
    "frame-no-rows": lambda: _frame(a=np.array([], np.int64), b=np.array([], np.float64)),
    "frame-no-rows-object": lambda: pd.DataFrame(columns=["a", "b"]),
    "frame-numbered": lambda: pd.DataFrame([[1, 2.0], [3, 4.0]]),
    "frame-numbered-floats": lambda: pd.DataFrame([[1.0, 2.0], [3.0, 4.0]]),
    "frame-twice": lambda: pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
    "frame-x-lists": lambda: _frame(x=[[1.0, 2.0], [3.0, 4.0]]),
    "frame-x-arrays": lambda: _frame(x=[np.array([1.0, 2.0]), np.array([3.0, 4.0])]),
    "frame-a-lists": lambda: _frame(a=[[1, 2], [3, 4]]),
    "frame-tensors": lambda: _frame(a=[1.0, 2.0], b=[[1.0, 2.0], [3.0, 4.0]]),
    "frame-multi": lambda: pd.DataFrame(
        [[1, 2.0]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")])
    ),
    "series": lambda: pd.Series([1, 2]),
    "series-a": lambda: pd.Series([1, 2], name="a"),
    "series-z": lambda: pd.Series([1, 2], name="z"),
    "series-float": lambda: pd.Series([1.5, 2.0]),
    "series-str": lambda: pd.Series(["x", "y"]),
    "series-lists": lambda: pd.Series([[1, 2], [3]]),
    "array-0d": lambda: np.array(1),
    "array-1d": lambda: np.array([1, 2]),
    "array-1d-float": lambda: np.array([1.0, 2.0]),
    "array-1d-str": lambda: np.array(["x", "y"]),
    "array-1d-object": lambda: np.array(["x", 1], dtype=object),
    "array-2d": lambda: np.array([[1.0, 2.0], [3.0, 4.0]]),
    "array-2d-int": lambda: np.array([[1, 2], [3, 4]]),
    "array-2d-int32": lambda: np.array([[1, 2]], np.int32),
    "array-2d-float32": lambda: np.array([[1, 2]], np.float32),
    "array-2d-one": lambda: np.array([[1], [2]]),
    "array-2d-wide": lambda: np.array([[1.0, 2.0, 3.0]]),
    "array-2d-bool": lambda: np.array([[True, False]]),
    "array-2d-complex": lambda: np.array([[1 + 1j, 2]]),
    "array-3d": lambda: np.array([[[1.0, 2.0]]]),
    "array-empty": lambda: np.array([]),
    "array-empty-2d": lambda: np.zeros((0, 2)),
    "array-structured": lambda: np.array([(1, 2.0)], dtype=[("a", "i8"), ("b", "f8")]),
    "csr": lambda: sp.csr_matrix([[1.0, 2.0]]),
    "csc": lambda: sp.csc_matrix([[1.0, 2.0]]),
    "csr-int": lambda: sp.csr_matrix([[1, 2]]),
    "csr-float32": lambda: sp.csr_matrix(np.array([[1, 2]], np.float32)),
    "coo": lambda: sp.coo_matrix([[1.0, 2.0]]),
    "csr-array": lambda: sp.csr_array([[1.0, 2.0]]),
    "polars": lambda: pl.DataFrame({"a": [1, 2], "b": [1.0, 2.0]}),
    "polars-a": lambda: pl.DataFrame({"a": [1, 2]}),
    "polars-a-str": lambda: pl.DataFrame({"a": ["x", "y"]}),
    "polars-series": lambda: pl.Series("a", [1, 2]),
    "generator": lambda: range(3),
}

_PARAMS = ParamSchema(
    [
        ParamSpec("i", "integer", 1),
        ParamSpec("l", "long", 2),
        ParamSpec("f", "float", 0.5),
        ParamSpec("d", "double", 1.5),
        ParamSpec("s", "string", "x"),
        ParamSpec("b", "boolean", True),
        ParamSpec("n", "string", None),
        ParamSpec("t", "datetime", np.datetime64("2024-01-02T03:04:05")),
        ParamSpec("ls", "string", ["p", "q"], shape=(-1,)),
        ParamSpec("ll", "long", [1, 2], shape=(-1,)),
        ParamSpec("ld", "double", [1.0], shape=(-1,)),
        ParamSpec("o", Object([Property("k", "string"), Property("z", "long", False)]), {"k": "v"}),
    ]
)
PARAM_VALUES = {
    "int": 3,
    "float": 2.5,
    "float-whole": 2.0,
    "bool": False,
    "str": "y",
    "digits": "5",
    "bytes": b"y",
    "none": None,
    "np-int32": np.int32(3),
    "np-int64": np.int64(3),
    "np-float32": np.float32(2.5),
    "np-float64": np.float64(2.5),
    "np-bool": np.bool_(False),
    "np-str": np.str_("y"),
    "big": 2**40,
    "date-text": "2024-05-06",
    "datetime": datetime.datetime(2024, 5, 6, 7),
    "date": datetime.date(2024, 5, 6),
    "np-datetime": np.datetime64("2024-05-06"),
    "pd-time": pd.Timestamp("2024-05-06"),
    "list-int": [1, 2],
    "list-str": ["x"],
    "list-mixed": [1, "x"],
    "list-float": [1.5],
    "list-none": [None],
    "list-empty": [],
    "list-nested": [[1]],
    "tuple": (1, 2),
    "array-int": np.array([1, 2]),
    "array-float": np.array([1.5]),
    "array-str": np.array(["x"]),
    "array-2d": np.array([[1]]),
    "dict": {"k": "w"},
    "dict-more": {"k": "w", "z": 4},
    "dict-wrong": {"k": 1},
    "dict-lacks": {"z": 1},
    "dict-extra": {"k": "w", "y": 1},
}


def cases():
    """(name, signature, data, params) of every case."""
    for dtype, kind in TYPES.items():
        for required in (True, False):
            schema = ModelSignature(_col(kind, required=required))
            for name, values in COLUMNS.items():
                # A copy, for some models' data may be changed in place.
                column = pd.Series(copy.deepcopy(values), name="a")
                label = "column" if required else "optional column"
                yield f"{label} {dtype} <- {name}", schema, column.to_frame(), None
    for schema_name, schema in SCHEMAS.items():
        for name, make in INPUTS.items():
            yield f"input {schema_name} <- {name}", ModelSignature(schema), make(), None
    takes = ModelSignature(_col("long"), params=_PARAMS)
    one = _frame(a=[1])
    for spec in _PARAMS:
        for name, value in PARAM_VALUES.items():
            yield f"param {spec.name} <- {name}", takes, one, {spec.name: value}
    yield "params none", takes, one, None
    yield "params empty", takes, one, {}
    yield "params unknown", takes, one, {"unknown": 1, "i": 7}
    yield "params not a dict", takes, one, [1]
    yield "params numbers as keys", takes, one, {1: 2}
    yield "params without schema", ModelSignature(_col("long")), one, {"i": 1}
    yield "params alone", ModelSignature(params=_PARAMS), one, {"i": 9}
    yield "params alone, any data", ModelSignature(params=_PARAMS), "text", {"i": 9}
    yield "outputs alone", ModelSignature(outputs=_AB), [1, object], None
    yield "no signature", None, [1, "x"], None
    yield "no signature, params", None, [1, "x"], {"i": 1}


def compact(results):
    """Results in which each outcome stands once; those that are not listed are refused."""
    outcomes, numbers = {}, {}
    for name, result in results.items():
        group, _, item = name.partition(" <- ")
        if result == {"error": "INVALID_PARAMETER_VALUE"}:
            continue
        text = json.dumps(result)
        numbers.setdefault(group, {})[item] = outcomes.setdefault(text, len(outcomes))
    return {"outcomes": [json.loads(text) for text in outcomes], "cases": numbers}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    made = {name: outcome(signature, data, params) for name, signature, data, params in cases()}
    for result in made.values():
        result.pop("message", None)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(compact(made), file, indent=0)
        file.write("\n")
