"""Parameters of a model's prediction: name, type, default and shape of each."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from typing import Any, TypedDict

from mlflow.exceptions import MlflowException
from mlflow.types.conform import check_object
from mlflow.types.data_type import DataType, is_scalar, widens
from mlflow.types.nested import OBJECT_TYPE, Object, type_to_dict
from mlflow.utils.optional import require


class ParamSpec:
    """One parameter.

    Args:
        name: Its name.
        dtype: A scalar type (not binary) or its name, or the type of a dictionary.
        default: The value when the caller gives none; may be None.
        shape: None for one value, (-1,) for a list of any length.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the default does not fit the type and shape.
    """

    def __init__(
        self,
        name: str,
        dtype: DataType | Object | str,
        default: Any,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        self._name = str(name)
        self._shape = None if shape is None else tuple(shape)
        self._dtype = _parse_dtype(dtype)
        if self._dtype is DataType.binary:
            raise MlflowException.invalid_parameter_value(
                f"Binary type is not supported for parameters, ParamSpec '{name}'has dtype 'binary'"
            )
        self._default = default  # the message of the check shows the whole parameter
        self._default = self.validate_param_spec(default, self)

    @classmethod
    def validate_param_spec(cls, value: Any, param_spec: ParamSpec) -> Any:
        """`value` as the parameter's type wants it.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it does not fit.
        """
        return cls.validate_type_and_shape(
            repr(param_spec), value, param_spec.dtype, param_spec.shape
        )

    @classmethod
    def validate_type_and_shape(
        cls, spec: str, value: Any, value_type: DataType | Object, shape: tuple[int, ...] | None
    ) -> Any:
        """`value` converted to `value_type`, item by item for a list.

        Integers become floats where floats are wanted, strings become dates; nothing else is
        converted.

        Args:
            spec: What to call the parameter in messages.
            value: Of any type.
            value_type: The wanted type.
            shape: None or (-1,).

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it does not fit.
        """
        if shape not in (None, (-1,)):
            raise MlflowException.invalid_parameter_value(
                "Shape must be None for scalar or dictionary value, or (-1,) for 1D array value "
                f"for ParamSpec {spec}), received {shape}"
            )
        try:
            if shape is None:
                return _convert(value, value_type)
            items = _items(spec, value)
            return [_convert_scalar(one, value_type) for one in items]
        except (_Misfit, OverflowError) as error:
            raise MlflowException.invalid_parameter_value(
                f"Failed to validate type and shape for {spec}, error: {error}"
            ) from None

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def dtype(self) -> DataType | Object:
        """Its type."""
        return self._dtype

    @property
    def default(self) -> Any:
        """The value when the caller gives none."""
        return self._default

    @property
    def shape(self) -> tuple[int, ...] | None:
        """None for one value, (-1,) for a list."""
        return self._shape

    class ParamSpecTypedDict(TypedDict):
        """The parameter as it is written in JSON."""

        name: str
        type: str
        default: DataType | list[DataType] | None
        shape: tuple[int, ...] | None

    def to_dict(self) -> ParamSpecTypedDict:
        """The parameter as it is written in JSON; dates become ISO 8601 text."""
        default = self.default
        if self.dtype is DataType.datetime:
            default = [_iso(x) for x in default] if self.shape else _iso(default)
        form = {"name": self.name, "default": default, "shape": self.shape}
        return {**form, **type_to_dict(self.dtype)}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> ParamSpec:
        """The parameter that `to_dict` wrote; `dtype` is an older name of `type`."""
        dtype = kwargs.get("type", kwargs.get("dtype"))
        if dtype is None or not kwargs.keys() >= {"name", "default"}:
            raise MlflowException.invalid_parameter_value(
                "Missing keys in ParamSpec JSON. Expected to find keys `name`, `type`(or "
                f"`dtype`) and `default`. Received keys: {kwargs.keys()}"
            )
        if dtype == OBJECT_TYPE:
            dtype = Object.from_json_dict(**{**kwargs, "type": dtype})
        return cls(kwargs["name"], dtype, kwargs["default"], kwargs.get("shape"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamSpec) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        shape = f" (shape: {self.shape})" if self.shape is not None else ""
        return f"{self.name!r}: {self.dtype!r} (default: {self.default}){shape}"


class ParamSchema:
    """All parameters of a prediction.

    Args:
        params: With different names.
    """

    def __init__(self, params: list[ParamSpec]) -> None:
        if not all(isinstance(one, ParamSpec) for one in params):
            raise MlflowException.invalid_parameter_value(
                f"ParamSchema inputs only accept {ParamSpec}"
            )
        names = [one.name for one in params]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise MlflowException.invalid_parameter_value(
                f"Duplicated parameters found in schema: {twice}"
            )
        self._params = params

    @property
    def params(self) -> list[ParamSpec]:
        """The parameters."""
        return self._params

    def to_json(self) -> str:
        """The parameters as a JSON list."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, json_str: str) -> ParamSchema:
        """The parameters that `to_json` wrote."""
        return cls([ParamSpec.from_json_dict(**form) for form in json.loads(json_str)])

    def to_dict(self) -> list[dict[str, Any]]:
        """What `to_json` writes, before it is text."""
        return [one.to_dict() for one in self.params]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamSchema) and self.params == other.params

    def __len__(self) -> int:
        return len(self.params)

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self.params)

    def __repr__(self) -> str:
        return repr(self.params)


class _Misfit(ValueError):
    """A value is not of the wanted type."""


def _parse_dtype(dtype: Any) -> DataType | Object:
    if isinstance(dtype, str):
        if dtype in DataType.__members__:
            return DataType[dtype]
        names = [one.name for one in DataType if one is not DataType.binary]
        raise MlflowException.invalid_parameter_value(
            f"Unsupported type '{dtype}', expected instance of DataType or one of {names}"
        )
    if isinstance(dtype, (DataType, Object)):
        return dtype
    raise TypeError(f"'dtype' must be DataType, Object or str, got {dtype!r}")


def _items(spec: str, value: Any) -> list[Any]:
    """The items of a list or one-dimensional array."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        value = value.tolist() if value.ndim == 1 else value
    depth = array_depth(value)
    if not isinstance(value, list) or depth != 1:
        raise MlflowException.invalid_parameter_value(
            f"Value must be a 1D array with shape (-1,) for param {spec}, "
            f"received {type(value).__name__} with ndim {depth}"
        )
    return value


def array_depth(value: Any) -> int:
    """How deep lists, tuples and arrays are nested in each other: 0 for a scalar."""
    ndim = getattr(value, "ndim", None)
    if isinstance(ndim, int):
        return ndim
    if not isinstance(value, (list, tuple)):
        return 0
    return 1 + max(map(array_depth, value), default=0)


def _convert(value: Any, dtype: DataType | Object) -> Any:
    if isinstance(dtype, Object):
        problem = check_object(value, dtype)
        if problem:
            raise _Misfit(problem)
        return value
    return _convert_scalar(value, dtype)


def _convert_scalar(value: Any, dtype: DataType | Object) -> Any:
    if value is None:
        return None
    if dtype is DataType.datetime:
        return _to_date(value)
    if isinstance(dtype, Object) or not is_scalar(value):
        raise _Misfit(f"Value must be a scalar for type `{dtype!s}`, got `{value}`")
    if DataType.check_type(dtype, value) or widens(value, dtype):
        return dtype.to_python()(value)
    raise _Misfit(f"Can not safely convert `{type(value)}` to `{dtype!s}` for value `{value}`")


def _to_date(value: Any) -> datetime.date | None:
    """A date, or a date with time, from ISO 8601 text, a date, or a numpy or pandas time."""
    if not isinstance(value, datetime.date):
        value = _to_numpy_time(value)
    if value is None or value != value:  # a pandas.NaT is a date that differs from itself
        return None
    if isinstance(value, datetime.datetime):
        # Times are kept without zone, as numpy keeps them.
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc)
        parts = value.timetuple()[:6]
        return datetime.datetime(*parts, value.microsecond)
    return value


def _to_numpy_time(value: Any) -> Any:
    numpy = require("numpy", extra="pandas")
    wanted = isinstance(value, (str, numpy.datetime64))
    try:
        moment = numpy.datetime64(value).item() if wanted else _WRONG
    except ValueError:
        moment = _WRONG
    if moment is _WRONG:
        raise _Misfit(
            f"Failed to convert value `{value}` from type `{type(value)}` "
            f"to `{DataType.datetime!s}`"
        )
    if moment is not None and not isinstance(moment, datetime.date):
        raise _Misfit(
            f"Failed to convert value to `{DataType.datetime!s}`. It must be convertible to "
            f"datetime.date/datetime, got `{value}`"
        )
    return moment


_WRONG = object()


def _iso(moment: datetime.date | None) -> str | None:
    return None if moment is None else moment.isoformat()
