"""The flavor that all others have too: a model that is asked by `predict`, and models of one's own.

class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[float]) -> list[float]:
        return [2 * number for number in model_input]

info = mlflow.pyfunc.log_model(name="doubled", python_model=Doubled())
mlflow.pyfunc.load_model(info.model_uri).predict([1.5])
"""

from __future__ import annotations

import importlib.util
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow._later import NotAvailableYet
from mlflow.environment_variables import (
    MLFLOW_DISABLE_SCHEMA_DETAILS as MLFLOW_DISABLE_SCHEMA_DETAILS,
)
from mlflow.environment_variables import (
    MLFLOW_ENFORCE_STDIN_SCORING_SERVER_FOR_SPARK_UDF as MLFLOW_ENFORCE_STDIN_SCORING_SERVER_FOR_SPARK_UDF,  # noqa: E501
)
from mlflow.environment_variables import (
    MLFLOW_MODEL_ENV_DOWNLOADING_TEMP_DIR as MLFLOW_MODEL_ENV_DOWNLOADING_TEMP_DIR,
)
from mlflow.environment_variables import (
    MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT as MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT,
)
from mlflow.environment_variables import MLFLOW_UV_AUTO_DETECT as MLFLOW_UV_AUTO_DETECT
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.models.model import MLMODEL_FILE_NAME as MLMODEL_FILE_NAME
from mlflow.models.model import MODEL_CODE_PATH, MODEL_CONFIG, Model, ModelInfo
from mlflow.models.signature import ModelSignature
from mlflow.pyfunc.context import Context, set_prediction_context
from mlflow.pyfunc.loaded import PyFuncModel
from mlflow.pyfunc.model import (
    ChatAgent,
    ChatModel,
    PythonModel,
    PythonModelContext,
    ResponsesAgent,
    get_default_conda_env,
    get_default_pip_requirements,
)
from mlflow.tracing.provider import trace_disabled as trace_disabled
from mlflow.utils.annotations import deprecated
from mlflow.utils.model_utils import PYTHON_VERSION

if TYPE_CHECKING:
    from mlflow.models.auth_policy import AuthPolicy
    from mlflow.models.resources import Resource


FLAVOR_NAME = "python_function"
MAIN = "loader_module"
CODE = "code"
DATA = "data"
ENV = "env"
TASK = "task"
PY_VERSION = "python_version"
MLFLOW_MODEL_IS_EXTERNAL = "mlflow.model.isExternal"
DEFAULT_AWAIT_MAX_SLEEP_SECONDS = 300
INTERNAL_ERROR = CODES["INTERNAL_ERROR"]
INVALID_PARAMETER_VALUE = CODES["INVALID_PARAMETER_VALUE"]
RESOURCE_DOES_NOT_EXIST = CODES["RESOURCE_DOES_NOT_EXIST"]
BAD_REQUEST = CODES["BAD_REQUEST"]
IS_RESPONSES_AGENT_AVAILABLE = importlib.util.find_spec("pydantic") is not None
HAS_PYSPARK = importlib.util.find_spec("pyspark") is not None

_logger = logging.getLogger(__name__)

#: Public names that live elsewhere; found when asked for, for they cost more to import.
_ELSEWHERE = {
    "mlflow.models.auth_policy": ["AuthPolicy"],
    "mlflow.models.flavor_backend_registry": ["get_flavor_backend"],
    "mlflow.models.resources": ["Resource"],
    "mlflow.pyfunc.dbconnect_artifact_cache": [
        "DBConnectArtifactCache",
        "archive_directory",
        "extract_archive_to_dir",
    ],
    "mlflow.pyfunc.kinds": ["update_signature_for_type_hint_from_example"],
    "mlflow.pyfunc.spark": ["spark_udf"],
    "mlflow.types.agent": [
        "CHAT_AGENT_INPUT_EXAMPLE",
        "CHAT_AGENT_INPUT_SCHEMA",
        "CHAT_AGENT_OUTPUT_SCHEMA",
        "ChatAgentRequest",
        "ChatAgentResponse",
    ],
    "mlflow.types.llm": [
        "CHAT_MODEL_INPUT_EXAMPLE",
        "CHAT_MODEL_INPUT_SCHEMA",
        "CHAT_MODEL_OUTPUT_SCHEMA",
        "ChatCompletionResponse",
        "ChatMessage",
        "ChatParams",
    ],
    "mlflow.types.type_hints": ["model_validate"],
    "mlflow.utils": ["check_port_connectivity", "find_free_port", "get_major_minor_py_version"],
    "mlflow.utils._spark_utils": ["modified_environ"],
    "mlflow.utils.annotations": ["developer_stable"],
    "mlflow.utils.databricks_utils": [
        "get_dbconnect_udf_sandbox_info",
        "is_databricks_connect",
        "is_in_databricks_runtime",
        "is_in_databricks_serverless_runtime",
        "is_in_databricks_shared_cluster_runtime",
        "parse_dbr_runtime_major_minor",
    ],
    "mlflow.utils.docstring_utils": ["format_docstring"],
    "mlflow.utils.file_utils": [
        "get_or_create_nfs_tmp_dir",
        "get_or_create_tmp_dir",
        "get_total_file_size",
        "write_to",
    ],
    "mlflow.utils.nfs_on_spark": ["get_nfs_cache_root_dir"],
    "mlflow.utils.requirements_utils": ["warn_dependency_requirement_mismatches"],
    "mlflow.utils.spark_utils": ["is_spark_connect_mode"],
    "mlflow.utils.uv_utils": ["copy_uv_project_files"],
    "mlflow.utils.warnings_utils": ["color_warning"],
}
_HOMES = {name: home for home, names in _ELSEWHERE.items() for name in names}
_SUBMODULES = {
    "backend",
    "context",
    "dbconnect_artifact_cache",
    "loaders",
    "model",
    "scoring_server",
    "stdin_server",
    "utils",
}

__all__ = [
    "ChatAgent",
    "ChatModel",
    "Context",
    "EnvType",
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "ResponsesAgent",
    "add_to_model",
    "build_model_env",
    "get_default_conda_env",
    "get_default_pip_requirements",
    "get_model_dependencies",
    "load_model",
    "load_pyfunc",
    "log_model",
    "save_model",
    "set_prediction_context",
    "spark_udf",
    "update_signature_for_type_hint_from_example",
]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "Prompt":
        raise NotAvailableYet(f"{__name__}.Prompt")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_SUBMODULES})


class EnvType:
    """Kinds of environments that MLmodel files name."""

    CONDA = "conda"
    VIRTUALENV = "virtualenv"

    def __init__(self) -> None:
        raise NotImplementedError("This class is not meant to be instantiated.")


def add_to_model(
    model: Model,
    loader_module: str,
    data: str | None = None,
    code: str | None = None,
    conda_env: str | dict[str, str] | None = None,
    python_env: str | None = None,
    model_config: dict[str, Any] | None = None,
    model_code_path: str | None = None,
    **kwargs: Any,
) -> Model:
    """Say in a model's description that pyfunc can load it; the description.

    Args:
        model: Is changed.
        loader_module: The module whose `_load_pyfunc` brings it back.
        data: What that is called with: a relative path. None for the model's folder.
        code: The folder with its own code, relative.
        conda_env: The file of its conda environment, relative; or names of environments to files.
        python_env: The file of its Python environment, relative.
        model_config: Its settings.
        model_code_path: The file of Python that it is.
        kwargs: What else the loader needs to know.
    """
    conf: dict[str, Any] = {**kwargs, MAIN: loader_module, PY_VERSION: PYTHON_VERSION}
    environments = {EnvType.CONDA: conda_env, EnvType.VIRTUALENV: python_env}
    environments = {kind: file for kind, file in environments.items() if file}
    parts = {
        CODE: code,
        DATA: data,
        ENV: environments,
        MODEL_CONFIG: model_config,
        MODEL_CODE_PATH: model_code_path,
    }
    conf |= {name: part for name, part in parts.items() if part}
    return model.add_flavor(FLAVOR_NAME, **conf)


def load_model(
    model_uri: str,
    suppress_warnings: bool = False,
    dst_path: str | None = None,
    model_config: str | Path | dict[str, Any] | None = None,
) -> PyFuncModel:
    """A model of any flavor, ready to be asked.

    Args:
        model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.
        suppress_warnings: Do not say where what is installed differs from what it requires.
        dst_path: Folder to fetch it to; None for a temporary one where one is needed.
        model_config: Settings in place of those it was saved with: a dictionary, or the path of a
            YAML file. Others than it was saved with are ignored, with a warning.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such model, or pyfunc cannot load
            it; INVALID_STATE if its files are not those that were saved.
    """
    from mlflow.pyfunc.loading import load

    return load(model_uri, suppress_warnings, dst_path, model_config)


@deprecated("mlflow.pyfunc.load_model", "1.0")
def load_pyfunc(model_uri: str, suppress_warnings: bool = False) -> PyFuncModel:
    """The old name of `load_model`."""
    return load_model(model_uri, suppress_warnings)


def get_model_dependencies(model_uri: str, format: str = "pip") -> str:
    """The path of a file, fetched if need be, that says what a model requires.

    Args:
        model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.
        format: "pip" for requirements.txt, "conda" for conda.yaml.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for another format; RESOURCE_DOES_NOT_EXIST if
            the model does not say.
    """
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri
    from mlflow.utils.uri import append_to_uri_path

    files = {"pip": "requirements.txt", "conda": "conda.yaml"}
    if format not in files:
        raise MlflowException.invalid_parameter_value(
            f"Illegal format argument '{format}'; 'pip' and 'conda' are possible."
        )
    path = _download_artifact_from_uri(append_to_uri_path(str(model_uri), files[format]))
    command = {"pip": "pip install -r", "conda": "conda env create -f"}[format]
    _logger.info("To install what the model requires, run: '%s %s'.", command, path)
    return path


def save_model(
    path: str,
    loader_module: str | None = None,
    data_path: str | None = None,
    code_paths: list[str] | None = None,
    infer_code_paths: bool = False,
    conda_env: Any = None,
    mlflow_model: Model | None = None,
    python_model: Any = None,
    artifacts: dict[str, str] | None = None,
    signature: ModelSignature = None,
    input_example: Any = None,
    pip_requirements: Any = None,
    extra_pip_requirements: Any = None,
    metadata: dict[str, Any] | None = None,
    model_config: Any = None,
    streamable: bool | None = None,
    resources: str | list[Resource] | None = None,
    auth_policy: AuthPolicy | None = None,
    uv_project_path: str | Path | None = None,
    uv_groups: list[str] | None = None,
    uv_extras: list[str] | None = None,
    **kwargs: Any,
) -> Model | None:
    """Save a model of one's own in a new folder.

    Either `python_model` and, with it, `artifacts`; or `loader_module` and `data_path`.

    Args:
        path: A folder that does not exist yet, or is empty.
        loader_module: A module whose `_load_pyfunc(data_path)` gives what has `predict`.
        data_path: A file or folder for it.
        code_paths: Files and folders with code that the model imports.
        infer_code_paths: Find them: what is imported from the working directory.
        conda_env: A conda environment, as a dictionary or the path of its file.
        mlflow_model: What is known already; gets the rest.
        python_model: A `PythonModel`, a function of one argument, or the path of a file of Python
            that calls `mlflow.models.set_model` with one of these. The first two are pickled.
        artifacts: Name to path or URI of what the model reads in `load_context`; it is copied.
        signature: What the model takes and gives. None: what type hints or the input example
            show; False for none.
        input_example: Data that `predict` takes, or a tuple of it and parameters.
        pip_requirements: All that it requires: requirements, or the path of a file. None: what
            its files show.
        extra_pip_requirements: Requirements besides those.
        metadata: Whatever its author wants to say.
        model_config: Settings that can be given others when it is loaded: a dictionary, or the
            path of a YAML file.
        streamable: Whether it can be asked by `predict_stream`; None: if it has that.
        resources: What it uses elsewhere: a list, or the path of a YAML file.
        auth_policy: As whom it does.
        uv_project_path: A uv project whose lock file says what it requires.
        uv_groups: Dependency groups of that project.
        uv_extras: Extras of that project.

    Returns:
        The description for `loader_module`, else None.
    """
    from mlflow.pyfunc.loading import read_settings
    from mlflow.pyfunc.saving import PythonFunction, save_python_model, uv_options

    if kwargs:
        raise TypeError(f"save_model() got unexpected keyword arguments: {kwargs}")
    _check_one_way(
        {"loader_module": loader_module, "data_path": data_path},
        {"artifacts": artifacts, "python_model": python_model},
    )
    settings = read_settings(model_config)
    record = Model() if mlflow_model is None else mlflow_model
    if resources is not None:
        record.resources = resources
    if auth_policy is not None:
        record.auth_policy = auth_policy
    options = {
        "code_paths": code_paths,
        "conda_env": conda_env,
        "mlflow_model": record,
        "signature": signature,
        "input_example": input_example,
        "extra_pip_requirements": extra_pip_requirements,
        "metadata": metadata,
        "model_config": settings,
        "streamable": streamable,
        "pip_requirements": pip_requirements,
        **uv_options(
            uv_project_path,
            uv_groups,
            uv_extras,
            extra_pip_requirements,
            infer=pip_requirements is None and conda_env is None,
        ),
    }
    if python_model is not None:
        options |= {"artifacts": artifacts, "infer_code_paths": infer_code_paths}
        save_python_model(os.fspath(path), python_model, **options)
        return None
    options |= {"loader_module": loader_module, "data_path": data_path}
    PythonFunction().save(None, os.fspath(path), **options)
    return record


def _check_one_way(loaded: dict[str, Any], pickled: dict[str, Any]) -> None:
    """Raise unless exactly one of both ways is taken."""
    both = any(v is not None for v in loaded.values()) and any(
        v is not None for v in pickled.values()
    )
    if both:
        raise MlflowException.invalid_parameter_value(
            f"The following sets of parameters cannot be specified together: {list(loaded)} and "
            f"{list(pickled)}. All parameters in one set must be `None`. Instead, found the "
            f"following values: {loaded} and {pickled}"
        )
    if loaded["loader_module"] is None and pickled["python_model"] is None:
        raise MlflowException.invalid_parameter_value(
            "Either `loader_module` or `python_model` must be specified. A `loader_module` should "
            "be a python module. A `python_model` should be a subclass of PythonModel"
        )


def log_model(
    artifact_path: str | None = None,
    loader_module: str | None = None,
    data_path: str | None = None,
    code_paths: list[str] | None = None,
    infer_code_paths: bool = False,
    conda_env: Any = None,
    python_model: Any = None,
    artifacts: dict[str, str] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature = None,
    input_example: Any = None,
    await_registration_for: int = DEFAULT_AWAIT_MAX_SLEEP_SECONDS,
    pip_requirements: Any = None,
    extra_pip_requirements: Any = None,
    metadata: dict[str, Any] | None = None,
    model_config: Any = None,
    streamable: bool | None = None,
    resources: str | list[Resource] | None = None,
    auth_policy: AuthPolicy | None = None,
    uv_project_path: str | Path | None = None,
    uv_groups: list[str] | None = None,
    uv_extras: list[str] | None = None,
    prompts: list[Any] | None = None,
    name: str | None = None,
    params: dict[str, Any] | None = None,
    tags: dict[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
) -> ModelInfo:
    """Save a model of one's own as a logged model, which the active run, if there is one, made.

    Args:
        artifact_path: The old word for `name`.
        loader_module: This and the following as for `save_model`.
        registered_model_name: Also make a version of this registered model.
        await_registration_for: Seconds to wait for that version to be ready.
        prompts: The prompts it uses, or their URIs.
        name: What it is called; None for a made-up name.
        params: Params of the logged model.
        tags: Tags of the logged model, and of the registered version.
        model_type: Whatever fits, such as "agent".
        step: The step of the run at which it was made.
        model_id: A logged model that exists and waits for its files.
    """
    return Model.log(
        artifact_path=artifact_path,
        name=name,
        flavor=importlib.import_module(__name__),
        registered_model_name=registered_model_name,
        await_registration_for=await_registration_for,
        metadata=metadata,
        resources=resources,
        auth_policy=auth_policy,
        prompts=prompts,
        params=params,
        tags=tags,
        model_type=model_type,
        step=step,
        model_id=model_id,
        loader_module=loader_module,
        data_path=data_path,
        code_paths=code_paths,
        infer_code_paths=infer_code_paths,
        conda_env=conda_env,
        python_model=python_model,
        artifacts=artifacts,
        signature=signature,
        input_example=input_example,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        model_config=model_config,
        streamable=streamable,
        uv_project_path=uv_project_path,
        uv_groups=uv_groups,
        uv_extras=uv_extras,
    )


def build_model_env(model_uri: str, save_path: str, env_manager: str = "virtualenv") -> str:
    """Not available: it packs an environment for workers of one vendor's product."""
    raise RuntimeError(
        "`build_model_env` makes environments for Databricks clusters only. "
        "To run a model in an environment of its own, use `mlflow models serve` or "
        "`mlflow models build-docker`."
    )
