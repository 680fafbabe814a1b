"""What a served model tells Prometheus, at /metrics."""

from __future__ import annotations

import os

from starlette.responses import Response

#: Seconds; from a small model's 1 ms to a language model's minute.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """Counts the requests to one app's model."""

    def __init__(self) -> None:
        import prometheus_client as prometheus

        # a registry of its own: a process may have two apps
        self._registry = prometheus.CollectorRegistry()
        self._many = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        if not self._many:
            prometheus.ProcessCollector(registry=self._registry)
        self._requests = prometheus.Counter(
            "headrace_invocations_total",
            "Requests to the model that were answered.",
            ["status"],
            registry=self._registry,
        )
        self._seconds = prometheus.Histogram(
            "headrace_invocation_seconds",
            "From a request's arrival to its answer.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._running = prometheus.Gauge(
            "headrace_invocations_in_progress",
            "Requests that are waiting or being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def came(self) -> None:
        """A request begins."""
        self._running.inc()

    def went(self, status: int, seconds: float) -> None:
        """It was answered."""
        self._running.dec()
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def answer(self) -> Response:
        """The counts, in Prometheus' text format."""
        import prometheus_client as prometheus

        registry = self._registry
        if self._many:
            from prometheus_client import multiprocess

            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return Response(
            prometheus.generate_latest(registry), media_type=prometheus.CONTENT_TYPE_LATEST
        )
