"""Logged models, from anywhere in a program; and the active one, to which metrics belong.

Like the active run, the active model belongs to a thread or asyncio task.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from mlflow._later import NotAvailableYet
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking import _active_model
from mlflow.tracking._active_model import ActiveModelContext as ActiveModelContext
from mlflow.tracking.fluent import _client, _get_experiment_id, active_run
from mlflow.utils import get_results_from_paginated_fn
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_IS_EXTERNAL
from mlflow.utils.optional import require
from mlflow.utils.validation import _validate_logged_model_name

if TYPE_CHECKING:
    import pandas

_MODELS_PER_PAGE = 1000

_logger = logging.getLogger("mlflow.tracking.fluent")
_last = threading.local()


# Making models


def initialize_logged_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """A new logged model in state PENDING; `finalize_logged_model` says that it is complete.

    Args:
        name: Need not be unique; None for a random one.
        source_run_id: The run that makes it; None for the active one, if there is one.
        tags: It also gets tags about who runs what.
        model_type: Whatever you call it, such as "agent".
        experiment_id: None for that of the active run, or else where new runs go.
    """
    return _create(name, source_run_id, tags, params, model_type, experiment_id)


def create_external_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """A new logged model, READY, whose files are kept elsewhere, so that it cannot be loaded; see
    `initialize_logged_model`."""
    tags = {**(tags or {}), MLFLOW_MODEL_IS_EXTERNAL: "true"}
    model = _create(name, source_run_id, tags, params, model_type, experiment_id)
    client = _client()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "MLmodel")
        _write_external(path, model)
        client.log_model_artifact(model.model_id, path)
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _create(
    name: str | None,
    source_run_id: str | None,
    tags: dict[str, str] | None,
    params: dict[str, str] | None,
    model_type: str | None,
    experiment_id: str | None,
) -> LoggedModel:
    from mlflow.tracking.context.registry import resolve_tags

    run = active_run()
    if source_run_id is None and run is not None:
        source_run_id = run.info.run_id
    if experiment_id is None:
        experiment_id = run.info.experiment_id if run is not None else _get_experiment_id()
    model = _client().create_logged_model(
        experiment_id, name, source_run_id, resolve_tags(tags), params, model_type
    )
    _last.model_id = model.model_id
    return model


def _write_external(path: str, model: LoggedModel) -> None:
    """The `MLmodel` file of a model whose files are elsewhere."""
    from datetime import datetime, timezone

    import yaml

    from mlflow.version import VERSION

    described = {
        "artifact_path": model.artifact_location,
        "flavors": {},
        "is_signature_from_type_hint": False,
        "metadata": {MLFLOW_MODEL_IS_EXTERNAL: True},
        "mlflow_version": VERSION,
        "model_id": model.model_id,
        "model_uuid": model.model_id,
        "prompts": None,
        "type_hint_from_example": False,
        "utc_time_created": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(described, file, allow_unicode=True)


def import_checkpoints(
    checkpoint_path: str,
    source_run_id: str | None = None,
    model_prefix: str | None = None,
    overwrite_checkpoints: bool = False,
) -> list[LoggedModel]:
    """Make a logged model of each checkpoint in a folder of a Unity Catalog volume.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the path is not `/Volumes/…`; NOT_IMPLEMENTED
            if it is, since Unity Catalog is not available in Headrace.
    """
    if not isinstance(checkpoint_path, str) or not checkpoint_path.startswith("/Volumes/"):
        raise MlflowException.invalid_parameter_value(
            f"Invalid checkpoint_path {checkpoint_path!r}; the path of a folder in a Unity Catalog "
            "volume, '/Volumes/…', is needed."
        )
    raise NotAvailableYet("import_checkpoints")


# Reading


def get_logged_model(model_id: str) -> LoggedModel:
    """The logged model; MlflowException RESOURCE_DOES_NOT_EXIST if there is none, or it is
    deleted."""
    return _client().get_logged_model(model_id)


def last_logged_model() -> LoggedModel | None:
    """The logged model that this thread made last, as it is now; None if it made none."""
    model_id = getattr(_last, "model_id", None)
    return None if model_id is None else get_logged_model(model_id)


def search_logged_models(
    experiment_ids: list[str] | None = None,
    filter_string: str | None = None,
    datasets: list[dict[str, str]] | None = None,
    max_results: int | None = None,
    order_by: list[dict[str, Any]] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
) -> list[LoggedModel] | pandas.DataFrame:
    """The logged models that match, newest first unless `order_by` says otherwise.

    Args:
        experiment_ids: None for where new runs go.
        filter_string: Such as `metrics.loss < 0.3 AND params.depth = '3'`.
        datasets: Such as `[{"dataset_name": "eval"}]`: metrics count only if they were measured on
            one of these.
        max_results: None for all.
        order_by: Such as `[{"field_name": "metrics.loss", "ascending": True}]`.
        output_format: "list" for LoggedModel objects, or "pandas" for a frame with one row a model.
    """
    if output_format not in ("pandas", "list"):
        raise MlflowException.invalid_parameter_value(
            f"Unsupported output format: {output_format!r}. Supported string values are 'pandas' "
            "or 'list'"
        )
    client = _client()
    wanted = experiment_ids or [_get_experiment_id()]
    found = get_results_from_paginated_fn(
        lambda size, token: client.search_logged_models(
            wanted, filter_string, datasets, size, order_by, token
        ),
        max_results_per_page=_MODELS_PER_PAGE,
        max_results=max_results,
    )
    if output_format == "list":
        return found
    rows = [{name: value for name, value in model if name != "model_uri"} for model in found]
    return require("pandas", extra="pandas").DataFrame(rows)


# Changing


def finalize_logged_model(
    model_id: str, status: Literal["READY", "FAILED"] | LoggedModelStatus
) -> LoggedModel:
    """Say that a logged model is complete, or that it failed; the model as it is then."""
    return _client().finalize_logged_model(model_id, status)


def log_model_params(params: dict[str, str], model_id: str | None = None) -> None:
    """Set params of a logged model once and for all.

    Args:
        model_id: None for the active model.
    """
    _client().log_model_params(model_id or get_active_model_id(), params)  # type: ignore[arg-type]


def set_logged_model_tags(model_id: str, tags: dict[str, Any]) -> None:
    """Set tags of a logged model to the `str()` of these values."""
    _client().set_logged_model_tags(model_id, tags)


def delete_logged_model_tag(model_id: str, key: str) -> None:
    """Remove a tag of a logged model; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
    _client().delete_logged_model_tag(model_id, key)


# The active model


class ActiveModel(LoggedModel):
    """A logged model that is active here, as it was when it became so. Leaving its `with` block
    makes the one active that was before."""

    def __init__(self, logged_model: LoggedModel, set_by_user: bool):
        for name, value in vars(logged_model).items():
            setattr(self, name, value)
        self.last_active_model_context = _active_model.context.get()
        _active_model.context.set(ActiveModelContext(self.model_id, set_by_user))

    def __enter__(self) -> ActiveModel:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        _active_model.context.set(self.last_active_model_context)


def set_active_model(*, name: str | None = None, model_id: str | None = None) -> ActiveModel:
    """Let metrics that this thread or task logs belong to a logged model.

        with mlflow.set_active_model(name="agent-v2"):
            mlflow.log_metric("accuracy", 0.9)

    Args:
        name: Of the newest such model where new runs go; if there is none, one is made, as with
            `create_external_model`.
        model_id: Of a model that is there; it wins over the name.
    """
    if name is None and model_id is None:
        raise MlflowException.invalid_parameter_value(
            "Either name or model_id must be provided, to say which logged model becomes active."
        )
    model = get_logged_model(model_id) if model_id is not None else _model_named(str(name))
    active = ActiveModel(model, set_by_user=True)
    _logger.info("Active model is set to the logged model with ID: %s", model.model_id)
    return active


def _model_named(name: str) -> LoggedModel:
    _validate_logged_model_name(name)
    run = active_run()
    experiment = run.info.experiment_id if run is not None else _get_experiment_id()
    found = _client().search_logged_models([experiment], f"name = '{name}'", max_results=1)
    if found:
        return found[0]
    _logger.info("There is no logged model '%s' yet; making one.", name)
    return create_external_model(name=name)


def get_active_model_id() -> str | None:
    """The id of the model that is active here: what `set_active_model` chose, else what
    MLFLOW_ACTIVE_MODEL_ID said when the process began; None if none is."""
    return _active_model.active_model_id()


def clear_active_model() -> None:
    """Let no model be active here."""
    _active_model.context.set(ActiveModelContext())
    _logger.info("Active model is cleared")
