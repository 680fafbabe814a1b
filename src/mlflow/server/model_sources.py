"""Which sources of model versions a client may name: none that makes this server, or whoever
fetches the version, read what the client could not read itself."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from mlflow.exceptions import MlflowException
from mlflow.rpc.model_versions import CreateModelVersion
from mlflow.store.artifact.location import Location
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
from mlflow.utils.models_uri import parse_models_uri
from mlflow.utils.uri import get_uri_scheme

#: Of prompts, which are kept like models and have no files.
_NO_SOURCE = "dummy-source"
_PROMPT = "mlflow.prompt.is_prompt"


class Sources:
    """The check of requests for new versions.

    Args:
        tracking: The store that knows runs and logged models.
        check_location: Refuses locations on hosts that the server was not told of.
    """

    def __init__(self, tracking: Any, check_location: Callable[[str], None]):
        self._tracking = tracking
        self._check_location = check_location

    def check(self, request: CreateModelVersion) -> None:
        """Refuse a source that a client must not choose.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE.
        """
        source = request.source
        scheme = get_uri_scheme(source)
        if source == _NO_SOURCE and any(tag.key == _PROMPT for tag in request.tags):
            return
        if scheme == "models":
            self._check_models(source, request.model_id)
        elif scheme == "runs":
            run_id, _ = RunsArtifactRepository.parse_runs_uri(source)
            if run_id != request.run_id:
                raise _foreign(source, "run_id")
            _check_steps(source)
        elif scheme in ("", "file"):
            self._check_local(source, request)
        else:
            self._check_location(source)
            _check_steps(source)

    def _check_models(self, source: str, model_id: str | None) -> None:
        try:
            uri = parse_models_uri(source)
        except MlflowException:
            raise _foreign(source, "model_id") from None
        if uri.model_id is not None and uri.model_id != model_id:
            raise _foreign(source, "model_id")
        _check_steps(source)

    def _check_local(self, source: str, request: CreateModelVersion) -> None:
        """A folder of this machine has to be below the artifacts of the run or logged model."""
        try:
            path = Location.parse(source).path
        except MlflowException:
            raise _outside(source) from None
        homes = []
        if request.run_id:
            homes.append(self._tracking.get_run(request.run_id).info.artifact_uri)
        if request.model_id:
            homes.append(self._tracking.get_logged_model(request.model_id).artifact_location)
        for home in homes:
            if get_uri_scheme(home) in ("", "file"):
                root = os.path.realpath(Location.parse(home).path)
                if os.path.commonpath([root, os.path.realpath(path)]) == root:
                    return
        raise _outside(path if homes else source)


def _check_steps(source: str) -> None:
    """Refuse a source that goes up, also for a reader who decodes it again."""
    text = source
    for _ in range(8):
        if ".." in re.split(r"[/\\?#]", text):
            raise MlflowException.invalid_parameter_value(
                f"Invalid model version source: '{source}'. If supplying a source as an http, "
                "https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute "
                "path must be provided without relative path references present. Please provide "
                "an absolute path."
            )
        if (decoded := unquote(text)) == text:
            return
        text = decoded


def _foreign(source: str, field: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Invalid model version source: '{source}'. The {field} request parameter must identify "
        "the resource that contains the source."
    )


def _outside(source: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Invalid model version source: '{source}'. To use a local path as a model version source, "
        "the run_id request parameter has to be specified and the local path has to be contained "
        "within the artifact directory of the run specified by the run_id."
    )
