"""Types made of other types: arrays, objects with named properties, maps, and "anything"."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import is_
from typing import Any, Union

from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType

ARRAY_TYPE = "array"
OBJECT_TYPE = "object"
MAP_TYPE = "map"
ANY_TYPE = "any"
SPARKML_VECTOR_TYPE = "sparkml_vector"

ALLOWED_DTYPES = Union["Array", "DataType", "Map", "Object", "AnyType", str]
EXPECTED_TYPE_MESSAGE = (
    "Expected mlflow.types.schema.Datatype, mlflow.types.schema.Array, "
    "mlflow.types.schema.Object, mlflow.types.schema.Map, mlflow.types.schema.AnyType or str "
    "for the '{arg_name}' argument, but got {passed_type}"
)


class BaseType(ABC):
    """A type that is not a scalar."""

    @abstractmethod
    def __eq__(self, other: object) -> bool: ...

    @abstractmethod
    def __repr__(self) -> str: ...

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The type as it is written in JSON."""

    @abstractmethod
    def _merge(self, other: BaseType) -> BaseType:
        """The one type of data of which some are of this type and others of `other`.

        Raises:
            MlflowException: INTERNAL_ERROR if there is none.
        """


class Property(BaseType):
    """One named member of an object.

    Args:
        name: Its key.
        dtype: Its type, or the name of a scalar type.
        required: False when objects may lack it.
    """

    def __init__(self, name: str, dtype: ALLOWED_DTYPES, required: bool = True) -> None:
        if not isinstance(name, str):
            raise MlflowException.invalid_parameter_value(
                f"Expected name to be a string, got type {type(name).__name__}"
            )
        self._name = name
        self._dtype = parse_type(dtype, "dtype")
        self._required = required

    @property
    def name(self) -> str:
        """Its key."""
        return self._name

    @property
    def dtype(self) -> DataType | Array | Object | Map:
        """Its type."""
        return self._dtype

    @property
    def required(self) -> bool:
        """False when objects may lack it."""
        return self._required

    @required.setter
    def required(self, value: bool) -> None:
        self._required = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Property) and self.to_dict() == other.to_dict()

    def __lt__(self, other: Property) -> bool:
        return self.name < other.name

    def __repr__(self) -> str:
        return f"{self.name}: {self.dtype!r} ({'required' if self.required else 'optional'})"

    def to_dict(self) -> dict[str, Any]:
        return {self.name: {**type_to_dict(self.dtype), "required": self.required}}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> Property:
        """The property whose name is the only key; `required` is True unless it says otherwise."""
        if len(kwargs) != 1:
            raise MlflowException(
                f"Expected Property JSON to contain a single key as name, got {len(kwargs)} keys."
            )
        [(name, form)] = kwargs.items()
        if not isinstance(form, dict) or "type" not in form:
            raise MlflowException(f"Missing keys in Property `{name}`. Expected to find key `type`")
        return cls(name=name, dtype=type_from_dict(form), required=form.get("required", True))

    def _merge(self, other: BaseType) -> Property:
        if not isinstance(other, Property):
            raise _cannot_merge("property", other)
        if self.name != other.name:
            raise MlflowException("Can't merge properties with different names")
        required = self.required and other.required
        if self.dtype is other.dtype and self.required == required:
            return self
        dtype = merge_types(
            self.dtype,
            other.dtype,
            lambda: f"Properties are incompatible for {self.dtype!s} and {other.dtype!s}",
        )
        return Property(self.name, dtype, required)


class Object(BaseType):
    """A JSON object with known keys.

    Args:
        properties: At least one, with different names; kept sorted by name.
    """

    def __init__(self, properties: list[Property]) -> None:
        self._check_properties(properties)
        self._properties = sorted(properties)

    @staticmethod
    def _check_properties(properties: Any) -> None:
        if not isinstance(properties, list):
            raise MlflowException.invalid_parameter_value(
                f"Expected properties to be a list, got type {type(properties).__name__}"
            )
        if not properties:
            raise MlflowException.invalid_parameter_value(
                "Creating Object with empty properties is not allowed."
            )
        if not all(isinstance(one, Property) for one in properties):
            raise MlflowException.invalid_parameter_value(
                "Expected values to be instance of Property"
            )
        names = [one.name for one in properties]
        if len(set(names)) < len(names):
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            raise MlflowException.invalid_parameter_value(
                f"Found duplicated property names: `{', '.join(twice)}`"
            )

    @property
    def properties(self) -> list[Property]:
        """Its members, sorted by name."""
        return self._properties

    @properties.setter
    def properties(self, value: list[Property]) -> None:
        self._check_properties(value)
        self._properties = sorted(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return "{" + ", ".join(repr(one) for one in self.properties) + "}"

    def to_dict(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for one in self.properties:
            members |= one.to_dict()
        return {"type": OBJECT_TYPE, "properties": members}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> Object:
        """The object type that `to_dict` wrote."""
        _check_keys("Object", kwargs, "properties", OBJECT_TYPE)
        if not isinstance(kwargs["properties"], dict):
            raise MlflowException("Expected properties to be a dictionary of Property JSON")
        members = kwargs["properties"].items()
        return cls([Property.from_json_dict(**{name: form}) for name, form in members])

    def _merge(self, other: BaseType) -> Object:
        if isinstance(other, AnyType):
            return Object([Property(one.name, one.dtype, False) for one in self.properties])
        if not isinstance(other, Object):
            raise _cannot_merge("object", other)
        mine = {one.name: one for one in self.properties}
        theirs = {one.name: one for one in other.properties}
        merged = [mine[name]._merge(theirs[name]) for name in mine if name in theirs]
        if len(merged) == len(mine) == len(theirs) and all(map(is_, merged, self.properties)):
            return self
        alone = [one for one in self.properties if one.name not in theirs]
        alone += [one for one in other.properties if one.name not in mine]
        return Object(merged + [Property(one.name, one.dtype, False) for one in alone])


class Array(BaseType):
    """A list of any length whose items are all of one type.

    Args:
        dtype: Type of the items, or the name of a scalar type.
    """

    def __init__(self, dtype: ALLOWED_DTYPES) -> None:
        self._dtype = parse_type(dtype, "dtype")

    @property
    def dtype(self) -> Array | DataType | Object | Map | AnyType:
        """Type of the items."""
        return self._dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return f"Array({self.dtype!r})"

    def to_dict(self) -> dict[str, Any]:
        return {"type": ARRAY_TYPE, "items": type_to_dict(self.dtype)}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> Array:
        """The array type that `to_dict` wrote."""
        _check_keys("Array", kwargs, "items", ARRAY_TYPE)
        return cls(_inner("Array", kwargs["items"], "items"))

    def _merge(self, other: BaseType) -> Array:
        if isinstance(other, AnyType):
            return self
        if not isinstance(other, Array):
            raise _cannot_merge("array", other)
        merged = merge_types(
            self.dtype,
            other.dtype,
            lambda: (
                f"Array types are incompatible for {self} with dtype={self.dtype!s} "
                f"and {other} with dtype={other.dtype!s}"
            ),
        )
        return self if merged is self.dtype else Array(merged)


class SparkMLVector(Array):
    """A vector of Spark ML: doubles, dense or sparse."""

    def __init__(self) -> None:
        super().__init__(dtype=DataType.double)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SparkMLVector)

    def __repr__(self) -> str:
        return "SparkML vector"

    def to_dict(self) -> dict[str, Any]:
        return {"type": SPARKML_VECTOR_TYPE}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> SparkMLVector:
        """The vector type; it has no parts, so nothing is read."""
        return cls()

    def _merge(self, other: BaseType) -> SparkMLVector:
        if isinstance(other, SparkMLVector):
            return self
        raise MlflowException("SparkML vector type can't be merged with another Array type.")


class Map(BaseType):
    """A JSON object with any string keys and values that are all of one type.

    Args:
        value_type: Type of the values, or the name of a scalar type.
    """

    def __init__(self, value_type: ALLOWED_DTYPES) -> None:
        self._value_type = parse_type(value_type, "value_type")

    @property
    def value_type(self) -> Array | DataType | Object | Map | AnyType:
        """Type of the values."""
        return self._value_type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return f"Map(str -> {self.value_type!s})"

    def to_dict(self) -> dict[str, Any]:
        return {"type": MAP_TYPE, "values": type_to_dict(self.value_type)}

    @classmethod
    def from_json_dict(cls, **kwargs: Any) -> Map:
        """The map type that `to_dict` wrote."""
        _check_keys("Map", kwargs, "values", MAP_TYPE)
        return cls(_inner("Map", kwargs["values"], "values"))

    def _merge(self, other: BaseType) -> Map:
        if isinstance(other, AnyType):
            return self
        if not isinstance(other, Map):
            raise _cannot_merge("map", other)
        merged = merge_types(
            self.value_type,
            other.value_type,
            lambda: (
                f"Map types are incompatible for {self} with value_type={self.value_type!s} "
                f"and {other} with value_type={other.value_type!s}"
            ),
        )
        return self if merged is self.value_type else Map(merged)


class AnyType(BaseType):
    """Any data; what is inferred where there were only missing values."""

    def __init__(self) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyType)

    def __repr__(self) -> str:
        return "Any"

    def to_dict(self) -> dict[str, Any]:
        return {"type": ANY_TYPE}

    def _merge(self, other: BaseType | DataType) -> BaseType | DataType:
        if isinstance(other, DataType) or type(other) is AnyType:
            return other
        if isinstance(other, BaseType):
            return other._merge(self)
        raise MlflowException(
            f"Can't merge AnyType with {type(other).__name__}, it must be a BaseType or DataType"
        )


def parse_type(dtype: Any, argument: str) -> BaseType | DataType:
    """The type that `dtype`, given as the argument of that name, stands for.

    Raises:
        MlflowException: INTERNAL_ERROR if a string names no scalar type, or it is no type.
    """
    if isinstance(dtype, str):
        value = "value " if argument == "value_type" else ""
        return parse_scalar(
            dtype,
            f"Unsupported {value}type '{dtype}', expected instance of "
            "DataType, Array, Object, Map or one of",
        )
    if isinstance(dtype, (DataType, Array, Object, Map, AnyType)):
        return dtype
    message = EXPECTED_TYPE_MESSAGE.format(arg_name=argument, passed_type=repr(dtype))
    if argument == "value_type":
        raise MlflowException.invalid_parameter_value(message)
    raise MlflowException(message)


def parse_scalar(name: str, complaint: str) -> DataType:
    """The scalar type of that name; else an error: `complaint` and the names."""
    try:
        return DataType[name]
    except KeyError:
        names = [one.name for one in DataType]
        raise MlflowException(f"{complaint} {names}") from None


def type_to_dict(dtype: BaseType | DataType) -> dict[str, Any]:
    """A type of any kind as it is written in JSON."""
    return {"type": dtype.name} if isinstance(dtype, DataType) else dtype.to_dict()


def type_from_dict(form: dict[str, Any]) -> BaseType | str:
    """What `form` says with its key `type`: a type, or the name of a scalar type."""
    read = READERS.get(form["type"])
    return read(**form) if read else form["type"]


#: JSON name of each type that is not a scalar, and what reads it.
READERS = {
    ARRAY_TYPE: Array.from_json_dict,
    OBJECT_TYPE: Object.from_json_dict,
    MAP_TYPE: Map.from_json_dict,
    ANY_TYPE: lambda **_: AnyType(),
    SPARKML_VECTOR_TYPE: SparkMLVector.from_json_dict,
}


def merge_types(
    one: BaseType | DataType, other: BaseType | DataType, clash: Callable[[], str]
) -> BaseType | DataType:
    """The common type of two; an error with the message `clash()` if scalars differ."""
    if isinstance(one, BaseType):
        return one._merge(other)
    if one is other or isinstance(other, AnyType):
        return one
    raise MlflowException(clash())


def _cannot_merge(kind: str, other: Any) -> MlflowException:
    return MlflowException(f"Can't merge {kind} with non-{kind} type: {type(other).__name__}")


def _check_keys(kind: str, form: dict[str, Any], part: str, type_name: str) -> None:
    """Raise unless `form` has a type, which must be `type_name`, and the key `part`."""
    if not form.keys() >= {part, "type"}:
        raise MlflowException(
            f"Missing keys in {kind} JSON. Expected to find keys `{part}` and `type`"
        )
    if form["type"] != type_name:
        raise MlflowException(f"Type mismatch, {kind} expects `{type_name}` as the type")


def _inner(kind: str, form: Any, part: str) -> BaseType | str:
    if not isinstance(form, dict):
        raise MlflowException(f"Expected {part} to be a dictionary of Object JSON")
    if "type" not in form:
        raise MlflowException(f"Missing keys in {kind}'s items JSON. Expected to find key `type`")
    return type_from_dict(form)
