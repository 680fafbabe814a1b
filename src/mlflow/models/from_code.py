"""Models that are code: a file of Python which calls `mlflow.models.set_model`."""

from __future__ import annotations

import importlib.util
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.models import model as model_module
from mlflow.models.model import SET_MODEL_ERROR

#: Modules of libraries whose objects can be models besides functions and `PythonModel`.
_LIBRARIES = ("langchain", "langchain_core", "langchain_community", "langgraph", "llama_index")


def checked(model: Any) -> Any:
    """The object, if it can be a model.

    Raises:
        MlflowException: If it cannot.
    """
    bases = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(model).__mro__}
    libraries = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    if (
        "mlflow.pyfunc.model.PythonModel" in bases
        or hasattr(model, "predict")
        or callable(model)
        or libraries & set(_LIBRARIES)
    ):
        return model
    raise MlflowException(SET_MODEL_ERROR, error_code=CODES["INTERNAL_ERROR"])


def load_model_code(path: str, config: Any = None) -> Any:
    """Run a file of Python; the object that it passes to `set_model`.

    Args:
        path: The file, or a notebook.
        config: What `ModelConfig` gives in it: a dictionary, or the path of a YAML file.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it does not call `set_model`; INTERNAL_ERROR if
            running it fails.
    """
    from mlflow.models import trust

    trust.allow_code("a model that is code", path, pickled=False)
    kept = model_module._set[:]
    model_module._set.clear()
    try:
        _run(path, config)
        if not model_module._set:
            raise MlflowException.invalid_parameter_value(
                f"The code of the model, '{path}', does not say which object is the model: call "
                "`mlflow.models.set_model(...)` in it."
            )
        return model_module._set[0]
    finally:
        model_module._set[:] = kept


def _run(path: str, config: Any) -> None:
    # A name of its own, so that two models may have code in files of one name; it stays
    # importable, since what the model holds may look it up.
    name = f"code_model_{uuid.uuid4().hex}"
    spec = importlib.util.spec_from_file_location(name, _as_python(path))
    if spec is None or spec.loader is None:
        raise MlflowException.invalid_parameter_value(
            f"The code of the model, '{path}', is no file of Python."
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _configured(config):
        try:
            spec.loader.exec_module(module)
        except MlflowException:
            del sys.modules[name]
            raise
        except Exception as error:
            del sys.modules[name]
            raise MlflowException(
                f"Running the code of the model, '{path}', failed: {error!r}"
            ) from error


def _as_python(path: str) -> str:
    if not path.endswith(".ipynb"):
        return path
    raise MlflowException.invalid_parameter_value(
        f"'{path}' is a notebook; models can be files of Python (.py) only."
    )


@contextmanager
def _configured(config: Any) -> Iterator[None]:
    """The block in which `ModelConfig` finds the configuration."""
    from mlflow.models import model_config

    before = model_config.__mlflow_model_config__
    if config is not None:
        model_config.__mlflow_model_config__ = config
    try:
        yield
    finally:
        model_config.__mlflow_model_config__ = before
