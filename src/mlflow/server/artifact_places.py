"""From a run's artifact URI, and what the server was told, to a place that it reads and writes."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from mlflow.entities.file_info import FileInfo
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.server.config import ServerConfig
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.host_policy import refuse_foreign_host
from mlflow.store.artifact.location import Location, Steps
from mlflow.store.artifact.resolver import root_for_others
from mlflow.store.artifact.serving import (
    LocalStorage,
    ReceivedFile,
    RemoteStorage,
    Storage,
    StoredFile,
)

CONFINE = "HEADRACE_CONFINE_ARTIFACTS"
"""Environment variable: "true" makes the server refuse its folders that are not below its roots."""

_logger = logging.getLogger("mlflow.server")


@dataclass(frozen=True)
class Place:
    """Where the artifacts of something are: a storage, and the way to them there."""

    storage: Storage
    base: Steps = ()
    is_proxied: bool = False
    """Whether clients reach it through this server."""

    def list(self, below: Steps) -> list[FileInfo]:
        """What is in a folder, sorted by path, with paths that begin at this place."""
        above = sum(len(name) + 1 for name in self.base)
        return [
            FileInfo(info.path[above:], info.is_dir, info.file_size)
            for info in self.storage.list(self.base + below)
        ]

    def open(self, below: Steps) -> StoredFile:
        """A file to send."""
        return self.storage.open(self.base + below)

    def receive(self, below: Steps) -> ReceivedFile:
        """A file to fill."""
        return self.storage.receive(self.base + below)

    def delete(self, below: Steps) -> None:
        """Delete a file or folder."""
        self.storage.delete(self.base + below)

    def shown(self, path: str) -> str:
        """A path below this place, as errors name it."""
        return "".join(f"{name}/" for name in self.base) + path

    @property
    def repository(self) -> ArtifactRepository | None:
        """What gives out addresses for direct access; None if nothing does."""
        return self.storage.repository


class Places:
    """Every place that this server knows or is told of."""

    def __init__(self, config: ServerConfig):
        self._config = config
        self._destination = _absolute(Location.parse(config.artifacts_destination))
        root = _absolute(Location.parse(config.artifact_root))
        # Where runs' artifacts go when the same database is used without a server.
        usual = Location("", None, os.path.abspath("mlruns"))
        self._own = (self._destination, root, usual)
        self._warned = False
        self._proxied: Place | None = None

    def proxied(self) -> Place:
        """The root of all artifacts that clients send through this server."""
        if self._proxied is None:
            storage = self._storage(self._destination, self._config.artifacts_destination)
            self._proxied = Place(storage, is_proxied=True)
        return self._proxied

    def check(self, uri: str | None, name: str = "artifact_location") -> None:
        """Refuse a location for artifacts, in the field `name`, that a client must not choose.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it names a host that the server was not told
                of.
        """
        if uri:
            refuse_foreign_host(Location.parse(uri), name, self._own)

    def of_uri(self, uri: str) -> Place:
        """The place that an artifact URI names.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the server may or can not use it;
                PERMISSION_DENIED for a folder of the server outside of its roots, when those are
                enforced.
        """
        location = Location.parse(uri)
        refuse_foreign_host(location, "artifact_uri", self._own)
        if location.scheme != "mlflow-artifacts" or location.authority:
            return Place(self._storage(location, uri))
        if not self._config.serve_artifacts:
            raise MlflowException.invalid_parameter_value(
                f"The artifacts at '{uri}' are kept by a server that serves artifacts; this one "
                "runs with "
                "`--no-serve-artifacts`."
            )
        return Place(self.proxied().storage, location.steps, is_proxied=True)

    def _storage(self, location: Location, uri: str) -> Storage:
        if not location.is_local:
            return RemoteStorage(get_artifact_repository(uri))
        path = os.path.abspath(location.path)
        for own in self._own:
            below = _below(path, own.path) if own.is_local else None
            if below is not None:
                return LocalStorage(root_for_others(own.path, below))
        self._mind_foreign_folder(path)
        return LocalStorage(root_for_others(path))

    def _mind_foreign_folder(self, path: str) -> None:
        """A client chose a folder of this machine. Such scripts work; the operator should know."""
        if os.environ.get(CONFINE, "").lower() in ("true", "1"):
            raise MlflowException(
                f"The server does not serve '{path}': it is not below one of its artifact roots.",
                error_code=CODES["PERMISSION_DENIED"],
            )
        if not self._warned:
            self._warned = True
            _logger.warning(
                "Artifacts at '%s' are outside of this server's artifact roots, in a folder that "
                "a client has chosen. "
                "Set %s=true to refuse such folders.",
                path,
                CONFINE,
            )


def _absolute(location: Location) -> Location:
    if not location.is_local:
        return location
    return Location("", None, os.path.abspath(location.path))


def _below(path: str, root: str) -> Steps | None:
    """The names from `root` to `path`, both absolute and normal; None if it is not there."""
    relative = (
        os.path.relpath(path, root)
        if os.path.splitdrive(path)[0] == os.path.splitdrive(root)[0]
        else ".."
    )
    names = tuple(relative.split(os.sep))
    if relative == os.curdir:
        return ()
    return None if names[0] == os.pardir else names
