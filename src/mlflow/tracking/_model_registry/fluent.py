"""The functions of `mlflow` that are about the model registry."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
)
from mlflow.tracking.client import MlflowClient
from mlflow.tracking.client_registry import DEFAULT_AWAIT_MAX_SLEEP_SECONDS
from mlflow.utils.logging_utils import eprint
from mlflow.utils.models_uri import parse_models_uri
from mlflow.utils.uri import get_uri_scheme

_MODEL_FILE = "MLmodel"
_ENV_PACKS = "databricks_model_serving"


class _Source(NamedTuple):
    """What a version is made of."""

    uri: str
    run_id: str | None = None
    model_id: str | None = None


def register_model(
    model_uri,
    name,
    await_registration_for=DEFAULT_AWAIT_MAX_SLEEP_SECONDS,
    *,
    tags: dict[str, Any] | None = None,
    env_pack: Any = None,
) -> ModelVersion:
    """A new version of the registered model `name`, which is made if there is none.

    Args:
        model_uri: `runs:/<run id>/path`, `models:/<id of a logged model>`, `models:/name/version`,
            or the path or URI of a folder with a model.
        await_registration_for: How many seconds to wait until the version is ready; None or 0 not
            to wait.
        tags: Of the version; values are stored as their `str()`.
        env_pack: Of a hosted product; not supported.

    Example:
        >>> mlflow.register_model("runs:/8f3c…/model", "iris")  # doctest: +SKIP
    """
    return _register_model(model_uri, name, await_registration_for, tags=tags, env_pack=env_pack)


def _register_model(
    model_uri: Any,
    name: str,
    await_registration_for: int | None = DEFAULT_AWAIT_MAX_SLEEP_SECONDS,
    *,
    tags: dict[str, Any] | None = None,
    local_model_path: str | None = None,
    env_pack: Any = None,
) -> ModelVersion:
    if env_pack is not None:
        raise MlflowException.invalid_parameter_value(
            f"Invalid env_pack value: {env_pack!r}. Expected: '{_ENV_PACKS}', which belongs to a "
            "hosted product and is not supported here; leave it out."
        )
    client = MlflowClient()
    source = _source_of(client, str(model_uri))
    try:
        client.create_registered_model(name)
        eprint(f"Successfully registered model '{name}'.")
    except MlflowException as e:
        if e.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
            raise
        eprint(f"Registered model '{name}' already exists. Creating a new version of this model...")
    version = client.create_model_version(
        name,
        source.uri,
        source.run_id,
        tags=tags,
        await_creation_for=await_registration_for,
        model_id=source.model_id,
    )
    eprint(f"Created version '{version.version}' of model '{version.name}'.")
    return version


def _source_of(client: MlflowClient, uri: str) -> _Source:
    scheme = get_uri_scheme(uri)
    if scheme == "runs":
        return _source_in_run(client, uri)
    if scheme == "models":
        model_id = parse_models_uri(uri).model_id
        if model_id is not None:
            return _logged_model(client, model_id)
    return _Source(uri)


def _logged_model(client: MlflowClient, model_id: str) -> _Source:
    run_id = client.get_logged_model(model_id).source_run_id
    return _Source(f"models:/{model_id}", run_id or None, model_id)


def _source_in_run(client: MlflowClient, uri: str) -> _Source:
    """The model at a path of a run: among the run's files, or one that it has logged by this
    name."""
    run_id, path = RunsArtifactRepository.parse_runs_uri(uri)
    run = client.get_run(run_id)
    folder = (path or "").rstrip("/")
    model_file = f"{folder}/{_MODEL_FILE}" if folder else _MODEL_FILE
    # Not `list_artifacts`, which also shows what is in logged models.
    files = client._artifacts_of(run_id).list_artifacts(folder or None)
    if any(info.path == model_file for info in files):
        return _Source(RunsArtifactRepository.get_underlying_uri(uri, client.tracking_uri), run_id)
    outputs = run.outputs.model_outputs if run.outputs else ()
    for output in reversed(list(outputs or ())):
        if client.get_logged_model(output.model_id).name == folder:
            return _logged_model(client, output.model_id)
    raise MlflowException(
        f"Unable to find a logged_model with artifact_path {path} under run {run_id}: there is "
        f"neither a file '{model_file}' nor a model that the run has logged by this name."
    )


def search_registered_models(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[RegisteredModel]:
    """All registered models that match, by name unless `order_by` says otherwise.

    Args:
        max_results: At most so many; None for all.
        filter_string: Such as `name LIKE 'iris%' AND tags.team = 'core'`.
    """
    client = MlflowClient()
    return _all(
        lambda size, token: client.search_registered_models(filter_string, size, order_by, token),
        max_results,
        SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
    )


def search_model_versions(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[ModelVersion]:
    """All versions that match, the last changed first unless `order_by` says otherwise.

    Args:
        max_results: At most so many; None for all.
        filter_string: Such as `name = 'iris' AND version_number > 3`.
    """
    client = MlflowClient()
    return _all(
        lambda size, token: client.search_model_versions(filter_string, size, order_by, token),
        max_results,
        SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    )


def _all(search: Any, max_results: int | None, page_size: int) -> list[Any]:
    found: list[Any] = []
    token = None
    while max_results is None or len(found) < max_results:
        left = page_size if max_results is None else min(page_size, max_results - len(found))
        page = search(left, token)
        found += page
        token = page.token
        if not token:
            break
    return found


def set_model_version_tag(
    name: str, version: str | None = None, key: str | None = None, value: Any = None
) -> None:
    """Set a tag of a version to `str(value)`, in place of the value it had."""
    MlflowClient().set_model_version_tag(name, version, key, value)
