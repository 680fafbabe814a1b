"""Signatures: what a model takes, what it gives, and which parameters change how it does that."""

from __future__ import annotations

import dataclasses
import logging
import os
import warnings
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import AnyType
from mlflow.types.schema import ColSpec, ParamSchema, Schema, convert_dataclass_to_schema
from mlflow.types.utils import _infer_param_schema, _infer_schema
from mlflow.utils.warnings_utils import level_of_caller

_logger = logging.getLogger(__name__)

#: Fields of a signature that MLmodel files keep beside it.
_FLAGS = {
    "is_signature_from_type_hint": "_is_signature_from_type_hint",
    "type_hint_from_example": "_is_type_hint_from_example",
}


class ModelSignature:
    """What a model takes and gives.

    Args:
        inputs: Schema of the input, or a dataclass that has its fields.
        outputs: The same of the output.
        params: Schema of the parameters that `predict` takes besides.

    Raises:
        ValueError: If nothing is given.
        TypeError: If something else is given.
    """

    def __init__(
        self,
        inputs: Schema | Any = None,
        outputs: Schema | Any = None,
        params: ParamSchema | None = None,
    ):
        if inputs is None and outputs is None and params is None:
            raise ValueError("At least one of inputs, outputs or params must be provided")
        if params is not None and not isinstance(params, ParamSchema):
            raise TypeError(
                "If params are provided, they must by of type "
                f"mlflow.models.signature.ParamSchema, got '{type(params).__name__}'"
            )
        self.inputs = _as_schema(inputs, "inputs")
        self.outputs = _as_schema(outputs, "outputs")
        self.params = params
        self._is_signature_from_type_hint = False
        self._is_type_hint_from_example = False

    def to_dict(self) -> dict[str, Any]:
        """Its parts as they are written in MLmodel files: JSON texts, or None."""
        return {
            "inputs": self.inputs.to_json() if self.inputs else None,
            "outputs": self.outputs.to_json() if self.outputs else None,
            "params": self.params.to_json() if self.params else None,
        }

    @classmethod
    def from_dict(cls, signature_dict: dict[str, Any]) -> ModelSignature:
        """The signature that `to_dict` wrote, now or in an older version."""
        read = {"inputs": Schema, "outputs": Schema, "params": ParamSchema}
        parts = {
            name: kind.from_json(text)
            for name, kind in read.items()
            if (text := signature_dict.get(name)) is not None
        }
        return cls(**parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelSignature) and all(
            getattr(self, name) == getattr(other, name) for name in ("inputs", "outputs", "params")
        )

    def __repr__(self) -> str:
        parts = ("inputs", self.inputs), ("outputs", self.outputs), ("params", self.params)
        return "".join(f"{name}: \n  {part!r}\n" for name, part in parts)


class _TypeHints:
    """Annotations of a function's input and output. Pickled models hold some."""

    def __init__(self, input_: Any = None, output: Any = None):
        self.input = input_
        self.output = output

    def __repr__(self) -> str:
        return f"<input: {self.input}, output: {self.output}>"


def _as_schema(part: Any, name: str) -> Schema | None:
    if part is None or isinstance(part, Schema):
        return part
    if dataclasses.is_dataclass(part):
        return convert_dataclass_to_schema(part)
    raise TypeError(
        f"{name} must be either None, mlflow.models.signature.Schema, or a dataclass, "
        f"got '{type(part).__name__}'"
    )


def flags_of(signature: ModelSignature) -> dict[str, bool]:
    """What an MLmodel file says about a signature besides the signature."""
    return {key: bool(getattr(signature, name)) for key, name in _FLAGS.items()}


def set_flags(signature: ModelSignature, conf: dict[str, Any]) -> None:
    """The other way round; those that `conf` lacks stay."""
    for key, name in _FLAGS.items():
        if key in conf:
            setattr(signature, name, bool(conf[key]))


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: dict[str, Any] | None = None
) -> ModelSignature:
    """The signature of a model that takes and gives data such as this.

    What has no schema of its own, such as a polars table, becomes "anything".

        signature = infer_signature(X, model.predict(X), params={"temperature": 0.5})

    Args:
        model_input: A table, an array, a sparse matrix, a dictionary, a list or a scalar.
        model_output: The same.
        params: Parameters; the values become the defaults.
    """
    inputs = None if model_input is None else _schema_or_any(model_input, "inputs")
    outputs = None if model_output is None else _schema_or_any(model_output, "outputs")
    known = _infer_param_schema(params) if params or not isinstance(params, dict | None) else None
    return ModelSignature(inputs, outputs, known)


def _schema_or_any(data: Any, name: str) -> Schema:
    try:
        schema = _infer_schema(data)
        _warn_of_integers(data, schema)
        return schema
    except Exception:
        unchecked = " It is not checked when the model is asked." if name == "inputs" else ""
        _logger.warning(
            "No schema can be inferred for %s of type %s; `Schema([ColSpec(type=AnyType())])` is "
            "used.%s",
            name,
            type(data).__name__,
            unchecked,
        )
        _logger.debug("Why:", exc_info=True)
        return Schema([ColSpec(type=AnyType())])


def _warn_of_integers(data: Any, schema: Schema) -> None:
    if type(data).__name__ != "DataFrame" or type(data).__module__.split(".")[0] != "pandas":
        return
    if any(each in (DataType.integer, DataType.long) for each in schema.input_types()):
        warnings.warn(
            "Hint: The inferred schema has integer column(s), which cannot hold missing values: "
            "data that has some will be refused when the model is asked. Where values may be "
            "missing, infer the schema from data with missing values, or declare the columns as "
            "doubles (float64).",
            stacklevel=level_of_caller(),
        )


def set_signature(model_uri: str, signature: ModelSignature) -> None:
    """Give a saved model another signature; only its MLmodel file changes.

    Args:
        model_uri: `runs:/<run id>/<path>`, `models:/<model id>`, any artifact URI, or a path.
            Registered versions cannot be changed: register a new one.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no signature, or for
            `models:/<name>/<version>`; RESOURCE_DOES_NOT_EXIST if there is no model.
    """
    from mlflow.models.edit import edited

    if not isinstance(signature, ModelSignature):
        raise MlflowException(
            "The signature argument must be a ModelSignature object, "
            f"got {type(signature).__name__}",
            error_code=CODES["INVALID_PARAMETER_VALUE"],
        )
    with edited(model_uri) as folder:
        from mlflow.models.model import MLMODEL_FILE_NAME, Model

        model = Model.load(folder)
        model.signature = signature
        model.save(os.path.join(folder, MLMODEL_FILE_NAME))


__all__ = ["ModelSignature", "infer_signature", "set_signature"]
