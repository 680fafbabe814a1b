from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities.logged_model_parameter import LoggedModelParameter
from mlflow.entities.logged_model_status import LoggedModelStatus
from mlflow.entities.logged_model_tag import LoggedModelTag
from mlflow.entities.metric import Metric

_SETTABLE = (
    "experiment_id",
    "model_id",
    "name",
    "artifact_location",
    "last_updated_timestamp",
    "model_type",
    "status",
    "metrics",
)


class LoggedModel(_MlflowObject, settable=_SETTABLE):
    """A model as a store knows it: what it is, where its files are, how it did."""

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    """URI of the directory with its files."""
    creation_timestamp: int
    """Milliseconds since the Unix epoch."""
    last_updated_timestamp: int
    """Milliseconds since the Unix epoch."""
    model_type: str | None
    """Whatever the user called it, such as "agent"."""
    source_run_id: str | None
    """The run that made it."""
    status: LoggedModelStatus
    status_message: str | None
    tags: dict[str, str]
    params: dict[str, str]
    metrics: list[Metric] | None

    def __init__(
        self,
        experiment_id: str,
        model_id: str,
        name: str,
        artifact_location: str,
        creation_timestamp: int,
        last_updated_timestamp: int,
        model_type: str | None = None,
        source_run_id: str | None = None,
        status: LoggedModelStatus | int = LoggedModelStatus.READY,
        status_message: str | None = None,
        tags: list[LoggedModelTag] | dict[str, str] | None = None,
        params: list[LoggedModelParameter] | dict[str, str] | None = None,
        metrics: list[Metric] | None = None,
    ):
        if not isinstance(status, LoggedModelStatus):
            status = LoggedModelStatus.from_int(status)
        self._experiment_id = experiment_id
        self._model_id = model_id
        self._name = name
        self._artifact_location = artifact_location
        self._creation_timestamp = creation_timestamp
        self._last_updated_timestamp = last_updated_timestamp
        self._model_type = model_type
        self._source_run_id = source_run_id
        self._status = status
        self._status_message = status_message
        self._tags = _by_key(tags)
        self._params = _by_key(params)
        self._metrics = metrics

    @property
    def model_uri(self) -> str:
        """What `load_model` takes."""
        return f"models:/{self._model_id}"

    def _add_tag(self, tag: LoggedModelTag) -> None:
        self._tags[tag.key] = tag.value

    def to_dictionary(self) -> dict[str, Any]:
        """The parts by name, the status as its number; without `model_uri`."""
        parts = dict(self)
        parts.pop("model_uri")
        parts["status"] = self._status.to_int()
        return parts

    def __repr__(self) -> str:
        # Tags, params and metrics can be very many.
        shown = {k: part for k, part in self if k not in ("tags", "params", "metrics")}
        return f"LoggedModel({', '.join(f'{name}={part!r}' for name, part in shown.items())})"


def _by_key(
    pairs: list[LoggedModelTag] | list[LoggedModelParameter] | dict[str, str] | None,
) -> dict[str, str]:
    if isinstance(pairs, dict):
        return pairs
    return {pair.key: pair.value for pair in pairs or ()}
