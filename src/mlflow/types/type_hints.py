"""Type hints of a model's `predict`: the schemas they stand for, and whether data goes with them.

A hint is `list[...]` of scalars, dictionaries, lists, pydantic models or `Any`; tables and arrays
may be hinted, too, but say nothing of their columns.
"""

from __future__ import annotations

import base64
import datetime
import sys
import warnings
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Union, get_args, get_origin

from mlflow.environment_variables import _MLFLOW_IS_IN_SERVING_ENVIRONMENT
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import AnyType, Array, BaseType, Map, Object, Property
from mlflow.types.schema import ColSpec, Schema
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pydantic

# How many wrong items an error names.
_SHOWN = 5

NONE_TYPE = NoneType
UNION_TYPES = (Union, UnionType)

TYPE_HINTS_TO_DATATYPE_MAPPING = {
    int: DataType.long,
    str: DataType.string,
    bool: DataType.boolean,
    float: DataType.double,
    bytes: DataType.binary,
    datetime.datetime: DataType.datetime,
}
SUPPORTED_TYPE_HINT_MSG = (
    "A type hint must be a list[...] of one of "
    f"{', '.join(kind.__name__ for kind in TYPE_HINTS_TO_DATATYPE_MAPPING)}, of a class that "
    "derives from pydantic.BaseModel, of lists or dictionaries of these, or of typing.Any."
)
OPTIONAL_INPUT_MSG = (
    "Input cannot be Optional type. Remove Optional[...] from the type hint; where fields may be "
    "absent, use a pydantic model whose fields default to None."
)

TypeFromExample = TypeVar("TypeFromExample")
"""As the hint of `predict`: the signature comes from the input example, and data is given in the
form that the example has."""


class ColSpecType(NamedTuple):
    """What a hint stands for."""

    dtype: BaseType | DataType
    required: bool


class ValidationResult(NamedTuple):
    """Data as a hint wants it, or why there is none."""

    value: Any | None = None
    error_message: str | None = None


class UnsupportedTypeHintException(MlflowException):
    """No schema can express what the hint says."""

    def __init__(self, type_hint: Any):
        super().__init__(
            f"Unsupported type hint `{_type_hint_repr(type_hint)}`. {SUPPORTED_TYPE_HINT_MSG}",
            error_code=CODES["INVALID_PARAMETER_VALUE"],
        )


class InvalidTypeHintException(MlflowException):
    """The hint lacks something, or has something that inputs cannot have."""

    def __init__(self, *, message: str):
        super().__init__(message, error_code=CODES["INVALID_PARAMETER_VALUE"])


def type_hints_no_signature_inference() -> tuple[type, ...]:
    """Classes of tables and arrays that are loaded: as hints, they say nothing of the columns."""
    names = {
        "pandas": ("DataFrame", "Series"),
        "numpy": ("ndarray",),
        "scipy.sparse": ("csc_matrix", "csr_matrix"),
    }
    # Who hints at such a class has loaded its library.
    modules = [(sys.modules.get(module), classes) for module, classes in names.items()]
    return tuple(getattr(m, name) for m, classes in modules if m is not None for name in classes)


def _signature_cannot_be_inferred_from_type_hint(type_hint: Any) -> bool:
    return type_hint in type_hints_no_signature_inference()


def _is_type_hint_from_example(type_hint: Any) -> bool:
    return type_hint is TypeFromExample


def _is_example_valid_for_type_from_example(example: Any) -> bool:
    """True if data can be brought into the form of the example: a list, a table or a series."""
    pandas = sys.modules.get("pandas")
    tables = (pandas.DataFrame, pandas.Series) if pandas is not None else ()
    return isinstance(example, (list, *tables))


def model_fields(model: pydantic.BaseModel) -> dict[str, type[pydantic.fields.FieldInfo]]:
    """The fields of a pydantic model, by name."""
    return model.model_fields


def field_required(field: type[pydantic.fields.FieldInfo]) -> bool:
    """True when the field has no default."""
    return field.is_required()


def model_validate(model: pydantic.BaseModel, values: Any) -> None:
    """Raise pydantic's error unless the values are of the model's types, without conversion."""
    model.model_validate(values, strict=True)


def _is_pydantic_type_hint(type_hint: Any) -> bool:
    # A class of pydantic's cannot be there unless pydantic is loaded.
    pydantic = sys.modules.get("pydantic")
    return (
        pydantic is not None
        and isinstance(type_hint, type)
        and get_origin(type_hint) is None  # list[int] counts as a class on Python 3.10
        and issubclass(type_hint, pydantic.BaseModel)
    )


def _is_list_type_hint(type_hint: Any) -> bool:
    return type_hint is list or _get_origin_type(type_hint) is list


def _get_origin_type(type_hint: Any) -> Any:
    """`list` of `list[...]`; `Any` of unions; of an Optional, the origin of what is in it."""
    origin = get_origin(type_hint)
    if origin not in UNION_TYPES:
        return origin
    inner = _optional_inner(type_hint)
    return Any if inner is None else get_origin(inner)


def _optional_inner(type_hint: Any) -> Any:
    """`int` of `Optional[int]`; None of other hints."""
    if get_origin(type_hint) in UNION_TYPES:
        others = [part for part in get_args(type_hint) if part is not NONE_TYPE]
        if len(others) == 1:
            return others[0]
    return None


def _type_hint_repr(type_hint: Any) -> str:
    named = type(type_hint) is type or _is_pydantic_type_hint(type_hint)
    return type_hint.__name__ if named else str(type_hint)


def _get_element_type_of_list_type_hint(type_hint: Any) -> Any:
    """`int` of `list[int]`.

    Raises:
        InvalidTypeHintException: If there is not exactly one type in it.
    """
    parts = get_args(type_hint)
    if len(parts) == 1:
        return parts[0]
    shown = _type_hint_repr(type_hint)
    if not parts:
        raise InvalidTypeHintException(
            message=f"Type hint `{shown}` doesn't contain a collection element type. Add one, as "
            "in `list[str]`."
        )
    raise InvalidTypeHintException(
        message=f"Type hint `{shown}` contains {len(parts)} element types. A list must have a "
        "single one, as in `list[int]`."
    )


def _infer_schema_from_list_type_hint(type_hint: Any) -> Schema:
    """The schema that a hint of `predict` stands for: that of one item of the list.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no list.
        InvalidTypeHintException: If it may be None, or lacks the type of items.
        UnsupportedTypeHintException: If no schema can express it.
    """
    if not _is_list_type_hint(type_hint):
        raise MlflowException.invalid_parameter_value(
            "Type hints must be wrapped in list[...] because MLflow assumes the predict method to "
            "take multiple input instances. Specify your type hint as "
            f"`list[{_type_hint_repr(type_hint)}]` for a valid signature."
        )
    if _optional_inner(type_hint) is not None:
        raise MlflowException.invalid_parameter_value(OPTIONAL_INPUT_MSG)
    schema = _infer_schema_from_type_hint(_get_element_type_of_list_type_hint(type_hint))
    if isinstance(schema.inputs[0].type, AnyType):
        warnings.warn(
            f"`{_type_hint_repr(type_hint)}` is inferred as AnyType, and MLflow doesn't validate "
            "the data for this type. Use a more specific type hint to enable data validation.",
            stacklevel=2,
        )
    return schema


def _infer_schema_from_type_hint(type_hint: Any) -> Schema:
    """The schema of one value with that hint."""
    dtype, required = _infer_colspec_type_from_type_hint(type_hint)
    if not required:
        raise InvalidTypeHintException(message=OPTIONAL_INPUT_MSG)
    return Schema([ColSpec(dtype, required=True)])


def _infer_colspec_type_from_type_hint(
    type_hint: Any, _within: tuple[type, ...] = ()
) -> ColSpecType:
    """The type that a hint stands for, and False if the value may be None."""
    if type_hint is Any:
        return ColSpecType(AnyType(), True)
    scalar = _scalar(type_hint)
    if scalar is not None:
        return ColSpecType(scalar, True)
    if _is_pydantic_type_hint(type_hint):
        return ColSpecType(_infer_type_from_pydantic_model(type_hint, _within), True)
    origin = get_origin(type_hint)
    if origin is list:
        item = _get_element_type_of_list_type_hint(type_hint)
        return ColSpecType(Array(_infer_colspec_type_from_type_hint(item, _within).dtype), True)
    if origin is dict:
        value = _value_hint(type_hint)
        return ColSpecType(Map(_infer_colspec_type_from_type_hint(value, _within).dtype), True)
    if origin in UNION_TYPES:
        inner = _optional_inner(type_hint)
        if inner is not None:
            return ColSpecType(_infer_colspec_type_from_type_hint(inner, _within).dtype, False)
        return ColSpecType(AnyType(), NONE_TYPE not in get_args(type_hint))
    raise _unusable(type_hint)


def _scalar(type_hint: Any) -> DataType | None:
    try:
        return TYPE_HINTS_TO_DATATYPE_MAPPING.get(type_hint)
    except TypeError:  # unhashable, as Annotated[int, []]
        return None


def _value_hint(type_hint: Any) -> Any:
    """`int` of `dict[str, int]`."""
    parts = get_args(type_hint)
    if len(parts) != 2:
        raise InvalidTypeHintException(
            message=f"Dictionary type hint must contain two element types, got {type_hint}"
        )
    if parts[0] is not str:
        raise InvalidTypeHintException(
            message=f"Dictionary key type must be str, got {parts[0]} in type hint {type_hint}"
        )
    return parts[1]


def _unusable(type_hint: Any) -> MlflowException:
    if type_hint in (list, dict):
        return InvalidTypeHintException(
            message=f"Invalid type hint `{_type_hint_repr(type_hint)}`, it must include a valid "
            f"element type. {SUPPORTED_TYPE_HINT_MSG}"
        )
    return UnsupportedTypeHintException(type_hint)


def _infer_type_from_pydantic_model(
    model: type[pydantic.BaseModel], _within: tuple[type, ...] = ()
) -> Object:
    """An object with a property for each field of the model.

    Raises:
        InvalidTypeHintException: If a field may be None, but has no default; if the model is a part
            of itself (`_within` has the models around it).
    """
    if model in _within:
        raise InvalidTypeHintException(
            message=f"Pydantic model `{model.__name__}` is a part of itself, which no schema can "
            "express. Use typing.Any for the field."
        )
    properties = []
    for name, field in model_fields(model).items():
        dtype, required = _infer_colspec_type_from_type_hint(field.annotation, (*_within, model))
        if not required and field_required(field):
            raise InvalidTypeHintException(
                message=f"Optional field `{name}` in Pydantic model `{model.__name__}` doesn't "
                "have a default value. Please set default value to None for this field."
            )
        properties.append(Property(name, dtype, required=required))
    return Object(properties)


def _validate_data_against_type_hint(data: Any, type_hint: Any) -> Any:
    """The data, with dictionaries made pydantic models where the hint has such.

    In a server that scores, where data was JSON, bytes may be base64 and times ISO 8601.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it does not go with the hint.
    """
    if _is_pydantic_type_hint(type_hint):
        return _to_model(data, type_hint)
    if type_hint is Any:
        return data
    inner = _optional_inner(type_hint)
    if inner is not None:
        return None if data is None else _validate_data_against_type_hint(data, inner)
    origin = _get_origin_type(type_hint)
    if origin is Any:  # a union
        return data
    if _scalar(type_hint) is not None:
        return _parse_data_for_datatype_hint(data, type_hint)
    if origin is list:
        return _validate_list_elements(_get_element_type_of_list_type_hint(type_hint), data)
    if origin is dict:
        return _validate_dict_elements(_value_hint(type_hint), data)
    raise _unusable(type_hint)


def _get_data_validation_result(data: Any, type_hint: Any) -> ValidationResult:
    """The same, with the error as a value."""
    try:
        return ValidationResult(value=_validate_data_against_type_hint(data, type_hint))
    except MlflowException as error:
        return ValidationResult(error_message=error.message)


def _to_model(data: Any, model: type[pydantic.BaseModel]) -> Any:
    pydantic = require("pydantic", "models")
    if isinstance(data, model):
        return data
    if isinstance(data, pydantic.BaseModel):
        data = data.model_dump()
    if not isinstance(data, dict):
        raise MlflowException.invalid_parameter_value(
            "Expecting example to be a dictionary or pydantic model instance for Pydantic type "
            f"hint, got {type(data)}"
        )
    try:
        model_validate(model, data)
        return model(**data)
    except pydantic.ValidationError as error:
        raise MlflowException.invalid_parameter_value(
            f"Data doesn't match type hint, error: {error}. Expected fields in the type hint: "
            f"{model_fields(model)}; passed data: {data}"
        ) from error


def _parse_data_for_datatype_hint(data: Any, type_hint: type) -> Any:
    if isinstance(data, type_hint):
        return data
    if isinstance(data, str) and _MLFLOW_IS_IN_SERVING_ENVIRONMENT.get():
        try:
            if type_hint is bytes:
                return base64.decodebytes(data.encode())
            if type_hint is datetime.datetime:
                return datetime.datetime.fromisoformat(data.replace("Z", "+00:00"))
        except ValueError:
            pass  # said below
    raise MlflowException.invalid_parameter_value(
        f"Expected type {_type_hint_repr(type_hint)}, but got {type(data).__name__}"
    )


def _validate_list_elements(element_type: Any, data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise MlflowException.invalid_parameter_value(
            f"Expected list, but got {type(data).__name__}"
        )
    results = [_get_data_validation_result(item, element_type) for item in data]
    invalid = [
        (str(item), one.error_message) for item, one in zip(data, results) if one.error_message
    ]
    if invalid:
        more = " ... (truncated)" if len(invalid) > _SHOWN else ""
        raise MlflowException.invalid_parameter_value(
            f"Failed to validate data against type hint `list[{_type_hint_repr(element_type)}]`, "
            f"invalid elements: {invalid[:_SHOWN]}{more}"
        )
    return [one.value for one in results]


def _validate_dict_elements(element_type: Any, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise MlflowException.invalid_parameter_value(
            f"Expected dict, but got {type(data).__name__}"
        )
    invalid, valid = {}, {}
    for key, value in data.items():
        if not isinstance(key, str):
            invalid[str(key)] = f"Key must be a string, got {type(key).__name__}"
            continue
        valid[key], error = _get_data_validation_result(value, element_type)
        if error:
            invalid[key] = error
    if invalid:
        raise MlflowException.invalid_parameter_value(
            "Failed to validate data against type hint "
            f"`dict[str, {_type_hint_repr(element_type)}]`, invalid elements: {invalid}"
        )
    return valid


def _convert_data_to_type_hint(data: Any, type_hint: Any) -> Any:
    """A table as the list that the hint asks for; all other data as it is.

    Rows become dictionaries where the items are pydantic models; else the first column is taken.

    Raises:
        MlflowException: INTERNAL_ERROR if data is a table and the hint is neither a list nor a
            table; INVALID_PARAMETER_VALUE if the hint may be None.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame) or type_hint is pandas.DataFrame:
        return data
    if get_origin(type_hint) in UNION_TYPES and NONE_TYPE in get_args(type_hint):
        raise MlflowException.invalid_parameter_value(OPTIONAL_INPUT_MSG)
    if get_origin(type_hint) is not list:
        raise MlflowException(
            "Only `list[...]` type hint supports pandas DataFrame input with a single column. "
            f"But got {_type_hint_repr(type_hint)}."
        )
    if _is_pydantic_type_hint(_get_element_type_of_list_type_hint(type_hint)):
        return _sanitize_data(data.to_dict(orient="records"))
    if len(data.columns) > 1:
        warnings.warn(
            f"Of the {len(data.columns)} columns of the table only the first is used, since "
            f"`{_type_hint_repr(type_hint)}` has items of one value each.",
            stacklevel=2,
        )
    return _sanitize_data(data.iloc[:, 0].tolist()) if len(data.columns) else []


def _convert_dataframe_to_example_format(data: Any, input_example: Any) -> Any:
    """A table in the form that the example had before it was saved as a table."""
    pandas = sys.modules["pandas"]
    if isinstance(input_example, pandas.DataFrame):
        return data
    if isinstance(input_example, pandas.Series):
        return data.iloc[:, 0].rename(input_example.name)
    if isinstance(input_example, list):
        if len(data.columns) == 1 and _is_scalar(input_example):
            return data.iloc[:, 0].tolist()
        return data.to_dict(orient="records")
    if isinstance(input_example, dict):
        return data.to_dict(orient="records")[0] if len(data) == 1 else data
    if isinstance(input_example, (str, bytes, bool, int, float, datetime.datetime)):
        return data.iloc[0, 0]
    return data


def _is_scalar(items: list[Any]) -> bool:
    """True when no item is a dictionary or list."""
    return bool(items) and not isinstance(items[0], (dict, list))


def _sanitize_data(data: Any) -> Any:
    """Arrays as lists, and None for what is not a number."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, numpy.ndarray):
        data = data.tolist()
    if isinstance(data, list):
        return [_sanitize_data(item) for item in data]
    if isinstance(data, dict):
        return {key: _sanitize_data(item) for key, item in data.items()}
    return None if isinstance(data, float) and data != data else data


def __getattr__(name: str) -> Any:
    if name == "FIELD_TYPE":
        return require("pydantic.fields", "models").FieldInfo
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
