"""scikit-learn: saving, loading and logging models; `autolog` logs what is trained.

mlflow.sklearn.autolog()
LogisticRegression().fit(X, y)  # params, metrics, plots, data and model are in a run
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from mlflow.environment_variables import MLFLOW_ALLOW_PICKLE_DESERIALIZATION
from mlflow.error_codes import CODES
from mlflow.models.model import MLMODEL_FILE_NAME, Model
from mlflow.sklearn.flavor import (
    FLAVOR_NAME,
    SERIALIZATION_FORMAT_CLOUDPICKLE,
    SERIALIZATION_FORMAT_PICKLE,
    SERIALIZATION_FORMAT_SKOPS,
    SUPPORTED_SERIALIZATION_FORMATS,
    SklearnFlavor,
    _SklearnModelWrapper,
    check_format,
    default_format,
    load_pyfunc,
)
from mlflow.utils.autologging_utils import INPUT_EXAMPLE_SAMPLE_ROWS, autologging_integration
from mlflow.utils.environment import _mlflow_conda_env
from mlflow.utils.mlflow_tags import MLFLOW_AUTOLOGGING, MLFLOW_DATASET_CONTEXT
from mlflow.utils.requirements_utils import pinned

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from mlflow.models.signature import ModelSignature

DEFAULT_AWAIT_MAX_SLEEP_SECONDS = 300
INTERNAL_ERROR = CODES["INTERNAL_ERROR"]
INVALID_PARAMETER_VALUE = CODES["INVALID_PARAMETER_VALUE"]

#: Names that others find here though they live elsewhere; looked up when asked for.
_ELSEWHERE = {
    "mlflow.data.code_dataset_source": ["CodeDatasetSource"],
    "mlflow.data.numpy_dataset": ["from_numpy"],
    "mlflow.data.pandas_dataset": ["from_pandas"],
    "mlflow.entities.dataset_input": ["DatasetInput"],
    "mlflow.entities.input_tag": ["InputTag"],
    "mlflow.exceptions": ["MlflowException"],
    "mlflow.models.signature": ["ModelSignature"],
    "mlflow.tracking.client": ["MlflowClient"],
    "mlflow.utils.autologging_utils": [
        "disable_autologging",
        "get_autologging_config",
        "get_instance_method_first_arg_value",
        "resolve_input_example_and_signature",
    ],
    "mlflow.utils.autologging_utils.client": ["MlflowAutologgingQueueingClient"],
    "mlflow.utils.autologging_utils.safety": ["safe_patch", "update_wrapper_extended"],
    "mlflow.utils.data_utils": ["is_polars_dataframe"],
    "mlflow.utils.databricks_utils": [
        "is_in_databricks_model_serving_environment",
        "is_in_databricks_runtime",
    ],
    "mlflow.utils.docstring_utils": ["format_docstring"],
    "mlflow.utils.file_utils": ["get_total_file_size", "write_to"],
    "mlflow.utils.uri": ["is_databricks_uri"],
}
_HOMES = {name: home for home, names in _ELSEWHERE.items() for name in names}

__all__ = [
    "FLAVOR_NAME",
    "INPUT_EXAMPLE_SAMPLE_ROWS",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION",
    "MLFLOW_AUTOLOGGING",
    "MLFLOW_DATASET_CONTEXT",
    "MLMODEL_FILE_NAME",
    "SERIALIZATION_FORMAT_CLOUDPICKLE",
    "SERIALIZATION_FORMAT_PICKLE",
    "SERIALIZATION_FORMAT_SKOPS",
    "SUPPORTED_SERIALIZATION_FORMATS",
    "_SklearnModelWrapper",
    "autolog",
    "get_default_conda_env",
    "get_default_pip_requirements",
    "load_model",
    "log_model",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def get_default_pip_requirements(
    include_cloudpickle: bool = False, include_skops: bool = False
) -> list[str]:
    """What every scikit-learn model needs, as installed here.

    Args:
        include_cloudpickle: For a model saved as cloudpickle.
        include_skops: For a model saved as skops.
    """
    wanted = {"scikit-learn": True, "cloudpickle": include_cloudpickle, "skops": include_skops}
    return [one for package, needed in wanted.items() if needed for one in pinned([package])]


def get_default_conda_env(
    include_cloudpickle: bool = False, include_skops: bool = False
) -> dict[str, Any]:
    """A conda environment with that; see `get_default_pip_requirements`."""
    return _mlflow_conda_env(
        additional_pip_deps=get_default_pip_requirements(include_cloudpickle, include_skops)
    )


def save_model(
    sk_model: Any,
    path: str,
    conda_env: Any = None,
    code_paths: list[str] | None = None,
    mlflow_model: Model | None = None,
    serialization_format: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: Any = None,
    extra_pip_requirements: Any = None,
    pyfunc_predict_fn: str = "predict",
    metadata: dict[str, Any] | None = None,
    skops_trusted_types: list[str] | None = None,
    extra_files: list[str] | None = None,
) -> None:
    """Save a scikit-learn model as a folder.

    Args:
        sk_model: Any estimator, fitted or not.
        path: A folder that does not exist yet, or is empty.
        conda_env: A conda environment, as a dictionary or the path of its file.
        code_paths: Files and folders with code that the model imports.
        mlflow_model: What is known of the model already.
        serialization_format: "skops", which holds no code, "cloudpickle" or "pickle"; None for
            skops where it is installed.
        signature: What it takes and gives; None for what the input example shows.
        input_example: Data that it takes.
        pip_requirements: All that it requires; None for what its file shows.
        extra_pip_requirements: Requirements besides those.
        pyfunc_predict_fn: The method that pyfunc's `predict` calls, such as "predict_proba".
        metadata: Whatever its author wants to say.
        skops_trusted_types: Names of types that skops may make though it does not know them; None
            for those of scikit-learn itself that the model holds.
        extra_files: Paths or URIs of other files it needs.

    Raises:
        MlflowException: INTERNAL_ERROR if skops cannot hold it, or only with types that are not
            listed as trusted.
    """
    chosen = default_format() if serialization_format is None else serialization_format
    check_format(chosen)
    SklearnFlavor().save(
        sk_model,
        path,
        conda_env=conda_env,
        code_paths=code_paths,
        mlflow_model=mlflow_model,
        signature=signature,
        input_example=input_example,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        metadata=metadata,
        extra_files=extra_files,
        serialization_format=chosen,
        pyfunc_predict_fn=pyfunc_predict_fn,
        skops_trusted_types=skops_trusted_types,
    )


def log_model(
    sk_model: Any,
    artifact_path: str | None = None,
    conda_env: Any = None,
    code_paths: list[str] | None = None,
    serialization_format: str | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    pip_requirements: Any = None,
    extra_pip_requirements: Any = None,
    pyfunc_predict_fn: str = "predict",
    metadata: dict[str, Any] | None = None,
    extra_files: list[str] | None = None,
    params: dict[str, Any] | None = None,
    tags: dict[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    name: str | None = None,
    skops_trusted_types: list[str] | None = None,
    **kwargs: Any,
) -> ModelInfo:
    """Save a scikit-learn model as a logged model, which the active run, if there is one, has made.

    Args:
        artifact_path: The old word for `name`.
        registered_model_name: Also make a version of this registered model.
        await_registration_for: Seconds to wait for that version to be ready.
        params: Params of the logged model.
        tags: Tags of the logged model, and of the registered version.
        model_type: Whatever fits.
        step: The step of the run at which it was made.
        model_id: A logged model that exists and waits for its files.
        name: What it is called; None for a made-up name.
        kwargs: What `Model.log` takes besides.

    The rest is as in `save_model`.
    """
    return Model.log(
        artifact_path=artifact_path,
        name=name,
        flavor=sys.modules[__name__],
        sk_model=sk_model,
        conda_env=conda_env,
        code_paths=code_paths,
        serialization_format=serialization_format,
        registered_model_name=registered_model_name,
        signature=signature,
        input_example=input_example,
        await_registration_for=await_registration_for,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        pyfunc_predict_fn=pyfunc_predict_fn,
        metadata=metadata,
        extra_files=extra_files,
        params=params,
        tags=tags,
        model_type=model_type,
        step=step,
        model_id=model_id,
        skops_trusted_types=skops_trusted_types,
        **kwargs,
    )


def load_model(model_uri: str, dst_path: str | None = None) -> Any:
    """The scikit-learn model.

    Args:
        model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.
        dst_path: Folder to fetch it to; None for a temporary one where one is needed.
    """
    return SklearnFlavor().load(model_uri, dst_path)


def _load_pyfunc(path: str) -> _SklearnModelWrapper:
    """For `mlflow.pyfunc.load_model`."""
    return load_pyfunc(path)


@autologging_integration(FLAVOR_NAME)
def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    max_tuning_runs: int | None = 5,
    log_post_training_metrics: bool = True,
    serialization_format: str = SERIALIZATION_FORMAT_CLOUDPICKLE,
    registered_model_name: str | None = None,
    pos_label: Any = None,
    extra_tags: dict[str, str] | None = None,
) -> None:
    """Log what scikit-learn's estimators are trained with, and how well, from now on.

    Each outermost `fit`, `fit_transform` or `fit_predict` of an estimator (not of preprocessing)
    logs to the active run, or to one of its own: params, metrics on the training data, plots of
    classifiers, a diagram of the estimator, the data's digest, and the model. Searches such as
    `GridSearchCV` also get a child run for each of the best candidates. Afterwards `model.score()`
    and functions of `sklearn.metrics` on its predictions are logged to the same run.

    Args:
        log_input_examples: Keep some rows of the training data with the model.
        log_model_signatures: Say what the model takes and gives.
        log_models: Log the model.
        log_datasets: Note which data was used.
        disable: Log nothing from now on.
        exclusive: Leave runs alone that the user has started.
        disable_for_unsupported_versions: Log nothing if this version of scikit-learn is not one
            that was tested.
        silent: Show no messages and warnings of autologging.
        max_tuning_runs: Child runs of a search; None for all candidates.
        log_post_training_metrics: Log scores and metrics after the training.
        serialization_format: "cloudpickle", "pickle" or "skops".
        registered_model_name: Make each model a version of this registered model.
        pos_label: The positive class of binary classifiers; None for metrics over all classes.
        extra_tags: Of the runs.
    """
    from mlflow.sklearn.autologging import turn_on

    check_format(serialization_format)
    turn_on(max_tuning_runs=max_tuning_runs, extra_tags=extra_tags)
