"""Small helpers."""

import json

import numpy as np
import pandas as pd
import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.models.utils import (
    MockDbutils,
    convert_complex_types_pyspark_to_pandas,
    convert_input_example_to_serving_input,
    plot_lines,
    validate_schema,
    validate_serving_input,
)
from tests.optional import optional

TABLE = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})


def test_data_is_compared_with_a_schema():
    schema = infer_signature(TABLE).inputs
    assert validate_schema(TABLE, schema) is None
    with pytest.raises(MlflowException, match="missing inputs"):
        validate_schema(pd.DataFrame({"a": [1]}), schema)


def test_a_model_is_asked_as_the_scoring_server_would(tmp_path):
    class Adder(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input + (params or {}).get("by", 1)

    signature = infer_signature(TABLE, TABLE, {"by": 1})
    path = str(tmp_path / "m")
    mlflow.pyfunc.save_model(path, python_model=Adder(), signature=signature)
    body = convert_input_example_to_serving_input((TABLE, {"by": 2}))
    for given in (body, json.loads(body)):
        with pytest.warns(FutureWarning, match="mlflow.models.predict"):
            answer = validate_serving_input(path, given)
        assert (answer == TABLE + 2).all(axis=None)
    with pytest.warns(FutureWarning), pytest.raises(MlflowException):
        validate_serving_input(path, "zz")


def test_plots():
    optional("matplotlib").use("Agg")
    _, axes = plot_lines(
        [("one", [1, 2], [3, 4]), ("two", [1, 2], [4, 3])],
        "x",
        "y",
        legend_loc="upper left",
        line_kwargs={"linewidth": 3},
        title="lines",
    )
    assert [line.get_label() for line in axes.lines] == ["one", "two"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("x", "y", "lines")
    assert axes.lines[0].get_linewidth() == 3


def test_whatever_dbutils_is_asked_it_answers():
    class Real:
        def known(self, x):
            return x * 2

    assert MockDbutils(Real()).known(3) == 6
    unknown = MockDbutils(Real()).widgets.get("x")
    assert isinstance(unknown, MockDbutils)
    assert isinstance(MockDbutils()(), MockDbutils)


class StructType:
    def __init__(self, **fields):
        self.fields = [type("Field", (), {"name": k, "dataType": v}) for k, v in fields.items()]


class ArrayType:
    def __init__(self, elementType):
        self.elementType = elementType


class MapType:
    def __init__(self, keyType, valueType):
        self.keyType, self.valueType = keyType, valueType


class LongType:
    pass


def test_composed_values_of_spark_become_those_of_pandas():
    kind = StructType(a=ArrayType(LongType()), m=MapType(LongType(), LongType()), n=LongType())
    found = convert_complex_types_pyspark_to_pandas({"a": [1, 2], "m": {1: 2}, "n": None}, kind)
    assert isinstance(found["a"], np.ndarray)
    assert found["a"].tolist() == [1, 2]
    assert (found["m"], found["n"]) == ({1: 2}, None)
