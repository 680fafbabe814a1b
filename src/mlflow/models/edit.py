"""Changing what is said about a model that is saved already."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.models.model import METADATA_FILES, MLMODEL_FILE_NAME, Model
from mlflow.utils.file_utils import TempDir, get_local_path_or_none
from mlflow.utils.models_uri import parse_models_uri
from mlflow.utils.requirements_utils import package_of
from mlflow.utils.uri import get_uri_scheme

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

# The name users know from messages and filters.
_logger = logging.getLogger("mlflow.models.model")


@contextmanager
def edited(model_uri: str, what: str = "signature") -> Iterator[str]:
    """A folder with the files that describe a model; they are put back when the block ends without
    an error.

    Args:
        model_uri: The model; no registered version, since those never change.
        what: What is going to be changed; made part of the error.
    """
    _check_may_change(model_uri, what)
    local = get_local_path_or_none(model_uri)
    if local is not None:
        if not os.path.isfile(os.path.join(local, MLMODEL_FILE_NAME)):
            raise _no_model(model_uri)
        yield local
        return
    with TempDir() as temporary:
        folder = temporary.path()
        repository = _repository(model_uri)
        there = {info.path for info in repository.list_artifacts()}
        if MLMODEL_FILE_NAME not in there:
            raise _no_model(model_uri)
        names = there & set(METADATA_FILES)
        before = {name: _content(repository.download_artifacts(name, folder)) for name in names}
        yield folder
        for name, content in before.items():
            path = os.path.join(folder, name)
            if _content(path) != content:
                repository.log_artifact(path)


def _check_may_change(model_uri: str, what: str) -> None:
    if get_uri_scheme(model_uri) == "models" and parse_models_uri(model_uri).model_id is None:
        raise MlflowException.invalid_parameter_value(
            f"Failed to set {what} on '{model_uri}'. Model URIs with the "
            "`models:/<name>/<version>` scheme are not supported."
        )


def _repository(model_uri: str) -> ArtifactRepository:
    """Where a model's files are kept."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    if get_uri_scheme(model_uri) == "runs":
        # Perhaps a logged model, which is found by the name that it had in its run.
        model_id = Model.load(model_uri).model_id
        model_uri = model_uri if model_id is None else f"models:/{model_id}"
    return get_artifact_repository(model_uri)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _no_model(model_uri: str) -> MlflowException:
    return MlflowException(
        f'Failed to download an "{MLMODEL_FILE_NAME}" model file from "{model_uri}"',
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def change_requirements(
    model_uri: str, operation: Literal["add", "remove"], requirement_list: list[str]
) -> None:
    """See `update_model_requirements`."""
    from mlflow.utils import safe_yaml
    from mlflow.utils.environment import _write, _yaml

    if operation not in ("add", "remove"):
        raise MlflowException.invalid_parameter_value(
            f"The operation is {operation!r}; it must be 'add' or 'remove'."
        )
    _check_may_change(model_uri, "requirements")
    changes = _by_package(requirement_list)
    with edited(model_uri, "requirements") as folder:
        lines = _content(os.path.join(folder, "requirements.txt")).decode().splitlines()
        _write(folder, "requirements.txt", "\n".join(_changed(lines, operation, changes)))
        conda = safe_yaml.load(_content(os.path.join(folder, "conda.yaml"))) or {}
        for part in conda.get("dependencies", []):
            if isinstance(part, dict) and "pip" in part:
                part["pip"] = _changed(part["pip"], operation, changes)
        _write(folder, "conda.yaml", _yaml(conda))
    for name in changes if operation == "remove" else ():
        if name not in map(package_of, lines):
            _logger.warning('"%s" not found in requirements, ignoring', name)
    _logger.info("The model at %s now has other requirements.", model_uri)


def _by_package(requirements: list[str]) -> dict[str, str]:
    from mlflow.utils.optional import require

    grammar = require("packaging.requirements", "models", "changing requirements")
    wrong = {}
    for one in requirements:
        try:
            grammar.Requirement(one)
        except grammar.InvalidRequirement as error:
            wrong[one] = error
    if wrong:
        raise MlflowException.invalid_parameter_value(f"Found invalid requirements: {wrong}")
    return {str(package_of(one)): one for one in requirements}


def _changed(lines: list[str], operation: str, changes: dict[str, str]) -> list[str]:
    """The lines with the changes; what is replaced keeps its place."""
    if operation == "remove":
        return [line for line in lines if package_of(line) not in changes]
    known = {package_of(line) for line in lines}
    replaced = [changes.get(str(package_of(line)), line) for line in lines]
    return replaced + [line for name, line in changes.items() if name not in known]
