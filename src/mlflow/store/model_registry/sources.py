"""What a version's source stands for: the folder with its files, its run and its logged model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS
from mlflow.utils.models_uri import parse_models_uri


class Origin(NamedTuple):
    """Where a version comes from."""

    location: str | None
    """The folder with its files: never a `models:` URI."""
    run_id: str | None
    model_id: str | None


def origin_of(
    source: str | None,
    run_id: str | None,
    model_id: str | None,
    *,
    tracking: Callable[[], Any],
    download_uri: Callable[[str, str], str],
) -> Origin:
    """Where a version comes from, by what is said of it.

    Args:
        tracking: The store that knows logged models.
        download_uri: `get_model_version_download_uri` of the registry.

    Raises:
        MlflowException: If there is no such logged model or version.
    """
    location = source
    if source is not None and source.lower().startswith("models:"):
        uri = parse_models_uri(source)
        if uri.model_id is not None and not uri.path:
            model_id = model_id or uri.model_id
            location = tracking().get_logged_model(uri.model_id).artifact_location
        elif uri.version is not None and not uri.path:
            try:
                location = download_uri(uri.name, uri.version)
            except MlflowException as e:
                raise MlflowException(
                    "Unable to fetch model from model URI source artifact location "
                    f"'{source}'. Error: {e.message}",
                    error_code=CODES[e.error_code],
                ) from e
        else:
            raise MlflowException.invalid_parameter_value(
                f"Invalid model version source '{source}': as a source, a `models:` URI names a "
                "version ('models:/name/1') or a logged model ('models:/m-…')."
            )
    if model_id is not None:
        # The one that was named has to be there, whatever the source is.
        logged = tracking().get_logged_model(model_id)
        run_id = run_id or logged.source_run_id
    return Origin(location, run_id or None, model_id)


def with_version(value: str | None, name: str, version: str | int) -> str:
    """The tag of a logged model that lists the versions made of it, with one more.

    Args:
        value: Of the tag so far.
    """
    try:
        there = json.loads(value or "[]")
    except ValueError:
        there = []
    one = {"name": name, "version": int(version)}
    return json.dumps(there if one in there else [*there, one])


def link_logged_model(store: Any, model_id: str, name: str, version: str | int) -> None:
    """Let a logged model of a tracking store know that a version was made of it."""
    from mlflow.entities import LoggedModelTag

    value = store.get_logged_model(model_id).tags.get(MLFLOW_MODEL_VERSIONS)
    tag = LoggedModelTag(MLFLOW_MODEL_VERSIONS, with_version(value, name, version))
    store.set_logged_model_tags(model_id, [tag])
