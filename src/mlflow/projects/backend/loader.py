"""Backends by their names."""

from __future__ import annotations

import logging

from mlflow.exceptions import ExecutionException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.backend.local import LocalBackend
from mlflow.utils.plugins import get_entry_points, load_plugin

ENTRYPOINT_GROUP_NAME = "mlflow.project_backend"
MLFLOW_BACKENDS: dict[str, type] = {"local": LocalBackend}

_logger = logging.getLogger(__name__)


def load_backend(backend_name: str) -> AbstractBackend | None:
    """A backend: our own, or a plug-in's; None, with a warning, if there is none of this name.

    Raises:
        ExecutionException: The plug-in cannot be imported.
    """
    make = MLFLOW_BACKENDS.get(backend_name)
    try:
        make = make or load_plugin(ENTRYPOINT_GROUP_NAME, backend_name)
    except Exception as error:  # any code of a stranger may run here
        raise ExecutionException(
            f"The backend '{backend_name}' cannot be loaded: {error!r}"
        ) from error
    if make is not None:
        return make()
    names = [*(each.name for each in get_entry_points(ENTRYPOINT_GROUP_NAME)), *MLFLOW_BACKENDS]
    _logger.warning("Backend '%s' is not available. Available plugins are %s", backend_name, names)
    return None
