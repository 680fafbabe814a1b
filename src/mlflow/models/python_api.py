"""Asking a model in its own environment, and packing it into an image: from Python."""

from __future__ import annotations

import io
import json
import os
import tempfile
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils import env_manager as managers
from mlflow.utils.optional import require

_CONTENT_TYPE_CSV = "csv"
_CONTENT_TYPE_JSON = "json"


def build_docker(
    model_uri: str | None = None,
    name: str = "mlflow-pyfunc",
    env_manager: str = managers.VIRTUALENV,
    mlflow_home: str | None = None,
    install_java: bool | None = False,
    install_mlflow: bool = False,
    base_image: str | None = None,
) -> None:
    """Build a Docker image that serves a model at port 8080.

    Args:
        model_uri: Path or URI of the model; None for an image that serves what is mounted at
            `/opt/ml/model`.
        name: Of the image.
        env_manager: What makes the model's environment in the image.
        mlflow_home: Checkout of Headrace to install in place of this one.
        install_java: Whether Java is installed.
        install_mlflow: Accepted; Headrace is installed in any case.
        base_image: Image to begin with; by default one that fits the model.

    Raises:
        MlflowException: Docker is not there, or there is no such model.
    """
    from mlflow.models.flavor_backend_registry import get_flavor_backend

    get_flavor_backend(model_uri, env_manager=env_manager).build_image(
        model_uri,
        name,
        mlflow_home=mlflow_home,
        install_java=install_java,
        install_mlflow=install_mlflow,
        base_image=base_image,
    )


def predict(
    model_uri: str,
    input_data: Any = None,
    input_path: str | None = None,
    content_type: str = _CONTENT_TYPE_JSON,
    output_path: str | None = None,
    env_manager: str = managers.VIRTUALENV,
    install_mlflow: bool = False,
    pip_requirements_override: list[str] | None = None,
    extra_envs: dict[str, str] | None = None,
) -> None:
    """Ask a model in the environment it wants, and write its answer as JSON.

    Args:
        model_uri: Path or URI of the model.
        input_data: What it is asked: a DataFrame, an array, a list, a dict, a value; or with the
            content type "csv", text in that form.
        input_path: File with a request of the content type, in place of `input_data`. With neither,
            it is read from standard input.
        content_type: "json" or "csv".
        output_path: None for standard output.
        env_manager: "local" for this environment, or what makes the model's: "virtualenv", "uv",
            "conda". It is made once.
        install_mlflow: Accepted; Headrace is installed in any case.
        pip_requirements_override: Requirements in place of the model's of the same names.
        extra_envs: Variables of the model's process.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the arguments do not fit together.

    Example:
        mlflow.models.predict("runs:/<run>/model", input_data=[[1, 2]], env_manager="uv")
    """
    from mlflow.models.flavor_backend_registry import get_flavor_backend

    if content_type not in (_CONTENT_TYPE_JSON, _CONTENT_TYPE_CSV):
        raise MlflowException.invalid_parameter_value(
            f"Content type must be one of {_CONTENT_TYPE_JSON} or {_CONTENT_TYPE_CSV}."
        )
    if extra_envs and env_manager not in (managers.VIRTUALENV, managers.CONDA, managers.UV):
        raise MlflowException.invalid_parameter_value(
            "Extra environment variables are only supported when env_manager is set to "
            f"'{managers.VIRTUALENV}', '{managers.CONDA}' or '{managers.UV}'."
        )
    if input_data is not None and input_path is not None:
        raise MlflowException.invalid_parameter_value(
            "Both input_data and input_path are provided. Only one of them should be specified."
        )
    backend = get_flavor_backend(model_uri, env_manager=env_manager, install_mlflow=install_mlflow)

    def ask(path: str | None) -> None:
        backend.predict(
            model_uri=model_uri,
            input_path=path,
            output_path=output_path,
            content_type=content_type,
            pip_requirements_override=pip_requirements_override,
            extra_envs=extra_envs,
        )

    if input_data is None:
        return ask(input_path)
    text = _serialize_input_data(input_data, content_type)
    with tempfile.TemporaryDirectory(prefix="headrace-input-") as folder:
        path = os.path.join(folder, f"input.{content_type}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        ask(path)


def _serialize_input_data(input_data: Any, content_type: str) -> str:
    """The body of a request with the data."""
    if not isinstance(input_data, _input_types()):
        names = ", ".join(str(each) for each in _input_types())
        raise MlflowException.invalid_parameter_value(
            f"Input data must be one of ({names}), but this is {type(input_data)}."
        )
    try:
        if content_type == _CONTENT_TYPE_JSON:
            from mlflow.models.utils import convert_input_example_to_serving_input

            body = convert_input_example_to_serving_input(input_data)
            assert body is not None
            return body if isinstance(body, str) else json.dumps(body)
        pd = require("pandas", "models", "input as CSV")
        if isinstance(input_data, str):
            _validate_csv_string(input_data)
            return input_data
        return pd.DataFrame(input_data).to_csv(index=False)
    except MlflowException:
        raise
    except Exception as error:  # whatever pandas says of data that is no table
        raise MlflowException.invalid_parameter_value(
            f"The input data cannot be written as {content_type}: {error}"
        ) from error


def _input_types() -> tuple[type, ...]:
    """Types of data that models are asked with. Only libraries that are in use are looked at: no
    object is of a class that was never loaded."""
    import datetime
    import sys

    found: list[type] = []
    for module, names in (
        ("pandas", ("DataFrame", "Series")),
        ("numpy", ("ndarray",)),
        ("scipy.sparse", ("csc_matrix", "csr_matrix")),
    ):
        loaded = sys.modules.get(module)
        found += [getattr(loaded, name) for name in names] if loaded else []
    return (*found, list, dict, datetime.datetime, bool, bytes, float, int, str)


def _validate_csv_string(input_data: str) -> None:
    pd = require("pandas", "models", "input as CSV")
    try:
        pd.read_csv(io.StringIO(input_data))
    except Exception as error:  # whatever pandas says of text that is no table
        raise MlflowException.invalid_parameter_value(
            "Failed to deserialize input string data to Pandas DataFrame."
        ) from error
