"""Metrics from anywhere in a process, collected for all runs and sent in batches."""

from __future__ import annotations

from collections import defaultdict
from threading import RLock

from mlflow.entities import Metric

#: It is sent when it is this long.
_MAX_METRIC_QUEUE_SIZE = 500

_metrics_queue: list[tuple[str, Metric]] = []
_metrics_queue_lock = RLock()


def add_to_metrics_queue(key: str, value: float, step: int, time: int, run_id: str) -> None:
    """Add one value; send all when there are many.

    Args:
        time: Milliseconds since the Unix epoch.
    """
    with _metrics_queue_lock:
        _metrics_queue.append((run_id, Metric(key, value, time, step)))
        if len(_metrics_queue) <= _MAX_METRIC_QUEUE_SIZE:
            return
    flush_metrics_queue()


def flush_metrics_queue() -> None:
    """Send all."""
    from mlflow.tracking.client import MlflowClient

    with _metrics_queue_lock:
        runs = defaultdict(list)
        for run_id, metric in _metrics_queue:
            runs[run_id].append(metric)
        _metrics_queue.clear()
        client = MlflowClient()
        for run_id, metrics in runs.items():
            client.log_batch(run_id, metrics=metrics)
