"""Datasets that are Spark tables."""

from __future__ import annotations

import shutil

import pytest
from tests.optional import heavy, missing, optional

import mlflow.data
from mlflow.data.spark_dataset_source import SparkDatasetSource
from mlflow.exceptions import MlflowException


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    sql = heavy("pyspark.sql")
    optional("pandas")
    if shutil.which("java") is None:
        missing("java", "Spark runs on it")
    folder = str(tmp_path_factory.mktemp("warehouse"))
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", folder)
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def table(spark):
    return spark.createDataFrame([(1, "x", 0.5), (2, "y", 1.5)], ["a", "b", "t"])


def test_table_has_digest_schema_profile_and_source(table):
    dataset = mlflow.data.from_spark(table, targets="t")
    form = dataset.to_dict()
    assert len(form["digest"]) == 8
    assert form["source_type"] == "code"
    assert form["profile"] == '{"approx_count": 2}'
    assert dataset.schema.input_names() == ["a", "b", "t"]
    assert [str(one) for one in dataset.schema.input_types()] == [
        "DataType.long",
        "DataType.string",
        "DataType.double",
    ]


def test_data_is_split_for_a_model(table):
    dataset = mlflow.data.from_spark(table, targets="t")
    parts = dataset.to_pyfunc()
    assert parts.inputs.columns == ["a", "b"]
    assert parts.outputs["t"].tolist() == [0.5, 1.5]
    assert dataset.to_evaluation_dataset().labels_data.tolist() == [0.5, 1.5]


def test_path_is_a_source(table, spark, tmp_path):
    path = str(tmp_path / "table")
    table.write.parquet(path)
    dataset = mlflow.data.from_spark(spark.read.parquet(path), path=path)
    assert isinstance(dataset.source, SparkDatasetSource)
    assert dataset.source.load().count() == 2


def test_wrong_arguments_are_refused(table):
    for arguments, message in (
        ({"targets": "zz"}, "targets column 'zz'"),
        ({"path": "p", "table_name": "t"}, "at most one"),
        ({"version": "1"}, "only Delta tables"),
        ({"sql": "select 1", "version": "1"}, "only Delta tables"),
    ):
        with pytest.raises(MlflowException, match=message):
            mlflow.data.from_spark(table, **arguments)
