"""Schema enforcement, compared with what the reference made of thousands of pairs.

`enforcement_cases.py` has the pairs, and says how the results were recorded.
"""

import json
import logging
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, validate_schema
from mlflow.models.enforcement import Enforcer, enforce_params, enforce_schema
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Object, Property
from tests.optional import optional

for _name in ("polars", "pyarrow", "scipy"):
    optional(_name)
from tests.pyfunc import enforcement_cases  # noqa: E402

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "enforcement.json").read_text(encoding="utf-8")
)

#: Where we differ on purpose: patterns of cases, by reason.
DIFFERENT = {
    "None in a list of scalars stays None; there it became False, 'n', or b'n'": (
        "*array-boolean <- lists-bool-none",
        "*array-string <- lists-str-none",
        "*array-string <- arrays-object",
        "*array-binary <- lists-str-none",
        "*array-binary <- arrays-object",
    ),
    "what is no scalar is refused; there it became True, or its text": (
        "*array-boolean <- lists-bytes",
        "*array-boolean <- lists-lists*",
        "*array-boolean <- lists-dicts*",
        "*array-string <- lists-dicts*",
        "*array-binary <- lists-dicts*",
        "input unnamed-strings <- dict-a-dicts",
        "input unnamed-strings <- chat*",
    ),
    "dates are accepted as dates; there they became numbers, or were refused": (
        "*array-datetime <- lists-dates",
        "*object-datetime <- dicts-datetime",
    ),
    "NaN counts as missing where a column may have missing values": (
        "optional column * <- all-nan",
    ),
    "an empty column of doubles is of doubles; there it was of integers": (
        "input a-double <- frame-no-rows-object",
        "input unnamed-double <- frame-no-rows-object",
    ),
    "a dictionary for a column of maps is one value": ("input a-map <- dict-a-dict-str",),
    "two columns of one name are told apart by position, or refused": (
        "input a-any <- frame-twice",
        "input unnamed <- frame-twice",
        "input unnamed-any <- frame-twice",
    ),
    "a column that is not needed may be of several levels": ("input *-optional <- frame-multi",),
    "tables without rows, or with another index, become tensors too": (
        "input tensor <- frame-no-rows",
        "input tensor-named-1d <- frame-*",
        "input tensors-any-shape <- frame-*",
    ),
    "the dtype of the tensor is the one promised": ("input tensor-float32 <- frame-x-arrays",),
    "tensors of objects take any object": (
        "input tensor-string <- chat-frame",
        "input tensor-object <- chat-frame",
        "input tensor-object <- series-lists",
    ),
}
PATTERNS = [pattern for patterns in DIFFERENT.values() for pattern in patterns]


def expected(name):
    group, _, item = name.partition(" <- ")
    number = RECORDED["cases"].get(group, {}).get(item)
    refused = {"error": "INVALID_PARAMETER_VALUE"}
    return refused if number is None else RECORDED["outcomes"][number]


@pytest.mark.filterwarnings("ignore")
def test_same_outcome_as_the_reference(caplog, monkeypatch):
    caplog.set_level(logging.ERROR, logger="mlflow")
    # The tables in thousands of messages take longer than all the rest.
    monkeypatch.setenv("MLFLOW_DISABLE_SCHEMA_DETAILS", "true")
    different, count, used = [], 0, set()
    for name, signature, data, params in enforcement_cases.cases():
        count += 1
        got = enforcement_cases.outcome(signature, data, params)
        got.pop("message", None)
        if json.loads(json.dumps(got)) != expected(name):
            fitting = [pattern for pattern in PATTERNS if fnmatch(name, pattern)]
            used.update(fitting)
            if not fitting:
                different.append((name, got, expected(name)))
    assert different == []
    assert count > 15_000
    assert used == set(PATTERNS)  # none is there that is not needed


AB = Schema([ColSpec("double", "a"), ColSpec("string", "b", required=False)])


def test_model_cannot_change_the_table_of_the_caller():
    table = pd.DataFrame({"a": [1.0], "b": ["x"]})
    given = enforce_schema(table, AB)
    given["a"] = 5.0
    given["new"] = 1
    assert table.to_dict("list") == {"a": [1.0], "b": ["x"]}


def test_message_names_what_is_missing_and_what_is_too_much():
    with pytest.raises(MlflowException, match=r"missing inputs \['a'\].*extra inputs: \['z'\]"):
        enforce_schema(pd.DataFrame({"z": [1]}), AB)


def test_message_names_the_property():
    schema = Schema([ColSpec(Array(Object([Property("n", "long")])), "a")])
    with pytest.raises(MlflowException, match="key `n`. Expected type long, received type str"):
        enforce_schema({"a": [{"n": "x"}]}, schema)


def test_integers_with_missing_values_get_a_hint():
    with pytest.raises(MlflowException, match="Hint: integers cannot be missing"):
        enforce_schema(pd.DataFrame({"a": [1, None]}), Schema([ColSpec("long", "a")]))


def test_details_can_be_hidden(monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_SCHEMA_DETAILS", "true")
    with pytest.raises(MlflowException) as caught:
        enforce_schema(pd.DataFrame({"secret": ["value"]}), AB)
    assert "secret" not in str(caught.value)
    assert "value" not in str(caught.value)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_extra_columns_are_named_in_a_warning(caplog):
    enforce_schema(pd.DataFrame({"a": [1.0], "z": [1]}), AB)
    assert "['z']" in caplog.text


def test_unknown_parameters_are_named_in_a_warning(caplog):
    schema = ParamSchema([ParamSpec("t", "double", 0.5)])
    assert enforce_params({"t": 1, "u": 2}, schema) == {"t": 1.0}
    assert "['u']" in caplog.text


def test_all_wrong_parameters_are_named():
    schema = ParamSchema([ParamSpec("t", "double", 0.5), ParamSpec("n", "long", 1)])
    with pytest.raises(MlflowException) as caught:
        enforce_params({"t": "x", "n": 1.5}, schema)
    assert "'t'" in caught.value.message
    assert "'n'" in caught.value.message


def test_defaults_are_not_shared():
    schema = ParamSchema([ParamSpec("l", "long", [1], shape=(-1,))])
    enforce_params(None, schema)["l"].append(2)
    assert enforce_params(None, schema) == {"l": [1]}


def test_validate_schema_raises_or_is_silent():
    assert validate_schema(pd.DataFrame({"a": [1.0]}), AB) is None
    with pytest.raises(MlflowException):
        validate_schema(pd.DataFrame({"a": ["x"]}), AB)


def test_an_enforcer_serves_many_inputs():
    enforce = Enforcer(AB)
    for i in range(3):
        assert enforce({"a": float(i)})["a"].tolist() == [i]
        with pytest.raises(MlflowException):
            enforce({"a": "x"})


def test_arrays_need_no_pandas(run_without):
    code = """
import numpy as np
from mlflow.models.enforcement import enforce_schema
from mlflow.types import Schema, TensorSpec
schema = Schema([TensorSpec(np.dtype("float64"), (-1, 2))])
print(enforce_schema(np.ones((1, 2)), schema).tolist())
"""
    assert run_without("pandas", code) == "[[1.0, 1.0]]\n"


def test_signature_of_tensors_keeps_matrices_sparse():
    from scipy.sparse import csr_matrix

    schema = Schema([TensorSpec(np.dtype("float64"), (-1, 2))])
    matrix = csr_matrix([[0.0, 1.0]])
    assert enforce_schema(matrix, schema) is matrix
    assert ModelSignature(schema).inputs.is_tensor_spec()
