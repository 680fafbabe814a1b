"""How models are loaded, of whatever flavor."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
from pathlib import Path
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.models.flavor import fetch_model
from mlflow.models.model import MODEL_CONFIG
from mlflow.models.trust import allow_code
from mlflow.pyfunc.loaded import PyFuncModel
from mlflow.utils.model_utils import (
    PYTHON_VERSION,
    _add_code_from_conf_to_system_path,
    path_inside,
)

_logger = logging.getLogger("mlflow.pyfunc")

_PYFUNC = "python_function"


def load(
    model_uri: str,
    suppress_warnings: bool,
    dst_path: str | None,
    model_config: str | Path | dict[str, Any] | None,
) -> PyFuncModel:
    """See `mlflow.pyfunc.load_model`."""
    folder, model = fetch_model(model_uri, dst_path)
    conf = model.flavors.get(_PYFUNC)
    if conf is None:
        raise MlflowException(
            f'Model does not have the "{_PYFUNC}" flavor; its flavors are {sorted(model.flavors)}.',
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    if not suppress_warnings:
        _warn_of_differences(folder, conf)
    settings = _settings(conf, model_config)
    if settings:
        conf[MODEL_CONFIG] = settings
    if conf.get("code"):
        allow_code("code that the model imports", folder, pickled=False)
    _add_code_from_conf_to_system_path(folder, conf, code_key="code")
    data = path_inside(folder, conf["data"]) if conf.get("data") else folder
    loader = importlib.import_module(conf["loader_module"])
    read = getattr(loader, "_load_pyfunc", None)
    if read is None:
        raise MlflowException(
            f"The module '{conf['loader_module']}' cannot load models: it has no `_load_pyfunc`."
        )
    takes_settings = "model_config" in inspect.signature(read).parameters
    impl = read(data, model_config=settings or None) if takes_settings else read(data)
    stream = "predict_stream" if conf.get("streamable") else None
    loaded = PyFuncModel(
        model,
        impl,
        predict_fn=conf.get("predict_fn", "predict"),
        predict_stream_fn=stream,
        model_id=model.model_id,
    )
    loaded._folder = folder
    return loaded


def _warn_of_differences(folder: str, conf: dict[str, Any]) -> None:
    """Say where Python or libraries differ from what the model was saved with."""
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    try:
        with open(os.path.join(folder, "requirements.txt"), encoding="utf-8") as file:
            warn_dependency_requirement_mismatches(file.read().splitlines())
    except OSError:
        pass  # it says nothing of what it requires
    saved = conf.get("python_version")
    if saved is None:
        _logger.warning(
            "The specified model does not have a specified Python version. It may be incompatible "
            "with the version of Python that is currently running: Python %s",
            PYTHON_VERSION,
        )
    elif str(saved).split(".")[:2] != PYTHON_VERSION.split(".")[:2]:
        _logger.warning(
            "The version of Python that the model was saved in, `Python %s`, differs from the "
            "version of Python that is currently running, `Python %s`, and may be incompatible",
            saved,
            PYTHON_VERSION,
        )


def _settings(conf: dict[str, Any], given: Any) -> dict[str, Any]:
    """A model's settings, those given in place of those saved."""
    saved = conf.get(MODEL_CONFIG) or {}
    given = read_settings(given) or {}
    if unknown := [name for name in given if name not in saved]:
        _logger.warning(
            "The settings %s are ignored, since the model was saved without them; it takes %s. "
            "Use `model_config` when saving a model to say which settings it has.",
            unknown,
            list(saved),
        )
    return {**saved, **{name: value for name, value in given.items() if name in saved}}


def read_settings(given: Any) -> dict[str, Any] | None:
    """Settings given as a dictionary or as the path of a YAML file.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if they are something else.
    """
    if given is None or (isinstance(given, dict) and all(isinstance(key, str) for key in given)):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise MlflowException.invalid_parameter_value(
            "An invalid ``model_config`` structure was passed. ``model_config`` must be a valid "
            f"file path or of type ``dict`` with string keys, got {given!r}."
        )
    from mlflow.utils import safe_yaml

    path = os.path.abspath(given)
    try:
        with open(path, "rb") as file:
            return read_settings(safe_yaml.load(file.read()) or {})
    except (OSError, ValueError) as error:
        raise MlflowException.invalid_parameter_value(
            f"An invalid `model_config` file was passed. The provided `model_config` file '{path}' "
            f"is not a valid YAML file: {error}"
        ) from error
