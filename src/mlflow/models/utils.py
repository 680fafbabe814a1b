"""Input examples, schemas and a few odd helpers, under their public names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Union

from mlflow.exceptions import MlflowException
from mlflow.models.example import (
    DF_SPLIT,
    EXAMPLE_DATA_KEY,
    EXAMPLE_FILENAME,
    EXAMPLE_PARAMS_KEY,
    INPUT_EXAMPLE_PATH,
    INPUTS,
    SERVING_INPUT_FILENAME,
    SERVING_INPUT_PATH,
    SERVING_PARAMS_KEY,
    Example,
)
from mlflow.utils.annotations import deprecated
from mlflow.utils.optional import require

if TYPE_CHECKING:
    from mlflow.entities.logged_model import LoggedModel
    from mlflow.models.model import Model
    from mlflow.types.schema import Schema

PyFuncLLMSingleInput = dict[str, Any] | bool | bytes | float | int | str
PyFuncLLMOutputChunk = dict[str, Any] | str


def convert_input_example_to_serving_input(input_example: Any) -> str | None:
    """The body of a request that has the scoring server ask a model with this; None for None.

    Args:
        input_example: Data, or a tuple of data and parameters.
    """
    return None if input_example is None else Example.of(input_example).serving_input()


def load_serving_example(model_uri_or_path: str) -> str:
    """The body of a request that a model's input example makes.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if the model has none.
    """
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri
    from mlflow.utils.file_utils import TempDir
    from mlflow.utils.uri import append_to_uri_path

    with TempDir() as folder:
        uri = append_to_uri_path(str(model_uri_or_path), SERVING_INPUT_FILENAME)
        path = _download_artifact_from_uri(uri, output_path=folder.path())
        with open(path, encoding="utf-8") as file:
            return file.read()


@deprecated("mlflow.models.predict", "3.13.0")
def validate_serving_input(model_uri: str, serving_input: str | dict[str, Any]) -> Any:
    """What a model answers to a request to the scoring server, without a server.

    Args:
        serving_input: The body: JSON, or what it says.

    Raises:
        MlflowException: If the body is no request.
    """
    from mlflow.pyfunc import load_model
    from mlflow.pyfunc.scoring_server import CONTENT_TYPE_JSON, parse

    body = serving_input if isinstance(serving_input, str) else json.dumps(serving_input)
    model = load_model(model_uri)
    asked = parse(body, CONTENT_TYPE_JSON, model.metadata.get_input_schema(), model.metadata)
    return model.predict(asked.data, params=asked.params)


def validate_schema(data: Any, expected_schema: Schema) -> None:
    """Raise unless data is what a schema says.

    Args:
        data: A table, an array, a list, a dictionary or a scalar.
        expected_schema: Such as `signature.inputs`.

    Raises:
        MlflowException: If it is not.
    """
    from mlflow.models.enforcement import enforce_schema

    enforce_schema(data, expected_schema)


def get_model_version_from_model_uri(model_uri: str) -> Any:
    """The registered version that a `models:/…` URI names.

    Raises:
        MlflowException: If it names none.
    """
    from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository
    from mlflow.tracking.client import MlflowClient

    named = ModelsArtifactRepository(model_uri)
    if named.model_version is None:
        raise MlflowException.invalid_parameter_value(
            f"'{model_uri}' is a logged model, not a version of a registered model."
        )
    return MlflowClient().get_model_version(named.model_name, named.model_version)


def get_external_mlflow_model_spec(logged_model: LoggedModel) -> Model:
    """What the MLmodel file says of a model whose files are elsewhere."""
    from mlflow.models.model import Model
    from mlflow.models.signature import infer_signature
    from mlflow.utils.mlflow_tags import MLFLOW_MODEL_IS_EXTERNAL

    return Model(
        artifact_path=logged_model.artifact_location,
        model_uuid=logged_model.model_id,
        model_id=logged_model.model_id,
        run_id=logged_model.source_run_id,
        # There is nothing to say, but registries want a signature.
        signature=infer_signature(True, True),
        metadata={MLFLOW_MODEL_IS_EXTERNAL: True},
    )


def add_libraries_to_model(
    model_uri: str, run_id: str | None = None, registered_model_name: str | None = None
) -> Any:
    """Make a version of a registered model that has the wheels of all it requires."""
    from mlflow._later import NotAvailableYet

    raise NotAvailableYet("mlflow.models.add_libraries_to_model")


def convert_complex_types_pyspark_to_pandas(value: Any, dataType: Any) -> Any:
    """A value of a Spark table as pandas has it: rows as dictionaries, arrays as numpy's."""
    kind = type(dataType).__name__
    if value is None:
        return None
    if kind == "StructType":
        row = value.asDict() if hasattr(value, "asDict") else value
        return {
            field.name: convert_complex_types_pyspark_to_pandas(row[field.name], field.dataType)
            for field in dataType.fields
        }
    if kind == "ArrayType":
        items = [convert_complex_types_pyspark_to_pandas(v, dataType.elementType) for v in value]
        return require("numpy").array(items)
    if kind == "MapType":
        return {
            convert_complex_types_pyspark_to_pandas(k, dataType.keyType): (
                convert_complex_types_pyspark_to_pandas(v, dataType.valueType)
            )
            for k, v in value.items()
        }
    return value


def plot_lines(
    data_series: list[tuple[str, Any, Any]],
    xlabel: str,
    ylabel: str,
    legend_loc: str | None = None,
    line_kwargs: dict[str, Any] | None = None,
    title: str | None = None,
) -> tuple[Any, Any]:
    """A matplotlib figure and its axes with a line for each (label, x, y)."""
    pyplot = require("matplotlib.pyplot", extra="figures", purpose="plots")
    figure, axes = pyplot.subplots()
    for label, x, y in data_series:
        axes.plot(x, y, label=label, **(line_kwargs or {}))
    if any(label for label, _, _ in data_series):
        axes.legend(loc=legend_loc)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title or "")
    return figure, axes


class MockDbutils:
    """Takes the place of Databricks' `dbutils` where that cannot work: every name gives an object
    of this kind again, and every call one.

    Args:
        real_dbutils: What answers instead, if there is one.
    """

    def __init__(self, real_dbutils: Any = None):
        self.real_dbutils = real_dbutils

    def __getattr__(self, name: str) -> Any:
        try:
            return MockDbutils(getattr(self.__dict__.get("real_dbutils"), name))
        except AttributeError:
            return MockDbutils()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if callable(self.real_dbutils):
            return self.real_dbutils(*args, **kwargs)
        return MockDbutils()


def __getattr__(name: str) -> Any:
    # What needs libraries that a plain installation lacks.
    from importlib.util import find_spec

    if name == "HAS_PYSPARK":
        return find_spec("pyspark") is not None
    if name == "HAS_SCIPY":
        return find_spec("scipy") is not None
    if name == "SparkDataFrame":
        return require("pyspark.sql").DataFrame if find_spec("pyspark") else None
    if name in _TYPES:
        return _types()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_TYPES = ("ModelInputExample", "PyFuncInput", "PyFuncOutput")


def _types() -> dict[str, Any]:
    """Annotations of what models take and give, of the libraries that are installed."""
    import datetime
    from importlib.util import find_spec

    def kinds(module: str, *names: str) -> tuple[Any, ...]:
        if find_spec(module.partition(".")[0]) is None:
            return ()
        return tuple(getattr(require(module), name) for name in names)

    frame, arrays = kinds("pandas", "DataFrame"), kinds("numpy", "ndarray")
    series, sparse = (
        kinds("pandas", "Series"),
        kinds("scipy.sparse", "csc_matrix", "csr_matrix"),
    )
    scalars = (datetime.datetime, bool, bytes, float, int, str)
    tables = (*frame, *series, *arrays)
    return {
        "ModelInputExample": Union[(*frame, *arrays, dict, list, *sparse, str, bytes, tuple)],
        "PyFuncInput": Union[(*tables, *sparse, list[Any], dict[str, Any], *scalars)],
        "PyFuncOutput": Union[(*tables, list, str, dict[str, Any])],
    }


__all__ = [
    "DF_SPLIT",
    "EXAMPLE_DATA_KEY",
    "EXAMPLE_FILENAME",
    "EXAMPLE_PARAMS_KEY",
    "INPUTS",
    "INPUT_EXAMPLE_PATH",
    "SERVING_INPUT_FILENAME",
    "SERVING_INPUT_PATH",
    "SERVING_PARAMS_KEY",
    "MockDbutils",
    "add_libraries_to_model",
    "convert_complex_types_pyspark_to_pandas",
    "convert_input_example_to_serving_input",
    "get_external_mlflow_model_spec",
    "get_model_version_from_model_uri",
    "load_serving_example",
    "plot_lines",
    "validate_schema",
    "validate_serving_input",
]
