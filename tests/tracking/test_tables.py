"""Tables as artifacts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.optional import optional

import mlflow
from mlflow.exceptions import MlflowException

np = optional("numpy")
pandas = optional("pandas")
pil = optional("PIL.Image")


def rows(frame: pandas.DataFrame) -> list[list]:
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def test_table_grows_with_each_call():
    with mlflow.start_run() as run:
        mlflow.log_table({"a": [1, 2], "b": ["x", "y"], "c": [1.5, None]}, "t/x.json")
        mlflow.log_table(pandas.DataFrame({"a": [3], "d": ["ü"]}), "t/x.json")
    file = Path(run.info.artifact_uri) / "t" / "x.json"
    assert json.loads(file.read_text()) == {
        "columns": ["a", "b", "c", "d"],
        "data": [[1, "x", 1.5, None], [2, "y", None, None], [3, None, None, "ü"]],
    }
    table = mlflow.load_table("t/x.json")
    assert rows(table)[2] == [3, None, None, "ü"]
    tag = mlflow.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"]
    assert json.loads(tag) == [{"path": "t/x.json", "type": "table"}]


def test_cells_come_back_as_they_were():
    cells = {"float": [0.1234567890123, 2.0], "text": ["1", "2020-01-02"], "list": [[1], None]}
    with mlflow.start_run():
        mlflow.log_table(cells, "x.json")
    assert mlflow.load_table("x.json").to_dict("list") == cells


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        ({"a": 1, "b": "x"}, [[1, "x"]]),
        ({"a": [1, 2], "b": [1]}, [[[1, 2], [1]]]),
        ({"a": np.array([1, 2])}, [[1], [2]]),
        ({"a": [{"k": [1]}]}, [[{"k": [1]}]]),
    ],
)
def test_kinds_of_dicts(data, stored):
    with mlflow.start_run():
        mlflow.log_table(data, "x.json")
    assert mlflow.load_table("x.json").values.tolist() == stored


def test_parquet():
    optional("pyarrow")
    with mlflow.start_run():
        for _ in range(2):
            mlflow.log_table({"a": [1, 2], "b": ["x", "y"]}, "x.parquet")
    table = mlflow.load_table("x.parquet")
    assert table.values.tolist() == [[1, "x"], [2, "y"]] * 2


def test_tables_of_several_runs(caplog):
    ids = []
    for number in range(3):
        with mlflow.start_run(run_name=f"r{number}") as run:
            ids.append(run.info.run_id)
            mlflow.log_metric("n", number)
            if number:
                mlflow.log_table({"n": [number]}, "it's.json")
    assert mlflow.load_table("it's.json")["n"].tolist() == [2, 1]
    chosen = mlflow.load_table("it's.json", run_ids=ids[:2], extra_columns=["run_id", "n"])
    assert rows(chosen) == [[1, ids[1], None]]
    table = mlflow.load_table("it's.json", extra_columns=["metrics.n", "start_time"])
    assert table["metrics.n"].tolist() == [2.0, 1.0]
    assert table["start_time"].notna().all()
    with pytest.raises(MlflowException, match="No runs found") as error:
        mlflow.load_table("its.json")
    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_images_in_cells():
    image = mlflow.Image(np.zeros((4, 4, 3), np.uint8))
    with mlflow.start_run() as run:
        data = pandas.DataFrame({"name": ["x"], "image": [image]})
        mlflow.log_table(data, "t/x.json")
        assert data["image"][0] is image
        with pytest.raises(ValueError, match="mix of images and non-images"):
            mlflow.log_table({"image": [image, None]}, "y.json")
    cell = mlflow.load_table("t/x.json")["image"][0]
    assert cell["type"] == "image"
    assert cell["filepath"].startswith("table_images/t/x/")
    root = Path(run.info.artifact_uri)
    for path, kind in (("filepath", "PNG"), ("compressed_filepath", "WEBP")):
        with pil.open(root / cell[path]) as picture:
            assert picture.format == kind


@pytest.mark.parametrize("name", ["x.csv", "x"])
def test_other_endings_are_refused(name):
    with mlflow.start_run(), pytest.raises(ValueError, match="'.json' or '.parquet' extension"):
        mlflow.log_table({"a": [1]}, name)


def test_other_data_is_refused():
    with mlflow.start_run(), pytest.raises(MlflowException, match="DataFrame or a dictionary"):
        mlflow.log_table([1], "x.json")
