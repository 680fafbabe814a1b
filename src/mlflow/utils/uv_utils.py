"""uv: projects that it manages, and environments that it makes."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlflow.environment_variables import MLFLOW_LOG_UV_FILES
from mlflow.utils.process import ShellCommandException, _exec_cmd

if TYPE_CHECKING:
    from packaging.version import Version

_logger = logging.getLogger(__name__)

_UV_LOCK_FILE = "uv.lock"
_PYPROJECT_FILE = "pyproject.toml"
_PYTHON_VERSION_FILE = ".python-version"


class UVProjectInfo(NamedTuple):
    """The files that make a folder a project of uv."""

    uv_lock: Path
    pyproject: Path


def _get_uv_binary() -> str | None:
    """The program; it may also be installed beside this interpreter."""
    import sys

    beside = os.path.dirname(sys.executable) if sys.executable else None
    return shutil.which("uv") or shutil.which("uv", path=beside)


def is_uv_available() -> bool:
    """Whether the program can be run."""
    return _get_uv_binary() is not None


def get_uv_version() -> Version | None:
    """Its version; None if there is none."""
    from mlflow.utils.optional import require

    if (uv := _get_uv_binary()) is None:
        return None
    try:
        said = _exec_cmd([uv, "--version"]).stdout
    except (ShellCommandException, OSError):
        return None
    found = re.search(r"\d+(?:\.\d+)+", said)
    parse = require("packaging.version", None, "reading versions").Version
    return parse(found[0]) if found else None


def detect_uv_project(directory: str | Path | None = None) -> UVProjectInfo | None:
    """The project in a folder; None unless it has both `uv.lock` and `pyproject.toml`.

    Args:
        directory: The current folder by default.
    """
    folder = Path(directory) if directory is not None else Path.cwd()
    found = UVProjectInfo(folder / _UV_LOCK_FILE, folder / _PYPROJECT_FILE)
    return found if all(path.is_file() for path in found) else None


def export_uv_requirements(
    directory: str | Path | None = None,
    no_dev: bool = True,
    no_hashes: bool = True,
    frozen: bool = True,
    groups: list[str] | None = None,
    extras: list[str] | None = None,
) -> list[str] | None:
    """The pinned requirements of a project; None if uv is not there or cannot tell.

    Args:
        directory: The current folder by default.
        no_dev: Leave out what is for development only.
        frozen: Take `uv.lock` as it is.
        groups: Dependency groups to have besides.
        extras: Optional dependencies to have besides.
    """
    uv = _get_uv_binary()
    if uv is None:
        _logger.warning("uv is not installed, so the project's requirements cannot be exported.")
        return None
    command = [uv, "export", "--no-header", "--no-annotate", "--no-emit-project"]
    for wanted, option in ((no_dev, "--no-dev"), (no_hashes, "--no-hashes"), (frozen, "--frozen")):
        command += [option] if wanted else []
    for group in groups or ():
        command += ["--group", group]
    for extra in extras or ():
        command += ["--extra", extra]
    folder = Path(directory) if directory is not None else Path.cwd()
    try:
        exported = _exec_cmd(command, cwd=folder).stdout
    except (ShellCommandException, OSError, subprocess.SubprocessError) as error:
        _logger.warning("uv could not export the requirements of '%s': %s", folder, error)
        return None
    lines = (line.strip() for line in exported.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def copy_uv_project_files(dest_dir: str | Path, source_dir: str | Path) -> bool:
    """Put the files of a project into another folder; whether there was a project.

    Nothing is copied when MLFLOW_LOG_UV_FILES is false.
    """
    project = detect_uv_project(source_dir)
    if project is None or not MLFLOW_LOG_UV_FILES.get():
        return False
    for path in (*project, Path(source_dir) / _PYTHON_VERSION_FILE):
        if path.is_file():
            shutil.copy2(path, Path(dest_dir) / path.name)
    return True


def has_uv_lock_artifact(model_path: str | Path) -> bool:
    """Whether a model's folder has `uv.lock`."""
    return (Path(model_path) / _UV_LOCK_FILE).is_file()


def extract_index_urls_from_uv_lock(uv_lock_path: str | Path) -> list[str]:
    """The package indexes that a lock file names, but for the public default, sorted. Without
    what may be a secret in them."""
    from urllib.parse import urlsplit, urlunsplit

    try:
        text = Path(uv_lock_path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    found = set()
    for url in re.findall(r'registry\s*=\s*"(https?://[^"]+)"', text):
        parts = urlsplit(url)
        if parts.hostname == "pypi.org":
            continue
        host = parts.netloc.rpartition("@")[2]
        found.add(urlunsplit((parts.scheme, host, parts.path, "", "")))
    return sorted(found)
