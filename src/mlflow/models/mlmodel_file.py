"""Finding and reading MLmodel files, which may come from anywhere."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException

MLMODEL_FILE_NAME = "MLmodel"


def read(path: str) -> Any:
    """What an MLmodel file says.

    Args:
        path: The file, or a folder or URI of the model it is in.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such file; INVALID_STATE if it is
            no YAML.
    """
    from mlflow.utils import safe_yaml

    with open(_find(path), "rb") as file:
        content = file.read()
    try:
        return safe_yaml.load(content)
    except ValueError as error:
        raise malformed(f"'{path}' is not YAML that can be read: {error}") from error


def _find(path: str) -> str:
    """The path of an MLmodel file on this machine, fetched if it is elsewhere."""
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri
    from mlflow.utils.file_utils import get_local_path_or_none
    from mlflow.utils.uri import append_to_uri_path

    local = get_local_path_or_none(path)
    if local is None:
        named = path.rstrip("/").endswith(f"/{MLMODEL_FILE_NAME}")
        uri = path if named else append_to_uri_path(path, MLMODEL_FILE_NAME)
        local = _download_artifact_from_uri(uri)
    elif os.path.isdir(local):
        local = os.path.join(local, MLMODEL_FILE_NAME)
    if not os.path.isfile(local):
        raise MlflowException(
            f'Could not find an "{MLMODEL_FILE_NAME}" configuration file at "{path}"',
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    return local


def check_form(kind: type, form: Any) -> None:
    """Raise unless these are parts of an MLmodel file.

    Args:
        kind: The class that is made of them: none may take the place of one of its methods.
    """
    if not isinstance(form, Mapping) or not all(isinstance(name, str) for name in form):
        raise malformed(f"it has {type(form).__name__}, not parts by their names")
    flavors = form.get("flavors")
    if flavors is not None and not (
        isinstance(flavors, Mapping) and all(isinstance(each, Mapping) for each in flavors.values())
    ):
        raise malformed("`flavors` must have a mapping for each flavor")
    known = set(inspect.signature(kind.__init__).parameters) - {"self"}
    if hidden := [name for name in form if name not in known and hasattr(kind, name)]:
        raise malformed(f"there can be no parts of the names {hidden}")


def malformed(why: str) -> MlflowException:
    """The error for something else than an MLmodel file."""
    return MlflowException(f"This is no MLmodel file: {why}.", error_code=CODES["INVALID_STATE"])
