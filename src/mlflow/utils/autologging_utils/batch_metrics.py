"""Metrics of a training loop, sent in batches so that sending takes a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlflow.entities import Metric
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.validation import MAX_METRICS_PER_BATCH

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

#: Sending may take one part in that many of the time between two batches.
_SHARE = 10


class BatchMetricsLogger:
    """Collects metrics of one run and sends them now and then.

    Args:
        run_id: None for the active run.
        tracking_uri: None for the current one.
        model_id: The logged model that is measured.
    """

    def __init__(
        self,
        run_id: str | None = None,
        tracking_uri: str | None = None,
        model_id: str | None = None,
    ):
        from mlflow.tracking.client import MlflowClient

        self.run_id = run_id
        self.model_id = model_id
        self.client: MlflowClient = MlflowClient(tracking_uri)
        self.data: list[Metric] = []
        self.total_training_time = 0.0
        self.total_log_batch_time = 0.0
        self.previous_training_timestamp: float | None = None

    def flush(self) -> None:
        """Send what was collected."""
        self._timed_log_batch()
        self.data = []

    def _timed_log_batch(self) -> None:
        from mlflow.tracking import fluent

        run_id = self.run_id or fluent.active_run().info.run_id
        start = time.time()
        for i in range(0, len(self.data), MAX_METRICS_PER_BATCH):
            self.client.log_batch(run_id, metrics=self.data[i : i + MAX_METRICS_PER_BATCH])
        self.total_log_batch_time += time.time() - start

    def _should_flush(self) -> bool:
        return self.total_training_time >= _SHARE * self.total_log_batch_time

    def record_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Add values; None for step 0."""
        now = time.time()
        if self.previous_training_timestamp is None:
            self.previous_training_timestamp = now
        self.total_training_time += now - self.previous_training_timestamp
        moment = get_current_time_millis()
        self.data += [
            Metric(key, value, moment, step or 0, self.model_id) for key, value in metrics.items()
        ]
        if self._should_flush():
            self.flush()
        self.previous_training_timestamp = now


@contextmanager
def batch_metrics_logger(
    run_id: str | None = None, model_id: str | None = None
) -> Iterator[BatchMetricsLogger]:
    """A `BatchMetricsLogger` for the block; what is left is sent at its end, also after an error.

    Args:
        run_id: None for the active run.
    """
    logger = BatchMetricsLogger(run_id, model_id=model_id)
    try:
        yield logger
    finally:
        if logger.data:
            logger.flush()
