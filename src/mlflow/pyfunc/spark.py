"""A model as a function for columns of Spark tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require


def spark_udf(
    spark: Any,
    model_uri: str,
    result_type: Any = None,
    env_manager: str | None = None,
    params: dict[str, Any] | None = None,
    extra_env: dict[str, str] | None = None,
    prebuilt_env_uri: str | None = None,
    model_config: str | Path | dict[str, Any] | None = None,
) -> Any:
    """A function that asks a model, to be used on columns of a Spark table.

    It takes the model's input columns, in the order of the signature, or one struct of them.

    Args:
        spark: The `SparkSession`.
        model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.
        result_type: A Spark type or its name. None: what the signature says of the output, or
            "double".
        env_manager: "local", or None for it: the model runs with what the workers have.
        params: Parameters of the signature.
        extra_env: Environment variables for the workers.
        prebuilt_env_uri: Not available.
        model_config: Settings in place of those the model was saved with.

    Raises:
        MlflowException: INVALID_STATE without pyspark; NOT_IMPLEMENTED for environments other
            than the workers' own.
    """
    require("pyspark", purpose="mlflow.pyfunc.spark_udf")
    from mlflow.utils.env_manager import LOCAL

    if env_manager not in (None, LOCAL) or prebuilt_env_uri is not None:
        from mlflow._later import NotAvailableYet

        raise NotAvailableYet("spark_udf in environments other than the workers' own")
    from pyspark import SparkFiles
    from pyspark.sql.functions import pandas_udf

    from mlflow.models.flavor import fetch_model

    folder, model = fetch_model(model_uri)
    result = _result_type(result_type, model.get_output_schema())
    names = _names(model.get_input_schema())
    spark.sparkContext.addFile(folder, recursive=True)
    place, variables = os.path.basename(os.path.normpath(folder)), dict(extra_env or {})

    @pandas_udf(result)
    def ask(batches: Iterator[Any]) -> Iterator[Any]:
        os.environ.update(variables)
        import mlflow.pyfunc

        # Once for all batches of a partition.
        model = mlflow.pyfunc.load_model(
            SparkFiles.get(place), suppress_warnings=True, model_config=model_config
        )
        for batch in batches:
            yield _as_column(model.predict(_as_table(batch, names), params=params), result)

    ask.metadata = model
    return ask


def _names(schema: Any) -> list[str] | None:
    return schema.input_names() if schema is not None and schema.has_input_names() else None


def _result_type(given: Any, outputs: Any) -> Any:
    """A Spark type, from one, its name, or the schema of a model's output."""
    from pyspark.sql.types import DoubleType, _parse_datatype_string

    if isinstance(given, str):
        return _parse_datatype_string(given)
    if given is not None:
        return given
    if outputs is None or outputs.is_tensor_spec():
        return DoubleType()
    return outputs.as_spark_schema()


def _as_table(batch: Any, names: list[str] | None) -> Any:
    """The columns of a batch, or its one struct, as a pandas table.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there are fewer than the model takes.
    """
    import pandas as pd

    columns = batch if isinstance(batch, tuple) else (batch,)
    if len(columns) == 1 and isinstance(columns[0], pd.DataFrame):
        return columns[0]
    if names is None:
        names = [str(i) for i in range(len(columns))]
    if len(columns) > len(names):
        raise MlflowException.invalid_parameter_value(
            f"The model takes the columns {names}, but {len(columns)} were given."
        )
    return pd.DataFrame(dict(zip(names, columns, strict=False)))


def _as_column(answer: Any, result: Any) -> Any:
    """What a model gave, in the form that Spark wants for the type."""
    import pandas as pd
    from pyspark.sql.types import ArrayType, StringType, StructType

    if isinstance(result, StructType):
        return answer if isinstance(answer, pd.DataFrame) else pd.DataFrame(answer)
    if isinstance(answer, pd.DataFrame):
        if isinstance(result, ArrayType):
            return pd.Series(answer.to_numpy().tolist())
        answer = answer.iloc[:, 0]
    column = pd.Series(list(answer))
    return column.astype(str) if isinstance(result, StringType) else column
