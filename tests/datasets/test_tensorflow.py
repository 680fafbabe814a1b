"""Datasets of TensorFlow. The expected values were recorded with the reference."""

from __future__ import annotations

import json

import pytest
from tests.optional import heavy, optional

import mlflow.data
from mlflow.exceptions import MlflowException

TENSOR = '{"type": "tensor", "tensor-spec": {"dtype": "%s", "shape": [%s]}}'


@pytest.fixture(scope="module")
def tf():
    optional("pandas")
    return heavy("tensorflow")


@pytest.fixture(scope="module")
def grid(tf):
    return optional("numpy").arange(6).reshape(3, 2)


def slices(tf, data):
    return tf.data.Dataset.from_tensor_slices(data)


def test_tensor_is_recorded_as_the_reference_records_it(tf):
    dataset = mlflow.data.from_tensorflow(tf.constant([[1, 2], [3, 4]]))
    assert dataset.digest == "8be7b4a3"
    assert dataset.profile == {"features_cardinality": 4}
    schema = json.loads(dataset.to_dict()["schema"])["mlflow_tensorspec"]
    assert schema == {"features": f"[{TENSOR % ('int32', '-1, 2')}]", "targets": None}


def test_tensors_with_targets(tf):
    features = tf.constant([[1.0, 2], [3, 4]])
    dataset = mlflow.data.from_tensorflow(features, targets=tf.constant([1, 2]))
    assert dataset.digest == "c1463828"
    assert dataset.profile == {"features_cardinality": 4, "targets_cardinality": 2}
    assert dataset.data is features
    assert dataset.to_evaluation_dataset().labels_data.tolist() == [1, 2]
    parts = dataset.to_pyfunc()
    assert parts.inputs is features
    assert parts.outputs is dataset.targets


@pytest.mark.parametrize(
    ("make", "digest"),
    [
        (lambda tf, grid: slices(tf, grid), "0a9ea752"),
        (lambda tf, grid: tf.data.Dataset.range(5), "7e36aa31"),
        (lambda tf, grid: tf.data.Dataset.range(10).batch(4), "fc74480f"),
        (lambda tf, grid: slices(tf, (grid, grid[:, 0] // 2)), "ad6f4181"),
        (lambda tf, grid: slices(tf, {"b": grid, "a": grid[:, 0] // 2}), "fb535feb"),
        (lambda tf, grid: slices(tf, [["a", "q"], ["b", "c"]]), "9e8249bf"),
    ],
)
def test_pipeline_has_the_digest_of_the_reference(tf, grid, make, digest):
    assert mlflow.data.from_tensorflow(make(tf, grid)).digest == digest


def test_schema_of_a_pipeline_is_that_of_its_elements(tf, grid):
    schema = mlflow.data.from_tensorflow(slices(tf, {"b": grid, "a": grid / 2})).schema
    assert schema.features.input_names() == ["b", "a"]
    schema = mlflow.data.from_tensorflow(slices(tf, (grid, grid))).schema
    assert schema.features.input_names() == ["0", "1"]
    assert mlflow.data.from_tensorflow(tf.data.Dataset.range(3)).schema is None


def test_wrong_arguments_are_refused(tf, grid):
    pipeline, tensor = tf.data.Dataset.range(3), tf.constant([1, 2, 3])
    for features, targets, message in (
        (grid, None, "must be an instance of"),
        (tf.sparse.from_dense(grid), None, "must be an instance of"),
        (pipeline, tensor, r"must also be an instance of tf\.data\.Dataset"),
        (tensor, pipeline, "must also be a TensorFlow Tensor"),
        (pipeline.repeat(), None, "without end"),
        (tf.data.Dataset.range(0), None, "No hashable elements"),
    ):
        with pytest.raises(MlflowException, match=message) as caught:
            mlflow.data.from_tensorflow(features, targets=targets)
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(MlflowException, match="must be a Tensor"):
        mlflow.data.from_tensorflow(pipeline).to_evaluation_dataset()
