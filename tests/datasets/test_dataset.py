"""What datasets do beyond the recorded answers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.optional import optional

import mlflow.data
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.dataset import Dataset
from mlflow.data.evaluation_dataset import EvaluationDataset, convert_data_to_mlflow_dataset
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities.dataset import Dataset as DatasetEntity
from mlflow.entities.dataset_input import DatasetInput
from mlflow.exceptions import MlflowException
from mlflow.types import Schema

SOURCE = HTTPDatasetSource("https://example.org/data.bin")


@pytest.fixture(scope="module")
def np():
    return optional("numpy")


@pytest.fixture(scope="module")
def pd():
    optional("numpy")
    return optional("pandas")


@pytest.fixture
def table(pd):
    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "t": [0.0, 1.0, 1.0], "p": [0.0, 1.0, 0.0]})


def test_importing_and_asking_for_constructors_loads_no_library():
    code = """
import sys
import mlflow.data
for name in ("from_pandas", "from_numpy", "from_polars", "from_huggingface", "from_tensorflow",
             "from_spark", "load_delta", "get_source", "Dataset", "DatasetSource", "sources"):
    getattr(mlflow.data, name)
heavy = {"numpy", "pandas", "polars", "datasets", "tensorflow", "pyspark", "urllib3", "yaml"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_constructor_is_an_attribute_error():
    with pytest.raises(AttributeError, match="from_nowhere"):
        mlflow.data.from_nowhere  # noqa: B018


def test_dir_names_the_constructors():
    assert {"from_pandas", "from_spark", "load_delta", "get_source"} <= set(dir(mlflow.data))


def test_source_is_the_running_program_when_none_is_given(table):
    dataset = mlflow.data.from_pandas(table)
    assert isinstance(dataset.source, CodeDatasetSource)
    assert dataset.source.to_dict()["tags"]["mlflow.source.type"] == "LOCAL"
    with pytest.raises(NotImplementedError, match="run the program again"):
        dataset.source.load()


def test_get_source_of_each_form_of_a_dataset(table):
    dataset = mlflow.data.from_pandas(table, SOURCE)
    entity = dataset._to_mlflow_entity()
    assert mlflow.data.get_source(dataset) is SOURCE
    for form in (entity, DatasetInput(entity, [])):
        assert mlflow.data.get_source(form).url == SOURCE.url


def test_get_source_of_something_else_is_refused():
    with pytest.raises(MlflowException, match="Unrecognized dataset type <class 'int'>"):
        mlflow.data.get_source(5)


def test_get_source_of_an_unknown_kind_is_refused():
    entity = DatasetEntity(name="n", digest="d", source_type="odd", source="{}")
    with pytest.raises(MlflowException, match="unrecognized source type: odd") as caught:
        mlflow.data.get_source(entity)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_entity_has_what_is_stored(table):
    dataset = mlflow.data.from_pandas(table, SOURCE, name="n")
    entity = dataset._to_mlflow_entity()
    assert dict(entity) == dataset.to_dict() == json.loads(dataset.to_json())


def test_digest_does_not_change_the_table(table):
    before = table.copy()
    assert mlflow.data.from_pandas(table).digest == mlflow.data.from_pandas(before).digest
    assert table.equals(before)


def test_pandas_table_is_split_for_a_model(table):
    dataset = mlflow.data.from_pandas(table, targets="t", predictions="p")
    parts = dataset.to_pyfunc()
    assert list(parts.inputs.columns) == ["a", "p"]
    assert list(parts.outputs) == [0, 1, 1]
    assert (dataset.targets, dataset.predictions) == ("t", "p")
    assert dataset.df is table


@pytest.mark.parametrize("data", [None, 5, "a", [[1]]], ids=str)
def test_what_is_no_table_is_refused(pd, data):
    with pytest.raises(MlflowException, match=r"Expected a pandas\.DataFrame, got"):
        mlflow.data.from_pandas(data)


@pytest.mark.parametrize("data", [5, "a", [[1]], {"a": [1]}], ids=str)
def test_what_is_no_array_is_refused(np, data):
    with pytest.raises(MlflowException, match=r"Expected a numpy\.ndarray"):
        mlflow.data.from_numpy(data)


def test_table_without_schema_can_be_logged(pd, caplog):
    mixed = pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)})
    dataset = mlflow.data.from_pandas(mixed)
    assert dataset.schema is None
    assert dataset.to_dict()["schema"] is None
    assert "Failed to infer schema" in caplog.text


def test_numpy_schema_survives_its_json(np):
    features = {"a": np.zeros((2, 3)), "b": np.array(["x"])}
    dataset = mlflow.data.from_numpy(features, targets=np.zeros(2, dtype="i4"))
    schema = TensorDatasetSchema.from_dict(json.loads(dataset.to_dict()["schema"]))
    assert schema == dataset.schema
    assert schema != TensorDatasetSchema(schema.features)
    parts = dataset.to_pyfunc()
    assert parts.inputs is features
    assert parts.outputs is dataset.targets


def test_tensor_schema_of_something_else_is_refused(np):
    schema = mlflow.data.from_numpy(np.zeros(2)).schema.features
    assert isinstance(schema, Schema)
    with pytest.raises(MlflowException, match="features must be"):
        TensorDatasetSchema(5)
    with pytest.raises(MlflowException, match="targets must be either None or .* 'int'"):
        TensorDatasetSchema(schema, 5)
    for form in ({}, {"mlflow_tensorspec": {}}):
        with pytest.raises(MlflowException, match="missing expected key"):
            TensorDatasetSchema.from_dict(form)


def test_evaluation_form_of_a_table(table):
    data = mlflow.data.from_pandas(
        table, targets="t", predictions="p", name="n"
    ).to_evaluation_dataset(path="/data/t.csv")
    assert list(data.features_data.columns) == data.feature_names == ["a"]
    assert list(data.labels_data) == [0, 1, 1]
    assert list(data.predictions_data) == [0, 1, 0]
    assert (data.has_targets, data.targets_name) == (True, "t")
    assert (data.has_predictions, data.predictions_name) == (True, "p")
    assert (data.name, data.path) == ("n", "/data/t.csv")
    assert data.digest == mlflow.data.from_pandas(table).digest


def test_evaluation_form_of_an_array(np):
    grid = np.arange(6).reshape(3, 2)
    data = mlflow.data.from_numpy(grid, targets=grid[:, 0]).to_evaluation_dataset()
    assert data.feature_names == ["feature_1", "feature_2"]
    assert data.targets_name is None
    assert not data.has_predictions
    assert data.name == "dataset"
    assert EvaluationDataset(grid).name == EvaluationDataset(grid).hash


def test_equal_evaluation_datasets_are_equal(table):
    one, same = EvaluationDataset(table), EvaluationDataset(table.copy())
    assert one == same
    assert hash(one) == hash(same)
    assert one != EvaluationDataset(table, name="other")
    assert one != EvaluationDataset(table, targets="t")
    assert one != 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 'a"b'}, r"name cannot include a double quote"),
        ({"path": 'a"b'}, r"path cannot include a double quote"),
        ({"feature_names": ["a", "a"]}, "unique feature names"),
        ({"feature_names": ["zz"]}, "no column"),
        ({"targets": "zz"}, "no column 'zz'"),
        ({"targets": 5}, "must be the name of the column"),
        ({"predictions": "zz"}, "no column 'zz'"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_wrong_arguments_of_an_evaluation_are_refused(table, arguments, message):
    with pytest.raises(MlflowException, match=message) as caught:
        EvaluationDataset(table, **arguments)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        ([1, 2], {}, "2-dimensional"),
        ([[1, 2], [3]], {}, "2-dimensional"),
        ([[1], [2]], {"targets": "a"}, "must be a numpy array or list"),
        ([[1], [2]], {"targets": [1]}, "same length with labels"),
        ([[1], [2]], {"feature_names": ["a", "b"]}, "same length with feature data"),
        ([[1], [2]], {"predictions": [1, 2]}, "If predictions is specified"),
        ({"a": [1]}, {}, "must be a numpy array, a list or a Pandas DataFrame"),
        (None, {}, "must be a numpy array, a list or a Pandas DataFrame"),
    ],
    ids=str,
)
def test_wrong_arrays_for_an_evaluation_are_refused(pd, data, arguments, message):
    with pytest.raises(MlflowException, match=message):
        EvaluationDataset(data, **arguments)


def test_data_to_evaluate_becomes_a_dataset_if_it_can(table, np):
    made = convert_data_to_mlflow_dataset(table, targets="t", predictions="p", name="n")
    assert (made.name, made.targets, made.predictions) == ("n", "t", "p")
    array = convert_data_to_mlflow_dataset([[1, 2], [3, 4]], targets=[0, 1])
    assert array.features.shape == (2, 2)
    assert array.to_evaluation_dataset().has_targets
    other = {"a": [1]}
    assert convert_data_to_mlflow_dataset(other) is other
    with pytest.raises(MlflowException, match="If predictions is specified"):
        convert_data_to_mlflow_dataset([[1]], predictions=[1])


def test_dataset_of_ones_own(table):
    class Counted(Dataset):
        def __init__(self, number, source, name=None, digest=None):
            self.number = number
            super().__init__(source, name, digest)

        def _compute_digest(self):
            return str(self.number)

        def to_dict(self):
            return {**super().to_dict(), "profile": json.dumps(self.profile)}

        @property
        def profile(self):
            return {"number": self.number}

        @property
        def schema(self):
            return None

    dataset = Counted(5, SOURCE)
    assert dict(dataset._to_mlflow_entity()) == {
        "name": "dataset",
        "digest": "5",
        "source_type": "http",
        "source": SOURCE.to_json(),
        "schema": None,
        "profile": '{"number": 5}',
    }
    assert Counted(5, SOURCE, "n", "d").digest == "d"
