"""Serving what a registered model's stage, alias or latest version points to, also when that
changes.

A thread asks the registry now and then. Another version is loaded beside the one that answers, and
takes over between two requests; what cannot be loaded is left out until it changes again. Each
process of a server looks for itself, so all have switched one interval after the change.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import load_model_with_mlflow_config

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel
    from mlflow.pyfunc.scoring_server.serving import ScoringApp

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pointer:
    """A name in the registry that may point to another version tomorrow.

    Args:
        model: Name of the registered model.
        stage: None for an alias or the latest version.
        alias: None for a stage or the latest version.
    """

    model: str
    stage: str | None = None
    alias: str | None = None

    @classmethod
    def of(cls, uri: str) -> Pointer:
        """What a `models:/` URI points with.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a URI that always means the same.
        """
        name, at, alias = uri.removeprefix("models:/").strip("/").rpartition("@")
        if at and name and "/" not in name + alias:
            return cls(name, alias=alias)
        name, slash, what = uri.removeprefix("models:/").strip("/").partition("/")
        if not uri.startswith("models:/") or not slash or not name or what.isdecimal():
            raise MlflowException.invalid_parameter_value(
                f"'{uri}' always means the same model, so there is nothing to watch. "
                "models:/<name>@<alias>, models:/<name>/<stage> and models:/<name>/latest can "
                "point to another version."
            )
        return cls(name) if what.lower() == "latest" else cls(name, stage=what)

    def version(self) -> str:
        """The version it points to now.

        Raises:
            MlflowException: If there is none, or the registry does not answer.
        """
        from mlflow.tracking.client import MlflowClient

        client = MlflowClient()
        if self.alias is not None:
            return str(client.get_model_version_by_alias(self.model, self.alias).version)
        stages = None if self.stage is None else [self.stage]
        versions = [int(v.version) for v in client.get_latest_versions(self.model, stages)]
        if not versions:
            where = "version" if self.stage is None else f"version in stage '{self.stage}'"
            raise MlflowException.invalid_parameter_value(
                f"The registered model '{self.model}' has no {where}."
            )
        return str(max(versions))


class Watch:
    """Keeps an app at the version that a pointer has.

    Args:
        pointer: Where to look.
        version: What the app answers with now.
        seconds: Between two looks.
        load: Given a version, loads it.
    """

    def __init__(
        self,
        pointer: Pointer,
        version: str | None,
        seconds: float,
        load: Callable[[str], PyFuncModel] | None = None,
    ):
        self._pointer = pointer
        self._version = version
        self._seconds = seconds
        self._load = load or (lambda version: load_version(pointer.model, version))
        self._refused: str | None = None
        self._stop = threading.Event()

    def start(self, app: ScoringApp) -> Callable[[], None]:
        """Begin to look; what is returned ends that."""
        thread = threading.Thread(target=self._run, args=(app,), name="watch", daemon=True)
        thread.start()
        return self._stop.set

    def _run(self, app: ScoringApp) -> None:
        while not self._stop.wait(self._seconds):
            self.look(app)

    def look(self, app: ScoringApp) -> bool:
        """Switch if there is something to switch to; whether that was so. Never raises: the app
        goes on with what it has."""
        try:
            version = self._pointer.version()
        except Exception as error:  # a registry that is away for a while, or points to nothing
            _logger.warning("Cannot tell which version of %s is next: %s", self._pointer, error)
            return False
        if version in (self._version, self._refused):
            return False
        try:
            model = self._load(version)
        except Exception as error:  # whatever a broken model raises
            self._refused = version
            _logger.error(
                "Version %s of '%s' cannot be loaded; version %s goes on answering.",
                version,
                self._pointer.model,
                self._version,
                exc_info=error,
            )
            return False
        if self._stop.is_set():
            return False
        app.switch(model, version)
        _logger.info(
            "'%s': version %s took over from %s.", self._pointer.model, version, self._version
        )
        self._version, self._refused = version, None
        return True


def load_version(model: str, version: str) -> PyFuncModel:
    """A version of a registered model. Its files are removed when nothing uses it any more."""
    from mlflow.artifacts import download_artifacts

    folder = tempfile.mkdtemp(prefix="headrace-model-")
    try:
        path = download_artifacts(artifact_uri=f"models:/{model}/{version}", dst_path=folder)
        loaded: Any = load_model_with_mlflow_config(path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(loaded, shutil.rmtree, folder, ignore_errors=True)
    return loaded
