"""Data of requests: from JSON to tables and arrays, and back."""

from __future__ import annotations

import base64
import datetime
import json

import pytest
from tests.optional import optional
from tests.types.recorded import check, recorded

import mlflow.utils.proto_json_utils
from mlflow.types import schema
from mlflow.types.schema import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    Map,
    Object,
    Property,
    Schema,
    TensorSpec,
)
from mlflow.utils.proto_json_utils import (
    MlflowInvalidInputException,
    dump_input_data,
    parse_inputs_data,
    parse_tf_serving_input,
    proto_duration_to_milliseconds,
    proto_timestamp_to_milliseconds,
)

np = optional("numpy")
pd = optional("pandas")
pydantic = optional("pydantic")


class Record(pydantic.BaseModel):
    a: int = 1
    b: list[str] = ["x"]
    t: datetime.datetime = datetime.datetime(2020, 1, 1)


def _split(columns, data, **more):
    return {"columns": columns, "data": data, **more}


def _of(dtype, name=None):
    return Schema([ColSpec(dtype, name)])


def _object(**types):
    return ColSpec(Object([Property(name, dtype) for name, dtype in types.items()]))


NAMES = {
    **vars(schema),
    **vars(mlflow.utils.proto_json_utils),
    "np": np,
    "pd": pd,
    "json": json,
    "datetime": datetime,
    "M": Record,
    "b": base64.b64encode(b"hello").decode(),
    "split": _split,
    "cols": Schema(
        [ColSpec("long", "a"), ColSpec("double", "b"), ColSpec("string", "c", required=False)]
    ),
    "ab": Schema([ColSpec("long", "a"), ColSpec("double", "b")]),
    "every": Schema([ColSpec(one.name, one.name) for one in DataType]),
    "ten": Schema([TensorSpec(np.dtype("float32"), (-1, 2))]),
    "one": Schema([TensorSpec(np.dtype("float32"), (-1, 2), "x")]),
    "tens": Schema(
        [
            TensorSpec(np.dtype("float32"), (-1, 2), "x"),
            TensorSpec(np.dtype("int64"), (-1,), "y"),
        ]
    ),
    "nested": Schema(
        [
            ColSpec(Array(DataType.integer), "arr"),
            ColSpec(Object([Property("k", DataType.double)]), "obj"),
            ColSpec(Map(DataType.string), "m"),
            ColSpec(AnyType(), "any", required=False),
        ]
    ),
    "unnamed": Schema([ColSpec("double")]),
    "two": Schema([ColSpec("double"), ColSpec("long")]),
    "D": ColSpec("double"),
    "S": ColSpec("string"),
    "o": Object([Property("k", DataType.double)]),
    "T": _of,
    "obj": _object,
    "A": lambda dtype: ColSpec(Array(dtype)),
}


@recorded("serving")
def test_answer_is_the_recorded_one(expression, answer):
    check(expression, answer, dict(NAMES))


def test_request_cannot_have_a_file_of_the_server_read(tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('["secret"]')
    assert parse_inputs_data(str(secret)).tolist() == ["secret"]  # a path given by the program
    assert parse_tf_serving_input({"inputs": str(secret)}).tolist() == str(secret)


@pytest.mark.parametrize(
    "rows", [[{"a": 1}, 5], [{"a": [1]}, {"a": [1, 2]}]], ids=["no dictionary", "ragged"]
)
def test_rows_that_are_not_alike_are_the_callers_mistake(rows):
    with pytest.raises(MlflowInvalidInputException, match="Invalid input"):
        parse_tf_serving_input({"instances": rows})


def test_dictionary_of_arrays_is_dumped_by_name():
    data = {"x": np.array([1, 2]), "y": [np.float32(1.5)]}
    assert json.loads(dump_input_data(data, params={"n": np.int64(3)})) == {
        "inputs": {"x": [1, 2], "y": [1.5]},
        "params": {"n": 3},
    }


def test_what_was_dumped_is_read_again():
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    body = json.loads(dump_input_data(table))
    read = NAMES["dataframe_from_parsed_json"](body["dataframe_split"], "split")
    pd.testing.assert_frame_equal(read, table)


@pytest.mark.parametrize("text", ["", "s", "1.s", "1.0000000001s", "--1s", "xs"])
def test_durations_that_are_none(text):
    with pytest.raises(ValueError):
        proto_duration_to_milliseconds(text)


@pytest.mark.parametrize("text", ["2020-01-01T00:00:00", "2020-13-01T00:00:00Z", ""])
def test_timestamps_that_are_none(text):
    with pytest.raises(ValueError):
        proto_timestamp_to_milliseconds(text)
