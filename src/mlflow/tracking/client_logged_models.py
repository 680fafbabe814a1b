"""The client's methods for logged models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mlflow.entities import LoggedModel, LoggedModelParameter, LoggedModelStatus, LoggedModelTag
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, _validate_length_limit

if TYPE_CHECKING:
    from mlflow.entities import FileInfo
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.store.entities.paged_list import PagedList


class LoggedModelsClient:
    """Base of `MlflowClient`."""

    _store: Any
    _tracking_uri: str

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """A new logged model in state PENDING.

        Args:
            name: Need not be unique; None for a random one.
            source_run_id: The run that makes it.
            tags: Values are stored as their `str()`; so are those of params.
            model_type: Whatever you call it, such as "agent".
        """
        return self._store.create_logged_model(
            experiment_id=str(experiment_id),
            name=name,
            source_run_id=source_run_id,
            tags=_tags(tags) if tags is not None else tags,
            params=_params(params) if params is not None else params,
            model_type=model_type,
        )

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """The logged model with all that was logged about it.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none, or it is deleted.
        """
        _check_model_id(model_id)
        return self._store.get_logged_model(model_id)

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """One page of the logged models that match, newest first unless `order_by` says otherwise.

        Args:
            filter_string: Comparisons joined by AND, such as
                `metrics.loss < 0.3 AND params.depth = '3' AND name LIKE 'tree%'`.
            datasets: Such as `[{"dataset_name": "eval", "dataset_digest": "1a2b"}]`: metrics count
                only if they were measured on one of these. The digest may be left out.
            order_by: Such as `[{"field_name": "metrics.loss", "ascending": True}]`, with
                `dataset_name` and `dataset_digest` to look only at what was measured on that.
            page_token: `.token` of the page before.
        """
        if not isinstance(experiment_ids, (list, tuple)) or not all(
            isinstance(experiment_id, (str, int)) for experiment_id in experiment_ids
        ):
            raise MlflowException.invalid_parameter_value(
                f"experiment_ids must be a list of strings, got {type(experiment_ids)}"
            )
        return self._store.search_logged_models(
            [str(experiment_id) for experiment_id in experiment_ids],
            filter_string,
            datasets,
            max_results,
            order_by,
            page_token,
        )

    def finalize_logged_model(
        self, model_id: str, status: Literal["READY", "FAILED"] | LoggedModelStatus
    ) -> LoggedModel:
        """Say that a logged model is complete, or that it failed; the model as it is then."""
        _check_model_id(model_id)
        return self._store.finalize_logged_model(model_id, LoggedModelStatus(status))

    def delete_logged_model(self, model_id: str) -> None:
        """Delete a logged model. It cannot be restored; `mlflow gc` removes its files."""
        _check_model_id(model_id)
        self._store.delete_logged_model(model_id)

    def set_logged_model_tags(self, model_id: str, tags: dict[str, Any]) -> None:
        """Set tags to the `str()` of these values.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such model.
        """
        _check_model_id(model_id)
        hint = "A version of a registered model has tags of its own: `set_model_version_tag`."
        self._check_there(model_id, hint)
        self._store.set_logged_model_tags(model_id, _tags(tags))

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        _check_model_id(model_id)
        self._store.delete_logged_model_tag(model_id, key)

    def log_model_params(self, model_id: str, params: dict[str, str]) -> None:
        """Set params once and for all, to the `str()` of these values.

        Raises:
            MlflowException: BAD_REQUEST if one has another value already;
                INVALID_PARAMETER_VALUE if there is no such model.
        """
        _check_model_id(model_id)
        self._check_there(model_id, "Versions of registered models have no params.")
        self._store.log_logged_model_params(model_id, _params(params))

    def _check_there(self, model_id: str, hint: str) -> None:
        try:
            self._store.get_logged_model(model_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise MlflowException.invalid_parameter_value(
                f"There is no logged model with the ID {model_id}, or it is deleted. {hint}"
            ) from error

    # Artifacts of logged models

    def log_model_artifact(
        self, model_id: str, local_path: str, artifact_path: str | None = None
    ) -> None:
        """Store a file among those of a logged model.

        Args:
            artifact_path: Directory to put it in; None for the topmost.
        """
        self._artifacts_of_model(model_id).log_artifact(local_path, artifact_path)

    def log_model_artifacts(
        self, model_id: str, local_dir: str, artifact_path: str | None = None
    ) -> None:
        """Store all that is in a directory; see `log_model_artifact`."""
        self._artifacts_of_model(model_id).log_artifacts(local_dir, artifact_path)

    def list_logged_model_artifacts(self, model_id: str, path: str | None = None) -> list[FileInfo]:
        """The files and directories right below `path`, or below the topmost directory."""
        return self._artifacts_of_model(model_id).list_artifacts(path)

    def _artifacts_of_model(self, model_id: str) -> ArtifactRepository:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        location = self.get_logged_model(model_id).artifact_location
        return get_artifact_repository(location, tracking_uri=self._tracking_uri)


def _check_model_id(model_id: Any) -> None:
    if not isinstance(model_id, str) or not model_id:
        raise MlflowException.invalid_parameter_value(
            f"`model_id` must be a non-empty string, but got {model_id!r}"
        )


def _tags(tags: Mapping[str, Any]) -> list[LoggedModelTag]:
    return [LoggedModelTag(str(key), str(value)) for key, value in tags.items()]


def _params(params: Mapping[str, Any]) -> list[LoggedModelParameter]:
    return [
        LoggedModelParameter(
            str(key),
            _validate_length_limit("Param value", MAX_PARAM_VAL_LENGTH, str(value), truncate=True)
            or "",
        )
        for key, value in params.items()
    ]
