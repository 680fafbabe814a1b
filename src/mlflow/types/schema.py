"""Schemas: the columns or tensors of a dataset, of a model's input or of its output.

The parts live in files of their own: scalar types in `data_type.py`, composed types in
`nested.py`, parameters in `params.py`. Here they have their public names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.from_dataclass import convert_to_columns
from mlflow.types.nested import (
    ALLOWED_DTYPES,
    ANY_TYPE,
    ARRAY_TYPE,
    EXPECTED_TYPE_MESSAGE,
    MAP_TYPE,
    OBJECT_TYPE,
    READERS,
    SPARKML_VECTOR_TYPE,
    AnyType,
    Array,
    BaseType,
    Map,
    Object,
    Property,
    SparkMLVector,
    parse_scalar,
    type_from_dict,
    type_to_dict,
)
from mlflow.types.params import ParamSchema, ParamSpec
from mlflow.utils.optional import require

COLSPEC_TYPES = Array | DataType | Map | Object | AnyType


class ColSpec:
    """One column, or the one unnamed value, of a schema.

    Args:
        type: Its type, or the name of a scalar type.
        name: As the data calls it; None when columns are told apart by position.
        required: False when it may be absent or hold missing values.
    """

    def __init__(self, type: ALLOWED_DTYPES, name: str | None = None, required: bool = True):
        self._name = name
        self._required = required
        if isinstance(type, str):
            complaint = f"Unsupported type '{type}', expected instance of DataType or one of"
            type = parse_scalar(type, complaint)
        if not isinstance(type, (DataType, Array, Object, Map, AnyType)):
            raise TypeError(EXPECTED_TYPE_MESSAGE.format(arg_name="type", passed_type=repr(type)))
        self._type = type

    @property
    def type(self) -> DataType | Array | Object | Map | AnyType:
        """Its type."""
        return self._type

    @property
    def name(self) -> str | None:
        """Its name; None if it has none."""
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        self._name = value

    @property
    def required(self) -> bool:
        """False when it may be absent or hold missing values."""
        return self._required

    def to_dict(self) -> dict[str, Any]:
        """The column as it is written in JSON."""
        form = type_to_dict(self.type)
        if self.name is not None:
            form["name"] = self.name
        return {**form, "required": self.required}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ColSpec) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        name = "" if self.name is None else f"{self.name!r}: "
        return f"{name}{self.type!r} ({'required' if self.required else 'optional'})"

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> ColSpec:
        """The column that `to_dict` wrote, now or in an older version."""
        if "type" not in kwargs:
            raise MlflowException("Missing keys in ColSpec JSON. Expected to find key `type`")
        if "optional" in kwargs and "required" not in kwargs:  # before 2.6
            kwargs["required"] = not kwargs.pop("optional")
        if kwargs["type"] in READERS:
            # Composed types always came with `required`; without it nothing is promised.
            required = kwargs.get("required", False)
            return cls(type_from_dict(kwargs), kwargs.get("name"), required)
        unknown = sorted(kwargs.keys() - {"type", "name", "required"})
        if unknown:
            raise MlflowException.invalid_parameter_value(
                f"Unknown keys in ColSpec JSON: {unknown}. Expected `type`, `name`, `required`"
            )
        return cls(**kwargs)


class TensorInfo:
    """Dtype and shape of a tensor.

    Args:
        dtype: A numpy dtype; of strings and bytes without a length.
        shape: -1 stands for a dimension of any size.
    """

    def __init__(self, dtype: Any, shape: tuple[Any, ...] | list[Any]) -> None:
        np = require("numpy", extra="pandas")
        if not isinstance(dtype, np.dtype):
            raise TypeError(
                f"Expected `dtype` to be instance of `{np.dtype}`, received `{type(dtype)}`"
            )
        if dtype.char in "US" and dtype.itemsize:
            plain = {"U": "str", "S": "bytes"}[dtype.char]
            raise MlflowException(
                "MLflow does not support size information in flexible numpy data types. "
                f'Use np.dtype("{plain}") instead'
            )
        if not isinstance(shape, (tuple, list)):
            raise TypeError(
                f"Expected `shape` to be instance of `{tuple}` or `{list}`, "
                f"received `{type(shape)}`"
            )
        self._dtype = dtype
        self._shape = tuple(shape)

    @property
    def dtype(self) -> Any:
        """The numpy dtype."""
        return self._dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions; -1 for any."""
        return self._shape

    def to_dict(self) -> dict[str, Any]:
        """The tensor as it is written in JSON."""
        return {"dtype": self._dtype.name, "shape": self._shape}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> TensorInfo:
        """The tensor that `to_dict` wrote."""
        if not kwargs.keys() >= {"dtype", "shape"}:
            raise MlflowException(
                "Missing keys in TensorSpec JSON. Expected to find keys `dtype` and `shape`"
            )
        dtype = require("numpy", extra="pandas").dtype(kwargs["dtype"])
        return cls(dtype, tuple(kwargs["shape"]))

    def __repr__(self) -> str:
        return f"Tensor({self.dtype.name!r}, {self.shape!r})"


class TensorSpec:
    """One tensor of a schema; always required.

    Args:
        type: A numpy dtype; of strings and bytes without a length.
        shape: -1 stands for a dimension of any size.
        name: None for the only tensor of a schema.
    """

    def __init__(
        self, type: Any, shape: tuple[int, ...] | list[int], name: str | None = None
    ) -> None:
        self._name = name
        self._tensorInfo = TensorInfo(type, shape)

    @property
    def type(self) -> Any:
        """The numpy dtype."""
        return self._tensorInfo.dtype

    @property
    def name(self) -> str | None:
        """Its name; None if it has none."""
        return self._name

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions; -1 for any."""
        return self._tensorInfo.shape

    @property
    def required(self) -> bool:
        """True."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """The tensor as it is written in JSON."""
        form = {} if self.name is None else {"name": self.name}
        return {**form, "type": "tensor", "tensor-spec": self._tensorInfo.to_dict()}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> TensorSpec:
        """The tensor that `to_dict` wrote."""
        if not kwargs.keys() >= {"tensor-spec", "type"}:
            raise MlflowException(
                "Missing keys in TensorSpec JSON. Expected to find keys `tensor-spec` and `type`"
            )
        if kwargs["type"] != "tensor":
            raise MlflowException("Type mismatch, TensorSpec expects `tensor` as the type")
        info = TensorInfo.from_json_dict(**kwargs["tensor-spec"])
        return cls(info.dtype, info.shape, kwargs.get("name"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return ("" if self.name is None else f"{self.name!r}: ") + repr(self._tensorInfo)


class Schema:
    """What a table, a set of tensors or a value looks like.

    Args:
        inputs: At least one column or tensor; all of one kind; either all have names or none;
            unnamed columns are all required, and there is at most one unnamed tensor.
    """

    def __init__(self, inputs: list[ColSpec | TensorSpec]) -> None:
        _check_inputs(inputs)
        self._inputs = inputs

    @property
    def inputs(self) -> list[ColSpec | TensorSpec]:
        """The columns or tensors."""
        return self._inputs

    def is_tensor_spec(self) -> bool:
        """True when it is made of tensors."""
        return isinstance(self.inputs[0], TensorSpec)

    def input_names(self) -> list[str | int]:
        """The names; positions when there are no names."""
        return [x.name if self.has_input_names() else i for i, x in enumerate(self.inputs)]

    def required_input_names(self) -> list[str | int]:
        """The names of what must be there."""
        return [x.name if x.name is not None else i for i, x in self._numbered(True)]

    def optional_input_names(self) -> list[str | int]:
        """The names of what may be absent."""
        return [x.name if x.name is not None else i for i, x in self._numbered(False)]

    def _numbered(self, required: bool) -> Iterator[tuple[int, ColSpec | TensorSpec]]:
        return ((i, x) for i, x in enumerate(self.inputs) if bool(x.required) is required)

    def has_input_names(self) -> bool:
        """True when columns are told apart by name, not by position."""
        return self.inputs[0].name is not None

    def input_types(self) -> list[DataType | Any | Array | Object]:
        """Type of each column, dtype of each tensor."""
        return [x.type for x in self.inputs]

    def input_types_dict(self) -> dict[str, DataType | Any | Array | Object]:
        """The same by name.

        Raises:
            MlflowException: INTERNAL_ERROR if there are no names.
        """
        if not self.has_input_names():
            raise MlflowException("Cannot get input types as a dict for schema without names.")
        return {x.name: x.type for x in self.inputs}

    def input_dict(self) -> dict[str, ColSpec | TensorSpec]:
        """The columns or tensors by name.

        Raises:
            MlflowException: INTERNAL_ERROR if there are no names.
        """
        if not self.has_input_names():
            raise MlflowException("Cannot get input dict for schema without names.")
        return {x.name: x for x in self.inputs}

    def numpy_types(self) -> list[Any]:
        """The numpy dtype of each column or tensor.

        Raises:
            MlflowException: INTERNAL_ERROR if a column is not of a scalar type.
        """
        if self.is_tensor_spec():
            return [x.type for x in self.inputs]
        return [x.to_numpy() for x in self._scalar_types("numpy")]

    def pandas_types(self) -> list[Any]:
        """The dtype of each column in a pandas table.

        Raises:
            MlflowException: INTERNAL_ERROR for tensors, and if a column is not of a scalar type.
        """
        if self.is_tensor_spec():
            raise MlflowException("TensorSpec only supports numpy types, use numpy_types() instead")
        return [x.to_pandas() for x in self._scalar_types("pandas")]

    def _scalar_types(self, library: str) -> list[DataType]:
        types = self.input_types()
        if all(isinstance(one, DataType) for one in types):
            return types
        raise MlflowException(
            f"Failed to get {library} types as some of the inputs types are not DataType."
        )

    def as_spark_schema(self) -> Any:
        """The Spark SQL struct type; the bare type when the only column has no name.

        Raises:
            MlflowException: INTERNAL_ERROR for tensors.
        """
        if self.is_tensor_spec():
            raise MlflowException("TensorSpec cannot be converted to spark dataframe")
        from mlflow.types.spark import spark_schema

        return spark_schema(self)

    def to_json(self) -> str:
        """The schema as a JSON list."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> list[dict[str, Any]]:
        """What `to_json` writes, before it is text."""
        return [x.to_dict() for x in self.inputs]

    @classmethod
    def from_json(cls, json_str: str) -> Schema:
        """The schema that `to_json` wrote."""

        def read(form: dict[str, Any]) -> ColSpec | TensorSpec:
            kind = TensorSpec if form.get("type") == "tensor" else ColSpec
            return kind.from_json_dict(**form)

        forms = json.loads(json_str)
        if not isinstance(forms, list) or not all(isinstance(one, dict) for one in forms):
            raise MlflowException.invalid_parameter_value(
                f"A schema in JSON must be a list of objects, got {json_str!r}"
            )
        return cls([read(one) for one in forms])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.inputs == other.inputs

    def __len__(self) -> int:
        return len(self.inputs)

    def __iter__(self) -> Iterator[ColSpec | TensorSpec]:
        return iter(self.inputs)

    def __repr__(self) -> str:
        return repr(self.inputs)


def _check_inputs(inputs: Any) -> None:
    """Raise unless a schema can be made of `inputs`."""
    if not isinstance(inputs, list):
        raise MlflowException.invalid_parameter_value(
            f"Inputs of Schema must be a list, got type {type(inputs).__name__}"
        )
    if not inputs:
        raise MlflowException.invalid_parameter_value(
            "Creating Schema with empty inputs is not allowed."
        )
    strange = [x for x in inputs if not isinstance(x, (ColSpec, TensorSpec))]
    if strange:
        raise MlflowException.invalid_parameter_value(
            f"Inputs of Schema must be ColSpec or TensorSpec, got {strange[0]!r}"
        )
    tensors = sum(isinstance(x, TensorSpec) for x in inputs)
    if tensors not in (0, len(inputs)):
        raise MlflowException(
            "Creating Schema with a combination of ColSpec and TensorSpec is not supported. "
            "Please choose one of ColSpec or TensorSpec"
        )
    names = [x.name for x in inputs]
    unnamed = sum(name is None for name in names)
    if unnamed not in (0, len(names)):
        raise MlflowException(
            "Creating Schema with a combination of named and unnamed inputs is not allowed. "
            f"Got input names {names}"
        )
    if unnamed and tensors > 1:
        raise MlflowException(
            "Creating Schema with multiple unnamed TensorSpecs is not supported. "
            "Please provide names for each TensorSpec."
        )
    if unnamed and not all(x.required for x in inputs):
        raise MlflowException(
            "Creating Schema with unnamed optional inputs is not supported. "
            "Please name all inputs or make all inputs required."
        )


def convert_dataclass_to_schema(dataclass: type) -> Schema:
    """The schema of objects of a dataclass: a column for each field.

    Fields may be `int`, `str`, `bool`, `float`, `bytes`, `datetime.date`, a dataclass, a list of
    one of these, or `Optional` of any of them.

    Raises:
        TypeError: If it is not a dataclass.
        MlflowException: INTERNAL_ERROR if a field is of another type.
    """
    columns = convert_to_columns(dataclass)
    return Schema([ColSpec(dtype, name, required) for name, dtype, required in columns])


def __getattr__(name: str) -> Any:
    if name == "HAS_PYSPARK":
        from importlib.util import find_spec

        return find_spec("pyspark") is not None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# Pickles name the place a class says it lives in; that is this public one, not our files.
for _part in (
    *(DataType, BaseType, Property, Object, Array, SparkMLVector, Map, AnyType),
    *(ParamSpec, ParamSchema),
):
    _part.__module__ = __name__
del _part

__all__ = [
    "ALLOWED_DTYPES",
    "ANY_TYPE",
    "ARRAY_TYPE",
    "AnyType",
    "Array",
    "BaseType",
    "COLSPEC_TYPES",
    "ColSpec",
    "DataType",
    "EXPECTED_TYPE_MESSAGE",
    "MAP_TYPE",
    "Map",
    "OBJECT_TYPE",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Property",
    "SPARKML_VECTOR_TYPE",
    "Schema",
    "SparkMLVector",
    "TensorInfo",
    "TensorSpec",
    "convert_dataclass_to_schema",
]
