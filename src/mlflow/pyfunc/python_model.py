"""A `PythonModel` in a folder: written, read, and asked."""

from __future__ import annotations

import bz2
import gzip
import inspect
import logging
import lzma
import os
from collections.abc import Callable, Iterator
from typing import Any

from mlflow.environment_variables import MLFLOW_LOG_MODEL_COMPRESSION
from mlflow.exceptions import MlflowException
from mlflow.models.trust import allow_code
from mlflow.pyfunc.model import (
    CONFIG_KEY_ARTIFACT_RELATIVE_PATH,
    CONFIG_KEY_ARTIFACT_URI,
    CONFIG_KEY_ARTIFACTS,
    CONFIG_KEY_CLOUDPICKLE_VERSION,
    CONFIG_KEY_COMPRESSION,
    CONFIG_KEY_PYTHON_MODEL,
    PythonModel,
    PythonModelContext,
    _FunctionPythonModel,
)
from mlflow.utils.model_utils import _get_flavor_configuration, path_inside
from mlflow.utils.optional import require

_logger = logging.getLogger("mlflow.pyfunc")

#: Name of each way to compress pickles: the ending of the file, and what opens it.
_COMPRESSION: dict[str, tuple[str, Callable[..., Any]]] = {
    "lzma": (".xz", lzma.open),
    "bzip2": (".bz2", bz2.open),
    "gzip": (".gz", gzip.open),
}
_PICKLE = "python_model.pkl"
_ARTIFACTS = "artifacts"

_FROM_CODE_ADVICE = (
    "Save it as code: pass the path of a file of Python that calls `mlflow.models.set_model`."
)


def write_pickle(model: PythonModel, folder: str) -> dict[str, Any]:
    """Write a model as a pickle; what the MLmodel file has to say about it.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it cannot be pickled.
    """
    cloudpickle = require("cloudpickle", "models", "saving models that are objects")
    method = MLFLOW_LOG_MODEL_COMPRESSION.get()
    if method and method not in _COMPRESSION:
        _logger.warning(
            "Unrecognized compression method '%s'. Please select one of: %s. "
            "The model is saved without.",
            method,
            ", ".join(sorted(_COMPRESSION)),
        )
        method = None
    ending, opener = _COMPRESSION[method] if method else ("", open)
    name = _PICKLE + ending
    with opener(os.path.join(folder, name), "wb") as file:
        try:
            cloudpickle.dump(model, file)
        except Exception as error:
            raise MlflowException.invalid_parameter_value(
                f"Failed to serialize the model, {type(model).__name__}: {error}. "
                f"{_FROM_CODE_ADVICE}"
            ) from error
    conf = {CONFIG_KEY_PYTHON_MODEL: name}
    if method:
        conf[CONFIG_KEY_COMPRESSION] = method
    return conf


def write_artifacts(artifacts: dict[str, Any] | None, folder: str) -> dict[str, Any]:
    """Fetch files and folders into a model's folder; what the MLmodel file has to say about it.

    Args:
        artifacts: Name to path or URI.
    """
    if not artifacts:
        return {}
    if not isinstance(artifacts, dict) or not all(
        isinstance(uri, (str, os.PathLike)) for uri in artifacts.values()
    ):
        raise MlflowException.invalid_parameter_value(
            f"`artifacts` must be a dictionary of names to paths or URIs, got {artifacts!r}"
        )
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    uris = {name: os.fspath(uri) for name, uri in artifacts.items()}
    ends = [os.path.basename(uri.rstrip("/\\")) for uri in uris.values()]
    entries = {}
    for i, (name, uri) in enumerate(uris.items()):
        # A folder of its own for each, if there are two of one name.
        below = _ARTIFACTS if len(set(ends)) == len(ends) else f"{_ARTIFACTS}/{i}"
        target = os.path.join(folder, *below.split("/"))
        os.makedirs(target, exist_ok=True)
        fetched = _download_artifact_from_uri(uri, target)
        path = os.path.relpath(os.path.realpath(fetched), os.path.realpath(folder))
        entries[name] = {
            CONFIG_KEY_ARTIFACT_RELATIVE_PATH: path.replace(os.sep, "/"),
            CONFIG_KEY_ARTIFACT_URI: uri,
        }
    return {CONFIG_KEY_ARTIFACTS: entries}


def read_artifacts(folder: str, conf: dict[str, Any]) -> dict[str, str]:
    """Name to path of what was saved with a model."""
    return {
        name: path_inside(folder, entry[CONFIG_KEY_ARTIFACT_RELATIVE_PATH])
        for name, entry in (conf.get(CONFIG_KEY_ARTIFACTS) or {}).items()
    }


def read_python_model(
    folder: str, model_config: dict[str, Any] | None
) -> tuple[PythonModel, PythonModelContext]:
    """The pickled model in a folder, with its context, which has been loaded.

    Raises:
        MlflowException: INTERNAL_ERROR if pickles are not allowed.
    """
    conf = _get_flavor_configuration(folder, "python_function")
    path = path_inside(folder, conf[CONFIG_KEY_PYTHON_MODEL])
    allow_code("a model pickled by cloudpickle", folder, _FROM_CODE_ADVICE)
    cloudpickle = require("cloudpickle", "models", "loading models that are pickles")
    _warn_of_version(conf, cloudpickle.__version__)
    method = conf.get(CONFIG_KEY_COMPRESSION)
    if method and method not in _COMPRESSION:
        raise MlflowException(
            f"The model in '{folder}' is compressed by '{method}'; "
            f"{sorted(_COMPRESSION)} can be read."
        )
    opener = _COMPRESSION[method][1] if method else open
    with opener(path, "rb") as file:
        try:
            model = cloudpickle.load(file)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("mlflow."):
                raise
            raise MlflowException(
                f"The model in '{folder}' was saved by an MLflow that has '{error.name}', which "
                f"is not available in Headrace yet. {_FROM_CODE_ADVICE}"
            ) from error
    return model, with_context(model, folder, conf, model_config)


def _warn_of_version(conf: dict[str, Any], here: str) -> None:
    saved = conf.get(CONFIG_KEY_CLOUDPICKLE_VERSION)
    if saved is None:
        _logger.warning("The model does not say which version of CloudPickle saved it.")
    elif saved != here:
        _logger.warning(
            "The version of CloudPickle that was used to save the model, `CloudPickle %s`, differs "
            "from the version of CloudPickle that is currently running, `CloudPickle %s`, and may "
            "be incompatible",
            saved,
            here,
        )


def with_context(
    model: PythonModel, folder: str, conf: dict[str, Any], model_config: dict[str, Any] | None
) -> PythonModelContext:
    """A model's context, after giving it to the model."""
    context = PythonModelContext(read_artifacts(folder, conf), model_config)
    model.load_context(context)
    return context


class ModelInContext:
    """A model with its context, in the form that pyfunc asks.

    Attributes:
        python_model: The model.
        context: What it is given besides data.
    """

    def __init__(self, python_model: PythonModel, context: PythonModelContext) -> None:
        self.python_model = python_model
        self.context = context
        self._predict = _Call(python_model.predict)
        self._stream = _Call(python_model.predict_stream)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """What the model says about the data."""
        return self._predict(self.context, model_input, params)

    def predict_stream(
        self, model_input: Any, params: dict[str, Any] | None = None
    ) -> Iterator[Any]:
        """The same, in parts."""
        hint = self.python_model.predict_type_hints.input
        if hint is not None:
            # The signature made a table of what `predict` takes as a list.
            from mlflow.types.type_hints import _convert_data_to_type_hint, _is_list_type_hint

            if _is_list_type_hint(hint):
                model_input = _convert_data_to_type_hint(model_input, hint)
        yield from self._stream(self.context, model_input, params)


class _Call:
    """A model's method, which has some of the parameters context, data and params."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        parameters = inspect.signature(method).parameters
        self._params = "params" in parameters or any(
            one.kind is one.VAR_KEYWORD for one in parameters.values()
        )
        data = [
            name
            for name, one in parameters.items()
            if name != "params" and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        ]
        # Called by position, for the names are the author's.
        self._context = len(data) > 1 or "context" in data
        self._context_last = self._context and data[-1] == "context" and len(data) > 1

    def __call__(self, context: Any, data: Any, params: dict[str, Any] | None) -> Any:
        if not self._context:
            given = (data,)
        else:
            given = (data, context) if self._context_last else (context, data)
        if self._params:
            return self._method(*given, params=params)
        if params:
            _logger.warning(
                "The underlying model does not support passing additional parameters to the "
                "predict function. `params` %s will be ignored.",
                params,
            )
        return self._method(*given)


def as_python_model(given: Any, signature: Any = None) -> PythonModel:
    """A `PythonModel`, for a function wrapped around it.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is neither a model nor a function of one
            argument.
    """
    if isinstance(given, PythonModel):
        return given
    if not callable(given):
        raise MlflowException.invalid_parameter_value(
            "`python_model` must be a PythonModel instance, callable object, or path to a script "
            f"that uses set_model() to set one of these, got {type(given).__name__}"
        )
    count = len(inspect.signature(given).parameters)
    if count != 1:
        raise MlflowException.invalid_parameter_value(
            "When `python_model` is a callable object, it must accept exactly one argument. "
            f"Found {count} arguments."
        )
    return _FunctionPythonModel(given, signature)


def can_stream(model: Any) -> bool:
    """Whether the class of a model has a `predict_stream` of its own."""
    from mlflow.pyfunc import model as kinds

    bases = (
        kinds.PythonModel.predict_stream,
        kinds.ChatModel.predict_stream,
        kinds.ChatAgent.predict_stream,
        kinds.ResponsesAgent.predict_stream,
    )
    return type(model).predict_stream not in bases
