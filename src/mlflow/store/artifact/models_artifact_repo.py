"""`models:` URIs: the files of a logged model, or of a version of a registered model, wherever they
are kept."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from mlflow.entities.file_info import FileInfo
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.location import Location
from mlflow.utils.models_uri import ModelsUri, parse_models_uri
from mlflow.utils.uri import get_uri_scheme

#: Beside the downloaded files of a version: which one it is.
REGISTERED_MODEL_META_FILE_NAME = "registered_model_meta"


class _Found(NamedTuple):
    """Where a model's files are, and which version it is, if it is one."""

    location: str
    name: str | None = None
    version: str | None = None


class ModelsArtifactRepository(ArtifactRepository):
    """The files of a model, read where they are kept.

    Args:
        artifact_uri: `models:/m-…`, `models:/name/1`, `models:/name@alias`,
            `models:/name/Production`, `models:/name/latest` or
            `models:/name/Production?at=2026-05-03T12:00`.
        tracking_uri: Store or server that knows logged models; None for the current one.
        registry_uri: Store or server that knows registered models; None for the current one.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ):
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        uri = parse_models_uri(artifact_uri)
        found = _find(uri, tracking_uri, registry_uri)
        self.is_logged_model_uri = uri.model_id is not None
        self.model_name = found.name
        self.model_version = found.version
        self.repo = get_artifact_repository(found.location, tracking_uri, registry_uri)

    @staticmethod
    def is_models_uri(uri: str) -> bool:
        """Whether the scheme is `models`."""
        return get_uri_scheme(str(uri)) == "models"

    @staticmethod
    def split_models_uri(uri: str) -> tuple[str, str]:
        """The URI of the model, and the path below its folder; the URI and "" if it is none."""
        if not ModelsArtifactRepository.is_models_uri(uri):
            return uri, ""
        try:
            path = parse_models_uri(uri).path
        except MlflowException:
            return uri, ""
        return (uri[: -len(path) - 1], path) if path else (uri.rstrip("/"), "")

    @staticmethod
    def get_underlying_uri(
        uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> str:
        """Where the files really are."""
        return _find(parse_models_uri(uri), tracking_uri, registry_uri).location

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        self._check_writable("log_artifact")
        self.repo.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self._check_writable("log_artifacts")
        self.repo.log_artifacts(local_dir, artifact_path)

    def _check_writable(self, method: str) -> None:
        if not self.is_logged_model_uri:
            raise ValueError(
                f"{method} is not supported for models:/<name>/<version> URIs. Use register_model "
                "instead."
            )

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        return self.repo.list_artifacts(path)

    def download_artifacts(
        self,
        artifact_path: str,
        dst_path: str | None = None,
        lineage_header_info: dict[str, Any] | None = None,
    ) -> str:
        """Beside a version's files there is one more that says which version it is, unless the
        files stay where they are.

        Args:
            lineage_header_info: Not used: no server here takes it.
        """
        path = self.repo.download_artifacts(artifact_path, dst_path)
        if self.model_version is not None and os.path.isdir(path) and not self._is_own(path):
            meta = {"model_name": self.model_name, "model_version": self.model_version}
            import yaml  # slow to load

            with open(os.path.join(path, REGISTERED_MODEL_META_FILE_NAME), "w") as file:
                yaml.safe_dump(meta, file)
        return path

    def _is_own(self, path: str) -> bool:
        """Whether it is the place where the model is kept, and no copy."""
        uri = self.repo.artifact_uri
        if get_uri_scheme(uri) not in ("", "file"):
            return False
        root, path = os.path.realpath(Location.parse(uri).path), os.path.realpath(path)
        return path == root or path.startswith(os.path.join(root, ""))

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        raise MlflowNotImplementedException(
            f"Files of models cannot be deleted by '{self.artifact_uri}'."
        )

    def _is_directory(self, artifact_path: str) -> bool:
        return self.repo._is_directory(artifact_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self.repo._download_file(remote_file_path, local_path)


def _find(uri: ModelsUri, tracking_uri: str | None, registry_uri: str | None) -> _Found:
    if uri.model_id is not None:
        from mlflow.tracking._tracking_service.utils import _get_store

        return _Found(_get_store(tracking_uri).get_logged_model(uri.model_id).artifact_location)
    from mlflow.tracking._model_registry.utils import _get_registry_store

    store = _get_registry_store(registry_uri, tracking_uri)
    version = version_of(store, uri)
    return _Found(store.get_model_version_download_uri(uri.name, version), uri.name, version)


def version_of(store: Any, uri: ModelsUri) -> str:
    """The number of the version that a URI names.

    Args:
        store: The registry.
        uri: Of a registered model.

    Raises:
        MlflowException: If there is none.
    """
    if uri.version is not None:
        return uri.version
    if uri.alias is not None:
        return str(store.get_model_version_by_alias(uri.name, uri.alias).version)
    if uri.stage is None:
        found = store.get_latest_versions(uri.name)
        missing = f"No versions of model with name '{uri.name}' found"
    elif uri.at is None:
        found = store.get_latest_versions(uri.name, [uri.stage])
        missing = f"No versions of model with name '{uri.name}' and stage '{uri.stage}' found"
    else:
        found = store.get_versions_at(uri.name, uri.at, [uri.stage])
        missing = f"No version of model '{uri.name}' was in {uri.stage} then"
    if not found:
        raise MlflowException(missing)
    return str(max(int(mv.version) for mv in found))
