"""What the schema types do beyond the recorded answers."""

from __future__ import annotations

import dataclasses
import datetime
import pickle
import subprocess
import sys
from importlib.util import find_spec
from typing import Optional

import pytest
from tests.optional import heavy, optional

from mlflow.exceptions import MlflowException
from mlflow.types.schema import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    Object,
    ParamSchema,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
    convert_dataclass_to_schema,
)
from mlflow.types.utils import _infer_schema


def test_plain_data_needs_neither_numpy_nor_pandas():
    code = """
import sys
from mlflow.types.utils import _infer_schema
from mlflow.types import Schema
schema = _infer_schema([{"a": 1, "b": ["x"]}, {"a": 2, "b": []}])
assert Schema.from_json(schema.to_json()) == schema
assert not {"numpy", "pandas", "pyspark"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "part",
    [
        DataType.long,
        Property("a", "long"),
        Object([Property("a", Array("long"), required=False)]),
        ColSpec(AnyType(), "a", required=False),
        Schema([ColSpec("string", "a")]),
        ParamSchema([ParamSpec("a", "double", [1.5], (-1,))]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_pickles_name_the_public_module(part):
    data = pickle.dumps(part, protocol=2)
    assert b"mlflow.types.schema" in data
    assert b"mlflow.types.nested" not in data
    assert pickle.loads(data) == part  # noqa: S301 - our own bytes


def test_every_form_survives_json():
    np = optional("numpy")
    columns = Schema(
        [
            ColSpec("datetime", "when"),
            ColSpec(Array(Object([Property("x", "binary", required=False)])), "list", False),
            ColSpec(AnyType(), "any"),
        ]
    )
    tensors = Schema([TensorSpec(np.dtype("float32"), (-1, 3), "a")])
    params = ParamSchema(
        [
            ParamSpec("day", "datetime", datetime.datetime(2020, 1, 2, 3, 4, 5)),
            ParamSpec("shape", Object([Property("x", "long")]), {"x": 1}),
        ]
    )
    for schema in (columns, tensors, params):
        assert type(schema).from_json(schema.to_json()) == schema


def test_column_of_an_old_model_says_optional():
    assert not ColSpec.from_json_dict(type="long", name="a", optional=True).required


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '[{"name": "a"}]', "[1]", '[{"type": "long", "shape": 1}]']
)
def test_wrong_schema_json_is_refused_in_words(text):
    with pytest.raises(MlflowException, match="(?i)json|must be"):
        Schema.from_json(text)


def test_a_schema_is_made_of_columns_only():
    with pytest.raises(MlflowException, match="ColSpec or TensorSpec, got 1"):
        Schema([1])


def test_time_zones_of_parameters_are_dropped_after_going_to_utc():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2020, 1, 1, 1, tzinfo=zone)
    default = ParamSpec("a", "datetime", moment).default
    assert default == datetime.datetime(2019, 12, 31, 23)


def test_sparse_matrix_is_a_tensor():
    sparse = optional("scipy.sparse")
    for kind in (sparse.csr_matrix, sparse.csc_matrix):
        assert _infer_schema(kind([[1.0, 0], [0, 2]])).to_dict() == [
            {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": (-1, 2)}}
        ]


def test_sparse_column_has_the_type_of_its_values():
    pd = optional("pandas")
    table = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.0])})
    assert _infer_schema(table).input_types() == [DataType.double]


def test_the_only_value_that_is_not_missing_says_the_type():
    np, pd = optional("numpy"), optional("pandas")
    table = pd.DataFrame({"a": pd.Series([float("nan")] * 10_000 + ["x"], dtype=object)})
    assert _infer_schema(table) == Schema([ColSpec("string", "a", required=False)])
    rows = np.full((1000, 3), np.nan)
    rows[-1, -1] = 1
    assert _infer_schema([rows]).input_types() == [Array(Array("double"))]


@dataclasses.dataclass
class _Inner:
    x: int
    y: Optional[str] = None  # noqa: UP045 - both spellings must work


@dataclasses.dataclass
class _Outer:
    inner: _Inner
    several: list[_Inner]
    maybe: float | None
    day: datetime.date
    flags: Optional[list[bool]]  # noqa: UP045


def test_dataclass_becomes_columns():
    inner = Object([Property("x", "long"), Property("y", "string", required=False)])
    assert convert_dataclass_to_schema(_Outer) == Schema(
        [
            ColSpec(inner, "inner"),
            ColSpec(Array(inner), "several"),
            ColSpec("float", "maybe", required=False),
            ColSpec("datetime", "day"),
            ColSpec(Array("boolean"), "flags", required=False),
        ]
    )


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (dict[str, int], r"Unsupported field type dict\[str, int\]"),
        (list[list[int]], "List field type"),
        (int | str, "Only Optional"),
        ("Nowhere", "was not found"),
    ],
)
def test_field_that_a_schema_cannot_express_is_refused(hint, message):
    odd = dataclasses.make_dataclass("Odd", [("field", hint)])
    with pytest.raises(MlflowException, match=message):
        convert_dataclass_to_schema(odd)


def test_what_is_no_dataclass_is_refused():
    with pytest.raises(TypeError, match="int is not a dataclass"):
        convert_dataclass_to_schema(int)


def test_spark_types_there_and_back():
    types = heavy("pyspark.sql.types")
    from mlflow.types.spark import from_spark, to_spark

    for dtype in (*DataType, Array("long"), Object([Property("a", Array("string"))])):
        assert from_spark(to_spark(dtype)) == dtype
    schema = Schema([ColSpec("long", "a"), ColSpec("string", "b", required=False)])
    assert schema.as_spark_schema() == types.StructType(
        [
            types.StructField("a", types.LongType(), False),
            types.StructField("b", types.StringType(), True),
        ]
    )


def test_without_spark_the_message_says_what_to_install():
    if find_spec("pyspark"):
        pytest.skip("pyspark is here")
    with pytest.raises(MlflowException, match="pip install 'pyspark'"):
        DataType.long.to_spark()
