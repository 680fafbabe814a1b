"""Digests of a model's files: written when it is saved, compared before anything of it is loaded.

They are in the MLmodel file, below `sha256`; other readers of that file ignore what they don't
know. They show damage, and files that came from elsewhere; against someone who can change the
MLmodel file as well, only trust in the place helps (see `trust`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils.model_utils import path_inside, walk
from mlflow.utils.progress import Progress

KEY = "sha256"

_PIECE = 1 << 20

#: Tools rewrite these after a model was saved, and loading it does not read them.
NOT_COVERED = {
    "MLmodel",
    "conda.yaml",
    "python_env.yaml",
    "requirements.txt",
    "constraints.txt",
    "environment_variables.txt",
    "registered_model_meta",
}


def digests_of(folder: str) -> dict[str, str]:
    """Digest of each file of a model, by its name below the folder."""
    names = [name for name in walk(folder) if name not in NOT_COVERED]
    paths = {name: os.path.join(folder, *name.split("/")) for name in names}
    with _progress(paths.values()) as progress:
        return {name: _digest(path, progress) for name, path in paths.items()}


def verify(folder: str, recorded: Mapping[str, Any] | None) -> None:
    """Raise unless the files of a model are those that were saved.

    Args:
        recorded: What `digests_of` gave; None for a model without, about which nothing is known.

    Raises:
        MlflowException: INVALID_STATE if a file is missing or has changed.
    """
    if recorded is None:
        return
    if not isinstance(recorded, Mapping) or not recorded:
        raise MlflowException(
            f"The MLmodel file in '{folder}' has {recorded!r} as `{KEY}`; digests of files by "
            "their names are needed there.",
            error_code=CODES["INVALID_STATE"],
        )
    paths = {str(name): path_inside(folder, name) for name in recorded}
    for name, path in paths.items():
        if not os.path.isfile(path):
            raise _refused(folder, f"its file '{name}' is missing")
    with _progress(paths.values()) as progress:
        for name, path in paths.items():
            if _digest(path, progress) != recorded[name]:
                raise _refused(folder, f"its file '{name}' is not the one that was saved")


def _progress(paths: Iterable[str]) -> Progress:
    return Progress("Checking the model's files", sum(map(os.path.getsize, paths)), "B")


def _digest(path: str, progress: Progress) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            progress.update(len(piece))
    return digest.hexdigest()


def _refused(folder: str, why: str) -> MlflowException:
    return MlflowException(
        f"The model in '{folder}' is not loaded: {why} (its SHA-256 in the MLmodel file is "
        "another). Fetch or save the model again.",
        error_code=CODES["INVALID_STATE"],
    )
