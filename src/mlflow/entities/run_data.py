from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities.metric import Metric
from mlflow.entities.param import Param
from mlflow.entities.run_tag import RunTag


class RunData(_MlflowObject):
    """What a run logged: the last value of each metric, its params and tags."""

    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]

    def __init__(
        self,
        metrics: list[Metric] | None = None,
        params: list[Param] | None = None,
        tags: list[RunTag] | None = None,
    ):
        self._metric_objs = list(metrics or ())
        self._metrics = {metric.key: metric.value for metric in self._metric_objs}
        self._params = {param.key: param.value for param in params or ()}
        self._tags = {tag.key: tag.value for tag in tags or ()}

    @classmethod
    def _of(cls, metrics: list[Metric], params: dict[str, str], tags: dict[str, str]) -> RunData:
        """The same without an object for each param and tag; the arguments become its own."""
        data = cls.__new__(cls)
        data._metric_objs = metrics
        data._metrics = {metric._key: metric._value for metric in metrics}
        data._params = params
        data._tags = tags
        return data

    def _add_metric(self, metric: Metric) -> None:
        self._metrics[metric.key] = metric.value
        self._metric_objs.append(metric)

    def _add_param(self, param: Param) -> None:
        self._params[param.key] = param.value

    def _add_tag(self, tag: RunTag) -> None:
        self._tags[tag.key] = tag.value

    def to_dictionary(self) -> dict[str, Any]:
        """Metrics, params and tags, each by key."""
        return {"metrics": self._metrics, "params": self._params, "tags": self._tags}
