"""Types of the data that datasets hold and models take and give."""

from __future__ import annotations

from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.version import IS_TRACING_SDK_ONLY as IS_TRACING_SDK_ONLY

__all__ = ["ColSpec", "DataType", "ParamSchema", "ParamSpec", "Schema", "TensorSpec"]
