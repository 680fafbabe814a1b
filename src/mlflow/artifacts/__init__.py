"""Read artifacts, wherever they are kept.

    import mlflow

    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="model.pkl")
    report = mlflow.artifacts.load_dict(f"runs:/{run_id}/report.json")

An artifact is named by a URI, or by its run and its path below that run's artifacts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlflow.entities.file_info import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INVALID_PARAMETER_VALUE
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.location import split_uri
from mlflow.utils.uri import get_uri_scheme

if TYPE_CHECKING:
    from PIL import Image

    from mlflow.store.artifact.artifact_repo import ArtifactRepository

__all__ = [
    "download_artifacts",
    "list_artifacts",
    "load_dict",
    "load_image",
    "load_text",
]


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Fetch a file, or a folder with all that is in it.

    Args:
        artifact_uri: What to fetch: `runs:/<run id>/path`, any artifact URI, or a path. A final "/"
            means what is in the folder, without the folder.
        run_id: Instead of a URI: the run whose artifacts are meant.
        artifact_path: With `run_id`: the path below its artifacts; None for all of them.
        dst_path: Folder to put it in, made if absent. None for a new temporary one that the caller
            should remove, or, for artifacts that are on this machine anyway, for no copy at all;
            `runs:/` URIs always give a copy.
        tracking_uri: Store or server to ask; None for the current one.
        registry_uri: The same for registered models.

    Returns:
        The path of the file or folder on this machine.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE unless exactly one of `artifact_uri` and `run_id`
            is given; RESOURCE_DOES_NOT_EXIST if there is no such artifact or run.
    """
    _check_which(artifact_uri, run_id, artifact_path)
    if dst_path is not None:
        os.makedirs(dst_path, exist_ok=True)
    repository, path = _locate(artifact_uri, run_id, artifact_path, tracking_uri, registry_uri)
    return repository.download_artifacts(path, dst_path)


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """What is in a folder of artifacts, sorted by path; [] if it is a file or nothing.

    Args:
        artifact_uri: The folder. Paths in the answer begin with its name, or, after a final "/",
            below it.
        run_id: Instead of a URI: the run whose artifacts are meant.
        artifact_path: With `run_id`: the folder below its artifacts; None for the root.
        tracking_uri: Store or server to ask; None for the current one.
    """
    _check_which(artifact_uri, run_id, artifact_path)
    if run_id is None and get_uri_scheme(artifact_uri) == "runs":
        run_id, artifact_path = _parse_run(artifact_uri)
    if run_id is not None:
        run = get_artifact_repository(f"runs:/{run_id}", tracking_uri)
        return run.list_artifacts(artifact_path)
    repository, path = _locate(artifact_uri, None, None, tracking_uri, None)
    return repository.list_artifacts(path)


def load_text(artifact_uri: str) -> str:
    """The content of a text file, which must be UTF-8.

    Raises:
        MlflowException: BAD_REQUEST if it is not.
    """
    with _local_copy(artifact_uri) as path:
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except UnicodeDecodeError as e:
            raise MlflowException(
                f"Artifact '{artifact_uri}' is not valid UTF-8. To read a file in another "
                "encoding, download it with "
                "`mlflow.artifacts.download_artifacts` and open it with the correct `encoding`.",
                error_code=BAD_REQUEST,
            ) from e


def load_dict(artifact_uri: str) -> dict[str, Any]:
    """The content of a JSON file.

    Raises:
        MlflowException: BAD_REQUEST if it is not JSON in UTF-8.
    """
    import json

    try:
        return json.loads(load_text(artifact_uri))
    except json.JSONDecodeError as e:
        raise MlflowException(
            "Unable to form a JSON object from file content", error_code=BAD_REQUEST
        ) from e


def load_image(artifact_uri: str) -> Image.Image:
    """An image file as a Pillow image.

    Raises:
        MlflowException: BAD_REQUEST if it is not an image; INVALID_STATE if Pillow is not
            installed.
    """
    from mlflow.utils.optional import require

    pillow = require("PIL.Image", extra="figures", purpose="loading images")
    with _local_copy(artifact_uri) as path:
        try:
            image = pillow.open(path)
            image.load()
            return image
        except pillow.UnidentifiedImageError as e:
            raise MlflowException(
                "Unable to form a PIL Image object from file content", error_code=BAD_REQUEST
            ) from e


@contextmanager
def _local_copy(artifact_uri: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield download_artifacts(artifact_uri, dst_path=folder)


def _check_which(artifact_uri: str | None, run_id: str | None, artifact_path: str | None) -> None:
    if (artifact_uri is None) == (run_id is None):
        raise MlflowException(
            "Exactly one of `run_id` or `artifact_uri` must be specified",
            error_code=INVALID_PARAMETER_VALUE,
        )
    if artifact_uri is not None and artifact_path is not None:
        raise MlflowException(
            "`artifact_path` cannot be specified if `artifact_uri` is specified",
            error_code=INVALID_PARAMETER_VALUE,
        )


def _locate(
    artifact_uri: str | None,
    run_id: str | None,
    artifact_path: str | None,
    tracking_uri: str | None,
    registry_uri: str | None,
) -> tuple[ArtifactRepository, str]:
    """The repository of the folder above an artifact, and the artifact's name there."""
    if run_id is not None:
        if not artifact_path:
            return _of_run(run_id, tracking_uri), ""
        artifact_uri = f"runs:/{run_id}/{artifact_path}"
    if get_uri_scheme(artifact_uri) == "models":
        from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository

        folder, name = ModelsArtifactRepository.split_models_uri(str(artifact_uri))
    elif get_uri_scheme(artifact_uri) == "runs" and not _parse_run(artifact_uri)[1]:
        folder, name = str(artifact_uri), ""
    else:
        folder, name = split_uri(str(artifact_uri))
    return get_artifact_repository(folder, tracking_uri, registry_uri), name


def _of_run(run_id: str, tracking_uri: str | None) -> ArtifactRepository:
    from mlflow.store.artifact.runs_artifact_repo import artifact_root_of

    return get_artifact_repository(artifact_root_of(run_id, tracking_uri), tracking_uri)


def _parse_run(uri: str) -> tuple[str, str | None]:
    from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository

    return RunsArtifactRepository.parse_runs_uri(uri)
