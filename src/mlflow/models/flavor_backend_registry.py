"""Which backend serves a model."""

from __future__ import annotations

import os
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.models.flavor_backend import FlavorBackend


def get_flavor_backend(model_uri: str | None, **kwargs: Any) -> FlavorBackend:
    """The backend that can serve a model.

    Args:
        model_uri: Path or URI of the model; None for a backend of models in general.
        kwargs: What the backend takes besides, such as `env_manager`.

    Raises:
        MlflowException: If there is no such model, or nothing that could serve it.
    """
    import tempfile

    from mlflow.models.model import Model

    if model_uri is None:
        return _backend({}, **kwargs)
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    with tempfile.TemporaryDirectory(prefix="headrace-mlmodel-") as folder:
        if os.path.isdir(model_uri):
            model = Model.load(str(model_uri))
        else:
            uri = f"{str(model_uri).rstrip('/')}/MLmodel"
            model = Model.load(_download_artifact_from_uri(uri, output_path=folder))
    config = model.flavors.get("python_function")
    if config is None:
        raise MlflowException(
            f"The model at '{model_uri}' has no flavor that can be served here: it has "
            f"{', '.join(sorted(model.flavors)) or 'none'}; python_function is needed.",
            error_code=CODES["INVALID_PARAMETER_VALUE"],
        )
    return _backend(config, **kwargs)


def _backend(config: dict[str, Any], **kwargs: Any) -> FlavorBackend:
    from mlflow.pyfunc.backend import PyFuncBackend

    return PyFuncBackend(config, **kwargs)
