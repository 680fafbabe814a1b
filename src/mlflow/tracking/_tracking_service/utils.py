from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlflow.environment_variables import MLFLOW_TRACKING_URI
from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.store.tracking.abstract_store import AbstractStore

DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH = "./mlruns"
DEFAULT_DATABASE = "mlflow.db"

_tracking_uri: str | None = None


def is_tracking_uri_set() -> bool:
    """Whether somebody chose a tracking URI, by `set_tracking_uri` or MLFLOW_TRACKING_URI."""
    return bool(_tracking_uri or MLFLOW_TRACKING_URI.get())


def set_tracking_uri(uri: str | Path) -> None:
    """Keep runs there from now on, also in processes that this one starts.

    Args:
        uri: A database (`sqlite:///mlflow.db`, `postgresql://…`), a server (`http://…`), a
            directory (a path or a `file:` URI) or what a plug-in takes. Empty or None: back to the
            default.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for `databricks`.
    """
    global _tracking_uri
    uri = _from_path(uri)
    _refuse_databricks(uri)
    _tracking_uri = uri or None
    if uri:
        MLFLOW_TRACKING_URI.set(uri)
    else:
        MLFLOW_TRACKING_URI.unset()


def get_tracking_uri() -> str:
    """Where runs are kept: what was set, else MLFLOW_TRACKING_URI, else `./mlruns` if it holds
    runs, else `sqlite:///<working directory>/mlflow.db`."""
    return _tracking_uri or MLFLOW_TRACKING_URI.get() or _get_default_tracking_uri()


def _get_default_tracking_uri() -> str:
    directory = os.path.abspath(DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)
    if _has_existing_mlruns_data(directory):
        return _uri_of(directory)
    database = os.path.abspath(DEFAULT_DATABASE).replace(os.sep, "/")
    return f"sqlite:///{database}"


def _from_path(uri: str | Path | None) -> Any:
    return _uri_of(os.path.expanduser(uri)) if isinstance(uri, os.PathLike) else uri


def _uri_of(path: str) -> str:
    from pathlib import Path  # seldom needed, and slow to load

    return Path(path).absolute().as_uri()


def _has_existing_mlruns_data(directory: str | Path) -> bool:
    """Whether the directory is a store of files, not just the artifacts of a database."""
    try:
        with os.scandir(directory) as entries:
            return any(
                e.name.isdigit() and os.path.exists(os.path.join(e.path, "meta.yaml"))
                for e in entries
            )
    except OSError:
        return False


def _resolve_tracking_uri(tracking_uri: str | Path | None = None) -> str:
    """The URI itself, or the current one for None."""
    return _from_path(tracking_uri) or get_tracking_uri()


@contextmanager
def _use_tracking_uri(uri: str | Path) -> Iterator[None]:
    """Keep runs there inside the block, then where they were kept before."""
    before, in_environment = _tracking_uri, MLFLOW_TRACKING_URI.get_raw()
    set_tracking_uri(uri)
    try:
        yield
    finally:
        set_tracking_uri(before)
        if in_environment is not None:
            MLFLOW_TRACKING_URI.set(in_environment)


def _get_store(store_uri: str | None = None, artifact_uri: str | None = None) -> AbstractStore:
    """The store of this URI, or the current one.

    Args:
        artifact_uri: Where artifacts of experiments that it makes go.
    """
    from mlflow.store.tracking.resolve import tracking_store

    uri = _resolve_tracking_uri(store_uri)
    _refuse_databricks(uri)
    return tracking_store(uri, artifact_uri)


def _get_artifact_repo(run_id: str) -> ArtifactRepository:
    """The artifacts of a run in the current store."""
    from mlflow.tracking.client import MlflowClient

    return MlflowClient()._artifacts_of(run_id)


def _refuse_databricks(uri: str) -> None:
    scheme = str(uri or "").partition(":")[0].lower()
    if scheme == "databricks" or scheme.startswith("databricks-"):
        raise MlflowException.invalid_parameter_value(
            f"Tracking URI '{uri}': Headrace does not talk to Databricks. Use a database "
            "('sqlite:///mlflow.db', 'postgresql://…'), a server ('http://…') or a directory."
        )
