"""Tables: data frames as artifacts, JSON or Parquet, that grow with each call."""

from __future__ import annotations

import json
import logging
import posixpath
import tempfile
import uuid
from typing import TYPE_CHECKING, Any

from mlflow.entities import Run, RunTag
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.tracking._files import artifact_at
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pandas

    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.tracking.client import MlflowClient

_logger = logging.getLogger(__name__)


def log_table(
    client: MlflowClient,
    run_id: str,
    data: dict[str, Any] | pandas.DataFrame,
    artifact_file: str,
) -> None:
    """Append the rows to the run's table, which begins with the first call."""
    _check_ending(artifact_file)
    frame = _frame_of(data)
    repository = client._artifacts_of(run_id)
    tables = _logged(client.get_run(run_id))
    _store_images(repository, frame, artifact_file)
    entry = {"path": artifact_file, "type": "table"}
    if entry in tables:
        pandas = require("pandas", extra="pandas")
        frame = pandas.concat([_read(repository, artifact_file), frame], ignore_index=True)
    with artifact_at(repository, artifact_file) as path:
        _write(frame, path)
    if entry not in tables:
        client._store.set_tag(run_id, RunTag(MLFLOW_LOGGED_ARTIFACTS, json.dumps([*tables, entry])))


def load_table(
    client: MlflowClient,
    experiment_id: str,
    artifact_file: str,
    run_ids: list[str] | None,
    extra_columns: list[str] | None,
) -> pandas.DataFrame:
    """The tables of all runs that have one at this path, one below the other, newest run first."""
    _check_ending(artifact_file)
    pandas = require("pandas", extra="pandas")
    frames = []
    for run in _runs_with(client, experiment_id, artifact_file, run_ids):
        frame = _read(client._artifacts_of(run.info.run_id), artifact_file)
        _add_columns(frame, run, extra_columns or [])
        frames.append(frame)
    if not frames:
        raise MlflowException(
            "No runs found with the corresponding table artifact.",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    return pandas.concat(frames, ignore_index=True)


def _check_ending(artifact_file: str) -> None:
    if not artifact_file.endswith((".json", ".parquet")):
        raise ValueError(
            f"Invalid artifact file path '{artifact_file}'. Please ensure the file you are trying "
            "to log as a table has a file name with either '.json' or '.parquet' extension."
        )


def _frame_of(data: Any) -> pandas.DataFrame:
    pandas = require("pandas", extra="pandas")
    if isinstance(data, pandas.DataFrame):
        return data.copy(deep=False)
    if not isinstance(data, dict):
        raise MlflowException.invalid_parameter_value(
            "data must be a pandas.DataFrame or a dictionary"
        )
    try:
        return pandas.DataFrame(data)
    except ValueError:  # single values, or lists of unequal lengths: one row
        return pandas.DataFrame([data])


def _logged(run: Run) -> list[dict[str, str]]:
    """What the run logged as tables: a path and a type each."""
    return json.loads(run.data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))


def _read(repository: ArtifactRepository, artifact_file: str) -> pandas.DataFrame:
    pandas = require("pandas", extra="pandas")
    with tempfile.TemporaryDirectory() as folder:
        path = repository.download_artifacts(artifact_file, folder)
        if artifact_file.endswith(".parquet"):
            return pandas.read_parquet(path)
        with open(path, encoding="utf-8") as file:  # read_json would turn texts into numbers
            return pandas.DataFrame(**json.load(file))


def _write(frame: pandas.DataFrame, path: str) -> None:
    if path.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="split", index=False, date_format="iso", double_precision=15)


def _store_images(
    repository: ArtifactRepository, frame: pandas.DataFrame, artifact_file: str
) -> None:
    """Store the images in the frame as artifacts of their own, and put in their place where they
    are."""
    from mlflow.tracking.multimedia import Image, compress_image_size

    folder = posixpath.join("table_images", posixpath.splitext(artifact_file)[0])
    for name in frame.columns:
        are_images = [isinstance(cell, Image) for cell in frame[name]]
        if not any(are_images):
            continue
        if not all(are_images):
            raise ValueError(
                f"Column `{name}` contains a mix of images and non-images. Please ensure that all "
                "elements in the column are of the same type."
            )
        places = []
        for cell in frame[name]:
            place = posixpath.join(folder, str(uuid.uuid4()))
            image = cell.to_pil()
            with artifact_at(repository, f"{place}.png") as path:
                image.save(path)
            with artifact_at(repository, f"{place}.webp") as path:
                compress_image_size(image).save(path)
            places.append(
                {
                    "type": "image",
                    "filepath": f"{place}.png",
                    "compressed_filepath": f"{place}.webp",
                }
            )
        frame[name] = places


def _runs_with(
    client: MlflowClient, experiment_id: str, artifact_file: str, run_ids: list[str] | None
) -> list[Run]:
    """The runs that have this table: among `run_ids`, or all of the experiment."""
    entry = {"path": artifact_file, "type": "table"}
    if run_ids:
        asked = [client.get_run(run_id) for run_id in run_ids]
        found = [run for run in asked if entry in _logged(run)]
        if len(found) < len(asked):
            _logger.warning(
                "Not all runs have the specified table artifact. Some runs will be skipped."
            )
        return found
    path = artifact_file.replace("'", "_")  # `_` stands for any character
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id],
            f"tags.`{MLFLOW_LOGGED_ARTIFACTS}` LIKE '%{path}%'",
            page_token=token,
        )
        runs += [run for run in page if entry in _logged(run)]
        token = page.token
        if not token:
            return runs


def _add_columns(frame: pandas.DataFrame, run: Run, columns: list[str]) -> None:
    from mlflow.store.tracking.base.columns import RunColumns
    from mlflow.tracking._frames import frame_of_runs

    if not columns:
        return
    runs = RunColumns()
    runs.add_runs([run])
    row = frame_of_runs(runs).iloc[0]
    for column in columns:
        name = column
        if name in frame.columns:
            name = f"{column}_"
            _logger.warning(
                "Column name %s already exists in the table. Resolving the conflict, by appending "
                "an underscore to the column name.",
                column,
            )
        frame[name] = row.get(column)
