"""Schemas, types and inference, against what the reference answered to the same expressions.

`tests/data/types-golden.json` has, by topic, pairs of an expression and the `repr` of its value, or
the error that it raises. The names that expressions use are those of `names` below.
"""

from __future__ import annotations

import datetime
import decimal
import json
import warnings
from pathlib import Path

import pytest
from tests.optional import optional

import mlflow.types.utils
from mlflow.types import schema

np = optional("numpy")
pd = optional("pandas")

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "data" / "types-golden.json").read_text(encoding="utf-8")
)


def names():
    return {
        **{name: getattr(schema, name) for name in schema.__all__},
        **vars(mlflow.types.utils),
        "np": np,
        "pd": pd,
        "dt": datetime,
        "decimal": decimal,
        "json": json,
        "table": lambda **columns: pd.DataFrame(columns),
        "json_of": lambda data: mlflow.types.utils._infer_schema(data).to_json(),
    }


@pytest.mark.parametrize(
    ("expression", "answer"),
    [pair for pairs in GOLDEN.values() for pair in pairs],
    ids=[pair[0] for pairs in GOLDEN.values() for pair in pairs],
)
def test_answer_is_the_recorded_one(expression, answer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(answer, str):
            assert repr(evaluate(expression)) == answer
            return
        with pytest.raises(Exception) as caught:
            evaluate(expression)
    assert type(caught.value).__name__ == answer["raises"]
    assert str(caught.value) == answer["message"]
    assert getattr(caught.value, "error_code", None) == answer.get("code")


def evaluate(expression):
    return eval(expression, names())  # noqa: S307 - expressions of our own file
