"""A model that has been loaded: `PyFuncModel`."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.models.model import MODEL_CONFIG, Model
from mlflow.pyfunc.context import Context, get_prediction_context, set_prediction_context

if TYPE_CHECKING:
    import datetime

    import numpy as np
    import pandas as pd
    from scipy.sparse import csc_matrix, csr_matrix

_logger = logging.getLogger("mlflow.pyfunc")


class PyFuncModel:
    """A model of any flavor, which is asked by `predict`.

    Data is brought to what the signature says before the model gets it.

    Args:
        model_meta: Its MLmodel file.
        model_impl: What predicts.
        predict_fn: Name of the method for `predict`.
        predict_stream_fn: The same for `predict_stream`; None if it cannot.
        model_id: The logged model it is.
    """

    def __init__(
        self,
        model_meta: Model,
        model_impl: Any,
        predict_fn: str = "predict",
        predict_stream_fn: str | None = None,
        model_id: str | None = None,
    ):
        if not hasattr(model_impl, predict_fn):
            raise MlflowException("Model implementation is missing required predict method.")
        if not model_meta:
            raise MlflowException("Model is missing metadata.")
        if predict_stream_fn is not None and not hasattr(model_impl, predict_stream_fn):
            raise MlflowException("Model implementation is missing required predict_stream method.")
        self._model_meta = model_meta
        self._model_impl = model_impl
        self._model_id = model_id
        self._folder: str | None = None
        self._example: Any = None
        self._example_known = False
        self._predict_fn = getattr(model_impl, predict_fn)
        self._takes_params = _takes_params(self._predict_fn)
        self._predict_stream_fn = None
        if predict_stream_fn is not None:
            self._predict_stream_fn = getattr(model_impl, predict_stream_fn)
            self._stream_takes_params = _takes_params(self._predict_stream_fn)
        self._enforce: tuple[Any, Any] = (None, None)
        schemas = (model_meta.metadata or {}).get("dependencies_schemas")
        self._context = Context(model_id=self.model_id, dependencies_schemas=schemas)

    @property
    def model_id(self) -> str | None:
        """The logged model it is; None if it is none."""
        return self._model_id

    @property
    def metadata(self) -> Model:
        """Its MLmodel file."""
        return self._model_meta

    @property
    def model_config(self) -> dict[str, Any]:
        """Settings given when it was saved, or in their place when it was loaded."""
        return self._conf.get(MODEL_CONFIG, {})

    @property
    def loader_module(self) -> str:
        """The module that loaded it."""
        return self._conf["loader_module"]

    @property
    def _conf(self) -> dict[str, Any]:
        return self._model_meta.flavors["python_function"]

    @property
    def input_example(self) -> Any | None:
        """The input example it was saved with; None if it was saved without."""
        if not self._example_known and self._folder is not None:
            self.input_example = self._model_meta.load_input_example(self._folder)
        return self._example

    @input_example.setter
    def input_example(self, value: Any) -> None:
        self._example = value
        self._example_known = True

    def predict(
        self,
        data: pd.DataFrame
        | pd.Series
        | np.ndarray
        | csc_matrix
        | csr_matrix
        | list[Any]
        | dict[str, Any]
        | datetime.datetime
        | bool
        | bytes
        | float
        | int
        | str,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame | pd.Series | np.ndarray | list[Any] | str | dict[str, Any]:
        """What the model says about the data.

        Args:
            data: What the signature says; without one, what the model takes.
            params: Parameters of the signature; others are ignored, with a warning.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if data or parameters are not what the
                signature says.
        """
        with set_prediction_context(self._prediction()):
            params = self._checked_params(params)
            # The method itself checks what has a type hint.
            if not self._flag("_is_signature_from_type_hint"):
                data = self._enforced(data)
            if self._takes_params:
                return self._predict_fn(data, params=params)
            _warn_of_params(params)
            return self._predict_fn(data)

    def predict_stream(
        self,
        data: dict[str, Any] | bool | bytes | float | int | str,
        params: dict[str, Any] | None = None,
    ) -> Iterator[dict[str, Any] | str]:
        """The same, in parts.

        Raises:
            MlflowException: INTERNAL_ERROR if the model cannot do that.
        """
        if self._predict_stream_fn is None:
            raise MlflowException("This model does not support predict_stream method.")
        context = self._prediction()
        with set_prediction_context(context):
            params = self._checked_params(params)
            data = self._enforced(data)
            if self._stream_takes_params:
                parts = iter(self._predict_stream_fn(data, params=params))
            else:
                _warn_of_params(params)
                parts = iter(self._predict_stream_fn(data))
        while True:
            # Between two parts the caller's own context holds.
            with set_prediction_context(context):
                try:
                    part = next(parts)
                except StopIteration:
                    return
            yield part

    def _prediction(self) -> Context:
        """What a model can find out about this prediction."""
        current = get_prediction_context()
        if current is None:
            return replace(self._context)
        current.model_id = self._context.model_id or current.model_id
        if self._context.dependencies_schemas:
            current.dependencies_schemas = self._context.dependencies_schemas
        return current

    def _flag(self, name: str) -> bool:
        signature = self._model_meta.signature
        return signature is not None and getattr(signature, name)

    def _checked_params(self, params: dict[str, Any] | None) -> dict[str, Any] | None:
        schema = self._model_meta.get_params_schema()
        if schema is None and params is None:
            return None
        from mlflow.models.enforcement import enforce_params

        return enforce_params(params, schema)

    def _enforced(self, data: Any) -> Any:
        schema = self._model_meta.get_input_schema()
        if schema is None:
            return data
        known, enforce = self._enforce
        if known is not schema:
            from mlflow.models.enforcement import Enforcer

            enforce = Enforcer(schema)
            self._enforce = schema, enforce
        data = enforce(data)
        if self._flag("_is_type_hint_from_example"):
            from mlflow.types.type_hints import _convert_dataframe_to_example_format

            data = _convert_dataframe_to_example_format(data, self.input_example)
        return data

    def unwrap_python_model(self) -> Any:
        """The `PythonModel` that was saved.

        Raises:
            MlflowException: INTERNAL_ERROR if it is a model of another flavor.
        """
        model = getattr(self._model_impl, "python_model", None)
        if model is None:
            raise MlflowException("Unable to retrieve base model object from pyfunc.")
        return model

    def get_raw_model(self) -> Any:
        """The model in the form that its own library has.

        Raises:
            NotImplementedError: If its flavor does not tell.
        """
        if hasattr(self._model_impl, "get_raw_model"):
            return self._model_impl.get_raw_model()
        raise NotImplementedError("`get_raw_model` is not implemented by the underlying model")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PyFuncModel) and self._model_meta == other._model_meta

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        import yaml

        meta = self._model_meta
        said = {"artifact_path": meta.artifact_path, "flavor": self.loader_module}
        said["run_id"] = meta.run_id
        known = {name: value for name, value in said.items() if value is not None}
        return yaml.safe_dump({"mlflow.pyfunc.loaded_model": known}, default_flow_style=False)


def _takes_params(method: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):  # written in C
        return False
    # `**params` is scikit-learn's: a pipeline hands each on by its own name
    return any((one.name == "params") != (one.kind is one.VAR_KEYWORD) for one in parameters)


def _warn_of_params(params: dict[str, Any] | None) -> None:
    if params:
        _logger.warning("The model does not take parameters: `params` %s will be ignored.", params)
