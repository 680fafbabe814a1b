"""`runs:/<run id>/path` URIs: artifacts of a run, wherever they are kept.

A logged model that the run made is found among them under its name, unless the run has an artifact
of that name itself.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile

from mlflow.entities.file_info import FileInfo
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.location import Steps, child_uri, steps
from mlflow.utils.uri import get_uri_scheme

_URI = re.compile(
    r"runs:(?://[^/]*)?/+(?P<run_id>[^/]+)(?:/(?P<path>.*))?", re.IGNORECASE | re.DOTALL
)


class RunsArtifactRepository(ArtifactRepository):
    """Artifacts of a run, seen from a folder of them.

    Args:
        artifact_uri: `runs:/<run id>` or `runs:/<run id>/folder`.
        tracking_uri: Store or server that knows the run; None for the current one.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ):
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        self._run_id, path = self.parse_runs_uri(artifact_uri)
        self._above = steps(path)
        underlying = self.get_underlying_uri(artifact_uri, tracking_uri)
        self.repo = get_artifact_repository(underlying, tracking_uri, registry_uri)

    @staticmethod
    def is_runs_uri(uri: str) -> bool:
        """Whether the scheme is `runs`."""
        return get_uri_scheme(uri) == "runs"

    @staticmethod
    def parse_runs_uri(run_uri: str) -> tuple[str, str | None]:
        """The run's id, and the path below its artifacts or None.

        Raises:
            MlflowException: It is not of the form `runs:/<run id>/path`.
        """
        match = _URI.fullmatch(str(run_uri))
        if match is None:
            raise MlflowException(
                f"Not a proper runs:/ URI: {run_uri}. Runs URIs must be of the form "
                "'runs:/<run_id>/run-relative/path/to/artifact'"
            )
        return match["run_id"], match["path"] or None

    @staticmethod
    def get_underlying_uri(runs_uri: str, tracking_uri: str | None = None) -> str:
        """Where the artifacts really are.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such run.
        """
        run_id, path = RunsArtifactRepository.parse_runs_uri(runs_uri)
        root = artifact_root_of(run_id, tracking_uri)
        return child_uri(root, steps(path)) if path else root

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        self.repo.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self.repo.log_artifacts(local_dir, artifact_path)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        found = self.repo.list_artifacts(path)
        model = None if found else self._logged_model(steps(path))
        if model is None:
            return found
        repository, folder, below = model
        return [
            FileInfo("/".join((*folder, info.path)), info.is_dir, info.file_size)
            for info in repository.list_artifacts("/".join(below) or None)
        ]

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Without `dst_path` it is a copy too, wherever the artifacts are: it may be changed."""
        try:
            return super().download_artifacts(artifact_path, dst_path)
        except MlflowException as e:
            if e.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            model = self._logged_model(steps(artifact_path))
            if model is None:
                raise MlflowException(
                    f"Failed to download artifacts from path '{artifact_path}', please ensure that "
                    "the path is correct.",
                    error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
                ) from e
        return _download_model(model, dst_path)

    def _logged_model(self, wanted: Steps) -> tuple[ArtifactRepository, Steps, Steps] | None:
        """The logged model that a path leads to: its files, the names below this repository that
        stand for it, the names below it. None if there is none."""
        path = (*self._above, *wanted)
        if not path or "'" in path[0]:
            return None
        location = logged_model_of(self._run_id, path[0], self.tracking_uri)
        if location is None:
            return None
        repository = get_artifact_repository(location, self.tracking_uri, self.registry_uri)
        if self._above:
            return repository, (), path[1:]
        return repository, wanted[:1], wanted[1:]

    def _is_directory(self, artifact_path: str) -> bool:
        return self.repo._is_directory(artifact_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self.repo._download_file(remote_file_path, local_path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        self.repo.delete_artifacts(artifact_path)


def artifact_root_of(run_id: str, tracking_uri: str | None = None) -> str:
    """Where a run's artifacts are kept.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such run.
    """
    from mlflow.tracking._tracking_service.utils import _get_store

    return _get_store(tracking_uri).get_run(run_id).info.artifact_uri


def logged_model_of(run_id: str, name: str, tracking_uri: str | None = None) -> str | None:
    """Where the files of the newest logged model are that a run made under this name; None if it
    made none."""
    from mlflow.tracking._tracking_service.utils import _get_store

    store = _get_store(tracking_uri)
    try:
        found = store.search_logged_models(
            [store.get_run(run_id).info.experiment_id],
            filter_string=f"name = '{name}' AND source_run_id = '{run_id}'",
            max_results=1,
        )
    except (MlflowException, NotImplementedError):  # a store without logged models
        return None
    return found[0].artifact_location if found else None


def _download_model(model: tuple[ArtifactRepository, Steps, Steps], dst_path: str | None) -> str:
    repository, folder, below = model
    target = tempfile.mkdtemp() if dst_path is None else dst_path
    try:
        above = os.path.join(target, *folder)
        os.makedirs(above, exist_ok=True)
        return repository.download_artifacts("/".join(below), above)
    except BaseException:
        if dst_path is None:
            shutil.rmtree(target, ignore_errors=True)
        raise
