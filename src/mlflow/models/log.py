"""Logging a model: a logged model is created, its files are saved where it says, it is finished."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.location import Location
from mlflow.utils.model_utils import part_beside

if TYPE_CHECKING:
    from mlflow.entities import LoggedModelOutput, Metric
    from mlflow.entities.logged_model import LoggedModel
    from mlflow.models.model import Model, ModelInfo

# The name users know from messages and filters.
_logger = logging.getLogger("mlflow.models.model")

_SAMPLED = 1000
"""So many points of an interval are asked for. Of more, a store gives some, about so many: only a
tenth is surely all there are."""


def log_model(
    kind: type[Model],
    flavor: Any,
    options: dict[str, Any],
    *,
    artifact_path: str | None,
    name: str | None,
    registered_model_name: str | None,
    await_registration_for: int,
    described: dict[str, Any],
    run_id: str | None,
    model_type: str | None,
    params: dict[str, Any] | None,
    tags: dict[str, Any] | None,
    step: int,
    model_id: str | None,
) -> ModelInfo:
    """See `Model.log`.

    Args:
        kind: The class of the description.
        options: What `flavor.save_model` takes besides `path` and `mlflow_model`.
        described: Parts of the description that callers give.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.tracking.client import MlflowClient
    from mlflow.tracking.fluent_logged_models import finalize_logged_model

    client = MlflowClient()
    name = _one_name(artifact_path, name)
    run_id = run_id or _active_run_id()
    logged = (
        client.get_logged_model(model_id)
        if model_id is not None
        else _created(client, run_id, name, tags, params, model_type)
    )
    if run_id is not None:
        _link(client, run_id, LoggedModelOutput(logged.model_id, step))
    model = kind(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        run_id=run_id,
        model_id=logged.model_id,
        **{**described, "prompts": _uris(described["prompts"])},
    )
    try:
        with _files_of(logged.artifact_location) as folder:
            flavor.save_model(path=folder, mlflow_model=model, **options)
    except BaseException:
        finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    logged = finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    info = model.get_model_info(logged)
    if registered_model_name is not None:
        from mlflow.tracking._model_registry.fluent import _register_model

        version = _register_model(
            info.model_uri,
            registered_model_name,
            await_registration_for=await_registration_for,
            tags=tags,
        )
        info.registered_model_version = version.version
    return info


def _one_name(artifact_path: str | None, name: str | None) -> str | None:
    if artifact_path is None:
        return name
    if name is not None:
        raise MlflowException.invalid_parameter_value(
            "Both `artifact_path` (deprecated) and `name` parameters were specified. "
            "Please only specify `name`."
        )
    _logger.warning("`artifact_path` is deprecated. Please use `name` instead.")
    return artifact_path


def _active_run_id() -> str | None:
    from mlflow.tracking.fluent import active_run

    run = active_run()
    return run.info.run_id if run else None


def _link(client: Any, run_id: str, output: LoggedModelOutput) -> None:
    """Note that the run made this model. What the run measured at the model's step is of the model,
    too; so is what it will measure."""
    from mlflow.entities import Metric
    from mlflow.tracking.fluent import active_run

    client.log_outputs(run_id, [output])
    active = active_run()
    if active is not None and active.info.run_id == run_id and active.outputs is not None:
        active.outputs.model_outputs.append(output)
    step = output.step
    measured = [
        Metric(each.key, each.value, each.timestamp, each.step, output.model_id)
        for last in client.get_run(run_id).data._metric_objs
        if last.step >= step  # it is the one of the highest step
        for each in _at_step(client, run_id, last.key, step)
    ]
    if measured:
        client.log_batch(run_id, metrics=measured, synchronous=True)


def _at_step(client: Any, run_id: str, key: str, step: int) -> Sequence[Metric]:
    """The points of a metric at one step. Of a long history only these are read, unless there are
    very many of them."""
    found = client._store.get_metric_history_bulk_interval([run_id], key, _SAMPLED, step, step)
    if len(found) < _SAMPLED // 10:
        return found
    return [each for each in client.get_metric_history(run_id, key) if each.step == step]


def _created(
    client: Any,
    run_id: str | None,
    name: str | None,
    tags: dict[str, Any] | None,
    params: dict[str, Any] | None,
    model_type: str | None,
) -> LoggedModel:
    from mlflow.tracking.fluent_logged_models import initialize_logged_model

    experiment_id = None
    if run_id is not None:
        run = client.get_run(run_id)
        experiment_id = run.info.experiment_id
        params = {**(params or {}), **run.data.params}
    return initialize_logged_model(
        name=name,
        source_run_id=run_id,
        tags={key: str(value) for key, value in (tags or {}).items()} or None,
        params={key: str(value) for key, value in (params or {}).items()} or None,
        model_type=model_type,
        experiment_id=experiment_id,
    )


def _uris(prompts: list[Any] | None) -> list[str] | None:
    """URIs of prompts, given as such or as objects."""
    return None if prompts is None else [getattr(each, "uri", each) for each in prompts]


@contextmanager
def _files_of(location: str) -> Iterator[str]:
    """A path for the folder of a model; what is there when the block ends without an error becomes
    the files at `location`."""
    place = Location.parse(location)
    if not place.is_local:
        with tempfile.TemporaryDirectory(prefix="headrace-") as above:
            folder = os.path.join(above, "model")
            yield folder
            get_artifact_repository(location).log_artifacts(folder)
        return
    # Beside where they will be, so that they need only be renamed.
    above = os.path.dirname(os.path.abspath(place.path))
    os.makedirs(above, exist_ok=True)
    part = part_beside(os.path.abspath(place.path))
    try:
        yield part
        _put(part, os.path.abspath(place.path))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        with suppress(OSError):  # it was there before, with something in it
            os.rmdir(above)
        raise
    shutil.rmtree(part, ignore_errors=True)


def _put(part: str, target: str) -> None:
    """Rename a folder, or what is in it if the target has files already."""
    if not os.path.isdir(target) or not os.listdir(target):
        if os.path.isdir(target):
            os.rmdir(target)
        os.rename(part, target)
        return
    for above, _, files in os.walk(part):
        below = os.path.join(target, os.path.relpath(above, part))
        os.makedirs(below, exist_ok=True)
        for name in files:
            os.replace(os.path.join(above, name), os.path.join(below, name))
