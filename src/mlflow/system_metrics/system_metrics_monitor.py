from __future__ import annotations

import threading
import time
from collections import deque

from mlflow.environment_variables import (
    MLFLOW_SYSTEM_METRICS_NODE_ID,
    MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING,
    MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL,
)
from mlflow.system_metrics.metrics import TOTALS, Probe, probes
from mlflow.utils.logging_utils import get_logger

_logger = get_logger(__name__)
_MOST_UNSENT = 10_000
"""Points kept while the server is away; older ones are dropped."""
_STATUS_CHECK_SECONDS = 30
_FINISH_SECONDS = 5
"""Longest that `finish` waits for a point that is just being sent."""


class SystemMetricsMonitor:
    """Logs the load of this machine to a run, from a thread of its own, until `finish`.

    Nothing that goes wrong there is raised: it is told once in the log, and the rest goes on.

    Args:
        run_id: The run; it must exist already.
        sampling_interval: Seconds between two looks at the machine.
        samples_before_logging: Samples that make one point, by their mean.
        resume_logging: The run has system metrics already; go on with the step after the last.
        node_id: Name of this machine in the metric names, `system/<node_id>/…`.
        tracking_uri: Where the run is; None for the current tracking URI.

    The environment variables MLFLOW_SYSTEM_METRICS_* win over these arguments.
    """

    def __init__(
        self,
        run_id: str,
        sampling_interval: float = 10,
        samples_before_logging: int = 1,
        resume_logging: bool = False,
        node_id: str | None = None,
        tracking_uri: str | None = None,
    ):
        from mlflow.tracking.client import MlflowClient

        self.monitors: list[Probe] = probes()
        self.sampling_interval = MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or sampling_interval
        self.samples_before_logging = (
            MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING.get() or samples_before_logging
        )
        self.node_id = MLFLOW_SYSTEM_METRICS_NODE_ID.get() or node_id
        self.mlflow_logger = MlflowClient(tracking_uri)
        self._run_id = run_id
        self._prefix = f"system/{self.node_id}/" if self.node_id else "system/"
        self._step = self._next_step() if resume_logging else 0
        self._samples: dict[str, list[float]] = {}
        self._unsent: deque = deque(maxlen=_MOST_UNSENT)
        self._told: set[object] = set()
        self._status_checked = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._thread = threading.Thread(
            target=self.monitor, name="SystemMetricsMonitor", daemon=True
        )
        self._thread.start()

    def monitor(self) -> None:
        """Sample and log until `finish`, or until someone else has ended the run."""
        collected = 0
        while not self._stop.wait(self.sampling_interval):
            self.collect_metrics()
            collected += 1
            if collected % self.samples_before_logging == 0:
                if self._run_is_over():
                    return
                self.publish_metrics(self.aggregate_metrics())

    def collect_metrics(self) -> dict[str, list[float]]:
        """Take one sample; all samples since the last point, by metric name."""
        for probe in self.monitors:
            try:
                for name, value in probe().items():
                    self._samples.setdefault(name, []).append(value)
            except Exception as error:  # a driver may fail in any way, and may recover
                self._tell_once(probe, "A system metric cannot be measured", error)
        return self._samples

    def aggregate_metrics(self) -> dict[str, float]:
        """The point that the samples make, by metric name."""
        return {
            name: values[-1] if name in TOTALS else round(sum(values) / len(values), 1)
            for name, values in self._samples.items()
        }

    def publish_metrics(self, metrics: dict[str, float]) -> None:
        """Log a point at the next step, and those that could not be logged before.

        Args:
            metrics: Values by name, without the prefix `system/`.
        """
        from mlflow.entities.metric import Metric

        now = int(time.time() * 1000)
        for name, value in metrics.items():
            self._unsent.append(Metric(self._prefix + name, value, now, self._step))
        self._step += 1
        self._samples.clear()
        try:
            self.mlflow_logger.log_batch(self._run_id, metrics=list(self._unsent), synchronous=True)
        except Exception as error:  # the server is away: training must not notice
            self._tell_once("sending", "System metrics cannot be logged now, and are kept", error)
        else:
            self._unsent.clear()

    def finish(self) -> None:
        """Stop. Samples that don't make a whole point are dropped."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_FINISH_SECONDS)
            self._thread = None

    def _next_step(self) -> int:
        """The step after the last one logged."""
        names = self.mlflow_logger.get_run(self._run_id).data.metrics
        logged = [name for name in names if name.startswith("system/")]
        own = [name for name in logged if name.startswith(self._prefix)]
        if not logged:
            return 0
        history = self.mlflow_logger.get_metric_history(self._run_id, (own or logged)[0])
        return max(metric.step for metric in history) + 1

    def _run_is_over(self) -> bool:
        now = time.monotonic()
        if now - self._status_checked < _STATUS_CHECK_SECONDS:
            return False
        self._status_checked = now
        from mlflow.entities.run_status import RunStatus

        try:
            status = self.mlflow_logger.get_run(self._run_id).info.status
            return RunStatus.is_terminated(RunStatus.from_string(status))
        except Exception:  # not known now; publishing will tell what is wrong
            return False

    def _tell_once(self, what: object, message: str, error: Exception) -> None:
        if what not in self._told:
            self._told.add(what)
            _logger.warning("%s: %s", message, error)
