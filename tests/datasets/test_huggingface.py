"""Datasets of the `datasets` library. The expected values were recorded with the reference."""

from __future__ import annotations

import json

import pytest
from tests.optional import optional

import mlflow.data
from mlflow.data.digest_utils import compute_pandas_digest
from mlflow.data.huggingface_dataset_source import HuggingFaceDatasetSource
from mlflow.exceptions import MlflowException


@pytest.fixture(scope="module")
def datasets():
    optional("pandas")
    return optional("datasets")


@pytest.fixture
def made(datasets):
    return datasets.Dataset.from_dict({"a": [1, 2], "b": ["x", None], "t": [1.0, 2.0]})


def test_dataset_is_recorded_as_the_reference_records_it(made):
    assert mlflow.data.from_huggingface(made, path="p").to_dict() == {
        "name": "dataset",
        "digest": "92f6249c",
        "source": json.dumps(
            {
                "path": "p",
                "config_name": None,
                "data_dir": None,
                "data_files": None,
                "split": "None",
                "revision": None,
            }
        ),
        "source_type": "hugging_face",
        "schema": '{"mlflow_colspec": ['
        '{"type": "long", "name": "a", "required": true}, '
        '{"type": "string", "name": "b", "required": false}, '
        '{"type": "double", "name": "t", "required": true}]}',
        "profile": '{"num_rows": 2, "dataset_size": null, "size_in_bytes": null}',
    }


def test_digest_is_that_of_the_leading_rows(datasets):
    pd = optional("pandas")
    many = datasets.Dataset.from_dict({"a": list(range(20_000))})
    digest = compute_pandas_digest(pd.DataFrame({"a": range(10_000)}))
    assert mlflow.data.from_huggingface(many).digest == digest == "376c6b97"


def test_empty_dataset_can_be_logged(datasets):
    dataset = mlflow.data.from_huggingface(datasets.Dataset.from_dict({}))
    assert dataset.schema is None
    assert dataset.profile["num_rows"] == 0


def test_data_is_split_for_a_model(made):
    dataset = mlflow.data.from_huggingface(made, targets="t")
    assert dataset.ds is made
    parts = dataset.to_pyfunc()
    assert list(parts.inputs.columns) == ["a", "b"]
    assert list(parts.outputs) == [1.0, 2.0]
    data = dataset.to_evaluation_dataset()
    assert (data.feature_names, list(data.labels_data)) == (["a", "b"], [1.0, 2.0])
    assert data.digest == dataset.digest


def test_source_wins_over_path(made, caplog):
    dataset = mlflow.data.from_huggingface(made, path="p", source="https://example.org/a")
    assert dataset.to_dict()["source_type"] == "http"
    assert "'path' is ignored" in caplog.text
    assert mlflow.data.from_huggingface(made).to_dict()["source_type"] == "code"


def test_wrong_arguments_are_refused(made, datasets):
    with pytest.raises(MlflowException, match="targets column 'zz'"):
        mlflow.data.from_huggingface(made, targets="zz")
    for other in (5, datasets.DatasetDict({"train": made})):
        with pytest.raises(MlflowException, match=r"must be an instance of `datasets\.Dataset`"):
            mlflow.data.from_huggingface(other)


def test_source_loads_the_data_again(datasets, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    file = tmp_path / "a.csv"
    file.write_text("a,q\n1,x\n2,y\n")
    arguments = {"data_files": str(file), "cache_dir": str(tmp_path / "cache")}
    loaded = datasets.load_dataset("csv", split="train", **arguments)
    dataset = mlflow.data.from_huggingface(loaded, path="csv", data_files=str(file))
    source = mlflow.data.get_source(dataset._to_mlflow_entity())
    assert isinstance(source, HuggingFaceDatasetSource)
    assert source.load(cache_dir=str(tmp_path / "cache")).to_list() == loaded.to_list()
