"""How models of one's own are saved."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlflow.environment_variables import MLFLOW_UV_AUTO_DETECT
from mlflow.exceptions import MlflowException
from mlflow.models.flavor import Flavor, Written
from mlflow.models.model import MODEL_CODE_PATH, MODEL_CONFIG
from mlflow.models.signature import ModelSignature
from mlflow.pyfunc.kinds import Described, describe
from mlflow.pyfunc.model import (
    CONFIG_KEY_CLOUDPICKLE_VERSION,
    PythonModelContext,
    get_default_pip_requirements,
)
from mlflow.pyfunc.python_model import as_python_model, can_stream, write_artifacts, write_pickle

_logger = logging.getLogger("mlflow.pyfunc")

DATA = "data"


class PythonFunction(Flavor):
    """Models that are a `PythonModel`, a function, code, or whatever a module of the user's own
    loads."""

    name = "python_function"

    def write(self, model: Any, folder: str, **options: Any) -> Written:
        conf: dict[str, Any] = {"code": None}
        if options.get("model_config"):
            conf[MODEL_CONFIG] = options["model_config"]
        streamable = options.get("streamable")
        if options.get("inferred_code"):
            conf["code"] = _copy_inferred(options["inferred_code"], folder)
        if options.get("uv_project"):
            from mlflow.utils.uv_utils import copy_uv_project_files

            copy_uv_project_files(folder, options["uv_project"])
        if model is None:
            if (data_path := options.get("data_path")) is not None:
                conf[DATA] = _copy_data(data_path, folder)
            conf |= {"loader_module": options["loader_module"], "streamable": bool(streamable)}
            return Written({}, conf)
        conf |= write_artifacts(options.get("artifacts"), folder)
        if (code := options.get("code_file")) is not None:
            shutil.copy(code, os.path.join(folder, os.path.basename(code)))
            conf |= {"loader_module": "mlflow.pyfunc.loaders.code_model", MODEL_CODE_PATH: code}
        else:
            conf |= {"loader_module": options["loader_module"], **write_pickle(model, folder)}
        try:
            conf[CONFIG_KEY_CLOUDPICKLE_VERSION] = version("cloudpickle")
            requirements = tuple(get_default_pip_requirements())
        except PackageNotFoundError:  # code needs none
            requirements = ()
        if streamable is None:
            streamable = options["always_streams"] or can_stream(model)
        return Written({}, {**conf, "streamable": streamable}, requirements)

    def read(self, folder: str, conf: Mapping[str, Any]) -> Any:
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(folder)

    def predictor(
        self, model: Any, **options: Any
    ) -> Callable[[Any, dict[str, Any] | None], Any] | None:
        if model is None:
            return None
        _logger.info("Inferring model signature from input example")
        from mlflow.pyfunc.loaders.code_model import in_context

        context = context_of(options.get("artifacts"), options.get("model_config"))
        model.load_context(context)
        return in_context(model, context).predict


def context_of(artifacts: dict[str, Any] | None, model_config: Any) -> PythonModelContext:
    """The context that a model will have when it is loaded, before it is saved."""
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    fetched = {k: _download_artifact_from_uri(os.fspath(v)) for k, v in (artifacts or {}).items()}
    return PythonModelContext(fetched, model_config)


def save_python_model(
    path: str,
    python_model: Any,
    *,
    artifacts: dict[str, Any] | None,
    model_config: dict[str, Any] | None,
    signature: ModelSignature | bool | None,
    input_example: Any,
    metadata: dict[str, Any] | None,
    infer_code_paths: bool,
    **options: Any,
) -> None:
    """Save a `PythonModel`, a function, or the path of a file of code."""
    from mlflow.models.dependencies_schemas import _get_dependencies_schemas

    code_file = None
    with _get_dependencies_schemas() as schemas:
        if isinstance(python_model, (str, os.PathLike)):
            from mlflow.models.from_code import load_model_code

            code_file = _existing(python_model)
            python_model = load_model_code(code_file, model_config)
        else:
            _logger.warning(
                "The model is saved as a pickle, which runs code when it is loaded. To avoid "
                "that, pass the path of a file of Python that calls `mlflow.models.set_model`."
            )
        retrieved = schemas.to_dict()
    model = as_python_model(python_model, signature)
    described = describe(
        model, signature, input_example, lambda: context_of(artifacts, model_config)
    )
    inferred = _inferred_code(infer_code_paths, options.get("code_paths"), model, code_file)
    PythonFunction().save(
        model,
        path,
        signature=described.signature,
        input_example=described.input_example,
        metadata=_metadata(metadata, described, retrieved),
        loader_module=described.loader_module,
        always_streams=described.always_streams,
        artifacts=artifacts,
        model_config=model_config,
        code_file=code_file,
        inferred_code=inferred,
        **options,
    )


def _metadata(
    given: dict[str, Any] | None, described: Described, retrieved: dict[str, Any] | None
) -> dict[str, Any] | None:
    metadata = {**(given or {}), **(retrieved or {})}
    if described.task is not None:
        metadata["task"] = described.task
    return metadata or given


def _existing(path: str | os.PathLike[str]) -> str:
    resolved = Path(path).resolve()
    if not resolved.is_file():
        raise MlflowException.invalid_parameter_value(
            f"The provided model path '{resolved}' does not exist. Ensure the file path is valid "
            "and try again."
        )
    return str(resolved)


def _inferred_code(
    wanted: bool, code_paths: list[str] | None, model: Any, code_file: str | None
) -> dict[str, str]:
    if not wanted:
        return {}
    if code_paths:
        raise MlflowException(
            "If 'infer_code_path' is set to True, 'code_paths' param cannot be set."
        )
    from mlflow.pyfunc.inferred_code import local_files_of

    return local_files_of(model, code_file)


def _copy_inferred(files: dict[str, str], folder: str) -> str:
    """Copy files below a model's folder; the name of the folder they are in."""
    for name, source in files.items():
        target = os.path.join(folder, "code", *name.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)
    return "code"


def _copy_data(data_path: str | os.PathLike[str], folder: str) -> str:
    """Copy a model's data below its folder; its relative name."""
    source = os.path.abspath(os.fspath(data_path))
    name = os.path.basename(source)
    target = os.path.join(folder, DATA, name)
    try:
        if os.path.isdir(source):
            shutil.copytree(source, target)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
    except OSError as error:
        raise MlflowException.invalid_parameter_value(
            f"`data_path` '{data_path}' could not be copied into the model: {error}"
        ) from error
    return f"{DATA}/{name}"


def uv_options(
    project: str | Path | None,
    groups: list[str] | None,
    extras: list[str] | None,
    extra_requirements: Any,
    *,
    infer: bool,
) -> dict[str, Any]:
    """What a uv project changes in the options of `save`: the one given, else that of the working
    directory, unless MLFLOW_UV_AUTO_DETECT is false.

    Args:
        extra_requirements: What is required besides what its lock file says.
        infer: Whether requirements are to be taken from the lock file.
    """
    from mlflow.utils.environment import _parsed
    from mlflow.utils.uv_utils import detect_uv_project, export_uv_requirements

    if project is None and MLFLOW_UV_AUTO_DETECT.get():
        project = os.getcwd()
    if project is None or detect_uv_project(project) is None:
        return {}
    options: dict[str, Any] = {"uv_project": os.fspath(project)}
    lines = export_uv_requirements(project, groups=groups, extras=extras) if infer else None
    if lines:
        more, _ = _parsed(extra_requirements or [], "extra_pip_requirements")
        lines = [*get_default_pip_requirements(), *lines, *more]
        options |= {"pip_requirements": lines, "extra_pip_requirements": None}
    return options
