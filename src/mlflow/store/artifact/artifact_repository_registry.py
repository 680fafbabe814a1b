"""From an artifact URI to the repository that can read and write there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils.uri import get_uri_scheme

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

PLUGIN_GROUP = "mlflow.artifact_repository"
_HERE = "mlflow.store.artifact."

#: Scheme to module and class. They are imported when first used.
_BUILT_IN = {
    "": "local_artifact_repo:LocalArtifactRepository",
    "file": "local_artifact_repo:LocalArtifactRepository",
    "s3": "s3_artifact_repo:S3ArtifactRepository",
    "models": "models_artifact_repo:ModelsArtifactRepository",
    "runs": "runs_artifact_repo:RunsArtifactRepository",
    "http": "http_artifact_repo:HttpArtifactRepository",
    "https": "http_artifact_repo:HttpArtifactRepository",
    "mlflow-artifacts": "mlflow_artifacts_repo:MlflowArtifactsRepository",
}

#: Schemes that MLflow has adapters for and we do not have yet.
_NOT_YET = {
    "abfss": "Azure Data Lake",
    "b2": "Backblaze B2",
    "dbfs": "Databricks",
    "ftp": "FTP",
    "gs": "Google Cloud Storage",
    "hdfs": "HDFS",
    "r2": "Cloudflare R2",
    "sftp": "SFTP",
    "viewfs": "HDFS",
    "wasbs": "Azure Blob Storage",
}

Factory = Callable[..., "ArtifactRepository"]


class ArtifactRepositoryRegistry:
    """Schemes and what makes a repository for each.

    A factory is called as `factory(artifact_uri, tracking_uri=..., registry_uri=...)`; a class will
    do.
    """

    def __init__(self) -> None:
        self._registry: dict[str, Factory] = {}
        self._lock = threading.Lock()
        self._looked_for_plugins = False

    def register(self, scheme: str, repository: Factory) -> None:
        """Use `repository` for URIs of this scheme from now on."""
        self._registry[scheme] = repository

    def register_entrypoints(self) -> None:
        """Register what plug-ins bring; one that fails to load is left out with a warning."""
        from mlflow.utils.plugins import get_entry_points

        for entry in get_entry_points(PLUGIN_GROUP):
            try:
                self.register(entry.name, entry.load())
            except (AttributeError, ImportError) as e:
                import warnings

                warnings.warn(
                    f"Artifact repository plug-in '{entry.name}' ({entry.value}) could not be "
                    f"loaded: {e}",
                    stacklevel=2,
                )

    def get_artifact_repository(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> ArtifactRepository:
        """A repository whose root is `artifact_uri`.

        Args:
            artifact_uri: Path or URI.
            tracking_uri: Store or server that it belongs to; None for the current one.
            registry_uri: The same for registered models.

        Raises:
            MlflowException: Nothing can handle such a URI, or a library for it is not installed.
        """
        artifact_uri = os.fspath(artifact_uri)
        scheme = get_uri_scheme(artifact_uri)
        factory = self._factories().get(scheme)
        if factory is None:
            raise self._unknown(artifact_uri, scheme)
        return factory(artifact_uri, tracking_uri=tracking_uri, registry_uri=registry_uri)

    def get_registered_artifact_repositories(self) -> dict[str, Factory]:
        """All factories by scheme."""
        return {
            scheme: factory.load() if isinstance(factory, _BuiltIn) else factory
            for scheme, factory in self._factories().items()
        }

    def _factories(self) -> dict[str, Factory]:
        with self._lock:
            if not self._looked_for_plugins:
                self._looked_for_plugins = True
                self.register_entrypoints()
        return self._registry

    def _unknown(self, uri: str, scheme: str) -> MlflowException:
        known = list(self._registry)
        if scheme in _NOT_YET:
            return MlflowException(
                f"Artifacts at '{uri}' cannot be reached: Headrace does not support "
                f"{_NOT_YET[scheme]} (scheme "
                f"'{scheme}') yet. Supported schemes are: {known}. A plug-in of the entry-point "
                "group "
                f"'{PLUGIN_GROUP}' may add it.",
                error_code=CODES["NOT_IMPLEMENTED"],
            )
        return MlflowException(
            f"Could not find a registered artifact repository for: {uri}. "
            f"Currently registered schemes are: {known}"
        )


class _BuiltIn:
    """One of our own classes, imported at its first use."""

    def __init__(self, target: str):
        self._target = target

    def load(self) -> Factory:
        module, _, name = self._target.partition(":")
        return getattr(import_module(_HERE + module), name)

    def __call__(self, *args: Any, **kwargs: Any) -> ArtifactRepository:
        return self.load()(*args, **kwargs)


_artifact_repository_registry = ArtifactRepositoryRegistry()
for _scheme, _target in _BUILT_IN.items():
    _artifact_repository_registry.register(_scheme, _BuiltIn(_target))


def get_artifact_repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> ArtifactRepository:
    """A repository whose root is `artifact_uri`; see the registry's method of this name."""
    return _artifact_repository_registry.get_artifact_repository(
        artifact_uri, tracking_uri, registry_uri
    )


def get_registered_artifact_repositories() -> dict[str, Factory]:
    """What makes repositories, by scheme."""
    return _artifact_repository_registry.get_registered_artifact_repositories()
