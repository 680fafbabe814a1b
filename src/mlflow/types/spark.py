"""Spark SQL types of a schema, and the other way round. Loaded only when Spark is used."""

from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import Array, BaseType, Map, Object, Property, SparkMLVector
from mlflow.types.schema import ColSpec, Schema
from mlflow.utils.optional import require

_SCALARS = {
    "BooleanType": DataType.boolean,
    "ByteType": DataType.integer,
    "ShortType": DataType.integer,
    "IntegerType": DataType.integer,
    "LongType": DataType.long,
    "FloatType": DataType.float,
    "DoubleType": DataType.double,
    "StringType": DataType.string,
    "BinaryType": DataType.binary,
    "DateType": DataType.datetime,
    "TimestampType": DataType.datetime,
}


def spark_schema(schema: Schema) -> Any:
    """The struct type of the columns; the bare type when the only column has no name."""
    types = require("pyspark.sql.types")
    if len(schema.inputs) == 1 and schema.inputs[0].name is None:
        return to_spark(schema.inputs[0].type)
    columns = zip(schema.input_names(), schema.inputs, strict=True)
    return types.StructType(
        [
            types.StructField(str(name), to_spark(column.type), not column.required)
            for name, column in columns
        ]
    )


def to_spark(dtype: BaseType | DataType) -> Any:
    """The Spark SQL type of one type.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if Spark has none.
    """
    types = require("pyspark.sql.types")
    if isinstance(dtype, DataType):
        return dtype.to_spark()
    if isinstance(dtype, SparkMLVector):
        return require("pyspark.ml.linalg").VectorUDT()
    if isinstance(dtype, Array):
        return types.ArrayType(to_spark(dtype.dtype))
    if isinstance(dtype, Map):
        return types.MapType(types.StringType(), to_spark(dtype.value_type))
    if isinstance(dtype, Object):
        return types.StructType(
            [
                types.StructField(one.name, to_spark(one.dtype), not one.required)
                for one in dtype.properties
            ]
        )
    raise MlflowException.invalid_parameter_value(f"Spark has no type for {dtype!r}")


def infer_spark_schema(frame: Any) -> Schema:
    """The schema of a Spark DataFrame; every column is required."""
    return Schema([ColSpec(from_spark(one.dataType), one.name) for one in frame.schema.fields])


def from_spark(spark_type: Any) -> BaseType | DataType:
    """The type that a Spark SQL type stands for.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is none.
    """
    kind = type(spark_type).__name__
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "VectorUDT":
        return SparkMLVector()
    if kind == "ArrayType":
        return Array(from_spark(spark_type.elementType))
    if kind == "MapType" and type(spark_type.keyType).__name__ == "StringType":
        return Map(from_spark(spark_type.valueType))
    if kind == "StructType":
        members = [
            Property(one.name, from_spark(one.dataType), not one.nullable)
            for one in spark_type.fields
        ]
        return Object(members)
    raise MlflowException.invalid_parameter_value(
        f"A Spark column of type '{spark_type}' has no schema type; "
        f"known are {sorted(_SCALARS)}, arrays, maps with string keys and structs"
    )
