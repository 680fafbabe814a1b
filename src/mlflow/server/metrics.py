"""What the server tells Prometheus, at /metrics.

Requests are counted by what they ask for, not by path: a path holds ids, and each id would be a
time series of its own. Nothing here names a user, a run or a file.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mlflow.server.rpc_routes import App

#: Seconds; from a metric's 1 ms to an upload's minute.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_between_processes(folder: str | None) -> None:
    """Let several processes count together. To be called before any of them is started.

    Args:
        folder: Where they keep their counts, made if it is not there; None for a temporary one,
            which goes when this process ends.
    """
    if folder:
        os.makedirs(folder, exist_ok=True)
    else:
        folder = tempfile.mkdtemp(prefix="headrace-metrics-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_FOLDER] = folder


class Metrics:
    """Counts the requests that pass through it.

    Args:
        app: Answers them.
        prefix: Of all paths.
    """

    def __init__(self, app: App, prefix: str = ""):
        import prometheus_client as prometheus

        self._app = app
        self._prefix = prefix
        # a registry of its own: a process may have two apps
        self._registry = prometheus.CollectorRegistry()
        if _FOLDER not in os.environ:
            prometheus.ProcessCollector(registry=self._registry)
        self._requests = prometheus.Counter(
            "headrace_requests_total",
            "Requests that were answered.",
            ["method", "request", "status"],
            registry=self._registry,
        )
        self._seconds = prometheus.Histogram(
            "headrace_request_seconds",
            "From a request's arrival to the end of its answer.",
            ["request"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._running = prometheus.Gauge(
            "headrace_requests_in_progress",
            "Requests that are being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status = 0

        async def note(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        self._running.inc()
        try:
            await self._app(scope, receive, note)
        finally:
            self._running.dec()
            method = scope["method"]
            name = scope.get("rpc") or self._kind(scope["path"])
            if method not in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
                method = "other"  # a caller's own words would each be a time series
            self._requests.labels(method, name, str(status)).inc()
            self._seconds.labels(name).observe(time.perf_counter() - began)

    def _kind(self, path: str) -> str:
        path = path.removeprefix(self._prefix)
        if path.startswith("/static/"):
            return "pages"
        if "artifact" in path:
            return "artifacts"
        if path.startswith(("/api/", "/ajax-api/")):
            return "other RPC"
        if path in ("/health", "/livez", "/readyz", "/version", "/metrics"):
            return path[1:]
        return "pages"

    async def answer(self, request: Request) -> Response:
        """The counts, in Prometheus' text format."""
        import prometheus_client as prometheus

        registry = self._registry
        if _FOLDER in os.environ:
            from prometheus_client import multiprocess

            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return Response(
            prometheus.generate_latest(registry), media_type=prometheus.CONTENT_TYPE_LATEST
        )
