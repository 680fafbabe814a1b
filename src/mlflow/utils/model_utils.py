"""The folder of a model: how it comes to be, what lies in it, and which paths it may name."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException

FLAVOR_CONFIG_CODE = "code"
EXTRA_FILES_KEY = "extra_files"

PYTHON_VERSION = platform.python_version()

#: Names, and parts of names, of variables that models need where they are served.
RECORD_ENV_VAR_ALLOWLIST = {
    "API_KEY",
    "API_TOKEN",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_HOST",
    "DATABRICKS_INSECURE",
    "DATABRICKS_PASSWORD",
    "DATABRICKS_TOKEN",
    "DATABRICKS_USERNAME",
    "_DATABRICKS_WORKSPACE_HOST",
    "_DATABRICKS_WORKSPACE_ID",
}


# Making one.


def part_beside(path: str) -> str:
    """A path in the same folder for what is to be renamed to `path` when it is complete. No
    listing of artifacts shows it."""
    return os.path.join(os.path.dirname(path), f".headrace-{secrets.token_hex(8)}.part")


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[str]:
    """A folder to be filled, which appears as `path` when the block ends without an error.

    Raises:
        MlflowException: RESOURCE_ALREADY_EXISTS if something is there already.
    """
    path = os.path.abspath(path)
    _check_free(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = part_beside(path)
    os.mkdir(part)
    try:
        yield part
        if os.path.isdir(path):
            _check_free(path)
            os.rmdir(path)
        os.rename(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _check_free(path: str) -> None:
    if os.path.lexists(path) and not (os.path.isdir(path) and not os.listdir(path)):
        raise MlflowException(
            f"Path '{path}' already exists and is not empty",
            error_code=CODES["RESOURCE_ALREADY_EXISTS"],
        )


def copy_code(code_paths: list[str] | None, folder: str) -> str | None:
    """Copy a model's own code below its folder; the name of the folder it is in.

    Raises:
        TypeError: If the paths are not a list.
        MlflowException: INVALID_PARAMETER_VALUE if one cannot be copied.
    """
    if code_paths is None:
        return None
    if not isinstance(code_paths, list):
        raise TypeError(f"Argument code_paths should be a list, not {type(code_paths)}")
    for path in code_paths:
        _copy_below(path, os.path.join(folder, FLAVOR_CONFIG_CODE), "code path")
    return FLAVOR_CONFIG_CODE


def copy_extra_files(extra_files: list[str] | None, folder: str) -> list[dict[str, str]] | None:
    """Copy other files that a model needs below its folder; how the flavor names them.

    Args:
        extra_files: Paths or URIs.
    """
    if not extra_files:
        return None
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    target = os.path.join(folder, EXTRA_FILES_KEY)
    for file in extra_files:
        _copy_below(_download_artifact_from_uri(str(file)), target, "extra file")
    names = (os.path.basename(os.path.normpath(str(file))) for file in extra_files)
    return [{"path": f"{EXTRA_FILES_KEY}/{name}"} for name in names]


def _copy_below(source: str | os.PathLike[str], folder: str, what: str) -> None:
    source = os.path.abspath(source)
    target = os.path.join(folder, os.path.basename(source))
    try:
        if os.path.isdir(source):
            unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".headrace-*.part")
            shutil.copytree(source, target, ignore=unwanted, dirs_exist_ok=True)
        else:
            os.makedirs(folder, exist_ok=True)
            shutil.copy(source, target)
    except (OSError, shutil.Error) as error:
        raise MlflowException.invalid_parameter_value(
            f"The {what} '{source}' could not be copied into the model: {error}. "
            "Name files and folders that exist and can be read."
        ) from error


def folder_size(folder: str) -> int:
    """Bytes in all files of a folder."""
    return sum(os.path.getsize(os.path.join(folder, *name.split("/"))) for name in walk(folder))


def walk(folder: str) -> Iterator[str]:
    """Relative names, with "/", of all files in a folder, sorted within each folder."""
    for above, folders, files in os.walk(folder):
        folders.sort()
        below = os.path.relpath(above, folder)
        prefix = "" if below == os.curdir else below.replace(os.sep, "/") + "/"
        yield from (prefix + name for name in sorted(files))


# Reading one.


def path_inside(folder: str, name: str) -> str:
    """The path of what a model's files call `name`, which must be in the model's folder.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not: an absolute path, one that goes up,
            or a link that leads out.
    """
    path = os.path.join(folder, str(name))
    if os.path.isabs(str(name)) or "\0" in str(name) or not _is_inside(folder, path):
        raise MlflowException.invalid_parameter_value(
            f"The model in '{folder}' names '{name}', which is outside its folder. "
            "Paths in an MLmodel file must be relative and stay below it."
        )
    return path


def _is_inside(folder: str, path: str) -> bool:
    root, real = os.path.realpath(folder), os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _get_flavor_configuration(model_path: str, flavor_name: str) -> dict[str, Any]:
    """A flavor's part of the MLmodel file in a folder.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
    """
    from mlflow.models.model import Model

    return flavor_conf(Model.load(model_path), flavor_name, model_path)


def flavor_conf(model: Any, name: str, where: str) -> dict[str, Any]:
    """A flavor's part of a model that was found at `where`.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if the model is of other flavors.
    """
    if name not in model.flavors:
        raise MlflowException(
            f'Model at "{where}" does not have the "{name}" flavor; '
            f"its flavors are {sorted(model.flavors)}.",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    return model.flavors[name]


def _add_code_from_conf_to_system_path(
    local_path: str, conf: Mapping[str, Any], code_key: str = FLAVOR_CONFIG_CODE
) -> None:
    """Let the model's own code be imported."""
    name = conf.get(code_key)
    if name is None:
        return
    folder = os.path.abspath(path_inside(local_path, name))
    if not os.path.isdir(folder):
        raise MlflowException(
            f"The model's code folder '{name}' is missing in '{local_path}'.",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    if folder not in sys.path:
        sys.path.insert(0, folder)


# Variables of the environment that a model reads.


@contextmanager
def env_var_tracker() -> Iterator[set[str]]:
    """The names of all environment variables that the code in the block reads and that are set."""
    read: set[str] = set()
    kind = type(os.environ)
    getitem = kind.__getitem__

    def tracked(self: Any, key: str) -> str:
        value = getitem(self, key)
        if self is os.environ:
            read.add(key)
        return value

    # `get`, `in` and `os.getenv` all come here.
    kind.__getitem__ = tracked  # type: ignore[method-assign]
    try:
        yield read
    finally:
        kind.__getitem__ = getitem  # type: ignore[method-assign]


def is_recorded(name: str) -> bool:
    """Whether a variable that a model reads is one that whoever serves it should set."""
    return any(part in name for part in RECORD_ENV_VAR_ALLOWLIST)
