"""Sources: their kinds, their JSON, and how they are found and registered."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import mlflow.data
from mlflow.data import sources
from mlflow.data.dataset import Dataset
from mlflow.data.dataset_registry import DatasetRegistry, register_constructor
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.dataset_source_registry import (
    DatasetSourceRegistry,
    get_dataset_source_from_json,
    get_registered_sources,
    resolve_dataset_source,
)
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.evaluation_dataset_source import EvaluationDatasetSource
from mlflow.data.filesystem_dataset_source import FileSystemDatasetSource
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.huggingface_dataset_source import HuggingFaceDatasetSource
from mlflow.data.spark_dataset_source import SparkDatasetSource
from mlflow.data.uc_volume_dataset_source import UCVolumeDatasetSource
from mlflow.exceptions import MlflowException


class Drawer(DatasetSource):
    """A source of a plug-in; takes over http URLs."""

    def __init__(self, label):
        self.label = label

    @staticmethod
    def _get_source_type():
        return "drawer"

    def load(self):
        return self.label

    @staticmethod
    def _can_resolve(raw_source):
        return isinstance(raw_source, str) and raw_source.startswith(("drawer:", "http:"))

    @classmethod
    def _resolve(cls, raw_source):
        return cls(raw_source)

    def to_dict(self):
        return {"label": self.label}

    @classmethod
    def from_dict(cls, source_dict):
        return cls(source_dict["label"])


class Unsure(Drawer):
    @staticmethod
    def _can_resolve(raw_source):
        raise ValueError("no idea")


class Clumsy(Drawer):
    @classmethod
    def _resolve(cls, raw_source):
        raise ValueError("dropped it")


def registry(*kinds):
    made = DatasetSourceRegistry()
    for kind in kinds:
        made.register(kind)
    return made


@pytest.mark.parametrize("kind", get_registered_sources(), ids=lambda kind: kind.__name__)
def test_kind_is_found_by_name(kind):
    assert getattr(sources, kind.__name__) is kind
    assert kind.__name__ in dir(sources)


def test_there_is_one_kind_for_each_source_type():
    types = [kind._get_source_type() for kind in get_registered_sources()]
    assert len(set(types)) == len(types)


@pytest.mark.parametrize(
    ("made", "source_type"),
    [
        (sources.S3ArtifactDatasetSource("s3://b/k"), "s3"),
        (HTTPDatasetSource("http://example.org/a"), "http"),
        (HuggingFaceDatasetSource("p", "c", "d", ["f"], "train", "1.0"), "hugging_face"),
        (HuggingFaceDatasetSource("p", data_files={"train": "f"}), "hugging_face"),
        (SparkDatasetSource(path="p"), "spark"),
        (SparkDatasetSource(table_name="t"), "spark"),
        (SparkDatasetSource(sql="select 1"), "spark"),
        (DeltaDatasetSource(path="p", delta_table_version=3), "delta_table"),
        (DeltaDatasetSource(delta_table_name="c.s.t", delta_table_id="x"), "delta_table"),
        (DeltaDatasetSource(delta_table_name="hive_metastore.s.t"), "delta_table"),
        (UCVolumeDatasetSource("/Volumes/a/b/c/d"), "uc_volume"),
        (EvaluationDatasetSource("d-1"), "mlflow_evaluation_dataset"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_source_survives_its_json(made, source_type):
    read = get_dataset_source_from_json(made.to_json(), source_type)
    assert type(read) is type(made)
    assert read.to_dict() == made.to_dict()


def test_table_of_the_unity_catalog_keeps_its_id():
    assert DeltaDatasetSource(delta_table_name="c.s.t").to_dict() == {
        "delta_table_name": "c.s.t",
        "is_databricks_uc_table": True,
        "delta_table_id": None,
    }
    local = DeltaDatasetSource(delta_table_name="spark_catalog.s.t", delta_table_id="x")
    assert local.to_dict() == {"delta_table_name": "spark_catalog.s.t"}


def test_split_that_was_stored_as_none_is_none():
    stored = HuggingFaceDatasetSource("p").to_dict()
    assert stored["split"] == "None"
    assert HuggingFaceDatasetSource.from_dict(stored).split is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DeltaDatasetSource(), "exactly one"),
        (lambda: DeltaDatasetSource("p", "t"), "exactly one"),
        (lambda: SparkDatasetSource(), "exactly one"),
        (lambda: SparkDatasetSource("p", "t"), "exactly one"),
        (lambda: HTTPDatasetSource.from_dict({}), 'Missing expected key: "url"'),
        (lambda: sources.GCSArtifactDatasetSource.from_dict({}), 'expected key: "uri"'),
        (lambda: EvaluationDatasetSource.from_dict({}), 'expected key: "dataset_id"'),
    ],
)
def test_incomplete_source_is_refused(make, message):
    with pytest.raises(MlflowException, match=message) as caught:
        make()
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    "source", [UCVolumeDatasetSource("/Volumes/a/b/c/d"), EvaluationDatasetSource("d-1")]
)
def test_source_that_cannot_be_loaded_says_so(source):
    with pytest.raises(MlflowException) as caught:
        source.load()
    assert caught.value.error_code == "NOT_IMPLEMENTED"


def test_path_objects_are_local(tmp_path):
    source = resolve_dataset_source(tmp_path / "a.csv")
    assert source._get_source_type() == "local"
    assert source.to_dict() == {"uri": str(tmp_path / "a.csv")}


def test_drive_letter_is_no_scheme():
    assert resolve_dataset_source(r"C:\data\a.csv")._get_source_type() == "local"


def test_local_file_is_loaded_where_it_is(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    assert resolve_dataset_source(str(file)).load() == str(file)


def test_candidates_narrow_the_choice():
    assert resolve_dataset_source("s3://b/k", [FileSystemDatasetSource]).uri == "s3://b/k"
    with pytest.raises(MlflowException, match="Could not find a source information resolver"):
        resolve_dataset_source("s3://b/k", [HTTPDatasetSource])


def test_last_registered_kind_wins_with_a_warning():
    for kinds, winner in (
        ((HTTPDatasetSource, Drawer), Drawer),
        ((Drawer, HTTPDatasetSource), HTTPDatasetSource),
    ):
        with pytest.warns(UserWarning, match="interpreted in multiple ways"):
            assert type(registry(*kinds).resolve("http://example.org")) is winner


def test_kind_that_fails_leaves_it_to_the_others():
    with pytest.warns(UserWarning, match="no idea"):
        found = registry(HTTPDatasetSource, Unsure).resolve("http://example.org")
    assert type(found) is HTTPDatasetSource
    with pytest.warns(UserWarning, match="multiple ways"), pytest.warns(match="dropped it"):
        found = registry(HTTPDatasetSource, Clumsy).resolve("http://example.org")
    assert type(found) is HTTPDatasetSource


def test_kind_registered_twice_counts_once():
    assert registry(Drawer, Drawer).sources == [Drawer]
    before = list(get_registered_sources())
    mlflow.data.artifact_dataset_sources.register_artifact_dataset_sources()
    assert get_registered_sources() == before


class Made(Dataset):
    def _compute_digest(self):
        return "made"

    profile = None
    schema = None


def from_drawer(label="a", name=None, digest=None) -> Made:
    return Made(Drawer(label), name, digest)


def test_registered_constructor_is_found(monkeypatch):
    from mlflow.data import dataset_registry

    monkeypatch.setattr(dataset_registry, "_known", DatasetRegistry())
    monkeypatch.setattr(dataset_registry, "_filled", False)
    assert register_constructor(from_drawer) == "from_drawer"
    assert mlflow.data.from_drawer("b", name="n").source.label == "b"


def from_nothing(): ...


def from_unnamed(digest=None) -> Made: ...


def from_undigested(name=None) -> Made: ...


def from_unknown(name=None, digest=None): ...


def from_number(name=None, digest=None) -> int: ...


@pytest.mark.parametrize(
    ("function", "name", "message"),
    [
        (from_drawer, "drawer", "must start with 'load_' or 'from_'"),
        (from_nothing, None, "parameter named 'name'"),
        (from_unnamed, None, "parameter named 'name'"),
        (from_undigested, None, "parameter named 'digest'"),
        (from_unknown, None, "return type annotation"),
        (from_number, None, "return type annotation"),
    ],
)
def test_wrong_constructor_is_refused(function, name, message):
    with pytest.raises(MlflowException, match=message):
        DatasetRegistry().register_constructor(function, name)


def test_plugins_bring_constructors_and_sources(tmp_path):
    info = tmp_path / "drawers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: drawers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlflow.dataset_constructor]\n"
        "from_drawer = tests.datasets.test_sources:from_drawer\n"
        "from_broken = no_such_module:x\n"
        "drawer = tests.datasets.test_sources:from_drawer\n"
        "[mlflow.dataset_source]\n"
        "drawer = tests.datasets.test_sources:Drawer\n"
        "broken = no_such_module:y\n"
    )
    code = """
import warnings
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as caught:
    import mlflow.data
    dataset = mlflow.data.from_drawer("b")
    assert dataset.to_dict()["source_type"] == "drawer", dataset.to_dict()
    assert mlflow.data.get_source(dataset._to_mlflow_entity()).load() == "b"
    texts = "\\n".join(str(one.message) for one in caught)
assert 'dataset constructor "from_broken"' in texts, texts
assert 'dataset constructor "drawer"' in texts, texts
assert 'dataset source "broken"' in texts, texts
"""
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
    )
